"""Helpers of the tests about corrections: a person who corrects a point in the forms."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.corrections import corrections_from
from simulator import SimDevice, Simulator

from .common import entry_for, product_subentry, set_up
from .flows import Step, fill_subentry, reconfigure_subentry, suggested

CONTROLS = (
    "int_setpoint",
    "float_open",
    "int_flag",
    "bool_switch",
    "enum_int",
    "enum_text",
    "string_onoff",
)
SENSORS = ("float_measured", "int_measured", "bool_measured", "string_measured")


async def bench(
    hass: HomeAssistant, sim: Simulator, **more: Any
) -> tuple[MockConfigEntry, SimDevice]:
    """Set up two test benches."""
    lab = sim.add_device("lab")
    sim.add_device("lab")
    more = {"controls": CONTROLS, "sensors": SENSORS, **more}
    entry = entry_for(sim, product_subentry(sim, "lab", **more))
    await set_up(hass, entry)
    return entry, lab


def fields(form: Step) -> list[str]:
    """Return the fields of a form."""
    return [str(key) for key in form["data_schema"].schema]


def listed(form: Step, field: str) -> list[str]:
    """Return the values of a list."""
    options = form["data_schema"].schema[field].config["options"]
    return [
        option if isinstance(option, str) else option["value"] for option in options
    ]


def first(entry: ConfigEntry) -> ConfigSubentry:
    """Return the first subentry of an entry."""
    return next(iter(entry.subentries.values()))


def label(device: SimDevice) -> str:
    """Return how a device stands in lists."""
    return f"{device.name['i18nValue']['en_US']} ({device.device_key})"


async def open_points(
    hass: HomeAssistant, entry: ConfigEntry, search: str | None = None
) -> Step:
    """Go to the menu of points, by a search where one is wanted."""
    menu = await reconfigure_subentry(hass, entry, first(entry))
    result = await fill_subentry(hass, menu, {"next_step_id": "corrections"})
    if search is not None:
        assert result["step_id"] == "correction_search", result
        result = await fill_subentry(hass, result, {"search": search})
    return result


def entries(menu: Step) -> list[str]:
    """Return the labels of the points of a menu."""
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "correction_points")
    return [
        text for key, text in menu["menu_options"].items() if key.startswith("point_")
    ]


async def open_form(
    hass: HomeAssistant,
    entry: ConfigEntry,
    point: str,
    *,
    of: SimDevice | None = None,
    search: str | None = None,
) -> Step:
    """Open the form of a point, or of a point of a device that is an exception."""
    menu = await open_points(hass, entry, search)
    mark = f"({point})"
    (option,) = (
        key
        for key, text in menu["menu_options"].items()
        if (mark in text or text.removeprefix("✎ ").split(" · ")[0] == point)
        and text.endswith(f" – {label(of)}" if of else text)
        and (of is not None or " – " not in text)
    )
    result = await fill_subentry(hass, menu, {"next_step_id": option})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "correction")
    assert result["errors"] == {}
    return result


async def answer(hass: HomeAssistant, form: Step, **answers: Any) -> Step:
    """Submit a form with some fields changed; None empties one."""
    shown = {str(key) for key in form["data_schema"].schema}
    assert answers.keys() <= shown, f"the form has {shown}"
    filled = {**suggested(form), **answers}
    return await fill_subentry(
        hass,
        form,
        {
            key: value
            for key, value in filled.items()
            if value is not None and key in shown
        },
    )


async def correct(
    hass: HomeAssistant,
    entry: ConfigEntry,
    point: str,
    *,
    of: SimDevice | None = None,
    search: str | None = None,
    **answers: Any,
) -> None:
    """Correct a point, all the way."""
    form = await open_form(hass, entry, point, of=of, search=search)
    done = await answer(hass, form, **answers)
    assert (done["type"], done.get("reason")) == (
        FlowResultType.ABORT,
        "reconfigure_successful",
    ), (done.get("errors"), done.get("description_placeholders"))


def corrections(entry: ConfigEntry) -> dict[str, Any]:
    """Return what is kept of the points of all devices, field by field."""
    kept = corrections_from(first(entry).data.get("corrections"))
    return {key: said.data() for key, said in kept.items()}


def exceptions(entry: ConfigEntry) -> dict[str, Any]:
    """Return what is kept of points of single devices, field by field."""
    kept = first(entry).data.get("correction_exceptions", {})
    return {
        asset_id: {key: said.data() for key, said in corrections_from(points).items()}
        for asset_id, points in kept.items()
    }
