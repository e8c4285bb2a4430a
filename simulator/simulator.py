"""The simulator: a building, a gateway before it, and the controls of both."""

from collections.abc import Iterable, Mapping
import logging
import math
import ssl
import struct
import time
from types import TracebackType
from typing import Any, Self

from .admin import Admin
from .agenda import Agenda
from .building import Place, mix
from .catalog import EXTRA_KINDS, KINDS
from .commands import Command, CommandCenter
from .devices import Sample, SimDevice, Status
from .estate import Estate
from .faults import Faults, RequestRecord
from .fleet import Fleet
from .gateway import Gateway
from .guesses import Guesses
from .models import logical_model
from .physics import STEPS, World
from .points import JsonObject, Kind, Point
from .tokens import TokenService
from .tree_service import Tree
from .values import blank, read_definition, verbatim

_LOGGER = logging.getLogger(__name__)

# Nobody but this machine ever reaches the simulator.
HOST = "127.0.0.1"
ORG_ID = "o15724268424841"
FOREIGN_ORG_ID = "o15700000000000"
ACCESS_KEY = "5acb82e7-a11e-4300-9164-c8b20b638e8b"
SECRET_KEY = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
RIGHTS = (
    "Device Management: Read",
    "Model Management: Read",
    "Asset: Read",
    "Asset: Control",
    "Asset Tree Management: Read",
)
# Devices, and points, that are moved in one tick; with more, each is moved less often.
MOVED_AT_ONCE = 400
POINTS_AT_ONCE = 10_000
# Unchanged values are reported again after this time (s).
HEARTBEAT = 60.0
# How much a long-running simulator remembers.
REMEMBERED = 100_000


