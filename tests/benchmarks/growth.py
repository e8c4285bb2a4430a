"""How the requests grow with the fleet, beside what EnOS's limits force at our intervals.

The rounds are made one after the other: what counts is how many there are in a minute.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any, Final

from custom_components.enos.const import DEVICES_INTERVAL, VALUES_INTERVAL

from . import home
from .child import main
from .plant import POINTS, Plant, Shape
from .table import Row, Section

# From EnOS's documentation, not from our own code, which is what is looked at.
POINTS_A_CALL: Final = 3000
DEVICES_A_PAGE: Final = 200
# What we have chosen, in seconds: by the limits alone the rounds could be as rare as one likes.
VALUES_EVERY: Final = 30
DEVICES_EVERY: Final = 60

MINUTES: Final = 5
"""How many minutes' worth of rounds are made."""

VALUES, DEVICES, OTHERS = "values", "status and discovery", "all others"
_KINDS: Final = {
    ("/tsdb-service/v2.1/latest", None): VALUES,
    ("/connect-service/v2.1/devices", "search"): DEVICES,
    ("/connect-service/v2.1/device-topos", None): "gateways",
    ("/model-service/v2.1/thing-models", "search"): "models",
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """A plant, and how many points of each device are brought in."""

    shape: Shape
    points: int = POINTS

    @property
    def name(self) -> str:
        """What the fleet is called in the table."""
        shape = self.shape
        devices = shape.products * shape.devices
        of = f" of {shape.products} products" if shape.products > 1 else ""
        return f"{devices:,} device{'s' * (devices > 1)}{of}, {self.points} points each"

    @property
    def values_calls(self) -> int:
        """How many calls for values a round cannot do without.

        A call takes so many assets × so many points. Products have no point in common here: one
        that two products share asks each of them for the other's points, too, so that k of
        them fill k × k times the room of one.
        """
        one = self.shape.devices * self.points
        together = 1
        while one * (together + 1) ** 2 <= POINTS_A_CALL:
            together += 1
        if together > 1:
            return -(-self.shape.products // together)
        return self.shape.products * -(-one // POINTS_A_CALL)

    @property
    def forced(self) -> dict[str, float]:
        """What the limits force at our intervals, in requests per minute."""
        pages = -(-self.shape.products * self.shape.devices // DEVICES_A_PAGE)
        return {
            VALUES: self.values_calls * 60 / VALUES_EVERY,
            DEVICES: pages * 60 / DEVICES_EVERY,
        }


_FLEETS: Final = (
    Fleet(Shape(1, 10)),
    Fleet(Shape(1, 100)),
    Fleet(Shape(40, 10)),
    # With all its points it would have more entities than Home Assistant takes of an account.
    Fleet(Shape(1, 1000), 9),
)
# The second fills a call to the last of seven products.
_SMALL: Final = (Fleet(Shape(1, 10)), Fleet(Shape(7, 2)))


async def run(*, quick: bool = False) -> list[Section]:
    """Count the requests of growing fleets; the quick form has small ones.

    Raises `RuntimeError` where a round failed or the plant rejected something.
    """
    intervals = (VALUES_INTERVAL.total_seconds(), DEVICES_INTERVAL.total_seconds())
    assert intervals == (VALUES_EVERY, DEVICES_EVERY), intervals
    rows: list[Row] = []
    for fleet in _SMALL if quick else _FLEETS:
        home.say(f"  growth: {fleet.name}")
        rows += _rows(fleet, await _count(fleet))
    return [
        Section(
            "Fleet growth: requests per minute",
            tuple(rows),
            (
                (
                    f"Values are read every {VALUES_EVERY} s, devices with their status every "
                    f"{DEVICES_EVERY} s: the integration's own intervals. Status and discovery "
                    f"are one listing. {MINUTES} minutes' worth of rounds after the set-up, "
                    "counted at the plant."
                ),
                (
                    "The target is what EnOS's limits force at these intervals, and no more: "
                    f"{POINTS_A_CALL:,} assets × points a call, {DEVICES_A_PAGE} devices a page. "
                    "Here all points have a storage policy; those without one are read on top, "
                    "one device a second. Products have no point in common, "
                    "which is the hardest case: two that share a call fill the room of four."
                ),
            ),
        )
    ]


async def _count(fleet: Fleet) -> Counter[str]:
    """Return the requests that some minutes' worth of rounds took, by kind."""
    rounds = MINUTES * 60 // VALUES_EVERY
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Plant.running(fleet.shape) as plant,
            home.running(Path(folder)) as hass,
        ):
            plant.points = {
                key: points[: fleet.points] for key, points in plant.points.items()
            }
            entry = home.enos_entry(plant)
            await home.add(hass, entry)
            coordinator = entry.runtime_data.coordinator
            expected = fleet.shape.products * fleet.shape.devices * fleet.points
            if len(coordinator.states) != expected:
                raise RuntimeError(f"{len(coordinator.states)} points, not {expected}")
            await plant.ask("requests")
            for _ in range(rounds):
                await coordinator.async_refresh()
                await hass.async_block_till_done(wait_background_tasks=True)
                if not coordinator.last_update_success:
                    raise RuntimeError(f"a round failed: {coordinator.last_exception}")
            made: list[dict[str, Any]] = await plant.ask("requests")
            if rejections := await plant.ask("rejections"):
                raise RuntimeError(f"the plant rejected: {rejections[0]}")
            await home.unload(hass, entry)
    return Counter(
        _KINDS.get((each["path"], each["action"]))
        or _KINDS.get((each["path"], None), OTHERS)
        for each in made
    )


def _rows(fleet: Fleet, counted: Counter[str]) -> list[Row]:
    rows: list[Row] = []
    for kind in (*dict.fromkeys(_KINDS.values()), OTHERS):
        forced = fleet.forced.get(kind, 0.0)
        made = counted[kind] / MINUTES
        if not made and not forced:
            continue
        rows.append(
            Row(
                what=f"{fleet.name}: {kind}",
                ours=f"{made:g}",
                ratio=f"{made / forced:.2f}" if forced else "",
                target=f"{forced:g}",
                met=made <= forced,
                exact=True,
            )
        )
    everything = counted.total() / MINUTES
    forced = sum(fleet.forced.values())
    rows.append(
        Row(
            what=f"{fleet.name}: **in all**",
            ours=f"{everything:g}",
            ratio=f"{everything / forced:.2f}",
            target=f"{forced:g}",
            met=everything <= forced,
            exact=True,
        )
    )
    return rows


if __name__ == "__main__":
    main(run)
