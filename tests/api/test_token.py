"""The token: had once, kept fresh, renewed when it is refused."""

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    AddressRefusedError,
    ConnectError,
    CredentialsError,
    EnosError,
    RateLimitError,
)
from simulator import Simulator

from .common import (
    TOKEN_PATH,
    Answer,
    Clocks,
    Exchange,
    Scripted,
    age_token,
    calls,
    client_of,
    in_turn,
    ok,
    read,
    refusal,
    token_actions,
    token_calls,
    token_reply,
    until,
)


async def test_authenticate(sim: Simulator, client: EnosClient) -> None:
    """Proving address and keys takes one token request, and no other."""
    assert client.token_age is None
    assert client.token_remaining is None
    await client.authenticate()
    assert [record.path for record in sim.requests] == [f"{TOKEN_PATH}get"]
    assert client.token_age is not None
    assert 0 <= client.token_age < 5
    assert client.token_remaining == pytest.approx(7200, abs=5)
    await client.authenticate()
    await read(sim, client)
    assert token_calls(sim) == ["get"]
    assert sim.rejections == []


async def test_one_request_for_all(sim: Simulator, client: EnosClient) -> None:
    """Twenty calls at once need one token request."""
    sim.faults.add("delay", path=TOKEN_PATH, seconds=0.1)
    await asyncio.gather(*(read(sim, client) for _ in range(20)))
    assert token_calls(sim) == ["get"]
    assert calls(sim, "measurepoints") == 20
    assert sim.rejections == []


async def test_one_refresh_for_all(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """Twenty calls at once need one early refresh."""
    await read(sim, client)
    clocks.passed += 6601
    age_token(sim, 6601)
    await asyncio.gather(*(read(sim, client) for _ in range(20)))
    assert token_calls(sim) == ["get", "refresh"]
    assert sim.rejections == []


async def test_one_renewal_for_all_refused(sim: Simulator, client: EnosClient) -> None:
    """Twenty calls whose token is refused at once bring one new token, not twenty."""
    await read(sim, client)
    sim.revoke_token()
    await asyncio.gather(*(read(sim, client) for _ in range(20)))
    assert token_calls(sim) == ["get", "get"]
    assert calls(sim, "measurepoints") <= 41
    assert sim.rejections == []


async def test_a_caller_that_leaves(sim: Simulator, client: EnosClient) -> None:
    """A caller that goes away while it gets the token for all leaves the others unharmed."""
    sim.faults.add("delay", path=TOKEN_PATH, seconds=0.3)
    tasks = [asyncio.create_task(read(sim, client)) for _ in range(5)]
    await until(lambda: len(sim.requests) == 1)
    tasks[0].cancel()
    tasks[1].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found[:2]] == [asyncio.CancelledError] * 2
    assert found[2:] == [None] * 3
    assert len(token_calls(sim)) <= 2


