"""Memory per entity: resident, in a process of its own for each of nothing, floor and ours."""

import argparse
import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
import json
from pathlib import Path
import sys
import tempfile

from scripts._develop import ROOT

from . import child, home
from .floor import PLAN
from .plant import Plant, Shape
from .table import Row, Section

TARGET = 1.5
POLLS = 5
VARIANTS = ("empty", "floor", "ours")

_NOTES = (
    (
        "What an integration adds: resident memory of Home Assistant's process after a collection and"
        " after free memory went back to the system, less that of a Home Assistant that has neither"
        " EnOS nor the floor, divided by the number of entities. Each is a fresh process in which"
        f" nothing was set up before; polls are {POLLS} in which every value changed. Of two runs the"
        " smaller. Modules that only one of them needs are counted."
    ),
)


@dataclass(frozen=True, slots=True)
class Resident:
    """Bytes that a process holds after set-up, and after some polls; entities it has."""

    set_up: float
    polls: float
    entities: int


async def variant(name: str, shape: Shape) -> Resident:
    """Measure one of the variants in this process."""
    with tempfile.TemporaryDirectory() as folder:
        async with Plant.running(shape) as plant, home.running(Path(folder)) as hass:
            before = len(hass.states.async_entity_ids())
            poll = partial(asyncio.sleep, 0)
            if name == "floor":
                floor = home.floor_entry(hass, plant)
                await home.add(hass, floor)
                poll = floor.runtime_data.async_refresh
            elif name == "ours":
                ours = home.enos_entry(plant)
                await home.add(hass, ours)
                poll = ours.runtime_data.coordinator.async_refresh
            entities = len(hass.states.async_entity_ids()) - before
            await home.settle(hass)
            set_up = home.resident()
            for _ in range(POLLS):
                changed = await plant.ask("change", share=1)
                if (plan := hass.data.get(PLAN)) is not None:
                    plan.values = plan.values | {
                        (asset_id, point_id): value
                        for asset_id, point_id, value in changed
                    }
                await poll()
            del changed
            await home.settle(hass)
            return Resident(set_up, home.resident(), entities)


async def _apart(names: Iterable[str], shape: Shape) -> list[Resident]:
    """Measure variants in a process that does nothing else."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.memory"),
        *("--devices", str(shape.devices), "--variants", *names),
        stdout=PIPE,
        cwd=ROOT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, f"{names} ended with {process.returncode}"
    return [Resident(**each) for each in json.loads(output)]


async def run(*, quick: bool = False) -> list[Section]:
    """Measure all variants, in turn, one at a time.

    A quick run has them share a process: it shows that all this works, and no figure.
    """
    shape = Shape.of(250 if quick else 10_000)
    found: dict[str, list[Resident]] = {name: [] for name in VARIANTS}
    for names in [VARIANTS] if quick else [(name,) for name in VARIANTS * 2]:
        home.say(f"memory: {', '.join(names)}")
        held = await _apart(names, shape)
        for name, resident in zip(names, held, strict=True):
            found[name].append(resident)
    assert not found["empty"][0].entities
    # Home Assistant takes no more than 10,000 of ours; the account has some of its own.
    assert found["ours"][0].entities >= found["floor"][0].entities == shape.entities
    rows = [
        _row(what, [min(values) for values in held], shape.entities)
        for what, held in (
            (
                "after set-up",
                [[each.set_up for each in found[name]] for name in VARIANTS],
            ),
            (
                f"after {POLLS} polls",
                [[each.polls for each in found[name]] for name in VARIANTS],
            ),
        )
    ]
    return [Section(f"Memory of {shape.entities:,} entities", tuple(rows), _NOTES)]


def _row(what: str, held: list[float], entities: int) -> Row:
    """Return what is told of a moment at which the variants held so many bytes."""
    empty, floor, ours = held
    ratio = (ours - empty) / max(floor - empty, 1)
    return Row(
        what=f"{what}, per entity",
        ours=_per_entity(ours - empty, entities),
        floor=_per_entity(floor - empty, entities),
        ratio=f"{ratio:.2f}",
        target=f"≤ {TARGET} × floor",
        met=ratio <= TARGET,
    )


def _per_entity(size: float, entities: int) -> str:
    return f"{size / entities / 1000:.2f} kB ({size / 1e6:.1f} MB in all)"


def _main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS)
    parser.add_argument("--devices", type=int)
    options, others = parser.parse_known_args()
    if options.variants is None:
        child.main(run, others)
        return

    async def measured() -> list[Resident]:
        shape = Shape(1, options.devices)
        return [await variant(name, shape) for name in options.variants]

    found = child.finished(measured())
    print(json.dumps([asdict(each) for each in found]))


if __name__ == "__main__":
    _main()
