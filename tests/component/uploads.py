"""Helpers of the tests about uploaded files: what a browser sends, what the console exports."""

from collections.abc import Mapping
import json
from typing import Any

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.enos.const import DOMAIN
from simulator.points import Kind, Point

_CLASSES = {"BOOL": "Bool", "ENUM": "Enum", "INT": "Int", "STRING": "String"}


async def upload(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    content: object,
    name: str = "model.json",
) -> str:
    """Upload a file as a browser does: bytes, text, or what becomes JSON; return its id."""
    # All views have to be there before the first request: the test's server adds none later.
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client()
    if not isinstance(content, bytes | str):
        content = json.dumps(content, ensure_ascii=False)
    form = aiohttp.FormData()
    raw = content.encode() if isinstance(content, str) else content
    form.add_field("file", raw, filename=name, content_type="application/json")
    answer = await client.post("/api/file_upload", data=form)
    assert answer.status == 200
    return str((await answer.json())["file_id"])


def console_export(
    kind: Kind,
    points: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    model_id: str | None = None,
) -> dict[str, Any]:
    """Return a model as the console exports it; `points` are fields of points to be changed."""
    changes = points or {}
    return {
        "thingModelId": model_id or kind.model_id,
        "ou": "o1",
        "thingModelName": {"defaultValue": kind.en, "i18nValue": {"zh_CN": kind.zh}},
        "thingMeasurepointMap": {
            point.identifier: {**_exported(point), **changes.get(point.identifier, {})}
            for point in kind.points
        },
        "thingServiceMap": {},
    }


def _exported(point: Point) -> dict[str, Any]:
    """Return a measurepoint as the console writes it; ranges are those of the type."""
    definition = point.definition or {}
    fields: dict[str, Any] = {}
    if labels := definition.get("enumDesc"):
        fields["specsMap"] = {code: json.dumps(text) for code, text in labels.items()}
        fields["valueType"] = definition["enumType"] == "INT"
    if labels := definition.get("boolDesc"):
        fields["specsMap"] = labels
    kind = _CLASSES.get(point.data_type, point.data_type.capitalize())
    return {
        "identifier": point.identifier,
        "name": {
            "defaultValue": point.zh,
            "i18nValue": {"en_US": point.en, "zh_CN": point.zh},
        },
        "accessMode": point.access == "rw",
        "signalType": point.signal,
        "tags": {"tagMap": {}},
        "unit": point.unit and {"unitId": point.unit, "multiplier": point.multiplier},
        "$class": f"com.envisioniot.enos.tsl.measurepoint.TSL{kind}Measurepoint",
        **fields,
    }
