"""Which devices there are, what they are called, and what their models say."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
import time
from typing import Final, Self

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
from .mapping import Kind, PointDescription
from .names import own_names, without_owner
from .selection import Selection
from .topology import Topology

_MODELS_AGAIN: Final = 24 * 3600.0
_MISSING_MODELS_AGAIN: Final = 600.0
_ASSETS_A_CALL: Final = 100
_FOUND_A_ROUND: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPoint:
    """A chosen point of a model: what it is, how it is shown, whether it may be written.

    `source` is what is read and written: the point itself, or the STRUCT that it is an item of.
    `lost` marks what stands for a control that no model has any more.
    """

    point: Measurepoint
    source: Measurepoint
    description: PointDescription
    name: str
    writable: bool
    lost: bool = False

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


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """The chosen points of a model; the devices whose points are alike share one.

    `points` are by identifier, `sources` the points that are read for them, or for an item of
    them, by either's identifier. `of_kind` are the points by the kind of their entity.
    `unbound` are the chosen points that the model does not have, `lacking` those that were to be
    written.
    """

    points: Mapping[str, BoundPoint]
    sources: Mapping[str, Measurepoint]
    of_kind: Mapping[Kind, tuple[BoundPoint, ...]]
    writable: bool
    unbound: frozenset[str]
    lacking: tuple[str, ...]

    @classmethod
    def of(cls, selection: Selection, points: Mapping[str, BoundPoint]) -> Self:
        """Sort the points that were found of a selection."""
        of_kind: dict[Kind, tuple[BoundPoint, ...]] = {}
        sources: dict[str, Measurepoint] = {}
        for bound in points.values():
            kind = bound.description.kind
            of_kind[kind] = (*of_kind.get(kind, ()), bound)
            sources.setdefault(bound.source.identifier, bound.source)
        return cls(
            points=points,
            sources=sources | {key: bound.source for key, bound in points.items()},
            of_kind=of_kind,
            writable=any(bound.writable for bound in points.values()),
            unbound=frozenset(
                {*selection.controls, *selection.sensors} - points.keys()
            ),
            lacking=tuple(key for key in selection.controls if key not in points),
        )


_NOTHING: Final = Binding({}, {}, {}, writable=False, unbound=frozenset(), lacking=())


@dataclass(frozen=True, slots=True)
class Lost:
    """What was chosen of a selection and is in no model of its devices.

    `certain` tells whether all these models could be read.
    """

    points: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    certain: bool = False


class Discovery:
    """Keeps devices and models of the selections up to date.

    `devices` are those that the selections hold, by asset id; `not_held` are the asset ids
    that were listed and are held by none. `statuses_known` tells whether the account may
    read the devices' status at all, `models_denied` whether it may not read models.
    `topology` is asked by who needs it.
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
        self._bound: dict[tuple[str, ...], Binding] = {}
        self._bindings: dict[str, tuple[Device, Binding]] = {}
        self._services: dict[tuple[str, str], tuple[BoundService, ...]] = {}
        self._lost: dict[str, Lost] | None = None
        self._incomplete: set[str] = set()
        self._dropped: dict[str, set[str]] = {}
        self.devices: dict[str, Device] = {}
        self.models: dict[str, ThingModel] = {}
        self.statuses_known = True
        self.models_denied = False
        self.not_held: set[str] = set()
        self._gone: set[str] = set()
        self._registered: set[str] = set()
        self._asked_at: dict[str, float] = {}
        self.topology = Topology(client)

    def adopt(self, other: Discovery) -> None:
        """Take over what an earlier run knew of the devices that are still held."""
        self.models = dict(other.models)
        self._models_at = dict(other._models_at)
        self._incomplete = set(other._incomplete)
        self._dropped = dict(other._dropped)
        self.statuses_known = other.statuses_known
        self.models_denied = other.models_denied
        self.devices = {
            asset_id: device
            for asset_id, device in other.devices.items()
            if self.selection_of(device) is not None
        }
        self.topology.adopt(other.topology)

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

        One that has become another product's, which no selection holds, is gone as well.
        Raises the client's errors; what was known stays then.
        """
        asked: set[str] = set()
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
            gone = await self._missed(found, asked)
        await self._load_models(found)
        for asset_id, device in found.items():
            known = self.devices.get(asset_id)
            if known is None or device.model_id in self.models:
                continue
            if known.model_id:
                # No device loses its model; the list left it out. And as long as nobody can
                # tell what another one has, the old one's points are read.
                found[asset_id] = replace(device, model_id=known.model_id)
        # All at once, and last: what fails before this is looked into again.
        self.devices = found
        self._lost = None
        for asset_id in self._bindings.keys() - found.keys():
            del self._bindings[asset_id]
        self._registered -= asked
        self._gone = (self._gone | gone) - found.keys()
        return gone

    async def _missed(self, found: dict[str, Device], asked: set[str]) -> set[str]:
        """Add to `found` what a listing missed; return what EnOS says is gone.

        The list shifts while it is paged: only EnOS's own no removes a device. `asked` takes
        those that were looked for, which are a hundred a round.
        """
        expected: dict[str, Device | None] = dict.fromkeys(
            self._registered - self.not_held
        )
        expected |= {device.asset_id: device for device in self._named()} | self.devices
        missing = {
            asset_id: device
            for asset_id, device in expected.items()
            if asset_id not in found and asset_id not in self._gone
        }
        found |= {key: device for key, device in missing.items() if device is not None}
        self._asked_at = {key: self._asked_at.get(key, 0.0) for key in missing}
        looked_for = sorted(missing, key=self._asked_at.__getitem__)[:_ASSETS_A_CALL]
        if not looked_for:
            return set()
        try:
            listed = await self._client.search_devices(asset_ids=looked_for)
        except ApiError as err:
            LOGGER.debug("EnOS does not tell which devices it still has: %s", err)
            listed = ()
        there = {each.asset_id: each for each in listed if each.asset_id in missing}
        self._keep(found, there.values())
        gone: set[str] = set()
        kept = 0
        for asset_id in looked_for:
            device = there.get(asset_id)
            if device is not None:
                removed = self.selection_of(device) is None
            elif kept < _FOUND_A_ROUND:
                removed = not await self._exists(asset_id)
                kept += not removed
            else:
                # They do exist, so it is the list: as few as can be are asked for alone.
                continue
            if removed:
                gone.add(asset_id)
                found.pop(asset_id, None)
            asked.add(asset_id)
            self._asked_at[asset_id] = time.monotonic()
        return gone

    async def _exists(self, asset_id: str) -> bool:
        """Tell whether EnOS still has a device; it has where it would not say so."""
        try:
            return await self._client.device_exists(asset_id, searched=True)
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
                self.not_held.discard(device.asset_id)
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
        lacking = {
            device.model_id
            for device in self.devices.values()
            if (lost := self.lost(device)).points or lost.services
        }
        needed = {
            model_id
            for model_id in {device.model_id for device in devices.values()}
            if model_id and self._is_due(model_id, now, lacking)
        }
        if not needed:
            return
        try:
            models = await self._client.thing_models(needed)
        except (PermissionDeniedError, NotFoundError) as err:
            LOGGER.debug("Models cannot be read: %s", err)
            self.models_denied = isinstance(err, PermissionDeniedError)
            models = dict[str, ThingModel]()
        except (ApiError, TransportError) as err:
            if not self.devices:
                raise
            LOGGER.debug("Models could not be read: %s", err)
            return
        else:
            self.models_denied = False
        for model_id in needed:
            model, known = models.get(model_id), self.models.get(model_id)
            if model and (model.measurepoints or not (known and known.measurepoints)):
                self._note_dropped(known, model)
                self.models[model_id] = model
                self._incomplete.discard(model_id)
            else:
                # Nobody empties a model: something is wrong with the answer.
                LOGGER.debug("EnOS did not give model %s", model_id)
                self._incomplete.add(model_id)
        self._models_at.update(dict.fromkeys(needed, now))
        self._bound.clear()
        self._bindings.clear()
        self._services.clear()

    def _is_due(self, model_id: str, now: float, lacking: set[str]) -> bool:
        """Tell whether it is time to read a model: sooner where something was missing."""
        soon = (
            model_id in self._incomplete
            or model_id in lacking
            or bool(self._dropped.get(model_id))
        )
        wait = _MISSING_MODELS_AGAIN if soon else _MODELS_AGAIN
        read_at = self._models_at.get(model_id)
        return read_at is None or now - read_at >= wait

    def _note_dropped(self, known: ThingModel | None, model: ThingModel) -> None:
        """Keep in mind which of the chosen points a model had before: they may come back."""
        chosen = {
            key.partition(ITEM_MARK)[0]
            for sel in self._selections
            for key in (*sel.controls, *sel.sensors)
        }
        before = known.measurepoints.keys() if known else set[str]()
        dropped = (self._dropped.get(model.model_id, set()) | before) & chosen
        self._dropped[model.model_id] = dropped - model.measurepoints.keys()

    def bound_points(self, device: Device) -> Collection[BoundPoint]:
        """Return the chosen points of a device that can be shown as entities."""
        return self.binding(device).points.values()

    def bound_point(self, device: Device, point_id: str) -> BoundPoint | None:
        """Return one of them."""
        return self.binding(device).points.get(point_id)

    def bound_source(self, device: Device, point_id: str) -> Measurepoint | None:
        """Return the point that is read for one of them, or for an item of it."""
        return self.binding(device).sources.get(point_id)

    def binding(self, device: Device) -> Binding:
        """Return the chosen points of a device, sorted; another object once they may differ."""
        known, binding = self._bindings.get(device.asset_id, (None, _NOTHING))
        if known is not device:
            if known is None or not _is_called_alike(known, device):
                binding = self._binding_of(device)
            self._bindings[device.asset_id] = device, binding
        return binding

    def _binding_of(self, device: Device) -> Binding:
        selection = self.selection_of(device)
        if selection is None:
            return _NOTHING
        special = device.asset_id if device.asset_id in selection.exceptions else ""
        binding = self._bound_of(selection, device.model_id, special)
        owners = (
            device.name.get(self._language),
            device.product_name.get(self._language),
        )
        found = binding.points
        names = {
            point_id: without_owner(bound.name, owners)
            for point_id, bound in found.items()
            if not selection.correction_of(point_id, special).name
        }
        if all(found[each].name == name for each, name in names.items()):
            # Devices whose names are in no point's name share what was found.
            return binding
        names = own_names({key: each.name for key, each in found.items()} | names)
        # And so do those whose points are called alike without them.
        key = (selection.subentry_id, device.model_id, special, *names.values())
        if key not in self._bound:
            self._bound[key] = Binding.of(
                selection,
                {key: replace(each, name=names[key]) for key, each in found.items()},
            )
        return self._bound[key]

    def _bound_of(self, selection: Selection, model_id: str, asset_id: str) -> Binding:
        key = (selection.subentry_id, model_id, asset_id)
        if key not in self._bound:
            self._bound[key] = Binding.of(
                selection,
                {each.key: each for each in self._bind(selection, model_id, asset_id)},
            )
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
        return self._services_of(selection, device.model_id) if selection else ()

    def _services_of(
        self, selection: Selection, model_id: str
    ) -> tuple[BoundService, ...]:
        key = (selection.subentry_id, model_id)
        if key not in self._services:
            model = self.models.get(model_id)
            found = (model and model.services.get(each) for each in selection.services)
            self._services[key] = tuple(
                BoundService(
                    service=service,
                    name=service.name.get(self._language) or service.identifier,
                )
                for service in found
                if service and not service.inputs
            )
        return self._services[key]

    def made_of(self, device: Device) -> tuple[object, ...]:
        """Return what a device's entities are made of; another one means other entities."""
        selection = self.selection_of(device)
        return (
            selection and selection.subentry_id,
            self.binding(device).points,
            self.bound_services(device),
        )

    def lost(self, device: Device) -> Lost:
        """Return what was chosen of a device's selection, and none of its devices has."""
        if self._lost is None:
            self._lost = self._find_lost()
        selection = self.selection_of(device)
        return self._lost.get(selection.subentry_id, Lost()) if selection else Lost()

    def _find_lost(self) -> dict[str, Lost]:
        models: dict[str, tuple[Selection, set[str]]] = {}
        for device in self.devices.values():
            selection = self.selection_of(device)
            if selection is not None:
                models.setdefault(selection.subentry_id, (selection, set()))[1].add(
                    device.model_id
                )
        return {
            subentry_id: Lost(
                frozenset({*sel.controls, *sel.sensors}).difference(
                    *(
                        self._bound_of(sel, model_id, "").points
                        for model_id in model_ids
                    )
                ),
                frozenset(sel.services).difference(
                    bound.service.identifier
                    for model_id in model_ids
                    for bound in self._services_of(sel, model_id)
                ),
                certain=model_ids <= self.models.keys(),
            )
            for subentry_id, (sel, model_ids) in models.items()
        }

    def knows_model(self, device: Device) -> bool:
        """Tell whether the device's points are known for certain."""
        selection = self.selection_of(device)
        return device.model_id in self.models or bool(selection and selection.points)


def _is_called_alike(one: Device, other: Device) -> bool:
    """Tell whether nothing of a device changed that its points depend on."""
    return (
        one.model_id == other.model_id
        and one.product_key == other.product_key
        and one.name == other.name
        and one.product_name == other.product_name
    )
