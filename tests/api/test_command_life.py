"""Commands that were sent: looked up, followed to their end, cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    EnosError,
    NotFoundError,
    PermissionDeniedError,
    QueueFullError,
    RejectedError,
    ReplyLostError,
)
from custom_components.enos.api.models import Command, CommandState
from simulator import Guesses, Simulator

from .common import Scripted, Trace, calls, client_of, ok, until

NO_COMMAND = "2078724684846989312"

type Ask = Callable[[EnosClient, str, str], Awaitable[object]]

ASKS: dict[str, Ask] = {
    "get": lambda client, asset, command: client.get_command(asset, command),
    "search": lambda client, asset, _: client.search_commands(asset),
    "cancel": lambda client, asset, command: client.cancel_commands(asset, command),
    "cancel all": lambda client, asset, _: client.cancel_commands(asset),
}


async def queued(sim: Simulator, client: EnosClient, value: int = 2) -> str:
    """Take the fan coil unit offline and queue a write to it for ten minutes."""
    device = sim.device("fcu")
    device.status = "offline"
    return await client.set_measurepoint(
        device.asset_id, "mode", value, timeout=20, pending_ttl=600
    )


async def seen(sim: Simulator, client: EnosClient, command_id: str) -> CommandState:
    """Return a command's state, on which `get` and `search` agree."""
    asset_id = sim.device("fcu").asset_id
    got = await client.get_command(asset_id, command_id)
    (found,) = (
        each
        for each in await client.search_commands(asset_id)
        if each.command_id == command_id
    )
    # EnOS tells the time of creation once as text and once as a number.
    assert got == found
    assert got.state is not None
    return got.state


async def test_get(sim: Simulator, client: EnosClient) -> None:
    """A command is told with all that is known of it."""
    device = sim.device("fcu")
    command_id = await queued(sim, client, 3)
    assert await client.get_command(device.asset_id, command_id) == Command(
        command_id=command_id,
        asset_id=device.asset_id,
        identifier="mode",
        is_service=False,
        value=3,
        output=None,
        state=CommandState.CREATED,
        created=sim.commands[0].create_time,
        pending_ttl=600,
        timeout=20,
    )
    assert sim.rejections == []


async def test_get_of_a_service(sim: Simulator, client: EnosClient) -> None:
    """A service call shows what went in and what came out."""
    device = sim.device("fcu")
    reply = await client.invoke_service(device.asset_id, "reset", {"delay": 5})
    command = await client.get_command(device.asset_id, reply.command_id)
    assert command.is_service
    assert command.identifier == "reset"
    assert command.value == {"delay": 5}
    assert command.output == {"result": 0}
    assert command.state is CommandState.SUCCEEDED
    assert command.pending_ttl == 0


async def test_delivered(sim: Simulator, client: EnosClient) -> None:
    """A cached command waits, is sent when its device comes, and succeeds."""
    device = sim.device("fcu")
    command_id = await queued(sim, client)
    assert await seen(sim, client, command_id) is CommandState.CREATED
    device.behaviour.reply_delay = 0.3
    device.status = "online"
    assert await seen(sim, client, command_id) is CommandState.RELEASED
    await until(lambda: sim.commands[0].done)
    assert await seen(sim, client, command_id) is CommandState.SUCCEEDED
    assert sim.writes == [(device.asset_id, "mode", 2)]
    assert sim.rejections == []


async def test_expired(sim: Simulator, client: EnosClient) -> None:
    """A cached command whose device stays away expires."""
    command_id = await queued(sim, client)
    sim.jump(601)
    await until(lambda: sim.commands[0].done)
    assert await seen(sim, client, command_id) is CommandState.EXPIRED
    assert await client.cancel_commands(sim.device("fcu").asset_id, command_id) == ()
    assert sim.rejections == []


async def test_refused_and_unanswered(sim: Simulator, client: EnosClient) -> None:
    """A cached command that its device refuses fails; one that it ignores times out."""
    device = sim.device("fcu")
    device.behaviour.reject_code = 2000
    refused = await queued(sim, client)
    device.status = "online"
    await until(lambda: sim.commands[0].done)
    assert await seen(sim, client, refused) is CommandState.FAILED
    device.behaviour.silent = True
    ignored = await queued(sim, client)
    device.status = "online"
    await until(lambda: sim.commands[1].released is not None)
    sim.jump(21)
    await until(lambda: sim.commands[1].done)
    assert await seen(sim, client, ignored) is CommandState.TIMED_OUT
    assert sim.writes == []


