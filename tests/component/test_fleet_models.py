"""Models that lose points, change them, or are not given: nothing is lost by a mistake."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    category_registry as cr,
    entity_registry as er,
    label_registry as lr,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import Simulator
from simulator.points import enum

from .common import (
    device_subentry,
    entity_id_of,
    entry_for,
    poll_devices,
    product_subentry,
    set_up,
    state_of,
)
from .flows import fill_subentry, review_subentry, suggested
from .reading import all_of, device_entry_of, loud, requests_for, text_of
from .repairs import Watch

_DAY = 24 * 3600 + 60
_TEN_MINUTES = 660


@pytest.fixture
def watch(hass: HomeAssistant) -> Watch:
    """See what is told."""
    return Watch(hass)


async def read_models_again(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float = _DAY
) -> None:
    """Let time pass until models are read anew, and what follows from that happen."""
    freezer.tick(seconds)
    await poll_devices(hass)
    await poll_devices(hass)


async def start_anew(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """Set an entry up with nothing but what is on disk, as after a restart."""
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN, None)
    # EnOS refuses two requests for a token in one second.
    freezer.tick(5)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)


def unique_ids(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return domain and unique id of all entities of an entry, by their registry id."""
    return {
        entity.id: f"{entity.domain} {entity.unique_id}"
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }


async def fcus(hass: HomeAssistant, sim: Simulator, **more: Any) -> MockConfigEntry:
    """Set up fan coil units with controls and readings."""
    entry = entry_for(
        sim,
        product_subentry(
            sim,
            "fcu",
            controls=["power", "temp_setpoint", "mode"],
            sensors=["room_temp"],
            **more,
        ),
    )
    await set_up(hass, entry)
    return entry


_WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "switch": ("turn_on", {}),
    "number": ("set_value", {"value": 22}),
    "select": ("select_option", {"option": "Cooling"}),
}


async def write(hass: HomeAssistant, domain: str, entity_id: str) -> None:
    """Write something to a control."""
    service, what = _WRITES[domain]
    await hass.services.async_call(
        domain, service, {"entity_id": entity_id, **what}, blocking=True
    )


def open_variant(sim: Simulator) -> None:
    """Have another kind of fan coil unit: the same, but without modes."""
    fcu = sim.kind("fcu")
    points = tuple(each for each in fcu.points if each.identifier != "mode")
    sim.kinds["fcu_2"] = replace(fcu, key="fcu_2", model_id="fcu_2", points=points)


CONTROLS = {"power": "switch", "temp_setpoint": "number", "mode": "select"}


def drop_all(sim: Simulator) -> Callable[[], None]:
    """Drop the points that the entries here have; return what puts them back."""
    before = sim.kind("fcu")
    dropped = ("power", "temp_setpoint", "mode", "room_temp")
    points = {key: sim.models[before.model_id]["measurepoints"][key] for key in dropped}
    held = {device.asset_id: dict(device.tsdb_latest) for device in all_of(sim, "fcu")}
    for key in dropped:
        sim.drop_point("fcu", key)

    def put_back() -> None:
        for point in before.points:
            if point.identifier in points:
                sim.add_point("fcu", point)

    assert held
    return put_back


