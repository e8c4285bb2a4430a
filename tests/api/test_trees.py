"""Asset trees: complete, page by page, and none that is too odd."""

from collections.abc import Iterable
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import PATHS_A_PAGE, EnosClient
from custom_components.enos.api.errors import NotFoundError, PermissionDeniedError
from custom_components.enos.api.models import AssetTree, LocalizedText, TreeNode
from simulator import Simulator

from .common import Exchange, Json, Scripted, calls, client_of, ok

ROOT = AssetTree(
    tree_id="treeIdXx",
    nodes={"root": TreeNode(asset_id="root", name=LocalizedText("Campus"))},
)


async def whole(client: EnosClient, number: int = 0) -> AssetTree:
    """Return a tree of an account with all its nodes."""
    return await client.asset_tree((await client.asset_trees())[number])


def way(tree: AssetTree, asset_id: str | None) -> list[str]:
    """Return the names from the root to a node."""
    names: list[str] = []
    while asset_id is not None:
        node = tree.nodes[asset_id]
        names.insert(0, node.name.get("en"))
        asset_id = node.parent
    return names


async def test_building(sim: Simulator, client: EnosClient) -> None:
    """The tree of the building has every place and every device, each where it stands."""
    (root,) = await client.asset_trees()
    assert (root.tree_id, root.name.get("en")) == (sim.building.tree_id, "Space")
    assert list(root.nodes) == [sim.building.campus.asset_id]
    tree = await client.asset_tree(root)
    assert tree.nodes.keys() == {*sim.building.places, *sim.devices}
    device = sim.device("fcu")
    names = ["Campus", "Tower A", "3F", "East", "FCU 3F East"]
    assert way(tree, device.asset_id) == names
    assert tree.nodes[device.parent_id].name.get("zh-Hans") == "东"
    for asset_id, node in tree.nodes.items():
        assert node.is_device == (asset_id in sim.devices)
        assert node.is_valid
    assert sim.rejections == []


async def test_two_trees(sim: Simulator, client: EnosClient) -> None:
    """A device can be in several trees; an invalid node is known as such."""
    device = sim.device("fcu")
    sim.building.plant_systems()
    sim.building.invalid.add(device.parent_id)
    sim.generation += 1
    first, second = await client.asset_trees()
    space, systems = await client.asset_tree(first), await client.asset_tree(second)
    assert way(systems, device.asset_id) == ["Systems", "FCU", "FCU 3F East"]
    assert [key for key, node in space.nodes.items() if not node.is_valid] == [
        device.parent_id
    ]


async def test_refusals(sim: Simulator, client: EnosClient) -> None:
    """A missing right and a tree that is gone are told apart."""
    root = (await client.asset_trees())[0]
    with pytest.raises(NotFoundError):
        await client.asset_tree(ROOT)
    sim.rights.discard("Asset Tree Management: Read")
    with pytest.raises(PermissionDeniedError):
        await client.asset_tree(root)
    with pytest.raises(PermissionDeniedError):
        await client.asset_trees()


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001])
async def test_pages(session: aiohttp.ClientSession, count: int) -> None:
    """All devices come, a thousand paths a page."""
    async with Simulator(devices=count, physics=False) as sim:
        tree = await whole(client_of(sim, session))
        devices = {key for key, node in tree.nodes.items() if node.is_device}
        assert devices == set(sim.devices)
        assert calls(sim, "asset-paths") == (2 if count >= PATHS_A_PAGE else 1)
        assert sim.rejections == []


# Gateways and trees that are odd.


def reply(paths: Iterable[Any], assets: Any = None, **pagination: Any) -> Json:
    """Return a page of paths."""
    listed = list(paths)
    if assets is None:
        assets = {
            asset_id: {"label": "1", "name": {"defaultValue": asset_id.upper()}}
            for path in listed
            for asset_id in path
        }
    return ok({"assets": assets, "assetPaths": listed}, pagination=pagination)


async def grown(
    session: aiohttp.ClientSession, gateway: Scripted, answer: Json
) -> AssetTree:
    """Return the tree that comes of one answer."""
    gateway.answer = lambda _: answer
    return await gateway.client(session).asset_tree(ROOT)


