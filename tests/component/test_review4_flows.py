"""Two people at once, restarts in between, and what diagnostics tell of all that can be chosen."""

import asyncio
from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
    ConfigSubentryData,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.json import json_bytes_sorted
from homeassistant.util.json import json_loads
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from simulator import Simulator

from .common import entry_for, product_subentry, set_up, state_of
from .correcting import answer, bench, corrections, exceptions, fields, open_form
from .flows import (
    account,
    begin,
    fill,
    fill_subentry,
    reconfigure_subentry,
    refuse,
    review_subentry,
    suggested,
)
from .placing import apply
from .reading import device_entry_of
from .test_diagnostics import of_entry
from .test_option_labels import (
    MODE,
    SPEED,
    fcu_entry,
    remodel,
    repair,
    subentry_of,
    told_after,
)
from .test_profile_flow import exported, import_text, only
from .writing import Control


def set_ups(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return a list that grows with each time that an entry is set up from now on."""
    seen: list[str] = []

    @callback
    def changed(_change: ConfigEntryChange, which: ConfigEntry) -> None:
        if which is entry and entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
            seen.append(entry.title)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed)
    return seen


# Two at once.


async def test_labels_of_many_products_reload_once(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A repair that changes several products starts the account anew once, with all of it."""
    sim.add_device("lab")
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    points: dict[str, Any] = {
        "controls": ["enum_text"],
        "labels": {"enum_text": {"running": "Alt"}},
    }
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["mode"], labels={"mode": MODE}),
        product_subentry(sim, "lab", **points),
    )
    await told_after(hass, entry)
    browser = await repair(hass, hass_client, entry)
    await browser.open()
    seen = set_ups(hass, entry)
    # What is on its way is given the time that it takes, and the account waits for it.
    select = Control(hass, sim, "select", sim.device("fcu"), "mode")
    select.device.behaviour.reply_delay = 0.3
    task = select.start("Heating")
    await asyncio.sleep(0.1)
    await browser.submit(hass, changed="take")
    await task
    assert subentry_of(entry).data["labels"]["mode"]["1"] == "Cool"
    assert subentry_of(entry, "lab").data["labels"]["enum_text"] != {"running": "Alt"}
    assert entry.state is ConfigEntryState.LOADED
    assert len(seen) == 1
    # And what changes later counts as well.
    subentry = subentry_of(entry)
    for controls in ([], ["mode"]):
        data = {**subentry.data, "controls": controls}
        hass.config_entries.async_update_subentry(entry, subentry, data=data)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len(seen) == 3


