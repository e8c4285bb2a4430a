"""The account: set up, renewed, changed; everything through Home Assistant and over HTTP."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from simulator import Guesses, Simulator

from .common import entry_for, product_subentry, set_up
from .flows import (
    Step,
    account,
    begin,
    brought_in,
    choose,
    fill,
    is_in_state,
    offered,
    suggested,
)

FCU_CONTROLS = ["power", "mode", "fan_speed", "temp_setpoint"]
FCU_SENSORS = ["room_temp", "valve_position", "co2", "filter_hours", "fault_code"]


async def test_from_keys_to_entities(hass: HomeAssistant, sim: Simulator) -> None:
    """Products chosen, suggestions taken, entities there."""
    fcu, meter = sim.device("fcu"), sim.device("meter")
    result = await begin(hass, account(sim))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "products")
    products = offered(result, "products")
    assert products.keys() == sim.products.keys()
    assert products[fcu.product_key] == f"Fan coil unit ({fcu.product_key})"
    assert list(products.values()) == sorted(products.values(), key=str.casefold)

    result = await fill(
        hass, result, {"products": [fcu.product_key, meter.product_key]}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "points")
    # Nothing becomes writable that was not shown.
    shown = result["description_placeholders"]["controls"]
    assert all(f"`{point}`" in shown for point in FCU_CONTROLS)

    result = await choose(hass, result, "suggestions")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"EnOS {sim.org_id}"
    assert result["data"] == {
        "url": sim.url,
        "org_id": sim.org_id,
        "access_key": sim.access_key,
        "secret_key": sim.secret_key,
        "verify_ssl": True,
    }
    assert result["result"].unique_id == sim.org_id
    first, second = result["result"].subentries.values()
    assert (first.subentry_type, first.title) == ("product", "Fan coil unit")
    assert first.unique_id == f"product:{fcu.product_key}"
    assert first.data == {
        "product_key": fcu.product_key,
        "devices": [],
        "controls": FCU_CONTROLS,
        "sensors": FCU_SENSORS,
        "services": [],
        "labels": {
            "mode": {"1": "Cooling", "2": "Heating", "3": "Fan only"},
            "fan_speed": {
                "auto": "Auto",
                "low": "Low",
                "medium": "Medium",
                "high": "High",
            },
        },
        "points": {},
    }
    assert second.unique_id == f"product:{meter.product_key}"
    assert is_in_state(result["result"], ConfigEntryState.LOADED)
    assert brought_in(hass, "switch")
    assert sim.rejections == []


async def test_each_product_reviewed(hass: HomeAssistant, sim: Simulator) -> None:
    """A form for each product, with the suggestions filled in."""
    fcu, light = sim.device("fcu"), sim.device("light")
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    result = await choose(hass, result, "measurepoints")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert result["description_placeholders"] == {
        "name": "Fan coil unit",
        "count": "9",
        "devices": "5",
        "limit": "10,000",
        "position": "1",
        "total": "2",
    }
    assert suggested(result) == {"controls": FCU_CONTROLS, "sensors": FCU_SENSORS}
    # A point is shown by name, identifier, type and unit.
    assert offered(result, "controls")["temp_setpoint"] == (
        "Temperature setpoint (temp_setpoint) · FLOAT °C"
    )
    assert offered(result, "sensors")["power"] == "Power (power) · BOOL"
    # What stood among the sensors and is chosen to be written moves.
    result = await fill(
        hass,
        result,
        {
            "controls": ["power", "valve_position"],
            "sensors": ["room_temp", "valve_position"],
        },
    )
    assert result["description_placeholders"]["name"] == "Lighting circuit"
    assert result["description_placeholders"]["position"] == "2"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert first.data["controls"] == ["power", "valve_position"]
    assert first.data["sensors"] == ["room_temp"]
    assert first.data["labels"] == {}
    assert (second.data["controls"], second.data["sensors"]) == ([], [])


async def test_point_moves_to_the_list_where_it_is_new(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A suggested control that is chosen to be read only is not writable."""
    fcu = sim.device("fcu")
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"products": [fcu.product_key]})
    result = await choose(hass, result, "measurepoints")
    result = await fill(
        hass, result, {"controls": FCU_CONTROLS, "sensors": [*FCU_SENSORS, "mode"]}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert "mode" not in subentry.data["controls"]
    assert "mode" in subentry.data["sensors"]
    assert subentry.data["labels"]["mode"]["1"] == "Cooling"


async def test_no_products_chosen(hass: HomeAssistant, sim: Simulator) -> None:
    """The account alone: products and devices are added later."""
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].subentries == {}
    assert is_in_state(result["result"], ConfigEntryState.LOADED)