async def test_cancelled(sim: Simulator, client: EnosClient) -> None:
    """One cached command is cancelled by its id, and the others go on."""
    device = sim.device("fcu")
    first, second = await queued(sim, client, 2), await queued(sim, client, 3)
    (gone,) = await client.cancel_commands(device.asset_id, first)
    assert (gone.command_id, gone.identifier, gone.value) == (first, "mode", 2)
    assert await seen(sim, client, first) is CommandState.CANCELED
    assert await seen(sim, client, second) is CommandState.CREATED
    device.status = "online"
    await until(lambda: sim.commands[1].done)
    assert sim.writes == [(device.asset_id, "mode", 3)]
    assert await client.cancel_commands(device.asset_id, first) == ()
    assert sim.rejections == []


async def test_all_cancelled(sim: Simulator, client: EnosClient) -> None:
    """Without an id all cached commands of the device are cancelled, and no other's."""
    ids = [await queued(sim, client, value) for value in (1, 2, 3)]
    other = sim.device("light")
    other.status = "offline"
    kept = await client.set_measurepoint(
        other.asset_id, "switch", True, pending_ttl=600
    )
    asset_id = sim.device("fcu").asset_id
    gone = await client.cancel_commands(asset_id)
    assert [each.command_id for each in gone] == ids
    assert {await seen(sim, client, each) for each in ids} == {CommandState.CANCELED}
    assert await client.cancel_commands(asset_id) == ()
    waiting = await client.get_command(other.asset_id, kept)
    assert waiting.state is CommandState.CREATED
    assert sim.rejections == []


async def test_cancelling_makes_room(sim: Simulator, client: EnosClient) -> None:
    """In a full queue a command finds room once another was cancelled."""
    asset_id = sim.device("fcu").asset_id
    ids = [await queued(sim, client) for _ in range(50)]
    with pytest.raises(QueueFullError):
        await queued(sim, client)
    with pytest.raises(QueueFullError):
        await client.invoke_service(asset_id, "reset", {"delay": 1}, pending_ttl=60)
    await client.cancel_commands(asset_id, ids[7])
    await queued(sim, client)
    assert len(await client.search_commands(asset_id)) == 51
    assert sim.rejections == []


async def test_empty_id_cancels_nothing(sim: Simulator, client: EnosClient) -> None:
    """An empty id is never sent: a gateway may take it for none, which means all."""
    command_id = await queued(sim, client)
    with pytest.raises(RejectedError):
        await client.cancel_commands(sim.device("fcu").asset_id, "")
    assert calls(sim, "commands", "cancel") == 0
    assert await seen(sim, client, command_id) is CommandState.CREATED


@pytest.mark.parametrize("name", ["get", "cancel"])
async def test_no_such_command(sim: Simulator, client: EnosClient, name: str) -> None:
    """An unknown id and a command of another device are told as such, and stay alone."""
    command_id = await queued(sim, client)
    for asset_id, wanted in (
        (sim.device("fcu").asset_id, NO_COMMAND),
        (sim.device("light").asset_id, command_id),
    ):
        with pytest.raises(NotFoundError):
            await ASKS[name](client, asset_id, wanted)
    assert await seen(sim, client, command_id) is CommandState.CREATED
    assert sim.rejections == []


@pytest.mark.parametrize("name", ASKS)
async def test_no_such_asset(sim: Simulator, client: EnosClient, name: str) -> None:
    """An unknown asset is told as such."""
    with pytest.raises(NotFoundError):
        await ASKS[name](client, "nothere1", NO_COMMAND)
    assert sim.rejections == []


@pytest.mark.parametrize("how", ["right", "asset"])
@pytest.mark.parametrize("name", ASKS)
async def test_forbidden(
    sim: Simulator, client: EnosClient, name: str, how: str
) -> None:
    """Without the right, or for a device that may not be controlled, nothing is told."""
    asset_id = sim.device("fcu").asset_id
    command_id = await queued(sim, client)
    if how == "right":
        sim.rights.remove("Asset: Control")
    else:
        sim.forbidden_assets.add(asset_id)
    with pytest.raises(PermissionDeniedError):
        await ASKS[name](client, asset_id, command_id)
    assert sim.commands[0].state == CommandState.CREATED
    assert sim.rejections == []


