"""Floors and areas: what is remembered of them, and what can go wrong."""

from typing import Any, cast

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from custom_components.enos.places import Left
from simulator import Simulator

from .common import entry_for, product_subentry, set_up
from .flows import Step, is_in_state, refuse, suggested
from .placing import (
    account_of,
    apply,
    area,
    confirm,
    fill,
    numbers,
    places,
    rename_place,
    told,
    where,
)
from .texts import LANGUAGES, load, placeholders

RIGHT = "Asset Tree Management: Read"
TREES = "asset-trees"


@pytest.fixture
def entry(sim: Simulator) -> MockConfigEntry:
    """An account with eleven devices."""
    return account_of(sim)


# What is remembered.


async def test_memory(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    entry: MockConfigEntry,
) -> None:
    """It is on disk with the registries, and goes with the entry."""
    await set_up(hass, entry)
    await apply(hass, entry)
    key = f"{DOMAIN}.places.{entry.entry_id}"
    hass.bus.async_fire("homeassistant_final_write")
    await hass.async_block_till_done()
    stored = hass_storage[key]["data"]
    assert stored["devices"][sim.device("fcu").asset_id] == area(hass, "East").id
    assert stored["layers"] == {sim.building.tree_id: 2}
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert key not in hass_storage


@pytest.mark.parametrize(
    "data",
    [
        {"areas": [], "floors": None, "devices": "x", "layers": {"t": "x"}},
        {
            "areas": {"a": {"entry_id": []}, "b": 5},
            "floors": {"a": {"entry_id": ["x"], "name": "", "tree_id": ""}},
            "devices": {"a": 5},
        },
    ],
)
async def test_memory_that_makes_no_sense(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    entry: MockConfigEntry,
    data: dict[str, Any],
) -> None:
    """What cannot be understood is no obstacle."""
    key = f"{DOMAIN}.places.{entry.entry_id}"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await set_up(hass, entry)
    assert numbers(await apply(hass, entry)) == (2, 7, 0, 11, 0)


async def test_after_a_restart(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    entry: MockConfigEntry,
) -> None:
    """What was remembered on disk counts: a person's choice stays one."""
    east = ar.async_get(hass).async_create("East")
    key = f"{DOMAIN}.places.{entry.entry_id}"
    device = sim.device("fcu")
    ours = {"entry_id": east.id, "name": "East", "tree_id": sim.building.tree_id}
    hass_storage[key] = {
        "version": 1,
        "minor_version": 1,
        "key": key,
        "data": {
            "areas": {device.parent_id: ours},
            "devices": {device.asset_id: east.id},
            "layers": {sim.building.tree_id: None},
        },
    }
    await set_up(hass, entry)
    rename_place(sim, device.parent_id, "Orient")
    said = told(await places(hass, entry))
    assert "- **Orient** · until now East · devices: 1" in said["plan"]
    assert said["left"].endswith("or deleted it: 1 (FCU 3F East)")


async def test_another_account(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """What another account made is not shared; when that is removed, it may be."""
    await set_up(hass, entry)
    await apply(hass, entry)
    async with Simulator(seed=2, devices=16, org_id="o2", physics=False) as other_sim:
        other = entry_for(other_sim, product_subentry(other_sim, "fcu"))
        await set_up(hass, other)
        await apply(hass, other)
        assert (
            where(hass, other_sim, other_sim.device("fcu"))
            == "Tower A / 3F > 3F / East"
        )
        assert where(hass, sim, sim.device("fcu")) == "3F > East"
        assert await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        assert numbers(await apply(hass, other))[:4] == (0, 0, 0, 0)


# What goes wrong.


@pytest.mark.parametrize("loaded", [True, False])
async def test_right_missing(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry, loaded: bool
) -> None:
    """Without the right the flow ends and names it; the entry need not be loaded."""
    await set_up(hass, entry)
    if not loaded:
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert is_in_state(entry, ConfigEntryState.LOADED) == loaded
    sim.rights.discard(RIGHT)
    result = await places(hass, entry)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "trees_denied")
    for language in LANGUAGES:
        assert RIGHT in load(language)["options"]["abort"]["trees_denied"]
    sim.rights.add(RIGHT)
    assert numbers(await apply(hass, entry)) == (2, 7, 0, 11, 0)
    assert where(hass, sim, sim.device("fcu")) == "3F > East"


