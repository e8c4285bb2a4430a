"""What goes out is what JSON can carry, and nothing that only one of its writers knows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
import json
from typing import Final

import pytest

from custom_components.enos.api.errors import RejectedError
from custom_components.enos.api.gateway import _json


@dataclass
class _Pair:
    left: int = 1


_WRONG: Final[tuple[object, ...]] = (
    date(2026, 11, 23),
    datetime(2026, 11, 23, 4, tzinfo=UTC),
    time(4),
    _Pair(),
    {1, 2},
    b"bytes",
    float("nan"),
    float("-inf"),
    "\ud800",
    {"\udfff": 1},
)

_RIGHT: Final[tuple[object, ...]] = (
    None,
    "null",
    -0.0,
    1e16,
    1e-7,
    5e-324,
    0.1,
    2**53 + 1,
    2**64 - 1,
    2**64,
    -(2**70),
    {1: "a key that is no text"},
    '\x00 \u2028 é 😀 " \\ /',
)


@pytest.mark.parametrize("value", _WRONG, ids=ascii)
@pytest.mark.parametrize("beside", [None, "text"])
def test_refused(value: object, beside: object) -> None:
    """Whoever writes it: the quick one, or the other that takes over where `null` is in it."""
    with pytest.raises(RejectedError):
        _json({"value": [value], "beside": beside})


@pytest.mark.parametrize("value", _RIGHT, ids=ascii)
def test_signed_as_sent(value: object) -> None:
    """The text that is signed is the text that goes out, and reads as what it was."""
    text, body = _json({"value": value})
    assert body.decode() == text
    assert repr(json.loads(text)) == repr(json.loads(json.dumps({"value": value})))
