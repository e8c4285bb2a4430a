"""A poll: CPU time, longest stall of the event loop, states written, requests."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
import cProfile
from dataclasses import dataclass, field
import gc
import json
from pathlib import Path
import pstats
from statistics import fmean, median
import tempfile
import time
from typing import Any

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import orjson

from custom_components.enos.const import VALUES_INTERVAL
from simulator.signing import params_text, sign

from . import child, home
from .floor import PLAN, FloorEntry
from .home import Reading
from .plant import POINTS, Plant, Shape
from .table import Row, Section
from .wire import milliseconds, token_of

LATEST = "/tsdb-service/v2.1/latest"
LARGEST = 3000
CHANGED_TARGET = 1.3
SAME_TARGET = 1.2
STALL_TARGET = 0.05

_OURS = "/custom_components/enos/"
_BUILT_IN = "~"

_NOTES = (
    (
        "Each round: the plant reports, the integration polls, the floor refreshes with the same"
        " changes, a bare aiohttp makes the same requests for values and only reads (wire), and orjson"
        " decodes those bytes. Medians of CPU time of Home Assistant's process; the plant is another."
        " The ratio is to decode + floor; where no value changed, to decode alone. In parentheses the"
        " same with the wire added."
    ),
    (
        "**Reply the same to the byte**: no point reported since the last poll. The integration"
        " compares such a reply with the one before and does not decode it, so that it can take less"
        " than wire and decode together. **All reported again**: each point has a new time, as at a"
        " plant that reports regularly; where no value changed, every value is that of before."
    ),
    (
        "Every second poll lists the devices with their status as well, which neither floor nor"
        " decode does; those polls, and the mean of both kinds, are shown for information. The"
        " requests are those of either kind."
    ),
    (
        "Stalls come from rounds of their own, of polls of either kind: the longest of all, and in"
        " parentheses the median of each poll's longest. **With Python's collections kept out**: all"
        " objects of the start are taken out of Python's garbage collection, and the rest is collected"
        " before each poll. **As it comes**: neither; Python collects when it wants to, as in a home."
    ),
    (
        "States written are counted in rounds of their own, and the run fails when they are not"
        " exactly those of the entities whose value changed. At the end every entity is compared with"
        " the plant."
    ),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of round: what the plant does before, how often it is made, what is promised.

    `share` (0 to 1) is how many of the points change, `again` whether all report before that.
    `stalls` is the number of polls of either sort in which the event loop is watched.
    """

    title: str
    share: float
    rounds: int
    stalls: int
    target: float | None = None
    again: bool = False

    @property
    def stalls_judged(self) -> bool:
        """Whether the event loop must not stall for long."""
        return self.share > 0 and self.target is not None

    async def happen(self, plant: Plant) -> list[tuple[str, str, Any]]:
        """Have the plant report; return what changed."""
        if self.again:
            await plant.ask("repeat")
        changed: list[tuple[str, str, Any]] = await plant.ask(
            "change", share=self.share
        )
        return changed


KINDS = (
    Kind("reply the same to the byte", 0, 15, 5, SAME_TARGET),
    Kind("all reported again", 0, 15, 5, SAME_TARGET, again=True),
    Kind("1 % changed", 0.01, 15, 5, CHANGED_TARGET),
    Kind("1 % changed, all reported again", 0.01, 15, 5, CHANGED_TARGET, again=True),
    Kind("100 % changed", 1, 5, 3),
)


