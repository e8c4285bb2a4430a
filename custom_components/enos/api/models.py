"""What EnOS says, as immutable types.

Ids are always text (a command id does not fit into a double). Times are milliseconds since
1970 in UTC. Secrets that EnOS would add to products and devices have no field here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
import re
from typing import Final, NamedTuple, Self
import unicodedata

type JsonValue = (
    bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None
)


class DataType(StrEnum):
    """Data types of a thing model."""

    INT = "INT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    BOOL = "BOOL"
    ENUM = "ENUM"
    STRING = "STRING"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    ARRAY = "ARRAY"
    STRUCT = "STRUCT"
    FILE = "FILE"
    UNKNOWN = "UNKNOWN"


class DeviceStatus(StrEnum):
    """Connection states of a device."""

    ONLINE = "online"
    OFFLINE = "offline"
    INACTIVE = "inactive"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


AWAY: Final = frozenset(
    {DeviceStatus.OFFLINE, DeviceStatus.INACTIVE, DeviceStatus.DISABLED}
)
"""States in which a device neither measures nor obeys."""


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """A StringI18n: a default and translations by locale such as `zh_CN`."""

    default: str = ""
    i18n: Mapping[str, str] = field(default_factory=dict)

    def get(self, language: str) -> str:
        """Return the text for a language tag (`en`, `zh-Hans`) as a name: on one line, short."""
        text = self.whole(language)
        if len(text) <= MAX_NAME:
            return text
        # At the end of a word, if one ends in the second half.
        kept = text[: MAX_NAME - 1]
        words = kept.rpartition(" ")[0]
        return f"{(words if len(words) > MAX_NAME // 2 else kept).rstrip()}…"

    def whole(self, language: str) -> str:
        """Return the text for a language tag on one line, whatever its length.

        The translation that fits best, else the default; who cannot be expected to read a
        default in Chinese, Japanese or Korean gets the English translation. What EnOS carries
        as an empty text counts as missing.
        """
        texts = {
            locale: text for locale, raw in self.i18n.items() if (text := _line(raw))
        }
        default = _line(self.default)
        wanted = _locale(language)
        own = [
            (wanted.distance(locale), text)
            for key, text in texts.items()
            if (locale := _locale(key)).language == wanted.language
        ]
        if own:
            return min(own, key=lambda item: item[0])[1]
        english = next(
            (text for key, text in texts.items() if _locale(key).language == "en"),
            "",
        )
        if not default or (
            english and _EAST_ASIAN.search(default) and wanted.language not in _READERS
        ):
            return english or next(iter(texts.values()), "")
        return default


MAX_NAME: Final = 100

_EAST_ASIAN: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3100-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U00020000-\U0003ffff]"
)
_READERS: Final = frozenset({"zh", "yue", "ja", "ko"})
# Other codes for the same language; Java's own are from before 1989.
_SAME: Final[Mapping[str, str]] = {"in": "id", "iw": "he", "no": "nb"}
# Which Chinese script is meant where only a country is named.
_TRADITIONAL: Final = frozenset({"tw", "hk", "mo"})
# Where a language is at home, if not in the country of the same letters.
_HOME: Final[Mapping[str, str]] = {
    "cs": "cz",
    "da": "dk",
    "en": "us",
    "he": "il",
    "ja": "jp",
    "ko": "kr",
    "nb": "no",
    "sv": "se",
    "uk": "ua",
    "vi": "vn",
    "zh": "cn",
}
# What nobody sees; half a character is none.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})
# They belong to letters of Persian and Indian languages, and to emoji.
_JOINERS: Final = frozenset({"\u200c", "\u200d"})


def _line(text: str) -> str:
    """Return a text on one line, without double blanks and what nobody sees."""
    if not text.isprintable():
        text = "".join(
            char
            for char in " ".join(text.split())
            if char in _JOINERS or unicodedata.category(char) not in _UNSEEN
        )
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Locale:
    """A locale or language tag: `zh_TW`, `zh-Hant`, `pt-BR`, `de`; all but `language` may lack."""

    language: str
    script: str = ""
    region: str = ""

    def distance(self, other: Self) -> tuple[bool, int]:
        """Return how far off another locale of the same language is; the least is nearest."""
        home = _HOME.get(self.language, self.language)
        if other.region == self.region:
            away = 0
        elif not other.region:
            away = 1
        elif other.region == home:
            away = 2
        else:
            away = 3
        return other.script != self.script, away


@lru_cache(maxsize=512)
def _locale(tag: str) -> _Locale:
    """Take a tag apart."""
    language, *more = tag.strip().lower().replace("_", "-").split("-")
    language = _SAME.get(language, language)
    script = next((each for each in more if len(each) == 4 and each.isalpha()), "")
    region = next((each for each in more if len(each) in (2, 3)), "")
    if language == "zh" and not script:
        script = "hant" if region in _TRADITIONAL else "hans"
    return _Locale(language, script, region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product: devices of one thing model."""

    product_key: str
    name: LocalizedText
    model_id: str
    is_gateway: bool = False
    custom_format: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device. `model_id`, keys and names are empty where EnOS did not give them."""

    asset_id: str
    name: LocalizedText = LocalizedText()
    product_key: str = ""
    product_name: LocalizedText = LocalizedText()
    device_key: str = ""
    model_id: str = ""
    is_gateway: bool = False
    custom_format: bool = False
    status: DeviceStatus = DeviceStatus.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurepoint:
    """A measurepoint of a thing model, with its dataDefinition taken apart.

    `enum` maps the code *as text* to its label; `enum_is_int` tells how the code goes on
    the wire. `unit` is EnOS's symbol (empty: none) and `multiplier` its SI prefix name.
    `items` are those of a STRUCT, `item_type` is that of an ARRAY.
    """

    identifier: str
    name: LocalizedText = LocalizedText()
    data_type: DataType = DataType.UNKNOWN
    unit: str = ""
    multiplier: str = "ONE"
    enum: Mapping[str, LocalizedText] = field(default_factory=dict)
    enum_is_int: bool = False
    bool_labels: Mapping[bool, str] = field(default_factory=dict)
    max_length: int | None = None
    item_type: DataType | None = None
    items: tuple[Measurepoint, ...] = ()
    signal_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingService:
    """A service of a thing model; `inputs` are its arguments, described as points are."""

    identifier: str
    name: LocalizedText = LocalizedText()
    inputs: tuple[Measurepoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingModel:
    """A thing model: what devices of it can measure and be told."""

    model_id: str
    name: LocalizedText = LocalizedText()
    measurepoints: Mapping[str, Measurepoint] = field(default_factory=dict)
    services: Mapping[str, ThingService] = field(default_factory=dict)


class Reading(NamedTuple):
    """A sample: the raw JSON value and its time on the device's clock (ms), if given."""

    value: JsonValue
    time: int | None = None


