"""The console's export of a model in the flows: suggestions, ranges, and a model from a file."""

import json
from typing import Any

from homeassistant.components.number import NumberMode
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.enos.api.models import DataType, LocalizedText, Measurepoint
from custom_components.enos.model_export import MAX_SIZE
from custom_components.enos.selection import fields_of, manual_point
from custom_components.enos.values import FLOAT_MAX
from simulator import Simulator

from .common import entry_for, product_subentry, set_up, state_of
from .flows import (
    account,
    begin,
    begin_subentry,
    choose,
    fill,
    fill_subentry,
    offered,
    review_subentry,
    suggested,
)
from .uploads import console_export, upload
from .writing import Control

MODELS = "Model Management: Read"
ERRORS = {"base": "export_other_model"}


def form_of(result: dict[str, Any]) -> dict[str, Any]:
    """Return what a form of points has filled in, to be changed."""
    return {key: list(chosen) for key, chosen in suggested(result).items()}


def only(entry: ConfigEntry) -> ConfigSubentry:
    """Return the only subentry."""
    (subentry,) = entry.subentries.values()
    return subentry


async def to_points(hass: HomeAssistant, sim: Simulator, kind: str) -> dict[str, Any]:
    """Go through the first forms to the points of a product."""
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"products": [sim.device(kind).product_key]})
    result = await choose(hass, result, "measurepoints")
    assert result["step_id"] == "measurepoints"
    return result


