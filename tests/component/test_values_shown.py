"""Whatever a device sends: a proper state or an unknown one, and a quiet log."""

import json
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import SimDevice, Simulator
from simulator.points import Point, enum

from .common import entity_id_of, entry_for, poll, product_subentry, set_up, state_of
from .reading import LATEST, loud, text_of

LEVELS = enum("INT", _1=("Low", "低"), _2=("High", "高"))
WORDS = enum("STRING", auto=("Auto", "自动"), off=("Off", "关"))
DAY_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z

# By identifier: platform, and the point itself.
POINTS: dict[str, tuple[str, Point]] = {
    "r_bool": ("binary_sensor", Point("r_bool", "BOOL", "A", "甲", True)),
    "r_int": ("sensor", Point("r_int", "INT", "B", "乙", 3, "kWh")),
    "r_float": ("sensor", Point("r_float", "FLOAT", "C", "丙", 1.0, "°C")),
    "r_double": ("sensor", Point("r_double", "DOUBLE", "D", "丁", 1.0, "Pa")),
    "r_enum": ("sensor", Point("r_enum", "ENUM", "E", "戊", 2, definition=LEVELS)),
    "r_words": ("sensor", Point("r_words", "ENUM", "F", "己", "off", definition=WORDS)),
    "r_text": ("sensor", Point("r_text", "STRING", "G", "庚", "x")),
    "r_time": ("sensor", Point("r_time", "TIMESTAMP", "H", "辛", DAY_MS)),
    "r_date": ("sensor", Point("r_date", "DATE", "I", "壬", "2026-01-01")),
    "w_bool": ("switch", Point("w_bool", "BOOL", "J", "癸", True)),
    "w_int": (
        "number",
        Point("w_int", "INT", "K", "子", 1, tags={"ha/min": "0", "ha/max": "10"}),
    ),
    "w_float": ("number", Point("w_float", "FLOAT", "L", "丑", 1.0, "%")),
    "w_enum": ("select", Point("w_enum", "ENUM", "M", "寅", 1, definition=LEVELS)),
    "w_words": ("select", Point("w_words", "ENUM", "N", "卯", "off", definition=WORDS)),
}

LONG = "x" * 300


@pytest.fixture
async def device(hass: HomeAssistant, sim: Simulator) -> SimDevice:
    """A device that has a point of each type."""
    sim.models["hvac_fcu"]["measurepoints"] = {
        name: point.raw(form="text", tagged=False)
        for name, (_, point) in POINTS.items()
    }
    device = sim.device("fcu")
    await sim.report(device, {name: p.initial for name, (_, p) in POINTS.items()})
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(
                sim,
                "fcu",
                devices=[device.asset_id],
                controls=[name for name in POINTS if name.startswith("w_")],
                sensors=[name for name in POINTS if name.startswith("r_")],
            ),
        ),
    )
    return device


class Answers:
    """Has the time series service answer word for word."""

    def __init__(self, sim: Simulator, device: SimDevice) -> None:
        """Begin after every sample so far."""
        self._sim = sim
        self._device = device
        self._time = DAY_MS * 2

    def __call__(self, values: dict[str, str]) -> None:
        """Answer with these values, which are JSON or what some take for it."""
        self._time += 1000
        items = ",".join(
            f'{{"assetId":"{self._device.asset_id}","timestamp":{self._time},'
            f'"{point}":{text}}}'
            for point, text in values.items()
        )
        self._sim.faults.clear()
        self._sim.faults.add(
            "status",
            path=LATEST,
            status=200,
            body=f'{{"code":0,"msg":"OK","submsg":null,"data":{{"items":[{items}]}}}}',
        )


@pytest.fixture
def answers(sim: Simulator, device: SimDevice) -> Answers:
    """Answer in the place of the time series service."""
    return Answers(sim, device)


