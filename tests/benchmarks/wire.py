"""Requests that are ready to send, when they reached the wire, and percentiles."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Sequence
import contextlib
from dataclasses import dataclass
import json
import math
import sys
import time
from typing import Any, override
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from scripts._develop import ROOT
from simulator.signing import encryption, params_text, sign

from .plant import Plant

TOKEN = "/apim-token-service/v2.0/token/get"
COMMANDS = "/connect-service/v2.1/commands"
"""Paths of the token service and of commands."""


def milliseconds() -> str:
    """Return the time as EnOS wants it: milliseconds since the epoch."""
    return str(int(time.time() * 1000))


async def token_of(plant: Plant) -> str:
    """Return the token of the application, the same that the integration gets."""
    now = milliseconds()
    body = {
        "appKey": plant.access_key,
        "encryption": encryption(plant.access_key, now, plant.secret_key),
        "timestamp": int(now),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(plant.url + TOKEN, json=body) as response,
    ):
        token: str = (await response.json())["data"]["accessToken"]
    return token


@dataclass(frozen=True, slots=True)
class Request:
    """A write with token and signature: good for five minutes."""

    asset_id: str
    point_id: str
    url: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def writing(
        cls, plant: Plant, token: str, asset_id: str, point_id: str, value: Any
    ) -> Request:
        """Sign the write of a value now; query and body are those of the integration."""
        query = [
            ("action", "setMeasurepoint"),
            ("measurepointId", point_id),
            ("assetId", asset_id),
            ("pendingTtl", "0"),
            ("timeout", "30"),
            ("orgId", plant.org_id),
        ]
        body = json.dumps({"value": value}, separators=(",", ":")).encode()
        now = milliseconds()
        headers = {
            "apim-accesstoken": token,
            "apim-signature": sign(
                token, params_text(query), body, now, plant.secret_key
            ),
            "apim-timestamp": now,
            "content-type": "application/json",
        }
        text = "&".join(f"{name}={value}" for name, value in query)
        return cls(asset_id, point_id, f"{plant.url}{COMMANDS}?{text}", headers, body)

    def as_rest_command(self) -> dict[str, Any]:
        """Return the `rest_command` that sends it; its texts are static templates."""
        headers = dict(self.headers)
        return {
            "url": self.url,
            "method": "post",
            "content_type": headers.pop("content-type"),
            "headers": headers,
            "payload": self.body.decode(),
            "timeout": 70,
        }


# Percentiles.


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that so large a share (0 to 1) does not exceed; NaN for no values."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def spread(values: Sequence[float], *, most: bool = False) -> str:
    """Return p50, p95, p99 (and the most) of seconds, as text in ms."""
    if not values:
        return "0 values"
    shown = [percentile(values, share) for share in (0.5, 0.95, 0.99)]
    if most:
        shown.append(max(values))
    return f"{' / '.join(f'{value * 1000:.1f}' for value in shown)} ms"


# The tap.


@dataclass(frozen=True, slots=True)
class Seen:
    """A write that passed the tap: device, point, and when (s since the epoch)."""

    asset_id: str
    point_id: str
    at: float


class Tap:
    """A process before the plant that hands bytes on and notes when a write came.

    A plant that answers a poll, or has its points change, looks at what else arrived only
    afterwards; the tap looks at once.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        """Take over a running process."""
        self._process = process
        self.url = url

    @classmethod
    @contextlib.asynccontextmanager
    async def before(cls, plant: Plant) -> AsyncIterator[Tap]:
        """Stand before a plant, whose address is the tap's meanwhile."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.wire"),
            str(urlsplit(plant.url).port),
            stdin=PIPE,
            stdout=PIPE,
            limit=16 * 1024 * 1024,
            cwd=ROOT,
        )
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None
        direct = plant.url
        try:
            plant.url = f"http://127.0.0.1:{int(await stdout.readline())}"
            yield cls(process, plant.url)
        finally:
            plant.url = direct
            stdin.close()
            await process.wait()

    async def seen(self) -> list[Seen]:
        """Return the writes since the last question."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(b"\n")
        return [Seen(*each) for each in json.loads(await stdout.readline())]


class _Side(asyncio.Protocol):
    """One end of a connection; what comes in here goes out at the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class _Client(_Side):
    """The end at which requests come in."""

    def __init__(self, port: int, noted: list[tuple[str, str, float]]) -> None:
        super().__init__()
        self._port = port
        self._noted = noted
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._task = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        _, side = await asyncio.get_running_loop().create_connection(
            _Side, "127.0.0.1", self._port
        )
        side.other = self
        self.other = side
        for data in self._early:
            super().data_received(data)

    @override
    def data_received(self, data: bytes) -> None:
        now = time.time()
        if data.startswith(b"POST ") and b"action=setMeasurepoint" in data:
            target = data.split(b" ", 2)[1].decode()
            query = dict(parse_qsl(urlsplit(target).query))
            self._noted.append((query["assetId"], query["measurepointId"], now))
        if self.other is None:
            self._early.append(data)
        else:
            super().data_received(data)


async def _main(port: int) -> None:
    noted: list[tuple[str, str, float]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(port, noted), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    questions = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(questions), sys.stdin
    )
    while await questions.readline():
        print(json.dumps(noted), flush=True)
        noted.clear()
    server.close()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
