"""Dates: measurepoints with a day that may be written."""

from datetime import date
from typing import override

from homeassistant.components.date import DateEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnosConfigEntry
from .entity import EnosControl, async_add_points
from .mapping import Kind
from .values import Value

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the dates of an entry."""
    async_add_points(entry, async_add_entities, Kind.DATE, EnosDate)


class EnosDate(EnosControl, DateEntity):
    """A DATE that may be written."""

    @property
    @override
    def native_value(self) -> date | None:
        """The day; None while it is unknown."""
        value = self.point_value
        return value if isinstance(value, date) else None

    @override
    async def async_set_value(self, value: date) -> None:
        """Write a day."""
        await self._async_write(value, value.isoformat())

    @override
    def _as_state(self, value: Value) -> Value:
        """Return a day as the state has it."""
        return value.isoformat() if isinstance(value, date) else None
