"""Set-up: seconds, requests and bytes, with empty registries and with full ones."""

from collections.abc import AsyncIterator, Iterator
import contextlib
from dataclasses import dataclass, field
from functools import partial
import gc
from pathlib import Path
from statistics import median
import tempfile

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

from . import child, home
from .growth import DEVICES_A_PAGE, Fleet
from .home import Reading
from .plant import Plant, Shape
from .table import Row, Section

TARGET = 1.5
ROUNDS = 6
MODELS_A_PAGE = 10

_NOTES = (
    (
        "Cold: the registries know no entity, and a fresh Home Assistant, one for each, has nothing"
        " else to set up. Warm: they know all, as at each start but the first; both are in one Home"
        " Assistant. Modules are imported beforehand. Cold is one set-up; warm is the median of"
        f" {ROUNDS} in turn, and in parentheses the shortest. Seconds by the clock, from the call to"
        " the moment that all entities stand. The target is for 10,000 entities; fewer are shown for"
        " information."
    ),
    (
        "An entity is a measurepoint, or tells whether a device is connected: 10,000 are 9,600 and"
        " 400. Requests include the token. Their target has a call for values for each 3,000 values"
        " of a product, pages of 200 devices and of 10 models, and three more; the limits force fewer,"
        " since products can share a call. After each set-up, every entity is compared with the plant."
    ),
)


@dataclass(slots=True)
class _Side:
    """An integration and what its set-ups took."""

    entry: ConfigEntry
    cold: Reading = field(default_factory=Reading)
    warm: list[Reading] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """What was measured of a plant."""

    label: str
    shape: Shape
    floor: _Side
    ours: _Side
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def rows(self) -> list[Row]:
        """Return what is told of it."""
        floor, ours = self.floor, self.ours
        warm = _middle(ours) / _middle(floor)
        shortest = _least(ours) / _least(floor)
        cpu, floor_cpu = (
            median(each.cpu for each in side.warm) for side in (ours, floor)
        )
        judged = self.shape.entities >= 10_000
        most, allowed = max(self.requests), self.shape.requests
        return [
            Row(
                what=f"{self.label}: cold",
                ours=_seconds(ours.cold.seconds),
                floor=_seconds(floor.cold.seconds),
                ratio=f"{ours.cold.seconds / floor.cold.seconds:.2f}",
            ),
            Row(
                what=f"{self.label}: warm",
                ours=f"{_seconds(_middle(ours))} ({_seconds(_least(ours))})",
                floor=f"{_seconds(_middle(floor))} ({_seconds(_least(floor))})",
                ratio=f"{warm:.2f} ({shortest:.2f})",
                target=f"≤ {TARGET} × floor" if judged else "",
                met=warm <= TARGET if judged else None,
            ),
            Row(
                what=f"{self.label}: warm, CPU",
                ours=_seconds(cpu),
                floor=_seconds(floor_cpu),
                ratio=f"{cpu / floor_cpu:.2f}",
            ),
            Row(
                what=f"{self.label}: requests",
                ours=str(most),
                target=f"≤ {allowed} (the limits force {_forced(self.shape)})",
                met=most <= allowed,
                exact=True,
            ),
            Row(
                what=f"{self.label}: bytes received",
                ours=f"{max(self.bytes) / 1e6:.2f} MB",
            ),
        ]

    def reason(self) -> Iterator[str]:
        """Say what Python's collections took, if the target was missed."""
        if not any(row.met is False and not row.exact for row in self.rows()):
            return
        ours, floor = (
            " / ".join(
                _seconds(sum(took for _, took in each.collections))
                for each in side.warm
            )
            for side in (self.ours, self.floor)
        )
        yield (
            f"{self.label}, warm: of its {ROUNDS} set-ups Python's collections took {ours} (EnOS) and"
            f" {floor} (floor). A full one goes through all objects of Home Assistant; whose set-up it"
            " falls into is chance."
        )


def _forced(shape: Shape) -> int:
    """Return how many requests a set-up cannot do without: values, devices, models, a token."""
    fleet = Fleet(shape)
    pages = -(-shape.products * shape.devices // DEVICES_A_PAGE)
    return fleet.values_calls + pages + -(-shape.products // MODELS_A_PAGE) + 1


def _middle(side: _Side) -> float:
    return median(each.seconds for each in side.warm)


def _least(side: _Side) -> float:
    return min(each.seconds for each in side.warm)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


async def run(*, quick: bool = False) -> list[Section]:
    """Set up plants of several sizes."""
    if not quick:
        # Whoever is set up first would pay for the import of Home Assistant's platforms.
        await _plant("", Shape.of(50), rounds=1)
    shapes = (
        {"100 entities": Shape.of(100), "100 entities of 2 products": Shape(2, 2)}
        if quick
        else {
            "100 entities": Shape.of(100),
            "1,000 entities": Shape.of(1000),
            "10,000 entities": Shape.of(10_000),
            "10,000 entities of 40 products": Shape(40, 10),
        }
    )
    rows: list[Row] = []
    reasons: list[str] = []
    for label, shape in shapes.items():
        home.say(f"set-up: {label}")
        found = await _plant(label, shape, rounds=1 if quick else ROUNDS)
        rows += found.rows()
        reasons += found.reason()
    gc.unfreeze()
    return [Section("Set-up", tuple(rows), (*_NOTES, *reasons))]


async def _plant(label: str, shape: Shape, *, rounds: int) -> _Found:
    """Set up the floor in a Home Assistant of its own, ours in another, then both in that."""
    async with Plant.running(shape) as plant:
        async with _home() as hass:
            alone = home.floor_entry(hass, plant)
            cold = await home.measured(partial(home.add, hass, alone))
            assert alone.state is ConfigEntryState.LOADED
        async with _home() as hass:
            floor = _Side(home.floor_entry(hass, plant), cold)
            ours = _Side(home.enos_entry(plant))
            found = _Found(label, shape, floor, ours)
            ours.cold = await home.measured(partial(home.add, hass, ours.entry))
            await home.add(hass, floor.entry)
            await _check(hass, plant, found)
            for turn in range(rounds):
                # In turn, as what one leaves behind is at times collected in the other's.
                for side in (ours, floor) if turn % 2 else (floor, ours):
                    await home.unload(hass, side.entry)
                    await home.settle(hass)
                    again = partial(home.set_up, hass, side.entry)
                    side.warm.append(await home.measured(again))
                    await _check(hass, plant, found)
    return found


@contextlib.asynccontextmanager
async def _home() -> AsyncIterator[HomeAssistant]:
    """Run a fresh Home Assistant, with what those before left out of Python's collections."""
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        async with home.running(Path(folder)) as hass:
            yield hass


async def _check(hass: HomeAssistant, plant: Plant, found: _Found) -> None:
    """Note the requests, if it was ours that made them, and look at the entities."""
    if requests := await plant.ask("requests"):
        found.requests.append(len(requests))
        found.bytes.append(sum(each["sent"] for each in requests))
        assert found.ours.entry.state is ConfigEntryState.LOADED
        values = {
            (asset_id, point_id): plant.values[point_id]
            for asset_id, _, product_key, _ in plant.devices
            for point_id, *_ in plant.points[product_key]
        }
        entities = home.points_of(hass, plant, found.ours.entry)
        home.check_values(hass, entities, values)
    assert found.floor.entry.state is ConfigEntryState.LOADED
    rejections = await plant.ask("rejections")
    assert not rejections, rejections


if __name__ == "__main__":
    child.main(run)
