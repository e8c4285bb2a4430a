"""The fleet: devices and models that change while the building lives."""

from dataclasses import replace
from typing import Any

from .building import Place
from .devices import SimDevice
from .estate import Estate
from .guesses import Guesses
from .models import product_struct, thing_model
from .points import JsonObject, Kind, Point, i18n
from .values import Misfit, blank, check


class Fleet:
    """The models, products and devices of a simulator, and their topology."""

    guesses: Guesses
    org_id: str
    building: Estate
    # The kinds as they are here and now; the catalogue is never changed.
    kinds: dict[str, Kind]
    models: dict[str, JsonObject]
    products: dict[str, JsonObject]
    # Points without a storage policy, by model: never in the time series.
    unstored: dict[str, set[str]]
    # Read for types where G14 hides them, and for ranges of devices.
    catalog: dict[tuple[str, str], Point]
    devices: dict[str, SimDevice]
    by_key: dict[tuple[str, str], SimDevice]
    # The gateway of each sub-device, both as asset ids.
    topology: dict[str, str]
    # Counts changes of the tree.
    generation: int
    _listed: list[SimDevice] | None

    # ------------------------------------------------------------ look-ups

    def kind(self, name: str) -> Kind:
        """Return a kind by its name, its model or the key of its product."""
        of_product = self.building.kind_of_product.get(name)
        found = self.kinds.get(of_product.key if of_product else name)
        for kind in () if found else self.kinds.values():
            if kind.model_id == name:
                return kind
        if found is None:
            raise ValueError(f"there is no kind or product {name!r}")
        return found

    def device(self, kind: str, index: int = 0) -> SimDevice:
        """Return a device by its kind or product and its number."""
        of_product = kind in self.building.kind_of_product
        key = self.kind(kind).key
        found = [
            device
            for device in self.devices.values()
            if (device.product_key == kind if of_product else device.kind.key == key)
        ]
        return found[index]

    def listed(self) -> list[SimDevice]:
        """Return all devices, the newest first."""
        if self._listed is None:
            self._listed = sorted(
                self.devices.values(),
                key=lambda device: (-device.create_time, device.asset_id),
            )
        return self._listed

    def _known(self, asset_id: str) -> SimDevice:
        device = self.devices.get(asset_id)
        if device is None:
            raise ValueError(f"there is no device {asset_id!r}")
        return device

    def _changed(self) -> None:
        self._listed = None
        self.generation += 1

    # ------------------------------------------------------------ products

    def _form_of(self, kind: Kind) -> str:
        """Return the form of dataDefinition in the model of a kind (guess G14)."""
        form = self.guesses.G14
        return "object" if kind.objects and form == "text" else form

    def _open_model(self, kind: Kind) -> None:
        """Have the thing model of a kind; one that is there stays as it is."""
        if kind.model_id in self.models:
            return
        self.models[kind.model_id] = thing_model(kind, self.org_id, self._form_of(kind))
        self.unstored[kind.model_id] = {
            point.identifier for point in kind.points if not point.stored
        }
        for point in kind.points:
            self.catalog[kind.model_id, point.identifier] = point

    def _open_product(self, kind: Kind) -> None:
        """Have the product of a kind, and its model."""
        self._open_model(kind)
        product_key = self.building.product_keys[kind.key]
        if product_key not in self.products:
            self.products[product_key] = product_struct(
                kind, self.org_id, product_key, self.building
            )

    # ------------------------------------------------------------ devices

    def rename_device(self, asset_id: str, en: str, zh: str | None = None) -> None:
        """Give a device another name."""
        self.devices[asset_id].name = i18n(en, zh or en)
        self.generation += 1

    def rekey_device(self, asset_id: str, new_key: str) -> None:
        """Give a device another device key; ValueError if it is taken."""
        device = self._known(asset_id)
        if not new_key:
            raise ValueError("a device key is not empty")
        if self.by_key.get((device.product_key, new_key), device) is not device:
            raise ValueError(f"the product has a device {new_key!r} already")
        del self.by_key[device.product_key, device.device_key]
        device.device_key = new_key
        self.by_key[device.product_key, new_key] = device
        self._changed()

    def remodel_device(self, asset_id: str, kind: str) -> None:
        """Give a device the model of another kind; its product stays.

        What it holds is kept where the new model has a point of that name which
        takes it.
        """
        device = self._known(asset_id)
        wanted = self.kind(kind)
        self._open_model(wanted)
        device.kind = wanted
        device.model_id = wanted.model_id
        held, device.values = device.values, {}
        for point in wanted.points:
            device.values[point.identifier] = _fitted(
                point, held.get(point.identifier, point.initial)
            )
        for identifier in {*held, *device.connect_latest, *device.tsdb_latest}:
            if identifier not in device.values:
                _forget(device, identifier)
        self._changed()
        if device.status == "online":
            self._post_visible(device, heartbeat=True)

    def move_device(self, asset_id: str, place: Place | str) -> None:
        """Put a device below another place (or the place's asset id)."""
        device = self._known(asset_id)
        target = place if isinstance(place, str) else place.asset_id
        if target not in self.building.places:
            raise ValueError(f"there is no place {target!r}")
        device.parent_id = target
        self._changed()

    # ------------------------------------------------------------ models

    def add_point(self, kind: str, point: Point) -> None:
        """Let a new version of a model have one measurepoint more."""
        before = self.kind(kind)
        if _find(before, point.identifier) is not None:
            raise ValueError(f"{before.model_id} has {point.identifier!r} already")
        self._new_version(before, (*before.points, point), point)

    def drop_point(self, kind: str, identifier: str) -> None:
        """Let a new version of a model be without a measurepoint."""
        before = self.kind(kind)
        gone = _needed(before, identifier)
        self._new_version(
            before, tuple(each for each in before.points if each is not gone), None
        )
        model_id = before.model_id
        del self.models[model_id]["measurepoints"][identifier]
        del self.catalog[model_id, identifier]
        for device in self._of_model(model_id):
            _forget(device, identifier)

    def change_point(self, kind: str, identifier: str, **changes: Any) -> None:
        """Let a new version of a model have a measurepoint changed.

        ``changes`` are fields of Point, but for the identifier: data_type, unit,
        multiplier, definition, en, zh, access, low, high ... With another type the
        definition goes unless one is given. What devices hold is kept where it fits.
        """
        before = self.kind(kind)
        old = _needed(before, identifier)
        if changes.get("data_type", old.data_type) != old.data_type:
            changes.setdefault("definition", None)
        point = replace(old, **changes)
        point = replace(point, initial=_fitted(point, point.initial))
        points = tuple(point if each is old else each for each in before.points)
        self._new_version(before, points, point)

    def _new_version(
        self, before: Kind, points: tuple[Point, ...], point: Point | None
    ) -> None:
        """Have a kind with other points; one of them is new or changed."""
        self._open_model(before)
        kind = self.kinds[before.key] = replace(before, points=points)
        model_id = kind.model_id
        if point is not None:
            name = point.identifier
            self.models[model_id]["measurepoints"][name] = point.raw(
                form=self._form_of(kind), tagged=kind.tagged
            )
            self.catalog[model_id, name] = point
            self.unstored[model_id].discard(name)
            if not point.stored:
                self.unstored[model_id].add(name)
        for device in self._of_model(model_id):
            device.kind = kind
            if point is not None:
                held = device.values.get(point.identifier, point.initial)
                device.values[point.identifier] = _fitted(point, held)
                if device.status == "online":
                    self._post_visible(device, heartbeat=True)

    def _of_model(self, model_id: str) -> list[SimDevice]:
        return [
            device for device in self.devices.values() if device.model_id == model_id
        ]

    # ------------------------------------------------------------ topology

    def attach(self, gateway_asset_id: str, asset_id: str) -> None:
        """Put a device below a gateway; one it was below before has it no more."""
        gateway, device = self._known(gateway_asset_id), self._known(asset_id)
        if gateway.product_type != "Gateway":
            raise ValueError(f"{gateway_asset_id} is not a gateway")
        if device.product_type == "Gateway":
            raise ValueError(f"{asset_id} is a gateway itself")
        self.topology[asset_id] = gateway_asset_id

    def detach(self, asset_id: str) -> None:
        """Take a device from its gateway."""
        if self.topology.pop(asset_id, None) is None:
            raise ValueError(f"{asset_id} is below no gateway")

    def sub_devices(self, gateway_asset_id: str) -> list[SimDevice]:
        """Return the devices below a gateway, the newest first."""
        return [
            device
            for device in self.listed()
            if self.topology.get(device.asset_id) == gateway_asset_id
        ]

    def _leave_topology(self, asset_id: str) -> None:
        """Forget a device that is removed, be it gateway or sub-device."""
        self.topology.pop(asset_id, None)
        for device in self.sub_devices(asset_id):
            del self.topology[device.asset_id]

    # ------------------------------------------------------------ reports

    def _post_visible(self, device: SimDevice, *, heartbeat: bool) -> None:
        """Let a device post what changed, or everything."""
        raise NotImplementedError


def _find(kind: Kind, identifier: str) -> Point | None:
    return next((each for each in kind.points if each.identifier == identifier), None)


def _needed(kind: Kind, identifier: str) -> Point:
    point = _find(kind, identifier)
    if point is None:
        raise ValueError(f"{kind.model_id} has no measurepoint {identifier!r}")
    return point


def _fitted(point: Point, value: Any) -> Any:
    """Return a value as a point takes it, else its first one, else a blank."""
    definition = point.definition or {}
    for each in (value, point.initial):
        try:
            return check(each, point.data_type, definition)
        except Misfit:
            continue
    return blank(point.data_type, definition)


def _forget(device: SimDevice, identifier: str) -> None:
    """Let nothing be left of a point that its device has no more."""
    device.values.pop(identifier, None)
    device.connect_latest.pop(identifier, None)
    device.tsdb_latest.pop(identifier, None)
    device.forget_pending(identifier)
    device.muted.discard(identifier)
