"""Writes: from the call of an action to the wire, and on to the right state.

Below the table stands why a target was missed, by the figures of the same run.

`PYTHONPATH=. .venv-latest/bin/python -m tests.benchmarks.write [--quick | --idle]`: a trial, or only
what is written one after the other.
"""

import argparse
import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
import contextlib
from dataclasses import dataclass, field
from functools import partial
import gc
import itertools
from random import Random
import time
from typing import Any, Final, override

import aiohttp
from homeassistant.components.number import NumberEntity
from homeassistant.components.number.const import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from . import alternative, home
from .child import main
from .plant import ENTITIES, Plant, Shape
from .shares import (
    GROUPS,
    as_text,
    collections_as_text,
    collections_timed,
    gap_as_text,
    shares,
)
from .steady import Target, home_of, set_value, steadily, targets, writes
from .table import Row, Section
from .wire import Request, Tap, percentile, spread, token_of

AT_ONCE = 200
# Of the p50 to that of the alternative, with nothing else to do.
_RATIO = 1.25
# Seconds to the wire that 99 of 100 writes keep to, whatever else goes on.
_BUSY = 0.05
# Writes that are made under a profiler.
_PROFILED = 100


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
) -> tuple[list[Row], list[str]]:
    """Write in turn by ours and by the others, with nothing else to do; rows and notes."""
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
        profiles = [await shares(way.act, min(count, _PROFILED)) for way in ways]
        await plant.ask("requests")
        for entity in entities:
            await entity.async_remove()
    middle = [percentile(way.latencies, 0.5) for way in ways]
    ratio = middle[0] / middle[2]
    latencies = [spread(way.latencies) for way in ways]
    cpu = [f"{percentile(way.cpu, 0.5) * 1000:.2f} ms" for way in ways]
    met = ratio <= _RATIO
    rows = [
        Row(
            what=f"call to wire, idle, {count} writes (p50 / p95 / p99)",
            ours=latencies[0],
            floor=latencies[1],
            alternative=latencies[2],
            wire=latencies[3],
            ratio=f"{ratio:.2f} (floor {middle[1] / middle[2]:.2f})",
            target=f"p50 ≤ {_RATIO} × alternative",
            met=met,
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
            ours=as_text(profiles[0]),
            floor=as_text(profiles[1]),
            alternative=as_text(profiles[2]),
            wire=as_text(profiles[3]),
        ),
    ]
    reason = (
        f"Why p50 is above {_RATIO} ×: by the profile `number.set_value` takes longer than "
        f"`rest_command` by {gap_as_text(profiles[0], profiles[2])}. A number that does "
        f"nothing but send what was prepared (floor) is at {middle[1] / middle[2]:.2f} ×."
    )
    return rows, [] if met else [reason]


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
    came = await writes(plant)
    assert len(came) == len(started), "each write is one request"
    for place, (call, request) in enumerate(zip(started, came, strict=True)):
        turn, order = divmod(place, len(ways))
        way = ways[(turn + order) % len(ways)]
        assert request["point"] in way.point_ids, "each write came in its turn"
        way.latencies.append(request["received"] - call)


# 2. The same while a full poll goes on.


async def _during_polls(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, tap: Tap, seconds: float
) -> tuple[list[Row], list[str]]:
    """Write at random moments, some 20 a second, while all values change and are read.

    Returns rows and notes.
    """
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
    with collections_timed() as collections:
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
    # Of those that took too long: the oldest generation each met, 0 for none.
    slow: Counter[int] = Counter()
    waited = 0
    for each, moment, turned in due:
        arrived = came[each.asset_id, each.point_id].popleft()
        if not any(began <= moment <= ended for began, ended in polls):
            continue
        latencies.append(arrived - moment)
        met = [one.generation for one in collections if one.meets(moment, arrived)]
        if not met:
            apart.append(arrived - moment)
            held_up.append(turned - moment)
        if arrived - moment > _BUSY:
            slow[max(met, default=0)] += 1
            waited += not met and turned - moment > _BUSY
    left_out = len(latencies) - len(apart)
    rows = [
        Row(
            what=f"call to wire, during {len(polls)} full polls of "
            f"{len(plant.devices) * ENTITIES:,} entities, all changed, {len(latencies)} "
            "writes (p50 / p95 / p99 / most)",
            ours=spread(latencies, most=True),
            target=f"p99 ≤ {_BUSY * 1000:.0f} ms",
            met=percentile(latencies, 0.99) <= _BUSY,
        ),
        Row(
            what="the same without those that met one of Python's collections: "
            f"{left_out} of {len(latencies)} left out",
            ours=spread(apart, most=True),
            target=f"p99 ≤ {_BUSY * 1000:.0f} ms",
            met=percentile(apart, 0.99) <= _BUSY,
        ),
        Row(
            what="of these, before the loop turned to the call",
            ours=spread(held_up, most=True),
        ),
        Row(
            what="Python's collections meanwhile",
            ours=collections_as_text(collections),
        ),
    ]
    reason = (
        f"Why p99 during polls is above {_BUSY * 1000:.0f} ms: {slow.total()} of "
        f"{len(latencies)} writes took longer. Of these {slow[2]} met a collection of "
        f"generation 2, {slow[1]} one of generation 1 only, {slow[0]} none "
        f"(for {waited} of them the loop turned that late). A collection goes through "
        "objects of all Home Assistant and holds everything up meanwhile."
    )
    return rows, [] if all(row.met is not False for row in rows) else [reason]


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
        came = await writes(plant)
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


