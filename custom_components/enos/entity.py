"""The base entities, and the one helper with which a platform adds its points."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
import time
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EntityCategory
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.singleton import singleton
from homeassistant.util.hass_dict import HassKey

from .api.models import Device, Measurepoint, ThingService
from .const import (
    DOMAIN,
    MANUFACTURER,
    VALUES_INTERVAL,
    point_unique_id,
    service_unique_id,
)
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint, BoundService
from .encoding import Names, cannot_be_written, form_of, names_of
from .knowledge import PointState
from .mapping import Kind, PointDescription
from .records import Record
from .values import EncodeError, Value, encode, item_of, parse

KEYS_OF_CONTROLS: Final = ("waiting_commands", "cancel_waiting_commands")
"""Entities, besides its points, of a device that has controls."""

# What a control tells of the newest command to it, while there was none.
_NO_COMMAND: Final[Mapping[str, Any]] = {
    "command_outcome": None,
    "command_target": None,
    "command_expires": None,
    "command_id": None,
    "command_time": None,
}


class EnosAccountEntity(Entity):
    """An entity of an account."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: EnosConfigEntry, key: str) -> None:
        """Name the account; `key` tells the entity from the others of the account."""
        self._data = entry.runtime_data
        org_id = self._data.client.org_id
        self._attr_unique_id = f"{org_id}#{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, org_id)},
            name=entry.title,
            manufacturer=MANUFACTURER,
            entry_type=DeviceEntryType.SERVICE,
        )


class EnosEntity(Entity):
    """An entity of an EnOS device.

    `Registries` has registered the device by now, so nobody looks it up for each entity anew.
    """

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: EnosConfigEntry, device: Device) -> None:
        """Take over the device."""
        self._data = entry.runtime_data
        self._coordinator = entry.runtime_data.coordinator
        self._asset_id = device.asset_id

    @override
    async def async_prepare_to_add_to_hass(self) -> None:
        """Find the device as it is by now: thousands of entities take a while to add.

        The pauses are made here, where nothing of the entity stands that could be removed
        meanwhile.
        """
        await super().async_prepare_to_add_to_hass()
        if not self._coordinator.reloading and _pauses(self.hass).due():
            # Not in a reload: calls that came between would be dropped as done.
            await self._pause()
        entry = self._coordinator.config_entry
        self.device_entry = dr.async_get(self.hass).async_get_device_by_identifier(
            device_identifier(self._data.client.org_id, self._asset_id), entry.entry_id
        )
        if self.device_entry is None:
            # EnOS has it no more, and an entity without a device would never go.
            await self._pause()
            raise HomeAssistantError(f"the device {self._asset_id} was removed")

    async def _pause(self) -> None:
        """Have the event loop turn; go no further where the account is unloaded by then."""
        await asyncio.sleep(0)
        if self._coordinator.config_entry.state is _UNLOADING:
            # Neither this one nor those after it: nobody would remove them any more. To unload
            # an account takes a turn of the loop at least.
            raise asyncio.CancelledError

    @property
    def device_name(self) -> str:
        """What people call the device."""
        device = self.device_entry
        return (device and (device.name_by_user or device.name)) or self._asset_id

    async def async_update(self) -> None:
        """Read anew; asked for by the action `homeassistant.update_entity`."""
        await self._coordinator.async_request_refresh()


def device_identifier(org_id: str, asset_id: str) -> tuple[str, str]:
    """Return what the device registry knows a device by."""
    return (DOMAIN, f"{org_id}_{asset_id}")


def device_facts(entry: EnosConfigEntry, device: Device) -> dict[str, str | None]:
    """Return what EnOS says of a device, as the device registry calls it."""
    language = entry.runtime_data.coordinator.hass.config.language
    return {
        "name": device.name.get(language) or device.device_key or device.asset_id,
        "model": device.product_name.get(language) or None,
        "model_id": device.model_id or None,
        "serial_number": device.device_key or None,
    }


