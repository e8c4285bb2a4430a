"""How commands are sent: the forms of products and devices, and the account's settings."""

from collections.abc import Callable
from typing import Any, cast

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.enos.selection import Policy, Selection
from simulator import SimDevice, Simulator

from .common import device_subentry, entry_for, product_subentry, set_up
from .flows import (
    Step,
    brought_in,
    fill_subentry,
    is_in_state,
    reconfigure_subentry,
    review_subentry,
    suggested,
)
from .texts import load

USUAL = {"timeout": 30, "when_offline": "fail", "queue_minutes": 15}
PATIENT = {"timeout": 45, "when_offline": "queue", "queue_minutes": 120}
QUICK = {"timeout": 5, "when_offline": "fail", "queue_minutes": 15}


def only(entry: ConfigEntry) -> ConfigSubentry:
    """Return the one subentry of an entry."""
    (subentry,) = entry.subentries.values()
    return subentry


def label(device: SimDevice) -> str:
    """Return how a device stands in the list."""
    return f"{device.name['i18nValue']['en_US']} ({device.device_key})"


def item_fields(result: Step) -> dict[str, Any]:
    """Return the fields of an exception."""
    fields: dict[str, Any] = result["data_schema"].schema["exceptions"].config["fields"]
    return fields


def offered_devices(result: Step) -> list[str]:
    """Return the devices that there may be an exception for."""
    options = item_fields(result)["device"]["selector"].config["options"]
    return [option["label"] for option in options]


def count_loads(entry: ConfigEntry) -> Callable[[], int]:
    """Return what tells how often an entry was loaded since."""
    loads: list[None] = []

    def changed() -> None:
        if entry.state is ConfigEntryState.LOADED:
            loads.append(None)

    entry.async_on_state_change(changed)
    return lambda: len(loads)


@pytest.mark.parametrize("kind", ["product", "device"])
async def test_menu(hass: HomeAssistant, sim: Simulator, kind: str) -> None:
    """A change begins with the question what is to be changed."""
    light = sim.device("light")
    entry = entry_for(
        sim,
        product_subentry(sim, "light")
        if kind == "product"
        else device_subentry(light, controls=["switch"]),
    )
    await set_up(hass, entry)
    result = await reconfigure_subentry(hass, entry, only(entry))
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "reconfigure")
    assert result["menu_options"][:2] == ["contents", "commands"]
    assert result["description_placeholders"] == {"name": only(entry).title}
    result = await fill_subentry(hass, result, {"next_step_id": "contents"})
    assert result["step_id"] == ("devices" if kind == "product" else "measurepoints")


async def test_defaults(hass: HomeAssistant, sim: Simulator) -> None:
    """An entry from before policies shows the defaults, and gets them when they are saved."""
    entry = entry_for(
        sim,
        product_subentry(
            sim, "fcu", controls=["mode"], labels={"mode": {"1": "Cold", "2": "Warm"}}
        ),
    )
    await set_up(hass, entry)
    before = dict(only(entry).data)
    selection = Selection.from_subentry(only(entry))
    assert selection.policy_of(sim.device("fcu").asset_id) == Policy(30, 0)
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "commands")
    assert result["errors"] == {}
    assert result["description_placeholders"] == {"name": "fcu"}
    assert suggested(result) == {**USUAL, "exceptions": []}
    loads = count_loads(entry)
    result = await fill_subentry(hass, result, {})
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "reconfigure_successful",
    )
    assert only(entry).data == {**before, "policy": USUAL, "policy_exceptions": {}}
    assert only(entry).title == "fcu"
    assert loads() == 1


