"""Whatever a device sends: for every type and kind the right state or an unknown one."""

from collections.abc import Iterator
import json
from typing import Any, Final

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_bytes
from homeassistant.util import dt as dt_util
import pytest

from simulator import Json, Simulator

from .actions import act, device_id_of
from .bench import CONTROLS, CORRECTIONS, SENSORS, bench, set_up_bench
from .common import poll, state_of
from .reading import loud

# Points that show a value in the same way.
FAMILIES: Final = {
    "int": ("int_measured", "int_open", "int_setpoint", "struct_measured#errors"),
    "flag": ("int_flag", "int_flag_measured"),
    "float": ("float_measured", "float_open", "struct_measured#current"),
    # A STRING that was said to carry a number, too.
    "double": (
        "double_measured",
        "double_open",
        "struct_measured#energy",
        "string_long",
    ),
    "bool": ("bool_measured", "bool_switch", "struct_measured#local"),
    "bool_select": ("bool_bare",),
    "enum_int": ("enum_int_measured", "enum_int"),
    "enum_text": ("enum_text_measured", "enum_text", "struct_measured#state"),
    "string": ("string_measured", "struct_measured#firmware"),
    "text": ("string_note",),
    "onoff": ("string_onoff",),
    "timestamp": ("timestamp_measured", "timestamp_start"),
    "date": ("date_measured", "date_due"),
    "array": ("array_double", "array_measured"),
    "struct": ("struct_plan",),
    "file": ("file_report", "file_program"),
}
ITEMS: Final = ("errors", "current", "energy", "local", "state", "firmware")
POINTS: Final = {point: name for name, found in FAMILIES.items() for point in found}
DOMAINS: Final = {
    **CONTROLS,
    **SENSORS,
    **{point: "sensor" for point in POINTS if point not in {**CONTROLS, **SENSORS}},
}
SAID: Final = {
    **CORRECTIONS,
    "string_long": {"state_class": "measurement", "unit": "°C"},
}

LONG: Final = "x" * 300
HUGE: Final = "汉" * 100_001
DEEP: Final = "[" * 1000 + "]" * 1000
MORNING: Final = "2026-01-01T00:00:00+00:00"


def numbers(number: float) -> dict[str, str]:
    """Return what points of numbers show for one with decimals."""
    # In as many digits as Home Assistant has for every state.
    text = f"{float(number):.15}"
    return {"float": text, "double": text}


def whole(number: int) -> dict[str, str]:
    """Return what points of numbers show for a whole one, and an ENUM as an unknown code."""
    return {"int": str(number), "enum_int": str(number), **numbers(number)}


def words(text: str) -> dict[str, str]:
    """Return what points of text show for a short one, and an ENUM as an unknown code."""
    return dict.fromkeys(
        ("string", "text", "enum_int", "enum_text", "array", "struct", "file"), text
    )


def plain(text: str) -> dict[str, str]:
    """Return what points of any text show for a short one."""
    return {"string": text, "text": text}


ZERO: Final = {
    **whole(0),
    "flag": STATE_OFF,
    "bool": STATE_OFF,
    "bool_select": "0",
    "enum_int": "Stopped",
}
ONE: Final = {
    **whole(1),
    "flag": STATE_ON,
    "bool": STATE_ON,
    "bool_select": "1",
    "enum_int": "Low",
}

