"""Commands and what happens to Home Assistant meanwhile: reload, restart, kill, removal."""

import asyncio
from collections.abc import Callable
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STARTED,
    EVENT_HOMEASSISTANT_STOP,
)
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.enos.memory import Memory
from simulator import Simulator

from .queueing import TTL, World, values_sent, world_of
from .reading import loud
from .writing import sets, until

type Storage = dict[str, Any]


@pytest.fixture
async def world(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> World:
    """An account whose devices are waited for."""
    return await world_of(hass, sim, freezer)


def on_disk(world: World, hass_storage: Storage) -> list[dict[str, Any]]:
    """Return the commands that a new run would find."""
    stored = hass_storage.get(f"enos.{world.entry.entry_id}", {"data": {}})
    commands: list[dict[str, Any]] = stored["data"].get("commands", [])
    return commands


async def kill(
    world: World,
    hass_storage: Storage,
    when: Callable[[], Any],
) -> None:
    """Set the account up again with the file as it was when `when` first held, not later."""
    key = f"enos.{world.entry.entry_id}"
    await until(when)
    left = json.loads(json.dumps(hass_storage[key]))
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    hass_storage[key] = left
    world.hass.data["enos"].clear()
    await world.set_up()


@pytest.mark.parametrize("forget", [False, True], ids=["reload", "restart"])
async def test_queued_survives(world: World, forget: bool) -> None:
    """Neither a reload nor a restart forgets what waits, nor sends it again."""
    call = await world.queue(21.5)
    other = await world.queue(False, "power")
    await world.reload(forget=forget)
    assert [record.point_id for record in world.commands.open] == [
        "temp_setpoint",
        "power",
    ]
    latest = world.commands.journal.latest((world.device.asset_id, "temp_setpoint"))
    assert latest is not None
    assert latest.waits
    assert world.outcomes() == ["queued…", "queued…"], "told once"
    await world.elapse(100)
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]
    assert world.outcomes(other) == ["queued…", "succeeded"]
    told = world.told(call)
    assert {**told[0], "outcome": 0, "final": 0, "duration": 0} == {
        **told[1],
        "outcome": 0,
        "final": 0,
        "duration": 0,
    }
    assert told[1]["duration"] == pytest.approx(160, abs=70)
    assert world.control().state == "21.5"
    assert len(values_sent(world.sim)) == 3
    assert len(world.sim.writes) == 2


@pytest.mark.parametrize("forget", [False, True], ids=["reload", "restart"])
async def test_expired_while_nobody_looked(world: World, forget: bool) -> None:
    """What expired while Home Assistant was down is told after its start."""
    call = await world.queue(21.5)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    if forget:
        world.hass.data["enos"].clear()
    await world.elapse(TTL + 60)
    await world.set_up()
    await world.elapse(3)
    assert world.outcomes(call) == ["queued…", "expired"]
    await world.come_back()
    assert world.control().written == []


async def test_restart_keeps_the_expiry_in_mind(world: World) -> None:
    """After a restart an expiry is noticed when it comes, not at the next quarter of an hour."""
    call = await world.queue(21.5)
    await world.elapse(400)
    await world.reload(forget=True)
    await world.elapse(TTL - 400 - 20)
    assert world.outcomes(call) == ["queued…"]
    await world.elapse(30)
    assert world.outcomes(call) == ["queued…", "expired"]


async def test_on_disk_before_it_is_sent(world: World, hass_storage: Storage) -> None:
    """At the moment when EnOS gets a cached command, its record stands on disk."""
    await world.queue(False, "power")
    world.sim.faults.add("delay", action="setMeasurepoint", seconds=3)
    call = world.call(21.5)
    await until(lambda: len(sets(world.sim)) == 3)
    waiting, sent = on_disk(world, hass_storage)
    assert (waiting["point_id"], sent["point_id"]) == ("power", "temp_setpoint")
    assert (sent["command_id"], sent["mode"]) == ("", "cached")
    assert sent["expires"] is not None
    await world.elapse(4)
    assert await call.error() is None


async def test_killed_after_sending(world: World, hass_storage: Storage) -> None:
    """Home Assistant died with a cached command on the wire: found, followed, not re-sent."""
    await world.queue(False, "power")
    await world.elapse(2)
    # The device is written to, and EnOS keeps its answer until Home Assistant is no more.
    world.sim.faults.add("drop_after", action="setMeasurepoint")
    call = world.call(21.5)
    await kill(world, hass_storage, lambda: on_wire(world, hass_storage))
    world.sim.faults.clear()
    assert await call.error() == "unknown_outcome"
    world.events.clear()
    sent = len(sets(world.sim))
    await world.elapse(3)
    assert world.outcomes(point="temp_setpoint") == ["queued…"]
    (queued,) = world.told(point="temp_setpoint")
    assert queued["command_id"] == world.of_enos()[0].command_id
    assert queued["expires"] is not None
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"], "in the caller's name"
    assert world.control().written == [21.5]
    assert len(sets(world.sim)) == sent


