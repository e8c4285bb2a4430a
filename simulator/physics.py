"""Simple physics, so that charts move and writes show in what is measured."""

from collections.abc import Callable
import math
from random import Random
from typing import Any

from .devices import SimDevice

DAY = 86400.0
# The building stands in China.
ZONE = 8 * 3600.0
OUT_OF_ROOM = 1800.0


class World:
    """The weather, and the power that the building draws."""

    def __init__(self, rng: Random) -> None:
        """Start with a mild day."""
        self.rng = rng
        self.outdoor = 30.0
        self.sun = 0.5
        self.power = 40.0
        self._drawn: dict[str, float] = {}

    def set_time(self, now: float) -> None:
        """Move sun and weather to a moment."""
        hour = ((now + ZONE) % DAY) / 3600.0
        self.sun = max(0.0, math.sin(math.pi * (hour - 6.0) / 12.0))
        self.outdoor = 29.0 + 5.0 * math.sin(math.pi * (hour - 9.0) / 12.0)

    def draw(self, asset_id: str, kilowatts: float) -> None:
        """Note what a device draws."""
        self.power += kilowatts - self._drawn.get(asset_id, 0.0)
        self._drawn[asset_id] = kilowatts

    def noise(self, width: float) -> float:
        """Return a small random difference."""
        return self.rng.uniform(-width, width)

    def approach(
        self, value: float, target: float, seconds: float, tau: float
    ) -> float:
        """Return a value on its way to a target."""
        return target + (value - target) * math.exp(-seconds / tau)


def _room(
    world: World,
    values: dict[str, Any],
    seconds: float,
    temperature: str,
    setpoint: float,
    mode: int | None,
) -> float:
    """Move a room; return the valve's position. Mode 1 cools, 2 heats."""
    now = float(values[temperature])
    demand = {1: now - setpoint, 2: setpoint - now}.get(mode or 0, 0.0)
    valve = max(0.0, min(100.0, 50.0 * demand + 10.0)) if mode in (1, 2) else 0.0
    target = world.outdoor
    tau = OUT_OF_ROOM
    if valve > 0.0:
        target = setpoint + (-0.2 if mode == 1 else 0.2)
        tau = 300.0
    moved = world.approach(now, target, seconds, tau) + world.noise(0.02)
    values[temperature] = round(moved, 2)
    return valve


def fcu(device: SimDevice, seconds: float, world: World) -> None:
    """Move a fan coil unit and its room."""
    values = device.values
    running = bool(values["power"])
    mode = values["mode"] if running else None
    valve = _room(
        world, values, seconds, "room_temp", float(values["temp_setpoint"]), mode
    )
    values["valve_position"] = round(valve, 1)
    co2 = world.approach(values["co2"], 650.0 if running else 900.0, seconds, 3000.0)
    values["co2"] = round(co2 + world.noise(3.0))
    speed = {"low": 0.05, "medium": 0.08, "high": 0.12}.get(values["fan_speed"], 0.07)
    world.draw(device.asset_id, speed if running else 0.0)


def fcu_basic(device: SimDevice, seconds: float, world: World) -> None:
    """Move a basic fan coil unit and its room."""
    values = device.values
    running = bool(values["onOffSet"])
    mode = values["workMode"] if running else None
    _room(world, values, seconds, "roomTemp", float(values["tempSet"]), mode)
    dry = running and values["workMode"] == 0
    humidity = world.approach(values["humidity"], 40.0 if dry else 58.0, seconds, 900.0)
    values["humidity"] = round(humidity + world.noise(0.1), 1)
    values["runState"] = int(running)
    world.draw(device.asset_id, 0.08 if running else 0.0)


def light(device: SimDevice, seconds: float, world: World) -> None:
    """Let a lighting circuit draw what its brightness takes."""
    values = device.values
    power = 4.8 * values["brightness"] if values["switch"] else 0.0
    values["power"] = round(power, 1)
    if values["switch"]:
        hours = values["burn_hours"] + seconds / 3600.0
        values["burn_hours"] = round(hours, 5)
    world.draw(device.asset_id, power / 1000.0)


def ahu(device: SimDevice, seconds: float, world: World) -> None:
    """Move an air handling unit."""
    values = device.values
    running = bool(values["fan_enable"])
    target = values["supply_temp_setpoint"] if running else world.outdoor
    supply = world.approach(values["supply_temp"], target, seconds, 120.0)
    values["supply_temp"] = round(supply + world.noise(0.03), 2)
    back = world.approach(values["return_temp"], 24.5, seconds, 900.0)
    values["return_temp"] = round(back + world.noise(0.03), 2)
    frequency = values["fan_frequency"] if running else 0.0
    pressure = 60.0 * (frequency / 50.0) ** 2 + 50.0 if running else 0.0
    values["filter_pressure"] = round(pressure + world.noise(0.5), 1)
    values["filter_alarm"] = values["filter_pressure"] > 140.0
    values["zone_temps"] = [
        round(back + number * 0.2 + world.noise(0.05), 1) for number in range(4)
    ]
    world.draw(device.asset_id, 11.0 * (frequency / 50.0) ** 3)


