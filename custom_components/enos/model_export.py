"""EnOS console's export of a thing model: what may be written, and in what range.

The model service gives neither access nor range; the file that the console exports does. One real export is known,
of a battery: its models stand alone, each type is the end of a Java class name (`TSLDoubleMeasurepoint`), ranges are
those of the type unless somebody narrowed them, and `accessMode` is true for every point, readings included. So an
access that is the same for all says nothing. What has not been seen (several models, other words for access, a STRUCT)
is read liberally. Pure functions; a large file takes a second, so call them in an executor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import json
from math import ceil, floor, isfinite
import re
from typing import Any, Final

from .api.models import DataType, ThingModel
from .api.parsing import data_type, json_object, thing_model

MAX_SIZE: Final = 5 * 1024 * 1024


class ModelExportError(ValueError):
    """A file that is no export of a model.

    `reason` is a slug for a translation key; `placeholders` are its texts. Reasons: not_json (line, column), no_model
    (found: what the file has instead), too_large (size and max in MB).
    """

    def __init__(self, reason: str, **placeholders: object) -> None:
        """Keep the reason and its placeholders as text."""
        self.reason = reason
        self.placeholders: Mapping[str, str] = {
            key: str(value) for key, value in placeholders.items()
        }
        details = ", ".join(f"{key}={text}" for key, text in self.placeholders.items())
        super().__init__(f"{reason} ({details})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPoint:
    """What an export says of a measurepoint, None where it says nothing.

    `minimum`, `maximum` and `step` are in the point's own unit; both ends belong to the range. `precision` is a number
    of decimals; it is for showing and binds nothing.
    """

    writable: bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    precision: int | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The same as tags of a measurepoint, where it is said."""
        access = {True: "rw", False: "r", None: None}[self.writable]
        numbers = {
            "ha/min": self.minimum,
            "ha/max": self.maximum,
            "ha/step": self.step,
        }
        said = {key: repr(end) for key, end in numbers.items() if end is not None}
        return said if access is None else {"ha/access": access, **said}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """A model of an export: as the model service would give it, and what goes beyond."""

    model: ThingModel
    points: Mapping[str, ExportedPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelExport:
    """The models of a file by their ids, at least one."""

    models: Mapping[str, ExportedModel]


def parse_model_export(text: str | bytes) -> ModelExport:
    """Return what a file says; bytes may be UTF-8, UTF-16 or GBK. Raises ModelExportError.

    Of two models with the same id the later one counts.
    """
    found: dict[str, ExportedModel] = {}
    try:
        content = _load(text)
        for fields in _models(content, 0):
            exported = _model(fields)
            if exported is not None:
                found[exported.model.model_id] = exported
    except RecursionError:
        # A thousand brackets in each other are no model.
        raise ModelExportError("not_json", line=1, column=1) from None
    if not found:
        raise ModelExportError("no_model", found=_outline(content))
    return ModelExport(models=found)


# --- the file ----------------------------------------------------------------------------------


def _load(text: str | bytes) -> object:
    """Return the JSON of a file, without texts that cannot be stored."""
    size = (
        len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "replace"))
    )
    if size > MAX_SIZE:
        megabytes = f"{size / 1024 / 1024:.1f}"
        raise ModelExportError(
            "too_large", size=megabytes, max=MAX_SIZE // 1024 // 1024
        )
    if isinstance(text, bytes):
        text = _decoded(text)
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        content = json.loads(text, parse_int=_whole)
        # Half a character (\ud800) is fine in JSON and nowhere else.
        clean = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(clean, parse_int=_whole)
    except json.JSONDecodeError as err:
        raise ModelExportError("not_json", line=err.lineno, column=err.colno) from None


def _decoded(content: bytes) -> str:
    """Return a file's text; a byte order mark decides, else what fits."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif content[1:2] == b"\0":
        encodings = ("utf-16-le",)
    elif content[:1] == b"\0":
        encodings = ("utf-16-be",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as err:
            before = content[: err.start]
    line = before.count(b"\n") + 1
    column = len(before) - before.rfind(b"\n")
    raise ModelExportError("not_json", line=line, column=column)


def _whole(digits: str) -> int | float:
    """Return a whole number; one of more digits than Python converts is infinite or nearly so."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _outline(content: object) -> str:
    """Return in a few words what a file has, for an error."""
    if isinstance(content, dict):
        return ", ".join(_tame(key) for key in list(content)[:5]) or "{}"
    if isinstance(content, list):
        return f"[{len(content)}]"
    return _tame(str(content))


