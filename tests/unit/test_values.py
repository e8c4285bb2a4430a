"""Values: read by the model's type, written in its form, compared by meaning."""

from datetime import UTC, date, datetime, timedelta, timezone
import json
import math
import struct
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import (
    DataType,
    JsonValue,
    LocalizedText,
    Measurepoint,
)
from custom_components.enos.values import (
    FLOAT_MAX,
    INT_MAX,
    INT_MIN,
    EncodeError,
    Value,
    encode,
    parse,
    same,
    shortest_float32,
)

from .points import patient

NAN: Final = float("nan")
INF: Final = float("inf")
MOMENT: Final = datetime(2025, 11, 22, 8, 26, 40, tzinfo=UTC)


def point(data_type: str, **fields: Any) -> Measurepoint:
    """Return a measurepoint of a type."""
    return Measurepoint(identifier="p", data_type=DataType(data_type), **fields)


def enum(*codes: str, is_int: bool = True) -> Measurepoint:
    """Return an ENUM with codes that are their own labels."""
    texts = {code: LocalizedText(code) for code in codes}
    return point("ENUM", enum=texts, enum_is_int=is_int)


FLOATS: Final = point("ARRAY", item_type=DataType.FLOAT)
PLAN: Final = point(
    "STRUCT",
    items=(
        Measurepoint(identifier="on", data_type=DataType.BOOL),
        Measurepoint(identifier="at", data_type=DataType.FLOAT),
    ),
)
INT_ENUM: Final = enum("0", "1", "2")
TEXT_ENUM: Final = enum("above", "below or equal", "1", "007", is_int=False)


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def float32(number: float) -> float:
    """Return what a 32-bit float makes of a number."""
    result: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return result


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_type", "raw", "value"),
    [
        ("BOOL", True, True),
        ("BOOL", False, False),
        ("BOOL", 1, True),
        ("BOOL", 0, False),
        ("BOOL", 1.0, True),
        ("BOOL", "0", False),
        ("BOOL", "1", True),
        ("BOOL", "1.0", True),
        ("BOOL", "true", True),
        ("BOOL", " False ", False),
        ("BOOL", 2, None),
        ("BOOL", 0.5, None),
        ("BOOL", "", None),
        ("BOOL", "on", None),
        ("BOOL", NAN, None),
        ("INT", 21, 21),
        ("INT", 21.0, 21),
        ("INT", "21", 21),
        ("INT", "21.0", 21),
        ("INT", "-3", -3),
        ("INT", "+3", 3),
        ("INT", "2.1e1", 21),
        ("INT", 21.5, None),
        ("INT", "21.5", None),
        ("INT", True, None),
        ("INT", "true", None),
        ("INT", "", None),
        ("INT", "1_000", None),
        ("INT", "0x15", None),
        ("INT", "２１", None),
        ("INT", NAN, None),
        ("INT", INF, None),
        ("INT", "NaN", None),
        # A counter that outgrew its type is still a count; what no counter holds is not.
        ("INT", 3_000_000_000, 3_000_000_000),
        ("INT", 2**63, None),
        ("INT", 10**400, None),
        ("INT", "9" * 5000, None),
        ("FLOAT", 21.5, 21.5),
        ("FLOAT", "21.5", 21.5),
        ("FLOAT", 21, 21.0),
        ("FLOAT", 21.100000381469727, 21.1),
        ("FLOAT", "21.100000381469727", 21.1),
        ("FLOAT", 21.1, 21.1),
        ("FLOAT", 21.12345678, 21.12345678),
        ("FLOAT", 123456792, 123456792.0),
        ("FLOAT", 1e39, 1e39),
        ("FLOAT", "१२", None),
        ("FLOAT", "0x10", None),
        ("FLOAT", " 21.50 ", 21.5),
        ("FLOAT", {"value": 1}, None),
        ("FLOAT", NAN, None),
        ("FLOAT", -INF, None),
        ("FLOAT", "Infinity", None),
        ("FLOAT", "inf", None),
        ("FLOAT", "1e9999", None),
        ("FLOAT", "1,5", None),
        ("FLOAT", ".5", 0.5),
        ("FLOAT", "5.", 5.0),
        ("FLOAT", False, None),
        ("DOUBLE", 21.100000381469727, 21.100000381469727),
        ("DOUBLE", "1e300", 1e300),
        ("DOUBLE", 10**400, None),
        ("DOUBLE", [1.0], None),
        ("STRING", "auto", "auto"),
        ("STRING", "", ""),
        ("STRING", "NaN", "NaN"),
        ("STRING", 7, "7"),
        ("STRING", True, "true"),
        ("STRING", NAN, None),
        ("TIMESTAMP", 1763800000000, MOMENT),
        ("TIMESTAMP", 1763800000, MOMENT),
        ("TIMESTAMP", "1763800000000", MOMENT),
        ("TIMESTAMP", 1763800000123, MOMENT + timedelta(milliseconds=123)),
        ("TIMESTAMP", "2025-11-22T16:26:40+08:00", MOMENT),
        ("TIMESTAMP", "2025-11-22T08:26:40Z", MOMENT),
        ("TIMESTAMP", "2025-11-22 08:26:40", None),
        ("TIMESTAMP", 0, None),
        ("TIMESTAMP", -1, None),
        ("TIMESTAMP", 20251122, None),
        ("TIMESTAMP", 10**17, None),
        ("TIMESTAMP", "0001-01-01T00:00:00+14:00", None),
        ("TIMESTAMP", "yesterday", None),
        ("TIMESTAMP", [], None),
        ("DATE", "2025-11-22", date(2025, 11, 22)),
        ("DATE", "2025-11-22 08:26:40", date(2025, 11, 22)),
        (
            "TIMESTAMP",
            "2025-11-22T08:26:40.123456Z",
            MOMENT.replace(microsecond=123456),
        ),
        # A time in digits is none in milliseconds (it would be of 1976, or of 2612).
        ("TIMESTAMP", 202511220826, None),
        ("TIMESTAMP", 20251122082640, None),
        ("TIMESTAMP", "20251122082640", None),
        ("TIMESTAMP", True, None),
        ("DATE", "2025-11-22T08:26:40+08:00", date(2025, 11, 22)),
        ("DATE", " 2025-11-22 ", date(2025, 11, 22)),
        ("DATE", "2025-11-222", None),
        ("DATE", "2025-11-22 or so", None),
        ("DATE", "2025-W47-6", None),
        ("DATE", "20251122", None),
        ("DATE", "२०२५-११-२२", None),
        ("DATE", 1763800000000, None),
        ("ARRAY", [1, 2.5, "a"], '[1,2.5,"a"]'),
        ("ARRAY", "[1, 2]", "[1, 2]"),
        ("ARRAY", [NAN], None),
        ("ARRAY", {"a": 1}, None),
        ("ARRAY", 5, None),
        ("ARRAY", " ", None),
        ("ARRAY", "[early, late]", "[early, late]"),
        ("STRUCT", [1], None),
        ("FILE", 5, None),
        ("FILE", "", None),
        ("STRUCT", {"温度": 1}, '{"温度":1}'),
        ("FILE", "enos-connect://a/b", "enos-connect://a/b"),
        ("UNKNOWN", 5, None),
    ],
)
def test_parse(data_type: str, raw: JsonValue, value: Value) -> None:
    """Values become what the model says, in the very type, or unknown."""
    parsed = parse(point(data_type), raw)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("model", "raw", "code"),
    [
        (INT_ENUM, 1, "1"),
        (INT_ENUM, "1", "1"),
        (INT_ENUM, 1.0, "1"),
        (INT_ENUM, "1.0", "1"),
        (INT_ENUM, " 01 ", "1"),
        (INT_ENUM, 9, "9"),
        (INT_ENUM, "9", "9"),
        (INT_ENUM, "cool", "cool"),
        (INT_ENUM, 1.5, None),
        (INT_ENUM, True, None),
        (INT_ENUM, "", None),
        (INT_ENUM, "NaN", None),
        (INT_ENUM, NAN, None),
        (INT_ENUM, [1], None),
        (TEXT_ENUM, "above", "above"),
        (TEXT_ENUM, "below or equal", "below or equal"),
        (TEXT_ENUM, 1, "1"),
        (TEXT_ENUM, "1.0", "1"),
        (TEXT_ENUM, "007", "007"),
        (TEXT_ENUM, "7", "7"),
        (TEXT_ENUM, "Above", "Above"),
        (enum("true", "false", is_int=False), True, "true"),
        (enum(), 3, "3"),
    ],
)
def test_parse_enum(model: Measurepoint, raw: JsonValue, code: str | None) -> None:
    """A code is found in each of its forms; an unknown one stays as its own text."""
    assert parse(model, raw) == code


