"""What people see and say: names of devices and points, in Home Assistant's language."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Simulator

from .common import (
    entity_id_of,
    entry_for,
    poll_devices,
    product_subentry,
    set_up,
    state_of,
)
from .flows import fill_subentry, review_subentry
from .reading import device_entry_of

DEVICE = {
    "defaultValue": "三层风机盘管",
    "i18nValue": {
        "en_US": "Fan coil  3\nNorth",
        "zh_CN": "三层风机盘管",
        "zh_TW": "三層風機盤管",
        "de_DE": "Gebläsekonvektor 3 Nord",
        "ja_JP": "",
    },
}
POINT = {
    "defaultValue": "温度设定",
    "i18nValue": {
        "en_US": "Fan coil 3 North: Temperature  setpoint",
        "zh_CN": "三层风机盘管 温度设定",
        "zh_TW": "",
        "de_DE": "Gebläsekonvektor 3 Nord Solltemperatur",
        "ja_JP": " 温度設定 ",
    },
}


def name_of(
    hass: HomeAssistant, sim: Simulator, point: str, domain: str = "sensor"
) -> str:
    """Return what a point of the first fan coil unit is called next to its device."""
    entity_id = entity_id_of(hass, sim, domain, sim.device("fcu"), point)
    entry = er.async_get(hass).async_get(entity_id)
    assert entry
    assert entry.original_name
    return entry.original_name


def entity_ids(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return unique and entity ids."""
    return {
        each.unique_id: each.entity_id
        for each in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }


def call(sim: Simulator, point: str, name: str, **i18n: str) -> None:
    """Call a point otherwise in a new version of the model."""
    sim.change_point("fcu", point, name={"defaultValue": name, "i18nValue": i18n})


IN_ENGLISH = "Fan coil 3 North: Temperature setpoint"
IN_CHINESE = "三层风机盘管 温度设定"


@pytest.mark.parametrize(
    ("language", "device", "point", "elsewhere"),
    [
        ("en", "Fan coil 3 North", "Temperature setpoint", IN_ENGLISH),
        (
            "de",
            "Gebläsekonvektor 3 Nord",
            "Solltemperatur",
            "Gebläsekonvektor 3 Nord Solltemperatur",
        ),
        ("zh-Hans", "三层风机盘管", "温度设定", IN_CHINESE),
        # Without a name of its own that of the other script is better than none.
        ("zh-Hant", "三層風機盤管", IN_CHINESE, IN_CHINESE),
        ("ja", "三层风机盘管", "温度設定", "温度設定"),
        ("fr", "Fan coil 3 North", "Temperature setpoint", IN_ENGLISH),
    ],
)
async def test_languages(
    hass: HomeAssistant,
    sim: Simulator,
    language: str,
    device: str,
    point: str,
    elsewhere: str,
) -> None:
    """Device and point in the language of Home Assistant, short, without repeating."""
    hass.config.language = language
    first, second = sim.device("fcu", 0), sim.device("fcu", 1)
    first.name = DEVICE
    sim.change_point("fcu", "temp_setpoint", name=POINT)
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["temp_setpoint"]))
    await set_up(hass, entry)
    found = device_entry_of(hass, sim, first, entry)
    assert found
    assert found.name == device
    state = state_of(hass, sim, "number", first, "temp_setpoint")
    assert state.attributes["friendly_name"] == f"{device} {point}"
    # To another device of the product that name says nothing.
    state = state_of(hass, sim, "number", second, "temp_setpoint")
    other = device_entry_of(hass, sim, second, entry)
    assert other
    assert state.attributes["friendly_name"] == f"{other.name} {elsewhere}"


async def test_no_path_in_a_name(hass: HomeAssistant, sim: Simulator) -> None:
    """Voice assistants hear device and point, nothing of where in the trees they stand."""
    await set_up(
        hass,
        entry_for(
            sim, product_subentry(sim, "fcu", controls=["power", "temp_setpoint"])
        ),
    )
    device = sim.device("fcu")
    for domain, point, name in (
        ("switch", "power", "Power"),
        ("number", "temp_setpoint", "Temperature setpoint"),
    ):
        state = state_of(hass, sim, domain, device, point)
        called = device.name["i18nValue"]["en_US"]
        assert state.attributes["friendly_name"] == f"{called} {name}"


