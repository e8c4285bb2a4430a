"""Hashes of the token scheme, as the fact sheet gives them (section 1.3, 1.5)."""

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import unquote_plus

MASK = "<secret>"
TOKEN_MASK = "<token>"


def encryption(app_key: str, timestamp: str, app_secret: str) -> str:
    """Return what proves the secret in a token call."""
    return sha256(f"{app_key}{timestamp}{app_secret}".encode()).hexdigest()


def split_query(raw: str) -> list[tuple[str, str]]:
    """Split a raw query into raw names and values, nothing decoded."""
    pairs: list[tuple[str, str]] = []
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((name, value))
    return pairs


def decode_query(raw_pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Decode names and values; raise ValueError where that is not UTF-8."""
    return [
        (
            unquote_plus(name, errors="strict"),
            unquote_plus(value, errors="strict"),
        )
        for name, value in raw_pairs
    ]


def code_unit_key(name: str) -> bytes:
    """Return a sort key that orders as Java orders strings."""
    return name.encode("utf-16-be", "surrogatepass")


def params_text(pairs: Sequence[tuple[str, str]]) -> str:
    """Join the parameters, sorted by name, the first value of each name."""
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return "".join(name + first[name] for name in sorted(first, key=code_unit_key))


def sign(token: str, params: str, body: bytes, timestamp: str, secret: str) -> str:
    """Return the signature of a call."""
    digest = sha256(token.encode())
    digest.update(params.encode())
    digest.update(body)
    digest.update(timestamp.encode())
    digest.update(secret.encode())
    return digest.hexdigest()


def masked_input(params: str, body: bytes, timestamp: str) -> str:
    """Return the text that is hashed, without token and secret."""
    text = body.decode("utf-8", "backslashreplace")
    if len(text) > 2000:
        text = f"{text[:2000]}... ({len(text)} characters)"
    return f"{TOKEN_MASK}{params}{text}{timestamp}{MASK}"


def diagnose(
    received: str,
    token: str,
    raw_pairs: Sequence[tuple[str, str]],
    pairs: Sequence[tuple[str, str]],
    body: bytes,
    timestamp: str,
    secret: str,
) -> str:
    """Say which usual mistake gives the received signature, if one does."""
    decoded, raw = params_text(pairs), params_text(raw_pairs)
    unsorted = "".join(name + value for name, value in pairs)
    folded = sorted(dict(pairs).items(), key=lambda pair: pair[0].lower())
    attempts: list[tuple[str, str, bytes]] = [
        ("percent-decoded parameters", decoded, body),
        ("raw parameters, not percent-decoded", raw, body),
        ("parameters in the order of the URL, not sorted", unsorted, body),
        (
            "parameters sorted without regard to case",
            "".join(name + value for name, value in folded),
            body,
        ),
        ("no body", decoded, b""),
        ("no parameters", "", body),
        (
            "name=value&name=value",
            "&".join(f"{name}={value}" for name, value in sorted(pairs)),
            body,
        ),
    ]
    for what, params, content in attempts:
        if sign(token, params, content, timestamp, secret) == received.lower():
            case = "" if received == received.lower() else ", in upper case"
            return f"the received one was made with {what}{case}"
    return "the received one fits no usual mistake"
