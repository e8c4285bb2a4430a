"""Measurepoints as entities: which kind, device class, unit, range, options.

EnOS's thing model says type, unit, names and tags of a point, not whether it may be written, in
what range and steps, nor what its number means in Home Assistant. This is where that is guessed or
read from tags; `classes` has the device classes, `words` the vocabulary. All functions are pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
import re
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    STATE_CLASS_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import UnitOfRatio, UnitOfTemperature

from . import words as w
from .api.models import DataType, LocalizedText, Measurepoint
from .classes import binary_class, classify, declared_class, is_pulse, state_class, tag
from .units import Unit, resolve
from .values import (
    NUMERIC,
    Value,
    code_of,
    declared_number,
    declared_range,
    declared_step,
    limits,
    parse,
)
from .words import words

TAG_ACCESS: Final = "ha/access"
TAG_PLATFORM: Final = "ha/platform"
TAG_STATE_CLASS: Final = "ha/state_class"
# Values as the point has them, written as text.
TAG_ON: Final = "ha/on"
TAG_OFF: Final = "ha/off"
TAG_PRESS: Final = "ha/press"
# `number` or `boolean`: the form in which a BOOL is written.
TAG_BOOL: Final = "ha/bool"
# Seconds after which a sample is believed no more.
TAG_STALE: Final = "ha/stale_after"

NO_CLASS: Final = "none"

MAX_STATE_LENGTH: Final = 255
# States that say that there is none.
_RESERVED: Final = frozenset({"unknown", "unavailable"})


class Kind(StrEnum):
    """Kinds of entities; the values are Home Assistant's platforms."""

    NUMBER = "number"
    SWITCH = "switch"
    SELECT = "select"
    TEXT = "text"
    DATETIME = "datetime"
    DATE = "date"
    BUTTON = "button"
    SENSOR = "sensor"
    BINARY_SENSOR = "binary_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDescription:
    """What an entity of a point looks like.

    `minimum`, `maximum` and `step` (in `unit`) are set for numbers, declared by tags or guessed.
    `range_declared`: both ends are declared. `options` are code and label of what has named
    values, `labels` the same by code. `on_value` and `off_value` are what a switch or binary
    sensor calls on and off; with no `off_value` all else is off. `press_value` is what a button
    writes. `bool_as_json` tells the form in which a BOOL is written, None for that in which
    EnOS gave it. `stale_after` is how many seconds a sample is believed, None for ever.
    """

    kind: Kind
    device_class: str | None = None
    state_class: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    range_declared: bool = False
    step_declared: bool = False
    options: tuple[tuple[str, str], ...] = ()
    on_value: Value = None
    off_value: Value = None
    press_value: Value = None
    bool_as_json: bool | None = None
    stale_after: float | None = None
    enabled_default: bool = True
    # The options once more, as they are looked up with each state.
    labels: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Have the labels of the options at hand."""
        object.__setattr__(self, "labels", dict(self.options))

    def truth(self, value: Value) -> bool | None:
        """Tell whether a value of the point means on; None for one that means neither."""
        if value is None:
            return None
        if value == self.on_value:
            return True
        return False if self.off_value in (None, value) else None

    def option(self, value: Value) -> str | None:
        """Return the option of a value: its label, or its code where it has none.

        None for an unknown one, and for a code that would be taken for another's label or
        for a state of Home Assistant's own, or that is no state at all.
        """
        if value is None:
            return None
        code, labels = code_of(value), self.labels
        if code in labels:
            return labels[code]
        return None if code in labels.values() else state_text(code)

    @property
    def slider(self) -> bool:
        """Whether the range is narrow enough to be of use as a slider."""
        percent = self.unit == UnitOfRatio.PERCENTAGE
        return self.range_declared or (
            percent and (self.minimum, self.maximum) == (0.0, 100.0)
        )


CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def state_text(text: str) -> str | None:
    """Return a text that can be a state, None for one that cannot be one whole.

    It is too long, means something else as a state, or has control characters, which some
    databases refuse.
    """
    if (
        len(text) > MAX_STATE_LENGTH
        or text in _RESERVED
        or CONTROL_CHARACTERS.search(text)
    ):
        return None
    return text


# --- suggestions -------------------------------------------------------------------------------

_ACCESS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("rw", "w", "wr", "write", "readwrite", "read_write"), True),
    **dict.fromkeys(("r", "ro", "read", "readonly", "read_only"), False),
}
# The kinds that a type can have, the usual one first; tag `ha/platform` chooses among them.
_CONTROL_KINDS: Final[Mapping[DataType, tuple[Kind, ...]]] = {
    DataType.BOOL: (Kind.SWITCH, Kind.SELECT, Kind.BUTTON),
    DataType.ENUM: (Kind.SELECT, Kind.SWITCH, Kind.BUTTON),
    DataType.INT: (Kind.NUMBER, Kind.SWITCH, Kind.SELECT, Kind.BUTTON),
    DataType.FLOAT: (Kind.NUMBER, Kind.SWITCH, Kind.BUTTON),
    DataType.DOUBLE: (Kind.NUMBER, Kind.SWITCH, Kind.BUTTON),
    DataType.STRING: (Kind.TEXT, Kind.SELECT, Kind.SWITCH, Kind.BUTTON),
    DataType.TIMESTAMP: (Kind.DATETIME,),
    DataType.DATE: (Kind.DATE,),
}
_READING_KINDS: Final[Mapping[DataType, tuple[Kind, ...]]] = {
    DataType.BOOL: (Kind.BINARY_SENSOR, Kind.SENSOR),
    DataType.ENUM: (Kind.SENSOR, Kind.BINARY_SENSOR),
    DataType.INT: (Kind.SENSOR, Kind.BINARY_SENSOR),
    DataType.FLOAT: (Kind.SENSOR, Kind.BINARY_SENSOR),
    DataType.DOUBLE: (Kind.SENSOR, Kind.BINARY_SENSOR),
    DataType.STRING: (Kind.SENSOR, Kind.BINARY_SENSOR),
    DataType.TIMESTAMP: (Kind.SENSOR,),
    DataType.DATE: (Kind.SENSOR,),
    DataType.ARRAY: (Kind.SENSOR,),
    DataType.STRUCT: (Kind.SENSOR,),
    DataType.FILE: (Kind.SENSOR,),
}
# Types of one value, which a sensor can show as it is.
_SCALAR: Final = frozenset(_CONTROL_KINDS)
# What a switch, a binary sensor and a button take for on, off and pressed if nothing else is said.
_TRUTH: Final[Mapping[DataType, tuple[Value, Value]]] = {
    DataType.BOOL: (True, False),
    DataType.INT: (1, 0),
    DataType.FLOAT: (1.0, 0.0),
    DataType.DOUBLE: (1.0, 0.0),
}
# Units in which "valve control" is a position to set; "control voltage" in V is not.
_CONTROL_UNITS: Final = frozenset({None, "%", "°C", "Hz"})


def control_kinds(point: Measurepoint) -> tuple[Kind, ...]:
    """Return the kinds of control that a point could be; some need values to be told first."""
    return _CONTROL_KINDS.get(point.data_type, ())


def reading_kinds(point: Measurepoint) -> tuple[Kind, ...]:
    """Return the kinds of entity that could show a point."""
    return _READING_KINDS.get(point.data_type, ())


def is_readable(point: Measurepoint) -> bool:
    """Tell whether a point makes an entity by itself; a STRUCT is shown by its items."""
    return bool(reading_kinds(point)) and not point.items


def control_kind(point: Measurepoint) -> Kind | None:
    """Return the kind of control that a point is, None where it can be none.

    It is the one of tag `ha/platform` if all is there that this needs, else the usual one.
    """
    kinds = control_kinds(point)
    declared = _declared_kind(point, kinds)
    if declared is not None:
        return declared
    if point.data_type is DataType.ENUM and not point.enum:
        return None
    if point.data_type is DataType.BOOL and w.momentary(words(point)):
        return Kind.BUTTON
    return kinds[0] if kinds else None


def _declared_kind(point: Measurepoint, kinds: tuple[Kind, ...]) -> Kind | None:
    """Return the kind of tag `ha/platform`, None where it is none or lacks its values."""
    declared = tag(point, TAG_PLATFORM)
    kind = next((each for each in kinds if each == declared), None)
    match kind:
        case Kind.SELECT if point.data_type is not DataType.BOOL and not point.enum:
            return None
        case Kind.SWITCH if None in switching_values(point):
            return None
        case Kind.BINARY_SENSOR if switching_values(point)[0] is None:
            return None
        case Kind.BUTTON if pressing_value(point) is None:
            return None
    return kind


def switching_values(point: Measurepoint) -> tuple[Value, Value]:
    """Return the values that mean on and off: those of the tags, else the type's own.

    Where one is said, or both are the same, the other is what is left of the type's own. Of two
    that are the same it is on that counts.
    """
    on_value, off_value = (
        parse(point, text) if (text := point.tags.get(key, "").strip()) else None
        for key in (TAG_ON, TAG_OFF)
    )
    usual = _TRUTH.get(point.data_type, (None, None))
    if on_value is None:
        if off_value is None or None in usual:
            return usual
        # Off is 1: on is 0 then.
        return usual[off_value == usual[0]], off_value
    if off_value in (None, on_value):
        # On is 0: off is 1 then.
        off_value = usual[1 - usual.index(on_value)] if on_value in usual else None
    return on_value, off_value


def pressing_value(point: Measurepoint) -> Value:
    """Return what a button writes: the value of the tag, else what means on."""
    if text := point.tags.get(TAG_PRESS, "").strip():
        return parse(point, text)
    if point.data_type is DataType.ENUM and len(point.enum) == 1:
        return next(iter(point.enum))
    return switching_values(point)[0]


def suggest_control(point: Measurepoint) -> bool | None:
    """Tell whether a point looks as if it should be written; None where it cannot be.

    Tags decide (`ha/access`, then `ha/platform`), then words. In doubt it is not: a wrong yes
    lets people write to a plant, a wrong no costs a tick in a form.
    """
    if (kind := control_kind(point)) is None:
        return None
    access = _ACCESS.get(tag(point, TAG_ACCESS))
    if access is not None:
        return access
    platform = tag(point, TAG_PLATFORM)
    if platform in {Kind.SENSOR, Kind.BINARY_SENSOR, *control_kinds(point)}:
        return platform not in {Kind.SENSOR, Kind.BINARY_SENSOR}
    found = words(point)
    if is_pulse(point) or found.any(w.READ_ONLY):
        return False
    if found.any(w.WRITABLE):
        return True
    if kind in {Kind.TEXT, Kind.DATETIME, Kind.DATE}:
        return False
    if kind is Kind.NUMBER:
        unit = resolve(point.unit, point.multiplier).text
        return unit in _CONTROL_UNITS and found.end(w.CONTROL)
    if found.any(w.SWITCHING) or found.end(w.CONTROL):
        return True
    if kind is Kind.SELECT:
        return found.any(w.SELECTING)
    return found.are(w.BARE_SWITCH)


def suggest_reading(point: Measurepoint) -> bool:
    """Tell whether a point makes a sensible sensor: it has one value and is no control."""
    return point.data_type in _SCALAR and not suggest_control(point)


# --- descriptions ------------------------------------------------------------------------------


def describe_control(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is written; None for types that have no control.

    Usually BOOL by switch, ENUM by select, numbers by number, STRING by text, TIMESTAMP by
    datetime, DATE by date. `labels` are option labels frozen earlier (code to label, in the
    order to show them): a code that is not among them is shown as it is.
    """
    kind = control_kind(point)
    match kind:
        case None:
            return None
        case Kind.NUMBER:
            description = _describe_number(point)
        case Kind.SWITCH:
            on_value, off_value = switching_values(point)
            description = PointDescription(
                kind=kind,
                device_class=declared_class(point, SwitchDeviceClass),
                on_value=on_value,
                off_value=off_value,
            )
        case Kind.SELECT:
            options = _options(point, language, labels)
            description = PointDescription(kind=kind, options=options)
        case Kind.BUTTON:
            description = PointDescription(kind=kind, press_value=pressing_value(point))
        case _:
            description = PointDescription(kind=kind)
    return _with_habits(point, description)


