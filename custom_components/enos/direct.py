"""Reading one device at a time: points without a storage policy, and values just written."""

import asyncio
from collections.abc import Coroutine, Iterable
import time
from typing import TYPE_CHECKING, Any, Final

from .api.errors import EnosError, PermissionDeniedError, RateLimitError
from .api.models import AWAY
from .const import LOGGER, VALUES_INTERVAL
from .knowledge import Source

if TYPE_CHECKING:
    from .coordinator import EnosCoordinator

_PROBE_AGAIN: Final = 24 * 3600.0
_PROBED_DEVICES: Final = 3
_PAUSE: Final = 1.0
_LONGEST_WAIT: Final = 300.0
_READ_BACK_AFTER: Final = (1.0, 3.0, 6.0)
_READ_BACKS: Final = 5


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
        self._gate = asyncio.Semaphore(_READ_BACKS)
        self._probing: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_backs: dict[str, asyncio.Task[None]] = {}
        self._unclear: dict[str, set[str]] = {}
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
        """Stop reading."""
        self._stopped = True
        for task in (self._probing, self._reading, *self._read_backs.values()):
            if task is not None:
                task.cancel()

    def _start(
        self, coroutine: Coroutine[Any, Any, None], name: str
    ) -> asyncio.Task[None]:
        coordinator = self._coordinator
        return coordinator.config_entry.async_create_background_task(
            coordinator.hass, coroutine, f"{coordinator.name} {name}"
        )

    def probe(self) -> None:
        """After a round: find out about points that no round ever answered."""
        if self._probing is None or self._probing.done():
            unstored = self._unstored()
            if unstored and not self._stopped:
                self._probing = self._start(self._probe(unstored), "probe")
        self._read_on()

    def _model_of(self, asset_id: str) -> str:
        """Return what devices with the same points have in common."""
        device = self._coordinator.devices.get(asset_id)
        return (device.model_id or device.product_key if device else "") or asset_id

    def _unstored(self) -> dict[str, set[str]]:
        """Return the points, by model, that are due for a direct question."""
        stored: set[tuple[str, str]] = set()
        missing: set[tuple[str, str]] = set()
        for (asset_id, point_id), state in self._coordinator.states.items():
            pair = (self._model_of(asset_id), point_id)
            (stored if state.stored else missing).add(pair)
        now = time.monotonic()
        due: dict[str, set[str]] = {}
        for model, point_id in missing - stored:
            if (
                point_id not in self._points.get(model, ())
                and now - self._probed.get((model, point_id), -_PROBE_AGAIN)
                >= _PROBE_AGAIN
            ):
                due.setdefault(model, set()).add(point_id)
        return due

    async def _probe(self, due: dict[str, set[str]]) -> None:
        """Ask up to three devices of each model for its points."""
        coordinator = self._coordinator
        for model, point_ids in due.items():
            candidates = [
                asset_id
                for asset_id in coordinator.devices
                if self._model_of(asset_id) == model
                and coordinator.status_of(asset_id) not in AWAY
            ][:_PROBED_DEVICES]
            open_points = set(point_ids)
            asked = False
            for asset_id in candidates:
                if not open_points:
                    break
                answered = await self._read(asset_id, sorted(open_points))
                await asyncio.sleep(_PAUSE)
                if answered is not None:
                    asked = True
                    self._points.setdefault(model, set()).update(answered)
                    open_points -= answered
            if asked:
                now = time.monotonic()
                self._probed.update({(model, point): now for point in point_ids})
        self._read_on()

    def _read_on(self) -> None:
        """Keep the slow round going while there is something to read."""
        idle = self._reading is None or self._reading.done()
        if idle and not self._stopped and any(self._points.values()):
            self._reading = self._start(self._read_rounds(), "direct reads")

    async def _read_rounds(self) -> None:
        """Read the direct points of every device, one a second, round after round."""
        coordinator = self._coordinator
        while True:
            started = time.monotonic()
            for asset_id in list(coordinator.devices):
                direct = self._points.get(self._model_of(asset_id), set())
                point_ids = sorted(direct & coordinator.wanted(asset_id))
                if point_ids and coordinator.status_of(asset_id) not in AWAY:
                    await self._read(asset_id, point_ids)
                    await asyncio.sleep(_PAUSE)
            rest = VALUES_INTERVAL.total_seconds() - (time.monotonic() - started)
            await asyncio.sleep(max(_PAUSE, rest))

    async def _read(self, asset_id: str, point_ids: list[str]) -> set[str] | None:
        """Read points of one device; return those answered, None where nothing was."""
        coordinator = self._coordinator
        try:
            answers = await coordinator.client.query_latest(asset_id, point_ids)
        except RateLimitError as err:
            LOGGER.debug("Too many requests for direct reads: %s", err)
            await asyncio.sleep(
                min(_LONGEST_WAIT, max(_PAUSE, err.retry_after or 30.0))
            )
            return None
        except PermissionDeniedError as err:
            LOGGER.debug("Points of %s cannot be read directly: %s", asset_id, err)
            self._note_readable(asset_id, point_ids, readable=False)
            return None
        except EnosError as err:
            LOGGER.debug("Direct read of %s failed: %s", asset_id, err)
            return None
        self._note_readable(asset_id, point_ids, readable=True)
        for point_id in point_ids:
            sample = answers.get(point_id)
            if sample is not None:
                state = coordinator.state(asset_id, point_id)
                if state is not None and not state.stored:
                    # Rounds of polling say nothing about such a point.
                    state.answered_round = None
                coordinator.offer((asset_id, point_id), Source.DIRECT, sample)
        return set(answers)

    def _note_readable(
        self, asset_id: str, point_ids: list[str], *, readable: bool
    ) -> None:
        for point_id in point_ids:
            state = self._coordinator.state(asset_id, point_id)
            if state is not None:
                state.can_read_back = readable

    def read_back(self, asset_id: str, unclear: Iterable[str] = ()) -> None:
        """After a write: read the device's written points until they confirm.

        Points in `unclear` had a write whose outcome nobody knows; they are read each time.
        A further write starts the waiting anew, for all of them.
        """
        if self._stopped:
            return
        self._unclear.setdefault(asset_id, set()).update(unclear)
        earlier = self._read_backs.get(asset_id)
        if earlier is not None:
            earlier.cancel()
        task = self._start(self._read_back(asset_id), f"read-back {asset_id}")
        self._read_backs[asset_id] = task
        task.add_done_callback(lambda done: self._forget(asset_id, done))

    def _forget(self, asset_id: str, task: asyncio.Task[None]) -> None:
        if self._read_backs.get(asset_id) is task:
            del self._read_backs[asset_id]
            self._unclear.pop(asset_id, None)

    async def _read_back(self, asset_id: str) -> None:
        """Read what was written to one device."""
        coordinator = self._coordinator
        for pause in _READ_BACK_AFTER:
            await asyncio.sleep(pause)
            points = {
                point_id
                for point_id in coordinator.wanted(asset_id)
                if (state := coordinator.state(asset_id, point_id)) and state.mask
            }
            points |= self._unclear.get(asset_id, set())
            if not points:
                return
            async with self._gate:
                await self._read(asset_id, sorted(points))
