"""The admin port: controls for people and for tests of another process."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from aiohttp import web
import orjson

from .devices import STATUSES, Behaviour, SimDevice
from .points import JsonObject
from .values import Json, is_integer, parse_body

if TYPE_CHECKING:
    from .simulator import Simulator

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_LIMIT = 200


class _Wrong(Exception):
    """A request to the admin port that makes no sense."""


def _reply(content: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(content, option=orjson.OPT_INDENT_2, default=str),
        status=status,
        content_type="application/json",
    )


@web.middleware
async def _guard(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Keep web pages of elsewhere out, and tell what was wrong."""
    host = request.host.rpartition(":")[0] or request.host
    if host not in LOOPBACK_NAMES or "Origin" in request.headers:
        return _reply({"error": "for this machine only"}, 403)
    try:
        return await handler(request)
    except _Wrong as error:
        return _reply({"error": str(error)}, 400)


async def _body(request: web.Request, *names: str) -> JsonObject:
    """Return the JSON object of a request; with names, nothing else may be in it."""
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise _Wrong("the content type must be application/json")
    try:
        body = parse_body(raw)
    except ValueError as error:
        raise _Wrong(f"no JSON: {error}") from error
    if not isinstance(body, dict):
        raise _Wrong("not a JSON object")
    if names and (unknown := set(body) - set(names)):
        raise _Wrong(f"not known: {', '.join(sorted(unknown))}")
    return body


