"""Buttons: cancel the commands that wait for a device."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.errors import EnosError
from .api.models import Device
from .const import DOMAIN
from .coordinator import EnosConfigEntry
from .entity import EnosEntity, async_add_for_devices, has_controls

# EnOS is asked to forget something; the devices hear nothing of it.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of an entry."""
    async_add_for_devices(
        entry,
        async_add_entities,
        lambda entry, device: (
            [EnosCancelButton(entry, device)] if has_controls(entry, device) else []
        ),
    )


class EnosCancelButton(EnosEntity, ButtonEntity):
    """Cancels our commands that EnOS keeps for a device."""

    _attr_translation_key = "cancel_waiting_commands"
    _attr_entity_category = EntityCategory.CONFIG
    _attr_entity_registry_enabled_default = False

    def __init__(self, entry: EnosConfigEntry, device: Device) -> None:
        """Name the entity."""
        super().__init__(entry, device)
        self._attr_unique_id = (
            f"{self._data.client.org_id}_{device.asset_id}#cancel_waiting_commands"
        )

    @override
    async def async_press(self) -> None:
        """Cancel them. Raises `HomeAssistantError` where EnOS does not do it."""
        commands = self._data.commands
        try:
            await commands.async_cancel(self._asset_id, commands.queued(self._asset_id))
        except EnosError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="cancel_failed",
                translation_placeholders={
                    "device": self.device_name,
                    "error": str(err),
                },
            ) from err
