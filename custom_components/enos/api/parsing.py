"""From EnOS's JSON to the types of `models`, liberal where its documents disagree.

An item that lacks its id is passed over.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import json
import math
from typing import Any, Final, cast

import orjson

from .models import (
    Command,
    CommandState,
    DataType,
    Device,
    DeviceStatus,
    JsonValue,
    LocalizedText,
    Measurepoint,
    Product,
    Reading,
    ServiceReply,
    ThingModel,
    ThingService,
)

_SHORTEST_SECRET: Final = 6
# No data type nests deeper than a list in an object; what writes JSON gives up at some 250.
_DEEPEST: Final = 64


def json_value(content: bytes) -> object:
    """Return the JSON in `content`, None where there is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _leniently(content)


def json_object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object in `content`, None where there is none."""
    value = json_value(content)
    return value if isinstance(value, dict) else None


def _leniently(content: bytes) -> object:
    """Return JSON as Java's writers may produce it; None where it is none.

    NaN and infinite numbers become None, what is no proper text becomes a question mark, and
    what is nested without end goes: one odd value of one device must not cost the reply for
    all.
    """

    def finite(text: str) -> float | None:
        number = float(text)
        return number if math.isfinite(number) else None

    try:
        value = json.loads(
            content.decode("utf-8-sig", "replace"),
            parse_constant=lambda _: None,
            parse_float=finite,
        )
        # So deep that what is too deep for a value still is.
        text = json.dumps(_pruned(value, _DEEPEST + 8), ensure_ascii=False)
        return orjson.loads(text.encode("utf-8", "replace"))
    except ValueError, RecursionError:
        return None


def _pruned(value: Any, depth: int) -> Any:
    """Return a value with None for what is nested deeper."""
    if not isinstance(value, list | dict):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_pruned(item, depth - 1) for item in value]
    return {key: _pruned(item, depth - 1) for key, item in value.items()}


def sample_value(value: Any) -> JsonValue:
    """Return the value of a sample; None for one that is nested too deep to be one.

    Only a whole value is as the device sent it.
    """
    if not isinstance(value, list | dict):
        return cast("JsonValue", value)
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, list | dict)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return cast("JsonValue", value)
    return None


def whole_number(value: object) -> int | None:
    """Return a whole number, which may come as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else holds none."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def code_or_none(reply: dict[str, Any]) -> int | None:
    """Return the envelope's code, whichever of its names a service uses."""
    for key in ("code", "status", "stauts", "apim_status"):
        found = whole_number(reply.get(key))
        if found is not None:
            return found
    return None


def of_service(reply: dict[str, Any]) -> bool:
    """Tell whether the code stands where the services have it, and the token service has not."""
    return whole_number(reply.get("code")) is not None


def message(reply: dict[str, Any]) -> str:
    """Return EnOS's own words, one line of at most 200 characters."""
    text = _text(reply.get("msg")) or _text(reply.get("message"))
    return " ".join(text.split())[:200]


def hide(reply: dict[str, Any], secrets: Iterable[str]) -> None:
    """Black out secrets that EnOS's own words repeat."""
    for key in ("msg", "message"):
        text = reply.get(key)
        if isinstance(text, str):
            for secret in secrets:
                # A few letters, typed by mistake, would only make the words unreadable.
                if len(secret) < _SHORTEST_SECRET:
                    continue
                text = text.replace(secret, "***")
            reply[key] = text


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header (seconds or HTTP date) asks for."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def total(reply: dict[str, Any], page_no: int, page_size: int, received: int) -> int:
    """Return how many items all pages hold together.

    Without EnOS's word a full page means that there is another.
    """
    pagination = _mapping(reply.get("pagination"))
    for key in ("totalSize", "totalSzie"):
        found = whole_number(pagination.get(key))
        if found is not None:
            return found
    before = (page_no - 1) * page_size + received
    return before + 1 if received >= page_size else before


def token(data: object) -> tuple[str, float | None]:
    """Return access token and remaining life in seconds from a token reply.

    The token is empty where there is none that can be sent as a header, the life is None
    where it is not told.
    """
    fields = _mapping(data)
    text = _text(fields.get("accessToken"))
    life = whole_number(fields.get("expire"))
    return (
        text if text.isascii() and text.isprintable() else "",
        None if life is None else float(max(0, life)),
    )


def command_id(data: object) -> str:
    """Return the id of a command, empty where EnOS gave none."""
    value = _mapping(data).get("commandId")
    usable = isinstance(value, (str, int)) and not isinstance(value, bool)
    return str(value) if usable else ""


def command(data: object) -> Command | None:
    """Return a command, None where it has no id."""
    fields = _mapping(data)
    found = command_id(fields)
    if not found:
        return None
    try:
        state = CommandState(whole_number(fields.get("state")) or 0)
    except ValueError:
        state = None
    return Command(
        command_id=found,
        asset_id=_text(fields.get("assetId")),
        identifier=_text(fields.get("tslIdentifier")),
        is_service=whole_number(fields.get("commandType")) == 2,
        value=fields.get("inputData"),
        output=fields.get("outputData"),
        state=state,
        created=whole_number(fields.get("createTime")),
        pending_ttl=whole_number(fields.get("pendingTtl")),
        timeout=whole_number(fields.get("timeout")),
    )


def commands(data: object) -> list[Command]:
    """Return the commands of a list."""
    found = (command(item) for item in items(data))
    return [item for item in found if item is not None]


def service_reply(data: object) -> ServiceReply:
    """Return what a service call gave."""
    return ServiceReply(
        command_id=command_id(data), output=_mapping(data).get("outputData")
    )


