"""Newest values: the time series, and the connect service."""

import asyncio
from datetime import datetime, timedelta
import time
from typing import Any

import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import LATEST, MEASUREPOINTS, Client


async def test_plain_items(client: Client) -> None:
    """There is one item for each point of each asset."""
    devices = [client.sim.device("fcu", number) for number in range(2)]
    data = (await client.latest(devices, "power,mode,fan_speed,room_temp")).data
    assert len(data["items"]) == 8
    first = data["items"][0]
    assert first == {
        "assetId": devices[0].asset_id,
        "power": True,
        "timestamp": devices[0].tsdb_latest["power"].time,
    }
    assert abs(first["timestamp"] - time.time() * 1000) < 60_000
    values = {
        (item["assetId"], key): item[key]
        for item in data["items"]
        for key in item
        if key not in ("assetId", "timestamp")
    }
    for device in devices:
        for point in ("power", "mode", "fan_speed", "room_temp"):
            assert values[device.asset_id, point] == device.values[point]
    assert client.sim.rejections == []


async def test_merged_items(client: Client) -> None:
    """Format 1 joins points of the same time."""
    device = client.sim.device("fcu")
    await client.sim.report(device, {"power": False, "mode": 2})
    data = (await client.latest([device], "power,mode,co2", itemFormat=1)).data
    assert [set(item) for item in data["items"]] == [
        {"assetId", "timestamp", "power", "mode"},
        {"assetId", "timestamp", "co2"},
    ]


async def test_columns(client: Client) -> None:
    """Format 2 has columns, and values as text."""
    device = client.sim.device("fcu")
    data = (
        await client.latest([device], "co2", itemFormat=2, ifWithLocalTime=True)
    ).data
    (item,) = data["items"]
    assert item["value"] == [str(device.values["co2"])]
    assert item["pointId"] == "co2"
    assert item["dataQuality"] == [0]
    assert len(item["localTime"]) == len(item["timestamp"]) == 1


async def test_no_storage_policy(client: Client) -> None:
    """Some points never get to the time series, the connect service has them."""
    for kind, point in (
        ("fcu", "fault_code"),
        ("ahu", "operator_note"),
        ("chiller", "alarm_codes"),
        ("charger", "card_id"),
    ):
        device = client.sim.device(kind)
        assert await client.tsdb(device, point) is None
        assert (await client.query(device, point)).data != []
    assert await client.tsdb(client.sim.device("fcu"), "unknown") is None
    client.sim.unstored["hvac_fcu"].add("co2")
    other = client.sim.add_device("fcu")
    assert await client.tsdb(other, "co2") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"assetIds": "a"},
        {"pointIds": "p"},
        {"assetIds": ["a"], "pointIds": "p"},
        {"assetIds": "", "pointIds": "p"},
        {"assetIds": "a,,b", "pointIds": "p"},
        {"assetIds": "a, b", "pointIds": "p"},
        {"assetIds": "a", "pointIds": "p,p"},
        {"assetIds": "a", "pointIds": "p", "itemFormat": 3},
        {"assetIds": "a", "pointIds": "p", "itemFormat": "1"},
        {"assetIds": "a", "pointIds": "p", "localTimeFormat": 2},
        {"assetIds": "a", "pointIds": "p", "timeWindow": -1},
        {"assetIds": "a", "pointIds": "p", "timeWindow": 1.5},
        {"assetIds": "a", "pointIds": "p", "timeWindow": "x"},
        {"assetIds": "a", "pointIds": "p", "ifWithLocalTime": "yes"},
        {"assetIds": "a", "pointIds": "p", "modelId": "none"},
        {"assetIds": "a", "pointIds": "p", "more": 1},
        {
            "assetIds": ",".join(f"a{number}" for number in range(1001)),
            "pointIds": "p,q,r",
        },
    ],
)
async def test_bad_requests(client: Client, body: dict[str, Any]) -> None:
    """What does not follow the documentation is refused."""
    reply = await client.call("POST", LATEST, {}, body)
    assert reply.code == 80400
    assert reply.json["msg"] == "Invalid param error"
    assert reply.json["data"] is None
    assert len(client.sim.rejections) == 1


async def test_the_cap_itself_is_allowed(connect: Connect) -> None:
    """Assets times points may be 3,000."""
    client = await connect(devices=1000)
    devices = list(client.sim.devices.values())
    reply = await client.latest(devices, "power,switch,brightness")
    assert len(reply.data["items"]) > 1000