async def test_suggestions_follow_the_file(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """What the file says goes before words; what the user changed goes before the file."""
    kind = sim.kind("fcu_basic")
    result = await to_points(hass, sim, "fcu_basic")
    before = form_of(result)
    assert {"tempSet", "workMode"} <= {*before["controls"]}
    assert {"roomTemp", "humidity"} <= {*before["sensors"]}
    file_id = await upload(
        hass,
        hass_client,
        console_export(
            kind,
            {
                # In words it is a setpoint; the device takes no writes.
                "tempSet": {"accessMode": False, "minimum": 12, "maximum": 28.5},
                # In words a reading; it may be written.
                "humidity": {"accessMode": True, "minimum": 30, "maximum": 70},
                "roomTemp": {"accessMode": True},
            },
        ),
    )
    # The user wants the mode only to be read, and the room's temperature not at all.
    form = {
        "controls": [key for key in before["controls"] if key != "workMode"],
        "sensors": ["workMode", *before["sensors"]],
    }
    form["sensors"].remove("roomTemp")
    result = await fill(hass, result, {**form, "model_export": file_id})
    assert (result["type"], result["step_id"]) == (
        FlowResultType.FORM,
        "exported_points",
    )
    assert result["errors"] == {}
    told = result["description_placeholders"]
    assert told["model"] == kind.model_id
    assert told["points"] == told["count"] == str(len(kind.points))
    assert told["ranges"] == "2"
    read_only = {"tempSet"} | {
        point.identifier
        for point in kind.points
        if point.access != "rw" and point.identifier not in ("humidity", "roomTemp")
    }
    assert told["read_only"] == str(len(read_only))
    after = suggested(result)
    assert after["controls"] == ["onOffSet", "humidity"]
    assert "tempSet" in after["sensors"]
    assert "workMode" in after["sensors"], "the user's word"
    assert "roomTemp" not in after["controls"] + after["sensors"], "the user's word"
    labels = offered(result, "controls")
    assert labels["humidity"] == "Humidity (humidity) · FLOAT % · rw · 30…70"
    assert labels["tempSet"] == "Set temperature (tempSet) · FLOAT °C · r · 12…28.5"

    result = await fill(hass, result, after)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    data = only(result["result"]).data
    assert data["controls"] == after["controls"]
    assert data["sensors"] == after["sensors"]
    assert data["declared"]["humidity"] == {
        "writable": True,
        "minimum": 30.0,
        "maximum": 70.0,
    }
    assert data["declared"]["tempSet"]["writable"] is False
    assert data["declared"].keys() == {*after["controls"], *after["sensors"]}
    assert data["points"] == {}

    humidity = state_of(hass, sim, "number", sim.device("fcu_basic"), "humidity")
    assert (humidity.attributes["min"], humidity.attributes["max"]) == (30, 70)
    control = Control(hass, sim, "number", sim.device("fcu_basic"), "humidity")
    await control.refuse(71)
    assert control.written == []


async def test_second_file(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A file may follow another; what was decided before the first one still is."""
    kind = sim.kind("fcu_basic")
    result = await to_points(hass, sim, "fcu_basic")
    form = form_of(result)
    form["controls"].remove("tempSet")
    first = console_export(kind, {"humidity": {"accessMode": True}})
    file_id = await upload(hass, hass_client, first)
    result = await fill(hass, result, {**form, "model_export": file_id})
    form = form_of(result)
    assert "humidity" in form["controls"]
    assert "tempSet" not in form["controls"]
    second = console_export(kind, {"tempSet": {"minimum": 10}})
    file_id = await upload(hass, hass_client, second)
    result = await fill(hass, result, {**form, "model_export": file_id})
    form = form_of(result)
    assert "humidity" in form["sensors"]
    assert "tempSet" not in form["controls"]
    assert result["description_placeholders"]["ranges"] == "1"
    # In both lists now, which is told on the form that the file brought.
    form["sensors"].append("onOffSet")
    form["sensors"].append("workMode")
    form["controls"].remove("workMode")
    result = await fill(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only(result["result"]).data["controls"] == []


async def test_point_in_both(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """What is wrong is told on the form that the file brought, with what it said."""
    kind = sim.kind("fcu_basic")
    result = await to_points(hass, sim, "fcu_basic")
    file_id = await upload(hass, hass_client, console_export(kind))
    result = await fill(hass, result, {"model_export": file_id})
    # Whoever empties both lists has decided about everything.
    assert suggested(result)["controls"] == []
    both = {"controls": ["tempSet"], "sensors": ["tempSet"]}
    result = await fill(hass, result, both)
    assert result["step_id"] == "exported_points"
    assert result["errors"] == {"base": "point_in_both"}
    assert result["description_placeholders"]["model"] == kind.model_id
    assert suggested(result)["controls"] == ["tempSet"]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ('{\n "a": 1,\n oops', "export_not_json", {"line": "3", "column": "2"}),
        ([1, 2], "export_no_model", {"found": "[2]"}),
        (b" " * (MAX_SIZE + 1), "export_too_large", {"size": "5.0", "max": "5"}),
        (None, "export_gone", {}),
        (
            {"thingModelId": "other", "thingMeasurepointMap": {"x": {}}},
            "export_no_points",
            {"file_model": "other", "own_model": "hvac_fcu_basic"},
        ),
    ],
)
async def test_wrong_file(
    hass: HomeAssistant,
    sim: Simulator,
    hass_client: ClientSessionGenerator,
    content: object,
    error: str,
    words: dict[str, str],
) -> None:
    """A wrong file says what is wrong with it; nothing that was entered is lost."""
    result = await to_points(hass, sim, "fcu_basic")
    file_id = "0" * 32
    if content is not None:
        file_id = await upload(hass, hass_client, content)
    form = {"controls": ["humidity"], "sensors": ["roomTemp"]}
    result = await fill(hass, result, {**form, "model_export": file_id})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert result["errors"] == {"model_export": error}
    assert words.items() <= result["description_placeholders"].items()
    assert {key: suggested(result)[key] for key in form} == form
    # The same file again: Home Assistant has deleted it.
    result = await fill(hass, result, {**form, "model_export": file_id})
    assert result["errors"] == {"model_export": "export_gone"}
    result = await fill(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "declared" not in only(result["result"]).data


async def test_other_model(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A file of another model is taken as far as it fits, and that is said."""
    kind = sim.kind("fcu_basic")
    result = await to_points(hass, sim, "fcu_basic")
    file = [
        {"thingModelId": "far", "thingMeasurepointMap": {"x": {}, "y": {}, "z": {}}},
        console_export(
            kind,
            {
                "tempSet": {"minimum": 12, "maximum": 28, "step": 0.5},
                # In another unit its range means something else.
                "humidity": {"unit": "kW", "minimum": 1, "maximum": 2},
            },
            model_id="near",
        ),
    ]
    file_id = await upload(hass, hass_client, file)
    form = form_of(result)
    result = await fill(hass, result, {**form, "model_export": file_id})
    assert result["errors"] == ERRORS
    told = result["description_placeholders"]
    assert (told["model"], told["own_model"]) == ("near", kind.model_id)
    assert told["ranges"] == "1"
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    declared = only(result["result"]).data["declared"]
    assert declared["humidity"] == {"writable": False}
    number = state_of(hass, sim, "number", sim.device("fcu_basic"), "tempSet")
    assert number.attributes["min"] == 12
    assert number.attributes["max"] == 28
    assert number.attributes["step"] == 0.5
    assert number.attributes["mode"] is NumberMode.SLIDER


async def test_without_range(hass: HomeAssistant, sim: Simulator) -> None:
    """A number of which nobody knows the range takes a box, with the limits of its type."""
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu_basic", controls=["tempSet"]))
    )
    number = state_of(hass, sim, "number", sim.device("fcu_basic"), "tempSet")
    assert number.attributes["mode"] is NumberMode.BOX
    assert number.attributes["max"] == -number.attributes["min"] > 3.4e38


@pytest.mark.parametrize(
    ("said", "exception", "expected"),
    [
        ({}, {}, (12, 28, 0.5)),
        ({"minimum": 15.0}, {}, (15, 28, 0.5)),
        ({"step": 1.0, "maximum": 20.0}, {}, (12, 20, 1)),
        ({"step": 1.0, "maximum": 20.0}, {"maximum": 25.0}, (12, 25, 1)),
        # An end that a person moved the other one past binds no more, and takes none along.
        ({"minimum": 40.0}, {}, (40, FLOAT_MAX, 0.5)),
        ({"maximum": 12.0}, {}, (-FLOAT_MAX, 12, 0.5)),
        ({}, {"minimum": 28.0}, (28, FLOAT_MAX, 0.5)),
    ],
)
async def test_range_in_order(
    hass: HomeAssistant,
    sim: Simulator,
    said: dict[str, float],
    exception: dict[str, float],
    expected: tuple[float, float, float],
) -> None:
    """A correction goes before the export, which goes before tags and the type's limits."""
    device = sim.device("fcu_basic")
    subentry = product_subentry(
        sim,
        "fcu_basic",
        controls=["tempSet"],
        declared={
            "tempSet": {"writable": True, "minimum": 12, "maximum": 28, "step": 0.5},
            "odd": "?",
        },
        corrections={"tempSet": said},
        correction_exceptions={device.asset_id: {"tempSet": exception}},
    )
    await set_up(hass, entry_for(sim, subentry))
    number = state_of(hass, sim, "number", device, "tempSet").attributes
    assert (number["min"], number["max"], number["step"]) == pytest.approx(expected)


async def test_export_before_tags(hass: HomeAssistant, sim: Simulator) -> None:
    """The export goes before tags, end by end."""
    # The model's tags say 16 to 30 in steps of 0.5.
    subentry = product_subentry(
        sim,
        "fcu",
        controls=["temp_setpoint"],
        declared={"temp_setpoint": {"minimum": 18, "step": 1.0}},
    )
    await set_up(hass, entry_for(sim, subentry))
    number = state_of(hass, sim, "number", sim.device("fcu"), "temp_setpoint")
    attributes = number.attributes
    assert (attributes["min"], attributes["max"], attributes["step"]) == (18, 30, 1)


async def test_contents_keep_what_was_chosen(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Later on a file brings ranges, and changes nothing that was chosen."""
    kind = sim.kind("fcu_basic")
    labels = {"workMode": {"1": "Kalt", "2": "Warm"}}
    entry = entry_for(
        sim,
        product_subentry(
            sim,
            "fcu_basic",
            controls=["workMode", "tempSet"],
            sensors=["humidity"],
            labels=labels,
            declared={"tempSet": {"maximum": 99.0}, "humidity": {"minimum": 5.0}},
        ),
    )
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, only(entry))
    result = await fill_subentry(hass, result, {})
    form = form_of(result)
    file = console_export(
        kind,
        {
            "tempSet": {"accessMode": False, "minimum": 10},
            "humidity": {"accessMode": True},
        },
    )
    del file["thingMeasurepointMap"]["humidity"]
    file_id = await upload(hass, hass_client, file)
    # Taken out for a moment, and put back with the next form: its labels stay frozen.
    without = {**form, "controls": ["tempSet"]}
    result = await fill_subentry(hass, result, {**without, "model_export": file_id})
    assert result["step_id"] == "exported_points"
    assert suggested(result) == without
    result = await fill_subentry(hass, result, form)
    assert result["reason"] == "reconfigure_successful"
    data = only(entry).data
    assert (data["controls"], data["sensors"]) == (form["controls"], form["sensors"])
    assert data["labels"] == labels
    # What the new file says replaces what the old one said of the same point.
    assert data["declared"] == {
        "workMode": {"writable": True},
        "tempSet": {"writable": False, "minimum": 10.0},
        "humidity": {"minimum": 5.0},
    }
    await hass.async_block_till_done(wait_background_tasks=True)
    number = state_of(hass, sim, "number", sim.device("fcu_basic"), "tempSet")
    assert number.attributes["min"] == 10

    # A point that is not chosen any more takes its range along.
    result = await review_subentry(hass, entry, only(entry))
    result = await fill_subentry(hass, result, {})
    result = await fill_subentry(hass, result, {"controls": [], "sensors": []})
    assert only(entry).data["declared"] == {}


async def test_file_in_place_of_a_model(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Without the right to read models the file has the points, which work from then on."""
    sim.rights.discard(MODELS)
    device = sim.add_device("lab")
    kind = device.kind
    entry = entry_for(sim)
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "product")
    result = await fill_subentry(hass, result, {"product_key": device.product_key})
    result = await fill_subentry(hass, result, {})
    assert result["step_id"] == "manual_points"
    entered = [
        {"identifier": "int_open", "data_type": "INT", "name": "Mine"},
        {"identifier": "not_in_the_file", "data_type": "INT", "control": True},
    ]

    # What is wrong with the file, or with what was entered, loses neither.
    two = [console_export(kind), console_export(sim.kind("fcu"))]
    for content, error in (
        ("[]", {"model_export": "export_no_model"}),
        (two, {"model_export": "export_several"}),
    ):
        form = {
            "points": entered,
            "model_export": await upload(hass, hass_client, content),
        }
        result = await fill_subentry(hass, result, form)
        assert (result["step_id"], result["errors"]) == ("manual_points", error)
        assert [each["identifier"] for each in suggested(result)["points"]] == [
            "int_open",
            "not_in_the_file",
        ]
    file = console_export(
        kind, {"double_setpoint": {"minimum": 5, "maximum": 20, "step": 0.5}}
    )
    file_id = await upload(hass, hass_client, file)
    form = {"points": [*entered, entered[0]], "model_export": file_id}
    result = await fill_subentry(hass, result, form)
    assert result["errors"] == {"base": "point_twice"}
    form["points"] = entered
    result = await fill_subentry(hass, result, form)
    assert (result["step_id"], result["errors"]) == ("exported_points", {})
    told = result["description_placeholders"]
    assert told["points"] == told["count"] == str(len(kind.points))
    assert told["ranges"] == "1"
    chosen = form_of(result)
    # In the file it may be written; the person had said that it is only read.
    assert "int_open" in chosen["sensors"]
    assert "not_in_the_file" in chosen["controls"]
    assert {"double_setpoint", "enum_text", "string_note"} <= {*chosen["controls"]}
    # Items of structs could not be found again without the model.
    assert not [key for key in offered(result, "sensors") if "#" in key]
    assert "services" not in chosen
    chosen["sensors"] += [
        point.identifier
        for point in kind.points
        if point.data_type in ("STRUCT", "ARRAY")
    ]
    result = await fill_subentry(hass, result, chosen)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)

    data = only(entry).data
    assert data["points"].keys() == {*chosen["controls"], *chosen["sensors"]}
    assert data["points"]["int_open"]["name"] == "Mine"
    number = Control(hass, sim, "number", device, "double_setpoint")
    attributes = number.full_state.attributes
    assert attributes["unit_of_measurement"] == "kW", "the multiplier counts"
    assert (attributes["min"], attributes["max"], attributes["step"]) == (5, 20, 0.5)
    await number.write(12.5)
    assert number.written[-1] == 12.5
    text = Control(hass, sim, "text", device, "string_note")
    assert text.full_state.attributes["max"] <= 255
    for point in ("enum_int", "enum_text"):
        select = Control(hass, sim, "select", device, point)
        option = select.full_state.attributes["options"][-1]
        await select.write(option)
        codes = {label: code for code, label in data["labels"][point].items()}
        code: object = codes[option]
        if point == "enum_int":
            code = int(codes[option])
        assert select.written[-1] == code
        assert type(select.written[-1]) is type(code)
    assert sim.rejections == []

    # The form to change them shows what it can, and keeps what it cannot show.
    before = data["points"]
    result = await review_subentry(hass, entry, only(entry))
    result = await fill_subentry(hass, result, {})
    assert result["step_id"] == "manual_points"
    points = [dict(item) for item in suggested(result)["points"]]
    result = await fill_subentry(hass, result, {"points": points})
    assert result["reason"] == "reconfigure_successful"
    assert only(entry).data["points"] == before
    assert only(entry).data["declared"]["double_setpoint"]["maximum"] == 20

    result = await review_subentry(hass, entry, only(entry))
    result = await fill_subentry(hass, result, {})
    for item in points:
        if item["identifier"] == "double_setpoint":
            # Told by hand, the unit is whole: a multiplier would come on top.
            item.update(unit="kW", name="Power")
    points[0]["data_type"] = "FLOAT"
    result = await fill_subentry(hass, result, {"points": points})
    after = only(entry).data["points"]
    wanted = {**before["double_setpoint"], "name": "Power", "unit": "kW"}
    assert wanted.pop("multiplier") == "KILO"
    assert after["double_setpoint"] == wanted
    unit = number.full_state.attributes["unit_of_measurement"]
    assert unit == "kW"

    # A newer file: what was chosen stays chosen, and nothing else comes.
    result = await review_subentry(hass, entry, only(entry))
    result = await fill_subentry(hass, result, {})
    file = console_export(kind, {"double_setpoint": {"minimum": 1}})
    form = {
        "points": suggested(result)["points"],
        "model_export": await upload(hass, hass_client, file),
    }
    result = await fill_subentry(hass, result, form)
    assert result["step_id"] == "exported_points"
    again = form_of(result)
    assert {key: sorted(again[key]) for key in again} == {
        key: sorted(chosen[key]) for key in again
    }
    result = await fill_subentry(hass, result, again)
    assert result["reason"] == "reconfigure_successful"
    data = only(entry).data
    assert data["declared"]["double_setpoint"] == {"writable": True, "minimum": 1.0}
    assert data["points"]["double_setpoint"]["name"] == "Power"
    assert data["labels"]["enum_text"]


