"""What is signed is what is sent, and what is sent is what was meant."""

import asyncio
import copy

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient, in_expression
from custom_components.enos.api.errors import RejectedError
from custom_components.enos.api.models import JsonValue
from simulator import Simulator

from .common import LATEST_PATH, ORG_ID, Clocks, Scripted, Trace, client_of, ok

ODD = "温度/设 定+1&x=é%41?#'\"~*()[]"


@pytest.mark.parametrize(
    "value",
    [
        "开启",
        {"模式": "制冷", "n": [1, 2.5, None, True]},
        21.5,
        1e-7,
        -0.0,
        2**53 + 1,
        -(2**70),
        'quote " back\\slash \u2028 \U0001f600',
        "",
        None,
        False,
        [],
    ],
)
async def test_body_bytes(
    session: aiohttp.ClientSession, gateway: Scripted, value: JsonValue
) -> None:
    """The signature covers the very bytes of the body, whatever is in it."""
    gateway.answer = lambda _: ok({"commandId": "1"})
    await gateway.client(session).set_measurepoint("a", "p", value)
    (exchange,) = gateway.business
    assert exchange.json == {"value": value}
    assert exchange.signed_well()
    assert exchange.headers["content-type"] == "application/json;charset=UTF-8"


async def test_reserved_characters(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Reserved characters in values arrive as they are, and are signed decoded."""
    gateway.answer = lambda _: ok({"commandId": "1"})
    client = gateway.client(session, org_id=f"o{ODD}")
    await client.set_measurepoint(f"a{ODD}", f"p{ODD}", 1)
    (exchange,) = gateway.business
    assert exchange.query == {
        "action": "setMeasurepoint",
        "assetId": f"a{ODD}",
        "measurepointId": f"p{ODD}",
        "orgId": f"o{ODD}",
        "pendingTtl": "0",
        "timeout": "30",
    }
    assert exchange.signed_well()
    # Neither '+' nor anything else whose meaning is a matter of opinion.
    assert exchange.raw_query.isascii()
    assert not set("+ '\"()[]*?#/") & set(exchange.raw_query)


async def test_simulator_takes_reserved_characters(
    sim: Simulator, client: EnosClient
) -> None:
    """A gateway that decodes before it verifies agrees with the signature."""
    device = sim.device("fcu")
    points = sim.models[device.model_id]["measurepoints"]
    points[ODD] = {**copy.deepcopy(points["temp_setpoint"]), "identifier": ODD}
    await client.set_measurepoint(device.asset_id, ODD, 22.5)
    assert sim.writes == [(device.asset_id, ODD, 22.5)]
    assert sim.rejections == []


async def test_every_call_is_signed(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Each call of the client carries the organization and a signature that fits."""
    client = gateway.client(session)
    await client.search_products()
    await client.search_devices(product_keys=["产品"], device_keys=["é"])
    await client.device_exists("asset")
    await client.thing_models(["模型"])
    await client.latest(["a", "b"], ["温度"])
    await client.query_latest("a", ["温度"])
    await client.set_measurepoint("a", "温度", "热")
    assert len(gateway.business) == 8
    for exchange in gateway.business:
        assert exchange.signed_well(), exchange.path
        assert exchange.query["orgId"] == ORG_ID
        assert (exchange.method == "GET") == (not exchange.body)


async def test_path_before_the_services(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A gateway may stand behind a path; that is sent and, as any path, not signed."""
    client = gateway.client(session, url=f"{gateway.url}/gw/")
    await client.latest(["a"], ["p"])
    assert [exchange.path for exchange in gateway.exchanges] == [
        "/gw/apim-token-service/v2.0/token/get",
        f"/gw{LATEST_PATH}",
    ]
    assert gateway.business[0].signed_well()


async def test_lists_of_ids_are_texts(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Assets and points go as comma-separated texts to the time series."""
    await gateway.client(session).latest(["a", "b"], ["p", "q", "r"])
    assert gateway.business[0].json == {"assetIds": "a,b", "pointIds": "p,q,r"}
    assert gateway.business[0].query == {"orgId": ORG_ID}


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        {"x": [1.0, float("-inf")]},
        "\ud800",
        {"\udfff": 1},
        object(),
    ],
    ids=["nan", "inf", "inner inf", "half a character", "half a key", "no JSON"],
)
async def test_what_json_cannot_say(
    sim: Simulator, client: EnosClient, value: JsonValue
) -> None:
    """A value that JSON cannot carry is refused before anything goes out."""
    device = sim.device("ahu")
    with pytest.raises(RejectedError) as caught:
        await client.set_measurepoint(device.asset_id, "operator_note", value)
    assert not caught.value.outcome_unknown
    assert sim.requests == []


