"""How the catalogue writes down measurepoints, and how EnOS serves them."""

from copy import deepcopy
from dataclasses import dataclass, field
import json
from typing import Any

type JsonObject = dict[str, Any]


def i18n(en: str, zh: str = "", default: str | None = None) -> JsonObject:
    """Return a name in the shape of EnOS; a language without a text is left out."""
    texts = {
        locale: text for locale, text in (("en_US", en), ("zh_CN", zh)) if text != ""
    }
    return {"defaultValue": default or en or zh, "i18nValue": texts}


@dataclass(frozen=True, slots=True)
class Point:
    """A measurepoint of the catalogue, with what only the device knows of it."""

    identifier: str
    data_type: str
    en: str
    zh: str
    initial: Any
    unit: str | None = None
    multiplier: str = "ONE"
    access: str = "r"
    low: float | None = None
    high: float | None = None
    step: float | None = None
    signal: str = "AI"
    definition: JsonObject | None = None
    # Without a storage policy nothing of the point reaches the time series.
    stored: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    # The name as EnOS gives it, where ``en`` and ``zh`` cannot say it.
    name: JsonObject | None = None
    # Whether it carries the tags of access and range; None: as its kind does.
    tagged: bool | None = None
    has_quality: bool = False
    # The device acts on what is written and falls back to its first value.
    pulse: bool = False

    def raw(self, *, form: str, tagged: bool) -> JsonObject:
        """Return the measurepoint as the model service gives it."""
        tags = dict(self.tags)
        if tagged if self.tagged is None else self.tagged:
            tags["ha/access"] = self.access
            for name, value in (
                ("ha/min", self.low),
                ("ha/max", self.high),
                ("ha/step", self.step),
            ):
                if value is not None:
                    tags[name] = f"{value:g}"
        raw: JsonObject = {
            "identifier": self.identifier,
            "name": deepcopy(self.name) or i18n(self.en, self.zh),
            "desc": "",
            "tags": tags,
            "dataType": self.data_type,
            "hasQuality": self.has_quality,
            "signalType": self.signal,
            "unit": (
                None
                if self.unit is None
                else {"unitId": self.unit, "multiplier": self.multiplier}
            ),
            "isStdElement": False,
            "stdElementId": None,
        }
        if form != "absent":
            raw["dataDefinition"] = serve_definition(self.definition, form)
        return raw


def serve_definition(definition: JsonObject | None, form: str) -> Any:
    """Return a dataDefinition in one of its forms."""
    if definition is None:
        return None
    if form == "object":
        return deepcopy(definition)
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"))


def enum(kind: str, **codes: tuple[str, str]) -> JsonObject:
    """Return the definition of an ENUM; an int code is written as ``_1``."""
    return {
        "enumDesc": {code.lstrip("_"): i18n(*texts) for code, texts in codes.items()},
        "enumType": kind,
    }


def boolean(true: str, false: str) -> JsonObject:
    """Return the definition of a BOOL."""
    return {"boolDesc": {"true": true, "false": false}}


def struct_item(
    identifier: str,
    data_type: str,
    en: str,
    zh: str,
    unit: str | None = None,
    *,
    required: bool = True,
    definition: JsonObject | None = None,
) -> JsonObject:
    """Return an item of a STRUCT's definition."""
    return {
        "identifier": identifier,
        "name": i18n(en, zh),
        "dataType": data_type,
        "dataDefinition": definition or {},
        "unit": unit,
        "required": required,
    }


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device: its product, its model and its measurepoints."""

    key: str
    model_id: str
    parent_model: str
    en: str
    zh: str
    short_en: str
    short_zh: str
    category: str
    # What the device stands in: a room, a floor or the building itself.
    place: str
    points: tuple[Point, ...]
    # Whether the measurepoints carry the tag convention of access and range.
    tagged: bool = True
    # Serve dataDefinition as an object even where text is the rule.
    objects: bool = False
    service: JsonObject | None = None
    # Any number of services, besides that one.
    services: tuple[JsonObject, ...] = ()
    product_type: str = "Device"

    def all_services(self) -> dict[str, JsonObject]:
        """Return the services as the model service gives them."""
        listed = (self.service, *self.services) if self.service else self.services
        return {service["identifier"]: deepcopy(service) for service in listed}


ON_OFF = boolean("On", "Off")
