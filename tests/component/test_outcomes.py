"""Every outcome of the public contract: how it comes about, who hears what of it.

`ROWS` is meant to be read. What appears where:

* the caller's error, or none; from the action `enos.set_measurepoint` the response;
* the event `enos_command`, in the caller's context;
* the line in the logbook (`LINES`), or none;
* the record in the diagnostics.

A further place that shows every outcome gets a function in `PLACES`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import create_eager_task
import pytest

from custom_components.enos.const import DOMAIN
from custom_components.enos.logbook import async_describe_events
from custom_components.enos.records import OUTCOMES
from simulator import Simulator

from .queueing import CONTRACT, Call, World, world_of
from .writing import Control, records, until

_SET = "setMeasurepoint"

type Way = Callable[[World], Coroutine[Any, Any, Call]]


def answer(code: int, message: str = "as told") -> Way:
    """Return a way: EnOS answers the write with a code."""
    body = {"code": code, "msg": message, "data": None}
    way = fault("status", status=200, body=body)
    way.__name__ = f"code_{code}"
    return way


def fault(kind: Any, **params: Any) -> Way:
    """Return a way: the gateway fails the write."""

    async def way(world: World) -> Call:
        world.sim.faults.add(kind, action=_SET, count=1, **params)
        return world.call(21.5)

    way.__name__ = kind
    return way


async def acknowledged(world: World) -> Call:
    """Write to a device that is there."""
    return world.call(21.5)


async def queued(world: World) -> Call:
    """Write to a device that is away and waited for."""
    return await world.queue(21.5)


async def delivered(world: World) -> Call:
    """The same, and it comes back."""
    call = await world.queue(21.5)
    await world.come_back()
    return call


async def dragged(world: World) -> Call:
    """Move a slider on while the first value is on its way."""
    world.device.behaviour.reply_delay = 2
    world.call(20)
    await until(lambda: world.sim.commands)
    second = world.call(21.5)
    world.call(23)
    await world.elapse(5)
    return second


async def replaced(world: World) -> Call:
    """Write once more to a point of which a command waits."""
    call = await world.queue(21.5)
    await world.queue(22)
    return call


async def offline(world: World) -> Call:
    """Write to a device that is away and not waited for."""
    world.device.status = "offline"
    return world.call(21.5)


async def offline_again(world: World) -> Call:
    """The same within ten seconds: EnOS is not even asked."""
    world.device.status = "offline"
    await world.control().refuse(20)
    await world.elapse(5)
    return world.call(21.5)


async def inactive(world: World) -> Call:
    """Write to a device that was never activated."""
    world.device.status = "inactive"
    return world.call(21.5)


async def unloaded(world: World) -> Call:
    """Unload the account while a command waits for its turn."""
    world.device.behaviour.reply_delay = 1
    world.call(False, "power")
    await until(lambda: world.sim.commands)
    call = world.call(21.5)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    return call


async def no_gateway(world: World) -> Call:
    """Pull the gateway's plug."""
    await world.sim.stop()
    return world.call(21.5)


async def silent(world: World) -> Call:
    """Write to a device that never answers."""
    world.device.behaviour.silent = True
    call = world.call(21.5)
    await world.elapse(31)
    return call


async def silent_for_long(world: World) -> Call:
    """The same, and nothing shows half a minute later either."""
    call = await silent(world)
    await world.elapse(35)
    return call


async def lost_and_found(world: World) -> Call:
    """The reply is lost; EnOS's list has the command as carried out."""
    world.device.behaviour.echo = False
    call = await fault("drop_after")(world)
    await world.elapse(15)
    return call


async def lost_for_ever(world: World) -> Call:
    """The request is lost; EnOS's list has no such command."""
    call = await fault("drop")(world)
    await world.elapse(15)
    return call


async def overridden(world: World) -> Call:
    """Somebody turns the knob at the device right after the acknowledgement."""
    world.device.behaviour.echo = False
    call = world.call(21.5)
    await call.error()
    await world.sim.report(world.device, {"temp_setpoint": 19.0})
    await world.elapse(40)
    return call


