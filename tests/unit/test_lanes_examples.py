"""Lanes: the examples that explain what they promise. `test_lanes` drives them at random."""

import asyncio
from collections.abc import Callable, Sequence
import gc
import traceback
from typing import Any
import weakref

import pytest

from custom_components.enos.lanes import Abandoned, Dropped, Job, Lanes, NotSent

from .lanes_world import Boom
from .virtual_time import run, running_loop


class Desk:
    """Lanes with a sender that takes a second, and a record of what it did.

    A payload that is an exception is raised; a float is the seconds that sending takes.
    """

    def __init__(self, **limits: int) -> None:
        """Open the lanes."""
        self.loop = running_loop()
        self.sent: list[object] = []
        self.dropped: list[tuple[object, Dropped, object]] = []
        self.on_drop: Callable[[], Any] = lambda: None
        self.lanes: Lanes[object, str] = Lanes(
            self._send, self._drop, clock=self.loop.time, **limits
        )

    async def _send(self, job: Job[object, str]) -> str:
        self.sent.append(job.payload)
        await asyncio.sleep(job.payload if isinstance(job.payload, float) else 1.0)
        if isinstance(job.payload, BaseException):
            raise job.payload
        return f"did {job.payload}"

    def _drop(
        self, job: Job[object, str], reason: Dropped, by: Job[object, str] | None
    ) -> None:
        self.dropped.append((job.payload, reason, by.payload if by else None))
        self.on_drop()

    def submit(
        self,
        lane: str,
        key: str | None,
        payload: object,
        *,
        patience: float = 60.0,
        eager: bool = False,
    ) -> asyncio.Task[str]:
        """Have a caller of its own submit; `eager` as Home Assistant starts its tasks."""
        return asyncio.Task(
            self.lanes.submit(lane, key, payload, patience=patience),
            loop=self.loop,
            eager_start=eager,
        )


def test_forty_writes_during_a_slow_one_send_one_more() -> None:
    """The last value of a slider is sent, the others are superseded, all callers return."""

    async def main() -> None:
        desk = Desk()
        first = desk.submit("ahu", "speed", "other")
        await desk.loop.settle()
        writes = [desk.submit("ahu", "speed", number) for number in range(39)]
        writes.append(desk.submit("ahu", "speed", 39))
        assert await asyncio.gather(first, *writes) == ["did other"] + 40 * ["did 39"]
        assert desk.sent == ["other", 39]
        assert desk.dropped == [
            (number, Dropped.SUPERSEDED, number + 1) for number in range(39)
        ]
        assert desk.loop.time() == 1002.0

    run(main)


def test_what_need_not_wait_is_sent_before_submit_waits() -> None:
    """Not one turn of the loop lies between a call and its request."""

    async def main() -> None:
        desk = Desk()
        callers = [
            desk.submit("ahu", "speed", 1, eager=True),
            desk.submit("pump", "speed", 2, eager=True),
            desk.submit("ahu", "speed", 3, eager=True),
        ]
        assert desk.sent == [1, 2]
        assert desk.lanes.waiting("ahu") == 1
        assert await asyncio.gather(*callers) == ["did 1", "did 2", "did 3"]

    run(main)


def test_one_at_a_time_also_where_sending_brings_a_write_about_at_once() -> None:
    """An automation hears of a failure, and writes again, before the failed call returns."""

    async def main() -> None:
        loop = running_loop()
        log: list[str] = []
        inner: list[asyncio.Task[str]] = []

        async def send(job: Job[str, str]) -> str:
            log.append(f"{job.payload} begins")
            if job.payload == "first":
                again = lanes.submit("ahu", "speed", "again", patience=1)
                inner.append(asyncio.Task(again, loop=loop, eager_start=True))
            log.append(f"{job.payload} ends")
            return job.payload

        lanes = Lanes(send, lambda *_: None, clock=loop.time)
        assert await lanes.submit("ahu", "speed", "first", patience=1) == "first"
        assert await inner[0] == "again"
        assert log == ["first begins", "first ends", "again begins", "again ends"]
        assert lanes.idle

    run(main)


def test_a_superseding_write_goes_to_the_end() -> None:
    """It does not overtake what was asked of another point before it."""

    async def main() -> None:
        desk = Desk()
        callers = [
            desk.submit("ahu", key, payload)
            for key, payload in (
                ("x", "first"),
                ("mode", "auto"),
                ("speed", "low"),
                ("mode", "off"),
                (None, "reset"),
                (None, "reset again"),
            )
        ]
        await asyncio.gather(*callers)
        assert desk.sent == ["first", "low", "off", "reset", "reset again"]

    run(main)


def test_lanes_run_side_by_side() -> None:
    """A slow device delays no other; at most `total_limit` are sent to at once."""

    async def main() -> None:
        desk = Desk(total_limit=250)
        slow = desk.submit("dead", "x", 30.0)
        others = [desk.submit(f"lane {number}", "x", number) for number in range(499)]
        await desk.loop.settle()
        assert len(desk.sent) == 250
        await asyncio.gather(*others)
        # 249, then 249, then the last one.
        assert desk.loop.time() == 1003.0
        assert await slow == "did 30.0"

    run(main)


