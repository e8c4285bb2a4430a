"""Buttons: measurepoints and services that are triggered; cancelling of what waits."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.errors import EnosError
from .api.models import Device
from .const import DOMAIN, service_unique_id
from .coordinator import EnosConfigEntry
from .discovery import BoundService
from .encoding import names_of
from .entity import (
    EnosControl,
    EnosEntity,
    async_add_points,
    has_controls,
    lost_services,
)
from .exceptions import invalid_value
from .mapping import Kind
from .values import code_of

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of an entry."""
    async_add_points(
        entry, async_add_entities, Kind.BUTTON, EnosPulse, _buttons_of_device
    )


def _buttons_of_device(entry: EnosConfigEntry, device: Device) -> list[EnosEntity]:
    """Return a device's buttons besides its points."""
    discovery = entry.runtime_data.coordinator.discovery
    buttons: list[EnosEntity] = [
        EnosServiceButton(entry, device, bound)
        for bound in (
            *discovery.bound_services(device),
            *lost_services(entry, device),
        )
    ]
    if has_controls(entry, device):
        buttons.append(EnosCancelButton(entry, device))
    return buttons


class EnosPulse(EnosControl, ButtonEntity):
    """A point to which always the same value is written."""

    _polled = False

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of the commands to the device; the point's value is of no interest."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._data.commands.journal.listen_device(
                self._asset_id, self.async_write_ha_state
            )
        )

    @property
    @override
    def assumed_state(self) -> bool:
        """A button has no state that could be another one."""
        return False

    @override
    async def async_press(self) -> None:
        """Write the value."""
        value = self._bound.description.press_value
        label = isinstance(value, bool) and self._point.bool_labels.get(value)
        await self._async_write(value, label or code_of(value))


class EnosServiceButton(EnosEntity, ButtonEntity):
    """Invokes a service that needs no arguments."""

    _attr_translation_key = "service"

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundService
    ) -> None:
        """Name the entity."""
        super().__init__(entry, device)
        self._service_id = bound.service.identifier
        self._attr_name = bound.name
        self._attr_unique_id = service_unique_id(
            self._data.client.org_id, device.asset_id, self._service_id
        )

    @override
    async def async_press(self) -> None:
        """Invoke it. Raises `HomeAssistantError` where the device did not do it.

        A service that takes arguments by now is not invoked without them.
        """
        names = names_of(self.device_name, str(self.name), "–")
        discovery = self._coordinator.discovery
        device = self._coordinator.devices.get(self._asset_id)
        model = discovery.models.get(device.model_id) if device else None
        service = model.services.get(self._service_id) if model else None
        if service is not None and service.inputs:
            raise invalid_value(
                "service_needs_inputs",
                {
                    **names,
                    "items": ", ".join(each.identifier for each in service.inputs),
                },
            )
        await self._data.commands.async_invoke(
            self._asset_id,
            self._service_id,
            {},
            # Home Assistant forgets who asked after five seconds.
            context=self._context,
            names=names,
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
