"""The actions where parts meet: units, reloads, odd identifiers, people."""

import asyncio
from typing import Any

from homeassistant.components.script.const import DOMAIN as SCRIPT_DOMAIN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from simulator import Simulator

from .actions import act, device_id_of, do, refused
from .common import entity_id_of, entry_for, product_subentry, set_up
from .writing import fcu_control, set_up_fcus, sets, until

SET = "set_measurepoint"


@pytest.mark.parametrize("value", [70.7, "70.7", 71])
async def test_unit_of_the_entity(
    hass: HomeAssistant, sim: Simulator, value: Any
) -> None:
    """Who names an entity means its unit, and the next step as with the entity itself."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    (command,) = (await act(hass, SET, entity_id=control.entity_id, value=value))[
        "commands"
    ]
    assert control.written == [21.5]
    assert command["value"] == 21.5
    assert control.state == "70.7"

    await control.write(float(value))
    assert control.written == [21.5, 21.5]


async def test_unit_of_the_model(hass: HomeAssistant, sim: Simulator) -> None:
    """Who names a measurepoint means the model's unit."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await do(
        hass,
        SET,
        device_id=device_id_of(hass, sim, control.device),
        measurepoint_id=control.point,
        value=21.5,
    )
    assert control.written == [21.5]


async def test_unit_in_errors(hass: HomeAssistant, sim: Simulator) -> None:
    """Errors speak of values and ranges as the entity shows them."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    for value in (60, 87):
        err = await refused(hass, SET, entity_id=control.entity_id, value=value)
        assert err.translation_key == "out_of_range"
        assert f"{value} °F is not between 60.8 and 86" in str(err)
    control.device.status = "offline"
    err = await refused(hass, SET, entity_id=control.entity_id, value=71)
    assert "71 °F was not accepted" in str(err)
    assert "70.7 °F was not accepted" in str(await control.refuse(71))
    assert control.written == []


async def test_unit_of_a_disabled_entity(hass: HomeAssistant, sim: Simulator) -> None:
    """An entity that is disabled has no state, but the unit that it would show."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    er.async_get(hass).async_update_entity(
        control.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.get(control.entity_id) is None
    await do(hass, SET, entity_id=control.entity_id, value=70.7)
    assert control.written == [21.5]


@pytest.mark.parametrize(
    ("identifier", "domain", "data_type"),
    [("temp#1", "number", "DOUBLE"), ("_a__b", "switch", "BOOL")],
)
async def test_odd_identifiers(
    hass: HomeAssistant, sim: Simulator, identifier: str, domain: str, data_type: str
) -> None:
    """Marks that unique ids use may stand in identifiers of points, too."""
    sim.rights.discard("Model Management: Read")
    points = {identifier: {"data_type": data_type}}
    await set_up(
        hass,
        entry_for(
            sim, product_subentry(sim, "fcu", controls=[identifier], points=points)
        ),
    )
    entity_id = entity_id_of(hass, sim, domain, sim.device("fcu"), identifier)
    (command,) = (await act(hass, SET, entity_id=entity_id, value=1))["commands"]
    assert command["measurepoint_id"] == identifier
    assert command["entity_id"] == entity_id
    # EnOS was asked, and knows no such point.
    assert command["code"] == 99400


async def test_unloaded_meanwhile(hass: HomeAssistant, sim: Simulator) -> None:
    """An action that is under way when its account is unloaded ends as if it were not."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    device_id = device_id_of(hass, sim, control.device)
    await act(hass, SET, entity_id=control.entity_id, value=19)
    (command_id,) = (each.command_id for each in sim.commands)
    sim.faults.add("delay", path="commands", seconds=0.3)
    before = len(sim.requests)
    task = hass.async_create_task(
        act(hass, "get_command", device_id=device_id, command_id=command_id)
    )
    await until(lambda: len(sim.requests) > before)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not task.done()
    assert (await task)["outcome"] == "succeeded"


async def test_script_of_a_user(
    hass: HomeAssistant, sim: Simulator, hass_read_only_user: MockUser
) -> None:
    """A script runs in the name of who started it: the action asks for an administrator."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    hass_read_only_user.mock_policy({"entities": True})
    step = {
        "action": "enos.set_measurepoint",
        "data": {"entity_id": control.entity_id, "value": 19},
    }
    assert await async_setup_component(
        hass, SCRIPT_DOMAIN, {"script": {"set": {"sequence": [step]}}}
    )
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            *("script", "set", {}),
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert control.written == []
    await hass.services.async_call("script", "set", {}, blocking=True)
    assert control.written == [19.0]


async def test_less_than_a_second(hass: HomeAssistant, sim: Simulator) -> None:
    """What is to wait for a moment waits for a second; only nothing is nothing."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    ttl = {"milliseconds": 200}
    await do(hass, SET, entity_id=control.entity_id, value=19, pending_ttl=ttl)
    (request,) = sets(sim)
    assert request.query["pendingTtl"] == "1"


async def test_nothing_to_withdraw(hass: HomeAssistant, sim: Simulator) -> None:
    """EnOS is not asked to cancel what cannot wait: what ended, and what was sent at once."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    device_id = device_id_of(hass, sim, control.device)
    control.device.status = "offline"
    (queued,) = (
        await act(hass, SET, entity_id=control.entity_id, value=19, pending_ttl=600)
    )["commands"]
    await do(hass, "cancel_command", device_id=device_id)
    control.device.status = "online"
    control.device.behaviour.silent = True
    (silent,) = (
        await act(hass, SET, entity_id=control.entity_id, value=20, timeout=1)
    )["commands"]
    assert silent["outcome"] == "no_reply" and not silent["final"]

    def asked() -> int:
        return sum(request.action == "cancel" for request in sim.requests)

    before = asked()
    assert before == 1
    found = await act(
        hass,
        "cancel_command",
        device_id=device_id,
        command_id=[queued["command_id"], silent["command"]],
    )
    assert [each["outcome"] for each in found["commands"]] == ["cancelled", "no_reply"]
    assert asked() == before


async def test_asks_few_at_once(hass: HomeAssistant, sim: Simulator) -> None:
    """Who wants fresh values of many devices does not crowd the gateway."""
    await set_up_fcus(hass, sim)
    devices = [sim.device("fcu", index) for index in range(5)]
    sim.faults.add("delay", path="measurepoints", seconds=0.05, count=5)
    task = hass.async_create_task(
        act(
            hass,
            "get_measurepoints",
            device_id=[device_id_of(hass, sim, device) for device in devices],
            measurepoint_id="room_temp",
            fresh=True,
        )
    )
    most = 0
    while not task.done():
        asking = [
            request
            for request in sim.requests
            if request.action == "queryLatest" and request.answered is None
        ]
        most = max(most, len(asking))
        await asyncio.sleep(0)
    assert most == 4
    found = (await task)["measurepoints"]
    assert [each["source"] for each in found] == ["queryLatest"] * 5


async def test_a_device_named_twice(hass: HomeAssistant, sim: Simulator) -> None:
    """A list that names a device twice has it do something once, and answer once."""
    await set_up_fcus(hass, sim)
    device_id = device_id_of(hass, sim, sim.device("fcu"))
    twice = [device_id, device_id]
    found = await act(
        hass,
        "invoke_service",
        device_id=twice,
        service_id="reset",
        inputs={"delay": 3},
    )
    assert len(found["commands"]) == len(sim.commands) == 1
    found = await act(
        hass, "get_measurepoints", device_id=twice, measurepoint_id=["power", "power"]
    )
    assert len(found["measurepoints"]) == 1
