"""A benchmark in a process of its own, so that none pays for what another left behind.

`python -m tests.benchmarks.poll [--quick]` prints one benchmark's tables. For the document it is
`python -m tests.benchmarks.child NAME... --json FILE [--quick] [--minutes N]`; several names share
the process, which only a trial should do.
"""

import argparse
import asyncio
from collections.abc import Awaitable
from functools import partial
import importlib
import logging
from pathlib import Path
from typing import Protocol

from homeassistant.runner import create_event_loop

from .home import say
from .table import Section, dumped, markdown

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


def main(run: Run, arguments: list[str] | None = None) -> None:
    """Run a benchmark as a real start of Home Assistant would, and tell what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a small plant")
    parser.add_argument("--json", type=Path, metavar="FILE", help="for the document")
    options = parser.parse_args(arguments)
    quiet()

    async def found() -> list[Section]:
        return list(await run(quick=options.quick))

    with asyncio.Runner(loop_factory=create_event_loop) as runner:
        sections = runner.run(found())
    if options.json is None:
        print(markdown(sections))
    else:
        options.json.write_text(dumped(sections), encoding="utf-8")


def _main() -> None:
    """Run the benchmarks that are named; only the soak has a length."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--minutes", type=float)
    options, others = parser.parse_known_args()

    async def run(*, quick: bool = False) -> list[Section]:
        sections: list[Section] = []
        for name in options.names:
            measure = importlib.import_module(f"tests.benchmarks.{name}").run
            if options.minutes is not None:
                measure = partial(measure, minutes=options.minutes, tell=say)
            sections += await measure(quick=quick)
        return sections

    main(run, others)


if __name__ == "__main__":
    _main()
