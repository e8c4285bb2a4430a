"""What became of commands that were left open: queued ones, and those nobody knows about."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import time
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .api.errors import EnosError, NotFoundError, RateLimitError
from .api.models import AWAY, Command, CommandState, DeviceStatus, JsonValue
from .batches import PointKey
from .const import LOGGER
from .coordinator import EnosCoordinator
from .knowledge import SETTLE_TIME, Fate
from .records import Mode, Outcome, Record
from .values import same

if TYPE_CHECKING:
    from .api.client import EnosClient

_PAUSES: Final = (2.0, 8.0, 50.0)
_ELSE: Final = 900.0
_AFTER_EXPIRY: Final = 2.0
_AGAIN: Final = 30.0
_OVERDUE: Final = 300.0
_SEARCHES: Final = 5
# EnOS may take a moment to show a command that it has just taken.
_SHOWN_AFTER: Final = timedelta(seconds=9)
# The gateway's clock as its replies tell it is good to a second or two; ours may step.
_CLOCKS_DIFFER: Final = timedelta(seconds=60)
# EnOS tells of commands for seven days; what it has not told by then it never will.
_GIVE_UP: Final = timedelta(days=7)

_ENDS: Final[dict[CommandState, Outcome]] = {
    CommandState.CANCELED: Outcome.CANCELLED,
    CommandState.EXPIRED: Outcome.EXPIRED,
    CommandState.SUCCEEDED: Outcome.SUCCEEDED,
    CommandState.FAILED: Outcome.FAILED,
    CommandState.TIMED_OUT: Outcome.NO_REPLY,
}


@dataclass(slots=True)
class _Follow:
    """The open commands of one device, in the order in which they were given."""

    records: dict[str, Record] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)
    cancel: CALLBACK_TYPE | None = None
    stop_listening: CALLBACK_TYPE | None = None
    was_there: bool = False
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Follower:
    """Finds out the end of open commands, device by device, one search for all of a device.

    `conclude(record, outcome, final)` hears of every outcome that is found; it may be called
    for one record more than once, but not after a final outcome. `changed` hears of every
    command that is added or ended. `known_ids` returns EnOS's ids of commands that ended, so
    that no open one is taken for them. Nothing is ever sent to a device from here.
    """

    def __init__(
        self,
        client: EnosClient,
        coordinator: EnosCoordinator,
        conclude: Callable[[Record, Outcome, bool], None],
        changed: CALLBACK_TYPE,
        known_ids: Callable[[], set[str]],
    ) -> None:
        """Start with nothing to follow; nothing is asked before `start`."""
        self._client = client
        self._coordinator = coordinator
        self._conclude = conclude
        self._changed = changed
        self._known_ids = known_ids
        self._follows: dict[str, _Follow] = {}
        self._gate = asyncio.Semaphore(_SEARCHES)
        self._running = False
        self._paused_until = float("-inf")

    # What is followed.

    def __iter__(self) -> Iterator[Record]:
        """Iterate over all open commands."""
        for follow in self._follows.values():
            yield from follow.records.values()

    def of(self, asset_id: str) -> tuple[Record, ...]:
        """Return the open commands of a device, the oldest first."""
        follow = self._follows.get(asset_id)
        return tuple(follow.records.values()) if follow is not None else ()

    def queued(self, asset_id: str) -> list[Record]:
        """Return those of them that EnOS keeps for the device."""
        return [record for record in self.of(asset_id) if record.waits]

    @callback
    def add(self, record: Record) -> None:
        """Follow a command until its end is known."""
        asset_id = record.asset_id
        follow = self._follows.setdefault(asset_id, _Follow())
        follow.records[record.id] = record
        self._changed()
        if self._running:
            self._listen(asset_id, follow)
            self.look_soon(asset_id)

    @callback
    def note_sending(self, record: Record) -> None:
        """Take note of what a sample with a command's value will prove, before it is sent.

        Nothing, where the point has the value or is about to show it, or where another
        command that writes it is open.
        """
        state = self._coordinator.state(*record.key)
        if state is None or record.is_service:
            record.telling = False
            return
        values = [state.reading.value] if state.reading is not None else []
        if state.mask is not None:
            values += [state.mask.value, *state.mask.earlier]
        record.note_shown(state.point, *values)
        for other in self.of(record.asset_id):
            if other.key == record.key and same(state.point, other.value, record.value):
                other.telling = record.telling = False

    @callback
    def start(self) -> None:
        """Begin to ask, first of all for what was left open by an earlier run."""
        for record in list(self):
            # What was read before this is no news any more.
            self.note_reading(record.key)
        self._running = True
        self._coordinator.on_reading = self.note_reading
        for asset_id, follow in self._follows.items():
            self._listen(asset_id, follow)
            self.look_soon(asset_id, at_once=True)

    @callback
    def stop(self) -> None:
        """Ask no more. What is being asked ends with the entry's background tasks."""
        self._running = False
        for follow in self._follows.values():
            self._quiet(follow)

    def _listen(self, asset_id: str, follow: _Follow) -> None:
        """Hear of the device's coming back."""
        if follow.stop_listening is not None:
            return

        def there() -> bool:
            return self._coordinator.up and (
                self._coordinator.status_of(asset_id) is DeviceStatus.ONLINE
            )

        @callback
        def changed() -> None:
            was_there, follow.was_there = follow.was_there, there()
            if follow.was_there and not was_there:
                self.look_soon(asset_id, at_once=True)

        follow.was_there = there()
        follow.stop_listening = self._coordinator.listen_device(asset_id, changed)

    @staticmethod
    def _quiet(follow: _Follow) -> None:
        if follow.cancel is not None:
            follow.cancel()
            follow.cancel = None
        if follow.stop_listening is not None:
            follow.stop_listening()
            follow.stop_listening = None

    # When it is asked.

    @callback
    def look_soon(self, asset_id: str, *, at_once: bool = False) -> None:
        """Ask after 2, 10 and 60 seconds, or now and then; later every quarter of an hour.

        For a device that is away with nothing unclear nothing is asked before an expiry.
        """
        follow = self._follows.get(asset_id)
        if follow is None or not self._running:
            return
        away = self._coordinator.status_of(asset_id) in AWAY
        unclear = any(not record.waits for record in follow.records.values())
        follow.pauses = list(_PAUSES) if at_once or unclear or not away else []
        self._schedule(asset_id, follow, at_once=at_once)

    def _schedule(
        self, asset_id: str, follow: _Follow, *, at_once: bool = False, least: float = 0
    ) -> None:
        """Set the timer for the next question."""
        if follow.cancel is not None:
            follow.cancel()
            follow.cancel = None
        if not self._running or not follow.records:
            return
        delay = 0.0
        if not at_once:
            delay = max(least, follow.pauses.pop(0) if follow.pauses else _ELSE)
            now = dt_util.utcnow()
            for record in follow.records.values():
                if record.expires is not None and record.waits:
                    left = (record.expires - now).total_seconds() + _AFTER_EXPIRY
                    if left < 0:
                        # EnOS's clock may be behind, but not for long.
                        left = _AGAIN if left > -_OVERDUE else delay
                    delay = min(delay, max(least, left))
                elif not self._asks(record):
                    delay = min(delay, max(least, self._unsettled_for(record)))

        @callback
        def look(_now: datetime) -> None:
            follow.cancel = None
            self._coordinator.config_entry.async_create_background_task(
                self._coordinator.hass,
                self._look_on(asset_id, follow),
                f"{self._coordinator.name} commands of {asset_id}",
            )

        follow.cancel = async_call_later(self._coordinator.hass, delay, look)

    async def _look_on(self, asset_id: str, follow: _Follow) -> None:
        """Ask once and set the timer for the next time."""
        wait = 0.0
        try:
            await self.async_look(asset_id)
        except RateLimitError as err:
            wait = err.retry_after or 30.0
            self._paused_until = time.monotonic() + wait
            LOGGER.debug("Too many requests to follow commands: %s", err)
        except EnosError as err:
            LOGGER.debug("Commands of %s could not be looked up: %s", asset_id, err)
            self._give_up(asset_id)
        if follow.cancel is None:
            self._schedule(asset_id, follow, least=wait)

    # What is asked.

    async def async_look(self, asset_id: str) -> None:
        """Ask EnOS for the commands of a device and take what it says.

        Raises `EnosError`.
        """
        follow = self._follows.get(asset_id)
        if follow is None:
            return
        try:
            async with follow.looking:
                if any(self._asks(record) for record in follow.records.values()):
                    await self._search(asset_id, follow)
        finally:
            # Also where EnOS cannot be asked: what is due here is due again at once if it
            # stays, and would have EnOS asked without a pause.
            for record in list(follow.records.values()):
                if not self._asks(record) and self._unsettled_for(record) <= 0:
                    self._end(record, record.outcome, final=True)

    @staticmethod
    def _asks(record: Record) -> bool:
        """Tell whether EnOS knows more of a command than we do.

        `NO_REPLY` is EnOS's last word; only the device can tell what became of it.
        """
        return record.outcome is not Outcome.NO_REPLY

    def _unsettled_for(self, record: Record) -> float:
        """Return how many seconds a device has left to show that it obeyed all the same."""
        if record.unclear_since is None:
            return 0.0
        state = self._coordinator.state(*record.key)
        patience = state.settle_time if state is not None else SETTLE_TIME
        return patience - (dt_util.utcnow() - record.unclear_since).total_seconds()

    async def _search(self, asset_id: str, follow: _Follow) -> None:
        """Look up all open commands of a device."""
        asked = [record for record in follow.records.values() if self._asks(record)]
        async with self._gate:
            pause = self._paused_until - time.monotonic()
            if pause > 0:
                # Meant for all: a thousand devices would have the gateway say it to each.
                raise RateLimitError(pause, "waiting as the gateway asked for")
            try:
                listed = await self._client.search_commands(asset_id)
            except NotFoundError as err:
                # With the device its commands are gone, too.
                for record in asked:
                    # Another's end may have been learnt meanwhile.
                    if record.id in follow.records:
                        record.code, record.message = err.code, err.message or str(err)
                        self._end(record, Outcome.FAILED, final=True)
                return
            by_id = {command.command_id: command for command in listed}
            claimed = {record.command_id for record in self.of(asset_id)}
            claimed |= self._known_ids()
            # The newest first: it is the newest that a search is likeliest to show.
            for record in reversed(asked):
                command = by_id.get(record.command_id)
                if command is None and record.command_id:
                    command = await self._get(record)
                elif command is None:
                    command = self._match(record, listed, claimed)
                if command is not None:
                    claimed.add(command.command_id)
                if record.id in follow.records:
                    self._take(record, command)

    async def _get(self, record: Record) -> Command | None:
        """Return a command by its id: the search shows only the last hundred."""
        try:
            return await self._client.get_command(record.asset_id, record.command_id)
        except NotFoundError:
            return None

    def _match(
        self, record: Record, listed: Iterable[Command], claimed: set[str]
    ) -> Command | None:
        """Return the command of a record whose id never reached us.

        By what was written and when; the gateway's clock may differ from ours.
        """
        offset = timedelta(seconds=self._client.clock_offset or 0.0)
        earliest = (record.at + offset - _CLOCKS_DIFFER).timestamp() * 1000
        for command in listed:
            if (
                command.command_id not in claimed
                and command.identifier == record.point_id
                and command.is_service == record.is_service
                and _alike(command.value, record.value)
                and (command.created is None or command.created >= earliest)
                and (
                    command.pending_ttl is None
                    or (command.pending_ttl > 0) == (record.mode is Mode.CACHED)
                )
            ):
                return command
        return None

    def _take(self, record: Record, command: Command | None) -> None:
        """Take what EnOS says of a command."""
        if command is None:
            if record.command_id:
                self._end(record, Outcome.UNKNOWN, final=True)
            elif dt_util.utcnow() - (record.unclear_since or record.at) >= _SHOWN_AFTER:
                self._end(record, Outcome.NOT_SENT, final=True)
            return
        record.command_id = command.command_id
        end = _ENDS.get(command.state) if command.state is not None else None
        if end is None:
            if record.mode is Mode.CACHED and not record.waits:
                self._end(record, Outcome.QUEUED, final=False)
            return
        if end is not Outcome.CANCELLED:
            # It came to its end before a newer one could replace it.
            record.replaced_by = ""
        elif record.replaced_by:
            end = Outcome.SUPERSEDED
        if end is Outcome.EXPIRED and record.mode is Mode.INSTANT:
            end = Outcome.NOT_SENT
        if command.output is not None:
            record.output = command.output
        # The device may have obeyed without a word.
        final = end is not Outcome.NO_REPLY or record.is_service
        self._end(record, end, final=final)

    def _give_up(self, asset_id: str) -> None:
        """End what EnOS would not tell of for longer than it keeps commands."""
        oldest = dt_util.utcnow() - _GIVE_UP
        for record in self.of(asset_id):
            if record.at < oldest:
                self._end(record, Outcome.UNKNOWN, final=True)

    @callback
    def note_reading(self, key: PointKey) -> None:
        """Take the newest sample for the answer that a command never got, if it shows its value."""
        follow = self._follows.get(key[0])
        if follow is None:
            return
        if (
            not follow.pauses
            and self._coordinator.status_of(key[0]) is DeviceStatus.UNKNOWN
            and self.queued(key[0])
        ):
            # Nobody says that the device is back; that it measures does.
            self.look_soon(key[0], at_once=True)
        state = self._coordinator.state(*key)
        if state is None or state.reading is None:
            return
        for record in list(follow.records.values()):
            if (
                record.key == key
                and record.unclear_since is not None
                and not record.waits
                and same(state.point, state.reading.value, record.value)
                and record.telling
            ):
                record.fate = Fate.CONFIRMED
                self._end(record, Outcome.SUCCEEDED, final=True)

    @callback
    def end(self, record: Record, outcome: Outcome) -> None:
        """End an open command whose fate was learnt elsewhere."""
        self._end(record, outcome, final=True)

    def _end(self, record: Record, outcome: Outcome, *, final: bool) -> None:
        """Hand an outcome on; stop following where it is the last."""
        follow = self._follows[record.asset_id]
        # A cancel that outlived a reload was told of by the run that asked for it.
        told = record.final
        if not final:
            if outcome is Outcome.NO_REPLY:
                record.unclear_since = dt_util.utcnow()
        else:
            del follow.records[record.id]
            if not follow.records:
                self._quiet(follow)
                del self._follows[record.asset_id]
        self._changed()
        if told:
            return
        self._conclude(record, outcome, final)
        if not final:
            # The device may have shown it while it was still thought to think.
            self.note_reading(record.key)


def _alike(listed: JsonValue, written: JsonValue) -> bool:
    """Tell whether EnOS's list shows what was written.

    The documents show the input of a write both bare and in a map, and services of EnOS tell
    numbers as text.
    """
    if isinstance(listed, dict) and not isinstance(written, dict) and len(listed) == 1:
        listed = next(iter(listed.values()))
    return listed == written or _plain(listed) == _plain(written)


def _plain(value: JsonValue) -> str:
    """Return a value in a form that number, text and truth value have in common."""
    if isinstance(value, dict):
        return str(sorted((key, _plain(item)) for key, item in value.items()))
    if isinstance(value, list):
        return str([_plain(item) for item in value])
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if isinstance(value, int | float | str):
        try:
            return repr(float(value))
        except ValueError:
            return str(value)
    return str(value)
