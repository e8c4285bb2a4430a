"""A token or signature that is refused, for whatever reason and in whatever form."""

import asyncio
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import TokenRefusedError
from simulator import Guesses, Simulator

from .common import (
    TOKEN_PATH,
    Clocks,
    Scripted,
    age_token,
    calls,
    client_of,
    in_turn,
    ok,
    read,
    token_actions,
    token_calls,
    token_reply,
    until,
)


async def test_wrong_clock(sim: Simulator, client: EnosClient) -> None:
    """A clock that is wrong shows by how much, after one repetition and no more."""
    device = sim.device("fcu")
    sim.clock_offset = 3600
    with pytest.raises(TokenRefusedError) as caught:
        await client.query_latest(device.asset_id, ["power"])
    assert caught.value.clock_offset == pytest.approx(3600, abs=2)
    assert client.clock_offset == pytest.approx(3600, abs=2)
    assert not caught.value.outcome_unknown
    assert calls(sim, "measurepoints") == 2
    assert token_calls(sim) == ["get", "get", "refresh"]
    sim.clock_offset = -1800
    with pytest.raises(TokenRefusedError) as caught:
        await client.set_measurepoint(device.asset_id, "power", True)
    assert caught.value.clock_offset == pytest.approx(-1800, abs=2)
    assert sim.writes == []
    sim.clock_offset = 0
    await read(sim, client)
    assert client.clock_offset == pytest.approx(0, abs=2)


def with_date(content: dict[str, Any], date: str) -> aiohttp.web.Response:
    """Return a reply with a date of one's own."""
    response = aiohttp.web.json_response(content)
    response.headers["Date"] = date
    return response


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 25:00:00"])
async def test_no_clock(
    session: aiohttp.ClientSession, gateway: Scripted, date: str
) -> None:
    """A gateway that does not tell its time leaves the difference unknown."""
    gateway.answer = lambda _: with_date(ok({"items": []}), date)
    gateway.answer_token = lambda _: with_date(token_reply("t"), date)
    client = gateway.client(session)
    await client.latest(["a"], ["p"])
    assert client.clock_offset is None


async def test_clock_without_a_zone(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A date without a zone is taken as UTC."""
    gateway.answer_token = lambda _: with_date(
        token_reply("t"), "Sun, 22 Nov 2026 18:00:00 -0000"
    )
    client = gateway.client(session)
    await client.authenticate()
    assert client.clock_offset is not None


G1 = ["message_401", "status_1203", "code_1203", "apim_status"]
G2 = ["as_g1", "code_1003", "status_1003"]


@pytest.mark.parametrize("g5", ["stays_valid", "invalid_at_once"])
@pytest.mark.parametrize("g1", G1)
@pytest.mark.parametrize("how", ["expired", "revoked", "refreshed by another"])
async def test_token_that_ended(
    session: aiohttp.ClientSession, how: str, g1: str, g5: str
) -> None:
    """A token that ended unexpectedly is replaced, and the call repeated once."""
    guesses = Guesses.from_dict({"G1": g1, "G5": g5})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        await read(sim, client)
        if how == "expired":
            await sim.expire_tokens()
        elif how == "revoked":
            sim.revoke_token()
        else:
            age_token(sim, 7000)
            await read(sim, client_of(sim, session))
            if g5 == "stays_valid":
                await read(sim, client)
                return
        before = calls(sim, "measurepoints")
        await asyncio.gather(*(read(sim, client) for _ in range(8)))
        assert calls(sim, "measurepoints") - before <= 16
        await read(sim, client)
        device = sim.device("fcu")
        sim.revoke_token()
        await client.set_measurepoint(device.asset_id, "mode", 2)
        assert sim.writes == [(device.asset_id, "mode", 2)]
        assert sim.rejections == []


@pytest.mark.parametrize("g2", G2)
@pytest.mark.parametrize("g1", G1)
async def test_signature_refused(
    session: aiohttp.ClientSession, g1: str, g2: str
) -> None:
    """A signature that is refused twice is a `TokenRefusedError`, in whatever form it comes."""
    guesses = Guesses.from_dict({"G1": g1, "G2": g2})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        device = sim.device("fcu")
        await client.authenticate()
        sim.secret_key = "another"
        with pytest.raises(TokenRefusedError) as caught:
            await client.set_measurepoint(device.asset_id, "power", False)
        assert caught.value.code in (401, 1203, 1003, 4011)
        assert caught.value.clock_offset == pytest.approx(0, abs=2)
        assert not caught.value.outcome_unknown
        assert calls(sim, "commands") == 2
        assert sim.writes == []
        # It is not for ever: as soon as the gateway agrees, all is well.
        sim.secret_key = sim.tokens.secret_key
        await client.set_measurepoint(device.asset_id, "power", False)
        assert sim.writes == [(device.asset_id, "power", False)]


@pytest.mark.parametrize("code", [401, 1002, 1003, 1203, 4011, 4012])
@pytest.mark.parametrize("key", ["code", "status", "apim_status"])
async def test_codes_that_refuse_a_token(
    session: aiohttp.ClientSession, gateway: Scripted, key: str, code: int
) -> None:
    """Each code by which a token may be refused leads to a new token and a repetition."""
    gateway.answer = in_turn([{key: code, "msg": "no"}, ok({"items": []})])
    assert await gateway.client(session).latest(["a"], ["p"]) == {}
    assert token_actions(gateway) == ["get", "get", "refresh"]
    assert len(gateway.business) == 2
    one, two = (each.headers["apim-timestamp"] for each in gateway.business)
    assert one != two


async def test_two_clients_that_take_the_token_from_each_other(
    session: aiohttp.ClientSession, clocks: Clocks
) -> None:
    """Two clients of the same keys live beside each other, also where a refresh kills."""
    guesses = Guesses.from_dict({"G5": "invalid_at_once"})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        clients = [client_of(sim, session) for _ in range(2)]
        for _ in range(4):
            await asyncio.gather(*(read(sim, client) for client in clients * 5))
            clocks.passed += 6650
            age_token(sim, 6650)
        assert sim.rejections == []


async def test_calls_on_their_way_when_the_token_is_renewed(
    session: aiohttp.ClientSession, clocks: Clocks
) -> None:
    """A call whose token is replaced while it is on its way is repeated, a write as well."""
    guesses = Guesses.from_dict({"G5": "invalid_at_once"})
    async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        device = sim.device("fcu")
        await read(sim, client)
        sim.faults.add("delay", action="setMeasurepoint", seconds=0.5, count=1)
        write = asyncio.create_task(client.set_measurepoint(device.asset_id, "mode", 3))
        await until(lambda: calls(sim, "commands") == 1)
        clocks.passed += 6650
        await read(sim, client)
        await write
        assert token_calls(sim) == ["get", "refresh"]
        assert calls(sim, "commands") == 2
        assert sim.writes == [(device.asset_id, "mode", 3)]
        assert sim.rejections == []


async def test_token_service_that_hangs(
    sim: Simulator,
    client: EnosClient,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewal that does not come holds nobody up for long: the old token still lives."""
    monkeypatch.setattr("custom_components.enos.api.auth._REFRESH_PATIENCE", 0.2)
    await read(sim, client)
    first = sim.tokens.current
    clocks.passed += 6700
    age_token(sim, 6700)
    sim.faults.add("delay", path=TOKEN_PATH, seconds=20)
    async with asyncio.timeout(5):
        await asyncio.gather(*(read(sim, client) for _ in range(5)))
    assert sim.tokens.current is first
    assert token_calls(sim).count("refresh") == 1
