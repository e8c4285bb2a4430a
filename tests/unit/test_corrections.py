"""What a person says otherwise than the model."""

import json
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import LocalizedText, Measurepoint
from custom_components.enos.corrections import (
    Correction,
    corrected,
    corrections_from,
    describe,
    with_items,
)
from custom_components.enos.mapping import Kind, PointDescription
from custom_components.enos.values import DOUBLE_MAX

from .points import TWO, patient, point

THREE: Final = {
    "0": LocalizedText("停"),
    "1": LocalizedText("冷"),
    "2": LocalizedText("热"),
}


def shown(
    model: Measurepoint,
    *,
    writable: bool = False,
    labels: dict[str, str] | None = None,
    **said: Any,
) -> PointDescription:
    """Return how a corrected point is shown."""
    _, description = describe(
        model,
        Correction.from_data(said),
        writable=writable,
        language="en",
        labels=labels or {},
    )
    assert description is not None
    return description


def test_nothing_said() -> None:
    """Without a correction the point is the model's own."""
    model = point("temp", unit="°C")
    assert not Correction()
    assert corrected(model, Correction()) is model
    assert corrections_from({"temp": {}, "other": {"kind": "number"}}) == {
        "other": Correction(kind=Kind.NUMBER)
    }
    assert corrections_from(None) == {}


def test_wrong_unit() -> None:
    """The classes follow the unit that a person gives."""
    model = point("temp", unit="kW")
    assert shown(model).device_class == "power"
    fixed = shown(model, unit="°C")
    assert (fixed.unit, fixed.device_class, fixed.state_class) == (
        "°C",
        "temperature",
        "measurement",
    )
    without = shown(model, unit="")
    assert (without.unit, without.device_class) == (None, None)
    prefixed = shown(point("energy", unit="Wh", multiplier="MEGA"), unit="Wh")
    assert prefixed.unit == "Wh"


def test_classes() -> None:
    """Classes can be chosen and taken away, as far as Home Assistant allows them."""
    model = point("x", unit="kWh")
    assert shown(model, device_class="energy_storage").device_class == "energy_storage"
    assert shown(model, device_class="none").device_class is None
    assert shown(model, device_class="power").device_class == "energy"
    assert shown(model, state_class="none").state_class is None
    assert shown(model, state_class="total").state_class == "total"
    # Home Assistant refuses it for an energy.
    assert shown(model, state_class="measurement").state_class == "total_increasing"


def test_range_binds() -> None:
    """A corrected range is a declared one, also over a tag's."""
    model = point("sp", unit="°C", tags={"ha/min": "0", "ha/max": "100"})
    fixed = shown(model, writable=True, minimum=16, maximum=30, step=0.5)
    assert (fixed.minimum, fixed.maximum, fixed.step) == (16.0, 30.0, 0.5)
    assert fixed.range_declared
    assert fixed.step_declared
    assert fixed.slider


@pytest.mark.parametrize(
    ("model", "said", "kind", "on", "off"),
    [
        (point("p", "BOOL"), {}, Kind.SWITCH, True, False),
        (point("p", "BOOL"), {"on_value": "0"}, Kind.SWITCH, False, True),
        (
            point("p", "BOOL"),
            {"on_value": "false", "off_value": "true"},
            Kind.SWITCH,
            False,
            True,
        ),
        (point("p", "INT"), {"kind": "switch"}, Kind.SWITCH, 1, 0),
        (
            point("p", "INT"),
            {"kind": "switch", "on_value": "2", "off_value": "5"},
            Kind.SWITCH,
            2,
            5,
        ),
        # On without off is no switch, and on that is off is none.
        (
            point("p", "INT"),
            {"kind": "switch", "on_value": "2"},
            Kind.NUMBER,
            None,
            None,
        ),
        (
            point("p", "INT"),
            {"kind": "switch", "on_value": "2", "off_value": "2"},
            Kind.NUMBER,
            None,
            None,
        ),
        (point("p", "ENUM", enum=TWO), {"kind": "switch"}, Kind.SELECT, None, None),
        (
            point("p", "ENUM", enum=TWO),
            {"kind": "switch", "on_value": "1", "off_value": "0"},
            Kind.SWITCH,
            "1",
            "0",
        ),
        (
            point("p", "STRING"),
            {"kind": "switch", "on_value": "ON", "off_value": "OFF"},
            Kind.SWITCH,
            "ON",
            "OFF",
        ),
        (point("p", "DATE"), {"kind": "switch"}, Kind.DATE, None, None),
    ],
)
def test_switching(
    model: Measurepoint, said: dict[str, Any], kind: Kind, on: object, off: object
) -> None:
    """Every type with two values can be a switch, once these are known."""
    found = shown(model, writable=True, **said)
    assert (found.kind, found.on_value, found.off_value) == (kind, on, off)
    if kind is Kind.SWITCH:
        assert found.truth(found.on_value) is True
        assert found.truth(found.off_value) is False
        assert found.truth(None) is None


