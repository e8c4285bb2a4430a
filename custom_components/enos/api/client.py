"""The client of the EnOS API gateway: one method per call.

Paths, parameters and envelopes: EnOS API documentation 2.1, which still holds for 3.1.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import json
import logging
import re
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from . import parsing
from .auth import Clock, TokenKeeper, signature
from .errors import (
    AddressRefusedError,
    ApiError,
    CertificateError,
    ConnectError,
    EnosError,
    InvalidUrlError,
    NotFoundError,
    NoTlsError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    RejectedError,
    ReplyLostError,
    ServerError,
    TokenRefusedError,
    error_for,
    from_elsewhere,
)
from .models import Device, JsonValue, Page, Product, Reading, ThingModel

_LOGGER = logging.getLogger(__name__)

PAGE_SIZE: Final = 200
"""Most devices or products that EnOS gives on a page."""

MAX_LATEST: Final = 3000
"""Most assets × points of one `latest` call."""

_MODELS_A_CALL = 10
_MAX_PAGES = 5000
_CONNECT_TIMEOUT = 15.0
_READ_TIMEOUT = 30.0
_COMMAND_MARGIN = 15.0

# An asset id of the usual shape that no asset has.
NOBODY: Final = "00000000"

_TOKEN_PATH = "/apim-token-service/v2.0/token/"
_CONNECT = "/connect-service/v2.1/"
_MODELS = "/model-service/v2.1/thing-models"
_LATEST = "/tsdb-service/v2.1/latest"

# What stands before a colon is a scheme, or a host where a port follows.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9])", re.ASCII | re.IGNORECASE)
# A part of a host's name (an address of IP version 4 is made of such parts as well).
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)

_TOKEN_REFUSED = frozenset({401, 1002, 1003, 1203, 4011, 4012})

# What is asked of products and devices: never productSecret or deviceSecret.
_PRODUCT_FIELDS = ["productKey", "productName", "modelId", "productType", "dataFormat"]
_DEVICE_FIELDS = [
    "assetId",
    "deviceKey",
    "deviceName",
    "productKey",
    "productName",
    "productType",
    "dataFormat",
    "modelId",
    "status",
]


def in_expression(field: str, values: Iterable[str]) -> str:
    """Return the expression `field in ('a','b')`.

    Raises `RejectedError` for a value that holds a quote: EnOS knows no way to escape one.
    """
    listed = list(values)
    for value in listed:
        if "'" in value or '"' in value:
            raise RejectedError(f"{field} must not contain a quotation mark")
    return f"{field} in ({','.join(f"'{value}'" for value in listed)})"


def _json_text(payload: object) -> str:
    """Return JSON. Raises `RejectedError` for what JSON cannot carry, such as NaN."""
    try:
        text = json.dumps(
            payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        text.encode()
    except (TypeError, ValueError) as err:
        raise RejectedError("a value that JSON cannot carry") from err
    return text


class EnosClient:
    """Speaks to one gateway for one organization.

    `session` serves everything but commands. A command is held until the device answers, up
    to a minute; `command_session` keeps commands from taking the connections of the others.
    Every method raises an `EnosError`, nothing else; each says what went wrong by its class.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        org_id: str,
        access_key: str,
        secret_key: str,
        command_session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Check the address; nothing is requested yet. Raises `InvalidUrlError`."""
        self._base = normalize_url(url)
        self._session = session
        self._command_session = command_session or session
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = Clock()
        self._tokens = TokenKeeper(
            access_key, secret_key, self._clock, self._token_call
        )
        self.org_id = org_id
        self.clock_offset: float | None = None

    @property
    def url(self) -> str:
        """Return the gateway's address without a slash at its end."""
        return self._base

    @property
    def token_age(self) -> float | None:
        """Seconds since the present token was had, None without one."""
        return self._tokens.age

    @property
    def token_remaining(self) -> float | None:
        """Seconds until the present token ends, None without one."""
        return self._tokens.remaining

    async def authenticate(self) -> None:
        """Get a token, which proves address and keys."""
        await self._tokens.get()

    def names_organization(self, err: EnosError) -> bool:
        """Tell whether EnOS's message is about the organization."""
        return "orgid" in err.message.lower() or self.org_id in err.message

    async def organization_denied(self) -> bool:
        """Tell whether the application may do nothing at all in the organization.

        EnOS words a missing right like a foreign organization. So for each right a read
        that needs it is tried, of a thing that is not there.
        """
        device = {"action": "get", "assetId": NOBODY}
        for ask in (
            lambda: self.search_devices(asset_ids=(NOBODY,)),
            lambda: self.thing_models((NOBODY,)),
            lambda: self._call("GET", "/asset-service/v2.1/assets", device),
            lambda: self._call(
                "GET", f"{_CONNECT}commands", {**device, "commandId": "0"}
            ),
        ):
            try:
                await ask()
            except ServerError:
                raise
            except PermissionDeniedError as err:
                if self.names_organization(err):
                    continue
            except (ApiError, ReplyLostError) as err:
                if from_elsewhere(err):
                    continue
                if isinstance(err, ReplyLostError):
                    raise
            return False
        return True

    async def search_products(self) -> tuple[Product, ...]:
        """Return all products. Right: Device Management Read."""
        return await self._all(
            f"{_CONNECT}products",
            {"action": "search"},
            {"projection": _PRODUCT_FIELDS},
            parsing.product,
            lambda item: item.product_key,
        )

    async def search_devices(
        self,
        *,
        product_keys: Collection[str] = (),
        asset_ids: Collection[str] = (),
        device_keys: Collection[str] = (),
    ) -> tuple[Device, ...]:
        """Return all devices that fit every filter given. Right: Device Management Read.

        The list is read page by page while EnOS may change it: a device can be missing.
        """
        filters = (
            ("productKey", product_keys),
            ("assetId", asset_ids),
            ("deviceKey", device_keys),
        )
        expression = " and ".join(
            in_expression(field, values) for field, values in filters if values
        )
        body: dict[str, JsonValue] = {"projection": list(_DEVICE_FIELDS)}
        if expression:
            body["expression"] = expression
        return await self._all(
            f"{_CONNECT}devices",
            {"action": "search"},
            body,
            parsing.device,
            lambda item: item.asset_id,
        )

    async def find_device(self, product_key: str, device_key: str) -> Device:
        """Return the device with these keys. Raises `NotFoundError` where there is none."""
        found = await self.search_devices(
            product_keys=(product_key,), device_keys=(device_key,)
        )
        for device in found:
            if (device.product_key, device.device_key) == (product_key, device_key):
                return device
        raise NotFoundError(f"no device {device_key} in product {product_key}")

    async def device_exists(self, asset_id: str) -> bool:
        """Tell whether EnOS still has a device; only 99404 says that it has not.

        `get` cannot leave out the device's secret, so it is asked only when a search for
        just this device has not found it either.
        """
        if await self.search_devices(asset_ids=(asset_id,)):
            return True
        try:
            await self._call(
                "GET", f"{_CONNECT}devices", {"action": "get", "assetId": asset_id}
            )
        except NotFoundError:
            return False
        return True

    async def thing_models(self, model_ids: Collection[str]) -> dict[str, ThingModel]:
        """Return those of the thing models that EnOS has. Right: Model Management Read."""
        models: dict[str, ThingModel] = {}
        ids = sorted(model_ids)
        for start in range(0, len(ids), _MODELS_A_CALL):
            chunk = ids[start : start + _MODELS_A_CALL]
            data = await self._call(
                "POST",
                _MODELS,
                {"action": "search"},
                {
                    "expression": in_expression("modelId", chunk),
                    "pagination": {"pageNo": 1, "pageSize": _MODELS_A_CALL},
                    "projection": ["modelId", "name", "measurepoints"],
                },
            )
            for item in parsing.items(data.get("data")):
                model = parsing.thing_model(item)
                if model is not None:
                    models[model.model_id] = model
        return models

    async def latest(
        self, asset_ids: Sequence[str], point_ids: Sequence[str]
    ) -> dict[tuple[str, str], Reading]:
        """Return the newest stored sample per (asset id, measurepoint id).

        Points without a storage policy or without data are missing. At most `MAX_LATEST`
        assets × points. Right: Asset Read.
        """
        data = await self._call(
            "POST",
            _LATEST,
            {},
            {"assetIds": ",".join(asset_ids), "pointIds": ",".join(point_ids)},
        )
        return parsing.latest(data.get("data"), frozenset(point_ids))

    async def query_latest(
        self, asset_id: str, point_ids: Sequence[str]
    ) -> dict[str, Reading]:
        """Return the newest sample per measurepoint of one device, stored or not.

        Right: Device Management Read.
        """
        data = await self._call(
            "POST",
            f"{_CONNECT}measurepoints",
            {"action": "queryLatest", "assetId": asset_id},
            {"measurepointIds": list(point_ids)},
        )
        return parsing.query_latest(data.get("data"))

    async def set_measurepoint(
        self,
        asset_id: str,
        point_id: str,
        value: JsonValue,
        *,
        timeout: int = 30,
        pending_ttl: int = 0,
    ) -> str:
        """Write one measurepoint and return the command id.

        `timeout` (1–60 s) is how long the device may take; `pending_ttl` (0–172,800 s) lets
        EnOS keep the command that long for a device that is away. Right: Asset Control.
        An error whose `outcome_unknown` is true may stand for a write that happened.
        """
        data = await self._call(
            "POST",
            f"{_CONNECT}commands",
            {
                "action": "setMeasurepoint",
                "assetId": asset_id,
                "measurepointId": point_id,
                "pendingTtl": str(pending_ttl),
                "timeout": str(timeout),
            },
            {"value": value},
            session=self._command_session,
            timeout=(timeout if pending_ttl == 0 else 30) + _COMMAND_MARGIN,
            repeatable=False,
        )
        return parsing.command_id(data.get("data"))

    async def _all[ItemT](
        self,
        path: str,
        params: dict[str, str],
        body: dict[str, Any],
        parse: Callable[[dict[str, Any]], ItemT | None],
        key: Callable[[ItemT], str],
    ) -> tuple[ItemT, ...]:
        """Read all pages. An item that stands on two pages counts once."""
        found: dict[str, ItemT] = {}
        seen = 0
        for page_no in range(1, _MAX_PAGES):
            page = await self._page(path, params, body, parse, page_no)
            fresh = {key(item): item for item in page.items}
            seen += len(page.items)
            known = len(found)
            found.update(fresh)
            # A gateway that repeats its last page for ever would hold us here otherwise.
            if not page.items or seen >= page.total or len(found) == known:
                break
        return tuple(found.values())

    async def _page[ItemT](
        self,
        path: str,
        params: dict[str, str],
        body: dict[str, Any],
        parse: Callable[[dict[str, Any]], ItemT | None],
        page_no: int,
    ) -> Page[ItemT]:
        pagination = {"pageNo": page_no, "pageSize": PAGE_SIZE}
        data = await self._call(
            "POST", path, params, {**body, "pagination": pagination}
        )
        raw = parsing.items(data.get("data"))
        parsed = (parse(item) for item in raw)
        return Page(
            tuple(item for item in parsed if item is not None),
            parsing.total(data, page_no, PAGE_SIZE, len(raw)),
        )

    async def _token_call(
        self, action: str, payload: dict[str, object]
    ) -> tuple[str, float | None]:
        """Perform one request to the token service."""
        text = _json_text(payload)
        reply = await self._send(
            "POST",
            f"{_TOKEN_PATH}{action}",
            "",
            text,
            {},
            session=self._session,
            timeout=_READ_TIMEOUT,
            repeatable=False,
        )
        code = parsing.code(reply)
        if code != 0:
            raise error_for(code, parsing.message(reply))
        token, life = parsing.token(reply.get("data"))
        if not token:
            raise ReplyLostError("the token service gave no token")
        return token, life

    async def _call(
        self,
        method: str,
        path: str,
        params: dict[str, str],
        payload: JsonValue | dict[str, Any] = None,
        *,
        session: aiohttp.ClientSession | None = None,
        timeout: float = _READ_TIMEOUT,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        """Perform one signed call; a refused token is renewed and the call repeated once."""
        query = {**params, "orgId": self.org_id}
        try:
            encoded = "&".join(
                f"{key}={quote(text, safe='')}" for key, text in query.items()
            )
        except UnicodeEncodeError as err:
            raise RejectedError("an id that is no proper text") from err
        body = "" if payload is None else _json_text(payload)
        for attempt in (1, 2):
            token = await self._tokens.get()
            timestamp = self._clock()
            headers = {
                "apim-accesstoken": token,
                "apim-signature": signature(
                    token, query, body, timestamp, self._secret_key
                ),
                "apim-timestamp": str(timestamp),
            }
            try:
                reply = await self._send(
                    method,
                    path,
                    encoded,
                    body,
                    headers,
                    session=session or self._session,
                    timeout=timeout,
                    repeatable=repeatable,
                )
            except TokenRefusedError:
                self._tokens.refuse(token)
                if attempt == 2:
                    raise
                continue
            code = parsing.code(reply)
            if code == 0:
                return reply
            raise error_for(code, parsing.message(reply))
        raise AssertionError("unreachable")

    async def _send(
        self,
        method: str,
        path: str,
        query: str,
        body: str,
        headers: dict[str, str],
        *,
        session: aiohttp.ClientSession,
        timeout: float,
        repeatable: bool,
    ) -> dict[str, Any]:
        """Exchange one request for the JSON object of its reply.

        A read whose connection broke is sent once more: aiohttp itself repeats no POST, and
        a connection kept open is often closed by the other side just then.
        """
        url = URL(f"{self._base}{path}{'?' if query else ''}{query}", encoded=True)
        if body:
            headers = {**headers, "Content-Type": "application/json;charset=UTF-8"}
        for attempt in (1, 2):
            if session.closed:
                raise ConnectError("the session is closed")
            try:
                async with session.request(
                    method,
                    url,
                    data=body.encode() if body else None,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        total=timeout,
                        connect=min(timeout, _CONNECT_TIMEOUT),
                        sock_connect=min(timeout, _CONNECT_TIMEOUT),
                    ),
                ) as response:
                    content = await response.read()
            except aiohttp.ClientConnectorCertificateError as err:
                raise CertificateError(str(err)) from err
            except aiohttp.ClientSSLError as err:
                # What answers a TLS greeting in plain text is no matter of certificates.
                plain = "WRONG_VERSION_NUMBER" in str(err)
                raise (NoTlsError if plain else CertificateError)(str(err)) from err
            except (
                aiohttp.ClientConnectorError,
                aiohttp.ConnectionTimeoutError,
            ) as err:
                raise ConnectError(str(err)) from err
            except TimeoutError as err:
                raise ReplyLostError(f"no answer within {timeout:.0f} s") from err
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as err:
                if repeatable and attempt == 1:
                    continue
                raise ReplyLostError(f"the connection broke: {err}") from err
            except aiohttp.ClientError as err:
                raise ReplyLostError(f"no proper HTTP: {err}") from err
            _LOGGER.debug("%s %s: %s", method, path, response.status)
            return self._understand(response, content)
        raise AssertionError("unreachable")

    def _understand(
        self, response: aiohttp.ClientResponse, content: bytes
    ) -> dict[str, Any]:
        """Return the reply's JSON object; raise what HTTP status and envelope mean."""
        self._note_clock(response.headers.get("Date"))
        status = response.status
        reply = parsing.json_object(content)
        if reply:
            sent = response.request_info.headers.get("apim-accesstoken", "")
            parsing.hide(
                reply,
                (sent, self._tokens.token, self._secret_key, self._access_key),
            )
        message = parsing.message(reply) if reply else ""
        code = parsing.code_or_none(reply) if reply else None
        if status == 429:
            wait = parsing.retry_after(response.headers.get("Retry-After"))
            raise RateLimitError(wait, message)
        if status == 413:
            raise PayloadTooLargeError(code=status, message=message)
        if status >= 500:
            raise ReplyLostError(f"HTTP {status}: {message}", code=status)
        token_service = _TOKEN_PATH in response.url.path
        if not token_service and (status == 401 or code in _TOKEN_REFUSED):
            raise TokenRefusedError(
                code=code or status, message=message, clock_offset=self.clock_offset
            )
        if status >= 400 and reply is not None and code is None:
            if status == 403 and "IP" in message:
                raise AddressRefusedError(code=status, message=message)
            raise RejectedError(code=status, message=message or response.reason or "")
        if status >= 400 and code == 0:
            raise ReplyLostError(f"HTTP {status} with code 0")
        if reply is None or code is None or 300 <= status < 400:
            raise ReplyLostError(f"HTTP {status} without a reply of EnOS", code=status)
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
