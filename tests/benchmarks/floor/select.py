"""Selects of the floor."""

from typing import Any, override

from homeassistant.components.select import SelectEntity
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
    add(hass, entry, async_add_entities, Platform.SELECT, FloorSelect)


class FloorSelect(FloorEntity, SelectEntity):
    """A point."""

    _attr_options = ["Off", "Cool", "Heat"]

    @override
    def _take(self, value: Any) -> None:
        self._attr_current_option = self._attr_options[value]

    @override
    async def async_select_option(self, option: str) -> None:
        """Send nothing."""
