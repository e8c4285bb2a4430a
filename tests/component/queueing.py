"""Helpers of the tests about what became of commands: queued ones, and unclear ones."""

import asyncio
from dataclasses import dataclass, field
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.async_ import get_scheduled_timer_handles
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.enos.api.client import EnosClient
from custom_components.enos.commands import Commands
from custom_components.enos.const import DOMAIN, EVENT_COMMAND
from simulator import RequestRecord, SimDevice, Simulator
from simulator.commands import Command

from .writing import Control, fcu_control, quiet, set_up_fcus, sets

QUEUE = {"timeout": 30, "when_offline": "queue", "queue_minutes": 15}
"""A policy that has EnOS keep a command a quarter of an hour for a device that is away."""

TTL = 15 * 60

CONTRACT = {
    "command",
    "entry_id",
    "device_id",
    "entity_id",
    "asset_id",
    "measurepoint_id",
    "value_before",
    "value",
    "mode",
    "command_id",
    "outcome",
    "final",
    "code",
    "message",
    "duration",
    "expires",
    "replaced_by",
}
"""The fields of the event `enos_command` that are promised."""


@dataclass(frozen=True)
class Call:
    """A write that somebody asked for, and waits for."""

    context: Context
    task: asyncio.Task[Any]

    async def error(self) -> str | None:
        """Wait for the end; return the translation key of the error, None where all is well."""
        try:
            await self.task
        except HomeAssistantError as err:
            return err.translation_key
        return None


@dataclass
class World:
    """An account whose commands are watched."""

    hass: HomeAssistant
    sim: Simulator
    freezer: FrozenDateTimeFactory
    entry: MockConfigEntry
    events: list[Event[dict[str, Any]]] = field(default_factory=list)

    @property
    def commands(self) -> Commands:
        """What writes for the account."""
        found: Commands = self.entry.runtime_data.commands
        return found

    def control(self, point: str = "temp_setpoint", index: int = 0) -> Control:
        """Return a control of a fan coil unit."""
        return fcu_control(self.hass, self.sim, point, index)

    @property
    def device(self) -> SimDevice:
        """The device that most is written to."""
        return self.sim.device("fcu")

    def call(self, value: Any, point: str = "temp_setpoint", index: int = 0) -> Call:
        """Have a value written in a context of its own while the test goes on."""
        return self.call_on(self.control(point, index), value)

    def call_on(self, control: Control, value: Any) -> Call:
        """The same for a control that is at hand."""
        context = Context()
        return Call(context, control.start(value, context))

    async def write(
        self, value: Any, point: str = "temp_setpoint", index: int = 0
    ) -> str | None:
        """Write a value and return what `Call.error` does."""
        return await self.call(value, point, index).error()

    async def elapse(self, seconds: float) -> None:
        """Let frozen time pass, from one timer to the next, those that are due now included.

        Seen from a frozen clock a timer of no delay lies in the future for ever.
        """
        await quiet(self.sim)
        loop = self.hass.loop
        end = loop.time() + seconds
        while (now := loop.time()) < end:
            due = (
                handle.when()
                for handle in get_scheduled_timer_handles(loop)
                if not handle.cancelled()
            )
            next_one = max(now, min(min(due, default=end), end))
            self.freezer.tick(next_one - now + 0.001)
            await quiet(self.sim)

    async def settle(self) -> None:
        """Let everything happen that is due now, background tasks included."""
        await quiet(self.sim)

    async def come_back(self, device: SimDevice | None = None) -> None:
        """Have a device come back, and the next list of devices tell it."""
        (device or self.device).status = "online"
        await self.elapse(66)

    def told(self, call: Call | None = None, point: str = "") -> list[dict[str, Any]]:
        """Return the data of the events, of one call or point alone where that is asked."""
        return [
            event.data
            for event in self.events
            if (call is None or event.context.id == call.context.id)
            and (not point or event.data["measurepoint_id"] == point)
        ]

    def outcomes(self, call: Call | None = None, point: str = "") -> list[str]:
        """Return the outcomes that were told, in order; those not final with a `…`."""
        return [
            data["outcome"] + ("" if data["final"] else "…")
            for data in self.told(call, point)
        ]

    def wire(self, index: int = 0) -> list[tuple[Any, ...]]:
        """Return what reached EnOS of one device's commands, in order.

        `("set", point, seconds to keep)`, `("cancel", command id)`, `("search",)`, `("get",)`.
        """
        asset_id = self.sim.device("fcu", index).asset_id
        found: list[tuple[Any, ...]] = []
        for request in self.sim.requests:
            query = request.query
            if query.get("assetId") != asset_id or "commands" not in request.path:
                continue
            match request.action:
                case "setMeasurepoint":
                    ttl = int(query["pendingTtl"])
                    found.append(("set", query["measurepointId"], ttl))
                case "cancel":
                    found.append(("cancel", query.get("commandId")))
                case action:
                    found.append((action,))
        return found

    def searches(self, index: int = 0) -> int:
        """Return how often one device's commands were looked up."""
        return self.wire(index).count(("search",))

    def of_enos(self, point: str = "temp_setpoint", index: int = 0) -> list[Command]:
        """Return the commands to a point that EnOS knows, the oldest first."""
        asset_id = self.sim.device("fcu", index).asset_id
        return [
            command
            for command in self.sim.commands
            if (command.asset_id, command.identifier) == (asset_id, point)
        ]

    async def queue(
        self, value: Any = 21.5, point: str = "temp_setpoint", index: int = 0
    ) -> Call:
        """Take a device off the line, if it is not, and have a write queued."""
        device = self.sim.device("fcu", index)
        if device.status == "online":
            device.status = "offline"
        call = self.call(value, point, index)
        assert await call.error() is None
        await self.settle()
        return call

    async def reload(self, *, forget: bool = False) -> None:
        """Unload the account and set it up again; with `forget`, from the disk alone."""
        await self.hass.config_entries.async_unload(self.entry.entry_id)
        if forget:
            self.hass.data[DOMAIN].clear()
        await self.set_up()

    async def set_up(self) -> None:
        """Set the unloaded account up again."""
        # EnOS gives no token twice in one millisecond, which a frozen clock cannot know.
        self.freezer.tick(0.5)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()


async def world_of(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    *more: ConfigSubentryData,
    policy: dict[str, Any] | None = QUEUE,
    **config: Any,
) -> World:
    """Set an account up whose fan coil units have a policy."""
    if policy is not None:
        config["policy"] = policy
    events = async_capture_events(hass, EVENT_COMMAND)
    entry = await set_up_fcus(hass, sim, *more, **config)
    return World(hass, sim, freezer, entry, events)


def another_client(sim: Simulator, session: Any) -> EnosClient:
    """Return another application that controls the same devices."""
    return EnosClient(
        session,
        url=sim.url,
        org_id=sim.org_id,
        access_key=sim.access_key,
        secret_key=sim.secret_key,
    )


def values_sent(sim: Simulator) -> list[Any]:
    """Return the values that were asked to be set, in order, each request once."""
    bodies = (request.body for request in sets(sim))
    return [
        (json.loads(body) if isinstance(body, bytes) else body)["value"]
        for body in bodies
    ]


def searched(sim: Simulator) -> list[RequestRecord]:
    """Return all look-ups of commands."""
    return [
        request
        for request in sim.requests
        if request.action == "search" and "commands" in request.path
    ]
