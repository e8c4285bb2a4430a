"""Commands: a queue for each device, first in, first out, one on its way."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
import time
from typing import TYPE_CHECKING, Any, Literal

from .devices import SimDevice, Status
from .points import JsonObject
from .refusals import TEXTS, Refusal

if TYPE_CHECKING:
    from .simulator import Simulator

CREATED, CANCELED, EXPIRED, RELEASED, SUCCEEDED, FAILED, TIMED_OUT = range(1, 8)
MAX_CACHED = 50
FIRST_ID = 2100436871932018688


def local_time(milliseconds: int, zone: str) -> datetime:
    """Return a time in a zone such as +08:00."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.astimezone(datetime.strptime(zone, "%z").tzinfo)


@dataclass(slots=True, eq=False)
class Command:
    """A command, with all the states that it had."""

    command_id: str
    device: SimDevice
    command_type: Literal[1, 2]
    identifier: str
    # As it was sent, and as a device holds it.
    value: Any
    held: Any
    name: JsonObject
    org_id: str
    timeout: int
    pending_ttl: int
    create_time: int
    # Loop times.
    created: float
    released: float | None = None
    state: int = CREATED
    # Each state with the time (s since the epoch) at which it was reached.
    history: list[tuple[int, float]] = field(default_factory=list)
    code: int | None = None
    output: Any = None
    answer: asyncio.Future[Refusal | None] | None = None

    @property
    def asset_id(self) -> str:
        """Return the asset id of the device."""
        return self.device.asset_id

    @property
    def cached(self) -> bool:
        """Tell whether the command may wait for its device."""
        return self.pending_ttl > 0

    @property
    def done(self) -> bool:
        """Tell whether the state is an end."""
        return self.state not in (CREATED, RELEASED)

    def enter(self, state: int) -> None:
        """Reach a state."""
        self.state = state
        self.history.append((state, time.time()))

    def local(self) -> str:
        """Return the time of creation in the device's zone."""
        moment = local_time(self.create_time, self.device.timezone)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def struct(self, *, number: bool, state: int | None = None) -> JsonObject:
        """Return the command as the connect service shows it."""
        return {
            "commandId": self.command_id,
            "orgId": self.org_id,
            "productKey": self.device.product_key,
            "deviceKey": self.device.device_key,
            "assetId": self.device.asset_id,
            "createTime": self.create_time if number else str(self.create_time),
            "createLocaltime": self.local(),
            "commandType": self.command_type,
            "commandName": self.name,
            "timeout": self.timeout,
            "pendingTtl": self.pending_ttl,
            "state": self.state if state is None else state,
            "tslIdentifier": self.identifier,
            "inputData": self.value,
            "outputData": self.output,
        }


class _Lane:
    """The commands of one device that have not ended."""

    __slots__ = ("flying", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Command] = deque()
        self.flying: Command | None = None


