"""Floors and areas as Home Assistant has them, and what is remembered of those that we made."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    floor_registry as fr,
)
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .api.models import AssetTree
from .const import CONF_ORG_ID, DOMAIN, LOGGER
from .places import Area, Given, Home, Memory, Plan, carry_out, plan

_VERSION: Final = 1

# As long as the registries wait: after a kill all of them know the same.
_SAVE_DELAY: Final = 10.0

type _Stored = dict[str, Any]

_STORES: HassKey[dict[str, Store[_Stored]]] = HassKey(f"{DOMAIN}.places")


def _store(hass: HomeAssistant, entry_id: str) -> Store[_Stored]:
    """Return the one store of an entry, which knows what is not on disk yet."""
    stores = hass.data.setdefault(_STORES, {})
    if entry_id not in stores:
        stores[entry_id] = Store(
            hass, _VERSION, f"{DOMAIN}.places.{entry_id}", atomic_writes=True
        )
    return stores[entry_id]


async def async_forget(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what is remembered for an entry. Its floors and areas are a person's then."""
    await _store(hass, entry_id).async_remove()
    hass.data[_STORES].pop(entry_id, None)


async def _async_load(hass: HomeAssistant, entry_id: str) -> Memory:
    stored = await _store(hass, entry_id).async_load()
    fields = stored if isinstance(stored, dict) else {}
    return Memory(
        areas=_understood(fields, "areas", _given),
        floors=_understood(fields, "floors", _given),
        devices=_understood(fields, "devices", str),
        layers=_understood(
            fields, "layers", lambda item: None if item is None else int(item)
        ),
    )


def _understood[ItemT](
    stored: _Stored, name: str, parse: Callable[[Any], ItemT]
) -> dict[str, ItemT]:
    """Return what the file holds; what makes no sense costs nobody the rest."""
    listed = stored.get(name)
    found: dict[str, ItemT] = {}
    for key, item in (listed if isinstance(listed, dict) else {}).items():
        try:
            found[key] = parse(item)
        except TypeError, ValueError:
            LOGGER.warning("What is stored of the place %s is not understood", key)
    return found


def _given(item: Any) -> Given:
    """Return an area or floor of the file. Raises `TypeError` for what is none."""
    given = Given(**item)
    texts = (given.entry_id, given.name, given.tree_id, given.floor_id or "")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return given


class HomePlaces:
    """The floors and areas of Home Assistant, seen from an account."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Find the registries."""
        self._hass = hass
        self._entry = entry
        self._areas = ar.async_get(hass)
        self._floors = fr.async_get(hass)
        self._devices = dr.async_get(hass)
        self.memory = Memory()
        self._found: dict[str, dr.DeviceEntry] = {}
        self._foreign_areas: frozenset[str] = frozenset()
        self._foreign_floors: frozenset[str] = frozenset()

    async def async_read(self) -> None:
        """Read what is remembered, for other accounts too."""
        self.memory = await _async_load(self._hass, self._entry.entry_id)
        areas: set[str] = set()
        floors: set[str] = set()
        for other in self._hass.config_entries.async_entries(DOMAIN):
            if other.entry_id != self._entry.entry_id:
                memory = await _async_load(self._hass, other.entry_id)
                areas |= _made(memory.areas)
                floors |= _made(memory.floors)
        self._foreign_areas, self._foreign_floors = frozenset(areas), frozenset(floors)

    @callback
    def devices(self) -> dict[str, dr.DeviceEntry]:
        """Return the account's devices by asset id."""
        prefix = f"{self._entry.data[CONF_ORG_ID]}_"
        return {
            identifier.removeprefix(prefix): device
            for device in dr.async_entries_for_config_entry(
                self._devices, self._entry.entry_id
            )
            for domain, identifier in device.identifiers
            if domain == DOMAIN and identifier.startswith(prefix)
        }

    @callback
    def floor_names(self) -> dict[str, str]:
        """Return the names of floors by id."""
        return {
            floor.floor_id: floor.name for floor in self._floors.async_list_floors()
        }

    @callback
    def plan(
        self,
        tree: AssetTree,
        trees: frozenset[str],
        layer: int | None,
        *,
        again: bool,
    ) -> Plan:
        """Return what is to be done now; `trees` are the ids of all there are."""
        home = Home(
            areas={
                area.id: Area(name=area.name, floor_id=area.floor_id)
                for area in self._areas.async_list_areas()
            },
            floors=self.floor_names(),
            devices={key: device.area_id for key, device in self.devices().items()},
            foreign_areas=self._foreign_areas,
            foreign_floors=self._foreign_floors,
            trees=trees,
        )
        language = self._hass.config.language
        return plan(tree, home, self.memory, language, layer, again=again)

    @callback
    def carry_out(self, todo: Plan) -> None:
        """Do what a plan says; it must be of this moment."""
        self._found = self.devices()
        self.memory = carry_out(todo, self.memory, self)
        stored = asdict(self.memory)
        _store(self._hass, self._entry.entry_id).async_delay_save(
            lambda: stored, _SAVE_DELAY
        )

    # What a plan is carried out with.

    @callback
    def add_floor(self, name: str, level: int | None) -> str:
        """Make a floor and return its id."""
        return self._floors.async_create(name, level=level).floor_id

    @callback
    def rename_floor(self, floor_id: str, name: str) -> None:
        """Rename a floor."""
        self._floors.async_update(floor_id, name=name)

    @callback
    def add_area(self, name: str) -> str:
        """Make an area and return its id."""
        return self._areas.async_create(name).id

    @callback
    def rename_area(self, area_id: str, name: str) -> None:
        """Rename an area."""
        self._areas.async_update(area_id, name=name)

    @callback
    def put_on_floor(self, area_id: str, floor_id: str) -> None:
        """Put an area on a floor."""
        self._areas.async_update(area_id, floor_id=floor_id)

    @callback
    def put_in_area(self, asset_id: str, area_id: str) -> None:
        """Put a device into an area."""
        device = self._found[asset_id]
        self._devices.async_update_device(device.id, area_id=area_id)


def _made(given: Mapping[str, Given]) -> set[str]:
    """Return the ids of what was not a person's before."""
    return {item.entry_id for item in given.values() if item.name}