async def test_policy_of_a_product(hass: HomeAssistant, sim: Simulator) -> None:
    """What holds for a product, and what for one of its devices; shown again afterwards."""
    first, second = sim.device("light", 0), sim.device("light", 1)
    entry = entry_for(
        sim,
        product_subentry(
            sim, "light", devices=[first.asset_id, second.asset_id], controls=["switch"]
        ),
    )
    await set_up(hass, entry)
    switches = brought_in(hass, "switch")
    before = dict(only(entry).data)
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert offered_devices(result) == sorted([label(first), label(second)])
    exceptions = [{"device": label(second), **QUICK}]
    loads = count_loads(entry)
    result = await fill_subentry(hass, result, {**PATIENT, "exceptions": exceptions})
    assert result["reason"] == "reconfigure_successful"
    data = only(entry).data
    assert data == {
        **before,
        "policy": PATIENT,
        "policy_exceptions": {second.asset_id: QUICK},
    }
    # Home Assistant's fields give 45.0.
    assert isinstance(data["policy"]["timeout"], int)
    selection = Selection.from_subentry(only(entry))
    assert selection.policy_of(first.asset_id) == Policy(timeout=45, queue_for=7200)
    assert selection.policy_of(second.asset_id) == Policy(timeout=5, queue_for=0)
    assert loads() == 1
    assert switches and brought_in(hass, "switch") == switches

    result = await review_subentry(hass, entry, only(entry), "commands")
    assert suggested(result) == {**PATIENT, "exceptions": exceptions}
    # Saved as it is, it changes nothing and disturbs nobody.
    result = await fill_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"
    assert only(entry).data == data
    assert loads() == 1

    result = await review_subentry(hass, entry, only(entry), "commands")
    await fill_subentry(hass, result, QUICK)
    assert only(entry).data["policy"] == QUICK
    assert only(entry).data["policy_exceptions"] == {}