# What is sent, as JSON or what some take for it, and what is shown by family; all others are
# unknown.
SHOWN: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("null", {}),
    ('""', plain("")),
    ('" "', plain(" ")),
    ("NaN", {}),
    ("Infinity", {}),
    ("-Infinity", {}),
    ("1e400", {}),
    ('"NaN"', {**words("NaN"), "enum_int": STATE_UNKNOWN, "enum_text": STATE_UNKNOWN}),
    (
        '"-Infinity"',
        {**words("-Infinity"), "enum_int": STATE_UNKNOWN, "enum_text": STATE_UNKNOWN},
    ),
    ('"unavailable"', {}),
    ('"unknown"', {}),
    # Numbers, as such and as text.
    ('"0"', {**words("0"), **ZERO}),
    ('"1"', {**words("1"), **ONE}),
    ("0", {**plain("0"), **ZERO, "enum_text": "0"}),
    ("1", {**plain("1"), **ONE, "enum_text": "1"}),
    ("1.0", {**plain("1.0"), **ONE, "enum_text": "1"}),
    ("-0.0", {**plain("-0.0"), **ZERO, "enum_text": "0"}),
    ("2", {**plain("2"), **whole(2), "enum_int": "High", "enum_text": "2"}),
    ("77", {**plain("77"), **whole(77), "enum_text": "77"}),
    ("-1", {**plain("-1"), **whole(-1), "enum_text": "-1"}),
    ("21.5", {**plain("21.5"), **numbers(21.5)}),
    ('"21.50"', {**words("21.50"), **numbers(21.5)}),
    ('"1e3"', {**words("1e3"), **whole(1000)}),
    ('"1,5"', words("1,5")),
    ('"0x10"', words("0x10")),
    ('"१२"', words("१२")),
    ('"1 2"', words("1 2")),
    # Beyond the types, and beyond all types.
    (
        "2147483648",
        {
            **plain("2147483648"),
            **whole(2**31),
            "enum_text": "2147483648",
            "timestamp": "2038-01-19T03:14:08+00:00",
        },
    ),
    ("9223372036854775808", {**plain("9223372036854775808"), **numbers(2.0**63)}),
    ("1e39", {**plain("1e+39"), **numbers(1e39)}),
    ('"1e400"', words("1e400")),
    (f'"{"9" * 5000}"', {"string": f"{'9' * 254}…"}),
    # Truth.
    (
        "true",
        {**plain("true"), "bool": STATE_ON, "bool_select": "1"},
    ),
    ('"FALSE"', {**words("FALSE"), "bool": STATE_OFF, "bool_select": "0"}),
    ('"on"', {**words("on"), "onoff": STATE_ON}),
    ('"OFF"', words("OFF")),
    # Codes of the other type, and the label of a code.
    ('"idle"', {**words("idle"), "enum_text": "Idle"}),
    ('"Idle"', {**words("Idle"), "enum_text": STATE_UNKNOWN}),
    ('"High"', {**words("High"), "enum_int": STATE_UNKNOWN}),
    # Texts.
    (f'"{LONG}"', {"string": f"{'x' * 254}…"}),
    (f'"{HUGE}"', {"string": f"{'汉' * 254}…"}),
    (f'"{"y" * 100}"', words("y" * 100)),
    (r'"a\u0000b"', {"string": "a\ufffdb"}),
    (r'"a\u001b[31mb"', {"string": "a\ufffd[31mb"}),
    (r'"\ud800"', words("?")),
    ('"👨‍👩‍👧 😀"', words("👨‍👩‍👧 😀")),
    ('"<b>&amp;</b>"', words("<b>&amp;</b>")),
    # What is no single value.
    ("[]", {**plain("[]"), "array": "[]"}),
    ('[1, [2, "x"]]', {**plain('[1,[2,"x"]]'), "array": '[1,[2,"x"]]'}),
    ('{"a": {"b": null}}', {**plain('{"a":{"b":null}}'), "struct": '{"a":{"b":null}}'}),
    (DEEP, {}),
    (f'"{DEEP}"', {"string": f"{'[' * 254}…"}),
    # Times.
    (
        "1767225600000",
        {
            **plain("1767225600000"),
            **whole(1767225600000),
            "enum_text": "1767225600000",
            "timestamp": MORNING,
        },
    ),
    (
        "1767225600",
        {
            **plain("1767225600"),
            **whole(1767225600),
            "enum_text": "1767225600",
            "timestamp": MORNING,
        },
    ),
    (
        "1767225600.5",
        {**plain("1767225600.5"), **numbers(1767225600.5), "timestamp": MORNING},
    ),
    (
        '"4102444800000"',
        {
            **words("4102444800000"),
            **whole(4102444800000),
            "timestamp": "2100-01-01T00:00:00+00:00",
        },
    ),
    ('"20260101083000"', {**words("20260101083000"), **whole(20260101083000)}),
    (
        '"2026-01-01T08:00:00+08:00"',
        {
            **words("2026-01-01T08:00:00+08:00"),
            "timestamp": MORNING,
            "date": "2026-01-01",
        },
    ),
    # Nobody knows whose clock it is; the day is the day.
    ('"2026-01-01 08:00:00"', {**words("2026-01-01 08:00:00"), "date": "2026-01-01"}),
    ('"2026-02-30"', words("2026-02-30")),
    ('"2026-W01-1"', words("2026-W01-1")),
    (
        '"0001-01-01T00:00:00Z"',
        {
            **words("0001-01-01T00:00:00Z"),
            "timestamp": "0001-01-01T00:00:00+00:00",
            "date": "0001-01-01",
        },
    ),
    (
        '"0001-01-01T00:00:00+23:59"',
        {**words("0001-01-01T00:00:00+23:59"), "date": "0001-01-01"},
    ),
    (
        '"9999-12-31T23:59:59Z"',
        {
            **words("9999-12-31T23:59:59Z"),
            "timestamp": "9999-12-31T23:59:59+00:00",
            "date": "9999-12-31",
        },
    ),
    (
        "253402300799999",
        {
            **plain("253402300799999"),
            **whole(253402300799999),
            "enum_text": "253402300799999",
            "timestamp": "9999-12-31T23:59:59+00:00",
        },
    ),
    (
        "253402300800000",
        {
            **plain("253402300800000"),
            **whole(253402300800000),
            "enum_text": "253402300800000",
        },
    ),
)

