"""Values on the wire: reading them by the model's type, writing them, comparing both.

EnOS hands values over as the device sent them: numbers as text, booleans as 0 and 1, ENUM codes
as either. Each point's type in the thing model decides what a value means; what does not fit is
unknown (None) when read, and an `EncodeError` when written.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
import json
from math import ceil, floor, isfinite
import re
import struct
from typing import Final

from .api.models import DataType, JsonValue, Measurepoint

type Value = bool | int | float | str | datetime | date | None

INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
FLOAT_MAX: Final = 3.4028235e38
# A double reaches further, but Home Assistant's unit conversion of a number's limits does not.
DOUBLE_MAX: Final = 1e300

TAG_MINIMUM: Final = "ha/min"
TAG_MAXIMUM: Final = "ha/max"
TAG_STEP: Final = "ha/step"

# Counters outgrow 32 bits before their model does: what is read may use 64.
_READ_INT_LIMIT: Final = 2**63

# Numbers of a TIMESTAMP: seconds or milliseconds. The border is the year 5138 in seconds and 1973 in
# milliseconds; below the first (1973 in seconds) is what devices send for "never".
_FIRST_SECOND: Final = 10**8
_FIRST_MILLISECOND: Final = 10**11
_LAST_MILLISECOND: Final = 253_402_300_799_999
# Numbers that are rather a time of these two centuries in digits, as in 202601311230 and
# 20260131123000, than milliseconds of 1976 or of about 2600.
_WRITTEN_OUT: Final = (
    (190_000_000_000, 210_000_000_000),
    (19_000_000_000_000, 21_000_000_000_000),
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DATE: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<time>[ T]\d\d:\d\d(:\d\d([.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)

# Decimals have 28 digits; this leaves a dozen to a step.
_FARTHEST_BASE: Final = 10**15

# Relative error of a number that went through a 32-bit float.
_FLOAT32_EPSILON: Final = 2.0**-23

# What writers of JSON put for a number that is none.
_NO_CODES: Final = frozenset({"nan", "null", "infinity", "inf"})

NUMERIC: Final = frozenset({DataType.INT, DataType.FLOAT, DataType.DOUBLE})


class EncodeError(ValueError):
    """A value that must not be sent.

    `reason` is a slug for a translation key; `placeholders` are its texts. Reasons:
    not_a_number, not_finite, not_integral, out_of_range, below_minimum, above_maximum,
    off_step, not_a_boolean, unknown_option, not_text, too_long, not_a_time, not_an_address,
    not_json, unsupported_type.
    """

    def __init__(self, reason: str, **placeholders: object) -> None:
        """Keep the reason and its placeholders as text."""
        self.reason = reason
        self.placeholders: Mapping[str, str] = {
            key: str(value) for key, value in placeholders.items()
        }
        details = ", ".join(f"{key}={text}" for key, text in self.placeholders.items())
        super().__init__(f"{reason} ({details})" if details else reason)


def parse(point: Measurepoint, raw: JsonValue) -> Value:
    """Return a raw value as the point's type has it; None where it does not fit.

    BOOL: bool. INT: int. FLOAT, DOUBLE: float, always finite. ENUM: the code as text, also an
    unknown one. TIMESTAMP: datetime in UTC. DATE: date. STRING: text as it is, anything else as
    compact JSON text. FILE: its address. ARRAY, STRUCT: a list or an object as such text, a
    text as it is. Never raises.
    """
    if raw is None:
        return None
    match point.data_type:
        case DataType.BOOL:
            return _parse_bool(raw)
        case DataType.INT:
            return _parse_int(raw)
        case DataType.FLOAT:
            number = _parse_number(raw)
            return None if number is None else _widened(float(number)) + 0.0
        case DataType.DOUBLE:
            number = _parse_number(raw)
            return None if number is None else float(number) + 0.0
        case DataType.ENUM:
            return _parse_code(point, raw)
        case DataType.TIMESTAMP:
            return _parse_timestamp(raw)
        case DataType.DATE:
            return _parse_date(raw)
        case DataType.STRING:
            return _compact(raw)
        case DataType.ARRAY | DataType.STRUCT | DataType.FILE:
            return _parse_text(point.data_type, raw)
        case _:
            return None


def code_of(value: Value) -> str:
    """Return a value as the code of an option: a BOOL as 1 or 0, the rest as text.

    Whole numbers have the same code whatever their type.
    """
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return "" if value is None else str(value)


def item_of(raw: JsonValue, item: str) -> JsonValue:
    """Return the raw value of an item of a STRUCT, which comes as an object or as its text.

    None for one that is not there.
    """
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError, RecursionError:
            return None
    return raw.get(item) if isinstance(raw, dict) else None


def _parse_number(raw: JsonValue) -> int | float | None:
    """Return a finite number from a number or its decimal text."""
    if isinstance(raw, str):
        text = raw.strip()
        if not _NUMBER.fullmatch(text):
            return None
        raw = float(text) if re.search(r"[.eE]", text) else _int(text)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        return raw if isfinite(raw) else None
    except OverflowError:  # an int beyond every float
        return None


def _int(text: str) -> int | None:
    """Return an int from digits, None where there are more than Python converts."""
    try:
        return int(text)
    except ValueError:
        return None


def _parse_int(raw: JsonValue) -> int | None:
    """Return a whole number; 21.5 is none."""
    number = _parse_number(raw)
    if number is None or number != int(number) or abs(number) >= _READ_INT_LIMIT:
        return None
    return int(number)


def _parse_bool(raw: JsonValue) -> bool | None:
    """Return a truth value from true, 1, 1.0, "1", "true" and their opposites."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and (word := raw.strip().lower()) in {"true", "false"}:
        return word == "true"
    number = _parse_number(raw)
    return bool(number) if number in {0, 1} else None


