"""Devices, products and thing models."""

import asyncio
from typing import Any

import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import DEVICES, MODELS, PRODUCTS, Client


async def test_device_struct(client: Client) -> None:
    """A device comes with all documented members."""
    device = client.sim.device("fcu", 0)
    data = (await client.get(DEVICES, assetId=device.asset_id)).data
    assert data["assetId"] == device.asset_id
    assert data["orgId"] == client.sim.org_id
    assert data["modelId"] == device.model_id == "hvac_fcu"
    assert data["modelIdPath"] == "/hvac_base/hvac_fcu"
    assert data["productKey"] == device.product_key
    assert data["productType"] == "Device"
    assert data["dataFormat"] == "Json"
    assert data["deviceKey"] == device.device_key
    assert data["deviceName"] == {
        "defaultValue": "风机盘管 3层东",
        "i18nValue": {"en_US": "FCU 3F East", "zh_CN": "风机盘管 3层东"},
    }
    assert data["status"] == "online"
    assert data["timezone"] == "+08:00"
    assert isinstance(data["createTime"], int)
    assert len(data["assetId"]) == len(data["productKey"]) == 8


async def test_search_is_newest_first(client: Client) -> None:
    """The list is ordered by the time of creation, the newest first."""
    data = (await client.search(DEVICES, {"pagination": {"pageSize": 200}})).data
    times = [device["createTime"] for device in data]
    assert times == sorted(times, reverse=True)
    assert len(data) == len(client.sim.devices)
    added = client.sim.add_device("fcu")
    data = (await client.search(DEVICES)).data
    assert data[0]["assetId"] == added.asset_id
    assert len(data) == 10


async def test_pages(client: Client) -> None:
    """Pages follow one another and end."""
    seen: list[str] = []
    for number in range(1, 5):
        reply = await client.search(
            DEVICES,
            {
                "pagination": {"pageNo": number, "pageSize": 6},
                "projection": ["assetId"],
            },
        )
        assert reply.json["pagination"] == {
            "sortedBy": None,
            "pageNo": number,
            "pageSize": 6,
            "totalSize": 16,
        }
        seen += [device["assetId"] for device in reply.data]
    assert len(seen) == 16
    assert set(seen) == set(client.sim.devices)


@pytest.mark.parametrize(
    "pagination",
    [
        {"pageNo": 0},
        {"pageNo": 1.0},
        {"pageNo": "1"},
        {"pageNo": True},
        {"pageSize": 0},
        {"pageSize": 201},
        {"pageSize": "10"},
        {"page": 1},
        {"sorters": [{"field": "assetId", "order": "ASC"}]},
        [1, 10],
    ],
)
async def test_bad_pages(client: Client, pagination: Any) -> None:
    """Numbers out of range, other members and sorters are refused."""
    for path in (DEVICES, PRODUCTS, MODELS):
        assert (await client.search(path, {"pagination": pagination})).code == 99400
    assert len(client.sim.rejections) == 3


async def test_guess_11(connect: Connect) -> None:
    """A page that is too large may be cut instead."""
    client = await connect(guesses=Guesses(G11="clamp"))
    reply = await client.search(DEVICES, {"pagination": {"pageSize": 1000}})
    assert reply.json["pagination"]["pageSize"] == 200
    assert len(reply.data) == 16


EXPRESSIONS = [
    ("productKey = '{product}'", 5),
    ("productKey='{product}'", 5),
    ("productKey in ('{product}')", 5),
    ('productKey in ("{product}","none")', 5),
    ("modelId in ('hvac_fcu', 'hvac_ahu')", 6),
    ("assetId = '{asset}'", 1),
    ("assetId = '{asset}' and status = 'online'", 1),
    ("assetId = '{asset}' or modelId = 'hvac_ahu'", 2),
    ("deviceKey = '{key}'", 1),
    ("status = 'online'", 15),
    ("status = 'offline'", 0),
    ("status = 'disabled'", 1),
    ("status = 'disable'", 1),
    ("productType = 'Device'", 16),
    ("productType = 'Gateway'", 0),
    ("deviceName like 'FCU'", 6),
    ("deviceName.en_US like '3F East'", 3),
    ("deviceName.zh_CN like '3F East'", 0),
    ("deviceName.default like '3层东'", 3),
    ("deviceTags.floor = '3F'", 10),
    ("exists(deviceTags.floor)", 12),
    ("not exists(deviceTags.floor)", 4),
    ("deviceAttributes.manufacturer in ('Acme')", 16),
]


