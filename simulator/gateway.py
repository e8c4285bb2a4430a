"""The gateway: HTTP, tokens, signatures, envelopes and faults."""

import asyncio
from collections.abc import Mapping
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any
import uuid
from wsgiref.handlers import format_date_time

from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge
import orjson

from .calls import Call, Endpoint
from .faults import Fault, RequestRecord
from .refusals import (
    TSDB,
    Denied,
    GatewayRefusal,
    InvalidArgument,
    NotFound,
    Refusal,
    to_refusal,
)
from .routes import ROUTES
from .signing import (
    decode_query,
    diagnose,
    masked_input,
    params_text,
    sign,
    split_query,
)
from .values import DIGITS, parse_body

if TYPE_CHECKING:
    from .simulator import Simulator

_LOGGER = logging.getLogger(__name__)

TOKEN_PATHS = (
    "/apim-token-service/v2.0/token/get",
    "/apim-token-service/v2.0/token/refresh",
)
AUTH_HEADERS = ("apim-accesstoken", "apim-timestamp", "apim-signature")
WINDOW_MS = 5 * 60 * 1000
JSON_TYPE = "application/json;charset=UTF-8"
HTML = (
    "<!DOCTYPE html><html><head><title>{status}</title></head>"
    "<body><h1>{status}</h1><hr>openresty</body></html>"
)
# Kong's messages for what it answers itself.
MESSAGES = {
    400: "Cannot process request body",
    401: "Invalid authentication credentials",
    403: "Your IP address is not allowed",
    404: "no Route matched with those values",
    405: "Method not allowed",
    413: "Request size limit exceeded",
    429: "API rate limit exceeded",
    500: "An unexpected error occurred",
    503: "Service unavailable",
}


