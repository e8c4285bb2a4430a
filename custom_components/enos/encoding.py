"""A value that somebody asked for, as it goes on the wire: the same for entities and actions."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, override

from homeassistant.components.number.const import UNIT_CONVERTERS, NumberDeviceClass
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.unit_conversion import BaseUnitConverter

from .api.models import DataType, JsonValue, Measurepoint, ThingService
from .exceptions import invalid_value
from .mapping import Kind, PointDescription
from .values import (
    NUMERIC,
    EncodeError,
    Value,
    as_text,
    code_of,
    declared_range,
    encode,
    fit,
    parse,
)

# Translation keys of values that cannot be written, by what `encode` and `fit` call them.
REASONS: Final[Mapping[str, str]] = {
    "not_integral": "not_integral",
    "not_finite": "not_finite",
    "off_step": "off_step",
    "below_minimum": "out_of_range",
    "above_maximum": "out_of_range",
    "out_of_range": "out_of_range",
    "unknown_option": "unknown_option",
    "ambiguous_option": "ambiguous_option",
    "too_long": "text_too_long",
    "unknown_item": "unknown_item",
    "invalid_item": "invalid_item",
}

_LONGEST_SHOWN: Final = 100
# Home Assistant shows the ends of a converted range with one decimal at least.
_ROUNDED_AWAY: Final = 0.1
# Of steps whose multiples binary fractions hold exactly: halves, quarters and so on.
_FRACTIONS: Final = 1024
# Up to here the digits of a whole number and its binary fraction are the same number.
_EXACT: Final = 2.0**53
_WORDS: Final = {"on": True, "off": False}
_TRUTHS: Final = {**_WORDS, "true": True, "false": False}
_PRESS: Final = "press"
_DOUBLE: Final = Measurepoint(identifier="", data_type=DataType.DOUBLE)
_UNEXPLAINED: Final = frozenset({DataType.UNKNOWN, DataType.FILE})


def fit_number(
    point: Measurepoint,
    description: PointDescription,
    value: float,
    *,
    converted: bool = False,
) -> float:
    """Return a number within the range and on the declared step of its control.

    What the model declares binds, a step that is guessed only displays. `converted` as in
    `values.fit`. Raises EncodeError.
    """
    step = description.step if description.step_declared else None
    if not converted and _plainly_fits(description, value, step):
        return value
    return fit(
        point,
        value,
        minimum=description.minimum,
        maximum=description.maximum,
        step=step,
        converted=converted,
    )


def _plainly_fits(
    description: PointDescription, value: float, step: float | None
) -> bool:
    """Tell whether a number surely is one that `values.fit` returns as it is.

    Without decimals, which take their time: only for steps that binary fractions hold exactly.
    Steps count from zero or from the minimum; of one that is on a step itself both mean the same.
    """
    low, high = description.minimum, description.maximum
    if not isinstance(value, float) or low is None or high is None:
        return False
    if not low <= value <= high:
        return False
    return step is None or (
        abs(value) <= _EXACT
        and (step * _FRACTIONS).is_integer()
        and value % step == 0
        and low % step == 0
    )


def converter_of(
    description: PointDescription | None, unit: str | None
) -> type[BaseUnitConverter] | None:
    """Return what converts between a number's own unit and another; None where nothing is to be.

    The unit system, or a person, may have an entity show another unit than the model's.
    """
    if (
        description is None
        or description.kind is not Kind.NUMBER
        or not description.device_class
        or unit in (None, description.unit)
    ):
        return None
    return UNIT_CONVERTERS.get(NumberDeviceClass(description.device_class))


def _from_unit(
    description: PointDescription,
    number: float,
    unit: str | None,
    converter: type[BaseUnitConverter],
) -> float:
    """Return a number in the control's own unit. Raises EncodeError for one out of range."""
    for end, below in ((description.minimum, True), (description.maximum, False)):
        if end is None:
            continue
        over = number - converter.convert(end, description.unit, unit)
        if (-over if below else over) > _ROUNDED_AWAY:
            raise EncodeError("out_of_range", value=number)
    return converter.convert(number, unit, description.unit)


