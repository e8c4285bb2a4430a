"""What the actions are about: devices and points from the ids that people use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import get_unit_of_measurement
from homeassistant.helpers.translation import async_get_translations

from .api.errors import (
    ConnectError,
    EnosError,
    PermissionDeniedError,
    RateLimitError,
    TransportError,
)
from .api.models import Device, JsonValue, Measurepoint, ThingService
from .const import CONF_WRITE_ANY_POINT, DOMAIN, point_unique_id
from .coordinator import EnosConfigEntry, EnosData
from .corrections import ITEM_MARK, Correction, describe, with_items
from .mapping import Kind, PointDescription

_WRITABLE: Final = frozenset(Kind) - {Kind.SENSOR, Kind.BINARY_SENSOR}


def problem(*, translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error for something that the caller can put right."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def request_failed(err: EnosError, device: str, right: str) -> HomeAssistantError:
    """Return the error for a question that EnOS did not answer.

    `right` is what the application needs for it.
    """
    key = "request_failed"
    if isinstance(err, PermissionDeniedError):
        key = "request_denied"
    elif isinstance(err, RateLimitError):
        key = "request_rate_limited"
    elif isinstance(err, ConnectError | TransportError):
        key = "request_no_answer"
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={
            "device": device,
            "right": right,
            "code": str(err.code) if err.code is not None else "-",
            "message": err.message or str(err),
        },
    )


async def async_wording(hass: HomeAssistant) -> Callable[[HomeAssistantError], str]:
    """Return what words an error of ours in Home Assistant's language.

    For texts that become part of a response or of another error; `str()` is always English.
    """
    texts = await async_get_translations(
        hass, hass.config.language, "exceptions", [DOMAIN]
    )

    def wording(err: HomeAssistantError) -> str:
        key = f"component.{DOMAIN}.exceptions.{err.translation_key}.message"
        return texts.get(key, key).format(**(err.translation_placeholders or {}))

    return wording


def utc_text(milliseconds: int | None) -> str | None:
    """Return a time of EnOS in UTC, None for one that is none."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except OverflowError, OSError, ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """A device of a loaded account. `device` is None where EnOS has it no more.

    `data` is what its account worked with when the action began: the entry forgets it when it
    is unloaded meanwhile.
    """

    entry: EnosConfigEntry
    data: EnosData
    device_id: str
    name: str
    asset_id: str

    @property
    def device(self) -> Device | None:
        """What EnOS says of it."""
        return self.data.coordinator.devices.get(self.asset_id)


@dataclass(frozen=True, slots=True)
class PointTarget:
    """A point of a device, of unknown type where no model tells of it.

    `unit` is the one in which a value is given, where that may be another than the model's;
    `as_shown` tells that values are meant as an entity shows them at all.
    `item` is set for an item of a STRUCT, which is asked for as a whole (`source_id`).
    """

    on: DeviceTarget
    point_id: str
    name: str
    point: Measurepoint
    description: PointDescription | None = None
    unit: str | None = None
    item: str = ""
    as_shown: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all others."""
        return self.on.entry.entry_id, self.on.asset_id, self.point_id

    @property
    def source_id(self) -> str:
        """The measurepoint of EnOS that it is, or is an item of."""
        return self.point_id.removesuffix(f"{ITEM_MARK}{self.item}")

    @property
    def given(self) -> JsonValue:
        """What EnOS gave last for the point, in its own form."""
        state = self.on.data.coordinator.state(self.on.asset_id, self.point_id)
        return state.reading.value if state and state.reading else None


@callback
def device_target(hass: HomeAssistant, device_id: str) -> DeviceTarget:
    """Return a device by its id in Home Assistant. Raises `ServiceValidationError`."""
    device, entry = dr.async_get_device_and_config_entry_for_domain(
        hass, device_id, domain=DOMAIN, include_child_devices=False
    )
    if device is None:
        raise problem(translation_key="unknown_device", device=device_id)
    name = device.name_by_user or device.name or device_id
    if entry is None:
        raise problem(translation_key="foreign_device", device=name)
    prefix = f"{entry.unique_id}_"
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix):
            _check_loaded(entry, name)
            asset_id = identifier.removeprefix(prefix)
            return DeviceTarget(entry, entry.runtime_data, device.id, name, asset_id)
    raise problem(translation_key="foreign_device", device=name)


def _check_loaded(entry: EnosConfigEntry, name: str) -> None:
    if entry.state is not ConfigEntryState.LOADED:
        raise problem(
            translation_key="account_not_loaded", device=name, account=entry.title
        )


@callback
def device_targets(
    hass: HomeAssistant, device_ids: Iterable[str]
) -> list[DeviceTarget]:
    """Return devices, each once. Raises `ServiceValidationError`."""
    return [device_target(hass, device_id) for device_id in dict.fromkeys(device_ids)]


