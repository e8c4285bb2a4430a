"""The action `enos.get_measurepoints`: values of any point, and how they are asked for."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from simulator import Simulator

from .actions import act, device_id_of, do, refused
from .common import entry_for, product_subentry, set_up, state_of
from .reading import asked_directly, grow, pairs_of, values_asked
from .writing import fcu_control, set_up_fcus

GET = "get_measurepoints"


async def get(hass: HomeAssistant, **data: Any) -> list[dict[str, Any]]:
    """Return the points of a response."""
    found: list[dict[str, Any]] = (await act(hass, GET, **data))["measurepoints"]
    return found


async def test_all_points(hass: HomeAssistant, sim: Simulator) -> None:
    """All points of the model, by their types, whether they are entities or not."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "ahu", controls=["mode"])))
    device = sim.device("ahu")
    sim.requests.clear()
    shown = await get(hass, device_id=device_id_of(hass, sim, device))
    found = {each["measurepoint_id"]: each for each in shown}
    assert found.keys() == {point.identifier for point in device.kind.points}
    for point_id, each in found.items():
        assert each["asset_id"] == device.asset_id
        assert each["device_id"] == device_id_of(hass, sim, device)
        sample = device.connect_latest[point_id]
        told = datetime.fromtimestamp(sample.time / 1000, UTC)
        assert each["time"] == told.isoformat(), point_id
        assert "error" not in each
    values = {point_id: each["value"] for point_id, each in found.items()}
    assert values["mode"] == str(device.values["mode"])
    assert values["filter_alarm"] is False
    assert values["fan_frequency"] == device.values["fan_frequency"]
    assert values["damper"] == {"position": 30.0, "forced": False}
    assert values["zone_temps"] == device.values["zone_temps"]
    assert values["last_filter_change"] == "2026-05-06"
    assert found["fan_frequency"]["unit"] == "Hz"
    assert found["mode"]["unit"] is None
    # One call for all that is stored, one for the rest; what is polled is known.
    (request,) = values_asked(sim)
    assert (device.asset_id, "mode") not in pairs_of(request)
    assert asked_directly(sim) == [device.asset_id]
    assert found["damper"]["source"] == "latest"
    assert found["operator_note"]["source"] == "queryLatest"
    assert found["operator_note"]["age"] == 0
    assert sim.rejections == []


async def test_many_devices(hass: HomeAssistant, sim: Simulator) -> None:
    """Devices share a call, and the newest samples come in the order asked for."""
    fcus = grow(sim, "fcu", 6)
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    sim.requests.clear()
    shown = await get(
        hass,
        device_id=[device_id_of(hass, sim, device) for device in fcus],
        measurepoint_id=["room_temp", "power"],
    )
    assert [(each["asset_id"], each["measurepoint_id"]) for each in shown] == [
        (device.asset_id, point) for device in fcus for point in ("room_temp", "power")
    ]
    assert [each["value"] for each in shown[1::2]] == [
        device.values["power"] for device in fcus
    ]
    assert len(values_asked(sim)) == 1
    assert asked_directly(sim) == []


async def test_known_and_fresh(hass: HomeAssistant, sim: Simulator) -> None:
    """What is polled costs no request; asked anew, the entity shows the answer, too."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    target: dict[str, Any] = {
        "device_id": device_id_of(hass, sim, device),
        "measurepoint_id": "temp_setpoint",
    }
    await sim.report(device, {"temp_setpoint": 25.5})
    sim.requests.clear()
    (known,) = await get(hass, **target)
    assert known["value"] == 24.0 and known["unit"] == "°C"
    assert known["source"] == "latest" and known["age"] >= 0
    assert sim.requests == []
    (fresh,) = await get(hass, **target, fresh=True)
    assert fresh["value"] == 25.5
    assert fresh["source"] == "queryLatest" and fresh["age"] == 0
    assert fresh["time"] > known["time"]
    assert state_of(hass, sim, "number", device, "temp_setpoint").state == "25.5"
    assert asked_directly(sim) == [device.asset_id] and values_asked(sim) == []


async def test_just_written(hass: HomeAssistant, sim: Simulator) -> None:
    """A value that was acknowledged is told as such, until a sample shows it."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await do(hass, "set_measurepoint", entity_id=control.entity_id, value=19)
    target: dict[str, Any] = {
        "device_id": device_id_of(hass, sim, control.device),
        "measurepoint_id": "temp_setpoint",
    }
    (known,) = await get(hass, **target)
    assert (known["value"], known["source"]) == (19.0, "command")
    assert known["time"] is None and known["age"] >= 0
    (fresh,) = await get(hass, **target, fresh=True)
    assert (fresh["value"], fresh["source"]) == (24.0, "queryLatest")
    assert control.state == "19.0"