def _parse_code(point: Measurepoint, raw: JsonValue) -> str | None:
    """Return an ENUM code as the model spells it, or an unknown code as its own text."""
    if isinstance(raw, bool):
        word = str(raw).lower()
        return word if word in point.enum else None
    if isinstance(raw, str):
        text = raw.strip()
        if text in point.enum or not text:
            return text or None
        number = _parse_int(text)
    else:
        number = _parse_int(raw)
        if number is None:
            return None
        text = str(number)
    if number is not None and (point.enum_is_int or str(number) in point.enum):
        return str(number)
    return None if text.lower().lstrip("+-") in _NO_CODES else text


def _parse_text(data_type: DataType, raw: JsonValue) -> str | None:
    """Return what comes as text; a list also as a list, an object as an object."""
    if isinstance(raw, str):
        return raw if raw.strip() else None
    if (data_type is DataType.ARRAY and isinstance(raw, list)) or (
        data_type is DataType.STRUCT and isinstance(raw, dict)
    ):
        return _compact(raw)
    return None


def _compact(raw: JsonValue) -> str | None:
    """Return text as it is and anything else as compact JSON, NaN and Infinity not at all."""
    if isinstance(raw, str):
        return raw
    try:
        return json.dumps(
            raw, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except ValueError, RecursionError:
        return None


def _parse_timestamp(raw: JsonValue) -> datetime | None:
    """Return a time in UTC from milliseconds, seconds or ISO text with a zone.

    Text without a zone is unknown: EnOS does not say whose clock it is.
    """
    if (number := _parse_number(raw)) is not None:
        milliseconds = number if number >= _FIRST_MILLISECOND else number * 1000
        if not _FIRST_SECOND * 1000 <= milliseconds <= _LAST_MILLISECOND:
            return None
        if any(low <= number < high for low, high in _WRITTEN_OUT):
            return None
        return _EPOCH + timedelta(milliseconds=milliseconds)
    if not isinstance(raw, str):
        return None
    try:
        moment = datetime.fromisoformat(raw.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except ValueError, OverflowError:
        return None


def _parse_date(raw: JsonValue) -> date | None:
    """Return the day of `yyyy-MM-dd`, with or without a time after it."""
    found = _DATE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if found is None:
        return None
    try:
        return date.fromisoformat(found["day"])
    except ValueError:
        return None


def _float32(number: float) -> float:
    """Return the nearest 32-bit float; raise OverflowError beyond its range."""
    result: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return result


def shortest_float32(number: float) -> float:
    """Return the number with the fewest digits that is the same 32-bit float.

    21.1 went through a 32-bit float comes out as 21.100000381469727; this is 21.1 again.
    Raises OverflowError where the number is beyond the range of a 32-bit float.
    """
    exact = _float32(number)
    for digits in range(1, 9):
        short = float(f"{exact:.{digits}g}")
        # Few digits of the largest one round up beyond the range.
        if abs(short) <= FLOAT_MAX and _float32(short) == exact:
            return short or 0.0
    return float(f"{exact:.9g}")  # nine are always enough


def _widened(number: float) -> float:
    """Return a reading without the digits that widening to 64 bits added.

    Whole numbers stay: there the added digits are the true ones of a counter.
    """
    if number.is_integer() or _float32(number) != number:
        return number
    return shortest_float32(number)


def declared_number(point: Measurepoint, key: str) -> float | None:
    """Return a number from a tag such as `ha/step`; None where it is missing or bad."""
    number = _parse_number(point.tags.get(key))
    return None if number is None else float(number)


def declared_step(point: Measurepoint) -> float | None:
    """Return the step that tag `ha/step` declares: positive, whole for an INT."""
    step = declared_number(point, TAG_STEP)
    if step is None or step <= 0 or point.data_type not in NUMERIC:
        return None
    if point.data_type is DataType.INT and not step.is_integer():
        return None
    return step


def limits(point: Measurepoint) -> tuple[float, float]:
    """Return the range that a number's type can carry."""
    if point.data_type is DataType.INT:
        return float(INT_MIN), float(INT_MAX)
    limit = FLOAT_MAX if point.data_type is DataType.FLOAT else DOUBLE_MAX
    return -limit, limit


def declared_range(point: Measurepoint) -> tuple[float | None, float | None]:
    """Return the ends that `ha/min` and `ha/max` declare, within the type's own limits.

    An end that is missing or bad is None; both are where they leave no range.
    """
    lowest, highest = limits(point)
    low = declared_number(point, TAG_MINIMUM)
    high = declared_number(point, TAG_MAXIMUM)
    if point.data_type is DataType.INT:
        low = None if low is None else float(ceil(low))
        high = None if high is None else float(floor(high))
    low = None if low is None or low >= highest else max(low, lowest)
    high = None if high is None or high <= lowest else min(high, highest)
    if low is not None and high is not None and low >= high:
        return None, None
    return low, high


def fit(
    point: Measurepoint,
    value: float,
    *,
    minimum: float | None,
    maximum: float | None,
    step: float | None,
    converted: bool = False,
) -> float:
    """Return a number that keeps a range and a declared step.

    `step` is a declared one only: a guess binds nothing. Steps count from the point's declared
    minimum, else from zero. `converted` tells that Home Assistant has just converted the unit:
    then, and only then, the number is moved to the nearest step (an INT at least to a whole
    number) and into the range. Raises EncodeError: `off_step`, `below_minimum`, `above_maximum`,
    `not_a_number`, `not_finite`.
    """
    number = _decimal(_number(value))
    low = None if minimum is None else _decimal(minimum)
    high = None if maximum is None else _decimal(maximum)
    grid = None if step is None else _decimal(step)
    if grid is None and converted and point.data_type is DataType.INT:
        grid = Decimal(1)
    base = _decimal(declared_range(point)[0] or 0)
    if abs(base) > _FARTHEST_BASE:
        # That is the end of the type, not one that somebody counts from.
        base = Decimal(0)
    if grid is not None:
        nearest = _on_grid(number, base, grid, ROUND_HALF_EVEN)
        # What binary fractions leave behind (0.1 + 0.2) is no other step.
        if not converted and abs(number - nearest) > grid / 1_000_000:
            raise EncodeError("off_step", value=value, step=step)
        number = nearest
    if low is not None and number < low:
        if not converted:
            raise EncodeError("below_minimum", value=value, min=minimum)
        number = low if grid is None else _on_grid(low, base, grid, ROUND_CEILING)
    if high is not None and number > high:
        if not converted:
            raise EncodeError("above_maximum", value=value, max=maximum)
        number = high if grid is None else _on_grid(high, base, grid, ROUND_FLOOR)
    return float(number)


def as_text(number: float) -> str:
    """Return a number for people: ten digits, which every 32-bit one has whole."""
    try:
        return f"{number:.10g}"
    except OverflowError:  # an int beyond every float, which somebody asked for
        return f"{Decimal(number):.10g}"


def _decimal(value: float) -> Decimal:
    """Return the shortest decimal of a number."""
    return Decimal(repr(float(value)))


def _on_grid(number: Decimal, base: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Return a number on the grid of steps around a base."""
    steps = ((number - base) / step).to_integral_value(rounding=rounding)
    return base + steps * step


def same(
    point: Measurepoint, a: JsonValue, b: JsonValue, *, step: float | None = None
) -> bool:
    """Tell whether a reported raw value is what was written.

    Numbers may differ by half a step (`step`, else the declared one) or by what a 32-bit float
    rounds away; an INT without a step not at all. All else is compared by meaning: a list item
    by item, a STRUCT by the items that both have, if one has all of the other's (what was left
    out when it was written is reported all the same). A value that cannot be parsed is never
    the same.
    """
    first, second = parse(point, a), parse(point, b)
    if first is None or second is None:
        return False
    if point.data_type in {DataType.ARRAY, DataType.STRUCT}:
        return _same_parts(point, _decoded(first), _decoded(second))
    if (
        point.data_type not in NUMERIC
        or not isinstance(first, int | float)
        or not isinstance(second, int | float)
    ):
        return first == second
    if first == second:
        return True
    allowed = (step or declared_step(point) or 0.0) / 2
    if point.data_type is not DataType.INT:
        allowed += _FLOAT32_EPSILON * max(abs(first), abs(second))
    return abs(first - second) <= allowed


def _decoded(value: Value) -> JsonValue:
    """Return what JSON text means, else the text."""
    text = str(value)
    try:
        found: JsonValue = json.loads(text)
    except ValueError, RecursionError:
        return text
    return found


def _same_parts(point: Measurepoint, a: JsonValue, b: JsonValue) -> bool:
    """Tell whether two lists or objects mean the same, each item by its type."""
    if isinstance(a, list) and isinstance(b, list):
        item = Measurepoint(
            identifier="", data_type=point.item_type or DataType.UNKNOWN
        )
        return len(a) == len(b) and all(
            one == other or same(item, one, other)
            for one, other in zip(a, b, strict=True)
        )
    if isinstance(a, dict) and isinstance(b, dict):
        types = {item.identifier: item for item in point.items}
        common = a.keys() & b.keys()
        return len(common) == min(len(a), len(b)) and all(
            a[key] == b[key] or (key in types and same(types[key], a[key], b[key]))
            for key in common
        )
    return a == b


def encode(
    point: Measurepoint, value: Value | JsonValue, *, like: JsonValue = None
) -> JsonValue:
    """Return a value as it goes to EnOS.

    INT: int. FLOAT: the shortest decimal of the same 32-bit float. DOUBLE: float. BOOL: 1 or 0.
    ENUM: the code in its own type, from its text or number. STRING: as it is. TIMESTAMP:
    milliseconds. DATE: `yyyy-MM-dd`. ARRAY, STRUCT: the list or object. FILE: its address.
    `like` is a value that
    EnOS gave, whose form is taken where a type has several: BOOL as true and false, TIMESTAMP in
    seconds or as text, DATE with a time. Range and step of a number are `fit`'s business.
    Raises EncodeError.
    """
    match point.data_type:
        case DataType.INT:
            return _encode_int(value)
        case DataType.FLOAT:
            return _encode_float(value)
        case DataType.DOUBLE:
            return float(_number(value)) + 0.0
        case DataType.BOOL:
            truth = None if isinstance(value, date) else _parse_bool(value)
            if truth is None:
                raise EncodeError("not_a_boolean", value=value)
            return truth if isinstance(like, bool) else int(truth)
        case DataType.ENUM:
            return _encode_code(point, value)
        case DataType.STRING:
            if not isinstance(value, str):
                raise EncodeError("not_text", value=value)
            if point.max_length is not None and len(value) > point.max_length:
                raise EncodeError("too_long", length=len(value), max=point.max_length)
            return _strict(value)
        case DataType.FILE:
            if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
                raise EncodeError("not_an_address", value=str(value)[:100])
            return _strict(value)
        case DataType.TIMESTAMP | DataType.DATE:
            return _encode_time(point, value, like)
        case DataType.ARRAY if isinstance(value, list):
            return _strict(value)
        case DataType.STRUCT if isinstance(value, dict):
            return _strict(value)
        case _:
            raise EncodeError("unsupported_type", type=point.data_type.value)


def _number(value: Value | JsonValue) -> int | float:
    """Return a finite number from a number or its decimal text, else raise EncodeError."""
    if isinstance(value, float) and not isfinite(value):
        raise EncodeError("not_finite", value=value)
    number = None if isinstance(value, date) else _parse_number(value)
    if number is None:
        raise EncodeError("not_a_number", value=str(value)[:100])
    return number


def _encode_int(value: Value | JsonValue) -> int:
    """Return a whole number within 32 bits."""
    number = _number(value)
    if number != int(number):
        raise EncodeError("not_integral", value=value)
    if not INT_MIN <= number <= INT_MAX:
        raise EncodeError("out_of_range", value=value, min=INT_MIN, max=INT_MAX)
    return int(number)


def _encode_float(value: Value | JsonValue) -> float:
    """Return the shortest decimal of the same 32-bit float."""
    number = _number(value)
    try:
        return shortest_float32(float(number))
    except OverflowError:
        raise EncodeError(
            "out_of_range", value=value, min=-FLOAT_MAX, max=FLOAT_MAX
        ) from None


def _encode_code(point: Measurepoint, value: Value | JsonValue) -> str | int:
    """Return an ENUM code in its own type."""
    code = _parse_code(point, value) if not isinstance(value, date) else None
    if code is None or (point.enum and code not in point.enum):
        raise EncodeError("unknown_option", option=str(value)[:100])
    if not point.enum_is_int:
        return code
    if (number := _int(code)) is None:
        raise EncodeError("unknown_option", option=code[:100])
    return number


def _encode_time(
    point: Measurepoint, value: Value | JsonValue, like: JsonValue
) -> JsonValue:
    """Return milliseconds for a TIMESTAMP, a day for a DATE, or what `like` has instead."""
    if point.data_type is DataType.DATE:
        day = value if isinstance(value, date) else _parse_date(value)
        if day is None:
            raise EncodeError("not_a_time", value=str(value)[:100])
        text = day.isoformat()[:10]
        return f"{text} 00:00:00" if _has_time(like) else text
    if isinstance(value, datetime):
        moment = value if value.tzinfo else None
    elif isinstance(value, date):
        moment = None
    else:
        moment = _parse_timestamp(value)
    if moment is None:
        raise EncodeError("not_a_time", value=str(value)[:100])
    milliseconds = round(moment.timestamp() * 1000)
    given = _parse_number(like)
    number = milliseconds
    if given is not None and _FIRST_SECOND <= given < _FIRST_MILLISECOND:
        number = milliseconds // 1000
    read = _parse_timestamp(number)
    if read is None or abs(read.timestamp() * 1000 - milliseconds) >= 1000:
        # Nobody could tell it from a number of another meaning.
        raise EncodeError("not_a_time", value=str(value)[:100])
    return str(number) if given is not None and isinstance(like, str) else number


def _has_time(like: JsonValue) -> bool:
    """Tell whether a DATE came with a time of day."""
    found = _DATE.fullmatch(like.strip()) if isinstance(like, str) else None
    return found is not None and found["time"] is not None


def _strict(value: JsonValue) -> JsonValue:
    """Return a text, list or object if JSON can carry it.

    It cannot carry NaN, half a character, or what is nested without end.
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError, RecursionError:
        raise EncodeError("not_json") from None
    except TypeError, ValueError:
        raise EncodeError("not_finite", value=str(value)[:100]) from None
    return value
