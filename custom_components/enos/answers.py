"""What the calls of the rounds were answered, and which points go without an answer."""

import asyncio
from collections.abc import Collection
from itertools import batched
from typing import TYPE_CHECKING, Final

from .api.latest import LatestCall, LatestChanges, Turn
from .batches import PointKey
from .knowledge import Answered, Source
from .polling import Batch

if TYPE_CHECKING:
    from .coordinator import EnosCoordinator

# Samples after which to look at the clock: states that are written take 50 μs each.
_AT_ONCE: Final = 10

MISSED_ROUNDS: Final = 3
"""Rounds without an answer after which a value is believed no more."""


class _Poll:
    """A call of the plan: what it was answered the last time, and in which round."""

    def __init__(self, batch: Batch, now: int) -> None:
        """Count as answered until now."""
        self.call = LatestCall(batch.asset_ids, batch.point_ids)
        self.answered = Answered(now)

    def begin_anew(self, now: int) -> None:
        """Take the answer that just came as if it were the first one."""
        self.call.forget()
        self.answered = Answered(now)


class Answers:
    """Makes the calls of the rounds and hands over what is new in their answers.

    The points of a call share the note of when it was answered, so that an answer like the
    last one is noted once and not for each of them.
    """

    def __init__(self, coordinator: EnosCoordinator) -> None:
        """Start with no call made."""
        self._coordinator = coordinator
        self._polls: dict[Batch, _Poll] = {}
        self._planned: tuple[Batch, ...] = ()
        self._taking = asyncio.Lock()
        self._look_until = 0

    def forget(self) -> None:
        """Take the next answers whole: points came or went that nobody told the calls of."""
        self._polls.clear()

    async def read(self, batch: Batch) -> None:
        """Make one call for values and take what is new in its answer.

        Answers are taken one after the other and in slices: all else, a write above all, has
        its turn in between.
        """
        coordinator = self._coordinator
        poll = self._polls.get(batch)
        if poll is None:
            poll = self._polls[batch] = _Poll(batch, coordinator.round)
        await coordinator.client.latest_again(poll.call)
        taken = False
        try:
            async with self._taking:
                if (
                    self._polls.get(batch) is not poll
                    or poll.answered.left
                    or coordinator.round - poll.answered.round >= MISSED_ROUNDS
                ):
                    # An answer like the last one speaks for all of its points only if the
                    # last one spoke for them, and if none shows that it went without.
                    poll.begin_anew(coordinator.round)
                    self._polls[batch] = poll
                changes = await poll.call.changes()
                await self._take(batch, poll.answered, changes)
            taken = True
        finally:
            if not taken:
                # A restarted automation cancels the round that it asked for. What was not taken
                # must not count as known.
                self._polls.pop(batch, None)

    async def _take(
        self, batch: Batch, answered: Answered, changes: LatestChanges
    ) -> None:
        """Take what is new in an answer."""
        coordinator = self._coordinator
        answered.round = coordinator.round + 1
        if changes.complete:
            self._note_unanswered(batch, answered, changes.readings)
        for key in changes.lost:
            self._note_lost(key, answered)
        turn = Turn()
        for some in batched(changes.readings.items(), _AT_ONCE, strict=False):
            for key, sample in some:
                coordinator.offer(key, Source.STORED, sample, answered)
            if turn.over:
                await turn.pass_on()
        coordinator.settle_unchanged(answered, changes.readings)

    def _note_unanswered(
        self, batch: Batch, answered: Answered, readings: Collection[PointKey]
    ) -> None:
        """Take note of the points that have no sample in an answer."""
        coordinator = self._coordinator
        for asset_id in batch.asset_ids:
            wanted = coordinator.wanted(asset_id)
            for point_id in batch.point_ids:
                key = (asset_id, point_id)
                if point_id not in wanted or key in readings:
                    continue
                state = coordinator.states[key]
                if state.answered is None:
                    continue
                if state.reading is None:
                    # Never stored so far: no answer is the right answer.
                    if state.answered is not answered:
                        was_missing = coordinator.missing(state)
                        state.answered_by(answered)
                        if was_missing:
                            coordinator.notify(key)
                else:
                    self._note_lost(key, answered)

    def _note_lost(self, key: PointKey, answered: Answered) -> None:
        """Take note of a point that was answered before and is no more."""
        state = self._coordinator.states.get(key)
        if state is not None and state.answered is answered:
            state.answered = Answered(self._coordinator.round)
        self._look()

    # Without an answer.

    def note_round(self, planned: tuple[Batch, ...], *, trouble: bool) -> None:
        """After a round: have the points that were not answered for too long show it.

        `planned` are the calls as they are planned now; what is known of others goes.
        """
        coordinator = self._coordinator
        if trouble or planned is not self._planned:
            self._look()
        if planned is not self._planned or len(self._polls) > len(planned):
            self._planned = planned
            kept = self._polls.keys() & set(planned)
            self._polls = {batch: self._polls[batch] for batch in kept}
        if coordinator.round > self._look_until:
            return
        for key, state in coordinator.states.items():
            if (
                state.answered is not None
                and coordinator.round - state.answered.round == MISSED_ROUNDS
            ):
                coordinator.notify(key)

    def _look(self) -> None:
        """In this round and the next ones, see which points go without an answer."""
        self._look_until = self._coordinator.round + MISSED_ROUNDS + 1
