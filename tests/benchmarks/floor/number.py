"""Numbers of the floor."""

from typing import Any, override

from homeassistant.components.number import NumberDeviceClass, NumberEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import FloorCoordinator, FloorEntity, FloorEntry, FloorPoint, add


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FloorEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entities of the platform."""
    add(hass, entry, async_add_entities, Platform.NUMBER, FloorNumber)


class FloorNumber(FloorEntity, NumberEntity):
    """A point."""

    _attr_native_min_value = 0.0
    _attr_native_max_value = 100.0
    _attr_native_step = 0.5

    def __init__(
        self,
        coordinator: FloorCoordinator,
        device: tuple[str, str, str],
        point: FloorPoint,
    ) -> None:
        """Take over the unit."""
        super().__init__(coordinator, device, point)
        self._attr_native_unit_of_measurement = point.unit
        if point.device_class:
            self._attr_device_class = NumberDeviceClass(point.device_class)

    @override
    def _take(self, value: Any) -> None:
        self._attr_native_value = value

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Send nothing."""