async def test_expressions(client: Client) -> None:
    """What is documented can be searched."""
    device = client.sim.device("fcu", 0)
    client.sim.device("chiller").status = "disabled"
    for expression, count in EXPRESSIONS:
        text = expression.format(
            product=device.product_key, asset=device.asset_id, key=device.device_key
        )
        reply = await client.search(DEVICES, {"expression": text})
        assert reply.code == 0, text
        assert reply.json["pagination"]["totalSize"] == count, text


BAD_EXPRESSIONS = [
    "",
    "   ",
    5,
    "productKey",
    "productKey =",
    "productKey = x",
    "productKey == 'x'",
    "productKey != 'x'",
    "productKey > 'x'",
    "productKey like 'x'",
    "productKey in 'x'",
    "productKey in ()",
    "productKey in ('x'",
    "(productKey = 'x')",
    "productKey = 'x' status = 'online'",
    "productKey = 'x' and",
    "productKey = 'x' and status = 'online' or status = 'offline'",
    "status in ('online')",
    "deviceName = 'x'",
    "exists(productKey)",
    "exists deviceTags.x",
    "unknown = 'x'",
    "createTime > 5",
    "productKey = 'x",
    "productKey = 'x'; drop",
]


async def test_bad_expressions(client: Client) -> None:
    """Anything else is refused."""
    for expression in BAD_EXPRESSIONS:
        reply = await client.search(DEVICES, {"expression": expression})
        assert reply.code == 99400, expression
        assert reply.json["msg"].startswith("Invalid Argument expression:")


async def test_projection(client: Client) -> None:
    """Only what is named comes back; unknown names are ignored."""
    device = client.sim.device("fcu", 0)
    reply = await client.search(
        DEVICES,
        {
            "expression": f"assetId = '{device.asset_id}'",
            "projection": [
                "assetId",
                "deviceName.i18nValue.en_US",
                "deviceTags.*",
                "nothing",
                "status.nothing",
            ],
        },
    )
    assert reply.data == [
        {
            "assetId": device.asset_id,
            "deviceName": {"i18nValue": {"en_US": "FCU 3F East"}},
            "deviceTags": {"floor": "3F"},
        }
    ]
    for bad in ("assetId", [1], [""]):
        assert (await client.search(DEVICES, {"projection": bad})).code == 99400


async def test_projection_paths(client: Client) -> None:
    """Maps and lists are projected member by member."""
    reply = await client.search(
        MODELS,
        {
            "expression": "modelId in ('hvac_fcu')",
            "projection": [
                "modelId",
                "measurepoints.*.dataType",
                "services.reset.inputData[*].identifier",
                "name",
                "name.defaultValue",
            ],
        },
    )
    (model,) = reply.data
    assert model["measurepoints"]["power"] == {"dataType": "BOOL"}
    assert model["services"] == {"reset": {"inputData": [{"identifier": "delay"}]}}
    assert set(model["name"]) == {"defaultValue", "i18nValue"}
    assert "attributes" not in model


async def test_secrets_are_noticed(client: Client) -> None:
    """The record says whether a secret went over the wire."""
    device = client.sim.device("fcu")
    product = device.product_key
    cases = [
        (await client.search(DEVICES), True),
        (await client.search(DEVICES, {"projection": ["assetId"]}), False),
        (await client.search(DEVICES, {"projection": ["deviceSecret"]}), True),
        (await client.get(DEVICES, assetId=device.asset_id), True),
        (await client.get(PRODUCTS, productKey=product), True),
        (await client.search(PRODUCTS), True),
        (await client.search(PRODUCTS, {"projection": ["productKey"]}), False),
        (await client.search(MODELS), False),
    ]
    records = client.sim.requests[-len(cases) :]
    for (reply, expected), record in zip(cases, records, strict=True):
        assert record.served_secret is expected
        assert ("Secret" in reply.text) is expected