def wire_value(
    point: Measurepoint,
    description: PointDescription | None,
    value: Value | JsonValue,
    *,
    like: JsonValue = None,
    unit: str | None = None,
    as_shown: bool = False,
) -> JsonValue:
    """Return what goes out for a value that an action was given.

    Numbers as their control takes them, in `unit` where it is another than the control's own,
    and moved to the nearest step then. What has options by label or by code. A switch also by
    on, off, true and false, which mean what the switch calls so (unless they are values of the
    point itself, and not given `as_shown` by the switch); a button by `press`.
    Items of an ARRAY or STRUCT by their types, as far as the model tells them; `description`
    is None for these, and for all that has no control. What went out once is accepted again.
    A value of a type that no model explains goes out as it is. Raises EncodeError.
    """
    if value is None:
        raise EncodeError("no_value")
    if point.data_type is DataType.UNKNOWN:
        if isinstance(value, date):
            raise EncodeError("unsupported_type", type=point.data_type.value)
        return value
    kind = description.kind if description else None
    switched = _switched(point, description, value, as_shown=as_shown)
    if isinstance(switched, bool | int | float | str):
        value = switched
    elif point.data_type in NUMERIC and description and kind is Kind.NUMBER:
        number = None if isinstance(value, date) else parse(_DOUBLE, value)
        if not isinstance(number, float):
            raise EncodeError("not_a_number", value=value)
        converter = converter_of(description, unit)
        if converter is not None:
            number = _from_unit(description, number, unit, converter)
        value = fit_number(point, description, number, converted=converter is not None)
    elif point.data_type in NUMERIC and kind in (Kind.SWITCH, Kind.BUTTON):
        # Other values than its own are taken, but the range of the point binds all the same.
        number = None if isinstance(value, date) else parse(_DOUBLE, value)
        if isinstance(number, float):
            low, high = declared_range(point)
            fit(point, number, minimum=low, maximum=high, step=None)
    elif description and kind is Kind.SELECT:
        value = _code(point, description, value)
    elif point.data_type is DataType.BOOL and isinstance(value, str):
        value = _WORDS.get(value.strip().lower(), value)
    elif point.data_type is DataType.ARRAY and isinstance(value, list):
        value = [
            _item(point.item_type, item, f"[{index}]")
            for index, item in enumerate(value)
        ]
    elif point.data_type is DataType.STRUCT and isinstance(value, dict):
        value = _struct(point, value)
    return encode(point, value, like=form_of(description, like))


def form_of(description: PointDescription | None, given: JsonValue) -> JsonValue:
    """Return a value whose form a written one takes: what was said of a BOOL, else as given."""
    if description is None or description.bool_as_json is None:
        return given
    return description.bool_as_json or 1


def _switched(
    point: Measurepoint,
    description: PointDescription | None,
    value: Value | JsonValue,
    *,
    as_shown: bool,
) -> Value:
    """Return the point's value for on, off or press; None for any other value.

    What went out once is given again as it is: `false` may be what means on.
    """
    if description is None:
        return None
    word = value.strip().lower() if isinstance(value, str) else value
    truth = _TRUTHS.get(word, None) if isinstance(word, str) else word
    if description.kind is Kind.SWITCH and isinstance(truth, bool):
        raw = isinstance(value, str) or point.data_type is DataType.BOOL
        if not as_shown and raw and not isinstance(value, date):
            own = parse(point, value)
            if own is not None and own in (description.on_value, description.off_value):
                return own
        return description.on_value if truth else description.off_value
    if description.kind is Kind.BUTTON and word == _PRESS:
        return description.press_value
    return None


def _code(
    point: Measurepoint, description: PointDescription, value: Value | JsonValue
) -> Value | JsonValue:
    """Return the code of an option that is given by its label or by its code.

    A text that is one option's label and another's code is refused: codes that are numbers
    come as such. So is what is no option at all, also where the type would take it.
    """
    if isinstance(value, str):
        codes = {label: code for code, label in description.options}
        code = codes.get(value)
        if point.data_type is DataType.BOOL and code is None:
            # Labels may call off what the type calls true; no two differ by case alone.
            folded = {label.casefold(): code for label, code in codes.items()}
            code = folded.get(value.strip().casefold())
        if code is not None:
            if not point.enum_is_int and code != value and value in point.enum:
                raise EncodeError("ambiguous_option", option=value)
            return code
        if point.data_type is DataType.BOOL:
            value = _WORDS.get(value.strip().lower(), value)
    try:
        known = code_of(parse(point, encode(point, value))) in dict(description.options)
    except EncodeError:
        known = False
    if not known:
        raise EncodeError("unknown_option", option=str(value)[:_LONGEST_SHOWN])
    return value