@pytest.mark.parametrize("kind", ["drop", "drop_after"])
@pytest.mark.parametrize("name", ASKS)
async def test_broken_connection(
    sim: Simulator, client: EnosClient, name: str, kind: Any
) -> None:
    """What asks and what cancels is sent once more where the connection broke."""
    asset_id = sim.device("fcu").asset_id
    command_id = await queued(sim, client)
    before = calls(sim, "commands")
    sim.faults.add(kind, path="commands", count=1)
    await ASKS[name](client, asset_id, command_id)
    assert calls(sim, "commands") - before == 2
    if name.startswith("cancel"):
        assert await seen(sim, client, command_id) is CommandState.CANCELED
    assert sim.rejections == []


@pytest.mark.parametrize("name", ASKS)
async def test_connection_that_keeps_breaking(
    sim: Simulator, client: EnosClient, name: str
) -> None:
    """It is sent once more, not for ever."""
    asset_id = sim.device("fcu").asset_id
    sim.faults.add("drop", path="commands")
    with pytest.raises(ReplyLostError, match="connection broke"):
        await ASKS[name](client, asset_id, NO_COMMAND)
    assert calls(sim, "commands") == 2


async def test_session_of_asking(sim: Simulator) -> None:
    """Asking and cancelling do not take the session whose connections commands hold."""
    common, commands = Trace(), Trace()
    async with (
        aiohttp.ClientSession(trace_configs=[common.config()]) as session,
        aiohttp.ClientSession(trace_configs=[commands.config()]) as command_session,
    ):
        client = client_of(sim, session, command_session=command_session)
        command_id = await queued(sim, client)
        asset_id = sim.device("fcu").asset_id
        sim.device("fcu").status = "online"
        await client.invoke_service(asset_id, "reset", {"delay": 1})
        for ask in ASKS.values():
            await ask(client, asset_id, command_id)
    assert len(commands.paths) == 2
    assert len([path for path in common.paths if path.endswith("commands")]) == 4


async def test_newest_first(sim: Simulator, client: EnosClient) -> None:
    """The last hundred commands come in one request, the newest first."""
    asset_id = sim.device("fcu").asset_id
    assert await client.search_commands(asset_id) == ()
    for number in range(104):
        await client.set_measurepoint(asset_id, "temp_setpoint", 16 + number / 8)
    found = await client.search_commands(asset_id)
    assert [each.command_id for each in found] == [
        each.command_id for each in sim.commands[:3:-1]
    ]
    assert found[0].value == 28.875
    assert calls(sim, "commands", "search") == 2
    assert await client.search_commands(sim.device("light").asset_id) == ()
    assert sim.rejections == []


async def test_what_is_asked(session: aiohttp.ClientSession, gateway: Scripted) -> None:
    """Ids are text on the wire; a search takes neither an expression nor sorters."""
    gateway.answer = lambda _: ok([])
    client = gateway.client(session)
    await client.search_commands("a")
    await client.cancel_commands("a")
    await client.cancel_commands("a", "7")
    with pytest.raises(NotFoundError):
        await client.get_command("a", "7")
    search, everything, one, get = gateway.business
    assert search.json["pagination"] == {"pageNo": 1, "pageSize": 100}
    assert set(search.json) == {"pagination", "projection"}
    assert [each.method for each in gateway.business] == ["POST"] * 3 + ["GET"]
    assert "commandId" not in everything.query
    assert one.query["commandId"] == get.query["commandId"] == "7"
    assert everything.body == one.body == get.body == b""
    assert all(each.signed_well() for each in gateway.business)


def struct(**fields: Any) -> dict[str, Any]:
    """Return a command as EnOS shows it."""
    return {"commandId": "7", "assetId": "a", "state": 1, "commandType": 1, **fields}


