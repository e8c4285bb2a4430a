"""A benchmark in a process of its own, so that none pays for what another left behind.

`python -m tests.benchmarks.poll [--quick]` prints one benchmark's tables; what the document is
made of goes through a file, `--json FILE`.
"""

import argparse
import asyncio
from collections.abc import Awaitable
import logging
from pathlib import Path
from typing import Protocol

from homeassistant.runner import create_event_loop

from .table import Section, dumped, markdown

# They miss programs that have nothing to do with this.
_NOISY = ("haffmpeg", "homeassistant.components.camera")


class Run(Protocol):
    """What each benchmark is: sections of a table, from a small plant where it is to be quick."""

    def __call__(self, *, quick: bool = False) -> Awaitable[list[Section]]:
        """Measure."""


def main(run: Run, arguments: list[str] | None = None) -> None:
    """Run a benchmark as a real start of Home Assistant would, and tell what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a small plant")
    parser.add_argument("--json", type=Path, metavar="FILE", help="for the document")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)

    async def found() -> list[Section]:
        return list(await run(quick=options.quick))

    with asyncio.Runner(loop_factory=create_event_loop) as runner:
        sections = runner.run(found())
    if options.json is None:
        print(markdown(sections))
    else:
        options.json.write_text(dumped(sections), encoding="utf-8")
