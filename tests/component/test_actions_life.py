"""The actions about commands: services invoked, commands looked up and withdrawn."""

from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import probatio
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.api.client import EnosClient
from custom_components.enos.const import EVENT_COMMAND
from simulator import SimDevice, Simulator
from simulator.commands import CANCELED, CREATED

from .actions import act, device_id_of, do, refused
from .writing import fcu_control, set_up_fcus, until

CANCEL = "cancel_command"
INVOKE = "invoke_service"
GET = "get_command"


async def queue(hass: HomeAssistant, sim: Simulator, point: str, value: Any) -> str:
    """Have a write queued for the first fan coil unit; return EnOS's id of it."""
    found = await act(
        hass,
        "set_measurepoint",
        entity_id=fcu_control(hass, sim, point).entity_id,
        value=value,
        pending_ttl=600,
    )
    (command,) = found["commands"]
    assert command["outcome"] == "queued"
    return str(command["command_id"])


async def queue_elsewhere(
    hass: HomeAssistant, sim: Simulator, device: SimDevice
) -> str:
    """Have another program queue a command."""
    client = EnosClient(
        async_get_clientsession(hass),
        url=sim.url,
        org_id=sim.org_id,
        access_key=sim.access_key,
        secret_key=sim.secret_key,
    )
    return await client.set_measurepoint(
        device.asset_id, "temp_setpoint", 17.0, pending_ttl=600
    )


def states(sim: Simulator) -> dict[str, int]:
    """Return the state of each command, by EnOS's id."""
    return {command.command_id: command.state for command in sim.commands}


# Services.


async def test_invoke(hass: HomeAssistant, sim: Simulator) -> None:
    """A service is invoked on each device, and its output is in the response."""
    await set_up_fcus(hass, sim)
    devices = [sim.device("fcu", index) for index in (0, 1)]
    events = async_capture_events(hass, EVENT_COMMAND)
    context = Context()
    found = await act(
        hass,
        INVOKE,
        context,
        device_id=[device_id_of(hass, sim, device) for device in devices],
        service_id="reset",
        inputs={"delay": 3},
        timeout=9,
    )
    for command, device in zip(found["commands"], devices, strict=True):
        assert command["asset_id"] == device.asset_id
        assert command["service_id"] == "reset"
        assert command["measurepoint_id"] is command["entity_id"] is None
        assert command["value"] == {"delay": 3}
        assert command["outcome"] == "succeeded"
        assert command["output"] == {"result": 0}
    for request in [each for each in sim.requests if each.action == "invokeService"]:
        assert request.body == {"inputData": {"delay": 3}}
        assert request.query["timeout"] == "9"
    assert {event.context.id for event in events} == {context.id}
    assert len(events) == len(sim.commands) == 2
    assert sim.rejections == []


async def test_invoke_in_vain(hass: HomeAssistant, sim: Simulator) -> None:
    """Devices fail alone; a service that no model has is never sent."""
    await set_up_fcus(hass, sim)
    first, second = sim.device("fcu", 0), sim.device("fcu", 1)
    first.status = "offline"
    target: dict[str, Any] = {
        "device_id": [device_id_of(hass, sim, device) for device in (first, second)],
        "service_id": "reset",
        "inputs": {"delay": 3},
    }
    err = await refused(hass, INVOKE, **target)
    assert err.translation_key == "device_offline"
    assert (err.translation_placeholders or {})["value"] == '{"delay": 3}'
    found = await act(hass, INVOKE, **target, pending_ttl=60)
    assert [each["outcome"] for each in found["commands"]] == ["queued", "queued"]
    assert [each["output"] for each in found["commands"]] == [None, None]

    sent = len(sim.requests)
    err = await refused(hass, INVOKE, **{**target, "service_id": "explode"})
    assert err.translation_key == "unknown_service"
    assert len(sim.requests) == sent
    for inputs in ([1], {1: 2}, "x"):
        with pytest.raises(probatio.Invalid):
            await do(hass, INVOKE, **{**target, "inputs": inputs})


