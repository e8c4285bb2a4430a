"""What is known about one point: samples that were read, writes that were acknowledged. Pure.

A sample's time comes from a device whose clock may be hours wrong, so it is compared only
with other samples of the same point, never with our own clock.
"""

from dataclasses import dataclass
from enum import StrEnum
import time
from typing import Final

from .api.models import JsonValue, Measurepoint, Reading
from .values import same

SETTLE_TIME: Final = 30.0
"""Seconds after which a sample that contradicts an acknowledged write is believed."""

SETTLE_TIME_NO_READ_BACK: Final = 120.0
"""The same where the point cannot be read back right after the write."""


_EARLIER_WRITES: Final = 8


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
    time to settle is long over). `earlier` are the values of acknowledged writes that this
    one replaced before any sample spoke of them, oldest first.
    """

    value: JsonValue
    before: Reading | None
    since: float | None
    earlier: tuple[JsonValue, ...] = ()

    def follow(self, older: Mask | None) -> None:
        """Take note of a write that this one replaces before samples spoke of it."""
        if older is not None:
            self.earlier = (*older.earlier, older.value)[-_EARLIER_WRITES:]


@dataclass(slots=True, eq=False)
class Answered:
    """The last round of polling that answered: one object for all points of a call.

    `left` tells that another call has answered one of them since.
    """

    round: int
    left: bool = False


@dataclass(slots=True)
class PointState:
    """The newest knowledge about one point.

    `answered` tells when the rounds of polling last brought an answer; None where the
    point is not polled that way. `source` and `received` tell where the reading came from
    and when, in seconds of the monotonic clock. `missed_reads` counts the direct reads in a
    row that brought no answer. `stored` tells that the time series service
    has the point. `last_stored` and `last_direct` are each source's last answer; those with
    `_before` are the ones before.
    """

    point: Measurepoint
    reading: Reading | None = None
    mask: Mask | None = None
    answered: Answered | None = None
    stored: bool = False
    missed_reads: int = 0
    can_read_back: bool = True
    source: Source | None = None
    received: float | None = None
    last_stored: Reading | None = None
    _stored_before: Reading | None = None
    last_direct: Reading | None = None
    _direct_before: Reading | None = None

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

    def answered_by(self, answered: Answered | None) -> None:
        """Take note of the call that answered, or that rounds bring nothing of the point."""
        if self.answered is not None and (self.stored or answered is not None):
            self.answered.left = True
        self.answered = answered

    def offer(self, source: Source, sample: Reading) -> bool:
        """Take an answer of a source and tell whether it brought a newer reading.

        An answer equal to the source's last one is no news. A sample earlier than the same
        source's previous one means that the device's clock was set back: it is news. But not
        the very answer before the last: that is a late reply, or a replica that lags.
        """
        stored = source is Source.STORED
        if (
            stored
            and (last := self.last_stored) is self.reading
            and last is not None
            and last.time is not None
            and sample.time is not None
            and sample.time > last.time
        ):
            # As most samples come: what follows says the same, more slowly.
            self._stored_before = last
            self.last_stored = self.reading = sample
            self.source = source
            self.received = time.monotonic()
            return True
        previous = self.last_stored if stored else self.last_direct
        if previous == sample:
            return False
        earlier = self._stored_before if stored else self._direct_before
        set_back = _is_earlier(sample, previous)
        if set_back and sample == earlier:
            return False
        if stored:
            self.last_stored, self._stored_before = sample, previous
        else:
            self.last_direct, self._direct_before = sample, previous
        if not (set_back or _is_newer(sample, self.reading)):
            return False
        changed = self.reading != sample
        self.reading = sample
        self.source = source
        self.received = time.monotonic()
        return changed

    def restore(self, mask: Mask) -> None:
        """Take over an acknowledged write from an earlier run.

        What was known when it was sent counts from then on, so that an older sample from
        another source is not taken for a newer one.
        """
        self.mask = mask
        if mask.before is not None and (
            self.reading is None or not _is_newer(self.reading, mask.before)
        ):
            self.reading = mask.before
            self.source = self.received = None

    def settle(self, now: float) -> Fate | None:
        """Drop the mask when the samples have spoken; return what they said."""
        mask, reading = self.mask, self.reading
        if mask is None or reading is None:
            return None
        due = mask.since is None or now >= mask.since + self.settle_time
        agrees = same(self.point, reading.value, mask.value)
        if same_sample(self.point, reading, mask.before):
            # No sample since. A write of what was there already has nothing more to hide;
            # kept, it would call the next change, hours later, an override.
            fate = Fate.CONFIRMED if agrees and due else None
        elif agrees:
            # Off, on, off: the first "off" that is reported may be that of the first write,
            # and the "on" is still to come.
            echo = any(same(self.point, reading.value, old) for old in mask.earlier)
            fate = None if echo and not due else Fate.CONFIRMED
        elif (
            mask.since is not None
            and self.received is not None
            and self.received <= mask.since
        ):
            # It came before the device answered, so it says nothing of the write.
            mask.before = reading
            fate = None
        else:
            fate = Fate.OVERRIDDEN if due else None
        if fate is not None:
            self.mask = None
        return fate

    @property
    def settle_time(self) -> float:
        """Seconds that a contradicting sample has to wait to be believed."""
        return SETTLE_TIME if self.can_read_back else SETTLE_TIME_NO_READ_BACK


def same_form(one: JsonValue, other: JsonValue) -> bool:
    """Tell whether two raw values are one in form, too: true is not 1, which is a number."""
    if type(one) is not type(other) or one != other:
        return False
    return not isinstance(one, list | dict) or repr(one) == repr(other)


def same_sample(point: Measurepoint, one: Reading, other: Reading | None) -> bool:
    """Tell whether two readings are one sample, as two sources may tell it.

    One has its value as a number, the other as text; one has its time in milliseconds, the
    other in whole seconds.
    """
    if other is None or one == other:
        return other is not None
    if one.time != other.time and (
        one.time is None
        or other.time is None
        or abs(one.time - other.time) >= 1000
        or (one.time % 1000 and other.time % 1000)
    ):
        return False
    return same(point, one.value, other.value)


def _is_earlier(sample: Reading, other: Reading | None) -> bool:
    """Tell whether a sample's time lies before another's."""
    return (
        other is not None
        and other.time is not None
        and sample.time is not None
        and sample.time < other.time
    )


def _is_newer(sample: Reading, current: Reading | None) -> bool:
    """Tell whether a sample replaces a reading, going by the times alone."""
    return (
        current is None
        or sample.time is None
        or current.time is None
        or sample.time > current.time
        or (sample.time == current.time and sample.value != current.value)
    )
