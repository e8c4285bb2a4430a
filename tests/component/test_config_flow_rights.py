"""Rights that are missing: the flow goes another way, or says which."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from simulator import Simulator

from .flows import account, begin, brought_in, choose, fill, refuse, suggested

MANAGE = "Device Management: Read"
MODELS = "Model Management: Read"

FCU_CONTROLS = ["power", "mode", "fan_speed", "temp_setpoint"]
FCU_SENSORS = ["room_temp", "valve_position", "co2", "filter_hours", "fault_code"]


async def test_foreign_organization(hass: HomeAssistant, sim: Simulator) -> None:
    """An organization that is another's is refused as such."""
    result = await begin(hass, account(sim, org_id=sim.foreign_org_id))
    assert result["errors"] == {"base": "org_denied"}
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == sim.org_id


async def test_no_right_at_all(hass: HomeAssistant, sim: Simulator) -> None:
    """An application that may do nothing looks like a foreign one."""
    rights, sim.rights = sim.rights, set()
    result = await begin(hass, account(sim))
    assert result["errors"] == {"base": "org_denied"}
    sim.rights = rights
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "right", [MODELS, "Asset: Read", "Asset: Control", "Asset: Read+Control"]
)
async def test_hardly_any_right(
    hass: HomeAssistant, sim: Simulator, right: str
) -> None:
    """One right of any kind is enough to go on, with devices and points by their ids."""
    sim.rights = {right}
    if right == "Asset: Read+Control":
        sim.rights = {"Asset: Read", "Asset: Control"}
    device = sim.device("fcu")
    result = await begin(hass, account(sim))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "device")
    result = await fill(hass, result, {"asset_id": device.asset_id, "name": "Room 1"})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "manual_points")
    assert result["description_placeholders"]["name"] == "Room 1"
    points = [
        {"identifier": "power", "data_type": "BOOL", "control": True},
        {
            "identifier": " mode ",
            "data_type": "ENUM",
            "control": True,
            "options": ["1 = Cooling", "2=", " ", "3"],
        },
        {"identifier": "room_temp", "data_type": "DOUBLE", "unit": "°C", "name": "Air"},
    ]
    result = await fill(hass, result, {"points": points})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert (subentry.subentry_type, subentry.title) == ("device", "Room 1")
    assert subentry.unique_id == f"device:{device.asset_id}"
    assert subentry.data == {
        "asset_id": device.asset_id,
        "product_key": "",
        "device_key": "",
        "name": "Room 1",
        "controls": ["power", "mode"],
        "sensors": ["room_temp"],
        "services": [],
        "labels": {"mode": {"1": "Cooling", "2": "2", "3": "3"}},
        "points": {
            "power": {"data_type": "BOOL"},
            "mode": {
                "data_type": "ENUM",
                "options": {"1": "Cooling", "2": "2", "3": "3"},
            },
            "room_temp": {"data_type": "DOUBLE", "unit": "°C", "name": "Air"},
        },
    }


async def test_products_denied_devices_not(hass: HomeAssistant, sim: Simulator) -> None:
    """Where only the list of products is denied, a device is found and its model read."""
    device = sim.device("fcu")
    refuse(sim, "products", 99403, "Denied resource:  product")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "device"
    keys = {"product_key": device.product_key, "device_key": device.device_key}
    result = await fill(hass, result, keys)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert suggested(result)["controls"] == FCU_CONTROLS
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.data["asset_id"] == device.asset_id
    assert subentry.data["device_key"] == device.device_key
    assert subentry.title == device.name["i18nValue"]["en_US"]