def test_a_full_lane_takes_no_more() -> None:
    """Fifty wait; a write that replaces one of them still finds its place."""

    async def main() -> None:
        desk = Desk()
        callers = [desk.submit("ahu", None, "on the wire")]
        await desk.loop.settle()
        callers += [desk.submit("ahu", str(number), number) for number in range(50)]
        await desk.loop.settle()
        assert desk.lanes.waiting("ahu") == 50
        with pytest.raises(NotSent) as refused:
            await desk.submit("ahu", "one more", "too much")
        assert refused.value.reason is Dropped.FULL
        callers.append(desk.submit("ahu", "7", "seven"))
        await asyncio.gather(*callers)
        assert desk.sent[-1] == "seven"
        assert desk.dropped == [
            ("too much", Dropped.FULL, None),
            (7, Dropped.SUPERSEDED, "seven"),
        ]

    run(main)


def test_patience_ends() -> None:
    """What could not be sent in time is not sent later."""

    async def main() -> None:
        desk = Desk()
        first = desk.submit("ahu", "x", 10.0)
        second = desk.submit("ahu", "y", "second", patience=3.0)
        with pytest.raises(NotSent) as busy:
            await second
        assert busy.value.reason is Dropped.BUSY
        assert desk.loop.time() == 1003.0
        await first
        assert desk.sent == [10.0]

    run(main)


def test_nothing_is_sent_late_when_the_loop_was_held_up() -> None:
    """The lane is free and the time is over at the same moment: the time counts."""

    async def main() -> None:
        desk = Desk()
        first = desk.submit("ahu", "x", "first")
        second = desk.submit("ahu", "y", "second", patience=3.0)
        await desk.loop.settle()
        # When the sender is done, but before the lane can go on.
        desk.loop.call_at(1001.0, desk.loop.stall, 20.0)
        assert await first == "did first"
        with pytest.raises(NotSent):
            await second
        assert desk.sent == ["first"]

    run(main)


def test_an_error_goes_to_all() -> None:
    """Each caller of merged writes gets it, also where it is the same again and again."""

    async def main() -> None:
        desk = Desk()
        error = Boom()
        lengths = []
        for _ in range(3):
            callers = [desk.submit("ahu", "x", "first")]
            await desk.loop.settle()
            callers += [desk.submit("ahu", "x", error) for _ in range(40)]
            assert await callers.pop(0) == "did first"
            for caller in callers:
                with pytest.raises(Boom) as raised:
                    await caller
                assert raised.value is error
                lengths.append(len(traceback.extract_tb(error.__traceback__)))
        # What it carries does not grow with those who see it.
        assert max(lengths[-40:]) <= lengths[0] + 9
        assert desk.sent == 3 * ["first", error]

    run(main)


def test_a_caller_that_goes_away_leaves_a_sent_job_alone() -> None:
    """It is sent to its end. Its failure then concerns nobody, and no log either."""

    async def main() -> None:
        desk = Desk()
        caller = desk.submit("ahu", "x", Boom())
        await desk.loop.settle()
        caller.cancel()
        await desk.loop.settle()
        assert caller.cancelled()
        assert not desk.lanes.idle
        assert await desk.submit("ahu", "x", "next") == "did next"
        assert desk.loop.time() == 1002.0
        assert not desk.dropped
        # An error that nobody took would be logged when it is thrown away.
        desk.sent.clear()
        del caller
        gc.collect()

    run(main)


def test_the_last_caller_takes_a_waiting_job_along() -> None:
    """As long as one of the merged callers is there the job stays."""

    async def main() -> None:
        desk = Desk()
        wire = desk.submit("ahu", "x", "first")
        older = desk.submit("ahu", "y", "older")
        newer = desk.submit("ahu", "y", "newer")
        await desk.loop.settle()
        newer.cancel()
        await desk.loop.settle()
        assert desk.lanes.waiting("ahu") == 1
        older.cancel()
        await desk.loop.settle()
        assert desk.lanes.waiting("ahu") == 0
        await wire
        assert desk.sent == ["first"]
        assert desk.dropped == [
            ("older", Dropped.SUPERSEDED, "newer"),
            ("newer", Dropped.CANCELLED, None),
        ]

    run(main)


def test_something_cancelled_inside_a_sender_does_not_stop_its_lane() -> None:
    """Its callers are told that nobody knows; the next job is sent."""

    async def main() -> None:
        desk = Desk()
        first = desk.submit("ahu", "x", asyncio.CancelledError())
        second = desk.submit("ahu", "y", "second")
        with pytest.raises(Abandoned):
            await first
        assert await second == "did second"
        assert desk.loop.time() == 1002.0

    run(main)


def test_a_lane_that_is_torn_down_sends_nothing_more() -> None:
    """As at the end of the event loop, which cancels every task."""

    async def main() -> None:
        desk = Desk()
        wire = desk.submit("ahu", "x", "wire")
        waiting = desk.submit("ahu", "y", "waiting")
        await desk.loop.settle()
        for task in asyncio.all_tasks():
            if task.get_name() == "EnOS lane ahu":
                task.cancel()
        with pytest.raises(Abandoned):
            await wire
        assert desk.lanes.idle
        with pytest.raises(NotSent):
            await waiting
        assert desk.sent == ["wire"]

    run(main)


