"""Corrections: the forms that find a measurepoint and take what a person says of it."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from simulator import Simulator

from .common import device_subentry, entry_for, product_subentry, set_up
from .correcting import (
    CONTROLS,
    SENSORS,
    answer,
    bench,
    correct,
    corrections,
    entries,
    exceptions,
    fields,
    first,
    label,
    listed,
    open_form,
    open_points,
)
from .flows import fill_subentry, reconfigure_subentry, refuse, suggested


async def test_few_points_are_a_menu(hass: HomeAssistant, sim: Simulator) -> None:
    """Up to fifteen points stand in a menu, what was corrected first and with a mark."""
    entry, _ = await bench(hass, sim)
    menu = await open_points(hass, entry)
    labels = entries(menu)
    assert labels == sorted(labels, key=str.casefold)
    assert "Speed (int_measured) · rpm" in labels
    assert len(labels) == len(menu["menu_options"]) == len(CONTROLS) + len(SENSORS)
    assert menu["description_placeholders"]["count"] == str(len(labels))
    await correct(hass, entry, "string_onoff", name="Zone heater")
    assert (await open_points(hass, entry))["menu_options"]["point_0"] == (
        "✎ Zone heater (string_onoff)"
    )


async def test_many_points_are_searched(hass: HomeAssistant, sim: Simulator) -> None:
    """Of hundreds of points a search finds those that have all words, in any language."""
    wide = sim.add_device("wide")
    points = [point.identifier for point in wide.kind.points][:400]
    entry = entry_for(sim, product_subentry(sim, "wide", sensors=points))
    await set_up(hass, entry)
    form = await open_points(hass, entry)
    assert (form["step_id"], fields(form)) == ("correction_search", ["search"])
    total = int(form["description_placeholders"]["count"])
    assert total > 300
    # All of them, page by page.
    menu = await fill_subentry(hass, form, {})
    seen: list[str] = []
    while True:
        labels = entries(menu)
        assert 0 < len(labels) <= 30
        seen += labels
        assert menu["menu_options"]["correction_search"] == "Search again"
        if "correction_more" not in menu["menu_options"]:
            break
        assert menu["menu_options"]["correction_more"] == "More …"
        menu = await fill_subentry(hass, menu, {"next_step_id": "correction_more"})
    assert len(seen) == len({*seen}) == total
    # What is searched.
    for search in (
        "冷冻水供水温度",
        "CHW_Supply_Temp",
        "supply CHILLED",
        "chw 供水 supply",
        "ｃｈｗ＿ｓｕｐｐｌｙ＿ｔｅｍｐ",
    ):
        again = await fill_subentry(hass, menu, {"next_step_id": "correction_search"})
        menu = await fill_subentry(hass, again, {"search": search})
        labels = entries(menu)
        assert labels, search
        assert len(labels) < 30
        assert all("chw_supply_temp" in text for text in labels), labels
    # What is not there.
    form = await fill_subentry(hass, menu, {"next_step_id": "correction_search"})
    assert suggested(form) == {"search": "ｃｈｗ＿ｓｕｐｐｌｙ＿ｔｅｍｐ"}
    form = await fill_subentry(hass, form, {"search": "chw <b>nothing</b>"})
    assert form["errors"] == {"search": "point_not_found"}
    assert form["description_placeholders"]["search"] == "chw <b>nothing</b>"
    # What is the only one is corrected at once; then it comes first where all are listed.
    form = await fill_subentry(hass, form, {"search": labels[0].split(" · ")[0]})
    assert form["step_id"] == "correction"
    await answer(hass, form, name="Zz last")
    (key,) = corrections(entry)
    menu = await open_points(hass, entry, "")
    assert entries(menu)[0] == f"✎ Zz last ({key}) · °C"


@pytest.mark.parametrize(
    ("point", "expected", "shown"),
    [
        (
            "int_setpoint",
            "kind name unit minimum maximum step device_class stale_after",
            {"kind": "number", "name": "Speed setpoint", "unit": "%", "maximum": 100.0},
        ),
        (
            # The ends of the type are nobody's choice, and are not shown.
            "float_open",
            "kind name unit minimum maximum step device_class stale_after",
            {
                "unit": "bar",
                "minimum": None,
                "maximum": None,
                "device_class": "pressure",
            },
        ),
        (
            "bool_switch",
            "kind name swapped device_class bool_form stale_after",
            {"kind": "switch", "swapped": False, "bool_form": "as_given"},
        ),
        (
            "enum_int",
            "kind name options stale_after",
            {"kind": "select", "options": "0 = Stopped\n1 = Low\n2 = High"},
        ),
        ("string_onoff", "kind name stale_after", {"kind": "text"}),
        (
            "float_measured",
            "kind name unit device_class state_class stale_after",
            {
                "unit": "°C",
                "device_class": "temperature",
                "state_class": "measurement",
                "stale_after": None,
            },
        ),
        (
            "int_measured",
            "kind name unit device_class state_class options stale_after",
            {"unit": "rpm", "device_class": "none"},
        ),
        (
            "bool_measured",
            "kind name swapped device_class stale_after",
            {"kind": "binary_sensor", "swapped": False},
        ),
        (
            "string_measured",
            "kind name unit device_class state_class options stale_after",
            {"unit": "none", "state_class": "none"},
        ),
    ],
)
async def test_fields(
    hass: HomeAssistant,
    sim: Simulator,
    point: str,
    expected: str,
    shown: dict[str, Any],
) -> None:
    """A form has the fields that make sense for type and kind, with what is in effect now."""
    entry, _ = await bench(hass, sim)
    form = await open_form(hass, entry, point)
    # There are two devices; nothing is there to be forgotten.
    assert fields(form) == [*expected.split(), "device"]
    values = suggested(form)
    assert {key: values.get(key) for key in shown} == shown
    # Submitted as it is shown nothing is kept, so that it goes on following the model.
    done = await answer(hass, form)
    assert done["reason"] == "reconfigure_successful"
    assert corrections(entry) == exceptions(entry) == {}


async def test_types_without_more(hass: HomeAssistant, sim: Simulator) -> None:
    """Dates, lists, structs' items: a name and a limit of age, and what their type has."""
    entry, _ = await bench(
        hass,
        sim,
        controls=["timestamp_start", "date_due"],
        sensors=[
            "array_double",
            "file_report",
            "struct_measured#current",
            "struct_measured#local",
        ],
    )
    plain = ["name", "stale_after", "device"]
    for point in ("timestamp_start", "date_due", "array_double", "file_report"):
        assert fields(await open_form(hass, entry, point)) == plain
    form = await open_form(hass, entry, "struct_measured#current")
    assert suggested(form)["unit"] == "A"
    form = await open_form(hass, entry, "struct_measured#local")
    # What cannot be written has no form in which it is.
    assert "bool_form" not in fields(form)


