"""The building: catalogue, names, physics, clocks, command line."""

import asyncio
from datetime import UTC, datetime, timedelta
import json
import os
from pathlib import Path
import re
import signal
import ssl
import subprocess
import sys
import time
from typing import Any

from aiohttp import ClientError, ClientSSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from freezegun.api import FrozenDateTimeFactory
import pytest

from simulator import Simulator
from simulator.__main__ import build
from simulator.catalog import KINDS
from simulator.points import Kind
from simulator.values import Misfit, check, read_definition

from .conftest import Connect
from .helper import DEVICES, Client

ROOT = Path(__file__).parents[2]


def test_every_type_is_there() -> None:
    """The thing models cover all types, forms and names."""
    sim = Simulator(devices=0)
    points = [
        point
        for model in sim.models.values()
        for point in model["measurepoints"].values()
    ]
    types = {point["dataType"] for point in points}
    assert types == {
        *("INT", "FLOAT", "DOUBLE", "BOOL", "ENUM", "STRING"),
        *("TIMESTAMP", "DATE", "ARRAY", "STRUCT"),
    }
    assert {type(point["dataDefinition"]) for point in points} == {
        str,
        dict,
        type(None),
    }
    kinds = {
        read_definition(point["dataDefinition"]).get("enumType") for point in points
    }
    assert kinds == {None, "INT", "STRING"}
    assert {"ONE", "KILO"} == {
        point["unit"]["multiplier"] for point in points if point["unit"]
    }
    assert {point["signalType"] for point in points} == {"AI", "DI", "PI", "Generic"}
    for point in points:
        assert set(point["name"]["i18nValue"]) == {"en_US", "zh_CN"}
    tags = {tag for point in points for tag in point["tags"]}
    assert tags == {"ha/access", "ha/min", "ha/max", "ha/step"}
    assert sum(len(unstored) for unstored in sim.unstored.values()) >= 2
    json.dumps(sim.models)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_initial_values_fit(kind: Kind) -> None:
    """What a device holds fits its model, at first and after a day."""
    sim = Simulator(devices=9, physics=False)
    device = sim.device(kind.key)
    for _ in range(2):
        for point in kind.points:
            held = device.values[point.identifier]
            assert check(held, point.data_type, point.definition or {}) == held
        sim.step(86400)


def test_a_seed_gives_a_building() -> None:
    """The same seed gives the same ids, whatever the number of devices."""
    one, two, other = (
        Simulator(seed=1, devices=24),
        Simulator(seed=1, devices=100),
        Simulator(seed=2, devices=24),
    )
    assert set(one.devices) <= set(two.devices)
    assert not set(one.devices) & set(other.devices)
    assert list(one.products) == list(two.products)
    for kind in KINDS:
        assert one.device(kind, 0).device_key == two.device(kind, 0).device_key


def test_many_devices() -> None:
    """A large building is there at once; names and keys are unique."""
    started = time.monotonic()
    sim = Simulator(devices=5000)
    assert time.monotonic() - started < 5
    devices = sim.devices.values()
    assert len(devices) == 5000
    for locale in ("en_US", "zh_CN"):
        names = [device.name["i18nValue"][locale] for device in devices]
        assert len(set(names)) == 5000
        assert max(map(len, names)) < 30
    assert len(sim.by_key) == 5000
    assert all(re.fullmatch("[A-Za-z0-9]{8}", asset) for asset in sim.devices)


def test_few_devices() -> None:
    """Nine devices are one of each kind."""
    sim = Simulator(devices=9)
    assert {device.kind.key for device in sim.devices.values()} == set(KINDS)
    with pytest.raises(IndexError):
        sim.device("fcu", 1)
    with pytest.raises(ValueError, match="no kind"):
        sim.device("toaster")


