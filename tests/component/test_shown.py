"""What a control shows of the newest command to it."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_CHANGED, UnitOfTemperature
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from simulator import Simulator

from .common import state_of
from .queueing import QUEUE, world_of
from .writing import Control, elapse, fcu_control, quiet, set_up_fcus

ATTRIBUTES = (
    "command_outcome",
    "command_target",
    "command_expires",
    "command_id",
    "command_time",
)


def shown(control: Control) -> dict[str, Any]:
    """Return what a control tells of the newest command, without the common beginning."""
    attributes = control.full_state.attributes
    return {key.removeprefix("command_"): attributes[key] for key in ATTRIBUTES}


async def test_nothing_before_a_command(hass: HomeAssistant, sim: Simulator) -> None:
    """Before any command all is unknown; what is only read has no such attributes."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    for point in ("power", "mode", "temp_setpoint"):
        assert set(shown(fcu_control(hass, sim, point)).values()) == {None}
    sensor = state_of(hass, sim, "sensor", sim.device("fcu"), "room_temp")
    assert not set(ATTRIBUTES) & sensor.attributes.keys()


@pytest.mark.parametrize(
    ("point", "value", "target"),
    [
        ("temp_setpoint", 21.5, 21.5),
        ("power", False, "off"),
        ("mode", "Heating", "Heating"),
        ("fan_speed", "Low", "Low"),
    ],
)
async def test_success(
    hass: HomeAssistant, sim: Simulator, point: str, value: Any, target: Any
) -> None:
    """A write that was acknowledged, as the entity itself shows values."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    before = dt_util.utcnow()
    await control.write(value)
    told = shown(control)
    time = dt_util.parse_datetime(told.pop("time"))
    assert time is not None
    assert before <= time <= dt_util.utcnow()
    (command,) = sim.commands
    assert told == {
        "outcome": "succeeded",
        "target": target,
        "expires": None,
        "id": command.command_id,
    }
    others = {"temp_setpoint", "power", "mode", "fan_speed"} - {point}
    for other in others:
        assert set(shown(fcu_control(hass, sim, other)).values()) == {None}


@pytest.mark.parametrize(("point", "value"), [("power", False), ("mode", "Heating")])
async def test_two_failures_are_two_states(
    hass: HomeAssistant, sim: Simulator, point: str, value: Any
) -> None:
    """Each failure is news to the frontend, though the value stays what it was."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    state = control.state
    control.device.status = "offline"
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    contexts = [Context(), Context()]
    for context in contexts:
        with pytest.raises(Exception, match="offline"):
            await control.write(value, context)
    told = [
        event.data["new_state"]
        for event in changes
        if event.data["entity_id"] == control.entity_id
        # That the device is away is news of its own.
        and event.data["new_state"].attributes["command_time"]
    ]
    assert [new.state for new in told] == [state, state]
    assert [new.attributes["command_outcome"] for new in told] == ["device_offline"] * 2
    assert [new.context for new in told] == contexts
    first, second = (new.attributes["command_time"] for new in told)
    assert first < second
    assert shown(control)["target"] == ("off" if point == "power" else value)


async def test_assumed_while_nobody_can_tell(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """With its device away, or after an unknown outcome, a value is an assumption."""
    world = await world_of(hass, sim, freezer, policy=None)
    control = world.control("power")

    def assumed(index: int = 0) -> bool:
        """Tell whether a unit's switch says so."""
        attributes = world.control("power", index).full_state.attributes
        return bool(attributes.get("assumed_state"))

    assert not assumed()
    world.device.status = "offline"
    assert await world.write(False, "power") == "device_offline"
    assert (control.state, assumed(), assumed(1)) == ("on", True, False)
    await world.come_back()
    assert (control.state, assumed()) == ("on", False)

    world.device.behaviour.silent = True
    call = world.call(False, "power")
    await world.elapse(31)
    assert await call.error() == "no_reply"
    assert assumed()
    world.device.behaviour.silent = False
    await world.elapse(200)
    assert (world.outcomes(call)[-1][-1] == "…") is assumed()

    await sim.stop()
    for _ in range(3):
        await world.elapse(31)
    assert assumed(1)
    assert world.control("power", 1).state == "on"


async def test_unit_of_the_person(hass: HomeAssistant, sim: Simulator) -> None:
    """The target is in the unit of the state, not in that of the model."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    assert control.full_state.attributes["unit_of_measurement"] == (
        UnitOfTemperature.FAHRENHEIT
    )
    await control.write(70.7)
    assert control.written == [21.5]
    assert shown(control)["target"] == pytest.approx(float(control.state))
    assert shown(control)["target"] == pytest.approx(70.7)


async def test_queued_and_delivered(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """While a command waits, its target and expiry show beside the true state."""
    world = await world_of(hass, sim, freezer)
    control = world.control("power")
    assert control.state == "on"
    start = dt_util.utcnow()
    await world.queue(False, "power")
    told = shown(control)
    assert control.state == "on"
    assert (told["outcome"], told["target"]) == ("queued", "off")
    assert told["id"] == world.of_enos("power")[0].command_id
    expires = dt_util.parse_datetime(told["expires"])
    assert expires is not None
    assert 890 < (expires - start).total_seconds() < 910

    await world.come_back()
    delivered = shown(control)
    assert control.state == "off"
    assert delivered == {
        "outcome": "succeeded",
        "target": "off",
        "expires": None,
        "id": told["id"],
        "time": delivered["time"],
    }
    assert delivered["time"] > told["time"]


async def test_waiting_shows_after_a_restart(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What waits in EnOS shows after a reload, and after a new set-up from the disk."""
    world = await world_of(hass, sim, freezer)
    control = world.control("power")
    await world.queue(False, "power")
    told = shown(control)
    await world.reload()
    assert shown(control) == told
    await world.elapse(1)
    await world.reload(forget=True)
    after = shown(control)
    assert after["time"] is not None
    assert {**after, "time": told["time"]} == told


async def test_expired(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What expired says so, and waits for nothing any more."""
    world = await world_of(hass, sim, freezer, policy={**QUEUE, "queue_minutes": 1})
    await world.queue(21.5)
    await world.elapse(90)
    told = shown(world.control())
    assert (told["outcome"], told["target"], told["expires"]) == ("expired", 21.5, None)
    assert world.control().state == "24.0"


async def test_slider_is_not_drawn_back(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A write that a newer one replaced is not the newest command."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 3
    calls = [control.start(20.0)]
    await quiet(sim)
    calls += [control.start(value) for value in (21.0, 22.0)]
    await quiet(sim)
    assert shown(control)["outcome"] is None
    await elapse(sim, freezer, 10)
    for call in calls:
        await call
    assert control.written == [20.0, 22.0]
    assert (shown(control)["outcome"], shown(control)["target"]) == ("succeeded", 22.0)


async def test_overridden(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device that thinks otherwise later on corrects the outcome."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    assert shown(control)["outcome"] == "succeeded"
    await elapse(sim, freezer, 35)
    await sim.report(control.device, {"temp_setpoint": 18.0})
    await elapse(sim, freezer, 100)
    assert control.state == "18.0"
    assert shown(control)["outcome"] == "overridden"


async def test_name_and_id_stay(hass: HomeAssistant, sim: Simulator) -> None:
    """The names of points come from EnOS, whatever is translated at them."""
    await set_up_fcus(hass, sim)
    entry = er.async_get(hass).async_get(fcu_control(hass, sim, "power").entity_id)
    assert entry is not None
    assert entry.translation_key == "control"
    assert entry.original_name not in (None, "Control")
    assert "control" not in entry.entity_id
