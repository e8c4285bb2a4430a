"""The client of the EnOS API gateway: one method per call.

Paths, parameters and envelopes: EnOS API documentation 2.1, which still holds for 3.1.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import aiohttp

from . import parsing, trees
from .errors import (
    ApiError,
    EnosError,
    NotFoundError,
    PermissionDeniedError,
    RejectedError,
    ReplyLostError,
    ServerError,
    from_elsewhere,
)
from .gateway import Gateway
from .latest import LatestCall
from .models import (
    AssetTree,
    Command,
    Device,
    JsonValue,
    Page,
    Product,
    Reading,
    ServiceReply,
    ThingModel,
)
from .statistics import Statistics

PAGE_SIZE: Final = 200
"""Most devices or products that EnOS gives on a page."""

MAX_LATEST: Final = 3000
"""Most assets × points of one `latest` call."""

PATHS_A_PAGE: Final = 1000
"""Most paths of an asset tree that EnOS gives on a page."""

_MODELS_A_CALL = 10
_MAX_PAGES = 5000
_COMMANDS_A_PAGE = 100
_COMMAND_MARGIN = 15.0

# An asset id of the usual shape that no asset has.
NOBODY: Final = "00000000"

_CONNECT = "/connect-service/v2.1/"
_COMMANDS = f"{_CONNECT}commands"
_MODELS = "/model-service/v2.1/thing-models"
_LATEST = "/tsdb-service/v2.1/latest"
_TREES = "/asset-tree-service/v2.1/asset-trees"
_PATHS = "/asset-tree-service/v2.1/asset-paths"
_TOPOS = f"{_CONNECT}device-topos"
# The documentation has it both ways.
_SUB_DEVICES = ("searchSubDevice", "searchSubDevices")
_UNKNOWN_ACTION = 99400
_NOT_FOUND = 99404
_NO_GATEWAY = 11738

# What is asked of products and devices: never productSecret or deviceSecret.
_PRODUCT_FIELDS = ["productKey", "productName", "modelId", "productType", "dataFormat"]
_DEVICE_FIELDS = [
    "assetId",
    "deviceKey",
    "deviceName",
    "productKey",
    "productName",
    "productType",
    "dataFormat",
    "modelId",
    "status",
]
_TREE_FIELDS = ["treeId", "name", "asset.assetId", "asset.name", "asset.inValid"]
# Counted from the reply's data, unlike those of the lists.
_PATH_FIELDS = [
    "assetPaths",
    *(f"assets.*.{key}" for key in ("name", "label", "inValid")),
]
_COMMAND_FIELDS = [
    "commandId",
    "assetId",
    "createTime",
    "commandType",
    "timeout",
    "pendingTtl",
    "state",
    "tslIdentifier",
    "inputData",
    "outputData",
]


def in_expression(field: str, values: Iterable[str]) -> str:
    """Return the expression `field in ('a','b')`.

    Raises `RejectedError` for a value that holds a quote: EnOS knows no way to escape one.
    """
    listed = list(values)
    for value in listed:
        if "'" in value or '"' in value:
            raise RejectedError(f"{field} must not contain a quotation mark")
    return f"{field} in ({','.join(f"'{value}'" for value in listed)})"


def _local_date() -> date:
    """Return the date in this machine's zone."""
    return datetime.now(UTC).astimezone().date()


