"""What every call needs: action, organization, rights, parameters, body."""

from typing import Any

import pytest

from .helper import (
    ASSETS,
    COMMANDS,
    DEVICES,
    LATEST,
    MEASUREPOINTS,
    MODELS,
    NODES,
    PATHS,
    PRODUCTS,
    TREES,
    Client,
)


async def test_envelope(client: Client) -> None:
    """Replies have the documented members, and no others."""
    reply = await client.search(DEVICES)
    assert set(reply.json) == {"code", "msg", "requestId", "data", "pagination"}
    assert reply.json["msg"] == "OK"
    reply = await client.get(DEVICES, assetId="nothing")
    assert reply.status == 200
    assert reply.json.keys() == {"code", "msg", "requestId", "data"}
    assert reply.json["data"] is None
    reply = await client.latest([client.sim.device("fcu")], "power")
    assert set(reply.json) == {"code", "msg", "submsg", "data"}


async def test_action_is_needed(client: Client) -> None:
    """A missing and an unknown action are told apart."""
    reply = await client.call("GET", DEVICES)
    assert reply.code == 99400
    assert reply.json["msg"] == "Invalid Argument action:action is missing"
    assert (await client.call("GET", DEVICES, {"action": "fly"})).code == 99400
    assert len(client.sim.rejections) == 2


@pytest.mark.parametrize(
    ("path", "denied", "invalid"), [(DEVICES, 99403, 99400), (LATEST, 80401, 80400)]
)
async def test_organization(
    client: Client, path: str, denied: int, invalid: int
) -> None:
    """The organization is needed, must exist and be the application's."""
    params = {} if path == LATEST else {"action": "search"}
    device = client.sim.device("fcu")
    body = {"assetIds": device.asset_id, "pointIds": "power"} if path == LATEST else {}
    reply = await client.call("POST", path, params, body, org="o1")
    assert reply.code == invalid
    if path == DEVICES:
        assert reply.json["msg"] == "Invalid Argument orgId:  orgId does not exist"
    foreign = client.sim.foreign_org_id
    reply = await client.call("POST", path, params, body, org=foreign)
    assert reply.code == denied
    if path == DEVICES:
        assert reply.json["msg"] == f"Denied resource:  orgId {foreign}"
    assert client.sim.rejections == []
    headers = {"Content-Type": "application/json", **client.signed(params, b"{}")}
    query = "&".join(f"{key}={value}" for key, value in params.items())
    reply = await client.send("POST", f"{path}?{query}", b"{}", headers)
    assert reply.code == invalid
    assert "orgId is missing" in client.sim.rejections[0]


async def test_unknown_and_empty_parameters(client: Client) -> None:
    """Nothing is ignored."""
    reply = await client.search(DEVICES, {}, page="1")
    assert reply.json["msg"] == "Invalid Argument page:page is not known"
    reply = await client.get(DEVICES, assetId="")
    assert reply.json["msg"] == "Invalid Argument assetId:assetId is missing"
    assert (await client.search(DEVICES, {"page": 1})).code == 99400
    reply = await client.call("POST", LATEST, {"action": "get"}, {})
    assert reply.code == 80400
    assert len(client.sim.rejections) == 4


RIGHTS = [
    ("Device Management: Read", DEVICES, "search", {}, 99403),
    ("Device Management: Read", PRODUCTS, "search", {}, 99403),
    ("Device Management: Read", MEASUREPOINTS, "queryLatest", {}, 99403),
    ("Model Management: Read", MODELS, "search", {}, 99403),
    ("Asset: Control", COMMANDS, "search", {}, 99403),
    ("Asset: Control", COMMANDS, "setMeasurepoint", {"value": True}, 99403),
    ("Asset: Read", LATEST, None, {"assetIds": "", "pointIds": "power"}, 80401),
    ("Asset: Read", ASSETS, "get", None, 99403),
    ("Asset Tree Management: Read", TREES, "search", {}, 99403),
    ("Asset Tree Management: Read", NODES, "searchAsset", {}, 99403),
    ("Asset Tree Management: Read", PATHS, "search", {}, 99403),
]


@pytest.mark.parametrize(("right", "path", "action", "body", "code"), RIGHTS)
async def test_rights(
    client: Client,
    right: str,
    path: str,
    action: str | None,
    body: dict[str, Any] | None,
    code: int,
) -> None:
    """Each call needs its right."""
    sim = client.sim
    device = sim.device("fcu")
    params = {} if action is None else {"action": action}
    if path in (MEASUREPOINTS, COMMANDS, ASSETS):
        params["assetId"] = device.asset_id
    if action == "setMeasurepoint":
        params["measurepointId"] = "power"
    if path == PATHS:
        params["treeId"] = sim.building.tree_id
    if path == LATEST and body is not None:
        body = {**body, "assetIds": device.asset_id}
    method = "GET" if body is None else "POST"
    assert (await client.call(method, path, params, body)).code == 0
    sim.rights.discard(right)
    reply = await client.call(method, path, params, body)
    assert reply.code == code
    assert reply.json["data"] is None
    assert sim.rejections == []
    sim.rights.add(right)
    assert (await client.call(method, path, params, body)).code == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body is missing"),
        (b"[]", "must be a JSON object"),
        (b"{", "no JSON"),
        (b'{"a":NaN}', "no JSON"),
        (b'{"projection":[],"projection":[]}', "given twice"),
        (b'{"a":"\xff"}', "no JSON"),
        (b"[" * 200_000, "no JSON"),
    ],
    ids=["none", "list", "cut", "NaN", "twice", "no UTF-8", "deep"],
)
async def test_bodies(client: Client, body: bytes, text: str) -> None:
    """A body must be a clean JSON object."""
    reply = await client.call("POST", DEVICES, {"action": "search"}, body)
    assert reply.code == 99400
    assert text in reply.json["msg"]


async def test_no_body_where_none_belongs(client: Client) -> None:
    """A get call has no body."""
    reply = await client.call(
        "GET", DEVICES, {"action": "get", "assetId": "x"}, {"a": 1}
    )
    assert reply.code == 99400


@pytest.mark.parametrize(
    ("content_type", "good"),
    [
        ("application/json", True),
        ("application/json;charset=UTF-8", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain", False),
        ("application/octet-stream", False),
        ("application/x-www-form-urlencoded", False),
        ("application/json;charset=gbk", False),
    ],
)
async def test_content_type(client: Client, content_type: str, good: bool) -> None:
    """A JSON body says that it is one."""
    client.headers = {"Content-Type": content_type}
    assert (await client.search(DEVICES)).code == (0 if good else 99400)


async def test_which_device(client: Client) -> None:
    """A device is named by asset, or by product and key, and not by both."""
    device = client.sim.device("fcu", 1)
    keys = {"productKey": device.product_key, "deviceKey": device.device_key}
    reply = await client.get(DEVICES, assetId=device.asset_id)
    assert reply.data["deviceKey"] == device.device_key
    assert (await client.get(DEVICES, **keys)).data["assetId"] == device.asset_id
    assert client.sim.rejections == []
    for params, code in (
        ({}, 99400),
        ({"productKey": device.product_key}, 99400),
        ({"deviceKey": device.device_key}, 99400),
        ({**keys, "assetId": device.asset_id}, 99400),
        ({"assetId": "nothing8"}, 99404),
        ({**keys, "deviceKey": "nothing"}, 99404),
        ({"assetId": f"{device.asset_id},{device.asset_id}"}, 99404),
    ):
        assert (await client.get(DEVICES, **params)).code == code
    # A device that is gone is not the client's fault.
    assert len(client.sim.rejections) == 5