async def asked(
    session: aiohttp.ClientSession, gateway: Scripted, data: Any
) -> Command:
    """Return what the client makes of a struct, by each of the three calls."""
    client = gateway.client(session)
    gateway.answer = lambda _: ok(data)
    got = await client.get_command("a", "7")
    gateway.answer = lambda _: ok([data])
    assert await client.search_commands("a") == (got,)
    assert await client.cancel_commands("a") == (got,)
    return got


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (1585670399000, 1585670399000),
        ("1585670399000", 1585670399000),
        (1585670399000.0, 1585670399000),
        ("2020-03-31 23:59:59", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
async def test_time_of_creation(
    session: aiohttp.ClientSession, gateway: Scripted, created: Any, expected: Any
) -> None:
    """The time is understood as a number and as text; what is no time is none."""
    command = await asked(session, gateway, struct(createTime=created))
    assert command.created == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((number, CommandState(number)) for number in range(1, 8)),
        ("5", CommandState.SUCCEEDED),
        (0, None),
        (8, None),
        (-1, None),
        (True, None),
        ("done", None),
        (None, None),
    ],
)
async def test_states(
    session: aiohttp.ClientSession, gateway: Scripted, state: Any, expected: Any
) -> None:
    """Each documented state has a name; another number has none."""
    command = await asked(session, gateway, struct(state=state))
    assert command.state is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"commandId": 2078724684846989312}, {"command_id": NO_COMMAND}),
        ({"commandType": 2, "tslIdentifier": "reset"}, {"is_service": True}),
        ({"commandType": "2"}, {"is_service": True}),
        ({"commandType": None}, {"is_service": False}),
        ({"pendingTtl": "600", "timeout": "30"}, {"pending_ttl": 600, "timeout": 30}),
        ({"pendingTtl": None}, {"pending_ttl": None, "timeout": None}),
        ({"inputData": 111}, {"value": 111}),
        ({"inputData": {"a": [1, "2"]}}, {"value": {"a": [1, "2"]}}),
        ({"inputData": None, "outputData": {"r": 0}}, {"output": {"r": 0}}),
        ({"assetId": 5, "tslIdentifier": None}, {"asset_id": "", "identifier": ""}),
    ],
)
async def test_forms(
    session: aiohttp.ClientSession, gateway: Scripted, fields: Any, expected: Any
) -> None:
    """The fields come in the forms that documents and samples show, or not at all."""
    command = await asked(session, gateway, struct(**fields))
    for name, value in expected.items():
        assert getattr(command, name) == value, name


@pytest.mark.parametrize(
    "data", [None, [], {}, "7", 7, {"commandId": None}, {"commandId": True}]
)
async def test_no_command_in_the_reply(
    session: aiohttp.ClientSession, gateway: Scripted, data: Any
) -> None:
    """A reply without a command means that there is none; a list of them is empty."""
    gateway.answer = lambda _: ok(data)
    client = gateway.client(session)
    with pytest.raises(NotFoundError):
        await client.get_command("a", "7")
    gateway.answer = lambda _: ok([data] if isinstance(data, dict) else data)
    assert await client.search_commands("a") == ()
    assert await client.cancel_commands("a") == ()