async def test_equal_names(hass: HomeAssistant, sim: Simulator) -> None:
    """Two points of one name tell their identifiers; a third chosen later moves no id."""
    call(sim, "room_temp", "Temperature")
    call(sim, "co2", "temperature")
    call(sim, "filter_hours", "Air")
    entry = entry_for(
        sim, product_subentry(sim, "fcu", sensors=["room_temp", "filter_hours"])
    )
    await set_up(hass, entry)
    assert name_of(hass, sim, "room_temp") == "Temperature"
    before = entity_ids(hass, entry)

    (subentry,) = entry.subentries.values()
    result = await review_subentry(hass, entry, subentry)
    result = await fill_subentry(hass, result, {})
    chosen = {"sensors": ["co2", "room_temp", "filter_hours"]}
    result = await fill_subentry(hass, result, chosen)
    assert result["reason"] == "reconfigure_successful"
    after = entity_ids(hass, entry)
    assert before.items() < after.items()
    assert name_of(hass, sim, "room_temp") == "Temperature (room_temp)"
    assert name_of(hass, sim, "co2") == "temperature (co2)"
    assert name_of(hass, sim, "filter_hours") == "Air"


async def test_equal_without_the_device(hass: HomeAssistant, sim: Simulator) -> None:
    """Names that would be equal without the device's own stay apart as well."""
    called = sim.device("fcu").name["i18nValue"]["en_US"]
    call(sim, "room_temp", f"{called} Temperature")
    call(sim, "co2", "Temperature")
    call(sim, "filter_hours", called)
    call(sim, "fault_code", "Fan coil unit fault")
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(
                sim,
                "fcu",
                sensors=["room_temp", "co2", "filter_hours", "fault_code"],
                corrections={"fault_code": {"name": f"{called} Fault"}},
            ),
        ),
    )
    assert name_of(hass, sim, "room_temp") == "Temperature (room_temp)"
    assert name_of(hass, sim, "co2") == "Temperature (co2)"
    assert name_of(hass, sim, "filter_hours") == called, "a name is never empty"
    assert name_of(hass, sim, "fault_code") == f"{called} Fault", "a person's word"


async def test_product_left_out(hass: HomeAssistant, sim: Simulator) -> None:
    """Models repeat the product's name more often than the device's."""
    call(sim, "room_temp", "Fan coil unit - Air temperature")
    call(sim, "co2", "", en_US="\u200b ", zh_CN="")
    await set_up(
        hass,
        entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp", "co2"])),
    )
    assert name_of(hass, sim, "room_temp") == "Air temperature"
    assert name_of(hass, sim, "co2") == "co2", "nothing usable leaves the identifier"


async def test_long_names(hass: HomeAssistant, sim: Simulator) -> None:
    """Nobody reads or says a name of five hundred characters."""
    call(sim, "room_temp", "Temperature of the air " * 20)
    sim.device("fcu").name = {"defaultValue": "盘" * 300, "i18nValue": {}}
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    name = name_of(hass, sim, "room_temp")
    assert 80 < len(name) <= 100
    assert name.endswith("air…")
    state = state_of(hass, sim, "sensor", sim.device("fcu"), "room_temp")
    assert state.attributes["friendly_name"] == f"{'盘' * 99}… {name}"


async def test_renamed_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that is called otherwise keeps its ids, and its points their names."""
    device = sim.device("fcu")
    called = device.name["i18nValue"]["en_US"]
    call(sim, "room_temp", f"{called} Air")
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    before = entity_ids(hass, entry)
    assert name_of(hass, sim, "room_temp") == "Air"
    sim.rename_device(device.asset_id, "Room 12")
    await poll_devices(hass)
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert found.name == "Room 12"
    assert entity_ids(hass, entry) == before
    state = state_of(hass, sim, "sensor", device, "room_temp")
    assert state.state != "unavailable"
    assert state.attributes["friendly_name"].startswith("Room 12 ")
