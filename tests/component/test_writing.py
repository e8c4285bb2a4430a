"""Writing through Home Assistant's own actions: what is accepted, and what never leaves."""

from typing import Any, Literal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.number.const import DOMAIN as NUMBER
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events

from simulator import Guesses, Simulator

from .common import entry_for, product_subentry, set_up
from .writing import (
    FCU,
    Control,
    elapse,
    fcu_control,
    polls,
    quiet,
    set_up_fcus,
    sets,
    until,
)


async def control_of(
    hass: HomeAssistant, sim: Simulator, domain: str, kind: str, point: str
) -> Control:
    """Set up one control of a product."""
    await set_up(hass, entry_for(sim, product_subentry(sim, kind, controls=[point])))
    return Control(hass, sim, domain, sim.device(kind), point)


def changes_of(events: list[Event[Any]], control: Control) -> list[tuple[str, str]]:
    """Return the changes of a control's state, from and to."""
    return [
        (event.data["old_state"].state, event.data["new_state"].state)
        for event in events
        if event.data["entity_id"] == control.entity_id
        and event.data["old_state"].state != event.data["new_state"].state
    ]


@pytest.mark.parametrize(
    ("domain", "kind", "point", "asked", "wire", "shown"),
    [
        pytest.param("switch", "fcu", "power", False, False, "off", id="off"),
        pytest.param("switch", "light", "switch", True, True, "on", id="on"),
        pytest.param("select", "fcu", "mode", "Heating", 2, "Heating", id="int-code"),
        pytest.param("select", "ahu", "mode", "Cooling", 1, "Cooling", id="int-code-2"),
        pytest.param("select", "fcu", "fan_speed", "Low", "low", "Low", id="text-code"),
        pytest.param("number", "light", "brightness", 55, 55, "55", id="int"),
        pytest.param(
            "number", "light", "brightness", 55.0, 55, "55", id="int-of-float"
        ),
        pytest.param("number", "meter", "demand_limit", 410, 410, "410", id="int-10s"),
        pytest.param("number", "fcu", "temp_setpoint", 21.5, 21.5, "21.5", id="float"),
        pytest.param("number", "fcu", "temp_setpoint", 22, 22.0, "22.0", id="float-22"),
        pytest.param(
            "number", "ahu", "fan_frequency", 33.1, 33.1, "33.1", id="float-no-float32"
        ),
        pytest.param(
            "number", "chiller", "chw_setpoint", 5.6, 5.6, "5.6", id="float-of-steps"
        ),
        pytest.param(
            "number", "battery", "power_setpoint", -12.3, -12.3, "-12.3", id="double"
        ),
        pytest.param(
            *("number", "battery", "power_setpoint", 0.1 + 0.2, 0.3, "0.3"),
            id="double-binary-fraction",
        ),
        pytest.param(
            *("number", "fcu_basic", "tempSet", 21.123456789, 21.123457, "21.123457"),
            id="float-shortest",
        ),
    ],
)
async def test_good_write(
    hass: HomeAssistant,
    sim: Simulator,
    domain: str,
    kind: str,
    point: str,
    asked: Any,
    wire: Any,
    shown: str,
) -> None:
    """A good value goes out once, in the type of the thing model, and is shown."""
    control = await control_of(hass, sim, domain, kind, point)
    assert control.state != shown
    await control.write(asked)
    assert control.state == shown
    (request,) = sets(sim)
    assert request.method == "POST"
    assert request.query == {
        "action": "setMeasurepoint",
        "orgId": sim.org_id,
        "assetId": control.device.asset_id,
        "measurepointId": point,
        "pendingTtl": "0",
        "timeout": "30",
    }
    assert request.body == {"value": wire}
    assert type(request.body["value"]) is type(wire)
    assert control.device.values[point] == wire
    assert sim.rejections == []


