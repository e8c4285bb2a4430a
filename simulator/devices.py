"""Devices: what they hold, what the cloud knows of them, how they behave."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
import time
from typing import Any, Literal, NamedTuple

from .points import JsonObject, Kind

type Status = Literal["online", "offline", "inactive", "disabled"]
STATUSES: tuple[Status, ...] = ("online", "offline", "inactive", "disabled")


class Sample(NamedTuple):
    """A value with the time that the device gave it (ms)."""

    value: Any
    time: int


@dataclass(slots=True)
class Behaviour:
    """How a device differs from a good one. All times in seconds."""

    # From the receipt of a command to the answer.
    reply_delay: float = 0.02
    # It never answers; with ``silent_applies`` it obeys all the same.
    silent: bool = False
    silent_applies: bool = False
    # Its product has a data format of its own: commands cannot be encoded.
    custom_format: bool = False
    # False: it acknowledges a write yet never reports the new value.
    echo: bool = True
    # From the answer to the report of the new value.
    echo_delay: float = 0.02
    # How far the time series is behind the device.
    tsdb_delay: float = 0.0
    # What its clock is ahead (or, negative, behind).
    clock_offset: float = 0.0
    # It answers commands with this code; anything but 0 and 200 is a failure.
    reject_code: int | None = None
    # It reports FLOAT values as 32-bit floats widened to 64 bit.
    float32: bool = False


class SimDevice:
    """One device of the building."""

    __slots__ = (
        "_last_reading",
        "_last_time",
        "_status",
        "active_time",
        "asset_id",
        "behaviour",
        "connect_latest",
        "create_time",
        "device_key",
        "device_secret",
        "index",
        "kind",
        "last_full_post",
        "last_offline",
        "last_online",
        "last_step",
        "model_id",
        "muted",
        "name",
        "on_status",
        "parent_id",
        "product_key",
        "product_type",
        "tags",
        "timezone",
        "tsdb_latest",
        "tsdb_pending",
        "values",
    )

    def __init__(
        self,
        *,
        asset_id: str,
        product_key: str,
        device_key: str,
        device_secret: str,
        kind: Kind,
        index: int,
        name: JsonObject,
        parent_id: str,
        create_time: int,
        values: dict[str, Any],
    ) -> None:
        """Build a device that is online and has reported nothing yet."""
        self.asset_id = asset_id
        self.product_key = product_key
        self.device_key = device_key
        self.device_secret = device_secret
        self.kind = kind
        # That of its product: it stays when the model changes.
        self.product_type = kind.product_type
        self.model_id = kind.model_id
        self.index = index
        self.name = name
        self.parent_id = parent_id
        self.timezone = "+08:00"
        self.tags: dict[str, str] = {}
        self.create_time = create_time
        self.active_time = create_time + 60_000
        self.last_online = create_time + 60_000
        self.last_offline = 0
        # What the device itself holds.
        self.values = values
        # What the cloud knows: the connect service at once, the time series
        # later, and only points with a storage policy.
        self.connect_latest: dict[str, Sample] = {}
        self.tsdb_latest: dict[str, Sample] = {}
        self.tsdb_pending: deque[tuple[float, str, Sample]] = deque()
        # Points that the device does not report, see Behaviour.echo.
        self.muted: set[str] = set()
        self.behaviour = Behaviour()
        self.last_step = 0.0
        self.last_full_post = 0.0
        self.on_status: Callable[[SimDevice, Status], None] | None = None
        self._status: Status = "online"
        self._last_reading = self._last_time = 0

    def __repr__(self) -> str:
        """Return a text for debugging."""
        return f"<SimDevice {self.kind.key} {self.asset_id} {self._status}>"

    @property
    def status(self) -> Status:
        """Return the status that the cloud has of the device."""
        return self._status

    @status.setter
    def status(self, status: Status) -> None:
        """Change the status; the gateway acts on it at once."""
        if status not in STATUSES:
            raise ValueError(f"a device cannot be {status!r}")
        old = self._status
        if status == old:
            return
        self._status = status
        now = int(time.time() * 1000)
        if status == "inactive":
            self.active_time = self.last_online = self.last_offline = 0
        elif status == "online":
            self.active_time = self.active_time or now
            self.last_online = now
        elif old == "online":
            self.last_offline = now
        if self.on_status is not None:
            self.on_status(self, old)

    def clock_ms(self) -> int:
        """Read the device's clock (ms); two samples never have the same time."""
        reading = int((time.time() + self.behaviour.clock_offset) * 1000)
        if self._last_reading <= reading <= self._last_time:
            self._last_time += 1
        else:
            self._last_time = reading
        self._last_reading = reading
        return self._last_time

    @property
    def custom_format(self) -> bool:
        """Tell whether commands cannot be encoded for the device."""
        return self.behaviour.custom_format

    def forget_pending(self, point: str) -> None:
        """Let nothing of a point be on its way to the time series."""
        self.tsdb_pending = deque(
            entry for entry in self.tsdb_pending if entry[1] != point
        )

    def tsdb(self, now: float) -> dict[str, Sample]:
        """Return what the time series holds at a moment (the agenda's clock)."""
        pending = self.tsdb_pending
        while pending and pending[0][0] <= now:
            _, point, sample = pending.popleft()
            self.tsdb_latest[point] = sample
        return self.tsdb_latest
