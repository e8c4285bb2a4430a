"""What is wrong with a correction, before anybody keeps it.

Shared by the form that corrects one point and the file that brings in hundreds: what `describe`
would silently pass over is named here, with its remedy. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
import dataclasses
from dataclasses import dataclass, replace
import difflib
from enum import StrEnum
from math import isfinite
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.number.const import (
    DEVICE_CLASS_UNITS as NUMBER_UNITS,
    NumberDeviceClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    STATE_CLASS_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.components.switch.const import SwitchDeviceClass

from .api.models import DataType, Measurepoint
from .corrections import Correction, corrected
from .mapping import (
    MAX_STATE_LENGTH,
    NO_CLASS,
    Kind,
    PointDescription,
    control_kinds,
    describe_control,
    describe_reading,
    reading_kinds,
)
from .values import (
    NUMERIC,
    TAG_MAXIMUM,
    TAG_MINIMUM,
    EncodeError,
    Value,
    as_text,
    code_of,
    declared_range,
    encode,
    limits,
    parse,
)

MAX_NAME_LENGTH: Final = 255
MAX_UNIT_LENGTH: Final = 50
BOOL_FORMS: Final = ("number", "boolean")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field of a correction.

    `field` is the one of `Correction`, `detail` the code that it is about where the field is
    `options`. `key` is that of a text in `config_subentries.*.error`, which names the value and
    what would be right; `placeholders` go into it.
    """

    field: str
    key: str
    placeholders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    detail: str = ""


def problems_of(
    point: Measurepoint, correction: Correction, *, writable: bool
) -> list[Problem]:
    """Return what is wrong with a correction of a point, at most one problem a field and code.

    `point` is as the model (and a console's export) has it. For a single device `correction` is
    what holds for it in the end: its own over that of the product.
    """
    found: dict[tuple[str, str], Problem] = {}
    for problem in _problems(point, correction, writable=writable):
        found.setdefault((problem.field, problem.detail), problem)
    return list(found.values())


def without_effect(
    point: Measurepoint, correction: Correction, *, writable: bool
) -> list[str]:
    """Return the fields of a correction that change nothing, because the kind has none of it.

    They are no mistake: a point that becomes a number again wants its range back.
    """
    description = _described(corrected(point, correction), writable=writable)
    if description is None:
        return sorted(correction.data().keys() - {"kind", "name"})
    kind = description.kind
    measured = kind is Kind.NUMBER or (
        kind is Kind.SENSOR
        and not description.options
        and (point.data_type in NUMERIC or description.state_class is not None)
    )
    has = {"kind", "name", "stale_after"}
    if measured:
        has |= {"unit", "device_class"}
    if kind is Kind.SENSOR and measured:
        has.add("state_class")
    if kind is Kind.NUMBER:
        has |= {"minimum", "maximum", "step"}
    if kind in {Kind.SWITCH, Kind.BINARY_SENSOR}:
        has |= {"on_value", "off_value", "device_class"}
    if kind is Kind.BUTTON:
        has.add("press_value")
    if description.options:
        has.add("options")
    if writable and point.data_type is DataType.BOOL:
        has.add("bool_form")
    return sorted(correction.data().keys() - has)


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return what was probably meant, else the first of what there is, as text."""
    known = list(known)
    by_case = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(value.casefold(), by_case, 3)
    if near:
        return ", ".join(by_case[each] for each in near)
    return ", ".join(known[:8]) + (" …" if len(known) > 8 else "") if known else "–"


def _described(said: Measurepoint, *, writable: bool) -> PointDescription | None:
    describe = describe_control if writable else describe_reading
    return describe(said, language="en")


def _problems(
    point: Measurepoint, correction: Correction, *, writable: bool
) -> Iterator[Problem]:
    said = corrected(point, correction)
    yield from _about_kind(said, correction, writable=writable)
    if correction.name is not None:
        if not correction.name.strip():
            yield Problem("name", "name_empty")
        yield from _too_long("name", correction.name, MAX_NAME_LENGTH)
    if correction.unit is not None:
        yield from _too_long("unit", correction.unit, MAX_UNIT_LENGTH)
    yield from _about_values(said, correction, writable=writable)
    # An end of the model's that could not bind beside the corrected one is told, not dropped.
    whole = replace(said, tags={**point.tags, **said.tags})
    yield from _about_range(whole, correction)
    yield from _about_options(point, said, correction)
    if correction.bool_form is not None and correction.bool_form not in BOOL_FORMS:
        yield Problem(
            "bool_form",
            "value_not_among",
            {"value": correction.bool_form, "known": ", ".join(BOOL_FORMS)},
        )
    if correction.stale_after is not None:
        yield from _not_positive("stale_after", correction.stale_after)
    if (description := _described(said, writable=writable)) is not None:
        yield from _about_classes(said, correction, description)


def _too_long(name: str, text: str, most: int, detail: str = "") -> Iterator[Problem]:
    if len(text) > most:
        yield Problem(name, "text_too_long", {"max": str(most)}, detail)


def _not_positive(name: str, number: float) -> Iterator[Problem]:
    if not isfinite(number):
        yield Problem(name, "number_not_finite")
    elif number <= 0:
        yield Problem(name, "number_not_positive", {"value": as_text(number)})


def _about_kind(
    said: Measurepoint, correction: Correction, *, writable: bool
) -> Iterator[Problem]:
    """A kind must be possible for the type, and have the values that it needs."""
    kind = correction.kind
    if kind is None:
        return
    kinds = control_kinds(said) if writable else reading_kinds(said)
    if kind not in kinds:
        yield Problem(
            "kind",
            "kind_impossible" if kinds else "kind_none",
            {
                "value": kind.value,
                "type": said.data_type.value,
                "known": ", ".join(kinds),
            },
        )
        return
    description = _described(said, writable=writable)
    if description is None or description.kind is not kind:
        key = "kind_needs_options" if kind is Kind.SELECT else "kind_needs_values"
        yield Problem("kind", key, {"value": kind.value})


def _about_values(
    said: Measurepoint, correction: Correction, *, writable: bool
) -> Iterator[Problem]:
    """Values must be of the point's type and, for an ENUM, among its codes."""
    meant: dict[str, Value] = {}
    for name in ("on_value", "off_value", "press_value"):
        text: str | None = getattr(correction, name)
        if text is None:
            continue
        value = parse(said, text.strip()) if text.strip() else None
        if value is not None and said.enum and said.data_type is DataType.ENUM:
            if value not in said.enum:
                known = did_you_mean(text, said.enum)
                yield Problem(name, "code_unknown", {"value": text, "known": known})
            else:
                meant[name] = value
            continue
        if value is None or (writable and not _encodes(said, value)):
            yield Problem(
                name, "value_unfit", {"value": text, "type": said.data_type.value}
            )
        else:
            meant[name] = value
    if "off_value" in meant and meant["off_value"] == meant.get("on_value"):
        yield Problem("off_value", "on_is_off", {"value": correction.off_value or ""})