async def test_policy_of_a_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A single device has no exceptions."""
    device = sim.device("fcu")
    entry = entry_for(sim, device_subentry(device, controls=["power"]))
    await set_up(hass, entry)
    before = dict(only(entry).data)
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert suggested(result) == USUAL
    assert "exceptions" not in result["data_schema"].schema
    result = await fill_subentry(hass, result, PATIENT)
    assert result["reason"] == "reconfigure_successful"
    assert only(entry).data == {**before, "policy": PATIENT}
    selection = Selection.from_subentry(only(entry))
    assert selection.policy_of(device.asset_id) == Policy(timeout=45, queue_for=7200)


async def test_minutes_left_out(hass: HomeAssistant, sim: Simulator) -> None:
    """Without a number of minutes a command is kept for a quarter of an hour."""
    fcu = sim.device("fcu")
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, only(entry), "commands")
    queued = {"timeout": 30, "when_offline": "queue"}
    exceptions = [{"device": label(fcu), **queued, "timeout": "7"}]
    await fill_subentry(hass, result, {**queued, "exceptions": exceptions})
    kept = {"when_offline": "queue", "queue_minutes": 15}
    assert only(entry).data["policy"] == {"timeout": 30, **kept}
    assert only(entry).data["policy_exceptions"] == {
        fcu.asset_id: {"timeout": 7, **kept}
    }


async def test_device_twice(hass: HomeAssistant, sim: Simulator) -> None:
    """Two exceptions for one device: the form names it and keeps what was entered."""
    fcu = sim.device("fcu")
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    before = dict(only(entry).data)
    result = await review_subentry(hass, entry, only(entry), "commands")
    item, other = {"device": label(fcu), **QUICK}, {"device": label(fcu), **PATIENT}
    entered = {**PATIENT, "exceptions": [item, other]}
    result = await fill_subentry(hass, result, entered)
    assert (result["step_id"], result["errors"]) == (
        "commands",
        {"base": "device_twice"},
    )
    assert result["description_placeholders"] == {"name": "fcu", "device": label(fcu)}
    assert suggested(result) == entered
    assert only(entry).data == before
    result = await fill_subentry(hass, result, {**PATIENT, "exceptions": [item]})
    assert result["reason"] == "reconfigure_successful"
    assert only(entry).data["policy_exceptions"] == {fcu.asset_id: QUICK}


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": 61},
        {"when_offline": "hope"},
        {"queue_minutes": 0},
        {"queue_minutes": 2881},
    ],
    ids=str,
)
@pytest.mark.parametrize("in_exception", [False, True])
async def test_out_of_range(
    hass: HomeAssistant, sim: Simulator, wrong: dict[str, Any], in_exception: bool
) -> None:
    """The form takes no number that EnOS would not, and none that keeps a lane for ever."""
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    before = dict(only(entry).data)
    result = await review_subentry(hass, entry, only(entry), "commands")
    entered: dict[str, Any] = {**PATIENT, **wrong}
    if in_exception:
        item = {"device": label(sim.device("fcu")), **PATIENT, **wrong}
        entered = {**PATIENT, "exceptions": [item]}
    with pytest.raises(InvalidData):
        await fill_subentry(hass, result, entered)
    assert only(entry).data == before


async def test_longest(hass: HomeAssistant, sim: Simulator) -> None:
    """A minute for the answer, two days in the queue."""
    entry = entry_for(sim, device_subentry(sim.device("fcu"), controls=["power"]))
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, only(entry), "commands")
    longest = {"timeout": 60, "when_offline": "queue", "queue_minutes": 2880}
    await fill_subentry(hass, result, longest)
    assert Selection.from_subentry(only(entry)).policy == Policy(60, 48 * 3600)


async def test_points_and_policy_leave_each_other_alone(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Reconfiguring points keeps the policy of a product and of a device."""
    fcu, pv = sim.device("fcu"), sim.device("pv")
    policy: dict[str, Any] = {
        "policy": PATIENT,
        "policy_exceptions": {fcu.asset_id: QUICK},
    }
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], **policy),
        device_subentry(pv, controls=["enable"], policy=QUICK),
    )
    await set_up(hass, entry)
    product, single = entry.subentries.values()
    result = await review_subentry(hass, entry, product)
    result = await fill_subentry(hass, result, {"devices": [fcu.asset_id]})
    result = await fill_subentry(hass, result, {"sensors": ["co2"]})
    assert result["reason"] == "reconfigure_successful"
    result = await review_subentry(hass, entry, single)
    result = await fill_subentry(hass, result, {"sensors": ["enable"]})
    assert result["reason"] == "reconfigure_successful"
    product, single = entry.subentries.values()
    assert product.data["sensors"] == ["co2"]
    assert product.data["devices"] == [fcu.asset_id]
    assert policy.items() <= product.data.items()
    assert single.data["sensors"] == ["enable"]
    assert single.data["policy"] == QUICK


async def test_without_enos(hass: HomeAssistant, sim: Simulator) -> None:
    """With EnOS away the policy can be changed, by the names that were known before."""
    fcu = sim.device("fcu")
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    await sim.stop()
    asked = len(sim.requests)
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert label(fcu) in offered_devices(result)
    exceptions = [{"device": label(fcu), **QUICK}]
    result = await fill_subentry(hass, result, {**PATIENT, "exceptions": exceptions})
    assert result["reason"] == "reconfigure_successful"
    assert only(entry).data["policy_exceptions"] == {fcu.asset_id: QUICK}
    assert len(sim.requests) == asked
    assert is_in_state(entry, ConfigEntryState.NOT_LOADED)


async def test_never_set_up(hass: HomeAssistant, sim: Simulator) -> None:
    """Devices of which nothing is known but the id are offered by it; nothing gets lost."""
    policy: dict[str, Any] = {
        "policy": PATIENT,
        "policy_exceptions": {"asset001": QUICK},
    }
    some = product_subentry(sim, "fcu", devices=["asset001", "asset002"], **policy)
    entry = entry_for(sim, some, product_subentry(sim, "light", **policy))
    entry.add_to_hass(hass)
    for subentry, ids in zip(
        entry.subentries.values(), (["asset001", "asset002"], ["asset001"]), strict=True
    ):
        result = await review_subentry(hass, entry, subentry, "commands")
        assert offered_devices(result) == ids
        await fill_subentry(hass, result, suggested(result))
        assert policy.items() <= entry.subentries[subentry.subentry_id].data.items()
    bare = entry_for(sim, product_subentry(sim, "fcu"), data={"org_id": "o2"})
    bare.add_to_hass(hass)
    result = await review_subentry(hass, bare, only(bare), "commands")
    assert suggested(result) == USUAL
    assert "exceptions" not in result["data_schema"].schema


