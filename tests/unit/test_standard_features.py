"""The report on what EnOS's standard features become."""

from collections.abc import Iterator
import json
import logging
from pathlib import Path
from typing import Any, Final
import warnings

import pytest

from custom_components.enos.mapping import Kind, PointDescription
from scripts import _mapping_report as mapping_report

from .points import LIBRARY

SAMPLE: Final[list[dict[str, Any]]] = [
    {"identifier": "room_temp", "dataType": "double", "unit": "°C"},
    {"identifier": "supply_temp", "dataType": "double", "unit": "°C"},
    {
        "identifier": "meter",
        "name": {"defaultValue": "电量", "i18nValue": {"en_US": "energy"}},
        "dataType": "FLOAT",
        "unit": {"unitId": "Wh", "multiplier": "KILO"},
    },
    {"identifier": "turns", "dataType": "int", "unit": None},
    {"identifier": "torque", "dataType": "double", "unit": "N·m"},
    {
        "identifier": "state",
        "dataType": "enum",
        "dataDefinition": {"enumDesc": {"0": {"defaultValue": "off"}, "1": "on"}},
    },
    {"identifier": "running", "dataType": "bool"},
    {"identifier": "label", "dataType": "string"},
    {
        "identifier": "values",
        "dataType": "array",
        "dataDefinition": {"itemType": "INT"},
    },
    {"identifier": "place", "dataType": "struct"},
    {"identifier": "picture", "dataType": "file"},
    {"identifier": "day", "dataType": "date"},
    {"identifier": "moment", "dataType": "timestamp"},
]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Return a file with definitions of every type."""
    file = tmp_path / "sample.jsonl"
    file.write_text("\n".join(map(json.dumps, SAMPLE)) + "\n\n", encoding="utf-8")
    return file


def add(file: Path, *lines: str) -> None:
    """Add lines to a file."""
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def counts(text: str) -> dict[str, str]:
    """Return the cells after the first of each line of a report's tables."""
    rows = [
        line.strip("| ").split(" | ", 1) for line in text.splitlines() if "|" in line
    ]
    return {row[0]: row[1] for row in rows if len(row) == 2}


def test_standard_features(capsys: pytest.CaptureFixture[str]) -> None:
    """Every feature of the library becomes something that Home Assistant takes."""
    if not LIBRARY.exists():
        pytest.skip("no feature library here")
    code = mapping_report.main([str(LIBRARY)])
    output = capsys.readouterr().out
    found = counts(output)
    assert found["Unmapped"] == found["Lines that cannot be read"] == "0", output
    assert found["Warnings and log records"] == "0", output
    assert code == 0, output
    lines = len(LIBRARY.read_text(encoding="utf-8").splitlines())
    assert found["all"].startswith(f"{lines} | ")
    share = found["numbers with a unit that Home Assistant has classes for"]
    assert float(share.split(" | ")[2].removesuffix(" %")) > 80


