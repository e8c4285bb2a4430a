"""The order of writes: one after the other for a device, side by side for many."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest

from simulator import Simulator

from .writing import (
    Control,
    elapse,
    fcu_control,
    polls,
    quiet,
    real_time,
    records,
    set_up_fcus,
    sets,
    until,
)


def wire(sim: Simulator) -> list[tuple[str, object]]:
    """Return points and values in the order in which they went out."""
    return [
        (request.query["measurepointId"], request.body["value"])
        for request in sets(sim)
    ]


async def key_of(task: asyncio.Task[None]) -> str | None:
    """Return the translation key of the error that a write ended with."""
    with pytest.raises(HomeAssistantError) as caught:
        await task
    assert caught.value.translation_domain == "enos"
    return caught.value.translation_key


@pytest.fixture
def slow(hass: HomeAssistant, sim: Simulator) -> Control:
    """Return the setpoint of a device that takes 20 s for a command."""
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 20
    return control


async def test_forty_at_once(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """A slider that is dragged: two values are sent at most, and nobody gets an error."""
    entry = await set_up_fcus(hass, sim)
    tasks = [slow.start(16 + number % 20 / 2) for number in range(40)]
    await elapse(sim, freezer, 15)
    assert not any(task.done() for task in tasks)
    await elapse(sim, freezer, 26)
    await asyncio.gather(*tasks)
    assert len(sets(sim)) <= 2
    assert (slow.state, slow.written[-1]) == ("25.5", 25.5)
    outcomes = [record["outcome"] for record in await records(hass, entry)]
    assert outcomes.count("superseded") == 40 - len(sets(sim))


async def test_forty_during_one(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """Forty writes while one is on its way become one."""
    await set_up_fcus(hass, sim)
    first = slow.start(20)
    await until(lambda: sim.commands)
    tasks = [slow.start(16 + number % 20 / 2) for number in range(40)]
    await elapse(sim, freezer, 41)
    await asyncio.gather(first, *tasks)
    assert wire(sim) == [("temp_setpoint", 20.0), ("temp_setpoint", 25.5)]
    assert slow.state == "25.5"


async def test_failure_of_the_last_is_everybodys(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """Whose write was replaced gets the replacement's end, also a bad one."""
    await set_up_fcus(hass, sim)
    first = slow.start(20)
    await until(lambda: sim.commands)
    tasks = [slow.start(21 + number) for number in range(3)]
    await elapse(sim, freezer, 10)
    slow.device.behaviour.custom_format = True
    await elapse(sim, freezer, 11)
    await first
    assert [await key_of(task) for task in tasks] == ["not_encodable"] * 3
    assert (slow.state, slow.written) == ("20.0", [20.0])


async def test_order_between_points(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """A device gets its points in the order asked for; a newer write goes to the end."""
    await set_up_fcus(hass, sim)
    slow.device.behaviour.reply_delay = 10
    power, mode = (fcu_control(hass, sim, point) for point in ("power", "mode"))
    tasks = [slow.start(20)]
    await until(lambda: sim.commands)
    tasks += [slow.start(21), power.start(False), mode.start("Heating")]
    tasks += [slow.start(22), power.start(True)]
    for number in range(1, 5):
        await elapse(sim, freezer, 10.5)
        assert len(sim.writes) == number, "one after the other"
    await asyncio.gather(*tasks)
    assert wire(sim) == [
        ("temp_setpoint", 20.0),
        ("mode", 2),
        ("temp_setpoint", 22.0),
        ("power", True),
    ]
    assert [slow.state, power.state, mode.state] == ["22.0", "on", "Heating"]


async def test_devices_side_by_side(hass: HomeAssistant, sim: Simulator) -> None:
    """Ten devices that need half a second each are all asked before the first answered."""
    while sum(device.kind.key == "fcu" for device in sim.devices.values()) < 10:
        sim.add_device("fcu")
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, index=index) for index in range(10)]
    for control in controls:
        control.device.behaviour.reply_delay = 0.5
    started = real_time()
    await hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": [control.entity_id for control in controls], "value": 20},
        blocking=True,
    )
    assert real_time() - started < 5, "less than one after the other"
    assert [control.state for control in controls] == ["20.0"] * 10
    answers = [request.answered or 0.0 for request in sets(sim)]
    assert max(request.received for request in sets(sim)) < min(answers)


