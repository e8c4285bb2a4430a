"""The document of all benchmarks: where it was measured, targets, sections.

A part is what one benchmark found. A run that leaves some out keeps their parts as they stand in
the document of before, and says where those come from.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
import re
from typing import Self

_MARK = re.compile(r"^<!-- (?P<name>\w+): (?P<origin>.*) -->$", re.MULTILINE)
_HEAD = """\
# Benchmarks

Made by `scripts/benchmark`, which runs the integration in a real Home Assistant against a simulated plant. What it is compared with, and how, is told [below](#how-it-is-measured); [CONTRIBUTING.md](CONTRIBUTING.md#benchmarks) says how to run it.

{origin}

## Targets

{targets}

These are the targets that were agreed for this project; a row below without one is shown for information. A missed target has its reason below its table.{marked}
"""
_MARKED = " What is marked † is of an earlier run: its part says of which."
# Titles and rows that are read again here.
_REQUESTS = "requests per minute"
_WRITTEN = "states written"
_FOOT = """\
## How it is measured

- One process holds Home Assistant with what is measured, another the simulated plant: its work is not counted. Ratios are of one run: same process, same Home Assistant, same plant, in turn.
- **floor**: a plain integration as Home Assistant's documentation shows it, which holds the same entities by a `DataUpdateCoordinator` and `CoordinatorEntity`, with values that are there already. Its entities write their state only when their own value changed. It is a fair comparison and no lower bound: an integration that does without a listener of every entity in each round can be quicker. In Write it is a number entity whose request is prepared, so that all that is left to do is to send it.
- **alternative**: what a user can do without this integration: core's `rest_command` and trigger-based `template` entities. In Write it is a `rest_command` whose request is signed already.
- **wire**: aiohttp alone, with the same signed requests; answers are read and no more. **decode**: `orjson.loads` of these bytes.
- CPU is that of Home Assistant's process; 1 % of a core is 10 ms in each second. A stall is how long its event loop did not turn.
- Seconds belong to the machine, ratios less so. A machine that has other work shows in everything that is read by the clock: below each part is told how much that was. A figure that is near its target needs more than one run.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What one benchmark found: its name, where and when it was measured, its Markdown."""

    name: str
    origin: str
    text: str

    def targets(self) -> Iterable[str]:
        """Return a line of the table of targets for each row that has one and was judged.

        Counts that are what they have to be share a line, and so do requests that are no more
        than they have to be; what must be none at all (lost, failed, left) has its own.
        """
        title, columns = "", list[str]()
        exact, least = Counter[str](), Counter[str]()
        for line in self.text.splitlines():
            if line.startswith("## "):
                title = line.removeprefix("## ")
            elif not line.startswith("|"):
                columns = []
            elif not columns:
                columns = _cells(line)
            elif (cells := _cells(line))[-1] in ("met", "**missed**"):
                row = dict(zip(columns[1:-1], cells[1:-1], strict=True))
                target, met = row.get("target", ""), cells[-1] == "met"
                none = target.strip("0 /") == "" and not cells[0].endswith(_WRITTEN)
                if met and _REQUESTS in title:
                    least[title] += 1
                elif met and row["EnOS"] == target and not none:
                    exact[title] += 1
                else:
                    yield (
                        f"| {title}: {cells[0]} | {target} | {row['EnOS']} "
                        f"| {row.get('ratio', '')} | {cells[-1]} |"
                    )
        for what, counted in (
            ("counts that have to be exact", exact),
            ("no more than the limits force", least),
        ):
            for each, count in counted.items():
                yield f"| {each}: {what} | {count} | {count} | | met |"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").split("|")[:-1]]


@dataclass(frozen=True, slots=True)
class Document:
    """Parts in the order in which they are shown."""

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the document that a text is; what does not come from here has no parts."""
        body = text.partition("## How it is measured")[0]
        marks = list(_MARK.finditer(body))
        ends = [*(mark.start() for mark in marks[1:]), len(body)]
        return cls(
            tuple(
                Part(mark["name"], mark["origin"], _bare(body[mark.end() : end]))
                for mark, end in zip(marks, ends, strict=False)
            )
        )

    def replaced(self, parts: Iterable[Part], order: Iterable[str]) -> Document:
        """Return the document with these parts in the place of those of the same names."""
        known = {part.name: part for part in (*self.parts, *parts)}
        return Document(tuple(known[name] for name in order if name in known))

    def text(self, origin: str) -> str:
        """Return it as Markdown; what comes from elsewhere than `origin` says so."""
        targets = [
            "| | target | EnOS | ratio | |",
            "| --- | --- | --- | --- | --- |",
            *(
                line if part.origin == origin else f"| † {line.removeprefix('| ')}"
                for part in self.parts
                for line in part.targets()
            ),
        ]
        earlier = any(part.origin != origin for part in self.parts)
        marked = _MARKED if earlier else ""
        lines = [_HEAD.format(origin=origin, targets="\n".join(targets), marked=marked)]
        for part in self.parts:
            lines += [f"<!-- {part.name}: {part.origin} -->", ""]
            if part.origin != origin:
                lines += [f"{_EARLIER}{part.origin}", ""]
            lines += [part.text, ""]
        return "\n".join([*lines, _FOOT])


_EARLIER = "Of an earlier run: "


def _bare(text: str) -> str:
    """Return a part without the line that says where it comes from."""
    lines = text.strip().splitlines()
    if lines and lines[0].startswith(_EARLIER):
        lines = lines[1:]
    return "\n".join(lines).strip()