def test_neither_on_nor_off() -> None:
    """A switch knows two values; of a binary sensor all that is not on may be off."""
    model = point("p", "INT")
    switch = shown(model, writable=True, kind="switch")
    assert switch.truth(7) is None
    sensor = shown(model, kind="binary_sensor", on_value="3")
    assert (sensor.kind, sensor.truth(3), sensor.truth(7)) == (
        Kind.BINARY_SENSOR,
        True,
        False,
    )


def test_swapped_class() -> None:
    """Turned round, the labels say the opposite, too."""
    labels = {True: "停止", False: "运行"}
    model = point("p", "BOOL", "运行状态", bool_labels=labels)
    assert shown(model).device_class is None
    assert shown(model, on_value="0").device_class == "running"


@pytest.mark.parametrize(
    ("model", "said", "value"),
    [
        (point("p", "BOOL"), {}, True),
        (point("p", "INT"), {}, 1),
        (point("p", "INT"), {"press_value": "170"}, 170),
        (point("p", "DOUBLE"), {"press_value": "2.5"}, 2.5),
        (point("p", "ENUM", enum=TWO), {"press_value": "1"}, "1"),
        (point("p", "STRING"), {"press_value": "RST"}, "RST"),
    ],
)
def test_button(model: Measurepoint, said: dict[str, Any], value: object) -> None:
    """A button writes one value."""
    found = shown(model, writable=True, kind="button", **said)
    assert (found.kind, found.press_value) == (Kind.BUTTON, value)


@pytest.mark.parametrize("model", [point("p", "STRING"), point("p", "ENUM", enum=TWO)])
def test_button_without_value(model: Measurepoint) -> None:
    """Without a value to write there is no button."""
    assert shown(model, writable=True, kind="button").kind is not Kind.BUTTON


def test_button_by_name() -> None:
    """A BOOL that is reset by its name is pressed, unless somebody says otherwise."""
    model = point("alarm_reset", "BOOL")
    assert shown(model, writable=True).kind is Kind.BUTTON
    assert shown(model, writable=True, kind="switch").kind is Kind.SWITCH


def test_options() -> None:
    """Labels and order are as given; the rest follows as frozen, then as bare codes."""
    model = point("mode", "ENUM", enum=THREE)
    frozen = {"0": "停", "1": "冷"}
    assert shown(model, labels=frozen).options == (("0", "停"), ("1", "冷"), ("2", "2"))
    fixed = shown(model, labels=frozen, options={"1": "Cool", "0": "Off"})
    assert fixed.options == (("1", "Cool"), ("0", "Off"), ("2", "2"))


def test_order_outlives_storage() -> None:
    """Home Assistant sorts the keys of what it keeps: 1, 20, 5."""
    codes = {code: LocalizedText(f"m{code}") for code in ("1", "5", "20")}
    model = point("mode", "ENUM", enum=codes, enum_is_int=True)
    correction = Correction(options={"20": "Service", "5": "Manual"})
    frozen = {"1": "自动", "5": "手动", "20": "检修"}
    for kept in (correction.stored(), {"options": correction.options}):
        assert Correction.from_data(kept) == correction
    said, labels = json.loads(json.dumps([correction.stored(), frozen], sort_keys=True))
    assert list(labels) == ["1", "20", "5"]
    assert describe_it(model, labels=labels) == ("自动", "手动", "检修")
    again = Correction.from_data(said)
    assert list(again.options) == ["20", "5"]
    assert describe_it(model, again, labels=labels) == ("Service", "Manual", "自动")


def describe_it(
    model: Measurepoint,
    correction: Correction | None = None,
    *,
    labels: dict[str, str],
) -> tuple[str, ...]:
    """Return the labels of a select."""
    _, description = describe(
        model,
        correction or Correction(),
        writable=True,
        language="zh-Hans",
        labels=labels,
    )
    assert description is not None
    return tuple(label for _, label in description.options)


