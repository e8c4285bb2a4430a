"""Commands: what is accepted, and how devices take it."""

import asyncio
import time
from typing import Any

import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import COMMANDS, Client, command_call, states, until


async def test_instant(client: Client) -> None:
    """An instant command is held until the device answers, then reported."""
    sim, device = client.sim, client.sim.device("fcu")
    reply = await client.set(device, "temp_setpoint", 21.5)
    command_id = reply.data["commandId"]
    assert command_id.isdecimal()
    assert len(command_id) == 19
    assert device.values["temp_setpoint"] == 21.5
    assert sim.writes == [(device.asset_id, "temp_setpoint", 21.5)]
    assert states(sim) == [[1, 4, 5]]
    await until(lambda: device.connect_latest["temp_setpoint"].value == 21.5)
    assert await client.tsdb(device, "temp_setpoint") == 21.5
    assert await client.value(device, "temp_setpoint") == 21.5
    assert sim.rejections == []


async def test_by_product_and_key(client: Client) -> None:
    """A device can be named by its product and key."""
    device = client.sim.device("light")
    reply = await client.call(
        "POST",
        COMMANDS,
        {
            "action": "setMeasurepoint",
            "productKey": device.product_key,
            "deviceKey": device.device_key,
            "measurepointId": "switch",
            "pendingTtl": "0",
            "timeout": "30",
        },
        {"value": True},
    )
    assert reply.code == 0
    assert device.values["switch"] is True


GOOD = [
    ("fcu", "power", True, True),
    ("fcu", "power", 0, False),
    ("fcu", "mode", 3, 3),
    ("fcu", "fan_speed", "high", "high"),
    ("fcu", "temp_setpoint", 16, 16.0),
    ("fcu", "temp_setpoint", 21.3, 21.3),
    ("fcu", "temp_setpoint", 30.0, 30.0),
    ("fcu", "room_temp", 19.25, 19.25),
    ("light", "brightness", 0, 0),
    ("light", "brightness", 100, 100),
    ("battery", "power_setpoint", -50, -50.0),
    ("ahu", "operator_note", "x" * 64, "x" * 64),
    ("ahu", "last_filter_change", "2026-11-22", "2026-11-22"),
    ("ahu", "last_filter_change", "2026-11-22 08:00:00", "2026-11-22 08:00:00"),
    ("ahu", "zone_temps", [1, 2.5], [1.0, 2.5]),
    (
        "ahu",
        "damper",
        {"position": 50, "forced": 1},
        {"position": 50.0, "forced": True},
    ),
    (
        "ahu",
        "damper",
        {"position": 5.5, "forced": False, "note": "开"},
        {"position": 5.5, "forced": False, "note": "开"},
    ),
    ("chiller", "alarm_codes", [], []),
    ("meter", "last_reset", 1700000000000, "1700000000000"),
    ("meter", "last_reset", "1700000000000", "1700000000000"),
]


async def test_good_values(client: Client) -> None:
    """Values that fit the model get to the device."""
    for kind, point, value, held in GOOD:
        device = client.sim.device(kind)
        assert (await client.set(device, point, value)).code == 0, (point, value)
        assert device.values[point] == held
        assert type(device.values[point]) is type(held)
    assert client.sim.rejections == []


BAD = [
    ("fcu", "power", "true"),
    ("fcu", "power", 2),
    ("fcu", "power", 1.0),
    ("fcu", "power", None),
    ("fcu", "mode", 0),
    ("fcu", "mode", 9),
    ("fcu", "mode", "1"),
    ("fcu", "mode", 1.0),
    ("fcu", "mode", True),
    ("fcu", "fan_speed", "turbo"),
    ("fcu", "fan_speed", 1),
    ("fcu", "temp_setpoint", "21"),
    ("fcu", "temp_setpoint", True),
    ("fcu", "temp_setpoint", 15.9),
    ("fcu", "temp_setpoint", 30.5),
    ("fcu", "room_temp", [21]),
    ("fcu", "co2", 2**31),
    ("light", "brightness", 50.0),
    ("light", "brightness", 101),
    ("light", "brightness", -1),
    ("light", "power", 1e39),
    ("ahu", "operator_note", "x" * 65),
    ("ahu", "operator_note", 5),
    ("ahu", "last_filter_change", "22.11.2026"),
    ("ahu", "last_filter_change", "2026-13-01"),
    ("ahu", "last_filter_change", 5),
    ("ahu", "zone_temps", 21.5),
    ("ahu", "zone_temps", ["21"]),
    ("ahu", "damper", 5),
    ("ahu", "damper", {"position": 5}),
    ("ahu", "damper", {"position": 5, "forced": "no"}),
    ("ahu", "damper", {"position": 5, "forced": False, "more": 1}),
    ("chiller", "alarm_codes", [1.5]),
    ("meter", "last_reset", "yesterday"),
    ("meter", "last_reset", 1.5),
    ("fcu", "unknown", 1),
]