@dataclass(slots=True)
class _Polls:
    """What polls of ours took, with or without devices: readings, requests and bytes of each."""

    readings: list[Reading] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Seconds of CPU, the median."""
        return median(each.cpu for each in self.readings)

    @property
    def asked(self) -> str:
        """Requests and bytes of the largest."""
        return f"{max(self.requests)}, {max(self.bytes) / 1e6:.2f} MB"


@dataclass(slots=True)
class _Stalls:
    """Readings of rounds in which the event loop was watched."""

    title: str
    ours: list[Reading] = field(default_factory=list)
    floor: list[Reading] = field(default_factory=list)

    def row(self, kind: Kind) -> Row:
        """Return what is told of it."""
        longest = max(each.stall for each in self.ours)
        judged = kind.stalls_judged
        return Row(
            what=f"{kind.title}: longest stall, {self.title}",
            ours=_stalls(self.ours),
            floor=_stalls(self.floor),
            target=f"≤ {STALL_TARGET * 1000:.0f} ms" if judged else "",
            met=longest <= STALL_TARGET if judged else None,
        )

    def reason(self, kind: Kind) -> Iterator[str]:
        """Say where the time went, if a target was missed."""
        if self.row(kind).met is not False:
            return
        collected = [
            (generation, seconds)
            for each in self.ours
            for generation, seconds in each.collections
            if generation > 0
        ]
        over = sum(each.stall > STALL_TARGET for each in self.ours)
        apart = max(self.ours, key=lambda each: each.apart)
        yield (
            f"{kind.title}, stall {self.title}: {over} of {len(self.ours)} polls are over"
            f" {_ms(STALL_TARGET)}. Meanwhile Python made {len(collected)} collections of"
            " generation 1 or 2, which go through objects of all of Home Assistant"
            + "".join(
                f"; the longest of generation {number} took {_ms(max(found))}"
                for number in (1, 2)
                if (found := [took for each, took in collected if each == number])
            )
            + f". Without what collections took of each, the longest stall is {_ms(apart.apart)};"
            f" the process had {_ms(apart.busy)} of CPU in it, the rest is other work of the machine."
        )


@dataclass(slots=True)
class _Found:
    """What was measured of a kind of round.

    `own` is the share (0 to 1) of a poll that our functions take, `top` those that take most.
    """

    values: _Polls = field(default_factory=_Polls)
    devices: _Polls = field(default_factory=_Polls)
    floor: list[Reading] = field(default_factory=list)
    wire: list[Reading] = field(default_factory=list)
    decode: list[Reading] = field(default_factory=list)
    apart: _Stalls = field(
        default_factory=lambda: _Stalls("with Python's collections kept out")
    )
    coming: _Stalls = field(default_factory=lambda: _Stalls("as it comes"))
    states: int = 0
    changed: int = 0
    own: float = 0.0
    top: Sequence[tuple[str, float]] = ()


class _Bench:
    """Both integrations in one Home Assistant, and a client that only reads."""

    def __init__(
        self,
        hass: HomeAssistant,
        plant: Plant,
        session: aiohttp.ClientSession,
        token: str,
    ) -> None:
        """Take over a Home Assistant without entries."""
        self._hass = hass
        self._plant = plant
        self._session = session
        self._token = token
        self.floor: FloorEntry = home.floor_entry(hass, plant)
        self.ours: ConfigEntry[Any] = home.enos_entry(plant)
        self.values: dict[tuple[str, str], Any] = {
            (asset_id, point_id): plant.values[point_id]
            for asset_id, _, product_key, _ in plant.devices
            for point_id, *_ in plant.points[product_key]
        }
        self._bodies = [
            json.dumps(
                {"assetIds": ",".join(chunk), "pointIds": ",".join(points)}
            ).encode()
            for key, points in self._points().items()
            for chunk in self._chunks(key)
        ]

    def _points(self) -> dict[str, list[str]]:
        return {
            key: [point_id for point_id, *_ in points]
            for key, points in self._plant.points.items()
        }

    def _chunks(self, product_key: str) -> Iterable[list[str]]:
        """Return the devices of a product, as many at a time as one call may name."""
        found = [each[0] for each in self._plant.devices if each[2] == product_key]
        size = LARGEST // POINTS
        return (found[start : start + size] for start in range(0, len(found), size))

    async def start(self) -> None:
        """Set both up and have them settle."""
        for entry in (self.floor, self.ours):
            await home.add(self._hass, entry)
        await home.settle(self._hass)
        self.points = home.points_of(self._hass, self._plant, self.ours)
        self._entity_ids = set(self.points.values())
        self.freeze()

    def freeze(self) -> None:
        """Keep what there is now out of Python's collections, which are quick then."""
        gc.collect()
        gc.freeze()

    async def happen(self, kind: Kind) -> int:
        """Have the plant report and the floor know; return how many entities have to follow."""
        changed = await kind.happen(self._plant)
        for asset_id, point_id, value in changed:
            self.values[asset_id, point_id] = value
        plan = self._hass.data[PLAN]
        plan.values = plan.values | {
            (asset_id, point_id): value for asset_id, point_id, value in changed
        }
        await self._plant.ask("requests")
        return sum(
            (asset_id, point_id) in self.points for asset_id, point_id, _ in changed
        )

    async def poll(self) -> None:
        """Have the integration poll."""
        await self.ours.runtime_data.coordinator.async_refresh()
        assert self.ours.runtime_data.coordinator.last_update_success

    async def refresh(self) -> None:
        """Have the floor refresh."""
        await self.floor.runtime_data.async_refresh()

    async def read(self, into: list[bytes]) -> None:
        """Make the requests for values of a poll, and read what comes."""
        query = [("orgId", self._plant.org_id)]
        url = f"{self._plant.url}{LATEST}?orgId={self._plant.org_id}"
        for body in self._bodies:
            now = milliseconds()
            signature = sign(
                self._token, params_text(query), body, now, self._plant.secret_key
            )
            headers = {
                "apim-accesstoken": self._token,
                "apim-signature": signature,
                "apim-timestamp": now,
                "content-type": "application/json",
            }
            async with self._session.post(url, data=body, headers=headers) as response:
                assert response.status == 200
                into.append(await response.read())

    async def _ours(self, found: _Found, act: Callable[[], Awaitable[None]]) -> _Polls:
        """Do something that polls once; return to which polls that belongs."""
        await act()
        requests = await self._plant.ask("requests")
        values = sum(each["path"] == LATEST for each in requests)
        polls = found.values if values == len(requests) else found.devices
        polls.requests.append(len(requests))
        polls.bytes.append(sum(each["sent"] for each in requests))
        return polls

    async def measure(self, kind: Kind, found: _Found) -> None:
        """Make a round in which CPU time is read."""
        await self.happen(kind)
        reading = Reading()

        async def ours() -> None:
            nonlocal reading
            reading = await home.measured(self.poll)

        (await self._ours(found, ours)).readings.append(reading)
        found.floor.append(await home.measured(self.refresh))
        read: list[bytes] = []
        found.wire.append(await home.measured(lambda: self.read(read)))

        async def decode() -> None:
            for each in read:
                assert orjson.loads(each)["code"] == 0

        found.decode.append(await home.measured(decode))

    async def watch(self, kind: Kind, found: _Found, into: _Stalls) -> bool:
        """Make a round in which the event loop is watched; tell whether it read devices."""
        await self.happen(kind)
        collect = into is found.apart
        reading = Reading()

        async def ours() -> None:
            nonlocal reading
            reading = await home.watched(self.poll, collect=collect)

        polls = await self._ours(found, ours)
        into.ours.append(reading)
        into.floor.append(await home.watched(self.refresh, collect=collect))
        return polls is found.devices

    async def profile(self, kind: Kind, found: _Found) -> None:
        """Poll values once more, and find out whose functions take the time."""
        polls = found.devices
        while polls is found.devices:
            await self.happen(kind)
            profile = cProfile.Profile(time.process_time)

            async def ours(profile: cProfile.Profile = profile) -> None:
                profile.enable()
                await self.poll()
                profile.disable()

            polls = await self._ours(found, ours)
            found.own, found.top = _top(profile)

    async def count(self, kind: Kind, found: _Found) -> None:
        """Make a round in which states are counted."""
        changed = await self.happen(kind)
        reading = Reading()
        with home.states_counted(self._hass, reading, self._entity_ids):
            await self.poll()
        assert reading.states == changed, (
            f"{kind.title}: {reading.states} states written, {changed} values changed"
        )
        found.states, found.changed = reading.states, changed
        await self.refresh()

    async def check(self) -> None:
        """Fail unless every entity shows what the plant reported last."""
        await self._hass.async_block_till_done()
        home.check_values(self._hass, self.points, self.values)
        rejections = await self._plant.ask("rejections")
        assert not rejections, rejections


