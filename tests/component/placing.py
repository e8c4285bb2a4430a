"""Helpers of the tests of floors and areas: what a person does, and what there is then."""

from collections.abc import Mapping
from typing import Any, cast

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    floor_registry as fr,
)
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import SimDevice, Simulator
from simulator.points import i18n

from .common import entry_for, product_subentry
from .flows import Step, suggested


def account_of(sim: Simulator) -> MockConfigEntry:
    """Return an account with the building's fan coils, air handlers, lights and chiller."""
    return entry_for(
        sim,
        *(product_subentry(sim, kind) for kind in ("fcu", "ahu", "light", "chiller")),
    )


# What a person does.


async def fill(
    hass: HomeAssistant, result: Step, user_input: Mapping[str, Any]
) -> Step:
    """Submit a form of the options."""
    answer = await hass.config_entries.options.async_configure(
        result["flow_id"], dict(user_input)
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast(Step, answer)


async def places(hass: HomeAssistant, entry: ConfigEntry) -> Step:
    """Open floors and areas, by way of the menu."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return await fill(hass, cast(Step, menu), {"next_step_id": "places"})


async def confirm(hass: HomeAssistant, result: Step) -> Step:
    """Submit the preview as it is."""
    assert result["type"] is FlowResultType.FORM and result["step_id"] == "preview"
    return await fill(hass, result, suggested(result))


async def apply(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Open the preview and say yes; return what the end tells."""
    result = await confirm(hass, await places(hass, entry))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] in ("places_done", "places_unchanged")
    return dict(result["description_placeholders"])


def told(result: Step) -> dict[str, str]:
    """Return what a form says."""
    return dict(result["description_placeholders"])


def numbers(said: Mapping[str, str]) -> tuple[int, ...]:
    """Return floors, areas, changes, devices and devices that are left alone."""
    keys = ("floors", "areas", "changed", "devices", "untouched")
    return tuple(int(said[key]) for key in keys)


# What Home Assistant has.


def device_of(hass: HomeAssistant, sim: Simulator, device: SimDevice) -> dr.DeviceEntry:
    """Return a device of the registry."""
    identifier = (DOMAIN, f"{sim.org_id}_{device.asset_id}")
    (found,) = (each for each in registered(hass) if identifier in each.identifiers)
    return found


def registered(hass: HomeAssistant) -> list[dr.DeviceEntry]:
    """Return all devices of the registry, but for those that stand for accounts."""
    registry = dr.async_get(hass)
    return [
        device
        for entry in hass.config_entries.async_entries()
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
        if device.entry_type is None
    ]


def where(hass: HomeAssistant, sim: Simulator, device: SimDevice) -> str | None:
    """Return where a device is: floor > area."""
    area_id = device_of(hass, sim, device).area_id
    if area_id is None:
        return None
    area = ar.async_get(hass).async_get_area(area_id)
    assert area is not None
    floor = area.floor_id and fr.async_get(hass).async_get_floor(area.floor_id)
    return f"{floor.name} > {area.name}" if floor else area.name


def put(
    hass: HomeAssistant, sim: Simulator, device: SimDevice, area_id: str | None
) -> None:
    """Put a device into an area, as a person does."""
    found = device_of(hass, sim, device)
    dr.async_get(hass).async_update_device(found.id, area_id=area_id)


def area(hass: HomeAssistant, name: str) -> ar.AreaEntry:
    """Return an area."""
    found = ar.async_get(hass).async_get_area_by_name(name)
    assert found is not None, name
    return found


def all_places(hass: HomeAssistant) -> dict[str, list[str]]:
    """Return what is in which area, by name: the whole result."""
    floors = {
        floor.floor_id: floor.name for floor in fr.async_get(hass).async_list_floors()
    }
    areas = {
        each.id: f"{floors.get(each.floor_id or '', '')} > {each.name}"
        for each in ar.async_get(hass).async_list_areas()
    }
    found: dict[str, list[str]] = {name: [] for name in areas.values()}
    for device in registered(hass):
        if device.area_id:
            found[areas[device.area_id]].append(device.name or "")
    return found


def rename_place(sim: Simulator, asset_id: str, name: str) -> None:
    """Give a place of the building another name."""
    sim.building.places[asset_id].name = i18n(name, name)
    sim.generation += 1


def move(sim: Simulator, device: SimDevice, asset_id: str) -> None:
    """Let a device stand somewhere else."""
    device.parent_id = asset_id
    sim.generation += 1