async def custom_format(world: World) -> Call:
    """Write to a product for which commands cannot be encoded."""
    world.device.behaviour.custom_format = True
    return world.call(21.5)


async def no_right(world: World) -> Call:
    """Write without the right to control."""
    world.sim.rights.discard("Asset: Control")
    return world.call(21.5)


async def gone(world: World) -> Call:
    """Write to a device that EnOS has no more."""
    control = world.control()
    world.sim.remove_device(world.device.asset_id)
    return world.call_on(control, 21.5)


async def locked(world: World) -> Call:
    """Write while control is not allowed."""
    await world.commands.async_allow(allowed=False)
    return world.call(21.5)


async def expired(world: World) -> Call:
    """The device does not come back in time."""
    call = await world.queue(21.5)
    await world.elapse(15 * 60 + 10)
    return call


async def cancelled(world: World) -> Call:
    """Cancel what waits."""
    call = await world.queue(21.5)
    asset_id = world.device.asset_id
    await world.commands.async_cancel(asset_id, world.commands.queued(asset_id))
    return call


async def nobody_waits(world: World) -> Call:
    """Whoever asked is gone before the command had its turn."""
    world.device.behaviour.reply_delay = 1
    world.call(False, "power")
    await until(lambda: world.sim.commands)
    call = world.call(21.5)
    await world.settle()
    call.task.cancel()
    await world.elapse(3)
    return call


async def refused_by_device(world: World) -> Call:
    """The device answers a command that waited for it with a code of its own."""
    world.device.behaviour.reject_code = 4711
    return await delivered(world)


async def refused_at_once(world: World) -> Call:
    """The device answers with a code of its own; the list has the command as failed."""
    world.device.behaviour.reject_code = 4711
    call = world.call(21.5)
    await call.error()
    await world.elapse(5)
    return call


