"""Trouble with one thing that must not cost another: found in a review of the reading."""

import asyncio
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos import batches, discovery
from custom_components.enos.api.errors import RateLimitError
from custom_components.enos.api.models import DeviceStatus
from custom_components.enos.const import DOMAIN
from simulator import SimDevice, Simulator
from simulator.faults import Fault

from .common import (
    device_subentry,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
)
from .flows import begin_subentry, brought_in, offered
from .reading import (
    all_of,
    coordinator_of,
    device_entry_of,
    grow,
    requests_for,
    shown,
    text_of,
    values_asked,
)

DEVICES = "/connect-service/v2.1/devices"
MODELS = "/model-service/v2.1/thing-models"


def fcu_entry(sim: Simulator, **more: Any) -> MockConfigEntry:
    """Return an entry with two points of each fan coil unit."""
    return entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"], **more),
    )


def answers(sim: Simulator, path: str, action: str, code: int, data: Any) -> Fault:
    """Have EnOS answer calls with a code, or with data that is odd."""
    return sim.faults.add(
        "status",
        path=path,
        action=action,
        status=200,
        body={"code": code, "msg": "odd", "data": data},
    )


def hide(sim: Simulator, device: SimDevice) -> None:
    """Have EnOS list a device no more."""
    sim.remove_device(device.asset_id)


@pytest.mark.parametrize("code", [99403, 99400, 99500, 424242])
async def test_device_that_may_not_be_asked_for(
    hass: HomeAssistant, sim: Simulator, code: int
) -> None:
    """A device that is listed no more and that EnOS tells nothing of costs nobody else."""
    gone = sim.device("fcu")
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    hide(sim, gone)
    fault = answers(sim, DEVICES, "get", code, None)
    other = sim.device("fcu", 1)
    other.status = "offline"
    await poll_devices(hass)
    # Only EnOS's own no removes it; the others are followed.
    assert device_entry_of(hass, sim, gone, entry)
    assert text_of(hass, sim, other, "room_temp") == STATE_UNAVAILABLE
    sim.faults.remove(fault)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, gone, entry) is None


@pytest.mark.parametrize("code", [99403, 99400, 99500, 424242])
async def test_device_that_may_not_be_asked_for_at_the_start(
    hass: HomeAssistant, sim: Simulator, code: int
) -> None:
    """Nor does one that is in the registry of an earlier day keep an account from starting."""
    gone = sim.device("fcu")
    entry = fcu_entry(sim)
    entry.add_to_hass(hass)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=next(iter(entry.subentries)),
        identifiers={(DOMAIN, f"{sim.org_id}_{gone.asset_id}")},
    )
    hide(sim, gone)
    answers(sim, DEVICES, "get", code, None)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert shown(hass, sim, sim.device("fcu", 1), "room_temp")
    assert device_entry_of(hass, sim, gone, entry)
    # It is asked for once, not every minute.
    sim.requests.clear()
    await poll_devices(hass)
    assert requests_for(sim, DEVICES, "get") == []


