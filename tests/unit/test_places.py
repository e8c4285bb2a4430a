"""Floors and areas from asset trees of all shapes: sensible, repeatable, and never in the way."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
import time

from homeassistant.helpers.normalized_name_base_registry import normalize_name
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.enos.api.models import AssetTree, LocalizedText, TreeNode
from custom_components.enos.places import (
    Area,
    Left,
    layers,
    normalized,
    suggested_layer,
)

from .places_world import House, Nested, tree_of


def test_names_are_compared_as_home_assistant_does() -> None:
    """Otherwise a name that is had already would end in a traceback."""
    for name in ("East", " 12 F / EAST ", "Straße", "İ", "三楼 东", "a\u00a0b\tc"):
        assert normalized(name) == normalize_name(name)


# Shapes of buildings.


@pytest.mark.parametrize(
    ("nested", "placed"),
    [
        # Campus, towers, floors, rooms; devices at every height.
        (
            {
                "Campus": {
                    "gate": None,
                    "Tower A": {
                        "chiller": None,
                        "12F": {"East": {"a": None}, "ahu": None},
                        "B1": {"Plant": {"p": None}},
                    },
                    "Tower B": {"12F": {"East": {"b": None}}},
                }
            },
            {
                "gate": "Campus",
                "chiller": "Tower A",
                "a": "Tower A / 12F > Tower A / 12F / East",
                "ahu": "Tower A / 12F > Tower A / 12F",
                "p": "B1 > Plant",
                "b": "Tower B / 12F > Tower B / 12F / East",
            },
        ),
        # A site and its floors: each floor has an area of its name.
        (
            {"Site": {"1F": {"a": None}, "2F": {"b": None}, "m": None}},
            {"a": "1F > 1F", "b": "2F > 2F", "m": "Site"},
        ),
        # Nothing but a site.
        ({"Site": {"a": None, "b": None}}, {"a": "Site", "b": "Site"}),
        # Names that say nothing: what lies over the rooms is the floor.
        (
            {"Site": {"North": {"Hall": {"a": None}}, "South": {"Yard": {"b": None}}}},
            {"a": "North > Hall", "b": "South > Yard"},
        ),
        ({"Site": {"Hall": {"a": None}, "Yard": {"b": None}}}, {"a": "Hall", "b": "Yard"}),
        # Uneven: an annex without floors.
        (
            {
                "Site": {
                    "Main": {"三楼": {"东": {"a": None}}, "地下一层": {"b": None}},
                    "Annex": {"Shed": {"c": None}},
                }
            },
            {"a": "三楼 > 东", "b": "地下一层 > 地下一层", "c": "Shed"},
        ),
        # A device below a device; a floor that is the whole tree; no tree at all.
        ({"Site": {"Hall": {"gw@gw": None}}}, {"gw": "Hall"}),
        ({"Level 2": {"Lab": {"a": None}}}, {"a": "Level 2 > Lab"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_shapes(nested: Mapping[str, Nested], placed: Mapping[str, str]) -> None:
    """Each device is in the nearest place, that on its floor; the second time nothing changes."""
    tree = tree_of(nested)
    house = House.of(tree)
    todo = house.apply(tree)
    assert house.shown() == placed
    assert todo.is_empty == (not placed)
    again = house.plan(tree)
    assert again.is_empty
    assert again.left == ({Left.RIGHT: tuple(sorted(house.devices))} if placed else {})


def test_layers() -> None:
    """Any layer may be the floors, also none; only those with devices in them are offered."""
    tree = tree_of(
        {
            "Campus": {
                "Tower A": {"12F": {"East": {"a": None}}, "2F": {"West": {"b": None}}},
                "Tower B": {"12F": {"East": {}}},
            }
        }
    )
    found = layers(
        tree, ["/Campus/Tower A/12F/East/a", "/Campus/Tower A/2F/West/b"], "en"
    )
    assert [(layer.depth, layer.names) for layer in found] == [
        (0, ("Campus",)),
        (1, ("Tower A",)),
        (2, ("2F", "12F")),
        (3, ("West", "East")),
    ]  # fmt: skip
    assert suggested_layer(found) == 2
    assert suggested_layer([]) is None
    assert layers(tree, ["unknown"], "en") == []
    for layer, floor in (
        (None, ""),
        (0, "Campus > "),
        (1, "Tower A > "),
        (3, "West > "),
    ):
        house = House.of(tree)
        house.apply(tree, layer)
        assert house.shown()["b"] == f"{floor}West"


def test_another_layer_later() -> None:
    """Areas go to the other floors; without floors they stay where they are."""
    tree = tree_of({"Campus": {"Tower A": {"12F": {"East": {"a": None}}}}})
    house = House.of(tree)
    house.apply(tree, 2)
    assert house.levels == {house.floor("12F"): 12}
    house.apply(tree, None)
    assert house.memory.layers == {"tree": None}
    assert house.shown() == {"a": "12F > East"}
    todo = house.apply(tree, 1)
    assert (todo.new_floors, todo.changed, todo.moves) == (1, 1, ())
    assert house.shown() == {"a": "Tower A > East"}


def test_odd_nodes() -> None:
    """A place that is invalid or has no name is passed over; a device that is invalid stays."""
    tree = tree_of(
        {"Site@s": {"@nameless": {"a": None}, "Old@old": {"b": None}, "c@c": None}}
    )
    nodes = dict(tree.nodes)
    nodes["old"] = replace(nodes["old"], is_valid=False)
    nodes["c"] = replace(nodes["c"], is_valid=False)
    # Below a device; without anything above it; of a parent that is nowhere.
    nodes["sub"] = TreeNode(asset_id="sub", is_device=True, parent="/Site//a")
    nodes["top"] = TreeNode(asset_id="top", is_device=True)
    nodes["lost"] = TreeNode(asset_id="lost", is_device=True, parent="nowhere")
    tree = replace(tree, nodes=nodes)
    house = House.of(tree)
    house.devices["elsewhere"] = None
    todo = house.apply(tree)
    assert house.shown() == {
        "a": "Site", "b": "Site", "sub": "Site",
        "c": None, "top": None, "lost": None, "elsewhere": None,
    }  # fmt: skip
    assert todo.left == {
        Left.NO_PLACE: ("lost", "top"),
        Left.NOT_IN_TREE: ("c", "elsewhere"),
    }


def test_a_loop() -> None:
    """What is above itself, which no tree of the client's is, does not hold anybody."""
    tree = tree_of({"Site@s": {"Hall@h": {"a": None}}})
    nodes = {**tree.nodes, "s": replace(tree.nodes["s"], parent="h")}
    house = House.of(tree)
    house.apply(replace(tree, nodes=nodes))
    assert house.shown()["a"] is not None


