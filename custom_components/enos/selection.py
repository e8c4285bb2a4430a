"""What the user brought in: a subentry as a type.

Pure: what a subentry holds is read here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME, CONF_OPTIONS

from .api.models import DataType, Device, LocalizedText, Measurepoint
from .const import (
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_DATA_TYPE,
    CONF_DEVICES,
    CONF_LABELS,
    CONF_POINTS,
    CONF_PRODUCT_KEY,
    CONF_SENSORS,
    CONF_UNIT,
    SUBENTRY_DEVICE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The devices that a subentry stands for, and the points wanted of each.

    `asset_id` is set for a single device only. `asset_ids` are the devices of a selection
    that names them, and empty for a product whose devices are all wanted, new ones included.
    `own_name` is what the user called a single device, empty for its name in EnOS.
    `labels` are the option labels frozen when the point was chosen, by point and code.
    `points` are the measurepoints described by hand, where the model cannot be read.
    """

    subentry_id: str
    product_key: str
    asset_id: str | None
    asset_ids: frozenset[str]
    name: str
    own_name: str
    controls: tuple[str, ...]
    sensors: tuple[str, ...]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    points: Mapping[str, Measurepoint] = field(default_factory=dict)

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Read a subentry of either type."""
        data = subentry.data
        asset_id: str | None = None
        asset_ids = frozenset[str](data.get(CONF_DEVICES, ()))
        if subentry.subentry_type == SUBENTRY_DEVICE:
            asset_id = data[CONF_ASSET_ID]
            asset_ids = frozenset({data[CONF_ASSET_ID]})
        return cls(
            subentry_id=subentry.subentry_id,
            product_key=data.get(CONF_PRODUCT_KEY, ""),
            asset_id=asset_id,
            asset_ids=asset_ids,
            name=data.get(CONF_NAME) or subentry.title,
            own_name=data.get(CONF_NAME, ""),
            controls=tuple(data.get(CONF_CONTROLS, ())),
            sensors=tuple(data.get(CONF_SENSORS, ())),
            labels=data.get(CONF_LABELS, {}),
            points={
                identifier: manual_point(identifier, fields)
                for identifier, fields in data.get(CONF_POINTS, {}).items()
            },
        )

    def holds(self, device: Device) -> bool:
        """Tell whether a device belongs to this selection."""
        if self.asset_ids:
            return device.asset_id in self.asset_ids
        return device.product_key == self.product_key


def selections(entry: ConfigEntry[Any]) -> list[Selection]:
    """Return the selections of an entry."""
    return [Selection.from_subentry(subentry) for subentry in entry.subentries.values()]


def manual_point(identifier: str, fields: Mapping[str, Any]) -> Measurepoint:
    """Return the measurepoint that was described by hand.

    The codes of an enumeration are taken for numbers where they all look like numbers, as
    EnOS itself does.
    """
    options: Mapping[str, str] = fields.get(CONF_OPTIONS, {})
    return Measurepoint(
        identifier=identifier,
        name=LocalizedText(fields.get(CONF_NAME, "")),
        data_type=DataType(fields[CONF_DATA_TYPE]),
        unit=fields.get(CONF_UNIT, ""),
        enum={code: LocalizedText(label) for code, label in options.items()},
        enum_is_int=bool(options) and all(_is_whole(code) for code in options),
    )


def _is_whole(code: str) -> bool:
    """Tell whether a code is a whole number in its plain form (`007` is a text)."""
    digits = code.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(code)) == code