def test_report(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report tells per type and unit what became of how many, and the shares."""
    assert mapping_report.main([str(sample)]) == 0
    output = capsys.readouterr().out
    for line in (
        "13 definitions of sample.jsonl, Home Assistant ",
        "| Unmapped | 0 |",
        "| DOUBLE | °C | 2 | sensor | temperature | measurement | °C | number |",
        "| FLOAT | KILO Wh | 1 | sensor | energy | total_increasing | kWh | number |",
        "| INT |  | 1 | sensor |  | measurement |  | number |",
        "| DOUBLE | N·m | 1 | sensor |  | measurement | N·m | number |",
        "| ENUM |  | 1 | sensor | enum |  |  | select |",
        "| BOOL |  | 1 | binary_sensor | running |  |  | switch |",
        "| DATE |  | 1 | sensor | date |  |  | ",
        "| TIMESTAMP |  | 1 | sensor | timestamp |  |  | ",
        "| all | 13 | 7 | 53.8 % |",
        "| numbers | 5 | 3 | 60.0 % |",
        "| numbers with a unit | 4 | 3 | 75.0 % |",
        "| numbers with a unit that Home Assistant has classes for | 3 | 3 | 100.0 % |",
    ):
        assert line in output, output
    for data_type in ("ARRAY", "STRUCT", "FILE"):
        assert f"| {data_type} |  | 1 | " in output
    assert "## " not in output


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        ("{not json", "Lines that cannot be read", "line 15: not JSON (Expecting"),
        (
            "[1]",
            "Lines that cannot be read",
            "line 15: no definition with an identifier",
        ),
        ('{"dataType": "int"}', "Lines that cannot be read", "line 15: no definition"),
        ('{"identifier": 5}', "Lines that cannot be read", "line 15: no definition"),
        (
            '{"identifier": "x", "dataType": "QUATERNION"}',
            "Unmapped",
            "line 15, `x`: unknown data type 'QUATERNION'",
        ),
        ('{"identifier": "x"}', "Unmapped", "line 15, `x`: unknown data type None"),
    ],
)
def test_broken_line(
    sample: Path, capsys: pytest.CaptureFixture[str], line: str, kind: str, told: str
) -> None:
    """A line that cannot be mapped is told with its number, and all others are mapped."""
    add(sample, line)
    assert mapping_report.main([str(sample)]) == 1
    output = capsys.readouterr().out
    assert f"| {kind} | 1 |" in output
    assert f"## {kind}\n\n- {told}" in output
    assert "13 definitions of" in output


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"device_class": "power", "unit": "kWh"}, "class power in kWh"),
        ({"device_class": "temperature"}, "class temperature in None"),
        ({"device_class": "enum", "unit": "V"}, "class enum with a unit, V"),
        (
            {"device_class": "energy", "unit": "kWh", "state_class": "measurement"},
            "class energy with state class measurement",
        ),
        (
            {"unit": "K", "state_class": "measurement_angle"},
            "state class measurement_angle in K",
        ),
        ({"unit": "\N{MICRO SIGN}g/m³"}, "'\N{MICRO SIGN}g/m³' is an old spelling"),
        (
            {"kind": Kind.NUMBER, "device_class": "power", "unit": "kWh"},
            "number of class power in kWh",
        ),
        ({"device_class": "energy", "unit": "kWh", "state_class": "total"}, None),
        ({"kind": Kind.NUMBER, "device_class": "power", "unit": "kW"}, None),
        ({"kind": Kind.SWITCH, "device_class": "outlet"}, None),
        ({"unit": "furlong", "state_class": "measurement"}, None),
    ],
)
def test_refusals(found: dict[str, Any], told: str | None) -> None:
    """What Home Assistant would refuse is found by its own tables."""
    description = PointDescription(**{"kind": Kind.SENSOR, **found})
    assert list(mapping_report.refusals(description)) == ([told] if told else [])


def test_noise() -> None:
    """A warning or a line in the log while points are mapped fails the report."""

    def noisy() -> Iterator[str]:
        yield json.dumps(SAMPLE[0])
        warnings.warn("is odd", stacklevel=1)
        logging.getLogger("custom_components.enos.mapping").debug("is %s", "odder")
        yield json.dumps(SAMPLE[1])

    report = mapping_report.collect(noisy())
    assert report.rows.total() == 2
    assert report.noise == [
        "custom_components.enos.mapping: is odder",
        "UserWarning: is odd",
    ]
    assert not report.good
    output = mapping_report.markdown(report, "noise")
    assert "| Warnings and log records | 2 |" in output
    assert "- UserWarning: is odd" in output
    assert mapping_report.collect(map(json.dumps, SAMPLE)).good


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, is a folder, has other bytes or nothing in it is told."""
    assert mapping_report.main([str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl: No such file" in capsys.readouterr().err
    assert mapping_report.main([str(tmp_path)]) == 2
    assert "Is a directory" in capsys.readouterr().err
    (tmp_path / "gbk").write_bytes("电".encode("gbk"))
    assert mapping_report.main([str(tmp_path / "gbk")]) == 2
    assert "is no UTF-8" in capsys.readouterr().err
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    assert mapping_report.main([str(tmp_path / "empty")]) == 1
    assert "has no definition" in capsys.readouterr().err


def test_relative_file(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is looked for where the script was called from."""
    assert mapping_report.main(["--from", str(sample.parent), sample.name]) == 0
    assert "13 definitions" in capsys.readouterr().out