# Names.


def test_twins() -> None:
    """What nothing tells apart is told apart by its id."""
    tree = tree_of({"Site": {"Hall@x1": {"a": None}, "hall @x2": {"b": None}}})
    house = House.of(tree)
    house.apply(tree)
    assert house.shown() == {"a": "Site / Hall", "b": "Site / hall (x2)"}
    assert house.plan(tree).is_empty
    house = House.of(tree)
    names = ("Hall", "Site / Hall", "Site / Hall (x1)", "Site / Hall (x1) 2")
    house.areas = {name: Area(name=name) for name in names}
    house.foreign_areas = frozenset(names)
    house.apply(tree)
    assert house.shown() == {"a": "Site / Hall (x1) 3", "b": "Site / hall (x2)"}
    assert house.plan(tree).is_empty


def test_names_do_not_depend_on_what_was_brought_in() -> None:
    """A name that occurs twice in the tree is qualified, though only one is used."""
    tree = tree_of({"Site": {"1F": {"Hall": {"a": None}}, "2F": {"Hall": {"b": None}}}})
    house = House(devices={"/Site/1F/Hall/a": None})
    house.apply(tree)
    assert house.shown() == {"a": "1F > 1F / Hall"}
    house.devices["/Site/2F/Hall/b"] = None
    todo = house.apply(tree)
    assert (todo.new_floors, todo.new_areas, todo.changed) == (1, 1, 0)


def test_a_persons_area_is_used() -> None:
    """It is not renamed; it gets a floor only if it has none, and never again another."""
    tree = tree_of(
        {"Site": {"1F@1": {"Hall@h": {"a": None}}, "2F@2": {"Bar": {"b": None}}}}
    )
    house = House.of(tree)
    house.areas = {"mine": Area(name="hall"), "bar": Area(name="Bar", floor_id="roof")}
    house.floors = {"roof": "Roof", "one": "1f"}
    todo = house.apply(tree)
    assert house.shown() == {"a": "1f > hall", "b": "Roof > Bar"}
    assert (todo.new_floors, todo.new_areas) == (0, 0)
    assert [(spot.name, spot.found) for spot in todo.areas] == [
        ("hall", True),
        ("Bar", True),
    ]
    assert house.plan(tree).is_empty
    nodes = dict(tree.nodes)
    nodes["h"] = replace(nodes["h"], name=LocalizedText("Foyer"))
    nodes["1"] = replace(nodes["1"], name=LocalizedText("Ground floor"))
    assert house.plan(replace(tree, nodes=nodes)).is_empty
    nodes["h"] = replace(nodes["h"], parent="2")
    house.apply(replace(tree, nodes=nodes), 1)
    assert house.shown() == {"a": "2F > hall", "b": "Roof > Bar"}


