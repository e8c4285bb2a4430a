"""Devices that come, go, change their name, their model, or their place in the list."""

from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.enos.api import client as client_module
from custom_components.enos.const import DOMAIN
from simulator import SimDevice, Simulator, connect_service
from simulator.calls import Call, Result
from simulator.points import enum, serve_definition

from .common import (
    entity_id_of,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
)
from .reading import (
    all_of,
    device_entry_of,
    devices_of,
    grow,
    lines,
    loud,
    pairs_asked,
    requests_for,
    shown,
    text_of,
)


@pytest.fixture(autouse=True)
def unique_ids_stay_unique(caplog: pytest.LogCaptureFixture) -> Any:
    """Whatever happens to devices, Home Assistant never hears of an id twice."""
    yield
    for when in ("setup", "call"):
        for record in caplog.get_records(when):
            assert "does not generate unique IDs" not in record.getMessage()
            assert "already exists" not in record.getMessage()


def fcu_entry(sim: Simulator, **more: Any) -> MockConfigEntry:
    """Return an entry with two points of each fan coil unit."""
    return entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"], **more),
    )


@pytest.fixture
async def entry(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> MockConfigEntry:
    """Return an account that is set up, with a log that is empty."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    caplog.clear()
    return entry


def device_keys(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return the device keys of an entry's devices."""
    return {str(device.serial_number) for device in devices_of(hass, entry)}


def keys(devices: list[SimDevice]) -> set[str]:
    """Return device keys."""
    return {device.device_key for device in devices}


def only_subentry(entry: MockConfigEntry) -> ConfigSubentry:
    """Return the one subentry of an entry."""
    return next(iter(entry.subentries.values()))


def entities_of(hass: HomeAssistant, sim: Simulator, device: SimDevice) -> set[str]:
    """Return domain and key of a device's registered entities."""
    prefix = f"{sim.org_id}_{device.asset_id}"
    return {
        f"{found.domain}{found.unique_id.removeprefix(prefix)}"
        for found in er.async_get(hass).entities.values()
        if found.unique_id.startswith(prefix)
    }


async def test_device_goes_and_returns(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A removed device takes its entities along; when it returns they do too, and work."""
    device = sim.device("fcu")
    sim.remove_device(device.asset_id)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, device, entry) is None
    assert entities_of(hass, sim, device) == set()
    sim.requests.clear()
    await poll(hass)
    assert not [pair for pair in pairs_asked(sim) if pair[0] == device.asset_id]
    sim.devices[device.asset_id] = device
    sim.by_key[device.product_key, device.device_key] = device
    sim._listed = None
    await poll_devices(hass)
    assert device_entry_of(hass, sim, device, entry)
    await sim.report(device, {"room_temp": 13.5})
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "13.5"
    assert loud(caplog) == []


async def test_new_device_shows_its_values_at_once(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """The round that finds a device reads its values as well."""
    device = sim.add_device("fcu")
    await poll(hass)
    await poll(hass)
    assert shown(hass, sim, device, "room_temp")


async def test_name_by_user_stays(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A name that a person gave stands over the one in EnOS, which is followed beneath."""
    device = sim.device("fcu")
    found = device_entry_of(hass, sim, device, entry)
    assert found
    dr.async_get(hass).async_update_device(found.id, name_by_user="Mine")
    sim.rename_device(device.asset_id, "Theirs", "他们的")
    await poll_devices(hass)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert (found.name_by_user, found.name) == ("Mine", "Theirs")


async def test_another_model(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A device of another model has that one's points, once each; the rest keeps its own."""
    device, other = sim.device("fcu"), sim.device("fcu", 1)
    points = sim.models["hvac_fcu"]["measurepoints"]
    changed = {name: dict(point) for name, point in points.items()}
    changed["room_temp"] |= {
        "dataType": "ENUM",
        "unit": None,
        "dataDefinition": serve_definition(
            enum("INT", _1=("Cold", "冷"), _2=("Warm", "热")), "text"
        ),
    }
    changed["power"] |= {
        "dataType": "INT",
        "dataDefinition": None,
    }
    sim.models["hvac_fcu_2"] = {
        **sim.models["hvac_fcu"],
        "modelId": "hvac_fcu_2",
        "measurepoints": changed,
    }
    area = ar.async_get(hass).async_create("Cellar")
    registry = er.async_get(hass)
    registry.async_update_entity(
        entity_id_of(hass, sim, "switch", device, "power"),
        name="Main switch",
        area_id=area.id,
    )
    assert entities_of(hass, sim, device) >= {"switch_power", "sensor_room_temp"}
    device.model_id = "hvac_fcu_2"
    await sim.report(device, {"room_temp": 2, "power": 1})
    await poll_devices(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)
    assert entities_of(hass, sim, device) == {
        "number_power",
        "sensor_room_temp",
        "sensor#status",
        "binary_sensor#connectivity",
        "sensor#waiting_commands",
        "button#cancel_waiting_commands",
    }
    assert entities_of(hass, sim, other) >= {"switch_power", "sensor_room_temp"}
    state = hass.states.get(entity_id_of(hass, sim, "sensor", device, "room_temp"))
    assert state
    assert state.state == "Warm"
    assert state.attributes["options"] == ["Cold", "Warm"]
    assert "unit_of_measurement" not in state.attributes
    assert "state_class" not in state.attributes
    assert text_of(hass, sim, device, "power", "number") == "1"
    # What a person gave it carries over.
    moved = registry.async_get(entity_id_of(hass, sim, "number", device, "power"))
    assert moved
    assert (moved.name, moved.area_id) == ("Main switch", area.id)
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert found.model_id == "hvac_fcu_2"
    assert loud(caplog) == []


async def test_device_leaves_the_chosen_ones(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Of a product whose devices were chosen one by one, others neither come nor stay."""
    fleet = grow(sim, "fcu", 4)
    chosen = [device.asset_id for device in fleet[:3]]
    entry = fcu_entry(sim, devices=chosen)
    await set_up(hass, entry)
    assert device_keys(hass, entry) == keys(fleet[:3])
    sim.add_device("fcu")
    await poll_devices(hass)
    assert device_keys(hass, entry) == keys(fleet[:3])
    subentry = only_subentry(entry)
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, "devices": [chosen[0], fleet[3].asset_id]},
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device_keys(hass, entry) == keys([fleet[0], fleet[3]])
    assert shown(hass, sim, fleet[3], "room_temp")
    sim.requests.clear()
    await poll(hass)
    assert {asset for asset, _ in pairs_asked(sim)} == {chosen[0], fleet[3].asset_id}


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21])
async def test_pages(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    count: int,
) -> None:
    """Products around the size of a page (here ten) are had whole and once.

    After exactly one full page one more is asked for: some gateways count only the page.
    """
    monkeypatch.setattr(client_module, "PAGE_SIZE", 10)
    monkeypatch.setattr(connect_service, "LARGEST_PAGE", 10)
    entry = fcu_entry(sim)
    for device in all_of(sim, "fcu"):
        sim.remove_device(device.asset_id)
    for _ in range(count):
        sim.add_device("fcu")
    await set_up(hass, entry)
    assert device_keys(hass, entry) == keys(all_of(sim, "fcu"))
    assert len(requests_for(sim, "/devices", "search")) == (
        max(1, -(-count // 10)) + (count == 10)
    )
    sim.add_device("fcu")
    await poll_devices(hass)
    assert device_keys(hass, entry) == keys(all_of(sim, "fcu"))
    assert len(device_keys(hass, entry)) == count + 1
    assert sim.rejections == []


@pytest.mark.parametrize("count", [199, 200, 201])
async def test_real_pages(hass: HomeAssistant, sim: Simulator, count: int) -> None:
    """EnOS gives 200 devices a page."""
    fleet = grow(sim, "light", count)
    entry = entry_for(sim, product_subentry(sim, "light"))
    await set_up(hass, entry)
    assert device_keys(hass, entry) == keys(fleet)
    pages = [
        request.body["pagination"]
        for request in requests_for(sim, "/devices", "search")
    ]
    assert pages == [
        {"pageNo": number, "pageSize": 200} for number in range(1, 2 + (count >= 200))
    ]


async def test_list_that_shifts_while_it_is_paged(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A device that no page held is asked for by itself, and stays."""
    monkeypatch.setattr(client_module, "PAGE_SIZE", 5)
    fleet = grow(sim, "fcu", 12)
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    caplog.clear()
    hidden = [device for device in sim.listed() if device.kind.key == "fcu"][5]
    list_all: Callable[[], list[SimDevice]] = sim.listed
    monkeypatch.setattr(
        sim, "listed", lambda: [device for device in list_all() if device is not hidden]
    )
    sim.requests.clear()
    await poll_devices(hass)
    assert device_keys(hass, entry) == keys(fleet)
    gets = requests_for(sim, "/devices", "get")
    assert gets
    assert {request.query["assetId"] for request in gets} == {hidden.asset_id}
    await sim.report(hidden, {"room_temp": 14.25})
    await poll(hass)
    assert text_of(hass, sim, hidden, "room_temp") == "14.25"
    assert not any("removed" in line for line in lines(caplog, "INFO"))


async def test_device_on_two_pages(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that grows while it is paged shows a device twice; it is one."""
    monkeypatch.setattr(client_module, "PAGE_SIZE", 5)
    grow(sim, "fcu", 12)
    search = connect_service.device_search
    done = False

    async def handler(simulator: Simulator, call: Call) -> Result:
        nonlocal done
        result = await search(simulator, call)
        if not done:
            done = True
            simulator.add_device("fcu")
        return result

    from dataclasses import replace

    from simulator.routes import ROUTES

    actions: Any = ROUTES["/connect-service/v2.1/devices"]
    monkeypatch.setitem(actions, "search", replace(actions["search"], handler=handler))
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    assert len(device_keys(hass, entry)) >= 12
    await poll_devices(hass)
    assert device_keys(hass, entry) == keys(all_of(sim, "fcu"))


async def test_person_removes_a_device(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """In the UI only devices that EnOS has no more can be removed."""
    await async_setup_component(hass, "config", {})
    websocket = await hass_ws_client(hass)
    registry = dr.async_get(hass)
    device = device_entry_of(hass, sim, sim.device("fcu"), entry)
    orphan = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, f"{sim.org_id}_longgone")},
    )

    async def remove(device_id: str) -> bool:
        await websocket.send_json_auto_id(
            {
                "type": "config/device_registry/remove_config_entry",
                "device_id": device_id,
                "config_entry_id": entry.entry_id,
            }
        )
        return bool((await websocket.receive_json())["success"])

    assert device
    assert not await remove(device.id)
    assert await remove(orphan.id)
    assert registry.async_get(device.id)
    assert not registry.async_get(orphan.id)
    # In an outage nobody knows what is gone.
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN, None)
    sim.faults.add("status", status=503)
    await hass.config_entries.async_setup(entry.entry_id)
    assert not await remove(device.id)
    assert registry.async_get(device.id)


async def test_renamed_entity_keeps_its_updates(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """An entity id is a person's matter; values go on under the new one."""
    device = sim.device("fcu")
    old = entity_id_of(hass, sim, "sensor", device, "room_temp")
    er.async_get(hass).async_update_entity(old, new_entity_id="sensor.my_room")
    await hass.async_block_till_done(wait_background_tasks=True)
    await sim.report(device, {"room_temp": 12.75})
    await poll(hass)
    state = hass.states.get("sensor.my_room")
    assert state
    assert state.state == "12.75"
    assert hass.states.get(old) is None
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    state = hass.states.get("sensor.my_room")
    assert state
    assert state.state == "12.75"


async def test_disabled_and_enabled_entity(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A disabled entity goes, alone; enabled again it shows the newest value."""
    device, other = sim.device("fcu"), sim.device("fcu", 1)
    registry = er.async_get(hass)
    entity_id = entity_id_of(hass, sim, "sensor", device, "room_temp")
    registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.states.get(entity_id) is None
    assert shown(hass, sim, other, "room_temp")
    await poll_devices(hass)
    assert hass.states.get(entity_id) is None
    await sim.report(device, {"room_temp": 11.5})
    registry.async_update_entity(entity_id, disabled_by=None)
    await poll(hass)
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "11.5"


async def test_disabled_device(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A device that a person disabled is not read, over reloads and new lists."""
    device = sim.device("fcu")
    found = device_entry_of(hass, sim, device, entry)
    assert found
    dr.async_get(hass).async_update_device(
        found.id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    await poll_devices(hass)
    sim.requests.clear()
    await poll_devices(hass)
    asked = {asset for asset, _ in pairs_asked(sim)}
    assert asked == {other.asset_id for other in all_of(sim, "fcu")} - {device.asset_id}
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    sim.requests.clear()
    await poll(hass)
    assert device.asset_id not in {asset for asset, _ in pairs_asked(sim)}


async def test_many_changes_at_once(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Devices that come, go and are renamed between two polls, several times over."""
    for turn in range(3):
        gone = sim.device("fcu")
        new = [sim.add_device("fcu") for _ in range(3)]
        sim.rename_device(sim.device("fcu", 1).asset_id, f"Turn {turn}")
        sim.remove_device(gone.asset_id)
        await poll_devices(hass)
        assert device_keys(hass, entry) == keys(all_of(sim, "fcu"))
        found = device_entry_of(hass, sim, sim.device("fcu", 0), entry)
        assert found
        assert found.name == f"Turn {turn}"
        assert all(shown(hass, sim, device, "room_temp") for device in new)
        assert all(
            text_of(hass, sim, device, "power", "switch") != STATE_UNKNOWN
            for device in new
        )
    assert loud(caplog) == []