GOOD: Final[dict[str, tuple[str, str]]] = {
    "int": ("5", "5"),
    "flag": ("1", STATE_ON),
    "float": ("4.5", "4.5"),
    "double": ("4.25", "4.25"),
    "bool": ("true", STATE_ON),
    "bool_select": ("true", "1"),
    "enum_int": ("2", "High"),
    "enum_text": ('"running"', "Running"),
    "string": ('"good"', "good"),
    "text": ('"good"', "good"),
    "onoff": ('"on"', STATE_ON),
    "timestamp": ("1767312000000", "2026-01-02T00:00:00+00:00"),
    "date": ('"2026-01-02"', "2026-01-02"),
    "array": ("[1]", "[1]"),
    "struct": ('{"rounds":1}', '{"rounds":1}'),
    "file": ('"ftp://a/b"', "ftp://a/b"),
}


def send(sim: Simulator, texts: dict[str, str]) -> None:
    """Let each point have a value, given as JSON by point; items within their struct."""
    asset_id = bench(sim).asset_id
    items = ",".join(f'"{item}":{texts[f"struct_measured#{item}"]}' for item in ITEMS)
    sim.put(asset_id, "struct_measured", Json(f"{{{items}}}"))
    for point, text in texts.items():
        if "#" not in point:
            sim.put(asset_id, point, Json(text))


async def by_round(hass: HomeAssistant, sim: Simulator) -> None:
    """Have the time series service asked, as each round does."""
    await poll(hass)


async def by_question(hass: HomeAssistant, sim: Simulator) -> None:
    """Have the device asked directly; what comes is written as JSON for whoever asked."""
    points = sorted(POINTS)
    found = await act(
        hass,
        "get_measurepoints",
        device_id=device_id_of(hass, sim, bench(sim)),
        measurepoint_id=points,
        fresh=True,
    )
    assert len(found["measurepoints"]) == len(points)
    json_bytes(found)


def differences(
    hass: HomeAssistant, sim: Simulator, expected: dict[str, str]
) -> Iterator[str]:
    """Return what is shown other than expected, or in a form that Home Assistant does not take."""
    for point, domain in DOMAINS.items():
        if point not in POINTS:
            continue
        state = state_of(hass, sim, domain, bench(sim), point)
        wanted = expected.get(POINTS[point], STATE_UNKNOWN)
        if point == "string_note" and len(wanted) > 32:
            # Half a text would be written back by who edits it.
            wanted = STATE_UNKNOWN
        if STATE_UNKNOWN in (wanted, state.state) or not wanted:
            if state.state != wanted:
                yield f"{point}: {state.state[:60]!r} instead of {wanted[:60]!r}"
            continue
        if state.state != wanted:
            yield f"{point}: {state.state[:60]!r} instead of {wanted[:60]!r}"
        options = state.attributes.get("options")
        if options and (
            state.state not in options or len(set(options)) != len(options)
        ):
            yield f"{point}: {state.state!r} of {options}"
        if state.attributes.get("device_class") == "timestamp":
            moment = dt_util.parse_datetime(state.state)
            if moment is None or moment.tzinfo is None:
                yield f"{point}: {state.state} has no zone"
        if state.attributes.get("state_class") and state.state != STATE_UNKNOWN:
            float(state.state)


