"""The examples of the README do what it says, in the simulated building."""

from pathlib import Path
import re
from typing import Any

from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from simulator import Simulator

from .actions import act, device_id_of
from .common import poll
from .writing import Control, fcu_control, set_up_fcus, until

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLES: list[Any] = [
    parse_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
]


def example(start: str) -> Any:
    """Return the automation whose alias begins with a text."""
    (found,) = (each for each in EXAMPLES if each.get("alias", "").startswith(start))
    return found


async def automate(hass: HomeAssistant, automation: Any) -> None:
    """Set an automation up."""
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await hass.async_block_till_done()
    (state,) = hass.states.async_all(AUTOMATION)
    assert state.state == "on", "it is valid"


async def stop(hass: HomeAssistant, automation: str) -> None:
    """Have an automation wait for nothing any more."""
    await hass.services.async_call(
        AUTOMATION,
        "turn_off",
        {"entity_id": f"automation.{automation}"},
        blocking=True,
    )


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Return the notifications."""
    return async_mock_service(hass, "persistent_notification", "create")


def offices(hass: HomeAssistant, sim: Simulator) -> list[Control]:
    """Return the setpoints of the offices that the examples name."""
    controls = (fcu_control(hass, sim, index=index) for index in range(5))
    by_id = {control.entity_id: control for control in controls}
    return [
        by_id[f"number.fcu_3f_{office}_temperature_setpoint"]
        for office in ("east", "west")
    ]


async def test_action(hass: HomeAssistant, sim: Simulator) -> None:
    """EnOS keeps the commands for both offices, and delivers the one that it can deliver."""
    await set_up_fcus(hass, sim)
    east, west = offices(hass, sim)
    west.device.status = "offline"
    (step,) = (each for each in EXAMPLES if "action" in each)
    found = await act(hass, step["action"].removeprefix("enos."), **step["data"])
    assert [each["outcome"] for each in found["commands"]] == ["queued", "queued"]
    await until(lambda: east.written == [18.0])
    assert west.written == []


async def test_night_setback(
    hass: HomeAssistant, sim: Simulator, told: list[ServiceCall]
) -> None:
    """What did not work is told, and the rest is done."""
    await set_up_fcus(hass, sim)
    east, west = offices(hass, sim)
    await automate(hass, example("Night setback"))
    west.device.status = "offline"
    await hass.services.async_call(
        AUTOMATION, "trigger", {"entity_id": "automation.night_setback"}, blocking=True
    )
    assert east.written == [18.0]
    assert [call.data["message"] for call in told] == [f"Not set: {west.entity_id}"]
    await stop(hass, "night_setback")


async def test_queued_command_expired(
    hass: HomeAssistant, sim: Simulator, told: list[ServiceCall]
) -> None:
    """Each command that expires is told, also where several do at once."""
    policy = {"timeout": 30, "when_offline": "queue", "queue_minutes": 1}
    await set_up_fcus(hass, sim, policy=policy)
    controls = offices(hass, sim)
    await automate(hass, example("A queued command expired"))
    for control in controls:
        control.device.status = "offline"
        await control.write(18)
    sim.jump(61)
    await poll(hass, 71)
    assert sorted(call.data["message"] for call in told) == [
        "FCU 3F East did not come back in time: Temperature setpoint",
        "FCU 3F West did not come back in time: Temperature setpoint",
    ]


async def test_by_voice(hass: HomeAssistant, sim: Simulator) -> None:
    """A sentence sets the office, and the answer has the value."""
    await set_up_fcus(hass, sim)
    east, _west = offices(hass, sim)
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await automate(hass, example("Set the east office"))
    answer = await hass.services.async_call(
        "conversation",
        "process",
        {"text": "set the east office to 21 degrees"},
        blocking=True,
        return_response=True,
    )
    assert east.written == [21.0]
    assert answer is not None
    speech: Any = answer["response"]
    assert "21.0 °C" in speech["speech"]["plain"]["speech"]


async def test_areas(hass: HomeAssistant, sim: Simulator) -> None:
    """The template that stands for an area finds its setpoints, and nothing else of it."""
    await set_up_fcus(hass, sim)
    area = ar.async_get(hass).async_create("Third floor")
    controls = offices(hass, sim)
    for control in controls:
        device_id = device_id_of(hass, sim, control.device)
        dr.async_get(hass).async_update_device(device_id, area_id=area.id)
    (template,) = re.findall(r'`entity_id: "(.*?)"`', README)
    found = Template(template, hass).async_render()
    assert sorted(found) == sorted(control.entity_id for control in controls)
