"""The structs of products and thing models, as the services give them."""

from collections.abc import Iterator

from .building import FOUNDED, LOGICAL_MODELS, Building
from .points import JsonObject, Kind, i18n, serve_definition


def thing_model(kind: Kind, org_id: str, form: str) -> JsonObject:
    """Return the thing model of a kind of device."""
    attributes: JsonObject = {
        "identifier": "manufacturer",
        "name": i18n("Manufacturer", "厂商"),
        "desc": "",
        "tags": {},
        "dataType": "STRING",
        "unit": None,
        "isRequired": False,
        "defaultValue": None,
        "isStdElement": False,
        "stdElementId": None,
    }
    if form != "absent":
        attributes["dataDefinition"] = serve_definition({"maxLength": 64}, form)
    return {
        "modelId": kind.model_id,
        "modelIdPath": f"/{kind.parent_model}/{kind.model_id}",
        "orgId": org_id,
        "name": i18n(kind.en, kind.zh),
        "desc": "",
        "category": kind.category,
        "tags": {"domain": kind.category},
        "attributes": {"manufacturer": attributes},
        "measurepoints": {
            point.identifier: point.raw(form=form, tagged=kind.tagged)
            for point in kind.points
        },
        "services": kind.all_services(),
        "events": {},
    }


def logical_model(org_id: str) -> Iterator[JsonObject]:
    """Yield the thing models of campus, buildings, floors and rooms."""
    for model_id, (en, zh) in LOGICAL_MODELS.items():
        yield {
            "modelId": model_id,
            "modelIdPath": f"/{model_id}",
            "orgId": org_id,
            "name": i18n(en, zh),
            "desc": "",
            "category": "Site",
            "tags": {"domain": "Site"},
            "attributes": {},
            "measurepoints": {},
            "services": {},
            "events": {},
        }


def product_struct(
    kind: Kind, org_id: str, product_key: str, building: Building
) -> JsonObject:
    """Return the product of a kind of device."""
    return {
        "orgId": org_id,
        "productKey": product_key,
        "productName": i18n(kind.en, kind.zh),
        "productSecret": building.text_id(f"secret:{kind.key}", 20),
        "productDesc": "",
        "productType": kind.product_type,
        "dataFormat": "Json",
        "productTags": {"domain": kind.category},
        "modelId": kind.model_id,
        "dynamicActivateEnabled": False,
        "biDirectionalAuth": False,
        "createBy": "facility",
        "createTime": FOUNDED - 86_400_000,
        "updateBy": "facility",
        "updateTime": FOUNDED,
        "defaultValidDay": 365,
        "maxValidDay": 730,
    }
