"""The order of writes: a lane per device, first in, first out.

Pure asyncio: knows neither Home Assistant nor HTTP. What is sent and how is the caller's;
here stands only when, in which order, and who is told what became of it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

LANE_LIMIT: Final = 50
TOTAL_LIMIT: Final = 250
UNLOAD_GRACE: Final = 5.0


class Dropped(Enum):
    """Why a job ended without having been sent."""

    SUPERSEDED = "superseded"
    BUSY = "busy"
    FULL = "full"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class NotSent(Exception):
    """The job was not sent, for the reason it carries."""

    def __init__(self, reason: Dropped) -> None:
        """Keep the reason."""
        super().__init__(reason.value)
        self.reason = reason


class Abandoned(Exception):
    """The job was cut off on its way, as by closing; what became of it is unknown."""


@dataclass(slots=True, eq=False)
class _Ticket[ResultT]:
    """What the callers of a job wait for; goes over to the job that replaces it."""

    future: asyncio.Future[ResultT]
    callers: int = 0


@dataclass(slots=True, eq=False)
class Job[PayloadT, ResultT]:
    """One thing to send. `key` names what a newer job may replace; None is never replaced.

    Times are in seconds of the lanes' clock.
    """

    lane: str
    key: Hashable | None
    payload: PayloadT
    deadline: float
    ticket: _Ticket[ResultT] = field(repr=False)
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


class Lanes[PayloadT, ResultT]:
    """Sends jobs, one at a time per lane and at most `total_limit` at once.

    * A job takes the place of a waiting one with the same key, callers included, and goes to
      the end of its lane: it never overtakes an earlier job with another key.
    * A job that could not be sent by its deadline is dropped as busy; a lane holds at most
      `lane_limit` waiting jobs.
    * A caller that goes away leaves a sent job running; a waiting job whose last caller
      went is dropped.

    `send` performs a job and returns or raises what its callers get. `dropped` hears of each
    job that ends unsent, and of the job that replaced it, if one did.
    """

    def __init__(
        self,
        send: Callable[[Job[PayloadT, ResultT]], Awaitable[ResultT]],
        dropped: Callable[
            [Job[PayloadT, ResultT], Dropped, Job[PayloadT, ResultT] | None], None
        ],
        *,
        clock: Callable[[], float],
        lane_limit: int = LANE_LIMIT,
        total_limit: int = TOTAL_LIMIT,
    ) -> None:
        """Take sender and clock; `clock` must run like the loop's."""
        self._send = send
        self._dropped = dropped
        self._clock = clock
        self._lane_limit = lane_limit
        self._slots = asyncio.Semaphore(total_limit)
        self._waiting: dict[str, deque[Job[PayloadT, ResultT]]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def waiting(self, lane: str) -> int:
        """Return how many jobs of a lane wait to be sent."""
        return len(self._waiting.get(lane, ()))

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits and nothing is on its way."""
        return not self._workers

    async def submit(
        self, lane: str, key: Hashable | None, payload: PayloadT, *, patience: float
    ) -> ResultT:
        """Queue a job and wait for its end, or that of the job that replaces it.

        `patience` is how many seconds it may wait for its turn. Raises `NotSent`,
        `Abandoned`, or what the sender raised.
        """
        loop = asyncio.get_running_loop()
        queue = self._waiting.setdefault(lane, deque())
        older = next((job for job in queue if key is not None and job.key == key), None)
        ticket: _Ticket[ResultT]
        if older is None:
            ticket = _Ticket(loop.create_future())
            # Nobody may be left to hear of a failure; that is not an error of its own.
            ticket.future.add_done_callback(
                lambda future: future.cancelled() or future.exception()
            )
        else:
            ticket = older.ticket
        job = Job(lane, key, payload, self._clock() + patience, ticket)
        refusal = None
        if self._closed:
            refusal = Dropped.CLOSED
        elif older is None and len(queue) >= self._lane_limit:
            refusal = Dropped.FULL
        if refusal is not None:
            self._forget_empty(lane)
            self._dropped(job, refusal, None)
            raise NotSent(refusal)
        if older is not None:
            self._take_out(older)
        queue.append(job)
        if lane not in self._workers:
            # Not in a later turn of the loop: what need not wait is sent before this goes on.
            asyncio.Task(
                self._work(lane), loop=loop, name=f"EnOS lane {lane}", eager_start=True
            )
        if queue and queue[-1] is job:
            job.timer = loop.call_later(patience, self._drop, job, Dropped.BUSY)
        if older is not None:
            # Last: who hears of it may submit in turn.
            self._dropped(older, Dropped.SUPERSEDED, job)
        return await self._wait(job)

    async def _wait(self, job: Job[PayloadT, ResultT]) -> ResultT:
        """Wait apart: what is on its way goes on without its caller.

        Not by `shield`: where the caller is gone it has a later failure logged as an error.
        """
        ticket = job.ticket
        ticket.callers += 1
        try:
            await asyncio.wait((ticket.future,))
            return ticket.future.result()
        finally:
            ticket.callers -= 1
            if ticket.callers == 0 and not ticket.future.done():
                for waiting in self._waiting.get(job.lane, ()):
                    if waiting.ticket is ticket:
                        self._drop(waiting, Dropped.CANCELLED)
                        break

    async def _work(self, lane: str) -> None:
        """Send what waits in a lane until nothing does.

        Starts at once; its first job may end, and bring others about, before `submit` goes on.
        """
        worker = asyncio.current_task()
        assert worker is not None
        self._workers[lane] = worker
        queue = self._waiting[lane]
        try:
            while queue:
                async with self._slots:
                    # Meanwhile the queue may have changed, even to nothing.
                    if queue and self._clock() > queue[0].deadline:
                        # The loop was held up, and the job's timer with it.
                        self._drop(queue[0], Dropped.BUSY)
                    elif queue:
                        await self._perform(queue.popleft())
        finally:
            del self._workers[lane]
            self._forget_empty(lane)

    async def _perform(self, job: Job[PayloadT, ResultT]) -> None:
        """Send one job and tell its callers."""
        if job.timer is not None:
            job.timer.cancel()
        future = job.ticket.future
        try:
            result = await self._send(job)
        except asyncio.CancelledError:
            if not future.done():
                future.set_exception(Abandoned())
            worker = asyncio.current_task()
            if worker is None or worker.cancelling():
                raise
            # Something inside the sender was cancelled, not the lane: that goes on.
        except Exception as err:  # noqa: BLE001 - handed on to those who wait for it
            if not future.done():
                future.set_exception(err)
        else:
            if not future.done():
                future.set_result(result)

    def _take_out(self, job: Job[PayloadT, ResultT]) -> None:
        """Remove a waiting job from its lane."""
        self._waiting[job.lane].remove(job)
        if job.timer is not None:
            job.timer.cancel()

    def _drop(self, job: Job[PayloadT, ResultT], reason: Dropped) -> None:
        """End a waiting job unsent."""
        self._take_out(job)
        if not job.ticket.future.done():
            job.ticket.future.set_exception(NotSent(reason))
        self._dropped(job, reason, None)

    def _forget_empty(self, lane: str) -> None:
        """Keep no queue for a device that nothing is written to."""
        if lane not in self._workers and not self._waiting.get(lane):
            self._waiting.pop(lane, None)

    async def close(self, grace: float = UNLOAD_GRACE) -> None:
        """Take nothing more, drop what waits, give what is on its way `grace` seconds."""
        self._closed = True
        for queue in list(self._waiting.values()):
            for job in list(queue):
                self._drop(job, Dropped.CLOSED)
        workers = list(self._workers.values())
        if not workers:
            return
        try:
            await asyncio.wait(workers, timeout=grace)
        finally:
            # Also where whoever closes cannot wait any longer.
            for worker in workers:
                worker.cancel()
        await asyncio.wait(workers)
