"""Writes: what goes out, what comes back, and which session carries it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    ApiError,
    DeviceInactiveError,
    DeviceOfflineError,
    EnosError,
    NoReplyError,
    NotEncodableError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    QueueFullError,
    RejectedError,
)
from simulator import Guesses, Simulator

from .common import Trace, calls, client_of, until

# States of a command in EnOS.
CREATED, SUCCEEDED = 1, 5


async def test_instant(sim: Simulator, client: EnosClient) -> None:
    """An instant write is held until the device has answered."""
    device = sim.device("fcu")
    device.behaviour.reply_delay = 0.2
    command_id = await client.set_measurepoint(
        device.asset_id, "temp_setpoint", 21.5, timeout=7
    )
    assert sim.writes == [(device.asset_id, "temp_setpoint", 21.5)]
    (command,) = sim.commands
    assert command.command_id == command_id
    assert command.state == SUCCEEDED
    assert (command.timeout, command.pending_ttl) == (7, 0)
    assert calls(sim, "commands") == 1
    assert sim.rejections == []


async def test_defaults(sim: Simulator, client: EnosClient) -> None:
    """Unless told otherwise a write is instant and the device has 30 s."""
    await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
    assert (sim.commands[0].timeout, sim.commands[0].pending_ttl) == (30, 0)


async def test_cached(sim: Simulator, client: EnosClient) -> None:
    """A cached write returns when it is queued, and happens when the device is back."""
    device = sim.device("fcu")
    device.status = "offline"
    await client.set_measurepoint(device.asset_id, "mode", 2, pending_ttl=3600)
    assert sim.writes == []
    (command,) = sim.commands
    assert command.state == CREATED
    assert command.pending_ttl == 3600
    device.status = "online"
    await until(lambda: command.done)
    assert command.state == SUCCEEDED
    assert sim.writes == [(device.asset_id, "mode", 2)]
    assert sim.rejections == []


@pytest.mark.parametrize(
    ("timeout", "pending_ttl"), [(0, 0), (61, 0), (30, -1), (30, 172801)]
)
async def test_limits_are_the_gateways(
    sim: Simulator, client: EnosClient, timeout: int, pending_ttl: int
) -> None:
    """Times beyond the documented ones are refused by EnOS, and the write is not done."""
    with pytest.raises(RejectedError):
        await client.set_measurepoint(
            sim.device("fcu").asset_id,
            "mode",
            2,
            timeout=timeout,
            pending_ttl=pending_ttl,
        )
    assert sim.writes == []


async def failing(sim: Simulator, client: EnosClient, **arguments: Any) -> EnosError:
    """Write to the fan coil unit and return the error; no write is sent twice."""
    before = calls(sim, "commands")
    with pytest.raises(EnosError) as caught:
        await client.set_measurepoint(
            **{
                "asset_id": sim.device("fcu").asset_id,
                "point_id": "mode",
                "value": 2,
                **arguments,
            }
        )
    assert calls(sim, "commands") - before == 1
    return caught.value


async def test_device_that_is_away(sim: Simulator, client: EnosClient) -> None:
    """A device that is offline or was never activated is told apart."""
    device = sim.device("fcu")
    device.status = "offline"
    assert type(await failing(sim, client)) is DeviceOfflineError
    device.status = "inactive"
    assert type(await failing(sim, client)) is DeviceInactiveError
    assert sim.writes == []
    assert sim.rejections == []


@pytest.mark.parametrize("applies", [True, False])
@pytest.mark.parametrize("g8", ["data_null", "command_id"])
async def test_device_that_does_not_answer(
    session: aiohttp.ClientSession, g8: str, applies: bool
) -> None:
    """A device that stays silent may have obeyed: the outcome is unknown."""
    guesses = Guesses.from_dict({"G8": g8})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        behaviour = sim.device("fcu").behaviour
        behaviour.silent, behaviour.silent_applies = True, applies
        err = await failing(sim, client_of(sim, session), timeout=1)
        assert type(err) is NoReplyError
        assert err.outcome_unknown
        assert len(sim.writes) == int(applies)
        assert sim.rejections == []


async def test_command_behind_another(sim: Simulator, client: EnosClient) -> None:
    """A write that waited in vain behind another one was not sent."""
    device = sim.device("fcu")
    device.behaviour.silent = True
    await client.set_measurepoint(device.asset_id, "mode", 3, pending_ttl=60)
    err = await failing(sim, client, timeout=1)
    assert type(err) is NotSentError
    assert not err.outcome_unknown
    assert sim.rejections == []


async def test_full_queue(sim: Simulator, client: EnosClient) -> None:
    """The 51st cached command is refused."""
    device = sim.device("fcu")
    device.status = "offline"
    await asyncio.gather(
        *(
            client.set_measurepoint(device.asset_id, "mode", 2, pending_ttl=60)
            for _ in range(50)
        )
    )
    err = await failing(sim, client, pending_ttl=60)
    assert type(err) is QueueFullError
    assert sim.rejections == []


async def test_custom_format(sim: Simulator, client: EnosClient) -> None:
    """A product whose commands cannot be encoded is told as such."""
    sim.device("fcu").behaviour.custom_format = True
    assert type(await failing(sim, client)) is NotEncodableError


async def test_device_that_refuses(sim: Simulator, client: EnosClient) -> None:
    """A device's own refusal comes with its code; what it did is not known for sure."""
    sim.device("fcu").behaviour.reject_code = 2000
    err = await failing(sim, client)
    assert err.code == 2000
    assert "refused" in err.message
    assert err.outcome_unknown
    assert sim.writes == []


