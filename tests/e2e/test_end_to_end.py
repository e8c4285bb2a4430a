"""The whole way, on every release of Home Assistant that we promise to run on."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.timeout(900)
@pytest.mark.parametrize("venv", [".venv", ".venv-latest"])
def test_walk(venv: str, tmp_path: Path) -> None:
    """Set-up by clicking, writes that are acknowledged, and errors that a person sees.

    The pictures of the walk stay in the folder that ENOS_PICTURES names, if it names one.
    """
    pictures = Path(os.environ.get("ENOS_PICTURES", tmp_path)) / venv.strip(".")
    result = subprocess.run(
        [sys.executable, "-m", "tests.e2e.walk", str(ROOT / venv), str(pictures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-4000:]
    assert result.stdout.rstrip().endswith("arrived")