async def test_order_is_our_own(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Whatever the order in the reply: newest first, equals as they came, unknown last."""
    times = [5, None, "9", 5, "x", 7, 0]
    gateway.answer = lambda _: ok(
        [struct(commandId=str(n), createTime=time) for n, time in enumerate(times)]
    )
    found = await gateway.client(session).search_commands("a")
    assert [each.command_id for each in found] == list("2503614")


@pytest.mark.parametrize("g1", ["message_401", "status_1203", "apim_status"])
async def test_token_that_ended(session: aiohttp.ClientSession, g1: str) -> None:
    """A token that ended is replaced under these calls as well."""
    guesses = Guesses.from_dict({"G1": g1})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        command_id = await queued(sim, client)
        for ask in ASKS.values():
            sim.revoke_token()
            await ask(client, sim.device("fcu").asset_id, command_id)
        assert sim.commands[0].state == CommandState.CANCELED
        assert sim.rejections == []


async def test_service(sim: Simulator, client: EnosClient) -> None:
    """An instant service call is held until the device has answered."""
    device = sim.device("fcu")
    device.behaviour.reply_delay = 0.2
    reply = await client.invoke_service(
        device.asset_id, "reset", {"delay": 5}, timeout=7
    )
    (command,) = sim.commands
    assert reply.command_id == command.command_id
    assert reply.output == {"result": 0}
    assert command.state == CommandState.SUCCEEDED
    assert (command.command_type, command.identifier) == (2, "reset")
    assert (command.value, command.timeout, command.pending_ttl) == ({"delay": 5}, 7, 0)
    assert calls(sim, "commands") == 1
    assert sim.rejections == []


async def test_cached_service(sim: Simulator, client: EnosClient) -> None:
    """A cached service call returns when it is queued, without an answer of the device."""
    device = sim.device("fcu")
    device.status = "offline"
    reply = await client.invoke_service(
        device.asset_id, "reset", {"delay": 5}, pending_ttl=60
    )
    assert reply.output is None
    assert await seen(sim, client, reply.command_id) is CommandState.CREATED
    device.status = "online"
    await until(lambda: sim.commands[0].done)
    assert await seen(sim, client, reply.command_id) is CommandState.SUCCEEDED


async def test_service_refused(sim: Simulator, client: EnosClient) -> None:
    """A service call fails as a write does, and is sent once."""
    device = sim.device("fcu")
    expected: list[tuple[str, Any, str]] = [
        ("explode", {"delay": 1}, "RejectedError"),
        ("reset", {}, "RejectedError"),
        ("reset", {"delay": 1.5}, "RejectedError"),
        ("reset", {"delay": float("nan")}, "RejectedError"),
    ]

    async def failing(service: str = "reset", inputs: Any = None) -> str:
        with pytest.raises(EnosError) as caught:
            await client.invoke_service(
                device.asset_id,
                service,
                {"delay": 1} if inputs is None else inputs,
                timeout=1,
            )
        assert caught.value.outcome_unknown is (device.behaviour.silent is True)
        return type(caught.value).__name__

    for service, inputs, kind in expected:
        assert await failing(service, inputs) == kind
    assert calls(sim, "commands") == 3
    device.status = "offline"
    assert await failing() == "DeviceOfflineError"
    device.status = "inactive"
    assert await failing() == "DeviceInactiveError"
    device.status = "online"
    device.behaviour.silent = True
    assert await failing() == "NoReplyError"
    device.behaviour.silent = False
    sim.forbidden_assets.add(device.asset_id)
    assert await failing() == "PermissionDeniedError"
    sim.forbidden_assets.clear()
    with pytest.raises(NotFoundError):
        await client.invoke_service("nothere1", "reset", {}, timeout=1)
    sim.rights.remove("Asset: Control")
    assert await failing() == "PermissionDeniedError"
    assert calls(sim, "commands") == 9


@pytest.mark.parametrize("pending_ttl", [0, 600])
@pytest.mark.parametrize(
    ("kind", "done"), [("drop", 0), ("drop_after", 1), ("cut_json", 1), ("html", 0)]
)
async def test_service_is_never_repeated(
    sim: Simulator, client: EnosClient, kind: Any, done: int, pending_ttl: int
) -> None:
    """A service call goes out once, whatever becomes of it; its outcome is then unknown."""
    device = sim.device("fcu")
    await client.query_latest(device.asset_id, ["power"])
    sim.faults.add(kind, action="invokeService", count=1)
    with pytest.raises(ReplyLostError) as caught:
        await client.invoke_service(
            device.asset_id, "reset", {"delay": 1}, pending_ttl=pending_ttl
        )
    assert caught.value.outcome_unknown
    await asyncio.sleep(0.1)
    assert calls(sim, "commands") == 1
    assert len(sim.commands) == done


@pytest.mark.parametrize(
    ("data", "command_id", "output"),
    [
        ({"commandId": 7, "outputData": {"r": 1}}, "7", {"r": 1}),
        ({"commandId": "7", "outputData": None}, "7", None),
        ({"commandId": "7", "outputData": 5}, "7", 5),
        ({"outputData": {}}, "", {}),
        (None, "", None),
    ],
)
async def test_forms_of_a_service_reply(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    data: Any,
    command_id: str,
    output: Any,
) -> None:
    """A reply that lacks something has succeeded all the same."""
    gateway.answer = lambda _: ok(data)
    reply = await gateway.client(session).invoke_service("a", "s", {"x": "y"})
    assert (reply.command_id, reply.output) == (command_id, output)
    (exchange,) = gateway.business
    assert exchange.json == {"inputData": {"x": "y"}}
    assert exchange.query["pendingTtl"] == "0"
    assert exchange.query["timeout"] == "30"