@dataclass(frozen=True)
class Row:
    """One way to one outcome.

    `error` is the translation key that the caller gets, None where the call returns. `final`
    tells whether the event with the outcome says that it is the last. `before` are the
    outcomes that were told of the command before; `queue` tells whether the device is one
    that is waited for; `code` is EnOS's.
    """

    outcome: str
    way: Way
    error: str | None
    final: bool = True
    queue: bool = False
    code: int | None = None
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name the row in the list of tests."""
        return f"{self.outcome}-{self.way.__name__}"


WAIT: dict[str, Any] = {"queue": True, "before": ("queued",)}

# fmt: off
ROWS = (
    #   outcome              how it came about    what the caller hears
    Row("succeeded",         acknowledged,        None),
    Row("succeeded",         delivered,           None,              **WAIT),
    Row("succeeded",         lost_and_found,      "unknown_outcome", before=("unknown",)),
    Row("queued",            queued,              None,              queue=True, final=False),
    Row("superseded",        dragged,             None),
    Row("superseded",        replaced,            None,              **WAIT),
    Row("device_offline",    offline,             "device_offline",  code=11900),
    Row("device_offline",    offline_again,       "device_offline",  code=11900),
    Row("device_inactive",   inactive,            "device_inactive", code=11888),
    Row("not_sent",          answer(11904),       "not_sent",        code=11904),
    Row("not_sent",          unloaded,            "unloading"),
    Row("not_sent",          no_gateway,          "cannot_connect"),
    Row("not_sent",          lost_for_ever,       "unknown_outcome", before=("unknown",)),
    Row("no_reply",          silent,              "no_reply",        code=11915, final=False),
    Row("no_reply",          silent_for_long,     "no_reply",        code=11915, before=("no_reply",)),
    Row("unknown",           fault("drop"),       "unknown_outcome", final=False),
    Row("unknown",           answer(99500),       "unknown_outcome", code=99500, final=False),
    Row("unknown",           answer(31337),       "unknown_code",    code=31337, final=False),
    Row("overridden",        overridden,          None,              before=("succeeded",)),
    Row("queue_full",        answer(11902),       "queue_full",      code=11902),
    Row("not_encodable",     custom_format,       "not_encodable",   code=11810),
    Row("rejected",          answer(99400),       "rejected",        code=99400),
    Row("rejected",          gone,                "rejected",        code=99404),
    Row("permission_denied", no_right,            "permission_denied", code=99403),
    Row("rate_limited",      fault("rate_limit"), "rate_limited",    code=429),
    Row("locked",            locked,              "locked"),
    Row("expired",           expired,             None,              **WAIT),
    Row("cancelled",         cancelled,           None,              **WAIT),
    Row("cancelled",         nobody_waits,        None),
    Row("failed",            refused_by_device,   None,              **WAIT),
    Row("failed",            refused_at_once,     "unknown_code",    code=4711, before=("unknown",)),
)
# fmt: on


LINES = {
    "succeeded-acknowledged": None,
    "succeeded-delivered": "accepted, after it had waited for the device",
    "succeeded-lost_and_found": "accepted after all",
    "queued-queued": "waits for the device until",
    "superseded-dragged": None,
    "superseded-replaced": "replaced by a newer command",
    "device_offline-offline": "not accepted, device offline",
    "device_offline-offline_again": "not accepted, device offline",
    "device_inactive-inactive": "not accepted, device never activated",
    "not_sent-code_11904": "not sent (as told)",
    "not_sent-unloaded": "not sent",
    "not_sent-no_gateway": "not sent (Cannot connect to host",
    "not_sent-lost_for_ever": "not sent (the connection broke: Server disconnected)",
    "no_reply-silent": "sent, but the device did not answer in time",
    "no_reply-silent_for_long": "sent, but the device never confirmed it",
    "unknown-drop": "perhaps accepted, EnOS gave no usable answer",
    "unknown-code_99500": "perhaps accepted, EnOS gave no usable answer",
    "unknown-code_31337": "perhaps accepted, EnOS gave no usable answer",
    "overridden-overridden": "accepted, but the device reports something else",
    "queue_full-code_11902": "not accepted, too many commands wait for the device",
    "not_encodable-custom_format": (
        "not accepted, the product has no codec for commands"
    ),
    "rejected-code_99400": "refused (as told)",
    "rejected-gone": "refused (device does not exist)",
    "permission_denied-no_right": "not accepted, permission missing (Denied resource",
    "rate_limited-rate_limit": "not sent, too many requests",
    "locked-locked": "not sent, control is not allowed at the moment",
    "expired-expired": "expired, the device did not come back in time",
    "cancelled-cancelled": "cancelled",
    "cancelled-nobody_waits": "cancelled",
    "failed-refused_by_device": "failed",
    "failed-refused_at_once": "failed (The device refused the command: code 4711)",
}
"""What the logbook says last of the command of each row, after the value: how it begins."""


def test_every_outcome_has_a_row() -> None:
    """The contract and this table name the same outcomes."""
    assert {row.outcome for row in ROWS} == set(OUTCOMES)


@dataclass(frozen=True)
class Seen:
    """What there is to look at after a row's way was gone."""

    world: World
    row: Row
    call: Call
    asset_id: str
    entity_id: str
    device_id: str
    lines: list[dict[str, Any]]

    @property
    def event(self) -> dict[str, Any]:
        """The data of the last event."""
        return self.world.told(self.call)[-1]


async def in_error(seen: Seen) -> None:
    """The caller hears the reason, or nothing where all is well."""
    if not seen.call.task.cancelled():
        answered = isinstance(seen.world, ActionWorld)
        assert await seen.call.error() == (None if answered else seen.row.error)


async def in_response(seen: Seen) -> None:
    """Whoever asked for a response has the first outcome in it, and no error."""
    if seen.call.task.cancelled() or not isinstance(seen.world, ActionWorld):
        return
    (command,) = seen.call.task.result()["commands"]
    assert command["outcome"] == (*seen.row.before, seen.row.outcome)[0]
    assert command["command"] == seen.event["command"]
    assert command["entity_id"] == seen.entity_id
    assert bool(command["message"]) is (seen.row.error is not None)


async def in_logbook(seen: Seen) -> None:
    """The logbook words what the state alone would not tell, in the name of the caller."""
    expected = LINES[str(seen.row)]
    if expected is None:
        assert seen.lines == []
        return
    told = seen.lines[-1]
    assert told["name"] == "FCU 3F East Temperature setpoint"
    assert told["entity_id"] == seen.entity_id
    assert told["message"].startswith(f"21.5 °C {expected}")


