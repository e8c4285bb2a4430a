"""Values: what a measurepoint takes, and how a value looks on the wire."""

import json
import math
import re
import time
from typing import Any

import orjson

from .points import JsonObject

INT_LOW, INT_HIGH = -(2**31), 2**31 - 1
FLOAT_MAX = 3.4028234663852886e38
# A FILE is an address such as enos-connect://... or ftp://...
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+\Z", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,19}\Z", re.ASCII)


class Misfit(Exception):
    """A value that the thing model does not allow."""


def is_integer(value: Any) -> bool:
    """Tell whether a value was a whole number in the JSON text."""
    return isinstance(value, int) and not isinstance(value, bool)


def read_definition(raw: Any) -> JsonObject:
    """Read a dataDefinition in any of its forms."""
    if isinstance(raw, str) and raw:
        raw = json.loads(raw)
    return raw if isinstance(raw, dict) else {}


def check(value: Any, data_type: str, definition: JsonObject) -> Any:
    """Return the value as a device holds it; raise Misfit where it does not fit."""
    checker = CHECKS.get(data_type)
    if checker is None:
        raise Misfit(f"measurepoints of type {data_type} take no values")
    return checker(value, definition)


def _int(value: Any, definition: JsonObject) -> Any:
    if not is_integer(value):
        raise Misfit(f"INT takes a JSON integer, not {json.dumps(value)}")
    if not INT_LOW <= value <= INT_HIGH:
        raise Misfit("INT has 32 bits")
    return value


def _number(value: Any, name: str, limit: float) -> float:
    if not is_integer(value) and not isinstance(value, float):
        raise Misfit(f"{name} takes a JSON number, not {json.dumps(value)}")
    if abs(value) > limit or not math.isfinite(value):
        raise Misfit(f"the number is too large for {name}")
    return float(value)


def _float(value: Any, definition: JsonObject) -> Any:
    return _number(value, "FLOAT", FLOAT_MAX)


def _double(value: Any, definition: JsonObject) -> Any:
    return _number(value, "DOUBLE", 1.7976931348623157e308)


def _bool(value: Any, definition: JsonObject) -> Any:
    if isinstance(value, bool) or (is_integer(value) and value in (0, 1)):
        return bool(value)
    raise Misfit(f"BOOL takes true, false, 1 or 0, not {json.dumps(value)}")


def _enum(value: Any, definition: JsonObject) -> Any:
    codes = definition.get("enumDesc") or {}
    if definition.get("enumType") == "STRING":
        fits = isinstance(value, str) and value in codes
    else:
        fits = is_integer(value) and str(value) in codes
    if not fits:
        raise Misfit(
            f"ENUM takes one of {', '.join(codes)} as"
            f" {definition.get('enumType', 'INT')}, not {json.dumps(value)}"
        )
    return value


def _string(value: Any, definition: JsonObject) -> Any:
    if not isinstance(value, str):
        raise Misfit(f"STRING takes a JSON string, not {json.dumps(value)}")
    if len(value) > definition.get("maxLength", 1024):
        raise Misfit(f"STRING takes {definition.get('maxLength', 1024)} characters")
    return value


def _timestamp(value: Any, definition: JsonObject) -> Any:
    text = str(value) if is_integer(value) else value
    if not isinstance(text, str) or not DIGITS.match(text):
        raise Misfit("TIMESTAMP takes milliseconds")
    return text


def _date(value: Any, definition: JsonObject) -> Any:
    if isinstance(value, str):
        for form, length in (("%Y-%m-%d", 10), ("%Y-%m-%d %H:%M:%S", 19)):
            if len(value) == length:
                try:
                    time.strptime(value, form)
                except ValueError:
                    break
                return value
    raise Misfit("DATE takes yyyy-MM-dd or yyyy-MM-dd HH:mm:ss")


def _file(value: Any, definition: JsonObject) -> Any:
    if not isinstance(value, str) or len(value) > 1024 or not ADDRESS.match(value):
        raise Misfit(f"FILE takes an address, not {json.dumps(value)}")
    return value


def _array(value: Any, definition: JsonObject) -> Any:
    if not isinstance(value, list):
        raise Misfit(f"ARRAY takes a JSON array, not {json.dumps(value)}")
    return [check(item, definition.get("itemType", "STRING"), {}) for item in value]


def _struct(value: Any, definition: JsonObject) -> Any:
    if not isinstance(value, dict):
        raise Misfit(f"STRUCT takes a JSON object, not {json.dumps(value)}")
    items = {item["identifier"]: item for item in definition.get("items", ())}
    for name in value:
        if name not in items:
            raise Misfit(f"the STRUCT has no item {name}")
    for name, item in items.items():
        if item.get("required") and name not in value:
            raise Misfit(f"the STRUCT needs its item {name}")
    return {
        name: check(
            content,
            items[name]["dataType"],
            read_definition(items[name].get("dataDefinition")),
        )
        for name, content in value.items()
    }


BLANKS: dict[str, Any] = {
    "INT": 0,
    "FLOAT": 0.0,
    "DOUBLE": 0.0,
    "BOOL": False,
    "STRING": "",
    "TIMESTAMP": "0",
    "DATE": "1970-01-01",
    "FILE": "enos-connect://none",
    "ARRAY": (),
}
CHECKS = {
    "INT": _int,
    "FLOAT": _float,
    "DOUBLE": _double,
    "BOOL": _bool,
    "ENUM": _enum,
    "STRING": _string,
    "TIMESTAMP": _timestamp,
    "DATE": _date,
    "ARRAY": _array,
    "STRUCT": _struct,
    "FILE": _file,
}


def blank(data_type: str, definition: JsonObject) -> Any:
    """Return a value of a type that says nothing."""
    if data_type == "ENUM":
        code = next(iter(definition.get("enumDesc") or {"0": None}))
        return code if definition.get("enumType") == "STRING" else int(code)
    if data_type == "STRUCT":
        return {
            item["identifier"]: blank(
                item["dataType"], read_definition(item.get("dataDefinition"))
            )
            for item in definition.get("items", ())
        }
    value = BLANKS.get(data_type, 0)
    return list(value) if isinstance(value, tuple) else value


def to_json(value: Any, *, one_zero: bool) -> Any:
    """Return a value as the connect service shows it (guess G15)."""
    if not one_zero:
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return [to_json(item, one_zero=True) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item, one_zero=True) for key, item in value.items()}
    return value


def to_tsdb(value: Any, *, one_zero: bool, strings: bool) -> Any:
    """Return a value as the time series service shows it (guesses G13, G15)."""
    if isinstance(value, bool):
        if one_zero:
            value = int(value)
        elif strings:
            return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return orjson.dumps(to_json(value, one_zero=one_zero)).decode()
    if strings and isinstance(value, (int, float)):
        return orjson.dumps(value).decode()
    return value


class Json(str):
    """A JSON text that is sent as it is, whether it is JSON or not."""

    __slots__ = ()


def verbatim(raw: Any) -> orjson.Fragment:
    """Return a value that no service converts; NaN and infinity stay such."""
    return orjson.Fragment(str(raw) if isinstance(raw, Json) else json.dumps(raw))


def parse_body(body: bytes) -> Any:
    """Parse a JSON body strictly; raise ValueError where it is not clean."""
    orjson.loads(body)
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def range_misfit(value: Any, low: float | None, high: float | None) -> str | None:
    """Say how a number misses the range of a device."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if low is not None and value < low:
            return f"{value:g} is below {low:g}"
        if high is not None and value > high:
            return f"{value:g} is above {high:g}"
    return None
