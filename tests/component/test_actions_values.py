"""The action `enos.set_measurepoint`: which values it takes, and how they go out."""

from datetime import UTC, date, datetime
from math import nan
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import probatio
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import EVENT_COMMAND
from simulator import Simulator

from .actions import act, device_id_of, do, refused, set_up_any
from .writing import fcu_control, set_up_fcus, sets


@pytest.mark.parametrize(
    ("kind", "point", "value", "wire"),
    [
        pytest.param("fcu", "power", False, 0, id="bool"),
        pytest.param("fcu", "power", 0, 0, id="bool-0"),
        pytest.param("fcu", "power", "Off", 0, id="bool-word"),
        pytest.param("fcu", "mode", "Heating", 2, id="enum-label"),
        pytest.param("fcu", "mode", 2, 2, id="enum-code"),
        pytest.param("fcu", "mode", "2", 2, id="enum-code-as-text"),
        pytest.param("fcu", "fan_speed", "Low", "low", id="enum-text-label"),
        pytest.param("fcu", "fan_speed", "low", "low", id="enum-text-code"),
        pytest.param("fcu", "temp_setpoint", 21.5, 21.5, id="float"),
        pytest.param("fcu", "temp_setpoint", " 21.5", 21.5, id="float-as-text"),
        pytest.param("light", "brightness", 55.0, 55, id="int-of-float"),
        pytest.param("ahu", "damper", {"position": 12.5, "forced": True}, None, id="s"),
        pytest.param(
            "ahu",
            "damper",
            {"position": 0.1 + 0.2, "forced": 0, "note": "x"},
            {"position": 0.3, "forced": 0, "note": "x"},
            id="struct-in-its-types",
        ),
        pytest.param("ahu", "zone_temps", [21, 22.1], [21.0, 22.1], id="floats"),
        pytest.param("ahu", "zone_temps", (21.5,), [21.5], id="list-of-a-template"),
        pytest.param("chiller", "alarm_codes", [7, 8.0], [7, 8], id="ints"),
        pytest.param("chiller", "alarm_codes", [], [], id="empty-list"),
        pytest.param("battery", "cell_temps", [24.125], [24.125], id="doubles"),
        pytest.param("ahu", "operator_note", "看过", "看过", id="text"),
        pytest.param("ahu", "last_filter_change", "2026-05-07", None, id="day"),
        pytest.param(
            *("ahu", "last_filter_change", date(2026, 5, 7), "2026-05-07"),
            id="day-of-yaml",
        ),
        pytest.param(
            *("meter", "last_reset", "2026-05-07T08:00:00+08:00", 1778112000000),
            id="time",
        ),
        pytest.param(
            *("meter", "last_reset", datetime(2026, 5, 7, tzinfo=UTC), 1778112000000),
            id="time-of-yaml",
        ),
        pytest.param("meter", "last_reset", 1778112000000, None, id="milliseconds"),
    ],
)
async def test_good_value(
    hass: HomeAssistant, sim: Simulator, kind: str, point: str, value: Any, wire: Any
) -> None:
    """A value goes out as the model has it, and what went out is accepted again."""
    await set_up_any(hass, sim, kind)
    events = async_capture_events(hass, EVENT_COMMAND)
    device = sim.device(kind)
    target: dict[str, Any] = {
        "device_id": device_id_of(hass, sim, device),
        "measurepoint_id": point,
    }
    await do(hass, "set_measurepoint", **target, value=value)
    expected = value if wire is None else wire
    (request,) = sets(sim)
    assert request.body == {"value": expected}
    assert type(request.body["value"]) is type(expected)
    assert sim.writes[-1] == (device.asset_id, point, expected)

    await do(hass, "set_measurepoint", **target, value=events[-1].data["value"])
    assert [each.body for each in sets(sim)] == [{"value": expected}] * 2
    assert sim.rejections == []


