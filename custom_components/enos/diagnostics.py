"""Diagnostics: what is wrong first, then what is known and how it is read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .api.errors import EnosError
from .api.models import Device, DeviceStatus
from .const import CONF_ACCESS_KEY, CONF_SECRET_KEY, DOMAIN
from .coordinator import EnosConfigEntry, EnosCoordinator, EnosData
from .discovery import BoundPoint
from .places_home import HomePlaces
from .records import Record
from .selection import Selection

_SECRET: Final = {CONF_ACCESS_KEY, CONF_SECRET_KEY}
_RECORDS: Final = 200
# A fleet's points would make a file that nobody reads; those of the worst devices come first.
_WITH_POINTS: Final = 25

# The code with which EnOS would refuse a command now; these devices come first.
_REFUSED_WITH: Final = {DeviceStatus.OFFLINE: 11900, DeviceStatus.INACTIVE: 11888}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: EnosConfigEntry
) -> dict[str, Any]:
    """Return what is known of an account, be it loaded or not."""
    # What is not loaded, or could not be unloaded, may have none.
    data: EnosData | None = getattr(entry, "runtime_data", None)
    subentries = [_subentry(subentry) for subentry in entry.subentries.values()]
    places = await _async_places(hass, entry)
    if data is None:
        return {
            "account": {
                **async_redact_data(dict(entry.data), _SECRET),
                "state": entry.state.value,
                "last_error": {"text": entry.reason, "code": None},
                "options": dict(entry.options),
            },
            "subentries": subentries,
            "places": places,
        }
    coordinator, client = data.coordinator, data.client
    devices = coordinator.devices
    gateways = coordinator.discovery.topology.gateways()
    opened = data.commands.open
    return {
        "account": {
            **async_redact_data(dict(entry.data), _SECRET),
            "state": entry.state.value,
            "token_age": _rounded(client.token_age),
            "token_remaining": _rounded(client.token_remaining),
            "clock_offset": _rounded(client.clock_offset),
            "last_round_succeeded": coordinator.last_update_success,
            "last_error": None
            if coordinator.last_update_success
            else _error(coordinator.last_exception),
            "options": dict(entry.options),
            "control_allowed": data.commands.allowed,
            "requests": client.statistics.requests,
            "requests_today": client.statistics.requests_today,
            "errors": dict(client.statistics.errors.most_common()),
        },
        "summary": {
            "devices": len(devices),
            "status": dict(
                Counter(coordinator.status_of(asset).value for asset in devices)
            ),
            "points": len(coordinator.states),
            "commands": dict(
                Counter(record.outcome for record in data.commands.journal.records)
            ),
            "commands_in_lane": sum(map(data.commands.waiting, devices)),
            "queued_commands": sum(record.waits for record in opened),
            "open_commands": len(opened),
        },
        "devices": [
            _device(entry, device, gateways, with_points=place < _WITH_POINTS)
            for place, device in enumerate(_worst_first(coordinator, devices.values()))
        ],
        "subentries": subentries,
        "places": places,
        "polling": {
            "interval": coordinator.update_interval
            and coordinator.update_interval.total_seconds(),
            "limit": coordinator.batches.limit,
            "rounds": coordinator.round,
            "batches": [
                {"assets": len(batch.asset_ids), "points": list(batch.point_ids)}
                for batch in coordinator.batches.planned
            ],
            "direct": coordinator.direct.plan,
            "refused_assets": {
                asset: str(err)
                for asset, err in coordinator.batches.refused_assets.items()
            },
            "excluded_points": sorted(coordinator.batches.excluded),
            "can_list_devices": coordinator.discovery.statuses_known,
            "models": sorted(coordinator.discovery.models),
        },
        "open_commands": [_record(record) for record in opened],
        "commands": [
            _record(record)
            for record in list(data.commands.journal.records)[-_RECORDS:]
        ],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: EnosConfigEntry, device_entry: DeviceEntry
) -> dict[str, Any]:
    """Return what is known of a device."""
    data: EnosData | None = getattr(entry, "runtime_data", None)
    if data is None:
        return {"device": None, "commands": []}
    prefix = f"{data.client.org_id}_"
    for domain, identifier in device_entry.identifiers:
        device = data.coordinator.devices.get(identifier.removeprefix(prefix))
        if domain == DOMAIN and device is not None:
            return {
                "device": _device(
                    entry,
                    device,
                    data.coordinator.discovery.topology.gateways(),
                    with_points=True,
                ),
                "commands": [
                    _record(record)
                    for record in data.commands.journal.records
                    if record.asset_id == device.asset_id
                ],
            }
    return {"device": None, "commands": []}


def _worst_first(
    coordinator: EnosCoordinator, devices: Iterable[Device]
) -> list[Device]:
    """Return devices that are offline, then inactive ones, then what else is not online."""
    order = [
        DeviceStatus.OFFLINE,
        DeviceStatus.INACTIVE,
        DeviceStatus.DISABLED,
        DeviceStatus.UNKNOWN,
        DeviceStatus.ONLINE,
    ]
    return sorted(
        devices,
        key=lambda device: (
            order.index(coordinator.status_of(device.asset_id)),
            device.asset_id,
        ),
    )


def _device(
    entry: EnosConfigEntry,
    device: Device,
    gateways: Mapping[str, str],
    *,
    with_points: bool,
) -> dict[str, Any]:
    """Return what is known of a device, with every point where that is asked for."""
    data = entry.runtime_data
    coordinator = data.coordinator
    status = coordinator.status_of(device.asset_id)
    last = next(
        (
            record
            for record in reversed(data.commands.journal.records)
            if record.asset_id == device.asset_id
        ),
        None,
    )
    result: dict[str, Any] = {
        "asset_id": device.asset_id,
        "product_key": device.product_key,
        "device_key": device.device_key,
        "model_id": device.model_id,
        "gateway": gateways.get(device.asset_id),
        "name": device.name.get(coordinator.hass.config.language),
        "status": status.value,
        "command_code_expected": _REFUSED_WITH.get(status),
        "last_code": last.code if last else None,
        "last_outcome": last.outcome if last else None,
        "commands_in_lane": data.commands.waiting(device.asset_id),
        "queued_commands": [
            {
                "command_id": record.command_id,
                "measurepoint_id": record.point_id,
                "expires": _moment(record.expires),
            }
            for record in data.commands.queued(device.asset_id)
        ],
        "custom_format": device.custom_format,
    }
    if with_points:
        result["points"] = [
            _point(coordinator, device.asset_id, bound)
            for bound in coordinator.discovery.bound_points(device)
        ]
        result["services"] = [
            bound.service.identifier
            for bound in coordinator.discovery.bound_services(device)
        ]
    return result


def _point(
    coordinator: EnosCoordinator, asset_id: str, bound: BoundPoint
) -> dict[str, Any]:
    """Return what is known of a point, its source and age in rounds of polling.

    Of an item of a STRUCT that is what is known of the whole, which is what is read.
    """
    point_id = bound.source.identifier
    state = coordinator.state(asset_id, point_id)
    result: dict[str, Any] = {
        "measurepoint_id": bound.key,
        "kind": bound.description.kind.value,
        "writable": bound.writable,
        "polled": point_id in coordinator.wanted(asset_id),
    }
    if state is None:
        return result
    return result | {
        "data_type": state.point.data_type.value,
        "unit": state.point.unit,
        "value": state.value,
        "sample": state.reading.value if state.reading else None,
        "sample_time": state.reading.time if state.reading else None,
        "sample_age": _rounded(state.age),
        "source": state.source.value if state.source else None,
        "rounds_without_answer": coordinator.round - state.answered.round
        if state.answered is not None
        else None,
        "written_value_shown": state.mask is not None,
        "available": coordinator.believes(asset_id, state),
    }


def _subentry(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return what was brought in, and how commands go to it where nothing was chosen."""
    selection = Selection.from_subentry(subentry)
    return {
        "type": subentry.subentry_type,
        "title": subentry.title,
        **subentry.data,
        "policy_in_force": asdict(selection.policy),
        "exceptions_in_force": {
            asset_id: asdict(policy) for asset_id, policy in selection.policies.items()
        },
    }


