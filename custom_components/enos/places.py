"""What Home Assistant's floors and areas would have to be to match an asset tree. Pure.

An area is the place - the logical asset - nearest to a device; a floor is what lies in one layer
of the tree. A plan touches only what nobody else did: devices without an area or with the one
that they got from an earlier plan, names and floors that are still as a plan left them. It
deletes nothing. Carried out and made again it is empty.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, count
import re
from typing import Final, Protocol

from .api.models import AssetTree
from .storeys import storey

SEPARATOR: Final = " / "

# The share of a layer's names that has to look like storeys.
_ENOUGH: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of Home Assistant."""

    name: str
    floor_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What Home Assistant has: areas and names of floors by id, devices' areas by asset id.

    `foreign_areas` and `foreign_floors` are ids of those that other accounts made, `trees` the
    ids of all trees that there are.
    """

    areas: Mapping[str, Area]
    floors: Mapping[str, str]
    devices: Mapping[str, str | None]
    foreign_areas: frozenset[str] = frozenset()
    foreign_floors: frozenset[str] = frozenset()
    trees: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The area or floor that stands for a node of a tree.

    `name` is what it was called when we made it, empty for one that a person made; `floor_id`
    the floor on which an area was put.
    """

    entry_id: str
    name: str
    tree_id: str
    floor_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Memory:
    """What earlier plans did: areas and floors by node, areas of devices, layers of trees."""

    areas: dict[str, Given] = field(default_factory=dict)
    floors: dict[str, Given] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    layers: dict[str, int | None] = field(default_factory=dict)


class Left(StrEnum):
    """Why a device is left alone."""

    RIGHT = "right"
    CHANGED = "changed"
    CLEARED = "cleared"
    NO_PLACE = "no_place"
    NOT_IN_TREE = "not_in_tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The area or floor for a node, and what is to be done to it.

    Without `entry_id` it is made. `before` is its name if it is renamed; `found` tells that it
    is there already and is taken into use. `given` is the name to remember. Of an area,
    `floor` is the node on whose floor it is put, `on` the floor on which it stays.
    """

    node: str
    entry_id: str | None
    name: str
    given: str = ""
    before: str | None = None
    found: bool = False
    level: int | None = None
    floor: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done. `moves` are asset ids and the nodes of their areas."""

    tree_id: str
    layer: int | None
    floors: tuple[Spot, ...]
    areas: tuple[Spot, ...]
    moves: tuple[tuple[str, str], ...]
    left: Mapping[Left, tuple[str, ...]]
    devices: frozenset[str]

    @property
    def new_floors(self) -> int:
        """How many floors are made."""
        return sum(spot.entry_id is None for spot in self.floors)

    @property
    def new_areas(self) -> int:
        """How many areas are made."""
        return sum(spot.entry_id is None for spot in self.areas)

    @property
    def changed(self) -> int:
        """How many floors and areas that are there already get another name or floor."""
        return sum(
            spot.entry_id is not None
            and (spot.before is not None or spot.floor is not None)
            for spot in (*self.floors, *self.areas)
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.moves or self.new_floors or self.new_areas or self.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What lies equally deep in a tree and has devices in it: names, in order."""

    depth: int
    names: tuple[str, ...]


def normalized(name: str) -> str:
    """Return what Home Assistant compares names by."""
    return name.casefold().replace(" ", "")


def in_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return by what a name is sorted: 2F comes before 10F."""
    return tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    )