async def test_only_differences_are_kept(hass: HomeAssistant, sim: Simulator) -> None:
    """A field that is changed is kept, one that is emptied or put back is the model's."""
    entry, _ = await bench(hass, sim)
    before = dict(first(entry).data)
    await correct(hass, entry, "int_setpoint", maximum=80, name="Fan <b>1</b>")
    assert corrections(entry) == {
        "int_setpoint": {"maximum": 80.0, "name": "Fan <b>1</b>"}
    }
    form = await open_form(hass, entry, ["<b>1</b>", "int_setpoint)"][1][:-1])
    assert suggested(form)["maximum"] == 80.0
    assert form["description_placeholders"]["type"] == "INT · %"
    await answer(hass, form, name=None)
    assert corrections(entry) == {"int_setpoint": {"maximum": 80.0}}
    await correct(hass, entry, "int_setpoint", maximum=100)
    assert corrections(entry) == {}
    assert dict(first(entry).data) == {**before, "corrections": {}}


async def test_step_that_binds(hass: HomeAssistant, sim: Simulator) -> None:
    """A step that is said binds, also where it is the one of the arrows."""
    entry, _ = await bench(hass, sim)
    guess = suggested(await open_form(hass, entry, "float_open"))["step"]
    await correct(hass, entry, "float_open", step=0.5)
    await correct(hass, entry, "float_open", step=guess)
    assert corrections(entry) == {"float_open": {"step": guess}}


async def test_export_declares(hass: HomeAssistant, sim: Simulator) -> None:
    """The range of a console's export counts as the model's; a correction goes before it."""
    ends = {"minimum": 0, "maximum": 60, "step": 5}
    entry, lab = await bench(
        hass,
        sim,
        controls=["int_open"],
        declared={"int_open": {"writable": True, **ends}},
    )
    form = await open_form(hass, entry, "int_open")
    assert ends.items() <= suggested(form).items()
    form = await answer(hass, form, minimum=70)
    assert form["errors"] == {"maximum": "minimum_not_below"}
    await answer(hass, form, minimum=0, maximum=40)
    assert corrections(entry) == {"int_open": {"maximum": 40.0}}
    await correct(hass, entry, "int_open", device=lab.asset_id, maximum=60)
    assert exceptions(entry) == {lab.asset_id: {"int_open": {"maximum": 60.0}}}
    form = await open_form(hass, entry, "int_open", of=lab)
    assert {**ends, "maximum": 60}.items() <= suggested(form).items()
    await correct(hass, entry, "int_open", maximum=None)
    assert corrections(entry) == {}


