"""Buttons: points that are pulsed, and services without arguments."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import SimDevice, Simulator

from .bench import bench, bench_control, bench_world
from .common import entity_id_of, poll
from .queueing import QUEUE, World
from .reading import loud, values_asked
from .writing import quiet, read_backs, sets

PULSES = ["reset_cmd", "int_flag_untagged"]


async def buttons(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, **more: Any
) -> World:
    """Set up a test bench that has nothing but buttons."""
    config: dict[str, Any] = {"controls": PULSES, "sensors": [], **more}
    return await bench_world(hass, sim, freezer, **config)


# Pulses.


@pytest.mark.parametrize("point", PULSES)
async def test_pulse_writes_once_a_press(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    point: str,
) -> None:
    """Each press is one write; the point is never read, and falling back overrides nothing."""
    world = await buttons(hass, sim, freezer)
    control = bench_control(hass, sim, point)
    caplog.clear()
    for presses in (1, 2, 3):
        assert await world.call_on(control, None).error() is None
        # The device falls back by itself.
        await world.elapse(10)
        await sim.report(bench(sim), {point: 0})
        await world.elapse(200)
        await poll(hass)
        assert control.written == [1] * presses
    assert world.outcomes(point=point) == ["succeeded"] * 3
    assert control.full_state.attributes["command_outcome"] == "succeeded"
    assert all(point not in request.body["pointIds"] for request in values_asked(sim))
    assert read_backs(sim, bench(sim)) == []
    assert loud(caplog) == []


async def test_pulse_value_of_a_tag(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What is written is what was said to be pressed; an ENUM's code in its own type."""
    said = {
        "enum_int": {"kind": "button", "press_value": "2"},
        "enum_text": {"kind": "button", "press_value": "running"},
        "string_onoff": {"kind": "button", "press_value": "toggle"},
        "double_open": {"kind": "button", "press_value": "0.5"},
        "bool_switch": {"kind": "button", "press_value": "0"},
    }
    world = await buttons(hass, sim, freezer, controls=list(said), corrections=said)
    for point, wire in (
        ("enum_int", 2),
        ("enum_text", "running"),
        ("string_onoff", "toggle"),
        ("double_open", 0.5),
        ("bool_switch", 0),
    ):
        entity_id = entity_id_of(hass, sim, "button", bench(sim), point)
        await hass.services.async_call(
            "button", "press", {"entity_id": entity_id}, blocking=True
        )
        assert sets(sim)[-1].body == {"value": wire}
        assert type(sets(sim)[-1].body["value"]) is type(wire)
    assert len(sets(sim)) == len(said)
    assert set(world.outcomes()) == {"succeeded"}


