"""The benchmarks run, find what they have to find, and make a document; times are not judged."""

import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.document import Document, Part
from tests.benchmarks.table import Row, Section, dumped, loaded, markdown

ROOT = Path(__file__).parents[2]
NAMES = (*command.NAMES, *command.LONG)


def well_formed(text: str) -> int:
    """Fail unless all tables of a Markdown text are well formed; return how many rows they have."""
    rows = 0
    columns = 0
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        cells = line.count("|") - 1
        assert line.endswith("|") and cells == (columns or cells), line
        columns = cells
        rows += 1
    return rows


def test_quick_run(tmp_path: Path) -> None:
    """Each benchmark runs on a small plant; what depends on no clock is as it has to be.

    They share a process: imports would be most of the time.
    """
    found = tmp_path / "found.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.child", *NAMES),
            *("--quick", "--json", str(found)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert "Traceback" not in done.stderr, done.stderr[-5000:]
    sections = loaded(found.read_text(encoding="utf-8"))
    assert len(sections) >= len(NAMES)
    for section in sections:
        assert section.rows, section.title
        for row in section.rows:
            assert row.what and re.search(r"\d", row.ours), row
            assert row.met is None or row.target, row
            assert row.met or not row.exact, row
        assert len({row.what for row in section.rows}) == len(section.rows)
    # A line of titles and one below it for each.
    rows = sum(len(section.rows) + 2 for section in sections)
    assert well_formed(markdown(sections)) == rows


SECTIONS = [
    Section(
        "Poll",
        (
            Row(what="CPU", ours="5 ms", ratio="2.0", target="≤ 1.3", met=False),
            Row(what="states", ours="7", target="7", met=True, exact=True),
            Row(what="lost / failed", ours="0 / 0", target="0 / 0", met=True),
            Row(what="requests", ours="4", floor="0"),
        ),
        ("A note.",),
    )
]


def test_there_and_back() -> None:
    """Sections go through a file."""
    assert loaded(dumped(SECTIONS)) == SECTIONS


def test_document() -> None:
    """A run of some benchmarks replaces their parts; the others say where they come from."""
    order = ("set_up", "poll", "soak")
    text = markdown(SECTIONS).strip()
    first = Document((Part("poll", "Monday", text), Part("soak", "Monday", "## Soak")))
    document = first.text("Monday")
    assert "Of an earlier run" not in document
    assert "| Poll: CPU | ≤ 1.3 | 5 ms | 2.0 | **missed** |" in document
    assert "| Poll: counts that have to be exact | 1 | 1 | | met |" in document
    assert "| Poll: lost / failed | 0 / 0 | 0 / 0 |  | met |" in document
    assert "†" not in document
    assert well_formed(document) == 5 + 6
    assert Document.parse(document) == first

    again = Document.parse(document).replaced(
        [Part("set_up", "Tuesday", "## Set-up"), Part("poll", "Tuesday", text)], order
    )
    assert [part.name for part in again.parts] == list(order)
    document = again.text("Tuesday")
    assert document.count("Of an earlier run: Monday") == 1
    assert "What is marked † is of an earlier run" in document
    assert document.index("Of an earlier run") > document.index("<!-- soak: Monday")
    later = again.replaced([Part("set_up", "Friday", "## Set-up")], order)
    assert "| † Poll: CPU | ≤ 1.3 |" in later.text("Friday")
    assert "| † Set-up" not in later.text("Friday")
    # The line is added once, however often the part is kept.
    assert Document.parse(document) == again
    assert Document.parse(document).text("Tuesday") == document


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command writes what it prints, keeps what it did not measure, and tells of failures."""
    out = tmp_path / "BENCHMARKS.md"
    asked: list[tuple[str, float | None]] = []

    def measure(name: str, *, quick: bool, minutes: float | None) -> str | None:
        asked.append((name, minutes))
        return None if name == "growth" else f"## {name} {len(asked)}"

    monkeypatch.setattr(command, "_measure", measure)

    def run(*arguments: str) -> int:
        asked.clear()
        monkeypatch.setattr(sys, "argv", ["benchmark", *arguments, "--out", str(out)])
        return command.main()

    assert run("--only", "memory", "--soak", "5") == 0
    assert asked == [("memory", 5), ("soak", 5), ("steady", 5)]
    text = out.read_text(encoding="utf-8")
    captured = capsys.readouterr()
    assert captured.out.strip() == text.strip()
    assert "soak (2 of 3, 5 minutes) ..." in captured.err
    assert "Home Assistant 20" in text and "Python 3" in text

    assert run("--only", "poll") == 0
    text = out.read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+) \d", text, re.MULTILINE) == [
        *("poll", "memory", "soak", "steady")
    ]

    # What was measured is written; of what failed there is what was known before.
    assert run("--only", "poll", "growth", "write") == 1
    assert [name for name, _ in asked] == ["poll", "growth", "write"]
    text = out.read_text(encoding="utf-8")
    assert "## write 3" in text and "growth" not in text
    assert "FAILED, so what was known of it stays: growth" in capsys.readouterr().err

    # The soak lives for an hour unless somebody says otherwise.
    assert run("--only", "soak") == 0
    assert asked == [("soak", 60)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--soak", "0"],
        ["--soak", "-1"],
        ["--soak", "nan"],
        ["--soak", "inf"],
        ["--out", "/nowhere/at/all.md"],
        ["--out", "/"],
    ],
)
def test_wrong_arguments(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be done is said before anything is measured."""
    monkeypatch.setattr(command, "_measure", None)
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    with pytest.raises(SystemExit) as raised:
        command.main()
    assert raised.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_interrupted(tmp_path: Path) -> None:
    """An interrupted run ends what it started, writes nothing and leaves nothing.

    SIGTERM, which is what it ends its own benchmark with, goes the same way as SIGINT.
    """
    out, folder = tmp_path / "found.md", tmp_path / "folder"
    folder.mkdir()
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.benchmarks"),
            *("--quick", "--only", "poll", "--out", str(out)),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    told = ""
    # The plant and Home Assistant run by then.
    while "poll: reply" not in told:
        line = run.stderr.readline()
        assert line, told
        told += line
    run.send_signal(signal.SIGINT)
    # Ends when nobody is left who could write.
    output, errors = run.communicate(timeout=30)
    assert run.returncode == 128 + signal.SIGINT
    assert not output and not out.exists() and not list(folder.iterdir())
    assert errors.endswith("benchmark: interrupted; nothing is written\n")
    assert "Traceback" not in told + errors