def test_options_of_other_types() -> None:
    """Numbers, texts and truth values can have names, in the order given."""
    number = shown(
        point("mode", "INT"),
        writable=True,
        kind="select",
        options={"3": "Auto", "1": "Cool"},
    )
    assert (number.kind, number.options) == (
        Kind.SELECT,
        (("3", "Auto"), ("1", "Cool")),
    )
    assert shown(point("mode", "INT"), writable=True, kind="select").kind is Kind.NUMBER
    truth = shown(
        point("mode", "BOOL", bool_labels={True: "Remote", False: "Local"}),
        writable=True,
        kind="select",
    )
    assert truth.options == (("0", "Local"), ("1", "Remote"))
    read = shown(point("mode", "INT"), options={"3": "Auto"})
    assert (read.device_class, read.options) == ("enum", (("3", "Auto"),))


def test_habits() -> None:
    """The form of a BOOL and the age of samples are said of any kind."""
    model = point("p", "BOOL")
    assert shown(model, writable=True).bool_as_json is None
    assert shown(model, writable=True, bool_form="boolean").bool_as_json is True
    assert shown(model, writable=True, bool_form="number").bool_as_json is False
    assert shown(point("t"), stale_after=90).stale_after == 90.0
    assert shown(point("t"), stale_after=-1).stale_after is None


def test_text_that_is_a_number() -> None:
    """A STRING has unit and class once a person says that it is a number."""
    model = point("t", "STRING", unit="°C")
    assert (shown(model).unit, shown(model).device_class) == (None, None)
    number = shown(model, state_class="measurement")
    assert (number.unit, number.device_class) == ("°C", "temperature")


def test_exception_over_correction() -> None:
    """A device's own correction has the last word, field by field."""
    general = Correction(unit="°C", minimum=5, options={"1": "a"})
    special = Correction(minimum=10, name="Flow")
    assert special.over(general) == Correction(
        unit="°C", minimum=10, name="Flow", options={"1": "a"}
    )


def test_items_of_structs() -> None:
    """Each item of a STRUCT is a point of its own, named after both."""
    item = point("p", "DOUBLE", unit="kW")
    model = Measurepoint(
        identifier="pv",
        name=LocalizedText("PV", {"zh_CN": "光伏"}),
        items=(
            item,
            Measurepoint(
                identifier="e", name=LocalizedText("Yield", {"zh_CN": "电量"})
            ),
        ),
    )
    views = with_items([model])
    assert list(views) == ["pv", "pv#p", "pv#e"]
    assert views["pv#p"].name.get("en") == "PV p"
    assert views["pv#e"].name.get("zh-Hans") == "光伏 电量"
    assert (views["pv#p"].identifier, views["pv#p"].unit) == ("pv#p", "kW")


junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
fields = st.sampled_from([*Correction.__dataclass_fields__, "other"])
words = junk | st.sampled_from([*Kind, "none", "energy", "1", "0", "number", "nan"])


@patient
@given(
    st.dictionaries(fields, words | st.dictionaries(st.text(max_size=3), words)),
    st.sampled_from(
        [
            "BOOL",
            "INT",
            "FLOAT",
            "DOUBLE",
            "ENUM",
            "STRING",
            "TIMESTAMP",
            "DATE",
            "ARRAY",
        ]
    ),
    st.booleans(),
)
def test_anything(said: dict[str, Any], data_type: str, writable: bool) -> None:
    """Whatever a subentry holds, a point is described or left out; what was read stays."""
    correction = Correction.from_data(said)
    assert Correction.from_data(correction.data()) == correction
    describe(
        point("p", data_type, unit="kW", enum=TWO if data_type == "ENUM" else {}),
        correction,
        writable=writable,
        language="en",
        labels={},
    )


def test_classes_that_do_not_fit() -> None:
    """A class that Home Assistant would refuse with the unit is not taken from a tag either."""
    model = point("x", unit="kW", tags={"ha/state_class": "measurement_angle"})
    assert shown(model).state_class == "measurement"
    around = point("x", unit="°", tags={"ha/state_class": "measurement_angle"})
    assert shown(around).state_class == "measurement_angle"
    alarm = point("alarm", "BOOL")
    assert shown(alarm).device_class == "problem"
    assert shown(alarm, device_class="none").device_class is None


def test_one_end_past_the_other() -> None:
    """The end that a person gives binds, even past the model's other one."""
    model = point("sp", unit="°C", tags={"ha/min": "5", "ha/max": "30"})
    above = shown(model, writable=True, minimum=40)
    assert (above.minimum, above.maximum) == (40.0, DOUBLE_MAX)
    below = shown(model, writable=True, maximum=0)
    assert (below.minimum, below.maximum) == (-DOUBLE_MAX, 0.0)
    within = shown(model, writable=True, maximum=20)
    assert (within.minimum, within.maximum) == (5.0, 20.0)
