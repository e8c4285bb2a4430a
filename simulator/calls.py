"""A call to a service: what is checked before the service sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import re
from typing import TYPE_CHECKING, Any, Literal

from .devices import SimDevice
from .points import JsonObject
from .refusals import CONNECT, Denied, Family, InvalidArgument, NotFound

if TYPE_CHECKING:
    from .simulator import Simulator

DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z", re.ASCII)


@dataclass(slots=True)
class Call:
    """A call that is signed and complete."""

    method: str
    path: str
    params: dict[str, str]
    body: JsonObject
    # The device of the query, where the endpoint takes one.
    target: SimDevice | None = None
    # How far a list moved since its first page, see the fault "shift".
    shift: int = 0

    @property
    def device(self) -> SimDevice:
        """Return the device that the call is for."""
        if self.target is None:
            raise InvalidArgument("assetId", "assetId is missing")
        return self.target

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """Return a number of the query within its range."""
        text = self.params.get(name)
        if text is None:
            return default
        if not DECIMAL.match(text) or not low <= int(text) <= high:
            raise InvalidArgument(name, f"{name} must be {low}..{high}")
        return int(text)


@dataclass(slots=True)
class Result:
    """What a service answers."""

    data: Any
    pagination: JsonObject | None = None
    served_secret: bool = False


type Handler = Callable[[Simulator, Call], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call that is served."""

    path: str
    action: str | None
    method: Literal["GET", "POST"]
    right: str
    handler: Handler
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    # Whether there must, may or must not be a JSON object as body.
    body: Literal["required", "optional", "none"] = "required"
    # Whether a device is given, by assetId or by productKey and deviceKey.
    device: bool = False
    family: Family = field(default=CONNECT)

    def check_params(self, params: dict[str, str]) -> None:
        """Refuse what is unknown, missing or empty."""
        known = {"orgId", *self.required, *self.optional}
        if self.action is not None:
            known.add("action")
        if self.device:
            known.update(("assetId", "productKey", "deviceKey"))
        for name, value in params.items():
            if name not in known:
                raise InvalidArgument(name, f"{name} is not known")
            if not value:
                raise InvalidArgument(name, f"{name} is missing")
        for name in ("orgId", *sorted(self.required)):
            if name not in params:
                raise InvalidArgument(name, f"{name} is missing")

    def check_rights(self, sim: Simulator, org_id: str) -> None:
        """Refuse an organization or a call that the application may not use."""
        if org_id == sim.foreign_org_id:
            raise Denied(f"orgId {org_id}", "the organization is not the application's")
        if org_id != sim.org_id:
            raise InvalidArgument("orgId", "  orgId does not exist", client_error=False)
        if self.right not in sim.rights:
            raise Denied(f"orgId {org_id}", f"the right {self.right!r} is missing")

    def find_device(self, sim: Simulator, params: dict[str, str]) -> SimDevice | None:
        """Return the device that the query names."""
        if not self.device:
            return None
        asset_id = params.get("assetId")
        product_key, device_key = params.get("productKey"), params.get("deviceKey")
        if asset_id is not None:
            if product_key is not None or device_key is not None:
                raise InvalidArgument(
                    "assetId", "give assetId, or productKey and deviceKey, not both"
                )
            device = sim.devices.get(asset_id)
            if device is None:
                raise NotFound("device does not exist", client_error="," in asset_id)
            return device
        if product_key is None:
            raise InvalidArgument("assetId", "assetId is missing")
        if device_key is None:
            raise InvalidArgument("deviceKey", "deviceKey is missing")
        device = sim.by_key.get((product_key, device_key))
        if device is None:
            raise NotFound("device does not exist")
        return device