# By platform: the actions that set one value and another.
_ACTIONS: Final[dict[str, list[tuple[str, dict[str, Any]]]]] = {
    "number": [("set_value", {"value": each}) for each in (30, 31)],
    "select": [("select_option", {"option": each}) for each in ("Cool", "Heat")],
    "switch": [("turn_on", {}), ("turn_off", {})],
}


async def _act(hass: HomeAssistant, entity_id: str, turn: int) -> None:
    """Set another value than the turn before."""
    platform = entity_id.partition(".")[0]
    action, data = _ACTIONS[platform][turn % 2]
    await hass.services.async_call(
        platform, action, {"entity_id": entity_id, **data}, blocking=True
    )


async def _one_device(
    hass: HomeAssistant, entry: ConfigEntry, plant: Plant, seconds: float, rounds: int
) -> Row:
    """Write all that one device has at once; it takes some time to answer each."""
    found = home.points_of(hass, plant, entry)
    (first, *_), *_ = plant.devices
    controls = [
        entity_id
        for (asset_id, _), entity_id in found.items()
        if asset_id == first and entity_id.partition(".")[0] in _ACTIONS
    ]
    await plant.ask("answer_in", seconds=seconds)
    await plant.ask("requests")
    taken: list[float] = []
    for turn in range(rounds):
        gc.collect()
        began = time.time()
        await asyncio.gather(*(_act(hass, each, turn) for each in controls))
        taken.append(time.time() - began)
    came = await writes(plant)
    assert len(came) == rounds * len(controls), "each write is one request"
    await plant.ask("answer_in", seconds=0.02)
    took, alone = percentile(taken, 0.5), len(controls) * seconds
    return Row(
        what=f"{len(controls)} controls of one device at once, which takes one command at a "
        f"time and answers after {seconds * 1000:.0f} ms ({alone:.2f} s for all of them): "
        f"until all returned, and of that for each (p50 of {rounds})",
        ours=f"{took:.3f} s, {took / len(controls) * 1000:.1f} ms",
        ratio=f"{took / alone:.2f}",
    )


# 4. Until the state is right.


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
        for key, request in zip(written, await writes(plant), strict=True)
    ]


def _right_row(delays: list[float], theirs: str) -> Row:
    middle, most = percentile(delays, 0.5), max(delays)
    return Row(
        what=f"answer to right state, {len(delays)} writes (p50 / most)",
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
    reasons: list[str] = []
    async with (
        _plant(Shape.of(250 if quick else 1000)) as (plant, config),
        Tap.before(plant) if quick else contextlib.nullcontext() as tap,
        home_of(plant, config) as (hass, entry),
    ):
        await plant.ask("answer_in", seconds=0)
        home.say("  write: one after the other")
        rows, reasons = await _idle(hass, entry, plant, 10 if quick else 300)
        if not idle:
            home.say("  write: until the state is right")
            right = await _right(hass, entry, plant, 5 if quick else 50)
            home.say("  write: one device")
            several = await _one_device(hass, entry, plant, 0.02, 2 if quick else 11)
            home.say("  write: 1,000 a minute")
            rows += [several, *await steadily(hass, entry, plant, 0.6 if quick else 60)]
        if tap:
            busy, more = await _during_polls(hass, entry, plant, tap, 1)
            reasons += more
            busy += await _at_once(hass, entry, plant, 0.3)
    if not idle and not quick:
        async with (
            _plant(Shape.of(10_000)) as (plant, config),
            Tap.before(plant) as tap,
            home_of(plant, config) as (hass, entry),
        ):
            home.say("  write: during full polls")
            busy, more = await _during_polls(hass, entry, plant, tap, 20)
            reasons += more
            home.say("  write: many devices at once")
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
                    "Here the alternative is `rest_command` with URL, token, signature and "
                    "body computed beforehand, which is less than a user's would do; the "
                    "floor is a number that sends such a request and does nothing else; the "
                    "wire is aiohttp alone. "
                    "The wire is reached when the plant's process (during polls: a process "
                    "before it) has the request."
                ),
                *reasons,
                (
                    "Collections are those of generation 1 and 2; those of generation 0 are "
                    "not timed. Polls in which all has changed follow each other here without "
                    "a pause; in a plant they are 30 s apart."
                ),
                (
                    "During polls and at 1,000 a minute the time counts from the moment at "
                    "which a call was due: a loop that is held up holds up who calls, too."
                ),
                (
                    "Until the state is right the alternative is its script of templates, "
                    "which waits for a second after the write and has everything polled; "
                    "without that a write shows at the next poll, which comes every 10 s."
                ),
            ),
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--idle", action="store_true")
    chosen, others = parser.parse_known_args()
    main(partial(run, idle=chosen.idle), others)