async def test_all_products(hass: HomeAssistant, sim: Simulator) -> None:
    """All products at once, without ticking each."""
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"all_products": True})
    assert result["step_id"] == "points"
    result = await choose(hass, result, "suggestions")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    found = {each.data["product_key"] for each in result["result"].subentries.values()}
    assert found == sim.products.keys()


@pytest.mark.parametrize(
    "point",
    [
        Measurepoint(
            identifier="scene",
            name=LocalizedText("Scene"),
            data_type=DataType.ENUM,
            # Texts that look like numbers stay texts.
            enum={"1": LocalizedText("Day"), "2": LocalizedText("Night")},
            enum_is_int=False,
        ),
        Measurepoint(
            identifier="mode",
            data_type=DataType.ENUM,
            enum={"-1": LocalizedText("Off")},
            enum_is_int=True,
            signal_type="DI",
        ),
        Measurepoint(
            identifier="power",
            data_type=DataType.DOUBLE,
            unit="W",
            multiplier="KILO",
            tags={"ha/device_class": "power"},
        ),
        Measurepoint(
            identifier="lamp",
            data_type=DataType.BOOL,
            bool_labels={True: "An", False: "Aus"},
        ),
        Measurepoint(identifier="text", data_type=DataType.STRING, max_length=16),
        Measurepoint(
            identifier="list", data_type=DataType.ARRAY, item_type=DataType.FLOAT
        ),
    ],
    ids=lambda point: point.identifier,
)
def test_point_kept_without_its_model(point: Measurepoint) -> None:
    """What is kept of a point of a file gives the same point again."""
    kept = json.loads(json.dumps(fields_of(point, "en")))
    assert manual_point(point.identifier, kept) == point
