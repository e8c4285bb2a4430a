"""Refusals: why a request was not served, and how that is told."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Family:
    """The numbers by which a family of services tells the usual refusals."""

    name: str
    invalid: int
    denied: int
    missing: int
    internal: int


CONNECT = Family("connect", 99400, 99403, 99404, 99500)
TSDB = Family("tsdb", 80400, 80401, 80401, 80500)


class Refusal(Exception):
    """A request that is refused with a code of EnOS."""

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        why: str | None = None,
        client_error: bool = False,
        data: Any = None,
    ) -> None:
        """Note the code; ``client_error`` puts it on the list of rejections."""
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.why = why or msg
        self.client_error = client_error
        self.data = data


class GatewayRefusal(Exception):
    """A request that the gateway itself refuses, before any service sees it."""

    def __init__(
        self,
        status: int,
        body: dict[str, Any],
        *,
        why: str,
        client_error: bool = True,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Note the HTTP status and the body."""
        super().__init__(why)
        self.status = status
        self.body = body
        self.why = why
        self.client_error = client_error
        self.headers = headers or {}


class InvalidArgument(Exception):
    """An argument is missing or wrong; the family of services gives the code."""

    def __init__(
        self, argument: str, detail: str, *, client_error: bool = True
    ) -> None:
        """Note the argument and what is wrong with it."""
        super().__init__(f"Invalid Argument {argument}:{detail}")
        self.client_error = client_error


class Denied(Exception):
    """The application has no right to do this."""

    def __init__(self, resource: str, why: str) -> None:
        """Note the resource that is named in the reply."""
        super().__init__(f"Denied resource:  {resource}")
        self.why = why


class NotFound(Exception):
    """The thing asked for does not exist."""

    def __init__(self, what: str, *, client_error: bool = False) -> None:
        """Note what is missing."""
        super().__init__(what)
        self.client_error = client_error


def to_refusal(error: Exception, family: Family) -> Refusal:
    """Translate an error into the numbers of a family of services."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, InvalidArgument):
        msg = "Invalid param error" if family is TSDB else str(error)
        return Refusal(
            family.invalid, msg, why=str(error), client_error=error.client_error
        )
    if isinstance(error, Denied):
        msg = "Assset unauthorized" if family is TSDB else str(error)
        return Refusal(family.denied, msg, why=error.why)
    if isinstance(error, NotFound):
        msg = "Assset unauthorized" if family is TSDB else str(error)
        return Refusal(
            family.missing, msg, why=str(error), client_error=error.client_error
        )
    raise TypeError(f"no refusal: {error!r}")


# The descriptions of the connect service's own codes (guess G7: as message).
TEXTS = {
    11611: "productKey does not exist",
    11738: "The device is not a gateway",
    11795: "Invalid arguments",
    11810: "Cannot encode the command for a product of custom data format",
    11888: "The device is not activated",
    11900: "The device is offline",
    11902: "The number of cached commands has reached its limit",
    11904: "The command was not sent, the instant command timed out",
    11915: "The command was sent, the response timed out",
}
