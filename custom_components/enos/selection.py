"""What the user brought in: a subentry as a type.

Pure: what a subentry holds is read here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME, CONF_OPTIONS, CONF_TIMEOUT

from .api.models import DataType, Device, LocalizedText, Measurepoint
from .const import (
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_CORRECTION_EXCEPTIONS,
    CONF_CORRECTIONS,
    CONF_DATA_TYPE,
    CONF_DECLARED,
    CONF_DEVICES,
    CONF_LABELS,
    CONF_LABELS_DECLINED,
    CONF_POINTS,
    CONF_POLICY,
    CONF_POLICY_EXCEPTIONS,
    CONF_PRODUCT_KEY,
    CONF_QUEUE_MINUTES,
    CONF_SENSORS,
    CONF_SERVICES,
    CONF_UNIT,
    CONF_WHEN_OFFLINE,
    OFFLINE_FAIL,
    OFFLINE_QUEUE,
    SUBENTRY_DEVICE,
)
from .corrections import Correction, corrections_from
from .mapping import option_labels

DEFAULT_TIMEOUT: Final = 30
MAX_TIMEOUT: Final = 60
DEFAULT_QUEUE_MINUTES: Final = 15
# EnOS keeps a command for 48 hours at most.
MAX_QUEUE_MINUTES: Final = 2880

_NOTHING_SAID: Final = Correction()


@dataclass(frozen=True, slots=True)
class Policy:
    """How commands to a device are sent.

    `timeout` is how many seconds, 1 to 60, the device may take to answer an instant command.
    `queue_for` is how many seconds EnOS keeps a command for a device that is away; 0 means
    that such a command is refused.
    """

    timeout: int = DEFAULT_TIMEOUT
    queue_for: int = 0

    @classmethod
    def from_data(cls, data: object) -> Self:
        """Read a policy of a subentry; what is absent or makes no sense is the default."""
        if not isinstance(data, Mapping):
            return cls()
        minutes = 0
        if data.get(CONF_WHEN_OFFLINE) == OFFLINE_QUEUE:
            minutes = _whole_within(
                data.get(CONF_QUEUE_MINUTES), MAX_QUEUE_MINUTES, DEFAULT_QUEUE_MINUTES
            )
        return cls(
            timeout=_whole_within(data.get(CONF_TIMEOUT), MAX_TIMEOUT, DEFAULT_TIMEOUT),
            queue_for=minutes * 60,
        )

    def data(self) -> dict[str, Any]:
        """Return the policy as a subentry holds it."""
        return {
            CONF_TIMEOUT: self.timeout,
            CONF_WHEN_OFFLINE: OFFLINE_QUEUE if self.queue_for else OFFLINE_FAIL,
            CONF_QUEUE_MINUTES: self.queue_for // 60 or DEFAULT_QUEUE_MINUTES,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The devices that a subentry stands for, and the points wanted of each.

    `asset_id` is set for a single device only. `asset_ids` are the devices of a selection
    that names them, and empty for a product whose devices are all wanted, new ones included.
    `own_name` is what the user called a single device, empty for its name in EnOS.
    `labels` are the option labels frozen when the point was chosen, by point and code.
    `points` are the measurepoints described by hand, where the model cannot be read.
    `policies` are those of devices, by asset id, to which `policy` does not apply.
    `services` are those of the model that have a button. `corrections` say of points what the
    model has wrong, `exceptions` of those of single devices, by asset id. `declared` are ranges
    and steps of the console's export, where a person says nothing else. `declined` are labels of
    a newer model, by point and code, that a person did not want in place of the frozen ones.
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
    policy: Policy = Policy()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    exceptions: Mapping[str, Mapping[str, Correction]] = field(default_factory=dict)
    declared: Mapping[str, Correction] = field(default_factory=dict)
    declined: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

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
            policy=Policy.from_data(data.get(CONF_POLICY)),
            policies=policies_from(data.get(CONF_POLICY_EXCEPTIONS)),
            services=tuple(data.get(CONF_SERVICES, ())),
            corrections=corrections_from(data.get(CONF_CORRECTIONS)),
            exceptions=exceptions_from(data.get(CONF_CORRECTION_EXCEPTIONS)),
            declared=declared_from(data.get(CONF_DECLARED)),
            declined=data.get(CONF_LABELS_DECLINED, {}),
        )

    def holds(self, device: Device) -> bool:
        """Tell whether a device belongs to this selection."""
        if self.asset_ids:
            return device.asset_id in self.asset_ids
        return device.product_key == self.product_key

    def policy_of(self, asset_id: str) -> Policy:
        """Return how commands to a device of this selection are sent."""
        return self.policies.get(asset_id, self.policy)

    def correction_of(self, point_id: str, asset_id: str = "") -> Correction:
        """Return what is said of a point, of a single device or (empty) of all.

        Where nobody says anything of its range, the console's export does.
        """
        said = self.corrections.get(point_id, _NOTHING_SAID)
        special = self.exceptions.get(asset_id, {}).get(point_id)
        if special:
            said = special.over(_beside(said, special))
        declared = self.declared.get(point_id)
        return said.over(_beside(declared, said)) if declared else said


def selections(entry: ConfigEntry[Any]) -> list[Selection]:
    """Return the selections of an entry."""
    return [Selection.from_subentry(subentry) for subentry in entry.subentries.values()]


def policies_from(data: object) -> dict[str, Policy]:
    """Read the policies of single devices, by asset id; what is none is left out."""
    if not isinstance(data, Mapping):
        return {}
    return {
        asset_id: Policy.from_data(fields)
        for asset_id, fields in data.items()
        if isinstance(fields, Mapping)
    }


def exceptions_from(data: object) -> dict[str, dict[str, Correction]]:
    """Read the corrections of single devices, by asset id and point."""
    if not isinstance(data, Mapping):
        return {}
    found = {asset_id: corrections_from(said) for asset_id, said in data.items()}
    return {asset_id: said for asset_id, said in found.items() if said}


def declared_from(data: object) -> dict[str, Correction]:
    """Read the ranges and steps of an export, by point."""
    if not isinstance(data, Mapping):
        return {}
    ranges = {
        key: {end: said.get(end) for end in ("minimum", "maximum", "step")}
        for key, said in data.items()
        if isinstance(said, Mapping)
    }
    return corrections_from(ranges)


def _beside(declared: Correction, said: Correction) -> Correction:
    """Return what is said with less weight, without an end that the other one was moved past.

    Of an export by a person, of all devices for a single one. Both ends would leave no range,
    and then none would bind.
    """
    if said.minimum is not None and (declared.maximum or 0) <= said.minimum:
        declared = replace(declared, maximum=None)
    if said.maximum is not None and (declared.minimum or 0) >= said.maximum:
        declared = replace(declared, minimum=None)
    return declared


def _whole_within(value: object, most: int, default: int) -> int:
    """Return a whole number between 1 and `most`, the default for what is no number."""
    if not isinstance(value, int | float):
        return default
    return int(min(most, max(1, value)))


def manual_point(identifier: str, fields: Mapping[str, Any]) -> Measurepoint:
    """Return the measurepoint that was described by hand, or by an export of its model.

    The codes of an enumeration are taken for numbers where they all look like numbers, as
    EnOS itself does, unless an export knows better.
    """
    options = options_of(fields)
    numbers = all(_is_whole(code) for code in options) and not fields.get("text_codes")
    truths: Mapping[str, str] = fields.get("bool_labels", {})
    item_type = fields.get("item_type")
    return Measurepoint(
        identifier=identifier,
        name=LocalizedText(fields.get(CONF_NAME, "")),
        data_type=DataType(fields[CONF_DATA_TYPE]),
        unit=fields.get(CONF_UNIT, ""),
        multiplier=fields.get("multiplier", "ONE"),
        enum={code: LocalizedText(label) for code, label in options.items()},
        enum_is_int=bool(options) and numbers,
        bool_labels={
            truth: label
            for truth, code in ((False, "0"), (True, "1"))
            if (label := truths.get(code))
        },
        max_length=fields.get("max_length"),
        item_type=DataType(item_type) if item_type else None,
        signal_type=fields.get("signal_type", ""),
        tags=fields.get("tags", {}),
    )


_ORDER: Final = "option_order"


def options_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels by code of a point described by hand, in the order to show them."""
    options: Mapping[str, str] = fields.get(CONF_OPTIONS, {})
    order = [code for code in fields.get(_ORDER, ()) if code in options]
    return {code: options[code] for code in dict.fromkeys((*order, *options))}


