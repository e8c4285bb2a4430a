"""Products and single devices: added, changed, removed and kept apart."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
import pytest

from simulator import Simulator

from .common import device_subentry, entry_for, product_subentry, set_up
from .flows import (
    begin_subentry,
    brought_in,
    fill_subentry,
    is_in_state,
    offered,
    refuse,
    review_subentry,
    suggested,
)

MANAGE = "Device Management: Read"
MODELS = "Model Management: Read"


def newest(entry: ConfigEntry) -> ConfigSubentry:
    """Return the subentry that was added last."""
    return list(entry.subentries.values())[-1]


# Products.


async def test_product_added(hass: HomeAssistant, sim: Simulator) -> None:
    """A product with all its devices; the entry is reloaded with it."""
    entry = entry_for(sim, product_subentry(sim, "light", controls=["switch"]))
    await set_up(hass, entry)
    pv = sim.device("pv")
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    products = offered(result, "product_key")
    # What is there already is not offered again.
    assert products.keys() == sim.products.keys() - {sim.device("light").product_key}
    assert list(products.values()) == sorted(products.values(), key=str.casefold)
    result = await fill_subentry(hass, result, {"product_key": pv.product_key})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "devices")
    assert result["description_placeholders"] == {"name": "PV inverter"}
    assert list(offered(result, "devices")) == [pv.asset_id]
    result = await fill_subentry(hass, result, {})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert result["description_placeholders"] == {
        "name": "PV inverter",
        "count": "7",
        "devices": "1",
        "limit": "10,000",
    }
    chosen = suggested(result)
    assert "enable" in chosen["controls"]
    result = await fill_subentry(hass, result, chosen)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = newest(entry)
    assert subentry.title == "PV inverter"
    assert subentry.unique_id == f"product:{pv.product_key}"
    assert subentry.data["product_key"] == pv.product_key
    assert subentry.data["devices"] == []
    assert subentry.data["controls"] == chosen["controls"]
    assert hass.states.get("switch.pv_a_enable") is not None
    assert sim.rejections == []


async def test_some_devices_of_a_product(hass: HomeAssistant, sim: Simulator) -> None:
    """Only the chosen devices come, and more can be chosen later."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    first, second = sim.device("light", 0), sim.device("light", 1)
    result = await begin_subentry(hass, entry, "product")
    result = await fill_subentry(hass, result, {"product_key": first.product_key})
    label = offered(result, "devices")[first.asset_id]
    assert label == f"{first.name['i18nValue']['en_US']} ({first.device_key})"
    result = await fill_subentry(hass, result, {"devices": [first.asset_id]})
    result = await fill_subentry(hass, result, {"controls": ["switch"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(brought_in(hass, "switch")) == 1

    result = await review_subentry(hass, entry, newest(entry))
    assert result["step_id"] == "devices"
    assert suggested(result) == {"devices": [first.asset_id]}
    result = await fill_subentry(
        hass, result, {"devices": [first.asset_id, second.asset_id]}
    )
    assert result["step_id"] == "measurepoints"
    assert suggested(result) == {"controls": ["switch"], "sensors": []}
    result = await fill_subentry(hass, result, suggested(result))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert newest(entry).data["devices"] == [first.asset_id, second.asset_id]
    assert len(brought_in(hass, "switch")) == 2
    assert is_in_state(entry, ConfigEntryState.LOADED)

    hass.config_entries.async_remove_subentry(entry, newest(entry).subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not brought_in(hass, "switch")


async def test_points_reviewed(hass: HomeAssistant, sim: Simulator) -> None:
    """Labels that were frozen stay; what the model dropped stays on offer."""
    entry = entry_for(
        sim,
        product_subentry(
            sim,
            "fcu",
            controls=["mode", "gone"],
            sensors=["room_temp"],
            labels={"mode": {"1": "Cold", "2": "Warm"}},
        ),
    )
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, newest(entry))
    result = await fill_subentry(hass, result, {})
    assert suggested(result) == {"controls": ["mode", "gone"], "sensors": ["room_temp"]}
    assert offered(result, "controls")["gone"] == "gone"
    assert "gone" not in offered(result, "sensors")
    # In neither list before, in both now: which one is meant?
    both = {"controls": ["mode", "gone", "fan_speed"], "sensors": ["fan_speed"]}
    result = await fill_subentry(hass, result, both)
    assert result["errors"] == {"base": "point_in_both"}
    assert result["description_placeholders"]["points"] == "fan_speed"
    assert suggested(result) == both
    result = await fill_subentry(
        hass,
        result,
        {"controls": ["fan_speed", "room_temp", "mode"], "sensors": ["room_temp"]},
    )
    assert result["reason"] == "reconfigure_successful"
    data = newest(entry).data
    assert data["controls"] == ["fan_speed", "room_temp", "mode"]
    assert data["sensors"] == []
    assert data["labels"]["mode"] == {"1": "Cold", "2": "Warm"}
    assert data["labels"]["fan_speed"]["low"] == "Low"


async def test_nothing_left_to_add(hass: HomeAssistant, sim: Simulator) -> None:
    """All products are there already."""
    kinds = {device.kind.key for device in sim.devices.values()}
    entry = entry_for(sim, *(product_subentry(sim, kind) for kind in sorted(kinds)))
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "no_products_left",
    )


async def test_no_products(hass: HomeAssistant, sim: Simulator) -> None:
    """The organization has no product."""
    sim.products.clear()
    entry = entry_for(sim)
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_products")


async def test_product_added_meanwhile(hass: HomeAssistant, sim: Simulator) -> None:
    """Two forms for one product: the second is turned away."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    chosen = {"product_key": sim.device("fcu").product_key}
    slow = await begin_subentry(hass, entry, "product")
    fast = await begin_subentry(hass, entry, "product")
    for step in (chosen, {}, {}):
        fast = await fill_subentry(hass, fast, step)
    assert fast["type"] is FlowResultType.CREATE_ENTRY
    slow = await fill_subentry(hass, slow, chosen)
    assert (slow["step_id"], slow["errors"]) == ("user", {"base": "already_configured"})
    # The form goes on without it.
    assert chosen["product_key"] not in offered(slow, "product_key")
    slow = await fill_subentry(
        hass, slow, {"product_key": sim.device("pv").product_key}
    )
    assert slow["step_id"] == "devices"


async def test_product_of_a_single_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A product cannot bring in again what was added as a single device."""
    single, other = sim.device("fcu", 0), sim.device("fcu", 1)
    entry = entry_for(sim, device_subentry(single, controls=["power"]))
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "product")
    result = await fill_subentry(hass, result, {"product_key": single.product_key})
    assert single.asset_id not in offered(result, "devices")
    result = await fill_subentry(hass, result, {"devices": []})
    assert (result["step_id"], result["errors"]) == ("devices", {"base": "device_held"})
    assert result["description_placeholders"]["other"] == single.device_key
    result = await fill_subentry(hass, result, {"devices": [other.asset_id]})
    result = await fill_subentry(hass, result, {"controls": ["power"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(brought_in(hass, "switch")) == 2


async def test_product_of_a_device_that_was_believed(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A device of which only the asset id is known is found among the product's."""
    single = sim.device("pv")
    entry = entry_for(sim, device_subentry(single, product_key="", device_key=""))
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "product")
    result = await fill_subentry(hass, result, {"product_key": single.product_key})
    # Nothing else is there to choose from.
    assert (result["step_id"], result["errors"]) == ("devices", {"base": "device_held"})
    assert offered(result, "devices") == {}


async def test_devices_reviewed(hass: HomeAssistant, sim: Simulator) -> None:
    """Changing a product to all of its devices minds single ones, too."""
    first, second = sim.device("fcu", 0), sim.device("fcu", 1)
    entry = entry_for(
        sim,
        device_subentry(first),
        product_subentry(sim, "fcu", devices=[second.asset_id, "deleted0"]),
    )
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, newest(entry))
    devices = offered(result, "devices")
    # A device that EnOS has no more can still be taken out.
    assert devices["deleted0"] == "deleted0"
    assert first.asset_id not in devices
    result = await fill_subentry(hass, result, {})
    assert result["errors"] == {"base": "device_held"}
    result = await fill_subentry(hass, result, {"devices": [second.asset_id]})
    result = await fill_subentry(hass, result, {})
    assert result["reason"] == "reconfigure_successful"
    assert newest(entry).data["devices"] == [second.asset_id]
    assert newest(entry).title == "fcu"


@pytest.mark.parametrize("path", ["products", "devices", "thing-models"])
async def test_product_trouble(hass: HomeAssistant, sim: Simulator, path: str) -> None:
    """Trouble ends the flow where there is no form yet, and is told on one otherwise."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    chosen = {"product_key": sim.device("fcu").product_key}
    sim.faults.add("rate_limit", path=path)
    result = await begin_subentry(hass, entry, "product")
    if path == "products":
        assert (result["type"], result["reason"]) == (
            FlowResultType.ABORT,
            "rate_limited",
        )
        sim.faults.clear()
        result = await begin_subentry(hass, entry, "product")
    else:
        result = await fill_subentry(hass, result, chosen)
        assert (result["step_id"], result["errors"]) == (
            "user",
            {"base": "rate_limited"},
        )
        assert suggested(result) == chosen
        sim.faults.clear()
    for step in (chosen, {}, {}):
        result = await fill_subentry(hass, result, step)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_product_by_its_key(hass: HomeAssistant, sim: Simulator) -> None:
    """Where products cannot be listed but devices can, the key will do."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    fcu = sim.device("fcu")
    refuse(sim, "products", 99403, "Denied resource:  product")
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "product_key")
    result = await fill_subentry(hass, result, {"product_key": "nothing0"})
    assert result["errors"] == {"base": "product_not_found"}
    result = await fill_subentry(hass, result, {"product_key": f" {fcu.product_key}"})
    assert result["step_id"] == "devices"
    result = await fill_subentry(hass, result, {})
    result = await fill_subentry(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert newest(entry).title == "Fan coil unit"
    assert "power" in newest(entry).data["controls"]


async def test_product_needs_devices(hass: HomeAssistant, sim: Simulator) -> None:
    """Without the right to read devices there is no use in a product."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    sim.rights.discard(MANAGE)
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "permission_denied",
    )
    assert "Denied resource" in result["description_placeholders"]["message"]


async def test_product_without_devices_to_read(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Where products can be listed and devices cannot, all devices are meant."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    refuse(sim, "devices", 99403, "Denied resource:  device")
    result = await begin_subentry(hass, entry, "product")
    chosen = {"product_key": sim.device("fcu").product_key}
    result = await fill_subentry(hass, result, chosen)
    assert result["step_id"] == "measurepoints"
    result = await fill_subentry(hass, result, {"sensors": ["co2"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert newest(entry).data["devices"] == []


async def test_product_without_model(hass: HomeAssistant, sim: Simulator) -> None:
    """Points by hand, reviewed by hand, then by the model once it can be read."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    sim.rights.discard(MODELS)
    result = await begin_subentry(hass, entry, "product")
    chosen = {"product_key": sim.device("fcu").product_key}
    for step in (chosen, {}):
        result = await fill_subentry(hass, result, step)
    assert result["step_id"] == "manual_points"
    mode = {
        "identifier": "mode",
        "data_type": "ENUM",
        "control": True,
        "options": ["1 = Cold"],
    }
    custom = {"identifier": "custom", "data_type": "INT", "unit": "A", "name": "Mine"}
    result = await fill_subentry(hass, result, {"points": [mode, custom]})
    assert result["type"] is FlowResultType.CREATE_ENTRY

    result = await review_subentry(hass, entry, newest(entry))
    result = await fill_subentry(hass, result, {})
    assert result["step_id"] == "manual_points"
    assert suggested(result) == {"points": [mode, {**custom, "control": False}]}
    result = await fill_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"

    sim.rights.add(MODELS)
    result = await review_subentry(hass, entry, newest(entry))
    result = await fill_subentry(hass, result, {})
    assert result["step_id"] == "measurepoints"
    assert suggested(result) == {"controls": ["mode"], "sensors": ["custom"]}
    result = await fill_subentry(hass, result, suggested(result))
    data = newest(entry).data
    # The model describes what it has; the rest keeps its own description.
    assert data["points"] == {
        "custom": {"data_type": "INT", "unit": "A", "name": "Mine"}
    }
    assert data["labels"] == {"mode": {"1": "Cold"}}


async def test_model_cannot_be_read_any_more(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Points of a model that cannot be read now are not lost by a review."""
    device = sim.device("pv")
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"]),
        device_subentry(device, controls=["enable"]),
    )
    await set_up(hass, entry)
    before = [dict(subentry.data) for subentry in entry.subentries.values()]
    sim.rights.discard(MODELS)
    product, single = entry.subentries.values()
    result = await review_subentry(hass, entry, product)
    result = await fill_subentry(hass, result, {})
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "model_unreadable",
    )
    assert result["description_placeholders"] == {"name": "fcu"}
    result = await review_subentry(hass, entry, single)
    assert result["reason"] == "model_unreadable"
    assert [dict(subentry.data) for subentry in entry.subentries.values()] == before


@pytest.mark.parametrize("kind", ["product", "device"])
async def test_review_in_trouble(
    hass: HomeAssistant, sim: Simulator, kind: str
) -> None:
    """EnOS away: the review ends and says why."""
    device = sim.device("pv")
    subentry = (
        device_subentry(device) if kind == "device" else product_subentry(sim, "fcu")
    )
    entry = entry_for(sim, subentry)
    await set_up(hass, entry)
    sim.faults.add("html", status=502)
    result = await review_subentry(hass, entry, newest(entry))
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "cannot_connect",
    )


# Single devices.


async def test_device_added(hass: HomeAssistant, sim: Simulator) -> None:
    """A device by its keys, reviewed and removed later."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    device = sim.device("fcu")
    result = await begin_subentry(hass, entry, "device")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    keys = {"product_key": device.product_key, "device_key": device.device_key}
    result = await fill_subentry(hass, result, keys)
    assert result["step_id"] == "measurepoints"
    chosen = suggested(result)
    result = await fill_subentry(hass, result, chosen)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = newest(entry)
    name = device.name["i18nValue"]["en_US"]
    assert subentry.title == name
    assert subentry.unique_id == f"device:{device.asset_id}"
    assert subentry.data["asset_id"] == device.asset_id
    # Nobody asked for another name, so it follows that in EnOS.
    assert subentry.data["name"] == ""
    assert len(brought_in(hass, "switch")) == 1

    result = await review_subentry(hass, entry, subentry)
    assert result["step_id"] == "measurepoints"
    assert suggested(result) == chosen
    result = await fill_subentry(hass, result, {"sensors": ["co2"]})
    assert result["reason"] == "reconfigure_successful"
    assert newest(entry).data["controls"] == []
    assert newest(entry).data["sensors"] == ["co2"]
    assert not brought_in(hass, "switch")

    hass.config_entries.async_remove_subentry(entry, newest(entry).subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert is_in_state(entry, ConfigEntryState.LOADED)
    for domain in ("binary_sensor", "sensor", "switch", "number", "select"):
        assert not brought_in(hass, domain)


async def test_device_with_a_name_of_its_own(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What a person calls a single device is its name, whatever EnOS calls it."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "device")
    device = sim.device("fcu")
    keys = {"asset_id": device.asset_id, "name": "My fan coil"}
    result = await fill_subentry(hass, result, keys)
    await fill_subentry(hass, result, suggested(result))
    assert newest(entry).title == "My fan coil"
    found = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    subentry_id = newest(entry).subentry_id
    names = [each.name for each in found if each.config_subentry_id == subentry_id]
    assert names == ["My fan coil"]
    result = await review_subentry(hass, entry, newest(entry))
    await fill_subentry(hass, result, {"sensors": ["co2"]})
    assert newest(entry).data["name"] == "My fan coil"


async def test_device_by_its_asset_id_alone(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Believed without the right to look it up; completed once that is there."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    device = sim.device("fcu")
    sim.rights.discard(MANAGE)
    result = await begin_subentry(hass, entry, "device")
    keys = {"product_key": device.product_key, "device_key": device.device_key}
    result = await fill_subentry(hass, result, keys)
    assert result["errors"] == {"base": "lookup_denied"}
    result = await fill_subentry(hass, result, {"asset_id": device.asset_id})
    assert result["step_id"] == "manual_points"
    point = {"identifier": "power", "data_type": "BOOL", "control": True}
    result = await fill_subentry(hass, result, {"points": [point]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert newest(entry).title == device.asset_id
    assert newest(entry).data["product_key"] == ""
    assert len(brought_in(hass, "switch")) == 1

    result = await review_subentry(hass, entry, newest(entry))
    assert result["step_id"] == "manual_points"
    assert suggested(result) == {"points": [point]}
    result = await fill_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"

    sim.rights.add(MANAGE)
    result = await review_subentry(hass, entry, newest(entry))
    assert suggested(result) == {"controls": ["power"], "sensors": []}
    result = await fill_subentry(hass, result, suggested(result))
    assert newest(entry).data["product_key"] == device.product_key
    assert newest(entry).data["device_key"] == device.device_key
    assert newest(entry).data["points"] == {}


async def test_device_twice(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that was added already."""
    device = sim.device("fcu")
    entry = entry_for(sim, device_subentry(device))
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": device.asset_id})
    assert (result["step_id"], result["errors"]) == (
        "user",
        {"base": "already_configured"},
    )
    result = await fill_subentry(hass, result, {"asset_id": sim.device("pv").asset_id})
    assert result["step_id"] == "measurepoints"


@pytest.mark.parametrize("some", [False, True])
async def test_device_of_a_product(
    hass: HomeAssistant, sim: Simulator, some: bool
) -> None:
    """A device that a product holds is refused; another one is not."""
    device, other = sim.device("fcu", 0), sim.device("pv")
    devices = [device.asset_id] if some else []
    entry = entry_for(sim, product_subentry(sim, "fcu", devices=devices))
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": device.asset_id})
    assert (result["step_id"], result["errors"]) == ("user", {"base": "device_held"})
    assert result["description_placeholders"] == {"other": "fcu"}
    assert suggested(result) == {"asset_id": device.asset_id}
    free = sim.device("fcu", 1) if some else other
    result = await fill_subentry(hass, result, {"asset_id": free.asset_id})
    result = await fill_subentry(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("entered", "error"),
    [({}, "device_unclear"), ({"asset_id": "nowhere0"}, "device_not_found")],
)
async def test_device_refused_then_right(
    hass: HomeAssistant, sim: Simulator, entered: dict[str, Any], error: str
) -> None:
    """What is wrong with a device's keys is told."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, entered)
    assert (result["step_id"], result["errors"]) == ("user", {"base": error})
    for step in ({"asset_id": sim.device("pv").asset_id}, {}):
        result = await fill_subentry(hass, result, step)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_deleted_device_reviewed(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that EnOS has no more keeps what was chosen."""
    device = sim.device("pv")
    entry = entry_for(sim, device_subentry(device, controls=["enable"]))
    await set_up(hass, entry)
    sim.remove_device(device.asset_id)
    result = await review_subentry(hass, entry, newest(entry))
    assert result["reason"] == "model_unreadable"


async def test_address_not_valid_any_more(hass: HomeAssistant, sim: Simulator) -> None:
    """An entry whose address is refused by now says so here as well."""
    entry = entry_for(sim, data={"url": "ftp://example.com"})
    entry.add_to_hass(hass)
    result = await begin_subentry(hass, entry, "product")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "invalid_url")
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": "12345678"})
    assert result["errors"] == {"base": "invalid_url"}


async def test_entry_not_loaded(hass: HomeAssistant, sim: Simulator) -> None:
    """Products and devices can be added while the entry is not loaded."""
    entry = entry_for(sim)
    entry.add_to_hass(hass)
    result = await begin_subentry(hass, entry, "product")
    for step in ({"product_key": sim.device("fcu").product_key}, {}, {}):
        result = await fill_subentry(hass, result, step)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert is_in_state(entry, ConfigEntryState.NOT_LOADED)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert is_in_state(entry, ConfigEntryState.LOADED)
