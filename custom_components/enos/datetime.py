"""Times: measurepoints with a moment that may be written."""

from datetime import datetime
from typing import override

from homeassistant.components.datetime import DateTimeEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

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
    """Add the times of an entry."""
    async_add_points(entry, async_add_entities, Kind.DATETIME, EnosDateTime)


class EnosDateTime(EnosControl, DateTimeEntity):
    """A TIMESTAMP that may be written."""

    @property
    @override
    def native_value(self) -> datetime | None:
        """The moment in UTC; None while it is unknown."""
        value = self.point_value
        return value if isinstance(value, datetime) else None

    @override
    async def async_set_value(self, value: datetime) -> None:
        """Write a moment."""
        try:
            shown = f"{dt_util.as_local(value):%Y-%m-%d %H:%M:%S}"
        except OverflowError:  # a day before the first or after the last
            shown = str(value)
        await self._async_write(value, shown)

    @override
    def _as_state(self, value: Value) -> Value:
        """Return a moment as the state has it."""
        if not isinstance(value, datetime):
            return None
        return value.isoformat(timespec="seconds")