@callback
def entity_target(hass: HomeAssistant, entity_id: str) -> PointTarget:
    """Return the point of a control, whose value is given as the entity shows it.

    Raises `ServiceValidationError`.
    """
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None:
        raise problem(translation_key="unknown_entity", entity=entity_id)
    if entity.platform != DOMAIN:
        raise problem(translation_key="foreign_entity", entity=entity_id)
    # The switch of the account belongs to no device in EnOS.
    of_account = "_" not in entity.unique_id.partition("#")[0]
    if entity.domain not in _WRITABLE or not entity.device_id or of_account:
        raise problem(translation_key="no_control", entity=entity_id)
    on = device_target(hass, entity.device_id)
    prefix = point_unique_id(on.data.client.org_id, on.asset_id, "")
    if not entity.unique_id.startswith(prefix):
        raise problem(translation_key="no_control", entity=entity_id)
    return replace(
        point_to_write(on, entity.unique_id.removeprefix(prefix)),
        unit=get_unit_of_measurement(hass, entity_id),
        as_shown=True,
    )


def point_to_write(on: DeviceTarget, point_id: str) -> PointTarget:
    """Return a point that may be written. Raises `ServiceValidationError`."""
    found = point_of(on, point_id, to_write=True)
    if found.item:
        raise problem(
            translation_key="item_of_struct",
            device=on.name,
            point=found.name,
            struct=found.source_id,
            item=found.item,
        )
    if on.device is None:
        # The command itself says that the device is gone.
        return found
    selection = on.data.coordinator.discovery.selection_of(on.device)
    if selection is not None and point_id in selection.controls:
        return found
    if on.entry.options.get(CONF_WRITE_ANY_POINT):
        return found
    raise problem(translation_key="not_chosen", device=on.name, point=found.name)


def point_of(on: DeviceTarget, point_id: str, *, to_write: bool = False) -> PointTarget:
    """Return a point, as it is read or, with `to_write`, as its control has it.

    Raises `ServiceValidationError` for one that the device's model does not have.
    """
    device = on.device
    unknown = Measurepoint(identifier=point_id)
    if device is None:
        return PointTarget(on, point_id, point_id, unknown)
    discovery = on.data.coordinator.discovery
    bound = discovery.bound_point(device, point_id)
    if bound is not None and (bound.item or bound.writable is to_write):
        return PointTarget(
            *(on, point_id, bound.name, bound.point, bound.description),
            item=bound.item,
        )
    model = discovery.models.get(device.model_id)
    selection = discovery.selection_of(device)
    known = dict(selection.points) if selection else {}
    if model is not None:
        known |= model.measurepoints
    point, item = known.get(point_id), ""
    if point is None and ITEM_MARK in point_id:
        source_id = point_id.partition(ITEM_MARK)[0]
        source = [known[source_id]] if source_id in known else []
        if point := with_items(source).get(point_id):
            item = point_id.removeprefix(f"{source_id}{ITEM_MARK}")
    if model is not None:
        if point is None:
            raise problem(
                translation_key="unknown_point", device=on.name, point=point_id
            )
    if point is None:
        return PointTarget(on, point_id, point_id, unknown)
    language = on.data.coordinator.hass.config.language
    correction = Correction()
    if selection is not None:
        correction = selection.correction_of(point_id, on.asset_id)
    point, description = describe(
        point,
        correction,
        writable=to_write,
        language=language,
        labels=selection.labels.get(point_id, {}) if selection else {},
    )
    name = point.name.get(language) or point_id
    return PointTarget(on, point_id, name, point, description, item=item)


def service_of(on: DeviceTarget, service_id: str) -> ThingService | None:
    """Return a service of a device; None where no model tells of it.

    Raises `ServiceValidationError` for one that the device's model does not have.
    """
    device = on.device
    discovery = on.data.coordinator.discovery
    model = discovery.models.get(device.model_id) if device else None
    if model is None:
        return None
    if service_id not in model.services:
        raise problem(
            translation_key="unknown_service",
            device=on.name,
            service=service_id,
            services=", ".join(model.services) or "–",
        )
    return model.services[service_id]


def all_points(on: DeviceTarget) -> list[PointTarget]:
    """Return all points of a device that are known, those described by hand included.

    Raises `ServiceValidationError` where none is.
    """
    device = on.device
    if device is None:
        raise problem(translation_key="device_not_in_enos", device=on.name)
    discovery = on.data.coordinator.discovery
    selection = discovery.selection_of(device)
    model = discovery.models.get(device.model_id)
    known: dict[str, Any] = {
        **(selection.points if selection else {}),
        **(model.measurepoints if model else {}),
    }
    if not known:
        raise problem(translation_key="model_not_known", device=on.name)
    return [point_of(on, point_id) for point_id in known]


def plain_json(value: object) -> JsonValue:
    """Return a value as JSON has it; raise ValueError for one that JSON cannot carry.

    What comes from YAML and templates are subclasses of text, list and object, and tuples.
    """
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float() if value - value == 0:
            return float(value)
        case list() | tuple():
            return [plain_json(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {str(key): plain_json(item) for key, item in value.items()}
    raise ValueError("not a value that JSON can carry")
