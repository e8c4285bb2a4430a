"""Helpers of the tests about writing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.async_ import create_eager_task, get_scheduled_timer_handles
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.diagnostics import async_get_config_entry_diagnostics
from simulator import RequestRecord, SimDevice, Simulator

from .common import entity_id_of, entry_for, product_subentry, set_up, state_of

FCU = {
    "power": "switch",
    "mode": "select",
    "fan_speed": "select",
    "temp_setpoint": "number",
}
"""The points of a fan coil unit that may be written, and their platforms."""

_PATIENCE = 10.0


def real_time() -> float:
    """Return seconds of a clock that runs on while the others are frozen."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Control:
    """A point that may be written, seen from Home Assistant."""

    hass: HomeAssistant
    sim: Simulator
    domain: str
    device: SimDevice
    point: str

    @property
    def entity_id(self) -> str:
        """The id of the point's entity."""
        return entity_id_of(self.hass, self.sim, self.domain, self.device, self.point)

    @property
    def full_state(self) -> State:
        """The state with its attributes and its context."""
        return state_of(self.hass, self.sim, self.domain, self.device, self.point)

    @property
    def state(self) -> str:
        """The state."""
        return self.full_state.state

    @property
    def written(self) -> list[Any]:
        """What reached the device, oldest first."""
        return [
            value
            for asset_id, point, value in self.sim.writes
            if (asset_id, point) == (self.device.asset_id, self.point)
        ]

    @property
    def sent(self) -> list[RequestRecord]:
        """The requests that were to set the point."""
        return [
            request
            for request in sets(self.sim)
            if request.query["assetId"] == self.device.asset_id
            and request.query["measurepointId"] == self.point
        ]

    async def write(self, value: Any, context: Context | None = None) -> None:
        """Ask Home Assistant to write a value, and wait as an automation does."""
        action, data = {
            "number": ("set_value", {"value": value}),
            "select": ("select_option", {"option": value}),
            "switch": ("turn_on" if value else "turn_off", {}),
            "text": ("set_value", {"value": value}),
            "datetime": ("set_value", {"datetime": value}),
            "date": ("set_value", {"date": value}),
            "button": ("press", {}),
        }[self.domain]
        await self.hass.services.async_call(
            self.domain,
            action,
            {"entity_id": self.entity_id, **data},
            blocking=True,
            context=context,
        )

    def start(self, value: Any, context: Context | None = None) -> asyncio.Task[None]:
        """Have a value written while the test goes on."""
        return create_eager_task(self.write(value, context))

    async def refuse(self, value: Any) -> HomeAssistantError:
        """Write a value that will not be accepted; return the error."""
        with pytest.raises(HomeAssistantError) as caught:
            await self.write(value)
        return caught.value


def fcu_control(
    hass: HomeAssistant, sim: Simulator, point: str = "temp_setpoint", index: int = 0
) -> Control:
    """Return a control of a fan coil unit."""
    return Control(hass, sim, FCU[point], sim.device("fcu", index), point)


async def set_up_fcus(
    hass: HomeAssistant, sim: Simulator, *more: ConfigSubentryData, **config: Any
) -> MockConfigEntry:
    """Set up an account with all controls of the fan coil units."""
    config = {"controls": list(FCU), **config}
    entry = entry_for(sim, product_subentry(sim, "fcu", **config), *more)
    await set_up(hass, entry)
    return entry


def sets(sim: Simulator) -> list[RequestRecord]:
    """Return all requests that were to set a point."""
    return [record for record in sim.requests if record.action == "setMeasurepoint"]


def read_backs(sim: Simulator, device: SimDevice) -> list[list[str]]:
    """Return the points of each direct read of a device."""
    return [
        record.body["measurepointIds"]
        for record in sim.requests
        if record.action == "queryLatest"
        and record.query["assetId"] == device.asset_id
        and record.answered is not None
    ]


def polls(sim: Simulator) -> list[RequestRecord]:
    """Return the requests for many points at once."""
    return [record for record in sim.requests if record.path.endswith("/latest")]


async def until(condition: Callable[[], object], what: str = "it") -> None:
    """Let the loop run until a condition holds, with frozen clocks as well."""
    end = real_time() + _PATIENCE
    while not condition():
        assert real_time() < end, f"waited in vain: {what}"
        await asyncio.sleep(0)


async def quiet(sim: Simulator, rounds: int = 100) -> None:
    """Let everything happen that is due now: nothing new on the wire for so many rounds."""
    last, idle = -1, 0
    while idle < rounds:
        done = sum(record.answered is not None for record in sim.requests)
        idle = idle + 1 if last == (last := len(sim.requests) + done) else 0
        await asyncio.sleep(0)


async def elapse(
    sim: Simulator, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let frozen time pass, from one timer of the loop to the next."""
    await quiet(sim)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (now := loop.time()) < end:
        due = (
            handle.when()
            for handle in get_scheduled_timer_handles(loop)
            if not handle.cancelled() and handle.when() > now
        )
        freezer.tick(min(min(due, default=end), end) - now + 0.001)
        await quiet(sim)


async def records(hass: HomeAssistant, entry: MockConfigEntry) -> list[dict[str, Any]]:
    """Return the records of the last commands, as the diagnostics show them."""
    found = await async_get_config_entry_diagnostics(hass, entry)
    return list(found["commands"])
