"""The building: campus, buildings, floors, rooms, and where devices stand."""

from dataclasses import dataclass, field
import random
import string

from .catalog import GROWTH, KINDS, MIX
from .devices import SimDevice
from .points import JsonObject, Kind, i18n

ALPHABET = string.ascii_letters + string.digits
FLOORS = 8
ROOMS = (
    ("East", "东"),
    ("West", "西"),
    ("South", "南"),
    ("North", "北"),
    ("Lobby", "前厅"),
    ("Meeting", "会议室"),
)
LOGICAL_MODELS = {
    "site_campus": ("Campus", "园区"),
    "site_building": ("Building", "楼宇"),
    "site_floor": ("Floor", "楼层"),
    "site_room": ("Room", "房间"),
}
# 2026-01-05 08:00 in China, when the building was connected.
FOUNDED = 1767571200000


@dataclass(slots=True)
class Place:
    """A logical asset: the campus, a building, a floor or a room."""

    asset_id: str
    model_id: str
    name: JsonObject
    parent_id: str | None
    tags: dict[str, str] = field(default_factory=dict)


class Building:
    """Everything that is there, without any gateway before it."""

    def __init__(self, seed: int) -> None:
        """Build the empty campus."""
        self.seed = seed
        self.rng = random.Random(f"{seed}:physics")
        self.places: dict[str, Place] = {}
        self.tree_id = self.text_id("tree")
        self.product_keys = {key: self.text_id(f"product:{key}") for key in KINDS}
        self.kind_of_product = {
            product: KINDS[key] for key, product in self.product_keys.items()
        }
        self.campus = self._place("campus", "site_campus", "Campus", "园区", None)
        # A second tree of the same devices, by what they do; empty unless it is planted.
        self.systems_tree_id = self.text_id("tree:systems")
        self.systems: dict[str, Place] = {}
        # Assets whose nodes the service calls invalid.
        self.invalid: set[str] = set()
        self._next_index = dict.fromkeys(KINDS, 0)
        self._names: set[str] = set()

    def rng_for(self, what: str) -> random.Random:
        """Return random numbers that depend on nothing but seed and purpose."""
        return random.Random(f"{self.seed}:{what}")

    def text_id(self, what: str, length: int = 8) -> str:
        """Return an id in the shape of EnOS."""
        return "".join(self.rng_for(what).choices(ALPHABET, k=length))

    def _place(
        self, key: str, model_id: str, en: str, zh: str, parent: Place | None
    ) -> Place:
        asset_id = self.text_id(f"place:{key}")
        place = self.places.get(asset_id)
        if place is None:
            place = Place(
                asset_id, model_id, i18n(en, zh), parent.asset_id if parent else None
            )
            self.places[asset_id] = place
        return place

    def plant_systems(self) -> None:
        """Have a second tree: a node for each kind of device; whoever calls counts a generation."""
        root = Place(
            self.text_id("systems"), "site_campus", i18n("Systems", "系统"), None
        )
        self.systems[root.asset_id] = root
        for key, kind in KINDS.items():
            asset_id = self.text_id(f"systems:{key}")
            name = i18n(kind.short_en, kind.short_zh)
            place = Place(asset_id, "site_building", name, root.asset_id)
            self.systems[asset_id] = place

    def place_for(self, kind: Kind, index: int) -> tuple[Place, str, str]:
        """Return where a device stands, and the place's part of its name."""
        rooms = len(ROOMS)
        per_building = {"room": FLOORS * rooms, "floor": FLOORS, "building": 1}
        # The second round through a building's rooms goes to the same rooms.
        per_place = 4 if kind.place != "building" else 8
        number, slot = divmod(index, per_building[kind.place] * per_place)
        slot %= per_building[kind.place]
        letter = ""
        value = number
        while value >= 0:
            letter = chr(ord("A") + value % 26) + letter
            value = value // 26 - 1
        building = self._place(
            f"b{number}",
            "site_building",
            f"Tower {letter}",
            f"{letter}座",
            self.campus,
        )
        prefix = "" if number == 0 else letter
        if kind.place == "building":
            return building, f" {letter}", f"{letter}座"
        if kind.place == "floor":
            floor, room = slot + 1, None
        else:
            # Third floor first, then up and around: the first rooms differ.
            floor = (slot // rooms + 2) % FLOORS + 1
            room = ROOMS[slot % rooms]
        # Names of floors and rooms repeat from building to building, as they do out there.
        storey = self._place(
            f"b{number}f{floor}", "site_floor", f"{floor}F", f"{floor}层", building
        )
        if room is None:
            return storey, f" {prefix}{floor}F", f" {prefix}{floor}层"
        place = self._place(
            f"b{number}f{floor}{room[0]}", "site_room", room[0], room[1], storey
        )
        return place, f" {prefix}{floor}F {room[0]}", f" {prefix}{floor}层{room[1]}"

    def _name(self, kind: Kind, en: str, zh: str) -> JsonObject:
        full_en, full_zh = f"{kind.short_en}{en}", f"{kind.short_zh}{zh}"
        number = 1
        text = full_en
        while text in self._names:
            number += 1
            text = f"{full_en} {number}"
        self._names.add(text)
        return i18n(text, full_zh if number == 1 else f"{full_zh} {number}", full_zh)

    def new_device(self, kind: Kind, create_time: int | None = None) -> SimDevice:
        """Build the next device of a kind."""
        index = self._next_index[kind.key]
        self._next_index[kind.key] += 1
        rng = self.rng_for(f"device:{kind.key}:{index}")
        place, en, zh = self.place_for(kind, index)
        values = {point.identifier: _copy(point.initial) for point in kind.points}
        if kind.key == "meter":
            values["serial"] = f"EM-{rng.randrange(10**8):08d}"
        device = SimDevice(
            asset_id="".join(rng.choices(ALPHABET, k=8)),
            product_key=self.product_keys[kind.key],
            device_key=(
                f"{kind.key}-{index + 1:04d}"
                if rng.random() < 0.7
                else "".join(rng.choices(ALPHABET, k=10))
            ),
            device_secret="".join(rng.choices(ALPHABET, k=20)),
            kind=kind,
            index=index,
            name=self._name(kind, en, zh),
            parent_id=place.asset_id,
            create_time=create_time or FOUNDED + index * 61_000 + len(kind.key) * 997,
            values=values,
        )
        device.tags = (
            {"floor": en.strip().split(" ")[0]} if kind.place != "building" else {}
        )
        for identifier, spread in SPREADS.items():
            if identifier in values:
                values[identifier] = round(
                    values[identifier] + rng.uniform(-spread, spread), 2
                )
        return device


# How much devices of a kind differ at first.
SPREADS = {
    "room_temp": 2.0,
    "roomTemp": 2.0,
    "supply_temp": 1.0,
    "soc": 20.0,
    "energy": 9000.0,
    "session_energy": 2.0,
}


def _copy[T](value: T) -> T:
    """Copy what can be changed in place."""
    if isinstance(value, dict):
        return type(value)(value)
    if isinstance(value, list):
        return type(value)(value)
    return value


def mix(count: int) -> list[str]:
    """Return the kinds of a number of devices."""
    kinds = list(MIX[:count])
    while len(kinds) < count:
        kinds.extend(GROWTH[: count - len(kinds)])
    return kinds
