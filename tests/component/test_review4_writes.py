"""A hostile reader's tests: what reaches the device, and what is shown of it, once corrected."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import EVENT_COMMAND
from simulator import Simulator

from .actions import act, device_id_of, do, refused
from .bench import bench, set_up_bench
from .common import poll
from .correcting import correct, corrections
from .writing import Control, elapse, quiet

SWAPPED = {"kind": "switch", "on_value": "0", "off_value": "1"}


def control(hass: HomeAssistant, sim: Simulator, domain: str, point: str) -> Control:
    """Return a control of the test bench."""
    return Control(hass, sim, domain, bench(sim), point)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("bool_switch", {**SWAPPED, "bool_form": "boolean"}),
        ("bool_switch", {**SWAPPED, "bool_form": "number"}),
        ("int_flag", SWAPPED),
        # The words of the switch are its values, the other way round.
        ("string_onoff", {"kind": "switch", "on_value": "off", "off_value": "on"}),
    ],
)
async def test_what_went_out_is_sent_again(
    hass: HomeAssistant, sim: Simulator, point: str, said: dict[str, Any]
) -> None:
    """The value of a command's event, given to the action, is the same command once more."""
    await set_up_bench(hass, sim, corrections={point: said})
    events = async_capture_events(hass, EVENT_COMMAND)
    switch = control(hass, sim, "switch", point)
    for on in (True, False):
        await switch.write(on)
        first = switch.sent[-1].body["value"]
        await act(
            hass,
            "set_measurepoint",
            device_id=device_id_of(hass, sim, bench(sim)),
            measurepoint_id=point,
            value=events[-1].data["value"],
        )
        again = switch.sent[-1].body["value"]
        assert (type(again), again) == (type(first), first)
        assert len(switch.sent) % 2 == 0
        assert switch.state == ("on" if on else "off")


@pytest.mark.parametrize("value", [True, "true", "True", "on", " ON "])
async def test_true_means_what_the_switch_shows(
    hass: HomeAssistant, sim: Simulator, value: Any
) -> None:
    """By its entity a switch that is turned round is on with true, in every spelling."""
    await set_up_bench(hass, sim, corrections={"bool_switch": SWAPPED})
    switch = control(hass, sim, "switch", "bool_switch")
    await do(hass, "set_measurepoint", entity_id=switch.entity_id, value=value)
    assert switch.written[-1] in (0, False)
    assert switch.state == "on"


async def test_only_off_is_corrected(hass: HomeAssistant, sim: Simulator) -> None:
    """A person who leaves on as the form shows it and enters another off gets that off."""
    said = {"int_open": {"kind": "switch"}, "int_flag": {"kind": "switch"}}
    entry = await set_up_bench(
        hass, sim, controls=list(said), sensors=[], corrections=said
    )
    await correct(hass, entry, "int_open", off_value="2")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert corrections(entry)["int_open"]["off_value"] == "2"
    switch = control(hass, sim, "switch", "int_open")
    await switch.write(value=True)
    await switch.write(value=False)
    assert switch.written == [1, 2]
    assert switch.state == "off"


async def test_another_code_is_no_confirmation(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A step of the number that a switch once was does not make 0 pass for 1."""
    entry = await set_up_bench(
        hass, sim, corrections={"int_flag": {"kind": "switch", "step": 5}}
    )
    switch = control(hass, sim, "switch", "int_flag")
    await switch.write(value=True)
    await sim.report(bench(sim), {"int_flag": 0})
    await elapse(sim, freezer, 40)
    await poll(hass)
    await quiet(sim)
    assert switch.state == "off"
    assert switch.full_state.attributes["command_outcome"] == "overridden"
    assert entry.runtime_data.commands.open == []


async def test_range_of_what_is_no_number(hass: HomeAssistant, sim: Simulator) -> None:
    """A range that is declared binds the action also where the point is a switch or a button."""
    await set_up_bench(
        hass,
        sim,
        corrections={
            "int_open": {"kind": "switch", "minimum": 0, "maximum": 3},
            "int_setpoint": {
                "kind": "button",
                "press_value": "1",
                "minimum": 0,
                "maximum": 3,
            },
        },
    )
    for domain, point in (("switch", "int_open"), ("button", "int_setpoint")):
        one = control(hass, sim, domain, point)
        error = str(
            await refused(hass, "set_measurepoint", entity_id=one.entity_id, value=7)
        )
        assert "0" in error and "3" in error
        assert one.sent == []
        await do(hass, "set_measurepoint", entity_id=one.entity_id, value=2)
        assert one.written == [2]