async def test_refresh_ten_minutes_early(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """A token is renewed ten minutes before its end, by `refresh`, and not sooner."""
    await read(sim, client)
    first = sim.tokens.current
    clocks.passed += 6590
    age_token(sim, 6590)
    await read(sim, client)
    assert token_calls(sim) == ["get"]
    assert client.token_remaining == pytest.approx(610, abs=5)
    clocks.passed += 15
    age_token(sim, 15)
    await read(sim, client)
    assert token_calls(sim) == ["get", "refresh"]
    assert sim.tokens.current != first
    assert client.token_remaining == pytest.approx(7200, abs=5)
    assert client.token_age == pytest.approx(0, abs=5)
    assert sim.rejections == []


async def test_expired_while_asleep(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """After a long pause the token is known to be over: nothing is sent with it."""
    await read(sim, client)
    clocks.passed += 9000
    age_token(sim, 9000)
    assert client.token_remaining == 0
    await read(sim, client)
    assert token_calls(sim) == ["get", "get"]
    assert calls(sim, "measurepoints") == 2


async def test_token_of_another_client(sim: Simulator, client: EnosClient) -> None:
    """`get` may give a token that has lived already; its end is what EnOS says."""
    await read(sim, client_of(sim, client._gateway._session))
    age_token(sim, 3600)
    await read(sim, client)
    assert token_calls(sim) == ["get", "get"]
    assert client.token_remaining == pytest.approx(3600, abs=5)


@pytest.mark.parametrize("left", [2, 30, 599])
async def test_little_life_left(sim: Simulator, client: EnosClient, left: int) -> None:
    """A token with little life left is renewed at once, and then kept."""
    other = client_of(sim, client._gateway._session)
    await read(sim, other)
    age_token(sim, 7200 - left)
    await read(sim, client)
    assert token_calls(sim) == ["get", "get", "refresh"]
    await read(sim, client)
    assert token_calls(sim) == ["get", "get", "refresh"]
    assert sim.rejections == []


async def test_short_lifetime(session: aiohttp.ClientSession) -> None:
    """Where tokens live for seconds only, they are renewed half-way, in real time."""
    async with Simulator(devices=1, physics=False, token_lifetime=2.0) as sim:
        client = client_of(sim, session)
        for _ in range(6):
            await read(sim, client)
            await asyncio.sleep(0.25)
        assert 3 <= len(token_calls(sim)) <= 9
        assert token_calls(sim)[:3] == ["get", "refresh", "refresh"]
        assert sim.rejections == []
        assert calls(sim, "measurepoints") == 6


@pytest.mark.parametrize("expire", [0, -5, None, "soon", 7200.5, "7200", "missing"])
async def test_lifetime_that_makes_no_sense(
    session: aiohttp.ClientSession, gateway: Scripted, expire: Any
) -> None:
    """A token whose life is not told is used all the same, without a request per call."""
    reply = token_reply("t", expire)
    if expire == "missing":
        del reply["data"]["expire"]
    gateway.answer_token = lambda _: reply
    client = gateway.client(session)
    for _ in range(10):
        await client.latest(["a"], ["p"])
    assert len(gateway.business) == 10
    assert len(token_actions(gateway)) <= 2


async def test_trouble_with_an_early_refresh(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """A refresh that fails harms nobody while the token lives, and is tried again."""
    await read(sim, client)
    clocks.passed += 6700
    age_token(sim, 6700)
    for kind, params in (
        ("drop", {}),
        ("status", {"status": 503}),
        ("rate_limit", {}),
        ("html", {}),
        ("status", {"status": 200, "body": refusal(1005)}),
    ):
        fault = sim.faults.add(kind, path=TOKEN_PATH, **params)  # type: ignore[arg-type]
        before = len(token_calls(sim))
        for _ in range(5):
            await read(sim, client)
        assert token_calls(sim)[before:] == ["refresh"], kind
        sim.faults.remove(fault)
        clocks.passed += 61
    before = len(token_calls(sim))
    await read(sim, client)
    assert token_calls(sim)[before:] == ["refresh"]
    assert client.token_remaining == pytest.approx(7200, abs=5)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("drop", {}),
        ("rate_limit", {}),
        ("status", {"status": 200, "body": refusal(1004)}),
    ],
)
async def test_refresh_refused_and_get_in_trouble(
    sim: Simulator,
    client: EnosClient,
    clocks: Clocks,
    kind: Any,
    params: dict[str, Any],
) -> None:
    """While the token lives, not even two failures of the token service harm a call."""
    await read(sim, client)
    clocks.passed += 6700
    age_token(sim, 6700)
    sim.faults.add(
        "status", path="token/refresh", status=200, body=refusal(1204), count=1
    )
    sim.faults.add(kind, path="token/get", count=1, **params)
    for _ in range(3):
        await read(sim, client)
    assert token_calls(sim) == ["get", "refresh", "get"]


async def test_refresh_refused(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """Where another client has refreshed the token, `get` brings the new one."""
    await read(sim, client)
    clocks.passed += 6700
    age_token(sim, 6700)
    other = client_of(sim, client._gateway._session)
    await read(sim, other)
    assert token_calls(sim) == ["get", "get", "refresh"]
    await read(sim, client)
    assert token_calls(sim) == ["get", "get", "refresh", "refresh", "get"]
    assert client.token_remaining == pytest.approx(7200, abs=5)
    assert sim.rejections == []


async def test_put_off_never_beyond_the_end(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """Shortly before its end a token is tried again sooner than in a minute."""
    await read(sim, client)
    clocks.passed += 7190
    age_token(sim, 7190)
    sim.faults.add("drop", path="token/refresh", count=1)
    await read(sim, client)
    clocks.passed += 6
    age_token(sim, 6)
    await read(sim, client)
    assert token_calls(sim) == ["get", "refresh", "refresh"]


async def test_same_token_again(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Where `get` gives the refused token again, `refresh` brings another."""
    tokens = iter(("one", "one", "two"))
    gateway.answer_token = lambda _: token_reply(next(tokens))

    def answer(exchange: Exchange) -> Answer:
        good = exchange.headers["apim-accesstoken"] == "two"
        return ok({"items": []}) if good else {"status": 1203, "msg": "expired"}

    gateway.answer = answer
    client = gateway.client(session)
    assert await client.latest(["a"], ["p"]) == {}
    assert token_actions(gateway) == ["get", "get", "refresh"]
    refresh = [each for each in gateway.exchanges if each.path.endswith("refresh")]
    assert refresh[0].json["accessToken"] == "one"


@pytest.mark.parametrize(
    "answer",
    [
        refusal(1204),
        refusal(1005),
        aiohttp.web.Response(status=503),
        aiohttp.web.Response(status=429),
    ],
    ids=["1204", "1005", "503", "429"],
)
async def test_same_token_and_no_refresh(
    session: aiohttp.ClientSession, gateway: Scripted, answer: Answer
) -> None:
    """A refused token that cannot be renewed is tried once more, in case it does by now."""

    def answer_token(exchange: Exchange) -> Answer:
        if exchange.path.endswith("refresh"):
            if isinstance(answer, aiohttp.web.Response):
                return aiohttp.web.Response(status=answer.status)
            return answer
        return token_reply("one")

    gateway.answer_token = answer_token
    gateway.answer = in_turn([{"status": 1203}, ok({"items": []})])
    client = gateway.client(session)
    assert await client.latest(["a"], ["p"]) == {}
    assert token_actions(gateway) == ["get", "get", "refresh"]


@pytest.mark.parametrize("repeats", [1, 2])
async def test_repeated_request(
    session: aiohttp.ClientSession, gateway: Scripted, repeats: int
) -> None:
    """1001 is answered by one more request with a fresh time, and by no third."""
    answers: Sequence[Answer] = [refusal(1001)] * repeats + [token_reply("t")]
    gateway.answer_token = in_turn(answers)
    client = gateway.client(session)
    if repeats == 1:
        await client.authenticate()
    else:
        with pytest.raises(EnosError) as caught:
            await client.authenticate()
        assert caught.value.code == 1001
        assert not isinstance(caught.value, CredentialsError)
    first, second = (exchange.json for exchange in gateway.exchanges)
    assert first["timestamp"] != second["timestamp"]
    assert first["encryption"] != second["encryption"]


async def test_clients_with_the_same_clock(
    sim: Simulator,
    session: aiohttp.ClientSession,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two clients that ask in the same millisecond both get their token."""
    now = clocks.time()
    monkeypatch.setattr(clocks, "time", lambda: now)
    await client_of(sim, session).authenticate()
    await client_of(sim, session).authenticate()
    assert token_calls(sim) == ["get", "get", "get"]
    assert len(sim.rejections) == 1
    assert "1001" in sim.rejections[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"secret_key": "wrong"}, 1003), ({"access_key": "wrong"}, 1002)],
)
async def test_wrong_keys(
    sim: Simulator, session: aiohttp.ClientSession, changes: dict[str, str], code: int
) -> None:
    """Wrong keys are told as such, after one request."""
    client = client_of(sim, session, **changes)
    for act in (client.authenticate(), client.search_products()):
        with pytest.raises(CredentialsError) as caught:
            await act
        assert caught.value.code == code
        assert not caught.value.outcome_unknown
    assert token_calls(sim) == ["get", "get"]
    assert len(sim.requests) == 2


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_wrong_keys_behind_a_path(
    session: aiohttp.ClientSession, gateway: Scripted, status: int
) -> None:
    """Wrong keys are told as such also with a path before the services and with HTTP 4xx."""
    gateway.answer_token = lambda _: aiohttp.web.json_response(
        refusal(1003), status=status
    )
    with pytest.raises(CredentialsError):
        await gateway.client(session, url=f"{gateway.url}/gw").authenticate()


async def test_keys_that_went_wrong(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """Keys that were taken back show when the next token is due."""
    await read(sim, client)
    sim.tokens.secret_key = "another"
    clocks.passed += 8000
    with pytest.raises(CredentialsError):
        await read(sim, client)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 1005, "msg": "internal service exception"},
        {"status": 1299, "msg": "who knows"},
        {"status": 0, "data": {"expire": 7200}},
        {"status": 0, "data": None},
        {"status": 0, "data": {"accessToken": "", "expire": 7200}},
        {"status": 0, "data": {"accessToken": 5, "expire": 7200}},
        {"msg": "SUCCESS"},
        [],
    ],
)
async def test_token_service_in_trouble(
    session: aiohttp.ClientSession, gateway: Scripted, answer: Answer
) -> None:
    """Without a token nothing was sent: a write that fails so has a known outcome."""
    gateway.answer_token = lambda _: answer
    client = gateway.client(session)
    with pytest.raises(ConnectError) as caught:
        await client.set_measurepoint("a", "p", 1)
    assert not caught.value.outcome_unknown
    assert gateway.business == []


