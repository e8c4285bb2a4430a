"""The actions: their fields, who may call them, and those that have devices do something."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
import json
from math import ceil
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
import probatio

from .api.models import JsonValue
from .const import DOMAIN
from .encoding import cannot_be_written, names_of, wire_inputs, wire_value
from .exceptions import WriteFailed, invalid_value
from .records import Outcome, Record
from .selection import MAX_QUEUE_MINUTES, MAX_TIMEOUT
from .services_life import cancel_command, get_command
from .services_read import get_measurepoints
from .targets import (
    DeviceTarget,
    PointTarget,
    async_wording,
    device_targets,
    entity_target,
    plain_json,
    point_to_write,
    service_of,
)
from .values import EncodeError, Value, as_text

ATTR_MEASUREPOINT_ID: Final = "measurepoint_id"

_MAX_TTL: Final = timedelta(minutes=MAX_QUEUE_MINUTES)


def _value(value: object) -> JsonValue | date:
    """Validate a value: any JSON, or a day or time as YAML reads them."""
    if isinstance(value, date):
        return value
    return _json(value)


def _json(value: object) -> JsonValue:
    """Validate JSON."""
    try:
        return plain_json(value)
    except (ValueError, RecursionError) as err:
        raise probatio.Invalid(str(err)) from err


def _inputs(value: object) -> dict[str, JsonValue]:
    """Validate the inputs of a service."""
    inputs = _json(value)
    if not isinstance(inputs, dict):
        raise probatio.Invalid("not an object of names and values")
    return inputs


def _seconds(value: timedelta) -> int:
    """Return whole seconds, at least one for what is longer than nothing."""
    if value > _MAX_TTL:
        raise probatio.Invalid(f"longer than {_MAX_TTL / timedelta(hours=1):.0f} hours")
    return ceil(value.total_seconds())


def _names_a_point(data: dict[str, Any]) -> dict[str, Any]:
    """Validate that a device comes with points, and points with a device."""
    if (ATTR_DEVICE_ID in data) is not (ATTR_MEASUREPOINT_ID in data):
        raise probatio.Invalid("device_id and measurepoint_id go together")
    return data


_ID: Final = probatio.All(cv.string, probatio.Length(min=1))
_IDS: Final = probatio.All(cv.ensure_list, [_ID], probatio.Length(min=1))
_HOW: Final = {
    probatio.Optional("pending_ttl"): probatio.All(cv.positive_time_period, _seconds),
    probatio.Optional("timeout"): probatio.All(
        probatio.Coerce(int), probatio.Range(min=1, max=MAX_TIMEOUT)
    ),
}
_SET: Final = probatio.All(
    probatio.Schema(
        {
            probatio.Optional(ATTR_ENTITY_ID): cv.entity_ids,
            probatio.Optional(ATTR_DEVICE_ID): _IDS,
            probatio.Optional(ATTR_MEASUREPOINT_ID): _IDS,
            probatio.Required("value"): _value,
            **_HOW,
        }
    ),
    cv.has_at_least_one_key(ATTR_ENTITY_ID, ATTR_DEVICE_ID),
    _names_a_point,
)
_INVOKE: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): _IDS,
        probatio.Required("service_id"): _ID,
        probatio.Optional("inputs", default=dict): _inputs,
        **_HOW,
    }
)
_GET: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): _IDS,
        probatio.Optional(ATTR_MEASUREPOINT_ID): _IDS,
        probatio.Optional("fresh", default=False): cv.boolean,
    }
)
_GET_COMMAND: Final = probatio.Schema(
    {probatio.Required(ATTR_DEVICE_ID): _ID, probatio.Required("command_id"): _ID}
)
_CANCEL: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): _ID,
        probatio.Optional("command_id"): _IDS,
        probatio.Optional("all", default=False): cv.boolean,
    }
)


@callback
def async_register(hass: HomeAssistant) -> None:
    """Register the actions. What writes is for administrators."""
    for name, write, schema in (
        ("set_measurepoint", set_measurepoint, _SET),
        ("cancel_command", cancel_command, _CANCEL),
        ("invoke_service", invoke_service, _INVOKE),
    ):
        async_register_admin_service(
            hass, DOMAIN, name, write, schema, SupportsResponse.OPTIONAL
        )
    for name, read, schema in (
        ("get_measurepoints", get_measurepoints, _GET),
        ("get_command", get_command, _GET_COMMAND),
    ):
        hass.services.async_register(DOMAIN, name, read, schema, SupportsResponse.ONLY)


@dataclass(slots=True)
class _Result:
    """What became of one command; of one that was refused before it was given, too."""

    on: DeviceTarget
    record: Record
    error: HomeAssistantError | None = None
    given: bool = True

    def as_dict(self, reason: str) -> dict[str, Any]:
        """Return the command as responses show it; `reason` is told where EnOS told none."""
        shown = self.on.data.commands.journal.as_dict(self.record)
        if not self.given:
            shown["command"] = None
        if self.record.is_service:
            shown["output"] = self.record.output
        shown["message"] = shown["message"] or reason
        return shown


async def set_measurepoint(call: ServiceCall) -> ServiceResponse:
    """Write one value to some points.

    Points that nobody may write, or that are not there, are refused before anything is sent.
    """
    hass, data = call.hass, call.data
    targets = [entity_target(hass, id_) for id_ in data.get(ATTR_ENTITY_ID, ())]
    targets += [
        point_to_write(device, point_id)
        for device in device_targets(hass, data.get(ATTR_DEVICE_ID, ()))
        for point_id in data.get(ATTR_MEASUREPOINT_ID, ())
    ]
    unique = {target.key: target for target in targets}
    results = await asyncio.gather(
        *(_write(call, target, data["value"]) for target in unique.values())
    )
    return await _answer(call, results)


async def _write(call: ServiceCall, target: PointTarget, value: Value) -> _Result:
    """Write one point."""
    on = target.on
    names = names_of(on.name, target.name, _shown(target, value))
    try:
        wire = wire_value(
            target.point,
            target.description,
            value,
            like=target.given,
            unit=target.unit,
            as_shown=target.as_shown,
        )
    except EncodeError as err:
        shown = value.isoformat() if isinstance(value, date) else value
        record = Record.begin(on.asset_id, target.point_id, shown)
        record.end(Outcome.REJECTED)
        error = cannot_be_written(
            err, names, target.point, target.description, target.unit
        )
        return _Result(on, record, error, given=False)
    try:
        return _Result(
            on,
            await on.data.commands.async_write(
                on.asset_id,
                target.point_id,
                wire,
                context=call.context,
                names=names,
                timeout=call.data.get("timeout"),
                pending_ttl=call.data.get("pending_ttl"),
            ),
        )
    except WriteFailed as err:
        return _Result(on, err.record, err)


def _shown(target: PointTarget, value: object) -> str:
    """Return a value as error texts name it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = target.unit or (target.description and target.description.unit)
        return f"{as_text(value)} {unit or ''}".strip()
    return value if isinstance(value, str) else _compact(value)


