"""Faults of the gateway, and what it remembers of each request."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .points import JsonObject

type FaultKind = Literal[
    "status", "rate_limit", "html", "cut_json", "drop", "drop_after", "delay", "shift"
]
PARAMS: dict[str, frozenset[str]] = {
    # ``execute``: the request is carried out all the same.
    "status": frozenset({"status", "body", "execute", "headers"}),
    "rate_limit": frozenset({"retry_after"}),
    "html": frozenset({"status", "body", "execute"}),
    "cut_json": frozenset({"keep"}),
    "drop": frozenset(),
    "drop_after": frozenset(),
    "delay": frozenset({"seconds"}),
    # A list that changes while it is paged: with ``by`` (1 unless given) things more
    # in front, the last things of a page are on the next page, too; with a negative
    # one as many are on no page.
    "shift": frozenset({"by"}),
}


@dataclass(slots=True, eq=False)
class Fault:
    """A fault, for which requests it is, and how many more."""

    kind: FaultKind
    path: str | None = None
    action: str | None = None
    count: int | None = None
    params: dict[str, Any] = field(default_factory=dict)
    # How many requests it met.
    hits: int = 0

    def matches(self, path: str, action: str | None) -> bool:
        """Tell whether a request is meant."""
        return (
            self.count != 0
            and (self.path is None or self.path in path)
            and (self.action is None or self.action == action)
        )

    @property
    def shift(self) -> int:
        """Return how far the pages of a list move."""
        return int(self.params.get("by", 1)) if self.kind == "shift" else 0

    def as_dict(self) -> JsonObject:
        """Return the fault for the admin port."""
        return {
            "kind": self.kind,
            "path": self.path,
            "action": self.action,
            "count": self.count,
            "hits": self.hits,
            **self.params,
        }


class Faults:
    """The faults that the gateway was told to have."""

    def __init__(self) -> None:
        """Start with a gateway that is well."""
        self._faults: list[Fault] = []

    def __iter__(self) -> Any:
        """Iterate over the faults."""
        return iter(self._faults)

    def __len__(self) -> int:
        """Return the number of faults."""
        return len(self._faults)

    def add(
        self,
        kind: FaultKind,
        *,
        path: str | None = None,
        action: str | None = None,
        count: int | None = None,
        **params: Any,
    ) -> Fault:
        """Add a fault.

        ``path`` is a part of the path, ``action`` the query's action, ``count``
        how many requests are met (None: until cleared).
        """
        if kind not in get_args(FaultKind.__value__):
            raise ValueError(f"there is no fault {kind!r}")
        unknown = set(params) - PARAMS[kind]
        if unknown:
            raise ValueError(f"{kind} takes no {', '.join(sorted(unknown))}")
        if type(params.get("by", 1)) is not int:
            raise ValueError("by is a whole number")
        fault = Fault(kind, path, action, count, params)
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault away; it may be used up already."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def take(self, path: str, action: str | None) -> tuple[float, Fault | None]:
        """Return the delay and the first other fault that a request meets."""
        seconds = 0.0
        found: Fault | None = None
        for fault in list(self._faults):
            if not fault.matches(path, action):
                continue
            if fault.kind == "delay":
                seconds += float(fault.params.get("seconds", 1.0))
            elif found is None:
                found = fault
            else:
                continue
            fault.hits += 1
            if fault.count is not None:
                fault.count -= 1
                if fault.count == 0:
                    self._faults.remove(fault)
        return seconds, found


@dataclass(slots=True, eq=False)
class RequestRecord:
    """A request and how it was answered."""

    method: str
    path: str
    query: dict[str, str]
    # Seconds since the epoch.
    received: float
    body: Any = None
    # None as long as it is not answered, or when the connection was dropped.
    http_status: int | None = None
    code: int | None = None
    answered: float | None = None
    # Bytes of the answer's body.
    sent: int = 0
    served_secret: bool = False
    fault: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def action(self) -> str | None:
        """Return the action that was asked for."""
        return self.query.get("action")

    def as_dict(self) -> JsonObject:
        """Return the record for the admin port."""
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": (
                self.body.decode("utf-8", "backslashreplace")
                if isinstance(self.body, bytes)
                else self.body
            ),
            "http_status": self.http_status,
            "code": self.code,
            "received": self.received,
            "answered": self.answered,
            "served_secret": self.served_secret,
            "fault": self.fault,
        }