async def test_device_found_by_its_asset_id(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An asset id is looked up where that is allowed."""
    device = sim.device("fcu")
    refuse(sim, "products", 99403, "Denied resource:  orgId")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "device"
    result = await fill(hass, result, {"asset_id": device.asset_id})
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.data["product_key"] == device.product_key


@pytest.mark.parametrize(
    ("entered", "rights", "error"),
    [
        ({}, {MANAGE}, "device_unclear"),
        ({"product_key": "12345678"}, {MANAGE}, "device_unclear"),
        (
            {"product_key": "1", "device_key": "2", "asset_id": "3"},
            {MANAGE},
            "device_unclear",
        ),
        ({"asset_id": "nowhere0"}, {MANAGE}, "device_not_found"),
        ({"asset_id": "it's"}, {MANAGE}, "device_not_found"),
        ({"product_key": "1", "device_key": "2"}, {MANAGE}, "device_not_found"),
        ({"product_key": "1", "device_key": "2"}, {"Asset: Read"}, "lookup_denied"),
    ],
)
async def test_device_refused_then_right(
    hass: HomeAssistant,
    sim: Simulator,
    entered: dict[str, str],
    rights: set[str],
    error: str,
) -> None:
    """What is wrong with a device's keys is told; the flow can be finished."""
    refuse(sim, "products", 99403, "Denied resource:  product")
    sim.rights = rights
    result = await begin(hass, account(sim))
    result = await fill(hass, result, entered)
    assert (result["step_id"], result["errors"]) == ("device", {"base": error})
    assert suggested(result) == entered
    result = await fill(hass, result, {"asset_id": sim.device("fcu").asset_id})
    assert result["step_id"] == "manual_points"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_device_look_up_fails(hass: HomeAssistant, sim: Simulator) -> None:
    """Trouble on the way to a device's look-up."""
    refuse(sim, "products", 99403, "Denied resource:  product")
    wanted = {"asset_id": sim.device("fcu").asset_id}
    result = await begin(hass, account(sim))
    sim.faults.add("rate_limit", path="devices")
    result = await fill(hass, result, wanted)
    assert result["errors"] == {"base": "rate_limited"}
    sim.faults.clear()
    refuse(sim, "products", 99403, "Denied resource:  product")
    result = await fill(hass, result, wanted)
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_models_denied(hass: HomeAssistant, sim: Simulator) -> None:
    """Products without their models: points are entered by hand, product by product."""
    sim.rights.discard(MODELS)
    fcu, light = sim.device("fcu"), sim.device("light")
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "manual_points")
    assert result["description_placeholders"]["name"] == "Fan coil unit"
    result = await fill(
        hass, result, {"points": [{"identifier": "room_temp", "data_type": "DOUBLE"}]}
    )
    assert result["description_placeholders"]["name"] == "Lighting circuit"
    result = await fill(
        hass,
        result,
        {"points": [{"identifier": "power", "data_type": "BOOL", "control": True}]},
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert first.data["sensors"] == ["room_temp"]
    assert first.data["points"] == {"room_temp": {"data_type": "DOUBLE"}}
    assert second.data["controls"] == ["power"]
    assert brought_in(hass, "switch")


async def test_one_model_is_missing(hass: HomeAssistant, sim: Simulator) -> None:
    """The suggestions are taken for one product, the other one's points asked for."""
    fcu, light = sim.device("fcu"), sim.device("light")
    del sim.models[fcu.model_id]
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    assert result["step_id"] == "points"
    assert "**Fan coil unit**: –" in result["description_placeholders"]["controls"]
    result = await choose(hass, result, "suggestions")
    assert result["step_id"] == "manual_points"
    assert result["description_placeholders"]["name"] == "Fan coil unit"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert (first.title, first.data["controls"]) == ("Fan coil unit", [])
    assert second.data["controls"]


@pytest.mark.parametrize(
    ("points", "error", "named"),
    [
        ([{"identifier": " ", "data_type": "INT"}], "point_without_id", None),
        (
            [
                {"identifier": "a", "data_type": "INT"},
                {"identifier": "a ", "data_type": "BOOL"},
            ],
            "point_twice",
            "a",
        ),
        (
            [{"identifier": "a", "data_type": "ENUM", "control": True}],
            "options_missing",
            "a",
        ),
    ],
)
async def test_points_by_hand_refused_then_right(
    hass: HomeAssistant,
    sim: Simulator,
    points: list[dict[str, Any]],
    error: str,
    named: str | None,
) -> None:
    """What is wrong with points entered by hand is told with their id."""
    sim.rights.discard(MODELS)
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"products": [sim.device("fcu").product_key]})
    result = await fill(hass, result, {"points": points})
    assert (result["step_id"], result["errors"]) == ("manual_points", {"base": error})
    assert result["description_placeholders"].get("point") == named
    assert suggested(result) == {"points": points}
    result = await fill(
        hass, result, {"points": [{"identifier": "co2", "data_type": "INT"}]}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_rights_fail(hass: HomeAssistant, sim: Simulator) -> None:
    """While it is found out whether anything may be read, EnOS has trouble."""
    sim.rights.discard(MANAGE)
    sim.rights.discard(MODELS)
    refuse(sim, "assets", 99500, "Internal Server Error")
    result = await begin(hass, account(sim))
    assert result["errors"] == {"base": "unknown"}
    sim.faults.clear()
    # A service that the gateway does not have proves nothing; the next one does.
    sim.faults.add("status", path="asset-service", status=404, body={"message": "no"})
    result = await fill(hass, result, account(sim))
    assert result["step_id"] == "device"


async def test_refusal_of_something_else(hass: HomeAssistant, sim: Simulator) -> None:
    """A refusal that names anything but the organization proves that this is the right one."""
    for path in ("products", "thing-models", "assets", "commands"):
        refuse(sim, path, 99403, "Denied resource:  orgId")
    refuse(sim, "devices", 99403, "Denied resource:  device")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "device"
    asset_id = sim.device("fcu").asset_id
    result = await fill(hass, result, {"asset_id": asset_id})
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