def test_physics(freezer: FrozenDateTimeFactory) -> None:
    """Rooms move towards their setpoint, power follows what is on."""
    # The weather follows the hour: half past one at night in the building.
    freezer.move_to("2026-11-22T17:30:00+00:00")
    sim = Simulator(devices=9, physics=False)
    fcu, basic = sim.device("fcu"), sim.device("fcu_basic")
    light, meter = sim.device("light"), sim.device("meter")
    fcu.values.update(room_temp=28.0, temp_setpoint=22.0, mode=1)
    basic.values.update(roomTemp=18.0, tempSet=24.0, workMode=2)
    light.values["switch"] = False
    energy = meter.values["energy"]
    sim.step(600)
    assert light.values["power"] == 0
    light.values["switch"] = True
    middle = fcu.values["room_temp"]
    assert 22.0 < middle < 27.0
    sim.step(3600)
    assert abs(fcu.values["room_temp"] - 22.0) < 0.6
    assert abs(basic.values["roomTemp"] - 24.0) < 0.6
    assert light.values["power"] > 100
    assert meter.values["energy"] > energy
    assert fcu.connect_latest["room_temp"].value == fcu.values["room_temp"]
    fcu.values.update(power=False)
    sim.step(7200)
    assert fcu.values["room_temp"] > 23.0
    assert fcu.values["valve_position"] == 0


def test_physics_of_energy() -> None:
    """Charger, battery, chiller and solar power do what they are told."""
    sim = Simulator(devices=9, physics=False)
    charger, battery = sim.device("charger"), sim.device("battery")
    chiller, pv, ahu = sim.device("chiller"), sim.device("pv"), sim.device("ahu")
    charger.values["charge_limit"] = 32
    battery.values["mode"] = "charge"
    soc = battery.values["soc"]
    chiller.values["enable"] = False
    pv.values["enable"] = False
    ahu.values["fan_enable"] = False
    sim.step(600)
    assert charger.values["power"] > 20_000
    assert battery.values["soc"] > soc
    assert (chiller.values["power"], chiller.values["run_status"]) == (0.0, 0)
    assert (pv.values["status"], pv.values["ac_power"]) == ("off", 0.0)
    assert ahu.values["filter_pressure"] < 5


def test_nonsense_stands_still() -> None:
    """A device that was told to hold nonsense harms nobody."""
    sim = Simulator(devices=9, physics=False)
    sim.device("fcu").values["room_temp"] = None
    before = sim.device("fcu_basic").values["roomTemp"]
    sim.step(60)
    assert sim.device("fcu_basic").values["roomTemp"] != before


async def test_physics_in_real_time(connect: Connect) -> None:
    """Charts move by themselves, unless an offline device has them."""
    client = await connect(physics=True, time_scale=60.0)
    sim = client.sim
    here, away = sim.device("fcu", 0), sim.device("fcu", 1)
    away.status = "offline"
    before = here.tsdb_latest["room_temp"], away.tsdb_latest["room_temp"]
    await asyncio.sleep(1.5)
    assert here.tsdb_latest["room_temp"].value != before[0].value
    assert here.tsdb_latest["room_temp"].time > before[0].time
    assert away.tsdb_latest["room_temp"] == before[1]
    assert away.values["room_temp"] != before[1].value
    away.status = "online"
    assert away.tsdb_latest["room_temp"].value == away.values["room_temp"]


async def test_heartbeat(connect: Connect) -> None:
    """Once a minute a device reports also what did not change."""
    client = await connect(physics=True)
    device = client.sim.device("fcu")
    before = device.tsdb_latest["mode"]
    client.sim.jump(61)
    end = time.monotonic() + 5
    while device.tsdb_latest["mode"] == before:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    assert device.tsdb_latest["mode"].value == before.value