@pytest.mark.parametrize("restart", [False, True])
async def test_points_that_a_model_drops(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    watch: Watch,
    restart: bool,
) -> None:
    """Readings are unavailable, controls say so when written; all is back with the points."""
    entry = await fcus(hass, sim)
    device = sim.device("fcu")
    entity_ids = {
        key: entity_id_of(hass, sim, domain, device, key)
        for key, domain in {**CONTROLS, "room_temp": "sensor"}.items()
    }
    er.async_get(hass).async_update_entity(entity_ids["power"], name="Mine")
    before, states = unique_ids(hass, entry), {}
    for key, entity_id in entity_ids.items():
        state = hass.states.get(entity_id)
        assert state
        states[key] = state
    put_back = drop_all(sim)
    await read_models_again(hass, freezer)
    if restart:
        await start_anew(hass, entry, freezer)
    assert unique_ids(hass, entry) == before
    reading = hass.states.get(entity_ids["room_temp"])
    assert reading
    assert reading.state == STATE_UNAVAILABLE
    # Else the recorder would complain of statistics that lost their class.
    for attribute in ("state_class", "unit_of_measurement", "device_class"):
        assert (
            reading.attributes[attribute] == states["room_temp"].attributes[attribute]
        )
    sim.writes.clear()
    for key, domain in CONTROLS.items():
        state = hass.states.get(entity_ids[key])
        assert state
        assert state.state == STATE_UNKNOWN
        assert state.name == states[key].name
        with pytest.raises(ServiceValidationError) as caught:
            await write(hass, domain, entity_ids[key])
        assert caught.value.translation_key == "point_gone"
    for limit in ("min", "max", "step"):
        state = hass.states.get(entity_ids["temp_setpoint"])
        assert state
        assert state.attributes[limit] == states["temp_setpoint"].attributes[limit]
    assert sim.writes == []
    assert watch.words(entry, "points_gone")["points"] == (
        "- fcu: `mode`, `power`, `room_temp`, `temp_setpoint`"
    )
    # Devices that come now have none of it.
    new = sim.add_device("fcu")
    await poll_devices(hass)
    assert not [
        each
        for each in unique_ids(hass, entry).values()
        if new.asset_id in each and "_" in each.partition(new.asset_id)[2][:1]
    ]
    put_back()
    await read_models_again(hass, freezer, _TEN_MINUTES)
    assert before.items() <= unique_ids(hass, entry).items()
    for key, entity_id in entity_ids.items():
        state = hass.states.get(entity_id)
        assert state
        assert state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
        assert state.attributes.keys() == states[key].attributes.keys()
    for key, domain in CONTROLS.items():
        await write(hass, domain, entity_ids[key])
        assert sim.writes[-1][:2] == (device.asset_id, key)
    assert watch.told(entry) == []


async def test_person_confirms_that_points_are_gone(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    watch: Watch,
) -> None:
    """Reconfiguring the product, without what is gone, removes its entities."""
    entry = await fcus(hass, sim)
    device = sim.device("fcu")
    sim.drop_point("fcu", "mode")
    sim.drop_point("fcu", "room_temp")
    await read_models_again(hass, freezer)
    assert watch.told(entry) == ["points_gone"]
    subentry = next(iter(entry.subentries.values()))
    freezer.tick(5)
    result = await review_subentry(hass, entry, subentry)
    while result["type"] == "form":
        given = {
            key: [each for each in value if each not in ("mode", "room_temp")]
            for key, value in suggested(result).items()
        }
        result = await fill_subentry(hass, result, given)
    assert result["reason"] == "reconfigure_successful"
    await poll_devices(hass)
    left = {
        each.partition(device.asset_id)[2]
        for each in unique_ids(hass, entry).values()
        if device.asset_id in each
    }
    assert {"_power", "_temp_setpoint"} <= left
    assert not left & {"_mode", "_room_temp"}
    assert watch.told(entry) == []