@pytest.mark.parametrize("data_type", list(DataType))
def test_null_is_unknown(data_type: DataType) -> None:
    """Null never has a value."""
    assert parse(Measurepoint(identifier="p", data_type=data_type), None) is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.from_regex(r"[+-]?\d*\.?\d*(e-?\d+)?", fullmatch=True),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)
points = st.one_of(
    st.sampled_from(list(DataType)).map(
        lambda kind: Measurepoint(identifier="p", data_type=kind)
    ),
    st.sampled_from([INT_ENUM, TEXT_ENUM, point("STRING", max_length=3)]),
)


@patient
@given(points, json_values)
def test_any_answer_is_survived(model: Measurepoint, raw: Any) -> None:
    """Whatever EnOS sends: a value of the type or unknown, and it is the same as itself."""
    value = parse(model, raw)
    if isinstance(value, float):
        assert math.isfinite(value)
    assert same(model, raw, raw) == (value is not None)


REASONS: Final = {
    None,
    *("not_a_number", "not_finite", "not_integral", "out_of_range", "not_a_boolean"),
    *("unknown_option", "not_text", "too_long", "not_a_time", "unsupported_type"),
    *("not_an_address", "not_json"),
}


@patient
@given(points, json_values)
def test_any_input_is_encoded_or_refused(model: Measurepoint, value: Any) -> None:
    """What is sent is JSON, can be read back and is confirmed by itself; all else is refused."""
    try:
        wire = encode(model, value)
    except EncodeError as err:
        reason: str | None = err.reason
    else:
        reason = None
        assert json.loads(json.dumps(wire, allow_nan=False)) == wire
        assert parse(model, wire) is not None
        assert same(model, wire, wire)
    assert reason in REASONS


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "value", "wire"),
    [
        (point("INT"), 21.0, 21),
        (point("INT"), -21, -21),
        (point("INT"), "21", 21),
        (point("INT"), float(INT_MAX), INT_MAX),
        (point("INT"), INT_MIN, INT_MIN),
        (point("FLOAT"), 21.1, 21.1),
        (point("FLOAT"), 21.100000381469727, 21.1),
        (point("FLOAT"), 0.1 + 0.2, 0.3),
        (point("FLOAT"), 21, 21.0),
        (point("FLOAT"), 16777217, 16777216.0),
        (point("FLOAT"), -0.0, 0.0),
        (point("FLOAT"), 1e-50, 0.0),
        (point("FLOAT"), FLOAT_MAX, 3.4028235e38),
        (point("DOUBLE"), 0.1 + 0.2, 0.30000000000000004),
        (point("DOUBLE"), 21, 21.0),
        (point("BOOL"), True, 1),
        (point("BOOL"), "false", 0),
        (point("BOOL"), 1.0, 1),
        (INT_ENUM, "2", 2),
        (INT_ENUM, 2.0, 2),
        (TEXT_ENUM, "above", "above"),
        (TEXT_ENUM, 1, "1"),
        (point("STRING", max_length=3), "abc", "abc"),
        (point("STRING"), "x" * 5000, "x" * 5000),
        (
            point("TIMESTAMP"),
            datetime(2025, 11, 22, 16, 26, 40, tzinfo=timezone(timedelta(hours=8))),
            1763800000000,
        ),
        (point("TIMESTAMP"), 1763800000, 1763800000000),
        (point("DATE"), date(2025, 11, 22), "2025-11-22"),
        (point("DATE"), datetime(2025, 11, 22, 1, tzinfo=UTC), "2025-11-22"),
        (point("DATE"), "2025-11-22 10:00:00", "2025-11-22"),
        (point("ARRAY"), [1, 2], [1, 2]),
        (point("STRUCT"), {"a": 1}, {"a": 1}),
        (point("FILE"), "enos-connect://a/b", "enos-connect://a/b"),
    ],
)
def test_encode(model: Measurepoint, value: Any, wire: JsonValue) -> None:
    """Values go out in the type that the model says."""
    encoded = encode(model, value)
    assert encoded == wire
    assert type(encoded) is type(wire)
    assert json.dumps(encoded) == json.dumps(wire)


