"""Commands in company: outages, locks, cancelled callers and runs that overlap."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.enos.api.errors import EnosError
from custom_components.enos.exceptions import WriteFailed
from simulator import Simulator

from .queueing import World, searched, values_sent, world_of
from .reading import loud
from .writing import sets, until

type Storage = dict[str, Any]


@pytest.fixture
async def world(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> World:
    """An account whose devices are waited for."""
    return await world_of(hass, sim, freezer)


def stored(world: World, hass_storage: Storage) -> dict[str, Any]:
    """Return what a new run would find on disk."""
    found: dict[str, Any] = hass_storage[f"enos.{world.entry.entry_id}"]["data"]
    return found


async def test_no_storm_beside_a_silent_device(world: World) -> None:
    """EnOS cannot be asked of one command: what only the device can tell goes its way."""
    world.device.behaviour.silent = True
    silent = world.call(21.5)
    await world.elapse(31)
    assert await silent.error() == "no_reply"
    world.device.behaviour.silent = False
    world.device.behaviour.echo = False
    world.sim.faults.add("status", action="search", path="/commands", status=500)
    world.sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    lost = world.call(False, "power")
    assert await lost.error() == "unknown_outcome"
    await world.elapse(11)
    before = world.searches()
    world.freezer.tick(40)
    for _ in range(10):
        world.freezer.tick(0.1)
        await world.settle()
    assert world.searches() - before <= 1
    assert world.outcomes(silent) == ["no_reply…", "no_reply"]
    assert world.outcomes(lost) == ["unknown…"]
    world.sim.faults.clear()
    await world.elapse(910)
    assert world.outcomes(lost) == ["unknown…", "succeeded"]


@pytest.mark.parametrize("masks", [[{}], None, "x"], ids=["empty", "null", "text"])
async def test_nonsense_in_the_file_unlocks_nothing(
    world: World,
    hass_storage: Storage,
    caplog: pytest.LogCaptureFixture,
    masks: Any,
) -> None:
    """Values that nobody understands cost neither the account, nor the lock, nor commands."""
    call = await world.queue(21.5)
    world.sim.faults.add("drop", action="cancel")
    with pytest.raises(EnosError):
        await world.commands.async_allow(allowed=False)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    world.hass.data["enos"].clear()
    world.sim.faults.clear()
    stored(world, hass_storage)["masks"] = masks
    await world.set_up()
    assert world.entry.state is ConfigEntryState.LOADED
    assert not world.commands.allowed
    assert len([line for line in loud(caplog) if "cannot be understood" in line]) == (
        1 if masks else 0
    )
    await world.elapse(3)
    assert world.outcomes(call) == ["queued…", "cancelled"]


async def test_locked_while_it_goes_to_disk(world: World) -> None:
    """Forbidden between disk and wire: it does not go out any more."""
    await world.queue(21.5)
    sent = len(sets(world.sim))
    call = world.call(False, "power")
    await until(lambda: len(world.commands.open) == 2)
    await world.commands.async_allow(allowed=False)
    assert await call.error() == "locked"
    await world.settle()
    assert len(sets(world.sim)) == sent
    (told,) = world.told(call)
    assert (told["outcome"], told["final"], told["expires"]) == ("locked", True, None)


@pytest.mark.parametrize("seconds", [0, 1], ids=["disk", "wire"])
async def test_who_locks_may_go_away(
    world: World, hass_storage: Storage, seconds: float
) -> None:
    """A script that is restarted while it locks: locked all the same, and withdrawn."""
    calls = [await world.queue(21.5), await world.queue(False, "power")]
    calls.append(await world.queue(22.5, index=1))
    world.sim.faults.add("delay", action="cancel", seconds=2, count=1)
    locking = world.hass.async_create_task(world.commands.async_allow(allowed=False))
    if seconds:
        await world.elapse(seconds)
    locking.cancel()
    await world.elapse(5)
    assert locking.cancelled()
    assert not world.commands.allowed
    assert stored(world, hass_storage)["allow_control"] is False
    assert [world.outcomes(call) for call in calls] == [["queued…", "cancelled"]] * 3


async def test_lock_withdraws_what_it_can(world: World) -> None:
    """One command that cannot be cancelled keeps none of the others waiting."""
    calls = [await world.queue(21.5), await world.queue(False, "power")]
    calls.append(await world.queue(22.5, index=1))
    world.sim.faults.add("status", action="cancel", status=502, count=1)
    with pytest.raises(EnosError):
        await world.commands.async_allow(allowed=False)
    ends = sorted(world.outcomes(call)[-1] for call in calls)
    assert ends == ["cancelled", "cancelled", "queued…"]


async def test_run_that_ended_writes_nothing(
    world: World, hass_storage: Storage
) -> None:
    """A cancel that outlives a reload does not put the old run's knowledge on disk."""
    await world.queue(21.5)
    asset_id = world.device.asset_id
    world.sim.faults.add("delay", action="cancel", seconds=3, count=1)
    cancelling = world.hass.async_create_task(
        world.commands.async_cancel(asset_id, world.commands.queued(asset_id))
    )
    await world.settle()
    await world.reload()
    await world.queue(False, "power")
    await world.elapse(3)
    await cancelling
    await world.commands.async_allow(allowed=True)
    await world.elapse(3)
    left = [each["point_id"] for each in stored(world, hass_storage)["commands"]]
    assert left == ["power"]


