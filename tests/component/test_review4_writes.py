"""A hostile reader's tests: what reaches the device, and what is shown of it, once corrected."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import EVENT_COMMAND
from simulator import Simulator

from .actions import act, device_id_of, do, refused
from .bench import bench, set_up_bench
from .common import entity_id_of, entry_for, poll, product_subentry, set_up, state_of
from .correcting import correct, corrections
from .writing import Control, elapse, quiet

SWAPPED = {"kind": "switch", "on_value": "0", "off_value": "1"}


def control(hass: HomeAssistant, sim: Simulator, domain: str, point: str) -> Control:
    """Return a control of the test bench."""
    return Control(hass, sim, domain, bench(sim), point)


async def later(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a round pass."""
    freezer.tick(31)
    await poll(hass)


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


async def test_stale_while_the_gateway_is_away(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A control shows no number that has become too old, though nobody answers for hours."""
    await set_up_bench(hass, sim, corrections={"int_setpoint": {"stale_after": 300}})
    number = control(hass, sim, "number", "int_setpoint")
    await sim.report(bench(sim), {"int_setpoint": 50})
    await poll(hass)
    assert number.state == "50"
    sim.faults.add("html")
    for _ in range(14):
        await later(hass, freezer)
    assert number.state == "unknown"


async def test_stale_again_between_two_rounds(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A sample that came beside the rounds and is old by the next one does not stay."""
    await set_up_bench(hass, sim, corrections={"int_setpoint": {"stale_after": 20}})
    number = control(hass, sim, "number", "int_setpoint")
    await sim.report(bench(sim), {"int_setpoint": 50})
    await poll(hass)
    await later(hass, freezer)
    assert number.state == "unknown"
    await sim.report(bench(sim), {"int_setpoint": 51})
    await act(
        hass,
        "get_measurepoints",
        device_id=device_id_of(hass, sim, bench(sim)),
        measurepoint_id="int_setpoint",
        fresh=True,
    )
    assert number.state == "51"
    await later(hass, freezer)
    assert number.state == "unknown"


async def test_stale_with_a_clock_that_is_fast(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device whose clock is hours ahead and that went silent is stale all the same."""
    await set_up_bench(hass, sim, corrections={"int_measured": {"stale_after": 300}})
    ahead = round((freezer.time_to_freeze.timestamp() + 8 * 3600) * 1000)
    await sim.report(bench(sim), {"int_measured": 50}, time_ms=ahead)
    await poll(hass)
    assert float(state_of(hass, sim, "sensor", bench(sim), "int_measured").state) == 50
    for _ in range(14):
        await later(hass, freezer)
    state = state_of(hass, sim, "sensor", bench(sim), "int_measured")
    assert state.state == "unavailable"


async def test_a_service_that_takes_arguments_by_now(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The button of a service that was given inputs does not invoke it without them."""
    device = sim.add_device("lab")
    entry = entry_for(sim, product_subentry(sim, "lab", services=["self_test"]))
    await set_up(hass, entry)
    button = entity_id_of(hass, sim, "button", device, "#service_self_test")
    service = sim.models[device.model_id]["services"]["self_test"]
    with_inputs = next(
        each
        for each in sim.models[device.model_id]["services"].values()
        if each["inputData"]
    )
    service["inputData"] = with_inputs["inputData"]
    freezer.tick(25 * 3600)
    for seconds in (40, 80, 120):
        await poll(hass, seconds)
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True
        )
    assert caught.value.translation_key == "service_needs_inputs"
    assert with_inputs["inputData"][0]["identifier"] in str(caught.value)
    assert not [each for each in sim.requests if each.action == "invokeService"]
