"""The test bench: every type, read and written."""

import json
from typing import Any

import pytest

from simulator import Guesses, Simulator
from simulator.points import Kind
from simulator.values import Misfit, blank, check, read_definition

from .conftest import Connect
from .helper import COMMANDS, MODELS, PRODUCTS, Client, until

ALL_TYPES = {
    *("INT", "FLOAT", "DOUBLE", "BOOL", "ENUM", "STRING"),
    *("TIMESTAMP", "DATE", "ARRAY", "STRUCT", "FILE"),
}


def lab() -> Kind:
    """Return the kind."""
    return Simulator(devices=0).kind("lab")


async def test_it_is_not_there_unasked(client: Client) -> None:
    """A building has no bench, no such product and no such model, before it is added."""
    sim = client.sim
    counts = len(sim.models), len(sim.products), len(sim.devices)
    reply = await client.get(MODELS, modelId="lab_bench")
    assert reply.code == 99404
    assert "lab_bench" not in sim.models
    device = sim.add_device("lab")
    assert (len(sim.models), len(sim.products), len(sim.devices)) == tuple(
        count + 1 for count in counts
    )
    product = (await client.get(PRODUCTS, productKey=device.product_key)).data
    assert product["modelId"] == "lab_bench"
    assert product["productName"]["i18nValue"] == {
        "en_US": "Test bench",
        "zh_CN": "测试台架",
    }
    assert sim.device("lab") is sim.device(device.product_key) is device
    sim.add_device("lab")
    assert len(sim.products) == counts[1] + 1


async def test_every_type_is_read_and_written(client: Client) -> None:
    """The model has each type at least once to read and once to write."""
    sim = client.sim
    sim.add_device("lab")
    model = (await client.get(MODELS, modelId="lab_bench")).data
    points = model["measurepoints"]
    for access in ("r", "rw"):
        types = {
            point["dataType"]
            for point in points.values()
            if point["tags"].get("ha/access") == access
        }
        assert types == ALL_TYPES, access
    definitions = {
        name: read_definition(point["dataDefinition"]) for name, point in points.items()
    }
    assert {each.get("enumType") for each in definitions.values()} >= {"INT", "STRING"}
    assert {each.get("itemType") for each in definitions.values()} >= {
        *("INT", "FLOAT", "DOUBLE", "STRING")
    }
    items = {item["identifier"]: item for item in definitions["struct_plan"]["items"]}
    assert {item["dataType"] for item in items.values()} == {
        *("INT", "FLOAT", "BOOL", "ENUM", "STRING")
    }
    assert items["target"]["unit"] == "°C"
    assert set(items["mode"]["dataDefinition"]["enumDesc"]) == {"0", "1", "2"}
    assert points["double_setpoint"]["unit"] == {"unitId": "W", "multiplier": "KILO"}
    assert points["int_setpoint"]["tags"] == {
        "ha/access": "rw",
        "ha/min": "0",
        "ha/max": "100",
        "ha/step": "5",
    }
    assert points["int_open"]["tags"] == {"ha/access": "rw"}
    assert points["float_open"]["tags"] == points["int_flag_untagged"]["tags"] == {}
    assert points["bool_bare"]["dataDefinition"] is None
    assert points["bool_bare"]["name"]["i18nValue"] == {"en_US": "Fan enable"}
    assert points["int_flag_untagged"]["name"] == {
        "defaultValue": "风机启停",
        "i18nValue": {"zh_CN": "风机启停"},
    }
    assert points["enum_chinese"]["name"]["i18nValue"]["en_US"] == ""
    assert definitions["enum_chinese"]["enumDesc"]["5"]["i18nValue"] == {
        "zh_CN": "手动"
    }
    assert model["services"]["self_test"]["inputData"] == []
    json.dumps(model)


@pytest.mark.parametrize("point", lab().points, ids=lambda point: point.identifier)
def test_first_values_fit(point: Any) -> None:
    """What a bench holds at first fits its model, and so does a blank value."""
    definition = point.definition or {}
    assert check(point.initial, point.data_type, definition) == point.initial
    check(blank(point.data_type, definition), point.data_type, definition)


WRITES: list[tuple[str, Any, Any]] = [
    ("int_setpoint", 45, 45),
    ("int_open", -7, -7),
    ("int_flag", 1, 1),
    ("float_setpoint", 21.5, 21.5),
    ("double_setpoint", 0.001, 0.001),
    ("bool_switch", True, True),
    ("bool_bare", 0, False),
    ("enum_int", 2, 2),
    ("enum_text", "fault", "fault"),
    ("enum_chinese", 20, 20),
    ("string_note", "夜班", "夜班"),
    ("string_onoff", "on", "on"),
    ("timestamp_start", 1767225600001, "1767225600001"),
    ("date_due", "2026-02-28 23:59:59", "2026-02-28 23:59:59"),
    ("array_double", [1, 2.5], [1.0, 2.5]),
    ("array_string", [], []),
    (
        "struct_plan",
        {"rounds": 1, "target": 20, "hold": 1, "mode": 2},
        {"rounds": 1, "target": 20.0, "hold": True, "mode": 2},
    ),
    ("file_program", "enos-connect://lab/b.json", "enos-connect://lab/b.json"),
]