async def test_class_follows_the_unit(hass: HomeAssistant, sim: Simulator) -> None:
    """Who corrects a unit alone need not know of classes; a chosen one has to go with it."""
    entry, _ = await bench(hass, sim)
    form = await open_form(hass, entry, "float_measured")
    assert {"temperature", "none"} <= {*listed(form, "device_class")}
    assert "energy" not in listed(form, "device_class")
    assert {"°C", "°F", "kWh", "none"} <= {*listed(form, "unit")}
    assert form["data_schema"].schema["unit"].config["custom_value"]
    await answer(hass, form, unit="kWh")
    assert corrections(entry) == {"float_measured": {"unit": "kWh"}}
    form = await open_form(hass, entry, "float_measured")
    assert suggested(form)["device_class"] == "energy"
    assert suggested(form)["state_class"] == "total_increasing"
    # A class that goes with the unit alone, refused with the other one.
    await answer(hass, form, device_class="energy_storage")
    assert corrections(entry) == {
        "float_measured": {"unit": "kWh", "device_class": "energy_storage"}
    }
    form = await open_form(hass, entry, "float_measured")
    form = await answer(hass, form, unit="°C")
    assert form["errors"] == {"device_class": "class_refuses_unit"}
    assert form["description_placeholders"]["value"] == "Stored energy"
    # Now there is what goes with the new unit.
    assert "temperature" in listed(form, "device_class")
    assert suggested(form)["unit"] == "°C"
    await answer(hass, form, device_class=None)
    assert corrections(entry) == {}


@pytest.mark.parametrize(
    ("point", "answers", "again", "more", "kept"),
    [
        (
            "enum_int",
            {"kind": "switch", "name": "Fan"},
            ("on_value", "on_off_needed"),
            {"on_value": "2", "off_value": "0"},
            {"kind": "switch", "name": "Fan", "on_value": "2", "off_value": "0"},
        ),
        (
            "enum_text",
            {"kind": "button"},
            ("press_value", "press_needed"),
            {"press_value": "running"},
            {"kind": "button", "press_value": "running"},
        ),
        (
            "string_onoff",
            {"kind": "button", "name": "Kick"},
            ("press_value", "press_needed"),
            {"press_value": "on"},
            {"kind": "button", "name": "Kick", "press_value": "on"},
        ),
        (
            "string_onoff",
            {"kind": "switch", "stale_after": 900},
            ("on_value", "on_off_needed"),
            {"on_value": "on", "off_value": "off"},
            {
                "kind": "switch",
                "stale_after": 900.0,
                "on_value": "on",
                "off_value": "off",
            },
        ),
        (
            "int_flag",
            {"kind": "select"},
            ("options", "options_needed"),
            {"options": "1 = Go\r\n0 = Stay"},
            {"kind": "select", "options": {"1": "Go", "0": "Stay"}},
        ),
        (
            "string_measured",
            {"kind": "binary_sensor"},
            ("on_value", "on_needed"),
            {"on_value": "LAB-0001"},
            {"kind": "binary_sensor", "on_value": "LAB-0001"},
        ),
    ],
)
async def test_kind_that_needs_values(
    hass: HomeAssistant,
    sim: Simulator,
    point: str,
    answers: dict[str, Any],
    again: tuple[str, str],
    more: dict[str, Any],
    kept: dict[str, Any],
) -> None:
    """The form comes again with what the kind needs, and nothing that was entered is lost."""
    entry, _ = await bench(hass, sim)
    form = await open_form(hass, entry, point)
    assert again[0] not in fields(form)
    form = await answer(hass, form, **answers)
    assert form["errors"] == dict([again])
    assert again[0] in fields(form)
    assert answers.items() <= suggested(form).items()
    # Once more without an answer: the same.
    form = await answer(hass, form)
    assert form["errors"] == dict([again])
    await answer(hass, form, **more)
    assert corrections(entry) == {point: kept}
    form = await open_form(hass, entry, point)
    assert (
        suggested(form).items()
        >= {key: value for key, value in more.items() if key != "options"}.items()
    )


