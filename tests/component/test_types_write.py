"""Data types that are written: what goes out, what is shown, and what becomes of it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.logbook.const import DOMAIN as LOGBOOK_DOMAIN
from homeassistant.components.recorder.core import Recorder
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.logbook import EVENT_LINE
from simulator import Guesses, Simulator

from .bench import CONTROLS, CORRECTIONS, bench, bench_control, bench_world
from .common import poll
from .queueing import CONTRACT, QUEUE, TTL
from .reading import loud
from .writing import quiet, sets


class Case(NamedTuple):
    """A point, what is asked of its control, what goes out and what is shown then."""

    point: str
    asked: Any
    wire: Any
    shown: str
    # The attribute that tells what was asked for: as the state has it.
    target: Any


MORNING: Final = "2026-05-07T08:30:00+00:00"
CASES: Final = (
    Case("int_setpoint", 65, 65, "65", 65),
    Case("int_open", -7, -7, "-7", -7),
    Case("float_setpoint", 21.5, 21.5, "21.5", 21.5),
    Case("float_open", 21.123456789, 21.123457, "21.123457", 21.123457),
    Case("double_setpoint", 0.1 + 0.2, 0.3, "0.3", 0.3),
    Case("double_open", -1.25e-7, -1.25e-7, "-1.25e-07", -1.25e-7),
    Case("bool_switch", True, 1, STATE_ON, STATE_ON),
    Case("int_flag", True, 1, STATE_ON, STATE_ON),
    Case("string_onoff", True, "on", STATE_ON, STATE_ON),
    Case("enum_int", "High", 2, "High", "High"),
    Case("enum_text", "Running", "running", "Running", "Running"),
    Case("enum_chinese", "检修", 20, "检修", "检修"),
    Case("bool_bare", "0", 0, "0", "0"),
    Case("string_note", "看过 😀 <b>", "看过 😀 <b>", "看过 😀 <b>", "看过 😀 <b>"),
    # The form in which EnOS gave the time: milliseconds as text.
    Case(
        *("timestamp_start", "2026-05-07T10:30:00+02:00", "1778142600000"),
        *(MORNING, MORNING),
    ),
    Case("date_due", "2026-05-07", "2026-05-07", "2026-05-07", "2026-05-07"),
    Case("reset_cmd", None, 1, "", True),
    Case("int_flag_untagged", None, 1, "", 1),
)
by_point = pytest.mark.parametrize("case", CASES, ids=lambda case: case.point)


def as_given(value: Any, like: Any) -> Any:
    """Return a value as it goes out where EnOS gave the point's value as `like`."""
    return bool(value) if isinstance(like, bool) else value


@by_point
async def test_written_and_shown(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    case: Case,
) -> None:
    """A value goes out once, shows from the acknowledgement on, and is never called overridden."""
    assert {each.point for each in CASES} == set(CONTROLS)
    world = await bench_world(hass, sim, freezer)
    control = bench_control(hass, sim, case.point)
    before = control.state
    caplog.clear()
    if control.domain == "button":
        wire = case.wire
    else:
        assert before != case.shown
        wire = as_given(case.wire, bench(sim).values[case.point])
    call = world.call_on(control, case.asked)
    assert await call.error() is None

    (request,) = sets(sim)
    assert request.body == {"value": wire}
    assert type(request.body["value"]) is type(wire)
    assert sim.rejections == []
    if control.domain != "button":
        assert control.state == case.shown
    shown = control.full_state
    assert shown.context.id == call.context.id
    assert shown.attributes["command_outcome"] == "succeeded"
    assert shown.attributes["command_target"] == case.target
    assert shown.attributes["command_id"]
    assert shown.attributes["command_expires"] is None

    await world.elapse(300)
    await poll(hass)
    (event,) = world.told()
    assert set(event) >= CONTRACT
    assert event["entity_id"] == control.entity_id
    assert (event["measurepoint_id"], event["value"]) == (case.point, wire)
    assert (event["outcome"], event["final"]) == ("succeeded", True)
    if control.domain != "button":
        assert control.state == case.shown
    assert control.full_state.attributes["command_outcome"] == "succeeded"
    assert len(sets(sim)) == 1
    assert loud(caplog) == []


@by_point
async def test_device_away(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    case: Case,
) -> None:
    """With the device away the write itself says so; nothing shows that was not accepted."""
    world = await bench_world(hass, sim, freezer)
    control = bench_control(hass, sim, case.point)
    before = control.state
    bench(sim).status = "offline"
    call = world.call_on(control, case.asked)
    assert await call.error() == "device_offline"
    state = control.full_state
    if control.domain != "button":
        assert state.state == before
        assert state.attributes.get("assumed_state") is True
    assert state.attributes["command_outcome"] == "device_offline"
    assert state.attributes["command_target"] == case.target
    (event,) = world.told(call)
    assert event["entity_id"] == control.entity_id
    assert (event["outcome"], event["final"]) == ("device_offline", True)
    assert control.written == []
    assert loud(caplog) == []


@by_point
async def test_queued_and_delivered(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, case: Case
) -> None:
    """Where the policy has it, EnOS keeps the value; the control shows it once it is there."""
    world = await bench_world(hass, sim, freezer, policy=QUEUE)
    control = bench_control(hass, sim, case.point)
    device, before = bench(sim), control.state
    device.status = "offline"
    call = world.call_on(control, case.asked)
    assert await call.error() is None
    assert [request.query["pendingTtl"] for request in sets(sim)] == ["0", str(TTL)]
    state = control.full_state
    if control.domain != "button":
        assert state.state == before
    assert state.attributes["command_outcome"] == "queued"
    assert state.attributes["command_target"] == case.target
    assert state.attributes["command_expires"] is not None

    await world.come_back(device)
    assert world.outcomes(call) == ["queued…", "succeeded"]
    if control.domain != "button":
        assert control.state == case.shown
    assert len(control.written) == 1
    state = control.full_state
    assert state.attributes["command_outcome"] == "succeeded"
    assert state.attributes["command_expires"] is None


