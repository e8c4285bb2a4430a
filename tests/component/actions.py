"""Helpers of the tests about the actions."""

from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import CONF_WRITE_ANY_POINT, DOMAIN
from simulator import SimDevice, Simulator

from .common import entry_for, product_subentry


def device_id_of(hass: HomeAssistant, sim: Simulator, device: SimDevice) -> str:
    """Return the id of a device in Home Assistant."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    found = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{device.asset_id}"), entry.entry_id
    )
    assert found is not None
    return found.id


async def act(
    hass: HomeAssistant, name: str, context: Context | None = None, **data: Any
) -> Any:
    """Call an action for its response."""
    return await hass.services.async_call(
        DOMAIN, name, data, blocking=True, return_response=True, context=context
    )


async def do(
    hass: HomeAssistant, name: str, context: Context | None = None, **data: Any
) -> None:
    """Call an action without asking for a response."""
    await hass.services.async_call(DOMAIN, name, data, blocking=True, context=context)


async def refused(
    hass: HomeAssistant, name: str, *, response: bool = False, **data: Any
) -> HomeAssistantError:
    """Call an action that raises; return its error."""
    with pytest.raises(HomeAssistantError) as caught:
        await (act if response else do)(hass, name, **data)
    return caught.value


async def set_up_any(
    hass: HomeAssistant, sim: Simulator, *kinds: str, **more: Any
) -> MockConfigEntry:
    """Set up an account whose actions may write every point."""
    entry = entry_for(sim, *(product_subentry(sim, kind, **more) for kind in kinds))
    await allow_any_point(hass, entry)
    return entry


async def allow_any_point(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set an entry up with the option that actions may write every point."""
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={CONF_WRITE_ANY_POINT: True})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