class _View:
    """A tree in one language: its places, in order, and what lies in what.

    A node that is invalid or has no name is no place, but counts for the depth.
    """

    def __init__(self, tree: AssetTree, language: str) -> None:
        self.tree = tree
        self.names: dict[str, str] = {}
        for asset_id, node in tree.nodes.items():
            name = " ".join(node.name.get(language).split())
            if name and node.is_valid and not node.is_device:
                self.names[asset_id] = name
        self._above: dict[str, tuple[str, ...]] = {}
        ways = {node: (*self.above(node)[::-1], node) for node in self.names}
        self.order = sorted(
            self.names,
            key=lambda node: [
                (in_order(self.names[each]), each)
                for each in ways[node]
                if each in self.names
            ],
        )

    def above(self, asset_id: str) -> tuple[str, ...]:
        """Return the logical assets above a node, the nearest first."""
        known = self._above.get(asset_id)
        if known is None:
            found: list[str] = []
            seen: set[str] = set()
            node = self.tree.nodes.get(asset_id)
            # A tree of ours has no loop; one that had would hold Home Assistant for ever.
            while (
                node is not None and node.parent is not None and node.parent not in seen
            ):
                seen.add(node.parent)
                node = self.tree.nodes.get(node.parent)
                if node is not None and not node.is_device:
                    found.append(node.asset_id)
            known = self._above[asset_id] = tuple(found)
        return known

    def places(self, asset_id: str) -> tuple[str, ...]:
        """Return the places above a node, the nearest first."""
        return tuple(each for each in self.above(asset_id) if each in self.names)

    def floors(self, depth: int | None) -> dict[str, str]:
        """Return for places the one at a depth in which they lie, themselves included.

        Among storeys, what neither is called like one nor has places in it is no floor.
        """
        found: dict[str, str] = {}
        layer = [node for node in self.order if len(self.above(node)) == depth]
        storeys = {node for node in layer if storey(self.names[node])[0]}
        within = {place for node in self.names for place in self.places(node)}
        if len(storeys) >= _ENOUGH * len(layer):
            layer = [node for node in layer if node in storeys | within]
        chosen = set(layer)
        for node in self.order:
            for each in (node, *self.places(node)):
                if each in chosen:
                    found[node] = each
        return found

    def device_places(self, asset_id: str) -> tuple[str, ...] | None:
        """Return the places in which a device is, None where the tree has no such device."""
        node = self.tree.nodes.get(asset_id)
        return self.places(asset_id) if node is not None and node.is_valid else None

    def candidates(self, nodes: Iterable[str]) -> dict[str, Iterator[str]]:
        """Return what each node may be called, the best first; it never ends.

        Nodes of the same name are all told apart by as much of what they lie in as it takes.
        """
        groups: dict[str, list[str]] = {}
        for node in nodes:
            groups.setdefault(normalized(self.names[node]), []).append(node)
        found: dict[str, Iterator[str]] = {}
        for group in groups.values():
            most = max(len(self.places(node)) for node in group)
            start = next(
                (
                    length
                    for length in range(most + 1)
                    if len({normalized(self._label(node, length)) for node in group})
                    == len(group)
                ),
                most,
            )
            for node in group:
                found[node] = self._labels(node, start)
        return found

    def _label(self, node: str, length: int) -> str:
        way = (node, *self.places(node)[:length])
        return SEPARATOR.join(self.names[each] for each in reversed(way))

    def _labels(self, node: str, start: int) -> Iterator[str]:
        most = len(self.places(node))
        for length in range(min(start, most), most + 1):
            yield self._label(node, length)
        unique = f"{self._label(node, most)} ({node})"
        yield unique
        for number in count(2):
            yield f"{unique} {number}"


def layers(tree: AssetTree, devices: Iterable[str], language: str) -> list[Layer]:
    """Return the layers of a tree in which these devices are, from the top."""
    view = _View(tree, language)
    used = set(chain.from_iterable(view.device_places(each) or () for each in devices))
    by_depth: dict[int, list[str]] = {}
    for node in view.order:
        if node in used:
            by_depth.setdefault(len(view.above(node)), []).append(view.names[node])
    return [
        Layer(depth=depth, names=tuple(by_depth[depth])) for depth in sorted(by_depth)
    ]


def suggested_layer(found: list[Layer]) -> int | None:
    """Return which layer the floors are, None where there are none.

    That is the one whose names say so, else the last but one; what is at the top is a site.
    """
    best: tuple[float, int] | None = None
    for layer in found:
        share = sum(storey(name)[0] for name in layer.names) / len(layer.names)
        if share >= _ENOUGH:
            best = max(best or (0.0, 0), (share, layer.depth))
    if best is not None:
        return best[1]
    if len(found) > 1 and found[-2].depth > 0:
        return found[-2].depth
    return None