async def test_not_parseable(hass: HomeAssistant, sim: Simulator) -> None:
    """A value that does not fit its type is told as it came; a point without any as none."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    device = sim.device("fcu")
    await sim.report(device, {"room_temp": "n/a"})
    del device.connect_latest["mode"], device.tsdb_latest["mode"]
    temperature, mode = await get(
        hass,
        device_id=device_id_of(hass, sim, device),
        measurepoint_id=["room_temp", "mode"],
    )
    assert temperature["value"] == "n/a" and temperature["time"]
    assert mode["value"] is mode["time"] is mode["source"] is mode["age"] is None


async def test_without_a_model(hass: HomeAssistant, sim: Simulator) -> None:
    """Points that are named are read as they are; what there is nobody knows."""
    sim.rights.discard("Model Management: Read")
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    device = sim.device("fcu")
    device_id = device_id_of(hass, sim, device)
    err = await refused(hass, GET, response=True, device_id=device_id)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "model_not_known"
    (found,) = await get(hass, device_id=device_id, measurepoint_id="temp_setpoint")
    assert found["value"] == 24.0 and found["unit"] is None


async def test_unknown_point(hass: HomeAssistant, sim: Simulator) -> None:
    """A mistyped identifier is refused, and nothing is asked."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    sim.requests.clear()
    err = await refused(
        hass,
        GET,
        response=True,
        device_id=device_id_of(hass, sim, sim.device("fcu")),
        measurepoint_id=["temp_setpoint", "nothing"],
    )
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "unknown_point"
    assert sim.requests == []


@pytest.mark.parametrize("fresh", [True, False])
async def test_one_is_forbidden(
    hass: HomeAssistant, sim: Simulator, fresh: bool
) -> None:
    """A device that must not be read says so, and costs the others nothing."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    first, second = sim.device("fcu", 0), sim.device("fcu", 1)
    sim.forbidden_assets.add(first.asset_id)
    forbidden, allowed = await get(
        hass,
        device_id=[device_id_of(hass, sim, device) for device in (first, second)],
        measurepoint_id="temp_setpoint",
        fresh=fresh,
    )
    assert allowed["value"] == 24.0 and "error" not in allowed
    assert forbidden["value"] is None
    assert forbidden["error"].startswith("FCU 3F East: the application lacks the right")


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"kind": "rate_limit"}, "request_rate_limited"),
        ({"kind": "status", "status": 502, "body": "html"}, "request_no_answer"),
        ({"kind": "right"}, "request_denied"),
    ],
)
async def test_trouble(
    hass: HomeAssistant, sim: Simulator, fault: dict[str, Any], key: str, fresh: bool
) -> None:
    """With nothing to tell the action raises what is wrong."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu")))
    target: dict[str, Any] = {
        "device_id": [device_id_of(hass, sim, sim.device("fcu", i)) for i in (0, 1)],
        "measurepoint_id": "temp_setpoint",
        "fresh": fresh,
    }
    if fault["kind"] == "right":
        sim.rights -= {"Device Management: Read", "Asset: Read"}
    else:
        sim.faults.add(**fault)
    err = await refused(hass, GET, response=True, **target)
    assert not isinstance(err, ServiceValidationError)
    assert isinstance(err, HomeAssistantError)
    assert err.translation_key == key
    assert (err.translation_placeholders or {})["device"].startswith("FCU 3F")
