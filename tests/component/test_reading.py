"""What states show, and what is asked of the gateway for it."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from custom_components.enos.const import DOMAIN
from simulator import Simulator
from simulator.faults import FaultKind

from .common import (
    device_subentry,
    entity_id_of,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
    state_of,
)
from .reading import devices_of, loud


def calls(sim: Simulator, part: str, action: str | None = None) -> int:
    """Count the requests whose path holds `part`."""
    return sum(
        part in request.path and action in (None, request.query.get("action"))
        for request in sim.requests
    )


async def test_first_values_are_there_at_once(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """After set-up states hold values, read by one batched request."""
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(
                sim, "fcu", controls=["power", "mode"], sensors=["room_temp"]
            ),
        ),
    )
    device = sim.device("fcu")
    assert (
        float(state_of(hass, sim, "sensor", device, "room_temp").state)
        == (device.values["room_temp"])
    )
    assert state_of(hass, sim, "switch", device, "power").state == (
        STATE_ON if device.values["power"] else STATE_OFF
    )
    assert calls(sim, "tsdb-service") == 1
    assert sim.rejections == []
    assert not any(request.served_secret for request in sim.requests)


async def test_changes_are_polled(hass: HomeAssistant, sim: Simulator) -> None:
    """A new sample shows after the next round."""
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    device = sim.device("fcu")
    await sim.report(device, {"room_temp": 17.25})
    await poll(hass)
    assert state_of(hass, sim, "sensor", device, "room_temp").state == "17.25"


async def test_update_entity_reads_anew(hass: HomeAssistant, sim: Simulator) -> None:
    """The action `homeassistant.update_entity` reads without waiting for the interval."""
    await async_setup_component(hass, "homeassistant", {})
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    device = sim.device("fcu")
    await sim.report(device, {"room_temp": 18.5})
    await hass.services.async_call(
        "homeassistant",
        "update_entity",
        {"entity_id": entity_id_of(hass, sim, "sensor", device, "room_temp")},
        blocking=True,
    )
    assert state_of(hass, sim, "sensor", device, "room_temp").state == "18.5"


async def test_offline_device(hass: HomeAssistant, sim: Simulator) -> None:
    """Read-only points go with their device, controls stay, and all comes back by itself."""
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"]),
        ),
    )
    device = sim.device("fcu")
    device.status = "offline"
    await poll_devices(hass)
    assert state_of(hass, sim, "sensor", device, "room_temp").state == STATE_UNAVAILABLE
    assert state_of(hass, sim, "switch", device, "power").state != STATE_UNAVAILABLE
    assert (
        state_of(hass, sim, "binary_sensor", device, "#connectivity").state == STATE_OFF
    )
    other = sim.device("fcu", 1)
    assert state_of(hass, sim, "sensor", other, "room_temp").state != STATE_UNAVAILABLE
    device.status = "online"
    await poll_devices(hass)
    assert state_of(hass, sim, "sensor", device, "room_temp").state != STATE_UNAVAILABLE
    assert (
        state_of(hass, sim, "binary_sensor", device, "#connectivity").state == STATE_ON
    )


async def test_gateway_away_and_back(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Two rounds without an answer take the account down, with two lines in the log."""
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"]),
        ),
    )
    device = sim.device("fcu")
    await sim.stop()
    caplog.clear()
    for second in range(31, 31 * 12, 31):
        await poll(hass, second)
        if second == 31:
            assert (
                state_of(hass, sim, "sensor", device, "room_temp").state
                != STATE_UNAVAILABLE
            )
    assert state_of(hass, sim, "sensor", device, "room_temp").state == STATE_UNAVAILABLE
    assert (
        state_of(hass, sim, "binary_sensor", device, "#connectivity").state
        == STATE_UNAVAILABLE
    )
    assert state_of(hass, sim, "switch", device, "power").state != STATE_UNAVAILABLE
    alarming = loud(caplog)
    assert len(alarming) == 1, alarming
    await sim.start()
    await poll(hass, 31 * 13)
    assert state_of(hass, sim, "sensor", device, "room_temp").state != STATE_UNAVAILABLE


