"""Sensors of the floor."""

from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
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
    add(hass, entry, async_add_entities, Platform.SENSOR, FloorSensor)


class FloorSensor(FloorEntity, SensorEntity):
    """A point."""

    def __init__(
        self,
        coordinator: FloorCoordinator,
        device: tuple[str, str, str],
        point: FloorPoint,
    ) -> None:
        """Take over unit and classes."""
        super().__init__(coordinator, device, point)
        self._attr_native_unit_of_measurement = point.unit
        if point.device_class:
            self._attr_device_class = SensorDeviceClass(point.device_class)
        if point.state_class:
            self._attr_state_class = SensorStateClass(point.state_class)

    @override
    def _take(self, value: Any) -> None:
        self._attr_native_value = value
