"""The connect service's topology: gateways and the devices below them."""

from typing import TYPE_CHECKING

from .calls import Call, Endpoint, Result
from .connect_service import BASE, DEVICE_READ, LIST_FIELDS, device_page, device_struct
from .devices import SimDevice
from .listing import known_fields
from .refusals import InvalidArgument, NotFound

if TYPE_CHECKING:
    from .simulator import Simulator


def _named(sim: Simulator, call: Call, member: str) -> SimDevice:
    """Return the device that a member of the body names."""
    raw = call.body.get(member)
    if not isinstance(raw, dict) or not raw:
        raise InvalidArgument(member, f"{member} is missing")
    known_fields(raw, "assetId", "productKey", "deviceKey")
    for name, value in raw.items():
        if not isinstance(value, str) or not value:
            raise InvalidArgument(name, f"  {name} must be a text")
    if "assetId" in raw:
        if len(raw) > 1:
            raise InvalidArgument(
                member, "  give assetId, or productKey and deviceKey, not both"
            )
        device = sim.devices.get(raw["assetId"])
    else:
        for name in ("productKey", "deviceKey"):
            if name not in raw:
                raise InvalidArgument(name, f"{name} is missing")
        device = sim.by_key.get((raw["productKey"], raw["deviceKey"]))
    if device is None:
        raise NotFound("device does not exist")
    return device


async def sub_device_search(sim: Simulator, call: Call) -> Result:
    """Answer device-topos?action=searchSubDevice."""
    known_fields(call.body, "gateway", *LIST_FIELDS)
    gateway = _named(sim, call, "gateway")
    if gateway.product_type != "Gateway":
        raise sim.command_center.refusal(11738)
    return device_page(sim, call, sim.sub_devices(gateway.asset_id))


async def gateway_get(sim: Simulator, call: Call) -> Result:
    """Answer device-topos?action=getGateway; without a gateway there are no data."""
    known_fields(call.body, "subDevice")
    device = _named(sim, call, "subDevice")
    gateway = sim.devices.get(sim.topology.get(device.asset_id, ""))
    if gateway is None:
        return Result(None)
    return Result(device_struct(sim, gateway), served_secret=True)


TOPO_ENDPOINTS = (
    # The documentation has it both ways.
    *(
        Endpoint(f"{BASE}/device-topos", action, "POST", DEVICE_READ, sub_device_search)
        for action in ("searchSubDevice", "searchSubDevices")
    ),
    Endpoint(f"{BASE}/device-topos", "getGateway", "POST", DEVICE_READ, gateway_get),
)
