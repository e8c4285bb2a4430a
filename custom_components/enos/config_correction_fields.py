"""A measurepoint that is to be corrected, and the fields of the form that does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
import unicodedata

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.number.const import DEVICE_CLASS_UNITS as NUMBER_UNITS
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    SensorDeviceClass,
)
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import CONF_NAME, CONF_OPTIONS, UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .api.models import DataType, Measurepoint
from .checks import Problem, problems_of
from .config_target import FlowProblem
from .const import CONF_UNIT
from .corrections import Correction, corrected, describe
from .mapping import (
    Kind,
    PointDescription,
    control_kinds,
    pressing_value,
    reading_kinds,
    switching_values,
)
from .units import resolve
from .values import (
    NUMERIC,
    TAG_MAXIMUM,
    TAG_MINIMUM,
    TAG_STEP,
    Value,
    code_of,
    declared_number,
)

# Fields; those of a correction are called as there.
CONF_KIND: Final = "kind"
CONF_DEVICE_CLASS: Final = "device_class"
CONF_STATE_CLASS: Final = "state_class"
CONF_MINIMUM: Final = "minimum"
CONF_MAXIMUM: Final = "maximum"
CONF_STEP: Final = "step"
CONF_SWAPPED: Final = "swapped"
CONF_ON: Final = "on_value"
CONF_OFF: Final = "off_value"
CONF_PRESS: Final = "press_value"
CONF_BOOL_FORM: Final = "bool_form"
CONF_STALE: Final = "stale_after"
CONF_FORGET: Final = "forget"

AS_GIVEN: Final = "as_given"

NUMBERS: Final[Mapping[str, str]] = {
    CONF_MINIMUM: TAG_MINIMUM,
    CONF_MAXIMUM: TAG_MAXIMUM,
    CONF_STEP: TAG_STEP,
}
CLASSES: Final = (CONF_DEVICE_CLASS, CONF_STATE_CLASS)
VALUES: Final = frozenset({CONF_ON, CONF_OFF, CONF_PRESS})
DEVICE_CLASSES: Final[Mapping[Kind, Iterable[str]]] = {
    Kind.NUMBER: SensorDeviceClass,
    Kind.SENSOR: SensorDeviceClass,
    Kind.BINARY_SENSOR: BinarySensorDeviceClass,
    Kind.SWITCH: SwitchDeviceClass,
}
UNITS: Final = sorted(
    {
        str(unit)
        for table in (SENSOR_UNITS, NUMBER_UNITS)
        for units in table.values()
        for unit in units
        if unit and resolve(unit).text == unit
    },
    key=lambda unit: (unit.casefold(), unit),
)
_LONGEST_SHOWN: Final = 100
MOST_OPTIONS: Final = 1000


class FieldProblem(FlowProblem):
    """What is wrong with a field of a form."""

    def __init__(self, field: str, key: str, **placeholders: object) -> None:
        """Keep the field, too; what a person entered is cut where it is long."""
        texts = {name: str(value) for name, value in placeholders.items()}
        super().__init__(
            key,
            **{
                name: text
                if len(text) <= _LONGEST_SHOWN
                else f"{text[: _LONGEST_SHOWN - 1]}…"
                for name, text in texts.items()
            },
        )
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A measurepoint that is to be corrected.

    `point` is the model's, `labels` the option labels frozen when it was chosen. `said` is what
    was said so far, `general` what holds for it besides: what a console's export declares, and
    for a single device what was said of all.
    """

    point: Measurepoint
    writable: bool
    language: str
    labels: Mapping[str, str] = field(default_factory=dict)
    said: Correction = field(default_factory=Correction)
    general: Correction = field(default_factory=Correction)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of entity that it could be."""
        return (control_kinds if self.writable else reading_kinds)(self.point)

    def whole(self, said: Correction) -> Correction:
        """Return what holds if this is said of it."""
        return said.over(self.general)

    def corrected(self, said: Correction) -> Measurepoint:
        """Return the point if this is said of it."""
        return corrected(self.point, self.whole(said))

    def described(self, said: Correction) -> PointDescription | None:
        """Return how it is shown if this is said of it."""
        return describe(
            self.point,
            self.whole(said),
            writable=self.writable,
            language=self.language,
            labels=self.labels,
        )[1]

    def problems(self, said: Correction) -> list[Problem]:
        """Return what is wrong if this is said of it."""
        return problems_of(self.point, self.whole(said), writable=self.writable)

    def name(self, said: Correction) -> str:
        """Return its name if this is said of it."""
        return (
            self.whole(said).name
            or self.point.name.get(self.language)
            or self.point.identifier
        )

    def kind(self, said: Correction) -> Kind:
        """Return the kind that it is, or would be if its codes were known."""
        description = self.described(said)
        return description.kind if description else self.kinds[0]

    def effect(self, said: Correction, name: str) -> object:
        """Return what a field of a correction comes to, so that two of them can be compared."""
        point, description = self.corrected(said), self.described(said)
        match name:
            case "kind":
                return self.kind(said)
            case "name":
                return self.name(said)
            case "minimum" | "maximum" | "step":
                # A guess of the same number binds less.
                return declared_number(point, NUMBERS[name])
            case "press_value":
                return pressing_value(point)
            case "on_value" | "off_value":
                return switching_values(point)
            case "unit":
                return resolve(point.unit, point.multiplier).text
            case "bool_form":
                return description and description.bool_as_json
            case _:
                return getattr(description, name, None)

    def needed(self, said: Correction) -> Correction:
        """Return the correction without what it comes to without being said."""
        # Of on and off, off goes first: what on is says more.
        for name in sorted(said.data(), key=lambda name: name == CONF_ON):
            nothing: dict[str, Any] = {name: {} if name == CONF_OPTIONS else None}
            less = replace(said, **nothing)
            if self.effect(less, name) == self.effect(said, name):
                said = less
        return said


def layout(subject: Subject, kind: Kind, *, named: bool = False) -> tuple[str, ...]:
    """Return the fields that make sense for a kind of entity, in their order.

    `named`: its values have names now, so that it is no number.
    """
    data_type = subject.point.data_type
    truth = data_type is DataType.BOOL
    fields = [CONF_KIND] if len(subject.kinds) > 1 else []
    fields.append(CONF_NAME)
    match kind:
        case Kind.NUMBER:
            fields += [CONF_UNIT, *NUMBERS, CONF_DEVICE_CLASS]
        case Kind.SWITCH | Kind.BINARY_SENSOR:
            fields += [CONF_SWAPPED] if truth else [CONF_ON, CONF_OFF]
            fields.append(CONF_DEVICE_CLASS)
        case Kind.SELECT:
            fields.append(CONF_OPTIONS)
        case Kind.BUTTON:
            fields.append(CONF_PRESS)
        case Kind.SENSOR:
            if (data_type in NUMERIC or data_type is DataType.STRING) and not named:
                fields += [CONF_UNIT, *CLASSES]
            if data_type in _NAMEABLE:
                fields.append(CONF_OPTIONS)
    if truth and subject.writable:
        fields.append(CONF_BOOL_FORM)
    if kind is not Kind.BUTTON:
        fields.append(CONF_STALE)
    return tuple(fields)


# Types whose values may have names.
_NAMEABLE: Final = frozenset(
    {DataType.BOOL, DataType.ENUM, DataType.INT, DataType.STRING}
)


# Small things.

NUMBER: Final = NumberSelector(
    NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any")
)
SECONDS: Final = NumberSelector(
    NumberSelectorConfig(
        mode=NumberSelectorMode.BOX,
        step="any",
        unit_of_measurement=UnitOfTime.SECONDS,
    )
)


def choice(values: list[str], key: str) -> SelectSelector:
    """Return a choice whose words are in the translations."""
    return SelectSelector(
        SelectSelectorConfig(
            options=values,
            translation_key=f"correction_{key}",
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def entered_in(name: str, value: Any) -> Any:
    """Return what a person entered in a field; None for nothing."""
    if not isinstance(value, str):
        return value
    if name in VALUES:
        # Blanks inside are part of a value.
        return value.strip() or None
    if name == CONF_OPTIONS:
        return "\n".join(filter(None, map(clean, value.splitlines()))) or None
    return clean(value) or None


def clean(text: str) -> str:
    """Return a text on one line, without blanks around it and characters that are none."""
    return " ".join(
        "".join(
            letter
            for letter in text
            if letter == "\t" or unicodedata.category(letter) not in {"Cc", "Cs"}
        ).split()
    )


def text_of(value: Value) -> str | None:
    """Return a value as a field shows it."""
    return None if value is None else code_of(value)


def lines_of(options: Iterable[tuple[str, str]]) -> str | None:
    """Return options as the lines of their field."""
    return "\n".join(f"{code} = {label}" for code, label in options) or None


def split_option(line: str, known: Iterable[str]) -> tuple[str, str]:
    """Return code and label of a line; a code that is known may hold the sign itself."""
    parts = line.split("=")
    for count in range(1, len(parts)):
        code = clean("=".join(parts[:count]))
        if code in known:
            return code, clean("=".join(parts[count:]))
    code, _, label = line.partition("=")
    return clean(code), clean(label)