async def test_copied_text(hass: HomeAssistant, sim: Simulator) -> None:
    """Blanks around copied text do no harm; the section may be left alone."""
    entered = {
        key: f" {value}\n" for key, value in account(sim).items() if key != "connection"
    }
    result = await begin(hass, entered)
    result = await fill(hass, result, {"products": []})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["org_id"] == sim.org_id
    assert result["data"]["verify_ssl"] is True


@pytest.mark.parametrize(
    ("language", "product", "label"),
    [("en", "Fan coil unit", "Cooling"), ("zh-Hans", "风机盘管", "制冷")],
)
async def test_names_in_home_assistants_language(
    hass: HomeAssistant, sim: Simulator, language: str, product: str, label: str
) -> None:
    """Names and labels come in Home Assistant's language; labels stay when it changes."""
    hass.config.language = language
    fcu = sim.device("fcu")
    result = await begin(hass, account(sim))
    assert (
        offered(result, "products")[fcu.product_key] == f"{product} ({fcu.product_key})"
    )
    result = await fill(hass, result, {"products": [fcu.product_key]})
    result = await choose(hass, result, "suggestions")
    entry = result["result"]
    (subentry,) = entry.subentries.values()
    assert subentry.title == product
    assert subentry.data["labels"]["mode"]["1"] == label
    hass.config.language = "zh-Hans" if language == "en" else "en"
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    modes = [state.attributes["options"] for state in hass.states.async_all("select")]
    assert any(label in options for options in modes)


@pytest.mark.parametrize(
    "guesses",
    [
        pytest.param(guesses, id=name)
        for name, guesses in [*Guesses.variants(), ("all", Guesses.all_non_default())]
    ],
)
async def test_whatever_enos_turns_out_to_do(
    hass: HomeAssistant, loopback: None, guesses: Guesses
) -> None:
    """Each open question about EnOS, answered the other way: the flow completes."""
    async with Simulator(seed=1, devices=9, physics=False, guesses=guesses) as sim:
        result = await begin(hass, account(sim, secret_key="0" * 8))
        assert result["errors"] == {"base": "invalid_auth"}
        result = await fill(hass, result, account(sim, org_id=sim.foreign_org_id))
        assert result["errors"] == {"base": "org_denied"}
        result = await fill(hass, result, account(sim))
        result = await fill(hass, result, {"products": [sim.device("fcu").product_key]})
        result = await choose(hass, result, "suggestions")
        assert result["type"] is FlowResultType.CREATE_ENTRY
        (subentry,) = result["result"].subentries.values()
        assert "temp_setpoint" in subentry.data["controls"]
        assert sim.rejections == []
        await hass.config_entries.async_unload(result["result"].entry_id)


