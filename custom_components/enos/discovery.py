"""Which devices there are, what they are called, and what their models say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
import time
from typing import Final

from .api.client import EnosClient
from .api.errors import ApiError, NotFoundError, PermissionDeniedError, TransportError
from .api.models import (
    Device,
    DeviceStatus,
    LocalizedText,
    Measurepoint,
    ThingModel,
    ThingService,
)
from .const import LOGGER
from .corrections import ITEM_MARK, corrected, describe, with_items
from .mapping import PointDescription
from .names import own_names, without_owner
from .selection import Selection

_MODELS_AGAIN: Final = 24 * 3600.0
_MISSING_MODELS_AGAIN: Final = 600.0
_ASSETS_A_CALL: Final = 100
_ASKED_A_ROUND: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPoint:
    """A chosen point of a model: what it is, how it is shown, whether it may be written.

    `source` is what is read and written: the point itself, or the STRUCT that it is an item of.
    """

    point: Measurepoint
    source: Measurepoint
    description: PointDescription
    name: str
    writable: bool

    @property
    def key(self) -> str:
        """What the unique id of its entity ends with."""
        return self.point.identifier

    @property
    def item(self) -> str:
        """Which item of its source it is; empty for the whole."""
        if self.point is self.source:
            return ""
        return self.point.identifier.removeprefix(
            f"{self.source.identifier}{ITEM_MARK}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundService:
    """A chosen service of a model, and what its button is called."""

    service: ThingService
    name: str


class Discovery:
    """Keeps devices and models of the selections up to date.

    `devices` are those that the selections hold, by asset id; `not_held` are the asset ids
    that were listed and are held by none. `statuses_known` tells whether the account may
    read the devices' status at all, `models_denied` whether it may not read models.
    """

    def __init__(
        self, client: EnosClient, selections: Iterable[Selection], language: str
    ) -> None:
        """Start with nothing known."""
        self._client = client
        self._selections = tuple(selections)
        # Two selections never hold one device, so a look-up finds what a search would.
        self._by_asset = {
            asset_id: sel for sel in self._selections for asset_id in sel.asset_ids
        }
        self._by_product = {
            sel.product_key: sel for sel in self._selections if not sel.asset_ids
        }
        self._language = language
        self._models_at: dict[str, float] = {}
        self._bound: dict[tuple[str, ...], dict[str, BoundPoint]] = {}
        self.devices: dict[str, Device] = {}
        self.models: dict[str, ThingModel] = {}
        self.statuses_known = True
        self.models_denied = False
        self.not_held: set[str] = set()
        self._gone: set[str] = set()
        self._registered: set[str] = set()
        self._asked: set[str] = set()

    def adopt(self, other: Discovery) -> None:
        """Take over what an earlier run knew of the devices that are still held."""
        self.models = dict(other.models)
        self._models_at = dict(other._models_at)
        self.statuses_known = other.statuses_known
        self.models_denied = other.models_denied
        self.devices = {
            asset_id: device
            for asset_id, device in other.devices.items()
            if self.selection_of(device) is not None
        }

    def expect(self, asset_ids: Iterable[str]) -> None:
        """Take note of devices of earlier days: those not listed are asked for, once."""
        self._registered.update(asset_ids)

    def selection_of(self, device: Device) -> Selection | None:
        """Return what brought a device in; never two do."""
        return self._by_asset.get(device.asset_id) or self._by_product.get(
            device.product_key
        )

    async def async_run(self) -> set[str]:
        """Look for devices and models; return the asset ids that EnOS says are gone.

        Raises the client's errors; what was known stays then.
        """
        self._asked.clear()
        try:
            found = await self._list()
        except PermissionDeniedError as err:
            if self.statuses_known:
                LOGGER.debug("Devices cannot be listed: %s", err)
            self.statuses_known = False
            found = {
                asset_id: replace(device, status=DeviceStatus.UNKNOWN)
                for asset_id, device in self.devices.items()
            }
            for device in self._named():
                if device.asset_id not in self._gone:
                    found.setdefault(device.asset_id, device)
            gone: set[str] = set()
        else:
            self.statuses_known = True
            gone = await self._missed(found)
        for asset_id, device in found.items():
            known = self.devices.get(asset_id)
            if known is not None and known.model_id and not device.model_id:
                # No device loses its model; the list left it out.
                found[asset_id] = replace(device, model_id=known.model_id)
        await self._load_models(found)
        # All at once, and last: what fails before this is looked into again.
        self.devices = found
        self._registered -= self._asked
        self._gone = (self._gone | gone) - found.keys()
        return gone

    async def _missed(self, found: dict[str, Device]) -> set[str]:
        """Add to `found` what a listing missed; return what EnOS says is gone.

        The list shifts while it is paged: only EnOS's own no removes a device.
        """
        expected: dict[str, Device | None] = dict.fromkeys(
            self._registered - self.not_held
        )
        expected |= {device.asset_id: device for device in self._named()} | self.devices
        gone: set[str] = set()
        for asset_id, device in expected.items():
            if asset_id in found or asset_id in self._gone:
                continue
            if len(self._asked) < _ASKED_A_ROUND:
                self._asked.add(asset_id)
                if not await self._exists(asset_id):
                    gone.add(asset_id)
                    continue
            if device is not None:
                found[asset_id] = device
        return gone

    async def _exists(self, asset_id: str) -> bool:
        """Tell whether EnOS still has a device; it has where it would not say so."""
        try:
            return await self._client.device_exists(asset_id)
        except ApiError as err:
            LOGGER.debug("EnOS tells nothing of device %s: %s", asset_id, err)
            return True

    async def _list(self) -> dict[str, Device]:
        """List the devices that the selections hold."""
        found: dict[str, Device] = {}
        products = {sel.product_key for sel in self._selections if not sel.asset_id}
        singles = [sel.asset_id for sel in self._selections if sel.asset_id]
        if not products and not singles:
            # Nothing to ask for yet; but address and keys are proven all the same.
            await self._client.authenticate()
        if products:
            listed = await self._client.search_devices(product_keys=sorted(products))
            self._keep(found, listed)
        for start in range(0, len(singles), _ASSETS_A_CALL):
            chunk = singles[start : start + _ASSETS_A_CALL]
            self._keep(found, await self._client.search_devices(asset_ids=chunk))
        return found

    def _keep(self, found: dict[str, Device], devices: Iterable[Device]) -> None:
        """Keep those devices that a selection holds."""
        for device in devices:
            selection = self.selection_of(device)
            if selection is not None:
                named = device
                if selection.own_name:
                    named = replace(device, name=LocalizedText(selection.own_name))
                found[device.asset_id] = named
            else:
                self.not_held.add(device.asset_id)

    def _named(self) -> Iterator[Device]:
        """Return the devices that the configuration itself names."""
        for sel in self._selections:
            for asset_id in (sel.asset_id,) if sel.asset_id else sel.asset_ids:
                yield Device(
                    asset_id=asset_id,
                    name=LocalizedText(sel.name if sel.asset_id else ""),
                    product_key=sel.product_key,
                )

    async def _load_models(self, devices: Mapping[str, Device]) -> None:
        """Read the models that are not known yet, and each again once a day.

        Later on, trouble with the models costs nobody the news of the devices.
        """
        now = time.monotonic()
        needed = {
            device.model_id
            for device in devices.values()
            if device.model_id and self._is_due(device.model_id, now)
        }
        if not needed:
            return
        try:
            models = await self._client.thing_models(needed)
        except (PermissionDeniedError, NotFoundError) as err:
            LOGGER.debug("Models cannot be read: %s", err)
            self.models_denied = isinstance(err, PermissionDeniedError)
            models = {}
        except (ApiError, TransportError) as err:
            if not self.devices:
                raise
            LOGGER.debug("Models could not be read: %s", err)
            return
        else:
            self.models_denied = False
        self.models.update(models)
        self._models_at.update(dict.fromkeys(needed, now))
        self._bound.clear()

    def _is_due(self, model_id: str, now: float) -> bool:
        """Tell whether it is time to read a model: sooner where it was missing."""
        wait = _MODELS_AGAIN if model_id in self.models else _MISSING_MODELS_AGAIN
        read_at = self._models_at.get(model_id)
        return read_at is None or now - read_at >= wait

    def bound_points(self, device: Device) -> tuple[BoundPoint, ...]:
        """Return the chosen points of a device that can be shown as entities."""
        return tuple(self._bound_by_id(device).values())

    def bound_point(self, device: Device, point_id: str) -> BoundPoint | None:
        """Return one of them."""
        return self._bound_by_id(device).get(point_id)

    def bound_source(self, device: Device, point_id: str) -> Measurepoint | None:
        """Return the point that is read for one of them, or for an item of it."""
        bound = self._bound_by_id(device)
        if point_id in bound:
            return bound[point_id].source
        return next(
            (
                each.source
                for each in bound.values()
                if each.source.identifier == point_id
            ),
            None,
        )

    def _bound_by_id(self, device: Device) -> dict[str, BoundPoint]:
        selection = self.selection_of(device)
        if selection is None:
            return {}
        special = device.asset_id if device.asset_id in selection.exceptions else ""
        owners = (
            device.name.get(self._language),
            device.product_name.get(self._language),
        )
        key = (selection.subentry_id, device.model_id, special, *owners)
        if key not in self._bound:
            found = self._bound_of(selection, device.model_id, special)
            names = {
                point_id: without_owner(bound.name, owners)
                for point_id, bound in found.items()
                if not selection.correction_of(point_id, special).name
            }
            if any(found[each].name != name for each, name in names.items()):
                names = own_names(
                    {key: each.name for key, each in found.items()} | names
                )
                found = {
                    key: replace(each, name=names[key]) for key, each in found.items()
                }
            # Devices whose names are in no point's name share what was found.
            self._bound[key] = found
        return self._bound[key]

    def _bound_of(
        self, selection: Selection, model_id: str, asset_id: str
    ) -> dict[str, BoundPoint]:
        key = (selection.subentry_id, model_id, asset_id)
        if key not in self._bound:
            self._bound[key] = {
                bound.key: bound for bound in self._bind(selection, model_id, asset_id)
            }
        return self._bound[key]

    def _bind(
        self, selection: Selection, model_id: str, asset_id: str
    ) -> Iterator[BoundPoint]:
        """Describe the chosen points by the model, or by what was entered by hand."""
        model = self.models.get(model_id)
        points = {**selection.points, **(model.measurepoints if model else {})}
        views = with_items(points.values())
        chosen = dict.fromkeys((*selection.controls, *selection.sensors))
        said = {key: selection.correction_of(key, asset_id) for key in chosen}
        names = own_names(
            {
                key: said[key].name or views[key].name.get(self._language) or key
                for key in chosen
                if key in views
            }
        )
        for key, name in names.items():
            # An item alone cannot be written, whatever a file that was imported says.
            writable = key in selection.controls and key in points
            point, description = describe(
                views[key],
                said[key],
                writable=writable,
                language=self._language,
                labels=selection.labels.get(key, {}),
            )
            if description is None:
                LOGGER.debug("No kind of entity fits %s of %s", key, point.data_type)
                continue
            source = point
            if key not in points:
                source_id = key.partition(ITEM_MARK)[0]
                source = corrected(
                    points[source_id], selection.correction_of(source_id, asset_id)
                )
            yield BoundPoint(
                point=point,
                source=source,
                description=description,
                name=name,
                writable=writable,
            )

    def bound_services(self, device: Device) -> tuple[BoundService, ...]:
        """Return the chosen services of a device that need no arguments."""
        selection = self.selection_of(device)
        model = self.models.get(device.model_id)
        if selection is None or model is None:
            return ()
        found = (model.services.get(key) for key in selection.services)
        return tuple(
            BoundService(
                service=service,
                name=service.name.get(self._language) or service.identifier,
            )
            for service in found
            if service is not None and not service.inputs
        )

    def knows_model(self, device: Device) -> bool:
        """Tell whether the device's points are known for certain."""
        selection = self.selection_of(device)
        return device.model_id in self.models or bool(selection and selection.points)