async def test_reads_go_on_beside_a_hundred_writes(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Commands that are held take no connection from the reads, however many there are.

    Home Assistant's own session allows a hundred connections to a host.
    """
    async with Simulator(devices=8, physics=False) as sim:
        while len(sim.devices) < 112:
            sim.add_device("fcu")
        await set_up_fcus(hass, sim, controls=["temp_setpoint"])
        controls = [fcu_control(hass, sim, index=index) for index in range(105)]
        for control in controls:
            control.device.behaviour.reply_delay = 20
        await elapse(sim, freezer, 25)
        tasks = [control.start(20) for control in controls[1:]]
        await until(lambda: len(sim.commands) == 104, "all on their way")
        await sim.report(controls[0].device, {"temp_setpoint": 18.0})
        await elapse(sim, freezer, 8)
        assert controls[0].state == "18.0"
        assert not any(request.answered for request in sets(sim))
        await elapse(sim, freezer, 13)
        await asyncio.gather(*tasks)
        assert {control.state for control in controls[1:]} == {"20.0"}


async def test_reads_go_on_beside_a_slow_write(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """While a device thinks, others and its own readings are read and shown."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    slow.device.behaviour.reply_delay = 29
    other = fcu_control(hass, sim, index=1)
    await elapse(sim, freezer, 25)
    task = slow.start(20)
    await until(lambda: sim.commands)
    await sim.report(other.device, {"temp_setpoint": 18.0})
    await sim.report(slow.device, {"room_temp": 19.25})
    await elapse(sim, freezer, 8)
    assert not task.done()
    assert other.state == "18.0"
    states = {state.state for state in hass.states.async_all("sensor")}
    assert "19.25" in states
    assert all(request.answered is not None for request in polls(sim))
    await other.write(22)
    assert (other.state, task.done()) == ("22.0", False)
    await elapse(sim, freezer, 22)
    await task
    assert slow.state == "20.0"


async def test_caller_that_goes_away_after_sending(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """A command on its way runs on without its caller; state and record are right."""
    entry = await set_up_fcus(hass, sim)
    task = slow.start(21.5)
    await until(lambda: sim.commands)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await elapse(sim, freezer, 21)
    assert (slow.state, slow.written) == ("21.5", [21.5])
    (record,) = await records(hass, entry)
    assert (record["outcome"], record["command_id"]) == (
        "succeeded",
        sim.commands[0].command_id,
    )


async def test_caller_that_goes_away_and_fails(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    slow: Control,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A command that fails without anybody waiting is in the record, not in the log."""
    entry = await set_up_fcus(hass, sim)
    slow.device.behaviour.reject_code = 500
    task = slow.start(21.5)
    await until(lambda: sim.commands)
    task.cancel()
    await elapse(sim, freezer, 21)
    (record,) = await records(hass, entry)
    assert (record["outcome"], record["code"]) == ("unknown", 500)
    assert slow.state == "24.0"
    assert "never retrieved" not in caplog.text


async def test_caller_that_goes_away_while_waiting(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """A waiting write ends with the last of its callers; one that is left keeps it."""
    entry = await set_up_fcus(hass, sim)
    power = fcu_control(hass, sim, "power")
    first = slow.start(20)
    await until(lambda: sim.commands)
    lonely, shared = power.start(False), [slow.start(21), slow.start(22)]
    lonely.cancel()
    shared[0].cancel()
    await elapse(sim, freezer, 41)
    await asyncio.gather(first, shared[1])
    assert wire(sim) == [("temp_setpoint", 20.0), ("temp_setpoint", 22.0)]
    outcomes = {
        (record["measurepoint_id"], record["value"]): record["outcome"]
        for record in await records(hass, entry)
    }
    assert outcomes == {
        ("power", False): "cancelled",
        ("temp_setpoint", 20.0): "succeeded",
        ("temp_setpoint", 21.0): "superseded",
        ("temp_setpoint", 22.0): "succeeded",
    }


async def test_script_that_restarts(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """`mode: restart` cancels the call: what was sent is finished, the last value wins."""
    await set_up_fcus(hass, sim)
    action = {
        "action": "number.set_value",
        "target": {"entity_id": slow.entity_id},
        "data": {"value": "{{ value }}"},
    }
    script = {"mode": "restart", "sequence": [action]}
    assert await async_setup_component(hass, "script", {"script": {"warm": script}})
    for value in (20, 21, 22):
        await hass.services.async_call(
            "script",
            "turn_on",
            {"entity_id": "script.warm", "variables": {"value": value}},
        )
        await quiet(sim)
    await elapse(sim, freezer, 41)
    assert wire(sim) == [("temp_setpoint", 20.0), ("temp_setpoint", 22.0)]
    assert slow.state == "22.0"


async def test_waits_no_longer_than_it_may(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A write behind commands that get no answer is refused after a minute, unsent."""
    entry = await set_up_fcus(hass, sim)
    setpoint = fcu_control(hass, sim)
    setpoint.device.behaviour.silent = True
    controls = [fcu_control(hass, sim, p) for p in ("power", "mode", "fan_speed")]
    tasks = [setpoint.start(20)]
    tasks += [
        control.start(value)
        for control, value in zip(controls, (False, "Heating", "Low"), strict=True)
    ]
    await elapse(sim, freezer, 62)
    keys = [await key_of(task) for task in (*tasks[:2], tasks[3])]
    assert keys == ["no_reply", "no_reply", "busy"]
    setpoint.device.behaviour.silent = False
    await elapse(sim, freezer, 60)
    assert "fan_speed" not in dict(wire(sim))
    outcomes = {r["measurepoint_id"]: r["outcome"] for r in await records(hass, entry)}
    assert outcomes["fan_speed"] == "not_sent"
    # The lane lives on.
    await controls[2].write("High")
    assert controls[2].state == "High"
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_unload_lets_the_sent_one_end(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """Unloading: what waits fails at once, what is on its way has five seconds."""
    entry = await set_up_fcus(hass, sim)
    power = fcu_control(hass, sim, "power")
    sent = slow.start(21.5)
    await until(lambda: sim.commands)
    waiting = power.start(False)
    await elapse(sim, freezer, 16)
    unload = hass.async_create_task(hass.config_entries.async_unload(entry.entry_id))
    assert await key_of(waiting) == "unloading"
    assert not unload.done()
    await elapse(sim, freezer, 4.5)
    await sent
    assert await unload
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert wire(sim) == [("temp_setpoint", 21.5)]
    await hass.config_entries.async_setup(entry.entry_id)
    await elapse(sim, freezer, 40)
    assert (slow.state, power.state) == ("21.5", "on")
    assert len(sets(sim)) == 1, "nothing was sent again"
    kept = [record["outcome"] for record in await records(hass, entry)]
    assert kept == ["not_sent", "succeeded"]


async def test_unload_gives_up_after_five_seconds(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """What has no answer five seconds into the unloading: nobody knows, and we say so."""
    entry = await set_up_fcus(hass, sim)
    sent = slow.start(21.5)
    await until(lambda: sim.commands)
    reload = hass.async_create_task(hass.config_entries.async_reload(entry.entry_id))
    await elapse(sim, freezer, 4)
    assert not sent.done()
    await elapse(sim, freezer, 2)
    assert await key_of(sent) == "unknown_outcome"
    assert await reload
    assert entry.state is ConfigEntryState.LOADED
    assert slow.state == "24.0"
    (record,) = await records(hass, entry)
    assert record["outcome"] == "unknown"
    # The device takes it after all; it is seen, and not sent again.
    await elapse(sim, freezer, 60)
    assert (slow.state, slow.written) == ("21.5", [21.5])
    assert len(sets(sim)) == 1


async def test_call_during_an_unload(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """A write that comes while the entry is being unloaded is refused, not lost."""
    entry = await set_up_fcus(hass, sim)
    sent = slow.start(21.5)
    await until(lambda: sim.commands)
    unload = hass.async_create_task(hass.config_entries.async_unload(entry.entry_id))
    await quiet(sim)
    error = await fcu_control(hass, sim, "mode").refuse("Heating")
    assert error.translation_key == "unloading"
    await elapse(sim, freezer, 6)
    assert await key_of(sent) == "unknown_outcome"
    assert await unload
    assert len(sets(sim)) == 1


async def test_stop_of_home_assistant(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, slow: Control
) -> None:
    """When Home Assistant stops, what waits is told so, and what was sent may end."""
    await set_up_fcus(hass, sim)
    power = fcu_control(hass, sim, "power")
    sent = slow.start(21.5)
    await until(lambda: sim.commands)
    waiting = power.start(False)
    await elapse(sim, freezer, 16)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    assert await key_of(waiting) == "unloading"
    await elapse(sim, freezer, 4.5)
    await sent
    assert slow.state == "21.5"
    assert await key_of(power.start(False)) == "unloading"
    assert wire(sim) == [("temp_setpoint", 21.5)]


async def test_reloads_leave_nothing_behind(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Reloading again and again, with polls and writes between: all goes on working."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    for value in (20, 21, 22, 23, 25):
        await elapse(sim, freezer, 31)
        await control.write(value)
        assert await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        assert control.state == f"{value:.1f}"
    assert control.written == [20, 21, 22, 23, 25]
