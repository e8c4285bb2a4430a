"""The token service: one token per application, the same until it expires."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from .building import ALPHABET
from .refusals import Refusal
from .signing import encryption
from .values import DIGITS, is_integer

FIELDS_GET = ("appKey", "encryption", "timestamp")
FIELDS_REFRESH = (*FIELDS_GET, "accessToken")


@dataclass(slots=True)
class Token:
    """A token and the moment it ends."""

    text: str
    ends: float
    clock: Callable[[], float]

    @property
    def left(self) -> float:
        """Return the seconds that the token has left."""
        return self.ends - self.clock()


class TokenService:
    """Issues, refreshes and knows tokens."""

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        lifetime: float,
        rng: Random,
        clock: Callable[[], float],
        *,
        invalid_at_once: bool,
    ) -> None:
        """Start without a token."""
        self.access_key = access_key
        self.secret_key = secret_key
        self.lifetime = lifetime
        self._invalid_at_once = invalid_at_once
        self._rng = rng
        self._clock = clock
        self._current: Token | None = None
        self._valid: dict[str, Token] = {}
        self._former: set[str] = set()
        self._used: set[str] = set()

    @property
    def current(self) -> str | None:
        """Return the present token, if there is a valid one."""
        token = self._current
        return token.text if token is not None and token.left > 0 else None

    def problem(self, text: str) -> tuple[str, bool] | None:
        """Say what is wrong with a token, and whether that is a client's error."""
        token = self._valid.get(text)
        if token is None:
            if text in self._former:
                return "the access token is no longer valid", False
            return "the access token was never issued", True
        if token.left <= 0:
            return "the access token has expired", False
        return None

    def expire(self) -> None:
        """Let all tokens expire, as if their time had passed."""
        for token in self._valid.values():
            token.ends = min(token.ends, self._clock())

    def revoke(self) -> None:
        """Forget all tokens."""
        self._former.update(self._valid)
        self._valid.clear()
        self._current = None

    def get(self, body: Any) -> dict[str, Any]:
        """Answer token/get."""
        self._check(body, FIELDS_GET)
        token = self._current
        if token is None or token.left < 1:
            token = self._issue()
        return {"accessToken": token.text, "expire": max(1, int(token.left + 0.5))}

    def refresh(self, body: Any) -> dict[str, Any]:
        """Answer token/refresh."""
        self._check(body, FIELDS_REFRESH)
        text = body["accessToken"]
        token = self._valid.get(text)
        if token is None:
            raise Refusal(
                1204,
                "failed to refresh the access token",
                why="token/refresh of a token that is not known",
                client_error=text not in self._former,
            )
        if token.left <= 0:
            raise Refusal(1203, "the access token has expired")
        if token is not self._current:
            raise Refusal(
                1204,
                "failed to refresh the access token",
                why="token/refresh of a token that was already refreshed",
            )
        if self._invalid_at_once:
            del self._valid[text]
            self._former.add(text)
        token = self._issue()
        return {"accessToken": token.text, "expire": max(1, int(token.left + 0.5))}

    def _issue(self) -> Token:
        token = Token(
            "".join(self._rng.choices(ALPHABET, k=32)),
            self._clock() + self.lifetime,
            self._clock,
        )
        self._current = self._valid[token.text] = token
        return token

    def _check(self, body: Any, names: tuple[str, ...]) -> None:
        if not isinstance(body, dict):
            raise Refusal(1004, "invalid parameter", client_error=True)
        for name in body:
            if name not in names:
                raise Refusal(
                    1004,
                    "invalid parameter",
                    why=f"the token call knows no {name}",
                    client_error=True,
                )
        for name in names:
            if body.get(name) in (None, ""):
                raise Refusal(
                    1202,
                    f"{name} is empty",
                    why=f"the token call needs {name}",
                    client_error=True,
                )
            allowed = (
                isinstance(body[name], str)
                and (name != "timestamp" or DIGITS.match(body[name]))
            ) or (name == "timestamp" and is_integer(body[name]) and body[name] > 0)
            if not allowed:
                raise Refusal(
                    1004,
                    "invalid parameter",
                    why=f"{name} has the wrong type in the token call",
                    client_error=True,
                )
        if body["appKey"] != self.access_key:
            raise Refusal(1002, "appKey does not exist")
        received = body["encryption"]
        right = encryption(self.access_key, str(body["timestamp"]), self.secret_key)
        if received != right:
            upper = received.lower() == right
            raise Refusal(
                1003,
                "encryption is not valid",
                why="encryption must be lower case" if upper else "wrong encryption",
                client_error=upper,
            )
        if received in self._used:
            raise Refusal(
                1001,
                "repeated request",
                why="the same encryption was used before",
                client_error=True,
            )
        self._used.add(received)