@pytest.mark.parametrize("kind", ["html", "cut_json", "drop"])
async def test_set_up_waits_for_a_gateway_in_trouble(
    hass: HomeAssistant, sim: Simulator, kind: FaultKind
) -> None:
    """Set-up is tried again, and the registry keeps what it had."""
    sim.faults.add(kind)
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    sim.faults.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_wrong_keys_ask_for_new_ones(hass: HomeAssistant, sim: Simulator) -> None:
    """Refused keys start the reauth flow, once."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", sensors=["room_temp"]),
        data={"secret_key": "00000000-0000-0000-0000-000000000000"},
    )
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    flows = hass.config_entries.flow.async_progress()
    assert [flow["context"]["source"] for flow in flows] == ["reauth"]


async def test_rate_limit_blanks_nothing(hass: HomeAssistant, sim: Simulator) -> None:
    """A 429 slows down; states stay."""
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    device = sim.device("fcu")
    sim.faults.add("rate_limit", path="tsdb-service", retry_after="240")
    for second in (31, 62, 93, 124):
        await poll(hass, second)
    assert state_of(hass, sim, "sensor", device, "room_temp").state != STATE_UNAVAILABLE
    limited = [request for request in sim.requests if request.http_status == 429]
    assert len(limited) == 1
    sim.faults.clear()
    await sim.report(device, {"room_temp": 16.5})
    await poll(hass, 31 + 245)
    assert state_of(hass, sim, "sensor", device, "room_temp").state == "16.5"


async def test_points_without_storage_policy(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A point that the time series never has is read directly."""
    await set_up(
        hass,
        entry_for(
            sim, product_subentry(sim, "fcu", sensors=["room_temp", "fault_code"])
        ),
    )
    device = sim.device("fcu")
    for _ in range(8):
        await poll(hass, 1.5)
    assert state_of(hass, sim, "sensor", device, "fault_code").state != STATE_UNKNOWN
    await sim.report(device, {"fault_code": 7})
    await poll(hass, 31)
    for _ in range(8):
        await poll(hass, 1.5)
    assert state_of(hass, sim, "sensor", device, "fault_code").state == "7"


async def test_one_forbidden_asset(hass: HomeAssistant, sim: Simulator) -> None:
    """An asset that may not be read takes nothing from the others."""
    forbidden, other = sim.device("fcu"), sim.device("fcu", 1)
    sim.forbidden_assets.add(forbidden.asset_id)
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    assert state_of(hass, sim, "sensor", other, "room_temp").state != STATE_UNKNOWN
    assert state_of(hass, sim, "sensor", forbidden, "room_temp").state == STATE_UNKNOWN
    sim.forbidden_assets.clear()
    await poll(hass, 31)
    await poll(hass, 62)
    await poll(hass, 93)
    assert state_of(hass, sim, "sensor", forbidden, "room_temp").state != STATE_UNKNOWN


async def test_new_device_appears(hass: HomeAssistant, sim: Simulator) -> None:
    """A device added to a chosen product gets its entities without a reload."""
    entry = entry_for(
        sim, product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"])
    )
    await set_up(hass, entry)
    device = sim.add_device("fcu")
    await poll_devices(hass)
    assert state_of(hass, sim, "switch", device, "power").state in (STATE_ON, STATE_OFF)
    assert state_of(hass, sim, "sensor", device, "room_temp").state != STATE_UNKNOWN


async def test_removed_device_goes(hass: HomeAssistant, sim: Simulator) -> None:
    """A device goes only when EnOS says so."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    identifier = (DOMAIN, f"{sim.org_id}_{device.asset_id}")
    registry = dr.async_get(hass)
    assert registry.async_get_device_by_identifier(identifier, entry.entry_id)
    sim.remove_device(device.asset_id)
    await poll_devices(hass)
    assert not registry.async_get_device_by_identifier(identifier, entry.entry_id)


async def test_device_removed_meanwhile(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that left EnOS while Home Assistant was away leaves at the next start."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data[DOMAIN].clear()
    sim.remove_device(sim.device("fcu").asset_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    left = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert len(left) == len(devices) - 1


async def test_renamed_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A new name in EnOS is the device's new name."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    sim.rename_device(device.asset_id, "FCU of the boss", "老板的风机盘管")
    await poll_devices(hass)
    found = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{device.asset_id}"), entry.entry_id
    )
    assert found
    assert found.name == "FCU of the boss"


async def test_device_info_and_names(hass: HomeAssistant, sim: Simulator) -> None:
    """Device and entities carry what EnOS says, in Home Assistant's language."""
    hass.config.language = "zh-Hans"
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    found = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{device.asset_id}"), entry.entry_id
    )
    assert found
    assert found.name == device.name["i18nValue"]["zh_CN"]
    assert found.serial_number == device.device_key
    assert found.manufacturer
    assert found.model
    state = state_of(hass, sim, "sensor", device, "room_temp")
    assert state.name.endswith("室温")
    assert state.attributes["unit_of_measurement"] == "°C"
    assert state.attributes["device_class"] == "temperature"
    assert state.attributes["state_class"] == "measurement"


