"""Helpers of the tests about data types: the simulator's test bench, which has them all."""

from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.enos.const import EVENT_COMMAND
from simulator import SimDevice, Simulator

from .common import entry_for, product_subentry, set_up
from .queueing import World
from .writing import Control

CONTROLS: Final = {
    "int_setpoint": "number",
    "int_open": "number",
    "float_setpoint": "number",
    "float_open": "number",
    "double_setpoint": "number",
    "double_open": "number",
    "bool_switch": "switch",
    "int_flag": "switch",
    "string_onoff": "switch",
    "enum_int": "select",
    "enum_text": "select",
    "enum_chinese": "select",
    "bool_bare": "select",
    "string_note": "text",
    "timestamp_start": "datetime",
    "date_due": "date",
    "reset_cmd": "button",
    "int_flag_untagged": "button",
}
"""The points that are written, and their platforms with `CORRECTIONS`."""

SENSORS: Final = {
    "int_measured": "sensor",
    "int_total": "sensor",
    "int_unstored": "sensor",
    "int_flag_measured": "binary_sensor",
    "float_measured": "sensor",
    "double_measured": "sensor",
    "double_energy": "sensor",
    "bool_measured": "binary_sensor",
    "enum_int_measured": "sensor",
    "enum_text_measured": "sensor",
    "string_measured": "sensor",
    "string_long": "sensor",
    "timestamp_measured": "sensor",
    "date_measured": "sensor",
    "file_program": "sensor",
    "file_report": "sensor",
    "array_double": "sensor",
    "array_string": "sensor",
    "array_int": "sensor",
    "array_measured": "sensor",
    "struct_plan": "sensor",
    "struct_plan#rounds": "sensor",
    "struct_plan#target": "sensor",
    "struct_plan#hold": "binary_sensor",
    "struct_plan#mode": "sensor",
    "struct_plan#label": "sensor",
    "struct_measured#current": "sensor",
    "struct_measured#energy": "sensor",
    "struct_measured#local": "binary_sensor",
    "struct_measured#state": "sensor",
}
"""The points that are read, and their platforms with `CORRECTIONS`."""

CORRECTIONS: Final[dict[str, dict[str, Any]]] = {
    "int_flag": {"kind": "switch"},
    "string_onoff": {"kind": "switch", "on_value": "on", "off_value": "off"},
    "bool_bare": {"kind": "select"},
    "int_flag_untagged": {"kind": "button", "press_value": "1"},
    "int_flag_measured": {"kind": "binary_sensor"},
}


def bench_subentry(sim: Simulator, **more: Any) -> Any:
    """Return the subentry of the test bench, with every point unless something else is said."""
    config: dict[str, Any] = {
        "controls": list(CONTROLS),
        "sensors": list(SENSORS),
        "corrections": CORRECTIONS,
        **more,
    }
    return product_subentry(sim, "lab", **config)


async def set_up_bench(
    hass: HomeAssistant, sim: Simulator, **more: Any
) -> MockConfigEntry:
    """Set up an account with a test bench."""
    sim.add_device("lab")
    entry = entry_for(sim, bench_subentry(sim, **more))
    await set_up(hass, entry)
    return entry


def bench(sim: Simulator) -> SimDevice:
    """Return the test bench."""
    return sim.device("lab")


def bench_control(hass: HomeAssistant, sim: Simulator, point: str) -> Control:
    """Return a control of the test bench."""
    return Control(hass, sim, CONTROLS[point], bench(sim), point)


async def bench_world(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, **more: Any
) -> World:
    """Set up an account with a test bench whose commands are watched."""
    events = async_capture_events(hass, EVENT_COMMAND)
    entry = await set_up_bench(hass, sim, **more)
    return World(hass, sim, freezer, entry, events)