def chiller(device: SimDevice, seconds: float, world: World) -> None:
    """Move a chiller; its power follows its load."""
    values = device.values
    running = bool(values["enable"])
    values["run_status"] = 2 if running else 0
    setpoint = float(values["chw_setpoint"])
    supply = world.approach(
        values["chw_supply_temp"], setpoint if running else 16.0, seconds, 200.0
    )
    values["chw_supply_temp"] = round(supply + world.noise(0.02), 2)
    load = max(0.0, min(100.0, 30.0 + 2.0 * (world.outdoor - 20.0))) if running else 0.0
    values["load"] = round(max(0.0, load + world.noise(0.4)) if running else 0.0, 1)
    values["chw_return_temp"] = round(values["chw_supply_temp"] + 5.0 * load / 100.0, 2)
    cop = 4.0 + 0.15 * (setpoint - 7.0) + 1.5 * (1.0 - abs(load - 60.0) / 60.0)
    values["cop"] = round(cop, 2) if running else 0.0
    values["power"] = round(600.0 * load / 100.0 / cop, 2) if running else 0.0
    values["water_pressure"] = round(350.0 + world.noise(1.0), 1)
    world.draw(device.asset_id, values["power"])


def meter(device: SimDevice, seconds: float, world: World) -> None:
    """Let a meter count its part of the building's power."""
    values = device.values
    power = max(1.0, world.power / 8.0) + world.noise(0.2)
    values["power"] = round(power, 2)
    values["energy"] = round(values["energy"] + power * seconds / 3600.0, 4)
    values["voltage"] = round(230.0 + world.noise(0.8), 1)
    values["frequency"] = round(50.0 + world.noise(0.02), 3)
    current = power * 1000.0 / values["voltage"] / 3.0 / values["power_factor"]
    values["current"] = round(current, 2)
    values["phases"] = {
        "l1": round(current, 2),
        "l2": round(current * 1.02, 2),
        "l3": round(current * 0.98, 2),
    }


def pv(device: SimDevice, seconds: float, world: World) -> None:
    """Let the sun make power."""
    values = device.values
    values["irradiance"] = round(max(0.0, 950.0 * world.sun + world.noise(8.0)), 1)
    possible = 60.0 * values["irradiance"] / 1000.0
    limit = 60.0 * values["power_limit"] / 100.0
    power = min(possible, limit) if values["enable"] else 0.0
    values["ac_power"] = round(power, 2)
    energy = power * seconds / 3600.0
    values["daily_energy"] = round(values["daily_energy"] + energy, 4)
    values["total_energy"] = round(values["total_energy"] + energy / 1000.0, 7)
    if not values["enable"]:
        values["status"] = "off"
    elif power <= 0.0:
        values["status"] = "standby"
    else:
        values["status"] = "limited" if possible > limit else "running"
    world.draw(device.asset_id, -power)


def battery(device: SimDevice, seconds: float, world: World) -> None:
    """Charge and discharge the battery."""
    values = device.values
    wanted = {
        "charge": 25.0,
        "discharge": -25.0,
        "idle": 0.0,
        "auto": float(values["power_setpoint"]),
    }[values["mode"]]
    soc = float(values["soc"])
    if (soc >= 99.5 and wanted > 0.0) or (soc <= 5.0 and wanted < 0.0):
        wanted = 0.0
    values["power"] = round(wanted, 2)
    values["soc"] = round(
        min(100.0, max(0.0, soc + wanted * seconds / 3600.0 / 200.0 * 100.0)), 3
    )
    values["cell_temps"] = [
        round(24.0 + abs(wanted) * 0.08 + world.noise(0.1), 1) for _ in range(3)
    ]
    world.draw(device.asset_id, wanted)


def charger(device: SimDevice, seconds: float, world: World) -> None:
    """Charge a car."""
    values = device.values
    charging = bool(values["enable"] and values["plugged"])
    if charging:
        values["status"] = 2
    else:
        values["status"] = 1 if values["plugged"] else 0
    power = values["charge_limit"] * 230.0 * 3.0 * 0.97 if charging else 0.0
    values["power"] = round(power + (world.noise(5.0) if charging else 0.0), 1)
    values["session_energy"] = round(
        values["session_energy"] + power * seconds / 3_600_000.0, 4
    )
    world.draw(device.asset_id, power / 1000.0)


def gateway(device: SimDevice, seconds: float, world: World) -> None:
    """Count the seconds."""
    device.values["uptime"] = round(device.values["uptime"] + seconds, 1)


def room_sensor(device: SimDevice, seconds: float, world: World) -> None:
    """Let the room follow the weather a little."""
    values = device.values
    now = float(values["temperature"])
    target = 23.0 + (world.outdoor - 29.0) * 0.2
    now = world.approach(now, target, seconds, OUT_OF_ROOM) + world.noise(0.05)
    values["temperature"] = round(now, 2)


def wide(device: SimDevice, seconds: float, world: World) -> None:
    """Move a few of the many points."""
    values = device.values
    values["outdoor_temp"] = round(world.outdoor + world.noise(0.1), 2)
    for number in range(1, 7):
        power = 182.5 + world.noise(4.0) if values[f"ch{number}_enable"] else 0.0
        values[f"ch{number}_power"] = round(power, 1)


def still(device: SimDevice, seconds: float, world: World) -> None:
    """Leave everything as it is."""


STEPS: dict[str, Callable[[SimDevice, float, World], None]] = {
    "fcu": fcu,
    "fcu_basic": fcu_basic,
    "light": light,
    "ahu": ahu,
    "chiller": chiller,
    "meter": meter,
    "pv": pv,
    "battery": battery,
    "charger": charger,
    "lab": still,
    "gateway": gateway,
    "room_sensor": room_sensor,
    "wide": wide,
}
