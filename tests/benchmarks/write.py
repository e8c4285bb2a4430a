"""Writes: from the call of an action to the wire, and on to the right state.

`PYTHONPATH=. .venv-latest/bin/python -m tests.benchmarks.write [--quick | --idle]`: a trial, or only
what is written one after the other.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
import contextlib
from dataclasses import dataclass, field
from functools import partial
import gc
import itertools
from pathlib import Path
from random import Random
import tempfile
import time
from typing import Any, override

import aiohttp
from homeassistant.components.number import NumberEntity
from homeassistant.components.number.const import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from . import alternative, home
from .child import main
from .plant import ENTITIES, Plant, Shape
from .shares import GROUPS, as_text, shares
from .table import Row, Section
from .wire import COMMANDS, Request, Tap, percentile, spread, token_of

SETPOINTS = 6
"""Numbers of each device that may be written."""

AT_ONCE = 200
# Writes that are made under a profiler.
_PROFILED = 100


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


async def _writes(plant: Plant) -> list[dict[str, Any]]:
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


def _command(number: int) -> str:
    return f"write_{number}"


@contextlib.asynccontextmanager
async def _plant(shape: Shape) -> AsyncIterator[tuple[Plant, dict[str, Any]]]:
    """Run a plant that nothing may be rejected by, with a configuration for it.

    That has a `rest_command` for each of (at most 200) devices, of which nothing is left to
    be computed.
    """
    async with Plant.running(shape) as plant:
        token = await token_of(plant)
        yield (
            plant,
            {
                "rest_command": {
                    _command(number): Request.writing(
                        plant, token, asset_id, "p0_setpoint_3", 20.5 + number % 50
                    ).as_rest_command()
                    for number, (asset_id, *_) in enumerate(plant.devices[:AT_ONCE])
                }
            },
        )
        rejected = await plant.ask("rejections")
        assert not rejected, rejected


# 1. From the call to the wire, one after the other.


@dataclass(slots=True)
class _Way:
    """One way to write, with what it took: seconds to the wire, seconds of CPU."""

    act: Callable[[int], Awaitable[Any]]
    point_ids: set[str]
    latencies: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


async def _send(session: aiohttp.ClientSession, request: Request) -> None:
    async with session.post(
        request.url, headers=request.headers, data=request.body
    ) as response:
        assert (await response.json())["code"] == 0


class _Floor(NumberEntity):
    """A number that sends what was prepared, whatever it is set to."""

    _attr_should_poll = False
    _attr_native_value: float = 0

    def __init__(self, session: aiohttp.ClientSession, request: Request) -> None:
        """Take what is sent."""
        self._session = session
        self._request = request

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Send it."""
        await _send(self._session, self._request)
        self._attr_native_value = value
        self.async_write_ha_state()


