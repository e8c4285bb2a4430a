"""What EnOS says, as immutable types.

Ids are always text (a command id does not fit into a double). Times are milliseconds since
1970 in UTC. Secrets that EnOS would add to products and devices have no field here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

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
        """Return the text for a language tag (`en`, `zh-Hans`), else the default.

        A translation that EnOS carries as an empty text counts as missing.
        """
        primary = language.replace("_", "-").split("-", maxsplit=1)[0].lower()
        for locale, text in self.i18n.items():
            if text and locale.replace("_", "-").split("-", 1)[0].lower() == primary:
                return text
        if self.default:
            return self.default
        return next((text for text in self.i18n.values() if text), "")


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


@dataclass(frozen=True, slots=True)
class Reading:
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
