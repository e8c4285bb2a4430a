"""Run the benchmarks one after the other, each in a process of its own, and write one document.

The document goes to stdout and, unless the run is a quick one, into BENCHMARKS.md; what is going
on goes to stderr. Ends with 1 if a benchmark failed: then nothing is written. A target that was
missed is no failure.
"""

import argparse
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import platform
import subprocess
import sys
import tempfile
import time

from homeassistant.const import __version__

from scripts._develop import ROOT

from .document import Document, Part
from .table import loaded, markdown

NAMES = ("set_up", "poll", "memory", "write", "growth", "alternative")
SOAK = "soak"
LONG = (SOAK, "steady")
"""What only a long run measures."""
# What decides about the figures.
_MEASURED = ("custom_components", "simulator", "tests/benchmarks", "pyproject.toml")


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", choices=(*NAMES, *LONG), help="others stay as they are")
    add("--quick", action="store_true", help="small plants; shows that it works")
    add("--soak", type=float, metavar="MINUTES", help="have an account live that long")
    add("--out", type=Path, metavar="FILE", help="instead of BENCHMARKS.md")
    options = parser.parse_args()
    names = list(options.only or NAMES)
    if options.soak is not None:
        names += [name for name in LONG if name not in names]
    out = options.out or (None if options.quick else ROOT / "BENCHMARKS.md")

    origin = _origin()
    if options.quick:
        origin = f"A quick run, whose figures mean nothing: {origin}"
    parts: list[Part] = []
    for name in names:
        started = time.monotonic()
        _say(f"{name} ...")
        text = _measure(name, quick=options.quick, minutes=options.soak)
        if text is None:
            _say(f"{name} FAILED; nothing is written")
            return 1
        _say(f"{name}: {time.monotonic() - started:.0f} s")
        parts.append(Part(name, origin, text))

    before = Document(())
    if out is not None and out.exists():
        before = Document.parse(out.read_text(encoding="utf-8"))
    document = before.replaced(parts, (*NAMES, *LONG)).text(origin)
    print(document)
    if out is not None:
        out.write_text(document, encoding="utf-8")
        _say(f"{out.name} is written")
    return 0


def _say(text: str) -> None:
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


def _measure(name: str, *, quick: bool, minutes: float | None) -> str | None:
    """Return what a benchmark found, as Markdown; None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        arguments = [name, "--json", str(found)]
        if quick:
            arguments.append("--quick")
        if name == SOAK and minutes is not None:
            arguments += ["--minutes", str(minutes)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.child", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            return None
        return markdown(loaded(found.read_text(encoding="utf-8"))).strip()


def _origin() -> str:
    """Return date, commit, versions and machine, as one line."""
    manifest = ROOT / "custom_components" / "enos" / "manifest.json"
    version = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return ", ".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"EnOS {version} at {_commit()}",
            f"Home Assistant {__version__}",
            f"Python {platform.python_version()}",
            _processor(),
            f"{len(os.sched_getaffinity(0))} cores",
            f"{_memory():.0f} GiB",
            f"load {os.getloadavg()[0]:.1f} at the start",
        )
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    commit = git("rev-parse", "--short=10", "HEAD") or "an unknown commit"
    changed = git("status", "--porcelain", "--", *_MEASURED)
    return f"{commit} with changes" if changed else commit


def _processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((names or [platform.machine()])[0].split())


def _memory() -> float:
    """Return the machine's memory in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
