"""What the client counts of its requests and of what failed."""

from datetime import date
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import EnosError, TokenRefusedError
from simulator import Simulator

from .common import (
    ACCESS_KEY,
    SECRET_KEY,
    TOKEN,
    Scripted,
    client_of,
    in_turn,
    ok,
    read,
)


class Calendar:
    """Tells a date that a test turns."""

    def __init__(self) -> None:
        """Start on some day."""
        self.day = date(2026, 11, 22)

    def __call__(self) -> date:
        """Return the date."""
        return self.day


async def test_each_exchange_counts_once(sim: Simulator, client: EnosClient) -> None:
    """Requests are counted as the gateway counts them, those for tokens included."""
    assert (client.statistics.requests, client.statistics.requests_today) == (0, 0)
    device = sim.device("fcu")
    await client.search_devices()
    await client.set_measurepoint(device.asset_id, "mode", 2)
    await client.search_commands(device.asset_id)
    sim.revoke_token()
    await read(sim, client)
    sim.faults.add("drop", path="measurepoints", count=1)
    await read(sim, client)
    assert client.statistics.requests == len(sim.requests) == 9
    assert client.statistics.requests_today == 9
    assert client.statistics.errors == {"401": 1, "BrokenError": 1}


async def test_midnight(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """What is counted for a day begins anew with the next, read or counted."""
    today = Calendar()
    client = client_of(sim, session, today=today)
    await read(sim, client)
    assert client.statistics.requests_today == 2
    today.day = date(2026, 11, 23)
    assert client.statistics.requests_today == 0
    await read(sim, client)
    assert client.statistics.requests_today == 1
    # A clock that is put back a day as well.
    today.day = date(2026, 11, 22)
    await read(sim, client)
    await read(sim, client)
    assert client.statistics.requests_today == 2
    assert client.statistics.requests == 5


async def test_without_a_calendar(sim: Simulator, client: EnosClient) -> None:
    """Without a calendar of one's own that of this machine counts."""
    await read(sim, client)
    assert client.statistics.requests == 2


FAILURES: list[tuple[Any, str]] = [
    ({"code": 11900, "msg": "off"}, "11900"),
    ({"code": 2000}, "2000"),
    ({"code": 99403}, "99403"),
    (aiohttp.web.Response(status=429), "429"),
    (aiohttp.web.Response(status=413), "413"),
    (aiohttp.web.Response(status=503), "503"),
    (aiohttp.web.json_response({"message": "IP no"}, status=403), "403"),
    (aiohttp.web.Response(status=302), "302"),
    ("no JSON", "ReplyLostError"),
    ({"hello": "you"}, "ReplyLostError"),
]


@pytest.mark.parametrize(("answer", "kind"), FAILURES)
async def test_kinds(
    session: aiohttp.ClientSession, gateway: Scripted, answer: Any, kind: str
) -> None:
    """A failure counts under EnOS's code or HTTP's status, else under its class."""
    gateway.answer = lambda _: answer
    client = gateway.client(session)
    with pytest.raises(EnosError):
        await client.set_measurepoint("a", "p", 1)
    assert client.statistics.errors == {kind: 1}
    assert client.statistics.requests == 2


async def test_both_refusals_of_a_token_count(
    sim: Simulator, client: EnosClient
) -> None:
    """A token that is refused twice failed twice; one failure of the token service, once."""
    sim.clock_offset = 3600
    with pytest.raises(TokenRefusedError):
        await read(sim, client)
    assert client.statistics.errors == {"401": 2}
    sim.tokens.secret_key = "another"
    sim.revoke_token()
    with pytest.raises(EnosError):
        await read(sim, client)
    assert client.statistics.errors["1003"] == 1
    assert client.statistics.requests == len(sim.requests)


async def test_no_connection(session: aiohttp.ClientSession, gateway: Scripted) -> None:
    """An attempt to connect counts; what was never tried does not."""
    client = gateway.client(session, url="http://127.0.0.1:1")
    with pytest.raises(EnosError):
        await client.authenticate()
    assert client.statistics.errors == {"ConnectError": 1}
    client = gateway.client(session)
    await client.authenticate()
    with pytest.raises(EnosError):
        await client.set_measurepoint("a", "p", float("nan"))
    await session.close()
    with pytest.raises(EnosError):
        await client.set_measurepoint("a", "p", 1)
    assert client.statistics.requests == 1
    assert client.statistics.errors == {}


async def test_kinds_are_limited(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """However many kinds of failure there are, fifty are told apart at most."""
    client = gateway.client(session)
    codes = [*range(20001, 20101), 20001, 20100]
    gateway.answer = in_turn([{"code": code} for code in codes])
    for _ in codes:
        with pytest.raises(EnosError):
            await client.set_measurepoint("a", "p", 1)
    errors = client.statistics.errors
    assert len(errors) == 50
    assert errors["20001"] == 2
    assert errors["20049"] == 1
    assert errors["other"] == 102 - 50
    assert sum(errors.values()) == 102


async def test_no_secret_is_kept(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """What failed is counted without a word of what was said."""
    client = gateway.client(session)
    gateway.answer = lambda _: {"code": 5, "msg": f"{SECRET_KEY} {ACCESS_KEY} {TOKEN}"}
    with pytest.raises(EnosError):
        await client.latest(["a"], ["p"])
    gateway.answer = lambda _: ok({"items": []})
    await client.latest(["a"], ["p"])
    assert client.statistics.errors == {"5": 1}
    told = repr(vars(client.statistics))
    assert not any(secret in told for secret in (SECRET_KEY, ACCESS_KEY, TOKEN))
