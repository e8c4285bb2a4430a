"""Points as entities: kinds, ranges and options."""

from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import LocalizedText, Measurepoint
from custom_components.enos.mapping import (
    Kind,
    PointDescription,
    describe_control,
    describe_reading,
    option_labels,
    suggest_control,
    suggest_reading,
)
from custom_components.enos.values import DOUBLE_MAX, FLOAT_MAX

from .points import TWO, control, patient, point, reading


@pytest.mark.parametrize(
    ("data_type", "control_kind", "reading_kind", "device_class"),
    [
        ("BOOL", Kind.SWITCH, Kind.BINARY_SENSOR, None),
        ("ENUM", Kind.SELECT, Kind.SENSOR, "enum"),
        ("INT", Kind.NUMBER, Kind.SENSOR, None),
        ("FLOAT", Kind.NUMBER, Kind.SENSOR, None),
        ("DOUBLE", Kind.NUMBER, Kind.SENSOR, None),
        ("STRING", Kind.TEXT, Kind.SENSOR, None),
        ("TIMESTAMP", Kind.DATETIME, Kind.SENSOR, "timestamp"),
        ("DATE", Kind.DATE, Kind.SENSOR, "date"),
        ("ARRAY", None, Kind.SENSOR, None),
        ("STRUCT", None, Kind.SENSOR, None),
        ("FILE", None, Kind.SENSOR, None),
        ("UNKNOWN", None, None, None),
    ],
)
def test_kinds(
    data_type: str,
    control_kind: Kind | None,
    reading_kind: Kind | None,
    device_class: str | None,
) -> None:
    """Each type has its kinds; what has none is reached by action."""
    model = point(data_type=data_type, enum=TWO if data_type == "ENUM" else {})
    written = describe_control(model, language="en")
    read = describe_reading(model, language="en")
    assert (written.kind if written else None) == control_kind
    assert (read.kind if read else None) == reading_kind
    assert (read.device_class if read else None) == device_class
    assert suggest_reading(model) is (control_kind is not None)
    for found in filter(None, (written, read)):
        assert found.enabled_default
        assert not found.step_declared


def test_enum_without_codes() -> None:
    """Without codes there is nothing to select, and text to read."""
    model = point("mode", "ENUM")
    assert describe_control(model, language="en") is None
    assert suggest_control(model) is None
    assert reading(model) == PointDescription(kind=Kind.SENSOR)


# --- ranges ---

TEMPERATURE: Final = {"ha/min": "16", "ha/max": "30", "ha/step": "0.5"}


@pytest.mark.parametrize(
    ("identifier", "data_type", "unit", "tags", "span", "step", "declared"),
    [
        ("t", "FLOAT", "°C", TEMPERATURE, (16, 30), 0.5, (True, True, True)),
        ("t", "FLOAT", "°C", {}, (-FLOAT_MAX, FLOAT_MAX), 0.1, (False, False, False)),
        (
            "t",
            "FLOAT",
            "",
            {**TEMPERATURE, "ha/step": "14"},
            (16, 30),
            14,
            (True, True, True),
        ),
        ("t", "DOUBLE", "", {}, (-DOUBLE_MAX, DOUBLE_MAX), 0.01, (False, False, False)),
        ("t", "INT", "", {}, (-(2**31), 2**31 - 1), 1, (False, False, False)),
        (
            "t",
            "INT",
            "",
            {"ha/step": "5"},
            (-(2**31), 2**31 - 1),
            5,
            (False, True, False),
        ),
        (
            "t",
            "INT",
            "",
            {"ha/step": "x"},
            (-(2**31), 2**31 - 1),
            1,
            (False, False, False),
        ),
        ("t", "INT", "%", {}, (0, 100), 1, (False, False, True)),
        ("t", "FLOAT", "%", {}, (0, 100), 0.1, (False, False, True)),
        ("t", "FLOAT", "%", {"ha/min": "20"}, (20, 100), 0.1, (False, False, False)),
        ("t", "FLOAT", "%", {"ha/min": "-20"}, (-20, 100), 0.1, (False, False, False)),
        ("t", "FLOAT", "%", {"ha/max": "120"}, (0, 120), 0.1, (False, False, False)),
        ("t", "INT", "%", {"ha/max": "-1"}, (-(2**31), -1), 1, (False, False, False)),
        (
            "t",
            "INT",
            "%",
            {"ha/min": "100"},
            (100, 2**31 - 1),
            1,
            (False, False, False),
        ),
        ("offset", "INT", "%", {}, (-(2**31), 2**31 - 1), 1, (False, False, False)),
        (
            "t",
            "FLOAT",
            "",
            {"ha/min": "0", "ha/max": "1"},
            (0, 1),
            0.001,
            (True, False, True),
        ),
        (
            "t",
            "FLOAT",
            "",
            {**TEMPERATURE, "ha/step": "20"},
            (16, 30),
            0.01,
            (True, False, True),
        ),
    ],
)
def test_ranges(
    identifier: str,
    data_type: str,
    unit: str,
    tags: dict[str, str],
    span: tuple[float, float],
    step: float,
    declared: tuple[bool, bool, bool],
) -> None:
    """What is declared is known as such, what is guessed leaves every value possible."""
    found = control(point(identifier, data_type, unit=unit, tags=tags))
    assert (found.minimum, found.maximum) == span
    assert found.step == step
    assert (found.range_declared, found.step_declared, found.slider) == declared


