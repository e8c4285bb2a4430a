"""A hostile reader's tests: corrections that say half, or more than fits together."""

from typing import Any

import pytest

from custom_components.enos.api.models import Measurepoint
from custom_components.enos.checks import problems_of
from custom_components.enos.corrections import Correction, describe
from custom_components.enos.encoding import wire_value
from custom_components.enos.labels import LabelNews
from custom_components.enos.mapping import PointDescription, switching_values
from custom_components.enos.selection import Selection
from custom_components.enos.values import fit, same

from .points import point


def made(
    model: Measurepoint, *, writable: bool = True, **said: Any
) -> tuple[Measurepoint, PointDescription]:
    """Return a point as corrected, and how it is shown."""
    seen, description = describe(
        model,
        Correction.from_data(said),
        writable=writable,
        language="en",
        labels={},
    )
    assert description is not None
    return seen, description


def selection(**said: Any) -> Selection:
    """Return a product's selection in which something is said of the point `x`."""
    return Selection(
        subentry_id="s",
        product_key="p",
        asset_id=None,
        asset_ids=frozenset(),
        name="",
        own_name="",
        controls=("x",),
        sensors=(),
        **said,
    )


@pytest.mark.parametrize(
    ("data_type", "off", "expected"),
    [
        ("INT", "2", (1, 2)),
        ("INT", "1", (0, 1)),
        ("INT", "0", (1, 0)),
        ("FLOAT", "1", (0.0, 1.0)),
        ("BOOL", "1", (False, True)),
        ("BOOL", "0", (True, False)),
        ("ENUM", "1", (None, None)),
        ("STRING", "stop", (None, None)),
    ],
)
def test_only_off_is_said(data_type: str, off: str, expected: tuple[Any, Any]) -> None:
    """Who says what off is, and no more, is not passed over."""
    assert switching_values(point("x", data_type, tags={"ha/off": off})) == expected


@pytest.mark.parametrize(
    ("tags", "said", "expected"),
    [
        # The tags of the model have both, a person turns one of them round.
        ({"ha/on": "1", "ha/off": "0"}, {"off_value": "1"}, (False, True)),
        ({"ha/on": "1", "ha/off": "0"}, {"on_value": "0"}, (False, True)),
        ({"ha/off": "1"}, {"on_value": "1"}, (True, False)),
    ],
)
def test_one_value_over_both_of_the_model(
    tags: dict[str, str], said: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    """What a person says is so, and the other value is the other one."""
    _, description = made(point("x", "BOOL", tags=tags), **said)
    assert (description.on_value, description.off_value) == expected


def test_a_step_is_one_of_numbers() -> None:
    """What is no number has no half steps: another code is another value."""
    model = point("x", "INT", tags={"ha/step": "5"})
    seen, description = made(model)
    assert description.step_declared
    assert same(seen, 1, 3)
    for said in (
        {"kind": "switch"},
        {"kind": "select", "options": {"1": "One", "2": "Two"}},
        {"kind": "button", "press_value": "1"},
    ):
        seen, _ = made(model, **said)
        assert same(seen, 1, 1)
        assert not same(seen, 0, 1)
    # Nor does a step that does not fit into the range.
    wide = point("x", tags={"ha/min": "0", "ha/max": "50", "ha/step": "100"})
    seen, description = made(wide)
    assert not description.step_declared
    assert not same(seen, 10.0, 40.0)


@pytest.mark.parametrize(
    ("tags", "said", "expected"),
    [
        ({"ha/min": "10", "ha/max": "20"}, {"maximum": 8}, (None, 8)),
        ({"ha/min": "10", "ha/max": "20"}, {"minimum": 30}, (30, None)),
        ({"ha/min": "10", "ha/max": "20"}, {"maximum": 15}, (10, 15)),
        ({"ha/max": "8"}, {"minimum": 8}, (8, None)),
    ],
)
def test_one_end_past_the_other(
    tags: dict[str, str], said: dict[str, Any], expected: tuple[Any, Any]
) -> None:
    """A model that says another range later does not make a person's end void."""
    _, free = made(point("x"))
    _, description = made(point("x", tags=tags), **said)
    low, high = expected
    assert description.minimum == (free.minimum if low is None else low)
    assert description.maximum == (free.maximum if high is None else high)


def test_an_exception_past_the_general_range() -> None:
    """What is said of all devices later does not make the range of one void."""
    model = point("x")
    found = selection(
        corrections={"x": Correction(minimum=10.0, maximum=20.0)},
        exceptions={"a": {"x": Correction(maximum=8.0)}},
    )
    _, description = made(model, **found.correction_of("x", "a").data())
    assert description.maximum == 8
    assert description.minimum is not None and description.minimum < 8
    _, description = made(model, **found.correction_of("x").data())
    assert (description.minimum, description.maximum) == (10, 20)
    # A form still says that both make no range.
    both = Correction(minimum=10.0, maximum=8.0)
    assert [each.key for each in problems_of(model, both, writable=True)] == [
        "minimum_not_below"
    ]


def test_steps_from_the_end_of_the_type() -> None:
    """Steps that count from the lowest number of all are none that digits could hold."""
    model = point("x", tags={"ha/min": "-1e300", "ha/max": "100", "ha/step": "0.5"})
    limits: dict[str, Any] = {"minimum": -1e300, "maximum": 100.0, "step": 0.5}
    assert fit(model, 21.5, **limits) == 21.5
    assert fit(model, 21.4, converted=True, **limits) == 21.5


def test_a_label_that_stays_is_not_taken() -> None:
    """A label that a person accepts does not become another code's, nor the other way round."""
    news = LabelNews(
        point_id="x", name="X", changed={"1": "Cool"}, before={"1": "Heat"}
    )
    frozen = {"1": "Heat", "2": "Cool", "3": "Off"}
    taken = news.accepted(frozen, changed_too=True)
    assert taken == {"1": "Cool (1)", "2": "Cool", "3": "Off"}
    assert list(taken) == ["1", "2", "3"]


def test_labels_of_a_bool_that_say_otherwise() -> None:
    """Where labels turn a BOOL round, the words mean what the labels do."""
    model = point("x", "BOOL", bool_labels={False: "On", True: "Off"})
    seen, description = made(model, kind="select")
    assert wire_value(seen, description, "On") == 0
    assert wire_value(seen, description, "on") == 0
    assert wire_value(seen, description, "off") == 1
    assert wire_value(seen, description, 1) == 1
