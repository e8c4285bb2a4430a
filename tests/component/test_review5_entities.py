"""Entities that are added while something else happens to their account."""

import asyncio
from datetime import timedelta

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.enos import entity as entities
from simulator import Simulator

from .common import entry_for, product_subentry, set_up
from .reading import coordinator_of, devices_of, loud

_SENSORS = ("room_temp", "power", "fan_speed", "mode")


async def _amid_new_devices(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> MockConfigEntry:
    """Return an account to which some of twenty new devices were added, and not yet all."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=_SENSORS))
    await set_up(hass, entry)
    before = len(hass.states.async_all())
    # As if each of them took long.
    monkeypatch.setattr(entities, "_LONGEST_RUN", -1.0)
    for _ in range(20):
        sim.add_device("fcu")
    for seconds in (40, 80, 120):
        # Of these rounds one reads the devices.
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
        for _ in range(500):
            await asyncio.sleep(0.001)
            if len(hass.states.async_all()) > before + 5:
                return entry
    raise AssertionError("no new device was added")


async def test_unloaded_while_new_devices_are_added(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is unloaded leaves no entity that goes on, whatever was being added."""
    entry = await _amid_new_devices(hass, sim, monkeypatch)
    coordinator = coordinator_of(entry)

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert {
        state.entity_id
        for state in hass.states.async_all()
        if state.state != STATE_UNAVAILABLE
    } == set()
    assert not any(coordinator._point_listeners.values())
    assert loud(caplog) == []


async def test_reloaded_while_new_devices_are_added(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a reload all of them are there, once."""
    entry = await _amid_new_devices(hass, sim, monkeypatch)

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert loud(caplog) == []
    listeners = coordinator_of(entry)._point_listeners
    assert {len(each) for each in listeners.values()} == {1}
    assert len(listeners) == len(_SENSORS) * len(coordinator_of(entry).devices)
    assert {
        state.entity_id
        for state in hass.states.async_all()
        if state.state == STATE_UNAVAILABLE
    } == set()


def _waiting(hass: HomeAssistant, entry: MockConfigEntry) -> dr.DeviceEntry:
    """Return a device whose entities are still to be added."""
    known = er.async_get(hass)
    waiting = [
        device
        for device in devices_of(hass, entry)
        if not er.async_entries_for_device(known, device.id)
    ]
    assert waiting
    return waiting[-1]


async def test_device_removed_while_it_is_added(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is gone before its entities stand comes back neither whole nor in part."""
    entry = await _amid_new_devices(hass, sim, monkeypatch)
    dr.async_get(hass).async_remove_device(_waiting(hass, entry).id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert len(devices_of(hass, entry)) == len(coordinator_of(entry).devices) - 1
    known = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert all(each.device_id for each in known)


async def test_device_disabled_while_it_is_added(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of its entities is shown, as if a person had disabled it later."""
    entry = await _amid_new_devices(hass, sim, monkeypatch)
    device = _waiting(hass, entry)
    dr.async_get(hass).async_update_device(
        device.id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    known = er.async_entries_for_device(
        er.async_get(hass), device.id, include_disabled_entities=True
    )
    assert len(known) > len(_SENSORS)
    assert {each.disabled for each in known} == {True}
    assert not any(hass.states.get(each.entity_id) for each in known)


async def test_product_removed_while_its_devices_are_added(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A person who thinks better of it is not told of each entity, and none is left."""
    entry = await _amid_new_devices(hass, sim, monkeypatch)
    (subentry_id,) = entry.subentries
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert devices_of(hass, entry) == []
    known = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert {each.config_subentry_id for each in known} == {None}
    assert loud(caplog) == []


async def test_pauses(hass: HomeAssistant) -> None:
    """One is due when the loop did not turn for long, until it turns, whoever asks."""
    pauses = entities._Pauses(hass)
    assert not pauses.due()
    over = hass.loop.time() + 2 * entities._LONGEST_RUN
    while hass.loop.time() < over:
        pass
    assert (pauses.due(), pauses.due()) == (True, True)
    await asyncio.sleep(0)
    assert not pauses.due()


async def test_no_pause_in_a_reload(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that came between would be dropped as done; in a set-up nobody calls yet."""
    asked: list[bool] = []

    def due(_pauses: object) -> bool:
        asked.append(True)
        return True

    monkeypatch.setattr(entities._Pauses, "due", due)
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=_SENSORS))
    await set_up(hass, entry)
    assert len(asked) > len(_SENSORS) * len(coordinator_of(entry).devices) > 0
    asked.clear()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert asked == []
