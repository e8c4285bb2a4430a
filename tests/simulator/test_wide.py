"""A model with 500 points, and a thousand devices of it."""

import time

import pytest

from simulator import Simulator
from simulator.__main__ import build
from simulator.values import check

from .conftest import Connect
from .helper import DEVICES, MODELS, Client


async def test_model(client: Client) -> None:
    """It has 500 points of all types, with names in two languages."""
    sim = client.sim
    assert "plant_controller" not in sim.models
    device = sim.add_device("wide")
    points = (await client.get(MODELS, modelId="plant_controller")).data[
        "measurepoints"
    ]
    assert len(points) == len(device.values) == 500
    assert {point["dataType"] for point in points.values()} == {
        *("INT", "FLOAT", "DOUBLE", "BOOL", "ENUM", "STRING"),
        *("TIMESTAMP", "DATE", "ARRAY", "STRUCT", "FILE"),
    }
    for locale in ("en_US", "zh_CN"):
        names = {point["name"]["i18nValue"][locale] for point in points.values()}
        assert len(names) == 500
    writable = [
        name for name, point in points.items() if point["tags"]["ha/access"] == "rw"
    ]
    assert 40 < len(writable) < 100
    for point in sim.kind("wide").points:
        definition = point.definition or {}
        assert check(point.initial, point.data_type, definition) == point.initial
    before = device.values["ch1_power"]
    sim.step(60)
    assert device.values["ch1_power"] != before
    assert (await client.set(device, "ch1_chw_setpoint", 8.5)).code == 0
    assert (await client.set(device, "ch1_chw_setpoint", 15.5)).code == 99400


async def test_a_thousand(connect: Connect) -> None:
    """They are there in seconds, and their pages at once, while they move."""
    started = time.perf_counter()
    client = await connect(kinds={"wide": 1000, "lab": 1}, physics=True)
    assert time.perf_counter() - started < 3
    sim = client.sim
    assert len(sim.devices) == 1017
    names = {device.name["i18nValue"]["en_US"] for device in sim.devices.values()}
    assert len(names) == 1017
    # The best of a few: the machine has other things to do, too.
    spans: list[float] = []
    for number in range(1, 6):
        body = {"pagination": {"pageNo": number, "pageSize": 200}}
        started = time.perf_counter()
        reply = await client.search(DEVICES, body)
        spans.append(time.perf_counter() - started)
        assert len(reply.data) == 200
    assert min(spans) < 0.05


def test_the_mix_stays() -> None:
    """More devices of a kind come on top; the others are the same as ever."""
    plain, more = Simulator(devices=24), Simulator(kinds={"gateway": 2, "fcu": 1})
    assert set(plain.devices) < set(more.devices)
    assert len(more.devices) == 27
    assert set(more.products) - set(plain.products) == {
        more.device("gateway").product_key
    }
    with pytest.raises(ValueError, match="no kind"):
        Simulator(kinds={"toaster": 1})


def test_command_line() -> None:
    """Kinds and numbers are read, more than once and several at a time."""
    sim = build(
        [*("--devices", "3", "--kind", "wide=2", "lab=1"), *("--kind", "lab=1")]
    )
    assert [device.kind.key for device in sim.devices.values()] == [
        *("fcu", "light", "ahu", "wide", "wide", "lab", "lab")
    ]


@pytest.mark.parametrize(
    "kind", ["toaster=1", "lab", "lab=", "lab=x", "lab=-1", "lab=100001", "=1"]
)
def test_wrong_command_lines(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong kind says what is wrong."""
    with pytest.raises(SystemExit):
        build(["--kind", kind])
    assert "--kind" in capsys.readouterr().err
