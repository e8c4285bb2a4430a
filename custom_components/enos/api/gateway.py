"""The way to one API gateway: addresses, tokens, signatures, HTTP and what replies mean.

Scheme: EnOS documentation, Get Access Token and Invoke API with Access Token.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
import json
import logging
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from . import parsing
from .auth import Clock, TokenKeeper, query_text, signature
from .errors import (
    AddressRefusedError,
    BrokenError,
    CertificateError,
    ConnectError,
    EnosError,
    InvalidUrlError,
    NoTlsError,
    PayloadTooLargeError,
    RateLimitError,
    RejectedError,
    ReplyLostError,
    TokenRefusedError,
    UnknownCodeError,
    error_for,
)
from .models import JsonValue
from .statistics import Statistics

_LOGGER = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 15.0
_READ_TIMEOUT = 30.0

_TOKEN_PATH = "/apim-token-service/v2.0/token/"

# What stands before a colon is a scheme, or a host where a port follows.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9])", re.ASCII | re.IGNORECASE)
# A part of a host's name (an address of IP version 4 is made of such parts as well).
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)

_TOKEN_REFUSED = frozenset({401, 1002, 1003, 1203, 4011, 4012})

# The services number their refusals from here on; what is below is the token service's or a
# device's own.
_FIRST_SERVICE_CODE = 10_000


type Decoder = Callable[[bytes], dict[str, Any] | None]

# For what orjson does not write, or not as it stands.
_TO_JSON = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode
# Neither writes what JSON knows nothing of, such as a date.
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_JSON_TYPE = "application/json;charset=UTF-8"

# A plant has no more points that are written often.
_ADDRESSES = 1024


@dataclass(frozen=True, slots=True)
class _Address:
    """Where a call goes, and its parameters as they are signed."""

    url: URL
    signed: str


@lru_cache(maxsize=_ADDRESSES)
def _address(url: str, params: tuple[tuple[str, str], ...]) -> _Address:
    """Return an address with parameters; those of reads and of repeated writes are kept.

    Raises `RejectedError` for what cannot be encoded.
    """
    try:
        query = "&".join(f"{key}={quote(text, safe='')}" for key, text in params)
    except UnicodeEncodeError as err:
        raise RejectedError("an id that is no proper text") from err
    return _Address(URL(f"{url}?{query}", encoded=True), query_text(dict(params)))


@lru_cache(maxsize=128)
def _client_timeout(timeout: float) -> aiohttp.ClientTimeout:
    """Return how long (s) an exchange may take in all, and its connection."""
    connecting = min(timeout, _CONNECT_TIMEOUT)
    return aiohttp.ClientTimeout(
        total=timeout, connect=connecting, sock_connect=connecting
    )


def _json(payload: object) -> tuple[str, bytes]:
    """Return JSON as text and as it goes out.

    Raises `RejectedError` for what JSON cannot carry, such as NaN.
    """
    try:
        body = orjson.dumps(payload, option=_STRICT)
        # NaN becomes null there, and is refused here; the same goes for what Python alone writes.
        if b"null" not in body:
            return body.decode(), body
    except TypeError:
        pass
    try:
        text = _TO_JSON(payload)
        return text, text.encode()
    except (TypeError, ValueError) as err:
        raise RejectedError("a value that JSON cannot carry") from err


class Gateway:
    """Sends signed calls to one gateway for one organization, and counts them.

    `today` tells the date by which requests are counted. `clock_offset` is the gateway's
    clock minus ours in seconds, None as long as it is not known.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        org_id: str,
        access_key: str,
        secret_key: str,
        today: Callable[[], date],
    ) -> None:
        """Check the address; nothing is requested yet. Raises `InvalidUrlError`."""
        self.url = normalize_url(url)
        self.org_id = org_id
        self.clock_offset: float | None = None
        self.statistics = Statistics(today)
        self._session = session
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = Clock()
        self.tokens = TokenKeeper(access_key, secret_key, self._clock, self._token_call)

    async def _token_call(
        self, action: str, payload: dict[str, object]
    ) -> tuple[str, float | None]:
        """Perform one request to the token service."""
        _, body = _json(payload)
        reply = await self._send(
            "POST",
            URL(f"{self.url}{_TOKEN_PATH}{action}", encoded=True),
            body,
            {"Content-Type": _JSON_TYPE},
            session=self._session,
            timeout=_READ_TIMEOUT,
            repeatable=False,
        )
        token, life = parsing.token(reply.get("data"))
        if not token:
            raise ReplyLostError("the token service gave no token")
        return token, life

    async def call(
        self,
        method: str,
        path: str,
        params: dict[str, str],
        payload: JsonValue | dict[str, Any] = None,
        *,
        session: aiohttp.ClientSession | None = None,
        timeout: float = _READ_TIMEOUT,
        repeatable: bool = True,
        decode: Decoder = parsing.json_object,
    ) -> dict[str, Any]:
        """Perform one signed call and return its reply, whose code is 0.

        `decode` makes a JSON object of a reply's body, None of what is none. A refused token
        is renewed and the call repeated once. `session` and `timeout` (s)
        are those of a read unless told otherwise; what is not `repeatable` is never sent
        again after anything but a refusal by the gateway itself.
        """
        address = _address(
            f"{self.url}{path}", (*params.items(), ("orgId", self.org_id))
        )
        text, body = ("", b"") if payload is None else _json(payload)
        for attempt in (1, 2):
            token = await self.tokens.get()
            timestamp = self._clock()
            headers = {
                "apim-accesstoken": token,
                "apim-signature": signature(
                    token, address.signed, text, timestamp, self._secret_key
                ),
                "apim-timestamp": str(timestamp),
            }
            if body:
                headers["Content-Type"] = _JSON_TYPE
            try:
                return await self._send(
                    method,
                    address.url,
                    body,
                    headers,
                    session=session or self._session,
                    timeout=timeout,
                    repeatable=repeatable,
                    decode=decode,
                )
            except TokenRefusedError:
                self.tokens.refuse(token)
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    async def _send(
        self,
        method: str,
        url: URL,
        body: bytes,
        headers: dict[str, str],
        *,
        session: aiohttp.ClientSession,
        timeout: float,
        repeatable: bool,
        decode: Decoder = parsing.json_object,
    ) -> dict[str, Any]:
        """Exchange one request for the JSON object of its reply, whose code is 0.

        A POST that reads and whose connection broke is sent once more: a connection kept
        open is often closed by the other side just then. A GET was by aiohttp already.
        """
        again = repeatable and method != "GET"
        for attempt in (1, 2):
            if session.closed:
                raise ConnectError("the session is closed")
            # When it is on its way: the date takes time that a write need not wait for.
            asyncio.get_running_loop().call_soon(self.statistics.sent)
            try:
                response, content = await _exchange(
                    session, method, url, body, headers, timeout
                )
                _LOGGER.debug("%s %s: %s", method, url.raw_path, response.status)
                return self._understand(
                    response, content, repeatable=repeatable, decode=decode
                )
            except EnosError as err:
                self.statistics.failed(err)
                if attempt == 1 and again and isinstance(err, BrokenError):
                    continue
                raise
        raise AssertionError("unreachable")

    def _understand(
        self,
        response: aiohttp.ClientResponse,
        content: bytes,
        *,
        repeatable: bool,
        decode: Decoder,
    ) -> dict[str, Any]:
        """Return the reply's JSON object; raise what HTTP status and envelope mean."""
        self._note_clock(response.headers.get("Date"))
        status = response.status
        reply = decode(content)
        if reply:
            sent = response.request_info.headers.get("apim-accesstoken", "")
            parsing.hide(
                reply,
                (sent, self.tokens.token, self._secret_key, self._access_key),
            )
        message = parsing.message(reply) if reply else ""
        code = parsing.code_or_none(reply) if reply else None
        command_id = parsing.command_id(reply.get("data")) if reply else ""
        if status == 429:
            wait = parsing.retry_after(response.headers.get("Retry-After"))
            raise RateLimitError(wait, message)
        if status == 413:
            raise PayloadTooLargeError(code=status, message=message)
        if status >= 500:
            raise ReplyLostError(
                f"HTTP {status}: {message}", code=status, command_id=command_id
            )
        if _TOKEN_PATH not in response.url.path:
            devices_own = (
                not repeatable
                and status != 401
                and reply is not None
                and parsing.of_service(reply)
                and 0 != (code or 0) < _FIRST_SERVICE_CODE
            )
            if devices_own:
                # Where a device refuses a command, its code comes in the service's envelope,
                # and devices use numbers that the token service uses too (1203, 1003, 401).
                # Taken for a refused token the command would be sent a second time. All that
                # is known of refused tokens and signatures comes as HTTP 401, or in the
                # fields `status` and `apim_status` of those who stand before the services:
                # only these may repeat a write. Should a gateway use `code` after all, the
                # caller hears that the outcome is unknown, and the next read, for which
                # every field counts, brings a new token.
                raise UnknownCodeError(
                    code=code, message=message, command_id=command_id
                )
            if status == 401 or code in _TOKEN_REFUSED:
                raise TokenRefusedError(
                    code=code or status, message=message, clock_offset=self.clock_offset
                )
        if status >= 400 and reply is not None and code is None:
            if status == 403 and "IP" in message:
                raise AddressRefusedError(code=status, message=message)
            raise RejectedError(code=status, message=message or response.reason or "")
        if status >= 400 and code == 0:
            raise ReplyLostError(f"HTTP {status} with code 0", command_id=command_id)
        if reply is None or code is None or 300 <= status < 400:
            raise ReplyLostError(f"HTTP {status} without a reply of EnOS", code=status)
        if code != 0:
            raise error_for(code, message, command_id)
        return reply

    def _note_clock(self, date: str | None) -> None:
        """Remember how far the gateway's clock is from ours."""
        if not date:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is None:
            theirs = theirs.replace(tzinfo=UTC)
        self.clock_offset = (theirs - datetime.now(UTC)).total_seconds()


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    body: bytes,
    headers: dict[str, str],
    timeout: float,
) -> tuple[aiohttp.ClientResponse, bytes]:
    """Send one request and read its reply to the end; raise what HTTP's trouble means."""
    try:
        async with session.request(
            method,
            url,
            data=body or None,
            headers=headers,
            allow_redirects=False,
            timeout=_client_timeout(timeout),
        ) as response:
            return response, await response.read()
    except aiohttp.ClientConnectorCertificateError as err:
        raise CertificateError(str(err)) from err
    except aiohttp.ClientSSLError as err:
        # What answers a TLS greeting in plain text is no matter of certificates.
        plain = "WRONG_VERSION_NUMBER" in str(err)
        raise (NoTlsError if plain else CertificateError)(str(err)) from err
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
        raise ConnectError(str(err)) from err
    except TimeoutError as err:
        raise ReplyLostError(f"no answer within {timeout:.0f} s") from err
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as err:
        raise BrokenError(f"the connection broke: {err}") from err
    except aiohttp.ClientError as err:
        raise ReplyLostError(f"no proper HTTP: {err}") from err


def _is_host(host: str) -> bool:
    """Tell whether a host can be looked up: an address or a name with proper parts."""
    if ":" in host:
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(map(_HOST_LABEL.fullmatch, labels))


def normalize_url(url: str) -> str:
    """Return scheme, host and port of an address, and its path if it has one.

    Raises `InvalidUrlError` for anything but an http or https address without credentials,
    query and fragment.
    """
    text = url.strip()
    try:
        parsed = URL(text if _SCHEME.match(text) else f"https://{text}")
        usable = (
            text.isprintable()
            and parsed.scheme in ("http", "https")
            and _is_host(parsed.raw_host or "")
            and bool(parsed.port)
            and not (parsed.user or parsed.password or parsed.query or parsed.fragment)
        )
    except ValueError as err:
        raise InvalidUrlError("not an address") from err
    if not usable:
        raise InvalidUrlError("not an http or https address")
    return str(parsed).rstrip("/")
