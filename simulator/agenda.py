"""What is to happen later: one timer for all of it, so that it can be paused.

Tests freeze the clocks of Python (and with them the loop's), then let them jump.
Devices must answer all the same, and time-outs must come true after a jump. So
the agenda has a clock of its own: it advances by what the real clock advanced,
or by what the loop's clock jumped, whichever is more.
"""

import asyncio
from collections.abc import Callable
import heapq
import os
import time

# A frozen clock may count from 1970 instead of from the start of the machine.
ANOTHER_EPOCH = 3 * 365 * 86400.0


class Clock:
    """A monotonic clock that neither stands still nor misses a jump."""

    def __init__(self) -> None:
        """Start at the real time."""
        self._real = time.clock_gettime(time.CLOCK_MONOTONIC)
        self._shown = time.monotonic()
        self._now = self._real

    def __call__(self) -> float:
        """Return the time."""
        real = time.clock_gettime(time.CLOCK_MONOTONIC)
        shown = time.monotonic()
        jump = shown - self._shown
        if jump > ANOTHER_EPOCH:
            jump = 0.0
        self._now += max(0.0, real - self._real, jump)
        self._real, self._shown = real, shown
        return self._now

    def jump(self, seconds: float) -> None:
        """Let the time go on at once."""
        self._now = self() + max(0.0, seconds)


class Agenda:
    """Calls functions at their time, in order."""

    def __init__(self) -> None:
        """Start paused."""
        self.clock = Clock()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: int | None = None

    @property
    def now(self) -> float:
        """Return the time of the agenda's clock."""
        return self.clock()

    def start(self) -> None:
        """Begin, or go on after a pause; what is overdue happens at once."""
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        if hasattr(os, "timerfd_create"):
            # Wakes the loop in real time even while its own clock is frozen.
            self._alarm = os.timerfd_create(
                time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC
            )
            self._loop.add_reader(self._alarm, self._ring)
        self._arm()

    def stop(self) -> None:
        """Pause; nothing is forgotten."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._alarm is not None and self._loop is not None:
            self._loop.remove_reader(self._alarm)
            os.close(self._alarm)
            self._alarm = None
        self._loop = None

    def jump(self, seconds: float) -> None:
        """Let the time go on at once; what is due then happens soon."""
        self.clock.jump(seconds)
        self._arm()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call a function at a time."""
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, callback))
        if self._heap[0][1] == self._count:
            self._arm()

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call a function after a while."""
        self.at(self.now + max(0.0, seconds), callback)

    async def sleep(self, seconds: float) -> None:
        """Wait for a while."""
        done = asyncio.Event()
        self.later(seconds, done.set)
        await done.wait()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is None or not self._heap:
            return
        wait = max(0.0, self._heap[0][0] - self.now)
        self._timer = self._loop.call_later(wait, self._run)
        if self._alarm is not None:
            os.timerfd_settime(self._alarm, initial=max(wait, 0.0001))

    def _ring(self) -> None:
        """Act on the alarm."""
        if self._alarm is not None:
            try:
                os.read(self._alarm, 8)
            except BlockingIOError:
                return
            self._run()

    def _run(self) -> None:
        if self._loop is None:
            return
        # Also what the clocks' resolution brought here a moment too early.
        now = self.now + 0.001
        try:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
        finally:
            self._arm()
