"""A poll: CPU time, longest stall of the event loop, states written, requests."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
import gc
import json
from pathlib import Path
from statistics import median
import tempfile
from typing import Any

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import orjson

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

_NOTES = (
    (
        "Each round: the plant reports, the integration polls, the floor refreshes with the same"
        " changes, a bare aiohttp makes the same requests for values and only reads (wire), and orjson"
        " decodes those bytes. Medians of CPU time of Home Assistant's process; the plant is another."
        " The ratio is to decode + floor, for “nothing changed” and “all reported again” to decode"
        " alone; in parentheses with the wire added. Reported again: each point has a new time and the"
        " value of before."
    ),
    (
        "Every second poll reads the devices as well; that is the floor of nothing, so it is a row of"
        " its own. Stalls come from rounds of their own: the longest of all, and the median of each"
        " round's longest. Python's collection of its oldest generation is kept out: with so many"
        " entities it takes most of a second, whoever makes it necessary."
    ),
    (
        "States written are counted in rounds of their own, and the run fails when they are not"
        " exactly those of the entities whose value changed. At the end every entity is compared with"
        " the plant."
    ),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of round: what the plant does before, how often it is made, what is promised."""

    title: str
    share: float | None
    rounds: int
    stalls: int
    target: float | None = None

    async def happen(self, plant: Plant) -> list[tuple[str, str, Any]]:
        """Have the plant report; return what changed. No share: all points say the same again."""
        if self.share is None:
            await plant.ask("repeat")
            return []
        changed: list[tuple[str, str, Any]] = await plant.ask(
            "change", share=self.share
        )
        return changed


KINDS = (
    Kind("nothing changed", 0, 15, 5, SAME_TARGET),
    Kind("all reported again", None, 15, 5),
    Kind("1 % changed", 0.01, 15, 5, CHANGED_TARGET),
    Kind("100 % changed", 1, 5, 3),
)


@dataclass(slots=True)
class _Polls:
    """What polls of ours took, with or without devices: readings, requests and bytes of each."""

    readings: list[Reading] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """What was measured of a kind of round."""

    values: _Polls = field(default_factory=_Polls)
    devices: _Polls = field(default_factory=_Polls)
    floor: list[Reading] = field(default_factory=list)
    wire: list[Reading] = field(default_factory=list)
    decode: list[Reading] = field(default_factory=list)
    floor_stalls: list[float] = field(default_factory=list)
    states: int = 0
    changed: int = 0


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
        self._entities = home.points_of(self._hass, self._plant, self.ours)
        self._entity_ids = set(self._entities.values())
        # What there is now stays; a collection before each measurement is quick then.
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
            (asset_id, point_id) in self._entities for asset_id, point_id, _ in changed
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

    async def watch(self, kind: Kind, found: _Found) -> None:
        """Make a round in which the event loop is watched."""
        await self.happen(kind)
        stall = 0.0

        async def ours() -> None:
            nonlocal stall
            stall = await home.stall_of(self.poll)

        (await self._ours(found, ours)).stalls.append(stall)
        found.floor_stalls.append(await home.stall_of(self.refresh))

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
        home.check_values(self._hass, self._entities, self.values)
        rejections = await self._plant.ask("rejections")
        assert not rejections, rejections


async def run(*, quick: bool = False) -> list[Section]:
    """Poll a plant of 10,000 entities."""
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
            for kind in KINDS:
                home.say(f"poll: {kind.title}")
                found = await _rounds(bench, kind, quick=quick)
                rows += _rows(kind, found)
                await bench.check()
        gc.unfreeze()
    return [Section(f"Poll of {shape.entities:,} entities", tuple(rows), _NOTES)]


async def _rounds(bench: _Bench, kind: Kind, *, quick: bool) -> _Found:
    """Make the rounds of a kind, so many with devices and so many without."""
    await bench.measure(kind, _Found())
    found = _Found()
    rounds, stalls = (1, 1) if quick else (kind.rounds, kind.stalls)
    for _ in range(2):
        await bench.count(kind, found)
    while min(len(found.values.readings), len(found.devices.readings)) < rounds:
        await bench.measure(kind, found)
    while min(len(found.values.stalls), len(found.devices.stalls)) < stalls:
        await bench.watch(kind, found)
    return found


def _rows(kind: Kind, found: _Found) -> list[Row]:
    """Return what is told of a kind of round."""
    decode, floor, wire = (
        median(each.cpu for each in readings)
        for readings in (found.decode, found.floor, found.wire)
    )
    # Who writes nothing needs no handlers that write nothing.
    least = decode + floor if found.changed else decode
    stalls_judged = found.changed > 0 and kind.target is not None
    rows: list[Row] = []
    for what, polls in (("", found.values), (", with devices", found.devices)):
        ours = median(each.cpu for each in polls.readings)
        ratio = ours / least
        judged = kind.target is not None and polls is found.values
        rows += [
            Row(
                what=f"{kind.title}{what}: CPU",
                ours=_ms(ours),
                floor=_ms(floor),
                wire=f"{_ms(wire)} + decode {_ms(decode)}",
                ratio=f"{ratio:.2f} ({ours / (least + wire):.2f})",
                target=f"≤ {kind.target} × decode{' + floor' * bool(found.changed)}"
                if judged
                else "",
                met=ratio <= (kind.target or 0) if judged else None,
            ),
            Row(
                what=f"{kind.title}{what}: longest stall",
                ours=f"{_ms(max(polls.stalls))} ({_ms(median(polls.stalls))})",
                floor=f"{_ms(max(found.floor_stalls))} ({_ms(median(found.floor_stalls))})",
                target=f"≤ {_ms(STALL_TARGET)}" if stalls_judged else "",
                met=max(polls.stalls) <= STALL_TARGET if stalls_judged else None,
            ),
            Row(
                what=f"{kind.title}{what}: requests",
                ours=f"{max(polls.requests)}, {max(polls.bytes) / 1e6:.2f} MB",
            ),
        ]
    rows.append(
        Row(
            what=f"{kind.title}: states written",
            ours=f"{found.states:,}",
            target=f"{found.changed:,}",
            met=found.states == found.changed,
            exact=True,
        )
    )
    return rows


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    child.main(run)
