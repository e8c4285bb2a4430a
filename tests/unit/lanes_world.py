"""Drives `Lanes` with steps of any kind on virtual time, and watches every promise it makes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from custom_components.enos.lanes import Abandoned, Dropped, Job, Lanes, NotSent

from .virtual_time import VirtualTimeLoop, running_loop

_EPSILON: Final = 1e-6
_STUBBORN: Final = 0.5
_LONG: Final = 1000.0
_START: Final = 1000.0


class Boom(Exception):
    """What a sender fails with."""


class Ending(StrEnum):
    """How a sender ends."""

    RETURNS = "returns"
    FAILS = "fails"
    FAILS_SHARED = "fails with the same exception as others"
    CANCELS_ITSELF = "something inside it was cancelled"
    STUBBORN_RETURNS = "does not let itself be cancelled at once, then returns"
    STUBBORN_FAILS = "does not let itself be cancelled at once, then fails"


@dataclass(frozen=True, slots=True)
class Submit:
    """A caller comes. `duration` None: the sender does not even wait once.

    `inner` is submitted by the sender, which waits for its end with `inner_awaited`;
    `on_drop` by the callback that hears of the job's drop.
    """

    lane: str
    key: str | None = None
    patience: float = 60.0
    duration: float | None = 1.0
    ending: Ending = Ending.RETURNS
    eager: bool = False
    inner: Submit | None = None
    inner_awaited: bool = False
    on_drop: Submit | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """A caller is cancelled, the latest one or one before it."""

    back: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Time passes; None: only what is ready runs, 0: one turn of the loop."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Stall:
    """Time passes while something blocks the loop."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """The lanes are closed."""

    grace: float


@dataclass(frozen=True, slots=True)
class LeaveClose:
    """Whoever closes the lanes is cancelled."""


type Step = Submit | Leave | Pass | Stall | Close | LeaveClose

type Answer = str | Dropped | BaseException | type[Abandoned] | None


@dataclass(slots=True, eq=False)
class _Ticket:
    """Those who get the same answer, and that answer."""

    callers: set[_Caller] = field(default_factory=set)
    answer: Answer = None


@dataclass(slots=True, eq=False)
class Planned:
    """What the world knows of a job."""

    number: int
    step: Submit
    deadline: float
    ticket: _Ticket
    sent: bool = False
    dropped: Dropped | None = None


@dataclass(slots=True, eq=False)
class _Caller:
    """Somebody who submits; `leaving` once cancelled."""

    task: asyncio.Task[None] | None = None
    leaving: bool = False
    answered: bool = False


class World:
    """Lanes, those who use them, and a model of what must be true of them."""

    def __init__(self, lane_limit: int, total_limit: int) -> None:
        """Start with empty lanes."""
        self.loop: VirtualTimeLoop = running_loop()
        self.total_limit = total_limit
        self.lane_limit = lane_limit
        self.lanes: Lanes[Planned, str] = Lanes(
            self._send,
            self._dropped,
            clock=self.loop.time,
            lane_limit=lane_limit,
            total_limit=total_limit,
        )
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self._queues: dict[str, list[Planned]] = {}
        self._wire: dict[str, Planned] = {}
        self._planned: list[Planned] = []
        self._callers: list[_Caller] = []
        self._expected: list[tuple[Planned, Dropped, Planned | None]] = []
        self._shared = Boom("shared")
        self._closed = False
        self._closers: list[asyncio.Task[None]] = []
        self._patient_until = float("inf")
        self._stalled = 0.0

    def _check(self, truth: bool, text: str) -> None:
        if not truth:
            self.faults.append(f"{self.loop.time() - _START:.3f} s: {text}")

    # Callers.

    def submit(self, step: Submit) -> _Caller:
        """Have somebody submit."""
        caller = _Caller()
        self._callers.append(caller)
        caller.task = asyncio.Task(
            self._call(caller, step), loop=self.loop, eager_start=step.eager
        )
        return caller

    def _announce(self, caller: _Caller, step: Submit) -> Planned:
        """Work out what a submit must lead to."""
        planned = Planned(
            len(self._planned), step, self.loop.time() + step.patience, _Ticket()
        )
        self._planned.append(planned)
        queue = self._queues.setdefault(step.lane, [])
        older = next(
            (job for job in queue if step.key is not None and job.step.key == step.key),
            None,
        )
        if self._closed or (older is None and len(queue) >= self.lane_limit):
            reason = Dropped.CLOSED if self._closed else Dropped.FULL
            planned.ticket.answer = reason
            self._expected.append((planned, reason, None))
        else:
            if older is not None:
                planned.ticket = older.ticket
                queue.remove(older)
                self._expected.append((older, Dropped.SUPERSEDED, planned))
            queue.append(planned)
        planned.ticket.callers.add(caller)
        return planned

    async def _call(self, caller: _Caller, step: Submit) -> None:
        """Submit, and compare what comes back with what must."""
        planned = self._announce(caller, step)
        ticket = planned.ticket
        got: Answer
        try:
            got = await self.lanes.submit(
                step.lane, step.key, planned, patience=step.patience
            )
        except NotSent as err:
            got = err.reason
        except Abandoned:
            got = Abandoned
        except Boom as err:
            got = err
        except asyncio.CancelledError:
            self._check(caller.leaving, f"caller of {planned.number} cancelled")
            self.counts["caller left"] += 1
            raise
        finally:
            ticket.callers.discard(caller)
        caller.answered = True
        self._check(
            got is not None and got == ticket.answer,
            f"caller of {planned.number} got {got!r} for {ticket.answer!r}",
        )

    # What the lanes call.

    async def _send(self, job: Job[Planned, str]) -> str:
        """Perform a job as its step says."""
        planned = job.payload
        step = planned.step
        name = f"job {planned.number}"
        queue = self._queues[step.lane]
        self._check(queue[:1] == [planned], f"{name} sent out of order")
        if planned in queue:
            queue.remove(planned)
        self._check(not planned.sent, f"{name} sent twice")
        self._check(planned.dropped is None, f"{name} sent after it was dropped")
        self._check(not self._closed, f"{name} sent after closing")
        self._check(
            self.loop.time() <= planned.deadline + _EPSILON, f"{name} sent too late"
        )
        self._check(step.lane not in self._wire, f"{name}: its lane was taken")
        self._check(len(self._wire) < self.total_limit, f"{name}: too many at once")
        planned.sent = True
        self.counts["sent"] += 1
        self._wire[step.lane] = planned
        try:
            if step.inner is not None:
                inner = self.submit(step.inner).task
                if step.inner_awaited and inner is not None:
                    await asyncio.wait((inner,))
            if step.duration is not None:
                await asyncio.sleep(step.duration)
        except asyncio.CancelledError:
            self._check(
                self._closed and self.loop.time() >= self._patient_until - _EPSILON,
                f"{name} was stopped on the wire",
            )
            planned.ticket.answer = Abandoned
            if not step.ending.name.startswith("STUBBORN"):
                self.counts["abandoned"] += 1
                raise
            # A second cancellation ends it for good.
            await asyncio.sleep(_STUBBORN)
        finally:
            del self._wire[step.lane]
        match step.ending:
            case Ending.RETURNS | Ending.STUBBORN_RETURNS:
                planned.ticket.answer = answer = f"answer {planned.number}"
                return answer
            case Ending.CANCELS_ITSELF:
                planned.ticket.answer = Abandoned
                raise asyncio.CancelledError
            case Ending.FAILS | Ending.STUBBORN_FAILS:
                error = Boom(planned.number)
            case Ending.FAILS_SHARED:
                error = self._shared
        planned.ticket.answer = error
        raise error

    def _dropped(
        self,
        job: Job[Planned, str],
        reason: Dropped,
        replacement: Job[Planned, str] | None,
    ) -> None:
        """Hear of a job that was not sent, and judge whether that is right."""
        planned = job.payload
        name = f"job {planned.number}"
        self.counts[reason.value] += 1
        self._check(planned.dropped is None, f"{name} dropped twice")
        self._check(not planned.sent, f"{name} dropped after it was sent")
        planned.dropped = reason
        new = replacement.payload if replacement is not None else None
        if (planned, reason, new) in self._expected:
            self._expected.remove((planned, reason, new))
        else:
            ticket = planned.ticket
            queue = self._queues[planned.step.lane]
            self._check(planned in queue, f"{name} dropped, but did not wait")
            if planned in queue:
                queue.remove(planned)
            ticket.answer = reason
            self._check(new is None, f"{name} is {reason} with a replacement")
            match reason:
                case Dropped.BUSY:
                    right = self.loop.time() >= planned.deadline - _EPSILON
                case Dropped.CANCELLED:
                    right = all(caller.leaving for caller in ticket.callers)
                case Dropped.CLOSED:
                    right = self._closed
                case _:
                    right = False
            self._check(right, f"{name} must not be {reason}")
        if planned.step.on_drop is not None:
            self.submit(planned.step.on_drop)

    # Closing.

    async def _close(self, grace: float) -> None:
        """Close the lanes and look what is left."""
        self._closed = True
        started, stalled = self.loop.time(), self._stalled
        self._patient_until = min(self._patient_until, started + grace)
        busy = bool(self._wire)
        try:
            await self.lanes.close(grace)
        except asyncio.CancelledError:
            self.counts["close left"] += 1
            return
        took = self.loop.time() - started - (self._stalled - stalled)
        self._check(busy or took == 0, "close waited for nothing")
        self._check(took <= grace + _STUBBORN + _EPSILON, "close took too long")
        self._check(not self._wire, "closed with something on the wire")
        self._check(self.lanes.idle, "closed, but not idle")
        self.counts["closed"] += 1

    # Steps.

    async def perform(self, step: Step) -> None:
        """Do one step, then look whether all is as it must be."""
        match step:
            case Submit():
                self.submit(step)
            case Leave(back):
                if back < len(self._callers):
                    caller = self._callers[-1 - back]
                    if caller.task is not None and caller.task.cancel():
                        caller.leaving = True
            case Pass(None):
                await self.loop.settle()
            case Pass(seconds):
                await asyncio.sleep(seconds or 0)
            case Stall(seconds):
                self._stalled += seconds
                self.loop.stall(seconds)
            case Close(grace):
                self._closers.append(self.loop.create_task(self._close(grace)))
            case LeaveClose():
                for closer in self._closers:
                    if closer.cancel() and self._closed:
                        self._patient_until = self.loop.time()
        self._look()

    def _look(self) -> None:
        """Check what must be true at any time."""
        self._check(not self._expected, f"not reported: {self._expected}")
        for lane, queue in self._queues.items():
            self._check(
                self.lanes.waiting(lane) == len(queue) <= self.lane_limit,
                f"lane {lane}: {self.lanes.waiting(lane)} wait, {len(queue)} should",
            )
            self._check(not (self._closed and queue), "something waits after closing")
            self._check(
                not (queue or lane in self._wire) or not self.lanes.idle, "idle at work"
            )
        if self.loop.ready:
            return
        for lane, queue in self._queues.items():
            for planned in queue:
                self._check(
                    any(not caller.leaving for caller in planned.ticket.callers),
                    f"job {planned.number} waits for nobody",
                )
            self._check(
                not queue or lane in self._wire or len(self._wire) == self.total_limit,
                f"lane {lane} stands still",
            )
        if self.faults:
            raise AssertionError("\n".join(self.faults))

    async def finish(self) -> None:
        """Let everything come to its end, then look whether nothing is left."""
        await asyncio.sleep(_LONG)
        await self.loop.settle()
        self._look()
        for planned in self._planned:
            self._check(
                planned.sent is (planned.dropped is None),
                f"job {planned.number} lost: {planned.sent} {planned.dropped}",
            )
        for number, caller in enumerate(self._callers):
            self._check(
                caller.answered or caller.leaving, f"caller {number} was not answered"
            )
        lanes = self.lanes
        self._check(lanes.idle, "not idle at the end")
        self._check(not lanes._waiting and not lanes._workers, "lanes are kept")
        self._check(lanes._slots._value == self.total_limit, "slots are kept")
        self._check(not self.loop.timers, "timers are left")
        self._check(asyncio.all_tasks() == {asyncio.current_task()}, "tasks are left")
        self._check(
            not self.loop.complaints, f"would be logged: {self.loop.complaints}"
        )
        if self.faults:
            raise AssertionError("\n".join(self.faults))


class Chooser:
    """Makes steps, for whoever chooses: chance, or a search for the shortest failure."""

    LANES: Final = ("a", "b", "c", "d")
    KEYS: Final = (None, "p", "q", "r")
    PATIENCES: Final = (0.0, 0.5, 1.0, 3.0, 10.0, 60.0)
    DURATIONS: Final = (1.0, None, 0.0, 0.3, 2.5, 7.0, 20.0)
    PAUSES: Final = (None, 0.0, 0.0, 0.0, 0.3, 0.5, 1.0, 3.0, 10.0)
    ENDINGS: Final = (Ending.RETURNS, Ending.RETURNS, *Ending)

    def __init__(self, choose: Callable[[int], int]) -> None:
        """Take what chooses a number below another."""
        self._choose = choose

    def one[ItemT](self, items: Sequence[ItemT]) -> ItemT:
        """Choose one of several."""
        return items[self._choose(len(items))]

    def limits(self) -> tuple[int, int]:
        """Choose how much a lane and the wires hold."""
        return self.one((50, 1, 2, 5)), self.one((250, 1, 2, 3))

    def life(self, length: int) -> list[Step]:
        """Choose so many steps; every other life ends with closing and what comes after."""
        steps = [self.step() for _ in range(length)]
        if self._choose(2):
            steps.append(Close(self.one((5.0, 0.0, 1.0))))
            steps.append(Pass(self.one(self.PAUSES)))
            if self._choose(4) == 0:
                steps.append(LeaveClose())
            steps += [self.step(closing=True) for _ in range(self._choose(10))]
        return steps

    def step(self, *, closing: bool = False) -> Step:
        """Choose a step."""
        match self._choose(40 if closing else 34):
            case number if number < 18:
                return self.submit()
            case number if number < 26:
                return Pass(self.one(self.PAUSES))
            case number if number < 32:
                return Leave(self._choose(30))
            case number if number < 34:
                return Stall(self.one((0.5, 3.0, 30.0)))
            case number if number < 36:
                return Close(self.one((5.0, 0.0, 1.0)))
            case _:
                return LeaveClose()

    def submit(self, *, simple: bool = False) -> Submit:
        """Choose a submit; a simple one brings no others about."""
        special = 0 if simple else self._choose(8)
        return Submit(
            self.one(self.LANES),
            self.one(self.KEYS),
            self.one(self.PATIENCES),
            self.one(self.DURATIONS),
            self.one(self.ENDINGS),
            eager=bool(self._choose(2)),
            inner=self.submit(simple=True) if special in {1, 2} else None,
            inner_awaited=special == 1,
            on_drop=self.submit(simple=True) if special == 3 else None,
        )