@pytest.mark.parametrize(
    ("data_type", "value", "like", "wire"),
    [
        ("BOOL", True, False, True),
        ("BOOL", 0, True, False),
        ("BOOL", True, 0, 1),
        ("BOOL", False, "true", 0),
        ("TIMESTAMP", MOMENT, 1767225600000, 1763800000000),
        ("TIMESTAMP", MOMENT, "1767225600000", "1763800000000"),
        ("TIMESTAMP", MOMENT, 1767225600, 1763800000),
        ("TIMESTAMP", MOMENT, "1767225600", "1763800000"),
        # Forms that EnOS does not document for writing, and what is no time.
        ("TIMESTAMP", MOMENT, "2026-01-01T00:00:00Z", 1763800000000),
        ("TIMESTAMP", MOMENT, 0, 1763800000000),
        ("TIMESTAMP", MOMENT, "0", "1763800000000"),
        ("TIMESTAMP", MOMENT, "", 1763800000000),
        ("DATE", MOMENT.date(), "2026-01-01", "2025-11-22"),
        ("DATE", MOMENT.date(), "2026-01-01 08:30:00", "2025-11-22 00:00:00"),
        ("DATE", MOMENT.date(), 20260101, "2025-11-22"),
        ("INT", 5, "4", 5),
        ("STRING", "a", 7, "a"),
    ],
)
def test_encode_in_the_form_that_enos_gave(
    data_type: str, value: Any, like: JsonValue, wire: JsonValue
) -> None:
    """Where a type has several forms, the one goes out in which EnOS gives the value."""
    encoded = encode(point(data_type), value, like=like)
    assert encoded == wire
    assert type(encoded) is type(wire)


