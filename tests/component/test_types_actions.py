"""Data types by the actions: lists, structures, files and services, whole or by their items."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import CONF_WRITE_ANY_POINT
from simulator import Simulator
from simulator.faults import RequestRecord

from .actions import act, device_id_of, do, refused
from .bench import bench, bench_subentry
from .common import entity_id_of, entry_for, poll, state_of
from .reading import DIRECT, requests_for, values_asked
from .writing import sets

PLAN = {"rounds": 3, "target": 35.5, "hold": True, "mode": 1, "label": "早"}


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator) -> MockConfigEntry:
    """An account with a test bench of which every point may be written by actions."""
    sim.add_device("lab")
    config: dict[str, Any] = {"controls": [], "sensors": ["struct_plan#target"]}
    found = entry_for(sim, bench_subentry(sim, **config))
    found.add_to_hass(hass)
    hass.config_entries.async_update_entry(found, options={CONF_WRITE_ANY_POINT: True})
    assert await hass.config_entries.async_setup(found.entry_id)
    await hass.async_block_till_done()
    return found


def target(hass: HomeAssistant, sim: Simulator, *points: str) -> dict[str, Any]:
    """Return the fields that name points of the bench."""
    return {
        "device_id": device_id_of(hass, sim, bench(sim)),
        "measurepoint_id": list(points),
    }


# Reading.


@pytest.mark.parametrize("fresh", [False, True])
async def test_get(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry, fresh: bool
) -> None:
    """Lists and structures come as such, items by their keys, each by its type."""
    expected = {
        "array_double": [18.0, 20.5, 22.0],
        "array_string": ["early", "晚班"],
        "array_int": [],
        "struct_plan": PLAN,
        "struct_plan#rounds": 3,
        "struct_plan#target": 35.5,
        "struct_plan#hold": True,
        "struct_plan#mode": "1",
        "struct_plan#label": "早",
        "struct_measured#firmware": "2.1",
        "file_report": "ftp://lab.example/report.pdf",
        "timestamp_measured": "2026-01-01T00:00:00.123000+00:00",
        "date_measured": "2026-01-31",
        "int_unstored": 0,
    }
    found = await act(
        hass, "get_measurepoints", **target(hass, sim, *expected), fresh=fresh
    )
    shown = {each["measurepoint_id"]: each for each in found["measurepoints"]}
    assert {key: each["value"] for key, each in shown.items()} == expected
    assert {type(shown[key]["value"]) for key in expected} == {
        type(value) for value in expected.values()
    }
    assert shown["struct_plan#target"]["unit"] == "°C"
    assert all(each["source"] and each["time"] for each in shown.values())
    # EnOS knows no items.
    asked = [each.body["pointIds"] for each in values_asked(sim)] + [
        point
        for each in requests_for(sim, "/measurepoints", DIRECT)
        for point in each.body["measurepointIds"]
    ]
    assert asked
    assert not any("#" in each for each in asked)
    assert sim.rejections == []


async def test_get_an_item_that_is_not_there(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """An item that a sample lacks has no value; one that the model lacks is an error."""
    await sim.report(bench(sim), {"struct_plan": {"rounds": 5}})
    found = await act(
        hass,
        "get_measurepoints",
        **target(hass, sim, "struct_plan#rounds", "struct_plan#label"),
        fresh=True,
    )
    assert [each["value"] for each in found["measurepoints"]] == [5, None]
    for point in ("struct_plan#nothing", "nothing#rounds", "float_measured#x", "#"):
        err = await refused(
            hass, "get_measurepoints", response=True, **target(hass, sim, point)
        )
        assert err.translation_key == "unknown_point"


async def test_get_what_nobody_can_write_down(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A value that is nested without end is none, and harms no response."""
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    for point in ("array_double", "string_note"):
        sim.put(bench(sim).asset_id, point, deep)
    found = await act(
        hass,
        "get_measurepoints",
        **target(hass, sim, "array_double", "string_note", "float_measured"),
        fresh=True,
    )
    depth, value = 0, found["measurepoints"][0]["value"]
    while value:
        depth, value = depth + 1, value[0]
    assert depth < 100
    assert found["measurepoints"][2]["value"] == 23.25


# Writing.


