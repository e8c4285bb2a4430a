"""The asset tree, and single assets."""

from typing import Any

import pytest

from .conftest import Connect
from .helper import ASSETS, NODES, PATHS, TREES, Client, Reply


def tree_id(client: Client) -> str:
    """Return the id of the one tree."""
    return client.sim.building.tree_id


async def related(client: Client, **wanted: Any) -> list[str]:
    """Return the English names of related assets."""
    reply = await client.call(
        "POST",
        NODES,
        {"action": "searchRelatedAsset", "treeId": tree_id(client)},
        {"filter": wanted, "projection": ["name.i18nValue.en_US"]},
    )
    return [node["name"]["i18nValue"]["en_US"] for node in reply.data]


async def paths(client: Client, **body: Any) -> Reply:
    """Search paths."""
    return await client.search(PATHS, body, treeId=tree_id(client))


async def test_trees(client: Client) -> None:
    """There is one tree; its root is the campus."""
    (tree,) = (await client.search(TREES)).data
    assert tree["treeId"] == tree_id(client)
    assert tree["asset"]["modelId"] == "site_campus"
    data = (await client.get(TREES, treeId=tree["treeId"])).data
    assert data == tree
    assert (await client.get(TREES, treeId="nothing8")).code == 17404
    assert (await client.get(TREES)).code == 99400
    found = await client.search(TREES, {"expression": "tags.purpose='space'"})
    assert len(found.data) == 1
    found = await client.search(TREES, {"expression": "tags.purpose='other'"})
    assert found.data == []


async def test_paths(client: Client) -> None:
    """One call tells where all devices stand."""
    device = client.sim.device("fcu")
    reply = await paths(client, to={"modelIds": ["hvac_fcu"]})
    assert reply.json["pagination"] == {
        "sortedBy": None,
        "pageNo": 1,
        "pageSize": 100,
        "totalSize": 5,
    }
    way = next(way for way in reply.data["assetPaths"] if way[-1] == device.asset_id)
    names = [reply.data["assets"][asset]["name"]["i18nValue"]["en_US"] for asset in way]
    assert names == ["Campus", "Tower A", "3F", "East", "FCU 3F East"]
    labels = [reply.data["assets"][asset]["label"] for asset in way]
    assert labels == ["1", "1", "1", "1", "0"]
    room = reply.data["assets"][way[-2]]
    assert room["inValid"] is False
    assert room["desc"] == ""
    reply = await paths(
        client,
        **{"from": {"modelIds": ["site_room"]}},
        to={"assetIds": [device.asset_id]},
        pathProjection="END_NODE_ONLY",
        projection=["assets.*.label", "assetPaths"],
    )
    assert reply.data == {
        "assets": {device.parent_id: {"label": "1"}, device.asset_id: {"label": "0"}},
        "assetPaths": [[device.parent_id, device.asset_id]],
    }
    reply = await paths(client, projection=["assets.*.label"])
    assert reply.data.keys() == {"assets"}
    reply = await paths(client, to={"rootModelIds": ["hvac_base"]})
    assert len(reply.data["assetPaths"]) == 8


@pytest.mark.parametrize(
    "body",
    [
        {"from": "x"},
        {"to": {"names": []}},
        {"to": {"modelIds": "x"}},
        {"pathProjection": "HALF"},
        {"pagination": {"pageSize": 1001}},
        {"more": 1},
    ],
)
async def test_bad_paths(client: Client, body: dict[str, Any]) -> None:
    """Other filters are refused."""
    assert (await paths(client, **body)).code == 99400


async def test_pages_of_paths(connect: Connect) -> None:
    """Pages are counted in paths."""
    client = await connect(devices=300)
    ways: list[list[str]] = []
    for number in range(1, 5):
        reply = await paths(client, pagination={"pageNo": number, "pageSize": 100})
        ways += reply.data["assetPaths"]
        assert {asset for way in reply.data["assetPaths"] for asset in way} == set(
            reply.data["assets"]
        )
    assert reply.json["pagination"]["totalSize"] == len(ways) == 300
    assert set(client.sim.devices) == {way[-1] for way in ways}
    assert max(len(way) for way in ways) <= 7


