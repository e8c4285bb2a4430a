"""Commands of which nobody knows at first: the truth is found, told and shown."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from simulator import Guesses, Simulator

from .queueing import World, values_sent, world_of
from .writing import read_backs

_SET = "setMeasurepoint"

# What the gateway makes of a command that it carried out all the same.
LOST_AFTER: dict[str, dict[str, Any]] = {
    "connection": {"kind": "drop_after"},
    "no-json": {"kind": "html", "execute": True},
    "cut-json": {"kind": "cut_json"},
    "504": {"kind": "status", "status": 504, "body": "html", "execute": True},
}
LOST_BEFORE: dict[str, dict[str, Any]] = {
    "connection": {"kind": "drop"},
    "no-json": {"kind": "html"},
    "502": {"kind": "status", "status": 502},
    "99500": {
        "kind": "status",
        "status": 200,
        "body": {"code": 99500, "msg": "as told", "data": None},
    },
    "redirect": {"kind": "status", "status": 302},
}


@pytest.fixture
async def world(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> World:
    """An account whose devices have no policy."""
    return await world_of(hass, sim, freezer, policy=None)


@pytest.mark.parametrize("fault", LOST_AFTER.values(), ids=LOST_AFTER.keys())
async def test_reply_lost_after_execution(world: World, fault: dict[str, Any]) -> None:
    """The caller hears that nobody knows; the look-up finds that it succeeded."""
    world.sim.faults.add(action=_SET, count=1, **fault)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    assert world.outcomes(call) == ["unknown…"]
    assert world.control().state == "24.0"
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "succeeded"]
    assert world.control().state == "21.5"
    assert world.told(call)[1]["code"] is None, "the code was that of the lost reply"
    assert world.told(call)[1]["message"] == ""
    assert values_sent(world.sim) == [21.5]
    assert world.commands.open == []


async def test_look_up_alone_finds_it(world: World) -> None:
    """Where the device does not report its value, EnOS's list still knows."""
    world.device.behaviour.echo = False
    world.sim.faults.add("drop_after", action=_SET, count=1)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    await world.elapse(3)
    assert world.outcomes(call) == ["unknown…", "succeeded"]
    assert world.told(call)[1]["command_id"] == world.of_enos()[0].command_id
    assert world.searches() == 1


@pytest.mark.parametrize("fault", LOST_BEFORE.values(), ids=LOST_BEFORE.keys())
async def test_reply_lost_before_execution(world: World, fault: dict[str, Any]) -> None:
    """What EnOS does not know after some seconds was never sent."""
    world.sim.faults.add(action=_SET, count=1, **fault)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    await world.elapse(5)
    assert world.outcomes(call) == ["unknown…"], "EnOS may take a moment to show it"
    await world.elapse(10)
    assert world.outcomes(call) == ["unknown…", "not_sent"]
    assert world.control().state == "24.0"
    await world.elapse(1200)
    assert values_sent(world.sim) == [21.5]
    assert world.outcomes() == ["unknown…", "not_sent"]
    assert world.searches() == 2


async def test_refused_by_the_device(world: World) -> None:
    """A code that only the device knows: unknown at first, then failed."""
    world.device.behaviour.reject_code = 4711
    call = world.call(21.5)
    assert await call.error() == "unknown_code"
    await world.elapse(5)
    assert world.outcomes(call) == ["unknown…", "failed"]
    assert [data["code"] for data in world.told(call)] == [4711, 4711]


@pytest.mark.parametrize("guess", ["data_null", "command_id"])
async def test_no_reply_of_a_device_that_obeyed(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, guess: Any
) -> None:
    """11915 is EnOS's last word; the value itself tells more. With and without an id (G8)."""
    async with Simulator(devices=8, physics=False, guesses=Guesses(G8=guess)) as sim:
        world = await world_of(hass, sim, freezer, policy=None)
        world.device.behaviour.silent = True
        world.device.behaviour.silent_applies = True
        world.device.behaviour.echo_delay = 33
        call = world.call(21.5)
        await world.elapse(31)
        assert await call.error() == "no_reply"
        assert world.outcomes(call) == ["no_reply…"]
        assert bool(world.told(call)[0]["command_id"]) is (guess == "command_id")
        assert world.control().state == "24.0"
        await world.elapse(12)
        assert world.outcomes(call) == ["no_reply…", "succeeded"]
        assert world.control().state == "21.5"
        assert world.told(call)[1]["code"] is None
        assert world.searches() == 0, "EnOS was asked for nothing"