def storable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description as a subentry holds it.

    Home Assistant sorts the keys of what it keeps, so the order of options is kept besides.
    """
    codes = [*fields.get(CONF_OPTIONS, ())]
    plain = {key: value for key, value in fields.items() if key != _ORDER}
    return {**plain, _ORDER: codes} if codes != sorted(codes) else plain


def in_order(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description that a subentry holds, with its options in order."""
    plain = {key: value for key, value in fields.items() if key != _ORDER}
    return {**plain, CONF_OPTIONS: options_of(fields)} if _ORDER in fields else plain


def fields_of(point: Measurepoint, language: str) -> dict[str, Any]:
    """Return a point of an export as `manual_point` reads it; items of a STRUCT are left out."""
    options = option_labels(point, language) if point.enum else {}
    said: dict[str, Any] = {
        CONF_NAME: point.name.get(language),
        CONF_UNIT: point.unit,
        "multiplier": "" if point.multiplier == "ONE" else point.multiplier,
        CONF_OPTIONS: options,
        "text_codes": bool(options) and not point.enum_is_int,
        "bool_labels": {
            str(int(truth)): label for truth, label in point.bool_labels.items()
        },
        "max_length": point.max_length,
        "item_type": point.item_type and point.item_type.value,
        "signal_type": point.signal_type,
        "tags": dict(point.tags),
    }
    return {
        CONF_DATA_TYPE: point.data_type.value,
        **{key: value for key, value in said.items() if value},
    }


def _is_whole(code: str) -> bool:
    """Tell whether a code is a whole number in its plain form (`007` is a text)."""
    digits = code.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(code)) == code
