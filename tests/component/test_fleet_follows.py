"""What EnOS changes of devices is followed by itself; unique ids stay what they are."""

from collections import Counter
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import (
    device_registry as dr,
    entity_platform,
    entity_registry as er,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import SimDevice, Simulator
from simulator.points import Point, i18n

from .common import (
    device_subentry,
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
    loud,
    requests_for,
    shown,
    text_of,
)
from .repairs import Watch


def ids_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, tuple[str, str]]:
    """Return entity id and unique id of all entities, by their id in the registry."""
    return {
        entity.id: (entity.entity_id, entity.unique_id)
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }


def entities_of(
    hass: HomeAssistant, entry: MockConfigEntry, device: SimDevice
) -> set[str]:
    """Return the unique ids of a device's entities, without what all begin with."""
    return {
        unique_id.partition(device.asset_id)[2]
        for _, unique_id in ids_of(hass, entry).values()
        if device.asset_id in unique_id
    }


async def two_products(hass: HomeAssistant, sim: Simulator) -> MockConfigEntry:
    """Set up fan coil units and lights, and a chiller alone."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"]),
        product_subentry(sim, "light", controls=["switch"]),
        device_subentry(
            sim.device("chiller"), sensors=["chw_supply_temp"], name="My chiller"
        ),
    )
    await set_up(hass, entry)
    return entry


def count_writes(hass: HomeAssistant) -> Counter[str]:
    """Count what is written to the registries from now on."""
    counter: Counter[str] = Counter()

    @callback
    def note(event: Event[Any]) -> None:
        counter[f"{event.event_type.partition('_')[0]} {event.data['action']}"] += 1

    hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, note)
    hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, note)
    return counter


async def test_keys_names_and_places(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Another key, another name, another product name are in the registry; a place is not."""
    entry = await two_products(hass, sim)
    device, single = sim.device("fcu"), sim.device("chiller")
    before = ids_of(hass, entry)
    caplog.clear()
    writes = count_writes(hass)
    sim.rekey_device(device.asset_id, "fcu-new")
    sim.rekey_device(single.asset_id, "chiller-new")
    sim.rename_device(device.asset_id, "Renamed")
    sim.rename_device(single.asset_id, "Not mine")
    places = list(sim.building.places.values())
    sim.move_device(device.asset_id, places[-1])
    sim.products[device.product_key]["productName"] = i18n("Blowers", "风机")
    await poll_devices(hass)
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert (found.serial_number, found.name, found.model) == (
        "fcu-new",
        "Renamed",
        "Blowers",
    )
    alone = device_entry_of(hass, sim, single, entry)
    assert alone
    assert (alone.serial_number, alone.name) == ("chiller-new", "My chiller")
    assert ids_of(hass, entry) == before
    # Each device once, and no entity.
    assert writes == {"device update": len(all_of(sim, "fcu")) + 1}
    await sim.report(device, {"room_temp": 17.25})
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "17.25"
    await poll_devices(hass)
    assert writes.total() == len(all_of(sim, "fcu")) + 1
    assert loud(caplog) == []


async def test_unique_ids_never_change(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Through everything that can happen to a device, each id is that of the first day."""
    entry = await two_products(hass, sim)
    device, single = sim.device("fcu"), sim.device("chiller")
    before = ids_of(hass, entry)
    fcu = sim.kind("fcu")
    sim.kinds["fcu_2"] = replace(fcu, key="fcu_2", model_id="fcu_2")

    async def settle(seconds: float = 0) -> None:
        freezer.tick(5 + seconds)
        await poll_devices(hass)
        await poll_devices(hass)

    sim.rekey_device(device.asset_id, "other")
    sim.rename_device(device.asset_id, "Other")
    sim.rename_device(single.asset_id, "Other")
    sim.products[device.product_key]["productName"] = i18n("Blowers", "风机")
    await settle()
    assert ids_of(hass, entry) == before
    sim.remodel_device(device.asset_id, "fcu_2")
    await settle()
    assert ids_of(hass, entry) == before
    sim.change_point("fcu", "room_temp", unit="K", en="Room")
    sim.add_point("fcu", Point("new", "INT", "New", "新", 1))
    await settle(24 * 3600)
    assert ids_of(hass, entry) == before
    device.product_key = sim.device("light").product_key
    sim._listed = None
    await settle()
    device.product_key = sim.device("fcu", 0).product_key
    device.product_key = sim.building.product_keys["fcu"]
    await settle()
    assert ids_of(hass, entry) == before
    sim.devices.pop(device.asset_id)
    sim._listed = None
    await settle()
    assert set(ids_of(hass, entry)) < set(before)
    sim.devices[device.asset_id] = device
    sim._listed = None
    await settle()
    assert ids_of(hass, entry) == before
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN, None)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle()
    assert ids_of(hass, entry) == before
    # And they are what was promised.
    assert {unique_id for _, unique_id in before.values()} >= {
        f"{sim.org_id}_{device.asset_id}_power",
        f"{sim.org_id}_{device.asset_id}#connectivity",
        f"{sim.org_id}_{single.asset_id}_chw_supply_temp",
    }


@pytest.mark.parametrize("running", [True, False])
async def test_product_that_is_not_brought_in(
    hass: HomeAssistant,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
    running: bool,
) -> None:
    """A device that is another product's is removed, for EnOS says so; and may come back."""
    entry = await two_products(hass, sim)
    device, home = sim.device("fcu"), sim.device("fcu").product_key
    if not running:
        await hass.config_entries.async_unload(entry.entry_id)
        hass.data.pop(DOMAIN, None)
        freezer.tick(5)
    caplog.clear()
    device.product_key = sim.device("meter").product_key
    if not running:
        await hass.config_entries.async_setup(entry.entry_id)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, device, entry) is None
    assert entities_of(hass, entry, device) == set()
    assert device_entry_of(hass, sim, sim.device("fcu", 1), entry)
    sim.requests.clear()
    await poll_devices(hass)
    assert requests_for(sim, "/devices", "get") == []
    device.product_key = home
    await poll_devices(hass)
    assert device_entry_of(hass, sim, device, entry)
    assert shown(hass, sim, device, "room_temp")
    assert loud(caplog) == []