def _tame(text: str) -> str:
    """Return the beginning of a text without anything that could be markup."""
    return re.sub(r"[^\w .:-]+", " ", text)[:40].strip()


# --- models ------------------------------------------------------------------------------------

# The export's own name first, then the model service's.
_MODEL_ID: Final = ("thingModelId", "modelId")
_MODEL_NAME: Final = ("thingModelName", "name")
_POINTS: Final = ("thingMeasurepointMap", "measurepoints")
_SERVICES: Final = ("thingServiceMap", "services")
# Models in lists in envelopes: that deep, and no deeper.
_MAX_DEPTH: Final = 5


def _first(fields: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """Return the value of the first key that is there."""
    return next((fields[key] for key in keys if fields.get(key) is not None), None)


def _models(content: object, depth: int) -> Iterator[dict[str, Any]]:
    """Yield what looks like a model: alone, in lists, by id, in envelopes."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(content, list):
        for item in content:
            yield from _models(item, depth + 1)
    elif isinstance(content, dict):
        points = _first(content, _POINTS)
        if isinstance(_first(content, _MODEL_ID), str) and isinstance(
            points, dict | list
        ):
            yield content
        else:
            for item in content.values():
                yield from _models(item, depth + 1)


def _by_id(content: object) -> dict[str, dict[str, Any]]:
    """Return things by their identifiers, from an object or a list."""
    if isinstance(content, dict):
        return {key: item for key, item in content.items() if isinstance(item, dict)}
    if isinstance(content, list):
        return {
            item["identifier"]: item
            for item in content
            if isinstance(item, dict) and isinstance(item.get("identifier"), str)
        }
    return {}


def _model(fields: dict[str, Any]) -> ExportedModel | None:
    """Return a model, None where it has no usable id."""
    points = _by_id(_first(fields, _POINTS))
    model = thing_model(
        {
            "modelId": _first(fields, _MODEL_ID).strip(),
            "name": _first(fields, _MODEL_NAME),
            "measurepoints": {key: _as_served(item) for key, item in points.items()},
            "services": {
                key: {
                    "name": item.get("name"),
                    "inputData": _all_as_served(item.get("inputData")),
                }
                for key, item in _by_id(_first(fields, _SERVICES)).items()
            },
        }
    )
    if model is None:
        return None
    access = {key: _access(item.get("accessMode")) for key, item in points.items()}
    telling = False in access.values()
    exported: dict[str, ExportedPoint] = {}
    for key, item in points.items():
        numeric = model.measurepoints[key].data_type
        low, high = _range(numeric, item)
        exported[key] = ExportedPoint(
            writable=access[key] if telling else None,
            minimum=low,
            maximum=high,
            step=_step(numeric, item),
            precision=_precision(numeric, item),
        )
    return ExportedModel(model=model, points=exported)


_ACCESS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "rw", "wr", "w", "readwrite", "writeread", "write"), True),
    **dict.fromkeys(("writable", "writeonly", "wo", "1"), True),
    **dict.fromkeys(("false", "r", "ro", "read", "readonly", "readable", "0"), False),
}


def _access(value: object) -> bool | None:
    """Return whether a point may be written: true, "rw", "READ_WRITE", "read-only" and the like."""
    if isinstance(value, bool | str) or value in (0, 1):
        word = re.sub(r"[\s_/|,-]", "", str(value).lower())
        return _ACCESS.get(word)
    return None


# --- as the model service would give it --------------------------------------------------------

_CLASS: Final = re.compile(r"TSL([A-Za-z]+?)(Measurepoint|Attribute|Datapoint)?$")
_TYPES: Final[Mapping[str, str]] = {
    "BOOLEAN": "BOOL",
    "INTEGER": "INT",
    "TEXT": "STRING",
}


def _type(fields: Mapping[str, Any]) -> DataType:
    """Return the type of a point: told, else the end of its Java class."""
    told = _first(fields, ("dataType", "$class"))
    if not isinstance(told, str):
        return DataType.UNKNOWN
    named = _CLASS.search(told.strip())
    name = (named.group(1) if named else told.strip()).upper()
    return data_type(_TYPES.get(name, name))


def _all_as_served(content: object) -> list[dict[str, Any]]:
    """Return the datapoints of a service or STRUCT."""
    return [
        {"identifier": key, **_as_served(item)} for key, item in _by_id(content).items()
    ]


def _as_served(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a point as the model service would give it."""
    tags = fields.get("tags")
    definition = fields.get("dataDefinition")
    return {
        "name": fields.get("name"),
        "dataType": _type(fields).value,
        "dataDefinition": _definition(fields) if definition is None else definition,
        "signalType": fields.get("signalType"),
        "unit": fields.get("unit"),
        "tags": tags.get("tagMap", tags) if isinstance(tags, dict) else None,
    }


def _definition(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a dataDefinition from what the export has in its place."""
    match _type(fields):
        case DataType.ENUM:
            labels = _labels(_first(fields, ("specsMap", "enumDesc")))
            kind = _first(fields, ("enumType", "valueType"))
            as_text = kind is False or str(kind).upper() in {"STRING", "FALSE"}
            return {"enumDesc": labels, "enumType": "STRING" if as_text else "INT"}
        case DataType.BOOL:
            labels = _labels(_first(fields, ("specsMap", "boolDesc")))
            return {
                "boolDesc": {
                    truth: _plain(labels.get(truth, labels.get(number)))
                    for truth, number in (("true", "1"), ("false", "0"))
                }
            }
        case DataType.STRING:
            return {"maxLength": _first(fields, ("maxLength", "length"))}
        case DataType.ARRAY:
            item = _first(fields, ("itemType", "elementType", "items"))
            item = _type(item).value if isinstance(item, dict) else item
            return {"itemType": item}
        case DataType.STRUCT:
            items = _first(fields, ("items", "fields", "specsMap"))
            return {"items": _all_as_served(items)}
    return {}


def _labels(content: object) -> dict[str, Any]:
    """Return labels by code; each may be an object, or that object's JSON as text."""
    if not isinstance(content, dict):
        return {}
    return {
        code: (json_object(label.encode()) or label)
        if isinstance(label, str) and label.lstrip().startswith("{")
        else label
        for code, label in content.items()
    }


def _plain(label: object) -> object:
    """Return a label's default text."""
    return label.get("defaultValue") if isinstance(label, dict) else label


# --- ranges ------------------------------------------------------------------------------------

_INT_MIN: Final = -(2**31)
_INT_MAX: Final = 2**31 - 1
# From here on a number says "as far as a 32-bit float goes" (a double's own end is beyond it).
_UNBOUNDED: Final = 3.4028e38
# Java's MIN_VALUE of float and double is not the lowest number but the smallest above zero.
_SMALLEST: Final = 1e-44

_NUMERIC: Final = frozenset({DataType.INT, DataType.FLOAT, DataType.DOUBLE})


def _number(value: object) -> float | None:
    """Return a finite number, which may come as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if isfinite(number) else None


def _end(fields: Mapping[str, Any], key: str) -> tuple[float | None, bool]:
    """Return an end of a range, and whether it is outside the range itself."""
    exclusive = fields.get(f"exclusive{key.capitalize()}")
    end = _number(fields.get(key))
    if (number := _number(exclusive)) is not None and not isinstance(exclusive, str):
        # JSON Schema's newer form: the end itself.
        return (number, True) if end is None else (end, False)
    return end, str(exclusive).lower() == "true"


def _range(
    kind: DataType, fields: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """Return the ends that are more than the type's own; of an empty range none."""
    if kind not in _NUMERIC:
        return None, None
    low, above = _end(fields, "minimum")
    high, below = _end(fields, "maximum")
    if low is not None and (abs(low) >= _UNBOUNDED or 0 < low < _SMALLEST):
        low = None
    if high is not None and abs(high) >= _UNBOUNDED:
        high = None
    if kind is DataType.INT:
        if low is not None:
            low = float(floor(low) + 1 if above else ceil(low))
            low = low if _INT_MIN + above < low < _INT_MAX else None
        if high is not None:
            high = float(ceil(high) - 1 if below else floor(high))
            high = high if _INT_MIN < high < _INT_MAX - below else None
    if low is not None and high is not None and low >= high:
        return None, None
    return low, high


def _step(kind: DataType, fields: Mapping[str, Any]) -> float | None:
    """Return a step: positive, whole for an INT."""
    step = _number(_first(fields, ("step", "stepSize", "multipleOf")))
    if kind not in _NUMERIC or step is None or not 0 < step < _UNBOUNDED:
        return None
    return None if kind is DataType.INT and not step.is_integer() else step


def _precision(kind: DataType, fields: Mapping[str, Any]) -> int | None:
    """Return a number of decimals."""
    digits = _number(_first(fields, ("precision", "decimals")))
    if kind not in _NUMERIC or digits is None or digits not in range(16):
        return None
    return int(digits)