def on_wire(world: World, hass_storage: Storage) -> bool:
    """Tell whether a command without an id stands on disk and EnOS has the command."""
    return bool(world.of_enos()) and any(
        not each["command_id"] for each in on_disk(world, hass_storage)
    )


async def test_killed_before_sending(world: World, hass_storage: Storage) -> None:
    """Home Assistant died between disk and wire: not sent, and never sent by itself."""
    await world.queue(False, "power")
    await world.elapse(2)
    world.sim.faults.add("drop", action="setMeasurepoint")
    call = world.call(21.5)
    await kill(
        world,
        hass_storage,
        lambda: any(not each["command_id"] for each in on_disk(world, hass_storage)),
    )
    await call.error()
    world.sim.faults.clear()
    world.events.clear()
    sent = len(sets(world.sim))
    await world.elapse(12)
    assert world.outcomes(call) == ["not_sent"]
    assert (
        world.commands.journal.latest((world.device.asset_id, "temp_setpoint"))
        is not None
    )
    await world.come_back()
    assert [point for _, point, _ in world.sim.writes] == ["power"]
    assert len(sets(world.sim)) == sent


@pytest.mark.parametrize("saved", [True, False])
async def test_killed_between_queueing_and_cancelling(
    world: World, hass_storage: Storage, saved: bool
) -> None:
    """The older one, which the newer was to replace, is withdrawn after the start."""
    older = await world.queue(21.5)
    await world.elapse(2)
    world.sim.faults.add("drop", action="cancel")
    newer = await world.queue(22.5)
    if saved:
        await world.elapse(2)
    world.sim.faults.clear()
    await kill(world, hass_storage, lambda: True)
    await world.elapse(3)
    latest = world.commands.journal.latest((world.device.asset_id, "temp_setpoint"))
    assert latest is not None
    assert latest.value == 22.5
    assert world.outcomes(older) == ["queued…", "superseded"]
    assert world.outcomes(newer) == ["queued…"] * (1 if saved else 2)
    await world.come_back()
    assert world.outcomes(newer)[-1] == "succeeded"
    assert world.control().written == [22.5]


async def test_file_with_nonsense(
    world: World, hass_storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """A record that nobody understands costs that record, not the account."""
    call = await world.queue(21.5)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    world.hass.data["enos"].clear()
    stored = hass_storage[f"enos.{world.entry.entry_id}"]["data"]["commands"]
    stored += [
        {},
        {**stored[0], "id": "X", "outcome": "of a later version"},
        {**stored[0], "id": "Y", "at": "yesterday"},
        None,
    ]
    await world.set_up()
    assert world.entry.state is ConfigEntryState.LOADED
    assert len(world.commands.open) == 1
    assert len([line for line in loud(caplog) if "cannot be understood" in line]) == 1
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]


async def test_subentry_removed(world: World) -> None:
    """Of a product that was taken out nothing fires hours later."""
    call = await world.queue(21.5)
    (subentry_id,) = world.entry.subentries
    world.hass.config_entries.async_remove_subentry(world.entry, subentry_id)
    await world.settle()
    await world.elapse(3)
    assert world.outcomes(call) == ["queued…", "cancelled"]
    world.device.status = "online"
    await world.elapse(5)
    assert world.sim.writes == []


async def test_subentry_removed_with_an_unclear_command(world: World) -> None:
    """The same for one of which it is found out only afterwards that it waits."""
    await world.queue(False, "power")
    world.sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    (subentry_id,) = world.entry.subentries
    world.hass.config_entries.async_remove_subentry(world.entry, subentry_id)
    await world.settle()
    await world.elapse(15)
    assert world.outcomes(call)[-1] == "cancelled"
    world.device.status = "online"
    await world.elapse(5)
    assert world.sim.writes == []


async def test_account_removed(world: World, hass_storage: Storage) -> None:
    """With the account its waiting commands go, and its file."""
    await world.queue(21.5)
    await world.hass.config_entries.async_remove(world.entry.entry_id)
    await world.settle()
    assert f"enos.{world.entry.entry_id}" not in hass_storage
    world.device.status = "online"
    await world.settle()
    assert world.sim.writes == []