class _Shelf:
    """Areas, or floors: which there are, and which ones stand for which nodes."""

    def __init__(
        self,
        existing: Mapping[str, str],
        given: Mapping[str, Given],
        view: _View,
        nodes: list[str],
        foreign: frozenset[str],
        trees: frozenset[str],
    ) -> None:
        """Find the entry and the name for each of the nodes."""
        self.existing = existing
        self._given = given
        self._nodes = nodes
        # What stood for a node that is gone may stand for another of its name.
        self._orphans = {
            given[node].entry_id: given[node]
            for node in given
            if node not in view.tree.nodes
            and (
                given[node].tree_id == view.tree.tree_id
                or given[node].tree_id not in trees
            )
        }
        self.held = {
            node: given[node]
            for node in nodes
            if node in given and given[node].entry_id in existing
        }
        self._busy = {item.entry_id for item in given.values()} - self._orphans.keys()
        self._busy |= foreign
        self.spots = {spot.node: spot for spot in self._find(view.candidates(nodes))}

    def _is_ours(self, item: Given) -> bool:
        """Whether a name is still the one that we gave."""
        return item.name != "" and self.existing.get(item.entry_id) == item.name

    def _find(self, candidates: Mapping[str, Iterator[str]]) -> Iterator[Spot]:
        ours = {item.entry_id for item in self.held.values() if self._is_ours(item)}
        fixed = {
            normalized(name): entry_id
            for entry_id, name in self.existing.items()
            if entry_id not in ours
        }
        taken: set[str] = set()
        for node in self._nodes:
            held = self.held.get(node)
            if held is not None and held.entry_id not in ours:
                name = self.existing[held.entry_id]
                yield Spot(
                    node=node, entry_id=held.entry_id, name=name, given=held.name
                )
                continue
            for text in candidates[node]:
                key = normalized(text)
                if key in taken:
                    continue
                taken.add(key)
                holder = fixed.get(key)
                if holder is None:
                    yield self._spot(node, held, text)
                    break
                if held is None and holder not in self._busy:
                    self._busy.add(holder)
                    yield self._found(node, holder)
                    break

    def _spot(self, node: str, held: Given | None, name: str) -> Spot:
        """Return an entry that is made, or one of ours under its present or another name."""
        if held is None:
            return Spot(node=node, entry_id=None, name=name, given=name)
        before = held.name if held.name != name else None
        return Spot(
            node=node, entry_id=held.entry_id, name=name, given=name, before=before
        )

    def _found(self, node: str, entry_id: str) -> Spot:
        orphan = self._orphans.get(entry_id)
        name = self.existing[entry_id]
        given = name if orphan is not None and self._is_ours(orphan) else ""
        return Spot(node=node, entry_id=entry_id, name=name, given=given, found=True)

    def floor_given(self, spot: Spot) -> str | None:
        """Return the floor on which an earlier plan put an area."""
        given = self.held.get(spot.node) or self._orphans.get(spot.entry_id or "")
        return given.floor_id if given is not None else None


def plan(
    tree: AssetTree,
    home: Home,
    memory: Memory,
    language: str,
    layer: int | None,
    *,
    again: bool = False,
) -> Plan:
    """Return what is to be done; `layer` is the depth at which the floors are, None for none.

    With `again`, devices and areas that were taken out of what they got are placed once more.
    """
    view = _View(tree, language)
    names = {area_id: area.name for area_id, area in home.areas.items()}
    areas = _Shelf(
        names, memory.areas, view, view.order, home.foreign_areas, home.trees
    )
    moves: list[tuple[str, str]] = []
    left: dict[Left, list[str]] = {}
    for asset_id, area_id in sorted(home.devices.items()):
        places = view.device_places(asset_id)
        before = memory.devices.get(asset_id)
        if places is None:
            reason = Left.NOT_IN_TREE
        elif not places:
            reason = Left.NO_PLACE
        elif area_id is not None and areas.spots[places[0]].entry_id == area_id:
            reason = Left.RIGHT
        elif area_id == before or (area_id is None and again):
            moves.append((asset_id, places[0]))
            continue
        else:
            reason = Left.CLEARED if area_id is None else Left.CHANGED
        left.setdefault(reason, []).append(asset_id)

    floor_of = view.floors(layer)
    storeys = [node for node in view.order if floor_of.get(node) == node]
    floors = _Shelf(
        home.floors, memory.floors, view, storeys, home.foreign_floors, home.trees
    )
    used = {*areas.held, *(node for _, node in moves)}
    area_spots: list[Spot] = []
    wanted: set[str] = {
        node for node in floors.held if floors.spots[node].before is not None
    }
    for node in view.order:
        if node not in used:
            continue
        spot = areas.spots[node]
        area = home.areas.get(spot.entry_id or "")
        floor = floor_of.get(node)
        on = area.floor_id if area is not None else None
        if floor is not None and _may_move(
            on, floors.spots[floor].entry_id, areas.floor_given(spot), again=again
        ):
            wanted.add(floor)
        else:
            floor = None
        area_spots.append(replace(spot, floor=floor, on=on if floor is None else None))
    return Plan(
        tree_id=tree.tree_id,
        layer=layer,
        floors=tuple(
            replace(floors.spots[node], level=storey(view.names[node])[1])
            for node in storeys
            if node in wanted
        ),
        areas=tuple(area_spots),
        moves=tuple(moves),
        left={reason: tuple(left[reason]) for reason in Left if reason in left},
        devices=frozenset(home.devices),
    )


