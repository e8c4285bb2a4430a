"""Report what the definitions of a file become in Home Assistant; see scripts/mapping-report."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import json
import logging
from pathlib import Path
import sys
from typing import Final, NamedTuple, override
import warnings

from homeassistant.components.number.const import (
    DEVICE_CLASS_UNITS as NUMBER_UNITS,
    NumberDeviceClass,
)
from homeassistant.components.sensor.const import (
    AMBIGUOUS_UNITS,
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    STATE_CLASS_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.const import __version__

from custom_components.enos.api.models import DataType, Measurepoint
from custom_components.enos.api.parsing import measurepoint
from custom_components.enos.mapping import (
    Kind,
    PointDescription,
    describe_control,
    describe_reading,
)

LANGUAGES: Final = ("en", "zh-Hans")
NUMBERS: Final = frozenset({DataType.INT, DataType.FLOAT, DataType.DOUBLE})
# Reached by action where no entity is made of them.
BY_ACTION: Final = frozenset({DataType.ARRAY, DataType.STRUCT, DataType.FILE})
# Units that Home Assistant has a device class for.
WITH_CLASS: Final = frozenset(
    str(unit) for units in SENSOR_UNITS.values() for unit in units if unit
)


class Row(NamedTuple):
    """What definitions of a type and unit became; empty texts where there is none."""

    data_type: str
    unit: str
    kind: str
    device_class: str
    state_class: str
    shown_unit: str
    control: str


@dataclass
class Report:
    """What was found; the lists hold a sentence for each fault."""

    rows: Counter[Row] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong and there was anything at all."""
        faults = (self.broken, self.unmapped, self.invalid, self.noise)
        return bool(self.rows) and not any(faults)


def refusals(found: PointDescription) -> Iterator[str]:
    """Yield what Home Assistant's own tables refuse of a sensor or number."""
    if found.kind is Kind.NUMBER:
        if found.device_class is not None:
            allowed = NUMBER_UNITS.get(NumberDeviceClass(found.device_class))
            if allowed is not None and found.unit not in allowed:
                yield f"number of class {found.device_class} in {found.unit}"
        return
    if found.kind is not Kind.SENSOR:
        return
    if found.unit in AMBIGUOUS_UNITS:
        yield f"{found.unit!r} is an old spelling"
    if found.state_class is not None:
        units = STATE_CLASS_UNITS.get(SensorStateClass(found.state_class))
        if units is not None and found.unit not in units:
            yield f"state class {found.state_class} in {found.unit}"
    if found.device_class is None:
        return
    device_class = SensorDeviceClass(found.device_class)
    states = DEVICE_CLASS_STATE_CLASSES.get(device_class, set())
    if device_class in SENSOR_UNITS:
        if found.unit not in SENSOR_UNITS[device_class]:
            yield f"class {device_class} in {found.unit}"
    elif found.unit is not None:
        yield f"class {device_class} with a unit, {found.unit}"
    if found.state_class is not None and found.state_class not in states:
        yield f"class {device_class} with state class {found.state_class}"


def collect(lines: Iterable[str]) -> Report:
    """Return what lines of JSON become."""
    report = Report()
    with _listening(report):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
            except ValueError as err:
                report.broken.append(f"line {number}: not JSON ({err})")
                continue
            identifier = content.get("identifier") if isinstance(content, dict) else 0
            if not isinstance(identifier, str) or not identifier:
                report.broken.append(f"line {number}: no definition with an identifier")
                continue
            where = f"line {number}, `{identifier}`"
            point = measurepoint(identifier, content)
            if point.data_type is DataType.UNKNOWN:
                told = content.get("dataType")
                report.unmapped.append(f"{where}: unknown data type {told!r}")
                continue
            _add(report, where, point)
    return report


