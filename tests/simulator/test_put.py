"""Any JSON value as a point's newest sample."""

import json
import math
from typing import Any

import pytest

from simulator import Guesses, Json

from .conftest import Connect
from .helper import Client, until

VALUES: list[Any] = [
    None,
    *("", " ", "NaN", "-Infinity", "null", "1", "1e400", "0x10", "１２"),
    *(0, 1, -1, 2, 2**31, 2**63, 10**40, 0.1 + 0.2, 1e308, -0.0),
    *(True, False),
    *(1767225600, 1767225600000, 1767225600.5, "1767225600", "2026-02-30"),
    *("x" * 2000, "汉" * 2000, "a\nb\x00c", "<b>&amp;</b>", "\ud800"),
    *([], [None], [1, [2]], ["x", 1], {}, {"a": None}, {"rounds": "x", "more": [1]}),
]
TYPED_POINTS = (
    *("int_setpoint", "float_measured", "double_setpoint", "bool_switch"),
    *("enum_int", "enum_text", "string_note", "timestamp_start", "date_due"),
    *("array_double", "struct_plan", "file_report"),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
async def test_as_it_is(client: Client, value: Any) -> None:
    """Both services give a value as it is, whatever the type of the point."""
    sim = client.sim
    device = sim.add_device("lab")
    for point in TYPED_POINTS:
        sim.put(device.asset_id, point, value, 1_700_000_000_000)
    items = (await client.latest([device], ",".join(TYPED_POINTS))).data["items"]
    assert len(items) == len(TYPED_POINTS)
    for item, point in zip(items, TYPED_POINTS, strict=True):
        assert item["timestamp"] == 1_700_000_000_000
        assert item[point] == value
        assert type(item[point]) is type(value)
    for item in (await client.query(device, *TYPED_POINTS)).data:
        assert item["time"] == "1700000000000"
        assert item["value"] == value
        assert type(item["value"]) is type(value)


@pytest.mark.parametrize("guesses", [Guesses(), Guesses.all_non_default()])
@pytest.mark.parametrize("item_format", [0, 1, 2])
async def test_no_guess_converts(
    connect: Connect, guesses: Guesses, item_format: int
) -> None:
    """Neither all texts nor 1 and 0 apply to what was put."""
    client = await connect(guesses=guesses)
    device = client.sim.add_device("lab")
    client.sim.put(device.asset_id, "bool_switch", True)
    client.sim.put(device.asset_id, "int_open", 5)
    reply = await client.latest(
        [device], "bool_switch,int_open", itemFormat=item_format
    )
    found = json.dumps(reply.data["items"])
    assert "true" in found
    assert '"5"' not in found
    assert await client.value(device, "bool_switch") is True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ([1.0, math.nan], "[1.0, NaN]"),
        (Json("1e400"), "1e400"),
        (Json("NaN"), "NaN"),
        (Json('{"a": 1, "a": 2}'), '{"a": 1, "a": 2}'),
        (Json("007"), "007"),
        (Json("1.10"), "1.10"),
    ],
)
async def test_bare_words(client: Client, value: Any, text: str) -> None:
    """NaN and infinity go out as some gateways write them; Json as it is."""
    device = client.sim.add_device("lab")
    client.sim.put(device.asset_id, "double_measured", value)
    assert (
        f'"double_measured":{text},'
        in (await client.latest([device], "double_measured")).text
    )
    assert f'"value":{text}}}' in (await client.query(device, "double_measured")).text


@pytest.mark.parametrize("when", [0, -1, 1_767_225_600, 10**13, 4 * 10**12, 10**18])
async def test_any_time(client: Client, when: int) -> None:
    """A sample may be of any time, the local time of none."""
    device = client.sim.add_device("lab")
    client.sim.put(device.asset_id, "int_open", 5, when)
    reply = await client.latest([device], "int_open", ifWithLocalTime=True)
    assert reply.data["items"][0]["timestamp"] == when
    assert (await client.query(device, "int_open")).data[0]["time"] == str(when)


async def test_it_stands_until_the_next_report(connect: Connect) -> None:
    """The device does not talk over what was put; a report or a write ends it."""
    client = await connect(physics=True, time_scale=600.0)
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.tsdb_delay = 0.5
    await sim.report(device, {"room_temp": 20.0, "power": True})
    sim.put(device.asset_id, "room_temp", "?")
    sim.put(device.asset_id, "power", None)
    held = device.values["room_temp"]
    sim.step(3600)
    sim.jump(61)
    await until(lambda: device.last_full_post > 60, 5)
    device.status = "offline"
    device.status = "online"
    assert device.values["room_temp"] != held
    for read in (client.tsdb, client.value):
        assert await read(device, "room_temp") == "?"
        assert await read(device, "power") is None
    device.behaviour.tsdb_delay = 0
    await sim.report(device, {"room_temp": 21.0})
    assert await client.value(device, "room_temp") == 21.0
    await client.set(device, "power", False)
    await until(lambda: device.connect_latest["power"].value is False)


async def test_points_without_storage(client: Client) -> None:
    """What is never stored is not, what does not exist cannot be put."""
    sim = client.sim
    device = sim.add_device("lab")
    sim.put(device.asset_id, "int_unstored", "x")
    assert await client.tsdb(device, "int_unstored") is None
    assert await client.value(device, "int_unstored") == "x"
    with pytest.raises(ValueError, match="no measurepoint"):
        sim.put(device.asset_id, "typo", 1)
    with pytest.raises(ValueError, match="no device"):
        sim.put("nothing8", "int_open", 1)