def _compact(value: object) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


async def invoke_service(call: ServiceCall) -> ServiceResponse:
    """Invoke a service of some devices.

    A service that a device's model does not have is refused before anything is sent.
    """
    service_id, inputs = call.data["service_id"], call.data["inputs"]

    async def invoke(on: DeviceTarget) -> _Result:
        service = service_of(on, service_id)
        names = names_of(on.name, service_id, _compact(inputs))
        try:
            wire = inputs if service is None else wire_inputs(service, inputs)
        except EncodeError as err:
            record = Record.begin(on.asset_id, service_id, inputs, is_service=True)
            record.end(Outcome.REJECTED)
            error = invalid_value(err.reason, {**names, **err.placeholders})
            return _Result(on, record, error, given=False)
        try:
            record = await on.data.commands.async_invoke(
                on.asset_id,
                service_id,
                wire,
                context=call.context,
                names=names,
                timeout=call.data.get("timeout"),
                pending_ttl=call.data.get("pending_ttl"),
            )
        except WriteFailed as err:
            return _Result(on, err.record, err)
        return _Result(on, record)

    devices = device_targets(call.hass, call.data[ATTR_DEVICE_ID])
    for on in devices:
        service_of(on, service_id)
    results = await asyncio.gather(*(invoke(on) for on in devices))
    return await _answer(call, results)


async def _answer(call: ServiceCall, results: Iterable[_Result]) -> ServiceResponse:
    """Return what became of the commands; without a response to put it into, raise."""
    results = list(results)
    failed = [result.error for result in results if result.error is not None]
    wording = await async_wording(call.hass)
    if call.return_response:
        return {
            "commands": [
                result.as_dict(wording(result.error) if result.error else "")
                for result in results
            ]
        }
    if len(failed) == 1:
        raise failed[0]
    if failed:
        wrong = all(isinstance(err, ServiceValidationError) for err in failed)
        raise (ServiceValidationError if wrong else HomeAssistantError)(
            translation_domain=DOMAIN,
            translation_key="several_failed",
            translation_placeholders={
                "failed": str(len(failed)),
                "total": str(len(results)),
                "reasons": "\n".join(f"- {wording(err)}" for err in failed),
            },
        ) from failed[0]
    return None
