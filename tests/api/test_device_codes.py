"""A device's own code is no matter of tokens; the id of a command that failed is kept."""

from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    EnosError,
    NoReplyError,
    ReplyLostError,
    TokenRefusedError,
    UnknownCodeError,
)
from simulator import Guesses, Simulator

from .common import Scripted, calls, client_of, in_turn, ok, token_actions

# Numbers by which the gateway or the token service may refuse a token.
TOKEN_CODES = [401, 1002, 1003, 1203, 4011, 4012]
# Others that the token service has, and that devices have too (1204: model validation).
MORE_CODES = [1001, 1004, 1005, 1202, 1204, 2000]


async def write(
    client: EnosClient, asset_id: str, kind: str, timeout: int = 30
) -> None:
    """Send a command."""
    if kind == "write":
        await client.set_measurepoint(asset_id, "mode", 2, timeout=timeout)
    else:
        await client.invoke_service(asset_id, "reset", {"delay": 1}, timeout=timeout)


@pytest.mark.parametrize("kind", ["write", "service"])
@pytest.mark.parametrize("code", TOKEN_CODES + MORE_CODES)
async def test_device_that_refuses(
    sim: Simulator, client: EnosClient, code: int, kind: str
) -> None:
    """A command that a device refused goes out once, and the token is left alone."""
    device = sim.device("fcu")
    device.behaviour.reject_code = code
    await client.authenticate()
    before = len(sim.requests)
    with pytest.raises(UnknownCodeError) as caught:
        await write(client, device.asset_id, kind)
    assert caught.value.code == code
    assert caught.value.outcome_unknown
    assert "refused" in caught.value.message
    assert len(sim.commands) == 1
    assert len(sim.requests) == before + 1
    # Cached, the code does not come with the reply.
    await client.set_measurepoint(device.asset_id, "mode", 2, pending_ttl=60)
    assert sim.rejections == []


@pytest.mark.parametrize("kind", ["write", "service"])
@pytest.mark.parametrize(
    ("status", "key", "code"),
    [
        (401, "code", 1203),
        (401, "code", 1003),
        (401, "message", "Invalid authentication credentials"),
        *(
            (200, key, code)
            for key in ("status", "apim_status")
            for code in TOKEN_CODES
        ),
    ],
)
async def test_gateway_that_refuses(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    status: int,
    key: str,
    code: Any,
    kind: str,
) -> None:
    """What stands before the services refuses tokens in other ways: the write is repeated."""
    refusal = aiohttp.web.json_response({key: code}, status=status)
    gateway.answer = in_turn([refusal, ok({"commandId": "7"})])
    await write(gateway.client(session), "a", kind)
    assert len(gateway.business) == 2
    assert token_actions(gateway) == ["get", "get", "refresh"]
    first, second = gateway.business
    assert first.body == second.body


@pytest.mark.parametrize("code", TOKEN_CODES)
async def test_token_refused_as_a_device_would(
    session: aiohttp.ClientSession, gateway: Scripted, code: int
) -> None:
    """A gateway that refuses tokens in `code`: no write is repeated, a read mends it."""
    gateway.answer = in_turn([{"code": code}, {"code": code}, ok({"items": []}), ok()])
    client = gateway.client(session)
    with pytest.raises(UnknownCodeError):
        await client.set_measurepoint("a", "p", 1)
    assert len(gateway.business) == 1
    assert await client.latest(["a"], ["p"]) == {}
    assert token_actions(gateway) == ["get", "get", "refresh"]
    await client.set_measurepoint("a", "p", 1)
    assert len(gateway.business) == 4


@pytest.mark.parametrize("key", ["code", "status"])
async def test_refused_for_good(
    session: aiohttp.ClientSession, gateway: Scripted, key: str
) -> None:
    """Cancelling, which does no harm twice, is repeated once under each name of the code."""
    gateway.answer = lambda _: {key: 1203}
    with pytest.raises(TokenRefusedError):
        await gateway.client(session).cancel_commands("a")
    assert len(gateway.business) == 2


@pytest.mark.parametrize("kind", ["write", "service"])
@pytest.mark.parametrize("g8", ["data_null", "command_id"])
async def test_id_of_a_command_without_reply(
    session: aiohttp.ClientSession, g8: str, kind: str
) -> None:
    """Where EnOS names the command that its device did not answer, the error does so too."""
    guesses = Guesses.from_dict({"G8": g8})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        device = sim.device("fcu")
        device.behaviour.silent = True
        client = client_of(sim, session)
        await client.authenticate()
        with pytest.raises(NoReplyError) as caught:
            await write(client, device.asset_id, kind, timeout=1)
        told = g8 == "command_id"
        assert caught.value.command_id == (sim.commands[0].command_id if told else "")
        assert calls(sim, "commands") == 1


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, {"code": 11915}),
        (200, {"code": 11904}),
        (200, {"code": 2000}),
        (200, {"code": 123456}),
        (500, {"code": 99500}),
        (400, {"code": 0}),
    ],
)
@pytest.mark.parametrize("data", [{"commandId": "7"}, {"commandId": 7}, None, [], "7"])
async def test_id_in_an_error(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    status: int,
    content: dict[str, Any],
    data: Any,
) -> None:
    """Whatever the error, the command's id in it is kept, as text."""
    gateway.answer = lambda _: aiohttp.web.json_response(
        {**content, "data": data}, status=status
    )
    with pytest.raises(EnosError) as caught:
        await gateway.client(session).set_measurepoint("a", "p", 1)
    assert caught.value.command_id == ("7" if isinstance(data, dict) else "")


async def test_no_id_without_a_reply(sim: Simulator, client: EnosClient) -> None:
    """Where there is no reply, there is no id."""
    sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    with pytest.raises(ReplyLostError) as caught:
        await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
    assert caught.value.command_id == ""