async def run(*, quick: bool = False) -> list[Section]:
    """Poll a plant of 10,000 entities, the most that Home Assistant takes of an account."""
    shape = Shape.of(250 if quick else 10_000)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Plant.running(shape) as plant,
            home.running(Path(folder)) as hass,
            aiohttp.ClientSession() as session,
        ):
            bench = _Bench(hass, plant, session, await token_of(plant))
            await bench.start()
            reasons: list[str] = []
            for kind in KINDS:
                home.say(f"poll: {kind.title}")
                found = await _rounds(bench, kind, quick=quick)
                told = _rows(kind, found)
                rows += told
                if any(row.met is False and not row.exact for row in told):
                    await bench.profile(kind, found)
                    samples = shape.products * shape.devices * POINTS
                    reasons += _reasons(kind, found, samples)
                await bench.check()
        gc.unfreeze()
    without = len(bench.values) - len(bench.points)
    notes = (*_NOTES, *_entities(shape, without), *reasons)
    return [Section(f"Poll of {shape.entities:,} entities", tuple(rows), notes)]


def _entities(shape: Shape, without: int) -> Iterator[str]:
    """Say what the entities are of which there is talk."""
    devices = shape.products * shape.devices
    yield (
        f"The entities are {devices * POINTS:,} measurepoints and {devices:,} times whether a device is"
        " connected."
        + f" Home Assistant takes 10,000 of an account, which has entities of its own: {without} of the"
        " measurepoints are left without." * bool(without)
    )


async def _rounds(bench: _Bench, kind: Kind, *, quick: bool) -> _Found:
    """Make the rounds of a kind, so many with devices and so many without."""
    await bench.measure(kind, _Found())
    found = _Found()
    rounds, stalls = (1, 1) if quick else (kind.rounds, kind.stalls)
    for _ in range(2):
        await bench.count(kind, found)
    while min(len(found.values.readings), len(found.devices.readings)) < rounds:
        await bench.measure(kind, found)
    await _watched(bench, kind, found, found.apart, stalls)
    gc.unfreeze()
    await _watched(bench, kind, found, found.coming, stalls)
    bench.freeze()
    return found