async def test_status_sensor_is_disabled(hass: HomeAssistant, sim: Simulator) -> None:
    """The status sensor is there and disabled; enabled, it shows EnOS's word."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    registry = er.async_get(hass)
    entity_id = entity_id_of(hass, sim, "sensor", device, "#status")
    found = registry.async_get(entity_id)
    assert found
    assert found.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    registry.async_update_entity(entity_id, disabled_by=None)
    device.status = "inactive"
    await poll(hass)
    await poll(hass, 200)
    state = hass.states.get(entity_id)
    assert state
    assert state.state == "inactive"


async def test_reload_asks_nothing_first(hass: HomeAssistant, sim: Simulator) -> None:
    """A reload shows the entities again before it makes a request."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    before = state_of(hass, sim, "sensor", device, "room_temp").state
    sim.faults.add("delay", seconds=1)
    count = len(sim.requests)
    await hass.config_entries.async_reload(entry.entry_id)
    assert state_of(hass, sim, "sensor", device, "room_temp").state == before
    assert all(request.answered is None for request in sim.requests[count:])
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_fifty_reloads_leave_nothing(hass: HomeAssistant, sim: Simulator) -> None:
    """Listeners and requests do not pile up."""
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    listeners = hass.bus.async_listeners()
    for _ in range(50):
        assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    # What Home Assistant itself had to write at first is on disk by then.
    after = hass.bus.async_listeners()
    assert {name for name in after if after[name] > listeners.get(name, 0)} == set()
    assert len(entry.update_listeners) == 1


async def test_dropped_point_leaves_the_registry(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A point that is not chosen any more leaves no ghost, and one that changed its kind moves."""
    entry = entry_for(
        sim,
        product_subentry(
            sim, "fcu", controls=["power"], sensors=["room_temp", "humidity"]
        ),
    )
    await set_up(hass, entry)
    device = sim.device("fcu")
    subentry = next(iter(entry.subentries.values()))
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, "controls": [], "sensors": ["power"]},
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    registry = er.async_get(hass)
    ids = {
        (found.domain, found.unique_id.rpartition(device.asset_id)[2])
        for found in er.async_entries_for_config_entry(registry, entry.entry_id)
        if device.asset_id in found.unique_id
    }
    assert ids == {
        ("binary_sensor", "_power"),
        ("binary_sensor", "#connectivity"),
        ("sensor", "#status"),
    }


async def test_removed_subentry(hass: HomeAssistant, sim: Simulator) -> None:
    """Removing a product removes its devices and polls them no more."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", sensors=["room_temp"]),
        device_subentry(sim.device("light"), controls=["switch"]),
    )
    await set_up(hass, entry)
    product = next(
        subentry
        for subentry in entry.subentries.values()
        if subentry.subentry_type == "product"
    )
    hass.config_entries.async_remove_subentry(entry, product.subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [device.serial_number for device in devices_of(hass, entry)] == [
        sim.device("light").device_key
    ]
    sim.requests.clear()
    await poll(hass, 62)
    bodies = [r.body for r in sim.requests if "tsdb-service" in r.path]
    assert bodies
    assert all(sim.device("fcu").asset_id not in body["assetIds"] for body in bodies)


async def test_single_device_without_rights(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A device known only by its asset id is read and written without further rights."""
    sim.rights -= {"Device Management: Read", "Model Management: Read"}
    device = sim.device("fcu")
    await set_up(
        hass,
        entry_for(
            sim,
            device_subentry(
                device,
                controls=["power"],
                sensors=["room_temp"],
                product_key="",
                device_key="",
                points={
                    "power": {"data_type": "BOOL"},
                    "room_temp": {"data_type": "DOUBLE", "unit": "°C"},
                },
            ),
        ),
    )
    assert state_of(hass, sim, "sensor", device, "room_temp").state != STATE_UNKNOWN
    assert (
        state_of(hass, sim, "binary_sensor", device, "#connectivity").state
        == STATE_UNAVAILABLE
    )
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": entity_id_of(hass, sim, "switch", device, "power")},
        blocking=True,
    )
    assert state_of(hass, sim, "switch", device, "power").state == STATE_ON
