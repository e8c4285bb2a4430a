"""Drives `Lanes` with steps of any kind on virtual time, and watches every promise it makes."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Any, Final

from custom_components.enos.lanes import Abandoned, Dropped, Job, Lanes, NotSent

from .virtual_time import VirtualTimeLoop, running_loop

_EPSILON: Final = 1e-6
_STUBBORN: Final = 0.5
_LONG: Final = 1000.0
_START: Final = 1000.0
_MANY: Final = 10


class Boom(Exception):
    """What a sender fails with."""


class Ending(StrEnum):
    """How a sender ends."""

    RETURNS = "returns"
    FAILS = "fails"
    FAILS_SHARED = "fails with the same exception as others"
    TIMES_OUT = "gives up what it waited for"
    CANCELS_ITSELF = "something inside it was cancelled"
    STUBBORN_RETURNS = "does not let itself be cancelled at once, then returns"
    STUBBORN_FAILS = "does not let itself be cancelled at once, then fails"


@dataclass(frozen=True, slots=True)
class Submit:
    """A caller comes. `duration` None: the sender does not even wait once; inf: it hangs.

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
    """A caller is cancelled, the latest one or one before it.

    With `again` another one asks for the same at once, as a script in `mode: restart` does.
    """

    back: int
    again: bool = False


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
class Restart:
    """The lanes are closed, then there are new ones."""

    grace: float


@dataclass(frozen=True, slots=True)
class LeaveClose:
    """Whoever closes the lanes is cancelled."""


type Step = Submit | Leave | Pass | Stall | Close | Restart | LeaveClose


@dataclass(frozen=True, slots=True)
class Life:
    """What a lane and the wires hold, what happens, and how it ends.

    `patient`: everything may take its time before the lanes are closed; otherwise they are
    closed in the middle of it.
    """

    lane_limit: int
    total_limit: int
    steps: list[Step]
    patient: bool


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

    step: Submit
    task: asyncio.Task[None] | None = None
    leaving: bool = False
    answered: bool = False