def describe_reading(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is read; None for unknown types.

    BOOL: binary sensor. ENUM: enum sensor with options. Numbers: sensor with unit and classes.
    TIMESTAMP and DATE: sensors of these classes. All else: a plain sensor, which shows text.
    """
    kinds = reading_kinds(point)
    kind = _declared_kind(point, kinds) or (kinds[0] if kinds else None)
    if kind is None:
        return None
    if kind is Kind.BINARY_SENSOR:
        on_value, off_value = switching_values(point)
        description = PointDescription(
            kind=kind,
            device_class=_binary_class(point, on_value),
            on_value=on_value,
            off_value=off_value,
        )
    else:
        description = _describe_sensor(point, language, labels)
    return _with_habits(point, description)


def _binary_class(point: Measurepoint, on_value: Value) -> str | None:
    """Return the class of a binary sensor; only of a BOOL the words tell what on means."""
    if on_value is True:
        return binary_class(point)
    if on_value is False:
        # Turned round, and its labels with it.
        labels = {not truth: label for truth, label in point.bool_labels.items()}
        return binary_class(replace(point, bool_labels=labels))
    return declared_class(point, BinarySensorDeviceClass)


def _describe_sensor(
    point: Measurepoint, language: str, labels: Mapping[str, str] | None
) -> PointDescription:
    """Return the description of a sensor."""
    if point.enum or point.data_type in {DataType.ENUM, DataType.BOOL}:
        options = _options(point, language, labels)
        return PointDescription(
            kind=Kind.SENSOR,
            device_class=SensorDeviceClass.ENUM.value if options else None,
            options=options,
        )
    if point.data_type in NUMERIC or (
        point.data_type is DataType.STRING and shows_number(point)
    ):
        found = words(point)
        unit, number_class = classify(point, found)
        return PointDescription(
            kind=Kind.SENSOR,
            device_class=number_class,
            state_class=_declared_state_class(
                point,
                unit,
                number_class,
                state_class(point, unit, number_class, found),
            ),
            unit=unit.text,
        )
    if point.data_type in {DataType.TIMESTAMP, DataType.DATE}:
        return PointDescription(
            kind=Kind.SENSOR,
            device_class=SensorDeviceClass(point.data_type.lower()).value,
        )
    return PointDescription(kind=Kind.SENSOR)


def shows_number(point: Measurepoint) -> bool:
    """Tell whether a STRING was said to carry a number: it was given a state class."""
    return tag(point, TAG_STATE_CLASS) in set(SensorStateClass)


def _declared_state_class(
    point: Measurepoint, unit: Unit, device_class: str | None, otherwise: str | None
) -> str | None:
    """Return the state class of tag `ha/state_class` if unit and device class allow it."""
    declared = tag(point, TAG_STATE_CLASS)
    if declared == NO_CLASS:
        return None
    for needy, units in STATE_CLASS_UNITS.items():
        if declared == needy and unit.text not in units:
            return otherwise
    allowed: Iterable[str] = SensorStateClass
    if device_class is not None:
        allowed = DEVICE_CLASS_STATE_CLASSES.get(SensorDeviceClass(device_class), ())
    return declared if declared in set(allowed) else otherwise


def _with_habits(
    point: Measurepoint, description: PointDescription
) -> PointDescription:
    """Add what holds for every kind: the form of a BOOL, and how long samples are believed."""
    form = tag(point, TAG_BOOL)
    stale = declared_number(point, TAG_STALE)
    if form not in _BOOL_FORMS and stale is None:
        return description
    return replace(
        description,
        bool_as_json=_BOOL_FORMS.get(form),
        stale_after=stale if stale is not None and stale > 0 else None,
    )


_BOOL_FORMS: Final[Mapping[str, bool]] = {"number": False, "boolean": True}


def _describe_number(point: Measurepoint) -> PointDescription:
    """Return the description of a writable number."""
    found = words(point)
    unit, device_class = classify(point, found)
    low, high = declared_range(point)
    minimum, maximum = limits(point)
    if unit.text == UnitOfRatio.PERCENTAGE and not found.any(
        w.DIFFERENCE | w.CORRECTION | w.BEYOND_PERCENT
    ):
        # A guess that gives way to an end that is declared beyond it.
        minimum = minimum if high is not None and high <= 0 else 0.0
        maximum = maximum if low is not None and low >= 100 else 100.0
    minimum = minimum if low is None else low
    maximum = maximum if high is None else high
    declared = low is not None and high is not None
    step = declared_step(point)
    if step is not None and step > maximum - minimum:
        step = None
    return PointDescription(
        kind=Kind.NUMBER,
        device_class=device_class,
        unit=unit.text,
        minimum=minimum,
        maximum=maximum,
        step=step
        or _guessed_step(point, unit, maximum - minimum if declared else None),
        range_declared=declared,
        step_declared=step is not None,
    )


def _guessed_step(point: Measurepoint, unit: Unit, span: float | None) -> float:
    """Return a step for the arrows of the input box; it binds nothing."""
    if point.data_type is DataType.INT:
        return 1.0
    if span is not None and span <= 1:
        return 0.001
    if unit.text == UnitOfRatio.PERCENTAGE or unit.text in set(UnitOfTemperature):
        return 0.1
    return 0.01


# --- options -----------------------------------------------------------------------------------


def option_labels(point: Measurepoint, language: str) -> dict[str, str]:
    """Return a label for each code: stripped, not empty, each only once.

    An empty label falls back to other languages, then to the code; of equal labels (upper and
    lower case are equal) all but the first get their code appended. Codes that are whole numbers
    come in their order, others as in the model.
    """
    return _unique(_wanted(point, language).items())


def _wanted(point: Measurepoint, language: str) -> dict[str, str]:
    """Return the model's labels by code, in the order to show them."""
    if point.data_type is DataType.BOOL and not point.enum:
        return {
            code_of(truth): point.bool_labels.get(truth, "") for truth in (False, True)
        }
    codes = list(point.enum)
    if all(re.fullmatch(r"-?\d{1,18}", code, re.ASCII) for code in codes):
        codes.sort(key=int)
    return {code: _label(point.enum[code], language) for code in codes}


def _label(text: LocalizedText, language: str) -> str:
    """Return a label in a language, else in any."""
    for candidate in (text.whole(language), text.default, *text.i18n.values()):
        if label := _clean(candidate):
            return label
    return ""


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return labels that differ from each other and from Home Assistant's own states."""
    result: dict[str, str] = {}
    taken = set(_RESERVED)
    for code, wanted in pairs:
        wanted = _clean(wanted) or _clean(code) or "-"
        label = wanted[:MAX_STATE_LENGTH].strip()
        number = 1
        while label.casefold() in taken:
            mark = _clean(code)[:100] or "-"
            suffix = f"({mark})" if number == 1 else f"({mark}, {number})"
            label = f"{wanted[: MAX_STATE_LENGTH - len(suffix) - 1].strip()} {suffix}"
            number += 1
        taken.add(label.casefold())
        result[code] = label
    return result


def _clean(text: str) -> str:
    """Return a text on one line without blanks around it."""
    return " ".join(text.split())


def _options(
    point: Measurepoint, language: str, labels: Mapping[str, str] | None
) -> tuple[tuple[str, str], ...]:
    """Return code and label of each option.

    Frozen labels come first and in their order; what the model added since then has none yet.
    """
    wanted = _wanted(point, language)
    if labels:
        frozen = {code: text for code, text in labels.items() if code in wanted}
        wanted = frozen | {code: "" for code in wanted if code not in frozen}
    return tuple(_unique(wanted.items()).items())