def _may_move(
    on: str | None, to: str | None, given: str | None, *, again: bool
) -> bool:
    """Tell whether an area is put on another floor than the one on which it is."""
    if on is None:
        return given is None or again
    return on != to and on == given


class Registry(Protocol):
    """What carries a plan out. Names are compared as `normalized` does."""

    def add_floor(self, name: str, level: int | None) -> str:
        """Make a floor and return its id."""

    def rename_floor(self, floor_id: str, name: str) -> None:
        """Rename a floor to what no other is called."""

    def add_area(self, name: str) -> str:
        """Make an area and return its id."""

    def rename_area(self, area_id: str, name: str) -> None:
        """Rename an area to what no other is called."""

    def put_on_floor(self, area_id: str, floor_id: str) -> None:
        """Put an area on a floor."""

    def put_in_area(self, asset_id: str, area_id: str) -> None:
        """Put a device into an area."""


def carry_out(todo: Plan, memory: Memory, registry: Registry) -> Memory:
    """Do what a plan says and return what is to be remembered."""
    _rename(todo.floors, registry.rename_floor)
    floors = _without(memory.floors, todo.floors)
    for spot in todo.floors:
        floors[spot.node] = Given(
            entry_id=spot.entry_id or registry.add_floor(spot.name, spot.level),
            name=spot.given,
            tree_id=todo.tree_id,
        )
    _rename(todo.areas, registry.rename_area)
    areas = _without(memory.areas, todo.areas)
    put_before = {item.entry_id: item.floor_id for item in memory.areas.values()}
    for spot in todo.areas:
        area_id = spot.entry_id or registry.add_area(spot.name)
        floor_id = put_before.get(area_id)
        if spot.floor is not None:
            floor_id = floors[spot.floor].entry_id
            registry.put_on_floor(area_id, floor_id)
        areas[spot.node] = Given(
            entry_id=area_id, name=spot.given, tree_id=todo.tree_id, floor_id=floor_id
        )
    devices = {key: area for key, area in memory.devices.items() if key in todo.devices}
    for asset_id, node in todo.moves:
        devices[asset_id] = areas[node].entry_id
        registry.put_in_area(asset_id, devices[asset_id])
    # The tree that was used last stands last.
    layers_before = {
        key: layer for key, layer in memory.layers.items() if key != todo.tree_id
    }
    return Memory(
        areas=areas,
        floors=floors,
        devices=devices,
        layers={**layers_before, todo.tree_id: todo.layer},
    )


def _without(given: Mapping[str, Given], spots: Iterable[Spot]) -> dict[str, Given]:
    """Return what is remembered of other entries than those that stand for these nodes now."""
    spots = tuple(spots)
    nodes = {spot.node for spot in spots}
    ids = {spot.entry_id for spot in spots}
    return {
        node: item
        for node, item in given.items()
        if node not in nodes and item.entry_id not in ids
    }


def _rename(spots: Iterable[Spot], rename: Callable[[str, str], None]) -> None:
    """Rename in an order in which no name is had twice at any moment."""
    waiting = {
        spot.entry_id: (spot.before, spot)
        for spot in spots
        if spot.entry_id is not None and spot.before is not None
    }
    while waiting:
        holders = {
            normalized(before): entry_id for entry_id, (before, _) in waiting.items()
        }
        ready = [
            entry_id
            for entry_id, (_, spot) in waiting.items()
            if holders.get(normalized(spot.name), entry_id) == entry_id
        ]
        for entry_id in ready:
            rename(entry_id, waiting.pop(entry_id)[1].name)
        if not ready:
            # They want each other's names: one steps aside.
            entry_id, (_, spot) = next(iter(waiting.items()))
            aside = f"{spot.name} ({spot.node})"
            rename(entry_id, aside)
            waiting[entry_id] = (aside, spot)
