"""Binary sensors: points that are on or off, and whether a device is connected."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import Device, DeviceStatus
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosEntity, EnosPointEntity, async_add_points
from .mapping import Kind

# Nothing is sent from here; reading is the coordinator's.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of an entry."""
    async_add_points(
        entry,
        async_add_entities,
        Kind.BINARY_SENSOR,
        EnosBinarySensor,
        lambda entry, device: [EnosConnectivity(entry, device)],
    )


class EnosBinarySensor(EnosPointEntity, BinarySensorEntity):
    """A point that is read and is on or off."""

    # See the base class.
    assumed_state = False
    capability_attributes = None
    device_class: BinarySensorDeviceClass | None = None
    extra_state_attributes = None
    state_attributes = None
    translation_key = None
    unit_of_measurement = None

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over the device class."""
        super().__init__(entry, device, bound)
        if bound.description.device_class:
            self.device_class = BinarySensorDeviceClass(bound.description.device_class)

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is on; None while that is unknown."""
        return self._bound.description.truth(self.point_value)


class EnosConnectivity(EnosEntity, BinarySensorEntity):
    """Whether EnOS is connected to a device."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, entry: EnosConfigEntry, device: Device) -> None:
        """Name the entity."""
        super().__init__(entry, device)
        self._attr_unique_id = (
            f"{self._data.client.org_id}_{device.asset_id}#connectivity"
        )

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
        """Known as long as EnOS tells the device's status."""
        status = self._coordinator.status_of(self._asset_id)
        return self._coordinator.up and status is not DeviceStatus.UNKNOWN

    @property
    @override
    def is_on(self) -> bool:
        """Whether the device is online."""
        return self._coordinator.status_of(self._asset_id) is DeviceStatus.ONLINE