def test_a_persons_area_of_an_unclear_name() -> None:
    """What may be meant by several nodes is left to the person."""
    tree = tree_of({"Site": {"1F": {"East": {"a": None}}, "2F": {"East": {"b": None}}}})
    house = House.of(tree)
    house.areas = {"mine": Area(name="East"), "too": Area(name="2F / East")}
    house.apply(tree)
    assert house.shown() == {"a": "1F > 1F / East", "b": "2F > 2F / East"}
    assert house.devices["/Site/2F/East/b"] == "too"


def test_others_areas() -> None:
    """What another account or another tree made is not shared."""
    tree = tree_of({"Site": {"1F": {"Hall": {"a": None}}}})
    house = House.of(tree)
    house.areas = {"theirs": Area(name="Hall"), "more": Area(name="1F / Hall")}
    house.floors = {"their floor": "1F"}
    house.foreign_areas = frozenset({"theirs", "more"})
    house.foreign_floors = frozenset({"their floor"})
    house.apply(tree)
    assert house.shown() == {"a": "Site / 1F > Site / 1F / Hall"}
    house.devices["/Other/Hall/b"] = None
    other = tree_of({"Other": {"Hall": {"b": None}}}, "other")
    house.trees = frozenset({"tree", "other"})
    house.apply(other)
    assert house.shown()["b"] == "Other / Hall"
    assert house.plan(tree).is_empty and house.plan(other).is_empty


@pytest.mark.parametrize("tree_id", ["tree", "new tree"])
def test_a_tree_that_was_made_anew(tree_id: str) -> None:
    """Other ids under the same names: the areas stand for the new nodes."""
    before = tree_of({"Site@1": {"1F@2": {"Hall@3": {"a@a": None}}}})
    after = tree_of({"Site@4": {"1F@5": {"Hall@6": {"a@a": None}}}}, tree_id)
    house = House.of(before)
    house.apply(before)
    house.trees = frozenset({tree_id})
    assert house.apply(after).is_empty
    house.devices["b"] = None
    after = tree_of(
        {"Site@4": {"1F@5": {"Lobby@6": {"a@a": None, "b@b": None}}}}, tree_id
    )
    house.apply(after)
    assert house.shown()["b"] == "1F > Lobby"


def test_a_tree_that_was_made_anew_is_taken_over() -> None:
    """The old area gets a new device and from then on is the new node's."""
    before = tree_of({"Site@1": {"1F@2": {"Hall@3": {"a@a": None}}}})
    house = House.of(before)
    house.apply(before)
    house.devices["b"] = None
    inside: Nested = {"a@a": None, "b@b": None}
    after = tree_of({"Site@4": {"1F@5": {"Hall@6": inside}}})
    house.apply(after)
    assert len(house.areas) == len(house.floors) == 1
    after = tree_of({"Site@4": {"1F@5": {"Foyer@6": inside}}})
    assert house.apply(after).changed == 1
    assert house.shown() == {"a": "1F > Foyer", "b": "1F > Foyer"}


# What changes in EnOS.


def test_renamed_and_moved_in_enos() -> None:
    """What we named and placed follows, names that are exchanged included."""
    before = tree_of(
        {
            "S@s": {
                "1F@1": {"East@e": {"a@a": None}, "West@w": {"b@b": None}},
                "2F@2": {},
            }
        }
    )
    house = House.of(before)
    house.apply(before)
    after = tree_of(
        {
            "S@s": {
                "1F@1": {"West@e": {}, "East@w": {"b@b": None, "a@a": None}},
                "3F@2": {},
            }
        }
    )
    east, west = house.area("East"), house.area("West")
    todo = house.apply(after)
    assert (todo.changed, todo.moves) == (2, (("a", "w"),))
    assert (house.areas[east].name, house.areas[west].name) == ("West", "East")
    assert house.shown() == {"a": "1F > East", "b": "1F > East"}
    assert house.plan(after).is_empty
    # A second node of the name: both are told apart from now on.
    nested: Nested = {"West@e": {}, "East@w": {"b@b": None, "a@a": None}}
    grown = tree_of({"S@s": {"1F@1": nested, "3F@2": {"East@n": {}}}})
    house.apply(grown)
    assert house.shown() == {"a": "1F > 1F / East", "b": "1F > 1F / East"}
    assert house.plan(grown).is_empty