async def test_no_reply_and_it_showed_before(world: World) -> None:
    """The device obeyed and reported while EnOS still waited for its answer."""
    world.device.behaviour.silent = True
    world.device.behaviour.silent_applies = True
    await world.elapse(5)
    call = world.call(21.5)
    await world.elapse(27)
    assert world.control().state == "21.5"
    assert world.outcomes(call) == []
    await world.elapse(5)
    assert await call.error() == "no_reply"
    await world.elapse(5)
    assert world.outcomes(call) == ["no_reply…", "succeeded"]


@pytest.mark.parametrize("guess", ["data_null", "command_id"])
async def test_no_reply_and_nothing_happened(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, guess: Any
) -> None:
    """About 30 s after 11915 it is certain: no reply."""
    async with Simulator(devices=8, physics=False, guesses=Guesses(G8=guess)) as sim:
        world = await world_of(hass, sim, freezer, policy=None)
        world.device.behaviour.silent = True
        call = world.call(21.5)
        await world.elapse(31)
        assert await call.error() == "no_reply"
        await world.elapse(25)
        assert world.outcomes(call) == ["no_reply…"]
        await world.elapse(10)
        assert world.outcomes(call) == ["no_reply…", "no_reply"]
        assert world.told(call)[1]["code"] == 11915
        assert world.told(call)[1]["duration"] == pytest.approx(30, abs=2)
        assert world.control().state == "24.0"
        assert read_backs(sim, world.device) == [["temp_setpoint"]] * 3
        assert world.commands.open == []


async def test_no_reply_without_the_right_to_read_back(world: World) -> None:
    """Where only the rounds bring values, more time is given to them."""
    world.sim.rights.discard("Device Management: Read")
    world.device.behaviour.silent = True
    world.device.behaviour.silent_applies = True
    world.device.behaviour.tsdb_delay = 75
    call = world.call(21.5)
    await world.elapse(31)
    assert await call.error() == "no_reply"
    await world.elapse(40)
    assert world.outcomes(call) == ["no_reply…"]
    await world.elapse(40)
    assert world.outcomes(call) == ["no_reply…", "succeeded"]


