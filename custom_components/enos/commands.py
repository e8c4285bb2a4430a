"""Writing: lanes, client and Home Assistant together; every command leaves one record."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
import time
from typing import Final

from homeassistant.core import Context, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .api.client import EnosClient
from .api.errors import DeviceInactiveError, DeviceOfflineError, EnosError, error_for
from .api.models import DeviceStatus, JsonValue
from .batches import PointKey
from .coordinator import EnosCoordinator
from .exceptions import reason_of, write_failed
from .knowledge import Fate
from .lanes import Abandoned, Dropped, Job, Lanes, NotSent

TIMEOUT: Final = 30
"""Seconds that a device may take to answer an instant command."""

_PATIENCE: Final = 30.0
_AWAY_REMEMBERED: Final = 10.0
_RECORDS: Final = 200

_AWAY: Final[dict[type[EnosError], DeviceStatus]] = {
    DeviceOfflineError: DeviceStatus.OFFLINE,
    DeviceInactiveError: DeviceStatus.INACTIVE,
}

# How a job that was never sent ended: translation key (none where nobody is left to hear
# of it) and outcome.
_DROPPED: Final[dict[Dropped, tuple[str, str]]] = {
    Dropped.SUPERSEDED: ("", "superseded"),
    Dropped.CANCELLED: ("cancelled", "cancelled"),
    Dropped.BUSY: ("busy", "not_sent"),
    Dropped.FULL: ("busy", "not_sent"),
    Dropped.CLOSED: ("unloading", "not_sent"),
}


@dataclass(slots=True, kw_only=True)
class Record:
    """What became of one command. `duration` is in seconds from the call to the end."""

    asset_id: str
    point_id: str
    value: JsonValue
    context: Context | None
    at: datetime
    mode: str = "instant"
    value_before: JsonValue = None
    command_id: str = ""
    outcome: str = "waiting"
    code: int | None = None
    message: str = ""
    duration: float | None = None
    fate: Fate | None = None


@dataclass(slots=True)
class _Write:
    """What a lane carries."""

    record: Record
    timeout: int
    started: float


class Commands:
    """Writes measurepoints of one account.

    `records` holds the last commands, oldest first.
    """

    def __init__(self, client: EnosClient, coordinator: EnosCoordinator) -> None:
        """Start with empty lanes."""
        self._client = client
        self._coordinator = coordinator
        self._lanes: Lanes[_Write, str] = Lanes(
            self._send, self._dropped, clock=time.monotonic
        )
        self._away: dict[str, tuple[float, EnosError]] = {}
        self.records: deque[Record] = deque(maxlen=_RECORDS)
        coordinator.on_fate = self._note_fate

    def adopt(self, records: Iterable[Record]) -> None:
        """Take over the history of an earlier run."""
        self.records.extend(records)

    async def close(self) -> None:
        """Drop what waits, give what is on its way five seconds."""
        await self._lanes.close()

    def waiting(self, asset_id: str) -> int:
        """Return how many commands wait for a device's turn."""
        return self._lanes.waiting(asset_id)

    async def async_write(
        self,
        asset_id: str,
        point_id: str,
        value: JsonValue,
        *,
        context: Context | None,
        names: dict[str, str],
        timeout: int = TIMEOUT,
    ) -> None:
        """Write a value as it goes on the wire; return when the device acknowledged it.

        `names` holds the placeholders `device`, `point` and `value` of the error texts.
        Raises `HomeAssistantError` with the reason where the value was not accepted, or
        where nobody knows whether it was.
        """
        record = Record(
            asset_id=asset_id,
            point_id=point_id,
            value=value,
            context=context,
            at=dt_util.utcnow(),
        )
        write = _Write(record, timeout, time.monotonic())
        try:
            self._refuse_from_memory(write)
            await self._lanes.submit(
                asset_id, point_id, write, patience=timeout + _PATIENCE
            )
        except EnosError as err:
            raise self._error(reason_of(err)[0], err, names) from err
        except NotSent as err:
            raise self._error(_DROPPED[err.reason][0], None, names) from err
        except Abandoned as err:
            raise self._error("unknown_outcome", None, names) from err

    def _error(
        self, key: str, err: EnosError | None, names: dict[str, str]
    ) -> HomeAssistantError:
        """Return the error for the caller."""
        code = err.code if err is not None else None
        message = (err.message or str(err)) if err is not None else ""
        return write_failed(
            key,
            {
                **names,
                "code": str(code) if code is not None else "-",
                "message": message,
            },
        )

    def _refuse_from_memory(self, write: _Write) -> None:
        """Refuse at once what EnOS refused a moment ago because the device is away.

        Voice assistants wait for a fraction of a second only: an error that comes later is
        not heard.
        """
        asset_id = write.record.asset_id
        said = self._away.get(asset_id)
        if said is None:
            return
        moment, err = said
        if time.monotonic() - moment >= _AWAY_REMEMBERED or (
            self._coordinator.status_of(asset_id) is DeviceStatus.ONLINE
            and self._coordinator.devices_read_at > moment
        ):
            del self._away[asset_id]
            return
        self._end(write, reason_of(err)[1], err)
        raise error_for(err.code or 0, err.message)

    async def _send(self, job: Job[_Write, str]) -> str:
        """Perform one write; the lane tells its callers what is raised here."""
        write = job.payload
        record = write.record
        key: PointKey = (record.asset_id, record.point_id)
        state = self._coordinator.state(*key)
        before = state.reading if state is not None else None
        # Not the reading: that may be older than a write before this one.
        record.value_before = state.value if state is not None else None
        ended = False
        try:
            record.command_id = await self._client.set_measurepoint(
                record.asset_id, record.point_id, record.value, timeout=write.timeout
            )
        except EnosError as err:
            ended = True
            self._note_away(record.asset_id, err)
            self._end(write, reason_of(err)[1], err)
            if err.outcome_unknown:
                # Only the device itself can tell what became of it.
                self._coordinator.direct.read_back(record.asset_id, (record.point_id,))
            raise
        else:
            ended = True
        finally:
            if not ended:
                self._end(write, "unknown", None)
        self._away.pop(record.asset_id, None)
        if self._coordinator.status_of(record.asset_id) in _AWAY.values():
            # Who obeys is there, whatever the last listing said.
            self._coordinator.note_status(record.asset_id, DeviceStatus.ONLINE)
        self._end(write, "succeeded", None)
        self._coordinator.acknowledge(key, record.value, before, record.context)
        return record.command_id

    def _note_away(self, asset_id: str, err: EnosError) -> None:
        """Remember that EnOS called a device away."""
        status = _AWAY.get(type(err))
        if status is not None:
            self._away[asset_id] = (time.monotonic(), err)
            self._coordinator.note_status(asset_id, status)

    @callback
    def _dropped(
        self,
        job: Job[_Write, str],
        reason: Dropped,
        _replacement: Job[_Write, str] | None,
    ) -> None:
        """Record a command that was never sent."""
        self._end(job.payload, _DROPPED[reason][1], None)

    def _end(self, write: _Write, outcome: str, err: EnosError | None) -> None:
        """Close a command's record."""
        record = write.record
        record.outcome = outcome
        record.duration = round(time.monotonic() - write.started, 3)
        if err is not None:
            record.code = err.code
            record.message = err.message or str(err)
        self.records.append(record)

    @callback
    def _note_fate(self, key: PointKey, fate: Fate) -> None:
        """Write into the record what the samples after a good write said."""
        for record in reversed(self.records):
            if (
                record.asset_id,
                record.point_id,
            ) == key and record.outcome == "succeeded":
                record.fate = fate
                return
