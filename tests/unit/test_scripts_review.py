"""Scripts started in odd ways: from elsewhere, in a folder with blanks, with settings of a person's shell."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with `.ci/run` and stand-ins for what it calls."""
    root = tmp_path / "a check out"
    (root / ".ci").mkdir(parents=True)
    (root / "scripts").mkdir()
    shutil.copy(ROOT / ".ci" / "run", root / ".ci" / "run")
    stand_in(root, "lint", "exit 0")
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "test_it.py").write_text("def test_it(): pass\n")
    pytest_here = (
        f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 '{sys.executable}' -m pytest -c pytest.ini"
    )
    stand_in(root, "test", f"{pytest_here} test_it.py")
    return root


def stand_in(root: Path, name: str, body: str) -> None:
    """Write a script."""
    script = root / "scripts" / name
    script.write_text(f"#!/usr/bin/env bash\n{body}\n")
    script.chmod(0o755)


def run(script: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script from another folder."""
    clean = {key: text for key, text in os.environ.items() if key != "CDPATH"}
    return subprocess.run(
        [script, *args],
        cwd="/",
        env=clean | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}, {"PY_COLORS": "1"}])
def test_ci_passes(checkout: Path, env: dict[str, str]) -> None:
    """All well is exit code 0 and pytest's closing line, with colors or without."""
    done = run(checkout / ".ci" / "run", **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("lint", "exit 1"),
        ("test", "echo '=== 1 passed in 0.1s ==='; exit 1"),
        ("test", "echo 'nothing was run'"),
    ],
)
def test_ci_fails(checkout: Path, name: str, body: str) -> None:
    """It fails when style, a test or the coverage fails, or no test ran."""
    stand_in(checkout, name, body)
    assert run(checkout / ".ci" / "run").returncode == 1


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run",
        *(f"scripts/{n}" for n in ("setup", "lint", "test", "develop", "benchmark")),
    ],
)
def test_cdpath(name: str, tmp_path: Path) -> None:
    """A person's CDPATH leads nowhere else."""
    home = tmp_path / "home"
    other = tmp_path / "other"
    for root in (home, other):
        for folder in (".ci", "scripts"):
            (root / folder).mkdir(parents=True)
    lines = (ROOT / name).read_text().splitlines()
    last = next(number for number, line in enumerate(lines) if line.startswith('cd "'))
    script = home / name
    script.write_text("\n".join([*lines[: last + 1], "pwd", "exit 0"]))
    script.chmod(0o755)
    done = subprocess.run(
        ["bash", name],
        cwd=home,
        env=os.environ | {"CDPATH": str(other)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [str(home)], done.stderr
