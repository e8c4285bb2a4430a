"""Queued commands: kept by EnOS for a device that is away, and what becomes of them."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util
import pytest

from custom_components.enos.api.errors import NotFoundError
from simulator import Simulator

from .queueing import QUEUE, TTL, another_client, values_sent, world_of
from .reading import loud
from .writing import read_backs, sets, until


async def test_queued_and_delivered(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Instant, then cached; delivered once when the device returns; the state follows it."""
    world = await world_of(hass, sim, freezer)
    caplog.clear()
    control = world.control()
    call = await world.queue(21.5)

    assert world.wire() == [
        ("set", "temp_setpoint", 0),
        ("set", "temp_setpoint", TTL),
    ]
    assert world.outcomes(call) == ["queued…"]
    assert control.state == "24.0", "what waits is not shown as the value"
    (queued,) = world.told(call)
    assert queued["mode"] == "cached"
    assert queued["command_id"] == world.of_enos()[0].command_id
    expires = dt_util.parse_datetime(queued["expires"])
    assert expires is not None
    left = expires - dt_util.utcnow()
    assert abs(left - timedelta(seconds=TTL)) < timedelta(seconds=5)

    await world.elapse(300)
    assert world.searches() == 0, "nothing is asked of a device that is away"
    assert control.written == []

    world.device.status = "online"
    await until(lambda: control.written)
    assert control.state == "24.0"
    await world.elapse(68)
    assert world.outcomes(call) == ["queued…", "succeeded"]
    assert control.state == "21.5"
    assert read_backs(sim, world.device)
    assert world.searches() == 1
    assert world.told(call)[1]["duration"] == pytest.approx(350, abs=60)
    assert world.commands.open == []

    await world.elapse(1800)
    assert values_sent(sim) == [21.5, 21.5], "one instant, one cached, ever"
    assert (control.written, world.searches()) == ([21.5], 1)
    assert world.outcomes() == ["queued…", "succeeded"]
    assert loud(caplog) == []