class Simulator(Fleet):
    """An EnOS API gateway on loopback with a living building behind it."""

    def __init__(
        self,
        *,
        seed: int = 1,
        devices: int = 24,
        kinds: Mapping[str, int] | None = None,
        guesses: Guesses | None = None,
        port: int = 0,
        admin_port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        org_id: str = ORG_ID,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
        token_lifetime: float = 7200.0,
        physics: bool = True,
        time_scale: float = 1.0,
        refuse_replays: bool = False,
        max_body: int = 1024 * 1024,
    ) -> None:
        """Build the building; nothing listens before ``start``.

        ``devices`` are of the usual mix, ``kinds`` are how many more of which kind.
        """
        self.guesses = guesses or Guesses()
        self.org_id = org_id
        self.foreign_org_id = FOREIGN_ORG_ID
        self.access_key = access_key
        self.secret_key = secret_key
        self.rights: set[str] = set(RIGHTS)
        self.forbidden_assets: set[str] = set()
        self.faults = Faults()
        # What the clock of the gateway is ahead (s).
        self.clock_offset = 0.0
        self.time_scale = time_scale
        self.refuse_replays = refuse_replays
        self.max_body = max_body
        self.requests: list[RequestRecord] = []
        self.rejections: list[str] = []
        self.commands: list[Command] = []
        self.writes: list[tuple[str, str, Any]] = []
        self.physics = physics
        self.agenda = Agenda()
        self.building = Estate(seed)
        self.building.open_to(EXTRA_KINDS)
        self.tokens = TokenService(
            access_key,
            secret_key,
            token_lifetime,
            self.building.rng_for("token"),
            self.agenda.clock,
            invalid_at_once=self.guesses.G5 == "invalid_at_once",
        )
        self.models: dict[str, JsonObject] = {}
        self.products: dict[str, JsonObject] = {}
        self.unstored: dict[str, set[str]] = {}
        self.catalog: dict[tuple[str, str], Point] = {}
        self.kinds: dict[str, Kind] = {**KINDS, **EXTRA_KINDS}
        for key in KINDS:
            self._open_product(self.kinds[key])
        for model in logical_model(self.org_id):
            self.models[model["modelId"]] = model
        self.devices: dict[str, SimDevice] = {}
        self.by_key: dict[tuple[str, str], SimDevice] = {}
        self.topology: dict[str, str] = {}
        self._listed: list[SimDevice] | None = None
        self.generation = 0
        self.tree: Tree | None = None
        self.command_center = CommandCenter(self)
        self.world = World(self.building.rng)
        self._world_time = time.time()
        self.world.set_time(self._world_time)
        self._tick_at = 0
        self._ticking = False
        for key in mix(devices):
            self._add(self.kinds[key], None)
        for name, count in (kinds or {}).items():
            for _ in range(count):
                self._add(self.kind(name), None)
        self.gateway = Gateway(self, HOST, port, ssl_context)
        self.admin = Admin(self, HOST, admin_port)

    # ------------------------------------------------------------ life

    @property
    def url(self) -> str:
        """Return the address of the gateway."""
        return self.gateway.url

    @property
    def admin_url(self) -> str:
        """Return the address of the admin port."""
        return self.admin.url

    async def start(self) -> None:
        """Listen, at the same ports as before if there was a before."""
        await self.gateway.start()
        try:
            await self.admin.start()
        except OSError:
            await self.gateway.stop()
            raise
        self.agenda.start()
        if self.physics and not self._ticking:
            self._ticking = True
            now = self.agenda.now
            for device in self.devices.values():
                device.last_step = now
            self.agenda.later(1.0, self._tick)

    async def stop(self) -> None:
        """Pull the plug; all state is kept for another ``start``."""
        self.agenda.stop()
        await self.gateway.stop()
        await self.admin.stop()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop for good."""
        self.command_center.abandon()
        await self.stop()

    # ------------------------------------------------------------ clocks

    def server_ms(self) -> int:
        """Return the time of the gateway's clock in milliseconds."""
        return int((time.time() + self.clock_offset) * 1000)

    def jump(self, seconds: float) -> None:
        """Let time pass at once for time-outs, expiries, delays and tokens.

        The wall clock, and with it the times of samples, stays as it is.
        """
        self.agenda.jump(seconds)

    # ------------------------------------------------------------ building

    def _add(self, kind: Kind, create_time: int | None) -> SimDevice:
        self._open_product(kind)
        device = self.building.new_device(kind, create_time)
        device.on_status = self._status_changed
        device.last_step = self.agenda.now
        self.devices[device.asset_id] = device
        self.by_key[device.product_key, device.device_key] = device
        self._changed()
        self._post_visible(device, heartbeat=True)
        return device

    def add_device(self, kind: str) -> SimDevice:
        """Add a device; it is the first in the lists from now on.

        A kind of which there was none before brings its product and its model.
        """
        return self._add(self.kind(kind), self.server_ms())

    def remove_device(self, asset_id: str) -> None:
        """Remove a device."""
        device = self.devices.pop(asset_id)
        del self.by_key[device.product_key, device.device_key]
        self._leave_topology(asset_id)
        self._changed()
        self.command_center.forget(device)

    def places(self) -> Iterable[Place]:
        """Return all logical assets."""
        return self.building.places.values()

    def _points(self, device: SimDevice) -> JsonObject:
        model = self.models.get(device.model_id) or {}
        return model.get("measurepoints") or {}

    def measurepoint(
        self, device: SimDevice, point: str
    ) -> tuple[JsonObject, str, JsonObject] | None:
        """Return a measurepoint's model, its type and its definition."""
        raw: JsonObject | None = self._points(device).get(point)
        if raw is None:
            return None
        known = self.catalog.get((device.model_id, point))
        if raw.get("dataDefinition") is None and known is not None:
            definition = known.definition or {}
        else:
            definition = read_definition(raw.get("dataDefinition"))
        return raw, raw["dataType"], definition

    # ------------------------------------------------------------ devices

    def _status_changed(self, device: SimDevice, old: Status) -> None:
        if device.status == "online":
            self._post_visible(device, heartbeat=True)
        elif device.status == "inactive":
            # It never was connected, so nothing is known of it.
            device.connect_latest.clear()
            device.tsdb_latest.clear()
            device.tsdb_pending.clear()
        self.command_center.status_changed(device, old)

    def _post(
        self, device: SimDevice, values: dict[str, Any], when: int | None = None
    ) -> None:
        """Let a device post values: what the cloud then knows."""
        behaviour = device.behaviour
        if when is None:
            when = device.clock_ms()
        unstored = self.unstored.get(device.model_id, ())
        visible = self.agenda.now + behaviour.tsdb_delay
        late = behaviour.tsdb_delay > 0 or bool(device.tsdb_pending)
        for point, value in values.items():
            if behaviour.float32 and isinstance(value, float):
                value = self._widened(device, point, value)
            sample = Sample(value, when)
            device.connect_latest[point] = sample
            if point in unstored:
                continue
            if late:
                device.tsdb_pending.append((visible, point, sample))
            else:
                device.tsdb_latest[point] = sample

    def _widened(self, device: SimDevice, point: str, value: float) -> float:
        known = self.measurepoint(device, point)
        if known is None or known[1] != "FLOAT" or not math.isfinite(value):
            return value
        widened: float = struct.unpack("f", struct.pack("f", value))[0]
        return widened

    def _post_visible(self, device: SimDevice, *, heartbeat: bool) -> None:
        """Let a device post what changed, or everything."""
        if heartbeat:
            device.last_full_post = self.agenda.now
        latest = device.connect_latest
        changed: dict[str, Any] = {}
        for point, value in device.values.items():
            if point in device.muted:
                continue
            sample = latest.get(point)
            if heartbeat or sample is None or sample.value != value:
                changed[point] = value
        if changed:
            self._post(device, changed)

    def put(
        self, asset_id: str, point: str, raw: Any, time_ms: int | None = None
    ) -> None:
        """Let both services give any JSON value as a point's newest sample.

        Nothing is converted, whatever type the point has; NaN and infinity go out
        as gateways write them, and ``Json`` holds a text that is sent as it is. The
        time may be any. The value stands until the next report of the point, or a
        write to it: the device itself does not report the point before that.
        """
        device = self._known(asset_id)
        if point not in self._points(device):
            raise ValueError(f"{device.model_id} has no measurepoint {point!r}")
        when = device.clock_ms() if time_ms is None else time_ms
        sample = Sample(verbatim(raw), when)
        device.muted.add(point)
        device.connect_latest[point] = sample
        if point not in self.unstored.get(device.model_id, ()):
            device.forget_pending(point)
            device.tsdb_latest[point] = sample

    async def report(
        self, device: SimDevice, values: dict[str, Any], *, time_ms: int | None = None
    ) -> None:
        """Let a device hold and post values, whatever they are.

        A device that is not online holds them and posts once it is.
        """
        points = self._points(device)
        for point in values:
            if point not in points:
                raise ValueError(f"{device.model_id} has no measurepoint {point!r}")
        device.values.update(values)
        device.muted.difference_update(values)
        if device.status == "online":
            self._post(device, values, time_ms)

    def apply(self, command: Command) -> None:
        """Let a device do what a command says."""
        device, point = command.device, command.identifier
        if command.command_type == 2:
            # A new version of the model may be without it.
            service = self.models[device.model_id]["services"].get(point) or {}
            command.output = {
                item["identifier"]: blank(
                    item["dataType"], read_definition(item.get("dataDefinition"))
                )
                for item in service.get("outputData", ())
            }
            return
        self.writes.append((device.asset_id, point, command.value))
        _forget_old(self.writes)
        if point not in self._points(device):
            return
        known = self.catalog.get((device.model_id, point))
        if known is None or not known.pulse:
            device.values[point] = command.held
        device.muted.add(point)
        if device.behaviour.echo:
            self.agenda.later(
                device.behaviour.echo_delay, lambda: self._echo(device, point)
            )

    def _echo(self, device: SimDevice, point: str) -> None:
        """Let a device report what was written."""
        if point in device.muted and point in device.values:
            device.muted.discard(point)
            if device.status == "online":
                self._post(device, {point: device.values[point]})

    # ------------------------------------------------------------ physics

    def step(self, seconds: float) -> None:
        """Move the whole building by hand."""
        left = seconds
        while left > 0:
            span = min(left, 60.0)
            self._world_time += span
            self.world.set_time(self._world_time)
            for device in self.devices.values():
                self._move(device, span)
            left -= span
        for device in self.devices.values():
            self._publish(device)

    def _move(self, device: SimDevice, seconds: float) -> None:
        try:
            STEPS[device.kind.key](device, seconds, self.world)
        except (TypeError, ValueError, KeyError) as error:
            # A test told it to hold nonsense: it stands still.
            _LOGGER.debug("%r stands still: %s", device, error)

    def _publish(self, device: SimDevice) -> None:
        if device.status == "online":
            due = self.agenda.now - device.last_full_post >= HEARTBEAT
            self._post_visible(device, heartbeat=due)

    def _tick(self) -> None:
        """Move a part of the building; the whole of it in a few seconds."""
        self._ticking = self.physics
        if not self.physics:
            return
        self.agenda.later(1.0, self._tick)
        now = self.agenda.now
        self._world_time += self.time_scale
        self.world.set_time(self._world_time)
        devices = list(self.devices.values())
        count = points = 0
        while count < min(len(devices), MOVED_AT_ONCE) and points < POINTS_AT_ONCE:
            device = devices[(self._tick_at + count) % len(devices)]
            count += 1
            points += len(device.values)
            seconds = min(600.0, max(0.0, now - device.last_step)) * self.time_scale
            device.last_step = now
            self._move(device, seconds)
            self._publish(device)
        if devices:
            self._tick_at = (self._tick_at + count) % len(devices)
        for history in (self.requests, self.rejections, self.commands):
            _forget_old(history)

    # ------------------------------------------------------------ tokens

    async def expire_tokens(self) -> None:
        """Let the present token expire."""
        self.tokens.expire()

    def revoke_token(self) -> None:
        """Forget the present token."""
        self.tokens.revoke()

    # ------------------------------------------------------------ records

    def note_rejection(self, text: str) -> None:
        """Note a request that no good client sends."""
        self.rejections.append(text)


def _forget_old(history: list[Any]) -> None:
    if len(history) > REMEMBERED * 1.1:
        del history[: len(history) - REMEMBERED]
