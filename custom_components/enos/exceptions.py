"""From the client's errors to Home Assistant's: one translation key per reason."""

from collections.abc import Mapping
from typing import Final

from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.helpers.update_coordinator import UpdateFailed

from .api.errors import (
    AddressRefusedError,
    ApiError,
    CertificateError,
    ConnectError,
    CredentialsError,
    DeviceInactiveError,
    DeviceOfflineError,
    EnosError,
    NoReplyError,
    NotEncodableError,
    NotFoundError,
    NotSentError,
    PayloadTooLargeError,
    PermissionDeniedError,
    QueueFullError,
    RateLimitError,
    RejectedError,
    TokenRefusedError,
    UnknownCodeError,
)
from .const import CLOCK_SKEW, DOMAIN
from .records import Outcome, Record

# What a caller is told of a write that failed, and how the record calls it.
# The first class that fits counts; what is not listed has an unknown outcome.
_WRITE: Final[tuple[tuple[type[EnosError], str, Outcome], ...]] = (
    (DeviceOfflineError, "device_offline", Outcome.DEVICE_OFFLINE),
    (DeviceInactiveError, "device_inactive", Outcome.DEVICE_INACTIVE),
    (NotSentError, "not_sent", Outcome.NOT_SENT),
    (NoReplyError, "no_reply", Outcome.NO_REPLY),
    (QueueFullError, "queue_full", Outcome.QUEUE_FULL),
    (NotEncodableError, "not_encodable", Outcome.NOT_ENCODABLE),
    (PermissionDeniedError, "permission_denied", Outcome.PERMISSION_DENIED),
    (AddressRefusedError, "address_refused", Outcome.PERMISSION_DENIED),
    (RateLimitError, "rate_limited", Outcome.RATE_LIMITED),
    (CertificateError, "ssl_error", Outcome.NOT_SENT),
    (ConnectError, "cannot_connect", Outcome.NOT_SENT),
    (CredentialsError, "invalid_auth", Outcome.REJECTED),
    (TokenRefusedError, "token_refused", Outcome.REJECTED),
    (UnknownCodeError, "unknown_code", Outcome.UNKNOWN),
    (RejectedError, "rejected", Outcome.REJECTED),
    (NotFoundError, "rejected", Outcome.REJECTED),
    (PayloadTooLargeError, "rejected", Outcome.REJECTED),
)


def reason_of(err: EnosError) -> tuple[str, Outcome]:
    """Return translation key and outcome of a write that ended with an error."""
    if isinstance(err, TokenRefusedError) and clock_wrong(err):
        return "clock_skew", Outcome.REJECTED
    for kind, key, outcome in _WRITE:
        if isinstance(err, kind):
            return key, outcome
    if isinstance(err, ApiError) and not err.outcome_unknown:
        return "rejected", Outcome.REJECTED
    return "unknown_outcome", Outcome.UNKNOWN


def clock_wrong(err: TokenRefusedError) -> bool:
    """Tell whether the clocks explain why a token was refused."""
    return err.clock_offset is not None and abs(err.clock_offset) > CLOCK_SKEW


class WriteFailed(HomeAssistantError):
    """A command that was not carried out, or nobody knows whether it was.

    `record` tells the rest.
    """

    def __init__(
        self,
        key: str,
        names: Mapping[str, str],
        record: Record,
        err: EnosError | None = None,
    ) -> None:
        """Word the reason; `names` holds the placeholders device, point and value."""
        code = err.code if err is not None else None
        message = (err.message or str(err)) if err is not None else ""
        super().__init__(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={
                **names,
                "code": str(code) if code is not None else "-",
                "message": message,
            },
        )
        self.record = record


def invalid_value(key: str, placeholders: dict[str, str]) -> ServiceValidationError:
    """Return the error that a caller gets for a value that the point cannot take."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


def auth_failed(err: EnosError) -> ConfigEntryAuthFailed:
    """Return the error that asks a person for new keys."""
    return ConfigEntryAuthFailed(
        translation_domain=DOMAIN,
        translation_key="update_auth_failed",
        translation_placeholders={"error": str(err)},
    )


def update_failed(err: EnosError) -> UpdateFailed:
    """Return the error that ends a round of polling."""
    key = "update_failed"
    if isinstance(err, TokenRefusedError) and clock_wrong(err):
        key = "update_clock_skew"
    elif isinstance(err, RateLimitError):
        key = "update_rate_limited"
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"error": str(err)},
    )