class _Pauses:
    """Tells when the event loop should turn while entities are added by the thousand.

    Home Assistant adds them without a pause: a thousand devices would hold up all else for half
    a minute, and it cuts off browsers that it had no time to send the news to.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with a loop that turns."""
        self._loop = hass.loop
        self._since: float | None = None

    def due(self) -> bool:
        """Tell whether the loop has not turned for so long that it is time for a pause."""
        now = self._loop.time()
        if self._since is None:
            self._since = now
            # It is called when the loop turns, before whoever pauses goes on.
            self._loop.call_soon(self._turned)
        return now - self._since > _LONGEST_RUN

    def _turned(self) -> None:
        self._since = None


_LONGEST_RUN: Final = 0.01
"""Seconds for which entities are added without a pause."""

_UNLOADING: Final = ConfigEntryState.UNLOAD_IN_PROGRESS

_PAUSES: HassKey[_Pauses] = HassKey(f"{DOMAIN}_pauses")


@singleton(_PAUSES)
def _pauses(hass: HomeAssistant) -> _Pauses:
    return _Pauses(hass)


class EnosPointEntity(EnosEntity):
    """A measurepoint of a device.

    What is known of the point is looked at once for each state that is written, not by each
    property that Home Assistant asks for: `point_value` is its newest value by the model's type,
    None for an unknown one or one that is too old.
    """

    # Home Assistant works all of these out for each entity and keeps them in it, which takes a
    # third of the set-up and 10 MB for ten thousand of them.
    attribution = None
    device_info = None
    entity_category: EntityCategory | None = None
    entity_picture = None
    entity_registry_visible_default = True
    force_update = False
    has_entity_name = True
    icon = None
    should_poll = False
    supported_features: int | None = None

    # Whether its value is shown at all.
    _polled = True
    _was_stale = False
    _believed = False
    point_value: Value = None

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over what the model says of the point."""
        super().__init__(entry, device)
        self._bound = bound
        if bound.description.options:
            # A code without a label is among what is registered.
            self._look()

    @property
    @override
    def unique_id(self) -> str:
        """The same for ever."""
        return point_unique_id(
            self._data.client.org_id, self._asset_id, self._bound.key
        )

    @property
    @override
    def name(self) -> str:
        """What the model or a person calls the point."""
        return self._bound.name

    @property
    @override
    def entity_registry_enabled_default(self) -> bool:
        """Whether the point is of use at once."""
        return self._bound.description.enabled_default

    @property
    def _point(self) -> Measurepoint:
        return self._bound.point

    @property
    def _point_id(self) -> str:
        return self._bound.source.identifier

    @override
    async def async_added_to_hass(self) -> None:
        """Have the point polled."""
        await super().async_added_to_hass()
        if not self._polled:
            return
        self.async_on_remove(
            self._coordinator.listen(self._asset_id, self._point_id, self._changed)
        )
        if self._bound.description.stale_after is not None:
            self.async_on_remove(
                self._coordinator.async_add_listener(self._look_at_age)
            )
            # Rounds that fail one after another are told of once, and samples age meanwhile.
            self.async_on_remove(
                async_track_time_interval(self.hass, self._look_at_age, VALUES_INTERVAL)
            )

    @callback
    def _look_at_age(self, _now: datetime | None = None) -> None:
        """Show that a sample has become too old, or that a new one is not."""
        state = self._coordinator.state(self._asset_id, self._point_id)
        if self._is_stale(state) is not self._was_stale:
            self.async_write_ha_state()

    def _is_stale(self, state: PointState | None) -> bool:
        """Tell whether the newest sample is too old to be believed.

        Its time is the device's, whose clock the person who set the limit trusts; but it is at
        least as old as we have it, however fast that clock is.
        """
        limit = self._bound.description.stale_after
        if limit is None or state is None or state.mask is not None:
            return False
        reading = state.reading
        ages = [state.age] if state.age is not None else []
        if reading is not None and reading.time is not None:
            ages.append(time.time() - reading.time / 1000)
        return any(age > limit for age in ages)

    @callback
    def _changed(self, context: Context | None) -> None:
        """Write the state; for a write, in the name of who asked for it."""
        if context is not None:
            self.async_set_context(context)
        self.async_write_ha_state()

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        """Write the state by what is known now."""
        self._look()
        super()._async_write_ha_state()

    def _look(self) -> None:
        """Take what is known of the point."""
        bound, coordinator = self._bound, self._coordinator
        state = coordinator.state(self._asset_id, bound.source.identifier)
        if bound.description.stale_after is not None:
            self._was_stale = self._is_stale(state)
        self._believed = coordinator.believes(self._asset_id, state)
        if state is None or self._was_stale:
            self.point_value = None
            return
        raw = state.value
        if bound.point is not bound.source:
            raw = item_of(raw, bound.item)
        self.point_value = parse(bound.point, raw)

    @property
    @override
    def available(self) -> bool:
        """Whether the value may be believed, or the point be written.

        Home Assistant drops a call to an unavailable entity and reports success. A control
        is therefore available as long as it exists: with the device or the gateway away the
        write itself says so.
        """
        return self._bound.writable or (self._believed and not self._was_stale)

    async def _async_write(self, value: Value, shown: object) -> None:
        """Write a value; return when the device acknowledged it.

        `shown` is what the caller asked for, as it stands in an error, or returns that. Raises
        `ServiceValidationError` for a value that the point cannot take and
        `HomeAssistantError` for one that the device did not accept.
        """
        if self._bound.lost:
            raise self._cannot_be_written(shown)
        # Home Assistant forgets who asked after five seconds.
        context = self._context
        state = self._coordinator.state(self._asset_id, self._point_id)
        given = state.reading.value if state and state.reading else None
        try:
            like = form_of(self._bound.description, given)
            wire = encode(self._point, value, like=like)
        except EncodeError as err:
            raise self._invalid(err, shown) from err
        await self._data.commands.async_write(
            self._asset_id,
            self._point_id,
            wire,
            context=context,
            names=Names(lambda: self._names(shown)),
        )

    def _names(self, shown: object) -> dict[str, str]:
        """Return the placeholders that name device, point and value."""
        text = shown() if callable(shown) else shown
        return names_of(self.device_name, self._bound.name, text)

    def _invalid(self, err: EncodeError, shown: object) -> ServiceValidationError:
        """Return the error for a value that the point cannot take."""
        if self._bound.lost:
            return self._cannot_be_written(shown)
        return cannot_be_written(
            err, self._names(shown), self._point, self._bound.description
        )

    def _cannot_be_written(self, shown: object) -> ServiceValidationError:
        """Return the error for a point of which nothing is known any more."""
        device = self._coordinator.devices.get(self._asset_id)
        if device and self._coordinator.discovery.knows_model(device):
            return ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="point_gone",
                translation_placeholders=self._names(shown),
            )
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="model_not_known",
            translation_placeholders={"device": self.device_name},
        )


class EnosControl(EnosPointEntity):
    """A measurepoint that may be written, and what became of the newest command to it."""

    _unrecorded_attributes = frozenset(_NO_COMMAND)

    translation_key = "control"
    # The newest command to the point.
    _record: Record | None = None

    @override
    def _look(self) -> None:
        """Take what is known of the point and of the newest command to it."""
        super()._look()
        self._record = self._data.commands.journal.latest(
            (self._asset_id, self._bound.source.identifier)
        )

    @property
    @override
    def assumed_state(self) -> bool:
        """Whether nobody can tell at present if the device still is as shown.

        It is away, or a command to it may or may not have been carried out. Of such a switch
        Home Assistant's pages draw two buttons: a toggle would go on showing what was asked
        for, because they redraw one only when the state is another.
        """
        record = self._record
        unclear = record is not None and not record.final and not record.waits
        return unclear or not self._believed

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """The newest command.

        `command_time` makes two failures in a row two states.
        """
        record = self._record
        if record is None:
            return _NO_COMMAND
        ended = record.ended or record.at
        return {
            "command_outcome": record.outcome.value,
            "command_target": self._as_state(parse(self._point, record.value)),
            # What was delivered or withdrawn expires no more.
            "command_expires": record.expires.isoformat()
            if record.expires and not record.final
            else None,
            "command_id": record.command_id or None,
            "command_time": ended.isoformat(),
        }

    def _as_state(self, value: Value) -> Value:
        """Return a value as the state of this entity would show it."""
        return value


def has_controls(entry: EnosConfigEntry, device: Device) -> bool:
    """Tell whether a device has points that may be written, or services to invoke."""
    discovery = entry.runtime_data.coordinator.discovery
    binding = discovery.binding(device)
    if binding.writable or discovery.bound_services(device):
        return True
    selection = discovery.selection_of(device)
    lost = discovery.lost(device)
    return bool(selection and (lost.services or lost.points & {*selection.controls}))


def lost_controls(
    entry: EnosConfigEntry, device: Device, kind: Kind
) -> list[BoundPoint]:
    """Return what stands for the controls of a kind that the model has no more.

    Home Assistant drops a call to an entity that is not there and reports success. These are
    there, as they were last registered, and say that they cannot be written.
    """
    coordinator = entry.runtime_data.coordinator
    registry = er.async_get(coordinator.hass)
    org_id = entry.runtime_data.client.org_id
    found: list[BoundPoint] = []
    for key in coordinator.discovery.binding(device).lacking:
        entity_id = registry.async_get_entity_id(
            kind.value, DOMAIN, point_unique_id(org_id, device.asset_id, key)
        )
        known = registry.async_get(entity_id) if entity_id else None
        if known is None:
            continue
        facts = known.capabilities or {}
        point = Measurepoint(identifier=key)
        found.append(
            BoundPoint(
                point=point,
                source=point,
                description=PointDescription(
                    kind=kind,
                    device_class=known.original_device_class,
                    unit=known.unit_of_measurement,
                    minimum=facts.get("min"),
                    maximum=facts.get("max"),
                    step=facts.get("step"),
                    options=tuple((each, each) for each in facts.get("options", ())),
                ),
                name=known.original_name or key,
                writable=True,
                lost=True,
            )
        )
    return found


def lost_services(entry: EnosConfigEntry, device: Device) -> list[BoundService]:
    """Return what stands for the services that the model has no more: EnOS refuses them."""
    coordinator = entry.runtime_data.coordinator
    selection = coordinator.discovery.selection_of(device)
    if selection is None or not selection.services:
        return []
    there = {
        bound.service.identifier
        for bound in coordinator.discovery.bound_services(device)
    }
    registry = er.async_get(coordinator.hass)
    org_id = entry.runtime_data.client.org_id
    found: list[BoundService] = []
    for key in selection.services:
        if key in there:
            continue
        entity_id = registry.async_get_entity_id(
            Kind.BUTTON.value, DOMAIN, service_unique_id(org_id, device.asset_id, key)
        )
        known = registry.async_get(entity_id) if entity_id else None
        if known is not None:
            found.append(
                BoundService(
                    service=ThingService(identifier=key),
                    name=known.original_name or key,
                )
            )
    return found


def async_add_points(
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    kind: Kind,
    make: Callable[[EnosConfigEntry, Device, BoundPoint], Entity],
    make_for_device: Callable[[EnosConfigEntry, Device], list[Any]] = lambda *_: [],
) -> None:
    """Add the points of a kind, of present devices and of those that appear later."""
    discovery = entry.runtime_data.coordinator.discovery

    def make_all(entry: EnosConfigEntry, device: Device) -> list[Entity]:
        return [
            *make_for_device(entry, device),
            *(
                make(entry, device, bound)
                for bound in discovery.binding(device).of_kind.get(kind, ())
            ),
            *(
                make(entry, device, bound)
                for bound in lost_controls(entry, device, kind)
            ),
        ]

    async_add_for_devices(entry, async_add_entities, make_all)


def async_add_for_devices(
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[EnosConfigEntry, Device], list[Entity]],
) -> None:
    """Add the entities of present devices and of those that appear later."""
    coordinator = entry.runtime_data.coordinator
    known: set[str] = set()
    listed: Mapping[str, Device] | None = None

    @callback
    def add_new_devices() -> None:
        """Add what new devices bring; forget those that are gone, for they may come back."""
        nonlocal listed
        if listed is coordinator.devices:
            # Each listing makes another one.
            return
        listed = coordinator.devices
        known.intersection_update(listed)
        by_subentry: dict[str, list[Entity]] = {}
        for asset_id in [key for key in listed if key not in known]:
            device = listed[asset_id]
            selection = coordinator.discovery.selection_of(device)
            if selection is None:
                continue
            known.add(asset_id)
            by_subentry.setdefault(selection.subentry_id, []).extend(
                make(entry, device)
            )
        for subentry_id, entities in by_subentry.items():
            if entities:
                async_add_entities(entities, config_subentry_id=subentry_id)

    entry.async_on_unload(coordinator.async_add_listener(add_new_devices))
    add_new_devices()
