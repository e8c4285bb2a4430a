"""Commands: how they queue, end and are followed."""

import asyncio
import time
from typing import Any

import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import Client, Reply, command_call, states, until


async def test_cached(client: Client) -> None:
    """Cached commands wait for their device and arrive in order."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    for value in (20, 21, 22):
        reply = await client.set(device, "temp_setpoint", value, pendingTtl="600")
        assert reply.data["commandId"] == sim.commands[-1].command_id
    assert (await client.set(device, "power", False)).code == 11900
    assert states(sim) == [[1], [1], [1]]
    device.status = "online"
    await until(lambda: all(command.done for command in sim.commands))
    assert [value for _, _, value in sim.writes] == [20, 21, 22]
    assert states(sim) == [[1, 4, 5]] * 3
    await until(lambda: device.connect_latest["temp_setpoint"].value == 22)


async def test_cached_online(client: Client) -> None:
    """A cached command to a device that is there goes at once."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.reply_delay = 0.2
    started = time.monotonic()
    assert (await client.set(device, "power", False, pendingTtl="60")).code == 0
    assert time.monotonic() - started < 0.2
    assert states(sim) == [[1, 4]]
    # An instant one waits for it.
    assert (await client.set(device, "mode", 2)).code == 0
    assert time.monotonic() - started >= 0.4
    assert states(sim) == [[1, 4, 5], [1, 4, 5]]


@pytest.mark.parametrize("status", ["inactive", "disabled"])
async def test_cached_for_a_device_not_activated(client: Client, status: Any) -> None:
    """A cached command also waits for a device to be activated."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = status
    assert (await client.set(device, "power", False, pendingTtl="60")).code == 0
    device.status = "online"
    await until(lambda: states(sim) == [[1, 4, 5]])


async def test_cached_unanswered(client: Client) -> None:
    """A cached command that a device does not answer times out."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.silent = True
    await client.set(device, "power", False, pendingTtl="60", timeout="20")
    await until(lambda: states(sim) == [[1, 4]])
    sim.jump(21)
    await until(lambda: states(sim) == [[1, 4, 7]])


async def test_cached_limit(client: Client) -> None:
    """There are at most 50 cached commands for a device."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    for _ in range(50):
        assert (await client.set(device, "power", False, pendingTtl="60")).code == 0
    reply = await client.set(device, "power", False, pendingTtl="60")
    assert reply.code == 11902
    assert len(sim.commands) == 50
    other = sim.device("fcu", 1)
    other.status = "offline"
    assert (await client.set(other, "power", False, pendingTtl="60")).code == 0


async def test_expiry(client: Client) -> None:
    """A cached command expires."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    await client.set(device, "power", False, pendingTtl="172800")
    sim.jump(172799)
    await asyncio.sleep(0.02)
    assert states(sim) == [[1]]
    sim.jump(1)
    await until(lambda: states(sim) == [[1, 3]])
    device.status = "online"
    await asyncio.sleep(0.1)
    assert sim.writes == []


@pytest.mark.parametrize("guess", ["refused", "waits"])
async def test_guess_instant_behind_cached(connect: Connect, guess: str) -> None:
    """An instant command waits behind cached ones of an offline device, or not."""
    client = await connect(guesses=Guesses.from_dict({"instant_behind_cached": guess}))
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    assert (await client.set(device, "power", False, timeout="1")).code == 11900
    await client.set(device, "power", False, pendingTtl="60")
    if guess == "refused":
        assert (await client.set(device, "mode", 2, timeout="10")).code == 11900
        return
    held = asyncio.create_task(client.set(device, "mode", 2, timeout="10"))
    await until(lambda: len(sim.commands) == 2)
    sim.jump(10)
    assert (await held).code == 11904
    assert states(sim) == [[1], [1, 3]]
    held = asyncio.create_task(client.set(device, "mode", 3))
    await until(lambda: len(sim.commands) == 3)
    device.status = "online"
    assert (await held).code == 0
    assert [value for _, _, value in sim.writes] == [False, 3]


async def test_get(client: Client) -> None:
    """A command can be asked for."""
    device, other = client.sim.device("fcu"), client.sim.device("light")
    command_id = (await client.set(device, "mode", 2)).data["commandId"]
    data = (await command_call(client, device, "get", commandId=command_id)).data
    assert data.pop("createTime").isdecimal()
    assert len(data.pop("createLocaltime")) == 19
    assert data == {
        "commandId": command_id,
        "orgId": client.sim.org_id,
        "productKey": device.product_key,
        "deviceKey": device.device_key,
        "assetId": device.asset_id,
        "commandType": 1,
        "commandName": {
            "defaultValue": "Mode",
            "i18nValue": {"en_US": "Mode", "zh_CN": "模式"},
        },
        "timeout": 30,
        "pendingTtl": 0,
        "state": 5,
        "tslIdentifier": "mode",
        "inputData": 2,
        "outputData": None,
    }
    for target, wanted, code in (
        (device, "123", 99404),
        (other, command_id, 99404),
        (device, "", 99400),
    ):
        reply = await command_call(client, target, "get", commandId=wanted)
        assert reply.code == code


