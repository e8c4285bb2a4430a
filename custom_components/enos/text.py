"""Texts: measurepoints with a text that may be written."""

from typing import override

from homeassistant.components.text import TextEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import Device
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosControl, async_add_points
from .mapping import MAX_STATE_LENGTH, Kind, state_text
from .values import Value

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the texts of an entry."""
    async_add_points(entry, async_add_entities, Kind.TEXT, EnosText)


class EnosText(EnosControl, TextEntity):
    """A STRING that may be written."""

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over the length."""
        super().__init__(entry, device, bound)
        longest = bound.point.max_length
        if longest is not None and 0 < longest < MAX_STATE_LENGTH:
            self._attr_native_max = longest

    @property
    @override
    def native_value(self) -> str | None:
        """The text; None for an unknown one and for one that cannot be entered here.

        Half a text is another one, and would be written back by who edits it.
        """
        value = self._as_state(self.point_value)
        return value if isinstance(value, str) else None

    @override
    async def async_set_value(self, value: str) -> None:
        """Write a text."""
        await self._async_write(value, value)

    @override
    def _as_state(self, value: Value) -> Value:
        """Return a text that fits."""
        if not isinstance(value, str) or len(value) > self.native_max:
            return None
        return state_text(value)
