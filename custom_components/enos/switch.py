"""Switches: measurepoints that are on or off and may be written; the lock on writing."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import STATE_OFF, STATE_ON, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.errors import EnosError
from .api.models import Device
from .const import DOMAIN
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosAccountEntity, EnosControl, async_add_points
from .mapping import Kind
from .values import Value

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of an entry."""
    async_add_points(entry, async_add_entities, Kind.SWITCH, EnosSwitch)
    async_add_entities([EnosAllowControl(entry)])


class EnosSwitch(EnosControl, SwitchEntity):
    """A point with two values that may be written."""

    # See the base class.
    capability_attributes = None
    device_class: SwitchDeviceClass | None = None
    state_attributes = None
    unit_of_measurement = None

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over the device class."""
        super().__init__(entry, device, bound)
        if bound.description.device_class:
            self.device_class = SwitchDeviceClass(bound.description.device_class)

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is on; None while that is unknown."""
        return self._bound.description.truth(self.point_value)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Write on."""
        await self._switch(self._bound.description.on_value, "on")

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Write off."""
        await self._switch(self._bound.description.off_value, "off")

    async def _switch(self, value: Value, word: str) -> None:
        """Write the point's value for on or off."""
        label = isinstance(value, bool) and self._point.bool_labels.get(value)
        await self._async_write(value, label or word)

    @override
    def _as_state(self, value: Value) -> str | None:
        """Return on or off."""
        truth = self._bound.description.truth(value)
        if truth is None:
            return None
        return STATE_ON if truth else STATE_OFF


class EnosAllowControl(EnosAccountEntity, SwitchEntity):
    """Whether anything of an account may be written at all."""

    _attr_translation_key = "allow_control"
    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, entry: EnosConfigEntry) -> None:
        """Name the entity."""
        super().__init__(entry, "allow_control")

    @property
    @override
    def is_on(self) -> bool:
        """Whether it may."""
        return self._data.commands.allowed

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Allow it."""
        await self._allow(allowed=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Forbid it: what has not been sent yet is refused, what waits in EnOS withdrawn.

        Raises `HomeAssistantError` where EnOS still has commands that wait.
        """
        await self._allow(allowed=False)

    async def _allow(self, *, allowed: bool) -> None:
        """Allow or forbid it. Shown at once, for it counts at once."""
        commands = self._data.commands
        try:
            await commands.async_allow(allowed=allowed)
        except EnosError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="lock_incomplete",
                translation_placeholders={
                    "count": str(sum(record.waits for record in commands.open)),
                    "error": str(err),
                },
            ) from err
        finally:
            self.async_write_ha_state()