async def in_event(seen: Seen) -> None:
    """Each outcome is told once, in the caller's context, with all that is promised."""
    row, world, data = seen.row, seen.world, seen.event
    told = world.told(seen.call)
    assert [each["outcome"] for each in told] == [*row.before, row.outcome]
    if row.outcome != "overridden":
        assert not any(each["final"] for each in told[:-1])
    assert len({each["command"] for each in told}) == 1
    assert set(data) >= CONTRACT
    expected = {
        "entry_id": world.entry.entry_id,
        "device_id": seen.device_id,
        "entity_id": seen.entity_id,
        "asset_id": seen.asset_id,
        "measurepoint_id": "temp_setpoint",
        "value_before": 24.0,
        "value": 21.5,
        "mode": "cached" if row.queue else "instant",
        "final": row.final,
        "code": row.code,
    }
    assert {key: data[key] for key in expected} == expected
    explained = row.error in ("unknown_outcome", "cannot_connect")
    if row.outcome != "succeeded":
        assert bool(data["message"]) is (explained or row.code is not None)
    assert data["duration"] >= 0
    assert bool(data["expires"]) is row.queue
    if row.queue:
        assert dt_util.parse_datetime(data["expires"]) is not None
    assert bool(data["replaced_by"]) is (row.outcome == "superseded")
    if row.queue or row.outcome in ("succeeded", "overridden"):
        assert data["command_id"] == world.of_enos()[0].command_id


async def in_diagnostics(seen: Seen) -> None:
    """One command is one record, which says what the last event said."""
    if seen.world.entry.state is not ConfigEntryState.LOADED:
        await seen.world.set_up()
    kept = [
        record
        for record in await records(seen.world.hass, seen.world.entry)
        if (record["asset_id"], record["measurepoint_id"], record["value"])
        == (seen.asset_id, "temp_setpoint", 21.5)
    ]
    assert len(kept) == 1
    for key in ("outcome", "code", "message", "value_before", "mode", "duration"):
        assert kept[0][key] == seen.event[key], key


PLACES = (in_error, in_response, in_event, in_logbook, in_diagnostics)


class ActionWorld(World):
    """A world whose callers use the action that answers with a response."""

    @override
    def call_on(self, control: Control, value: Any) -> Call:
        """Have a value written by `enos.set_measurepoint`."""
        context = Context()
        writing = self.hass.services.async_call(
            DOMAIN,
            "set_measurepoint",
            {"entity_id": control.entity_id, "value": value},
            blocking=True,
            context=context,
            return_response=True,
        )
        return Call(context, create_eager_task(writing))


def logbook_lines(hass: HomeAssistant) -> list[tuple[str, dict[str, Any]]]:
    """Have lines described as the logbook does; they come with the ids of their contexts."""
    lines: list[tuple[str, dict[str, Any]]] = []

    def describe(domain: str, event_type: str, describe_event: Any) -> None:
        hass.bus.async_listen(
            event_type,
            callback(
                lambda event: lines.append((event.context.id, describe_event(event)))
            ),
        )

    async_describe_events(hass, describe)
    return lines


@pytest.mark.parametrize("kind", [World, ActionWorld])
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_outcome(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    row: Row,
    kind: type[World],
) -> None:
    """Caller, event, logbook and diagnostics say the same of a command, each in its way."""
    found = await world_of(
        hass, sim, freezer, **({} if row.queue else {"policy": None})
    )
    world = kind(hass, sim, freezer, found.entry, found.events)
    lines = logbook_lines(hass)
    asset_id = world.device.asset_id
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{asset_id}"), world.entry.entry_id
    )
    assert device is not None
    entity_id = world.control().entity_id
    call = await row.way(world)
    if not call.task.cancelled():
        await call.error()
    mine = [line for context, line in lines if context == call.context.id]
    seen = Seen(world, row, call, asset_id, entity_id, device.id, mine)
    for look in PLACES:
        await look(seen)
