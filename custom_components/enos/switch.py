"""Switches: measurepoints that are on or off and may be written."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import Device
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosPointEntity, async_add_points
from .mapping import Kind

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of an entry."""
    async_add_points(entry, async_add_entities, Kind.SWITCH, EnosSwitch)


class EnosSwitch(EnosPointEntity, SwitchEntity):
    """A BOOL that may be written."""

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over the device class."""
        super().__init__(entry, device, bound)
        if bound.description.device_class:
            self._attr_device_class = SwitchDeviceClass(bound.description.device_class)

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is on; None while that is unknown."""
        value = self.point_value
        return value if isinstance(value, bool) else None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Write on."""
        await self._async_write(
            value=True, shown=self._bound.point.bool_labels.get(True, "on")
        )

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Write off."""
        await self._async_write(
            value=False, shown=self._bound.point.bool_labels.get(False, "off")
        )