class CommandCenter:
    """Hands commands to devices, and knows what became of them."""

    def __init__(self, simulator: Simulator) -> None:
        """Start without commands."""
        self._sim = simulator
        self._agenda = simulator.agenda
        self._lanes: dict[str, _Lane] = {}
        self._by_id: dict[str, Command] = {}
        self._by_asset: dict[str, list[Command]] = {}
        self._next_id = FIRST_ID

    def find(self, command_id: str) -> Command | None:
        """Return a command by its id."""
        return self._by_id.get(command_id)

    def of_device(self, device: SimDevice) -> list[Command]:
        """Return the commands of a device, the newest first."""
        return self._by_asset.get(device.asset_id, [])[::-1]

    def refusal(self, code: int, why: str = "", data: Any = None) -> Refusal:
        """Return a refusal with the message of its code."""
        msg = TEXTS[code]
        if self._sim.guesses.G7 == "any_text":
            msg = f"指令失败 [{code}]"
        return Refusal(code, msg, why=why or TEXTS[code], data=data)

    def submit(
        self,
        device: SimDevice,
        *,
        command_type: Literal[1, 2],
        identifier: str,
        value: Any,
        held: Any,
        name: JsonObject,
        pending_ttl: int,
        timeout: int,
    ) -> Command:
        """Put a command into its device's queue, or refuse it."""
        lane = self._lanes.get(device.asset_id)
        if lane is None:
            lane = self._lanes[device.asset_id] = _Lane()
        if device.custom_format:
            raise self.refusal(11810)
        if pending_ttl == 0 and device.status != "online":
            behind_cached = self._sim.guesses.instant_behind_cached == "waits" and any(
                command.cached for command in lane.waiting
            )
            if device.status == "inactive":
                raise self.refusal(11888)
            if not behind_cached:
                raise self.refusal(11900)
        if pending_ttl > 0:
            cached = sum(command.cached for command in lane.waiting)
            if cached >= MAX_CACHED:
                raise self.refusal(11902)
        self._next_id += 4096 + len(self._by_id) % 7
        command = Command(
            str(self._next_id),
            device,
            command_type,
            identifier,
            value,
            held,
            name,
            self._sim.org_id,
            timeout,
            pending_ttl,
            self._sim.server_ms(),
            self._agenda.now,
        )
        command.enter(CREATED)
        self._by_id[command.command_id] = command
        self._by_asset.setdefault(device.asset_id, []).append(command)
        self._sim.commands.append(command)
        lane.waiting.append(command)
        if command.cached:
            self._agenda.later(pending_ttl, lambda: self._expire(command))
        else:
            command.answer = asyncio.get_running_loop().create_future()
            self._agenda.later(timeout, lambda: self._deadline(command))
        self._pump(device.asset_id)
        return command

    def cancel(self, device: SimDevice, command_id: str | None) -> list[Command]:
        """Cancel waiting cached commands; return those that were."""
        lane = self._lanes.get(device.asset_id)
        gone = [
            command
            for command in (lane.waiting if lane else ())
            if command.cached and command_id in (None, command.command_id)
        ]
        for command in gone:
            self._end(command, CANCELED, None)
        return gone

    def status_changed(self, device: SimDevice, old: Status) -> None:
        """Deliver what waited, or fail what cannot wait."""
        if device.status == "online":
            self._pump(device.asset_id)
            return
        lane = self._lanes.get(device.asset_id)
        if old != "online" or lane is None:
            return
        for command in [each for each in lane.waiting if not each.cached]:
            self._end(command, FAILED, self.refusal(11900, "it went offline"))

    def forget(self, device: SimDevice) -> None:
        """End all commands of a device that is removed."""
        lane = self._lanes.get(device.asset_id)
        if lane is None:
            return
        for command in [*lane.waiting, *([lane.flying] if lane.flying else [])]:
            self._end(command, FAILED, Refusal(99404, "the device was removed"))

    def abandon(self) -> None:
        """Let nobody wait any more (the simulator closes)."""
        for command in self._by_id.values():
            if command.answer is not None and not command.answer.done():
                command.answer.cancel()

    def _pump(self, asset_id: str) -> None:
        """Hand the next command to its device, if that can take one."""
        lane = self._lanes.get(asset_id)
        device = self._sim.devices.get(asset_id)
        if lane is None or device is None or device.status != "online":
            return
        if lane.flying is not None or not lane.waiting:
            return
        command = lane.waiting.popleft()
        lane.flying = command
        command.released = self._agenda.now
        command.enter(RELEASED)
        if command.cached:
            self._agenda.later(command.timeout, lambda: self._deadline(command))
        behaviour = device.behaviour
        if behaviour.silent:
            if behaviour.silent_applies:
                self._agenda.later(
                    behaviour.reply_delay, lambda: self._sim.apply(command)
                )
        else:
            self._agenda.later(behaviour.reply_delay, lambda: self._reply(command))

    def _reply(self, command: Command) -> None:
        """Let a device answer."""
        device = command.device
        if command.done or device.status != "online":
            return
        code = device.behaviour.reject_code
        if code not in (None, 0, 200):
            self._end(
                command,
                FAILED,
                Refusal(int(code or 0), f"The device refused the command: code {code}"),
            )
            return
        self._sim.apply(command)
        self._end(command, SUCCEEDED, None)

    def _deadline(self, command: Command) -> None:
        """End a command whose time is up."""
        if command.done:
            return
        if command.released is None:
            self._end(command, EXPIRED, self.refusal(11904))
            return
        data = None
        if self._sim.guesses.G8 == "command_id":
            data = {"commandId": command.command_id}
        self._end(command, TIMED_OUT, self.refusal(11915, data=data))

    def _expire(self, command: Command) -> None:
        if command.state == CREATED:
            self._end(command, EXPIRED, None)

    def _end(self, command: Command, state: int, refusal: Refusal | None) -> None:
        """Bring a command to its end and the next one on its way."""
        command.enter(state)
        command.code = refusal.code if refusal else 0
        lane = self._lanes[command.asset_id]
        if lane.flying is command:
            lane.flying = None
        elif command in lane.waiting:
            lane.waiting.remove(command)
        if command.answer is not None and not command.answer.done():
            command.answer.set_result(refusal)
        self._pump(command.asset_id)