async def test_two_presses_while_the_device_is_busy(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Presses that still wait are one: the second replaces the first, and both callers hear its end.

    As of every point of a lane: what is pressed while the first is on its way is sent after
    it, once. A reset that is asked for three times within seconds resets twice.
    """
    world = await buttons(hass, sim, freezer)
    control = bench_control(hass, sim, "reset_cmd")
    control.device.behaviour.reply_delay = 5
    calls = []
    for _ in range(3):
        calls.append(world.call_on(control, None))
        await quiet(sim)
    assert len(sets(sim)) == 1
    await world.elapse(11)
    assert [await call.error() for call in calls] == [None, None, None]
    assert control.written == [1, 1]
    assert [world.outcomes(call) for call in calls] == [
        ["succeeded"],
        ["superseded"],
        ["succeeded"],
    ]


async def test_pulses_of_two_points_are_not_merged(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Presses of different buttons all go out, in their order."""
    world = await buttons(hass, sim, freezer)
    device = bench(sim)
    device.behaviour.reply_delay = 5
    calls = []
    for point in (PULSES[0], PULSES[1], PULSES[0]):
        calls.append(world.call_on(bench_control(hass, sim, point), None))
        await quiet(sim)
    await world.elapse(16)
    assert [await call.error() for call in calls] == [None] * 3
    assert [point for _, point, _ in sim.writes] == [PULSES[0], PULSES[1], PULSES[0]]


async def test_press_while_queued_replaces_what_waits(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A button pressed twice for a device that is away resets it once when it is back."""
    world = await buttons(hass, sim, freezer, policy=QUEUE)
    control, device = bench_control(hass, sim, "reset_cmd"), bench(sim)
    device.status = "offline"
    for _ in range(2):
        assert await world.call_on(control, None).error() is None
    assert control.full_state.attributes["command_outcome"] == "queued"
    await world.come_back(device)
    assert control.written == [1]
    await world.elapse(200)
    assert world.outcomes()[-1] == "succeeded"
    assert control.full_state.attributes["command_outcome"] == "succeeded"


# Services.


def service_id_of(
    hass: HomeAssistant, sim: Simulator, device: SimDevice, service: str
) -> str | None:
    """Return the entity id of a service's button, None where it has none."""
    return er.async_get(hass).async_get_entity_id(
        "button", "enos", f"{sim.org_id}_{device.asset_id}#service_{service}"
    )


async def press(hass: HomeAssistant, entity_id: str | None) -> Context:
    """Press a button as an automation does."""
    context = Context()
    await hass.services.async_call(
        "button", "press", {"entity_id": entity_id}, blocking=True, context=context
    )
    return context


async def test_service_is_invoked(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A press invokes the service without arguments, and tells what became of it."""
    world = await buttons(hass, sim, freezer, services=["self_test", "restart"])
    device = bench(sim)
    caplog.clear()
    for service, name in (("self_test", "Self-test"), ("restart", "Restart")):
        entity_id = service_id_of(hass, sim, device, service)
        assert entity_id is not None
        state = hass.states.get(entity_id)
        assert state.attributes["friendly_name"].endswith(name)
        context = await press(hass, entity_id)
        request = sim.requests[-1]
        assert (request.action, request.query["serviceId"]) == (
            "invokeService",
            service,
        )
        assert request.body == {"inputData": {}}
        event = world.events[-1]
        assert event.context.id == context.id
        assert event.data["service_id"] == service
        assert event.data["measurepoint_id"] is None
        assert (event.data["outcome"], event.data["final"]) == ("succeeded", True)
        assert hass.states.get(entity_id).state != state.state
    assert sim.rejections == []
    assert loud(caplog) == []


async def test_service_of_a_device_that_is_away(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """With the device away the press fails; with a queue it waits, and none replaces another."""
    world = await buttons(hass, sim, freezer, services=["self_test"])
    device = bench(sim)
    entity_id = service_id_of(hass, sim, device, "self_test")
    device.status = "offline"
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, entity_id)
    assert caught.value.translation_key == "device_offline"
    assert caught.value.translation_placeholders["point"] == "Self-test"
    assert world.outcomes() == ["device_offline"]


async def test_queued_services_are_all_carried_out(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """An invocation never replaces another."""
    world = await buttons(hass, sim, freezer, services=["self_test"], policy=QUEUE)
    device = bench(sim)
    entity_id = service_id_of(hass, sim, device, "self_test")
    device.status = "offline"
    for _ in range(2):
        await press(hass, entity_id)
    assert world.outcomes() == ["queued…", "queued…"]
    await world.come_back(device)
    assert world.outcomes() == ["queued…", "queued…", "succeeded", "succeeded"]


async def test_presses_of_a_service_side_by_side(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Pressed twice while the device is busy, a service is invoked twice."""
    world = await buttons(hass, sim, freezer, services=["self_test"])
    device = bench(sim)
    device.behaviour.reply_delay = 5
    entity_id = service_id_of(hass, sim, device, "self_test")
    tasks = [asyncio.ensure_future(press(hass, entity_id)) for _ in range(2)]
    await world.elapse(11)
    await asyncio.gather(*tasks)
    assert world.outcomes() == ["succeeded", "succeeded"]
    invoked = [each for each in sim.requests if each.action == "invokeService"]
    assert len(invoked) == 2


def choose(
    hass: HomeAssistant, entry: MockConfigEntry, sim: Simulator, services: list[str]
) -> None:
    """Choose other services, as the form does."""
    (subentry,) = entry.subentries.values()
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "services": services}
    )


async def test_service_not_chosen_any_more(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A button goes with the choice of its service, and comes back under its unique id."""
    world = await buttons(hass, sim, freezer, services=["self_test", "restart"])
    device = bench(sim)
    choose(hass, world.entry, sim, ["restart"])
    await world.elapse(1)
    await hass.async_block_till_done()
    assert service_id_of(hass, sim, device, "self_test") is None
    assert service_id_of(hass, sim, device, "restart") is not None
    # One with arguments never has a button.
    choose(hass, world.entry, sim, ["self_test", "calibrate"])
    await world.elapse(1)
    await hass.async_block_till_done()
    assert service_id_of(hass, sim, device, "self_test") is not None
    assert service_id_of(hass, sim, device, "calibrate") is None
    assert service_id_of(hass, sim, device, "restart") is None