@pytest.mark.parametrize(
    ("kind", "point", "value", "key"),
    [
        ("ahu", "fan_frequency", 33.15, "off_step"),
        ("ahu", "fan_frequency", 19.9, "out_of_range"),
        ("ahu", "fan_frequency", "51", "out_of_range"),
        ("ahu", "fan_frequency", True, "invalid_value"),
        ("ahu", "fan_frequency", "fast", "invalid_value"),
        ("ahu", "fan_frequency", [33], "invalid_value"),
        ("ahu", "fan_frequency", None, "invalid_value"),
        ("battery", "cycles", 55.5, "not_integral"),
        ("light", "brightness", 55.5, "off_step"),
        ("light", "brightness", 101, "out_of_range"),
        ("fcu", "power", "maybe", "invalid_value"),
        ("fcu", "power", 2, "invalid_value"),
        ("fcu", "mode", "Defrosting", "unknown_option"),
        ("fcu", "mode", 77, "unknown_option"),
        ("fcu", "mode", {"code": 1}, "unknown_option"),
        ("fcu", "fan_speed", "heating", "unknown_option"),
        ("ahu", "zone_temps", 21.5, "invalid_value"),
        ("ahu", "zone_temps", [21.5, "warm"], "invalid_item"),
        ("chiller", "alarm_codes", [7, 8.5], "invalid_item"),
        ("ahu", "damper", [1], "invalid_value"),
        ("ahu", "damper", {"position": 1.0, "angle": 3}, "unknown_item"),
        ("ahu", "damper", {"position": "wide", "forced": True}, "invalid_item"),
        ("ahu", "operator_note", 5, "invalid_value"),
        ("ahu", "operator_note", "x" * 65, "text_too_long"),
        ("ahu", "last_filter_change", "yesterday", "invalid_value"),
        ("meter", "last_reset", "noon", "invalid_value"),
        ("meter", "last_reset", date(2026, 5, 7), "invalid_value"),
    ],
)
async def test_bad_value(
    hass: HomeAssistant, sim: Simulator, kind: str, point: str, value: Any, key: str
) -> None:
    """A value that the point cannot take never leaves, and the error says why."""
    await set_up_any(hass, sim, kind)
    device_id = device_id_of(hass, sim, sim.device(kind))
    target: dict[str, Any] = {
        "device_id": device_id,
        "measurepoint_id": point,
        "value": value,
    }
    err = await refused(hass, "set_measurepoint", **target)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == key

    (found,) = (await act(hass, "set_measurepoint", **target))["commands"]
    assert found["outcome"] == "rejected" and found["final"]
    assert found["command"] is found["command_id"] is None
    assert found["device_id"] == device_id
    assert found["measurepoint_id"] == point
    # Home Assistant takes the last full stop off the English text.
    assert found["message"].removesuffix(".") == str(err)
    assert sets(sim) == []


@pytest.mark.parametrize("value", [nan, {1: 2}, [object()]])
async def test_no_json(hass: HomeAssistant, sim: Simulator, value: Any) -> None:
    """What JSON cannot carry is refused by the fields themselves."""
    await set_up_any(hass, sim, "ahu")
    with pytest.raises(probatio.Invalid):
        await do(
            hass,
            "set_measurepoint",
            device_id=device_id_of(hass, sim, sim.device("ahu")),
            measurepoint_id="damper",
            value=value,
        )
    assert sets(sim) == []


@pytest.mark.parametrize(
    ("value", "wire"), [("Sparen", "low"), ("low", "low"), ("high", None)]
)
async def test_label_and_code(
    hass: HomeAssistant, sim: Simulator, value: str, wire: str | None
) -> None:
    """A text that is the label of one code and another code itself is not guessed at."""
    labels = {"fan_speed": {"low": "Sparen", "medium": "high", "high": "Voll"}}
    await set_up_fcus(hass, sim, labels=labels)
    control = fcu_control(hass, sim, "fan_speed")
    target: dict[str, Any] = {"entity_id": control.entity_id, "value": value}
    if wire is not None:
        await do(hass, "set_measurepoint", **target)
        assert control.written == [wire]
        return
    err = await refused(hass, "set_measurepoint", **target)
    assert err.translation_key == "ambiguous_option"
    assert sets(sim) == []


@pytest.mark.parametrize("value", [21.5, "x", [1, {"a": None}], {"a": [True]}])
async def test_without_a_model(hass: HomeAssistant, sim: Simulator, value: Any) -> None:
    """Where no model can be read, any JSON goes out as it is, and EnOS judges it."""
    sim.rights.discard("Model Management: Read")
    await set_up_any(hass, sim, "ahu")
    found = await act(
        hass,
        "set_measurepoint",
        device_id=device_id_of(hass, sim, sim.device("ahu")),
        measurepoint_id="operator_note",
        value=value,
    )
    (request,) = sets(sim)
    assert request.body == {"value": value}
    outcome = "succeeded" if value == "x" else "rejected"
    assert found["commands"][0]["outcome"] == outcome