async def test_what_is_asked(session: aiohttp.ClientSession, gateway: Scripted) -> None:
    """Pages are as large as EnOS allows, and hold names, labels and validity only."""
    ways = [["root", f"id{number:05}"] for number in range(2500)]

    def answer(exchange: Exchange) -> Json:
        start = (exchange.json["pagination"]["pageNo"] - 1) * PATHS_A_PAGE
        return reply(ways[start : start + PATHS_A_PAGE], totalSize=len(ways))

    gateway.answer = answer
    tree = await gateway.client(session).asset_tree(ROOT)
    assert len(tree.nodes) == 2501
    bodies = [exchange.json for exchange in gateway.business]
    assert [body["pagination"]["pageNo"] for body in bodies] == [1, 2, 3]
    assert {body["pagination"]["pageSize"] for body in bodies} == {PATHS_A_PAGE}
    assert {key for body in bodies for key in body["projection"]} == {
        "assetPaths",
        "assets.*.name",
        "assets.*.label",
        "assets.*.inValid",
    }
    assert {exchange.query["treeId"] for exchange in gateway.business} == {"treeIdXx"}


@pytest.mark.parametrize("total", [None, PATHS_A_PAGE, 5000])
async def test_endless_pages(
    session: aiohttp.ClientSession, gateway: Scripted, total: int | None
) -> None:
    """A gateway that repeats a page, or miscounts, holds nobody."""
    ways = [["root", f"id{number:05}"] for number in range(PATHS_A_PAGE)]
    told = {} if total is None else {"totalSize": total}
    tree = await grown(session, gateway, reply(ways, **told))
    assert len(tree.nodes) == PATHS_A_PAGE + 1
    assert len(gateway.business) == 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"assets": [], "assetPaths": {}},
        {"assets": {"a": None}, "assetPaths": [None, "x", [], [None, 5, ""]]},
    ],
)
async def test_nothing_in_it(
    session: aiohttp.ClientSession, gateway: Scripted, data: Any
) -> None:
    """What holds no path leaves the root alone."""
    tree = await grown(session, gateway, ok(data))
    assert tree == ROOT


async def test_unlabelled_and_unnamed(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """What has no label is a place if something is in it; what has no name has none."""
    assets = {
        "a": {"name": {"defaultValue": "A"}, "inValid": "true"},
        "b": {"label": 0, "name": None},
        "c": {"label": 1, "name": "  C "},
        "d": {"inValid": 0},
    }
    ways = [["root", "a", "b", "e"], ["root", "a", "c"], ["root", "d"]]
    tree = await grown(session, gateway, reply(ways, assets))
    nodes = tree.nodes
    assert {key: node.is_device for key, node in nodes.items()} == {
        "root": False,
        "a": False,
        "b": True,
        "c": False,
        "d": True,
        "e": True,
    }
    assert [key for key, node in nodes.items() if not node.is_valid] == ["a"]
    assert [nodes[key].name.get("en") for key in "abcde"] == ["A", "", "C", "", ""]
    assert nodes["root"].name.get("en") == "Campus"


@pytest.mark.parametrize("turn", [1, -1])
async def test_several_paths(
    session: aiohttp.ClientSession, gateway: Scripted, turn: int
) -> None:
    """Whatever the order: a device is at its most exact place, nothing is above itself."""
    ways = [
        ["root", "x"],
        ["root", "a", "x"],
        ["root", "b", "y", "x"],
        ["root", "b", "c", "x"],
        ["root", "a", "b", "c", "z"],
        ["root", "b", "a", "root", "q"],
        ["lost", "w"],
        ["p", "o", "p"],
        ["o", "p", "o"],
    ]
    tree = await grown(session, gateway, reply(ways[::turn]))
    parents = {key: node.parent for key, node in tree.nodes.items()}
    assert parents == {
        "root": None,
        "a": "root",
        "b": "root",
        "c": "b",
        "y": "b",
        "x": "c",
        "z": "c",
        "q": "root",
        "lost": None,
        "w": "lost",
        "o": None,
        "p": None,
    }


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ([], []),
        ([{"treeId": ""}, {"treeId": 5}, {}], []),
        ([{"treeId": "t", "name": None}], [[]]),
        ([{"treeId": "t", "asset": {"assetId": ""}}, {"treeId": "t"}], [[]]),
        ([{"treeId": "t", "asset": {"assetId": "a"}}], [["a"]]),
    ],
)
async def test_lists_of_trees(
    session: aiohttp.ClientSession, gateway: Scripted, data: Any, ids: Any
) -> None:
    """A tree without id is none; one without root is one."""
    gateway.answer = lambda _: ok(data)
    found = await gateway.client(session).asset_trees()
    assert [list(tree.nodes) for tree in found] == ids