async def test_ends_of_paths(client: Client) -> None:
    """Without an end a path goes to a leaf; it has two nodes at least."""
    sim = client.sim
    room = sim.device("fcu").parent_id
    ways = (await paths(client)).data["assetPaths"]
    assert all(way[0] == sim.building.campus.asset_id for way in ways)
    assert not any(way[-1] == room for way in ways)
    ways = (await paths(client, to={"assetIds": [room]})).data["assetPaths"]
    assert [len(way) for way in ways] == [4]
    same = {"assetIds": [room]}
    reply = await paths(client, **{"from": same}, to=same)
    assert reply.data == {"assets": {}, "assetPaths": []}
    for device in list(sim.devices.values()):
        if device.parent_id == room:
            sim.remove_device(device.asset_id)
    ways = (await paths(client)).data["assetPaths"]
    assert any(way[-1] == room for way in ways)


async def test_names_repeat(connect: Connect) -> None:
    """Floors of the same name are in each tower, rooms of the same name on each floor."""
    client = await connect(devices=600)
    reply = await paths(client, pagination={"pageSize": 1000})
    names = {
        tuple(
            reply.data["assets"][asset]["name"]["i18nValue"]["en_US"]
            for asset in way[1:-1]
        )
        for way in reply.data["assetPaths"]
    }
    assert {
        ("Tower A", "3F", "East"),
        ("Tower A", "4F", "East"),
        ("Tower B", "3F"),
    } <= names


async def test_second_tree(client: Client) -> None:
    """A device may be in two trees; nodes may be invalid."""
    sim = client.sim
    device = sim.device("fcu")
    sim.building.plant_systems()
    sim.building.invalid.add(device.parent_id)
    sim.generation += 1
    space, systems = (await client.search(TREES)).data
    assert systems["name"]["defaultValue"] == "Systems"
    found = await client.search(TREES, {"expression": "tags.purpose='systems'"})
    assert found.data == [systems]
    reply = await client.search(
        PATHS, {"to": {"assetIds": [device.asset_id]}}, treeId=systems["treeId"]
    )
    (way,) = reply.data["assetPaths"]
    assert [reply.data["assets"][each]["name"]["defaultValue"] for each in way] == [
        "Systems",
        device.kind.short_en,
        device.name["defaultValue"],
    ]
    params = {"action": "getAssetTree"}
    body: dict[str, Any] = {"assetIds": [device.asset_id]}
    data = (await client.call("POST", NODES, params, body)).data
    assert data[device.asset_id] == [space, systems]
    reply = await paths(client, to={"assetIds": [device.asset_id]})
    assets = reply.data["assets"]
    assert [key for key in assets if assets[key]["inValid"]] == [device.parent_id]
    assert (await client.get(ASSETS, assetId=way[1])).data["modelId"] == "site_building"


