"""Lists: page by page, complete, and never without an end."""

import asyncio
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import PAGE_SIZE, EnosClient
from custom_components.enos.api.errors import NotFoundError, RateLimitError
from custom_components.enos.api.models import DeviceStatus
from simulator import Simulator

from .common import Answer, Exchange, Json, Scripted, calls, client_of, ok, until


@pytest.mark.parametrize(
    ("count", "pages"), [(0, 1), (1, 1), (199, 1), (200, 2), (201, 2), (1000, 5)]
)
async def test_number_of_devices(
    session: aiohttp.ClientSession, count: int, pages: int
) -> None:
    """All devices come, each once, with as many requests as there are pages."""
    async with Simulator(devices=count, physics=False) as sim:
        client = client_of(sim, session)
        found = await client.search_devices()
        assert len(found) == count
        assert {device.asset_id for device in found} == set(sim.devices)
        assert calls(sim, "devices", "search") == pages
        assert sim.rejections == []


def page_of(
    exchange: Exchange, ids: list[str], *, pagination: bool = True, **more: Any
) -> Json:
    """Return the page of a list that a request asks for."""
    asked = exchange.json["pagination"]
    start = (asked["pageNo"] - 1) * asked["pageSize"]
    data = [{"assetId": each} for each in ids[start : start + asked["pageSize"]]]
    if not pagination:
        return ok(data)
    return ok(data, pagination={**asked, "totalSize": len(ids), **more})


def numbered(count: int) -> list[str]:
    """Return ids."""
    return [f"id{number:05}" for number in range(count)]


async def ids(client: EnosClient) -> list[str]:
    """Return the ids of all devices."""
    return [device.asset_id for device in await client.search_devices()]


async def test_what_is_asked(session: aiohttp.ClientSession, gateway: Scripted) -> None:
    """Pages are asked one by one, as large as EnOS allows, with what is needed only."""
    gateway.answer = lambda exchange: page_of(exchange, numbered(450))
    assert await ids(gateway.client(session)) == numbered(450)
    bodies = [exchange.json for exchange in gateway.business]
    assert [body["pagination"] for body in bodies] == [
        {"pageNo": 1, "pageSize": 200},
        {"pageNo": 2, "pageSize": 200},
        {"pageNo": 3, "pageSize": 200},
    ]
    assert PAGE_SIZE == 200
    assert not any("expression" in body for body in bodies)
    assert not any("Secret" in field for body in bodies for field in body["projection"])


@pytest.mark.parametrize("form", [str, float])
@pytest.mark.parametrize("name", ["totalSize", "totalSzie"])
async def test_names_and_forms_of_the_total(
    session: aiohttp.ClientSession, gateway: Scripted, name: str, form: Any
) -> None:
    """The total is understood misspelt, as text and as a fraction."""

    def answer(exchange: Exchange) -> Answer:
        page = page_of(exchange, numbered(401))
        page["pagination"] = {name: form(401)}
        if form is float and name == "totalSize":
            page["pagination"] = {"totalSize": "many", "totalSzie": 401}
        return page

    gateway.answer = answer
    assert await ids(gateway.client(session)) == numbered(401)
    assert len(gateway.business) == 3


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (199, 1), (200, 2), (201, 2), (400, 3)]
)
async def test_no_pagination(
    session: aiohttp.ClientSession, gateway: Scripted, count: int, requests: int
) -> None:
    """Where EnOS does not tell the total, a full page means that there may be another."""
    gateway.answer = lambda exchange: page_of(
        exchange, numbered(count), pagination=False
    )
    assert await ids(gateway.client(session)) == numbered(count)
    assert len(gateway.business) == requests


@pytest.mark.parametrize("data", [None, {}, "none", 5, [1, None, "x"]])
async def test_no_list(
    session: aiohttp.ClientSession, gateway: Scripted, data: Any
) -> None:
    """Where there is no list, there is nothing in it."""
    gateway.answer = lambda _: ok(data, pagination=None)
    client = gateway.client(session)
    assert await client.search_devices() == ()
    assert await client.search_products() == ()
    assert len(gateway.business) == 2