async def test_product_that_is_brought_in(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A device that is another product's that was brought in goes over to that one's choice."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"]),
        product_subentry(sim, "meter", sensors=["room_temp", "active_power"]),
    )
    await set_up(hass, entry)
    device = sim.device("fcu")
    registry = er.async_get(hass)
    sensor = entity_id_of(hass, sim, "sensor", device, "room_temp")
    registry.async_update_entity(sensor, name="Mine")
    before = registry.async_get(sensor)
    assert before
    caplog.clear()
    writes = count_writes(hass)
    device.product_key = sim.device("meter").product_key
    await poll_devices(hass)
    await poll_devices(hass)
    # Moved as they are, not made anew; only what is chosen no more goes.
    assert not {"entity create", "device create", "device remove"} & writes.keys()
    subentry = next(each for each in entry.subentries.values() if each.title == "meter")
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert found.config_subentry_id == subentry.subentry_id
    after = registry.async_get(sensor)
    assert after
    assert (after.id, after.name) == (before.id, "Mine")
    assert after.config_subentry_id == subentry.subentry_id
    # What the other product does not have is chosen no more.
    assert "_power" not in entities_of(hass, entry, device)
    assert shown(hass, sim, device, "room_temp")
    fcu = next(each for each in entry.subentries.values() if each.title == "fcu")
    hass.config_entries.async_remove_subentry(entry, fcu.subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)
    assert shown(hass, sim, device, "room_temp")
    assert loud(caplog) == []


async def test_single_device_goes_and_returns(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A device that was brought in alone is followed like all others."""
    device = sim.device("chiller")
    entry = entry_for(sim, device_subentry(device, sensors=["chw_supply_temp"]))
    await set_up(hass, entry)
    before = ids_of(hass, entry)
    sim.devices.pop(device.asset_id)
    sim._listed = None
    await poll_devices(hass)
    assert device_entry_of(hass, sim, device, entry) is None
    sim.devices[device.asset_id] = device
    sim._listed = None
    await poll_devices(hass)
    assert ids_of(hass, entry) == before
    assert shown(hass, sim, device, "chw_supply_temp")


async def test_not_listed_is_not_gone(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many devices the lists leave out: those that `get` knows stay."""
    fleet = grow(sim, "fcu", 25)
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    monkeypatch.setattr(sim, "listed", list)
    sim.requests.clear()
    for _ in range(6):
        await poll(hass)
    assert len(devices_of(hass, entry)) == len(fleet)
    asked = Counter(
        request.query["assetId"] for request in requests_for(sim, "/devices", "get")
    )
    # All of them got their turn, ten at a time: `get` gives secrets away.
    assert asked.total() == 30
    assert set(asked) == {device.asset_id for device in fleet}
    assert all(shown(hass, sim, device, "room_temp") for device in fleet)


async def test_thousand_come_and_go(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand devices appear at once and disappear at once, while the others go on."""
    entry = await two_products(hass, sim)
    stay = sim.device("fcu")
    before = ids_of(hass, entry)
    caplog.clear()
    new = [sim.add_device("light") for _ in range(1000)]
    await poll_devices(hass)
    assert len(devices_of(hass, entry)) == len(all_of(sim, "fcu")) + 1 + len(
        all_of(sim, "light")
    )
    for device in (new[0], new[499], new[-1]):
        assert text_of(hass, sim, device, "switch", "switch") in ("on", "off")
    for device in new:
        sim.remove_device(device.asset_id)
    sim.requests.clear()
    for number in range(30):
        await sim.report(stay, {"room_temp": 20 + number / 4})
        await poll(hass)
        assert text_of(hass, sim, stay, "room_temp") == str(20 + number / 4)
        if ids_of(hass, entry) == before:
            break
    assert ids_of(hass, entry) == before
    # One question each, ten for a hundred before that, and the search for what is refused.
    assert len(requests_for(sim, "/devices", "get")) == 1000
    assert len(requests_for(sim, "/devices", "search")) < 60
    assert len(requests_for(sim, "/latest")) < 1000
    assert loud(caplog) == []


async def test_entities_that_are_about_to_be(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit any more is told, with how many there would be."""
    watch = Watch(hass)
    monkeypatch.setattr(entity_platform, "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY", 40)
    # 12 × (a point and the connection), and what the account itself has.
    grow(sim, "light", 12)
    entry = entry_for(sim, product_subentry(sim, "light", sensors=["switch"]))
    await set_up(hass, entry)
    await poll_devices(hass)
    assert watch.told(entry) == []
    grow(sim, "light", 24)
    await poll_devices(hass)
    issue = watch.issue(entry, "entity_cap")
    assert issue.severity == "error"
    words = watch.words(entry, "entity_cap")
    assert words["limit"] == "40"
    assert int(words["count"]) >= 40 + 4
    # Entities that a person disabled count no more.
    registry = er.async_get(hass)
    for each in list(registry.entities.get_entries_for_config_entry_id(entry.entry_id)):
        if each.domain == "binary_sensor" and not each.disabled:
            registry.async_update_entity(
                each.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await hass.async_block_till_done(wait_background_tasks=True)
    for device in all_of(sim, "light")[3:]:
        sim.remove_device(device.asset_id)
    await poll_devices(hass)
    assert watch.told(entry) == []