async def test_devices_not_held(hass: HomeAssistant, sim: Simulator) -> None:
    """Exceptions of devices that went are dropped; others' devices are not offered."""
    first, second = sim.device("light", 0), sim.device("light", 1)
    gone = {"deleted0": QUICK, second.asset_id: QUICK}
    entry = entry_for(
        sim,
        device_subentry(second, controls=["switch"]),
        product_subentry(
            sim,
            "light",
            controls=["switch"],
            devices=[first.asset_id],
            policy_exceptions={**gone, first.asset_id: PATIENT},
        ),
    )
    await set_up(hass, entry)
    product = list(entry.subentries.values())[1]
    result = await review_subentry(hass, entry, product, "commands")
    assert offered_devices(result) == [label(first)]
    exceptions = [{"device": label(first), **PATIENT}]
    assert suggested(result) == {**USUAL, "exceptions": exceptions}
    await fill_subentry(hass, result, suggested(result))
    product = list(entry.subentries.values())[1]
    assert product.data["policy_exceptions"] == {first.asset_id: PATIENT}


async def test_devices_of_others(hass: HomeAssistant, sim: Simulator) -> None:
    """A product with all its devices offers these, and none of another product."""
    entry = entry_for(
        sim,
        device_subentry(sim.device("pv"), controls=["enable"]),
        product_subentry(sim, "fcu", controls=["power"]),
    )
    await set_up(hass, entry)
    product = list(entry.subentries.values())[1]
    result = await review_subentry(hass, entry, product, "commands")
    devices = [each for each in sim.devices.values() if each.kind.key == "fcu"]
    assert offered_devices(result) == sorted(map(label, devices), key=str.casefold)


async def test_chosen_devices_alone(hass: HomeAssistant, sim: Simulator) -> None:
    """A device taken out a moment ago is not offered while the registry still has it."""
    first, second = sim.device("light", 0), sim.device("light", 1)
    both = [first.asset_id, second.asset_id]
    entry = entry_for(
        sim, product_subentry(sim, "light", controls=["switch"], devices=both)
    )
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    data = {**only(entry).data, "devices": [first.asset_id]}
    hass.config_entries.async_update_subentry(entry, only(entry), data=data)
    registry = dr.async_get(hass)
    kept = dr.async_entries_for_config_entry(registry, entry.entry_id)
    assert {first.device_key, second.device_key} <= {
        each.serial_number for each in kept
    }
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert offered_devices(result) == [label(first)]


async def test_names_of_a_persons_own(hass: HomeAssistant, sim: Simulator) -> None:
    """A device is offered as Home Assistant calls it, wherever somebody renamed it."""
    fcu = sim.device("fcu")
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    registry = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        if device.serial_number == fcu.device_key:
            registry.async_update_device(device.id, name_by_user="Corner office")
    result = await review_subentry(hass, entry, only(entry), "commands")
    name = f"Corner office ({fcu.device_key})"
    assert name in offered_devices(result)
    assert label(fcu) not in offered_devices(result)
    exceptions = [{"device": name, **QUICK}]
    await fill_subentry(hass, result, {**USUAL, "exceptions": exceptions})
    assert only(entry).data["policy_exceptions"] == {fcu.asset_id: QUICK}


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
async def test_choice_in_an_exception(
    hass: HomeAssistant, sim: Simulator, language: str
) -> None:
    """The frontend translates no choice in an item, so it gets words."""
    hass.config.language = language
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, only(entry), "commands")
    options = item_fields(result)["when_offline"]["selector"].config["options"]
    texts = load(language)["selector"]["when_offline"]["options"]
    assert {option["value"]: option["label"] for option in options} == texts
    names = load(language)["selector"]["policy_exception"]["fields"]
    assert item_fields(result).keys() == names.keys()