async def test_time_window(client: Client) -> None:
    """A window leaves out what is older, and what is of the future."""
    sim = client.sim
    old, new, future = (sim.device("fcu", number) for number in range(3))
    now = int(time.time() * 1000)
    await sim.report(old, {"co2": 1}, time_ms=now - 10 * 60_000)
    await sim.report(new, {"co2": 2}, time_ms=now - 60_000)
    await sim.report(future, {"co2": 3}, time_ms=now + 60_000)

    async def seen(**body: Any) -> list[int]:
        reply = await client.latest([old, new, future], "co2", **body)
        return [item["co2"] for item in reply.data["items"]]

    assert await seen() == [1, 2, 3]
    assert await seen(timeWindow=None) == [1, 2, 3]
    assert await seen(timeWindow="") == [1, 2, 3]
    assert await seen(timeWindow=0) == [1, 2, 3]
    assert await seen(timeWindow=5) == [2]
    assert await seen(timeWindow="30") == [1, 2]


async def test_local_times(client: Client) -> None:
    """Local times come in two forms, with or without milliseconds."""
    device = client.sim.device("fcu")
    await client.sim.report(device, {"co2": 1}, time_ms=1585670399123)

    async def local(**body: Any) -> str:
        items = (await client.latest([device], "co2", **body)).data["items"]
        return str(items[0].get("localtime"))

    assert await local() == "None"
    assert await local(ifWithLocalTime=True) == "2020-03-31 23:59:59"
    assert (
        await local(ifWithLocalTime="true", localTimeAccuracy="true")
        == "2020-03-31 23:59:59.123"
    )
    assert (
        await local(ifWithLocalTime=True, localTimeFormat=1)
        == "2020-03-31T23:59:59+08:00"
    )
    exact = await local(ifWithLocalTime=True, localTimeFormat=1, localTimeAccuracy=True)
    assert datetime.fromisoformat(exact).utcoffset() == timedelta(hours=8)


async def test_model_filter(client: Client) -> None:
    """A model leaves out devices of other models."""
    sim = client.sim
    devices = [sim.device("fcu"), sim.device("light")]
    reply = await client.latest(devices, "power", modelId="hvac_fcu")
    assert [item["assetId"] for item in reply.data["items"]] == [devices[0].asset_id]


@pytest.mark.parametrize("guess", ["drop", "80401"])
async def test_guess_12(connect: Connect, guess: str) -> None:
    """Denied assets are dropped, or all is denied."""
    client = await connect(guesses=Guesses.from_dict({"G12": guess}))
    sim = client.sim
    good, forbidden, gone = (sim.device("fcu", number) for number in range(3))
    sim.forbidden_assets.add(forbidden.asset_id)
    sim.remove_device(gone.asset_id)
    for other in (forbidden, gone):
        reply = await client.latest([good, other], "power")
        if guess == "drop":
            assert [item["assetId"] for item in reply.data["items"]] == [good.asset_id]
        else:
            assert reply.code == 80401
            assert reply.json["msg"] == "Assset unauthorized"
        assert (await client.latest([other], "power")).code == 80401
    assert (await client.latest([good], "power")).code == 0
    assert sim.rejections == []


TYPES = [
    ("fcu", "power", True, True, "true"),
    ("fcu", "mode", 1, 1, "1"),
    ("fcu", "fan_speed", "auto", "auto", "auto"),
    ("fcu", "temp_setpoint", 24.0, 24.0, "24.0"),
    ("meter", "last_reset", "1767225600000", "1767225600000", "1767225600000"),
    ("ahu", "last_filter_change", "2026-05-06", "2026-05-06", "2026-05-06"),
    ("ahu", "zone_temps", [25.0] * 4, "[25.0,25.0,25.0,25.0]", "[25.0,25.0,25.0,25.0]"),
    (
        "ahu",
        "damper",
        {"position": 30.0, "forced": False},
        '{"position":30.0,"forced":false}',
        '{"position":30.0,"forced":false}',
    ),
]


@pytest.mark.parametrize(("kind", "point", "typed", "plain", "text"), TYPES)
async def test_guess_13(
    connect: Connect, kind: str, point: str, typed: Any, plain: Any, text: str
) -> None:
    """Values of the time series are typed, or all texts."""
    client = await connect()
    device = client.sim.device(kind)
    assert await client.value(device, point) == typed
    assert await client.tsdb(device, point) == plain
    client = await connect(guesses=Guesses(G13="all_strings"))
    device = client.sim.device(kind)
    assert await client.value(device, point) == typed
    assert await client.tsdb(device, point) == text