class CommandState(IntEnum):
    """States of a command; all but the first and `RELEASED` are its end."""

    CREATED = 1
    CANCELED = 2
    EXPIRED = 3
    RELEASED = 4
    SUCCEEDED = 5
    FAILED = 6
    TIMED_OUT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as EnOS remembers it.

    `identifier` is that of the measurepoint or service, `value` what was sent and `output`
    what a service answered. `state` is None for a number that no source explains, `created`
    in ms and `pending_ttl` and `timeout` in s are None where EnOS did not tell them.
    """

    command_id: str
    asset_id: str = ""
    identifier: str = ""
    is_service: bool = False
    value: JsonValue = None
    output: JsonValue = None
    state: CommandState | None = None
    created: int | None = None
    pending_ttl: int | None = None
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReply:
    """What a service call gave: the id of its command, and the device's answer if it is in."""

    command_id: str
    output: JsonValue = None


@dataclass(frozen=True, slots=True)
class Page[ItemT]:
    """One page of a list. `total` is EnOS's count over all pages."""

    items: tuple[ItemT, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """An asset in a tree: a device, or what EnOS calls a logical asset, such as a room.

    `parent` is the asset id of the node above, None for a root.
    """

    asset_id: str
    name: LocalizedText = LocalizedText()
    is_device: bool = False
    is_valid: bool = True
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTree:
    """An asset tree, its nodes by asset id. Nothing in it is above itself."""

    tree_id: str
    name: LocalizedText = LocalizedText()
    nodes: Mapping[str, TreeNode] = field(default_factory=dict)