@pytest.mark.parametrize(
    ("data", "policy"),
    [
        (None, Policy()),
        ("queue", Policy()),
        ([], Policy()),
        ({"timeout": None, "when_offline": None}, Policy()),
        ({"timeout": "soon", "when_offline": "perhaps"}, Policy()),
        ({"when_offline": "queue"}, Policy(30, 900)),
        ({"when_offline": "queue", "queue_minutes": "x"}, Policy(30, 900)),
        ({"timeout": 0, "when_offline": "queue", "queue_minutes": -1}, Policy(1, 60)),
        ({"timeout": 1e9, "when_offline": "fail", "queue_minutes": 9}, Policy(60, 0)),
        (
            {"timeout": 1.5, "when_offline": "queue", "queue_minutes": 10**400},
            Policy(1, 172_800),
        ),
    ],
    ids=str,
)
async def test_odd_data(
    hass: HomeAssistant, sim: Simulator, data: object, policy: Policy
) -> None:
    """Whatever stands in a subentry: it is read, and the form shows what it was read as."""
    fcu = sim.device("fcu")
    entry = entry_for(
        sim,
        product_subentry(
            sim,
            "fcu",
            controls=["power"],
            policy=data,
            policy_exceptions=data or {fcu.asset_id: data},
        ),
    )
    await set_up(hass, entry)
    assert is_in_state(entry, ConfigEntryState.LOADED)
    selection = Selection.from_subentry(only(entry))
    assert selection.policy_of(fcu.asset_id) == policy
    result = await review_subentry(hass, entry, only(entry), "commands")
    assert suggested(result) == {**policy.data(), "exceptions": []}
    result = await fill_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"
    assert Selection.from_subentry(only(entry)).policy == policy


# The account's options.


async def settings_of(hass: HomeAssistant, entry: ConfigEntry) -> Step:
    """Open the form of the account's settings, by way of the menu."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["settings", "places"]
    return cast(
        Step,
        await hass.config_entries.options.async_configure(
            menu["flow_id"], {"next_step_id": "settings"}
        ),
    )


async def test_options(hass: HomeAssistant, sim: Simulator) -> None:
    """One option, off unless somebody turns it on; the entry is reloaded once."""
    entry = entry_for(sim, product_subentry(sim, "light", controls=["switch"]))
    await set_up(hass, entry)
    assert entry.options == {}
    result: Any = await settings_of(hass, entry)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "settings")
    assert result["data_schema"]({}) == {"write_any_point": False}
    assert suggested(result) == {}
    loads = count_loads(entry)
    for wanted in (True, False):
        result = await settings_of(hass, entry)
        result = await hass.config_entries.options.async_configure(
            result["flow_id"], {"write_any_point": wanted}
        )
        await hass.async_block_till_done(wait_background_tasks=True)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert entry.options == {"write_any_point": wanted}
        result = await settings_of(hass, entry)
        assert suggested(result) == {"write_any_point": wanted}
    assert loads() == 2
    assert is_in_state(entry, ConfigEntryState.LOADED)


async def test_options_refused(hass: HomeAssistant, sim: Simulator) -> None:
    """What is no option is refused; options that the form does not know stay."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, options={"later": 1})
    await hass.async_block_till_done()
    result: Any = await settings_of(hass, entry)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            result["flow_id"], {"write_everything": True}
        )
    await hass.config_entries.options.async_configure(result["flow_id"], {})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.options == {"later": 1, "write_any_point": False}