async def test_written_within_seconds(world: World, hass_storage: Storage) -> None:
    """A busy plant, where something changes all the time, does not put off the disk."""
    world.device.behaviour.echo = False
    for number in range(10):
        assert await world.write(18 + number) is None
        await world.elapse(0.7)
    masks = stored(world, hass_storage)["masks"]
    assert [mask["value"] for mask in masks][0] >= 24


async def test_account_removed_after_a_device(
    world: World, hass_storage: Storage
) -> None:
    """A command that EnOS does not know any more keeps none of the others waiting."""
    await world.queue(21.5)
    await world.queue(False, "power")
    body = {"code": 99404, "msg": "no such command", "data": None}
    world.sim.faults.add("status", action="cancel", status=200, body=body, count=1)
    await world.hass.config_entries.async_remove(world.entry.entry_id)
    await world.settle()
    assert [command.state for command in world.of_enos("power")] == [2]


async def test_queued_is_told_though_the_older_one_is_not_withdrawn(
    world: World,
) -> None:
    """Unloaded while the older command is cancelled: the newer is queued, and told to be."""
    await world.queue(21.5)
    world.sim.faults.add("delay", action="cancel", seconds=7, count=1)
    newer = world.call(22.5)
    await until(lambda: "queued…" in world.outcomes(newer))
    unloading = asyncio.ensure_future(
        world.hass.config_entries.async_unload(world.entry.entry_id)
    )
    await world.elapse(6)
    assert await newer.error() is None
    assert await unloading


