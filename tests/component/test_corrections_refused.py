"""Corrections: what the form refuses, and what it makes of hostile input."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import InvalidData
import pytest

from simulator import Simulator

from .correcting import (
    answer,
    bench,
    correct,
    corrections,
    exceptions,
    fields,
    open_form,
)
from .flows import suggested

REFUSED: list[tuple[str, dict[str, Any], str, str, dict[str, str]]] = [
    (
        "int_setpoint",
        {"minimum": 100},
        "minimum",
        "minimum_not_below",
        {"minimum": "100"},
    ),
    (
        "int_setpoint",
        {"minimum": 50, "maximum": 20},
        "maximum",
        "minimum_not_below",
        {"minimum": "50", "maximum": "20"},
    ),
    (
        "int_setpoint",
        {"maximum": 2**31},
        "maximum",
        "number_beyond_type",
        {"type": "INT"},
    ),
    (
        "int_setpoint",
        {"maximum": 10.5},
        "maximum",
        "number_not_whole",
        {"value": "10.5"},
    ),
    ("int_setpoint", {"step": 0}, "step", "number_not_positive", {"value": "0"}),
    ("int_setpoint", {"step": -1}, "step", "number_not_positive", {"value": "-1"}),
    ("int_setpoint", {"step": 0.5}, "step", "number_not_whole", {"value": "0.5"}),
    ("int_setpoint", {"step": 101}, "step", "step_too_large", {"value": "101"}),
    ("float_open", {"minimum": float("nan")}, "minimum", "number_not_finite", {}),
    ("float_open", {"maximum": float("inf")}, "maximum", "number_not_finite", {}),
    (
        "float_open",
        {"maximum": 1e39},
        "maximum",
        "number_beyond_type",
        {"type": "FLOAT"},
    ),
    (
        "float_open",
        {"stale_after": 0},
        "stale_after",
        "number_not_positive",
        {"value": "0"},
    ),
    (
        "float_open",
        {"stale_after": float("nan")},
        "stale_after",
        "number_not_finite",
        {},
    ),
    ("float_open", {"name": "x" * 10_000}, "name", "text_too_long", {"max": "255"}),
    ("float_open", {"unit": "😀" * 10_000}, "unit", "text_too_long", {"max": "50"}),
    (
        "float_measured",
        {"unit": "furlong", "device_class": "temperature_delta"},
        "device_class",
        "class_refuses_unit",
        {"unit": "furlong", "value": "Temperature delta"},
    ),
    (
        "int_measured",
        {"unit": "°C", "state_class": "total"},
        "state_class",
        "state_class_refused",
        {"value": "Total that may go down, too", "class": "temperature"},
    ),
    (
        "enum_int",
        {"options": "0 = A\n7 = B"},
        "options",
        "code_unknown",
        {"value": "7"},
    ),
    ("enum_int", {"options": "0 = A\n0 = B"}, "options", "code_twice", {"value": "0"}),
    (
        "enum_int",
        {"options": "0 = Aus\n1 = AUS"},
        "options",
        "label_twice",
        {"code": "0", "other": "1"},
    ),
    ("enum_int", {"options": "0 = "}, "options", "option_line", {"value": "0 ="}),
    ("enum_int", {"options": "Low"}, "options", "option_line", {"value": "Low"}),
    ("enum_int", {"options": "= Low"}, "options", "option_line", {"value": "= Low"}),
    (
        "enum_int",
        {"options": "0 = Unavailable"},
        "options",
        "label_reserved",
        {"value": "Unavailable"},
    ),
    ("enum_int", {"options": "0 = unknown"}, "options", "label_reserved", {}),
    ("enum_int", {"options": "0 = " + "x" * 256}, "options", "text_too_long", {}),
    (
        "int_measured",
        {"options": "1.5 = A"},
        "options",
        "value_unfit",
        {"value": "1.5"},
    ),
    (
        "int_measured",
        {"options": "1 = A\n01 = B"},
        "options",
        "code_twice",
        {"value": "1"},
    ),
    (
        "int_measured",
        {"options": "1 = A", "unit": "V"},
        "options",
        "options_or_number",
        {},
    ),
    (
        "int_measured",
        {"options": "\n".join(f"{code} = L{code}" for code in range(1001))},
        "options",
        "too_many_options",
        {"max": "1000"},
    ),
    ("string_measured", {"unit": "kW"}, "state_class", "text_no_number", {}),
]


@pytest.mark.parametrize(
    ("point", "answers", "field", "key", "said"),
    REFUSED,
    ids=[f"{row[0]}-{row[3]}-{number}" for number, row in enumerate(REFUSED)],
)
async def test_refused(
    hass: HomeAssistant,
    sim: Simulator,
    point: str,
    answers: dict[str, Any],
    field: str,
    key: str,
    said: dict[str, str],
) -> None:
    """What would not come true is refused at its field, and stands there to be put right."""
    entry, _ = await bench(hass, sim)
    form = await open_form(hass, entry, point)
    form = await answer(hass, form, **answers)
    assert form["errors"] == {field: key}
    assert field in fields(form)
    assert said.items() <= form["description_placeholders"].items()
    assert all(len(text) <= 100 for text in form["description_placeholders"].values())
    assert corrections(entry) == {}
    held = suggested(form)
    for name, value in answers.items():
        if isinstance(value, int | float):
            assert held[name] == pytest.approx(value, nan_ok=True)
        else:
            assert held[name].split() == value.split()
    # Put right, it is taken.
    await answer(hass, form, **dict.fromkeys(answers))
    assert corrections(entry) == {}


@pytest.mark.parametrize(
    ("answers", "field", "key"),
    [
        ({"on_value": "2", "off_value": "2"}, "off_value", "on_is_off"),
        ({"on_value": "x", "off_value": "0"}, "on_value", "value_unfit"),
        ({"on_value": "1.5", "off_value": "0"}, "on_value", "value_unfit"),
        ({"on_value": str(2**31), "off_value": "0"}, "on_value", "value_unfit"),
        ({"on_value": "<script>", "off_value": "0"}, "on_value", "value_unfit"),
        ({"on_value": "5", "off_value": None}, "on_value", "on_off_needed"),
    ],
)
async def test_on_and_off_refused(
    hass: HomeAssistant, sim: Simulator, answers: dict[str, Any], field: str, key: str
) -> None:
    """Values of a switch have to be values of the point, and two of them."""
    entry, _ = await bench(hass, sim)
    await correct(hass, entry, "int_flag", kind="switch")
    form = await open_form(hass, entry, "int_flag")
    form = await answer(hass, form, **answers)
    assert form["errors"] == {field: key}
    await answer(hass, form, on_value="0", off_value="1")
    assert corrections(entry)["int_flag"] == {"kind": "switch", "on_value": "0"}


async def test_values_of_a_list_only(hass: HomeAssistant, sim: Simulator) -> None:
    """What is chosen from a list cannot be anything else, whoever sends it."""
    entry, _ = await bench(hass, sim)
    for point, answers in {
        "int_setpoint": {"kind": "sensor"},
        "float_measured": {"state_class": "<b>"},
        "bool_switch": {"bool_form": "json"},
        "enum_int": {"device": "nowhere"},
    }.items():
        form = await open_form(hass, entry, point)
        with pytest.raises(InvalidData):
            await answer(hass, form, **answers)
    assert corrections(entry) == exceptions(entry) == {}


async def test_texts_are_cleaned(hass: HomeAssistant, sim: Simulator) -> None:
    """Line breaks, blanks and control characters do not end up in names and labels."""
    entry, _ = await bench(hass, sim)
    await correct(
        hass,
        entry,
        "enum_text",
        name="  Plant\n\x00 <b>{room}</b> 😀 ",
        options="fault =  Störung \x07!\n\n  idle=a = b\nrunning = 运行",
    )
    assert corrections(entry) == {
        "enum_text": {
            "name": "Plant <b>{room}</b> 😀",
            "options": {"fault": "Störung !", "idle": "a = b", "running": "运行"},
        }
    }
    form = await open_form(hass, entry, "enum_text")
    assert (
        suggested(form)["options"] == "fault = Störung !\nidle = a = b\nrunning = 运行"
    )
