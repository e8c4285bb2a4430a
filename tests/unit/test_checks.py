"""What is wrong with a correction is told, whatever the point; what is right is not."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import DataType, LocalizedText, Measurepoint
from custom_components.enos.checks import problems_of, without_effect
from custom_components.enos.corrections import Correction, corrected
from custom_components.enos.mapping import Kind, describe_reading, reading_kinds

from .points import TWO, patient, point


def found(
    of: Measurepoint, *, writable: bool = False, **said: Any
) -> list[tuple[str, str]]:
    """Return field and key of each problem of a correction."""
    problems = problems_of(of, Correction(**said), writable=writable)
    return [(problem.field, problem.key) for problem in problems]


NUMBER = point("setpoint", unit="°C")
WHOLE = point("speed", "INT")
FLAG = point("switch", "BOOL")
MODE = point("mode", "ENUM", enum=TWO, enum_is_int=True)
WORD = point("word", "STRING")
LIST = point("list", "ARRAY")


@pytest.mark.parametrize(
    ("of", "writable", "said", "field", "key"),
    [
        (NUMBER, True, {"kind": Kind.SELECT}, "kind", "kind_impossible"),
        (NUMBER, True, {"kind": Kind.SENSOR}, "kind", "kind_impossible"),
        (NUMBER, False, {"kind": Kind.NUMBER}, "kind", "kind_impossible"),
        (LIST, True, {"kind": Kind.TEXT}, "kind", "kind_none"),
        (WHOLE, True, {"kind": Kind.SELECT}, "kind", "kind_needs_options"),
        (WORD, True, {"kind": Kind.SWITCH}, "kind", "kind_needs_values"),
        (
            MODE,
            True,
            {"kind": Kind.SWITCH, "on_value": "1"},
            "kind",
            "kind_needs_values",
        ),
        (WORD, False, {"kind": Kind.BINARY_SENSOR}, "kind", "kind_needs_values"),
        (NUMBER, True, {"name": "  "}, "name", "name_empty"),
        (NUMBER, True, {"name": "x" * 256}, "name", "text_too_long"),
        (NUMBER, True, {"unit": "x" * 51}, "unit", "text_too_long"),
        (
            NUMBER,
            True,
            {"device_class": "temprature"},
            "device_class",
            "class_unknown",
        ),
        (
            NUMBER,
            True,
            {"device_class": "Temperature"},
            "device_class",
            "class_unknown",
        ),
        (
            NUMBER,
            False,
            {"device_class": "energy"},
            "device_class",
            "class_refuses_unit",
        ),
        (
            NUMBER,
            False,
            {"unit": "kWh", "device_class": "temperature"},
            "device_class",
            "class_refuses_unit",
        ),
        (
            NUMBER,
            False,
            {"device_class": "timestamp"},
            "device_class",
            "class_of_other_values",
        ),
        (FLAG, True, {"device_class": "energy"}, "device_class", "class_unknown"),
        (FLAG, False, {"device_class": "outlet"}, "device_class", "class_unknown"),
        (
            NUMBER,
            False,
            {"state_class": "total_"},
            "state_class",
            "state_class_unknown",
        ),
        (
            NUMBER,
            False,
            {"state_class": "total"},
            "state_class",
            "state_class_refused",
        ),
        (
            WHOLE,
            False,
            {"state_class": "measurement_angle"},
            "state_class",
            "state_class_refuses_unit",
        ),
        (NUMBER, True, {"minimum": 5, "maximum": 5}, "maximum", "minimum_not_below"),
        (NUMBER, True, {"minimum": float("nan")}, "minimum", "number_not_finite"),
        (NUMBER, True, {"maximum": float("inf")}, "maximum", "number_not_finite"),
        (WHOLE, True, {"minimum": 0.5}, "minimum", "number_not_whole"),
        (WHOLE, True, {"maximum": 2**31}, "maximum", "number_beyond_type"),
        (WHOLE, True, {"step": 0.5}, "step", "number_not_whole"),
        (NUMBER, True, {"step": 0}, "step", "number_not_positive"),
        (NUMBER, True, {"step": -1}, "step", "number_not_positive"),
        (
            NUMBER,
            True,
            {"minimum": 1, "maximum": 2, "step": 3},
            "step",
            "step_too_large",
        ),
        (NUMBER, True, {"stale_after": 0}, "stale_after", "number_not_positive"),
        (
            WHOLE,
            True,
            {"kind": Kind.SWITCH, "on_value": "on"},
            "on_value",
            "value_unfit",
        ),
        (WHOLE, True, {"on_value": str(2**31)}, "on_value", "value_unfit"),
        (WHOLE, True, {"on_value": " "}, "on_value", "value_unfit"),
        (MODE, True, {"press_value": "7"}, "press_value", "code_unknown"),
        (WHOLE, True, {"on_value": "1", "off_value": "01"}, "off_value", "on_is_off"),
        (MODE, True, {"options": {"x": "Ex"}}, "options", "code_unfit"),
        (WHOLE, True, {"options": {"01": "One"}}, "options", "code_unfit"),
        (LIST, False, {"options": {"1": "One"}}, "options", "code_unfit"),
        (MODE, True, {"options": {"0": " "}}, "options", "label_empty"),
        (MODE, True, {"options": {"0": "Unknown"}}, "options", "label_reserved"),
        (MODE, True, {"options": {"0": "A", "1": "a"}}, "options", "label_twice"),
        (MODE, True, {"options": {"0": "x" * 256}}, "options", "text_too_long"),
        (FLAG, False, {"options": {"1": "On"}}, "options", "options_missing_codes"),
        (FLAG, True, {"bool_form": "json"}, "bool_form", "value_not_among"),
    ],
)
def test_problems(
    of: Measurepoint, *, writable: bool, said: dict[str, Any], field: str, key: str
) -> None:
    """Each mistake is found at its field."""
    assert (field, key) in found(of, writable=writable, **said)


def test_range_of_the_model() -> None:
    """An end that is corrected must go with the other one of the model."""
    ranged = point(tags={"ha/min": "10", "ha/max": "20"})
    assert found(ranged, writable=True, minimum=20) == [
        ("minimum", "minimum_not_below")
    ]
    assert found(ranged, writable=True, step=11) == [("step", "step_too_large")]
    assert found(ranged, writable=True, minimum=20, maximum=30) == []
    # What the model has wrong by itself is not the correction's mistake.
    odd = point(tags={"ha/min": "20", "ha/max": "10"})
    assert found(odd, writable=True, name="Odd") == []


@pytest.mark.parametrize(
    ("of", "writable", "said"),
    [
        (NUMBER, True, {"minimum": 5, "maximum": 35, "step": 0.5, "name": "Setpoint"}),
        (NUMBER, False, {"unit": "kWh", "device_class": "energy"}),
        (NUMBER, False, {"device_class": "none", "state_class": "none"}),
        (NUMBER, False, {"unit": ""}),
        (WHOLE, True, {"kind": Kind.SWITCH}),
        (WHOLE, True, {"kind": Kind.SWITCH, "on_value": "0"}),
        (WHOLE, True, {"kind": Kind.SELECT, "options": {"1": "One", "-2": "Two"}}),
        (MODE, True, {"kind": Kind.SWITCH, "on_value": "1", "off_value": "0"}),
        (MODE, True, {"options": {"1": "Heat", "0": "Cool", "2": "Dry"}}),
        (FLAG, False, {"options": {"1": "Yes", "0": "No"}, "kind": Kind.SENSOR}),
        (FLAG, True, {"kind": Kind.BUTTON, "bool_form": "boolean"}),
        (WORD, True, {"kind": Kind.SELECT, "options": {"a": "A"}}),
        (
            WORD,
            False,
            {"unit": "kWh", "state_class": "total", "device_class": "energy"},
        ),
        (LIST, False, {"stale_after": 60}),
    ],
)
def test_no_problem(of: Measurepoint, *, writable: bool, said: dict[str, Any]) -> None:
    """What makes sense is let through, and has an effect."""
    assert found(of, writable=writable, **said) == []
    assert without_effect(of, Correction(**said), writable=writable) == []


def test_without_effect() -> None:
    """What the kind has none of is told, and is no mistake."""
    said = Correction.from_data(
        {"minimum": 1, "maximum": 2, "state_class": "total", "press_value": "1"}
    )
    assert without_effect(FLAG, said, writable=True) == [
        "maximum",
        "minimum",
        "press_value",
        "state_class",
    ]
    assert without_effect(LIST, said, writable=True) == list(
        without_effect(LIST, said, writable=False)
    )


TYPES = st.sampled_from(sorted(set(DataType)))
TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["0", "1", "true", "energy", "total", "none"])
)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(sorted(set(Kind))),
        "name": TEXTS,
        "unit": st.sampled_from(["", "°C", "kWh", "%", "°", "odd"]),
        "device_class": TEXTS,
        "state_class": TEXTS,
        "minimum": st.floats(),
        "maximum": st.floats(),
        "step": st.floats(),
        "on_value": TEXTS,
        "off_value": TEXTS,
        "press_value": TEXTS,
        "options": st.dictionaries(TEXTS, TEXTS, max_size=3),
        "bool_form": TEXTS,
        "stale_after": st.floats(),
    },
)


@patient
@given(kind=TYPES, said=SAID, writable=st.booleans(), coded=st.booleans())
def test_any_correction(
    kind: DataType, said: dict[str, Any], *, writable: bool, coded: bool
) -> None:
    """Whatever is said, nothing breaks; what passes is what it then looks like."""
    of = Measurepoint(
        identifier="x",
        name=LocalizedText("x"),
        data_type=kind,
        enum=TWO if coded and kind is DataType.ENUM else {},
        enum_is_int=coded,
    )
    correction = Correction(**said)
    problems = problems_of(of, correction, writable=writable)
    fields = {problem.field for problem in problems}
    assert fields <= correction.data().keys()
    without_effect(of, correction, writable=writable)
    if problems or writable:
        return
    description = describe_reading(
        corrected(of, correction), language="en", labels=correction.options
    )
    assert (description is None) == (not reading_kinds(of))
    if description is not None and correction.kind is not None:
        assert description.kind is correction.kind
    shown = [label for _, label in description.options] if description else []
    assert len({label.casefold() for label in shown}) == len(shown)