async def test_gateway_down(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Trouble on the way is told as in the other forms; the settings still open."""
    await set_up(hass, entry)
    await sim.stop()
    result = await places(hass, entry)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "cannot_connect",
    )
    menu = cast(Step, await hass.config_entries.options.async_init(entry.entry_id))
    assert (await fill(hass, menu, {"next_step_id": "settings"}))[
        "step_id"
    ] == "settings"
    await sim.start()
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "ftp://x"})
    assert (await places(hass, entry))["reason"] == "invalid_url"


async def test_nothing_to_place(hass: HomeAssistant, sim: Simulator) -> None:
    """Without devices, or without a tree, the flow says what is missing."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    assert (await places(hass, entry))["reason"] == "no_devices"
    assert await hass.config_entries.async_remove(entry.entry_id)
    entry = entry_for(sim, product_subentry(sim, "fcu"))
    await set_up(hass, entry)
    sim.faults.add(
        "status", path=TREES, status=200, body={"code": 0, "msg": "OK", "data": []}
    )
    assert (await places(hass, entry))["reason"] == "no_trees"


async def test_tree_without_our_devices(hass: HomeAssistant, sim: Simulator) -> None:
    """A tree that holds none of the devices leaves them, and nothing is to choose."""
    entry = entry_for(sim, product_subentry(sim, "chiller"))
    await set_up(hass, entry)
    sim.faults.add(
        "status",
        path="asset-paths",
        status=200,
        body={"code": 0, "msg": "OK", "data": {}},
    )
    result = await places(hass, entry)
    assert "\n- Not in this tree: 1 (" in told(result)["left"]
    assert result["data_schema"].schema == {}
    assert (await confirm(hass, result))["reason"] == "places_unchanged"


async def test_trouble_with_a_chosen_tree(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A tree that went, or a gateway that does not answer, is told in the form."""
    sim.building.plant_systems()
    sim.generation += 1
    await set_up(hass, entry)
    result = await places(hass, entry)
    chosen = {"tree": sim.building.tree_id}
    refuse(sim, "asset-paths", 17404, "gone")
    result = await fill(hass, result, chosen)
    assert (result["step_id"], result["errors"]) == ("tree", {"base": "tree_gone"})
    sim.faults.clear()
    refuse(sim, "asset-paths", 99403, "Denied resource:  orgId o1")
    result = await fill(hass, result, chosen)
    assert result["errors"] == {"base": "trees_denied"}
    assert suggested(result) == chosen
    sim.faults.clear()
    refuse(sim, "asset-paths", 4711, "who knows")
    result = await fill(hass, result, chosen)
    assert result["errors"] == {"base": "unknown"}
    sim.faults.clear()
    result = await fill(hass, result, chosen)
    assert result["step_id"] == "preview"
    refuse(sim, TREES, 17404, "gone")
    assert (await places(hass, entry))["reason"] == "tree_gone"


async def test_words(hass: HomeAssistant) -> None:
    """Each word of a preview takes what the code gives it; no reason lacks one."""
    given = {"more": {"count"}, "devices": {"count"}, "renamed": {"name"}}
    for language in LANGUAGES:
        words = {
            key.removeprefix("places_"): text
            for key, text in load(language)["common"].items()
            if key.startswith("places_")
        }
        assert {"floor", "left", *(f"left_{reason}" for reason in Left)} < words.keys()
        for key, text in words.items():
            wanted = {"count"} if key.startswith("left_") else given.get(key, set())
            assert placeholders(text) == wanted
