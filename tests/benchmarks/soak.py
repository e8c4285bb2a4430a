"""An hour of a large account, with faults now and then: what grows, and what stays when it ends.

Alone: `python -m tests.benchmarks.soak --minutes 60`, a line a minute to stderr, the table to stdout.
"""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
import gc
import itertools
from pathlib import Path
import statistics
import tempfile
import time
from typing import Any, Final
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from custom_components.enos import coordinator as coordinating
from custom_components.enos.const import VALUES_INTERVAL
from custom_components.enos.coordinator import EnosCoordinator

from . import home
from .leaks import Alive, alive, holders, settled, timers
from .plant import Plant, Shape
from .table import Row, Section, markdown

GROWTH: Final = 5.0
"""Megabytes that the process may grow by after the first minutes."""

_MB: Final = 1024 * 1024
_SHARE: Final = 0.01
_FIRST: Final = 10.0
# The journal keeps the newest command of each point: all of these are written to in the first minutes.
_WRITTEN: Final = 300
# What the latency may vary by without being another one: of the median, of the 99th percentile.
_SAME_MEDIAN: Final = 1.25
_SAME_TAIL: Final = 1.5

# Each meets the values' calls as well as whatever else comes next.
_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "status", "status": 503},
    {"kind": "rate_limit", "retry_after": 2},
    {"kind": "html"},
    {"kind": "cut_json"},
    {"kind": "drop"},
    {"kind": "delay", "seconds": 2},
)
_HITS: Final = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How often something happens, in seconds; a fault that nothing used up is gone in the end."""

    interval: float = VALUES_INTERVAL.total_seconds()
    write: float = 1.0
    # Six kinds and an outage twice: the first ten minutes have what the last ten have.
    fault: float = _FIRST * 60 / (len(_FAULTS) + 2)
    # Longer than two rounds: then an outage makes the sensors unavailable.
    fault_lasts: float = 70.0
    sample: float = 60.0


# Home Assistant counts intervals from the last whole second: one below a second ends at once.
QUICK: Final = Pace(interval=1.0, write=0.1, fault=1.0, fault_lasts=0.9, sample=2.0)


class _Every:
    """Says when it is time again; what was missed is not made up for."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._next = now + seconds

    def due(self, now: float) -> bool:
        """Tell whether it is time, and wait for the next time."""
        if now < self._next:
            return False
        self._next = max(self._next + self._seconds, now)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was there at a moment: seconds since the beginning, bytes, and how many of each."""

    at: float
    resident: float
    tasks: int
    timers: int
    listeners: int
    entities: int
    objects: int


@dataclass(slots=True)
class Life:
    """What happened: writes as (seconds since the beginning, seconds to the wire)."""

    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    writes: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0
    dropped: int = 0
    rounds: int = 0
    outages: int = 0
    faults: int = 0
    requests: int = 0
    changed: int = 0
    states: int = 0
    cpu: float = 0.0


# The hour.


class _Soak:
    """An account that lives for a while."""

    def __init__(
        self,
        hass: HomeAssistant,
        plant: Plant,
        coordinator: EnosCoordinator,
        pace: Pace,
        tell: Callable[[str], None],
    ) -> None:
        """Choose what is written to, and count the rounds."""
        self._hass = hass
        self._plant = plant
        self._coordinator = coordinator
        self._pace = pace
        self._tell = tell
        self._life = Life()
        half = len(_FAULTS) // 2
        self._faults = itertools.cycle((None, *_FAULTS[:half], None, *_FAULTS[half:]))
        entry = coordinator.config_entry
        self._entities = frozenset(home.entities_of(hass, entry).values())
        self._numbers = itertools.cycle(_numbers(home.points_of(hass, plant, entry)))
        self._value = itertools.cycle(each / 2 for each in range(200))
        self._began = time.monotonic()
        note_round = coordinator.on_round

        def count_round() -> None:
            self._life.rounds += 1
            note_round()

        coordinator.on_round = count_round

    async def live(self, seconds: float) -> Life:
        """Let so many seconds go by."""
        life, pace = self._life, self._pace
        reading = home.Reading()
        began = self._began = time.monotonic()
        cpu = time.process_time()
        change = _Every(pace.interval, began)
        fault = _Every(pace.fault, began)
        sample = _Every(pace.sample, began)
        well_at: float | None = None
        with home.states_counted(self._hass, reading, self._entities):
            while (now := time.monotonic()) < began + seconds:
                if change.due(now):
                    life.changed += len(await self._plant.ask("change", share=_SHARE))
                if well_at is not None and now >= well_at:
                    well_at = None
                    await self._plant.ask("well")
                if fault.due(now):
                    well_at = now + pace.fault_lasts
                    await self._fail(next(self._faults))
                life.states = reading.states
                if sample.due(now):
                    self._sample()
                await self._write()
                await asyncio.sleep(max(0.0, now + pace.write - time.monotonic()))
        self._sample()
        life.seconds = time.monotonic() - began
        life.cpu = time.process_time() - cpu
        # No sooner than this: it ends in the middle of a write's aftermath.
        await self._plant.ask("well")
        await self._write()
        return life

    async def _fail(self, fault: dict[str, Any] | None) -> None:
        """Have the gateway fail for a while."""
        await self._plant.ask("well")
        self._life.faults += 1
        if fault is None:
            self._life.outages += 1
            await self._plant.ask("fault", kind="status", status=503)
            return
        await self._plant.ask("fault", **fault, path="tsdb-service", count=_HITS)
        await self._plant.ask("fault", **fault, count=_HITS)

    async def _write(self) -> None:
        """Write a number, and see when it came to the plant."""
        life = self._life
        asset_id, entity_id = next(self._numbers)
        started, now = time.time(), time.monotonic() - self._began
        failed = False
        try:
            await self._hass.services.async_call(
                Platform.NUMBER,
                "set_value",
                {"entity_id": entity_id, "value": next(self._value)},
                blocking=True,
            )
        except HomeAssistantError:
            failed = True
        requests = await self._plant.ask("requests")
        life.requests += len(requests)
        life.failed += failed
        for each in requests:
            if each["action"] == "setMeasurepoint" and each["asset"] == asset_id:
                life.writes.append((now, each["received"] - started))
                return
        # Home Assistant drops calls to what is not there and reports success.
        life.dropped += not failed

    def _sample(self) -> None:
        """Look at everything that might grow."""
        hass, coordinator, life = self._hass, self._coordinator, self._life
        own = (coordinator._point_listeners, coordinator._device_listeners)
        life.samples.append(
            Sample(
                at=time.monotonic() - self._began,
                resident=home.resident(),
                tasks=len(asyncio.all_tasks()),
                timers=timers(hass).total(),
                listeners=sum(hass.bus.async_listeners().values()),
                entities=len(coordinator._listeners)
                + sum(len(each) for all_ in own for each in all_.values()),
                objects=len(gc.get_objects()),
            )
        )
        newest = life.samples[-1]
        self._tell(
            f"{newest.at / 60:5.1f} min: RSS {newest.resident / _MB:.1f} MB, "
            f"{newest.tasks} tasks, {newest.timers} timers, {newest.listeners} bus listeners, "
            f"{newest.entities} of the coordinator, {newest.objects:,} objects; "
            f"{life.rounds} polls, {len(life.writes)} writes ({life.failed} failed, "
            f"{life.dropped} dropped), {life.faults} faults, {life.states:,} states"
        )


def _numbers(entities: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    """Return asset id and entity id of the numbers to write to, no device twice in a row."""
    found = [
        (asset_id, entity_id)
        for (asset_id, _point), entity_id in sorted(
            entities.items(), key=lambda item: item[0][::-1]
        )
        if entity_id.startswith(f"{Platform.NUMBER}.")
    ]
    if not found:
        raise RuntimeError("there are no numbers to write to")
    return found[:_WRITTEN]


async def run(
    *,
    minutes: float = 60,
    quick: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> list[Section]:
    """Have an account of 10,000 entities live for so many minutes; the quick form is a smoke.

    `tell` hears a line a minute.
    """
    shape = Shape.of(250 if quick else 10000)
    pace = QUICK if quick else Pace()
    seconds = 8.0 if quick else minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        async with Plant.running(shape) as plant, home.running(Path(folder)) as hass:
            entry = home.enos_entry(plant)
            # What Home Assistant loads once for all does not count.
            await home.add(hass, entry)
            await home.unload(hass, entry)
            await home.settle(hass)
            before = alive(hass)
            with patch.object(
                coordinating, "VALUES_INTERVAL", timedelta(seconds=pace.interval)
            ):
                life = await _live(hass, plant, entry, pace, tell, seconds)
            await home.unload(hass, entry)
            await home.settle(hass)
            left = await settled(hass, before)
            held = holders()
    return [
        Section(
            f"Soak: {seconds / 60:.3g} minutes with {shape.entities:,} entities",
            (
                *_growth(life, judged=not quick),
                *_left(left),
                *_latency(life, judged=not quick),
                *_happened(life, pace, shape),
            ),
            (*_notes(life, pace), *(f"Held by {each}" for each in held)),
        )
    ]


async def _live(
    hass: HomeAssistant,
    plant: Plant,
    entry: ConfigEntry,
    pace: Pace,
    tell: Callable[[str], None],
    seconds: float,
) -> Life:
    """Set an entry up and have it live; nothing here holds it afterwards."""
    await home.set_up(hass, entry)
    coordinator = entry.runtime_data.coordinator
    return await _Soak(hass, plant, coordinator, pace, tell).live(seconds)


# What is told of it.


def _window(life: Life) -> float:
    """Return how many seconds the beginning and the end are that are compared."""
    return min(_FIRST * 60, life.seconds / 3)


def _growth(life: Life, *, judged: bool) -> list[Row]:
    window = _window(life)
    first = next(each for each in life.samples if each.at >= window - 1)
    last = life.samples[-1]
    grown = (last.resident - first.resident) / _MB
    rows = [
        Row(
            what=f"RSS, minute {first.at / 60:.3g} → {last.at / 60:.3g}",
            ours=f"{first.resident / _MB:.1f} → {last.resident / _MB:.1f} MB",
            ratio=f"{grown:+.1f} MB",
            target=f"< {GROWTH:g} MB in an hour",
            met=grown < GROWTH if judged and life.seconds > 2 * _FIRST * 60 else None,
        )
    ]
    early = [each for each in life.samples if each.at <= window + 1]
    late = [each for each in life.samples if each.at >= life.seconds - window - 1]
    for what, name, bound in (
        ("asyncio tasks", "tasks", True),
        ("timers", "timers", True),
        ("bus listeners", "listeners", True),
        ("the coordinator's listeners", "entities", True),
        ("objects", "objects", False),
    ):
        one, other = (
            statistics.median_high(getattr(each, name) for each in some)
            for some in (early, late)
        )
        rows.append(
            Row(
                what=f"{what}, first → last minutes (median)",
                ours=f"{one:,} → {other:,}",
                ratio=f"{other - one:+,}",
                target="no more" if bound else "",
                met=other <= one if bound and judged else None,
            )
        )
    return rows


def _left(left: Alive) -> list[Row]:
    return [
        Row(
            what=f"{kind} left after unloading",
            ours=f"{found.total()}{''.join(f'; {n} × {what}' for what, n in found.items())}",
            target="0",
            met=not found,
        )
        for kind, found in left.items()
    ]


def _latency(life: Life, *, judged: bool) -> list[Row]:
    window = _window(life)
    first = [took for at, took in life.writes if at <= window]
    last = [took for at, took in life.writes if at >= life.seconds - window]
    rows: list[Row] = []
    for name, place, bound in (
        ("median", 49, _SAME_MEDIAN),
        ("99th percentile", 98, _SAME_TAIL),
    ):
        one, other = (
            statistics.quantiles(each, n=100, method="inclusive")[place]
            for each in (first, last)
        )
        rows.append(
            Row(
                what=f"a write's way to the wire, {name}, first → last minutes",
                ours=f"{one * 1000:.1f} → {other * 1000:.1f} ms",
                ratio=f"{other / one:.2f}",
                target=f"≤ {bound:g}",
                met=other <= one * bound if judged else None,
            )
        )
    return rows


def _happened(life: Life, pace: Pace, shape: Shape) -> list[Row]:
    """What must have happened for the rest to say anything.

    A calm plant and an idle machine would bring twice as much; of the quick form, where all of
    it is close together, eight times.
    """
    part = 8 if pace is QUICK else 2
    rounds = int(life.seconds / pace.interval / part)
    writes = int(life.seconds / pace.write / part)
    return [
        Row(
            what="polls",
            ours=f"{life.rounds}",
            target=f"≥ {rounds}",
            met=life.rounds >= rounds,
        ),
        Row(
            what="writes that came to the plant (failed; neither came nor failed)",
            ours=f"{len(life.writes)} ({life.failed}; {life.dropped})",
            target=f"≥ {writes} (any; 0)",
            met=len(life.writes) >= writes and not life.dropped,
        ),
        Row(
            what="values changed at the plant → states written",
            ours=f"{life.changed:,} → {life.states:,}",
            target="≥ as many",
            met=life.states >= life.changed > 0,
        ),
        Row(
            what="faults (of which outages of all), requests",
            ours=f"{life.faults} ({life.outages}), {life.requests:,}",
        ),
        Row(
            what="CPU, of one core",
            ours=f"{100 * life.cpu / life.seconds:.1f} %",
        ),
    ]


def _notes(life: Life, pace: Pace) -> tuple[str, ...]:
    step = max(1, len(life.samples) // 12)
    return (
        (
            f"A round every {pace.interval:g} s, {100 * _SHARE:g} % of the values changed before "
            f"each, a write every {pace.write:g} s, and every {pace.fault:.3g} s another fault: "
            f"{', '.join(each['kind'] for each in _FAULTS)}; every fourth is an outage of "
            f"{pace.fault_lasts:g} s in which what cannot be written becomes unavailable."
        ),
        (
            f"At most {_WRITTEN} numbers are written to in turn: the journal keeps the newest "
            "command of each point, which is no growth without end."
        ),
        (
            "Left are those that were not there before the entry was set up, but for the "
            "timers that close idle connections of Home Assistant's own sessions. Objects are "
            "those of the integration's classes, and its caches with a limit are emptied first."
        ),
        "RSS in MB: "
        + ", ".join(
            f"{each.resident / _MB:.1f} ({each.at / 60:.3g} min)"
            for each in life.samples[::step]
        ),
    )


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(
        run(
            minutes=options.minutes,
            quick=options.quick,
            tell=home.say,
        )
    )
    print(markdown(found))


if __name__ == "__main__":
    _main()