def localized(value: object) -> LocalizedText:
    """Return a StringI18n, which may be a plain text too."""
    if isinstance(value, str):
        return LocalizedText(value.strip())
    fields = _mapping(value)
    translations = _mapping(fields.get("i18nValue"))
    return LocalizedText(
        _text(fields.get("defaultValue")).strip(),
        {
            str(locale): text.strip()
            for locale, text in translations.items()
            if isinstance(text, str)
        },
    )


def product(data: dict[str, Any]) -> Product | None:
    """Return a product, None where it has no key."""
    key = _text(data.get("productKey"))
    if not key:
        return None
    return Product(
        product_key=key,
        name=localized(data.get("productName")),
        model_id=_text(data.get("modelId")),
        is_gateway=_text(data.get("productType")).lower() == "gateway",
        custom_format=_text(data.get("dataFormat")).lower() == "custom",
    )


def _status(value: object) -> DeviceStatus:
    text = _text(value).lower()
    if text == "disable":
        return DeviceStatus.DISABLED
    try:
        return DeviceStatus(text)
    except ValueError:
        return DeviceStatus.UNKNOWN


def device(data: dict[str, Any]) -> Device | None:
    """Return a device, None where it has no asset id."""
    asset_id = _text(data.get("assetId"))
    if not asset_id:
        return None
    return Device(
        asset_id=asset_id,
        name=localized(data.get("deviceName")),
        product_key=_text(data.get("productKey")),
        product_name=localized(data.get("productName")),
        device_key=_text(data.get("deviceKey")),
        model_id=_text(data.get("modelId")),
        is_gateway=_text(data.get("productType")).lower() == "gateway",
        custom_format=_text(data.get("dataFormat")).lower() == "custom",
        status=_status(data.get("status")),
    )


def data_type(value: object) -> DataType:
    """Return a data type; its spelling in lower case and the docs' `DATA` are known."""
    text = _text(value).upper()
    if text == "DATA":
        return DataType.DATE
    try:
        return DataType(text)
    except ValueError:
        return DataType.UNKNOWN


def _unit(value: object) -> tuple[str, str]:
    """Return unit symbol and multiplier."""
    if isinstance(value, str):
        return value.strip(), "ONE"
    fields = _mapping(value)
    multiplier = _text(fields.get("multiplier")).upper() or "ONE"
    return _text(fields.get("unitId")).strip(), multiplier


def _definition(value: object) -> dict[str, Any]:
    """Return a dataDefinition, which comes as text, as an object or not at all."""
    if isinstance(value, str):
        return json_object(value.encode()) or {}
    return _mapping(value)


def _datapoints(data: object) -> tuple[Measurepoint, ...]:
    """Return items of a STRUCT or arguments of a service: points of a smaller kind."""
    found = (measurepoint(_text(item.get("identifier")), item) for item in items(data))
    return tuple(item for item in found if item.identifier)


def measurepoint(identifier: str, data: dict[str, Any]) -> Measurepoint:
    """Return a measurepoint of a thing model."""
    definition = _definition(data.get("dataDefinition"))
    unit, multiplier = _unit(data.get("unit"))
    enum = {
        str(code): localized(label)
        for code, label in _mapping(definition.get("enumDesc")).items()
    }
    bools = _mapping(definition.get("boolDesc"))
    item_type = definition.get("itemType")
    return Measurepoint(
        identifier=identifier,
        name=localized(data.get("name")),
        data_type=data_type(data.get("dataType")),
        unit=unit,
        multiplier=multiplier,
        enum=enum,
        enum_is_int=_text(definition.get("enumType")).upper() != "STRING"
        and all(whole_number(code) is not None for code in enum),
        bool_labels={
            flag: bools[key]
            for flag, key in ((True, "true"), (False, "false"))
            if isinstance(bools.get(key), str) and bools[key]
        },
        max_length=whole_number(definition.get("maxLength")),
        item_type=data_type(item_type) if item_type else None,
        items=_datapoints(definition.get("items")),
        signal_type=_text(data.get("signalType")),
        tags={
            str(key): value
            for key, value in _mapping(data.get("tags")).items()
            if isinstance(value, str)
        },
    )


def thing_model(data: dict[str, Any]) -> ThingModel | None:
    """Return a thing model, None where it has no id."""
    model_id = _text(data.get("modelId"))
    if not model_id:
        return None
    points = _mapping(data.get("measurepoints"))
    services = _mapping(data.get("services"))
    return ThingModel(
        model_id=model_id,
        name=localized(data.get("name")),
        measurepoints={
            identifier: measurepoint(identifier, fields)
            for identifier, fields in points.items()
            if isinstance(fields, dict)
        },
        services={
            identifier: ThingService(
                identifier=identifier,
                name=localized(fields.get("name")),
                # The documentation spells it both ways.
                inputs=_datapoints(fields.get("inputData") or fields.get("intputData")),
            )
            for identifier, fields in services.items()
            if isinstance(fields, dict)
        },
    )


def latest_item(
    item: dict[str, Any], wanted: frozenset[str]
) -> dict[tuple[str, str], Reading]:
    """Return the samples of an item of a `latest` reply, format 0 or 1, by asset and point.

    A point's id is a key of its item, so only the points that were asked for are taken; one
    called as the item's own keys cannot be told from them.
    """
    asset_id = item.get("assetId")
    if not isinstance(asset_id, str):
        return {}
    time = whole_number(item.get("timestamp"))
    return {
        (asset_id, key): Reading(sample_value(value), time)
        for key, value in item.items()
        if key in wanted and key not in ("assetId", "timestamp")
    }


def query_latest(data: object) -> dict[str, Reading]:
    """Return the samples of a `queryLatest` reply by point."""
    return {
        item["id"]: Reading(
            sample_value(item.get("value")), whole_number(item.get("time"))
        )
        for item in items(data)
        if isinstance(item.get("id"), str)
    }
