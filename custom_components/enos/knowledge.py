"""What is known about one point: samples that were read, writes that were acknowledged. Pure.

A sample's time comes from a device whose clock may be hours wrong, so it is compared only
with other samples of the same point, never with our own clock.
"""

from dataclasses import dataclass, field
from enum import StrEnum
import time
from typing import Final

from .api.models import JsonValue, Measurepoint, Reading
from .values import same

SETTLE_TIME: Final = 30.0
"""Seconds after which a sample that contradicts an acknowledged write is believed."""

SETTLE_TIME_NO_READ_BACK: Final = 120.0
"""The same where the point cannot be read back right after the write."""


class Source(StrEnum):
    """Where a sample was read."""

    STORED = "latest"
    DIRECT = "queryLatest"


class Fate(StrEnum):
    """What the samples after an acknowledged write said of it."""

    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"


@dataclass(slots=True)
class Mask:
    """An acknowledged write that shows until the samples speak of it.

    `before` is the reading when the command went on the wire; `since` is our clock's time
    of the acknowledgement in seconds, None when it was taken over from an earlier run (its
    time to settle is long over).
    """

    value: JsonValue
    before: Reading | None
    since: float | None


@dataclass(slots=True)
class PointState:
    """The newest knowledge about one point.

    `answered_round` is the last round of polling that brought an answer; None where the
    point is not polled that way. `source` and `received` tell where the reading came from
    and when, in seconds of the monotonic clock. `stored` tells that the time series service has the point.
    """

    point: Measurepoint
    reading: Reading | None = None
    mask: Mask | None = None
    answered_round: int | None = None
    stored: bool = False
    can_read_back: bool = True
    source: Source | None = None
    received: float | None = None
    _last: dict[Source, Reading] = field(default_factory=dict)

    @property
    def age(self) -> float | None:
        """Seconds of our own clock since the reading came, None without one."""
        return time.monotonic() - self.received if self.received is not None else None

    @property
    def value(self) -> JsonValue:
        """The newest value known, as EnOS writes it; None where there is none."""
        if self.mask is not None:
            return self.mask.value
        return self.reading.value if self.reading is not None else None

    def offer(self, source: Source, sample: Reading) -> bool:
        """Take an answer of a source and tell whether it brought a newer reading.

        An answer equal to the source's last one is no news. A sample earlier than the same
        source's previous one means that the device's clock was set back: it is news.
        """
        previous = self._last.get(source)
        if previous == sample:
            return False
        self._last[source] = sample
        current = self.reading
        newer = (
            current is None
            or sample.time is None
            or current.time is None
            or sample.time > current.time
            or (sample.time == current.time and sample.value != current.value)
        )
        set_back = (
            previous is not None
            and previous.time is not None
            and sample.time is not None
            and sample.time < previous.time
        )
        if not (newer or set_back):
            return False
        changed = current != sample
        self.reading = sample
        self.source = source
        self.received = time.monotonic()
        return changed

    def settle(self, now: float) -> Fate | None:
        """Drop the mask when the samples have spoken; return what they said."""
        mask = self.mask
        if mask is None or self.reading is None or self.reading == mask.before:
            return None
        if same(self.point, self.reading.value, mask.value):
            self.mask = None
            return Fate.CONFIRMED
        if mask.since is not None and now < mask.since + self.settle_time:
            return None
        self.mask = None
        return Fate.OVERRIDDEN

    @property
    def settle_time(self) -> float:
        """Seconds that a contradicting sample has to wait to be believed."""
        return SETTLE_TIME if self.can_read_back else SETTLE_TIME_NO_READ_BACK