async def test_waiting_value_is_replaced(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Of two queued values the newer one is delivered, of texts and times as of numbers."""
    world = await bench_world(hass, sim, freezer, policy=QUEUE)
    device = bench(sim)
    device.status = "offline"
    for point, values, wire in (
        ("string_note", ("one", "two"), "two"),
        ("date_due", ("2026-05-07", "2026-05-08"), "2026-05-08"),
        ("timestamp_start", ("2026-05-07 10:00:00", MORNING), "1778142600000"),
    ):
        control = bench_control(hass, sim, point)
        for value in values:
            assert await world.call_on(control, value).error() is None
        await world.come_back(device)
        assert control.written == [wire]
        assert world.outcomes(point=point) == [
            *("queued…", "queued…", "superseded", "succeeded")
        ]
        device.status = "offline"


@pytest.mark.parametrize(
    ("point", "values", "wire"),
    [
        ("string_note", ("a", "b", "c"), ["a", "c"]),
        (
            "date_due",
            ("2026-05-07", "2026-05-08", "2026-05-09"),
            ["2026-05-07", "2026-05-09"],
        ),
        (
            "timestamp_start",
            tuple(f"2026-05-07T08:3{minute}:00+00:00" for minute in (0, 1, 2)),
            ["1778142600000", "1778142720000"],
        ),
    ],
)
async def test_script_that_restarts(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    point: str,
    values: tuple[str, ...],
    wire: list[Any],
) -> None:
    """`mode: restart` cancels the call: what was sent is finished, the last value wins."""
    world = await bench_world(hass, sim, freezer)
    control = bench_control(hass, sim, point)
    control.device.behaviour.reply_delay = 20
    field = "value" if control.domain == "text" else control.domain
    action = {
        "action": f"{control.domain}.set_value",
        "target": {"entity_id": control.entity_id},
        "data": {field: "{{ value }}"},
    }
    script = {"mode": "restart", "sequence": [action]}
    assert await async_setup_component(hass, "script", {"script": {"again": script}})
    for value in values:
        await hass.services.async_call(
            "script",
            "turn_on",
            {"entity_id": "script.again", "variables": {"value": value}},
        )
        await quiet(sim)
    await world.elapse(41)
    assert control.written == wire
    assert control.full_state.attributes["command_outcome"] == "succeeded"


@pytest.mark.parametrize("one_zero", [False, True])
@pytest.mark.parametrize("form", [None, "boolean", "number"])
async def test_form_of_a_bool(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    one_zero: bool,
    form: str | None,
) -> None:
    """A BOOL goes out as EnOS gives it, unless a person knows better."""
    guesses = Guesses(G15="one_zero") if one_zero else Guesses()
    async with Simulator(seed=1, devices=1, physics=False, guesses=guesses) as sim:
        said = {"bool_switch": {"bool_form": form}} if form else {}
        world = await bench_world(
            hass,
            sim,
            freezer,
            corrections=CORRECTIONS | said,
        )
        control = bench_control(hass, sim, "bool_switch")
        await control.write(True)
        (request,) = sets(sim)
        as_json = form == "boolean" or (form is None and not one_zero)
        expected = True if as_json else 1
        assert request.body == {"value": expected}
        assert type(request.body["value"]) is type(expected)
        assert control.state == STATE_ON
        await hass.config_entries.async_unload(world.entry.entry_id)


# The logbook.


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: Callable[..., Any]) -> None:
    """Have the recorder made ready before Home Assistant is."""


@pytest.mark.parametrize(
    ("point", "asked", "told"),
    [
        ("string_note", "看过", "看过"),
        ("timestamp_start", MORNING, "2026-05-07 16:30:00"),
        ("date_due", "2026-05-07", "2026-05-07"),
        ("enum_chinese", "检修", "检修"),
        ("string_onoff", True, "On"),
        ("reset_cmd", None, "复位"),
        ("int_open", 5, "5 s"),
    ],
)
async def test_line_of_the_logbook(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    point: str,
    asked: Any,
    told: str,
) -> None:
    """The line of a command that failed names the value as its control shows it."""
    await hass.config.async_set_time_zone("Asia/Shanghai")
    assert await async_setup_component(hass, LOGBOOK_DOMAIN, {})
    lines = async_capture_events(hass, EVENT_LINE)
    world = await bench_world(hass, sim, freezer)
    bench(sim).status = "offline"
    control = bench_control(hass, sim, point)
    assert await world.call_on(control, asked).error() == "device_offline"
    await hass.async_block_till_done()
    (line,) = lines
    assert f"{told} " in line.data["message"], line.data["message"]
    assert line.data["entity_id"] == control.entity_id


async def test_off_and_on_again(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A switch of an INT or a STRING writes its own values for both."""
    world = await bench_world(hass, sim, freezer)
    for point, on, off in (("int_flag", 1, 0), ("string_onoff", "on", "off")):
        control = bench_control(hass, sim, point)
        for value in (True, False, True):
            await control.write(value)
            assert control.state == (STATE_ON if value else STATE_OFF)
            await world.elapse(5)
        assert control.written == [on, off, on]
        await sim.report(bench(sim), {point: off})
        await world.elapse(31)
        assert control.state == STATE_OFF
