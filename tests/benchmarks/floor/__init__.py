"""The floor: an integration that does nothing but hold coordinator entities.

Linked into a Home Assistant's folder as `custom_components/enos_floor`. It has the same devices
and points as the integration that it is compared with, and values that are given to it.
"""

from dataclasses import dataclass, field
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import (
    CoordinatorEntity,
    DataUpdateCoordinator,
)
from homeassistant.util.hass_dict import HassKey

_LOGGER = logging.getLogger(__name__)

DOMAIN: Final = "enos_floor"
PLATFORMS: Final = [
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

type Key = tuple[str, str]
"""Asset id and point id."""


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """A point: what its entity says of it."""

    identifier: str
    platform: Platform
    name: str
    unit: str | None
    device_class: str | None
    state_class: str | None


@dataclass(slots=True)
class FloorPlan:
    """What there is, and the values that the next refresh brings.

    `devices` are asset id, device key and name; `points` those of each device, by its asset id.
    """

    devices: list[tuple[str, str, str]] = field(default_factory=list)
    points: dict[str, list[FloorPoint]] = field(default_factory=dict)
    values: dict[Key, Any] = field(default_factory=dict)


PLAN: HassKey[FloorPlan] = HassKey(DOMAIN)

type FloorCoordinator = DataUpdateCoordinator[dict[Key, Any]]
type FloorEntry = ConfigEntry[FloorCoordinator]


async def async_setup_entry(hass: HomeAssistant, entry: FloorEntry) -> bool:
    """Hold the entities of the plan."""

    async def update() -> dict[Key, Any]:
        return hass.data[PLAN].values

    coordinator: FloorCoordinator = DataUpdateCoordinator(
        hass,
        logger=_LOGGER,
        config_entry=entry,
        name=DOMAIN,
        update_method=update,
    )
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: FloorEntry) -> bool:
    """Let go of the entities."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


class FloorEntity(CoordinatorEntity[DataUpdateCoordinator[dict[Key, Any]]]):
    """A coordinator entity that writes its state only when its own value changed."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: FloorCoordinator,
        device: tuple[str, str, str],
        point: FloorPoint,
    ) -> None:
        """Say what the integration's entity says."""
        super().__init__(coordinator)
        asset_id, key, name = device
        self._key = (asset_id, point.identifier)
        self._attr_unique_id = f"{asset_id}_{point.identifier}"
        self._attr_name = point.name
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, asset_id)},
            manufacturer="Envision",
            model="Bench",
            name=name,
            serial_number=key,
        )
        self._shown = coordinator.data[self._key]
        self._take(self._shown)

    def _take(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        value = self.coordinator.data[self._key]
        if value != self._shown:
            self._shown = value
            self._take(value)
            self.async_write_ha_state()


def add(
    hass: HomeAssistant,
    entry: FloorEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    platform: Platform,
    make: type[FloorEntity],
) -> None:
    """Add the entities of a platform."""
    plan = hass.data[PLAN]
    async_add_entities(
        make(entry.runtime_data, device, point)
        for device in plan.devices
        for point in plan.points[device[0]]
        if point.platform is platform
    )
