"""Keeps Home Assistant's registries of devices and entities in step with EnOS.

Unique ids and device identifiers never change; what else EnOS says of a device does.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.number.const import (
    DEVICE_CLASS_UNITS as NUMBER_UNITS,
    NumberDeviceClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    SensorDeviceClass,
)
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.const import CONF_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .api.models import Device
from .const import (
    CONF_ORG_ID,
    DOMAIN,
    LOGGER,
    MANUFACTURER,
    SERVICE_MARK,
    point_unique_id,
    service_unique_id,
)
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import KEYS_OF_CONTROLS, device_facts, device_identifier, has_controls
from .mapping import Kind, PointDescription
from .selection import selections


def asset_id_of(entry: EnosConfigEntry, device: dr.DeviceEntry) -> str | None:
    """Return a device's id in EnOS; None for the account's own device."""
    prefix = f"{entry.data[CONF_ORG_ID]}_"
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix):
            return identifier.removeprefix(prefix)
    return None


class Registries:
    """Follows what discovery finds. Writes only what changed.

    Made before the first round; `prepare` is for the moment before the entities stand and
    `start` for the one after.
    """

    def __init__(self, hass: HomeAssistant, entry: EnosConfigEntry) -> None:
        """Listen to the rounds, before the platforms do."""
        self._hass = hass
        self._entry = entry
        self._coordinator = entry.runtime_data.coordinator
        self._discovery = self._coordinator.discovery
        self._devices = dr.async_get(hass)
        self._entities = er.async_get(hass)
        self._org_id = entry.data[CONF_ORG_ID]
        self._facts: dict[str, tuple[object, dict[str, str | None]]] = {}
        self._prepared = False
        self._tidied = False
        self._started = False
        self._asking = False
        self._asked_at = float("-inf")
        self._discovery.expect(self._registered())
        self._coordinator.on_devices = self._follow
        entry.async_on_unload(self._coordinator.async_add_listener(self._note_round))

    def _registered(self) -> dict[str, dr.DeviceEntry]:
        """Return the devices of the account in the registry by asset id."""
        return {
            asset_id: device
            for device in dr.async_entries_for_config_entry(
                self._devices, self._entry.entry_id
            )
            if (asset_id := asset_id_of(self._entry, device)) is not None
        }

    @callback
    def prepare(self) -> None:
        """Before the entities stand: have them find what a person gave them before.

        What a person left out goes first: Home Assistant takes a limited number of entities, and
        what it does not take now is not there until the next start.
        """
        self._prepared = True
        self._follow(set())
        self._drop_left_out()
        self._tidy_entities()
        for entity, device, key in list(self._entities_of_devices()):
            bound = self._discovery.bound_point(device, key) if key else None
            if bound and bound.description.kind.value != entity.domain:
                self._replace(entity, bound.description)

    @callback
    def start(self) -> None:
        """Once the entities stand, so that there are devices to be linked."""
        self._started = True
        self._ask_gateways()

    @callback
    def _note_round(self) -> None:
        if self._coordinator.devices_read_at == float("-inf"):
            return
        if not self._tidied:
            self._tidied = True
            self._tidy()
        self._ask_gateways()

    # Devices.

    @callback
    def _follow(self, gone: set[str]) -> None:
        """Have the device registry say what EnOS says; remove what EnOS has no more."""
        registered = self._registered()
        for asset_id in gone & registered.keys():
            LOGGER.info(
                "EnOS has no device %s any more, or in another product; it is removed",
                asset_id,
            )
            self._devices.async_remove_device(registered[asset_id].id)
            self._entry.runtime_data.commands.note_gone(asset_id)
        for asset_id in self._facts.keys() - self._coordinator.devices.keys():
            del self._facts[asset_id]
        for asset_id, device in self._coordinator.devices.items():
            known = registered.get(asset_id)
            selection = self._discovery.selection_of(device)
            if known is None:
                if self._prepared and selection is not None:
                    self._register(device, selection.subentry_id)
                continue
            facts = self._facts_of(device)
            changes: dict[str, Any] = {
                key: value
                for key, value in facts.items()
                if value != getattr(known, key)
            }
            if known.model_id and "model_id" in changes:
                self._drop_points_of_old_model(device, known)
            if selection and known.config_subentry_id != selection.subentry_id:
                self._move_entities(known, selection.subentry_id)
                changes["new_config_subentry_id"] = selection.subentry_id
            if changes:
                self._devices.async_update_device(known.id, **changes)

    def _register(self, device: Device, subentry_id: str) -> None:
        """Have the device registry know a device before its entities ask for it."""
        facts = self._facts_of(device)
        self._devices.async_get_or_create(
            config_entry_id=self._entry.entry_id,
            config_subentry_id=subentry_id,
            identifiers={device_identifier(self._org_id, device.asset_id)},
            manufacturer=MANUFACTURER,
            name=facts["name"],
            model=facts["model"],
            model_id=facts["model_id"],
            serial_number=facts["serial_number"],
        )

    def _facts_of(self, device: Device) -> dict[str, str | None]:
        """Return what EnOS says of a device; worked out anew where it says something else."""
        said = (
            device.name,
            device.product_name,
            device.device_key,
            device.model_id,
            self._hass.config.language,
        )
        before, facts = self._facts.get(device.asset_id, (None, {}))
        if before != said:
            facts = device_facts(self._entry, device)
            self._facts[device.asset_id] = said, facts
        return facts

    def _move_entities(self, device: dr.DeviceEntry, subentry_id: str) -> None:
        """Have entities follow their device to another subentry.

        Before the device itself: Home Assistant removes what stays behind.
        """
        for entity in er.async_entries_for_device(
            self._entities, device.id, include_disabled_entities=True
        ):
            if entity.config_entry_id == self._entry.entry_id:
                self._entities.async_update_entity(
                    entity.entity_id, config_subentry_id=subentry_id
                )

    def _drop_points_of_old_model(
        self, device: Device, registered: dr.DeviceEntry
    ) -> None:
        """Remove what only the model had that the device had before.

        What no model has any more stays: that may be a mistake, and a repair tells of it.
        """
        if not self._discovery.knows_model(device):
            return
        lost = self._lost_ids(device)
        has = {*self._points_of(device), *self._services_of(device)}
        for entity in er.async_entries_for_device(
            self._entities, registered.id, include_disabled_entities=True
        ):
            is_point = entity.unique_id.startswith(
                point_unique_id(self._org_id, device.asset_id, "")
            )
            is_service = SERVICE_MARK in entity.unique_id
            if (is_point or is_service) and entity.unique_id not in has | lost:
                self._entities.async_remove(entity.entity_id)

    def _drop_left_out(self) -> None:
        """Remove devices that a selection does not name any more, nor does another one."""
        chosen = selections(self._entry)
        named = {asset_id for each in chosen for asset_id in each.asset_ids}
        naming = {each.subentry_id for each in chosen if each.asset_ids}
        held = named | self._coordinator.devices.keys()
        for asset_id, registered in self._registered().items():
            if registered.config_subentry_id in naming and asset_id not in held:
                self._devices.async_remove_device(registered.id)

    # Entities.

    def _points_of(self, device: Device) -> dict[str, BoundPoint]:
        """Return a device's points by the unique ids of their entities."""
        return {
            point_unique_id(self._org_id, device.asset_id, bound.key): bound
            for bound in self._discovery.bound_points(device)
        }

    def _services_of(self, device: Device) -> set[str]:
        """Return the unique ids of the entities of a device's services."""
        return {
            service_unique_id(self._org_id, device.asset_id, bound.service.identifier)
            for bound in self._discovery.bound_services(device)
        }

    def _lost_ids(self, device: Device) -> set[str]:
        """Return the unique ids of what was chosen and no model has any more."""
        lost = self._discovery.lost(device)
        asset_id = device.asset_id
        return {point_unique_id(self._org_id, asset_id, key) for key in lost.points} | {
            service_unique_id(self._org_id, asset_id, key) for key in lost.services
        }

    def _entities_of_devices(self) -> Iterator[tuple[er.RegistryEntry, Device, str]]:
        """Return the entities of present devices, and of which point each is: empty for no point's."""
        devices = self._coordinator.devices
        start = len(self._org_id) + 1
        for entity in er.async_entries_for_config_entry(
            self._entities, self._entry.entry_id
        ):
            unique_id = entity.unique_id
            if not unique_id.startswith(f"{self._org_id}_"):
                continue
            asset_id, _, key = unique_id[start:].partition("_")
            if "#" in asset_id:
                asset_id, key = asset_id.partition("#")[0], ""
            if (device := devices.get(asset_id)) is not None:
                yield entity, device, key

    @callback
    def _tidy(self) -> None:
        """Once EnOS was asked: remove what the configuration does not hold any more."""
        for asset_id, registered in self._registered().items():
            if asset_id in self._discovery.not_held:
                self._devices.async_remove_device(registered.id)
        self._tidy_entities()

    def _tidy_entities(self) -> None:
        """Remove entities of points and services that are chosen no more.

        What is chosen and in no model any more stays until a person chooses anew. A device
        without controls keeps none of the entities that go with them.
        """
        points: dict[str, set[str]] = {}
        superfluous: list[str] = []
        for entity, device, key in self._entities_of_devices():
            selection = self._discovery.selection_of(device)
            if selection is None or not self._discovery.knows_model(device):
                continue
            if key:
                chosen = points.get(selection.subentry_id)
                if chosen is None:
                    chosen = {*selection.controls, *selection.sensors}
                    points[selection.subentry_id] = chosen
                keep = key in chosen
            else:
                beside = entity.unique_id.partition("#")[2]
                service = beside.removeprefix(SERVICE_MARK[1:])
                if service != beside:
                    keep = service in selection.services
                else:
                    keep = beside not in KEYS_OF_CONTROLS or has_controls(
                        self._entry, device
                    )
            if not keep:
                superfluous.append(entity.entity_id)
        for entity_id in superfluous:
            self._entities.async_remove(entity_id)

    @callback
    def _replace(self, old: er.RegistryEntry, description: PointDescription) -> None:
        """Have an entity of another kind in place of one, with all that a person gave it."""
        registry, domain = self._entities, description.kind.value
        by_user = er.RegistryEntryDisabler.USER
        new = registry.async_get_or_create(
            domain,
            DOMAIN,
            old.unique_id,
            suggested_object_id=old.entity_id.partition(".")[2],
            config_entry=self._entry,
            config_subentry_id=old.config_subentry_id,
            device_id=old.device_id,
            has_entity_name=old.has_entity_name,
        )
        registry.async_remove(old.entity_id)
        changes: dict[str, Any] = {
            "aliases": old.aliases,
            "area_id": old.area_id,
            "categories": old.categories,
            "hidden_by": old.hidden_by,
            "icon": old.icon,
            "labels": old.labels,
            "name": old.name,
        }
        if old.disabled_by is by_user or new.disabled_by is by_user:
            changes["disabled_by"] = old.disabled_by
        if old.device_class and _fits(old.device_class, description):
            changes["device_class"] = old.device_class
        registry.async_update_entity(new.entity_id, **changes)
        for key, options in old.options.items():
            # Who may use it goes along; of how the other kind was shown only the unit.
            if key.partition(".")[0] not in (old.domain, domain):
                registry.async_update_entity_options(new.entity_id, key, options)
        shown = old.options.get(old.domain)
        unit = shown and shown.get(CONF_UNIT_OF_MEASUREMENT)
        if unit and description.kind in (Kind.NUMBER, Kind.SENSOR):
            registry.async_update_entity_options(
                new.entity_id, domain, {CONF_UNIT_OF_MEASUREMENT: unit}
            )

    # Gateways.

    @callback
    def _ask_gateways(self) -> None:
        """See what is below which gateway, each time after the devices were read."""
        if not self._started or self._asking:
            return
        read_at = self._coordinator.devices_read_at
        if read_at == self._asked_at:
            # What was too new the last time may be registered by now.
            self._link()
            return
        self._asked_at = read_at
        self._asking = True
        self._entry.async_create_background_task(
            self._hass, self._async_ask(), f"{self._entry.title} gateways"
        )

    async def _async_ask(self) -> None:
        try:
            await self._discovery.topology.async_run(self._coordinator.devices)
        finally:
            self._asking = False
        self._link()

    @callback
    def _link(self) -> None:
        """Have sub-devices say which gateway they are connected by.

        Of a gateway that could not be asked nothing is known, so nothing is changed.
        """
        below = self._discovery.topology.below
        if not below:
            return
        registered = self._registered()
        by_id = {device.id: asset_id for asset_id, device in registered.items()}
        gateway_of = self._discovery.topology.gateways()
        for asset_id, device in registered.items():
            gateway = registered.get(gateway_of.get(asset_id, ""))
            via = device.via_device_id
            if gateway is not None and gateway.id not in (via, device.id):
                self._devices.async_update_device(device.id, via_device_id=gateway.id)
            elif asset_id not in gateway_of and via and by_id.get(via) in below:
                self._devices.async_update_device(device.id, via_device_id=None)


_CLASSES: Final[Mapping[Kind, type[StrEnum]]] = {
    Kind.BINARY_SENSOR: BinarySensorDeviceClass,
    Kind.NUMBER: NumberDeviceClass,
    Kind.SENSOR: SensorDeviceClass,
    Kind.SWITCH: SwitchDeviceClass,
}


def _fits(device_class: str, description: PointDescription) -> bool:
    """Tell whether a device class that a person chose fits an entity of another kind."""
    kind = description.kind
    if device_class not in set(_CLASSES.get(kind, ())):
        return False
    if kind is Kind.NUMBER:
        return description.unit in NUMBER_UNITS.get(NumberDeviceClass(device_class), ())
    if kind is Kind.SENSOR:
        return not description.options and description.unit in SENSOR_UNITS.get(
            SensorDeviceClass(device_class), ()
        )
    return True
