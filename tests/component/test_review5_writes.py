"""Writes that bring others about in the same turn of the loop, and callers that go away in it."""

import asyncio
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util.async_ import create_eager_task
from homeassistant.util.event_type import EventType
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import EVENT_COMMAND
from simulator import Simulator

from .reading import lines
from .writing import Control, fcu_control, set_up_fcus, until


class _Answering:
    """Writes to another control, once, in the very turn in which something is heard."""

    def __init__(
        self, event_type: EventType[Any] | str, control: Control, value: Any
    ) -> None:
        """Begin to listen."""
        self._control = control
        self._value = value
        self.task: asyncio.Task[None] | None = None
        control.hass.bus.async_listen(event_type, self._heard)

    @callback
    def _heard(self, event: Event[Any]) -> None:
        ours = "command" in event.data or event.data.get("entity_id", "").startswith(
            "number."
        )
        if ours and self.task is None:
            # Set first: what is started here may be heard of in turn.
            self.task = asyncio.current_task()
            self.task = create_eager_task(self._control.write(self._value))


async def _answered(
    hass: HomeAssistant,
    sim: Simulator,
    event_type: EventType[Any] | str,
    point: str,
    value: Any,
) -> list[Any]:
    """Write a setpoint; return what reached the device when something answers it."""
    await set_up_fcus(hass, sim)
    commands = async_capture_events(hass, EVENT_COMMAND)
    setpoint, other = fcu_control(hass, sim), fcu_control(hass, sim, point)
    answer = _Answering(event_type, other, value)
    await asyncio.wait_for(setpoint.write(21.5), 5)
    assert answer.task is not None
    await asyncio.wait_for(answer.task, 5)
    await hass.async_block_till_done()

    assert [event.data["outcome"] for event in commands] == ["succeeded"] * 2
    assert len({event.data["command"] for event in commands}) == 2
    return [(name, sent) for _, name, sent in sim.writes]


async def test_an_event_brings_a_write_to_the_same_point(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """It goes out after the one that was heard of, and is what is shown."""
    sent = await _answered(hass, sim, EVENT_COMMAND, "temp_setpoint", 23)
    assert sent == [("temp_setpoint", 21.5), ("temp_setpoint", 23)]
    assert fcu_control(hass, sim).state == "23.0"


async def test_a_state_brings_a_write_to_another_point(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Both reach the device, in order."""
    sent = await _answered(hass, sim, EVENT_STATE_CHANGED, "mode", "Heating")
    assert [name for name, _ in sent] == ["temp_setpoint", "mode"]
    assert fcu_control(hass, sim).state == "21.5"
    assert fcu_control(hass, sim, "mode").state == "Heating"


async def test_refusals_bring_writes_in_the_same_turn(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What is refused here, before anything waits, harms neither lane nor writer."""
    entry = await set_up_fcus(hass, sim)
    commands = async_capture_events(hass, EVENT_COMMAND)
    setpoint, mode = fcu_control(hass, sim), fcu_control(hass, sim, "mode")
    coordinator = entry.runtime_data.coordinator
    known = coordinator.devices.pop(setpoint.device.asset_id)

    @callback
    def bring_back(_event: Event[Any]) -> None:
        coordinator.devices[known.asset_id] = known

    hass.bus.async_listen(EVENT_COMMAND, bring_back)
    answer = _Answering(EVENT_COMMAND, mode, "Heating")
    assert (await setpoint.refuse(21.5)).translation_key == "device_gone"
    assert answer.task is not None
    await asyncio.wait_for(answer.task, 5)
    assert [event.data["outcome"] for event in commands] == ["rejected", "succeeded"]
    await setpoint.write(22)
    assert setpoint.state == "22.0"


async def test_cancelled_in_the_turn_in_which_it_was_sent(
    hass: HomeAssistant, sim: Simulator, caplog: Any
) -> None:
    """It is on its way, so it goes on; the next one waits for it, and nothing is lost."""
    await set_up_fcus(hass, sim)
    commands = async_capture_events(hass, EVENT_COMMAND)
    setpoint = fcu_control(hass, sim)
    for value in (21, 22, 23):
        # As an automation with `mode: restart` does.
        task = setpoint.start(value)
        task.cancel()
    last = setpoint.start(24)
    await asyncio.wait_for(last, 5)
    await until(lambda: len(commands) == 4)
    assert setpoint.written[-1] == 24
    assert setpoint.state == "24.0"
    outcomes = {event.data["value"]: event.data["outcome"] for event in commands}
    assert outcomes[24] == "succeeded"
    assert {
        value for value, outcome in outcomes.items() if outcome == "succeeded"
    } == set(setpoint.written)
    assert lines(caplog, "ERROR") == []