CASES: list[tuple[str, str, str]] = [
    # BOOL, as EnOS and devices spell it. `bool("0")` would be true.
    *(
        (point, text, expected)
        for point in ("r_bool", "w_bool")
        for text, expected in (
            ("true", STATE_ON),
            ("false", STATE_OFF),
            ("1", STATE_ON),
            ("0", STATE_OFF),
            ('"1"', STATE_ON),
            ('"0"', STATE_OFF),
            ('"TRUE"', STATE_ON),
            ('"false"', STATE_OFF),
            ("1.0", STATE_ON),
            ("2", STATE_UNKNOWN),
            ('"yes"', STATE_UNKNOWN),
            ('""', STATE_UNKNOWN),
            ("null", STATE_UNKNOWN),
        )
    ),
    # Numbers.
    ("r_int", '"17"', "17"),
    ("r_int", "17.0", "17"),
    ("r_int", "17.5", STATE_UNKNOWN),
    ("r_int", "true", STATE_UNKNOWN),
    ("r_int", "9" * 30, STATE_UNKNOWN),
    ("r_int", "4294967297", "4294967297"),
    ("r_float", '"21.5"', "21.5"),
    ("r_float", "21.100000381469727", "21.1"),
    ("r_float", '"NaN"', STATE_UNKNOWN),
    ("r_float", "NaN", STATE_UNKNOWN),
    ("r_float", "Infinity", STATE_UNKNOWN),
    ("r_float", "-Infinity", STATE_UNKNOWN),
    ("r_float", '"Infinity"', STATE_UNKNOWN),
    ("r_double", "1e400", STATE_UNKNOWN),
    ("r_double", '"abc"', STATE_UNKNOWN),
    ("r_double", '""', STATE_UNKNOWN),
    ("r_double", "null", STATE_UNKNOWN),
    ("r_double", "[1]", STATE_UNKNOWN),
    ("r_double", '{"value":1}', STATE_UNKNOWN),
    ("r_double", '"1,5"', STATE_UNKNOWN),
    # What is out of range is shown as it is: it is what the device says.
    ("w_int", "99", "99"),
    ("w_int", "-7", "-7"),
    ("w_float", "150.5", "150.5"),
    ("w_float", '"-3"', "-3.0"),
    ("w_float", "NaN", STATE_UNKNOWN),
    ("w_int", '""', STATE_UNKNOWN),
    # ENUM: codes in either type; a code without label is shown as it is.
    ("r_enum", "2", "High"),
    ("r_enum", '"2"', "High"),
    ("r_enum", "2.0", "High"),
    ("r_enum", "77", "77"),
    ("r_enum", '"77"', "77"),
    ("r_enum", '""', STATE_UNKNOWN),
    ("r_enum", "null", STATE_UNKNOWN),
    ("r_enum", "true", STATE_UNKNOWN),
    ("r_words", '"auto"', "Auto"),
    ("r_words", '"turbo"', "turbo"),
    ("r_words", "5", "5"),
    # Half a code is none, and the label of one is no code.
    ("r_words", f'"{LONG}"', STATE_UNKNOWN),
    ("w_words", f'"{LONG}"', STATE_UNKNOWN),
    ("r_words", '"Off"', STATE_UNKNOWN),
    ("w_words", '"Auto"', STATE_UNKNOWN),
    ("r_words", '"unavailable"', STATE_UNKNOWN),
    ("w_enum", "2", "High"),
    ("w_enum", '"9"', "9"),
    ("w_enum", "null", STATE_UNKNOWN),
    ("w_words", '"off"', "Off"),
    ("w_words", '"turbo"', "turbo"),
    # Text.
    ("r_text", f'"{LONG}"', f"{'x' * 254}…"),
    ("r_text", r'"a\u0000b\u0007c\nd"', "a\ufffdb\ufffdc\nd"),
    ("r_text", '"unavailable"', STATE_UNKNOWN),
    ("r_text", "12", "12"),
    ("r_text", '{"a":[1,2]}', '{"a":[1,2]}'),
    ("r_text", "null", STATE_UNKNOWN),
    ("r_text", r'"\ud83d\ude00 温度"', "😀 温度"),
    # Times: milliseconds, seconds, either as text; without a zone nobody knows when.
    ("r_time", "1767225600000", "2026-01-01T00:00:00+00:00"),
    ("r_time", "1767225600", "2026-01-01T00:00:00+00:00"),
    ("r_time", '"1767225600000"', "2026-01-01T00:00:00+00:00"),
    ("r_time", '"2026-01-01T08:00:00+08:00"', "2026-01-01T00:00:00+00:00"),
    ("r_time", '"2026-01-01 08:00:00"', STATE_UNKNOWN),
    ("r_time", "0", STATE_UNKNOWN),
    ("r_time", "-1", STATE_UNKNOWN),
    ("r_time", "1e300", STATE_UNKNOWN),
    ("r_time", '"soon"', STATE_UNKNOWN),
    ("r_date", '"2026-02-28"', "2026-02-28"),
    ("r_date", '"2026-02-28 10:00:00"', "2026-02-28"),
    ("r_date", '"2026-02-30"', STATE_UNKNOWN),
    ("r_date", "20260228", STATE_UNKNOWN),
    ("r_date", '""', STATE_UNKNOWN),
]


