"""The connect service's commands: set, invoke, get, search and cancel."""

from collections.abc import Mapping
import time
from typing import TYPE_CHECKING, Any

from .calls import Call, Endpoint, Result
from .commands import Command
from .connect_service import BASE, LARGEST_PAGE, LIST_FIELDS
from .expressions import Field, compile_expression, field
from .listing import known_fields, project, read_page, read_projection
from .refusals import Denied, InvalidArgument, NotFound, Refusal
from .values import Misfit, check, range_misfit, read_definition

if TYPE_CHECKING:
    from .simulator import Simulator

ASSET_CONTROL = "Asset: Control"
LONGEST_TTL = 172800


def _guard(sim: Simulator, call: Call) -> None:
    """Refuse an asset that the application must not control."""
    if call.device.asset_id in sim.forbidden_assets:
        raise Denied(f"assetId {call.device.asset_id}", "the asset is forbidden")


def _misfit(sim: Simulator, argument: str, detail: str) -> Refusal:
    """Return the refusal of a wrong measurepoint or value (guess G9)."""
    if sim.guesses.G9 == "11795":
        return Refusal(
            11795,
            sim.command_center.refusal(11795).msg,
            why=f"{argument}: {detail}",
            client_error=True,
        )
    return Refusal(
        int(sim.guesses.G9),
        f"Invalid Argument {argument}:  {detail}",
        client_error=True,
    )


async def _finish(command: Command) -> None:
    """Wait for the end of an instant command; raise what went wrong."""
    if command.answer is None:
        return
    refusal = await command.answer
    if refusal is not None:
        raise refusal


async def set_measurepoint(sim: Simulator, call: Call) -> Result:
    """Answer commands?action=setMeasurepoint."""
    pending_ttl = call.number("pendingTtl", 0, LONGEST_TTL, 0)
    timeout = call.number("timeout", 1, 60, 30)
    known_fields(call.body, "value")
    if "value" not in call.body:
        raise InvalidArgument("value", "value is missing")
    _guard(sim, call)
    device, point = call.device, call.params["measurepointId"]
    known = sim.measurepoint(device, point)
    if known is None:
        raise _misfit(sim, "measurepointId", f"{point} does not exist")
    raw, data_type, definition = known
    value = call.body["value"]
    try:
        held = check(value, data_type, definition)
    except Misfit as misfit:
        raise _misfit(sim, "value", f"{point}: {misfit}") from misfit
    limits = sim.catalog.get((device.model_id, point))
    if limits is not None:
        problem = range_misfit(held, limits.low, limits.high)
        if problem is not None:
            raise _misfit(sim, "value", f"{point}: {problem}")
    command = sim.command_center.submit(
        device,
        command_type=1,
        identifier=point,
        value=value,
        held=held,
        name=raw["name"],
        pending_ttl=pending_ttl,
        timeout=timeout,
    )
    await _finish(command)
    return Result({"commandId": command.command_id})


async def invoke_service(sim: Simulator, call: Call) -> Result:
    """Answer commands?action=invokeService."""
    pending_ttl = call.number("pendingTtl", 0, LONGEST_TTL, 0)
    timeout = call.number("timeout", 1, 60, 30)
    known_fields(call.body, "inputData")
    _guard(sim, call)
    device = call.device
    services = sim.models[device.model_id].get("services") or {}
    service = services.get(call.params["serviceId"])
    if service is None:
        raise _misfit(sim, "serviceId", f"{call.params['serviceId']} does not exist")
    given = call.body.get("inputData", {})
    if not isinstance(given, dict):
        raise _misfit(sim, "inputData", "must be an object")
    inputs = {item["identifier"]: item for item in service["inputData"]}
    for name in {*given, *inputs}:
        if name not in inputs or name not in given:
            raise _misfit(sim, "inputData", f"{name} is missing or not known")
    try:
        held = {
            name: check(
                value,
                inputs[name]["dataType"],
                read_definition(inputs[name].get("dataDefinition")),
            )
            for name, value in given.items()
        }
    except Misfit as misfit:
        raise _misfit(sim, "inputData", str(misfit)) from misfit
    command = sim.command_center.submit(
        device,
        command_type=2,
        identifier=call.params["serviceId"],
        value=given,
        held=held,
        name=service["name"],
        pending_ttl=pending_ttl,
        timeout=timeout,
    )
    await _finish(command)
    data: dict[str, Any] = {"commandId": command.command_id}
    if not command.cached:
        data["outputData"] = command.output
    return Result(data)