async def test_token_service_refuses(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """What the gateway itself refuses of the token service keeps its meaning."""
    client = gateway.client(session)
    gateway.answer_token = lambda _: aiohttp.web.json_response(
        {"message": "Your IP address is not allowed"}, status=403
    )
    with pytest.raises(AddressRefusedError):
        await client.set_measurepoint("a", "p", 1)
    gateway.answer_token = lambda _: aiohttp.web.Response(
        status=429, headers={"Retry-After": "7"}
    )
    with pytest.raises(RateLimitError) as caught:
        await client.set_measurepoint("a", "p", 1)
    assert caught.value.retry_after == 7
    assert gateway.business == []


async def test_misspelt_envelope(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """The `stauts` of EnOS's own sample is understood, and its code as text."""
    gateway.answer_token = lambda _: {
        "stauts": "0",
        "data": {"accessToken": "t", "expire": "7200"},
    }
    client = gateway.client(session)
    await client.authenticate()
    assert client.token_remaining == pytest.approx(7200, abs=5)
    gateway.answer_token = lambda _: {"stauts": 1003, "msg": "no"}
    with pytest.raises(CredentialsError):
        await gateway.client(session).authenticate()


@pytest.mark.parametrize("text", ["bad\ntoken", "bad\r\nX-Evil: 1", "bad\x00"])
async def test_token_that_is_no_header(
    session: aiohttp.ClientSession, gateway: Scripted, text: str
) -> None:
    """A token that cannot be a header is an error of the family, and nothing is sent."""
    gateway.answer_token = lambda _: token_reply(text)
    with pytest.raises(EnosError) as caught:
        await gateway.client(session).set_measurepoint("a", "p", 1)
    assert not caught.value.outcome_unknown
    assert gateway.business == []