async def _watched(
    bench: _Bench, kind: Kind, found: _Found, into: _Stalls, least: int
) -> None:
    """Watch so many polls at least with devices, and so many without."""
    made = {True: 0, False: 0}
    while min(made.values()) < least:
        made[await bench.watch(kind, found, into)] += 1


def _rows(kind: Kind, found: _Found) -> list[Row]:
    """Return what is told of a kind of round."""
    decode, floor, wire = _compared(found)
    least = _least(found)
    judged = kind.target is not None
    values, devices = found.values.cpu, found.devices.cpu

    def ratio(cpu: float) -> str:
        return f"{cpu / least:.2f} ({cpu / (least + wire):.2f})"

    return [
        Row(
            what=f"{kind.title}: CPU",
            ours=_ms(values),
            floor=_ms(floor),
            wire=f"{_ms(wire)} + decode {_ms(decode)}",
            ratio=ratio(values),
            target=_bound(kind, found) if judged else "",
            met=values / least <= (kind.target or 0) if judged else None,
        ),
        Row(
            what=f"{kind.title}, with devices: CPU (mean of polls with and without)",
            ours=f"{_ms(devices)} ({_ms(fmean((values, devices)))})",
            ratio=ratio(devices),
        ),
        found.apart.row(kind),
        found.coming.row(kind),
        Row(
            what=f"{kind.title}: requests (with devices)",
            ours=f"{found.values.asked} ({found.devices.asked})",
        ),
        Row(
            what=f"{kind.title}: states written",
            ours=f"{found.states:,}",
            target=f"{found.changed:,}",
            met=found.states == found.changed,
            exact=True,
        ),
    ]


def _compared(found: _Found) -> tuple[float, float, float]:
    """Return seconds of CPU of decode, floor and wire."""
    decode, floor, wire = (
        median(each.cpu for each in readings)
        for readings in (found.decode, found.floor, found.wire)
    )
    return decode, floor, wire


def _least(found: _Found) -> float:
    """Return the seconds of CPU that a poll is compared with."""
    decode, floor, _wire = _compared(found)
    # Who writes nothing needs no handlers that write nothing.
    return decode + floor if found.changed else decode


def _bound(kind: Kind, found: _Found) -> str:
    """Return the target of a poll's CPU time."""
    if found.changed:
        return f"≤ {kind.target} × (decode + floor)"
    return f"≤ {kind.target} × decode"


def _reasons(kind: Kind, found: _Found, samples: int) -> Iterator[str]:
    """Say why targets were missed that were; `samples` is how many a reply holds."""
    cpu = found.values.cpu
    if kind.target is not None and cpu > kind.target * _least(found):
        why = (
            f"each of the {samples:,} samples is new to the integration, since it has another time,"
            " by which later samples, written values and the age of a value are judged:"
            f" {cpu / samples * 1e6:.1f} µs each"
            if kind.again
            else f"{_ms(cpu - kind.target * _least(found))} more than the target; the same requests"
            f" and answers take a bare aiohttp {_ms(_compared(found)[2])}"
        )
        of_a_core = cpu / VALUES_INTERVAL.total_seconds()
        yield (
            f"{kind.title}, CPU: {why}; at a poll every {VALUES_INTERVAL.total_seconds():.0f} s it is"
            f" {of_a_core:.2%} of a core. Of a poll's time under a profiler, which makes small"
            f" functions look slower than they are, EnOS's own functions take {found.own:.0%}: "
            + ", ".join(f"`{name}` {share:.0%}" for name, share in found.top)
            + "."
        )
    yield from found.apart.reason(kind)
    yield from found.coming.reason(kind)


def _top(profile: cProfile.Profile) -> tuple[float, list[tuple[str, float]]]:
    """Return the share (0 to 1) of our functions, and those five that take most.

    What is written in C is on the account of who calls it.
    """
    times: dict[tuple[str, int, str], float] = {}
    # `Stats` makes it, typeshed does not know it.
    functions = vars(pstats.Stats(profile))["stats"]
    for function, (*_, own, _total, callers) in functions.items():
        if function[0] == _BUILT_IN:
            for caller, (*_, part, _all) in callers.items():
                times[caller] = times.get(caller, 0.0) + part
        else:
            times[function] = times.get(function, 0.0) + own
    total = sum(times.values())
    ours = [
        (f"{file.partition(_OURS)[2]}: {name}", seconds / total)
        for (file, _line, name), seconds in times.items()
        if _OURS in file
    ]
    ours.sort(key=lambda each: each[1], reverse=True)
    return sum(share for _name, share in ours), ours[:5]


def _stalls(readings: Sequence[Reading]) -> str:
    found = [each.stall for each in readings]
    return f"{_ms(max(found))} ({_ms(median(found))})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    child.main(run)
