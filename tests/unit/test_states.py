"""What can be a state, and what tells one raw value from another."""

from typing import Any

import pytest

from custom_components.enos.api.models import JsonValue
from custom_components.enos.knowledge import same_form
from custom_components.enos.mapping import Kind, PointDescription, state_text
from custom_components.enos.values import Value, as_text, code_of, item_of

from .test_values import nested


@pytest.mark.parametrize(
    ("value", "code"),
    [(True, "1"), (False, "0"), (1, "1"), (1.0, "1"), (-0.0, "0"), (0.5, "0.5")],
)
def test_code_of(value: Value, code: str) -> None:
    """A value has the code of its option, whatever its type."""
    assert code_of(value) == code


def test_as_text() -> None:
    """Any number has a text, also one that no float holds."""
    assert [as_text(number) for number in (21.5, 3, 10**400)] == [
        *("21.5", "3", "1.000000000e+400")
    ]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ({"a": 1}, 1),
        ('{"a": 1}', 1),
        ('{"a": 1, "a": 2}', 2),
        ({"b": 1}, None),
        ("[1]", None),
        ("a", None),
        (nested(3), None),
        ("[" * 100_000, None),
        (None, None),
    ],
)
def test_item_of(raw: JsonValue, found: JsonValue) -> None:
    """An item is found in an object and in its text, and in nothing else."""
    assert item_of(raw, "a") == found


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", ""),
        ("21.5", "21.5"),
        ("two\nlines\tand more", "two\nlines\tand more"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        ("unknown", None),
        ("unavailable", None),
        ("Unavailable", "Unavailable"),
        ("a\x00b", None),
        ("\x1b[31m", None),
        ("\x85", None),
    ],
)
def test_state_text(text: str, state: str | None) -> None:
    """A text is a state as it is, or none at all."""
    assert state_text(text) == state


@pytest.mark.parametrize(
    ("value", "option"),
    [
        (None, None),
        ("1", "Low"),
        (1, "Low"),
        (1.0, "Low"),
        (True, "Low"),
        ("2", "3"),
        # The label of another code is none of its own.
        ("3", None),
        ("Low", None),
        ("low", "low"),
        ("7", "7"),
        ("unknown", None),
        ("x" * 256, None),
    ],
)
def test_option(value: Value, option: str | None) -> None:
    """A value has its label, else its code, unless that would be taken for something else."""
    description = PointDescription(kind=Kind.SELECT, options=(("1", "Low"), ("2", "3")))
    assert description.option(value) == option


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (0, False, False),
        ("1", 1, False),
        (None, None, True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ([1, "a"], [1, "a"], True),
    ],
)
def test_same_form(one: Any, other: Any, result: bool) -> None:
    """What JSON tells apart is two values, whatever Python thinks of it."""
    assert same_form(one, other) is result
    assert same_form(other, one) is result