class Admin:
    """Listens on loopback for controls."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        """Note where to listen."""
        self._sim = simulator
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Return the address, once there is one."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen."""
        if self._runner is not None:
            return
        app = web.Application(middlewares=[_guard])
        app.add_routes(
            [
                web.get("/", self.index),
                web.get("/devices/{asset_id}", self.show_device),
                web.patch("/devices/{asset_id}", self.change_device),
                web.delete("/devices/{asset_id}", self.remove_device),
                web.post("/devices", self.add_device),
                web.get("/faults", self.list_faults),
                web.post("/faults", self.add_fault),
                web.delete("/faults", self.clear_faults),
                web.post("/report", self.report),
                web.post("/put", self.put),
                web.get("/requests", self.list_requests),
                web.get("/rejections", self.list_rejections),
                web.get("/commands", self.list_commands),
                web.get("/writes", self.list_writes),
                web.patch("/rights", self.change_rights),
                web.patch("/gateway", self.change_gateway),
                web.post("/step", self.step),
                web.post("/token/expire", self.expire_tokens),
                web.post("/token/revoke", self.revoke_token),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    # ------------------------------------------------------------ devices

    def _device(self, request: web.Request) -> SimDevice:
        device = self._sim.devices.get(request.match_info["asset_id"])
        if device is None:
            raise _Wrong("there is no such device")
        return device

    def _summary(self, device: SimDevice) -> JsonObject:
        normal = asdict(Behaviour())
        behaviour = asdict(device.behaviour)
        return {
            "asset_id": device.asset_id,
            "kind": device.kind.key,
            "name": device.name["i18nValue"],
            "product_key": device.product_key,
            "device_key": device.device_key,
            "model_id": device.model_id,
            "parent": device.parent_id,
            "gateway": self._sim.topology.get(device.asset_id),
            "status": device.status,
            "behaviour": {
                name: value
                for name, value in behaviour.items()
                if value != normal[name]
            },
        }

    async def index(self, request: web.Request) -> web.Response:
        """Show everything at a glance."""
        sim = self._sim
        return _reply(
            {
                "url": sim.url,
                "org_id": sim.org_id,
                "access_key": sim.access_key,
                "secret_key": sim.secret_key,
                "guesses": asdict(sim.guesses),
                "clock_offset": sim.clock_offset,
                "time_scale": sim.time_scale,
                "rights": sorted(sim.rights),
                "forbidden_assets": sorted(sim.forbidden_assets),
                "faults": [fault.as_dict() for fault in sim.faults],
                "requests": len(sim.requests),
                "rejections": len(sim.rejections),
                "commands": len(sim.commands),
                "writes": len(sim.writes),
                "products": {
                    key: product["productName"]["i18nValue"]
                    for key, product in sim.products.items()
                },
                "devices": [self._summary(device) for device in sim.devices.values()],
            }
        )

    async def show_device(self, request: web.Request) -> web.Response:
        """Show a device with all that it holds."""
        device = self._device(request)
        return _reply(
            {
                **self._summary(device),
                "behaviour": asdict(device.behaviour),
                "values": device.values,
                "connect_latest": device.connect_latest,
                "tsdb_latest": device.tsdb(self._sim.agenda.now),
            }
        )

    async def change_device(self, request: web.Request) -> web.Response:
        """Change a device: its status, behaviour, name, key, model, place, gateway."""
        device = self._device(request)
        moves = ("device_key", "kind", "parent", "gateway")
        body = await _body(request, "status", "behaviour", "name", *moves)
        status = body.get("status", device.status)
        if status not in STATUSES:
            raise _Wrong(f"status is one of {', '.join(STATUSES)}")
        behaviour = body.get("behaviour", {})
        if not isinstance(behaviour, dict):
            raise _Wrong("behaviour must be an object")
        normal = Behaviour()
        names = {field.name for field in fields(Behaviour)}
        for name, value in behaviour.items():
            if name not in names:
                raise _Wrong(f"behaviour has no {name}")
            kind = type(getattr(normal, name))
            if kind is float and isinstance(value, int):
                kind = int
            if name == "reject_code":
                kind = int if value is not None else type(None)
            if type(value) is not kind:
                raise _Wrong(f"{name} has the wrong type")
        name = body.get("name")
        if name is not None:
            if not isinstance(name, dict) or not isinstance(name.get("en"), str):
                raise _Wrong("name needs en, and may have zh")
            self._sim.rename_device(device.asset_id, name["en"], name.get("zh"))
        try:
            self._move(device, body)
        except ValueError as error:
            raise _Wrong(str(error)) from error
        for key, value in behaviour.items():
            setattr(device.behaviour, key, value)
        device.status = status
        return _reply(self._summary(device))

    def _move(self, device: SimDevice, body: JsonObject) -> None:
        """Change what a device is known by, and where it stands."""
        sim, asset_id = self._sim, device.asset_id
        if "device_key" in body:
            sim.rekey_device(asset_id, str(body["device_key"]))
        if "kind" in body:
            sim.remodel_device(asset_id, str(body["kind"]))
        if "parent" in body:
            sim.move_device(asset_id, str(body["parent"]))
        if "gateway" in body and body["gateway"] is None:
            sim.detach(asset_id)
        elif "gateway" in body:
            sim.attach(str(body["gateway"]), asset_id)

    async def add_device(self, request: web.Request) -> web.Response:
        """Add a device of a kind."""
        body = await _body(request, "kind")
        try:
            device = self._sim.add_device(str(body.get("kind")))
        except ValueError as error:
            raise _Wrong(str(error)) from error
        return _reply(self._summary(device), 201)

    async def remove_device(self, request: web.Request) -> web.Response:
        """Remove a device."""
        self._sim.remove_device(self._device(request).asset_id)
        return _reply({})

    async def report(self, request: web.Request) -> web.Response:
        """Let a device post samples."""
        body = await _body(request, "asset_id", "values", "time")
        device = self._sim.devices.get(str(body.get("asset_id")))
        if device is None or not isinstance(body.get("values"), dict):
            raise _Wrong("needs the asset_id of a device, and values")
        try:
            await self._sim.report(device, body["values"], time_ms=body.get("time"))
        except ValueError as error:
            raise _Wrong(str(error)) from error
        return _reply({})

    async def put(self, request: web.Request) -> web.Response:
        """Let the services give a JSON text, of whatever kind, as a value."""
        body = await _body(request, "asset_id", "point", "json", "time")
        asset_id, point, text = (
            body.get(name) for name in ("asset_id", "point", "json")
        )
        when = body.get("time")
        if not isinstance(text, str) or (when is not None and not is_integer(when)):
            raise _Wrong("json is a text, time an integer")
        try:
            self._sim.put(str(asset_id), str(point), Json(text), when)
        except ValueError as error:
            raise _Wrong(str(error)) from error
        return _reply({})

    # ------------------------------------------------------------ gateway

    async def list_faults(self, request: web.Request) -> web.Response:
        """Show the faults."""
        return _reply([fault.as_dict() for fault in self._sim.faults])

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add a fault."""
        body = await _body(request)
        kind = body.pop("kind", None)
        try:
            fault = self._sim.faults.add(kind, **body)
        except (TypeError, ValueError) as error:
            raise _Wrong(str(error)) from error
        return _reply(fault.as_dict(), 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take all faults away."""
        self._sim.faults.clear()
        return _reply({})

    async def change_rights(self, request: web.Request) -> web.Response:
        """Set the application's rights, or the assets it must not touch."""
        sim = self._sim
        body = await _body(request, "add", "remove", "rights", "forbidden_assets")
        for value in body.values():
            if not isinstance(value, list):
                raise _Wrong("lists of texts are needed")
        if "rights" in body:
            sim.rights = set(body["rights"])
        sim.rights.update(body.get("add", ()))
        sim.rights.difference_update(body.get("remove", ()))
        if "forbidden_assets" in body:
            sim.forbidden_assets = set(body["forbidden_assets"])
        return _reply(
            {
                "rights": sorted(sim.rights),
                "forbidden_assets": sorted(sim.forbidden_assets),
            }
        )

    async def change_gateway(self, request: web.Request) -> web.Response:
        """Set the gateway's clock or the speed of physics, pull or put the plug."""
        sim = self._sim
        body = await _body(request, "clock_offset", "time_scale", "listening")
        for name in ("clock_offset", "time_scale"):
            if name in body:
                if type(body[name]) not in (int, float):
                    raise _Wrong(f"{name} must be a number")
                setattr(sim, name, float(body[name]))
        if "listening" in body:
            await (sim.gateway.start() if body["listening"] else sim.gateway.stop())
        return _reply({"clock_offset": sim.clock_offset, "time_scale": sim.time_scale})

    async def step(self, request: web.Request) -> web.Response:
        """Move the physics by hand."""
        body = await _body(request, "seconds")
        seconds = body.get("seconds")
        if (
            not isinstance(seconds, (int, float))
            or isinstance(seconds, bool)
            or not 0 <= seconds <= 30 * 86400
        ):
            raise _Wrong("seconds must be 0..2592000")
        self._sim.step(float(seconds))
        return _reply({})

    async def expire_tokens(self, request: web.Request) -> web.Response:
        """Let the present token expire."""
        await self._sim.expire_tokens()
        return _reply({})

    async def revoke_token(self, request: web.Request) -> web.Response:
        """Forget the present token."""
        self._sim.revoke_token()
        return _reply({})

    # ------------------------------------------------------------ records

    def _newest(self, request: web.Request, history: list[Any]) -> list[Any]:
        limit = request.query.get("limit", str(DEFAULT_LIMIT))
        if not limit.isdecimal():
            raise _Wrong("limit must be a number")
        return history[-int(limit) :] if int(limit) else []

    async def list_requests(self, request: web.Request) -> web.Response:
        """Show the last requests."""
        newest = self._newest(request, self._sim.requests)
        return _reply([record.as_dict() for record in newest])

    async def list_rejections(self, request: web.Request) -> web.Response:
        """Show the last requests that no good client sends."""
        return _reply(self._newest(request, self._sim.rejections))

    async def list_commands(self, request: web.Request) -> web.Response:
        """Show the last commands with their states."""
        return _reply(
            [
                {
                    **command.struct(number=True),
                    "history": command.history,
                    "code": command.code,
                }
                for command in self._newest(request, self._sim.commands)
            ]
        )

    async def list_writes(self, request: web.Request) -> web.Response:
        """Show the last values that reached a device."""
        return _reply(self._newest(request, self._sim.writes))
