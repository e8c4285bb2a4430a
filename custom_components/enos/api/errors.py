"""The family of errors, by meaning, and the one table of EnOS codes.

Every error that leaves the client is an `EnosError`. Texts are English and carry no secret:
they are for logs and records; people get translated texts by the error's class.
"""

from typing import ClassVar


class EnosError(Exception):
    """Base of everything that the client raises.

    `code` is EnOS's code or the HTTP status, `message` EnOS's own words, both if there were any.
    `command_id` is that of the command which failed, empty where EnOS did not name it.
    `outcome_unknown` tells that a write that ended so may have been carried out.
    """

    outcome_unknown: ClassVar[bool] = False

    def __init__(
        self,
        text: str = "",
        *,
        code: int | None = None,
        message: str = "",
        command_id: str = "",
    ) -> None:
        """Keep EnOS's code, message and command id beside the text."""
        if not text:
            text = f"EnOS answered {code}: {message}" if code is not None else message
        super().__init__(text)
        self.code = code
        self.message = message
        self.command_id = command_id


class InvalidUrlError(EnosError):
    """The gateway address is not an http or https address."""


class TransportError(EnosError):
    """No reply of the API was had: network, proxy or gateway are in trouble."""


class ConnectError(TransportError):
    """No connection came about; nothing was sent."""


class CertificateError(ConnectError):
    """The gateway's certificate could not be verified; nothing was sent."""


class NoTlsError(ConnectError):
    """The gateway does not speak https at this port; nothing was sent."""


class ReplyLostError(TransportError):
    """The request went out and no usable reply came: timeout, broken connection, 5xx, no JSON."""

    outcome_unknown = True


class BrokenError(ReplyLostError):
    """The connection broke after the request was sent, before its reply was had."""


class RateLimitError(EnosError):
    """HTTP 429. `retry_after` is what the gateway asked for, in seconds, if it did."""

    def __init__(self, retry_after: float | None, message: str = "") -> None:
        """Keep the wait."""
        super().__init__(code=429, message=message)
        self.retry_after = retry_after


class PayloadTooLargeError(EnosError):
    """HTTP 413, or 80400 of the time series service: ask for less at once."""


class CredentialsError(EnosError):
    """Token service codes 1002 and 1003: the access key or the secret key is wrong."""


class TokenRefusedError(EnosError):
    """A new token was refused as well.

    `clock_offset` is the gateway's clock minus ours in seconds, if it told.
    """

    def __init__(
        self, *, code: int | None, message: str, clock_offset: float | None
    ) -> None:
        """Keep the clock difference, the likeliest reason."""
        super().__init__(code=code, message=message)
        self.clock_offset = clock_offset


class AddressRefusedError(EnosError):
    """HTTP 403: the gateway refuses this machine's address."""


class ApiError(EnosError):
    """EnOS answered with a code other than 0."""


class ServerError(ApiError):
    """99500, 80500, 1005: EnOS is in trouble; what became of a write is unknown."""

    outcome_unknown = True


class PermissionDeniedError(ApiError):
    """99403, 80401: a right is missing."""


class NotFoundError(ApiError):
    """99404 and its kin: there is no such thing."""


class RejectedError(ApiError):
    """99400 and its kin: an argument was refused."""


class DeviceOfflineError(ApiError):
    """11900: the device is offline, the instant command was not sent."""


class DeviceInactiveError(ApiError):
    """11888: the device was never activated."""


class NotSentError(ApiError):
    """11904: the command waited in vain for its turn and was not sent."""


class NoReplyError(ApiError):
    """11915: the command was sent and the device did not answer in time."""

    outcome_unknown = True


class QueueFullError(ApiError):
    """11902: 50 cached commands wait for the device."""


class NotEncodableError(ApiError):
    """11810: the product has a custom format and no codec for this command."""


class UnknownCodeError(ApiError):
    """A code that no source explains, or a device's own."""

    outcome_unknown = True


_CODES: dict[int, type[EnosError]] = {
    1001: ApiError,
    1002: CredentialsError,
    1003: CredentialsError,
    1004: RejectedError,
    1005: ServerError,
    1202: RejectedError,
    1204: ApiError,
    11404: NotFoundError,
    11611: NotFoundError,
    11651: NotFoundError,
    11738: RejectedError,
    11794: RejectedError,
    11795: RejectedError,
    11810: NotEncodableError,
    11888: DeviceInactiveError,
    11900: DeviceOfflineError,
    11902: QueueFullError,
    11904: NotSentError,
    11915: NoReplyError,
    17404: NotFoundError,
    80400: PayloadTooLargeError,
    80401: PermissionDeniedError,
    80500: ServerError,
    99400: RejectedError,
    99403: PermissionDeniedError,
    99404: NotFoundError,
    99500: ServerError,
}


def error_for(code: int, message: str, command_id: str = "") -> EnosError:
    """Return the error that an EnOS code means."""
    kind = _CODES.get(code, UnknownCodeError)
    return kind(code=code, message=message, command_id=command_id)


def from_elsewhere(err: EnosError) -> bool:
    """Tell whether an HTTP status came without a code of EnOS: no service answered."""
    kinds = (RejectedError, ReplyLostError)
    return isinstance(err, kinds) and 400 <= (err.code or 0) < 500