def _encodes(said: Measurepoint, value: Value) -> bool:
    try:
        encode(said, value)
    except EncodeError:
        return False
    return True


def _about_range(said: Measurepoint, correction: Correction) -> Iterator[Problem]:
    """Ends of a range must be numbers of the type, in order, with a step that fits in."""
    ends = {"minimum": correction.minimum, "maximum": correction.maximum}
    lowest, highest = limits(said)
    sound = True
    for name, number in ends.items():
        if number is None:
            continue
        problem = ""
        if not isfinite(number):
            problem = "number_not_finite"
        elif said.data_type is DataType.INT and not number.is_integer():
            problem = "number_not_whole"
        elif said.data_type in NUMERIC and not lowest <= number <= highest:
            problem = "number_beyond_type"
        if problem:
            sound = False
            yield Problem(
                name,
                problem,
                {
                    "value": as_text(number),
                    "type": said.data_type.value,
                    "minimum": as_text(lowest),
                    "maximum": as_text(highest),
                },
            )
    if not sound:
        return
    low, high = _ends(said)
    if low is not None and high is not None and low >= high:
        if correction.minimum is not None or correction.maximum is not None:
            yield Problem(
                "maximum" if correction.maximum is not None else "minimum",
                "minimum_not_below",
                {"minimum": as_text(low), "maximum": as_text(high)},
            )
        return
    if correction.step is None:
        return
    step = correction.step
    yield from _not_positive("step", step)
    if said.data_type is DataType.INT and isfinite(step) and not step.is_integer():
        yield Problem("step", "number_not_whole", {"value": as_text(step)})
    if low is not None and high is not None and step > high - low:
        yield Problem(
            "step",
            "step_too_large",
            {"value": as_text(step), "minimum": as_text(low), "maximum": as_text(high)},
        )


def _ends(said: Measurepoint) -> tuple[float | None, float | None]:
    """Return the ends of a range one by one, also where both together make none."""

    def without(key: str) -> Measurepoint:
        return replace(
            said, tags={each: text for each, text in said.tags.items() if each != key}
        )

    low, _ = declared_range(without(TAG_MAXIMUM))
    _, high = declared_range(without(TAG_MINIMUM))
    return low, high