async def test_forbidden_device(sim: Simulator, client: EnosClient) -> None:
    """A device that may not be controlled is told as such."""
    sim.forbidden_assets.add(sim.device("fcu").asset_id)
    err = await failing(sim, client)
    assert type(err) is PermissionDeniedError
    assert sim.rejections == []


@pytest.mark.parametrize("g9", ["99400", "99404", "11795"])
@pytest.mark.parametrize("g7", ["english", "any_text"])
async def test_misfit(session: aiohttp.ClientSession, g9: str, g7: str) -> None:
    """An unknown point and a value that does not fit are refused under each of the codes."""
    guesses = Guesses.from_dict({"G9": g9, "G7": g7})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        for arguments in ({"point_id": "unheard"}, {"value": "warm"}, {"value": 99}):
            err = await failing(sim, client, **arguments)
            assert isinstance(err, NotFoundError if g9 == "99404" else RejectedError)
            assert err.code == int(g9)
            assert isinstance(err, ApiError)
            assert not err.outcome_unknown
        assert sim.writes == []


async def test_asset_list(sim: Simulator, client: EnosClient) -> None:
    """Two assets in one write are refused: a command is for one device."""
    both = f"{sim.device('fcu').asset_id},{sim.device('light').asset_id}"
    err = await failing(sim, client, asset_id=both)
    assert type(err) is NotFoundError
    assert sim.writes == []


async def test_caller_that_goes_away(sim: Simulator, client: EnosClient) -> None:
    """A caller that is cancelled leaves client and session fit for use."""
    device = sim.device("fcu")
    device.behaviour.reply_delay = 0.3
    task = asyncio.create_task(client.set_measurepoint(device.asset_id, "mode", 2))
    await until(lambda: len(sim.commands) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    device.behaviour.reply_delay = 0.02
    await client.set_measurepoint(device.asset_id, "mode", 3)
    assert sim.writes[-1] == (device.asset_id, "mode", 3)
    assert sim.rejections == []


async def test_sessions(sim: Simulator) -> None:
    """Commands go by their own session, everything else by the other; both stay open."""
    common, commands = Trace(), Trace()
    async with (
        aiohttp.ClientSession(trace_configs=[common.config()]) as session,
        aiohttp.ClientSession(trace_configs=[commands.config()]) as command_session,
    ):
        client = client_of(sim, session, command_session=command_session)
        device = sim.device("fcu")
        await client.set_measurepoint(device.asset_id, "mode", 2)
        await client.search_products()
        await client.search_devices()
        await client.device_exists("nothere1")
        await client.thing_models([device.model_id])
        await client.latest([device.asset_id], ["mode"])
        await client.query_latest(device.asset_id, ["mode"])
        sim.revoke_token()
        await client.set_measurepoint(device.asset_id, "mode", 3)
        with pytest.raises(EnosError):
            await client.set_measurepoint(device.asset_id, "mode", 77)
        assert {path.rsplit("/", 1)[1] for path in commands.paths} == {"commands"}
        assert len(commands.paths) == 4
        assert not [path for path in common.paths if path.endswith("commands")]
        assert len(common.paths) + len(commands.paths) == len(sim.requests)
        assert not session.closed
        assert not command_session.closed
    assert sim.writes == [(device.asset_id, "mode", 2), (device.asset_id, "mode", 3)]


async def test_one_session_for_all(sim: Simulator) -> None:
    """Without a session for commands the one session serves them too."""
    trace = Trace()
    async with aiohttp.ClientSession(trace_configs=[trace.config()]) as session:
        client = client_of(sim, session)
        await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
        assert len(trace.paths) == 2
        assert not session.closed


async def test_held_commands_do_not_hold_up_reads(sim: Simulator) -> None:
    """Reads pass while commands take all the connections of their own session."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as own,
    ):
        client = client_of(sim, session, command_session=own)
        lights = [
            device for device in sim.devices.values() if device.kind.key == "light"
        ]
        for device in lights:
            device.behaviour.reply_delay = 0.8
        await client.authenticate()
        writes = [
            asyncio.create_task(client.set_measurepoint(each.asset_id, "switch", True))
            for each in lights
        ]
        await until(lambda: len(sim.commands) == len(lights))
        assert await client.latest([lights[0].asset_id], ["switch"])
        assert not any(task.done() for task in writes)
        await asyncio.gather(*writes)
        assert len(sim.writes) == len(lights)


async def test_no_cookies(sim: Simulator) -> None:
    """The client sends no more than what the scheme needs."""
    async with aiohttp.ClientSession() as session:
        client = client_of(sim, session)
        await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
    for record in sim.requests:
        assert set(record.headers) <= {
            "host",
            "accept",
            "accept-encoding",
            "user-agent",
            "content-type",
            "content-length",
            "apim-accesstoken",
            "apim-signature",
            "apim-timestamp",
        }
