"""Faults of the gateway, and pulling the plug."""

import asyncio
import json
import time
from typing import Any

from aiohttp import ClientError
import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import DEVICES, PRODUCTS, Client


@pytest.mark.parametrize(
    ("params", "status", "content_type", "text"),
    [
        ({}, 503, "application/json", '{"message":"Service unavailable"}'),
        ({"status": 500}, 500, "application/json", "An unexpected error occurred"),
        ({"status": 502, "body": "html"}, 502, "text/html", "<h1>502</h1>"),
        ({"status": 403}, 403, "application/json", "Your IP address is not allowed"),
        (
            {"status": 200, "body": {"code": 99500, "msg": "x", "data": None}},
            200,
            "application/json",
            "99500",
        ),
        ({"status": 504, "body": "gone"}, 504, "text/plain", "gone"),
    ],
)
async def test_status(
    client: Client, params: dict[str, Any], status: int, content_type: str, text: str
) -> None:
    """Any HTTP status, with JSON, HTML or text."""
    client.sim.faults.add("status", **params)
    reply = await client.search(DEVICES)
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith(content_type)
    assert text in reply.text
    assert client.sim.requests[-1].fault == "status"
    client.sim.faults.clear()
    assert (await client.search(DEVICES)).code == 0


@pytest.mark.parametrize("guess", ["plain", "retry_after"])
async def test_guess_4(connect: Connect, guess: str) -> None:
    """A rate limit comes with or without a time to wait."""
    client = await connect(guesses=Guesses.from_dict({"G4": guess}))
    client.sim.faults.add("rate_limit", count=1)
    reply = await client.search(DEVICES)
    assert reply.status == 429
    assert reply.json == {"message": "API rate limit exceeded"}
    assert reply.headers.get("Retry-After") == (None if guess == "plain" else "2")
    client.sim.faults.add("rate_limit", retry_after="7")
    assert (await client.search(DEVICES)).headers["Retry-After"] == "7"


async def test_html(client: Client) -> None:
    """A page instead of JSON."""
    client.sim.faults.add("html")
    reply = await client.search(DEVICES)
    assert reply.status == 200
    assert reply.text.startswith("<!DOCTYPE html>")


async def test_cut_json(client: Client) -> None:
    """A reply may end too early; the request was carried out."""
    sim, device = client.sim, client.sim.device("fcu")
    sim.faults.add("cut_json", count=2)
    reply = await client.set(device, "mode", 2)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.text)
    assert sim.writes != []
    sim.faults.clear()
    sim.faults.add("cut_json", keep=0)
    assert (await client.search(DEVICES)).text == ""


async def test_drop(client: Client) -> None:
    """A connection may break before anything happened."""
    sim, device = client.sim, client.sim.device("fcu")
    fault = sim.faults.add("drop", path="commands")
    with pytest.raises(ClientError):
        await client.set(device, "mode", 2)
    assert fault.hits >= 1
    assert sim.commands == []
    assert sim.requests[-1].http_status is None
    assert sim.requests[-1].answered is not None
    assert (await client.search(DEVICES)).code == 0


async def test_drop_after(client: Client) -> None:
    """A connection may break after the request was carried out."""
    sim, device = client.sim, client.sim.device("fcu")
    sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    with pytest.raises(ClientError):
        await client.set(device, "mode", 2)
    assert sim.writes == [(device.asset_id, "mode", 2)]
    assert sim.requests[-1].code == 0
    assert sim.requests[-1].http_status is None


async def test_execute(client: Client) -> None:
    """A fault may come after the request was carried out."""
    sim, device = client.sim, client.sim.device("fcu")
    sim.faults.add("status", status=502, execute=True, count=1)
    assert (await client.set(device, "mode", 2)).status == 502
    assert sim.writes == [(device.asset_id, "mode", 2)]
    sim.faults.add("status", status=502, execute=True, count=1)
    client.token = "bad"
    assert (await client.set(device, "mode", 2)).status == 401


async def test_delay(client: Client) -> None:
    """An answer may take its time, and then be another fault."""
    client.sim.faults.add("delay", seconds=0.2)
    client.sim.faults.add("status", status=500, count=1)
    for status in (500, 200):
        started = time.monotonic()
        assert (await client.search(DEVICES)).status == status
        assert time.monotonic() - started >= 0.2


async def test_filters_and_counts(client: Client) -> None:
    """Faults meet what they are meant for, as often as they are told."""
    faults = client.sim.faults
    fault = faults.add("status", path="devices", action="search", count=2)
    device = client.sim.device("fcu")
    assert (await client.search(PRODUCTS)).status == 200
    assert (await client.get(DEVICES, assetId=device.asset_id)).status == 200
    statuses = [(await client.search(DEVICES)).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert fault.hits == 2
    assert len(faults) == 0
    faults.remove(fault)
    other = faults.add("status")
    assert list(faults) == [other]
    faults.remove(other)
    assert (await client.search(DEVICES)).status == 200


async def test_token_service_fails_too(client: Client) -> None:
    """Faults meet the token service unless they are for another path."""
    client.sim.faults.add("status", path="token-service", status=500)
    reply = await client.token_call("get", client.credentials())
    assert reply.status == 500
    assert (await client.search(DEVICES)).status == 200


def test_wrong_faults(client: Client) -> None:
    """A test that tells nonsense learns it."""
    with pytest.raises(ValueError, match="no fault"):
        client.sim.faults.add("explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes no"):
        client.sim.faults.add("drop", status=500)


async def test_pull_the_plug(client: Client) -> None:
    """The gateway goes away and comes back at the same address."""
    sim, device = client.sim, client.sim.device("fcu")
    url, admin_url = sim.url, sim.admin_url
    device.behaviour.reply_delay = 5
    held = asyncio.create_task(client.set(device, "mode", 2))
    while not sim.commands:
        await asyncio.sleep(0.01)
    device.behaviour.reply_delay = 0
    started = time.monotonic()
    await sim.stop()
    assert time.monotonic() - started < 1
    with pytest.raises(ClientError):
        await held
    with pytest.raises(ClientError):
        await client.search(DEVICES)
    other = sim.device("light")
    other.status = "offline"
    await sim.start()
    await sim.start()
    assert (sim.url, sim.admin_url) == (url, admin_url)
    # The token, the devices and the command are still there.
    assert (await client.search(DEVICES)).code == 0
    assert sim.commands[0].state == 4
    assert (await client.set(other, "switch", True)).code == 11900
