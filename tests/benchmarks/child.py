"""A benchmark in a process of its own, so that none pays for what another left behind.

`python -m tests.benchmarks.poll [--quick]` prints one benchmark's tables. For the document it is
`python -m tests.benchmarks.child NAME... --json FILE [--quick] [--minutes N]`; several names share
the process, which only a trial should do.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Coroutine
from functools import partial
import importlib
import logging
from pathlib import Path
import signal
import sys
from typing import Any, Protocol

from homeassistant.runner import create_event_loop

from .home import say
from .table import Section, dumped, markdown

SOAK = "soak"
"""The one that has a length."""
# They miss programs that have nothing to do with this.
_NOISY = ("haffmpeg", "homeassistant.components.camera")


class Run(Protocol):
    """What each benchmark is: sections of a table, from a small plant where it is to be quick."""

    def __call__(self, *, quick: bool = False) -> Awaitable[list[Section]]:
        """Measure."""


def quiet() -> None:
    """Have only errors logged that somebody should look at."""
    logging.basicConfig(level=logging.ERROR)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def finished[T](work: Coroutine[Any, Any, T]) -> T:
    """Do something in an event loop as Home Assistant's own, and return what comes of it.

    SIGINT and SIGTERM have it tidy up, and then end the process with 128 and their number, without
    a word: whoever interrupted knows.
    """
    quiet()
    ending = [signal.SIGINT]

    async def stoppable() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def end(number: signal.Signals) -> None:
            ending[:] = [number]
            # What is cancelled in the middle may log whatever it likes.
            logging.disable()
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
        return await work

    try:
        with asyncio.Runner(loop_factory=create_event_loop) as runner:
            return runner.run(stoppable())
    except asyncio.CancelledError:
        sys.exit(128 + ending[0])


def main(run: Run, arguments: list[str] | None = None) -> None:
    """Run a benchmark as a real start of Home Assistant would, and tell what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a small plant")
    parser.add_argument("--json", type=Path, metavar="FILE", help="for the document")
    options = parser.parse_args(arguments)

    async def found() -> list[Section]:
        return list(await run(quick=options.quick))

    sections = finished(found())
    if options.json is None:
        print(markdown(sections))
    else:
        options.json.write_text(dumped(sections), encoding="utf-8")


def _main() -> None:
    """Run the benchmarks that are named."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--minutes", type=float)
    options, others = parser.parse_known_args()

    async def run(*, quick: bool = False) -> list[Section]:
        sections: list[Section] = []
        for name in options.names:
            measure = importlib.import_module(f"tests.benchmarks.{name}").run
            if name == SOAK:
                measure = partial(measure, tell=say)
            if options.minutes is not None:
                measure = partial(measure, minutes=options.minutes)
            sections += await measure(quick=quick)
        return sections

    main(run, others)


if __name__ == "__main__":
    _main()