# What became of a command.


async def test_get_command(hass: HomeAssistant, sim: Simulator) -> None:
    """A command is found by EnOS's id and by ours, with what both know of it."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device_id = device_id_of(hass, sim, device)
    device.status = "offline"
    command_id = await queue(hass, sim, "temp_setpoint", 19)
    found = await act(hass, GET, device_id=device_id, command_id=command_id)
    assert found["state"] == "created" and found["outcome"] == "queued"
    assert found["final"] is False and found["value"] == 19.0
    assert found["measurepoint_id"] == "temp_setpoint"
    assert found["device_id"] == device_id and found["created"]
    again = await act(hass, GET, device_id=device_id, command_id=found["command"])
    assert again == found

    device.status = "online"
    await hass.async_block_till_done()
    while states(sim)[command_id] in (1, 4):
        await hass.async_block_till_done(wait_background_tasks=True)
    found = await act(hass, GET, device_id=device_id, command_id=command_id)
    assert found["state"] == "succeeded"


async def test_get_command_of_others(hass: HomeAssistant, sim: Simulator) -> None:
    """EnOS tells of commands that somebody else gave; those of other devices are none."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    command_id = await queue_elsewhere(hass, sim, device)
    device_id = device_id_of(hass, sim, device)
    found = await act(hass, GET, device_id=device_id, command_id=command_id)
    assert found["command"] is None
    assert found["command_id"] == command_id
    assert (found["state"], found["outcome"]) == ("created", "queued")
    assert found["measurepoint_id"] == "temp_setpoint" and found["value"] == 17.0

    other = device_id_of(hass, sim, sim.device("fcu", 1))
    for target in (
        {"device_id": other, "command_id": command_id},
        {"device_id": device_id, "command_id": "12345"},
    ):
        err = await refused(hass, GET, response=True, **target)
        assert isinstance(err, ServiceValidationError)
        assert err.translation_key == "unknown_command"
        assert (err.translation_placeholders or {})["command"] == target["command_id"]


@pytest.mark.parametrize("name", [GET, CANCEL])
async def test_trouble(hass: HomeAssistant, sim: Simulator, name: str) -> None:
    """What EnOS does not tell or do is an error that names the right."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    command_id = await queue(hass, sim, "temp_setpoint", 19)
    sim.rights.discard("Asset: Control")
    target = {
        "device_id": device_id_of(hass, sim, device),
        "command_id": command_id,
    }
    err = await refused(hass, name, response=True, **target)
    assert isinstance(err, HomeAssistantError)
    assert err.translation_key == "request_denied"
    assert (err.translation_placeholders or {})["right"] == "Asset: Control"
    assert states(sim)[command_id] == CREATED


# Withdrawing.


@pytest.mark.parametrize("by", ["command_id", "command"])
async def test_cancel_one(hass: HomeAssistant, sim: Simulator, by: str) -> None:
    """One command is withdrawn by EnOS's id or by ours; the others stay."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    device_id = device_id_of(hass, sim, device)
    ids = [
        await queue(hass, sim, "temp_setpoint", 19),
        await queue(hass, sim, "mode", 2),
    ]
    events = async_capture_events(hass, EVENT_COMMAND)
    known = await act(hass, GET, device_id=device_id, command_id=ids[0])
    found = await act(hass, CANCEL, device_id=device_id, command_id=known[by])
    (command,) = found["commands"]
    assert command["command_id"] == ids[0]
    assert command["outcome"] == "cancelled" and command["final"]
    assert states(sim) == {ids[0]: CANCELED, ids[1]: CREATED}
    assert [event.data["outcome"] for event in events] == ["cancelled"]

    # It is withdrawn already, which is what was wanted.
    await do(hass, CANCEL, device_id=device_id, command_id=ids[0])
    assert sim.rejections == []