# --- options ---


def enum(**labels: Any) -> Measurepoint:
    """Return an ENUM; labels are texts or pairs of default and Chinese."""
    texts = {
        code.lstrip("_"): LocalizedText(label)
        if isinstance(label, str)
        else LocalizedText(label[0], {"zh_CN": label[1]})
        for code, label in labels.items()
    }
    return point("mode", "ENUM", enum=texts)


@pytest.mark.parametrize(
    ("model", "language", "labels"),
    [
        (enum(_0="off", _1="cool"), "en", {"0": "off", "1": "cool"}),
        (enum(_0=("off", "关"), _1=("cool", "")), "zh-Hans", {"0": "关", "1": "cool"}),
        (enum(_0="on", _1="on"), "en", {"0": "on", "1": "on (1)"}),
        (enum(_0="On", _1=" on "), "en", {"0": "On", "1": "on (1)"}),
        (enum(_0="", _1="  "), "en", {"0": "0", "1": "1"}),
        (enum(_0=("", "关")), "en", {"0": "关"}),
        (
            enum(_0="unknown", _1="Unavailable"),
            "en",
            {"0": "unknown (0)", "1": "Unavailable (1)"},
        ),
        (
            enum(_0="a", _1="a (2)", _2="a"),
            "en",
            {"0": "a", "1": "a (2)", "2": "a (2, 2)"},
        ),
        (enum(_0=" fan\n only "), "en", {"0": "fan only"}),
        (enum(_10="b", _9="a"), "en", {"9": "a", "10": "b"}),
        (enum(b="b", a="a"), "en", {"b": "b", "a": "a"}),
    ],
)
def test_option_labels(
    model: Measurepoint, language: str, labels: dict[str, str]
) -> None:
    """Labels are states: there, stripped, each only once, in a sensible order."""
    found = option_labels(model, language)
    assert found == labels
    assert list(found) == list(labels)
    assert control(model).options == tuple(option_labels(model, "en").items())


def test_frozen_labels() -> None:
    """Labels that were chosen stay, in their order; a new code has none until it is accepted."""
    model = enum(_0="off", _1="cool", _2="heat", _3="")
    frozen = {"0": "cool", "2": " Heizen ", "9": "gone"}
    for describe in (describe_control, describe_reading):
        found = describe(model, language="en", labels=frozen)
        assert found is not None
        assert found.options == (
            ("0", "cool"),
            ("2", "Heizen"),
            ("1", "1"),
            ("3", "3"),
        )


texts = st.text(max_size=8) | st.sampled_from(
    ["on", "On", "ON (1)", "unknown", "x" * 300]
)


@patient
@given(
    st.dictionaries(texts, st.tuples(texts, texts), max_size=8),
    st.sampled_from(["en", "zh"]),
)
def test_labels_are_always_good_states(
    codes: dict[str, tuple[str, str]], language: str
) -> None:
    """Whatever a model calls its codes, each has a state of its own."""
    labels = option_labels(enum(**codes), language)
    assert len({label.casefold() for label in labels.values()}) == len(labels)
    for label in labels.values():
        assert len(label) <= 255
        assert label not in {"unknown", "unavailable"}
        assert label == label.strip() or label in codes