@pytest.mark.parametrize(
    ("model", "value", "reason", "placeholders"),
    [
        (point("INT"), 21.5, "not_integral", {"value": "21.5"}),
        (point("INT"), True, "not_a_number", {"value": "True"}),
        (point("INT"), "warm", "not_a_number", {"value": "warm"}),
        (point("INT"), None, "not_a_number", {"value": "None"}),
        (point("INT"), date(2025, 1, 1), "not_a_number", {"value": "2025-01-01"}),
        (
            point("INT"),
            INT_MAX + 1,
            "out_of_range",
            {"value": "2147483648", "min": "-2147483648", "max": "2147483647"},
        ),
        (point("FLOAT"), NAN, "not_finite", {"value": "nan"}),
        (
            point("FLOAT"),
            1e39,
            "out_of_range",
            {"value": "1e+39", "min": "-3.4028235e+38", "max": "3.4028235e+38"},
        ),
        (point("DOUBLE"), -INF, "not_finite", {"value": "-inf"}),
        (point("DOUBLE"), 10**400, "not_a_number", None),
        (point("BOOL"), 2, "not_a_boolean", {"value": "2"}),
        (point("BOOL"), "on", "not_a_boolean", {"value": "on"}),
        (INT_ENUM, "3", "unknown_option", {"option": "3"}),
        (INT_ENUM, 1.5, "unknown_option", {"option": "1.5"}),
        (enum("a"), "a", "unknown_option", {"option": "a"}),
        (TEXT_ENUM, "Above", "unknown_option", {"option": "Above"}),
        (
            point("STRING", max_length=3),
            "abcd",
            "too_long",
            {"length": "4", "max": "3"},
        ),
        (point("STRING"), 5, "not_text", {"value": "5"}),
        (point("TIMESTAMP"), "soon", "not_a_time", {"value": "soon"}),
        (point("TIMESTAMP"), date(2025, 1, 1), "not_a_time", {"value": "2025-01-01"}),
        (point("DATE"), "soon", "not_a_time", {"value": "soon"}),
        (point("ARRAY"), {"a": 1}, "unsupported_type", {"type": "ARRAY"}),
        (point("ARRAY"), [NAN], "not_finite", {"value": "[nan]"}),
        (point("STRUCT"), "x", "unsupported_type", {"type": "STRUCT"}),
        (point("FILE"), "x", "not_an_address", {"value": "x"}),
        (point("FILE"), "ftp://a b", "not_an_address", None),
        (point("FILE"), 5, "not_an_address", None),
        (point("STRING"), "\ud83d", "not_json", None),
        (point("ARRAY"), ["\ud83d"], "not_json", None),
        (point("ARRAY"), nested(100_000), "not_json", None),
        # What would be read as something else later on.
        (point("TIMESTAMP"), datetime(1970, 1, 1, tzinfo=UTC), "not_a_time", None),
        (point("TIMESTAMP"), datetime(1, 1, 1, tzinfo=UTC), "not_a_time", None),
        (point("TIMESTAMP"), datetime(2600, 1, 1, tzinfo=UTC), "not_a_time", None),
        (point("TIMESTAMP"), MOMENT.replace(tzinfo=None), "not_a_time", None),
        (point("UNKNOWN"), 1, "unsupported_type", {"type": "UNKNOWN"}),
    ],
)
def test_refused(
    model: Measurepoint, value: Any, reason: str, placeholders: dict[str, str] | None
) -> None:
    """What must not be sent says why, in words that a caller can translate."""
    with pytest.raises(EncodeError) as caught:
        encode(model, value)
    assert caught.value.reason == reason
    assert isinstance(caught.value, ValueError)
    if placeholders is not None:
        assert caught.value.placeholders == placeholders


