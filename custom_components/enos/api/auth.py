"""Token and signature of the EnOS API gateway ("Token Authentication").

Source: EnOS documentation, Get Access Token, Refresh Access Token and Invoke API with Access
Token; checked against digests computed by Envision's own code.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import hashlib
import time

from .errors import ApiError, ConnectError, EnosError, RateLimitError, TransportError

# EnOS's own client renews a token ten minutes before its end; the lifetime is two hours.
_RENEW_BEFORE = 600.0
_RETRY_AFTER = 60.0
_REFRESH_PATIENCE = 5.0
# Of a token whose lifetime the gateway does not tell.
_LIFE_UNKNOWN = 2 * _RENEW_BEFORE
_TOKEN_REPEATED = 1001
# EnOS tolerates some minutes; a clock that was further ahead and is put right is believed.
_CLOCK_AHEAD_MS = 60_000

type TokenCall = Callable[[str, dict[str, object]], Awaitable[tuple[str, float | None]]]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def encryption(access_key: str, timestamp: int, secret_key: str) -> str:
    """Return the proof of the secret for a token request at `timestamp` (ms)."""
    return _sha256(f"{access_key}{timestamp}{secret_key}")


def query_text(params: Mapping[str, str]) -> str:
    """Return decoded query parameters as they are signed."""
    return "".join(f"{key}{params[key]}" for key in sorted(params))


def signature(
    token: str, query: str, body: str, timestamp: int, secret_key: str
) -> str:
    """Return the signature of a call at `timestamp` (ms).

    `query` is what `query_text` returns, `body` is the text that will be sent.
    """
    return _sha256(f"{token}{query}{body}{timestamp}{secret_key}")


class Clock:
    """Milliseconds since 1970 that do not repeat, except where the clock was far ahead.

    EnOS refuses a token request whose proof, and with it whose time, was used before (1001).
    """

    def __init__(self) -> None:
        """Start anew."""
        self._last = 0

    def __call__(self) -> int:
        """Return the present time, or one millisecond after the last one given."""
        now = int(time.time() * 1000)
        put_right = self._last - now > _CLOCK_AHEAD_MS
        self._last = now if put_right else max(now, self._last + 1)
        return self._last


class TokenKeeper:
    """Keeps one access token fresh, whoever asks and however many at once.

    `call` performs one request to the token service, `get` or `refresh`, and returns the
    token and its remaining life in seconds, None where that was not told.
    """

    def __init__(
        self, access_key: str, secret_key: str, clock: Clock, call: TokenCall
    ) -> None:
        """Keep the keys; nothing is requested yet."""
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock
        self._call = call
        self._lock = asyncio.Lock()
        self._token = ""
        self._refused = ""
        self._failures = 0
        self._failure: EnosError | None = None
        self._issued = 0.0
        self._renew = 0.0
        self._expires = 0.0

    @property
    def token(self) -> str:
        """The present token, empty without one."""
        return self._token

    @property
    def age(self) -> float | None:
        """Seconds since the present token was had, None without one."""
        return time.monotonic() - self._issued if self._token else None

    @property
    def remaining(self) -> float | None:
        """Seconds until the present token ends, None without one."""
        return max(0.0, self._expires - time.monotonic()) if self._token else None

    def refuse(self, token: str) -> None:
        """Note that the gateway refused `token`; the next `get` brings another."""
        if token == self._token:
            self._refused = token
            self._renew = self._expires = 0.0

    async def get(self) -> str:
        """Return a token with life in it.

        Raises `CredentialsError` for wrong keys and `ConnectError` when the token service
        gave no usable answer. Who waited for a request that failed shares its error: asking
        for each of them in turn would let the last of many wait for hours.
        """
        if time.monotonic() < self._renew:
            return self._token
        failures = self._failures
        async with self._lock:
            if time.monotonic() < self._renew:
                return self._token
            if self._failure is not None and failures != self._failures:
                raise self._failure.with_traceback(None)
            try:
                if self._token and time.monotonic() < self._expires:
                    await self._refresh_early()
                else:
                    await self._get_anew()
            except EnosError as err:
                self._failures += 1
                self._failure = err
                raise
        return self._token

    async def _refresh_early(self) -> None:
        """Renew a token that still lives; where that fails it lives on to its end.

        Nobody waits long for it: all calls stand behind this one.
        """
        try:
            async with asyncio.timeout(_REFRESH_PATIENCE):
                try:
                    await self._request("refresh", accessToken=self._token)
                except ApiError:
                    await self._get_anew()
        except ApiError, TransportError, RateLimitError, TimeoutError:
            self._put_off()

    async def _get_anew(self) -> None:
        await self._request("get")
        if self._token == self._refused or time.monotonic() >= self._renew:
            # EnOS hands out the same token until its end, even one that was just refused or
            # one with little life left; only a refresh brings another.
            try:
                await self._request("refresh", accessToken=self._token)
            except ApiError, TransportError, RateLimitError:
                # The token at hand may well do; a call that it fails says so by itself.
                self._put_off()

    def _put_off(self) -> None:
        """Use the token at hand for a while before trying to renew it again."""
        now = time.monotonic()
        self._renew = now + min(_RETRY_AFTER, (self._expires - now) / 2)

    async def _request(self, action: str, **extra: object) -> None:
        """Ask the token service, once more where EnOS takes the request for a repetition."""
        for attempt in (1, 2):
            timestamp = self._clock()
            payload: dict[str, object] = {
                "appKey": self._access_key,
                "encryption": encryption(self._access_key, timestamp, self._secret_key),
                "timestamp": timestamp,
                **extra,
            }
            try:
                token, life = await self._call(action, payload)
            except ApiError as err:
                if err.code == _TOKEN_REPEATED and attempt == 1:
                    continue
                if err.outcome_unknown:
                    raise _nothing_sent(err) from err
                raise
            except ConnectError:
                raise
            except TransportError as err:
                raise _nothing_sent(err) from err
            break
        if life is None or (life <= 0 and action == "refresh"):
            life = _LIFE_UNKNOWN
        now = time.monotonic()
        self._token = token
        self._issued = now
        self._expires = now + life
        self._renew = now + max(
            life - _RENEW_BEFORE, life / 2 if action != "get" else 0
        )


def _nothing_sent(err: EnosError) -> ConnectError:
    """Return trouble of the token service as what it is for the caller of another call."""
    return ConnectError(str(err), code=err.code, message=err.message)
