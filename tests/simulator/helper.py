"""A small client that signs as the documentation says, and can do it wrong."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
import json
import time
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from simulator import SimDevice, Simulator

CONNECT = "/connect-service/v2.1"
DEVICES = f"{CONNECT}/devices"
PRODUCTS = f"{CONNECT}/products"
MEASUREPOINTS = f"{CONNECT}/measurepoints"
COMMANDS = f"{CONNECT}/commands"
MODELS = "/model-service/v2.1/thing-models"
LATEST = "/tsdb-service/v2.1/latest"
TREES = "/asset-tree-service/v2.1/asset-trees"
NODES = "/asset-tree-service/v2.1/asset-nodes"
PATHS = "/asset-tree-service/v2.1/asset-paths"
ASSETS = "/asset-service/v2.1/assets"
TOKEN = "/apim-token-service/v2.0/token"


@dataclass
class Reply:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.text)

    @property
    def code(self) -> int:
        """Return the code of the envelope."""
        return int(self.json["code"])

    @property
    def data(self) -> Any:
        """Return the data of a reply that is well."""
        parsed = self.json
        assert parsed["code"] == 0, parsed
        return parsed["data"]


def digest(*parts: str | bytes) -> str:
    """Return the hash of some parts, one after the other."""
    whole = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
    return sha256(whole).hexdigest()


@dataclass
class Client:
    """Calls the gateway of a simulator."""

    sim: Simulator
    session: ClientSession
    token: str = ""
    # What a test wants done wrong.
    headers: dict[str, str] = field(default_factory=dict)
    last_stamp: int = 0

    def now(self) -> int:
        """Return a time in ms that is never the same twice."""
        self.last_stamp = max(self.last_stamp + 1, int(time.time() * 1000))
        return self.last_stamp

    async def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request as it is."""
        async with self.session.request(
            method,
            URL(self.sim.url + target, encoded=True),
            data=body,
            headers=headers,
            skip_auto_headers=("Content-Type",),
        ) as response:
            return Reply(response.status, await response.text(), response.headers)

    async def token_call(self, which: str, body: Any, **headers: str) -> Reply:
        """Call the token service with any body."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send(
            "POST",
            f"{TOKEN}/{which}",
            content,
            {"Content-Type": "application/json;charset=UTF-8", **headers},
        )

    def credentials(self, **changes: Any) -> dict[str, Any]:
        """Return the body of a token call."""
        stamp = changes.pop("timestamp", self.now())
        return {
            "appKey": self.sim.access_key,
            "encryption": digest(self.sim.access_key, str(stamp), self.sim.secret_key),
            "timestamp": stamp,
            **changes,
        }

    async def log_in(self) -> dict[str, Any]:
        """Get a token and use it from now on."""
        reply = await self.token_call("get", self.credentials())
        assert reply.json["status"] == 0, reply.text
        data: dict[str, Any] = reply.json["data"]
        self.token = data["accessToken"]
        return data

    def signed(
        self, params: Mapping[str, str], body: bytes, stamp: int | None = None
    ) -> dict[str, str]:
        """Return the headers of a signed call."""
        text = str(self.now() if stamp is None else stamp)
        joined = "".join(key + params[key] for key in sorted(params))
        return {
            "apim-accesstoken": self.token,
            "apim-timestamp": text,
            "apim-signature": digest(
                self.token, joined, body, text, self.sim.secret_key
            ),
        }

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        stamp: int | None = None,
        org: str | None = None,
    ) -> Reply:
        """Make a signed call."""
        query = {"orgId": org or self.sim.org_id, **(params or {})}
        if not isinstance(body, bytes):
            body = b"" if body is None else json.dumps(body).encode()
        headers = self.signed(query, body, stamp)
        if body:
            headers["Content-Type"] = "application/json"
        target = "&".join(f"{quote(key)}={quote(query[key])}" for key in query)
        return await self.send(
            method, f"{path}?{target}", body or None, {**headers, **self.headers}
        )

    # ------------------------------------------------------------ shortcuts

    async def get(self, path: str, **params: str) -> Reply:
        """Make a get call."""
        return await self.call("GET", path, {"action": "get", **params})

    async def search(self, path: str, body: Any = None, **params: str) -> Reply:
        """Make a search call."""
        return await self.call("POST", path, {"action": "search", **params}, body or {})

    async def set(
        self, device: SimDevice, point: str, value: Any, **params: str
    ) -> Reply:
        """Write a value."""
        return await self.call(
            "POST",
            COMMANDS,
            {
                "action": "setMeasurepoint",
                "assetId": device.asset_id,
                "measurepointId": point,
                **params,
            },
            {"value": value},
        )

    async def latest(self, devices: list[SimDevice], points: str, **body: Any) -> Reply:
        """Read the time series."""
        return await self.call(
            "POST",
            LATEST,
            {},
            {
                "assetIds": ",".join(device.asset_id for device in devices),
                "pointIds": points,
                **body,
            },
        )

    async def tsdb(self, device: SimDevice, point: str) -> Any:
        """Return the value of a point in the time series; None without one."""
        items = (await self.latest([device], point)).data["items"]
        return items[0][point] if items else None

    async def query(self, device: SimDevice, *points: str) -> Reply:
        """Ask the connect service for values."""
        return await self.call(
            "POST",
            MEASUREPOINTS,
            {"action": "queryLatest", "assetId": device.asset_id},
            {"measurepointIds": list(points)} if points else None,
        )

    async def value(self, device: SimDevice, point: str) -> Any:
        """Return the value of a point at the connect service; None without one."""
        data = (await self.query(device, point)).data
        return data[0]["value"] if data else None


async def until(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.005)


def states(sim: Simulator) -> list[list[int]]:
    """Return the states that each command had."""
    return [[state for state, _ in command.history] for command in sim.commands]


async def command_call(
    client: Client, device: SimDevice, action: str, body: Any = None, **params: str
) -> Reply:
    """Get, search or cancel commands of a device."""
    return await client.call(
        "GET" if action == "get" else "POST",
        COMMANDS,
        {"action": action, "assetId": device.asset_id, **params},
        body,
    )