def _about_options(
    point: Measurepoint, said: Measurepoint, correction: Correction
) -> Iterator[Problem]:
    """Codes must be ones that the point can have; labels are states, each another one."""
    labels: dict[str, str] = {}
    for code, label in correction.options.items():
        if code not in point.enum and not _is_code(point, code):
            yield Problem(
                "options",
                "code_unfit",
                {"value": code, "type": point.data_type.value},
                code,
            )
        yield from _too_long("options", label, MAX_STATE_LENGTH, code)
        clean = " ".join(label.split())
        folded = clean.casefold()
        if not clean:
            yield Problem("options", "label_empty", {"code": code}, code)
        elif folded in {"unknown", "unavailable"}:
            yield Problem("options", "label_reserved", {"value": label}, code)
        elif folded in labels:
            yield Problem(
                "options",
                "label_twice",
                {"value": clean, "code": labels[folded], "other": code},
                code,
            )
        labels.setdefault(folded, code)
    if correction.options and said.data_type is DataType.BOOL:
        missing = {"0", "1"} - said.enum.keys()
        if missing:
            yield Problem(
                "options",
                "options_missing_codes",
                {"codes": ", ".join(sorted(missing))},
            )


def _is_code(point: Measurepoint, code: str) -> bool:
    """Tell whether a value of the point can have this code."""
    if point.data_type not in _WITH_CODES or not code.strip():
        return False
    if point.data_type is DataType.ENUM and point.enum_is_int:
        return code_of(parse(replace(point, data_type=DataType.INT), code)) == code
    return code_of(parse(point, code)) == code


_WITH_CODES: Final = frozenset(
    {DataType.BOOL, DataType.ENUM, DataType.STRING, *NUMERIC}
)
_CLASSES: Final[Mapping[Kind, type[StrEnum]]] = {
    Kind.NUMBER: NumberDeviceClass,
    Kind.SENSOR: SensorDeviceClass,
    Kind.SWITCH: SwitchDeviceClass,
    Kind.BINARY_SENSOR: BinarySensorDeviceClass,
}


def _about_classes(
    said: Measurepoint, correction: Correction, description: PointDescription
) -> Iterator[Problem]:
    """Classes must be Home Assistant's, and go with unit and each other."""
    wanted = correction.device_class
    kind = description.kind
    known = _CLASSES.get(kind)
    if wanted is not None and known is not None and wanted != NO_CLASS:
        if wanted not in set(known):
            yield Problem(
                "device_class",
                "class_unknown",
                {"value": wanted, "kind": kind, "known": did_you_mean(wanted, known)},
            )
        elif description.device_class != wanted and not description.options:
            yield _class_refused(wanted, description)
    yield from _about_state_class(correction, description)


def _class_refused(wanted: str, description: PointDescription) -> Problem:
    """Say which units a class takes, or that it is for another kind of value."""
    tables = (NUMBER_UNITS, SENSOR_UNITS)
    units = {
        str(unit) if unit else "–"
        for table in tables
        for known, taken in table.items()
        if known == wanted
        for unit in taken
    }
    return Problem(
        "device_class",
        "class_refuses_unit" if units else "class_of_other_values",
        {
            "value": wanted,
            "unit": description.unit or "–",
            "known": ", ".join(sorted(units)),
        },
    )


def _about_state_class(
    correction: Correction, description: PointDescription
) -> Iterator[Problem]:
    wanted = correction.state_class
    if wanted in {None, NO_CLASS} or description.kind is not Kind.SENSOR:
        return
    if wanted not in set(SensorStateClass):
        known = did_you_mean(wanted or "", SensorStateClass)
        yield Problem(
            "state_class",
            "state_class_unknown",
            {"value": wanted or "", "known": known},
        )
        return
    device_class = description.device_class
    if device_class is not None and not description.options:
        allowed = DEVICE_CLASS_STATE_CLASSES.get(SensorDeviceClass(device_class), set())
        if wanted not in set(allowed):
            yield Problem(
                "state_class",
                "state_class_refused",
                {
                    "value": wanted or "",
                    "class": device_class,
                    "known": ", ".join(sorted(allowed)) or NO_CLASS,
                },
            )
            return
    units = STATE_CLASS_UNITS.get(SensorStateClass(wanted or ""))
    if units is not None and description.unit not in units:
        yield Problem(
            "state_class",
            "state_class_refuses_unit",
            {
                "value": wanted or "",
                "unit": description.unit or "–",
                "known": ", ".join(str(unit) for unit in units),
            },
        )