class Gateway:
    """Listens on loopback and answers as an EnOS API gateway does."""

    def __init__(
        self,
        simulator: Simulator,
        host: str,
        port: int,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        """Note where to listen."""
        self._sim = simulator
        self._host = host
        self._port = port
        self._ssl = ssl_context
        self._runner: web.ServerRunner | None = None
        self._seen: set[tuple[str, str]] = set()
        self._busy: dict[asyncio.Task[Any], web.BaseRequest] = {}

    @property
    def url(self) -> str:
        """Return the address, once there is one."""
        scheme = "http" if self._ssl is None else "https"
        return f"{scheme}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen."""
        if self._runner is not None:
            return
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            self._host,
            self._port,
            ssl_context=self._ssl,
            reuse_address=True,
            backlog=1024,
        )
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for task, request in self._busy.items():
            if request.transport is not None:
                request.transport.abort()
            task.cancel()
        await runner.cleanup()

    # ------------------------------------------------------------ a request

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        path, _, raw_query = request.raw_path.partition("?")
        raw_pairs = split_query(raw_query)
        record = RequestRecord(
            request.method,
            path,
            {},
            time.time(),
            headers={
                name.lower(): "..." if name.lower() in AUTH_HEADERS else value
                for name, value in request.headers.items()
            },
        )
        self._sim.requests.append(record)
        task = asyncio.current_task()
        if task is not None:
            self._busy[task] = request
        try:
            response = await self._answer(request, record, raw_pairs)
        except _Dropped as dropped:
            if request.transport is not None:
                request.transport.close()
            record.http_status = None
            _LOGGER.info("%s %s: connection dropped", record.method, record.path)
            return dropped.response
        else:
            record.http_status = response.status
            record.sent = max(0, response.content_length or 0)
            return response
        finally:
            if task is not None:
                del self._busy[task]
            record.answered = time.time()

    async def _answer(
        self,
        request: web.BaseRequest,
        record: RequestRecord,
        raw_pairs: list[tuple[str, str]],
    ) -> web.StreamResponse:
        malformed: str | None = None
        try:
            pairs = decode_query(raw_pairs)
        except UnicodeDecodeError:
            pairs, malformed = raw_pairs, "the query is not UTF-8"
        record.query = dict(pairs)
        if len(record.query) != len(pairs):
            malformed = "a query parameter is given twice"
        try:
            body = await request.read()
        except HTTPRequestEntityTooLarge:
            return self._gateway_refusal(record, _refused(413, "the body is too large"))
        record.body = body or None
        delay, fault = self._sim.faults.take(record.path, record.action)
        if delay or fault:
            record.fault = fault.kind if fault else "delay"
        if delay:
            await self._sim.agenda.sleep(delay)
        if fault is not None:
            early = await self._fail(fault, request, record, pairs, raw_pairs, body)
            if early is not None:
                return early
        try:
            if malformed is not None:
                raise _refused(400, malformed)
            if len(body) > self._sim.max_body:
                raise _refused(413, "the body is too large")
            return await self._serve(request, record, pairs, raw_pairs, body, fault)
        except GatewayRefusal as refusal:
            return self._gateway_refusal(record, refusal)

    async def _fail(
        self,
        fault: Fault,
        request: web.BaseRequest,
        record: RequestRecord,
        pairs: list[tuple[str, str]],
        raw_pairs: list[tuple[str, str]],
        body: bytes,
    ) -> web.StreamResponse | None:
        """Answer as a fault demands; None where the request is served first."""
        params = fault.params
        if params.get("execute"):
            try:
                await self._serve(request, record, pairs, raw_pairs, body, None)
            except GatewayRefusal as refusal:
                return self._gateway_refusal(record, refusal)
            record.code = None
        if fault.kind == "drop":
            raise _Dropped(web.Response())
        if fault.kind == "rate_limit":
            retry_after = params.get("retry_after")
            if retry_after is None and self._sim.guesses.G4 == "retry_after":
                retry_after = "2"
            headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
            return self._json({"message": MESSAGES[429]}, 429, headers)
        if fault.kind == "html":
            return self._text(
                str(params.get("body") or HTML.format(status="Welcome")),
                int(params.get("status", 200)),
                "text/html",
            )
        if fault.kind == "status":
            status = int(params.get("status", 503))
            content = params.get("body")
            headers = params.get("headers") or {}
            if content == "html":
                return self._text(HTML.format(status=status), status, "text/html")
            if content is None or content == "json":
                content = {"message": MESSAGES.get(status, "error")}
            if isinstance(content, str):
                return self._text(content, status, "text/plain")
            return self._json(content, status, headers)
        return None

    async def _serve(
        self,
        request: web.BaseRequest,
        record: RequestRecord,
        pairs: list[tuple[str, str]],
        raw_pairs: list[tuple[str, str]],
        body: bytes,
        fault: Fault | None,
    ) -> web.StreamResponse:
        """Carry out a request."""
        if record.path in TOKEN_PATHS:
            payload = self._token(request, record, body)
        else:
            actions = ROUTES.get(record.path)
            if actions is None:
                raise _refused(404, f"nothing is served at {record.path}")
            self._authenticate(request, pairs, raw_pairs, body)
            payload = await self._dispatch(request, record, actions, body, fault)
        record.code = payload.get("code", payload.get("status"))
        content = orjson.dumps(payload)
        if fault is not None:
            if fault.kind == "drop_after":
                raise _Dropped(web.Response())
            if fault.kind == "cut_json":
                content = content[: fault.params.get("keep", len(content) // 2)]
        return self._raw(content, 200, JSON_TYPE, {})

    # ------------------------------------------------------------ tokens

    def _token(
        self, request: web.BaseRequest, record: RequestRecord, body: bytes
    ) -> dict[str, Any]:
        """Answer a call of the token service."""
        if request.method != "POST":
            raise _refused(405, "the token service takes POST only")
        try:
            if record.query:
                raise _bad_token_call("the token service takes no query")
            for name in AUTH_HEADERS:
                if name in request.headers:
                    raise _bad_token_call(f"the token service takes no {name}")
            if problem := _content_problem(request.headers):
                raise _bad_token_call(problem)
            try:
                record.body = parse_body(body)
            except ValueError as error:
                raise _bad_token_call(f"no JSON: {error}") from error
            tokens = self._sim.tokens
            refresh = record.path.endswith("/refresh")
            data = (tokens.refresh if refresh else tokens.get)(record.body)
        except Refusal as refusal:
            self._note(record, str(refusal.code), refusal.why, refusal.client_error)
            return {
                "status": refusal.code,
                "msg": refusal.msg,
                "business": "apim-token-service",
                "data": None,
            }
        return {
            "status": 0,
            "msg": "SUCCESS",
            "business": "apim-token-service",
            "data": data,
        }

    def _authenticate(
        self,
        request: web.BaseRequest,
        pairs: list[tuple[str, str]],
        raw_pairs: list[tuple[str, str]],
        body: bytes,
    ) -> None:
        """Check token, time and signature of a call."""
        sim = self._sim
        found: list[str] = []
        for name in AUTH_HEADERS:
            given = request.headers.getall(name, [])
            if len(given) != 1 or not given[0]:
                raise self._unauthorized(f"header {name} is missing or given twice")
            found.append(given[0])
        token, timestamp, signature = found
        problem = sim.tokens.problem(token)
        if problem is not None:
            raise self._unauthorized(problem[0], client_error=problem[1])
        if not DIGITS.match(timestamp):
            raise self._unauthorized("apim-timestamp must be milliseconds")
        skew = int(timestamp) - sim.server_ms()
        if sim.guesses.G3 != "off" and abs(skew) > WINDOW_MS:
            raise self._unauthorized(
                f"apim-timestamp is {skew / 1000:.0f} s from the gateway's clock"
            )
        signed = raw_pairs if sim.guesses.G17 == "raw" else pairs
        params = params_text(signed)
        expected = sign(token, params, body, timestamp, sim.secret_key)
        if signature != expected:
            reason = diagnose(
                signature, token, raw_pairs, pairs, body, timestamp, sim.secret_key
            )
            raise self._unauthorized(
                f"wrong signature: expected {expected} = SHA-256 of"
                f" {masked_input(params, body, timestamp)!r}, received {signature};"
                f" {reason}",
                signature=True,
            )
        if sim.refuse_replays:
            if (timestamp, signature) in self._seen:
                raise self._unauthorized("the request was sent before")
            self._seen.add((timestamp, signature))

    def _unauthorized(
        self, why: str, *, client_error: bool = True, signature: bool = False
    ) -> GatewayRefusal:
        """Return the refusal of a bad token or signature (guesses G1, G2)."""
        guesses = self._sim.guesses
        form, code, text = guesses.G1, 1203, "the access token has expired"
        if signature and guesses.G2 != "as_g1":
            code, text = 1003, "signature is not valid"
            form = "code_1203" if guesses.G2 == "code_1003" else "status_1203"
        status = 401
        body: dict[str, Any] = {"message": MESSAGES[401]}
        if form == "status_1203":
            status, body = 200, _token_error(code, text)
        elif form == "code_1203":
            body = {"code": code, "msg": text, "data": None}
        elif form == "apim_status":
            status, body = 200, {"apim_status": 4011, "apim_refreshtoken": "-"}
        return GatewayRefusal(status, body, why=why, client_error=client_error)

    # ------------------------------------------------------------ services

    async def _dispatch(
        self,
        request: web.BaseRequest,
        record: RequestRecord,
        actions: Mapping[str | None, Endpoint],
        body: bytes,
        fault: Fault | None,
    ) -> dict[str, Any]:
        """Check a signed call and hand it to its service."""
        family = next(iter(actions.values())).family
        try:
            endpoint = self._endpoint(request, record, actions)
            endpoint.check_params(record.query)
            endpoint.check_rights(self._sim, record.query["orgId"])
            call = Call(
                request.method,
                record.path,
                record.query,
                self._body(request, record, endpoint, body),
                endpoint.find_device(self._sim, record.query),
                fault.shift if fault is not None else 0,
            )
            result = await endpoint.handler(self._sim, call)
        except (Refusal, InvalidArgument, Denied, NotFound) as error:
            refusal = to_refusal(error, family)
            self._note(record, str(refusal.code), refusal.why, refusal.client_error)
            payload = {"code": refusal.code, "msg": refusal.msg, "data": refusal.data}
        else:
            payload = {"code": 0, "msg": "OK", "data": result.data}
            if result.pagination is not None:
                payload["pagination"] = result.pagination
            record.served_secret = result.served_secret
        if family is TSDB:
            payload["submsg"] = None
        else:
            payload["requestId"] = str(uuid.uuid4())
        return payload

    def _endpoint(
        self,
        request: web.BaseRequest,
        record: RequestRecord,
        actions: Mapping[str | None, Endpoint],
    ) -> Endpoint:
        """Return the endpoint of a request."""
        if None in actions:
            endpoint = actions[None]
        else:
            action = record.query.get("action")
            if not action:
                raise InvalidArgument("action", "action is missing")
            found = actions.get(action)
            if found is None:
                raise InvalidArgument("action", f"  {action} is not supported")
            endpoint = found
        if request.method != endpoint.method:
            raise _refused(405, f"this call takes {endpoint.method}")
        return endpoint

    def _body(
        self,
        request: web.BaseRequest,
        record: RequestRecord,
        endpoint: Endpoint,
        body: bytes,
    ) -> dict[str, Any]:
        """Parse the body of a request as its endpoint wants it."""
        if not body:
            if endpoint.body == "required":
                raise InvalidArgument("body", "body is missing")
            return {}
        if endpoint.body == "none":
            raise InvalidArgument("body", "  this call takes no body")
        if problem := _content_problem(request.headers):
            raise InvalidArgument("body", f"  {problem}")
        try:
            parsed = parse_body(body)
        except ValueError as error:
            raise InvalidArgument("body", f"  no JSON: {error}") from error
        record.body = parsed
        if not isinstance(parsed, dict):
            raise InvalidArgument("body", "  must be a JSON object")
        return parsed

    # ------------------------------------------------------------ replies

    def _note(
        self, record: RequestRecord, what: str, why: str, client_error: bool
    ) -> None:
        """Log a refusal, and count it where a good client never causes it."""
        query = "&".join(f"{name}={value}" for name, value in record.query.items())
        text = f"{record.method} {record.path}?{query} -> {what}: {why}"
        if client_error:
            _LOGGER.warning("rejected: %s", text)
            self._sim.note_rejection(text)
        else:
            _LOGGER.info("refused: %s", text)

    def _gateway_refusal(
        self, record: RequestRecord, refusal: GatewayRefusal
    ) -> web.StreamResponse:
        self._note(record, f"HTTP {refusal.status}", refusal.why, refusal.client_error)
        body = refusal.body
        record.code = body.get("code", body.get("status", body.get("apim_status")))
        return self._json(body, refusal.status, refusal.headers)

    def _json(
        self, content: Any, status: int, headers: Mapping[str, str]
    ) -> web.Response:
        return self._raw(orjson.dumps(content), status, JSON_TYPE, headers)

    def _text(self, content: str, status: int, content_type: str) -> web.Response:
        return self._raw(content.encode(), status, f"{content_type};charset=utf-8", {})

    def _raw(
        self, content: bytes, status: int, content_type: str, headers: Mapping[str, str]
    ) -> web.Response:
        return web.Response(
            body=content,
            status=status,
            headers={
                "Content-Type": content_type,
                "Server": "openresty",
                "Date": format_date_time(time.time() + self._sim.clock_offset),
                **headers,
            },
        )


class _Dropped(Exception):
    """The connection is to be closed without an answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__("dropped")
        self.response = response


def _refused(status: int, why: str) -> GatewayRefusal:
    return GatewayRefusal(status, {"message": MESSAGES[status]}, why=why)


def _bad_token_call(why: str) -> Refusal:
    return Refusal(1004, "invalid parameter", why=why, client_error=True)


def _token_error(code: int, text: str) -> dict[str, Any]:
    return {
        "status": code,
        "msg": text,
        "business": "apim-token-service",
        "data": None,
    }


def _content_problem(headers: Mapping[str, str]) -> str | None:
    """Say what is wrong with the content type of a JSON body."""
    main, _, parameters = headers.get("Content-Type", "").partition(";")
    if main.strip().lower() != "application/json":
        return f"the content type must be application/json, not {main!r}"
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() not in (
            "utf-8",
            "utf8",
        ):
            return f"the charset must be UTF-8, not {value}"
    return None