@patient
@given(st.integers(INT_MIN, INT_MAX))
def test_int_round_trip(number: int) -> None:
    """Each INT comes back, also from the float that Home Assistant makes of it."""
    model = point("INT")
    wire = encode(model, float(number))
    assert type(wire) is int
    assert parse(model, wire) == parse(model, str(wire)) == number


@patient
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_float_round_trip(number: float) -> None:
    """Each 32-bit float comes back the same, in at most nine digits."""
    model = point("FLOAT")
    wire = encode(model, number)
    assert isinstance(wire, float)
    assert float32(wire) == number
    digits = f"{wire:.17g}".partition("e")[0]
    assert wire == float(f"{wire:.9g}"), digits
    value = parse(model, number)
    assert isinstance(value, float)
    assert float32(value) == number
    assert same(model, number, wire)


@patient
@given(
    st.decimals(min_value=-99999, max_value=99999, places=2, allow_nan=False).map(float)
)
def test_float_is_sent_as_it_was_typed(number: float) -> None:
    """Up to seven digits go out as they were typed, and come back so."""
    if abs(number) >= 10000:
        number = float(f"{number:.7g}")
    assert encode(point("FLOAT"), number) == number
    assert parse(point("FLOAT"), float32(number)) == number
    assert shortest_float32(float32(number)) == number


@patient
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_double_round_trip(number: float) -> None:
    """Each DOUBLE comes back the same, also through text."""
    model = point("DOUBLE")
    wire = encode(model, number)
    assert parse(model, wire) == parse(model, json.dumps(wire)) == number