@pytest.mark.parametrize("ask", [by_round, by_question])
@pytest.mark.parametrize("part", range(4))
async def test_any_value_for_any_type(
    hass: HomeAssistant,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    ask: Any,
    part: int,
) -> None:
    """What is sent, and what each kind of entity shows; the next good value shows again."""
    assert set(POINTS) <= set(DOMAINS)
    sensors = [point for point in POINTS if point not in CONTROLS]
    await set_up_bench(hass, sim, sensors=sensors, corrections=SAID)
    # What only the device itself tells would take a round of its own.
    sim.unstored[bench(sim).model_id].clear()
    good = {point: GOOD[family][0] for point, family in POINTS.items()}
    good["string_long"] = '"4.25"'
    shown = {family: state for family, (_, state) in GOOD.items()}
    caplog.clear()
    wrong = []
    for text, expected in SHOWN[part::4]:
        for texts, wanted in (
            (good, shown),
            (dict.fromkeys(POINTS, text), expected),
        ):
            send(sim, texts)
            await ask(hass, sim)
            wrong += [
                f"{text[:40]}: {each}"
                for each in [*differences(hass, sim, wanted), *loud(caplog)]
            ]
            caplog.clear()
    assert not wrong, "\n".join(wrong)
    assert sim.rejections == []


# Times of samples.


async def test_sample_whose_time_goes_back(hass: HomeAssistant, sim: Simulator) -> None:
    """A clock that was set back brings news all the same."""
    await set_up_bench(hass, sim, controls=[], sensors=["float_measured"])
    device = bench(sim)
    for value, when in ((1.5, 2_000), (2.5, 1_000), (3.5, 1_001), (4.5, 900)):
        sim.put(device.asset_id, "float_measured", value, when * 10**9)
        await poll(hass)
        state = state_of(hass, sim, "sensor", device, "float_measured")
        assert state.state == str(value)


@pytest.mark.parametrize("time_ms", [-1, 0, 1, 10**17, 2**63 - 1])
async def test_sample_of_no_time(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture, time_ms: int
) -> None:
    """A value counts, whatever its time; the action that tells times has none for it."""
    await set_up_bench(hass, sim, controls=[], sensors=["float_measured"])
    device = bench(sim)
    caplog.clear()
    sim.put(device.asset_id, "float_measured", 1.5, time_ms)
    found = await act(
        hass,
        "get_measurepoints",
        device_id=device_id_of(hass, sim, device),
        measurepoint_id=["float_measured"],
        fresh=True,
    )
    json_bytes(found)
    assert found["measurepoints"][0]["value"] == 1.5
    assert loud(caplog) == []


async def test_stale_sample(
    hass: HomeAssistant, sim: Simulator, freezer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A sample that is too old is believed no more: unavailable where read, unknown where written."""
    said = {
        point: {"stale_after": 300.0}
        for point in ("float_measured", "float_setpoint", "string_note")
    }
    await set_up_bench(
        hass,
        sim,
        controls=["float_setpoint", "string_note"],
        sensors=["float_measured"],
        corrections=said,
    )
    device = bench(sim)
    points = {
        "float_measured": "sensor",
        "float_setpoint": "number",
        "string_note": "text",
    }

    def states() -> list[str]:
        return [
            state_of(hass, sim, domain, device, point).state
            for point, domain in points.items()
        ]

    async def say(age: float) -> None:
        when = int((dt_util.utcnow().timestamp() - age) * 1000)
        for point, value in (
            ("float_measured", 20.5),
            ("float_setpoint", 21.5),
            ("string_note", "x"),
        ):
            sim.put(device.asset_id, point, value, when)
        await poll(hass)

    caplog.clear()
    await say(10)
    assert states() == ["20.5", "21.5", "x"]
    # A sample that was old when it came.
    await say(4000)
    assert states() == ["unavailable", STATE_UNKNOWN, STATE_UNKNOWN]
    await say(0)
    assert states() == ["20.5", "21.5", "x"]
    freezer.tick(330)
    await poll(hass)
    assert states() == ["unavailable", STATE_UNKNOWN, STATE_UNKNOWN]
    await say(0)
    assert states() == ["20.5", "21.5", "x"]
    assert loud(caplog) == []


def test_table_is_json_or_nearly() -> None:
    """What is sent is what the table says, not a slip of the pen."""
    for text, _ in SHOWN:
        json.loads(text)
