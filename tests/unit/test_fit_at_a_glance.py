"""Numbers that fit at a glance: what is quick says what is thorough."""

from collections.abc import Mapping
from typing import Final

from hypothesis import example, given, strategies as st

from custom_components.enos.api.models import DataType, Measurepoint
from custom_components.enos.encoding import Names, fit_number
from custom_components.enos.mapping import describe_control
from custom_components.enos.values import EncodeError, encode, fit

_ENDS: Final = st.sampled_from(
    ("", "-50", "0", "0.1", "0.3", "0.5", "5", "16.25", "60", "1e15", "1e16", "2e300")
)
_STEPS: Final = st.sampled_from(("", "0.1", "0.125", "0.25", "0.5", "1", "3", "5"))
_VALUES: Final = (
    st.sampled_from((-0.0, 0.3, 16.25, 100.0, 1e15, 1e16 + 2, 1e300, float("nan")))
    | st.integers(-400, 400).map(lambda number: number / 8)
    | st.integers(-1000, 1000).map(lambda number: number / 10)
    | st.floats()
)
_TYPES: Final = st.sampled_from((DataType.INT, DataType.FLOAT, DataType.DOUBLE))


def point_of(data_type: DataType, tags: Mapping[str, str]) -> Measurepoint:
    """Return a writable number with the tags that say anything."""
    return Measurepoint(
        identifier="setpoint",
        data_type=data_type,
        tags={tag: text for tag, text in tags.items() if text},
    )


@given(_TYPES, _ENDS, _ENDS, _STEPS, _VALUES, st.booleans())
@example(DataType.DOUBLE, "0.1", "60", "0.5", 20.5, False)
@example(DataType.DOUBLE, "0", "60", "0.5", 20.5, False)
@example(DataType.DOUBLE, "0", "60", "", -0.0, False)
@example(DataType.DOUBLE, "0", "60", "0.5", -0.0, False)
# Three times 2.2 in binary fractions, of which 2.2 itself is none.
@example(DataType.DOUBLE, "0", "60", "2.2", 6.6000000000000005, False)
# So large that its digits and its binary fraction are two numbers.
@example(DataType.DOUBLE, "0", "2e300", "3", 1e300, False)
@example(DataType.INT, "0", "60", "", 20.5, True)
@example(DataType.INT, "0", "60", "1", 20.5, False)
def test_as_the_thorough_way(
    data_type: DataType,
    low: str,
    high: str,
    step: str,
    value: float,
    converted: bool,
) -> None:
    """The same goes out, or the same is refused for the same reason."""
    point = point_of(data_type, {"ha/min": low, "ha/max": high, "ha/step": step})
    description = describe_control(point, language="en")
    assert description is not None

    def sent(number: float) -> object:
        return repr(encode(point, number))

    def quick() -> object:
        return sent(fit_number(point, description, value, converted=converted))

    def thorough() -> object:
        return sent(
            fit(
                point,
                value,
                minimum=description.minimum,
                maximum=description.maximum,
                step=description.step if description.step_declared else None,
                converted=converted,
            )
        )

    results: list[object] = []
    for way in (quick, thorough):
        try:
            results.append(way())
        except EncodeError as err:
            results.append(err.reason)
    assert results[0] == results[1]


def test_names_are_put_together_once_where_they_are_asked_for() -> None:
    """A write that ends well has no use for them."""
    asked: list[str] = []

    def names() -> dict[str, str]:
        asked.append("asked")
        return {"device": "AHU 1", "point": "Setpoint"}

    found = Names(names)
    assert not asked
    assert {**found, "code": "-"} == {**names(), "code": "-"}
    assert (len(found), found["device"]) == (2, "AHU 1")
    assert len(asked) == 2
