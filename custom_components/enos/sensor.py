"""Sensors: what measurepoints measure, the status of a device, what waits for it."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .api.models import DataType, Device, DeviceStatus, Measurepoint
from .const import DOMAIN
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosEntity, EnosPointEntity, async_add_points, has_controls
from .mapping import CONTROL_CHARACTERS, MAX_STATE_LENGTH, Kind, state_text
from .values import Value, parse

# Nothing is sent from here; reading is the coordinator's.
PARALLEL_UPDATES = 0

_NUMBER: Final = Measurepoint(identifier="", data_type=DataType.DOUBLE)


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
        _sensors_of_device,
    )


def _sensors_of_device(entry: EnosConfigEntry, device: Device) -> list[EnosEntity]:
    """Return a device's sensors besides its points."""
    sensors: list[EnosEntity] = [EnosStatusSensor(entry, device)]
    if has_controls(entry, device):
        sensors.append(EnosWaitingSensor(entry, device))
    return sensors


class EnosSensor(EnosPointEntity, SensorEntity):
    """A point that is read."""

    # See the base class.
    assumed_state = False
    device_class: SensorDeviceClass | None = None
    extra_state_attributes = None
    last_reset = None
    native_unit_of_measurement: str | None = None
    state_class: SensorStateClass | None = None
    suggested_display_precision = None
    suggested_unit_of_measurement = None
    translation_key = None

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over unit and classes."""
        super().__init__(entry, device, bound)
        description = bound.description
        if description.device_class:
            self.device_class = SensorDeviceClass(description.device_class)
        if description.state_class:
            self.state_class = SensorStateClass(description.state_class)
        if description.unit is not None:
            self.native_unit_of_measurement = description.unit

    @property
    @override
    def native_value(self) -> Value | StateType:
        """The value; of an option the label, or the code itself where it has none."""
        value, description = self.point_value, self._bound.description
        if description.options:
            return description.option(value)
        if not isinstance(value, str):
            return value
        if description.unit or description.state_class or description.device_class:
            # A text that was said to carry a number; else it carries none.
            return parse(_NUMBER, value)
        if self._bound.point.data_type is DataType.STRING:
            value = _cut(value)
        # Of all else a part would mean something else.
        return state_text(value)

    @property
    @override
    def options(self) -> list[str] | None:
        """The labels of an ENUM, and the present code where it has none."""
        if self.device_class is not SensorDeviceClass.ENUM:
            return None
        options = list(self._bound.description.labels.values())
        value = self.native_value
        if isinstance(value, str) and value not in options:
            options.append(value)
        return options


def _cut(text: str) -> str:
    """Return as much of a text as people can read and a state can hold."""
    if len(text) > MAX_STATE_LENGTH:
        text = f"{text[: MAX_STATE_LENGTH - 1]}…"
    return CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text)


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
        return self._coordinator.up

    @property
    @override
    def native_value(self) -> str | None:
        """The status; None where EnOS did not tell of late."""
        status = self._coordinator.status_of(self._asset_id)
        return None if status is DeviceStatus.UNKNOWN else status.value


class EnosWaitingSensor(EnosEntity, SensorEntity):
    """How many commands EnOS keeps for a device until it is connected."""

    _attr_translation_key = "waiting_commands"
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, entry: EnosConfigEntry, device: Device) -> None:
        """Name the entity; it is of use where commands may wait at all."""
        super().__init__(entry, device)
        self._attr_unique_id = (
            f"{self._data.client.org_id}_{device.asset_id}#waiting_commands"
        )
        queues = self._data.commands.policy_of(device.asset_id).queue_for > 0
        self._attr_entity_registry_enabled_default = queues
        if queues:
            self._enable()

    def _enable(self) -> None:
        """Enable what was registered while no command could wait.

        What a person disabled stays so.
        """
        registry = er.async_get(self._coordinator.hass)
        entity_id = registry.async_get_entity_id("sensor", DOMAIN, self.unique_id or "")
        found = registry.async_get(entity_id) if entity_id else None
        if found and found.disabled_by is er.RegistryEntryDisabler.INTEGRATION:
            registry.async_update_entity(found.entity_id, disabled_by=None)

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of the commands to the device."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._data.commands.journal.listen_device(
                self._asset_id, self.async_write_ha_state
            )
        )

    @property
    @override
    def native_value(self) -> int:
        """How many wait."""
        return len(self._data.commands.queued(self._asset_id))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """When EnOS gives up the first of them."""
        ends = [
            record.expires
            for record in self._data.commands.queued(self._asset_id)
            if record.expires is not None
        ]
        return {"next_expiry": min(ends).isoformat() if ends else None}