@pytest.mark.parametrize("way", ["unload", "reload", "restart", "stop"])
async def test_command_on_its_way(
    world: World, hass_storage: Storage, way: str
) -> None:
    """Five seconds are given; then its outcome is unknown, and found out afterwards."""
    world.device.behaviour.reply_delay = 8
    call = world.call(21.5)
    await until(lambda: world.sim.commands)
    second = world.call(False, "power")
    if way == "stop":
        world.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    else:
        unloading = asyncio.ensure_future(
            world.hass.config_entries.async_unload(world.entry.entry_id)
        )
    assert await second.error() == "unloading"
    assert world.outcomes(second) == ["not_sent"]
    await world.elapse(5.5)
    assert await call.error() == "unknown_outcome"
    assert world.outcomes(call) == ["unknown…"]
    if way != "stop":
        assert await unloading
    if way == "stop":
        world.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await world.settle()
        (left,) = on_disk(world, hass_storage)
        assert (left["outcome"], left["value"]) == ("unknown", 21.5)
        return
    if way == "restart":
        world.hass.data["enos"].clear()
    await world.elapse(5)
    await world.set_up()
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "succeeded"]
    assert world.control().state == "21.5"
    assert values_sent(world.sim) == [21.5]


async def test_reloaded_while_it_is_cancelled(world: World) -> None:
    """The end of a command is told once, by whichever run learns it."""
    call = await world.queue(21.5)
    asset_id = world.device.asset_id
    world.sim.faults.add("delay", action="cancel", seconds=2)
    cancelling = world.hass.async_create_task(
        world.commands.async_cancel(asset_id, world.commands.queued(asset_id))
    )
    await world.settle()
    await world.reload()
    await world.elapse(3)
    await cancelling
    assert world.outcomes(call) == ["queued…", "cancelled"]
    await world.elapse(TTL + 60)
    assert world.outcomes(call) == ["queued…", "cancelled"]
    assert world.commands.open == []


async def test_unloaded_while_it_is_queued(world: World) -> None:
    """A cached command whose reply is held: unknown, found waiting by the next run."""
    await world.queue(False, "power")
    world.sim.faults.add("delay", action="setMeasurepoint", seconds=7, count=1)
    call = world.call(21.5)
    await until(lambda: len(sets(world.sim)) == 3)
    unloading = asyncio.ensure_future(
        world.hass.config_entries.async_unload(world.entry.entry_id)
    )
    await world.elapse(5.5)
    assert await call.error() == "unknown_outcome"
    assert await unloading
    world.hass.data["enos"].clear()
    await world.elapse(3)
    await world.set_up()
    await world.elapse(15)
    waits = bool(world.of_enos())
    assert world.outcomes(call)[-1] == ("queued…" if waits else "not_sent")
    await world.come_back()
    assert len(values_sent(world.sim)) == 3
    assert world.control().written == ([21.5] if waits else [])


async def test_restarted_script(world: World) -> None:
    """`mode: restart` cancels the call; what was sent goes on, nothing is sent twice."""
    world.device.behaviour.reply_delay = 3
    entity_id = world.control().entity_id
    assert await async_setup_component(
        world.hass,
        "script",
        {
            "script": {
                "set_it": {
                    "mode": "restart",
                    "fields": {"value": {}},
                    "sequence": [
                        {
                            "action": "number.set_value",
                            "target": {"entity_id": entity_id},
                            "data": {"value": "{{ value }}"},
                        }
                    ],
                }
            }
        },
    )
    for number in range(5):
        await world.hass.services.async_call(
            "script",
            "turn_on",
            {
                "entity_id": "script.set_it",
                "variables": {"value": 20 + number},
            },
        )
        await world.settle()
    await world.elapse(10)
    assert world.control().written == [20.0, 24.0]
    assert world.control().state == "24.0"
    assert sorted(world.outcomes()) == [
        "cancelled",
        "cancelled",
        "cancelled",
        "succeeded",
        "succeeded",
    ]
    assert len(values_sent(world.sim)) == 2


async def test_lock_survives(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The lock on writing survives a restart by itself, without any command."""
    world = await world_of(hass, sim, freezer)
    await world.commands.async_allow(allowed=False)
    await world.reload(forget=True)
    assert await world.write(21.5) == "locked"
    assert world.outcomes() == ["locked"]
    assert sets(sim) == []
    assert (await Memory(hass, world.entry.entry_id).async_load())[
        "allow_control"
    ] is False


async def test_ends_are_told_when_automations_listen(world: World) -> None:
    """What expired over a restart is told once Home Assistant has started, not before."""
    hass = world.hass
    call = await world.queue(21.5)
    await hass.config_entries.async_unload(world.entry.entry_id)
    world.sim.jump(TTL + 1)
    world.freezer.tick(TTL + 1)
    hass.set_state(CoreState.starting)
    await world.set_up()
    await world.elapse(20)
    assert world.outcomes(call) == ["queued…"]
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await world.elapse(1)
    assert world.outcomes(call) == ["queued…", "expired"]