async def test_no_storm_of_refused_look_ups(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Too many requests: who has not asked yet waits as long as EnOS tells."""
    async with Simulator(devices=96, physics=False) as sim:
        world = await world_of(hass, sim, freezer)
        fcu = sim.kind("fcu")
        count = sum(device.kind is fcu for device in sim.devices.values())
        assert count >= 15
        calls = [await world.queue(21.5, index=index) for index in range(count)]
        sim.faults.add(
            "rate_limit", action="search", path="/commands", retry_after="60"
        )
        await world.reload()
        await world.elapse(50)
        assert len(searched(sim)) <= 5
        sim.faults.clear()
        for index in range(count):
            sim.device("fcu", index).status = "online"
        await world.elapse(140)
        assert [world.outcomes(call)[-1] for call in calls] == ["succeeded"] * count


@pytest.mark.parametrize("listed", ["true", "1", "TRUE", 1, True, 1.0])
async def test_truth_in_any_form(world: World, listed: Any) -> None:
    """A command is found again however EnOS's list writes a truth value."""
    world.device.behaviour.echo = False
    world.sim.faults.add("drop", action="setMeasurepoint", count=1)
    call = world.call(True, "power")
    assert await call.error() == "unknown_outcome"
    command = {
        "commandId": "4711",
        "assetId": world.device.asset_id,
        "commandType": 1,
        "tslIdentifier": "power",
        "inputData": listed,
        "state": "5",
    }
    world.sim.faults.add(
        "status",
        action="search",
        path="/commands",
        status=200,
        body={"code": 0, "msg": "OK", "data": [command]},
    )
    await world.elapse(3)
    assert world.outcomes(call) == ["unknown…", "succeeded"]
    assert world.told(call)[-1]["command_id"] == "4711"


async def test_number_that_no_file_holds(world: World, hass_storage: Storage) -> None:
    """A number beyond 64 bits is refused: with it on its way nothing would be saved."""
    await world.queue(21.5)
    names = {"device": "", "point": "", "value": ""}
    with pytest.raises(WriteFailed) as refused:
        await world.commands.async_invoke(
            world.device.asset_id,
            "reset",
            {"count": 2**70},
            context=None,
            names=names,
        )
    assert refused.value.record.outcome == "rejected"
    assert values_sent(world.sim) == [21.5, 21.5]


@pytest.mark.parametrize("forget", [False, True], ids=["reload", "restart"])
async def test_obeyed_while_nobody_looked(world: World, forget: bool) -> None:
    """No reply, and the device shows the value when the next run first reads it."""
    world.device.behaviour.silent = True
    world.device.behaviour.silent_applies = True
    world.device.behaviour.echo_delay = 34
    call = world.call(21.5)
    await world.elapse(31)
    assert await call.error() == "no_reply"
    assert world.outcomes(call) == ["no_reply…"]
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    if forget:
        world.hass.data["enos"].clear()
    await world.elapse(60)
    await world.set_up()
    await world.elapse(40)
    assert world.outcomes(call) == ["no_reply…", "succeeded"]


async def test_shown_by_the_next_run(world: World) -> None:
    """A cancel that outlives two reloads shows at the control of the run that is there."""
    call = await world.queue(21.5)
    asset_id = world.device.asset_id
    world.sim.faults.add("delay", action="cancel", seconds=3, count=1)
    cancelling = world.hass.async_create_task(
        world.commands.async_cancel(asset_id, world.commands.queued(asset_id))
    )
    await world.settle()
    await world.reload()
    await world.reload()
    assert world.control().full_state.attributes["command_outcome"] == "queued"
    await world.elapse(4)
    await cancelling
    assert world.control().full_state.attributes["command_outcome"] == "cancelled"
    assert world.outcomes(call) == ["queued…", "cancelled"]


async def test_time_without_a_zone(
    world: World, hass_storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """A record whose time cannot be reckoned with costs that record, not the others."""
    call = await world.queue(21.5)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    world.hass.data["enos"].clear()
    commands = stored(world, hass_storage)["commands"]
    commands += [
        {**commands[0], "id": name, field: "2026-01-01T00:00:00"}
        for name, field in (("X", "at"), ("Y", "expires"), ("Z", "unclear_since"))
    ]
    await world.set_up()
    assert [record.value for record in world.commands.open] == [21.5]
    assert len([line for line in loud(caplog) if "3 stored commands" in line]) == 1
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]


@pytest.mark.parametrize("way", ["cancelled", "lost"])
async def test_cancel_that_nobody_heard_the_end_of(world: World, way: str) -> None:
    """The caller went away, or the reply was lost: what became of it is found out at once."""
    call = await world.queue(21.5)
    asset_id = world.device.asset_id
    if way == "cancelled":
        world.sim.faults.add("delay", action="cancel", seconds=1, count=1)
    else:
        world.sim.faults.add(
            "status", action="cancel", status=502, execute=True, count=1
        )
    cancelling = world.hass.async_create_task(
        world.commands.async_cancel(asset_id, world.commands.queued(asset_id))
    )
    await until(lambda: ("cancel",) in [sent[:1] for sent in world.wire()])
    if way == "cancelled":
        cancelling.cancel()
    await asyncio.gather(cancelling, return_exceptions=True)
    await world.elapse(5)
    assert world.outcomes(call) == ["queued…", "cancelled"]


async def test_set_up_that_fails_after_an_unload(world: World) -> None:
    """What was left open, and the lock, outlive a set-up that EnOS does not answer."""
    call = await world.queue(21.5)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    await world.elapse(601)
    world.sim.faults.add("status", status=503)
    assert not await world.hass.config_entries.async_setup(world.entry.entry_id)
    assert world.entry.state is ConfigEntryState.SETUP_RETRY
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    assert not await world.hass.config_entries.async_setup(world.entry.entry_id)
    world.sim.faults.clear()
    await world.elapse(61)
    assert world.entry.state is ConfigEntryState.LOADED
    assert [record.value for record in world.commands.open] == [21.5]
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]
