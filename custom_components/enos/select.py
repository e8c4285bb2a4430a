"""Selects: measurepoints with named values that may be written."""

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnosConfigEntry
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

    # See the base class.
    device_class = None
    state_attributes = None
    unit_of_measurement = None
    # The label of the present code, or the code itself where it has none.
    current_option: str | None = None

    @override
    def _look(self) -> None:
        """Take the option once, for Home Assistant asks for it several times."""
        super()._look()
        self.current_option = self._as_state(self.point_value)

    @property
    @override
    def options(self) -> list[str]:
        """The labels, and the present code where it has none."""
        options = list(self._bound.description.labels.values())
        current = self.current_option
        if current is not None and current not in options:
            options.append(current)
        return options

    @override
    async def async_select_option(self, option: str) -> None:
        """Write the code of an option; one that only the device knows is not written."""
        labels = self._bound.description.labels.items()
        code = next((code for code, label in labels if label == option), None)
        if code is None:
            raise self._invalid(EncodeError("unknown_option"), option)
        await self._async_write(code, option)

    @override
    def _as_state(self, value: Value) -> str | None:
        """Return the option of a value."""
        return self._bound.description.option(value)