def _add(report: Report, where: str, point: Measurepoint) -> None:
    """Map a point in each language and add it to the report."""
    reading, control = None, None
    for language in LANGUAGES:
        reading = describe_reading(point, language=language)
        control = describe_control(point, language=language)
        for found in filter(None, (reading, control)):
            report.invalid += [
                f"{where}: {refusal}"
                for refusal in refusals(found)
                if f"{where}: {refusal}" not in report.invalid
            ]
    if reading is None and point.data_type not in BY_ACTION:
        report.unmapped.append(f"{where}: {point.data_type} is no entity")
        return
    multiplier = "" if point.multiplier == "ONE" else f"{point.multiplier} "
    report.rows[
        Row(
            data_type=point.data_type.value,
            unit=f"{multiplier}{point.unit}",
            kind=reading.kind.value if reading else "by action",
            device_class=(reading and reading.device_class) or "",
            state_class=(reading and reading.state_class) or "",
            shown_unit=(reading and reading.unit) or "",
            control=control.kind.value if control else "",
        )
    ] += 1


@contextmanager
def _listening(report: Report) -> Iterator[None]:
    """Add warnings and log records to a report."""

    class Handler(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            report.noise.append(f"{record.name}: {record.getMessage()}")

    handler = Handler()
    ours = logging.getLogger("custom_components.enos")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        report.noise += [f"{item.category.__name__}: {item.message}" for item in caught]
    finally:
        logging.getLogger().removeHandler(handler)
        ours.setLevel(before)


def _cells(*cells: object) -> str:
    """Return a line of a table."""
    return "|".join(("", *(f" {cell} ".replace("|", "\\|") for cell in cells), ""))


def _share(rows: Counter[Row], title: str) -> str:
    """Return how many of some rows have a device class."""
    total = rows.total()
    classed = sum(count for row, count in rows.items() if row.device_class)
    share = f"{100 * classed / total:.1f} %" if total else "-"
    return _cells(title, total, classed, share)


def _only(rows: Counter[Row], units: bool, classes: bool = False) -> Counter[Row]:
    """Return the rows of numbers, with a unit, and with one that has classes."""
    return Counter(
        {
            row: count
            for row, count in rows.items()
            if row.data_type in NUMBERS
            and (not units or row.shown_unit)
            and (not classes or row.shown_unit in WITH_CLASS)
        }
    )


def markdown(report: Report, source: str) -> str:
    """Return a report as Markdown."""
    rows = report.rows
    faults = [
        ("Lines that cannot be read", report.broken),
        ("Unmapped", report.unmapped),
        ("Class, state class or unit that Home Assistant refuses", report.invalid),
        ("Warnings and log records", report.noise),
    ]
    lines = [
        "# What measurepoints become",
        "",
        f"{rows.total()} definitions of {source}, Home Assistant {__version__}.",
        "",
        "| | |",
        "|---|---|",
        *(_cells(title, len(found)) for title, found in faults),
        "",
        "| Of these | definitions | with a device class | share |",
        "|---|---|---|---|",
        _share(rows, "all"),
        _share(_only(rows, units=False), "numbers"),
        _share(_only(rows, units=True), "numbers with a unit"),
        _share(
            _only(rows, units=True, classes=True),
            "numbers with a unit that Home Assistant has classes for",
        ),
        "",
        "| Type | Unit | How many | Entity | Device class | State class | Unit shown | As control |",
        "|---|---|---|---|---|---|---|---|",
        *(
            _cells(row.data_type, row.unit, count, *row[2:])
            for row, count in sorted(rows.items())
        ),
    ]
    for title, found in faults:
        if found:
            lines += ["", f"## {title}", "", *(f"- {fault}" for fault in found)]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the report; return 1 if something is wrong with what points become, 2 without a file."""
    parser = argparse.ArgumentParser(
        prog="scripts/mapping-report", description="What measurepoints become"
    )
    parser.add_argument("file", nargs="?", type=Path, help="one definition a line")
    parser.add_argument("--from", dest="start", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.file is None:
        root = Path(__file__).resolve().parents[1]
        file = root.parent / "shared" / "data" / "standard_features.jsonl"
    else:
        file = (options.start or Path()) / options.file
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as err:
        print(f"mapping-report: cannot read {file}: {err.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print(f"mapping-report: {file} is no UTF-8", file=sys.stderr)
        return 2
    report = collect(lines)
    print(markdown(report, file.name))
    if not report.rows:
        print(f"mapping-report: {file} has no definition", file=sys.stderr)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