async def test_related(client: Client) -> None:
    """Neighbours in the tree are found in four directions."""
    device = client.sim.device("fcu")
    room = device.parent_id
    names = await related(client, isChildOfAssetId=room)
    assert set(names) == {"FCU 3F East", "Light 3F East", "FCU-B 3F East"}
    assert await related(client, isParentOfAssetId=room) == ["3F"]
    assert await related(client, isAncestorOfAssetId=device.asset_id) == [
        "East",
        "3F",
        "Tower A",
        "Campus",
    ]
    campus = client.sim.building.campus.asset_id
    assert len(await related(client, isDescendantOfAssetId=campus)) > 16
    names = await related(
        client,
        isDescendantOfAssetId=campus,
        modelIds=["hvac_fcu"],
        nameLike={"locale": "en_US", "value": "West"},
    )
    assert names == ["FCU 3F West"]
    names = await related(
        client,
        isChildOfAssetId=room,
        assetIds=[device.asset_id],
        nameLike={"value": "3"},
    )
    assert names == ["FCU 3F East"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (None, 99400),
        ({}, 99400),
        ({"isChildOfAssetId": "a", "isParentOfAssetId": "a"}, 99400),
        ({"isChildOfAssetId": "nothing8"}, 99404),
        ({"isChildOfAssetId": 5}, 99404),
        ({"isChildOfAssetId": "a", "more": 1}, 99400),
    ],
)
async def test_bad_relations(client: Client, wanted: Any, code: int) -> None:
    """Exactly one direction is given."""
    params = {"action": "searchRelatedAsset", "treeId": tree_id(client)}
    reply = await client.call("POST", NODES, params, {"filter": wanted})
    assert reply.code == code
    params["treeId"] = "nothing8"
    reply = await client.call("POST", NODES, params, {"filter": wanted})
    assert reply.code == 17404


async def test_search_assets(client: Client) -> None:
    """Assets of the tree can be searched."""
    device = client.sim.device("fcu")

    async def count(expression: str) -> int:
        reply = await client.call(
            "POST", NODES, {"action": "searchAsset"}, {"expression": expression}
        )
        return len(reply.data)

    assert await count(f"treeId = '{tree_id(client)}'") > 16
    assert await count("treeId = 'other'") == 0
    assert await count(f"assetIds in ('{device.asset_id}')") == 1
    assert await count("modelIds = 'site_campus'") == 1
    assert await count("rootModelIds = 'hvac_base'") == 8
    assert await count("name like '3层东'") == 3
    assert await count("name.en_US like '3F East'") == 3
    assert await count(f"deviceKey = '{device.device_key}'") == 1
    assert await count(f"productKey like '{device.product_key[:4]}'") == 5
    assert await count("tags.floor = '3F' and modelIds = 'hvac_fcu'") == 5
    assert await count("createTime > '2026-01-01 00:00:00'") == 16
    params = {"action": "searchAsset"}
    for body in (
        {"expression": "name = 'x'"},
        {"pagination": {"pageSize": 1001}},
        {"more": 1},
    ):
        assert (await client.call("POST", NODES, params, body)).code == 99400


async def test_trees_of_assets(client: Client) -> None:
    """The trees of assets can be asked for, a hundred at once."""
    device = client.sim.device("fcu")
    params = {"action": "getAssetTree"}
    body: dict[str, Any] = {"assetIds": [device.asset_id, "nothing8"]}
    data = (await client.call("POST", NODES, params, body)).data
    assert data[device.asset_id][0]["treeId"] == tree_id(client)
    assert data["nothing8"] == []
    for wrong in ([], "x", [1], [str(number) for number in range(101)], None):
        body = {"assetIds": wrong}
        assert (await client.call("POST", NODES, params, body)).code == 99400


async def test_changes_show(client: Client) -> None:
    """The tree follows the devices."""
    sim = client.sim
    device = sim.add_device("fcu")
    sim.rename_device(device.asset_id, "New one")
    assert "New one" in await related(client, isChildOfAssetId=device.parent_id)
    sim.remove_device(device.asset_id)
    assert "New one" not in await related(client, isChildOfAssetId=device.parent_id)


async def test_assets(client: Client) -> None:
    """Single assets can be got, devices and places."""
    device = client.sim.device("fcu")
    data = (await client.get(ASSETS, assetId=device.asset_id)).data
    assert data["modelIdPath"] == "/hvac_base/hvac_fcu"
    assert data["name"] == device.name
    assert "description" in data
    data = (await client.get(ASSETS, assetId=device.parent_id)).data
    assert data["modelId"] == "site_room"
    assert (await client.get(ASSETS, assetId="nothing8")).code == 99404
    client.sim.forbidden_assets.add(device.asset_id)
    assert (await client.get(ASSETS, assetId=device.asset_id)).code == 99403
