"""Helpers of the client's tests: gateways that misbehave, clocks that are moved by hand."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
import hashlib
import json
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl, unquote

import aiohttp
from aiohttp import web
import orjson

from custom_components.enos.api.client import EnosClient
from simulator import Simulator

ORG_ID = "o15724268424841"
ACCESS_KEY = "5acb82e7-a11e-4300-9164-c8b20b638e8b"
SECRET_KEY = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
TOKEN = "APP_PORTAL_S_exampletoken0123456789"

LATEST_PATH = "/tsdb-service/v2.1/latest"
TOKEN_PATH = "/apim-token-service/v2.0/token/"

type Json = dict[str, Any]
type Answer = Json | web.Response
type Responder = Callable[[Exchange], Answer]


def client_of(
    sim: Simulator, session: aiohttp.ClientSession, **changes: Any
) -> EnosClient:
    """Return a client for the simulator; `changes` replace single arguments."""
    arguments: dict[str, Any] = {
        "url": sim.url,
        "org_id": sim.org_id,
        "access_key": sim.access_key,
        "secret_key": sim.secret_key,
        **changes,
    }
    return EnosClient(session, **arguments)


def token_calls(sim: Simulator) -> list[str]:
    """Return the actions of all requests to the token service, in order."""
    return [
        record.path.rsplit("/", 1)[1]
        for record in sim.requests
        if record.path.startswith(TOKEN_PATH)
    ]


def calls(sim: Simulator, part: str, action: str | None = None) -> int:
    """Return how many requests went to a path with this part."""
    return sum(
        part in record.path and action in (None, record.action)
        for record in sim.requests
    )


def age_token(sim: Simulator, seconds: float) -> None:
    """Let the gateway's tokens grow older at once."""
    for token in sim.tokens._valid.values():
        token.ends -= seconds


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def read(sim: Simulator, client: EnosClient) -> None:
    """Perform a read that needs a token."""
    device = sim.device("fcu")
    assert await client.query_latest(device.asset_id, ["power"])


def token_reply(token: str, expire: Any = 7200) -> Json:
    """Return a reply of the token service."""
    data = {"accessToken": token, "expire": expire}
    return {"status": 0, "msg": "SUCCESS", "data": data}


def refusal(code: int) -> Json:
    """Return a refusal of the token service."""
    return {"status": code, "msg": "no", "data": None}


def token_actions(gateway: Scripted) -> list[str]:
    """Return the actions that the token service was asked for, in order."""
    return [
        exchange.path.rsplit("/", 1)[1]
        for exchange in gateway.exchanges
        if TOKEN_PATH in exchange.path
    ]


def ok(data: Any = None, **more: Any) -> Json:
    """Return the envelope of a success."""
    return {"code": 0, "msg": "OK", "requestId": "1", "data": data, **more}


