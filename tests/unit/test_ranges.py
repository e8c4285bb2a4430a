"""Ranges and steps: what tags declare and what binds."""

import struct
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import DataType, Measurepoint
from custom_components.enos.values import (
    DOUBLE_MAX,
    FLOAT_MAX,
    INT_MAX,
    EncodeError,
    declared_range,
    declared_step,
    fit,
    limits,
)

from .points import patient


def point(data_type: str, **fields: Any) -> Measurepoint:
    """Return a measurepoint of a type."""
    return Measurepoint(identifier="p", data_type=DataType(data_type), **fields)


@pytest.mark.parametrize(
    ("data_type", "tags", "expected"),
    [
        ("FLOAT", {"ha/min": "16", "ha/max": "30.5"}, (16.0, 30.5)),
        ("FLOAT", {"ha/min": " 16 "}, (16.0, None)),
        ("FLOAT", {"ha/max": "30"}, (None, 30.0)),
        ("FLOAT", {"ha/min": "30", "ha/max": "16"}, (None, None)),
        ("FLOAT", {"ha/min": "16", "ha/max": "16"}, (None, None)),
        ("FLOAT", {"ha/min": "warm", "ha/max": "NaN"}, (None, None)),
        ("FLOAT", {"ha/min": "16,5", "ha/max": "1e999"}, (None, None)),
        ("FLOAT", {"ha/min": "-1e300"}, (-FLOAT_MAX, None)),
        ("FLOAT", {"ha/min": "1e300"}, (None, None)),
        ("INT", {"ha/min": "0.5", "ha/max": "9.5"}, (1.0, 9.0)),
        ("INT", {"ha/min": "0.2", "ha/max": "0.8"}, (None, None)),
        ("INT", {"ha/max": "1e12"}, (None, float(INT_MAX))),
        ("INT", {}, (None, None)),
        ("INT", {"ha/min": "2147483647"}, (None, None)),
        ("INT", {"ha/max": "-2147483648"}, (None, None)),
    ],
)
def test_declared_range(data_type: str, tags: dict[str, str], expected: object) -> None:
    """Tags declare ends of a range; what makes no sense is ignored."""
    assert declared_range(point(data_type, tags=tags)) == expected


@pytest.mark.parametrize(
    ("data_type", "text", "step"),
    [
        ("FLOAT", "0.5", 0.5),
        ("INT", "5", 5.0),
        ("INT", "0.5", None),
        ("FLOAT", "0", None),
        ("FLOAT", "-1", None),
        ("FLOAT", "half", None),
        ("STRING", "1", None),
    ],
)
def test_declared_step(data_type: str, text: str, step: float | None) -> None:
    """A step is positive, and whole where the numbers are."""
    assert declared_step(point(data_type, tags={"ha/step": text})) == step


def test_limits() -> None:
    """The types' own limits are not the million that others take."""
    assert limits(point("INT")) == (-2147483648, 2147483647)
    assert limits(point("FLOAT")) == (-FLOAT_MAX, FLOAT_MAX)
    assert limits(point("DOUBLE")) == (-DOUBLE_MAX, DOUBLE_MAX)
    assert struct.unpack("<f", struct.pack("<f", FLOAT_MAX))[0] == pytest.approx(
        FLOAT_MAX
    )


STEPPED: Final = point("FLOAT", tags={"ha/min": "16.25", "ha/max": "30"})


@pytest.mark.parametrize(
    ("model", "value", "step", "converted", "result"),
    [
        (point("FLOAT"), 21.37, None, False, 21.37),
        (point("FLOAT"), 21.37, 0.5, True, 21.5),
        (point("FLOAT"), 0.1 + 0.2, 0.1, False, 0.3),
        (point("FLOAT"), 21.5, 0.5, False, 21.5),
        (point("FLOAT"), 29.999999999999996, 0.1, False, 30.0),
        (point("FLOAT"), 30.2, 0.5, True, 30.0),
        (point("FLOAT"), -0.4, None, True, 0.0),
        (point("INT"), 20.000000000000004, None, True, 20.0),
        (point("INT"), 20.4, None, True, 20.0),
        (point("INT"), 20.4, None, False, 20.4),  # `encode` refuses it
        (STEPPED, 16.75, 0.5, False, 16.75),
        (STEPPED, 20.9, 0.5, True, 20.75),
        (STEPPED, 31.0, 0.5, True, 29.75),
    ],
)
def test_fit(
    model: Measurepoint,
    value: float,
    step: float | None,
    converted: bool,
    result: float,
) -> None:
    """What keeps range and step passes, clean of what binary fractions leave behind."""
    minimum = declared_range(model)[0] or 0.0
    fitted = fit(
        model, value, minimum=minimum, maximum=30.0, step=step, converted=converted
    )
    assert fitted == result


@pytest.mark.parametrize(
    ("value", "step", "reason", "placeholders"),
    [
        (21.3, 0.5, "off_step", {"value": "21.3", "step": "0.5"}),
        (20.75, 0.5, "off_step", {"value": "20.75", "step": "0.5"}),
        (31.0, None, "above_maximum", {"value": "31.0", "max": "30.0"}),
        (-1.0, 0.5, "below_minimum", {"value": "-1.0", "min": "0.0"}),
        (float("nan"), None, "not_finite", {"value": "nan"}),
    ],
)
def test_unfit(
    value: float, step: float | None, reason: str, placeholders: dict[str, str]
) -> None:
    """What is off is refused, not rounded behind the caller's back."""
    with pytest.raises(EncodeError) as caught:
        fit(point("FLOAT"), value, minimum=0.0, maximum=30.0, step=step)
    assert caught.value.reason == reason
    assert caught.value.placeholders == placeholders


@patient
@given(
    st.floats(-1e6, 1e6),
    st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0, 3.0]),
    st.booleans(),
)
def test_fitted_values_stay_fitted(value: float, step: float, low: bool) -> None:
    """A converted number lands in range and on the grid, and is then accepted as it is."""
    model = point("FLOAT", tags={"ha/min": "-7.3"} if low else {})
    minimum = -7.3 if low else -1e5
    fitted = fit(model, value, minimum=minimum, maximum=1e5, step=step, converted=True)
    assert minimum <= fitted <= 1e5
    again = fit(model, fitted, minimum=minimum, maximum=1e5, step=step)
    assert again == fitted