def test_closing() -> None:
    """What waits fails at once, what is on the wire gets five seconds."""

    async def main() -> None:
        desk = Desk()
        quick = desk.submit("quick", "x", 4.0)
        slow = desk.submit("slow", "x", 40.0)
        waiting = desk.submit("slow", "y", "waiting")
        await desk.loop.settle()
        closing = desk.loop.create_task(desk.lanes.close())
        with pytest.raises(NotSent) as closed:
            await waiting
        assert closed.value.reason is Dropped.CLOSED
        assert desk.loop.time() == 1000.0
        with pytest.raises(NotSent):
            await desk.submit("new", "x", "late")
        assert await quick == "did 4.0"
        with pytest.raises(Abandoned):
            await slow
        await closing
        assert desk.loop.time() == 1005.0
        assert desk.lanes.idle

    run(main)


def test_who_closes_cannot_wait() -> None:
    """Closing that is cancelled cuts off at once; nothing goes on behind its back."""

    async def main() -> None:
        desk = Desk()
        slow = desk.submit("slow", "x", 40.0)
        await desk.loop.settle()
        closing = desk.loop.create_task(desk.lanes.close())
        await asyncio.sleep(1)
        closing.cancel()
        with pytest.raises(Abandoned):
            await slow
        assert desk.loop.time() == 1001.0
        assert closing.cancelled()
        assert desk.lanes.idle

    run(main)


def test_a_sender_may_submit() -> None:
    """One lane's sender waits for another lane."""

    async def main() -> None:
        loop = running_loop()
        sent: list[str] = []

        async def send(job: Job[str, str]) -> str:
            sent.append(job.payload)
            if job.lane == "a":
                return await lanes.submit("b", None, "inner", patience=5)
            await asyncio.sleep(1)
            return "done"

        lanes: Lanes[str, str] = Lanes(
            send, lambda *_: None, clock=loop.time, total_limit=2
        )
        assert await lanes.submit("a", None, "outer", patience=5) == "done"
        assert sent == ["outer", "inner"]
        await loop.settle()
        assert lanes.idle

    run(main)


def test_who_hears_of_a_drop_may_submit_at_once() -> None:
    """By an eager task that runs right inside the callback, as Home Assistant's do."""

    async def main() -> None:
        desk = Desk(lane_limit=1)
        wire = desk.submit("ahu", "x", "wire")
        await desk.loop.settle()
        first = desk.submit("ahu", "y", "first")
        await desk.loop.settle()
        again: list[asyncio.Task[str]] = []

        def once() -> None:
            desk.on_drop = lambda: None
            again.append(desk.submit("ahu", "y", "again", eager=True))

        desk.on_drop = once
        second = desk.submit("ahu", "y", "second")
        await desk.loop.settle()
        assert desk.lanes.waiting("ahu") == 1
        assert await asyncio.gather(wire, first, second, *again) == [
            "did wire",
            *3 * ["did again"],
        ]
        assert desk.dropped == [
            ("first", Dropped.SUPERSEDED, "second"),
            ("second", Dropped.SUPERSEDED, "again"),
        ]

    run(main)


class Name(str):
    """A name of which one can tell whether anybody keeps it."""

    __slots__ = ("__weakref__",)


def test_nothing_is_kept_of_a_device_that_nothing_is_written_to() -> None:
    """However its last write ended."""
    names: list[weakref.ref[Name]] = []

    async def write(
        desk: Desk, payloads: Sequence[object], *, leave: bool = False
    ) -> set[str]:
        """Write to a new device; return how the writes ended."""
        name = Name(f"ahu {len(names)}")
        names.append(weakref.ref(name))
        callers = [
            desk.submit(name, "x" if payload == "newer" else None, payload, patience=2)
            for payload in payloads
        ]
        await desk.loop.settle()
        if leave:
            callers[-1].cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
        await desk.loop.settle()
        desk.sent.clear()
        desk.dropped.clear()
        return {
            end.reason.value if isinstance(end, NotSent) else type(end).__name__
            for end in ends
        }

    async def main() -> None:
        desk = Desk(lane_limit=2)
        assert await write(desk, ["one"]) == {"str"}
        assert await write(desk, [Boom()]) == {"Boom"}
        assert await write(desk, [3.0, "late"]) == {"str", "busy"}
        assert await write(desk, ["one", "newer", "newer"]) == {"str"}
        assert await write(desk, ["one", "left"], leave=True) == {
            "str",
            "CancelledError",
        }
        # One is sent at once, two wait, of which the last for too long.
        assert await write(desk, 4 * ["too many"]) == {"str", "busy", "full"}
        await desk.lanes.close()
        assert await write(desk, ["closed"]) == {"closed"}
        gc.collect()
        assert [name() for name in names] == len(names) * [None]

    run(main)