@pytest.mark.parametrize("how", ["empty", "missing", "null"])
async def test_model_that_is_not_given(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    watch: Watch,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """A model that comes back empty or not at all changes nothing, and is asked for again soon."""
    entry = await fcus(hass, sim)
    before, device = unique_ids(hass, entry), sim.device("fcu")
    model_id = sim.kind("fcu").model_id
    model = sim.models[model_id]
    points = model["measurepoints"]
    if how == "missing":
        del sim.models[model_id]
    else:
        model["measurepoints"] = {} if how == "empty" else None
    caplog.clear()
    loaded = entry.runtime_data
    await read_models_again(hass, freezer)
    assert entry.runtime_data is loaded, "there was no reason to reload"
    assert unique_ids(hass, entry) == before
    assert text_of(hass, sim, device, "room_temp") not in (
        STATE_UNAVAILABLE,
        STATE_UNKNOWN,
    )
    assert watch.told(entry) == []
    sim.models[model_id] = {**model, "measurepoints": points}
    sim.requests.clear()
    await read_models_again(hass, freezer, _TEN_MINUTES)
    assert requests_for(sim, "thing-models")
    sim.requests.clear()
    await read_models_again(hass, freezer, _TEN_MINUTES)
    assert not requests_for(sim, "thing-models")
    assert unique_ids(hass, entry) == before
    assert loud(caplog) == []


async def test_one_model_of_two_drops_a_point(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    watch: Watch,
) -> None:
    """What other devices of the product still have is kept for all, and told."""
    device, other = sim.device("fcu"), sim.device("fcu", 1)
    open_variant(sim)
    sim.remodel_device(other.asset_id, "fcu_2")
    entry = await fcus(hass, sim)
    before = unique_ids(hass, entry)
    sensor = entity_id_of(hass, sim, "sensor", other, "room_temp")
    switch = entity_id_of(hass, sim, "switch", other, "power")
    dropped = [
        each
        for each in sim.kind("fcu_2").points
        if each.identifier in ("room_temp", "power")
    ]
    assert watch.told(entry) == [], "what a device never had is no news"
    for point in dropped:
        sim.drop_point("fcu_2", point.identifier)
    await read_models_again(hass, freezer)
    assert unique_ids(hass, entry) == before
    state = hass.states.get(sensor)
    assert state
    assert state.state == STATE_UNAVAILABLE
    with pytest.raises(ServiceValidationError):
        await write(hass, "switch", switch)
    assert text_of(hass, sim, device, "room_temp") != STATE_UNAVAILABLE
    assert watch.words(entry, "points_gone")["points"] == "- fcu: `power`, `room_temp`"
    for point in dropped:
        sim.add_point("fcu_2", point)
    await read_models_again(hass, freezer, _TEN_MINUTES)
    state = hass.states.get(sensor)
    assert state
    assert state.state != STATE_UNAVAILABLE
    await write(hass, "switch", switch)
    assert watch.told(entry) == []


async def test_another_model_and_back(
    hass: HomeAssistant, sim: Simulator, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """What both models have stays as it is, the rest goes and returns; nothing is a ghost."""
    device, other = sim.device("fcu"), sim.device("fcu", 1)
    open_variant(sim)
    entry = await fcus(hass, sim)
    registry = er.async_get(hass)
    mode = registry.async_update_entity(
        entity_id_of(hass, sim, "select", device, "mode"), name="Mine"
    )
    before = unique_ids(hass, entry)
    caplog.clear()
    sim.remodel_device(device.asset_id, "fcu_2")
    await poll_devices(hass)
    await poll_devices(hass)
    after = unique_ids(hass, entry)
    assert set(before) - set(after) == {mode.id}
    assert set(after) <= set(before)
    assert hass.states.get(mode.entity_id) is None
    assert text_of(hass, sim, device, "room_temp") not in (
        STATE_UNAVAILABLE,
        STATE_UNKNOWN,
    )
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert found.model_id == "fcu_2"
    assert text_of(hass, sim, other, "mode", "select") != STATE_UNAVAILABLE
    assert watch.told(entry) == []
    sim.remodel_device(device.asset_id, "fcu")
    await poll_devices(hass)
    await poll_devices(hass)
    assert unique_ids(hass, entry) == before
    back = registry.async_get(mode.entity_id)
    assert back
    assert back.name == "Mine"
    assert loud(caplog) == []


async def test_model_becomes_another_while_nobody_looks(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device that got another model before a start leaves no ghost either."""
    device = sim.device("fcu")
    open_variant(sim)
    entry = await fcus(hass, sim)
    before = unique_ids(hass, entry)
    sim.remodel_device(device.asset_id, "fcu_2")
    await start_anew(hass, entry, freezer)
    gone = {before[key] for key in set(before) - set(unique_ids(hass, entry))}
    assert gone == {f"select {sim.org_id}_{device.asset_id}_mode"}


async def test_other_model_cannot_be_read_yet(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """As long as nobody knows what the other model has, all stays as it is."""
    entry = await fcus(hass, sim)
    device, before = sim.device("fcu"), unique_ids(hass, entry)
    loaded = entry.runtime_data
    open_variant(sim)
    sim.remodel_device(device.asset_id, "fcu_2")
    sim.faults.add("status", path="thing-models", status=503)
    await poll_devices(hass)
    assert entry.runtime_data is loaded
    assert unique_ids(hass, entry) == before
    sim.faults.clear()
    await poll_devices(hass)
    await poll_devices(hass)
    gone = {before[key] for key in set(before) - set(unique_ids(hass, entry))}
    assert gone == {f"select {sim.org_id}_{device.asset_id}_mode"}
    found = device_entry_of(hass, sim, device, entry)
    assert found
    assert found.model_id == "fcu_2"


@pytest.mark.parametrize("restart", [False, True])
async def test_kind_changes(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    restart: bool,
) -> None:
    """An entity of another kind has all that a person gave the one before."""
    entry = await fcus(hass, sim)
    device, other = sim.device("fcu"), sim.device("fcu", 1)
    registry = er.async_get(hass)
    area = ar.async_get(hass).async_create("Cellar")
    label = lr.async_get(hass).async_create("Night")
    category = cr.async_get(hass).async_create(name="Plant", scope="automation")
    old = registry.async_update_entity(
        entity_id_of(hass, sim, "switch", device, "power"),
        new_entity_id="switch.my_power",
        name="Main",
        area_id=area.id,
        labels={label.label_id},
        icon="mdi:fire",
        aliases=["Blower"],
        categories={"automation": category.category_id},
        hidden_by=er.RegistryEntryHider.USER,
    )
    registry.async_update_entity_options(
        old.entity_id, "conversation", {"should_expose": True}
    )
    registry.async_update_entity(
        entity_id_of(hass, sim, "switch", other, "power"),
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    sim.change_point(
        "fcu",
        "power",
        data_type="ENUM",
        definition=enum("INT", _0=("Off", "关"), _1=("On", "开"), _2=("Auto", "自")),
    )
    await sim.report(device, {"power": 2})
    if restart:
        await start_anew(hass, entry, freezer)
    else:
        await read_models_again(hass, freezer)
    assert registry.async_get("switch.my_power") is None
    assert hass.states.get("switch.my_power") is None
    new = registry.async_get("select.my_power")
    assert new
    assert new.unique_id == old.unique_id
    for what in (
        *("name", "area_id", "labels", "icon", "aliases", "categories", "hidden_by"),
        *("device_id", "config_subentry_id"),
    ):
        assert getattr(new, what) == getattr(old, what), what
    assert new.options["conversation"] == {"should_expose": True}
    assert state_of(hass, sim, "select", device, "power").state == "Auto"
    disabled = registry.async_get(entity_id_of(hass, sim, "select", other, "power"))
    assert disabled
    assert disabled.disabled_by is er.RegistryEntryDisabler.USER
    assert hass.states.get(disabled.entity_id) is None


@pytest.mark.parametrize(
    ("chosen", "kept"), [("temperature", "temperature"), ("pressure", None)]
)
async def test_device_class_goes_along_where_it_fits(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    chosen: str,
    kept: str | None,
) -> None:
    """A class that a person chose for a number stays with a sensor of a unit that it knows."""
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["temp_setpoint"]))
    await set_up(hass, entry)
    registry, device = er.async_get(hass), sim.device("fcu")
    old = entity_id_of(hass, sim, "number", device, "temp_setpoint")
    registry.async_update_entity(old, device_class=chosen)
    subentry = next(iter(entry.subentries.values()))
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, "controls": [], "sensors": ["temp_setpoint"]},
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    new = registry.async_get(entity_id_of(hass, sim, "sensor", device, "temp_setpoint"))
    assert new
    assert registry.async_get(old) is None
    assert new.device_class == kept


async def test_service_that_a_model_drops(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    watch: Watch,
) -> None:
    """Its button is kept, and says what EnOS says; it works again when the service is back."""
    device = sim.add_device("lab")
    entry = entry_for(sim, device_subentry(device, services=["self_test"]))
    await set_up(hass, entry)
    button = entity_id_of(hass, sim, "button", device, "#service_self_test")
    before, state = unique_ids(hass, entry), hass.states.get(button)
    assert state
    services = sim.models[device.model_id]["services"]
    dropped = services.pop("self_test")
    await read_models_again(hass, freezer)
    assert unique_ids(hass, entry) == before
    words = watch.words(entry, "points_gone")
    assert (words["count"], words["points"]) == (
        "1",
        f"- {device.device_key}: `self_test`",
    )
    kept = hass.states.get(button)
    assert kept
    assert kept.name == state.name
    services["self_test"] = dropped
    await read_models_again(hass, freezer, _TEN_MINUTES)
    assert watch.told(entry) == []
    await hass.services.async_call(
        "button", "press", {"entity_id": button}, blocking=True
    )
    assert unique_ids(hass, entry) == before
