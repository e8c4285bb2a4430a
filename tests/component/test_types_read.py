"""Data types that are read: what each shows, with unit, classes and options."""

import json
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from simulator import Guesses, Simulator

from .bench import SENSORS, bench, set_up_bench
from .common import entity_id_of, poll, state_of
from .reading import loud, values_asked

type Expected = dict[str, tuple[str, dict[str, Any]]]

MEASUREMENT = {"state_class": "measurement"}
SPEEDS = {"device_class": "enum", "options": ["Stopped", "Low", "High"]}
STATES = {"device_class": "enum", "options": ["Idle", "Running", "Fault"]}
KELVIN = {**MEASUREMENT, "device_class": "temperature", "unit_of_measurement": "°C"}
SHOWN: Expected = {
    "int_measured": ("1450", {**MEASUREMENT, "unit_of_measurement": "rpm"}),
    "int_total": ("812", {"state_class": "total_increasing"}),
    # It has no storage policy, and is asked for directly.
    "int_unstored": ("0", {}),
    "int_flag_measured": (STATE_ON, {}),
    "float_measured": ("23.25", KELVIN),
    "double_measured": (
        "12.375",
        {**MEASUREMENT, "device_class": "power", "unit_of_measurement": "kW"},
    ),
    "double_energy": (
        "3.0625",
        {
            "state_class": "total_increasing",
            "device_class": "energy",
            "unit_of_measurement": "MWh",
        },
    ),
    "bool_measured": (STATE_OFF, {}),
    "enum_int_measured": ("Low", SPEEDS),
    "enum_text_measured": ("Idle", STATES),
    "string_measured": ("LAB-0001", {}),
    "string_long": (f"{'试' * 254}…", {}),
    "timestamp_measured": (
        "2026-01-01T00:00:00+00:00",
        {"device_class": "timestamp"},
    ),
    "date_measured": ("2026-01-31", {"device_class": "date"}),
    "file_program": ("enos-connect://lab/a.json", {}),
    "file_report": ("ftp://lab.example/report.pdf", {}),
    "array_double": ("[18.0,20.5,22.0]", {}),
    "array_string": ('["early","晚班"]', {}),
    "array_int": ("[]", {}),
    "array_measured": ("[61.5,62.0,60.5]", {}),
    "struct_plan": (
        '{"rounds":3,"target":35.5,"hold":true,"mode":1,"label":"早"}',
        {},
    ),
    "struct_plan#rounds": ("3", MEASUREMENT),
    "struct_plan#target": ("35.5", KELVIN),
    "struct_plan#hold": (STATE_ON, {}),
    "struct_plan#mode": ("Low", SPEEDS),
    "struct_plan#label": ("早", {}),
    "struct_measured#current": (
        "4.5",
        {**MEASUREMENT, "device_class": "current", "unit_of_measurement": "A"},
    ),
    "struct_measured#energy": (
        "1234.5",
        {
            "state_class": "total_increasing",
            "device_class": "energy",
            "unit_of_measurement": "kWh",
        },
    ),
    "struct_measured#local": (STATE_OFF, {}),
    "struct_measured#state": ("Idle", STATES),
}


async def settle(hass: HomeAssistant) -> None:
    """Let rounds pass until what has no storage policy was asked for directly, too."""
    for seconds in (40, 80, 120):
        await poll(hass, seconds)


@pytest.mark.parametrize(
    "guesses",
    [Guesses(), Guesses(G13="all_strings"), Guesses(G15="one_zero")],
    ids=["as-documented", "all-text", "one-zero"],
)
async def test_each_type(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, guesses: Guesses
) -> None:
    """Each type shows what the device holds, however the time series service writes it."""
    async with Simulator(
        seed=1, devices=1, physics=False, guesses=guesses
    ) as simulator:
        await set_up_bench(hass, simulator)
        await settle(hass)
        assert set(SHOWN) == set(SENSORS)
        found: Expected = {}
        for point, domain in SENSORS.items():
            state = state_of(hass, simulator, domain, bench(simulator), point)
            found[point] = (
                state.state,
                {
                    key: value
                    for key, value in state.attributes.items()
                    if key != "friendly_name"
                },
            )
        expected = dict(SHOWN)
        if guesses.G15 == "one_zero":
            # A whole STRUCT is shown as it came.
            expected["struct_plan"] = (
                '{"rounds":3,"target":35.5,"hold":1,"mode":1,"label":"早"}',
                {},
            )
        assert found == expected
        assert loud(caplog) == []
        await hass.config_entries.async_unload(
            hass.config_entries.async_entries("enos")[0].entry_id
        )


# Items of structs.


async def test_items_share_one_question(hass: HomeAssistant, sim: Simulator) -> None:
    """All items of a STRUCT are read by asking for it once."""
    await set_up_bench(
        hass,
        sim,
        controls=[],
        sensors=["struct_measured#current", "struct_measured#errors"],
    )
    asked = values_asked(sim)
    assert asked
    assert {request.body["pointIds"] for request in asked} == {"struct_measured"}
    device = bench(sim)
    assert state_of(hass, sim, "sensor", device, "struct_measured#errors").state == "0"
    await sim.report(device, {"struct_measured": {"errors": 2, "current": 6.25}})
    await poll(hass)
    for item, state in (("errors", "2"), ("current", "6.25")):
        point = f"struct_measured#{item}"
        assert state_of(hass, sim, "sensor", device, point).state == state