async def test_queued_one_that_gets_no_reply(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Delivered, no answer: known soon, certain half a minute later, not with the next look."""
    world = await world_of(hass, sim, freezer)
    world.device.behaviour.silent = True
    call = await world.queue(21.5)
    await world.come_back()
    await world.elapse(10)
    assert world.outcomes(call) == ["queued…", "no_reply…"]
    await world.elapse(25)
    assert world.outcomes(call) == ["queued…", "no_reply…", "no_reply"]


async def test_same_value_as_before_proves_nothing(world: World) -> None:
    """The point had this value already, so a new sample of it says nothing of the write."""
    world.sim.faults.add("drop", action=_SET, count=1)
    call = world.call(24.0)
    assert await call.error() == "unknown_outcome"
    await world.sim.report(world.device, {"temp_setpoint": 24.0})
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "not_sent"]


async def test_value_of_an_earlier_write_proves_nothing(world: World) -> None:
    """The same value was written and acknowledged a moment before, but not yet reported."""
    world.device.behaviour.echo_delay = 3
    assert await world.write(21.5) is None
    world.sim.faults.add("drop", action=_SET, count=1)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "not_sent"]


async def test_off_on_off_proves_nothing(world: World) -> None:
    """The first "off" is reported late: it is not the one that nobody knows of."""
    world.device.behaviour.echo_delay = 3
    assert await world.write(False, "power") is None
    assert await world.write(True, "power") is None
    world.sim.faults.add("drop", action=_SET, count=1)
    call = world.call(False, "power")
    assert await call.error() == "unknown_outcome"
    await world.sim.report(world.device, {"power": False})
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "not_sent"]


async def test_writing_again_proves_nothing(world: World) -> None:
    """A person tries once more and succeeds: that does not make the first one a success."""
    world.sim.faults.add("drop", action=_SET, count=1)
    first = world.call(21.5)
    assert await first.error() == "unknown_outcome"
    second = world.call(21.5)
    assert await second.error() is None
    await world.elapse(15)
    assert world.outcomes(second) == ["succeeded"]
    assert world.outcomes(first) == ["unknown…", "not_sent"]
    assert world.control().state == "21.5"


async def test_no_reply_and_written_again(world: World) -> None:
    """The same for a device that gave no answer to the first attempt."""
    world.device.behaviour.silent = True
    first = world.call(21.5)
    await world.elapse(31)
    assert await first.error() == "no_reply"
    world.device.behaviour.silent = False
    assert await world.write(21.5) is None
    await world.elapse(40)
    assert world.outcomes(first) == ["no_reply…", "no_reply"]


async def test_found_success_is_not_overridden_by_an_older_mask(world: World) -> None:
    """The samples that contradict the first write are the second one's success."""
    world.device.behaviour.echo_delay = 100
    first = world.call(20)
    assert await first.error() is None
    world.sim.faults.add("drop_after", action=_SET, count=1)
    second = world.call(21)
    assert await second.error() == "unknown_outcome"
    await world.sim.report(world.device, {"temp_setpoint": 21.0})
    await world.elapse(90)
    assert world.outcomes(second) == ["unknown…", "succeeded"]
    assert world.outcomes(first) == ["succeeded"], "nobody else overrode it"
    assert world.control().state == "21.0"


async def test_proof_uncovers_what_was_read(world: World) -> None:
    """An older write that no sample had shown yet covers a newer one's proof no longer."""
    world.device.behaviour.echo = False
    assert await world.write(21.5) is None
    assert world.control().state == "21.5"
    world.device.behaviour.echo = True
    world.sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    lost = world.call(22.5)
    assert await lost.error() == "unknown_outcome"
    await world.elapse(2)
    assert world.outcomes(lost) == ["unknown…", "succeeded"]
    assert world.control().state == "22.5"


async def test_cached_whose_reply_was_lost(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Unknown whether it waits: found waiting, then followed to its end."""
    world = await world_of(hass, sim, freezer)
    await world.queue(False, "power")
    sim.faults.add("drop_after", action=_SET, count=1)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "queued…"]
    found = world.told(call)[1]
    assert found["command_id"] == world.of_enos()[0].command_id
    assert found["expires"] is not None
    assert (found["code"], found["message"]) == (None, "")
    await world.come_back()
    assert world.outcomes(call) == ["unknown…", "queued…", "succeeded"]
    assert values_sent(sim) == [False, False, 21.5]


async def test_cached_that_never_came(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """It does not wait in EnOS: not sent, and not sent again."""
    world = await world_of(hass, sim, freezer)
    await world.queue(False, "power")
    sim.faults.add("drop", action=_SET, count=1)
    call = world.call(21.5)
    assert await call.error() == "unknown_outcome"
    await world.elapse(15)
    assert world.outcomes(call) == ["unknown…", "not_sent"]
    assert world.told(call)[1]["expires"] is None
    await world.come_back()
    assert [point for _, point, _ in sim.writes] == ["power"]


async def test_found_waiting_after_a_newer_one_was_queued(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The older one's reply was lost, the newer is queued: the older is withdrawn once found."""
    world = await world_of(hass, sim, freezer)
    await world.queue(False, "power")
    sim.faults.add("drop_after", action=_SET, count=1)
    older = world.call(21.5)
    assert await older.error() == "unknown_outcome"
    newer = await world.queue(22.5)
    await world.elapse(15)
    assert world.outcomes(older)[-1] == "superseded"
    assert world.outcomes(newer) == ["queued…"]
    await world.come_back()
    assert world.control().written == [22.5]


async def test_look_up_that_fails(world: World) -> None:
    """429, 500, nonsense and a missing right: asked again by and by, and no storm."""
    faults: list[dict[str, Any]] = [
        {"kind": "rate_limit", "retry_after": "7"},
        {"kind": "status", "status": 500},
        {"kind": "html"},
        {"kind": "status", "status": 200, "body": {"code": 99403, "msg": "no"}},
        {"kind": "drop"},
    ]
    for number, fault in enumerate(faults):
        before = world.searches(number)
        rule = world.sim.faults.add(action="search", path="/commands", **fault)
        world.sim.faults.add("drop_after", action=_SET, count=1)
        world.sim.device("fcu", number).behaviour.echo = False
        call = world.call(21.5, index=number)
        assert await call.error() == "unknown_outcome"
        await world.elapse(1000)
        assert world.outcomes(call) == ["unknown…"], fault
        asked = world.searches(number) - before
        # A read whose connection broke is repeated once.
        assert 4 <= asked <= (8 if fault["kind"] == "drop" else 5), fault
        world.sim.faults.remove(rule)
        await world.elapse(910)
        assert world.outcomes(call) == ["unknown…", "succeeded"], fault


async def test_cancelled_while_the_device_is_found_gone(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Two ways to learn a command's end at once: it is told once."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    other = await world.queue(False, "power")
    asset_id = world.device.asset_id
    sim.faults.add("delay", action="search", path="/commands", seconds=2)
    waiting = world.commands.queued(asset_id)[:1]
    body = {"code": 99404, "msg": "device does not exist", "data": None}
    sim.faults.add("status", action="search", path="/commands", status=200, body=body)
    world.commands.note_gone(asset_id)
    await world.elapse(1)
    await world.commands.async_cancel(asset_id, waiting)
    assert world.outcomes(call) == ["queued…", "cancelled"]
    await world.elapse(5)
    assert world.outcomes(call) == ["queued…", "cancelled"]
    assert world.outcomes(other) == ["queued…", "failed"]
