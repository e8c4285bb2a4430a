"""Sub-devices of gateways: asked by either spelling, paged, and none where there is no gateway."""

from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    ApiError,
    NotFoundError,
    PermissionDeniedError,
    RejectedError,
)
from simulator import Simulator

from .common import Answer, Exchange, Scripted, calls, client_of, ok


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 450])
async def test_sub_devices(session: aiohttp.ClientSession, count: int) -> None:
    """All devices below a gateway, however many, and no others."""
    async with Simulator(
        devices=0, kinds={"gateway": 2, "room_sensor": count + 1}, physics=False
    ) as sim:
        gateway = sim.device("gateway")
        below = [
            device
            for device in sim.devices.values()
            if device.kind.key == "room_sensor"
        ][:count]
        for device in below:
            sim.attach(gateway.asset_id, device.asset_id)
        client = client_of(sim, session)
        found = await client.sub_devices(gateway.asset_id)
        assert found == {device.asset_id for device in below}
        assert await client.sub_devices(sim.device("gateway", 1).asset_id) == set()
        assert sim.rejections == []
        assert not any(record.served_secret for record in sim.requests)


async def test_no_gateway(sim: Simulator, client: EnosClient) -> None:
    """Below a device that is no gateway, and never was, there is nothing."""
    assert await client.sub_devices(sim.device("fcu").asset_id) == set()
    assert calls(sim, "device-topos") == 1


async def test_unknown_gateway(sim: Simulator, client: EnosClient) -> None:
    """EnOS says that it does not know it, by whatever spelling."""
    with pytest.raises(NotFoundError):
        await client.sub_devices("nothere1")
    assert sorted(record.action for record in sim.requests if record.action) == [
        "searchSubDevice",
        "searchSubDevices",
    ]


async def test_right(sim: Simulator, client: EnosClient) -> None:
    """It takes the right to read devices; the other spelling would not help."""
    gateway = sim.add_device("gateway")
    sim.rights.discard("Device Management: Read")
    with pytest.raises(PermissionDeniedError):
        await client.sub_devices(gateway.asset_id)
    assert calls(sim, "device-topos") == 1


@pytest.mark.parametrize("code", [99400, 99404])
async def test_other_spelling(
    session: aiohttp.ClientSession, gateway: Scripted, code: int
) -> None:
    """Where one spelling is unknown the other is taken, from then on at once."""
    asked: list[str] = []

    def answer(exchange: Exchange) -> Answer:
        action = exchange.query["action"]
        asked.append(action)
        if action == "searchSubDevice":
            return {"code": code, "msg": "Invalid Argument action", "data": None}
        return ok([{"assetId": "a"}, {"assetId": "b"}])

    gateway.answer = answer
    client = gateway.client(session)
    assert await client.sub_devices("g") == {"a", "b"}
    assert await client.sub_devices("g") == {"a", "b"}
    assert asked == ["searchSubDevice", "searchSubDevices", "searchSubDevices"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(99400, RejectedError), (99404, NotFoundError), (99500, ApiError)],
)
async def test_neither_spelling(
    session: aiohttp.ClientSession, gateway: Scripted, code: int, kind: Any
) -> None:
    """What EnOS said first is told; trouble of another kind is no question of spelling."""
    said: list[str] = []

    def answer(exchange: Exchange) -> Answer:
        said.append(exchange.query["action"])
        return {"code": code, "msg": f"number {len(said)}", "data": None}

    gateway.answer = answer
    with pytest.raises(kind) as caught:
        await gateway.client(session).sub_devices("g")
    assert caught.value.code == code
    if code != 99500:
        assert caught.value.message == "number 1"
        assert said == ["searchSubDevice", "searchSubDevices"]
    else:
        assert set(said) == {"searchSubDevice"}