async def _idle(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, count: int
) -> list[Row]:
    """Write in turn by ours and by the others, with nothing else to do."""
    numbers = targets(hass, plant, entry)
    devices = len(numbers[0])
    token = await token_of(plant)
    ready, entities_send = (
        [
            Request.writing(plant, token, each.asset_id, each.point_id, 20 + place % 50)
            for place, each in enumerate(row)
        ]
        for row in numbers[4:]
    )
    async with aiohttp.ClientSession() as session:
        entities = [_Floor(session, request) for request in entities_send]
        await hass.data[DATA_COMPONENT].async_add_entities(entities)

        async def ours(turn: int) -> None:
            each = numbers[turn // devices % 3][turn % devices]
            await set_value(hass, each.entity_id, 10 + turn % 80 + 0.5)

        async def floor(turn: int) -> None:
            await set_value(hass, entities[turn % devices].entity_id, turn % 80)

        async def rest_command(turn: int) -> None:
            await hass.services.async_call(
                "rest_command", _command(turn % devices), {}, blocking=True
            )

        async def bare(turn: int) -> None:
            await _send(session, ready[turn % devices])

        ways = [
            _Way(ours, {row[0].point_id for row in numbers[:3]}),
            _Way(floor, {numbers[5][0].point_id}),
            _Way(rest_command, {numbers[3][0].point_id}),
            _Way(bare, {numbers[4][0].point_id}),
        ]
        await _take_turns(ways, plant, count // 10 + 2)
        for way in ways:
            way.latencies.clear()
            way.cpu.clear()
        gc.collect()
        await _take_turns(ways, plant, count)
        profiles = [
            as_text(await shares(way.act, min(count, _PROFILED))) for way in ways
        ]
        await plant.ask("requests")
        for entity in entities:
            await entity.async_remove()
    middle = [percentile(way.latencies, 0.5) for way in ways]
    ratio = middle[0] / middle[2]
    latencies = [spread(way.latencies) for way in ways]
    cpu = [f"{percentile(way.cpu, 0.5) * 1000:.2f} ms" for way in ways]
    return [
        Row(
            what=f"call to wire, idle, {count} writes (p50 / p95 / p99)",
            ours=latencies[0],
            floor=latencies[1],
            alternative=latencies[2],
            wire=latencies[3],
            ratio=f"{ratio:.2f} (floor {middle[1] / middle[2]:.2f})",
            target="p50 <= 1.25 x alternative",
            met=ratio <= 1.25,
        ),
        Row(
            what="CPU of one write, call to answer (p50)",
            ours=cpu[0],
            floor=cpu[1],
            alternative=cpu[2],
            wire=cpu[3],
        ),
        Row(
            what=f"CPU to the wire under a profiler, by whose code it is ({' / '.join(GROUPS)})",
            ours=profiles[0],
            floor=profiles[1],
            alternative=profiles[2],
            wire=profiles[3],
        ),
    ]


async def _take_turns(ways: list[_Way], plant: Plant, count: int) -> None:
    """Write by each way in turn; latencies are those of the plant's clock, which is ours."""
    await plant.ask("requests")
    started: list[float] = []
    for turn in range(count):
        first = turn % len(ways)
        for way in ways[first:] + ways[:first]:
            await asyncio.sleep(0.004)
            cpu = time.process_time()
            started.append(time.time())
            await way.act(turn)
            await asyncio.sleep(0)
            way.cpu.append(time.process_time() - cpu)
    came = await _writes(plant)
    assert len(came) == len(started), "each write is one request"
    for place, (call, request) in enumerate(zip(started, came, strict=True)):
        turn, order = divmod(place, len(ways))
        way = ways[(turn + order) % len(ways)]
        assert request["point"] in way.point_ids, "each write came in its turn"
        way.latencies.append(request["received"] - call)


# 2. The same while a full poll goes on.


@contextlib.contextmanager
def _collections() -> Iterator[list[tuple[float, float]]]:
    """Note from when to when Python collected its oldest generation.

    It goes through all that stands, whoever makes it necessary: the more entities Home
    Assistant has, the longer it takes.
    """
    found: list[tuple[float, float]] = []
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if info["generation"] == 2:
            if phase == "start":
                began = time.time()
            else:
                found.append((began, time.time()))

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)


def _meets(periods: list[tuple[float, float]], first: float, last: float) -> bool:
    return any(began <= last and first <= ended for began, ended in periods)


async def _during_polls(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, tap: Tap, seconds: float
) -> list[Row]:
    """Write at random moments, some 20 a second, while all values change and are read."""
    numbers = targets(hass, plant, entry)
    order = itertools.cycle([each for row in numbers for each in row])
    random = Random(2)
    end = time.time() + seconds
    due: list[tuple[Target, float, float]] = []
    polls: list[tuple[float, float]] = []
    calls: set[asyncio.Task[None]] = set()

    async def write() -> None:
        moment = time.time()
        while (moment := moment + random.expovariate(20)) < end:
            await asyncio.sleep(max(0.0, moment - time.time()))
            each = next(order)
            due.append((each, moment, time.time()))
            calls.add(asyncio.create_task(set_value(hass, each.entity_id, 33.5)))

    await entry.runtime_data.coordinator.async_refresh()
    await tap.seen()
    gc.collect()
    with _collections() as collections:
        writer = asyncio.create_task(write())
        while time.time() < end:
            await plant.ask("stir", share=1)
            began = time.time()
            await entry.runtime_data.coordinator.async_refresh()
            polls.append((began, time.time()))
        await writer
        await asyncio.gather(*calls)
    came: dict[tuple[str, str], deque[float]] = {}
    for seen in await tap.seen():
        came.setdefault((seen.asset_id, seen.point_id), deque()).append(seen.at)
    latencies: list[float] = []
    apart: list[float] = []
    held_up: list[float] = []
    for each, moment, turned in due:
        arrived = came[each.asset_id, each.point_id].popleft()
        if not _meets(polls, moment, moment):
            continue
        latencies.append(arrived - moment)
        if not _meets(collections, moment, arrived):
            apart.append(arrived - moment)
            held_up.append(turned - moment)
    took = max((ended - began for began, ended in collections), default=0)
    return [
        Row(
            what=f"call to wire, during {len(polls)} full polls of "
            f"{len(plant.devices) * ENTITIES:,} entities, all changed, {len(latencies)} "
            "writes (p50 / p95 / p99 / most)",
            ours=spread(latencies, most=True),
            target="p99 <= 50 ms",
            met=percentile(latencies, 0.99) <= 0.05,
        ),
        Row(
            what="apart from those that met a collection of Python's oldest generation "
            f"({len(collections)}, the longest of {took * 1000:.0f} ms), {len(apart)} writes",
            ours=spread(apart, most=True),
            target="p99 <= 50 ms",
            met=percentile(apart, 0.99) <= 0.05,
        ),
        Row(
            what="of that, before the loop turned to the call",
            ours=spread(held_up, most=True),
        ),
    ]


# 3. Many devices at once.


async def _at_once(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, seconds: float
) -> list[Row]:
    """Write to many devices at once, each of which takes some time to answer."""
    numbers = targets(hass, plant, entry)
    count = min(AT_ONCE, len(plant.devices))
    await plant.ask("answer_in", seconds=seconds)

    async def timed(*calls: Awaitable[Any]) -> tuple[float, str]:
        gc.collect()
        await plant.ask("requests")
        began = time.time()
        await asyncio.gather(*calls)
        ended = time.time()
        came = await _writes(plant)
        assert len(came) == count, f"{len(came)} of {count} came"
        last = max(each["received"] for each in came) - began
        return last, f"{last:.2f} s / {ended - began:.2f} s"

    separate, text = await timed(
        *(
            set_value(hass, each.entity_id, 40 + number % 20)
            for number, each in enumerate(numbers[0][:count])
        )
    )
    _, rest = await timed(
        *(
            hass.services.async_call("rest_command", _command(each), {}, blocking=True)
            for each in range(count)
        )
    )
    together, single = await timed(
        set_value(hass, [each.entity_id for each in numbers[1][:count]], 41)
    )
    await plant.ask("answer_in", seconds=0.02)
    return [
        Row(
            what=f"{count} devices at once, answering after {seconds} s: last on the wire / all returned",
            ours=text,
            alternative=rest,
            target="all on the wire before the first answer",
            met=separate < seconds,
        ),
        Row(
            what=f"the same as one call with {count} entities",
            ours=single,
            target="all on the wire before the first answer",
            met=together < seconds,
        ),
    ]


# 4. A thousand a minute.


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
    for request in await _writes(plant):
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
            target="0 / 0",
            met=not lost and not failed,
        ),
        Row(
            what="memory before and after; CPU of a core meanwhile",
            ours=f"{before / 1e6:.1f} -> {after / 1e6:.1f} MB; {cpu:.1%}",
        ),
    ]