@pytest.mark.parametrize(
    ("form", "on"), [("true_false", True), ("one_zero", 1)], ids=["json", "number"]
)
async def test_bool_in_the_form_of_enos(
    hass: HomeAssistant, form: Literal["true_false", "one_zero"], on: bool | int
) -> None:
    """A BOOL is written as EnOS last gave it: true or 1, which no document decides."""
    async with Simulator(
        devices=8, physics=False, guesses=Guesses(G15=form)
    ) as simulator:
        control = await control_of(hass, simulator, "switch", "light", "switch")
        await control.write(True)
        await control.write(False)
        first, second = (request.body["value"] for request in sets(simulator))
        assert (first, second) == (True, False)
        assert type(first) is type(second) is type(on)
        assert control.state == "off"
        assert simulator.rejections == []


async def test_bool_that_was_never_read(hass: HomeAssistant, sim: Simulator) -> None:
    """A BOOL of which nothing was read is written as the console defines it: 1 or 0."""
    device = sim.device("light")
    device.connect_latest.clear()
    device.tsdb_latest.clear()
    control = await control_of(hass, sim, "switch", "light", "switch")
    assert control.state == STATE_UNKNOWN
    await control.write(True)
    (request,) = sets(sim)
    assert type(request.body["value"]) is int
    assert request.body == {"value": 1}
    assert control.state == "on"


@pytest.mark.parametrize(
    ("point", "asked", "shown"),
    [
        ("power", False, "off"),
        ("mode", "Heating", "Heating"),
        ("temp_setpoint", 21.5, "21.5"),
    ],
)
async def test_state_moves_only_after_the_acknowledgement(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    point: str,
    asked: Any,
    shown: str,
) -> None:
    """A slow device: the old state stands until it answers, then the new one stays."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    control.device.behaviour.reply_delay = 20
    before = control.state
    await elapse(sim, freezer, 20)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    task = control.start(asked)
    await until(lambda: sim.commands)
    polled = len(polls(sim))
    await elapse(sim, freezer, 15)
    assert len(polls(sim)) > polled, "a poll went on beside the command"
    assert not task.done()
    assert control.state == before
    await elapse(sim, freezer, 6)
    assert control.state == shown
    await task
    await elapse(sim, freezer, 120)
    assert changes_of(events, control) == [(before, shown)], "it never bounced"
    assert len(sets(sim)) == 1


async def test_context_of_the_caller(
    hass: HomeAssistant, sim: Simulator, hass_admin_user: MockUser
) -> None:
    """The state that a write brings says who asked for it."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    context = Context(user_id=hass_admin_user.id)
    await control.write(21.5, context)
    assert control.full_state.context.id == context.id
    assert control.full_state.context.user_id == hass_admin_user.id


async def test_context_outlives_a_slow_device(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_admin_user: MockUser,
) -> None:
    """Home Assistant forgets after 5 s who asked; the answer after 20 s names them all."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 20
    other = MockUser(groups=hass_admin_user.groups).add_to_hass(hass)
    contexts = [Context(user_id=user.id) for user in (hass_admin_user, other)]
    first = control.start(21.5, contexts[0])
    await until(lambda: sim.commands)
    second = control.start(23, contexts[1])
    await elapse(sim, freezer, 21)
    await first
    assert (control.state, control.full_state.context) == ("21.5", contexts[0])
    await elapse(sim, freezer, 21)
    await second
    assert (control.state, control.full_state.context) == ("23.0", contexts[1])
    # What a person sets at the device is nobody's in Home Assistant.
    await elapse(sim, freezer, 60)
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"
    assert control.full_state.context.user_id is None


async def test_one_call_for_many(hass: HomeAssistant, sim: Simulator) -> None:
    """One action with many targets is one command for each of them."""
    await set_up_fcus(hass, sim)
    devices = [device for device in sim.devices.values() if device.kind.key == "fcu"]
    controls = [fcu_control(hass, sim, index=index) for index in range(len(devices))]
    assert len(controls) > 1
    await hass.services.async_call(
        NUMBER,
        "set_value",
        {"entity_id": [control.entity_id for control in controls], "value": 19.5},
        blocking=True,
    )
    assert [control.state for control in controls] == ["19.5"] * len(controls)
    assert [control.written for control in controls] == [[19.5]] * len(controls)


async def test_equal_values_are_written(hass: HomeAssistant, sim: Simulator) -> None:
    """A value that is shown already is written all the same: it may not be the device's."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await control.write(float(control.state))
    await control.write(float(control.state))
    assert control.written == [24.0, 24.0]


