"""What became of a command: one record each, from the call to its end. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
import time
from typing import Any, Final, Self

from homeassistant.core import Context
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_at_time

from .api.models import JsonValue, Measurepoint, Reading
from .batches import PointKey
from .knowledge import Fate
from .values import same


class Outcome(StrEnum):
    """How a command ended, or how far it is. `WAITING` never leaves this integration."""

    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    QUEUED = "queued"
    SUPERSEDED = "superseded"
    DEVICE_OFFLINE = "device_offline"
    DEVICE_INACTIVE = "device_inactive"
    NOT_SENT = "not_sent"
    NO_REPLY = "no_reply"
    UNKNOWN = "unknown"
    OVERRIDDEN = "overridden"
    QUEUE_FULL = "queue_full"
    NOT_ENCODABLE = "not_encodable"
    REJECTED = "rejected"
    PERMISSION_DENIED = "permission_denied"
    RATE_LIMITED = "rate_limited"
    LOCKED = "locked"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


OUTCOMES: Final = tuple(
    outcome.value for outcome in Outcome if outcome is not Outcome.WAITING
)
"""The outcomes of the public contract."""

WELL: Final = frozenset({Outcome.SUCCEEDED, Outcome.QUEUED, Outcome.SUPERSEDED})
"""Outcomes that are no cause for concern; a superseded command has its successor's."""


class Mode(StrEnum):
    """How a command goes to its device."""

    INSTANT = "instant"
    CACHED = "cached"


# Clocks may be set back.
_SERIALS: Final = count(1)


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One command.

    `command_id` is EnOS's, empty until it is known. `value` and `value_before`
    are as they go on the wire; of a service `value` holds its inputs. `before` is the reading
    when the command went on the wire. `product_key` tells later whether the device is still
    one of ours. `final` is false while the outcome may yet change by what EnOS or the device
    tells. `unclear_since` is when the outcome became unknown. `duration` is in seconds from
    the call to the outcome. `serial` orders the commands of a run; it is 0 for those of earlier ones.
    """

    asset_id: str
    point_id: str
    value: JsonValue
    context: Context | None = None
    is_service: bool = False
    product_key: str = ""
    at: datetime
    mode: Mode = Mode.INSTANT
    value_before: JsonValue = None
    before: Reading | None = None
    command_id: str = ""
    outcome: Outcome = Outcome.WAITING
    final: bool = False
    ended: datetime | None = None
    code: int | None = None
    message: str = ""
    duration: float | None = None
    expires: datetime | None = None
    unclear_since: datetime | None = None
    replaced_by: str = ""
    output: JsonValue = None
    fate: Fate | None = None
    serial: int = 0
    _started: float | None = None
    _id: str = ""
    _telling: bool = True
    _shown: tuple[Measurepoint, tuple[JsonValue, ...]] | None = None

    @classmethod
    def begin(cls, asset_id: str, point_id: str, value: JsonValue, **more: Any) -> Self:
        """Return the record of a command that begins now."""
        return cls(
            asset_id=asset_id,
            point_id=point_id,
            value=value,
            at=dt_util.utcnow(),
            serial=next(_SERIALS),
            _started=time.monotonic(),
            **more,
        )

    @property
    def id(self) -> str:
        """Our id, made when it is asked for the first time: most commands are sent by then."""
        if not self._id:
            self._id = ulid_at_time(self.at.timestamp())
        return self._id

    @property
    def key(self) -> PointKey:
        """The point, as the coordinator names it."""
        return self.asset_id, self.point_id

    @property
    def waits(self) -> bool:
        """Whether EnOS keeps it for its device, as far as is known."""
        return self.outcome is Outcome.QUEUED

    @property
    def telling(self) -> bool:
        """Whether a sample with the written value proves that the command was carried out.

        Not where the point had it, or was about to show it, or where another command writes it.
        """
        if self._shown is not None:
            point, values = self._shown
            self._shown = None
            self._telling = not any(same(point, value, self.value) for value in values)
        return self._telling

    @telling.setter
    def telling(self, telling: bool) -> None:
        """Take what is known of it otherwise."""
        self._shown = None
        self._telling = telling

    def note_shown(self, point: Measurepoint, *values: JsonValue) -> None:
        """Take what the point showed, or was about to show, when the command was sent.

        Compared only once it matters: for most commands it never does.
        """
        self._shown = point, values

    def end(self, outcome: Outcome, *, final: bool = True) -> None:
        """Take an outcome, be it the last or not."""
        self.outcome = outcome
        self.final = final
        self.ended = dt_util.utcnow()
        # Of a command of an earlier run only the clock on the wall can tell.
        self.duration = round(
            time.monotonic() - self._started
            if self._started is not None
            else (self.ended - self.at) / timedelta(seconds=1),
            3,
        )

    def as_stored(self) -> dict[str, Any]:
        """Return what of an open command has to survive a restart."""
        before, context = self.before, self.context
        return {
            "id": self.id,
            "asset_id": self.asset_id,
            "point_id": self.point_id,
            "product_key": self.product_key,
            "is_service": self.is_service,
            "value": self.value,
            "value_before": self.value_before,
            "before": [before.value, before.time] if before else None,
            "context": [context.id, context.user_id, context.parent_id]
            if context
            else None,
            "at": self.at.isoformat(),
            "mode": self.mode,
            "outcome": self.outcome,
            "command_id": self.command_id,
            "code": self.code,
            "message": self.message,
            "expires": _as_text(self.expires),
            "unclear_since": _as_text(self.unclear_since),
            "telling": self.telling,
            "replaced_by": self.replaced_by,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return an open command of an earlier run."""
        before, context = stored["before"], stored["context"]
        return cls(
            _id=stored["id"],
            asset_id=stored["asset_id"],
            point_id=stored["point_id"],
            product_key=stored["product_key"],
            is_service=stored["is_service"],
            value=stored["value"],
            value_before=stored["value_before"],
            before=Reading(*before) if before else None,
            context=Context(id=context[0], user_id=context[1], parent_id=context[2])
            if context
            else None,
            at=_moment(stored["at"]),
            mode=Mode(stored["mode"]),
            outcome=Outcome(stored["outcome"]),
            command_id=stored["command_id"],
            code=stored["code"],
            message=stored["message"],
            expires=_as_moment(stored["expires"]),
            unclear_since=_as_moment(stored["unclear_since"]),
            _telling=stored["telling"],
            replaced_by=stored["replaced_by"],
        )


def _as_text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _as_moment(text: str | None) -> datetime | None:
    return _moment(text) if text is not None else None


def _moment(text: str) -> datetime:
    """Read a time. Raises `ValueError`, also for one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {text}")
    return moment