class _Era:
    """Lanes from their beginning to their closing, and a model of what must be true of them."""

    def __init__(self, world: World) -> None:
        """Start with empty lanes."""
        self._world = world
        self._loop = world.loop
        self._check = world.check
        self._counts = world.counts
        self._lane_limit = world.life.lane_limit
        self._total_limit = world.life.total_limit
        self._lanes: Lanes[Planned, str] = Lanes(
            self._send,
            self._dropped,
            clock=self._loop.time,
            lane_limit=self._lane_limit,
            total_limit=self._total_limit,
        )
        self._queues: dict[str, list[Planned]] = {}
        self._wire: dict[str, Planned] = {}
        self._planned: list[Planned] = []
        self._callers: set[_Caller] = set()
        self._expected: list[tuple[Planned, Dropped, Planned | None]] = []
        self._shared = Boom("shared")
        self._patient_until = float("inf")
        self.closed = False
        self._over = False

    # Callers.

    def _announce(self, caller: _Caller) -> Planned:
        """Work out what a submit must lead to."""
        step = caller.step
        planned = Planned(
            self._world.number(), step, self._loop.time() + step.patience, _Ticket()
        )
        self._planned.append(planned)
        queue = self._queues.setdefault(step.lane, [])
        older = next(
            (job for job in queue if step.key is not None and job.step.key == step.key),
            None,
        )
        if self.closed or (older is None and len(queue) >= self._lane_limit):
            reason = Dropped.CLOSED if self.closed else Dropped.FULL
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

    async def call(self, caller: _Caller) -> None:
        """Submit, and compare what comes back with what must."""
        step = caller.step
        planned = self._announce(caller)
        name = f"caller of {planned.number}"
        ticket = planned.ticket
        self._callers.add(caller)
        got: Answer
        try:
            got = await self._lanes.submit(
                step.lane, step.key, planned, patience=step.patience
            )
        except NotSent as err:
            got = err.reason
        except Abandoned:
            got = Abandoned
        except (Boom, TimeoutError) as err:
            got = err
        except asyncio.CancelledError:
            self._check(caller.leaving, f"{name} cancelled")
            self._counts["caller left"] += 1
            raise
        finally:
            ticket.callers.discard(caller)
            self._callers.discard(caller)
        caller.answered = True
        self._check(
            got is not None and got == ticket.answer,
            f"{name} got {got!r} for {ticket.answer!r}",
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
        self._check(not self.closed, f"{name} sent after closing")
        self._check(
            self._loop.time() <= planned.deadline + _EPSILON, f"{name} sent too late"
        )
        self._check(step.lane not in self._wire, f"{name}: its lane was taken")
        self._check(len(self._wire) < self._total_limit, f"{name}: too many at once")
        planned.sent = True
        self._counts["sent"] += 1
        self._wire[step.lane] = planned
        try:
            if step.inner is not None:
                inner = self._world.submit(step.inner, self).task
                if step.inner_awaited and inner is not None:
                    await asyncio.wait((inner,))
            if step.ending is Ending.TIMES_OUT:
                async with asyncio.timeout(step.duration or 0):
                    await self._loop.create_future()
            elif step.duration == inf:
                self._counts["hung"] += 1
                await self._loop.create_future()
            elif step.duration is not None:
                await asyncio.sleep(step.duration)
        except TimeoutError as err:
            planned.ticket.answer = err
            raise
        except asyncio.CancelledError:
            self._check(
                self.closed and self._loop.time() >= self._patient_until - _EPSILON,
                f"{name} was stopped on the wire",
            )
            planned.ticket.answer = Abandoned
            if not step.ending.name.startswith("STUBBORN"):
                self._counts["abandoned"] += 1
                raise
            # A second cancellation ends it for good.
            await asyncio.sleep(_STUBBORN)
        finally:
            del self._wire[step.lane]
        match step.ending:
            case Ending.CANCELS_ITSELF:
                planned.ticket.answer = Abandoned
                raise asyncio.CancelledError
            case Ending.FAILS | Ending.STUBBORN_FAILS:
                error = Boom(planned.number)
            case Ending.FAILS_SHARED:
                error = self._shared
            case _:
                planned.ticket.answer = answer = f"answer {planned.number}"
                return answer
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
        self._counts[reason.value] += 1
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
                    right = self._loop.time() >= planned.deadline - _EPSILON
                case Dropped.CANCELLED:
                    right = all(caller.leaving for caller in ticket.callers)
                case Dropped.CLOSED:
                    right = self.closed
                case _:
                    right = False
            self._check(right, f"{name} must not be {reason}")
        if planned.step.on_drop is not None:
            self._world.submit(planned.step.on_drop, self)

    # Closing.

    async def close(self, grace: float) -> None:
        """Close the lanes and look what is left."""
        self.closed = True
        started, stalled = self._loop.time(), self._world.stalled
        self._patient_until = min(self._patient_until, started + grace)
        busy = bool(self._wire)
        try:
            await self._lanes.close(grace)
        except asyncio.CancelledError:
            self._counts["closing left"] += 1
            return
        took = self._loop.time() - started - (self._world.stalled - stalled)
        self._check(busy or took == 0, "close waited for nothing")
        self._check(took <= grace + _STUBBORN + _EPSILON, "close took too long")
        self._check(not self._wire, "closed with something on the wire")
        self._check(self._lanes.idle, "closed, but not idle")
        self._over = True
        self._counts["closing ended"] += 1

    def hurry(self) -> None:
        """Whoever closes is cancelled: what is on the wire may be stopped from now on."""
        if self.closed:
            self._patient_until = self._loop.time()

    # What must be true.

    def look(self, *, quiet: bool) -> None:
        """Check what must be true at any time, and what where nothing is about to happen."""
        lanes, wire = self._lanes, self._wire
        self._check(not self._expected, f"not reported: {self._expected}")
        for lane, queue in self._queues.items():
            self._check(
                lanes.waiting(lane) == len(queue) <= self._lane_limit,
                f"lane {lane}: {lanes.waiting(lane)} wait, {len(queue)} should",
            )
            self._check(not (self.closed and queue), "something waits after closing")
            self._check(not (queue or lane in wire) or not lanes.idle, "idle at work")
        if not quiet:
            return
        now = self._loop.time() - _EPSILON
        for lane, queue in self._queues.items():
            for planned in queue:
                name = f"job {planned.number}"
                self._check(
                    any(not caller.leaving for caller in planned.ticket.callers),
                    f"{name} waits for nobody",
                )
                self._check(now <= planned.deadline, f"{name} waits beyond its time")
            self._check(
                not queue or lane in wire or len(wire) == self._total_limit,
                f"lane {lane} stands still",
            )
        self._check(
            lanes.idle or bool(wire) or any(self._queues.values()), "at work, but idle"
        )
        self._check(not (self._over and self._callers), "a caller outlived closing")

    def finish(self) -> None:
        """Check what must be true when all is over."""
        self.look(quiet=True)
        self._check(self._lanes.idle, "not idle at the end")
        for planned in self._planned:
            self._check(
                planned.sent is (planned.dropped is None),
                f"job {planned.number} lost: {planned.sent} {planned.dropped}",
            )


class World:
    """Lanes, new ones after each restart, and those who use them."""

    def __init__(self, life: Life) -> None:
        """Begin."""
        self.loop: VirtualTimeLoop = running_loop()
        self.life = life
        self.counts: Counter[str] = Counter()
        self.stalled = 0.0
        self._faults: list[str] = []
        self._jobs = 0
        self._callers: list[_Caller] = []
        self._closers: list[tuple[asyncio.Task[None], _Era]] = []
        self._era = _Era(self)
        self._eras = [self._era]

    async def live(self) -> None:
        """Do each step, let everything come to its end, then look whether nothing is left."""
        for step in self.life.steps:
            await self._perform(step)
            self._look()
        if self.life.patient:
            await asyncio.sleep(_LONG)
            await self.loop.settle()
            self._look()
            await self._probe()
        for era in self._eras:
            await era.close(_STUBBORN)
        # A restart that was under way may have brought new ones.
        await self._era.close(0)
        await self.loop.settle()
        for era in self._eras:
            era.finish()
        for number, caller in enumerate(self._callers):
            self.check(
                caller.answered or caller.leaving, f"caller {number} was not answered"
            )
        self.check(not self.loop.timers, "timers are left")
        self.check(asyncio.all_tasks() == {asyncio.current_task()}, "tasks are left")
        self.check(not self.loop.complaints, f"would be logged: {self.loop.complaints}")
        self._judge()

    def check(self, truth: bool, text: str) -> None:
        """Note what is not as it must be."""
        if not truth:
            self._faults.append(f"{self.loop.time() - _START:.3f} s: {text}")

    def number(self) -> int:
        """Return the number of a new job."""
        self._jobs += 1
        return self._jobs

    def submit(self, step: Submit, era: _Era | None = None) -> _Caller:
        """Have somebody submit, to the lanes of now unless told otherwise."""
        caller = _Caller(step)
        self._callers.append(caller)
        caller.task = asyncio.Task(
            (era or self._era).call(caller), loop=self.loop, eager_start=step.eager
        )
        return caller

    async def _perform(self, step: Step) -> None:
        """Do one step."""
        match step:
            case Submit():
                self.submit(step)
            case Leave(back, again):
                if back < len(self._callers):
                    caller = self._callers[-1 - back]
                    if caller.task is not None and caller.task.cancel():
                        caller.leaving = True
                    if again:
                        self.submit(caller.step)
            case Pass(None):
                await self.loop.settle()
            case Pass(seconds):
                await asyncio.sleep(seconds or 0)
            case Stall(seconds):
                self.stalled += seconds
                self.loop.stall(seconds)
            case Close(grace):
                self._begin(self._era.close(grace))
            case Restart(grace):
                self._begin(self._restart(self._era, grace))
            case LeaveClose():
                for closer, era in self._closers:
                    if closer.cancel():
                        era.hurry()

    def _begin(self, closing: Coroutine[Any, Any, None]) -> None:
        """Have somebody close the lanes of now."""
        self._closers.append((self.loop.create_task(closing), self._era))

    async def _restart(self, era: _Era, grace: float) -> None:
        """Close, and where nobody else did so meanwhile, begin anew."""
        await era.close(grace)
        if era is self._era:
            self._era = _Era(self)
            self._eras.append(self._era)
            self.counts["restarted"] += 1

    async def _probe(self) -> None:
        """See that the wires hold as much as at the beginning, no more and no less."""
        if self.life.total_limit < _MANY:
            for number in range(self.life.total_limit + 1):
                self.submit(Submit(f"probe {number}"))
            await self.loop.settle()
            self._look()

    def _look(self) -> None:
        """Check each era."""
        quiet = not self.loop.ready
        for era in self._eras:
            era.look(quiet=quiet)
        if quiet:
            self._judge()

    def _judge(self) -> None:
        if self._faults:
            raise AssertionError("\n".join(self._faults))
