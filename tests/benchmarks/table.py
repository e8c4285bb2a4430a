"""What the benchmarks found, as one table."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
import json


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: what was measured, with whom, and what it should have been.

    `ratio` is what `target` speaks of; `met` is None where there is no target. `exact` says that
    it depends on no clock, so that a test may judge it on any machine.
    """

    what: str
    ours: str
    floor: str = ""
    alternative: str = ""
    wire: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together, and what a reader must know of them."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


_COLUMNS = ("", "EnOS", "floor", "alternative", "wire", "ratio", "target", "")


def markdown(sections: Iterable[Section]) -> str:
    """Return the sections as text in Markdown."""
    lines: list[str] = []
    for section in sections:
        lines += [f"## {section.title}", "", *_table(section.rows), ""]
        lines += [line for note in section.notes for line in (note, "")]
    return "\n".join(lines)


def dumped(sections: Iterable[Section]) -> str:
    """Return the sections as JSON."""
    return json.dumps([asdict(section) for section in sections])


def loaded(text: str) -> list[Section]:
    """Return the sections that were dumped."""
    return [
        Section(
            found["title"],
            tuple(Row(**row) for row in found["rows"]),
            tuple(found["notes"]),
        )
        for found in json.loads(text)
    ]


def _table(rows: Iterable[Row]) -> Iterable[str]:
    cells = [
        (
            row.what,
            row.ours,
            row.floor,
            row.alternative,
            row.wire,
            row.ratio,
            row.target,
            {True: "met", False: "**missed**", None: ""}[row.met],
        )
        for row in rows
    ]
    used = [
        number
        for number, title in enumerate(_COLUMNS)
        if number < 2 or any(line[number] for line in cells)
    ]
    yield _line(_COLUMNS[number] for number in used)
    yield _line("---" for _ in used)
    for line in cells:
        yield _line(line[number] for number in used)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