async def test_unit_of_the_user(hass: HomeAssistant, sim: Simulator) -> None:
    """A value in the user's unit is converted, and moved to the nearest declared step."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    er.async_get(hass).async_update_entity_options(
        control.entity_id, NUMBER, {"unit_of_measurement": "°F"}
    )
    await hass.async_block_till_done()
    assert control.full_state.attributes["unit_of_measurement"] == "°F"
    for asked, wire in ((71, 21.5), (72, 22.0), (60.8, 16.0), (86, 30.0)):
        await control.write(asked)
        assert control.written[-1] == wire
        assert float(control.state) == pytest.approx(wire * 1.8 + 32, abs=0.06)
    assert sim.rejections == []


@pytest.mark.parametrize(
    ("kind", "domain", "point", "value", "key"),
    [
        pytest.param("fcu", "number", "temp_setpoint", 21.3, "off_step", id="off-step"),
        pytest.param("meter", "number", "demand_limit", 405, "off_step", id="not-10s"),
        pytest.param("light", "number", "brightness", 55.5, "off_step", id="half-step"),
        pytest.param("fcu", "number", "co2", 500.5, "not_integral", id="half-of-int"),
        pytest.param(
            "fcu", "number", "temp_setpoint", float("nan"), "not_finite", id="nan"
        ),
        pytest.param("fcu", "number", "temp_setpoint", 15.5, "out_of_range", id="low"),
        pytest.param("fcu", "number", "temp_setpoint", 30.5, "out_of_range", id="high"),
        pytest.param(
            "fcu", "number", "temp_setpoint", float("inf"), "out_of_range", id="inf"
        ),
        pytest.param("fcu", "number", "co2", 2**31, "out_of_range", id="no-int32"),
        pytest.param(
            "fcu_basic", "number", "tempSet", 1e39, "out_of_range", id="no-float32"
        ),
        pytest.param(
            "fcu", "select", "mode", "Defrost", "not_valid_option", id="option"
        ),
        pytest.param("fcu", "select", "mode", "2", "not_valid_option", id="code"),
    ],
)
async def test_value_that_the_point_cannot_take(
    hass: HomeAssistant,
    sim: Simulator,
    kind: str,
    domain: str,
    point: str,
    value: Any,
    key: str,
) -> None:
    """A value that cannot be right is refused at once; nothing is sent, nothing moves."""
    control = await control_of(hass, sim, domain, kind, point)
    before = control.full_state
    with pytest.raises(ServiceValidationError) as caught:
        await control.write(value)
    assert caught.value.translation_key == key
    if key in {"off_step", "not_integral", "not_finite"}:
        # The others are Home Assistant's own errors.
        assert caught.value.translation_domain == "enos"
        placeholders = caught.value.translation_placeholders
        assert placeholders is not None
        assert placeholders["device"] in str(caught.value)
        assert placeholders["point"] in str(caught.value)
    await quiet(sim)
    assert sets(sim) == []
    assert control.full_state is before


async def test_guessed_step_binds_nothing(hass: HomeAssistant, sim: Simulator) -> None:
    """A step that nobody declared is for the arrows only."""
    control = await control_of(hass, sim, "number", "fcu_basic", "tempSet")
    assert control.full_state.attributes["step"] > 0.001
    await control.write(21.001)
    assert control.written == [21.001]


async def test_entity_that_was_renamed(hass: HomeAssistant, sim: Simulator) -> None:
    """A control under another entity id still writes its point, and shows it."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    er.async_get(hass).async_update_entity(
        control.entity_id, new_entity_id="number.lobby"
    )
    await hass.async_block_till_done()
    assert control.entity_id == "number.lobby"
    await control.write(18)
    assert (control.state, control.written) == ("18.0", [18.0])


async def test_every_control_of_a_device(hass: HomeAssistant, sim: Simulator) -> None:
    """Controls have no entity category: a voice assistant would not see them."""
    await set_up_fcus(hass, sim)
    registry = er.async_get(hass)
    for point in FCU:
        control = fcu_control(hass, sim, point)
        registered = registry.async_get(control.entity_id)
        assert registered is not None
        assert registered.entity_category is None
        assert registered.disabled_by is None
