"""Floors and areas from an asset tree: seen first, applied on a person's word, repeatable."""

import re
import time
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar, floor_registry as fr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Simulator

from .common import entry_for, product_subentry, set_up
from .flows import suggested
from .placing import (
    account_of,
    all_places,
    apply,
    area,
    confirm,
    device_of,
    fill,
    move,
    numbers,
    places,
    put,
    registered,
    rename_place,
    told,
    where,
)

RIGHT = "Asset Tree Management: Read"
TREES = "asset-trees"


@pytest.fixture
def entry(sim: Simulator) -> MockConfigEntry:
    """An account with eleven devices."""
    return account_of(sim)


# The building.

PREVIEW = """\
- **1F** · floor · new
  - **1F** · new · devices: 1
- **3F** · floor · new
  - **East** · new · devices: 2
  - **Lobby** · new · devices: 1
  - **North** · new · devices: 2
  - **South** · new · devices: 2
  - **West** · new · devices: 2
- Without a floor
  - **Tower A** · new · devices: 1"""


async def test_building(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """The preview tells exactly what then is done; the second time nothing is."""
    await set_up(hass, entry)
    result = await places(hass, entry)
    assert result["type"] is FlowResultType.FORM
    said = told(result)
    assert said["plan"] == PREVIEW
    assert said["left"] == ""
    assert said["tree"] == "Space"
    assert said["notice"] == ""
    assert numbers(said) == (2, 7, 0, 11, 0)
    assert suggested(result)["floors"] == "2"
    options = result["data_schema"].schema["floors"].config["options"]
    assert [(option["value"], option["label"]) for option in options] == [
        ("0", "Campus (1)"),
        ("1", "Tower A (1)"),
        ("2", "1F, 3F (2)"),
        ("3", "East, Lobby, North, South … (5)"),
        ("none", "No floors"),
    ]
    assert all_places(hass) == {}
    loads = entry.state
    result = await confirm(hass, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "places_done")
    assert numbers(result["description_placeholders"]) == (2, 7, 0, 11, 0)
    assert where(hass, sim, sim.device("fcu")) == "3F > East"
    assert where(hass, sim, sim.device("ahu")) == "1F > 1F"
    assert where(hass, sim, sim.device("chiller")) == "Tower A"
    floors = fr.async_get(hass).async_list_floors()
    assert {floor.name: floor.level for floor in floors} == {"1F": 1, "3F": 3}
    assert as_preview(hass) == PREVIEW
    before = registries(hass)
    said = told(await places(hass, entry))
    assert said["plan"] == "Nothing is to be done."
    assert said["left"].splitlines() == [
        "Devices that are left alone:",
        "",
        "- Already in their area: 11",
    ]
    result = await confirm(hass, await places(hass, entry))
    assert result["reason"] == "places_unchanged"
    assert numbers(result["description_placeholders"]) == (0, 0, 0, 0, 11)
    assert registries(hass) == before
    assert entry.state is loads
    assert sim.rejections == []


def as_preview(hass: HomeAssistant) -> str:
    """Return what there is in the words in which a preview of all of it would stand."""
    by_floor: dict[str, list[str]] = {}
    for name, devices in sorted(all_places(hass).items()):
        floor, _, area_name = name.partition(" > ")
        line = f"  - **{area_name}** · new · devices: {len(devices)}"
        by_floor.setdefault(floor, []).append(line)
    loose = by_floor.pop("")
    lines: list[str] = []
    for floor, inside in by_floor.items():
        lines += [f"- **{floor}** · floor · new", *inside]
    return "\n".join([*lines, "- Without a floor", *loose])


def registries(hass: HomeAssistant) -> list[Any]:
    """Return the registries with the times at which each entry was changed."""
    return [
        list(fr.async_get(hass).async_list_floors()),
        list(ar.async_get(hass).async_list_areas()),
        [
            (device.id, device.area_id, device.modified_at)
            for device in registered(hass)
        ],
    ]


async def test_chinese(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Names and words are in Home Assistant's language."""
    hass.config.language = "zh-Hans"
    await set_up(hass, entry)
    said = told(await places(hass, entry))
    assert said["tree"] == "空间"
    assert said["plan"].splitlines()[:2] == [
        "- **1层** · 楼层 · 新建",
        "  - **1层** · 新建 · 设备：1",
    ]
    assert not re.search("[a-zA-Z]", said["plan"].replace("A座", ""))
    await apply(hass, entry)
    assert where(hass, sim, sim.device("fcu")) == "3层 > 东"
    assert {floor.level for floor in fr.async_get(hass).async_list_floors()} == {1, 3}
    # Another language later renames what is still called as it was.
    hass.config.language = "en"
    said = told(await places(hass, entry))
    assert numbers(said) == (0, 0, 9, 0, 11)
    assert "- **3F** · floor · until now 3层" in said["plan"]
    await apply(hass, entry)
    assert where(hass, sim, sim.device("fcu")) == "3F > East"


async def test_same_names(hass: HomeAssistant, loopback: None) -> None:
    """A room that is on every floor of every tower says where it is."""
    async with Simulator(seed=1, devices=600, physics=False) as sim:
        entry = entry_for(
            sim, product_subentry(sim, "fcu"), product_subentry(sim, "meter")
        )
        await set_up(hass, entry)
        before = told(await places(hass, entry))
        end = await apply(hass, entry)
        assert numbers(end) == numbers(before)
        names = set(all_places(hass))
        assert "Tower A / 3F > Tower A / 3F / East" in names
        assert "Tower A / 4F > Tower A / 4F / East" in names
        assert any(name.startswith("Tower B / 3F > ") for name in names)
        assert (
            where(hass, sim, sim.device("fcu")) == "Tower A / 3F > Tower A / 3F / East"
        )
        assert numbers(await apply(hass, entry))[:4] == (0, 0, 0, 0)


async def test_a_thousand_devices(hass: HomeAssistant, loopback: None) -> None:
    """A plant is previewed in a readable page, and in seconds."""
    async with Simulator(seed=1, devices=1000, physics=False) as sim:
        kinds = {device.kind.key for device in sim.devices.values()}
        entry = entry_for(sim, *(product_subentry(sim, kind) for kind in sorted(kinds)))
        await set_up(hass, entry)
        sim.requests.clear()
        start = time.perf_counter()
        result = await places(hass, entry)
        took = time.perf_counter() - start
        lines = told(result)["plan"].splitlines()
        assert len(lines) == 61
        assert re.fullmatch(r"- … and \d+ more lines", lines[-1])
        assert told(result)["devices"] == "1000"
        paths = [request.path.rpartition("/")[2] for request in sim.requests]
        assert [path for path in paths if path.startswith("asset")] == [
            TREES,
            "asset-paths",
            "asset-paths",
        ]
        end = await confirm(hass, result)
        assert numbers(end["description_placeholders"]) == numbers(told(result))
        assert all(device.area_id for device in registered(hass))
        assert numbers(await apply(hass, entry)) == (0, 0, 0, 0, 1000)
        assert took < 10


# Choices.


async def test_another_layer(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """The preview follows the choice before anything is done, and the choice is kept."""
    await set_up(hass, entry)
    result = await places(hass, entry)
    result = await fill(hass, result, {"floors": "1"})
    assert result["type"] is FlowResultType.FORM
    assert told(result)["notice"].startswith("**The preview follows your choice.")
    assert told(result)["plan"].startswith("- **Tower A** · floor · new\n")
    assert all_places(hass) == {}
    result = await fill(hass, result, {"floors": "none"})
    assert told(result)["plan"].startswith("- **1F** · new · devices: 1\n- **East** ·")
    assert numbers(told(result)) == (0, 7, 0, 11, 0)
    result = await confirm(hass, result)
    assert result["reason"] == "places_done"
    assert where(hass, sim, sim.device("fcu")) == "East"
    result = await places(hass, entry)
    assert suggested(result)["floors"] == "none"
    assert told(result)["plan"] == "Nothing is to be done."
    result = await fill(hass, result, {"floors": "2"})
    assert "  - **East** · put on this floor" in told(result)["plan"]
    assert numbers(told(result)) == (2, 0, 6, 0, 11)
    await confirm(hass, result)
    assert where(hass, sim, sim.device("fcu")) == "3F > East"
    assert suggested(await places(hass, entry))["floors"] == "2"


async def test_a_layer_that_went(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A choice that the tree does not have any more gives way to the suggestion."""
    await set_up(hass, entry)
    result = await fill(hass, await places(hass, entry), {"floors": "3"})
    await confirm(hass, result)
    for device in sim.devices.values():
        move(sim, device, sim.device("chiller").parent_id)
    result = await places(hass, entry)
    assert suggested(result)["floors"] == "none"


async def test_several_trees(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """The tree is chosen; the one that was used last is suggested."""
    sim.building.plant_systems()
    sim.generation += 1
    await set_up(hass, entry)
    result = await places(hass, entry)
    assert (result["step_id"], suggested(result)) == ("tree", {})
    options = result["data_schema"].schema["tree"].config["options"]
    ids = {option["label"].partition(" ")[0]: option["value"] for option in options}
    assert ids == {
        "Space": sim.building.tree_id,
        "Systems": sim.building.systems_tree_id,
    }
    result = await fill(hass, result, {"tree": ids["Systems"]})
    assert suggested(result)["floors"] == "none"
    await confirm(hass, result)
    assert where(hass, sim, sim.device("fcu")) == "FCU"
    result = await places(hass, entry)
    assert suggested(result) == {"tree": ids["Systems"]}
    result = await fill(hass, result, {"tree": ids["Space"]})
    assert numbers(told(result)) == (2, 7, 0, 11, 0)
    await confirm(hass, result)
    assert where(hass, sim, sim.device("fcu")) == "3F > East"
    assert ar.async_get(hass).async_get_area_by_name("FCU") is not None


# What somebody changed, here and there.


async def test_a_persons_changes_stay(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Devices, names and floors that somebody changed stay, and the preview says why."""
    await set_up(hass, entry)
    await apply(hass, entry)
    areas, floors = ar.async_get(hass), fr.async_get(hass)
    own = areas.async_create("My office")
    put(hass, sim, sim.device("fcu", 0), own.id)
    put(hass, sim, sim.device("fcu", 1), None)
    north = area(hass, "North").id
    areas.async_update(north, name="Cold side", floor_id=None)
    third = floors.async_get_floor_by_name("3F")
    assert third is not None
    floors.async_update(third.floor_id, name="Top")
    result = await places(hass, entry)
    said = told(result)
    assert said["plan"] == "Nothing is to be done."
    assert said["left"].splitlines()[2:] == [
        "- Already in their area: 9",
        "- Somebody chose another area: 1 (FCU 3F East)",
        "- Somebody removed them from their area, or deleted it: 1 (FCU 3F West)",
    ]
    before = registries(hass)
    await confirm(hass, result)
    assert registries(hass) == before
    # Asked to, it places again what is nowhere, and only that.
    result = await places(hass, entry)
    result = await fill(hass, result, {**suggested(result), "again": True})
    assert told(result)["plan"].splitlines() == [
        "- **Top** · floor",
        "  - **Cold side** · put on this floor",
        "  - **West** · devices: 1",
    ]
    await confirm(hass, result)
    assert where(hass, sim, sim.device("fcu", 0)) == "My office"
    assert where(hass, sim, sim.device("fcu", 1)) == "Top > West"
    assert "again" not in (await places(hass, entry))["data_schema"].schema


async def test_changes_in_enos(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """Renamed nodes and moved devices are followed where nobody decided otherwise."""
    await set_up(hass, entry)
    await apply(hass, entry)
    east, west = (sim.device("fcu", number).parent_id for number in (0, 1))
    own = ar.async_get(hass).async_create("Mine")
    put(hass, sim, sim.device("light", 1), own.id)
    move(sim, sim.device("fcu", 0), west)
    move(sim, sim.device("light", 1), east)
    rename_place(sim, east, "West")
    rename_place(sim, west, "*Sunset* [room]")
    result = await places(hass, entry)
    assert told(result)["plan"].splitlines() == [
        "- **3F** · floor",
        r"  - **\*Sunset\* \[room\]** · until now West · devices: 1",
        "  - **West** · until now East",
    ]
    old = area(hass, "East").id
    await confirm(hass, result)
    assert area(hass, "West").id == old
    assert where(hass, sim, sim.device("fcu", 0)) == "3F > *Sunset* [room]"
    assert where(hass, sim, sim.device("light", 0)) == "3F > West"
    assert where(hass, sim, sim.device("light", 1)) == "Mine"
    assert numbers(await apply(hass, entry))[:4] == (0, 0, 0, 0)


async def test_a_persons_area_is_used(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """An area of the same name is taken into use and shown as being there."""
    await set_up(hass, entry)
    lounge = fr.async_get(hass).async_create("Lounge")
    areas = ar.async_get(hass)
    areas.async_create("EAST", floor_id=lounge.floor_id)
    areas.async_create("west")
    said = told(await places(hass, entry))
    lines = said["plan"].splitlines()
    assert lines[:2] == [
        "- **1F** · floor · new",
        "  - **1F** · new · devices: 1",
    ]
    assert (
        "  - **west** · is there already and is used · put on this floor · devices: 2"
        in lines
    )
    assert lines[lines.index("- **Lounge** · floor") + 1] == (
        "  - **EAST** · is there already and is used · devices: 2"
    )
    await apply(hass, entry)
    assert where(hass, sim, sim.device("fcu", 0)) == "Lounge > EAST"
    assert where(hass, sim, sim.device("fcu", 1)) == "3F > west"
    rename_place(sim, sim.device("fcu", 0).parent_id, "Reception")
    assert numbers(await apply(hass, entry)) == (0, 0, 0, 0, 11)


async def test_odd_nodes(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """A place without a name is passed over; invalid devices are left alone."""
    await set_up(hass, entry)
    rename_place(sim, sim.device("fcu", 0).parent_id, "")
    sim.building.invalid.add(sim.device("fcu", 1).asset_id)
    sim.building.invalid.add(sim.device("fcu", 2).parent_id)
    sim.generation += 1
    said = told(await places(hass, entry))
    assert said["left"].endswith("\n- Not in this tree: 1 (FCU 3F West)")
    await apply(hass, entry)
    assert where(hass, sim, sim.device("fcu", 0)) == "3F > 3F"
    assert where(hass, sim, sim.device("fcu", 1)) is None
    assert where(hass, sim, sim.device("fcu", 2)) == "3F > 3F"


async def test_change_while_the_preview_is_open(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> None:
    """What was not shown is not done: the preview comes again."""
    await set_up(hass, entry)
    result = await places(hass, entry)
    own = ar.async_get(hass).async_create("East")
    result = await confirm(hass, result)
    assert result["type"] is FlowResultType.FORM
    assert told(result)["notice"].startswith("**Something has changed in the meantime.")
    assert where(hass, sim, sim.device("fcu")) is None
    result = await confirm(hass, result)
    assert result["reason"] == "places_done"
    assert device_of(hass, sim, sim.device("fcu")).area_id == own.id
