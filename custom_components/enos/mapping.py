"""Measurepoints as entities: which kind, device class, unit, range, options.

EnOS's thing model says type, unit, names and tags of a point, not whether it may be written, in
what range and steps, nor what its number means in Home Assistant. This is where that is guessed or
read from tags; `classes` has the device classes, `words` the vocabulary. All functions are pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final

from homeassistant.components.sensor.const import SensorDeviceClass
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import UnitOfRatio, UnitOfTemperature

from . import words as w
from .api.models import DataType, LocalizedText, Measurepoint
from .classes import binary_class, classify, declared_class, is_pulse, state_class, tag
from .units import Unit, resolve
from .values import declared_range, declared_step, limits
from .words import words

TAG_ACCESS: Final = "ha/access"
TAG_PLATFORM: Final = "ha/platform"

MAX_STATE_LENGTH: Final = 255


class Kind(StrEnum):
    """Kinds of entities; the values are Home Assistant's platforms."""

    NUMBER = "number"
    SWITCH = "switch"
    SELECT = "select"
    SENSOR = "sensor"
    BINARY_SENSOR = "binary_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDescription:
    """What an entity of a point looks like.

    `minimum`, `maximum` and `step` (in `unit`) are set for numbers, declared by tags or guessed.
    `range_declared`: both ends are declared. `options` are code and label of an ENUM.
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
    enabled_default: bool = True

    @property
    def slider(self) -> bool:
        """Whether the range is narrow enough to be of use as a slider."""
        percent = self.unit == UnitOfRatio.PERCENTAGE
        return self.range_declared or (
            percent and (self.minimum, self.maximum) == (0.0, 100.0)
        )


# --- suggestions -------------------------------------------------------------------------------

_ACCESS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("rw", "w", "wr", "write", "readwrite", "read_write"), True),
    **dict.fromkeys(("r", "ro", "read", "readonly", "read_only"), False),
}
_CONTROL_KINDS: Final[Mapping[DataType, Kind]] = {
    DataType.BOOL: Kind.SWITCH,
    DataType.ENUM: Kind.SELECT,
    DataType.INT: Kind.NUMBER,
    DataType.FLOAT: Kind.NUMBER,
    DataType.DOUBLE: Kind.NUMBER,
}
# Units in which "valve control" is a position to set; "control voltage" in V is not.
_CONTROL_UNITS: Final = frozenset({None, "%", "°C", "Hz"})


def control_kind(point: Measurepoint) -> Kind | None:
    """Return the kind of control that a point could be; None where there is none yet."""
    if point.data_type is DataType.ENUM and not point.enum:
        return None
    return _CONTROL_KINDS.get(point.data_type)


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
    if platform in {Kind.SENSOR, Kind.BINARY_SENSOR, kind}:
        return platform == kind
    found = words(point)
    if is_pulse(point) or found.any(w.READ_ONLY):
        return False
    if found.any(w.WRITABLE):
        return True
    if kind is Kind.NUMBER:
        unit = resolve(point.unit, point.multiplier).text
        return unit in _CONTROL_UNITS and found.end(w.CONTROL)
    if found.any(w.SWITCHING) or found.end(w.CONTROL):
        return True
    if kind is Kind.SELECT:
        return found.any(w.SELECTING)
    return found.are(w.BARE_SWITCH)


def suggest_reading(point: Measurepoint) -> bool:
    """Tell whether a point makes a sensible sensor: it can be one and is no control."""
    if describe_reading(point, language="en") is None:
        return False
    return not suggest_control(point)


# --- descriptions ------------------------------------------------------------------------------


def describe_control(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is written: BOOL by switch, ENUM by select, numbers by number.

    `labels` are option labels frozen earlier (code to label); codes that are not among them get
    theirs from the model in `language`. None for types that have no control.
    """
    match control_kind(point):
        case Kind.SWITCH:
            device_class = declared_class(point, SwitchDeviceClass)
            return PointDescription(kind=Kind.SWITCH, device_class=device_class)
        case Kind.SELECT:
            options = _options(point, language, labels)
            return PointDescription(kind=Kind.SELECT, options=options)
        case Kind.NUMBER:
            return _describe_number(point)
        case _:
            return None


def describe_reading(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is read; None for ARRAY, STRUCT, FILE and unknown types.

    BOOL: binary sensor. ENUM: enum sensor with options. Numbers: sensor with unit and classes.
    TIMESTAMP and DATE: sensors of these classes. STRING: a plain sensor.
    """
    match point.data_type:
        case DataType.BOOL:
            device_class = binary_class(point)
            return PointDescription(kind=Kind.BINARY_SENSOR, device_class=device_class)
        case DataType.ENUM:
            options = _options(point, language, labels)
            return PointDescription(
                kind=Kind.SENSOR,
                device_class=SensorDeviceClass.ENUM.value if options else None,
                options=options,
            )
        case DataType.INT | DataType.FLOAT | DataType.DOUBLE:
            found = words(point)
            unit, number_class = classify(point, found)
            return PointDescription(
                kind=Kind.SENSOR,
                device_class=number_class,
                state_class=state_class(point, unit, number_class, found),
                unit=unit.text,
            )
        case DataType.STRING:
            return PointDescription(kind=Kind.SENSOR)
        case DataType.TIMESTAMP | DataType.DATE:
            return PointDescription(
                kind=Kind.SENSOR,
                device_class=SensorDeviceClass(point.data_type.lower()).value,
            )
        case _:
            return None


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

# Labels that Home Assistant would take for "no state".
_RESERVED: Final = frozenset({"unknown", "unavailable"})


def option_labels(point: Measurepoint, language: str) -> dict[str, str]:
    """Return a label for each code of an ENUM: stripped, not empty, each only once.

    An empty label falls back to other languages, then to the code; of equal labels (upper and
    lower case are equal) all but the first get their code appended. Codes that are whole numbers
    come in their order, others as in the model.
    """
    return _unique((code, _label(point.enum[code], language)) for code in _codes(point))


def _codes(point: Measurepoint) -> list[str]:
    """Return the codes of an ENUM in the order to show them."""
    codes = list(point.enum)
    if all(re.fullmatch(r"-?\d{1,18}", code, re.ASCII) for code in codes):
        codes.sort(key=int)
    return codes


def _label(text: LocalizedText, language: str) -> str:
    """Return a label in a language, else in any."""
    for candidate in (text.get(language), text.default, *text.i18n.values()):
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
    """Return code and label of each option; frozen labels have the first right to a text."""
    codes = _codes(point)
    frozen = [code for code in codes if labels and code in labels]
    wanted = {code: _label(point.enum[code], language) for code in codes}
    if labels:
        wanted.update((code, labels[code]) for code in frozen)
    fresh = [code for code in codes if code not in frozen]
    unique = _unique((code, wanted[code]) for code in (*frozen, *fresh))
    return tuple((code, unique[code]) for code in codes)
