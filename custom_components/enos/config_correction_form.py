"""The form that corrects one measurepoint: its fields, and what is made of the answers.

What is shown is what is in effect. What a person leaves as it is shown is not kept, so that it
goes on following the model; what is emptied is the model's again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from homeassistant.components.sensor.const import SensorStateClass
from homeassistant.const import CONF_DEVICE, CONF_NAME, CONF_OPTIONS
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import probatio

from .api.models import DataType, Measurepoint
from .checks import did_you_mean
from .config_correction_fields import (
    AS_GIVEN,
    CLASSES,
    CONF_BOOL_FORM,
    CONF_DEVICE_CLASS,
    CONF_FORGET,
    CONF_KIND,
    CONF_MAXIMUM,
    CONF_MINIMUM,
    CONF_OFF,
    CONF_ON,
    CONF_PRESS,
    CONF_STALE,
    CONF_STATE_CLASS,
    CONF_STEP,
    CONF_SWAPPED,
    DEVICE_CLASSES,
    MOST_OPTIONS,
    NUMBER,
    SECONDS,
    UNITS,
    VALUES,
    FieldProblem,
    Subject,
    choice,
    entered_in,
    layout,
    lines_of,
    split_option,
    text_of,
)
from .config_steps import list_selector
from .const import CONF_UNIT
from .corrections import Correction
from .mapping import NO_CLASS, Kind, option_labels, pressing_value, switching_values
from .units import resolve
from .values import EncodeError, Value, code_of, encode, limits, parse

type Words = Callable[[Kind, str, str], str]
"""Names a value of the field `kind`, or of one of the fields for classes of a kind."""


class CorrectionForm:
    """The form of one point; it remembers what was entered while it comes again and again."""

    def __init__(
        self, subject: Subject, *, devices: Mapping[str, str], words: Words
    ) -> None:
        """Show what is in effect.

        `devices` may be made exceptions, by asset id; `words` names what Home Assistant has
        names for.
        """
        self.subject = subject
        self._texts = words
        self._devices = devices
        self._kind = subject.kind(subject.said)
        self._shown = self._in_effect(self._kind)
        self._entered: dict[str, Any] = {}

    @property
    def _fields(self) -> tuple[str, ...]:
        """The fields of the point; those about the correction itself come after them."""
        said = self.subject.described(self.subject.said)
        return layout(
            self.subject,
            self._kind,
            named=said is not None and bool(said.options),
        )

    def _in_effect(self, kind: Kind) -> dict[str, Any]:
        """Return what is in effect, field by field, as the form shows it for a kind."""
        subject, said = self.subject, self.subject.said
        point, description = subject.corrected(said), subject.described(said)
        shown: dict[str, Any] = {
            CONF_KIND: kind.value,
            CONF_NAME: subject.name(said),
            CONF_PRESS: text_of(pressing_value(point)),
        }
        on_value, off_value = switching_values(point)
        shown |= {CONF_ON: text_of(on_value), CONF_OFF: text_of(off_value)}
        shown[CONF_SWAPPED] = on_value is False
        if description is None:
            return shown
        form = {None: AS_GIVEN, False: "number", True: "boolean"}
        options = description.options or tuple(
            (option_labels(point, subject.language) if point.enum else {}).items()
        )
        shown |= {
            CONF_BOOL_FORM: form[description.bool_as_json],
            CONF_STALE: description.stale_after,
            CONF_OPTIONS: lines_of(options),
        }
        if description.kind is not kind:
            # Classes of one platform mean nothing to another.
            return shown | dict.fromkeys(CLASSES, NO_CLASS)
        lowest, highest = limits(point)
        # The ends of the type are no range that anybody chose.
        minimum = None if description.minimum == lowest else description.minimum
        maximum = None if description.maximum == highest else description.maximum
        return shown | {
            CONF_UNIT: description.unit or NO_CLASS,
            CONF_DEVICE_CLASS: description.device_class or NO_CLASS,
            CONF_STATE_CLASS: description.state_class or NO_CLASS,
            CONF_MINIMUM: minimum,
            CONF_MAXIMUM: maximum,
            CONF_STEP: description.step,
        }

    # The fields.

    def schema(self) -> probatio.Schema:
        """Return the fields."""
        fields: dict[probatio.Marker, object] = {
            probatio.Optional(name): self._selector(name) for name in self._fields
        }
        if self._devices:
            fields[probatio.Optional(CONF_DEVICE)] = list_selector(
                self._devices, multiple=False
            )
        if self.subject.said:
            fields[probatio.Optional(CONF_FORGET)] = BooleanSelector()
        return probatio.Schema(fields)

    def values(self) -> dict[str, Any]:
        """Return what the fields hold: what was entered, else what is in effect."""
        held = {**self._shown, **self._entered}
        return {name: value for name, value in held.items() if value is not None}

    def _selector(self, name: str) -> object:
        """Return the selector of a field."""
        subject = self.subject
        match name:
            case "kind":
                return choice([kind.value for kind in subject.kinds], CONF_KIND)
            case "bool_form":
                return choice([AS_GIVEN, "number", "boolean"], CONF_BOOL_FORM)
            case "swapped":
                return BooleanSelector()
            case "unit":
                return self._unit_selector()
            case "device_class" | "state_class":
                return self._class_selector(name)
            case "minimum" | "maximum" | "step":
                return NUMBER
            case "stale_after":
                return SECONDS
            case "options":
                return TextSelector(TextSelectorConfig(multiline=True))
            case "on_value" | "off_value" | "press_value":
                return self._value_selector()
        return TextSelector()

    def _unit_selector(self) -> SelectSelector:
        """Return a list of units, in which others can be entered."""
        own = (
            resolve(self.subject.point.unit, self.subject.point.multiplier).text,
            self._shown.get(CONF_UNIT),
            self._entered.get(CONF_UNIT),
        )
        first = dict.fromkeys(unit for unit in (NO_CLASS, *own) if unit)
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=unit, label=unit)
                    for unit in dict.fromkeys((*first, *UNITS))
                ],
                custom_value=True,
                translation_key="correction_unit",
                mode=SelectSelectorMode.DROPDOWN,
            )
        )

    def _class_selector(self, name: str) -> SelectSelector:
        """Return the classes that would be accepted now, and what was entered."""
        possible: Iterable[str] = SensorStateClass
        if name == CONF_DEVICE_CLASS:
            possible = DEVICE_CLASSES[self._kind]
        now = self._said(self._kind, (CONF_UNIT, CONF_DEVICE_CLASS))
        if self.subject.point.data_type is DataType.STRING and not now.state_class:
            # A text has a class once it is said to carry a number.
            now = replace(now, state_class=SensorStateClass.MEASUREMENT.value)
        accepted = [
            value for value in map(str, possible) if self._accepts(now, name, value)
        ]
        held = (self._shown.get(name), self._entered.get(name))
        listed = sorted(
            dict.fromkeys((*accepted, *(value for value in held if value))),
            key=lambda value: (value != NO_CLASS, self._words(name, value).casefold()),
        )
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=value, label=self._words(name, value))
                    for value in dict.fromkeys((NO_CLASS, *listed))
                ],
                translation_key=f"correction_{name}",
                mode=SelectSelectorMode.DROPDOWN,
            )
        )

    def _said(self, kind: Kind, names: Iterable[str]) -> Correction:
        """Return what was said, and these fields as they were entered, unless they are bad."""
        said = replace(self.subject.said, kind=kind)
        for name in names:
            if self._touched(name):
                try:
                    said = replace(said, **self._changes(name))
                except FieldProblem:
                    continue
        return said

    def _accepts(self, said: Correction, name: str, value: str) -> bool:
        """Tell whether a class would be taken."""
        wanted: dict[str, Any] = {name: value}
        said = replace(said, **wanted)
        subject = self.subject
        return getattr(subject.described(said), name, None) == value and not any(
            problem.field == name for problem in subject.problems(said)
        )

    def _value_selector(self) -> SelectSelector | TextSelector:
        """Return a field for a value of the point: one of its codes, where it has some."""
        point = self.subject.corrected(self.subject.said)
        codes = dict(self.subject.labels) or option_labels(point, self.subject.language)
        if point.data_type is DataType.BOOL:
            codes = {
                code_of(truth): point.bool_labels.get(truth, "")
                for truth in (True, False)
            }
        elif point.data_type is not DataType.ENUM or not codes:
            return TextSelector()
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(
                        value=code,
                        label=f"{code} = {label}" if label else code,
                    )
                    for code, label in codes.items()
                ],
                mode=SelectSelectorMode.DROPDOWN,
            )
        )

    # The answers.

    def read(self, user_input: Mapping[str, Any]) -> tuple[str, Correction]:
        """Return what is to be said, and of which device (empty for what the form is about).

        Nothing is said where the correction is to be forgotten. Raises `FieldProblem`, and
        shows then what is missing.
        """
        fields = self._fields
        for name in (*fields, CONF_DEVICE, CONF_FORGET):
            self._entered[name] = entered_in(name, user_input.get(name))
        if self._entered[CONF_FORGET]:
            return "", Correction()
        asset_id = self._entered[CONF_DEVICE] or ""
        subject = self.subject
        if asset_id:
            subject = replace(
                subject, said=Correction(), general=subject.whole(subject.said)
            )
        said = self._answer(subject, fields)
        if asset_id and not said:
            raise FieldProblem(
                CONF_DEVICE,
                "exception_empty",
                device=self._devices[asset_id],
            )
        return asset_id, said

    def _words(self, name: str, value: str) -> str:
        """Return what a kind or a class is called."""
        return self._texts(self._kind, name, value)

    @property
    def name(self) -> str:
        """What the point is called now."""
        return self.subject.name(self.subject.said)

    def _touched(self, name: str) -> bool:
        """Tell whether a person changed what a field showed."""
        if name not in self._entered:
            return False
        entered, shown = self._entered[name], entered_in(name, self._shown.get(name))
        return bool(entered != shown)

    def _answer(self, subject: Subject, fields: Iterable[str]) -> Correction:
        """Return what is to be said of a subject. Raises `FieldProblem`."""
        said = subject.said
        touched = [name for name in fields if self._touched(name)]
        wanted = self._kind
        if CONF_KIND in touched:
            said = replace(said, **self._changes(CONF_KIND))
            wanted = said.kind or subject.kind(said)
        if wanted is not subject.kind(subject.said):
            # Classes of one platform mean nothing to another.
            said = replace(said, device_class=None, state_class=None)
        if wanted is not self._kind:
            common = layout(subject, wanted)
            touched = [
                name for name in touched if name in common and name not in CLASSES
            ]
        for name in touched:
            said = replace(said, **self._changes(name))
        # A kind is not taken either while its values are wrong.
        self._check(subject, said, {*touched} & VALUES)
        self._check_kind(subject, said, wanted)
        self._check(subject, said, self._fields)
        self._check_sensor(subject, said, touched)
        return subject.needed(said)

    def _check(
        self, subject: Subject, said: Correction, fields: Collection[str]
    ) -> None:
        """Refuse what would not come true in some fields. Raises `FieldProblem`."""
        before = subject.problems(Correction())
        for problem in subject.problems(said):
            name = problem.field
            if name not in fields and CONF_SWAPPED in fields:
                name = CONF_SWAPPED
            # What is wrong already with what was said of all devices is not this form's;
            # nor are classes of a kind that a single device is not.
            own = problem.field in said.data() or (
                problem not in before and problem.key != "class_unknown"
            )
            if name in fields and own:
                texts = dict(problem.placeholders)
                if name in (CONF_KIND, *CLASSES):
                    texts["value"] = self._words(name, texts["value"])
                raise FieldProblem(name, problem.key, **texts)

    def _check_sensor(
        self, subject: Subject, said: Correction, touched: Collection[str]
    ) -> None:
        """Refuse what a sensor would not show. Raises `FieldProblem`."""
        description = subject.described(said)
        if description is None or description.kind is not Kind.SENSOR:
            return
        if description.options:
            if said.options and {CONF_UNIT, *CLASSES} & {*touched}:
                raise FieldProblem(CONF_OPTIONS, "options_or_number")
        elif (
            subject.point.data_type is DataType.STRING
            and description.state_class is None
            and (said.unit or said.device_class not in (None, NO_CLASS))
        ):
            raise FieldProblem(CONF_STATE_CLASS, "text_no_number")

    def _check_kind(self, subject: Subject, said: Correction, wanted: Kind) -> None:
        """Ask for what the kind needs, where it is not known. Raises `FieldProblem`."""
        description = subject.described(said)
        if description is not None and description.kind is wanted:
            return
        if wanted is not self._kind:
            before = self._shown[CONF_KIND]
            self._kind = wanted
            self._shown = self._in_effect(wanted) | {CONF_KIND: before}
            for name in CLASSES:
                self._entered.pop(name, None)
        name, key = {
            Kind.SELECT: (CONF_OPTIONS, "options_needed"),
            Kind.BUTTON: (CONF_PRESS, "press_needed"),
            Kind.BINARY_SENSOR: (CONF_ON, "on_needed"),
        }.get(wanted, (CONF_ON, "on_off_needed"))
        raise FieldProblem(
            name,
            key,
            point=self.name,
            known=did_you_mean("", subject.corrected(said).enum),
        )

    def _changes(self, name: str) -> dict[str, Any]:
        """Return what a field changes of a correction. Raises `FieldProblem`."""
        entered = self._entered[name]
        match name:
            case "swapped":
                return {
                    CONF_ON: code_of(not entered),
                    CONF_OFF: code_of(bool(entered)),
                }
            case "options":
                return {CONF_OPTIONS: self._options(entered)}
        if entered is None:
            return {name: None}
        match name:
            case "kind":
                return {name: Kind(entered)}
            case "unit":
                return {name: "" if entered == NO_CLASS else entered}
            case "minimum" | "maximum" | "step" | "stale_after":
                return {name: float(entered)}
            case "bool_form":
                return {name: None if entered == AS_GIVEN else entered}
            case "on_value" | "off_value" | "press_value":
                return {name: self._value(name, entered)}
        return {name: entered}

    def _value(self, name: str, text: str) -> str:
        """Return the text of a value that the point can have. Raises `FieldProblem`."""
        point = self.subject.corrected(self.subject.said)
        value = parse(point, text)
        if value is None or (self.subject.writable and not _can_be_sent(point, value)):
            raise FieldProblem(
                name, "value_unfit", value=text, type=point.data_type.value
            )
        return text

    def _options(self, text: str | None) -> dict[str, str]:
        """Return labels by code from lines `code = label`. Raises `FieldProblem`."""
        known: Collection[str] = self.subject.point.enum
        if self.subject.point.data_type is DataType.BOOL:
            known = ("1", "0")
        options: dict[str, str] = {}
        for line in (text or "").splitlines():
            code, label = split_option(line, known)
            if not code or not label:
                raise FieldProblem(CONF_OPTIONS, "option_line", value=line)
            code = self._code(code, known)
            if code in options:
                raise FieldProblem(CONF_OPTIONS, "code_twice", value=code)
            options[code] = label
        if len(options) > MOST_OPTIONS:
            raise FieldProblem(CONF_OPTIONS, "too_many_options", max=MOST_OPTIONS)
        return options

    def _code(self, code: str, known: Collection[str]) -> str:
        """Return a code in the form in which the point's values have it."""
        if code in known:
            return code
        if known:
            raise FieldProblem(
                CONF_OPTIONS,
                "code_unknown",
                value=code,
                known=did_you_mean(code, known),
            )
        value = parse(self.subject.point, self._value(CONF_OPTIONS, code))
        return code_of(value)


def _can_be_sent(point: Measurepoint, value: Value) -> bool:
    """Tell whether a value can be written."""
    try:
        encode(point, value)
    except EncodeError:
        return False
    return True