async def test_each_value(
    hass: HomeAssistant,
    sim: Simulator,
    device: SimDevice,
    answers: Answers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is sent, and what is shown for it."""
    caplog.clear()
    wrong = []
    for point, text, expected in CASES:
        # Something else before, so that nothing passes by standing still.
        before = dict.fromkeys(POINTS, "null")
        if expected == STATE_UNKNOWN:
            before = {name: json.dumps(p.initial) for name, (_, p) in POINTS.items()}
        answers(before)
        await poll(hass)
        answers({point: text})
        await poll(hass)
        domain = POINTS[point][0]
        found = text_of(hass, sim, device, point, domain)
        if found != expected:
            wrong.append(f"{point} {text[:40]}: {found!r} instead of {expected!r}")
    assert not wrong
    assert loud(caplog) == []


HOSTILE = [
    "null",
    '""',
    '" "',
    '"NaN"',
    "NaN",
    "Infinity",
    "-Infinity",
    '"null"',
    "true",
    '"0"',
    "-1",
    "21.5",
    "1e308",
    "9" * 400,
    f'"{"9" * 5000}"',
    f'"{LONG}"',
    "[]",
    "[[[1]]]",
    '{"a":{"b":null}}',
    '"unknown"',
    '"unavailable"',
    r'"\u0000\u0007"',
    r'"\ud800"',
    "253402300800000",
    '"9999-12-31T23:59:59-23:59"',
    '"0001-01-01T00:00:00+23:59"',
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
async def test_any_value_for_any_type(
    hass: HomeAssistant,
    sim: Simulator,
    device: SimDevice,
    answers: Answers,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    """No value breaks a state, its neighbours or the round; the next good one is shown."""
    caplog.clear()
    answers(dict.fromkeys(POINTS, text))
    await poll(hass)
    for name, (domain, _) in POINTS.items():
        state = state_of(hass, sim, domain, device, name)
        assert len(state.state) <= 255
        if options := state.attributes.get("options"):
            assert state.state in (*options, STATE_UNKNOWN)
            assert len(options) == len(set(options))
    assert loud(caplog) == []
    answers({**dict.fromkeys(POINTS, "null"), "r_int": "5", "w_bool": "false"})
    await poll(hass)
    assert text_of(hass, sim, device, "r_int") == "5"
    assert text_of(hass, sim, device, "w_bool", "switch") == STATE_OFF
    # Each entity can be asked and written as before.
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": entity_id_of(hass, sim, "switch", device, "w_bool")},
        blocking=True,
    )
    assert sim.writes[-1][:2] == (device.asset_id, "w_bool")
    assert loud(caplog) == []


async def test_unknown_code_is_an_option_while_it_lasts(
    hass: HomeAssistant, sim: Simulator, device: SimDevice, answers: Answers
) -> None:
    """Home Assistant takes no state that is not among the options."""
    for name, domain in (("r_enum", "sensor"), ("w_enum", "select")):
        answers({name: "42"})
        await poll(hass)
        state = state_of(hass, sim, domain, device, name)
        assert (state.state, state.attributes["options"]) == (
            "42",
            ["Low", "High", "42"],
        )
        answers({name: "1"})
        await poll(hass)
        state = state_of(hass, sim, domain, device, name)
        assert (state.state, state.attributes["options"]) == ("Low", ["Low", "High"])


async def test_classes_of_enum_time_and_date(
    hass: HomeAssistant, sim: Simulator, device: SimDevice
) -> None:
    """Sensors of these types are of the class that shows them well."""
    expected: dict[str, Any] = {
        "r_enum": "enum",
        "r_words": "enum",
        "r_time": "timestamp",
        "r_date": "date",
    }
    for name, device_class in expected.items():
        state = state_of(hass, sim, "sensor", device, name)
        assert state.attributes["device_class"] == device_class
        assert state.state != STATE_UNKNOWN


@pytest.mark.parametrize("hours", [-30, -8, 8, 30])
async def test_device_with_a_wrong_clock(
    hass: HomeAssistant, sim: Simulator, hours: int
) -> None:
    """Samples count in their own order, whatever time the device believes it is."""
    device = sim.device("fcu")
    device.behaviour.clock_offset = hours * 3600
    await sim.report(device, {"room_temp": 15.0})
    entry: MockConfigEntry = entry_for(
        sim, product_subentry(sim, "fcu", sensors=["room_temp"])
    )
    await set_up(hass, entry)
    for value in (15.5, 16.0):
        await sim.report(device, {"room_temp": value})
        await poll(hass)
        assert text_of(hass, sim, device, "room_temp") == str(value)
    # The clock is put right: the next samples are hours before or after the last one.
    device.behaviour.clock_offset = 0
    for value in (16.5, 17.0):
        await sim.report(device, {"room_temp": value})
        await poll(hass)
        assert text_of(hass, sim, device, "room_temp") == str(value)


async def test_only_changes_write_a_state(
    hass: HomeAssistant, sim: Simulator, device: SimDevice
) -> None:
    """A round without news writes nothing."""
    entity_id = entity_id_of(hass, sim, "sensor", device, "r_double")
    before = hass.states.get(entity_id)
    assert before
    for _ in range(3):
        await poll(hass)
    after = hass.states.get(entity_id)
    assert after
    assert after.last_reported == before.last_reported