async def test_kind_and_back(hass: HomeAssistant, sim: Simulator) -> None:
    """INT 0/1 becomes a switch at once; as a number it has its range again."""
    entry, _ = await bench(hass, sim)
    await correct(hass, entry, "int_flag", maximum=5, unit="V")
    await correct(hass, entry, "int_flag", device_class="none")
    kept = {"unit": "V", "maximum": 5.0, "device_class": "none"}
    assert corrections(entry) == {"int_flag": kept}
    await correct(hass, entry, "int_flag", kind="switch")
    # The range waits; a class of numbers means nothing to a switch.
    kept = corrections(entry)["int_flag"]
    assert kept == {"kind": "switch", "unit": "V", "maximum": 5.0}
    form = await open_form(hass, entry, "int_flag")
    assert (suggested(form)["on_value"], suggested(form)["off_value"]) == ("1", "0")
    await answer(hass, form, kind="number")
    assert corrections(entry) == {"int_flag": {"unit": "V", "maximum": 5.0}}


async def test_exception_of_a_device(hass: HomeAssistant, sim: Simulator) -> None:
    """For one device something else is said; it has an entry and a form of its own."""
    entry, lab = await bench(hass, sim)
    await correct(hass, entry, "float_measured", unit="kPa", name="Pressure")
    form = await open_form(hass, entry, "float_measured")
    assert label(lab) in [
        option["label"]
        for option in form["data_schema"].schema["device"].config["options"]
    ]
    form = await answer(hass, form, device=lab.asset_id)
    assert form["errors"] == {"device": "exception_empty"}
    assert form["description_placeholders"]["device"] == label(lab)
    await answer(hass, form, unit="bar")
    assert exceptions(entry) == {lab.asset_id: {"float_measured": {"unit": "bar"}}}
    general = {"float_measured": {"unit": "kPa", "name": "Pressure"}}
    assert corrections(entry) == general
    labels = entries(await open_points(hass, entry))
    assert labels[:2] == [
        "✎ Pressure (float_measured) · kPa",
        f"✎ Pressure (float_measured) · bar – {label(lab)}",
    ]
    # It is found in the general form no more, but has its own.
    form = await open_form(hass, entry, "float_measured")
    assert lab.asset_id not in listed(form, "device")
    assert len(listed(form, "device")) == 1
    form = await open_form(hass, entry, "float_measured", of=lab)
    assert "device" not in fields(form)
    assert (suggested(form)["unit"], suggested(form)["name"]) == ("bar", "Pressure")
    assert form["description_placeholders"]["name"] == label(lab)
    # What applies to all anyway need not be said of one.
    await answer(hass, form, unit="kPa", stale_after=60)
    assert exceptions(entry) == {
        lab.asset_id: {"float_measured": {"stale_after": 60.0}}
    }
    await correct(hass, entry, "float_measured", of=lab, forget=True, name="Unheard")
    assert exceptions(entry) == {}
    assert corrections(entry) == general


