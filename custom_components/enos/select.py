"""Selects: measurepoints with named values that may be written."""

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import Device
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .entity import EnosControl, async_add_points
from .mapping import Kind
from .values import EncodeError, Value

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the selects of an entry."""
    async_add_points(entry, async_add_entities, Kind.SELECT, EnosSelect)


class EnosSelect(EnosControl, SelectEntity):
    """A point with named values that may be written."""

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over the options."""
        super().__init__(entry, device, bound)
        self._codes = {label: code for code, label in bound.description.options}

    @property
    @override
    def current_option(self) -> str | None:
        """The label of the present code, or the code itself where it has none."""
        return self._as_state(self.point_value)

    @property
    @override
    def options(self) -> list[str]:
        """The labels, and the present code where it has none."""
        options = list(self._codes)
        current = self.current_option
        if current is not None and current not in self._codes:
            options.append(current)
        return options

    @override
    async def async_select_option(self, option: str) -> None:
        """Write the code of an option; one that only the device knows is not written."""
        code = self._codes.get(option)
        if code is None:
            raise self._invalid(EncodeError("unknown_option"), option)
        await self._async_write(code, option)

    @override
    def _as_state(self, value: Value) -> str | None:
        """Return the option of a value."""
        return self._bound.description.option(value)