def test_a_ring_of_names() -> None:
    """Three that pass their names on end up with them, and so do floors."""
    before = tree_of(
        {"S": {f"{n}F@{n}": {"R@r" + n: {f"{n}@d{n}": None}} for n in "123"}}
    )
    house = House.of(before)
    house.apply(before)
    ids = {n: house.floor(f"{n}F") for n in "123"}
    turn = dict(zip("123", "231", strict=True))
    nodes = {
        key: replace(node, name=LocalizedText(f"{turn[key]}F")) if key in turn else node
        for key, node in before.nodes.items()
    }
    after = replace(before, nodes=nodes)
    house.apply(after)
    assert {n: house.floors[ids[n]] for n in "123"} == {"1": "2F", "2": "3F", "3": "1F"}
    assert house.plan(after).is_empty


# What a person changed.


def test_a_persons_changes_stay() -> None:
    """Devices, names and floors that a person changed are left alone, and it says so."""
    tree = tree_of(
        {
            "S@s": {
                "1F@1": {"East@e": {"a@a": None, "b@b": None}, "West@w": {"c@c": None}}
            }
        }
    )
    house = House.of(tree)
    house.apply(tree)
    house.areas["own"] = Area(name="Own")
    house.devices |= {"a": "own", "b": None}
    east = house.area("East")
    house.areas[east] = Area(name="Morgenland")
    house.floors[house.floor("1F")] = "Parterre"
    todo = house.plan(tree)
    assert todo.is_empty
    assert todo.left == {Left.RIGHT: ("c",), Left.CHANGED: ("a",), Left.CLEARED: ("b",)}
    moved = tree_of(
        {
            "S@s": {
                "2F@1": {"Nord@e": {}, "Süd@w": {"c@c": None, "a@a": None, "b@b": None}}
            }
        }
    )
    house.apply(moved)
    assert house.shown() == {"a": "Own", "b": None, "c": "Parterre > Süd"}
    assert house.areas[east] == Area(name="Morgenland")
    # Asked to, it places what is in no area, and nothing else.
    house.apply(moved, again=True)
    assert house.shown() == {"a": "Own", "b": "Parterre > Süd", "c": "Parterre > Süd"}


def test_deleted_by_a_person() -> None:
    """An area that a person deleted comes back only for a new device, or when asked for."""
    tree = tree_of({"S@s": {"1F@1": {"East@e": {"a@a": None, "b@b": None}}}})
    house = House(devices={"a": None})
    house.apply(tree)
    house.delete_area(house.area("East"))
    assert house.plan(tree).is_empty
    assert house.plan(tree).left == {Left.CLEARED: ("a",)}
    house.devices["b"] = None
    house.apply(tree)
    assert house.shown() == {"a": None, "b": "1F > East"}
    house.delete_floor(house.floor("1F"))
    assert house.plan(tree).is_empty
    house.apply(tree, again=True)
    assert house.shown() == {"a": "1F > East", "b": "1F > East"}
    assert house.plan(tree).is_empty


def test_a_device_that_went() -> None:
    """What is not there any more is forgotten: it is new when it comes back."""
    tree = tree_of({"S": {"Hall": {"a@a": None}}})
    house = House.of(tree)
    house.apply(tree)
    house.devices.clear()
    house.apply(tree)
    house.devices["a"] = None
    house.apply(tree)
    assert house.shown() == {"a": "Hall"}


def test_placed_by_a_person_where_it_belongs() -> None:
    """It is right as it is, and stays a person's choice."""
    tree = tree_of({"S": {"Hall": {"a@a": None}, "Yard": {}}})
    house = House.of(tree)
    house.areas["hall"] = Area(name="Hall")
    house.devices["a"] = "hall"
    assert house.apply(tree).left == {Left.RIGHT: ("a",)}
    moved = tree_of({"S": {"Hall": {}, "Yard": {"a@a": None}}})
    assert house.apply(moved).left == {Left.CHANGED: ("a",)}


# Any tree, any person.

NAMES = st.sampled_from(["A", "a ", "B", "A / B", "1F", "2F", "", "S / A", "(n1)"])


