"""Helpers of the component tests."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.enos.const import (
    CONF_ACCESS_KEY,
    CONF_ORG_ID,
    CONF_SECRET_KEY,
    DOMAIN,
    SUBENTRY_DEVICE,
    SUBENTRY_PRODUCT,
)
from simulator import SimDevice, Simulator


def product_subentry(
    sim: Simulator,
    kind: str,
    *,
    controls: Sequence[str] = (),
    sensors: Sequence[str] = (),
    **more: Any,
) -> ConfigSubentryData:
    """Return the subentry of a product of the simulated building."""
    key = sim.device(kind).product_key
    return ConfigSubentryData(
        data={
            "product_key": key,
            "devices": [],
            "controls": list(controls),
            "sensors": list(sensors),
            "labels": {},
            "points": {},
            **more,
        },
        subentry_type=SUBENTRY_PRODUCT,
        title=kind,
        unique_id=f"product:{key}",
    )


def device_subentry(
    device: SimDevice,
    *,
    controls: Sequence[str] = (),
    sensors: Sequence[str] = (),
    **more: Any,
) -> ConfigSubentryData:
    """Return the subentry of a single device."""
    return ConfigSubentryData(
        data={
            "asset_id": device.asset_id,
            "product_key": device.product_key,
            "device_key": device.device_key,
            "name": device.device_key,
            "controls": list(controls),
            "sensors": list(sensors),
            "labels": {},
            "points": {},
            **more,
        },
        subentry_type=SUBENTRY_DEVICE,
        title=device.device_key,
        unique_id=f"device:{device.asset_id}",
    )


def entry_for(
    sim: Simulator,
    *subentries: ConfigSubentryData,
    data: Mapping[str, Any] | None = None,
) -> MockConfigEntry:
    """Return a config entry for the simulator's account."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=f"EnOS {sim.org_id}",
        unique_id=sim.org_id,
        data={
            CONF_URL: sim.url,
            CONF_ORG_ID: sim.org_id,
            CONF_ACCESS_KEY: sim.access_key,
            CONF_SECRET_KEY: sim.secret_key,
            CONF_VERIFY_SSL: True,
            **(data or {}),
        },
        subentries_data=subentries,
    )


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Add the entry and set it up."""
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


def entity_id_of(
    hass: HomeAssistant, sim: Simulator, domain: str, device: SimDevice, key: str
) -> str:
    """Return the entity id of a point, or of another entity by its `#key`."""
    tail = key if key.startswith("#") else f"_{key}"
    entity_id = er.async_get(hass).async_get_entity_id(
        domain, DOMAIN, f"{sim.org_id}_{device.asset_id}{tail}"
    )
    assert entity_id is not None, f"{domain} of {device.device_key} {key} is missing"
    return entity_id


def state_of(
    hass: HomeAssistant, sim: Simulator, domain: str, device: SimDevice, key: str
) -> State:
    """Return the state of a point's entity."""
    state = hass.states.get(entity_id_of(hass, sim, domain, device, key))
    assert state is not None
    return state


async def poll(hass: HomeAssistant, seconds: float = 31) -> None:
    """Let Home Assistant's timers of the next seconds fire, and wait for what they start."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done(wait_background_tasks=True)


async def poll_devices(hass: HomeAssistant) -> None:
    """Let rounds pass, at least one of which reads the devices, and one that reads after it."""
    for seconds in (40, 80, 120):
        await poll(hass, seconds)
