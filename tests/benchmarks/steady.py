"""1,000 writes a minute, by itself for ten minutes; and what all benchmarks of writes need."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
import contextlib
from dataclasses import dataclass
import itertools
from pathlib import Path
import tempfile
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from . import child, home
from .plant import Plant, Shape
from .table import Row, Section
from .wire import COMMANDS, spread

SETPOINTS = 6
"""Numbers of each device that may be written."""


@dataclass(frozen=True, slots=True)
class Target:
    """A number of ours: entity, device and point."""

    entity_id: str
    asset_id: str
    point_id: str


def targets(
    hass: HomeAssistant, plant: Plant, entry: ConfigEntry
) -> list[list[Target]]:
    """Return the numbers of ours: for each setpoint those of all devices."""
    entities = home.points_of(hass, plant, entry)
    ((prefix, *_),) = (points[0] for points in plant.points.values())
    points = [
        f"{prefix.removesuffix('temp_0')}setpoint_{each}" for each in range(SETPOINTS)
    ]
    return [
        [
            Target(entities[asset_id, point], asset_id, point)
            for asset_id, *_ in plant.devices
            if (asset_id, point) in entities
        ]
        for point in points
    ]


async def set_value(
    hass: HomeAssistant, entity_id: str | list[str], value: float
) -> None:
    """Call `number.set_value` as an automation does, and wait for its end."""
    await hass.services.async_call(
        "number", "set_value", {"entity_id": entity_id, "value": value}, blocking=True
    )


async def writes(plant: Plant) -> list[dict[str, Any]]:
    """Return the writes since the last question, in the order in which they came."""
    return [each for each in await plant.ask("requests") if each["path"] == COMMANDS]


@contextlib.asynccontextmanager
async def home_of(
    plant: Plant, config: dict[str, Any]
) -> AsyncIterator[tuple[HomeAssistant, ConfigEntry]]:
    """Run Home Assistant with an entry of ours, and nothing left to be done."""
    with tempfile.TemporaryDirectory() as folder:
        async with home.running(Path(folder), config) as hass:
            entry = home.enos_entry(plant)
            await home.add(hass, entry)
            yield hass, entry


async def steadily(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, seconds: float
) -> list[Row]:
    """Write 1,000 times a minute; what counts is the moment at which a write was due."""
    order = itertools.cycle(
        [each for row in targets(hass, plant, entry) for each in row]
    )
    values = itertools.cycle(10 + each / 2 for each in range(151))
    await plant.ask("answer_in", seconds=0.2)
    await plant.ask("requests")
    written: list[tuple[Target, float, float]] = []
    calls: list[asyncio.Task[None]] = []
    before = home.resident()
    cpu = time.process_time()
    began = time.time()
    for number in range(round(seconds * 1000 / 60)):
        moment = began + number * 0.06
        await asyncio.sleep(max(0.0, moment - time.time()))
        each, value = next(order), next(values)
        written.append((each, value, moment))
        calls.append(asyncio.create_task(set_value(hass, each.entity_id, value)))
    ends = await asyncio.gather(*calls, return_exceptions=True)
    cpu = (time.process_time() - cpu) / (time.time() - began)
    failed = sum(each is not None for each in ends)
    calls.clear()
    del ends
    after = home.resident()
    await plant.ask("answer_in", seconds=0.02)
    came: dict[tuple[str, str, float], deque[float]] = {}
    for request in await writes(plant):
        key = request["asset"], request["point"], request["value"]
        came.setdefault(key, deque()).append(request["received"])
    latencies: list[float] = []
    lost = 0
    for each, value, moment in written:
        if arrived := came.get((each.asset_id, each.point_id, value)):
            latencies.append(arrived.popleft() - moment)
        else:
            lost += 1
    return [
        Row(
            what=f"1,000 writes a minute for {seconds:.0f} s: call to wire (p50 / p95 / p99)",
            ours=spread(latencies),
        ),
        Row(
            what=f"lost / failed of {len(written):,}",
            ours=f"{lost} / {failed}",
            target="none",
            met=not lost and not failed,
            exact=True,
        ),
        Row(
            what="memory before and after; CPU of a core meanwhile",
            ours=f"{before / 1e6:.1f} → {after / 1e6:.1f} MB; {cpu:.1%}",
        ),
    ]


async def run(*, quick: bool = False) -> list[Section]:
    """Write for ten minutes, or for a moment."""
    async with (
        Plant.running(Shape.of(250 if quick else 1000)) as plant,
        home_of(plant, {}) as (hass, entry),
    ):
        rows = await steadily(hass, entry, plant, 0.6 if quick else 600)
        rejected = await plant.ask("rejections")
        assert not rejected, rejected
    return [
        Section(
            "Writes for ten minutes",
            tuple(rows),
            (
                (
                    "The time counts from the moment at which a call was due. The devices "
                    "answer after 0.2 s."
                ),
            ),
        )
    ]


if __name__ == "__main__":
    child.main(run)