@pytest.mark.parametrize(
    ("point", "value", "wire"),
    [
        ("array_double", [1, 2.5], [1.0, 2.5]),
        ("array_double", [], []),
        ("array_string", ["a", "晚"], ["a", "晚"]),
        ("struct_plan", PLAN, None),
        (
            "struct_plan",
            {"rounds": "4", "target": 36, "hold": 0, "mode": 2},
            {"rounds": 4, "target": 36.0, "hold": 0, "mode": 2},
        ),
        ("file_program", "enos-connect://lab/b.json", None),
        ("timestamp_start", "2026-05-07T08:30:00Z", 1778142600000),
        ("date_due", "2026-05-07 10:00:00", "2026-05-07"),
    ],
)
async def test_set(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    point: str,
    value: Any,
    wire: Any,
) -> None:
    """What no entity writes is written whole, each item in its type."""
    await do(hass, "set_measurepoint", **target(hass, sim, point), value=value)
    expected = value if wire is None else wire
    (request,) = sets(sim)
    assert request.body == {"value": expected}
    assert sim.rejections == []
    found = await act(hass, "get_measurepoints", **target(hass, sim, point), fresh=True)
    assert found["measurepoints"][0]["value"] is not None


async def test_written_struct_shows_in_its_items(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """From the acknowledgement on an item shows what was written with its struct."""
    bench(sim).behaviour.echo = False
    plan = {**PLAN, "target": 40.25}
    await do(hass, "set_measurepoint", **target(hass, sim, "struct_plan"), value=plan)
    await poll(hass)
    assert (
        state_of(hass, sim, "sensor", bench(sim), "struct_plan#target").state == "40.25"
    )


async def test_item_alone_cannot_be_written(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Whoever writes an item is told to write its struct; nothing is sent."""
    for fields in (
        target(hass, sim, "struct_plan#target"),
        target(hass, sim, "struct_plan#rounds"),
    ):
        err = await refused(hass, "set_measurepoint", **fields, value=36)
        assert isinstance(err, ServiceValidationError)
        assert err.translation_key == "item_of_struct"
        assert err.translation_placeholders["struct"] == "struct_plan"
    entity_id = entity_id_of(hass, sim, "sensor", bench(sim), "struct_plan#target")
    err = await refused(hass, "set_measurepoint", entity_id=entity_id, value=36)
    assert err.translation_key == "no_control"
    assert sets(sim) == []


@pytest.mark.parametrize(
    ("point", "value", "key"),
    [
        ("file_program", "b.json", "invalid_value"),
        ("file_program", 5, "invalid_value"),
        ("file_program", None, "invalid_value"),
        ("array_string", [1], "invalid_item"),
        ("array_string", "a", "invalid_value"),
        ("array_double", {"0": 1}, "invalid_value"),
        ("struct_plan", {**PLAN, "mode": 7}, "invalid_item"),
        ("struct_plan", {**PLAN, "rounds": 1.5}, "invalid_item"),
        ("struct_plan", {**PLAN, "rounds": 2**31}, "invalid_item"),
        ("struct_plan", {**PLAN, "label": "\ud800"}, "invalid_item"),
        ("struct_plan", {**PLAN, "more": 1}, "unknown_item"),
        ("struct_plan", [PLAN], "invalid_value"),
    ],
)
async def test_set_in_vain(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    point: str,
    value: Any,
    key: str,
) -> None:
    """What a type cannot take never leaves."""
    err = await refused(
        hass, "set_measurepoint", **target(hass, sim, point), value=value
    )
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == key
    assert sets(sim) == []


# Services.


CALIBRATE: dict[str, Any] = {"offset": 0.5, "mode": 1, "keep": 1, "by": "x"}


def invoked(sim: Simulator) -> list[RequestRecord]:
    """Return the requests that invoked a service."""
    return [each for each in sim.requests if each.action == "invokeService"]


@pytest.mark.parametrize(
    ("inputs", "wire"),
    [
        ({"offset": 1}, {"offset": 1.0}),
        ({"offset": "0.30000000000000004"}, {"offset": 0.3}),
        ({"mode": "2"}, {"mode": 2}),
        ({"keep": True}, {"keep": True}),
        ({"keep": 0}, {"keep": 0}),
        ({"keep": "off"}, {"keep": 0}),
        ({"by": "王"}, {"by": "王"}),
    ],
)
async def test_inputs_of_a_service(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    inputs: dict[str, Any],
    wire: dict[str, Any],
) -> None:
    """Inputs go out in the types of the model."""
    device_id = device_id_of(hass, sim, bench(sim))
    found = await act(
        hass,
        "invoke_service",
        device_id=device_id,
        service_id="calibrate",
        inputs=CALIBRATE | inputs,
    )
    (request,) = invoked(sim)
    assert request.body == {"inputData": CALIBRATE | wire}
    for name, value in wire.items():
        assert type(request.body["inputData"][name]) is type(value)
    (command,) = found["commands"]
    assert command["outcome"] == "succeeded"
    assert set(command["output"]) == {"passed", "report"}


@pytest.mark.parametrize(
    ("inputs", "key", "item"),
    [
        ({"speed": 1}, "unknown_input", "speed"),
        ({"Offset": 1}, "unknown_input", "Offset"),
        ({"offset": "warm"}, "invalid_input", "offset"),
        ({"offset": None}, "invalid_input", "offset"),
        ({"offset": 1e39}, "invalid_input", "offset"),
        ({"mode": 7}, "invalid_input", "mode"),
        ({"keep": "maybe"}, "invalid_input", "keep"),
        ({"by": "x" * 17}, "invalid_input", "by"),
        ({"by": 5}, "invalid_input", "by"),
        ({"by": ["x"]}, "invalid_input", "by"),
    ],
)
async def test_wrong_inputs(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    inputs: dict[str, Any],
    key: str,
    item: str,
) -> None:
    """An input that the service does not have, or of another type, is named; nothing is sent."""
    call: dict[str, Any] = {
        "device_id": device_id_of(hass, sim, bench(sim)),
        "service_id": "calibrate",
        "inputs": inputs,
    }
    err = await refused(hass, "invoke_service", **call)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == key
    assert err.translation_placeholders["item"] == item
    found = await act(hass, "invoke_service", **call)
    (command,) = found["commands"]
    assert (command["outcome"], command["command"]) == ("rejected", None)
    assert item in command["message"]
    assert invoked(sim) == []


async def test_input_that_is_left_out(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Models do not tell which inputs a service needs: EnOS and the device decide."""
    device_id = device_id_of(hass, sim, bench(sim))
    call: dict[str, Any] = {"device_id": device_id, "service_id": "calibrate"}
    err = await refused(hass, "invoke_service", **call, inputs={"offset": 1})
    assert err.translation_key == "rejected"
    assert [each.body for each in invoked(sim)] == [{"inputData": {"offset": 1.0}}]


async def test_service_without_inputs_takes_none(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """What a service cannot take is refused, and so is a service that is not there."""
    device_id = device_id_of(hass, sim, bench(sim))
    call: dict[str, Any] = {"device_id": device_id, "service_id": "self_test"}
    await do(hass, "invoke_service", **call)
    err = await refused(hass, "invoke_service", **call, inputs={"x": 1})
    assert err.translation_key == "unknown_input"
    err = await refused(hass, "invoke_service", device_id=device_id, service_id="fly")
    assert err.translation_key == "unknown_service"
    assert set(err.translation_placeholders["services"].split(", ")) == {
        *("self_test", "restart", "calibrate")
    }
    assert len(invoked(sim)) == 1


async def test_service_of_an_unknown_model(
    hass: HomeAssistant, sim: Simulator, freezer: Any
) -> None:
    """Without a model nobody knows its services; EnOS decides."""
    sim.rights.discard("Model Management: Read")
    sim.add_device("lab")
    described = {"p": {"name": "P", "data_type": "INT"}}
    found = entry_for(
        sim, bench_subentry(sim, controls=[], sensors=["p"], points=described)
    )
    found.add_to_hass(hass)
    assert await hass.config_entries.async_setup(found.entry_id)
    await hass.async_block_till_done()
    device_id = device_id_of(hass, sim, bench(sim))
    call: dict[str, Any] = {"device_id": device_id, "service_id": "calibrate"}
    await do(hass, "invoke_service", **call, inputs=CALIBRATE)
    assert invoked(sim)[-1].body == {"inputData": CALIBRATE}
    err = await refused(hass, "invoke_service", **call, inputs={"speed": 1})
    assert err.translation_key == "rejected"