async def test_products(client: Client) -> None:
    """Products can be listed, searched and got."""
    reply = await client.search(PRODUCTS)
    assert reply.json["pagination"]["totalSize"] == 9
    product = client.sim.device("chiller").product_key
    data = (await client.get(PRODUCTS, productKey=product)).data
    assert data["modelId"] == "hvac_chiller"
    assert data["productName"]["i18nValue"] == {
        "en_US": "Chiller",
        "zh_CN": "冷水机组",
    }
    for expression, count in (
        (f"productKey in ('{product}')", 1),
        ("modelId = 'hvac_chiller'", 1),
        ("productName like 'Fan coil'", 2),
        ("productName.zh_CN like '风机盘管'", 2),
        ("productTags.domain = 'HVAC'", 4),
        ("exists(productTags.none)", 0),
    ):
        found = await client.search(PRODUCTS, {"expression": expression})
        assert len(found.data) == count, expression
    reply = await client.get(PRODUCTS, productKey="none")
    assert reply.code == 11611
    assert (await client.get(PRODUCTS)).code == 99400
    client.sim.products[product]["productName"]["defaultValue"] = "Other"
    data = (await client.get(PRODUCTS, productKey=product)).data
    assert data["productName"]["defaultValue"] == "Other"


async def test_models(client: Client) -> None:
    """Thing models can be listed, searched and got."""
    data = (await client.get(MODELS, modelId="hvac_fcu")).data
    assert data == client.sim.models["hvac_fcu"]
    assert (await client.get(MODELS, modelId="hvac_fcu", scope="0")).code == 0
    assert (await client.get(MODELS, modelId="hvac_fcu", scope="2")).code == 99400
    assert (await client.get(MODELS, modelId="none")).code == 99404
    assert (await client.get(MODELS)).code == 99400
    for expression, count in (
        ("modelId in ('hvac_fcu','hvac_ahu','none')", 2),
        ("tags.domain = 'HVAC'", 4),
        ("not exists(tags.domain)", 0),
    ):
        found = await client.search(MODELS, {"expression": expression})
        assert len(found.data) == count, expression
    for bad in ("modelId = 'hvac_fcu'", "name like 'x'"):
        assert (await client.search(MODELS, {"expression": bad})).code == 99400
    client.sim.models["hvac_fcu"]["measurepoints"]["power"]["tags"]["a"] = "b"
    data = (await client.get(MODELS, modelId="hvac_fcu")).data
    assert data["measurepoints"]["power"]["tags"]["a"] == "b"


async def test_coming_and_going(client: Client) -> None:
    """Devices can be added, renamed and removed."""
    sim = client.sim
    device = sim.add_device("light")
    sim.rename_device(device.asset_id, "Lamp", "灯")
    data = (await client.get(DEVICES, assetId=device.asset_id)).data
    assert data["deviceName"]["i18nValue"] == {"en_US": "Lamp", "zh_CN": "灯"}
    assert (await client.tsdb(device, "brightness")) == 80
    held = asyncio.create_task(client.set(device, "switch", True))
    device.behaviour.silent = True
    while not sim.commands:
        await asyncio.sleep(0.01)
    sim.remove_device(device.asset_id)
    assert (await held).code == 99404
    assert (await client.get(DEVICES, assetId=device.asset_id)).code == 99404
    assert (await client.set(device, "switch", True)).code == 99404
    assert sim.add_device(sim.device("fcu").product_key).kind.key == "fcu"
    with pytest.raises(ValueError, match="no kind"):
        sim.add_device("toaster")


@pytest.mark.parametrize("wording", ["disabled", "disable"])
async def test_guess_18(connect: Connect, wording: str) -> None:
    """A disabled device is worded in two ways."""
    client = await connect(guesses=Guesses.from_dict({"G18": wording}))
    device = client.sim.device("fcu")
    device.status = "disabled"
    assert (await client.get(DEVICES, assetId=device.asset_id)).data[
        "status"
    ] == wording
    for text in ("disabled", "disable"):
        found = await client.search(DEVICES, {"expression": f"status = '{text}'"})
        assert [each["assetId"] for each in found.data] == [device.asset_id]


async def test_status_and_its_times(client: Client) -> None:
    """Statuses show at once, with their times."""
    device = client.sim.device("fcu")

    async def shown() -> dict[str, Any]:
        data: dict[str, Any] = (await client.get(DEVICES, assetId=device.asset_id)).data
        return data

    assert (await shown())["lastOfflineTime"] == 0
    device.status = "offline"
    offline = await shown()
    assert offline["status"] == "offline"
    assert offline["lastOfflineTime"] > offline["lastOnlineTime"]
    device.status = "inactive"
    inactive = await shown()
    assert inactive["activeTime"] == inactive["lastOnlineTime"] == 0
    assert inactive["measurepointLastUpdate"] is None
    device.status = "online"
    online = await shown()
    assert online["activeTime"] == online["lastOnlineTime"] > 0
    with pytest.raises(ValueError, match="cannot be"):
        device.status = "asleep"  # type: ignore[assignment]