@st.composite
def trees(draw: st.DrawFn) -> AssetTree:
    """Any small tree, its nodes of the same few ids and names."""
    nodes: dict[str, TreeNode] = {}
    inner: list[str | None] = [None]
    for number in draw(st.permutations(range(7))):
        asset_id = f"n{number}"
        nodes[asset_id] = TreeNode(
            asset_id=asset_id,
            name=LocalizedText(draw(NAMES)),
            is_valid=draw(st.sampled_from([True, True, True, False])),
            parent=draw(st.sampled_from(inner)),
        )
        inner.append(asset_id)
    for number in range(4):
        asset_id = f"d{number}"
        parent = draw(st.sampled_from(inner))
        nodes[asset_id] = TreeNode(asset_id=asset_id, is_device=True, parent=parent)
    return AssetTree(tree_id=draw(st.sampled_from(["tree", "other"])), nodes=nodes)


def meddle(data: st.DataObject, house: House) -> None:
    """Do what a person may do."""
    draw = data.draw
    area_ids, floor_ids = sorted(house.areas), sorted(house.floors)
    match draw(st.integers(0, 7)):
        case 0:
            house.trees = frozenset(draw(st.sets(st.sampled_from(["tree", "other"]))))
        case 1 if area_ids:
            house.delete_area(draw(st.sampled_from(area_ids)))
        case 2 if floor_ids:
            house.delete_floor(draw(st.sampled_from(floor_ids)))
        case 3:
            device = draw(st.sampled_from(["d0", "d1", "d2", "d3"]))
            house.devices[device] = draw(st.sampled_from([None, *area_ids]))
        case 4:
            name = draw(NAMES)
            names = {normalized(area.name) for area in house.areas.values()}
            if name.strip() and normalized(name) not in names:
                house.add_area(name.strip())
        case 5 if area_ids and floor_ids:
            house.put_on_floor(
                draw(st.sampled_from(area_ids)), draw(st.sampled_from(floor_ids))
            )
        case 6 if area_ids:
            area_id = draw(st.sampled_from(area_ids))
            house.areas[area_id] = replace(
                house.areas[area_id], name=f"mine {house.made}"
            )
            house.made += 1
        case 7:
            house.devices.pop(draw(st.sampled_from(["d0", "d1", "d2", "d3"])), None)
        case _:
            pass


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_history(data: st.DataObject) -> None:
    """Whatever happened: it works, the second time is empty, and a person's word stands."""
    draw = data.draw
    house = House(devices=dict.fromkeys(("d0", "d1", "d2", "d3")))
    # Where our own hand was last: what differs from it is a person's.
    ours: dict[str, str] = {}
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(0, 3))):
            meddle(data, house)
        tree = draw(trees())
        layer = draw(st.sampled_from([None, 0, 1, 2]))
        before = deepcopy(house)
        again = draw(st.booleans())
        todo = house.apply(tree, layer, again=again)
        for device, area in before.devices.items():
            if area is not None and area != ours.get(device):
                assert house.devices[device] == area
            if area is None and device in ours and not again:
                assert house.devices[device] is None
        ours = {
            device: area
            for device, area in ours.items()
            if device in house.devices
            and house.devices[device] == before.devices[device]
        } | {device: house.devices[device] or "" for device, _ in todo.moves}
        named = {item.entry_id: item.name for item in before.memory.areas.values()}
        put = {item.entry_id: item.floor_id for item in before.memory.areas.values()}
        for area_id, area_before in before.areas.items():
            if named.get(area_id) != area_before.name:
                assert house.areas[area_id].name == area_before.name
            if area_before.floor_id not in (None, put.get(area_id)):
                assert house.areas[area_id].floor_id == area_before.floor_id
        assert before.floors.keys() <= house.floors.keys()
        assert {device for device, _ in todo.moves} | {
            device for devices in todo.left.values() for device in devices
        } == set(house.devices)
        for device, node in todo.moves:
            assert house.devices[device] == house.memory.areas[node].entry_id
        second = house.plan(tree, layer)
        assert second.is_empty, (second.floors, second.areas, second.moves)


# Size.


@pytest.mark.parametrize("again", [False, True])
def test_a_thousand_devices(again: bool) -> None:
    """A plan for a plant takes a moment only, the first as well as the second."""
    towers = {
        f"Tower {tower}": {
            f"{floor}F": {
                room: {f"{tower}{floor}{room}{n}": None for n in range(3)}
                for room in ("East", "West", "North", "South")
            }
            for floor in range(1, 22)
        }
        for tower in "ABCD"
    }
    tree = tree_of({"Campus": towers})
    house = House.of(tree)
    assert len(house.devices) == 1008
    if again:
        house.apply(tree)
    start = time.perf_counter()
    todo = house.plan(tree)
    took = time.perf_counter() - start
    assert len(todo.moves) == (0 if again else 1008)
    assert len(todo.areas) == 336
    assert took < 1
