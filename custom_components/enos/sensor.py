"""Sensors: what measurepoints measure, and the status of a device."""

from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .api.models import Device, DeviceStatus
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosEntity, EnosPointEntity, async_add_points
from .mapping import Kind
from .values import Value

# Nothing is sent from here; reading is the coordinator's.
PARALLEL_UPDATES = 0

_MAX_STATE = 255


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of an entry."""
    async_add_points(
        entry,
        async_add_entities,
        Kind.SENSOR,
        EnosSensor,
        lambda entry, device: [EnosStatusSensor(entry, device)],
    )


class EnosSensor(EnosPointEntity, SensorEntity):
    """A point that is read."""

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over unit and classes."""
        super().__init__(entry, device, bound)
        description = bound.description
        self._labels = dict(description.options)
        if description.device_class:
            self._attr_device_class = SensorDeviceClass(description.device_class)
        if description.state_class:
            self._attr_state_class = SensorStateClass(description.state_class)
        self._attr_native_unit_of_measurement = description.unit

    @property
    @override
    def native_value(self) -> Value | StateType:
        """The value; of an ENUM the label, or the code itself where it has none."""
        value = self.point_value
        if isinstance(value, str):
            # Home Assistant takes no longer states.
            return self._labels.get(value, value)[:_MAX_STATE]
        return value

    @property
    @override
    def options(self) -> list[str] | None:
        """The labels of an ENUM, and the present code where it has none."""
        if self.device_class is not SensorDeviceClass.ENUM:
            return None
        options = list(self._labels.values())
        value = self.native_value
        if isinstance(value, str) and value not in options:
            options.append(value)
        return options


class EnosStatusSensor(EnosEntity, SensorEntity):
    """The status of a device as EnOS calls it."""

    _attr_translation_key = "status"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False
    _attr_options = [
        status.value for status in DeviceStatus if status is not DeviceStatus.UNKNOWN
    ]

    def __init__(self, entry: EnosConfigEntry, device: Device) -> None:
        """Name the entity."""
        super().__init__(entry, device)
        self._attr_unique_id = f"{self._data.client.org_id}_{device.asset_id}#status"

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of the device."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._coordinator.listen_device(self._asset_id, self.async_write_ha_state)
        )

    @property
    @override
    def available(self) -> bool:
        """Known as long as the account answers."""
        return self._coordinator.last_update_success

    @property
    @override
    def native_value(self) -> str | None:
        """The status; None where EnOS did not tell of late."""
        status = self._coordinator.status_of(self._asset_id)
        return None if status is DeviceStatus.UNKNOWN else status.value
