"""Numbers: measurepoints with a number that may be written."""

from functools import partial
from typing import override

from homeassistant.components.number import NumberDeviceClass, NumberEntity, NumberMode
from homeassistant.components.number.const import DEFAULT_MAX_VALUE, DEFAULT_MIN_VALUE
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

    # See the base class.
    device_class: NumberDeviceClass | None = None
    mode = NumberMode.BOX
    native_unit_of_measurement: str | None = None
    state_attributes = None

    def __init__(
        self, entry: EnosConfigEntry, device: Device, bound: BoundPoint
    ) -> None:
        """Take over unit, range and step."""
        super().__init__(entry, device, bound)
        description = bound.description
        if description.device_class:
            self.device_class = NumberDeviceClass(description.device_class)
        if description.unit is not None:
            self.native_unit_of_measurement = description.unit
        if description.slider:
            # Over a range that is only the type's it would be of no use.
            self.mode = NumberMode.SLIDER

    @property
    @override
    def native_min_value(self) -> float:
        """The least that may be written, in the model's unit."""
        minimum = self._bound.description.minimum
        return DEFAULT_MIN_VALUE if minimum is None else minimum

    @property
    @override
    def native_max_value(self) -> float:
        """The most that may be written, in the model's unit."""
        maximum = self._bound.description.maximum
        return DEFAULT_MAX_VALUE if maximum is None else maximum

    @property
    @override
    def native_step(self) -> float | None:
        """How far values are apart, in the model's unit."""
        return self._bound.description.step

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