async def get_command(sim: Simulator, call: Call) -> Result:
    """Answer commands?action=get."""
    _guard(sim, call)
    return Result(_find(sim, call).struct(number=False))


def _find(sim: Simulator, call: Call) -> Command:
    command = sim.command_center.find(call.params["commandId"])
    if command is None or command.asset_id != call.device.asset_id:
        raise NotFound("command does not exist")
    return command


def _names(command: Command, path: str) -> tuple[str, ...]:
    texts = command.name.get("i18nValue") or {}
    return (texts.get(path.partition(".")[2]) or "",)


COMMAND_FIELDS: Mapping[str, Field] = {
    "state": field("=", lambda command, _: command.state),
    "commandName.zh_CN": field("like", _names),
    "commandName.en_US": field("like", _names),
    "createTime": field("= > <", lambda command, _: command.local()),
}


def _check_times(expression: Any) -> None:
    """Refuse times that are not written as documented."""
    if not isinstance(expression, str) or "createTime" not in expression:
        return
    for part in expression.split("createTime")[1:]:
        text = part.lstrip(" =><").partition(" and ")[0].partition(" or ")[0]
        try:
            time.strptime(text.strip().strip("'\""), "%Y-%m-%d %H:%M:%S")
        except ValueError as error:
            raise InvalidArgument(
                "expression", "  createTime is compared with yyyy-MM-dd HH:mm:ss"
            ) from error


async def search_commands(sim: Simulator, call: Call) -> Result:
    """Answer commands?action=search."""
    _guard(sim, call)
    body = call.body
    known_fields(body, *LIST_FIELDS)
    wanted = compile_expression(body.get("expression"), COMMAND_FIELDS)
    _check_times(body.get("expression"))
    page = read_page(
        body.get("pagination"),
        default=100,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
    )
    trie = read_projection(body.get("projection"))
    commands = [
        command
        for command in sim.command_center.of_device(call.device)
        if wanted is None or wanted(command)
    ]
    return Result(
        [project(command.struct(number=True), trie) for command in page.of(commands)],
        page.pagination(len(commands)),
    )


async def cancel_commands(sim: Simulator, call: Call) -> Result:
    """Answer commands?action=cancel.

    The structs are a snapshot from before, as the documented sample shows. A
    command that waits no more is not an error: the list is then empty.
    """
    _guard(sim, call)
    known_fields(call.body)
    if "commandId" in call.params:
        _find(sim, call)
    gone = sim.command_center.cancel(call.device, call.params.get("commandId"))
    return Result([command.struct(number=False, state=1) for command in gone])


_SEND_OPTIONS = frozenset({"pendingTtl", "timeout"})

COMMAND_ENDPOINTS = (
    Endpoint(
        f"{BASE}/commands",
        "setMeasurepoint",
        "POST",
        ASSET_CONTROL,
        set_measurepoint,
        required=frozenset({"measurepointId"}),
        optional=_SEND_OPTIONS,
        device=True,
    ),
    Endpoint(
        f"{BASE}/commands",
        "invokeService",
        "POST",
        ASSET_CONTROL,
        invoke_service,
        required=frozenset({"serviceId"}),
        optional=_SEND_OPTIONS,
        device=True,
    ),
    Endpoint(
        f"{BASE}/commands",
        "get",
        "GET",
        ASSET_CONTROL,
        get_command,
        required=frozenset({"commandId"}),
        body="none",
        device=True,
    ),
    Endpoint(
        f"{BASE}/commands",
        "search",
        "POST",
        ASSET_CONTROL,
        search_commands,
        device=True,
    ),
    Endpoint(
        f"{BASE}/commands",
        "cancel",
        "POST",
        ASSET_CONTROL,
        cancel_commands,
        optional=frozenset({"commandId"}),
        body="optional",
        device=True,
    ),
)