@pytest.mark.parametrize(("point", "value", "held"), WRITES)
async def test_writes(client: Client, point: str, value: Any, held: Any) -> None:
    """What fits is held, and read again from both services."""
    sim = client.sim
    device = sim.add_device("lab")
    assert (await client.set(device, point, value)).code == 0
    await until(lambda: device.connect_latest[point].value == held)
    assert await client.value(device, point) == held
    stored = await client.tsdb(device, point)
    assert stored == held or json.loads(stored) == held
    assert sim.rejections == []


REFUSED: list[tuple[str, Any]] = [
    ("int_setpoint", 101),
    ("int_setpoint", 4.0),
    ("int_setpoint", "4"),
    ("int_open", 2**31),
    ("int_flag", 2),
    ("int_flag_untagged", True),
    ("float_setpoint", 9.99),
    ("float_open", 1e39),
    ("double_open", "1"),
    ("bool_switch", "true"),
    ("bool_switch", 2),
    ("enum_int", "1"),
    ("enum_int", 3),
    ("enum_text", "Idle"),
    ("enum_chinese", 0),
    ("enum_chinese", "手动"),
    ("string_note", "x" * 33),
    ("string_note", 5),
    ("string_note", None),
    ("timestamp_start", "2026-01-01"),
    ("timestamp_start", -1),
    ("date_due", "2026-02-30"),
    ("date_due", "2026-02-28T08:00:00"),
    ("array_double", ["1"]),
    ("array_double", 1.0),
    ("array_string", [1]),
    ("struct_plan", {"rounds": 1}),
    ("struct_plan", {"rounds": 1, "target": 20, "hold": 1, "mode": 9}),
    ("struct_plan", {"rounds": 1, "target": 20, "hold": 1, "mode": 1, "x": 1}),
    ("struct_plan", "{}"),
    ("file_program", "b.json"),
    ("file_program", ""),
    ("file_program", {"uri": "ftp://x"}),
]


@pytest.mark.parametrize(("point", "value"), REFUSED)
async def test_misfits(client: Client, point: str, value: Any) -> None:
    """What does not fit is refused and reaches nothing."""
    device = client.sim.add_device("lab")
    before = device.values[point]
    assert (await client.set(device, point, value)).code == 99400
    assert device.values[point] == before
    assert client.sim.writes == []
    assert len(client.sim.rejections) == 1


async def test_a_pulse_falls_back(client: Client) -> None:
    """The reset command was received, and reads as off all the same."""
    sim = client.sim
    device = sim.add_device("lab")
    before = device.connect_latest["reset_cmd"]
    assert (await client.set(device, "reset_cmd", True)).code == 0
    assert sim.writes == [(device.asset_id, "reset_cmd", True)]
    await until(lambda: device.connect_latest["reset_cmd"].time > before.time)
    assert await client.value(device, "reset_cmd") is False


@pytest.mark.parametrize(
    ("service", "inputs", "output"),
    [
        ("self_test", None, {}),
        ("self_test", {}, {}),
        ("restart", {}, {"took": 0.0}),
        (
            "calibrate",
            {"offset": 0.5, "mode": 2, "keep": True, "by": "李"},
            {"passed": False, "report": ""},
        ),
        ("self_test", {"x": 1}, None),
        ("calibrate", {}, None),
        ("calibrate", {"offset": 0.5, "mode": 7, "keep": True, "by": "x"}, None),
        ("unknown", {}, None),
    ],
)
async def test_services(
    client: Client, service: str, inputs: Any, output: dict[str, Any] | None
) -> None:
    """Services with and without inputs answer with what their model says."""
    device = client.sim.add_device("lab")
    reply = await client.call(
        "POST",
        COMMANDS,
        {"action": "invokeService", "assetId": device.asset_id, "serviceId": service},
        {} if inputs is None else {"inputData": inputs},
    )
    if output is None:
        assert reply.code == 99400
    else:
        assert reply.data["outputData"] == output


async def test_nothing_moves(connect: Connect) -> None:
    """The bench has no physics: what is written stays."""
    client = await connect(guesses=Guesses(G14="object"))
    device = client.sim.add_device("lab")
    before = dict(device.values)
    client.sim.step(7200)
    assert device.values == before


@pytest.mark.parametrize(
    ("data_type", "definition", "value"),
    [
        ("ENUM", {"enumType": "INT"}, 0),
        ("ENUM", {"enumType": "STRING", "enumDesc": {"a": {}}}, "a"),
        ("ARRAY", {"itemType": "INT"}, []),
        ("STRUCT", {}, {}),
        ("UNKNOWN", {}, 0),
    ],
)
def test_blank(data_type: str, definition: dict[str, Any], value: Any) -> None:
    """A value that says nothing has its type's form."""
    assert blank(data_type, definition) == value


@pytest.mark.parametrize("value", ["x", "http:/x", "ftp://", "ftp://a b", 1, None])
def test_no_file(value: Any) -> None:
    """A FILE is an address."""
    with pytest.raises(Misfit):
        check(value, "FILE", {})