async def test_points_chosen_while_labels_are_accepted(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Who has the form of the points open undoes nothing that the repair has frozen."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    form = await review_subentry(hass, entry, subentry_of(entry))
    form = await fill_subentry(hass, form, {})
    assert form["step_id"] == "measurepoints"
    browser = await repair(hass, hass_client, entry)
    await browser.open()
    await browser.submit(hass, changed="take")
    accepted = {**MODE, "1": "Cool"}
    assert subentry_of(entry).data["labels"] == {"mode": accepted, "fan_speed": SPEED}
    chosen = {**suggested(form), "controls": ["mode"], "sensors": ["co2"]}
    done = await fill_subentry(hass, form, chosen)
    assert done["reason"] == "reconfigure_successful"
    assert subentry_of(entry).data["labels"] == {"mode": accepted}


async def test_profile_confirmed_after_another_change(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What a confirmation shows is what is done: if that is something else by now, it is shown."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    text = await exported(hass, entry)
    text = text.replace("room_temp:\n    use: sensor", "co2:\n    use: sensor")
    confirm = await import_text(hass, entry, text)
    assert confirm["step_id"] == "profile_confirm"
    assert "room" in confirm["description_placeholders"]["removed"]
    form = await review_subentry(hass, entry, only(entry))
    form = await fill_subentry(hass, form, {})
    done = await fill_subentry(
        hass, form, {"controls": ["power"], "sensors": ["room_temp"]}
    )
    assert done["reason"] == "reconfigure_successful"
    again = await fill_subentry(hass, confirm, {})
    assert (again["type"], again["step_id"]) == (FlowResultType.FORM, "profile_confirm")
    assert "power" in again["description_placeholders"]["removed"]
    assert only(entry).data["controls"] == ["power"]
    done = await fill_subentry(hass, again, {})
    assert done["reason"] == "reconfigure_successful"
    assert only(entry).data["controls"] == []
    assert only(entry).data["sensors"] == ["co2"]


async def test_profile_confirmed_when_it_is_there_already(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Two imports of one file: the second has nothing left to do."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    text = await exported(hass, entry)
    text = text.replace("room_temp:\n    use: sensor", "co2:\n    use: sensor")
    confirms = [await import_text(hass, entry, text) for _ in range(2)]
    seen = set_ups(hass, entry)
    ends = [await fill_subentry(hass, confirm, {}) for confirm in confirms]
    assert [end["reason"] for end in ends] == ["reconfigure_successful", "profile_same"]
    assert len(seen) == 1


async def test_commands_and_corrections_at_once(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Forms of different things that are open at once keep each other's answers."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    subentry = only(entry)
    commands = await review_subentry(hass, entry, subentry, "commands")
    contents = await review_subentry(hass, entry, subentry)
    contents = await fill_subentry(hass, contents, {})
    menu = await reconfigure_subentry(hass, entry, subentry)
    menu = await fill_subentry(hass, menu, {"next_step_id": "corrections"})
    form = await fill_subentry(hass, menu, {"next_step_id": "point_0"})
    await fill_subentry(hass, contents, {"sensors": ["room_temp", "co2"]})
    await fill_subentry(hass, commands, {**suggested(commands), "timeout": 41})
    await fill_subentry(hass, form, {**suggested(form), "name": "Air"})
    data = only(entry).data
    assert data["sensors"] == ["room_temp", "co2"]
    assert data["policy"]["timeout"] == 41
    assert data["corrections"] == {"room_temp": {"name": "Air"}}


async def test_two_corrections_of_one_point(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Who submits a form that is outdated is shown what holds now; neither change is lost."""
    entry, lab = await bench(hass, sim)
    forms = [await open_form(hass, entry, "float_measured") for _ in range(2)]
    first_done = await answer(hass, forms[0], unit="°F")
    assert first_done["reason"] == "reconfigure_successful"
    before = corrections(entry)
    assert before["float_measured"]["unit"] == "°F"
    again = await answer(hass, forms[1], name="Load")
    assert again["errors"] == {"base": "correction_outdated"}
    assert suggested(again)["unit"] == "°F"
    assert corrections(entry) == before
    done = await answer(hass, again, name="Load")
    assert done["reason"] == "reconfigure_successful"
    assert corrections(entry)["float_measured"] == {
        **before["float_measured"],
        "name": "Load",
    }
    # Of a single device, too; and a point that may be written no more is none.
    forms = [await open_form(hass, entry, "int_setpoint") for _ in range(2)]
    one = {"device": lab.asset_id}
    await answer(hass, forms[0], maximum=50, **one)
    again = await answer(hass, forms[1], minimum=5, **one)
    assert again["errors"] == {"base": "correction_outdated"}
    assert exceptions(entry)[lab.asset_id]["int_setpoint"] == {"maximum": 50.0}
    subentry = only(entry)
    data = {**subentry.data, "controls": [], "sensors": ["int_setpoint"]}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    await hass.async_block_till_done(wait_background_tasks=True)
    again = await answer(hass, again, name="Set")
    assert again["errors"] == {"base": "correction_outdated"}
    assert "minimum" not in fields(again)


async def test_corrections_of_different_points(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Forms of two points that are open at once keep both answers."""
    entry, _ = await bench(hass, sim)
    forms = [
        await open_form(hass, entry, point)
        for point in ("float_measured", "int_measured")
    ]
    for number, form in enumerate(forms):
        done = await answer(hass, form, name=f"Name {number}")
        assert done["reason"] == "reconfigure_successful"
    assert corrections(entry) == {
        "float_measured": {"name": "Name 0"},
        "int_measured": {"name": "Name 1"},
    }


# What storage does.


def stored(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data of a subentry as they are after a restart."""
    loaded = json_loads(json_bytes_sorted(dict(data)))
    assert isinstance(loaded, dict)
    return loaded


async def test_options_by_hand_keep_their_order(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Home Assistant sorts the keys of what it stores; options come as they were entered."""
    sim.rights = {"Asset: Read", "Asset: Control"}
    device = sim.device("fcu")
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"asset_id": device.asset_id, "name": "Room 1"})
    speeds = ["low = Low", "medium = Medium", "high = High", "auto = Auto"]
    point = {"identifier": "fan_speed", "data_type": "ENUM", "options": speeds}
    result = await fill(hass, result, {"points": [{**point, "control": True}]})
    entry = result["result"]
    options = ["Low", "Medium", "High", "Auto"]
    (select,) = hass.states.async_all("select")
    assert select.attributes["options"] == options

    (subentry,) = entry.subentries.values()
    data = stored(subentry.data)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    later = entry_for(
        sim,
        ConfigSubentryData(
            data=data,
            subentry_type=subentry.subentry_type,
            title=subentry.title,
            unique_id=subentry.unique_id,
        ),
    )
    await set_up(hass, later)
    (select,) = hass.states.async_all("select")
    assert select.attributes["options"] == options
    # And so does the form that changes them.
    form = await review_subentry(hass, later, only(later))
    assert suggested(form)["points"][0]["options"] == speeds


async def test_profile_keeps_the_order_of_options(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Options described by hand go out and come in in their order."""
    key = "fan_speed"
    ordered = {"low": "Low", "high": "High", "auto": "Auto"}
    sim.rights = {"Asset: Read", "Asset: Control", "Device Management: Read"}
    entry = entry_for(
        sim,
        product_subentry(
            sim,
            "fcu",
            controls=[key],
            points={key: {"data_type": "ENUM", "options": ordered}},
        ),
    )
    await set_up(hass, entry)
    text = await exported(hass, entry)
    turned = {each: ordered[each] for each in ("high", "auto", "low")}
    lines = {code: f"        {code}: {label}\n" for code, label in ordered.items()}
    before, after = (
        "".join(lines[code] for code in each) for each in (ordered, turned)
    )
    assert before in text
    confirm = await import_text(hass, entry, text.replace(before, after))
    done = await fill_subentry(hass, confirm, {})
    assert done["reason"] == "reconfigure_successful"
    data = stored(only(entry).data)
    hass.config_entries.async_update_subentry(entry, only(entry), data={})
    hass.config_entries.async_update_subentry(entry, only(entry), data=data)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert list(only(entry).data["points"][key]["options"]) == ["auto", "high", "low"]
    assert after in await exported(hass, entry)


# What diagnostics tell.


async def test_diagnostics_of_items_services_and_gateways(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """An item of a struct is told with its value; buttons of services and gateways are told."""
    lab = sim.add_device("lab")
    gateway = sim.add_device("gateway")
    sensor = sim.add_device("room_sensor")
    sim.attach(gateway.asset_id, sensor.asset_id)
    entry = entry_for(
        sim,
        product_subentry(
            sim, "lab", sensors=["struct_measured#current"], services=["self_test"]
        ),
        product_subentry(sim, "gateway", sensors=["uptime"]),
        product_subentry(sim, "room_sensor", sensors=["temperature"]),
    )
    await set_up(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    found = await of_entry(hass, hass_client, entry)
    by_id = {each["asset_id"]: each for each in found["devices"]}
    (item,) = by_id[lab.asset_id]["points"]
    assert item["measurepoint_id"] == "struct_measured#current"
    assert item["polled"] and item["available"]
    shown = state_of(hass, sim, "sensor", lab, "struct_measured#current").state
    sample: Any = json_loads(item["sample"])
    assert sample["current"] == pytest.approx(float(shown))
    assert by_id[lab.asset_id]["services"] == ["self_test"]
    assert by_id[sensor.asset_id]["gateway"] == gateway.asset_id
    assert by_id[gateway.asset_id]["gateway"] is None
    registered = device_entry_of(hass, sim, lab, entry)
    assert registered
    alone: Any = await get_diagnostics_for_device(hass, hass_client, entry, registered)
    (item,) = alone["device"]["points"]
    assert (item["measurepoint_id"], item["polled"]) == (
        "struct_measured#current",
        True,
    )
    assert alone["device"]["services"] == ["self_test"]


async def test_diagnostics_of_places(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Which floors and areas came from a tree is told, loaded or not."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    found = await of_entry(hass, hass_client, entry)
    assert found["places"] == {"areas": {}, "floors": {}, "devices": 0, "layers": {}}
    numbers = await apply(hass, entry)
    found = await of_entry(hass, hass_client, entry)
    assert len(found["places"]["areas"]) == int(numbers["areas"]) > 0
    assert len(found["places"]["floors"]) == int(numbers["floors"]) > 0
    assert found["places"]["devices"] == int(numbers["devices"]) > 0
    await hass.config_entries.async_unload(entry.entry_id)
    away = await of_entry(hass, hass_client, entry)
    assert away["places"] == found["places"]


async def test_diagnostics_of_corrections(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Corrections and exceptions are told."""
    lab = sim.add_device("lab").asset_id
    said: dict[str, Any] = {
        "corrections": {"int_measured": {"unit": "kW"}},
        "correction_exceptions": {lab: {"int_measured": {"unit": "W"}}},
    }
    entry = entry_for(
        sim, product_subentry(sim, "lab", sensors=["int_measured"], **said)
    )
    await set_up(hass, entry)
    found = await of_entry(hass, hass_client, entry)
    (subentry,) = found["subentries"]
    assert {key: subentry[key] for key in said} == said


# What the application may not read.


async def test_devices_of_products_denied(hass: HomeAssistant, sim: Simulator) -> None:
    """Where products may be listed and devices may not, nobody can tell how many there are."""
    refuse(sim, "devices", 99403, "Denied resource:  device")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "products"
    key = sim.device("fcu").product_key
    result = await fill(hass, result, {"products": [key]})
    assert result["step_id"] == "points"
    result = await fill(hass, result, {"next_step_id": "measurepoints"})
    assert result["description_placeholders"]["devices"] == "?"
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.data["product_key"] == key