def wire_inputs(
    service: ThingService, inputs: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return the inputs of a service as they go out, each in its type.

    What is left out is left to the device: models do not tell what a service needs. Raises
    EncodeError: `unknown_input`, `invalid_input`.
    """
    known = {each.identifier: each for each in service.inputs}
    wire: dict[str, JsonValue] = {}
    for name, value in inputs.items():
        if name not in known:
            raise EncodeError("unknown_input", item=name, items=", ".join(known) or "–")
        try:
            # A BOOL keeps the form in which it was given.
            form = value if isinstance(value, bool) else None
            wire[name] = wire_value(known[name], None, value, like=form)
        except EncodeError as err:
            raise EncodeError("invalid_input", item=name) from err
    return wire


def _struct(point: Measurepoint, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return a STRUCT with each item in its type."""
    if not point.items:
        return value
    known = {item.identifier: item for item in point.items}
    for name in value:
        if name not in known:
            raise EncodeError("unknown_item", item=name, items=", ".join(known))
    return {name: _struct_item(known[name], item) for name, item in value.items()}


def _struct_item(item: Measurepoint, value: JsonValue) -> JsonValue:
    """Return an item of a STRUCT in its type, an ENUM with codes that are known included."""
    if item.data_type is not DataType.ENUM or not item.enum:
        return _item(item.data_type, value, item.identifier)
    try:
        return encode(item, value)
    except EncodeError as err:
        raise EncodeError("invalid_item", item=item.identifier, value=value) from err


def _item(data_type: DataType | None, value: JsonValue, name: str) -> JsonValue:
    """Return an item of an ARRAY or STRUCT in its type; of some the model tells too little."""
    if data_type is None or data_type in _UNEXPLAINED:
        return value
    if data_type is DataType.ENUM:
        # Without codes in the model nobody knows whether they are numbers.
        if isinstance(value, str | int) and not isinstance(value, bool):
            return value
        raise EncodeError("invalid_item", item=name, value=value)
    item = Measurepoint(identifier=name, data_type=data_type)
    try:
        return encode(item, value, like=value if isinstance(value, bool) else None)
    except EncodeError as err:
        raise EncodeError("invalid_item", item=name, value=value) from err


class Names(Mapping[str, str]):
    """The placeholders of an error text, put together only where there is an error."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[str, str]]) -> None:
        """Take what puts them together."""
        self._make = make
        self._made: Mapping[str, str] | None = None

    def _names(self) -> Mapping[str, str]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @override
    def __getitem__(self, name: str) -> str:
        """Return a placeholder."""
        return self._names()[name]

    @override
    def __iter__(self) -> Iterator[str]:
        """Iterate over what the placeholders are called."""
        return iter(self._names())

    @override
    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names())


def names_of(device: str, point: str, value: object) -> dict[str, str]:
    """Return the placeholders that every error of a write has."""
    text = str(value)
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[:_LONGEST_SHOWN]}…"
    return {"device": device, "point": point, "value": text}


def cannot_be_written(
    err: EncodeError,
    names: Mapping[str, str],
    point: Measurepoint,
    description: PointDescription | None,
    unit: str | None = None,
) -> ServiceValidationError:
    """Return the error for a value that a point cannot take; `unit` is that of the value."""
    description = description or PointDescription(kind=Kind.SENSOR)
    own, converter = description.unit, converter_of(description, unit)

    low, high = description.minimum, description.maximum
    if description.kind is not Kind.NUMBER and point.data_type in NUMERIC:
        low, high = declared_range(point)

    def text(number: float | None) -> str:
        if number is None:
            return "-"
        if converter is not None:
            number = round(converter.convert(number, own, unit), 2)
        return as_text(number)

    too_long = err.reason == "too_long"
    return invalid_value(
        REASONS.get(err.reason, "invalid_value"),
        {
            **names,
            "step": text(description.step or None),
            "minimum": text(low),
            "maximum": str(point.max_length) if too_long else text(high),
            "option": names["value"],
            "item": err.placeholders.get("item", "-"),
            "items": err.placeholders.get("items", "-"),
        },
    )