async def test_search(client: Client) -> None:
    """Commands are listed, the newest first, and can be searched."""
    sim, device = client.sim, client.sim.device("fcu")
    for value in (1, 2, 3):
        await client.set(device, "mode", value)
    device.status = "offline"
    await client.set(device, "power", False, pendingTtl="60")
    reply = await command_call(client, device, "search", {})
    assert [command["inputData"] for command in reply.data] == [False, 3, 2, 1]
    assert all(isinstance(command["createTime"], int) for command in reply.data)
    assert reply.json["pagination"]["pageSize"] == 100
    sim.clock_offset = 2.0
    await client.set(sim.device("fcu", 1), "mode", 1)
    local = sim.commands[-1].local()
    for expression, count in (
        ("state = 1", 1),
        ("state = 5", 3),
        ("state = 2 or state = 1", 1),
        ("commandName.en_US like 'Mode'", 3),
        ("commandName.zh_CN like '开'", 1),
        ("createTime > '2020-01-01 00:00:00'", 4),
        ("createTime < '2020-01-01 00:00:00'", 0),
        (f"createTime > '{local}' and state = 5", 0),
    ):
        found = await command_call(client, device, "search", {"expression": expression})
        assert len(found.data) == count, expression
    bodies: list[dict[str, Any]] = [
        {"expression": "state != 1"},
        {"expression": "commandId = '1'"},
        {"expression": "createTime > 5"},
        {"expression": "createTime > '2020-01-01'"},
        {"pagination": {"pageSize": 201}},
        {"pagination": {"sorters": []}},
        {"more": 1},
    ]
    for wrong in bodies:
        found = await command_call(client, device, "search", wrong)
        assert found.code == 99400, wrong
    body: dict[str, Any] = {
        "projection": ["commandId", "state"],
        "pagination": {"pageSize": 1},
    }
    (only,) = (await command_call(client, device, "search", body)).data
    assert only == {"commandId": sim.commands[-2].command_id, "state": 1}
    other = await command_call(client, sim.device("light"), "search", {})
    assert other.data == []


async def test_cancel(client: Client) -> None:
    """Waiting cached commands can be cancelled, one or all."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    ids = [
        (await client.set(device, "mode", 2, pendingTtl="60")).data["commandId"]
        for _ in range(3)
    ]
    reply = await command_call(client, device, "cancel", commandId=ids[1])
    assert [(each["commandId"], each["state"]) for each in reply.data] == [(ids[1], 1)]
    assert (await command_call(client, device, "cancel", commandId=ids[1])).data == []
    reply = await command_call(client, device, "cancel", {})
    assert [each["commandId"] for each in reply.data] == [ids[0], ids[2]]
    assert states(sim) == [[1, 2]] * 3
    assert (await command_call(client, device, "cancel")).data == []
    assert (await command_call(client, device, "cancel", commandId="1")).code == 99404
    assert (await command_call(client, device, "cancel", {"a": 1})).code == 99400
    device.status = "online"
    await asyncio.sleep(0.1)
    assert sim.writes == []


async def test_cancel_does_not_touch_instant_ones(client: Client) -> None:
    """What is on its way or instant goes on."""
    sim, device = client.sim, client.sim.device("fcu")
    device.behaviour.reply_delay = 0.2
    held = [asyncio.create_task(client.set(device, "mode", value)) for value in (2, 3)]
    await until(lambda: len(sim.commands) == 2)
    assert (await command_call(client, device, "cancel")).data == []
    assert [reply.code for reply in await asyncio.gather(*held)] == [0, 0]


async def test_invoke_service(client: Client) -> None:
    """A service can be called, instant or cached."""
    sim, device = client.sim, client.sim.device("fcu")

    async def invoke(inputs: Any, service: str = "reset", **params: str) -> Reply:
        return await command_call(
            client,
            device,
            "invokeService",
            {"inputData": inputs},
            serviceId=service,
            **params,
        )

    reply = await invoke({"delay": 5})
    command = sim.commands[-1]
    assert reply.data == {
        "commandId": command.command_id,
        "outputData": {"result": 0},
    }
    assert command.struct(number=True)["commandType"] == 2
    cached = await invoke({"delay": 5}, pendingTtl="60")
    assert set(cached.data) == {"commandId"}
    for inputs in ({}, {"delay": 1.5}, {"delay": 1, "more": 2}, 5):
        assert (await invoke(inputs)).code == 99400
    assert (await invoke({"delay": 1}, "explode")).code == 99400
    assert sim.writes == []


async def test_altered_model(client: Client) -> None:
    """What a test changes in a model holds for commands too."""
    sim, device = client.sim, client.sim.device("fcu")
    points = sim.models["hvac_fcu"]["measurepoints"]
    del points["power"]
    points["extra"] = {**points["mode"], "identifier": "extra", "dataType": "STRING"}
    points["extra"]["dataDefinition"] = '{"maxLength":3}'
    assert (await client.set(device, "power", True)).code == 99400
    assert (await client.set(device, "extra", "abcd")).code == 99400
    assert (await client.set(device, "extra", "abc")).code == 0
    assert device.values["extra"] == "abc"


@pytest.mark.parametrize("form", ["text", "object", "absent"])
async def test_guess_14(connect: Connect, form: str) -> None:
    """Definitions come in three forms; values are checked in all of them."""
    client = await connect(guesses=Guesses.from_dict({"G14": form}))
    sim, device = client.sim, client.sim.device("fcu")
    model = sim.models["hvac_fcu"]["measurepoints"]
    if form == "absent":
        assert all("dataDefinition" not in point for point in model.values())
    else:
        kind = str if form == "text" else dict
        assert isinstance(model["mode"]["dataDefinition"], kind)
        assert model["room_temp"]["dataDefinition"] is None
    assert (await client.set(device, "mode", 9)).code == 99400
    assert (await client.set(device, "mode", 2)).code == 0
    ahu = sim.device("ahu")
    assert (await client.set(ahu, "damper", {"position": 1})).code == 99400