async def test_status_told_by_a_command_while_devices_are_listed(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What a command learns while the list is on its way does not stay for ever."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    device = sim.device("fcu")
    coordinator = coordinator_of(entry)
    sim.faults.add("delay", path=DEVICES, action="search", count=1, seconds=0.5)
    round_ = hass.async_create_task(coordinator._read_devices())
    await asyncio.sleep(0.1)
    coordinator.note_status(device.asset_id, DeviceStatus.OFFLINE)
    assert text_of(hass, sim, device, "room_temp") == STATE_UNAVAILABLE
    await round_
    assert coordinator.status_of(device.asset_id) is DeviceStatus.ONLINE
    assert shown(hass, sim, device, "room_temp")


async def test_models_in_trouble_when_devices_change(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What was listed in a round whose models failed is told by the next one."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    gone, away, new = sim.device("fcu"), sim.device("fcu", 1), sim.device("fcu", 2)
    sim.models["another"] = {**sim.models["hvac_fcu"], "modelId": "another"}
    new.model_id = "another"
    hide(sim, gone)
    away.status = "offline"
    fault = answers(sim, MODELS, "search", 99500, None)
    await poll_devices(hass)
    sim.faults.remove(fault)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, gone, entry) is None
    assert text_of(hass, sim, away, "room_temp") == STATE_UNAVAILABLE


async def test_device_that_is_gone_stays_gone(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """When devices may not be listed any more, a named one that is gone does not return."""
    gone = sim.device("fcu")
    entry = fcu_entry(sim, devices=[device.asset_id for device in all_of(sim, "fcu")])
    await set_up(hass, entry)
    hide(sim, gone)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, gone, entry) is None
    answers(sim, DEVICES, "search", 99403, None)
    await poll_devices(hass)
    assert device_entry_of(hass, sim, gone, entry) is None


@pytest.mark.parametrize("missing", ["denied", "empty"])
async def test_model_that_comes_later(
    hass: HomeAssistant,
    sim: Simulator,
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that cannot be read at the start is not waited for a whole day."""
    fault = answers(
        sim, MODELS, "search", *((99403, None) if missing == "denied" else (0, []))
    )
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    assert not brought_in(hass, "switch")
    sim.faults.remove(fault)
    monkeypatch.setattr(discovery, "_MISSING_MODELS_AGAIN", 0.0)
    await poll_devices(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(brought_in(hass, "switch")) == len(all_of(sim, "fcu"))


async def test_model_of_a_device_that_could_not_be_listed(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Once devices may be listed, a device that was only named gets its entities."""
    device = sim.device("fcu")
    fault = answers(sim, DEVICES, "search", 99403, None)
    entry = entry_for(sim, device_subentry(device, sensors=["room_temp"]))
    await set_up(hass, entry)
    assert not hass.states.async_entity_ids("sensor")
    sim.faults.remove(fault)
    await poll_devices(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)
    assert shown(hass, sim, device, "room_temp")


async def test_list_without_models_once(hass: HomeAssistant, sim: Simulator) -> None:
    """A list that leaves out the models once costs no entity."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    devices = all_of(sim, "fcu")
    fault = answers(
        sim,
        DEVICES,
        "search",
        0,
        [
            {
                "assetId": device.asset_id,
                "productKey": device.product_key,
                "deviceKey": device.device_key,
                "status": "online",
                "modelId": None,
            }
            for device in devices
        ],
    )
    await poll_devices(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert all(shown(hass, sim, device, "room_temp") for device in devices)
    sim.faults.remove(fault)
    await poll_devices(hass)
    assert all(shown(hass, sim, device, "room_temp") for device in devices)


async def test_product_added_while_the_entry_starts(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What is brought in while an account is being set up is shown, too."""
    entry = fcu_entry(sim)
    entry.add_to_hass(hass)
    sim.faults.add("delay", path="/tsdb-service", count=1, seconds=1)
    starting = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    result = await begin_subentry(hass, entry, "product")
    key = sim.device("meter").product_key
    assert key in offered(result, "product_key")
    forms: list[dict[str, Any]] = [
        {"product_key": key},
        {"devices": []},
        {"sensors": ["voltage"]},
    ]
    for answer in forms:
        if result["type"] == "form":
            result = dict(
                await hass.config_entries.subentries.async_configure(
                    result["flow_id"], answer
                )
            )
    assert result["type"] == "create_entry"
    assert not starting.done()
    await starting
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device_entry_of(hass, sim, sim.device("meter"), entry)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limit"},
        {"kind": "status", "status": 401, "body": {"message": "Invalid credentials"}},
    ],
)
async def test_trouble_of_all_ends_a_round(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
) -> None:
    """A gateway that wants to be left alone is not asked for every batch of a round."""
    monkeypatch.setattr(batches, "MAX_LATEST", 2)
    grow(sim, "fcu", 60)
    await set_up(hass, fcu_entry(sim))
    sim.requests.clear()
    sim.faults.add(path="/tsdb-service", **fault)
    await poll(hass)
    # Those that were on the way already, each once more with a new token.
    assert 0 < len(values_asked(sim)) <= 8


async def test_rate_limit_reaches_all_batches_in_turn(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only some calls of a round are let through, all have their turn."""
    monkeypatch.setattr(batches, "MAX_LATEST", 2)
    fleet = grow(sim, "fcu", 30)
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    client = coordinator_of(entry).client
    latest = client.latest_again
    left = refused = 0

    async def limited(*args: Any) -> Any:
        nonlocal left, refused
        left -= 1
        if left < 0:
            refused += 1
            raise RateLimitError(None)
        return await latest(*args)

    monkeypatch.setattr(client, "latest_again", limited)
    for device in fleet:
        await sim.report(device, {"room_temp": 7.5})
    for round_ in range(1, 5):
        left = 10
        await poll(hass, round_ * 400)
    assert {text_of(hass, sim, device, "room_temp") for device in fleet} == {"7.5"}
    assert refused >= 2