async def test_id_that_a_url_cannot_say(sim: Simulator, client: EnosClient) -> None:
    """An id that is no proper text is refused before anything goes out."""
    with pytest.raises(RejectedError):
        await client.query_latest("\ud800", ["p"])
    assert sim.requests == []


def test_in_expression() -> None:
    """Values are quoted; what could end the quotation is refused."""
    assert in_expression("modelId", ["a"]) == "modelId in ('a')"
    assert in_expression("assetId", ("a", "b,c")) == "assetId in ('a','b,c')"
    for value in ("a'b", 'a"b', "'"):
        with pytest.raises(RejectedError, match="quotation mark"):
            in_expression("assetId", ["x", value])


@pytest.mark.parametrize("quoted", ["x') or assetId in ('y", '"'])
async def test_expressions_cannot_be_broken_out_of(
    sim: Simulator, client: EnosClient, quoted: str
) -> None:
    """A key with a quotation mark never reaches the gateway."""
    for search in (
        client.search_devices(product_keys=[quoted]),
        client.search_devices(asset_ids=[quoted]),
        client.search_devices(device_keys=[quoted]),
        client.find_device("p", quoted),
        client.device_exists(quoted),
        client.thing_models([quoted]),
    ):
        with pytest.raises(RejectedError):
            await search
    assert sim.requests == []


async def test_timestamps_never_repeat(sim: Simulator) -> None:
    """No two requests have the same time, also those of the same millisecond."""
    sim.refuse_replays = True
    trace = Trace()
    async with aiohttp.ClientSession(trace_configs=[trace.config()]) as session:
        client = client_of(sim, session)
        device = sim.device("fcu")
        await asyncio.gather(
            *(client.query_latest(device.asset_id, ["power"]) for _ in range(60))
        )
    assert len(trace.timestamps) == 60
    assert len(set(trace.timestamps)) == 60
    assert sim.rejections == []


async def test_clock_that_stands_still(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the clock stands still, timestamps go on by a millisecond."""
    monkeypatch.setattr(clocks, "time", lambda: 1700000000.0)
    client = gateway.client(session)
    for _ in range(3):
        await client.latest(["a"], ["p"])
    stamps = [exchange.headers["apim-timestamp"] for exchange in gateway.business]
    assert stamps == ["1700000000001", "1700000000002", "1700000000003"]


async def test_clock_that_is_put_right(
    sim: Simulator, client: EnosClient, clocks: Clocks
) -> None:
    """A clock that was ahead and is put right does not lock the client out."""
    device = sim.device("fcu")
    sim.clock_offset = clocks.wall_offset = 3600
    assert await client.query_latest(device.asset_id, ["power"])
    sim.clock_offset = clocks.wall_offset = 0
    assert await client.query_latest(device.asset_id, ["power"])
    assert sim.rejections == []


async def test_clock_that_goes_back_a_little(
    session: aiohttp.ClientSession, gateway: Scripted, clocks: Clocks
) -> None:
    """A clock that is set back a little does not make timestamps repeat."""
    client = gateway.client(session)
    for _ in range(20):
        clocks.wall_offset -= 0.5
        await client.latest(["a"], ["p"])
    stamps = [int(each.headers["apim-timestamp"]) for each in gateway.business]
    assert len(set(stamps)) == len(stamps)
