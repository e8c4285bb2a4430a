"""The admin port."""

from typing import Any

from aiohttp import ClientSession
import pytest

from .helper import DEVICES, Client


class Admin:
    """Calls the admin port."""

    def __init__(self, client: Client) -> None:
        """Note where it is."""
        self.url = client.sim.admin_url
        self.session: ClientSession = client.session

    async def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Return the status and the parsed reply."""
        async with self.session.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            return response.status, await response.json()


@pytest.fixture
async def admin(client: Client) -> Admin:
    """Return the admin port of a building."""
    return Admin(client)


async def test_index(client: Client, admin: Admin) -> None:
    """The first page tells all that a person needs."""
    status, data = await admin("GET", "/")
    assert status == 200
    assert data["url"] == client.sim.url
    assert data["org_id"] == client.sim.org_id
    assert data["access_key"] == client.sim.access_key
    assert data["secret_key"] == client.sim.secret_key
    assert len(data["devices"]) == 16
    assert data["devices"][0]["behaviour"] == {}


async def test_devices(client: Client, admin: Admin) -> None:
    """Devices are changed, added and removed."""
    device = client.sim.device("fcu")
    path = f"/devices/{device.asset_id}"
    status, data = await admin(
        "PATCH",
        path,
        {
            "status": "offline",
            "behaviour": {"reply_delay": 2, "silent": True, "reject_code": 460},
            "name": {"en": "Fan", "zh": "风"},
        },
    )
    assert status == 200
    assert data["status"] == device.status == "offline"
    assert data["behaviour"]["reply_delay"] == device.behaviour.reply_delay == 2
    assert device.behaviour.silent is True
    assert data["name"] == {"en_US": "Fan", "zh_CN": "风"}
    await admin("PATCH", path, {"behaviour": {"reject_code": None}})
    assert device.behaviour.reject_code is None
    status, data = await admin("GET", path)
    assert data["values"] == device.values
    status, data = await admin("POST", "/devices", {"kind": "light"})
    assert status == 201
    assert data["asset_id"] in client.sim.devices
    assert (await admin("DELETE", path))[0] == 200
    assert device.asset_id not in client.sim.devices
    assert (await admin("GET", path))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {"status": "asleep"},
        {"behaviour": 5},
        {"behaviour": {"unknown": 1}},
        {"behaviour": {"silent": 1}},
        {"behaviour": {"reply_delay": "2"}},
        {"behaviour": {"reject_code": "460"}},
        {"name": "x"},
        {"more": 1},
        {"device_key": ""},
        {"kind": "toaster"},
        {"parent": "nothing8"},
        {"gateway": None},
        {"gateway": "nothing8"},
        [],
    ],
)
async def test_bad_changes(client: Client, admin: Admin, body: Any) -> None:
    """Nonsense changes nothing."""
    device = client.sim.device("fcu")
    status, data = await admin("PATCH", f"/devices/{device.asset_id}", body)
    assert status == 400
    assert data["error"]
    assert device.status == "online"


async def test_fleet(client: Client, admin: Admin) -> None:
    """A device gets another key, model, place and gateway."""
    sim, device = client.sim, client.sim.device("fcu")
    gateway = sim.add_device("gateway")
    place = sim.device("meter").parent_id
    path = f"/devices/{device.asset_id}"
    body = {
        "device_key": "new",
        "kind": "lab",
        "parent": place,
        "gateway": gateway.asset_id,
    }
    status, data = await admin("PATCH", path, body)
    assert status == 200
    assert {name: data[name] for name in body} == body
    assert device.model_id == data["model_id"] == "lab_bench"
    assert (await admin("PATCH", path, {"gateway": None}))[1]["gateway"] is None


async def test_put(client: Client, admin: Admin) -> None:
    """Any text is a value."""
    device = client.sim.device("fcu")
    body = {"asset_id": device.asset_id, "point": "co2", "json": "NaN", "time": 5}
    assert (await admin("POST", "/put", body))[0] == 200
    assert '"co2":NaN,"timestamp":5' in (await client.latest([device], "co2")).text
    for wrong in (
        {},
        {**body, "json": 5},
        {**body, "time": "5"},
        {**body, "point": "typo"},
        {**body, "asset_id": None},
        {**body, "more": 1},
    ):
        assert (await admin("POST", "/put", wrong))[0] == 400


async def test_faults(client: Client, admin: Admin) -> None:
    """Faults are added and cleared."""
    fault = {"kind": "status", "path": "devices", "status": 500, "count": 3}
    status, data = await admin("POST", "/faults", fault)
    assert status == 201
    assert (await client.search(DEVICES)).status == 500
    status, data = await admin("GET", "/faults")
    assert data[0]["hits"] == 1
    assert (await admin("DELETE", "/faults"))[0] == 200
    assert (await client.search(DEVICES)).status == 200
    for wrong in ({}, {"kind": "explode"}, {"kind": "drop", "more": 1}):
        assert (await admin("POST", "/faults", wrong))[0] == 400


async def test_report(client: Client, admin: Admin) -> None:
    """Samples are posted."""
    device = client.sim.device("fcu")
    body = {"asset_id": device.asset_id, "values": {"co2": 700}}
    assert (await admin("POST", "/report", body))[0] == 200
    assert await client.tsdb(device, "co2") == 700
    for wrong in (
        {},
        {"asset_id": "nothing8", "values": {}},
        {"asset_id": device.asset_id, "values": 5},
        {"asset_id": device.asset_id, "values": {"typo": 5}},
    ):
        assert (await admin("POST", "/report", wrong))[0] == 400


async def test_records(client: Client, admin: Admin) -> None:
    """Requests, rejections, commands and writes are shown."""
    device = client.sim.device("fcu")
    await client.set(device, "mode", 2)
    await client.search(DEVICES, {"more": 1})
    _, data = await admin("GET", "/requests?limit=2")
    assert [record["code"] for record in data] == [0, 99400]
    assert data[0]["body"] == {"value": 2}
    _, data = await admin("GET", "/rejections")
    assert "more is not known" in data[0]
    _, data = await admin("GET", "/commands")
    assert [state for state, _ in data[0]["history"]] == [1, 4, 5]
    _, data = await admin("GET", "/writes")
    assert data == [[device.asset_id, "mode", 2]]
    _, data = await admin("GET", "/writes?limit=0")
    assert data == []
    assert (await admin("GET", "/writes?limit=x"))[0] == 400


async def test_gateway(client: Client, admin: Admin) -> None:
    """Rights, tokens, clock, plug and physics have their controls."""
    sim, device = client.sim, client.sim.device("fcu")
    await admin(
        "PATCH", "/rights", {"remove": ["Asset: Read"], "forbidden_assets": ["x"]}
    )
    assert (await client.latest([device], "power")).code == 80401
    assert sim.forbidden_assets == {"x"}
    await admin("PATCH", "/rights", {"add": ["Asset: Read"]})
    assert (await client.latest([device], "power")).code == 0
    _, data = await admin("PATCH", "/rights", {"rights": []})
    assert data["rights"] == []
    assert (await admin("PATCH", "/rights", {"rights": "x"}))[0] == 400
    for path in ("/token/expire", "/token/revoke"):
        await client.log_in()
        assert (await admin("POST", path))[0] == 200
        assert (await client.search(DEVICES)).status == 401
    await admin("PATCH", "/gateway", {"clock_offset": 100, "time_scale": 2})
    assert (sim.clock_offset, sim.time_scale) == (100.0, 2.0)
    assert (await admin("PATCH", "/gateway", {"time_scale": "2"}))[0] == 400
    await admin("PATCH", "/gateway", {"listening": False})
    with pytest.raises(OSError):
        await client.search(DEVICES)
    await admin("PATCH", "/gateway", {"listening": True})
    assert (await client.search(DEVICES)).status == 401
    before = device.values["room_temp"]
    assert (await admin("POST", "/step", {"seconds": 600}))[0] == 200
    assert device.values["room_temp"] != before
    assert (await admin("POST", "/step", {"seconds": -1}))[0] == 400


async def test_for_this_machine_only(client: Client, admin: Admin) -> None:
    """Web pages of elsewhere get nothing."""
    assert (await admin("GET", "/", Origin="http://evil.example"))[0] == 403
    assert (await admin("GET", "/", Host="evil.example"))[0] == 403
    async with client.session.post(admin.url + "/step", data=b"{}") as response:
        assert response.status == 400
