"""Run the benchmarks one after the other, each in a process of its own, and write one document.

The document goes to stdout and, unless the run is a quick one, into BENCHMARKS.md; what is going
on goes to stderr. Ends with 1 if a benchmark failed: the others are written nevertheless. An
interrupted run writes nothing. A target that was missed is no failure.
"""

import argparse
from collections.abc import Iterator, Sequence
import contextlib
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import platform
import signal
import subprocess
import sys
import tempfile
import time
from types import FrameType

from homeassistant.const import __version__

from scripts._develop import ROOT

from .child import SOAK
from .document import Document, Part
from .table import loaded, markdown

NAMES = ("set_up", "poll", "memory", "write", "growth", "alternative")
LONG = (SOAK, "steady")
"""What only a long run measures."""
SOAK_MINUTES = 60
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds that an interrupted benchmark has to tidy up.
_PATIENCE = 10
# What decides about the figures.
_MEASURED = ("custom_components", "simulator", "tests/benchmarks", "pyproject.toml")


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", choices=(*NAMES, *LONG), help="others stay as they are")
    add("--quick", action="store_true", help="small plants; shows that it works")
    add(
        "--soak",
        type=_minutes,
        metavar="MINUTES",
        help=(
            "have an account live that long, and make writes for ten minutes; "
            f"{SOAK_MINUTES} with --only soak"
        ),
    )
    add("--out", type=Path, metavar="FILE", help="instead of BENCHMARKS.md")
    options = parser.parse_args()
    names = list(options.only or NAMES)
    minutes: float | None = options.soak
    if minutes is not None:
        names += [name for name in LONG if name not in names]
    elif SOAK in names and not options.quick:
        minutes = SOAK_MINUTES
    out: Path | None = options.out
    if out is None and not options.quick:
        out = ROOT / "BENCHMARKS.md"
    if out is not None and (
        out.is_dir()
        or not out.absolute().parent.is_dir()
        or not os.access(out if out.exists() else out.absolute().parent, os.W_OK)
    ):
        parser.error(f"{out} cannot be written")
    try:
        with _interruptible():
            return _run(names, out, quick=options.quick, minutes=minutes)
    except _InterruptedError as err:
        _say("interrupted; nothing is written")
        return 128 + err.number


def _minutes(text: str) -> float:
    """Return a length of time. Raises `ValueError` for what is none."""
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return minutes


class _InterruptedError(Exception):
    """Somebody wants the run to end; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        """Keep the number."""
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Have a signal that ends a program raise `_InterruptedError`, once."""

    def end(number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise _InterruptedError(number)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    names: Sequence[str], out: Path | None, *, quick: bool, minutes: float | None
) -> int:
    """Measure, and write what was found; return the exit code."""
    origin = _origin()
    if quick:
        origin = f"A quick run, whose figures mean nothing: {origin}"
    parts: list[Part] = []
    failed: list[str] = []
    for number, name in enumerate(names, start=1):
        started = time.monotonic()
        length = f", {minutes:g} minutes" if name == SOAK and minutes else ""
        _say(f"{name} ({number} of {len(names)}{length}) ...")
        text = _measure(name, quick=quick, minutes=minutes)
        if text is None:
            _say(f"{name} FAILED")
            failed.append(name)
            continue
        _say(f"{name}: {time.monotonic() - started:.0f} s")
        parts.append(Part(name, origin, text))

    if parts:
        before = Document(())
        if out is not None and out.exists():
            before = Document.parse(out.read_text(encoding="utf-8"))
        document = before.replaced(parts, (*NAMES, *LONG)).text(origin)
        print(document)
        if out is not None:
            out.write_text(document, encoding="utf-8")
            _say(f"{out.name} is written")
    if failed:
        _say(f"FAILED, so what was known of it stays: {', '.join(failed)}")
    return 1 if failed else 0


def _say(text: str) -> None:
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


def _measure(name: str, *, quick: bool, minutes: float | None) -> str | None:
    """Return what a benchmark found, as Markdown; None if it failed."""
    with tempfile.TemporaryDirectory(prefix="enos-benchmark-") as folder:
        found = Path(folder) / "found.json"
        arguments = [name, "--json", str(found)]
        if quick:
            arguments.append("--quick")
        if name == SOAK and minutes is not None:
            arguments += ["--minutes", str(minutes)]
        with _load() as load:
            code = _child(arguments, folder)
        if code:
            return None
        text = markdown(loaded(found.read_text(encoding="utf-8"))).strip()
        return f"{text}\n\n{load[0]}"


def _child(arguments: Sequence[str], folder: str) -> int:
    """Run a benchmark in a process of its own and return its exit code.

    It keeps its files in `folder`. Ctrl-C reaches only us: it is told once, has some seconds to
    end what it started, and is killed with all of that if need be.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.child", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": folder},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        return process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            # A session of its own: there is nobody else in it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _load() -> Iterator[list[str]]:
    """Tell how much of the machine others used meanwhile; the list has it when the context ends."""
    told: list[str] = []
    began, busy, own = time.monotonic(), _busy(), _own()
    yield told
    cores = (_busy() - busy - (_own() - own)) / (time.monotonic() - began)
    told.append(
        f"Other work of the machine took {max(cores, 0):.2f} cores on average meanwhile."
    )


def _busy() -> float:
    """Return the seconds of CPU that the machine has worked; 0 where the system does not tell."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0
    user, nice, system, _idle, _waiting, *others = (
        int(each)
        for each in stat.read_text(encoding="ascii").split("\n")[0].split()[1:9]
    )
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Return the seconds of CPU that this process and those that it ended have worked."""
    return sum(os.times()[:4])


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