async def test_reauth(hass: HomeAssistant, sim: Simulator) -> None:
    """Keys that were changed in EnOS are asked for, and the entry starts again."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"]),
        data={"secret_key": "outdated"},
    )
    await set_up(hass, entry)
    assert is_in_state(entry, ConfigEntryState.SETUP_ERROR)
    (progress,) = hass.config_entries.flow.async_progress()
    assert progress["step_id"] == "reauth_confirm"
    result = await fill(hass, dict(progress), None)
    assert result["description_placeholders"] == {
        "name": entry.title,
        "url": sim.url,
        "org_id": sim.org_id,
    }
    # The secret that is stored does not go to the browser.
    assert suggested(result) == {"access_key": sim.access_key}
    wrong = {"access_key": sim.access_key, "secret_key": "still wrong"}
    result = await fill(hass, result, wrong)
    assert result["errors"] == {"base": "invalid_auth"}
    assert suggested(result) == wrong
    result = await fill(
        hass, result, {"access_key": sim.access_key, "secret_key": sim.secret_key}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data["secret_key"] == sim.secret_key
    assert entry.data["verify_ssl"] is True
    assert is_in_state(entry, ConfigEntryState.LOADED)
    assert not hass.config_entries.flow.async_progress()


async def test_reauth_while_loaded(hass: HomeAssistant, sim: Simulator) -> None:
    """New keys for an entry that runs: its update listener reloads it."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    runtime = entry.runtime_data
    result: Step = dict(await entry.start_reauth_flow(hass))
    sim.tokens.access_key = "another"
    result = await fill(
        hass, result, {"access_key": "another", "secret_key": sim.secret_key}
    )
    assert result["reason"] == "reauth_successful"
    assert is_in_state(entry, ConfigEntryState.LOADED)
    assert entry.runtime_data is not runtime


async def test_reauth_with_the_same_keys(hass: HomeAssistant, sim: Simulator) -> None:
    """Keys that turn out to be right after all: the entry starts again all the same."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    runtime = entry.runtime_data
    result: Step = dict(await entry.start_reauth_flow(hass))
    result = await fill(
        hass, result, {"access_key": sim.access_key, "secret_key": sim.secret_key}
    )
    assert result["reason"] == "reauth_successful"
    assert entry.runtime_data is not runtime
    assert is_in_state(entry, ConfigEntryState.LOADED)


async def test_reauth_of_a_foreign_application(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Keys of an application that is not let into this organization are refused."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    rights, sim.rights = sim.rights, set()
    result: Step = dict(await entry.start_reauth_flow(hass))
    entered = {"access_key": sim.access_key, "secret_key": sim.secret_key}
    result = await fill(hass, result, entered)
    assert result["errors"] == {"base": "org_denied"}
    sim.rights = rights
    result = await fill(hass, result, entered)
    assert result["reason"] == "reauth_successful"


async def test_reconfigure(hass: HomeAssistant, sim: Simulator) -> None:
    """Address and keys can be changed, the organization cannot."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"]),
        data={"url": "http://127.0.0.1:1"},
    )
    await set_up(hass, entry)
    assert is_in_state(entry, ConfigEntryState.SETUP_RETRY)
    result: Step = dict(await entry.start_reconfigure_flow(hass))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    assert suggested(result) == {
        "url": "http://127.0.0.1:1",
        "access_key": sim.access_key,
        "verify_ssl": True,
    }
    assert "org_id" not in result["data_schema"].schema
    result = await fill(hass, result, suggested_input(result))
    assert result["errors"] == {"base": "cannot_connect"}
    result = await fill(
        hass,
        result,
        {
            "url": f"{sim.url}/",
            "access_key": sim.access_key,
            "secret_key": "",
            "connection": {"verify_ssl": False},
        },
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["url"] == sim.url
    assert entry.data["secret_key"] == sim.secret_key
    assert entry.data["verify_ssl"] is False
    assert entry.unique_id == sim.org_id
    assert is_in_state(entry, ConfigEntryState.LOADED)


def suggested_input(result: Step) -> dict[str, Any]:
    """Return the form of an account as it was filled in already."""
    found = suggested(result)
    verify_ssl = found.pop("verify_ssl")
    return {**found, "connection": {"verify_ssl": verify_ssl}}