async def test_straight_to_cached_while_one_waits(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """While one of ours waits, the next needs no instant attempt, also minutes later."""
    world = await world_of(hass, sim, freezer)
    await world.queue(21.5)
    await world.elapse(120)
    await world.queue(False, "power")
    assert world.wire()[-1] == ("set", "power", TTL)
    await world.elapse(5)
    await world.come_back()
    assert [point for _, point, _ in sim.writes] == ["temp_setpoint", "power"]
    assert world.outcomes(point="power") == ["queued…", "succeeded"]


async def test_ten_seconds_straight_to_cached(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """For 10 s after EnOS called the device away nothing instant is tried, then it is again."""
    world = await world_of(hass, sim, freezer)
    await world.queue(21.5)
    await world.commands.async_cancel(
        world.device.asset_id, world.commands.queued(world.device.asset_id)
    )
    await world.elapse(8)
    await world.queue(22)
    assert [step for step in world.wire() if step[0] == "set"] == [
        ("set", "temp_setpoint", 0),
        ("set", "temp_setpoint", TTL),
        ("set", "temp_setpoint", TTL),
    ]
    await world.commands.async_cancel(
        world.device.asset_id, world.commands.queued(world.device.asset_id)
    )
    await world.elapse(4)
    await world.queue(23)
    assert [step for step in world.wire() if step[0] == "set"][3:] == [
        ("set", "temp_setpoint", 0),
        ("set", "temp_setpoint", TTL),
    ]


async def test_expired(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What waited too long ends as expired, and reaches the device never."""
    world = await world_of(hass, sim, freezer, policy={**QUEUE, "queue_minutes": 10})
    call = await world.queue(21.5)
    await world.elapse(595)
    assert world.outcomes(call) == ["queued…"]
    await world.elapse(10)
    assert world.outcomes(call) == ["queued…", "expired"]
    assert world.searches() == 1
    await world.come_back()
    assert (world.control().written, world.control().state) == ([], "24.0")


async def test_cancelled_by_us(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What is cancelled here never reaches the device; what waits for another point does."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    await world.queue(False, "power")
    asset_id = world.device.asset_id
    first = world.commands.queued(asset_id)[:1]
    await world.commands.async_cancel(asset_id, first)
    assert world.outcomes(call) == ["queued…", "cancelled"]
    await world.come_back()
    assert [point for _, point, _ in sim.writes] == ["power"]
    assert world.control().state == "24.0"


async def test_cancelled_elsewhere(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What another application cancels is found out with the next look."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    other = another_client(sim, async_get_clientsession(hass))
    await other.cancel_commands(world.device.asset_id)
    await world.elapse(880)
    assert world.outcomes(call) == ["queued…"]
    await world.elapse(40)
    assert world.outcomes(call) == ["queued…", "cancelled"]


async def test_cancel_of_what_was_just_delivered(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Too late to cancel: the truth is told."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    waiting = world.commands.queued(world.device.asset_id)
    world.device.status = "online"
    await until(lambda: world.control().written)
    await world.commands.async_cancel(world.device.asset_id, waiting)
    assert world.outcomes(call) == ["queued…", "succeeded"]
    await world.elapse(5)
    assert world.control().state == "21.5"


async def test_cancel_that_is_known_needs_no_look(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """EnOS confirmed the cancel: that its list cannot be read now is no failure of it."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    sim.faults.add("rate_limit", path="commands", action="search")
    waiting = world.commands.queued(world.device.asset_id)
    await world.queue(False, "power")
    await world.commands.async_cancel(world.device.asset_id, waiting)
    assert world.outcomes(call) == ["queued…", "cancelled"]


async def test_newer_write_to_the_same_point(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The newer is queued first, then the older cancelled: nothing is lost in between."""
    world = await world_of(hass, sim, freezer)
    older = await world.queue(21.5)
    await world.queue(False, "power")
    await world.elapse(20)
    newer = await world.queue(22.5)
    ids = [command.command_id for command in world.of_enos()]
    assert world.wire() == [
        ("set", "temp_setpoint", 0),
        ("set", "temp_setpoint", TTL),
        ("set", "power", TTL),
        ("set", "temp_setpoint", TTL),
        ("cancel", ids[0]),
    ]
    assert world.outcomes(older) == ["queued…", "superseded"]
    assert world.told(older)[1]["replaced_by"] == world.told(newer)[0]["command"]
    assert world.outcomes(newer) == ["queued…"]
    assert world.told(newer)[0]["replaced_by"] is None
    assert world.outcomes() == ["queued…", "queued…", "queued…", "superseded"]
    await world.come_back()
    assert [(point, value) for _, point, value in sim.writes] == [
        ("power", False),
        ("temp_setpoint", 22.5),
    ]
    assert world.outcomes(newer) == ["queued…", "succeeded"]
    assert world.control().state == "22.5"


async def test_older_one_that_cannot_be_cancelled(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Both are delivered, the newer last, and each record says what happened to it."""
    world = await world_of(hass, sim, freezer)
    older = await world.queue(21.5)
    sim.faults.add("status", action="cancel", status=503, count=1)
    newer = await world.queue(22.5)
    await world.come_back()
    await world.elapse(5)
    assert world.control().written == [21.5, 22.5]
    assert world.control().state == "22.5"
    assert world.outcomes(older) == ["queued…", "succeeded"]
    assert world.told(older)[1]["replaced_by"] is None
    assert world.outcomes(newer) == ["queued…", "succeeded"]


async def test_cancel_whose_reply_was_lost(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The older one was cancelled all the same: superseded, as the look-up finds."""
    world = await world_of(hass, sim, freezer)
    older = await world.queue(21.5)
    sim.faults.add("drop_after", action="cancel")
    newer = await world.queue(22.5)
    await world.come_back()
    assert world.control().written == [22.5]
    assert world.outcomes(older) == ["queued…", "superseded"]
    assert world.told(older)[1]["replaced_by"] == world.told(newer)[0]["command"]


async def test_older_one_that_is_on_its_way(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """An older command that the device already has is not replaced by the newer one."""
    world = await world_of(hass, sim, freezer)
    older = await world.queue(21.5)
    world.device.behaviour.reply_delay = 5
    world.device.status = "online"
    await world.settle()
    newer = world.call(22.5)
    assert await newer.error() is None
    assert world.outcomes(newer) == ["queued…"]
    await world.elapse(80)
    assert world.control().written == [21.5, 22.5]
    assert world.outcomes(older) == ["queued…", "succeeded"]
    assert world.told(older)[-1]["replaced_by"] is None
    assert world.control().state == "22.5"


async def test_inactive_device(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device that was never activated is waited for as well (11888)."""
    world = await world_of(hass, sim, freezer)
    world.device.status = "inactive"
    call = await world.queue(21.5)
    assert [ttl for _, _, ttl in world.wire()] == [0, TTL]
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]
    assert world.control().state == "21.5"


async def test_exceptions_of_single_devices(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device with a policy of its own does not follow its product's."""
    fail: dict[str, Any] = {**QUEUE, "when_offline": "fail", "timeout": 7}
    world = await world_of(
        hass, sim, freezer, policy_exceptions={sim.device("fcu").asset_id: fail}
    )
    world.device.status = sim.device("fcu", 1).status = "offline"
    assert await world.write(21.5) == "device_offline"
    assert await world.write(21.5, index=1) is None
    assert world.wire() == [("set", "temp_setpoint", 0)]
    assert sets(sim)[0].query["timeout"] == "7"
    assert world.wire(1)[-1] == ("set", "temp_setpoint", TTL)


async def test_after_an_unknown_outcome_nothing_is_queued(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What the device may have done already must not be done later once more."""
    world = await world_of(hass, sim, freezer)
    for kind in ("drop_after", "drop"):
        sim.faults.add(kind, action="setMeasurepoint", count=1)
        assert await world.write(21.5) == "unknown_outcome"
    world.device.behaviour.silent = True
    call = world.call(22.5)
    await world.elapse(32)
    assert await call.error() == "no_reply"
    assert [step[2] for step in world.wire() if step[0] == "set"] == [0, 0, 0]


async def test_not_sent_though_nothing_of_ours_waits(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """11904 because of another application's commands is no reason to queue."""
    world = await world_of(hass, sim, freezer)
    body = {"code": 11904, "msg": "as told", "data": None}
    sim.faults.add("status", action="setMeasurepoint", status=200, body=body, count=1)
    assert await world.write(20) == "not_sent"
    assert world.wire() == [("set", "temp_setpoint", 0)]


async def test_device_that_is_gone(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """With the device its commands are gone: failed; and nothing more is queued for it."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    entity_id = world.control().entity_id
    asset_id = world.device.asset_id
    sim.remove_device(asset_id)
    await world.elapse(130)
    assert world.outcomes(call) == ["queued…", "failed"]
    assert world.told(call)[1]["code"] == 99404
    assert hass.states.get(entity_id) is None
    assert world.commands.open == []
    other = another_client(sim, async_get_clientsession(hass))
    with pytest.raises(NotFoundError):
        await other.search_commands(asset_id)


async def test_device_that_went_between_the_lists(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """EnOS refuses what is to be queued for a device that it has no more."""
    world = await world_of(hass, sim, freezer)
    world.device.status = "offline"
    control = world.control()
    sim.remove_device(world.device.asset_id)
    error = await control.refuse(21.5)
    assert error.translation_key == "rejected"
    assert world.outcomes() == ["rejected"]


async def test_delivered_over_a_write_that_was_never_reported(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The value that contradicts an earlier write is that of our own later command."""
    world = await world_of(hass, sim, freezer)
    world.device.behaviour.echo_delay = 3000
    first = world.call(20)
    assert await first.error() is None
    await world.queue(21.5)
    world.device.behaviour.echo_delay = 0
    await world.come_back()
    await world.elapse(40)
    assert world.control().state == "21.5"
    assert world.outcomes() == ["succeeded", "queued…", "succeeded"]


async def test_delivered_where_no_status_can_be_read(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """That the device measures again tells that it is back."""
    device = sim.device("fcu")
    world = await world_of(hass, sim, freezer, devices=[device.asset_id])
    sim.rights.discard("Device Management: Read")
    call = await world.queue(21.5)
    await world.elapse(90)
    searches = world.searches()
    device.status = "online"
    await sim.report(device, {"temp_setpoint": 19.0})
    await until(lambda: world.control().written)
    await world.elapse(35)
    assert world.outcomes(call) == ["queued…", "succeeded"]
    assert world.searches() == searches + 1


async def test_delivered_while_an_acknowledged_value_shows(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What was delivered is shown with the next sample, not half a minute later."""
    world = await world_of(hass, sim, freezer)
    control = world.control()
    world.device.behaviour.echo = False
    assert await world.write(20.5) is None
    world.device.behaviour.echo = True
    target = {"entity_id": control.entity_id, "value": 21.5, "pending_ttl": 900}
    await hass.services.async_call("enos", "set_measurepoint", target, blocking=True)
    await until(lambda: 21.5 in control.written)
    assert control.state == "20.5"
    await world.elapse(5)
    assert control.state == "21.5"
    await world.elapse(60)
    assert control.state == "21.5"
    assert world.outcomes() == ["succeeded", "queued…", "succeeded"]
