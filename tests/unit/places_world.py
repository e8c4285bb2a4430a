"""Trees out of names, and a Home Assistant that is made of dictionaries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from homeassistant.helpers.normalized_name_base_registry import normalize_name

from custom_components.enos.api.models import AssetTree, LocalizedText, TreeNode
from custom_components.enos.places import (
    Area,
    Home,
    Memory,
    Plan,
    carry_out,
    layers,
    plan,
    suggested_layer,
)

type Nested = Mapping[str, Nested] | None
"""A tree as names: a device is None."""


def tree_of(nested: Mapping[str, Nested], tree_id: str = "tree") -> AssetTree:
    """Return a tree; a node's id is its way, or what stands in its name after `@`."""
    nodes: dict[str, TreeNode] = {}

    def add(inside: Mapping[str, Nested], parent: str | None, way: str) -> None:
        for key, below in inside.items():
            name, _, asset_id = key.partition("@")
            asset_id = asset_id or f"{way}/{name}"
            nodes[asset_id] = TreeNode(
                asset_id=asset_id,
                name=LocalizedText(name),
                is_device=below is None,
                parent=parent,
            )
            add(below or {}, asset_id, f"{way}/{name}")

    add(nested, None, "")
    return AssetTree(tree_id=tree_id, nodes=nodes)


@dataclass
class House:
    """A Home Assistant that is made of dictionaries, as strict about names as the real one."""

    areas: dict[str, Area] = field(default_factory=dict)
    floors: dict[str, str] = field(default_factory=dict)
    devices: dict[str, str | None] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    levels: dict[str, int | None] = field(default_factory=dict)
    trees: frozenset[str] = frozenset({"tree"})
    foreign_areas: frozenset[str] = frozenset()
    foreign_floors: frozenset[str] = frozenset()
    made: int = 0

    @classmethod
    def of(cls, tree: AssetTree) -> House:
        """Return a house that has all devices of a tree."""
        return cls(
            devices={key: None for key, node in tree.nodes.items() if node.is_device}
        )

    def _free(self, name: str, names: Iterable[str]) -> None:
        assert name == name.strip() != ""
        assert normalize_name(name) not in map(normalize_name, names), name

    def _next_id(self) -> str:
        self.made += 1
        return f"made{self.made}"

    def add_floor(self, name: str, level: int | None) -> str:
        """Make a floor."""
        self._free(name, self.floors.values())
        floor_id = self._next_id()
        self.floors[floor_id] = name
        self.levels[floor_id] = level
        return floor_id

    def rename_floor(self, floor_id: str, name: str) -> None:
        """Rename a floor."""
        others = (each for key, each in self.floors.items() if key != floor_id)
        self._free(name, others)
        self.floors[floor_id] = name

    def add_area(self, name: str) -> str:
        """Make an area."""
        self._free(name, (area.name for area in self.areas.values()))
        area_id = self._next_id()
        self.areas[area_id] = Area(name=name)
        return area_id

    def rename_area(self, area_id: str, name: str) -> None:
        """Rename an area."""
        others = (area.name for key, area in self.areas.items() if key != area_id)
        self._free(name, others)
        self.areas[area_id] = replace(self.areas[area_id], name=name)

    def put_on_floor(self, area_id: str, floor_id: str) -> None:
        """Put an area on a floor."""
        assert floor_id in self.floors
        self.areas[area_id] = replace(self.areas[area_id], floor_id=floor_id)

    def put_in_area(self, asset_id: str, area_id: str) -> None:
        """Put a device into an area."""
        assert area_id in self.areas
        self.devices[asset_id] = area_id

    def delete_area(self, area_id: str) -> None:
        """Delete an area as a person does; its devices are in none then."""
        del self.areas[area_id]
        for key, area in self.devices.items():
            if area == area_id:
                self.devices[key] = None

    def delete_floor(self, floor_id: str) -> None:
        """Delete a floor as a person does."""
        del self.floors[floor_id]
        for key, area in self.areas.items():
            if area.floor_id == floor_id:
                self.areas[key] = replace(area, floor_id=None)

    def plan(
        self, tree: AssetTree, layer: int | None = -1, *, again: bool = False
    ) -> Plan:
        """Return what is to be done; without a layer the suggested one is taken."""
        if layer == -1:
            layer = suggested_layer(layers(tree, self.devices, "en"))
        home = Home(
            areas=dict(self.areas),
            floors=dict(self.floors),
            devices=dict(self.devices),
            foreign_areas=self.foreign_areas,
            foreign_floors=self.foreign_floors,
            trees=self.trees,
        )
        return plan(tree, home, self.memory, "en", layer, again=again)

    def apply(
        self, tree: AssetTree, layer: int | None = -1, *, again: bool = False
    ) -> Plan:
        """Make a plan and carry it out."""
        todo = self.plan(tree, layer, again=again)
        self.memory = carry_out(todo, self.memory, self)
        return todo

    def shown(self) -> dict[str, str | None]:
        """Return where devices are, by name: floor > area."""
        found: dict[str, str | None] = {}
        for key, area_id in self.devices.items():
            if area_id is None:
                found[key.rpartition("/")[2]] = None
                continue
            area = self.areas[area_id]
            floor = f"{self.floors[area.floor_id]} > " if area.floor_id else ""
            found[key.rpartition("/")[2]] = floor + area.name
        return found

    def area(self, name: str) -> str:
        """Return the id of an area."""
        return next(key for key, area in self.areas.items() if area.name == name)

    def floor(self, name: str) -> str:
        """Return the id of a floor."""
        return next(key for key, each in self.floors.items() if each == name)
