"""Switches of the floor."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FloorEntity, FloorEntry, add


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FloorEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entities of the platform."""
    add(hass, entry, async_add_entities, Platform.SWITCH, FloorSwitch)


class FloorSwitch(FloorEntity, SwitchEntity):
    """A point."""

    @override
    def _take(self, value: Any) -> None:
        self._attr_is_on = value

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Send nothing."""

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Send nothing."""
