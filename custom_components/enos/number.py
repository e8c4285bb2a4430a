"""Numbers: measurepoints with a number that may be written."""

from functools import partial
from typing import override

from homeassistant.components.number import NumberDeviceClass, NumberEntity, NumberMode
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import Device
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .encoding import fit_number
from .entity import EnosControl, async_add_points
from .mapping import Kind
from .values import EncodeError, Value, as_text

# The lanes limit what is sent at once, per device and per account.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnosConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of an entry."""
    async_add_points(entry, async_add_entities, Kind.NUMBER, EnosNumber)


class EnosNumber(EnosControl, NumberEntity):
    """An INT, FLOAT or DOUBLE that may be written."""

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over unit, range and step."""
        super().__init__(entry, device, bound)
        description = bound.description
        if description.device_class:
            self._attr_device_class = NumberDeviceClass(description.device_class)
        self._attr_native_unit_of_measurement = description.unit
        if description.minimum is not None:
            self._attr_native_min_value = description.minimum
        if description.maximum is not None:
            self._attr_native_max_value = description.maximum
        if description.step is not None:
            self._attr_native_step = description.step
        # A slider over a range that is only the type's would be of no use.
        self._attr_mode = NumberMode.SLIDER if description.slider else NumberMode.BOX

    @property
    @override
    def native_value(self) -> float | None:
        """The number in the model's unit; None while it is unknown."""
        value = self.point_value
        return value if isinstance(value, int | float) else None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Write a number. What the model declares binds, what is guessed only displays."""
        description = self._bound.description
        try:
            fitted = fit_number(
                self._point,
                description,
                value,
                converted=self.unit_of_measurement != self.native_unit_of_measurement,
            )
        except EncodeError as err:
            raise self._invalid(err, value) from err
        await self._async_write(fitted, partial(self._shown, fitted))

    def _shown(self, value: float) -> str:
        """Return a number in the unit that the person sees."""
        shown = as_text(self._convert_to_state_value(value, round, self.device_class))
        return f"{shown} {self.unit_of_measurement or ''}".strip()

    @override
    def _as_state(self, value: Value) -> Value:
        """Return a number in the unit in which the entity shows it."""
        if not isinstance(value, int | float):
            return None
        return self._convert_to_state_value(value, round, self.device_class)