@dataclass(slots=True)
class Exchange:
    """A request as it came over the wire."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """Return the decoded query."""
        pairs = parse_qsl(
            self.raw_query, keep_blank_values=True, strict_parsing=bool(self.raw_query)
        )
        assert len(dict(pairs)) == len(pairs), "a parameter is given twice"
        return dict(pairs)

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)

    def signed_well(self, secret_key: str = SECRET_KEY) -> bool:
        """Compute the signature from the bytes that arrived, and compare."""
        params = {
            unquote(name): unquote(value)
            for name, _, value in (
                part.partition("=") for part in self.raw_query.split("&")
            )
        }
        joined = "".join(name + params[name] for name in sorted(params)).encode()
        digest = hashlib.sha256(
            self.headers["apim-accesstoken"].encode()
            + joined
            + self.body
            + self.headers["apim-timestamp"].encode()
            + secret_key.encode()
        )
        return digest.hexdigest() == self.headers["apim-signature"]


@dataclass
class Scripted:
    """A gateway that answers what a test says.

    `answer` is asked for business calls, `answer_token` for those of the token service; each
    returns JSON or a response of aiohttp.
    """

    answer: Responder = lambda _: ok()
    answer_token: Responder = lambda _: {
        "status": 0,
        "data": {"accessToken": TOKEN, "expire": 7200},
    }
    exchanges: list[Exchange] = field(default_factory=list)
    url: str = ""
    _runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the port and all connections."""
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        exchange = Exchange(
            request.method,
            path,
            query,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        self.exchanges.append(exchange)
        of_token = TOKEN_PATH in path
        answer = (self.answer_token if of_token else self.answer)(exchange)
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(body=orjson.dumps(answer))

    @property
    def business(self) -> list[Exchange]:
        """Return the requests that were not for the token service."""
        return [each for each in self.exchanges if TOKEN_PATH not in each.path]

    def client(self, session: aiohttp.ClientSession, **changes: Any) -> EnosClient:
        """Return a client of this gateway."""
        arguments: dict[str, Any] = {
            "url": self.url,
            "org_id": ORG_ID,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            **changes,
        }
        return EnosClient(session, **arguments)


def in_turn(answers: Sequence[Answer]) -> Responder:
    """Return a responder that gives one answer after the other, the last one for ever."""
    left: Iterator[Answer] = iter(answers)
    last: list[Answer] = []

    def respond(_: Exchange) -> Answer:
        last[:] = [next(left, *last)]
        return last[0]

    return respond


class RawServer:
    """Reads one HTTP request a connection and answers with bytes, then hangs up.

    The requests of the token service get a token; for others `replies` are used in turn.
    """

    def __init__(self, *replies: bytes) -> None:
        """Note what to say."""
        self.replies = list(replies)
        self.requests: list[bytes] = []
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the port."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        await reader.readexactly(length)
        if TOKEN_PATH.encode() in head:
            token: Json = {"accessToken": TOKEN, "expire": 7200}
            content = orjson.dumps({"status": 0, "data": token})
            writer.write(http_reply(content))
        else:
            self.requests.append(head)
            writer.write(
                self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def http_reply(content: bytes, *, length: int | None = None) -> bytes:
    """Return a reply of HTTP 200, which may claim a wrong length."""
    size = len(content) if length is None else length
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % size
    ) + content


class Hurried:
    """A session for the client that gives up sooner than the client asks it to.

    It notes the timeouts that the client asked for; everything else is the real session.
    """

    def __init__(
        self, session: aiohttp.ClientSession, total: float = 0.4, connect: float = 5.0
    ) -> None:
        """Wrap a session."""
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=total, connect=connect)
        self.totals: list[float] = []
        self.connects: list[float] = []

    @property
    def closed(self) -> bool:
        """Tell whether the session is closed."""
        return self._session.closed

    def request(self, method: str, url: Any, **options: Any) -> Any:
        """Pass a request on, with less time."""
        timeout: aiohttp.ClientTimeout = options.pop("timeout")
        assert timeout.total is not None
        assert timeout.connect is not None
        self.totals.append(timeout.total)
        self.connects.append(timeout.connect)
        return self._session.request(
            method,
            url,
            timeout=self._timeout,
            **options,
        )

    @property
    def session(self) -> aiohttp.ClientSession:
        """Return this as what the client takes it for."""
        return cast("aiohttp.ClientSession", self)


class Clocks:
    """Stands for the `time` module in `auth`, with clocks that can be moved."""

    def __init__(self, real: Any) -> None:
        """Start at the present time."""
        self._real = real
        self.wall_offset = 0.0
        self.passed = 0.0

    def time(self) -> float:
        """Return the wall clock's time."""
        return float(self._real.time()) + self.wall_offset

    def monotonic(self) -> float:
        """Return the monotonic clock's time."""
        return float(self._real.monotonic()) + self.passed


class Trace:
    """Notes what a session sends, by aiohttp's own tracing."""

    def __init__(self) -> None:
        """Start without requests."""
        self.paths: list[str] = []
        self.timestamps: list[int] = []
        self.tokens: list[str] = []

    async def _started(
        self,
        _session: aiohttp.ClientSession,
        _context: Any,
        params: aiohttp.TraceRequestStartParams,
    ) -> None:
        self.paths.append(params.url.path)
        if "apim-timestamp" in params.headers:
            self.timestamps.append(int(params.headers["apim-timestamp"]))
            self.tokens.append(params.headers["apim-accesstoken"])

    def config(self) -> aiohttp.TraceConfig:
        """Return what a session is to be made with."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._started)
        return config