async def test_smaller_pages_than_asked(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A gateway that gives smaller pages than asked is read to the end as well."""

    def answer(exchange: Exchange) -> Answer:
        number = exchange.json["pagination"]["pageNo"]
        part = numbered(90)[(number - 1) * 20 : number * 20]
        data = [{"assetId": each} for each in part]
        return ok(data, pagination={"pageSize": 20, "totalSize": 90})

    gateway.answer = answer
    assert await ids(gateway.client(session)) == numbered(90)
    assert len(gateway.business) == 5


async def test_total_that_is_too_high(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """An empty page is the end, whatever the total says."""
    gateway.answer = lambda exchange: page_of(exchange, numbered(250), totalSize=9999)
    assert await ids(gateway.client(session)) == numbered(250)
    assert len(gateway.business) == 3


@pytest.mark.parametrize(
    ("count", "requests"),
    [(0, 1), (199, 1), (200, 2), (201, 2), (400, 3), (599, 3), (600, 4)],
)
async def test_total_of_the_page(
    session: aiohttp.ClientSession, gateway: Scripted, count: int, requests: int
) -> None:
    """A gateway that tells the page's size for the total is read to the end as well."""

    def answer(exchange: Exchange) -> Answer:
        page = page_of(exchange, numbered(count))
        page["pagination"]["totalSize"] = len(page["data"])
        return page

    gateway.answer = answer
    assert await ids(gateway.client(session)) == numbered(count)
    assert len(gateway.business) == requests


@pytest.mark.parametrize("total", [0, -1, 1, 150])
@pytest.mark.parametrize(("count", "requests"), [(200, 2), (401, 3)])
async def test_total_that_is_too_low(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    total: int,
    count: int,
    requests: int,
) -> None:
    """A total below what a full page holds is not believed."""
    gateway.answer = lambda exchange: page_of(
        exchange, numbered(count), totalSize=total
    )
    assert await ids(gateway.client(session)) == numbered(count)
    assert len(gateway.business) == requests


@pytest.mark.parametrize(
    ("count", "requests"),
    [(199, 1), (200, 2), (201, 2), (399, 2), (400, 2), (600, 3)],
)
async def test_price_of_the_doubt(
    session: aiohttp.ClientSession, gateway: Scripted, count: int, requests: int
) -> None:
    """An honest total of just one page costs one request more, and no other does."""
    gateway.answer = lambda exchange: page_of(exchange, numbered(count))
    assert await ids(gateway.client(session)) == numbered(count)
    assert len(gateway.business) == requests


async def test_last_page_for_ever(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A gateway that repeats its last page for ever is left after the first repetition."""

    def answer(exchange: Exchange) -> Answer:
        number = min(exchange.json["pagination"]["pageNo"], 3)
        part = numbered(600)[(number - 1) * 200 : number * 200]
        return ok([{"assetId": each} for each in part])

    gateway.answer = answer
    assert await ids(gateway.client(session)) == numbered(600)
    assert len(gateway.business) == 4


async def test_same_page_for_ever(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A gateway that knows no pages is asked twice, not five thousand times."""
    gateway.answer = lambda _: ok(
        [{"assetId": each} for each in numbered(200)],
        pagination={"totalSize": 10**9},
    )
    assert await ids(gateway.client(session)) == numbered(200)
    assert len(gateway.business) == 2


async def test_device_on_two_pages(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """A device that slips to the next page while the list is read counts once."""
    for _ in range(190):
        sim.add_device("light")
    client = client_of(sim, session)
    known = set(sim.devices)
    await client.authenticate()
    sim.faults.add("delay", path="devices", seconds=0.3)
    search = asyncio.create_task(client.search_devices())
    await until(lambda: calls(sim, "devices") == 2)
    new = sim.add_device("fcu")
    found = [device.asset_id for device in await search]
    assert len(found) == len(set(found))
    assert set(found) == known
    assert new.asset_id not in found
    assert calls(sim, "devices") == 2


async def test_newest_news_of_a_device_on_two_pages(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Of a device on two pages the later news counts."""
    first = [{"assetId": each, "status": "offline"} for each in numbered(200)]
    second = [{"assetId": "id00199", "status": "online"}]

    def answer(exchange: Exchange) -> Answer:
        page = [first, second][exchange.json["pagination"]["pageNo"] - 1]
        return ok(page, pagination={"totalSize": 201})

    gateway.answer = answer
    found = await gateway.client(session).search_devices()
    assert len(found) == 200
    assert found[-1].status is DeviceStatus.ONLINE


async def test_items_without_an_id(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """An item that lacks its id is passed over and does not end the list."""

    def answer(exchange: Exchange) -> Answer:
        page = page_of(exchange, numbered(401))
        page["data"][0] = {"deviceKey": "no asset"}
        page["data"][-1] = {"assetId": 5}
        return page

    gateway.answer = answer
    found = await ids(gateway.client(session))
    assert found == [
        each
        for number, each in enumerate(numbered(401))
        if number not in (0, 199, 200, 399, 400)
    ]


async def test_page_that_fails(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """Where one page fails, there is an error and not half a list."""
    for _ in range(200):
        sim.add_device("light")
    client = client_of(sim, session)
    await client.authenticate()
    sim.faults.add("delay", path="devices", seconds=0.3, count=1)
    search = asyncio.create_task(client.search_devices())
    await until(lambda: calls(sim, "devices") == 1)
    sim.faults.add("rate_limit", path="devices", count=1)
    with pytest.raises(RateLimitError):
        await search
    assert calls(sim, "devices") == 2


async def test_filters(sim: Simulator, client: EnosClient) -> None:
    """Filters are joined by `and`; each may hold several values."""
    fcu, light = sim.device("fcu"), sim.device("light")
    lights = {each.asset_id for each in sim.devices.values() if each.kind is light.kind}
    fcus = {each.asset_id for each in sim.devices.values() if each.kind is fcu.kind}

    async def search(**filters: Any) -> set[str]:
        return {each.asset_id for each in await client.search_devices(**filters)}

    assert await search(product_keys=[light.product_key]) == lights
    both = [light.product_key, fcu.product_key]
    assert await search(product_keys=both) == lights | fcus
    assert await search(asset_ids=[fcu.asset_id, light.asset_id]) == {
        fcu.asset_id,
        light.asset_id,
    }
    assert await search(
        product_keys=[light.product_key], device_keys=[light.device_key]
    ) == {light.asset_id}
    assert (
        await search(product_keys=[fcu.product_key], asset_ids=[light.asset_id])
        == set()
    )
    assert sim.rejections == []
    expressions = [
        record.body.get("expression")
        for record in sim.requests
        if record.action == "search"
    ]
    assert expressions[3] == (
        f"productKey in ('{light.product_key}') and deviceKey in ('{light.device_key}')"
    )


async def test_find_device(sim: Simulator, client: EnosClient) -> None:
    """A device is found by both of its keys, and by no other's."""
    fcu, light = sim.device("fcu"), sim.device("light")
    found = await client.find_device(fcu.product_key, fcu.device_key)
    assert found.asset_id == fcu.asset_id
    with pytest.raises(NotFoundError):
        await client.find_device(light.product_key, fcu.device_key)
    assert sim.rejections == []


async def test_find_device_where_the_filter_is_ignored(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A gateway that gives other devices than asked for does not lead astray."""
    gateway.answer = lambda _: ok(
        [
            {"assetId": "a", "productKey": "p", "deviceKey": "other"},
            {"assetId": "b", "productKey": "other", "deviceKey": "k"},
            {"assetId": "c", "productKey": "p", "deviceKey": "k"},
        ]
    )
    client = gateway.client(session)
    assert (await client.find_device("p", "k")).asset_id == "c"
    with pytest.raises(NotFoundError):
        await client.find_device("p", "z")


async def test_device_exists(sim: Simulator, client: EnosClient) -> None:
    """Only what neither a search nor `get` knows is gone; `get` is asked last."""
    device = sim.device("fcu")
    assert await client.device_exists(device.asset_id)
    assert calls(sim, "devices", "get") == 0
    sim.remove_device(device.asset_id)
    assert not await client.device_exists(device.asset_id)
    assert calls(sim, "devices", "get") == 1
    assert sim.rejections == []
    assert not any(record.served_secret for record in sim.requests)


async def test_device_that_the_search_does_not_know(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A device that only `get` knows exists; what else `get` says is not kept."""
    gateway.answer = lambda exchange: ok(
        {"assetId": "a", "deviceSecret": "s"} if exchange.method == "GET" else []
    )
    assert await gateway.client(session).device_exists("a") is True


async def test_models_ten_at_a_time(sim: Simulator, client: EnosClient) -> None:
    """Models are asked for in tens; unknown ones are missing from the answer."""
    wanted = {*sim.models, *(f"unknown{number}" for number in range(9))}
    assert len(wanted) == 22
    found = await client.thing_models(wanted)
    assert set(found) == set(sim.models)
    assert calls(sim, "thing-models") == 3
    assert await client.thing_models([]) == {}
    assert calls(sim, "thing-models") == 3
    assert sim.rejections == []