async def test_frozen_clocks(client: Client, freezer: FrozenDateTimeFactory) -> None:
    """Devices answer while clocks are frozen; a jump makes time-outs come true."""
    sim, device = client.sim, client.sim.device("fcu")
    assert (await client.set(device, "mode", 2)).code == 0
    device.behaviour.silent = True
    held = asyncio.create_task(client.set(device, "mode", 3, timeout="30"))
    while len(sim.commands) < 2:
        await asyncio.sleep(0)
    freezer.tick(31)
    assert (await held).code == 11915
    device.status = "offline"
    device.behaviour.silent = False
    await client.set(device, "mode", 3, pendingTtl="3600")
    freezer.tick(3601)
    started = time.clock_gettime(time.CLOCK_MONOTONIC)
    while sim.commands[-1].state != 3:
        await asyncio.sleep(0)
        assert time.clock_gettime(time.CLOCK_MONOTONIC) - started < 5
    freezer.tick(4000)
    assert (await client.search(DEVICES)).status == 401
    assert (await client.log_in())["expire"] == 7200


async def test_stop_with_frozen_clocks(
    client: Client, freezer: FrozenDateTimeFactory
) -> None:
    """Pulling the plug does not wait for held calls, whatever the clock does."""
    client.sim.device("fcu").behaviour.silent = True
    held = asyncio.create_task(client.set(client.sim.device("fcu"), "mode", 3))
    while not client.sim.commands:
        await asyncio.sleep(0)
    await client.sim.stop()
    with pytest.raises(ClientError):
        await held


@pytest.mark.parametrize(
    ("value", "data_type", "definition"),
    [
        (1, "UNKNOWN", {}),
        ({}, "FILE", {}),
        (float("inf"), "DOUBLE", {}),
        ([["a"]], "ARRAY", {"itemType": "STRING"}),
    ],
)
def test_misfits(value: Any, data_type: str, definition: dict[str, Any]) -> None:
    """Odd values are told from good ones."""
    with pytest.raises(Misfit):
        check(value, data_type, definition)
    assert check("enos-connect://x", "FILE", {}) == "enos-connect://x"


def test_it_knows_nothing_of_the_client() -> None:
    """The simulator imports nothing of the integration or Home Assistant."""
    for path in (ROOT / "simulator").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"^\s*(from|import)\s+(custom_components|homeassistant)", text, re.MULTILINE
        ), path


@pytest.mark.parametrize(
    "arguments",
    [["--guess", "G1=nothing"], ["--devices", "-1"], ["--guess", "x"]],
)
def test_wrong_command_lines(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong command line says what is wrong."""
    with pytest.raises(SystemExit):
        build(arguments)
    assert "error:" in capsys.readouterr().err


def test_command_line(tmp_path: Path) -> None:
    """It prints what to type into the form, serves, and ends cleanly."""
    command = [sys.executable, "-m", "simulator", "--port", "0", "--admin-port", "0"]
    command += ["--devices", "1000", "--seed", "3", "--org", "o42"]
    command += ["--guess", "G1=apim_status", "G13=all_strings"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    errors = tmp_path / "errors"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        lines = dict(
            re.split(r":\s+", process.stdout.readline().strip(), maxsplit=1)
            for _ in range(6)
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert lines["Gateway address"].startswith("http://127.0.0.1:")
    assert lines["Organization"] == "o42"
    assert lines["Devices"] == "1000"
    for key in ("Access key", "Secret key"):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lines[key])
    assert "Traceback" not in errors.read_text(encoding="utf-8")


async def test_port_in_use(client: Client) -> None:
    """A port that is taken is an OSError."""
    port = int(client.sim.url.rpartition(":")[2])
    for other in (Simulator(devices=0, port=port), Simulator(admin_port=port)):
        with pytest.raises(OSError, match="in use"):
            await other.start()
    with pytest.raises(OSError):
        async with client.session.get(other.url):
            pass


async def test_https(connect: Connect, tmp_path: Path) -> None:
    """The gateway can speak TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    client = await connect(ssl_context=context, log_in=False)
    assert client.sim.url.startswith("https://127.0.0.1:")
    with pytest.raises(ClientSSLError):
        await client.send("GET", "/")
    async with client.session.get(client.sim.url, ssl=False) as response:
        assert response.status == 404
