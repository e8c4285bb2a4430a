"""Writing: lanes, client and Home Assistant together; every command leaves one record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
import time
from typing import Final

from homeassistant.core import Context, callback
from homeassistant.util import dt as dt_util

from .api.client import EnosClient
from .api.errors import (
    DeviceInactiveError,
    DeviceOfflineError,
    EnosError,
    NotSentError,
    QueueFullError,
    RejectedError,
)
from .api.models import DeviceStatus, JsonValue
from .batches import PointKey
from .coordinator import EnosCoordinator
from .exceptions import WriteFailed, reason_of
from .following import Follower
from .journal import Journal
from .knowledge import Fate, PointState
from .lanes import Abandoned, Dropped, Job, Lanes, NotSent
from .memory import Memory, can_be_kept, to_its_end
from .records import WELL, Mode, Outcome, Record
from .selection import Policy
from .values import same
from .withdrawal import Withdrawal

QUEUE_LIMIT: Final = 50
"""Commands that EnOS keeps for one device at most."""

_PATIENCE: Final = 30.0
_AWAY_REMEMBERED: Final = 10.0

_AWAY: Final[dict[type[EnosError], DeviceStatus]] = {
    DeviceOfflineError: DeviceStatus.OFFLINE,
    DeviceInactiveError: DeviceStatus.INACTIVE,
}

# How a job that was never sent ended: translation key (none where nobody is left to hear
# of it) and outcome.
_DROPPED: Final[dict[Dropped, tuple[str, Outcome]]] = {
    Dropped.SUPERSEDED: ("", Outcome.SUPERSEDED),
    Dropped.CANCELLED: ("cancelled", Outcome.CANCELLED),
    Dropped.BUSY: ("busy", Outcome.NOT_SENT),
    Dropped.FULL: ("busy", Outcome.NOT_SENT),
    Dropped.CLOSED: ("unloading", Outcome.NOT_SENT),
}


class _Refused(Exception):
    """A command that is refused here, before EnOS is asked."""

    def __init__(self, key: str, outcome: Outcome) -> None:
        """Keep translation key and outcome."""
        super().__init__(key)
        self.key = key
        self.outcome = outcome


@dataclass(slots=True)
class _Write:
    """What a lane carries. `queue_for` is in seconds, 0 where queueing is not wanted."""

    record: Record
    timeout: int
    queue_for: int
    queue_at_once: bool


class Commands:
    """Writes measurepoints and invokes services of one account."""

    def __init__(
        self, client: EnosClient, coordinator: EnosCoordinator, memory: Memory
    ) -> None:
        """Start with empty lanes."""
        self._client = client
        self._coordinator = coordinator
        self._memory = memory
        self.journal = Journal(coordinator)
        self._lanes: Lanes[_Write, None] = Lanes(
            self._send, self._dropped, clock=time.monotonic
        )
        self._follower = Follower(
            client,
            coordinator,
            self._concluded,
            memory.save_soon,
            lambda: {record.command_id for record in self.journal.records},
        )
        self._withdrawal = Withdrawal(client, coordinator, self._follower)
        self._queueing: dict[str, Record] = {}
        self._away: dict[str, tuple[float, EnosError]] = {}
        self._masking: dict[PointKey, Record] = {}
        self._allowed = True
        coordinator.on_fate = self._note_fate

    # What is known.

    @property
    def open(self) -> list[Record]:
        """The commands whose end is not known, and those just being queued."""
        followed = (record for record in self._follower if not record.final)
        return [*followed, *self._queueing.values()]

    def queued(self, asset_id: str) -> list[Record]:
        """Return our commands that EnOS keeps for a device, the oldest first."""
        return self._follower.queued(asset_id)

    def waiting(self, asset_id: str) -> int:
        """Return how many commands wait here for a device's turn."""
        return self._lanes.waiting(asset_id)

    def policy_of(self, asset_id: str) -> Policy:
        """Return how commands to a device are sent; the default for one that is not ours."""
        device = self._coordinator.devices.get(asset_id)
        selection = device and self._coordinator.discovery.selection_of(device)
        return selection.policy_of(asset_id) if selection else Policy()

    # From one run to the next.

    def adopt(self, earlier: Commands) -> None:
        """Take over from an earlier run what a reload must not forget."""
        self.journal.adopt(earlier.journal)
        self._masking.update(earlier._masking)
        self._lock(locked=not earlier.allowed)
        for record in earlier.open:
            self._follower.add(record)

    def restore(self, records: Iterable[Record], *, allowed: bool) -> None:
        """Take over from the disk what a restart must not forget."""
        self._lock(locked=not allowed)
        for record in records:
            if record.outcome is Outcome.WAITING:
                # Cut off between the disk and EnOS.
                record.outcome = Outcome.UNKNOWN
                record.unclear_since = record.at
            self.journal.keep(record)
            self._follower.add(record)

    @callback
    def start(self) -> None:
        """Follow what was left open, once the entities stand."""
        self._follower.start()
        for asset_id in {record.asset_id for record in self._follower}:
            self._withdrawal.tidy(asset_id)

    async def close(self) -> None:
        """Drop what waits, give what is on its way five seconds."""
        self._follower.stop()
        await self._lanes.close()

    @callback
    def note_gone(self, asset_id: str) -> None:
        """Find out what became of the commands to a device that EnOS has no more."""
        self._follower.look_soon(asset_id, at_once=True)

    # The lock.

    @property
    def allowed(self) -> bool:
        """Whether anything may be written at all."""
        return self._allowed

    async def async_allow(self, *, allowed: bool) -> None:
        """Allow or forbid writing; on disk when this returns.

        Forbidden, what waits in EnOS is withdrawn as well: whoever locks a plant wants nothing
        to move later. That goes on where the caller goes away. Raises `EnosError` where it did
        not succeed for all; nothing new is written all the same.
        """
        self._lock(locked=not allowed)
        hass = self._coordinator.hass
        await to_its_end(hass, self._carry_lock_out(), "EnOS lock")

    async def _carry_lock_out(self) -> None:
        """Put the lock on disk and withdraw what it forbids."""
        await self._memory.async_flush()
        if not self._allowed:
            await self._withdrawal.async_cancel_all()

    def _lock(self, *, locked: bool) -> None:
        self._allowed = not locked
        self._withdrawal.locked = locked

    # Commands.

    async def async_write(
        self,
        asset_id: str,
        point_id: str,
        value: JsonValue,
        *,
        context: Context | None,
        names: Mapping[str, str],
        timeout: int | None = None,
        pending_ttl: int | None = None,
    ) -> Record:
        """Write a value as it goes on the wire; return when it was acknowledged or queued.

        `names` holds the placeholders `device`, `point` and `value` of the error texts.
        `timeout` is in seconds; `pending_ttl` is how many seconds EnOS may keep the command
        from the start (0: it must be carried out now). What is not given is the device's
        policy: now, and queued where the device is away.

        Returns the command's record; one that a newer write replaced is `superseded` and
        returns when that one does. Raises `WriteFailed` with the reason where the value was
        not accepted, or where nobody knows whether it was.
        """
        record = Record.begin(asset_id, point_id, value, context=context)
        return await self._command(record, names, timeout, pending_ttl)

    async def async_invoke(
        self,
        asset_id: str,
        service_id: str,
        inputs: dict[str, JsonValue],
        *,
        context: Context | None,
        names: Mapping[str, str],
        timeout: int | None = None,
        pending_ttl: int | None = None,
    ) -> Record:
        """Invoke a service of the thing model, as `async_write` writes.

        What the service returned is the record's `output`. An invocation never replaces
        another.
        """
        record = Record.begin(
            asset_id, service_id, inputs, context=context, is_service=True
        )
        return await self._command(record, names, timeout, pending_ttl)

    async def _command(
        self,
        record: Record,
        names: Mapping[str, str],
        timeout: int | None,
        pending_ttl: int | None,
    ) -> Record:
        """Have a command carried out."""
        asset_id = record.asset_id
        policy = self.policy_of(asset_id)
        device = self._coordinator.devices.get(asset_id)
        record.product_key = device.product_key if device else ""
        if state := self._point_state(record):
            # Of one that is never sent as well.
            record.value_before = state.value
        write = _Write(
            record,
            policy.timeout if timeout is None else timeout,
            policy.queue_for if pending_ttl is None else pending_ttl,
            queue_at_once=bool(pending_ttl),
        )
        key = None if record.is_service else record.point_id
        try:
            self._refuse(write)
            await self._lanes.submit(
                asset_id, key, write, patience=write.timeout + _PATIENCE
            )
        except EnosError as err:
            raise WriteFailed(reason_of(err)[0], names, record, err) from err
        except _Refused as err:
            raise WriteFailed(err.key, names, record) from err
        except NotSent as err:
            raise WriteFailed(_DROPPED[err.reason][0], names, record) from err
        except Abandoned as err:
            if not record.waits:
                raise WriteFailed("unknown_outcome", names, record) from err
            # Cut off afterwards, while the one was withdrawn that it replaces.
        return record

    def _refuse(self, write: _Write) -> None:
        """Refuse at once what cannot be.

        Voice assistants wait for a fraction of a second only: an error that comes later is
        not heard.
        """
        asset_id = write.record.asset_id
        refusal: EnosError | _Refused | None = None
        if not self._allowed:
            refusal = _Refused("locked", Outcome.LOCKED)
        elif asset_id not in self._coordinator.devices:
            refusal = _Refused("device_gone", Outcome.REJECTED)
        elif not can_be_kept(write.record.value):
            refusal = RejectedError(message="a value that JSON cannot carry")
        elif not write.queue_for:
            refusal = self._said_away(asset_id)
        if refusal is None:
            return
        if isinstance(refusal, EnosError):
            self._end(write.record, reason_of(refusal)[1], refusal)
            raise type(refusal)(code=refusal.code, message=refusal.message)
        self._end(write.record, refusal.outcome)
        raise refusal

    def _said_away(self, asset_id: str) -> EnosError | None:
        """Return what EnOS said of a device that it called away a moment ago."""
        said = self._away.get(asset_id)
        if said is None:
            return None
        moment, err = said
        if time.monotonic() - moment >= _AWAY_REMEMBERED or (
            self._coordinator.status_of(asset_id) is DeviceStatus.ONLINE
            and self._coordinator.devices_read_at > moment
        ):
            del self._away[asset_id]
            return None
        return err

    async def _send(self, job: Job[_Write, None]) -> None:
        """Perform one command; the lane tells its callers what is raised here."""
        write = job.payload
        record = write.record
        if state := self._point_state(record):
            record.before = state.reading
            # Not the reading: that may be older than a write before this one.
            record.value_before = state.value
        self._follower.note_sending(record)
        try:
            await self._carry_out(write)
        except EnosError as err:
            self._failed(record, err)
            raise
        except _Refused as err:
            record.expires = None
            self._end(record, err.outcome)
            raise
        finally:
            if self._queueing.pop(record.id, None) is not None:
                self._memory.save_soon()
            if record.outcome is Outcome.WAITING:
                # Cut off on its way.
                self._leave_open(record, Outcome.UNKNOWN)

    async def _carry_out(self, write: _Write) -> None:
        """Send a command now or have it queued, as policy and device have it."""
        record = write.record
        asset_id = record.asset_id
        if write.queue_for and (
            write.queue_at_once or self.queued(asset_id) or self._said_away(asset_id)
        ):
            await self._queue(write)
            return
        try:
            await self._transmit(write, pending_ttl=0)
        except (DeviceOfflineError, DeviceInactiveError, NotSentError) as err:
            self._note_away(asset_id, err)
            # What it stood behind may have been found out only meanwhile.
            behind = bool(self.queued(asset_id))
            if write.queue_for and (behind or not isinstance(err, NotSentError)):
                await self._queue(write)
                return
            raise
        self._away.pop(asset_id, None)
        if self._coordinator.status_of(asset_id) in _AWAY.values():
            # Who obeys is there, whatever the last listing said.
            self._coordinator.note_status(asset_id, DeviceStatus.ONLINE)
        record.end(Outcome.SUCCEEDED)
        self.journal.keep(record)
        if not record.is_service:
            self._masking[record.key] = record
            self._coordinator.acknowledge(
                record.key, record.value, record.before, record.context
            )
        self.journal.publish(record)

    async def _transmit(self, write: _Write, *, pending_ttl: int) -> None:
        """Send a command; EnOS's id goes into its record."""
        record = write.record
        if not self._allowed:
            # Forbidden while it waited for its turn, or went to the disk.
            raise _Refused("locked", Outcome.LOCKED)
        if record.is_service:
            inputs = record.value if isinstance(record.value, dict) else {}
            reply = await self._client.invoke_service(
                record.asset_id,
                record.point_id,
                inputs,
                timeout=write.timeout,
                pending_ttl=pending_ttl,
            )
            record.command_id, record.output = reply.command_id, reply.output
        else:
            record.command_id = await self._client.set_measurepoint(
                record.asset_id,
                record.point_id,
                record.value,
                timeout=write.timeout,
                pending_ttl=pending_ttl,
            )

    # Queueing.

    async def _queue(self, write: _Write) -> None:
        """Have EnOS keep a command until its device is there.

        The newer command is queued before an older one to the same point is cancelled: EnOS
        delivers first what came first, so the newer wins, and nothing is lost in between.
        Only where the queue is full it is the other way round.
        """
        record = write.record
        asset_id = record.asset_id
        if not self._allowed:
            # Forbidden while EnOS was asked to carry it out now.
            raise _Refused("locked", Outcome.LOCKED)
        if asset_id not in self._coordinator.devices:
            raise _Refused("device_gone", Outcome.REJECTED)
        record.mode = Mode.CACHED
        waiting = self.queued(asset_id)
        older = [
            other
            for other in waiting
            if other.key == record.key
            and not other.is_service
            and not record.is_service
        ]
        if len(waiting) >= QUEUE_LIMIT:
            if not older:
                raise QueueFullError(code=11902, message="")
            await self._withdrawal.replace(older, record)
            older = []
        # On disk before it is sent: after a kill we have to know what may wait in EnOS.
        record.expires = dt_util.utcnow() + timedelta(seconds=write.queue_for)
        self._queueing[record.id] = record
        await self._memory.async_flush()
        record.expires = dt_util.utcnow() + timedelta(seconds=write.queue_for)
        try:
            await self._transmit(write, pending_ttl=write.queue_for)
        except QueueFullError:
            if not older:
                raise
            # Others queue, too.
            await self._withdrawal.replace(older, record)
            older = []
            await self._transmit(write, pending_ttl=write.queue_for)
        self._queueing.pop(record.id, None)
        self._follow(record, Outcome.QUEUED)
        await self._withdrawal.replace(older, record)
        if self._withdrawal.locked:
            # Forbidden meanwhile.
            self._withdrawal.tidy(asset_id)

    def _follow(self, record: Record, outcome: Outcome) -> None:
        """Leave a command open under an outcome that is not its last."""
        record.end(outcome, final=False)
        self.journal.keep(record)
        self._follower.add(record)
        self.journal.announce(record)

    async def async_cancel(self, asset_id: str, records: Iterable[Record]) -> None:
        """Cancel queued commands of a device and find out what became of them.

        Raises `EnosError` for the first one that could not be cancelled; those before it are.
        """
        await self._withdrawal.async_cancel(asset_id, records)

    # Ends.

    def _failed(self, record: Record, err: EnosError) -> None:
        """Take note of an error of EnOS, or of the way there."""
        self._note_away(record.asset_id, err)
        record.command_id = record.command_id or err.command_id
        outcome = reason_of(err)[1]
        if not err.outcome_unknown:
            record.expires = None
            self._end(record, outcome, err)
            return
        record.code, record.message = err.code, err.message or str(err)
        self._leave_open(record, outcome)

    def _leave_open(self, record: Record, outcome: Outcome) -> None:
        """Find out later what became of a command."""
        record.unclear_since = dt_util.utcnow()
        if record.is_service and outcome is Outcome.NO_REPLY:
            # EnOS's last word, and there is no value that could tell more.
            self._end(record, outcome)
            return
        self._follow(record, outcome)
        # The device may have shown it before EnOS gave up on it.
        self._follower.note_reading(record.key)
        if not record.final:
            self._read_back(record)

    def _point_state(self, record: Record) -> PointState | None:
        """Return what is known of the point that a command writes."""
        return None if record.is_service else self._coordinator.state(*record.key)

    def _read_back(self, record: Record) -> None:
        """Have the device asked for its value: only it can tell."""
        if self._point_state(record):
            self._coordinator.direct.read_back(record.asset_id, (record.point_id,))

    @callback
    def _concluded(self, record: Record, outcome: Outcome, final: bool) -> None:
        """Take what was found out about an open command."""
        if final and outcome is record.outcome and outcome is not Outcome.QUEUED:
            record.final = True
        else:
            record.end(outcome, final=final)
        if outcome in WELL:
            # They told of a reply that was lost, not of the command.
            record.code, record.message = None, ""
        elif outcome is Outcome.NOT_SENT:
            record.expires = None
        shown = self._masking.get(record.key)
        if outcome is Outcome.SUCCEEDED and shown and shown.serial <= record.serial:
            # What samples contradict from now on is this command's doing, nobody else's.
            del self._masking[record.key]
            self._coordinator.outdate_mask(record.key)
        delivered = outcome is Outcome.SUCCEEDED and record.fate is None
        if delivered or (outcome is Outcome.NO_REPLY and not final):
            self._read_back(record)
        self.journal.announce(record)
        if record.waits:
            # It is known only now that it waits.
            self._withdrawal.tidy(record.asset_id)

    def _note_away(self, asset_id: str, err: EnosError) -> None:
        """Remember that EnOS called a device away."""
        status = _AWAY.get(type(err))
        if status is not None:
            self._away[asset_id] = (time.monotonic(), err)
            self._coordinator.note_status(asset_id, status)

    @callback
    def _dropped(
        self,
        job: Job[_Write, None],
        reason: Dropped,
        replacement: Job[_Write, None] | None,
    ) -> None:
        """Record a command that was never sent."""
        record = job.payload.record
        if replacement is not None:
            record.replaced_by = replacement.payload.record.id
        self._end(record, _DROPPED[reason][1])

    def _end(
        self, record: Record, outcome: Outcome, err: EnosError | None = None
    ) -> None:
        """Close a command's record and tell of it."""
        record.end(outcome)
        if err is not None:
            record.code = err.code
            record.message = err.message or str(err)
        self.journal.keep(record)
        self.journal.announce(record)

    @callback
    def _note_fate(self, key: PointKey, fate: Fate) -> None:
        """Write into the record what the samples after a good write said."""
        record = self._masking.pop(key, None)
        if record is None:
            return
        if fate is Fate.OVERRIDDEN and self._by_ours(key):
            return
        record.fate = fate
        if fate is Fate.OVERRIDDEN:
            record.outcome = Outcome.OVERRIDDEN
            self.journal.announce(record)

    def _by_ours(self, key: PointKey) -> bool:
        """Tell whether a point's value is that of a command of ours whose end is not known."""
        state = self._coordinator.state(*key)
        reading = state.reading if state is not None else None
        return (
            state is not None
            and reading is not None
            and any(
                other.key == key
                and not other.is_service
                and same(state.point, reading.value, other.value)
                for other in self._follower.of(key[0])
            )
        )
