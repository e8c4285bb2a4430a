"""An event loop whose time is virtual: where others sleep, it jumps to the next timer."""

import asyncio
from asyncio.base_events import BaseEventLoop
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
import contextlib
from typing import Any, cast, override


class _Jump:
    """Stands where a loop has its selector: instead of waiting it moves the time on."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> Sequence[object]:
        """Let the time pass that a real loop would wait."""
        if timeout is None:
            raise RuntimeError("Everything waits, and nothing will ever happen")
        self._loop.stall(timeout)
        return ()


class VirtualTimeLoop(BaseEventLoop):
    """Runs coroutines and timers in no time. It has no sockets, processes or signals.

    `complaints` holds what was handed to the loop's exception handler: what a real program
    would find in its log.
    """

    def __init__(self) -> None:
        """Start at a time of which nobody would think that it is the beginning."""
        super().__init__()
        self._now = 1000.0
        self._selector = _Jump(self)
        self.complaints: list[dict[str, Any]] = []
        self.set_exception_handler(
            lambda _loop, context: self.complaints.append(context)
        )

    @override
    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def stall(self, seconds: float) -> None:
        """Let time pass in which the loop runs nothing, as if something blocked it."""
        self._now += seconds

    @property
    def ready(self) -> int:
        """Count what will run without time passing, overdue timers included."""
        handles: deque[asyncio.Handle] = self._inner("_ready")
        return sum(not handle.cancelled() for handle in handles) + sum(
            timer.when() <= self._now for timer in self.timers
        )

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """The timers that are still to go off."""
        handles: list[asyncio.TimerHandle] = self._inner("_scheduled")
        return [handle for handle in handles if not handle.cancelled()]

    async def settle(self) -> None:
        """Return when nothing can happen any more without time passing."""
        await asyncio.sleep(0)
        while self.ready:
            await asyncio.sleep(0)

    def _inner(self, name: str) -> Any:
        return getattr(self, name)

    def _process_events(self, _events: Sequence[object]) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""


def running_loop() -> VirtualTimeLoop:
    """Return the virtual loop that runs the caller."""
    return cast(VirtualTimeLoop, asyncio.get_running_loop())


def run[ResultT](main: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run a coroutine function on a virtual loop of its own.

    Fails where it leaves a task or a timer behind, or where something would have been logged.
    """
    loop = VirtualTimeLoop()
    try:
        result = loop.run_until_complete(main())
        loop.run_until_complete(loop.settle())
        assert not asyncio.all_tasks(loop)
        assert not loop.timers
        assert not loop.complaints
    finally:
        loop.set_exception_handler(lambda _loop, _context: None)
        # After a failure there may be more, and what they still do is of no interest.
        with contextlib.suppress(RuntimeError):
            while tasks := asyncio.all_tasks(loop):
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.wait(tasks))
        loop.close()
    return result
