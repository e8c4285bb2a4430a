"""The actions about commands that were given: what became of them, and withdrawing them."""

from collections.abc import Iterable
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.json import JsonValueType

from .api.errors import EnosError, NotFoundError
from .api.models import Command, CommandState
from .const import DOMAIN
from .records import Mode, Outcome, Record
from .targets import DeviceTarget, device_target, problem, request_failed, utc_text

_RIGHT: Final = "Asset: Control"

# What EnOS's states are called among the outcomes; the states of the way are none.
_OUTCOMES: Final = {
    CommandState.CREATED: Outcome.QUEUED,
    CommandState.CANCELED: Outcome.CANCELLED,
    CommandState.EXPIRED: Outcome.EXPIRED,
    CommandState.SUCCEEDED: Outcome.SUCCEEDED,
    CommandState.FAILED: Outcome.FAILED,
    CommandState.TIMED_OUT: Outcome.NO_REPLY,
}


_WITHDRAWN: Final = frozenset({Outcome.CANCELLED.value, Outcome.SUPERSEDED.value})


def _record_of(on: DeviceTarget, command_id: str) -> Record | None:
    """Return our record of a command, by EnOS's id or by ours."""
    commands = on.data.commands
    for record in (*reversed(commands.journal.records), *commands.open):
        if record.asset_id == on.asset_id and command_id in (
            record.command_id,
            record.id,
        ):
            return record
    return None


def _shown(
    on: DeviceTarget, record: Record | None, command: Command | None
) -> dict[str, Any]:
    """Return what we and EnOS know of a command, the one or the other may know nothing."""
    if record is not None:
        shown = on.data.commands.journal.as_dict(record)
        shown["output"] = record.output
        shown["created"] = record.at.isoformat()
    else:
        shown = {
            "command": None,
            "entry_id": on.entry.entry_id,
            "device_id": on.device_id,
            "asset_id": on.asset_id,
            "outcome": None,
        }
    shown["state"] = None
    if command is None:
        return shown
    state = command.state
    shown["state"] = state.name.lower() if state is not None else None
    shown["created"] = utc_text(command.created) or shown.get("created")
    if record is None:
        shown |= {
            "measurepoint_id": None if command.is_service else command.identifier,
            "service_id": command.identifier if command.is_service else None,
            "value": command.value,
            "output": command.output,
            "command_id": command.command_id,
            "outcome": _OUTCOMES[state].value if state in _OUTCOMES else None,
        }
    elif record.output is None:
        shown["output"] = command.output
    return shown


async def get_command(call: ServiceCall) -> ServiceResponse:
    """Return what EnOS and we know of a command."""
    on = device_target(call.hass, call.data["device_id"])
    command_id = call.data["command_id"]
    record = _record_of(on, command_id)
    if record is not None:
        command_id = record.command_id
    command = await _look_up(on, command_id) if command_id else None
    if record is None and command is None:
        raise problem(
            translation_key="unknown_command", device=on.name, command=command_id
        )
    return _shown(on, record, command)


async def _look_up(on: DeviceTarget, command_id: str) -> Command | None:
    """Return a command as EnOS knows it, None for one that it does not know."""
    try:
        return await on.data.client.get_command(on.asset_id, command_id)
    except NotFoundError:
        return None
    except EnosError as err:
        raise request_failed(err, on.name, _RIGHT) from err


async def cancel_command(call: ServiceCall) -> ServiceResponse:
    """Withdraw commands that EnOS keeps for a device, those of others only if asked to."""
    on = device_target(call.hass, call.data["device_id"])
    everybody = call.data["all"]
    wanted: list[str] = call.data.get("command_id", [])
    try:
        if wanted:
            shown = await _cancel_some(on, dict.fromkeys(wanted), everybody=everybody)
        elif everybody:
            shown = await _cancel_all(on)
        else:
            records = on.data.commands.queued(on.asset_id)
            await on.data.commands.async_cancel(on.asset_id, records)
            shown = [_shown(on, record, None) for record in records]
    except EnosError as err:
        raise request_failed(err, on.name, _RIGHT) from err
    if call.return_response:
        return {"commands": list[JsonValueType](shown)}
    if left := [each for each in shown if each["outcome"] not in _WITHDRAWN]:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="not_cancelled",
            translation_placeholders={
                "device": on.name,
                "commands": ", ".join(
                    f"{each['command_id'] or each['command']} ({each['outcome']})"
                    for each in left
                ),
            },
        )
    return None


async def _cancel_some(
    on: DeviceTarget, wanted: Iterable[str], *, everybody: bool
) -> list[dict[str, Any]]:
    """Withdraw commands by their ids. Raises `EnosError`, and where one is not ours."""
    records = {id_: _record_of(on, id_) for id_ in wanted}
    for id_, record in records.items():
        if record is None and not everybody:
            raise problem(
                translation_key="not_our_command", device=on.name, command=id_
            )
    commands = on.data.commands
    await commands.async_cancel(
        on.asset_id,
        [
            record
            for record in records.values()
            # An unclear one may wait in EnOS as well.
            if record is not None
            and not record.final
            and record.mode is Mode.CACHED
            and record.command_id
        ],
    )
    shown = []
    for id_, record in records.items():
        command = None
        if record is None:
            try:
                await on.data.client.cancel_commands(on.asset_id, id_)
                command = await on.data.client.get_command(on.asset_id, id_)
            except NotFoundError as err:
                raise problem(
                    translation_key="unknown_command", device=on.name, command=id_
                ) from err
        shown.append(_shown(on, record, command))
    return shown


async def _cancel_all(on: DeviceTarget) -> list[dict[str, Any]]:
    """Withdraw whatever waits for a device. Raises `EnosError`."""
    client, commands = on.data.client, on.data.commands
    ours = commands.queued(on.asset_id)
    await commands.async_cancel(on.asset_id, ours)
    listed = await client.cancel_commands(on.asset_id)
    known = {record.command_id for record in ours}
    shown = [_shown(on, record, None) for record in ours]
    others = [
        command.command_id for command in listed if command.command_id not in known
    ]
    if others:
        # What `cancel` lists is as it was before.
        found = {
            item.command_id: item for item in await client.search_commands(on.asset_id)
        }
        shown += [
            _shown(
                on, None, found.get(id_) or await client.get_command(on.asset_id, id_)
            )
            for id_ in others
        ]
    return shown