async def test_items_one_disabled(hass: HomeAssistant, sim: Simulator) -> None:
    """A disabled item costs the others nothing; with all disabled the struct is not asked for."""
    points = ["struct_measured#current", "struct_measured#errors"]
    entry = await set_up_bench(hass, sim, controls=[], sensors=points)
    device, registry = bench(sim), er.async_get(hass)
    for number, point in enumerate(points):
        registry.async_update_entity(
            entity_id_of(hass, sim, "sensor", device, point),
            disabled_by=er.RegistryEntryDisabler.USER,
        )
        await hass.config_entries.async_reload(entry.entry_id)
        sim.requests.clear()
        await sim.report(device, {"struct_measured": {"errors": 7 + number}})
        await poll(hass)
        asked = {request.body["pointIds"] for request in values_asked(sim)}
        if number == 0:
            assert asked == {"struct_measured"}
            assert state_of(hass, sim, "sensor", device, points[1]).state == "7"
        else:
            assert asked == set()


@pytest.mark.parametrize(
    ("raw", "current", "state"),
    [
        ({"current": 5.5, "state": "running"}, "5.5", "Running"),
        ('{"current": 5.5, "state": "running"}', "5.5", "Running"),
        # What is not there, or is no value of its type, is unknown; its neighbour is not.
        ({"state": "running"}, STATE_UNKNOWN, "Running"),
        ({"current": 5.5}, "5.5", STATE_UNKNOWN),
        ({"current": None, "state": "running"}, STATE_UNKNOWN, "Running"),
        ({"current": "NaN", "state": "running"}, STATE_UNKNOWN, "Running"),
        ('{"current": NaN, "state": "running"}', STATE_UNKNOWN, "Running"),
        ({"current": [5.5], "state": "running"}, STATE_UNKNOWN, "Running"),
        ({"CURRENT": 5.5, "state": "running"}, STATE_UNKNOWN, "Running"),
        ('{"current": 5.5, "current": 6.5, "state": "running"}', "6.5", "Running"),
        ('{"current": 5.5, "state": "runn', STATE_UNKNOWN, STATE_UNKNOWN),
        ("[5.5]", STATE_UNKNOWN, STATE_UNKNOWN),
        ("5.5", STATE_UNKNOWN, STATE_UNKNOWN),
        (5.5, STATE_UNKNOWN, STATE_UNKNOWN),
        (None, STATE_UNKNOWN, STATE_UNKNOWN),
        ("", STATE_UNKNOWN, STATE_UNKNOWN),
        ("[" * 100_000, STATE_UNKNOWN, STATE_UNKNOWN),
        (f'{{"current": {"9" * 5000}}}', STATE_UNKNOWN, STATE_UNKNOWN),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_items_of_any_sample(
    hass: HomeAssistant,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    raw: Any,
    current: str,
    state: str,
) -> None:
    """A STRUCT comes as an object or as its text; what is not in it is unknown."""
    points = ["struct_measured#current", "struct_measured#state"]
    await set_up_bench(hass, sim, controls=[], sensors=points)
    device = bench(sim)
    caplog.clear()
    sim.put(device.asset_id, "struct_measured", raw)
    await poll(hass)
    assert [state_of(hass, sim, "sensor", device, point).state for point in points] == [
        current,
        state,
    ]
    assert loud(caplog) == []
    await sim.report(device, {"struct_measured": {"current": 1.5, "state": "idle"}})
    await poll(hass)
    assert [state_of(hass, sim, "sensor", device, point).state for point in points] == [
        "1.5",
        "Idle",
    ]


async def test_items_go_with_their_device(hass: HomeAssistant, sim: Simulator) -> None:
    """An item is unavailable while its device is away."""
    points = ["struct_measured#current", "struct_measured#local"]
    await set_up_bench(hass, sim, controls=[], sensors=points)
    device = bench(sim)
    device.status = "offline"
    await settle(hass)
    for point in points:
        state = state_of(hass, sim, SENSORS.get(point, "sensor"), device, point)
        assert state.state == STATE_UNAVAILABLE


async def test_item_cannot_be_a_control(hass: HomeAssistant, sim: Simulator) -> None:
    """An item alone cannot be written, whatever the configuration says: it is read."""
    await set_up_bench(hass, sim, controls=["struct_plan#target"], sensors=[])
    assert (
        state_of(hass, sim, "sensor", bench(sim), "struct_plan#target").state == "35.5"
    )
    assert (
        er.async_get(hass).async_get_entity_id(
            "number", "enos", f"{sim.org_id}_{bench(sim).asset_id}_struct_plan#target"
        )
        is None
    )


# Lists.


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([], "[]"),
        ([1], "[1]"),
        ([18.0, 20.5], "[18.0,20.5]"),
        # Cut in the middle of a number it would be another one.
        ([21.123456] * 40, STATE_UNKNOWN),
    ],
)
async def test_short_and_long_lists(
    hass: HomeAssistant, sim: Simulator, values: list[float], state: str
) -> None:
    """A list is shown whole or not at all."""
    await set_up_bench(hass, sim, controls=[], sensors=["array_measured"])
    device = bench(sim)
    for raw in (values, json.dumps(values, separators=(",", ":"))):
        sim.put(device.asset_id, "array_measured", [0])
        await poll(hass)
        assert state_of(hass, sim, "sensor", device, "array_measured").state == "[0]"
        sim.put(device.asset_id, "array_measured", raw)
        await poll(hass)
        assert state_of(hass, sim, "sensor", device, "array_measured").state == state
