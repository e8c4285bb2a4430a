"""Reading one device at a time: points without a storage policy, and values just written."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later

from .api.errors import EnosError, PermissionDeniedError, RateLimitError
from .api.models import AWAY
from .const import LOGGER, VALUES_INTERVAL
from .knowledge import Source

if TYPE_CHECKING:
    from .coordinator import EnosCoordinator

_PROBE_AGAIN: Final = 24 * 3600.0
_PROBED_DEVICES: Final = 3
_DENIED_FOR: Final = 3600.0
_PAUSE: Final = 1.0
_LONGEST_WAIT: Final = 300.0
_READ_BACK_AFTER: Final = (1.0, 3.0, 6.0)
_READ_BACKS: Final = 5


@dataclass(slots=True)
class _Probe:
    """A model whose points no round ever answered, and the devices to ask for them."""

    model: str
    points: set[str]
    candidates: list[str]
    unanswered: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _ReadBack:
    """Points of a device to read until their written values are confirmed."""

    unclear: set[str] = field(default_factory=set)
    attempt: int = 0
    cancel: CALLBACK_TYPE | None = None


class DirectReader:
    """Reads points by `queryLatest`, one device a call.

    The time series service has only points with a storage policy. A point that it returned
    for no device of a model is asked for directly of a few of them; if one answers, the
    point is read that way from then on, device after device, one call a second at most.
    """

    def __init__(self, coordinator: EnosCoordinator) -> None:
        """Start with nothing to read."""
        self._coordinator = coordinator
        self._points: dict[str, set[str]] = {}
        self._probed: dict[tuple[str, str], float] = {}
        self._probes: list[_Probe] = []
        self._round: list[str] = []
        self._calls = 0
        self._rested = True
        self._tick: CALLBACK_TYPE | None = None
        self._stepping = False
        self._read_backs: dict[str, _ReadBack] = {}
        self._gate = asyncio.Semaphore(_READ_BACKS)
        self._stopped = False

    def adopt(self, other: DirectReader) -> None:
        """Take over what an earlier run found out."""
        self._points = {model: set(points) for model, points in other._points.items()}
        self._probed = dict(other._probed)

    @property
    def plan(self) -> dict[str, list[str]]:
        """The points that are read directly, by model."""
        return {model: sorted(points) for model, points in self._points.items()}

    def stop(self) -> None:
        """Stop reading. What is being read ends with the entry's background tasks."""
        self._stopped = True
        if self._tick is not None:
            self._tick()
            self._tick = None
        for read_back in self._read_backs.values():
            if read_back.cancel is not None:
                read_back.cancel()
        self._read_backs.clear()

    def _after(
        self, delay: float, step: Coroutine[Any, Any, None], name: str
    ) -> CALLBACK_TYPE:
        """Run a step after some seconds, as a task of the entry."""
        coordinator = self._coordinator

        @callback
        def start(_now: datetime) -> None:
            coordinator.config_entry.async_create_background_task(
                coordinator.hass, step, f"{coordinator.name} {name}"
            )

        cancel = async_call_later(coordinator.hass, delay, start)

        @callback
        def cancel_both() -> None:
            cancel()
            step.close()

        return cancel_both

    # The slow round: probes, then direct points, one call a second.

    @callback
    def probe(self) -> None:
        """After a round of polling: find out about points that no round ever answered."""
        if not self._probes:
            self._probes = self._due_probes()
        self._go_on(_PAUSE)

    def _go_on(self, delay: float) -> None:
        """Schedule the next call, if there is anything to read and none is scheduled."""
        if self._stopped or self._stepping or self._tick is not None:
            return
        if self._probes or any(self._points.values()):
            self._tick = self._after(delay, self._step(), "direct read")

    def _model_of(self, asset_id: str) -> str:
        """Return what devices with the same points have in common."""
        device = self._coordinator.devices.get(asset_id)
        return (device.model_id or device.product_key if device else "") or asset_id

    def _due_probes(self) -> list[_Probe]:
        """Return the models with points that are due for a direct question."""
        now = time.monotonic()
        due: dict[str, set[str]] = {}
        for asset_id, point_id in self._coordinator.read_alone:
            model = self._model_of(asset_id)
            if (
                point_id not in self._points.get(model, ())
                and now - self._probed.get((model, point_id), -_PROBE_AGAIN)
                >= _PROBE_AGAIN
            ):
                due.setdefault(model, set()).add(point_id)
        if due:
            for asset_id, point_id in self._coordinator.states:
                if not self._coordinator.reads_directly(asset_id, point_id):
                    due.get(self._model_of(asset_id), set()).discard(point_id)
        return [
            _Probe(model, points, candidates)
            for model, points in due.items()
            if points and (candidates := self._candidates(model))
        ]

    def _candidates(self, model: str) -> list[str]:
        """Return up to three devices of a model that are not away."""
        found: list[str] = []
        for asset_id in self._coordinator.devices:
            if (
                self._model_of(asset_id) == model
                and self._coordinator.status_of(asset_id) not in AWAY
            ):
                found.append(asset_id)
                if len(found) == _PROBED_DEVICES:
                    break
        return found

    async def _step(self) -> None:
        """Make one call and schedule the next."""
        self._tick = None
        self._stepping = True
        try:
            pause = await (self._step_probe() if self._probes else self._step_round())
        finally:
            self._stepping = False
        self._go_on(pause)

    async def _step_probe(self) -> float:
        """Ask one device for points of its model; return the seconds to wait."""
        probe = self._probes[0]
        asset_id = probe.candidates.pop(0)
        answered, pause = await self._read(asset_id, sorted(probe.points))
        if answered is None and not self._readable(asset_id, probe.points):
            # Without the right there is nothing to find out for a while.
            self._probed.update(
                {
                    (probe.model, point): time.monotonic() - _PROBE_AGAIN + _DENIED_FOR
                    for point in probe.points
                }
            )
        if answered is not None:
            self._points.setdefault(probe.model, set()).update(answered)
            probe.unanswered.update(probe.points - answered)
            probe.points -= answered
        if not probe.candidates or not probe.points:
            self._probes.remove(probe)
            # Nothing is concluded from devices that could not be asked.
            for point_id in probe.unanswered & probe.points:
                self._probed[probe.model, point_id] = time.monotonic()
        return pause

    async def _step_round(self) -> float:
        """Read the direct points of one device; return the seconds to wait."""
        coordinator = self._coordinator
        if self._rested:
            self._round = list(coordinator.devices)
            self._calls = 0
        self._rested = False
        while self._round:
            asset_id = self._round.pop()
            points = {
                point_id
                for point_id in self._points.get(self._model_of(asset_id), ())
                if point_id in coordinator.wanted(asset_id)
                and coordinator.reads_directly(asset_id, point_id)
            }
            if points and coordinator.status_of(asset_id) not in AWAY:
                self._calls += 1
                answered, pause = await self._read(asset_id, sorted(points))
                for point_id in points - (answered or set()):
                    coordinator.note_missed_read(asset_id, point_id)
                return pause
        self._rested = True
        # Of a few devices the rounds need not follow each other sooner than those of all.
        return max(_PAUSE, VALUES_INTERVAL.total_seconds() - self._calls * _PAUSE)

    async def _read(
        self, asset_id: str, point_ids: list[str]
    ) -> tuple[set[str] | None, float]:
        """Read points of one device.

        Returns those answered, None where the question itself failed, and the seconds to
        wait before the next one.
        """
        coordinator = self._coordinator
        try:
            answers = await coordinator.client.query_latest(asset_id, point_ids)
        except RateLimitError as err:
            LOGGER.debug("Too many requests for direct reads: %s", err)
            return None, min(_LONGEST_WAIT, max(_PAUSE, err.retry_after or 30.0))
        except PermissionDeniedError as err:
            LOGGER.debug("Points of %s cannot be read directly: %s", asset_id, err)
            self._note_readable(asset_id, point_ids, readable=False)
            return None, _PAUSE
        except EnosError as err:
            LOGGER.debug("Direct read of %s failed: %s", asset_id, err)
            return None, _PAUSE
        self._note_readable(asset_id, point_ids, readable=True)
        for point_id in point_ids:
            if (sample := answers.get(point_id)) is not None:
                coordinator.offer((asset_id, point_id), Source.DIRECT, sample)
        return set(answers), _PAUSE

    def _readable(self, asset_id: str, point_ids: Iterable[str]) -> bool:
        """Tell whether the right to read a device directly is there, as far as known."""
        return all(
            state.can_read_back
            for point_id in point_ids
            if (state := self._coordinator.state(asset_id, point_id))
        )

    def _note_readable(
        self, asset_id: str, point_ids: list[str], *, readable: bool
    ) -> None:
        for point_id in point_ids:
            state = self._coordinator.state(asset_id, point_id)
            if state is not None:
                state.can_read_back = readable

    # Read-back after writes.

    @callback
    def read_back(self, asset_id: str, unclear: Iterable[str] = ()) -> None:
        """After a write: read the device's written points until they confirm.

        Points in `unclear` had a write whose outcome nobody knows; they are read each time.
        A further write starts the waiting anew, for all of them.
        """
        if self._stopped:
            return
        read_back = self._read_backs.setdefault(asset_id, _ReadBack())
        if read_back.cancel is not None:
            read_back.cancel()
        read_back.unclear.update(unclear)
        read_back.attempt = 0
        self._schedule(asset_id, read_back)

    def _schedule(self, asset_id: str, read_back: _ReadBack) -> None:
        read_back.cancel = self._after(
            _READ_BACK_AFTER[read_back.attempt],
            self._read_back(asset_id, read_back),
            f"read-back {asset_id}",
        )

    async def _read_back(self, asset_id: str, read_back: _ReadBack) -> None:
        """Read what was written to one device, and again later if that told nothing."""
        read_back.cancel = None
        read_back.attempt += 1
        attempt = read_back.attempt
        coordinator = self._coordinator
        points = {
            point_id
            for point_id in coordinator.wanted(asset_id)
            if (state := coordinator.state(asset_id, point_id)) and state.mask
        } | read_back.unclear
        if points:
            async with self._gate:
                await self._read(asset_id, sorted(points))
        if (
            self._stopped
            or read_back.attempt != attempt
            or read_back.cancel is not None
        ):
            # A further write began the waiting anew.
            return
        if points and attempt < len(_READ_BACK_AFTER):
            self._schedule(asset_id, read_back)
        else:
            self._read_backs.pop(asset_id, None)
