"""The whole way, on every release of Home Assistant that we promise to run on."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parent.parent.parent


# One after the other: each has a Home Assistant of its own to feed, and some a browser.
pytestmark = pytest.mark.xdist_group("end to end")


def arrives(module: str, *arguments: str) -> None:
    """Run one of the scripts in a process of its own; its last word has to be "arrived"."""
    result = subprocess.run(
        [sys.executable, "-m", f"tests.e2e.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-4000:]
    assert result.stdout.rstrip().endswith("arrived")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("venv", [".venv", ".venv-latest"])
def test_walk(venv: str, tmp_path: Path) -> None:
    """Set-up by clicking, writes that are acknowledged, and errors that a person sees.

    The pictures of the walk stay in the folder that ENOS_PICTURES names, if it names one.
    """
    pictures = Path(os.environ.get("ENOS_PICTURES", tmp_path)) / venv.strip(".")
    arrives("walk", str(ROOT / venv), str(pictures))


@pytest.mark.timeout(900)
def test_kill() -> None:
    """Queued commands outlive a power cut, and come to their ends."""
    arrives("kill", str(ROOT / ".venv-latest"))


@pytest.mark.timeout(900)
def test_slow() -> None:
    """Two hundred slow devices hold nobody up; by hand with 30 s and ten rounds."""
    arrives("slow", str(ROOT / ".venv"), "8", "4")