async def test_guess_15(connect: Connect) -> None:
    """A BOOL comes as true and false, or as 1 and 0."""
    client = await connect(guesses=Guesses(G15="one_zero"))
    ahu, fcu = client.sim.device("ahu"), client.sim.device("fcu")
    for value in (await client.tsdb(fcu, "power"), await client.value(fcu, "power")):
        assert value == 1
        assert not isinstance(value, bool)
    damper = await client.value(ahu, "damper")
    assert damper["forced"] == 0
    assert not isinstance(damper["forced"], bool)
    assert await client.tsdb(ahu, "damper") == '{"position":30.0,"forced":0}'
    client = await connect(guesses=Guesses(G13="all_strings", G15="one_zero"))
    assert await client.tsdb(client.sim.device("fcu"), "power") == "1"


async def test_query_latest(client: Client) -> None:
    """The connect service has all points, the time as text."""
    device = client.sim.device("fcu")
    reply = await client.query(device)
    assert {item["id"] for item in reply.data} == set(device.values)
    for item in reply.data:
        assert isinstance(item["time"], str)
        assert item["value"] == device.values[item["id"]]
    reply = await client.query(device, "co2", "unknown")
    assert [item["id"] for item in reply.data] == ["co2"]
    params = {"action": "queryLatest", "assetId": device.asset_id}
    assert len((await client.call("POST", MEASUREPOINTS, params, {})).data) == 9
    bodies: list[dict[str, Any]] = [
        {"measurepointIds": []},
        {"measurepointIds": "co2"},
        {"measurepointIds": [1]},
        {"measurepointIds": None},
        {"points": ["co2"]},
    ]
    for body in bodies:
        assert (await client.call("POST", MEASUREPOINTS, params, body)).code == 99400
    client.sim.forbidden_assets.add(device.asset_id)
    assert (await client.query(device)).code == 99403


async def test_reports(client: Client) -> None:
    """What a device posts is there at once, whatever it is."""
    sim, device = client.sim, client.sim.device("fcu")
    await sim.report(device, {"room_temp": 21.5, "mode": 99})
    assert await client.tsdb(device, "room_temp") == 21.5
    assert await client.value(device, "mode") == 99
    await sim.report(device, {"room_temp": None})
    assert await client.value(device, "room_temp") is None
    await sim.report(device, {"room_temp": float("nan")})
    assert await client.tsdb(device, "room_temp") is None
    with pytest.raises(ValueError, match="no measurepoint"):
        await sim.report(device, {"typo": 1})
    device.status = "offline"
    await sim.report(device, {"co2": 999})
    assert await client.tsdb(device, "co2") != 999
    device.status = "online"
    assert await client.tsdb(device, "co2") == 999


async def test_times_of_samples(client: Client) -> None:
    """Two samples never have one time; a wrong clock shows, also when it is set."""
    sim, device = client.sim, client.sim.device("fcu")
    times: list[int] = []
    for number in range(50):
        await sim.report(device, {"co2": number})
        times.append(device.tsdb_latest["co2"].time)
    assert len(set(times)) == 50
    assert times == sorted(times)
    device.behaviour.clock_offset = -7200
    await sim.report(device, {"co2": 1})
    assert device.tsdb_latest["co2"].time < times[0] - 7_000_000
    assert await client.tsdb(device, "co2") == 1


async def test_late_time_series(client: Client) -> None:
    """The time series may be behind the connect service."""
    sim, device = client.sim, client.sim.device("fcu")
    before = device.values["co2"]
    device.behaviour.tsdb_delay = 0.2
    await sim.report(device, {"co2": 1000})
    assert await client.value(device, "co2") == 1000
    assert await client.tsdb(device, "co2") == before
    device.behaviour.tsdb_delay = 0
    await sim.report(device, {"co2": 1001})
    assert await client.tsdb(device, "co2") == before
    await asyncio.sleep(0.25)
    assert await client.tsdb(device, "co2") == 1001


async def test_float32(client: Client) -> None:
    """A device may report widened 32-bit floats."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.float32 = True
    await sim.report(device, {"temp_setpoint": 21.3, "room_temp": 21.3})
    assert await client.tsdb(device, "temp_setpoint") == 21.299999237060547
    assert await client.tsdb(device, "room_temp") == 21.3
