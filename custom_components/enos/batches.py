"""The calls of a round, and what EnOS refuses of them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .api.client import MAX_LATEST
from .api.errors import (
    CredentialsError,
    EnosError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    TokenRefusedError,
)
from .const import LOGGER
from .polling import Batch, plan

type PointKey = tuple[str, str]
"""Asset id and measurepoint id."""

_PARALLEL_READS: Final = 4
# Refusals that a round pays to find culprits; to see whether known ones are still refused.
_REFUSALS_A_ROUND: Final = 40
_REFUSALS_OF_KNOWN: Final = 10
_INVALID_ARGUMENT: Final = 80400
# With these every other call of the round would end as well.
_FOR_ALL: Final = (CredentialsError, TokenRefusedError, RateLimitError)


@dataclass(slots=True)
class _Budget:
    """How many more refusals are worth the search."""

    left: int
    known: bool = False


class BatchReader:
    """Asks for everything that is wanted, in as few calls as EnOS allows.

    A refused call is halved until the culprits are found: an asset without rights, an unknown
    asset or point, or a call that is just too large. Culprits are left out until `ask_again`.
    What a round could not look into stands apart as suspect and is asked in the next one, so
    that it costs nobody else an answer.
    """

    def __init__(self, ask: Callable[[Batch], Awaitable[None]]) -> None:
        """Start with nothing refused. `ask` performs one call and takes its answer."""
        self._ask = ask
        self.limit = MAX_LATEST
        self.refused_assets: dict[str, EnosError] = {}
        self.excluded: dict[PointKey, EnosError] = {}
        self._suspects: dict[PointKey, None] = {}
        self._unclear: list[tuple[Batch, EnosError]] = []
        self._answered = False
        self._plan: tuple[Batch, ...] | None = None
        self._again = False
        self._first = 0

    def adopt(self, earlier: BatchReader) -> None:
        """Take over what an earlier run found out."""
        self.limit = earlier.limit
        self.refused_assets = dict(earlier.refused_assets)
        self.excluded = dict(earlier.excluded)

    def forget(self, asset_id: str) -> None:
        """Drop everything known of a device."""
        self.refused_assets.pop(asset_id, None)
        for keys in (self.excluded, self._suspects):
            for key in [key for key in keys if key[0] == asset_id]:
                del keys[key]
        self._plan = None

    @property
    def planned(self) -> tuple[Batch, ...]:
        """The calls of a round as they were planned last."""
        return self._plan or ()

    def replan(self) -> None:
        """Plan anew: what is wanted changed."""
        self._plan = None

    def ask_again(self) -> None:
        """Have the next round see whether what was refused still is."""
        self._again = True

    async def run(
        self, wanted: Mapping[str, Collection[str]]
    ) -> list[EnosError | None]:
        """Make the calls of a round; return the trouble of each. They fail alone.

        But after trouble that is the account's no more are made, and the next round begins
        with these.
        """
        search = _Budget(_REFUSALS_A_ROUND)
        calls = [(batch, search) for batch in self._batches(wanted)]
        if self._again:
            self._again = False
            look = _Budget(_REFUSALS_OF_KNOWN, known=True)
            calls += [(batch, look) for batch in self._refused(wanted)]
        first = self._first % max(1, len(calls))
        calls = calls[first:] + calls[:first]
        self._answered = False
        self._unclear.clear()
        made = 0
        stop: EnosError | None = None
        gate = asyncio.Semaphore(_PARALLEL_READS)

        async def read(batch: Batch, budget: _Budget) -> EnosError | None:
            nonlocal made, stop
            async with gate:
                if stop is not None:
                    return stop
                try:
                    await self._read(batch, budget)
                except EnosError as err:
                    if isinstance(err, _FOR_ALL):
                        stop = err
                    else:
                        made += 1
                    return err
                made += 1
                return None

        results = await asyncio.gather(*(read(*call) for call in calls))
        self._first = 0 if stop is None else first + made
        for batch, err in self._unclear:
            self._put_aside(batch, err)
        return results

    def _batches(self, wanted: Mapping[str, Collection[str]]) -> tuple[Batch, ...]:
        """Return the plan, and the suspects apart from it."""
        if self._plan is None:
            self._plan = plan(
                {
                    asset: [
                        point
                        for point in points
                        if (asset, point) not in self.excluded
                        and (asset, point) not in self._suspects
                    ]
                    for asset, points in wanted.items()
                    if asset not in self.refused_assets
                },
                self.limit,
            )
        return (*self._plan, *self._plan_of(self._suspects, wanted))

    def _refused(self, wanted: Mapping[str, Collection[str]]) -> tuple[Batch, ...]:
        """Return calls for what was refused, what was longest not asked for first."""
        return (
            *plan(
                {asset: wanted.get(asset, ()) for asset in self.refused_assets},
                self.limit,
            ),
            *self._plan_of(self.excluded, wanted),
        )

    def _plan_of(
        self, keys: Iterable[PointKey], wanted: Mapping[str, Collection[str]]
    ) -> tuple[Batch, ...]:
        """Return calls for some of what is wanted."""
        some: dict[str, list[str]] = {}
        for asset, point in keys:
            if asset not in self.refused_assets and point in wanted.get(asset, ()):
                some.setdefault(asset, []).append(point)
        return plan(some, self.limit)

    async def _read(self, batch: Batch, budget: _Budget) -> bool:
        """Read one batch, in parts where EnOS wants that. Returns whether all was answered.

        Raises where nothing of it was answered for a reason that is not the batch's own.
        """
        try:
            await self._ask(batch)
        except (PayloadTooLargeError, PermissionDeniedError, NotFoundError) as err:
            budget.left -= 1
            denied = isinstance(err, PermissionDeniedError)
            if batch.size == 1 or (denied and len(batch.asset_ids) == 1):
                self._leave_out(batch, err)
                return False
            if budget.left < 0:
                if not budget.known:
                    self._unclear.append((batch, err))
                return False
            # An invalid argument is the number of points or one of them, not an asset.
            bad_point = err.code == _INVALID_ARGUMENT
            if bad_point and len(batch.point_ids) == 1:
                ends = (
                    Batch(batch.asset_ids[:1], batch.point_ids),
                    Batch(batch.asset_ids[-1:], batch.point_ids),
                )
                if not any([await self._read(end, budget) for end in ends]):
                    self._leave_out(batch, err)
                    return False
            halves = batch.halves(points_first=bad_point) or ()
            answered = [await self._read(half, budget) for half in halves]
            if all(answered) and isinstance(err, PayloadTooLargeError):
                # Only the size was wrong, not something in it: remember the right one.
                self.limit = min(self.limit, max(half.size for half in halves))
                self._plan = None
            return all(answered)
        self._note_answered(batch)
        return True

    def _note_answered(self, batch: Batch) -> None:
        self._answered = True
        for asset in batch.asset_ids if self.refused_assets else ():
            if self.refused_assets.pop(asset, None) is not None:
                self._plan = None
        if self.excluded or self._suspects:
            for key in _pairs(batch):
                if key in self.excluded or key in self._suspects:
                    self.excluded.pop(key, None)
                    self._suspects.pop(key, None)
                    self._plan = None

    def _leave_out(self, batch: Batch, err: EnosError) -> None:
        """Leave out what is refused for itself."""
        if isinstance(err, PermissionDeniedError):
            for asset in batch.asset_ids:
                if self.refused_assets.pop(asset, None) is None:
                    LOGGER.debug("Values of asset %s are refused: %s", asset, err)
                    self._plan = None
                # To the end: the others are looked at before it the next time.
                self.refused_assets[asset] = err
            return
        for key in _pairs(batch):
            self._suspects.pop(key, None)
            if self.excluded.pop(key, None) is None:
                LOGGER.debug("Values of %s %s are refused: %s", *key, err)
                self._plan = None
            self.excluded[key] = err

    def _put_aside(self, batch: Batch, err: EnosError) -> None:
        """Leave out what was refused in company.

        Where nothing at all was answered it is not the batch: a right is missing.
        """
        if not self._answered:
            self._leave_out(batch, err)
            return
        for key in _pairs(batch):
            if key not in self._suspects:
                self._suspects[key] = None
                self._plan = None


def _pairs(batch: Batch) -> Iterable[PointKey]:
    return ((asset, point) for asset in batch.asset_ids for point in batch.point_ids)