async def test_cancel_ours(hass: HomeAssistant, sim: Simulator) -> None:
    """Without an id all that we have queued goes, and nothing of anybody else's."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    device_id = device_id_of(hass, sim, device)
    foreign = await queue_elsewhere(hass, sim, device)
    ours = [
        await queue(hass, sim, "temp_setpoint", 19),
        await queue(hass, sim, "mode", 2),
    ]
    found = await act(hass, CANCEL, device_id=device_id)
    assert [each["command_id"] for each in found["commands"]] == ours
    assert {each["outcome"] for each in found["commands"]} == {"cancelled"}
    assert states(sim) == {foreign: CREATED, **dict.fromkeys(ours, CANCELED)}
    assert await act(hass, CANCEL, device_id=device_id) == {"commands": []}
    await do(hass, CANCEL, device_id=device_id)

    err = await refused(hass, CANCEL, device_id=device_id, command_id=foreign)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "not_our_command"
    assert states(sim)[foreign] == CREATED
    assert sim.rejections == []


@pytest.mark.parametrize("named", [True, False])
async def test_cancel_everybodys(
    hass: HomeAssistant, sim: Simulator, named: bool
) -> None:
    """Commands of others go only where that is asked for."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    foreign = await queue_elsewhere(hass, sim, device)
    ours = await queue(hass, sim, "mode", 2)
    target: dict[str, Any] = {"device_id": device_id_of(hass, sim, device), "all": True}
    if named:
        target["command_id"] = [ours, foreign]
    found = await act(hass, CANCEL, **target)
    assert [
        (each["command_id"], each["outcome"], each["command"] is None)
        for each in found["commands"]
    ] == [(ours, "cancelled", False), (foreign, "cancelled", True)]
    assert set(states(sim).values()) == {CANCELED}
    err = await refused(hass, CANCEL, **{**target, "command_id": "12345"})
    assert err.translation_key == "unknown_command"


async def test_too_late(hass: HomeAssistant, sim: Simulator) -> None:
    """What has reached its device is not withdrawn, and the caller hears so."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device.status = "offline"
    device_id = device_id_of(hass, sim, device)
    ids = [
        await queue(hass, sim, "temp_setpoint", 19),
        await queue(hass, sim, "mode", 2),
    ]
    device.behaviour.reply_delay = 60
    device.status = "online"
    err = await refused(hass, CANCEL, device_id=device_id, command_id=ids)
    assert not isinstance(err, ServiceValidationError)
    assert err.translation_key == "not_cancelled"
    given = err.translation_placeholders or {}
    assert given["device"] == "FCU 3F East"
    assert given["commands"] == f"{ids[0]} (queued)"
    assert states(sim)[ids[1]] == CANCELED
    sim.jump(60)
    found = await act(hass, CANCEL, device_id=device_id, command_id=ids[0])
    assert found["commands"][0]["outcome"] != "cancelled"


async def test_ends_of_others(hass: HomeAssistant, sim: Simulator) -> None:
    """The end of a command that somebody else gave has the name that ours have."""
    await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    device_id = device_id_of(hass, sim, device)

    async def end_of(command_id: str) -> tuple[str, str]:
        found = await act(hass, GET, device_id=device_id, command_id=command_id)
        return found["state"], found["outcome"]

    device.status = "offline"
    late = await queue_elsewhere(hass, sim, device)
    sim.jump(601)
    assert await end_of(late) == ("expired", "expired")
    good = await queue_elsewhere(hass, sim, device)
    device.status = "online"
    await until(lambda: ("temp_setpoint", 17.0) in [each[1:] for each in sim.writes])
    assert await end_of(good) == ("succeeded", "succeeded")
    device.status = "offline"
    silent = await queue_elsewhere(hass, sim, device)
    device.behaviour.silent = True
    device.status = "online"
    sim.jump(60)
    assert await end_of(silent) == ("timed_out", "no_reply")