class EnosClient:
    """Speaks to one gateway for one organization.

    `session` serves everything but commands. A command is held until the device answers, up
    to a minute; `command_session` keeps commands from taking the connections of the others.
    `today` tells the date by which requests are counted.
    Every method raises an `EnosError`, nothing else; each says what went wrong by its class.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        org_id: str,
        access_key: str,
        secret_key: str,
        command_session: aiohttp.ClientSession | None = None,
        today: Callable[[], date] = _local_date,
    ) -> None:
        """Check the address; nothing is requested yet. Raises `InvalidUrlError`."""
        self._gateway = Gateway(
            session,
            url=url,
            org_id=org_id,
            access_key=access_key,
            secret_key=secret_key,
            today=today,
        )
        self._command_session = command_session or session
        self._sub_device_action = _SUB_DEVICES[0]

    @property
    def org_id(self) -> str:
        """Return the organization's id."""
        return self._gateway.org_id

    @property
    def url(self) -> str:
        """Return the gateway's address without a slash at its end."""
        return self._gateway.url

    @property
    def statistics(self) -> Statistics:
        """What was requested, and what failed."""
        return self._gateway.statistics

    @property
    def clock_offset(self) -> float | None:
        """The gateway's clock minus ours in seconds, None while it is not known."""
        return self._gateway.clock_offset

    @property
    def token_age(self) -> float | None:
        """Seconds since the present token was had, None without one."""
        return self._gateway.tokens.age

    @property
    def token_remaining(self) -> float | None:
        """Seconds until the present token ends, None without one."""
        return self._gateway.tokens.remaining

    async def authenticate(self) -> None:
        """Get a token, which proves address and keys."""
        await self._gateway.tokens.get()

    def names_organization(self, err: EnosError) -> bool:
        """Tell whether EnOS's message is about the organization."""
        return "orgid" in err.message.lower() or self.org_id in err.message

    async def organization_denied(self) -> bool:
        """Tell whether the application may do nothing at all in the organization.

        EnOS words a missing right like a foreign organization. So for each right a read
        that needs it is tried, of a thing that is not there.
        """
        device = {"action": "get", "assetId": NOBODY}
        for ask in (
            lambda: self.search_devices(asset_ids=(NOBODY,)),
            lambda: self.thing_models((NOBODY,)),
            lambda: self._gateway.call("GET", "/asset-service/v2.1/assets", device),
            lambda: self._gateway.call("GET", _COMMANDS, {**device, "commandId": "0"}),
        ):
            try:
                await ask()
            except ServerError:
                raise
            except PermissionDeniedError as err:
                if self.names_organization(err):
                    continue
            except (ApiError, ReplyLostError) as err:
                if from_elsewhere(err):
                    continue
                if isinstance(err, ReplyLostError):
                    raise
            return False
        return True

    async def search_products(self) -> tuple[Product, ...]:
        """Return all products. Right: Device Management Read."""
        return await self._all(
            f"{_CONNECT}products",
            {"action": "search"},
            {"projection": _PRODUCT_FIELDS},
            parsing.product,
            lambda item: item.product_key,
        )

    async def search_devices(
        self,
        *,
        product_keys: Collection[str] = (),
        asset_ids: Collection[str] = (),
        device_keys: Collection[str] = (),
    ) -> tuple[Device, ...]:
        """Return all devices that fit every filter given. Right: Device Management Read.

        The list is read page by page while EnOS may change it: a device can be missing.
        """
        filters = (
            ("productKey", product_keys),
            ("assetId", asset_ids),
            ("deviceKey", device_keys),
        )
        expression = " and ".join(
            in_expression(field, values) for field, values in filters if values
        )
        body: dict[str, JsonValue] = {"projection": list(_DEVICE_FIELDS)}
        if expression:
            body["expression"] = expression
        return await self._all(
            f"{_CONNECT}devices",
            {"action": "search"},
            body,
            parsing.device,
            lambda item: item.asset_id,
        )

    async def find_device(self, product_key: str, device_key: str) -> Device:
        """Return the device with these keys. Raises `NotFoundError` where there is none."""
        found = await self.search_devices(
            product_keys=(product_key,), device_keys=(device_key,)
        )
        for device in found:
            if (device.product_key, device.device_key) == (product_key, device_key):
                return device
        raise NotFoundError(f"no device {device_key} in product {product_key}")

    async def sub_devices(self, gateway_id: str) -> frozenset[str]:
        """Return the asset ids of the devices below a gateway; of no gateway there are none.

        Raises `NotFoundError` where EnOS does not have it. Right: Device Management Read.
        """
        usual = self._sub_device_action
        other = next(action for action in _SUB_DEVICES if action != usual)
        try:
            return await self._below(gateway_id, usual)
        except ApiError as err:
            if err.code not in (_UNKNOWN_ACTION, _NOT_FOUND):
                raise
            try:
                found = await self._below(gateway_id, other)
            except ApiError:
                raise err from None
        self._sub_device_action = other
        return found

    async def _below(self, gateway_id: str, action: str) -> frozenset[str]:
        """Return the asset ids below a gateway, asked for by one of the spellings."""
        try:
            found = await self._all(
                _TOPOS,
                {"action": action},
                {"gateway": {"assetId": gateway_id}, "projection": ["assetId"]},
                parsing.device,
                lambda item: item.asset_id,
            )
        except RejectedError as err:
            if err.code == _NO_GATEWAY:
                return frozenset()
            raise
        return frozenset(item.asset_id for item in found)

    async def device_exists(self, asset_id: str, *, searched: bool = False) -> bool:
        """Tell whether EnOS still has a device; only 99404 says that it has not.

        `get` cannot leave out the device's secret, so it is asked only when a search for
        the device, which may have been made before (`searched`), has not found it either.
        """
        if not searched and await self.search_devices(asset_ids=(asset_id,)):
            return True
        try:
            await self._gateway.call(
                "GET", f"{_CONNECT}devices", {"action": "get", "assetId": asset_id}
            )
        except NotFoundError:
            return False
        return True

    async def thing_models(self, model_ids: Collection[str]) -> dict[str, ThingModel]:
        """Return those of the thing models that EnOS has. Right: Model Management Read."""
        models: dict[str, ThingModel] = {}
        ids = sorted(model_ids)
        for start in range(0, len(ids), _MODELS_A_CALL):
            chunk = ids[start : start + _MODELS_A_CALL]
            data = await self._gateway.call(
                "POST",
                _MODELS,
                {"action": "search"},
                {
                    "expression": in_expression("modelId", chunk),
                    "pagination": {"pageNo": 1, "pageSize": _MODELS_A_CALL},
                    "projection": ["modelId", "name", "measurepoints", "services"],
                },
            )
            for item in parsing.items(data.get("data")):
                model = parsing.thing_model(item)
                if model is not None:
                    models[model.model_id] = model
        return models

    async def latest(
        self, asset_ids: Sequence[str], point_ids: Sequence[str]
    ) -> dict[tuple[str, str], Reading]:
        """Return the newest stored sample per (asset id, measurepoint id).

        Points without a storage policy or without data are missing. At most `MAX_LATEST`
        assets × points. Right: Asset Read.
        """
        call = LatestCall(asset_ids, point_ids)
        await self.latest_again(call)
        return (await call.changes()).readings

    async def latest_again(self, call: LatestCall) -> None:
        """Make a `latest` call that may have been made before; it knows then what changed.

        Where this raises, it knows what it knew. Right: Asset Read.
        """
        reply = await self._gateway.call(
            "POST",
            _LATEST,
            {},
            {"assetIds": call.asset_ids, "pointIds": call.point_ids},
            decode=call.decode,
        )
        call.answered(reply.get("data"))

    async def query_latest(
        self, asset_id: str, point_ids: Sequence[str]
    ) -> dict[str, Reading]:
        """Return the newest sample per measurepoint of one device, stored or not.

        Right: Device Management Read.
        """
        data = await self._gateway.call(
            "POST",
            f"{_CONNECT}measurepoints",
            {"action": "queryLatest", "assetId": asset_id},
            {"measurepointIds": list(point_ids)},
        )
        return parsing.query_latest(data.get("data"))

    async def set_measurepoint(
        self,
        asset_id: str,
        point_id: str,
        value: JsonValue,
        *,
        timeout: int = 30,
        pending_ttl: int = 0,
    ) -> str:
        """Write one measurepoint and return the command id.

        `timeout` (1–60 s) is how long the device may take; `pending_ttl` (0–172,800 s) lets
        EnOS keep the command that long for a device that is away. Right: Asset Control.
        An error whose `outcome_unknown` is true may stand for a write that happened.
        """
        data = await self._command(
            asset_id,
            {"action": "setMeasurepoint", "measurepointId": point_id},
            {"value": value},
            timeout,
            pending_ttl,
        )
        return parsing.command_id(data)

    async def invoke_service(
        self,
        asset_id: str,
        service_id: str,
        input_data: Mapping[str, JsonValue],
        *,
        timeout: int = 30,
        pending_ttl: int = 0,
    ) -> ServiceReply:
        """Call a service of a device; `output` is None where the command was cached.

        Times, right and errors are those of `set_measurepoint`.
        """
        data = await self._command(
            asset_id,
            {"action": "invokeService", "serviceId": service_id},
            {"inputData": dict(input_data)},
            timeout,
            pending_ttl,
        )
        return parsing.service_reply(data)

    async def _command(
        self,
        asset_id: str,
        params: dict[str, str],
        body: dict[str, Any],
        timeout: int,
        pending_ttl: int,
    ) -> JsonValue:
        """Send what a device is to do, once, and return the reply's data."""
        reply = await self._gateway.call(
            "POST",
            _COMMANDS,
            {
                **params,
                "assetId": asset_id,
                "pendingTtl": str(pending_ttl),
                "timeout": str(timeout),
            },
            body,
            session=self._command_session,
            timeout=(timeout if pending_ttl == 0 else 30) + _COMMAND_MARGIN,
            repeatable=False,
        )
        data: JsonValue = reply.get("data")
        return data

    async def get_command(self, asset_id: str, command_id: str) -> Command:
        """Return a command of a device. Right: Asset Control.

        Raises `NotFoundError` where the device has no such command.
        """
        params = {"action": "get", "assetId": asset_id, "commandId": command_id}
        reply = await self._gateway.call("GET", _COMMANDS, params)
        command = parsing.command(reply.get("data"))
        if command is None:
            raise NotFoundError(f"no command {command_id} of asset {asset_id}")
        return command

    async def search_commands(self, asset_id: str) -> tuple[Command, ...]:
        """Return the last hundred commands of a device, the newest first.

        Those without a time of creation stand last. Right: Asset Control.
        """
        reply = await self._gateway.call(
            "POST",
            _COMMANDS,
            {"action": "search", "assetId": asset_id},
            {
                "pagination": {"pageNo": 1, "pageSize": _COMMANDS_A_PAGE},
                "projection": _COMMAND_FIELDS,
            },
        )
        return tuple(
            sorted(
                parsing.commands(reply.get("data")),
                key=lambda item: (item.created is None, -(item.created or 0)),
            )
        )

    async def cancel_commands(
        self, asset_id: str, command_id: str | None = None
    ) -> tuple[Command, ...]:
        """Cancel a cached command of a device, or all of them; return those concerned.

        Their state may be that of before. One that waits no more is no error: it is
        missing from the answer, also where the connection broke after the first attempt had
        cancelled it. Raises `NotFoundError` for a command that never was.
        Right: Asset Control.
        """
        if command_id == "":
            # Who knows whether EnOS takes an empty id for none, which means all.
            raise RejectedError("no command id")
        params = {"action": "cancel", "assetId": asset_id}
        if command_id is not None:
            params["commandId"] = command_id
        reply = await self._gateway.call("POST", _COMMANDS, params)
        return tuple(parsing.commands(reply.get("data")))

    async def asset_trees(self) -> tuple[AssetTree, ...]:
        """Return the asset trees, of which only the roots are known yet.

        Right: Asset Tree Management Read.
        """
        return await self._all(
            _TREES,
            {"action": "search"},
            {"projection": _TREE_FIELDS},
            trees.tree,
            lambda item: item.tree_id,
        )

    async def asset_tree(self, root: AssetTree) -> AssetTree:
        """Return a tree with all its nodes. Right: Asset Tree Management Read.

        Raises `NotFoundError` where it is gone. What changes meanwhile can be missing.
        """
        assets: trees.Assets = {}
        paths: dict[trees.Path, None] = {}
        seen = 0
        for page_no in range(1, _MAX_PAGES):
            data = await self._gateway.call(
                "POST",
                _PATHS,
                {"action": "search", "treeId": root.tree_id},
                {
                    "pagination": {"pageNo": page_no, "pageSize": PATHS_A_PAGE},
                    "pathProjection": "COMPLETE",
                    "projection": _PATH_FIELDS,
                },
            )
            fresh_assets, fresh = trees.page(data.get("data"))
            known = len(paths)
            assets.update(fresh_assets)
            paths.update(dict.fromkeys(fresh))
            seen += len(fresh)
            total = parsing.total(data, page_no, PATHS_A_PAGE, len(fresh))
            doubtful = total == len(fresh) == PATHS_A_PAGE
            # The same gateways as in `_all` would hold us here.
            if len(paths) == known or (seen >= total and not doubtful):
                break
        return trees.grown(root, assets, paths)

    async def _all[ItemT](
        self,
        path: str,
        params: dict[str, str],
        body: dict[str, Any],
        parse: Callable[[dict[str, Any]], ItemT | None],
        key: Callable[[ItemT], str],
    ) -> tuple[ItemT, ...]:
        """Read all pages. An item that stands on two pages counts once."""
        found: dict[str, ItemT] = {}
        seen = 0
        for page_no in range(1, _MAX_PAGES):
            page = await self._page(path, params, body, parse, page_no)
            fresh = {key(item): item for item in page.items}
            seen += len(page.items)
            known = len(found)
            found.update(fresh)
            # A gateway that counts the page, or nothing, instead of all looks like this.
            doubtful = page.total <= len(page.items) == PAGE_SIZE
            # A gateway that repeats its last page for ever would hold us here otherwise.
            if not page.items or len(found) == known:
                break
            if seen >= page.total and not doubtful:
                break
        return tuple(found.values())

    async def _page[ItemT](
        self,
        path: str,
        params: dict[str, str],
        body: dict[str, Any],
        parse: Callable[[dict[str, Any]], ItemT | None],
        page_no: int,
    ) -> Page[ItemT]:
        pagination = {"pageNo": page_no, "pageSize": PAGE_SIZE}
        data = await self._gateway.call(
            "POST", path, params, {**body, "pagination": pagination}
        )
        raw = parsing.items(data.get("data"))
        parsed = (parse(item) for item in raw)
        return Page(
            tuple(item for item in parsed if item is not None),
            parsing.total(data, page_no, PAGE_SIZE, len(raw)),
        )
