"""The journal of commands: the last ones, the newest of each point, and who hears of them."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .batches import PointKey
from .const import DOMAIN, EVENT_COMMAND, point_unique_id
from .coordinator import EnosCoordinator
from .records import Outcome, Record

_RECORDS: Final = 200

type Listener = Callable[[Record], None]


class Journal:
    """Keeps the records of an account's commands and tells of them.

    `records` holds the last commands, oldest first.
    """

    def __init__(self, coordinator: EnosCoordinator) -> None:
        """Start with nothing written."""
        self._coordinator = coordinator
        self._latest: dict[PointKey, Record] = {}
        self._listeners: list[Listener] = []
        self._device_listeners: dict[str, list[CALLBACK_TYPE]] = {}
        self._heir: Journal | None = None
        self.records: deque[Record] = deque(maxlen=_RECORDS)

    def adopt(self, earlier: Journal) -> None:
        """Take over what an earlier run wrote, and what it may yet have to tell."""
        earlier._heir = self
        self.records.extend(earlier.records)
        self._latest.update(earlier._latest)

    def latest(self, key: PointKey) -> Record | None:
        """Return the newest command to a point of which there is something to say."""
        return self._latest.get(key)

    @callback
    def listen(self, listener: Listener) -> CALLBACK_TYPE:
        """Hear of every command that ended or was queued, until the result is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def listen_device(self, asset_id: str, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """The same for the commands to one device."""
        listeners = self._device_listeners.setdefault(asset_id, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def keep(self, record: Record) -> None:
        """Add a record to the history, and to its point where it is the newest."""
        self.records.append(record)
        if record.is_service or record.outcome is Outcome.SUPERSEDED:
            # A slider that is being dragged must not be drawn at its old place meanwhile.
            return
        latest = self._latest.get(record.key)
        if latest is None or latest.serial <= record.serial:
            self._latest[record.key] = record

    def announce(self, record: Record) -> None:
        """Have the control show what became of a command, and tell everybody."""
        if self._heir is not None:
            # A cancel that outlived a reload: those who listen do so there.
            self._heir.announce(record)
            return
        if self._latest.get(record.key) is record:
            self._coordinator.notify(record.key, record.context)
        self.publish(record)

    def publish(self, record: Record) -> None:
        """Fire the event, in the name of who gave the command."""
        hass = self._coordinator.hass
        hass.bus.async_fire(EVENT_COMMAND, self.as_dict(record), context=record.context)
        for listener in list(self._listeners):
            listener(record)
        for changed in list(self._device_listeners.get(record.asset_id, ())):
            changed()

    def as_dict(self, record: Record) -> dict[str, Any]:
        """Return a record as event and responses show it."""
        coordinator = self._coordinator
        hass = coordinator.hass
        entry_id = coordinator.config_entry.entry_id
        org_id = coordinator.client.org_id
        device = dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, f"{org_id}_{record.asset_id}"), entry_id
        )
        entity_id: str | None = None
        known = coordinator.devices.get(record.asset_id)
        if known is not None and not record.is_service:
            bound = coordinator.discovery.bound_point(known, record.point_id)
            if bound is not None:
                entity_id = er.async_get(hass).async_get_entity_id(
                    bound.description.kind.value,
                    DOMAIN,
                    point_unique_id(org_id, record.asset_id, record.point_id),
                )
        return {
            "command": record.id,
            "entry_id": entry_id,
            "device_id": device.id if device else None,
            "entity_id": entity_id,
            "asset_id": record.asset_id,
            "measurepoint_id": None if record.is_service else record.point_id,
            "service_id": record.point_id if record.is_service else None,
            "value_before": record.value_before,
            "value": record.value,
            "mode": record.mode.value,
            "command_id": record.command_id or None,
            "outcome": record.outcome.value,
            "final": record.final,
            "code": record.code,
            "message": record.message,
            "duration": record.duration,
            "expires": record.expires.isoformat() if record.expires else None,
            "replaced_by": record.replaced_by or None,
        }
