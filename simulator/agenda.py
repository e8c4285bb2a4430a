"""What is to happen later: one timer for all of it, so that it can be paused."""

import asyncio
from collections.abc import Callable
import heapq
import time


class Agenda:
    """Calls functions at their time, in order, on the loop's clock."""

    def __init__(self) -> None:
        """Start paused."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        """Return the time of the loop's clock."""
        return time.monotonic() if self._loop is None else self._loop.time()

    @property
    def running(self) -> bool:
        """Tell whether things happen."""
        return self._loop is not None

    def start(self) -> None:
        """Begin, or go on after a pause; what is overdue happens at once."""
        self._loop = asyncio.get_running_loop()
        self._arm()

    def stop(self) -> None:
        """Pause; nothing is forgotten."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._loop = None

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call a function at a time."""
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, callback))
        if self._heap[0][1] == self._count:
            self._arm()

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call a function after a while."""
        self.at(self.now + max(0.0, seconds), callback)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is not None and self._heap:
            self._timer = self._loop.call_at(self._heap[0][0], self._run)

    def _run(self) -> None:
        self._timer = None
        if self._loop is None:
            return
        # Also what the clock's resolution brought here a moment too early.
        now = self._loop.time() + 0.001
        try:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
        finally:
            self._arm()
