"""Gateways and the devices below them."""

from typing import Any

import pytest

from simulator import SimDevice

from .helper import DEVICES, PRODUCTS, Client, Reply

TOPOS = "/connect-service/v2.1/device-topos"


async def below(
    client: Client, device: SimDevice, action: str = "searchSubDevice", **body: Any
) -> Reply:
    """Ask for the sub-devices of a device."""
    return await client.call(
        "POST",
        TOPOS,
        {"action": action},
        {"gateway": {"assetId": device.asset_id}, **body},
    )


async def above(client: Client, **sub_device: str) -> Reply:
    """Ask for the gateway of a device."""
    return await client.call(
        "POST", TOPOS, {"action": "getGateway"}, {"subDevice": sub_device}
    )


@pytest.fixture
def gateway(client: Client) -> SimDevice:
    """Return a gateway with three sensors and a light below it."""
    sim = client.sim
    gateway = sim.add_device("gateway")
    sim.add_device("gateway")
    for _ in range(3):
        sim.attach(gateway.asset_id, sim.add_device("room_sensor").asset_id)
    sim.attach(gateway.asset_id, sim.device("light").asset_id)
    return gateway


async def test_gateway_and_product(client: Client, gateway: SimDevice) -> None:
    """A gateway and its product say that they are one, and can be searched."""
    data = (await client.get(DEVICES, assetId=gateway.asset_id)).data
    assert data["productType"] == "Gateway"
    product = (await client.get(PRODUCTS, productKey=gateway.product_key)).data
    assert product["productType"] == "Gateway"
    for kind, count in (("Gateway", 2), ("Device", 19)):
        reply = await client.search(DEVICES, {"expression": f"productType = '{kind}'"})
        assert reply.json["pagination"]["totalSize"] == count
    # The product stays what it is when the model changes.
    client.sim.remodel_device(client.sim.device("fcu").asset_id, "gateway")
    reply = await client.search(DEVICES, {"expression": "productType = 'Gateway'"})
    assert reply.json["pagination"]["totalSize"] == 2


@pytest.mark.parametrize("action", ["searchSubDevice", "searchSubDevices"])
async def test_sub_devices(client: Client, gateway: SimDevice, action: str) -> None:
    """All that is below a gateway, in pages, filtered and projected."""
    sim = client.sim
    reply = await below(client, gateway, action)
    assert len(reply.data) == 4
    assert {device["productType"] for device in reply.data} == {"Device"}
    times = [device["createTime"] for device in reply.data]
    assert times == sorted(times, reverse=True)
    seen: list[str] = []
    for number in (1, 2, 3):
        reply = await below(
            client,
            gateway,
            action,
            pagination={"pageNo": number, "pageSize": 2},
            projection=["assetId"],
        )
        assert reply.json["pagination"]["totalSize"] == 4
        assert all(set(device) == {"assetId"} for device in reply.data)
        seen += [device["assetId"] for device in reply.data]
    assert len(set(seen)) == len(seen) == 4
    reply = await below(client, gateway, expression="modelId = 'light_circuit'")
    assert [each["assetId"] for each in reply.data] == [sim.device("light").asset_id]
    reply = await client.call(
        "POST",
        TOPOS,
        {"action": action},
        {
            "gateway": {
                "productKey": gateway.product_key,
                "deviceKey": gateway.device_key,
            }
        },
    )
    assert len(reply.data) == 4
    other = sim.device("gateway", 1)
    assert (await below(client, other, action)).data == []
    assert sim.rejections == []


async def test_gateway_of_a_device(client: Client, gateway: SimDevice) -> None:
    """A sub-device leads to its gateway; another device to nothing."""
    sim, light = client.sim, client.sim.device("light")
    data = (await above(client, assetId=light.asset_id)).data
    assert data["assetId"] == gateway.asset_id
    reply = await above(
        client, productKey=light.product_key, deviceKey=light.device_key
    )
    assert reply.data["assetId"] == gateway.asset_id
    assert (await above(client, assetId=sim.device("fcu").asset_id)).data is None


async def test_attaching(client: Client, gateway: SimDevice) -> None:
    """Devices go from one gateway to another, and away."""
    sim, light = client.sim, client.sim.device("light")
    other = sim.device("gateway", 1)
    sim.attach(other.asset_id, light.asset_id)
    assert len((await below(client, gateway)).data) == 3
    assert len((await below(client, other)).data) == 1
    sim.detach(light.asset_id)
    assert (await below(client, other)).data == []
    assert (await above(client, assetId=light.asset_id)).data is None
    sensor = sim.device("room_sensor")
    sim.remove_device(sensor.asset_id)
    assert len((await below(client, gateway)).data) == 2
    sim.remove_device(gateway.asset_id)
    assert sim.topology == {}
    for one, two in (
        (light, sensor),
        (light, sim.device("fcu")),
        (other, other),
        (gateway, light),
    ):
        with pytest.raises(ValueError, match=r"gateway|no device"):
            sim.attach(one.asset_id, two.asset_id)
    with pytest.raises(ValueError, match="below no gateway"):
        sim.detach(light.asset_id)


async def test_refusals(client: Client, gateway: SimDevice) -> None:
    """No gateway, no such device, no right."""
    sim, light = client.sim, client.sim.device("light")
    assert (await below(client, light)).code == 11738
    assert sim.rejections == []
    reply = await client.call(
        "POST",
        TOPOS,
        {"action": "searchSubDevice"},
        {"gateway": {"assetId": "nothing8"}},
    )
    assert reply.code == 99404
    assert (await above(client, assetId="nothing8")).code == 99404
    sim.rights.discard("Device Management: Read")
    assert (await below(client, gateway)).code == 99403
    assert (await above(client, assetId=light.asset_id)).code == 99403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"gateway": None},
        {"gateway": {}},
        {"gateway": "abc"},
        {"gateway": {"assetId": 5}},
        {"gateway": {"assetId": ""}},
        {"gateway": {"assetId": "a", "productKey": "b", "deviceKey": "c"}},
        {"gateway": {"productKey": "b"}},
        {"gateway": {"deviceKey": "b"}},
        {"gateway": {"assetId": "a", "more": "b"}},
        {"subDevice": {"assetId": "a"}},
        {"gateway": {"assetId": "{gateway}"}, "more": 1},
        {"gateway": {"assetId": "{gateway}"}, "pagination": {"pageSize": 201}},
        {"gateway": {"assetId": "{gateway}"}, "expression": "nothing = 'x'"},
        {"gateway": {"assetId": "{gateway}"}, "projection": "assetId"},
    ],
)
async def test_bad_requests(
    client: Client, gateway: SimDevice, body: dict[str, Any]
) -> None:
    """What does not follow the documentation is refused."""
    if body.get("gateway") == {"assetId": "{gateway}"}:
        body = {**body, "gateway": {"assetId": gateway.asset_id}}
    reply = await client.call("POST", TOPOS, {"action": "searchSubDevice"}, body)
    assert reply.code == 99400
    assert len(client.sim.rejections) == 1


async def test_physics(client: Client, gateway: SimDevice) -> None:
    """Sensors follow the weather, a gateway's restart is a pulse."""
    sensor = client.sim.device("room_sensor")
    # Far from what any weather asks for: near it, noise and rounding may leave it as it is.
    sensor.values["temperature"] = 10.0
    uptime = gateway.values["uptime"]
    client.sim.step(600)
    assert 11.0 < sensor.values["temperature"] < 24.0
    assert gateway.values["uptime"] == uptime + 600
    assert (await client.set(gateway, "restart_cmd", True)).code == 0
    assert gateway.values["restart_cmd"] is False
