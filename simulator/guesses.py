"""The open questions about a real EnOS gateway, each as a switch.

The names are those of the guess register of the fact sheet (G1 to G18). The
first value of each literal is the default. A client has to survive every one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class Guesses:
    """One field for each thing that nobody outside Envision knows for sure."""

    # A bad or expired token on a business call.
    G1: Literal["message_401", "status_1203", "code_1203", "apim_status"] = (
        "message_401"
    )
    # A wrong signature.
    G2: Literal["as_g1", "code_1003", "status_1003"] = "as_g1"
    # The tolerated difference of the clocks (a misfit answers as G1).
    G3: Literal["five_minutes", "off"] = "five_minutes"
    # What a rate limit looks like.
    G4: Literal["plain", "retry_after"] = "plain"
    # What becomes of the old token after a refresh.
    G5: Literal["stays_valid", "invalid_at_once"] = "stays_valid"
    # The HTTP status of a business error (no variant known).
    G6: Literal["http_200"] = "http_200"
    # The message of the 11xxx codes.
    G7: Literal["english", "any_text"] = "english"
    # Whether code 11915 comes with the id of the command.
    G8: Literal["data_null", "command_id"] = "data_null"
    # An unknown measurepoint, or a value that does not fit it.
    G9: Literal["99400", "99404", "11795"] = "99400"
    # A comma list as the asset of a command (no variant known).
    G10: Literal["99404"] = "99404"
    # A page size over the maximum.
    G11: Literal["99400", "clamp"] = "99400"
    # A time series read of which only some assets are allowed.
    G12: Literal["drop", "80401"] = "drop"
    # The typing of values in time series replies.
    G13: Literal["typed", "all_strings"] = "typed"
    # How a thing model carries dataDefinition.
    G14: Literal["text", "object", "absent"] = "text"
    # How BOOL values appear in replies.
    G15: Literal["true_false", "one_zero"] = "true_false"
    # Whether the signature covers decoded or raw query parameters.
    G17: Literal["decoded", "raw"] = "decoded"
    # The wording of a disabled device's status.
    G18: Literal["disabled", "disable"] = "disabled"
    # An instant command for an offline device that has cached ones waiting.
    instant_behind_cached: Literal["refused", "waits"] = "refused"

    def __post_init__(self) -> None:
        """Refuse values that are no variant."""
        for name, values in self.choices().items():
            if getattr(self, name) not in values:
                raise ValueError(
                    f"{name} must be one of {', '.join(values)},"
                    f" not {getattr(self, name)!r}"
                )

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Return the values of each guess, the default first."""
        hints = get_type_hints(cls)
        return {field.name: get_args(hints[field.name]) for field in fields(cls)}

    @classmethod
    def variants(cls) -> Iterator[tuple[str, Self]]:
        """Yield every value that is not the default, one at a time."""
        for name, values in cls.choices().items():
            for value in values[1:]:
                yield f"{name}={value}", cls.from_dict({name: value})

    @classmethod
    def all_non_default(cls) -> Self:
        """Return all guesses at their first value that is not the default."""
        return cls.from_dict(
            {
                name: values[1]
                for name, values in cls.choices().items()
                if len(values) > 1
            }
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the defaults with some values replaced."""
        known = cls.choices()
        for name in values:
            if name not in known:
                raise ValueError(f"unknown guess {name!r}")
        return replace(cls(), **values)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read texts such as ``G1=apim_status``."""
        values: dict[str, str] = {}
        for text in texts:
            name, separator, value = text.partition("=")
            if not separator:
                raise ValueError(f"write a guess as NAME=VALUE, not {text!r}")
            values[name.strip()] = value.strip()
        return cls.from_dict(values)