async def test_exception_goes_with_the_rest(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What is said of one device has to go with what was said of all."""
    entry, lab = await bench(hass, sim)
    await correct(hass, entry, "int_setpoint", maximum=80)
    form = await open_form(hass, entry, "int_setpoint")
    form = await answer(hass, form, device=lab.asset_id, minimum=90)
    assert form["errors"] == {"maximum": "minimum_not_below"}
    # A class of numbers does not keep a device from being a switch.
    await correct(hass, entry, "float_open", device_class="atmospheric_pressure")
    await correct(hass, entry, "float_open", device=lab.asset_id, kind="switch")
    assert exceptions(entry) == {lab.asset_id: {"float_open": {"kind": "switch"}}}
    assert corrections(entry) == {
        "int_setpoint": {"maximum": 80.0},
        "float_open": {"device_class": "atmospheric_pressure"},
    }
    await correct(hass, entry, "float_open", kind="switch")
    assert corrections(entry)["float_open"] == {"kind": "switch"}


async def test_forget(hass: HomeAssistant, sim: Simulator) -> None:
    """A correction is forgotten as a whole, whatever else stands in the form."""
    entry, _ = await bench(hass, sim)
    assert "forget" not in fields(await open_form(hass, entry, "bool_switch"))
    await correct(hass, entry, "bool_switch", swapped=True, bool_form="boolean")
    await correct(hass, entry, "enum_int", options="2 = Fast")
    assert {*corrections(entry)} == {"bool_switch", "enum_int"}
    form = await open_form(hass, entry, "bool_switch")
    assert suggested(form)["swapped"] is True
    await answer(hass, form, forget=True, name="x" * 9999)
    assert {*corrections(entry)} == {"enum_int"}


async def test_single_device(hass: HomeAssistant, sim: Simulator) -> None:
    """The points of a single device are corrected as well; there are no others."""
    lab = sim.add_device("lab")
    entry = entry_for(sim, device_subentry(lab, controls=["int_setpoint"]))
    await set_up(hass, entry)
    form = await open_form(hass, entry, "int_setpoint")
    assert "device" not in fields(form)
    await answer(hass, form, minimum=20)
    assert corrections(entry) == {"int_setpoint": {"minimum": 20.0}}


async def test_enos_is_away(hass: HomeAssistant, sim: Simulator) -> None:
    """What the account has read once is enough to correct it."""
    entry, _ = await bench(hass, sim)
    await sim.stop()
    await correct(hass, entry, "int_setpoint", maximum=90)
    assert corrections(entry) == {"int_setpoint": {"maximum": 90.0}}


@pytest.mark.parametrize("kind", ["product", "device"])
async def test_account_not_loaded(
    hass: HomeAssistant, sim: Simulator, kind: str
) -> None:
    """Without a loaded account EnOS is asked; why it does not answer is told."""
    lab = sim.add_device("lab")
    entry = entry_for(
        sim,
        product_subentry(sim, "lab", controls=["int_setpoint"])
        if kind == "product"
        else device_subentry(lab, controls=["int_setpoint"]),
    )
    entry.add_to_hass(hass)
    assert entries(await open_points(hass, entry)) == [
        "Speed setpoint (int_setpoint) · %"
    ]
    sim.faults.add("status", path="thing-models", status=200, body=_denied(), count=1)
    done = await open_points(hass, entry)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "model_unreadable")
    refuse(sim, "connect-service", 99403, "no right")
    done = await open_points(hass, entry)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "permission_denied")


def _denied() -> dict[str, Any]:
    return {"code": 99403, "msg": "no right to read models", "data": None}


async def test_nothing_to_correct(hass: HomeAssistant, sim: Simulator) -> None:
    """Without chosen points there is nothing to correct, and that is said."""
    entry, _ = await bench(hass, sim, controls=[], sensors=[])
    menu = await reconfigure_subentry(hass, entry, first(entry))
    done = await fill_subentry(hass, menu, {"next_step_id": "corrections"})
    assert (done["type"], done["reason"]) == (
        FlowResultType.ABORT,
        "nothing_to_correct",
    )


async def test_product_without_devices(hass: HomeAssistant, sim: Simulator) -> None:
    """The points of a product are corrected before its first device is there."""
    light = sim.device("light")
    for device in [each for each in sim.devices.values() if each.kind is light.kind]:
        sim.remove_device(device.asset_id)
    key = light.product_key
    subentry = product_subentry(sim, "fcu", controls=["switch"], product_key=key)
    entry = entry_for(sim, subentry)
    await set_up(hass, entry)
    await correct(hass, entry, "switch", swapped=True)
    assert {*corrections(entry)} == {"switch"}
    sim.rights.discard("Product Management: Read")
    refuse(sim, "products", 99403, "no right")
    done = await open_points(hass, entry)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "model_unreadable")


async def test_points_described_by_hand(hass: HomeAssistant, sim: Simulator) -> None:
    """Points that were entered by hand are corrected like those of a model."""
    lab = sim.add_device("lab")
    sim.rights.discard("Model Management: Read")
    entry = entry_for(
        sim,
        device_subentry(
            lab,
            controls=["int_flag"],
            points={"int_flag": {"data_type": "INT", "name": "Flag"}},
        ),
    )
    await set_up(hass, entry)
    await correct(hass, entry, "int_flag", kind="switch")
    assert corrections(entry) == {"int_flag": {"kind": "switch"}}


async def test_chinese(hass: HomeAssistant, sim: Simulator) -> None:
    """In a Chinese house the points have their Chinese names, and so have the classes."""
    hass.config.language = "zh-Hans"
    wide = sim.add_device("wide")
    points = [point.identifier for point in wide.kind.points][:40]
    entry = entry_for(sim, product_subentry(sim, "wide", sensors=points))
    await set_up(hass, entry)
    menu = await open_points(hass, entry, "")
    assert menu["menu_options"]["correction_more"] == "更多 …"
    menu = await fill_subentry(hass, menu, {"next_step_id": "correction_search"})
    menu = await fill_subentry(hass, menu, {"search": "supply"})
    assert all("供水" in text for text in entries(menu))