# 5. Until the state is right.


async def _right(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, count: int
) -> list[float]:
    """Return how long (s) after the answer each state was right."""
    order = itertools.cycle(
        [each for row in targets(hass, plant, entry) for each in row]
    )
    await plant.ask("answer_in", seconds=0.2)
    await plant.ask("requests")
    shown: dict[tuple[str, float], float] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        with contextlib.suppress(ValueError, AttributeError):
            assert new is not None
            shown.setdefault((new.entity_id, float(new.state)), time.time())

    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    written: list[tuple[str, float]] = []
    for number in range(count):
        each, value = next(order), 90 + number % 2 / 2
        await set_value(hass, each.entity_id, value)
        written.append((each.entity_id, value))
    stop()
    await plant.ask("answer_in", seconds=0.02)
    return [
        shown[key] - request["answered"]
        for key, request in zip(written, await _writes(plant), strict=True)
    ]


def _right_row(delays: list[float], theirs: str) -> Row:
    middle, most = percentile(delays, 0.5), max(delays)
    return Row(
        what="answer to right state (p50 / most)",
        ours=f"{middle * 1000:.1f} / {most * 1000:.1f} ms",
        alternative=theirs,
        target="answer + 50 ms",
        met=most <= 0.05,
    )


async def run(*, quick: bool = False, idle: bool = False) -> list[Section]:
    """Measure writes.

    `quick` is a trial with few points and writes; `idle` is the first part only.
    """
    rows: list[Row] = []
    right: list[float] = []
    busy: list[Row] = []
    async with (
        _plant(Shape.of(250 if quick else 1000)) as (plant, config),
        Tap.before(plant) if quick else contextlib.nullcontext() as tap,
        home_of(plant, config) as (hass, entry),
    ):
        await plant.ask("answer_in", seconds=0)
        rows += await _idle(hass, entry, plant, 10 if quick else 300)
        if not idle:
            right = await _right(hass, entry, plant, 5 if quick else 50)
            rows += await steadily(hass, entry, plant, 0.6 if quick else 60)
        if tap:
            busy += await _during_polls(hass, entry, plant, tap, 1)
            busy += await _at_once(hass, entry, plant, 0.3)
    if not idle and not quick:
        async with (
            _plant(Shape.of(10_000)) as (plant, config),
            Tap.before(plant) as tap,
            home_of(plant, config) as (hass, entry),
        ):
            busy += await _during_polls(hass, entry, plant, tap, 20)
            busy += await _at_once(hass, entry, plant, 1.5)
    rows[3:3] = busy
    if not idle:
        # Last: triggers of templates outlive their Home Assistant.
        theirs = "" if quick else await alternative.until_right()
        rows.append(_right_row(right, theirs))
    return [
        Section(
            "Write",
            tuple(rows),
            (
                (
                    "The alternative is `rest_command` with URL, token, signature and body "
                    "computed beforehand, the floor a number that sends such a request and "
                    "does nothing else, the wire aiohttp alone. "
                    "The wire is reached when the plant's process (during polls: a process "
                    "before it) has the request."
                ),
                (
                    "By the profile more goes to Home Assistant's own way from an action to "
                    "an entity and to aiohttp than to us; a number that sends what was "
                    "prepared and does nothing else is the least that a number can take. What "
                    "is ours finds the device's lane, checks and encodes the value, keeps the "
                    "record of the command, and signs: it is what makes that a write is "
                    "never lost in silence."
                ),
                (
                    "A collection of Python's oldest generation goes through all objects of "
                    "Home Assistant and holds everything up, whichever integration made it "
                    "necessary: so the row apart from those. Polls in which all has changed "
                    "follow each other here without a pause; in a plant they are 30 s apart."
                ),
                (
                    "During polls and at 1,000 a minute the time counts from the moment at "
                    "which a call was due: a loop that is held up holds up who calls, too."
                ),
            ),
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--idle", action="store_true")
    chosen, others = parser.parse_known_args()
    main(partial(run, idle=chosen.idle), others)
