"""The connect service: devices, products and their newest values."""

from typing import TYPE_CHECKING

from .calls import Call, Endpoint, Result
from .devices import SimDevice
from .expressions import Getter, attribute, compile_expression, field, localized, tag
from .listing import has_secret, known_fields, project, read_page, read_projection
from .points import JsonObject
from .refusals import Denied, InvalidArgument
from .values import to_json

if TYPE_CHECKING:
    from .simulator import Simulator

BASE = "/connect-service/v2.1"
DEVICE_READ = "Device Management: Read"
LIST_FIELDS = ("expression", "pagination", "projection")
LARGEST_PAGE = 200


def device_struct(sim: Simulator, device: SimDevice) -> JsonObject:
    """Return a device as the connect service shows it."""
    product = sim.products.get(device.product_key, {})
    model = sim.models.get(device.model_id, {})
    status: str = device.status
    if status == "disabled":
        status = sim.guesses.G18
    samples = device.connect_latest.values()
    last = max((sample.time for sample in samples), default=None)
    return {
        "orgId": sim.org_id,
        "assetId": device.asset_id,
        "modelId": device.model_id,
        "modelIdPath": model.get("modelIdPath", f"/{device.model_id}"),
        "productKey": device.product_key,
        "productName": product.get("productName"),
        "productType": device.product_type,
        "dataFormat": "Custom" if device.custom_format else "Json",
        "deviceKey": device.device_key,
        "deviceName": device.name,
        "deviceSecret": device.device_secret,
        "deviceDesc": "",
        "timezone": device.timezone,
        "deviceAttributes": {"manufacturer": "Acme"},
        "deviceTags": device.tags,
        "createTime": device.create_time,
        "status": status,
        "activeTime": device.active_time,
        "lastOnlineTime": device.last_online,
        "lastOfflineTime": device.last_offline,
        "measurepointLastUpdate": last,
        "eventLastUpdate": None,
        "attributeLastUpdate": None,
        "featureLastUpdate": last,
        "firmwareVersion": "1.4.2",
    }


def _of(name: str) -> Getter:
    return lambda device, _: getattr(device, name)


def _device_name(device: SimDevice, path: str) -> tuple[str, ...]:
    texts = device.name.get("i18nValue") or {}
    locale = path.partition(".")[2]
    default = device.name.get("defaultValue") or ""
    if locale == "default":
        return (default,)
    return (texts.get(locale) or "",) if locale else (default, *texts.values())


DEVICE_FIELDS = {
    "modelId": field("= in", _of("model_id")),
    "productKey": field("= in", _of("product_key")),
    "deviceKey": field("= in", _of("device_key")),
    "assetId": field("= in", _of("asset_id")),
    "deviceAttributes.*": field(
        "= in exists not exists",
        lambda device, path: {"deviceAttributes.manufacturer": "Acme"}.get(path),
    ),
    "deviceTags.*": field(
        "= in exists not exists",
        lambda device, path: device.tags.get(path.partition(".")[2]),
    ),
    "productType": field("=", _of("product_type")),
    "deviceName": field("like", _device_name),
    "deviceName.*": field("like", _device_name),
    "status": field("=", _of("status"), {"disable": "disabled"}),
}
PRODUCT_FIELDS = {
    "productKey": field("= in", attribute("productKey")),
    "modelId": field("= in", attribute("modelId")),
    "productTags.*": field("= in exists not exists", tag("productTags")),
    "productName": field("like", localized("productName")),
    "productName.*": field("like", localized("productName")),
}


async def device_get(sim: Simulator, call: Call) -> Result:
    """Answer devices?action=get."""
    return Result(device_struct(sim, call.device), served_secret=True)


async def device_search(sim: Simulator, call: Call) -> Result:
    """Answer devices?action=search."""
    known_fields(call.body, *LIST_FIELDS)
    return device_page(sim, call, sim.listed())


def device_page(sim: Simulator, call: Call, devices: list[SimDevice]) -> Result:
    """Return the page of devices that a body asks for."""
    body = call.body
    wanted = compile_expression(body.get("expression"), DEVICE_FIELDS)
    page = read_page(
        body.get("pagination"),
        default=10,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
        shift=call.shift,
    )
    trie = read_projection(body.get("projection"))
    if wanted is not None:
        devices = [device for device in devices if wanted(device)]
    data = [project(device_struct(sim, device), trie) for device in page.of(devices)]
    return Result(data, page.pagination(len(devices)), has_secret(data))


async def product_get(sim: Simulator, call: Call) -> Result:
    """Answer products?action=get."""
    product = sim.products.get(call.params["productKey"])
    if product is None:
        raise sim.command_center.refusal(11611)
    return Result(product, served_secret=has_secret(product))


async def product_search(sim: Simulator, call: Call) -> Result:
    """Answer products?action=search."""
    body = call.body
    known_fields(body, *LIST_FIELDS)
    wanted = compile_expression(body.get("expression"), PRODUCT_FIELDS)
    page = read_page(
        body.get("pagination"),
        default=10,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
        shift=call.shift,
    )
    trie = read_projection(body.get("projection"))
    products = [
        product
        for product in sim.products.values()
        if wanted is None or wanted(product)
    ]
    data = [project(product, trie) for product in page.of(products)]
    return Result(data, page.pagination(len(products)), has_secret(data))


async def query_latest(sim: Simulator, call: Call) -> Result:
    """Answer measurepoints?action=queryLatest."""
    known_fields(call.body, "measurepointIds")
    device = call.device
    if device.asset_id in sim.forbidden_assets:
        raise Denied(f"assetId {device.asset_id}", "the asset is forbidden")
    wanted = call.body.get("measurepointIds")
    if "measurepointIds" in call.body and (
        not isinstance(wanted, list)
        or not wanted
        or not all(isinstance(point, str) and point for point in wanted)
    ):
        raise InvalidArgument(
            "measurepointIds", "  must be a list of measurepoint identifiers"
        )
    one_zero = sim.guesses.G15 == "one_zero"
    latest = device.connect_latest
    return Result(
        [
            {
                "id": point,
                "time": str(latest[point].time),
                "value": to_json(latest[point].value, one_zero=one_zero),
            }
            for point in (latest if wanted is None else wanted)
            if point in latest
        ]
    )


CONNECT_ENDPOINTS = (
    Endpoint(
        f"{BASE}/devices",
        "get",
        "GET",
        DEVICE_READ,
        device_get,
        body="none",
        device=True,
    ),
    Endpoint(f"{BASE}/devices", "search", "POST", DEVICE_READ, device_search),
    Endpoint(
        f"{BASE}/products",
        "get",
        "GET",
        DEVICE_READ,
        product_get,
        required=frozenset({"productKey"}),
        body="none",
    ),
    Endpoint(f"{BASE}/products", "search", "POST", DEVICE_READ, product_search),
    Endpoint(
        f"{BASE}/measurepoints",
        "queryLatest",
        "POST",
        DEVICE_READ,
        query_latest,
        body="optional",
        device=True,
    ),
)
