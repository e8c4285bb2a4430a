"""From the client's errors to Home Assistant's: one translation key per reason."""

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

# What a caller is told of a write that failed, and how the record calls it.
# The first class that fits counts; what is not listed has an unknown outcome.
_WRITE: Final[tuple[tuple[type[EnosError], str, str], ...]] = (
    (DeviceOfflineError, "device_offline", "device_offline"),
    (DeviceInactiveError, "device_inactive", "device_inactive"),
    (NotSentError, "not_sent", "not_sent"),
    (NoReplyError, "no_reply", "no_reply"),
    (QueueFullError, "queue_full", "queue_full"),
    (NotEncodableError, "not_encodable", "not_encodable"),
    (PermissionDeniedError, "permission_denied", "permission_denied"),
    (AddressRefusedError, "address_refused", "permission_denied"),
    (RateLimitError, "rate_limited", "rate_limited"),
    (CertificateError, "ssl_error", "not_sent"),
    (ConnectError, "cannot_connect", "not_sent"),
    (CredentialsError, "invalid_auth", "rejected"),
    (TokenRefusedError, "token_refused", "rejected"),
    (UnknownCodeError, "unknown_code", "unknown"),
    (RejectedError, "rejected", "rejected"),
    (NotFoundError, "rejected", "rejected"),
    (PayloadTooLargeError, "rejected", "rejected"),
)


def reason_of(err: EnosError) -> tuple[str, str]:
    """Return translation key and outcome of a write that ended with an error."""
    if isinstance(err, TokenRefusedError) and clock_wrong(err):
        return "clock_skew", "rejected"
    for kind, key, outcome in _WRITE:
        if isinstance(err, kind):
            return key, outcome
    if isinstance(err, ApiError) and not err.outcome_unknown:
        return "rejected", "rejected"
    return "unknown_outcome", "unknown"


def clock_wrong(err: TokenRefusedError) -> bool:
    """Tell whether the clocks explain why a token was refused."""
    return err.clock_offset is not None and abs(err.clock_offset) > CLOCK_SKEW


def write_failed(key: str, placeholders: dict[str, str]) -> HomeAssistantError:
    """Return the error that a caller gets for a write that EnOS did not carry out."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


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