@pytest.mark.parametrize("model", [INT_ENUM, TEXT_ENUM])
def test_enum_round_trip(model: Measurepoint) -> None:
    """Each code comes back, whether it goes as number or as text."""
    for code in model.enum:
        wire = encode(model, code)
        assert isinstance(wire, int) == model.enum_is_int
        assert parse(model, wire) == parse(model, str(wire)) == code


# --- comparing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "reported", "written", "result"),
    [
        (point("FLOAT"), 21.100000381469727, 21.1, True),
        (point("DOUBLE"), 21.100000381469727, 21.1, True),
        (point("DOUBLE"), "21.1", 21.1, True),
        (point("DOUBLE"), 21.1001, 21.1, False),
        (point("FLOAT"), 0.0, 1e-30, False),
        (point("FLOAT"), 21.12, 21.1, False),
        (point("FLOAT", tags={"ha/step": "0.1"}), 21.12, 21.1, True),
        (point("FLOAT", tags={"ha/step": "0.1"}), 21.15, 21.1, True),
        (point("FLOAT", tags={"ha/step": "0.1"}), 21.16, 21.1, False),
        (point("FLOAT", tags={"ha/step": "0.5"}), 21.3, 21.5, True),
        (point("FLOAT", tags={"ha/step": "-0.5"}), 21.3, 21.5, False),
        (point("INT"), "21", 21, True),
        (point("INT"), 22, 21, False),
        (point("INT", tags={"ha/step": "5"}), 22, 20, True),
        (point("INT", tags={"ha/step": "5"}), 23, 20, False),
        (point("INT"), None, 21, False),
        (point("INT"), None, None, False),
        (point("INT"), "x", "x", False),
        (point("BOOL"), "1", True, True),
        (point("BOOL"), 1.0, True, True),
        (point("BOOL"), "false", 0, True),
        (point("BOOL"), False, 1, False),
        (INT_ENUM, "2", 2, True),
        (INT_ENUM, 2.0, 2, True),
        (INT_ENUM, 1, 2, False),
        (INT_ENUM, "9", 9, True),
        (point("STRING"), "a", "a", True),
        (point("STRING"), "a ", "a", False),
        (point("TIMESTAMP"), 1763800000, "2025-11-22T08:26:40Z", True),
        (point("DATE"), "2025-11-22 00:00:00", "2025-11-22", True),
        (point("ARRAY"), "[1, 2]", [1, 2], True),
        (point("ARRAY"), [2, 1], [1, 2], False),
        (point("ARRAY"), [1], [1, 2], False),
        (point("ARRAY"), [1], {"a": 1}, False),
        # Each item by its type.
        (FLOATS, "[21.100000381469727]", [21.1], True),
        (FLOATS, ["21.1"], [21.1], True),
        (FLOATS, [21.2], [21.1], False),
        (FLOATS, [None], [None], True),
        (PLAN, {"on": 1, "at": 21.100000381469727}, {"on": True, "at": 21.1}, True),
        (PLAN, {"on": "1", "at": 21.1}, {"on": True, "at": 21.1}, True),
        (PLAN, {"on": False, "at": 21.1}, {"on": True, "at": 21.1}, False),
        # An item that was left out when it was written is reported all the same.
        (PLAN, '{"on":1,"at":5.0}', {"at": 5.0}, True),
        (PLAN, '{"on":1,"at":5.0}', {"at": 5.0, "of": 1}, False),
        (point("STRUCT"), '{"b": 2, "a": 1}', {"a": 1, "b": 2}, True),
        (point("STRUCT"), "no json", {"a": 1}, False),
    ],
)
def test_same(
    model: Measurepoint, reported: JsonValue, written: JsonValue, result: bool
) -> None:
    """A report confirms a write if it means the same."""
    assert same(model, reported, written) is result
    assert same(model, written, reported) is result


def test_same_with_a_step_of_the_caller() -> None:
    """The caller may know a step that the model does not declare."""
    assert not same(point("FLOAT"), 21.04, 21.0)
    assert same(point("FLOAT"), 21.04, 21.0, step=0.1)