async def _async_places(hass: HomeAssistant, entry: EnosConfigEntry) -> dict[str, Any]:
    """Return which floors and areas stand for nodes of an asset tree, by node."""
    home = HomePlaces(hass, entry)
    await home.async_read()
    memory = home.memory
    return {
        "areas": {key: asdict(given) for key, given in memory.areas.items()},
        "floors": {key: asdict(given) for key, given in memory.floors.items()},
        "devices": len(memory.devices),
        "layers": dict(memory.layers),
    }


def _record(record: Record) -> dict[str, Any]:
    """Return everything that is known of a command."""
    return {
        "id": record.id,
        "at": record.at.isoformat(),
        "asset_id": record.asset_id,
        "product_key": record.product_key,
        "measurepoint_id": None if record.is_service else record.point_id,
        "service_id": record.point_id if record.is_service else None,
        "value_before": record.value_before,
        "value": record.value,
        "sample_before": record.before.value if record.before else None,
        "mode": record.mode.value,
        "command_id": record.command_id,
        "outcome": record.outcome.value,
        "final": record.final,
        "code": record.code,
        "message": record.message,
        "ended": _moment(record.ended),
        "duration": record.duration,
        "expires": _moment(record.expires),
        "unclear_since": _moment(record.unclear_since),
        "replaced_by": record.replaced_by,
        "output": record.output,
        "read_back": record.fate.value if record.fate else None,
        "context_id": record.context.id if record.context else None,
        "user_id": record.context.user_id if record.context else None,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _error(err: BaseException | None) -> dict[str, Any] | None:
    """Return the reason of the last failed round."""
    if err is None:
        return None
    cause = err.__cause__
    return {
        "text": str(err),
        "code": cause.code if isinstance(cause, EnosError) else None,
    }


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 1) if seconds is not None else None
