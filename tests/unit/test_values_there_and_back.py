"""Values there and back: what is written is read again, in each form it may come in."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import DataType, JsonValue, Measurepoint
from custom_components.enos.values import INT_MAX, INT_MIN, encode, parse, same

from .points import patient
from .test_values import FLOATS, INT_ENUM, PLAN, float32

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Of each type, values that may be written.
WRITABLE: Final[dict[DataType, st.SearchStrategy[Any]]] = {
    DataType.INT: st.integers(INT_MIN, INT_MAX),
    DataType.FLOAT: st.floats(allow_nan=False, allow_infinity=False, width=32),
    DataType.DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    DataType.BOOL: st.booleans(),
    DataType.ENUM: st.sampled_from([*INT_ENUM.enum]),
    DataType.STRING: st.text(st.characters(exclude_categories=["Cs"])),
    # In milliseconds, as EnOS has them: 1980 to 2500.
    DataType.TIMESTAMP: st.builds(
        lambda milliseconds, zone: (
            EPOCH + timedelta(milliseconds=milliseconds)
        ).astimezone(zone),
        st.integers(315532800000, 16725225600000),
        st.timezones(),
    ),
    DataType.DATE: st.dates(),
    DataType.ARRAY: st.lists(st.floats(-1e6, 1e6, width=32)),
    DataType.STRUCT: st.fixed_dictionaries(
        {"on": st.booleans(), "at": st.floats(-1e6, 1e6, width=32)}
    ),
    DataType.FILE: st.from_regex(r"(ftp|enos-connect)://[a-z0-9/.]+", fullmatch=True),
}
MODELS: Final = {
    **{kind: Measurepoint(identifier="p", data_type=kind) for kind in WRITABLE},
    DataType.ENUM: INT_ENUM,
    DataType.ARRAY: FLOATS,
    DataType.STRUCT: PLAN,
}
# Forms that EnOS may have given before, which a written value takes.
LIKES: Final[dict[DataType, tuple[JsonValue, ...]]] = {
    DataType.BOOL: (True, 1, "1"),
    DataType.TIMESTAMP: (1767225600000, "1767225600000"),
    DataType.DATE: ("2026-01-01", "2026-01-01 00:00:00"),
}


def echoes(kind: DataType, wire: Any) -> list[JsonValue]:
    """Return the forms in which a value that was written may be reported."""
    found = [wire, json.loads(json.dumps(wire))]
    match kind:
        case DataType.INT:
            found += [str(wire), float(wire), f"{wire}.0"]
        case DataType.FLOAT:
            found += [float32(wire), repr(wire), repr(float32(wire))]
        case DataType.DOUBLE:
            found += [repr(wire), f" {wire!r} "]
        case DataType.BOOL:
            found += [bool(wire), int(wire), str(int(wire)), str(bool(wire)).lower()]
        case DataType.ENUM:
            found += [str(wire), float(wire)]
        case DataType.TIMESTAMP:
            moment = EPOCH + timedelta(milliseconds=int(wire))
            found += [int(wire), str(wire), moment.isoformat(timespec="milliseconds")]
        case DataType.DATE:
            day = str(wire)[:10]
            found += [day, f"{day} 00:00:00", f"{day}T00:00:00Z"]
        case DataType.ARRAY | DataType.STRUCT:
            found += [json.dumps(wire), json.dumps(wire, indent=1)]
        case _:
            pass
    if kind is DataType.ARRAY:
        found.append([float32(item) for item in wire])
    if kind is DataType.STRUCT:
        found.append({"on": int(wire["on"]), "at": float32(wire["at"]), "more": None})
    return found


@pytest.mark.parametrize("kind", WRITABLE)
@patient
@given(data=st.data())
def test_there_and_back(kind: DataType, data: st.DataObject) -> None:
    """What is written is read again as what it was, in each form in which it may come back."""
    model, value = MODELS[kind], data.draw(WRITABLE[kind])
    wire = encode(
        model, value, like=data.draw(st.sampled_from(LIKES.get(kind, (None,))))
    )
    # Once more makes nothing else of it.
    assert encode(model, wire, like=wire) == wire
    expected = parse(model, value if kind not in LIKES else wire)
    for echo in echoes(kind, wire):
        assert same(model, echo, wire), echo
        assert same(model, wire, echo), echo
    if kind in (DataType.ARRAY, DataType.STRUCT):
        return
    if kind in (DataType.BOOL, DataType.TIMESTAMP, DataType.DATE):
        # Times of the hour that comes twice in autumn equal none of another zone.
        assert expected == (
            value.astimezone(UTC) if isinstance(value, datetime) else value
        )
    elif isinstance(expected, float) and kind is DataType.FLOAT:
        assert float32(expected) == float32(value)
    else:
        assert expected == parse(model, wire) == value