async def test_bad_values(client: Client) -> None:
    """Values that do not fit are refused and get nowhere."""
    sim = client.sim
    for kind, point, value in BAD:
        reply = await client.set(sim.device(kind), point, value)
        assert reply.code == 99400, (point, value)
        argument = "measurepointId" if point == "unknown" else "value"
        assert reply.json["msg"].startswith(f"Invalid Argument {argument}")
        assert point in sim.rejections[-1]
    assert sim.writes == []
    assert sim.commands == []
    assert len(sim.rejections) == len(BAD)


@pytest.mark.parametrize("guess", ["99404", "11795"])
async def test_guess_9(connect: Connect, guess: str) -> None:
    """A misfit has one of several codes."""
    client = await connect(guesses=Guesses.from_dict({"G9": guess}))
    device = client.sim.device("fcu")
    assert (await client.set(device, "power", 5)).code == int(guess)
    assert (await client.set(device, "unknown", 5)).code == int(guess)


@pytest.mark.parametrize("body", [{}, {"value": 1, "more": 1}, {"Value": 1}])
async def test_bad_bodies(client: Client, body: dict[str, Any]) -> None:
    """The body has a value and nothing else."""
    device = client.sim.device("fcu")
    reply = await client.call(
        "POST",
        COMMANDS,
        {
            "action": "setMeasurepoint",
            "assetId": device.asset_id,
            "measurepointId": "power",
        },
        body,
    )
    assert reply.code == 99400


@pytest.mark.parametrize(
    "params",
    [
        {"timeout": "0"},
        {"timeout": "61"},
        {"timeout": "1.5"},
        {"timeout": "x"},
        {"timeout": "030"},
        {"timeout": ""},
        {"pendingTtl": "-1"},
        {"pendingTtl": "172801"},
        {"pendingTtl": "1e3"},
        {"serviceId": "x"},
    ],
)
async def test_bad_options(client: Client, params: dict[str, str]) -> None:
    """Time limits have their ranges."""
    reply = await client.set(client.sim.device("fcu"), "power", True, **params)
    assert reply.code == 99400
    assert client.sim.writes == []


async def test_limits_of_options(client: Client) -> None:
    """The ends of the ranges are allowed."""
    device = client.sim.device("fcu")
    for params in (
        {"timeout": "1"},
        {"timeout": "60"},
        {"pendingTtl": "0"},
        {"pendingTtl": "172800"},
    ):
        assert (await client.set(device, "power", True, **params)).code == 0


async def test_comma_list(client: Client) -> None:
    """A command is for one device (guess G10)."""
    devices = [client.sim.device("fcu", number) for number in range(2)]
    reply = await client.call(
        "POST",
        COMMANDS,
        {
            "action": "setMeasurepoint",
            "assetId": ",".join(device.asset_id for device in devices),
            "measurepointId": "power",
        },
        {"value": True},
    )
    assert reply.code == 99404
    assert len(client.sim.rejections) == 1


async def test_forbidden_asset(client: Client) -> None:
    """A forbidden asset cannot be controlled."""
    device = client.sim.device("fcu")
    client.sim.forbidden_assets.add(device.asset_id)
    assert (await client.set(device, "power", True)).code == 99403
    for action, body in (("search", {}), ("cancel", None)):
        reply = await command_call(client, device, action, body)
        assert reply.code == 99403


@pytest.mark.parametrize(
    ("status", "code"), [("offline", 11900), ("disabled", 11900), ("inactive", 11888)]
)
async def test_instant_to_a_device_that_is_away(
    client: Client, status: Any, code: int
) -> None:
    """It is refused at once and leaves nothing behind."""
    device = client.sim.device("fcu")
    device.status = status
    reply = await client.set(device, "power", False)
    assert reply.code == code
    assert reply.json["data"] is None
    assert client.sim.commands == []
    assert client.sim.rejections == []


async def test_guess_7(connect: Connect) -> None:
    """The message of the 11xxx codes is anybody's guess."""
    client = await connect()
    device = client.sim.device("fcu")
    device.status = "offline"
    reply = await client.set(device, "power", False)
    assert reply.json["msg"] == "The device is offline"
    client = await connect(guesses=Guesses(G7="any_text"))
    device = client.sim.device("fcu")
    device.status = "offline"
    reply = await client.set(device, "power", False)
    assert reply.code == 11900
    assert reply.json["msg"] == "指令失败 [11900]"


async def test_custom_format(client: Client) -> None:
    """Commands cannot be encoded for a product of another format."""
    device = client.sim.device("fcu")
    device.behaviour.custom_format = True
    for params in ({}, {"pendingTtl": "60"}):
        assert (await client.set(device, "power", True, **params)).code == 11810


