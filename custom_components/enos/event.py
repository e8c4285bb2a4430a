"""Events: what became of the commands of an account."""

import json
from typing import Any, Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import JsonValue
from .coordinator import EnosConfigEntry
from .entity import EnosAccountEntity
from .records import OUTCOMES, Record

# Nothing is sent from here.
PARALLEL_UPDATES = 0

# Of what the bus event tells: the one is the account itself, the other the type of the event.
_LEFT_OUT = frozenset({"entry_id", "outcome"})

# The recorder keeps none of a state's attributes where they are more than 16 KB together.
_LONGEST_VALUE: Final = 1000


def _short(value: JsonValue) -> JsonValue:
    """Return a value, or where it is huge its beginning as text; the bus event has it whole."""
    if not isinstance(value, str | list | dict):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity of an entry."""
    async_add_entities([EnosCommandEvent(entry)])


class EnosCommandEvent(EnosAccountEntity, EventEntity):
    """A command of the account that ended or was queued.

    One whose outcome was not final is told again once the truth is known.
    """

    _attr_translation_key = "command"
    _attr_event_types = list(OUTCOMES)

    def __init__(self, entry: EnosConfigEntry) -> None:
        """Name the entity."""
        super().__init__(entry, "command")

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of the commands."""
        await super().async_added_to_hass()
        self.async_on_remove(self._data.commands.journal.listen(self._note))

    @callback
    def _note(self, record: Record) -> None:
        """Tell of a command, in the name of who gave it."""
        told = self._data.commands.journal.as_dict(record)
        told |= {key: _short(told[key]) for key in ("value_before", "value")}
        self._trigger_event(
            record.outcome.value,
            {
                **self._names(record, told["device_id"]),
                **{key: value for key, value in told.items() if key not in _LEFT_OUT},
            },
        )
        if record.context is not None:
            self.async_set_context(record.context)
        self.async_write_ha_state()

    def _names(self, record: Record, device_id: str | None) -> dict[str, Any]:
        """Return what people call device and point."""
        coordinator = self._data.coordinator
        entry = dr.async_get(self.hass).async_get(device_id) if device_id else None
        device = coordinator.devices.get(record.asset_id)
        bound = None
        if device is not None and not record.is_service:
            bound = coordinator.discovery.bound_point(device, record.point_id)
        return {
            "device": (entry and (entry.name_by_user or entry.name)) or record.asset_id,
            "point": bound.name if bound else record.point_id,
        }