async def test_slow(client: Client) -> None:
    """A slow device answers late."""
    device = client.sim.device("fcu")
    device.behaviour.reply_delay = 0.3
    started = time.monotonic()
    assert (await client.set(device, "power", False)).code == 0
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("guess", ["data_null", "command_id"])
@pytest.mark.parametrize("applies", [False, True])
async def test_silent(connect: Connect, guess: str, applies: bool) -> None:
    """A silent device holds the call to its end (guess G8); it may have obeyed."""
    client = await connect(guesses=Guesses.from_dict({"G8": guess}))
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.silent = True
    device.behaviour.silent_applies = applies
    held = asyncio.create_task(client.set(device, "power", False, timeout="10"))
    await until(lambda: sim.commands)
    sim.jump(9.5)
    await asyncio.sleep(0.05)
    assert not held.done()
    sim.jump(0.5)
    reply = await held
    assert reply.code == 11915
    (command,) = sim.commands
    expected = {"commandId": command.command_id} if guess == "command_id" else None
    assert reply.json["data"] == expected
    assert states(sim) == [[1, 4, 7]]
    assert device.values["power"] is not applies
    assert len(sim.writes) == int(applies)
    await until(lambda: device.connect_latest["power"].value is not applies)


async def test_silent_in_real_time(client: Client) -> None:
    """The time of a time-out is real."""
    device = client.sim.device("fcu")
    device.behaviour.silent = True
    started = time.monotonic()
    assert (await client.set(device, "power", False, timeout="1")).code == 11915
    assert 0.9 < time.monotonic() - started < 3


async def test_reject(client: Client) -> None:
    """A device that refuses ends the command as failed."""
    device = client.sim.device("fcu")
    device.behaviour.reject_code = 460
    reply = await client.set(device, "power", False)
    assert reply.code == 460
    assert reply.json["data"] is None
    assert states(client.sim) == [[1, 4, 6]]
    assert device.values["power"] is True
    device.behaviour.reject_code = 200
    assert (await client.set(device, "power", False)).code == 0


async def test_no_echo(client: Client) -> None:
    """A device may acknowledge and never report."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.echo = False
    assert (await client.set(device, "power", False)).code == 0
    assert device.values["power"] is False
    await asyncio.sleep(0.1)
    assert await client.value(device, "power") is True
    device.status = "offline"
    device.status = "online"
    sim.step(120)
    assert await client.value(device, "power") is True
    device.behaviour.echo = True
    assert (await client.set(device, "power", False)).code == 0
    await until(lambda: device.connect_latest["power"].value is False)


async def test_late_echo(client: Client) -> None:
    """A device may report some time after its answer."""
    device = client.sim.device("fcu")
    device.behaviour.echo_delay = 0.3
    assert (await client.set(device, "power", False)).code == 0
    client.sim.step(1)
    assert await client.value(device, "power") is True
    await until(lambda: device.connect_latest["power"].value is False)


async def test_one_at_a_time(client: Client) -> None:
    """Commands of one device follow one another; devices do not wait for others."""
    sim = client.sim
    first, other = sim.device("fcu", 0), sim.device("fcu", 1)
    first.behaviour.reply_delay = 0.2
    started = time.monotonic()
    held = [
        asyncio.create_task(client.set(first, "temp_setpoint", 20 + number))
        for number in range(3)
    ]
    await until(lambda: len(sim.commands) == 3)
    assert (await client.set(other, "power", False)).code == 0
    assert time.monotonic() - started < 0.2
    assert [reply.code for reply in await asyncio.gather(*held)] == [0, 0, 0]
    assert time.monotonic() - started >= 0.6
    written = [value for asset, _, value in sim.writes if asset == first.asset_id]
    assert written == [command.value for command in sim.commands[:3]]


async def test_not_sent(client: Client) -> None:
    """What is not sent within its time is not sent at all."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.silent = True
    first = asyncio.create_task(client.set(device, "power", False, timeout="20"))
    await until(lambda: len(sim.commands) == 1)
    second = asyncio.create_task(client.set(device, "mode", 2, timeout="10"))
    await until(lambda: len(sim.commands) == 2)
    sim.jump(11)
    assert (await second).code == 11904
    assert states(sim)[1] == [1, 3]
    assert not first.done()
    sim.jump(10)
    assert (await first).code == 11915
    assert sim.writes == []


async def test_going_offline_fails_instant_ones(client: Client) -> None:
    """Waiting instant commands fail when their device goes."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.silent = True
    first = asyncio.create_task(client.set(device, "power", False, timeout="1"))
    await until(lambda: len(sim.commands) == 1)
    second = asyncio.create_task(client.set(device, "mode", 2))
    await until(lambda: len(sim.commands) == 2)
    device.status = "offline"
    assert (await second).code == 11900
    sim.jump(1)
    assert (await first).code == 11915
    assert states(sim) == [[1, 4, 7], [1, 6]]
