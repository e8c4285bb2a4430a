"""The simulated plant, in a process of its own so that its work is not counted as ours."""

import asyncio
from asyncio.subprocess import PIPE, Process
import contextlib
from dataclasses import dataclass
import itertools
import json
from random import Random
import sys
from typing import Any, Self, TextIO

from scripts._develop import ROOT
from simulator import Simulator
from simulator.points import ON_OFF, Kind, Point, enum

POINTS = 24
"""Measurepoints of each device."""

ENTITIES = 25
"""Entities of each device: one for each measurepoint, and whether it is connected.

Home Assistant takes 10,000 of an account: 400 devices.
"""

MODES = enum("INT", _0=("Off", "关"), _1=("Cool", "冷"), _2=("Heat", "热"))
# A reply to `requests` is one line.
_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a plant is: products, devices of each, 24 measurepoints of each device."""

    products: int
    devices: int

    @property
    def entities(self) -> int:
        """How many entities there are in all."""
        return self.products * self.devices * ENTITIES

    @property
    def requests(self) -> int:
        """How many requests a set-up may make.

        Calls for values by product, pages of devices and of models, and three more.
        """
        a_call = 3000 // POINTS
        values = self.products * -(-self.devices // a_call)
        pages = -(-self.products * self.devices // 200)
        return values + pages + -(-self.products // 10) + 3

    @classmethod
    def of(cls, entities: int) -> Self:
        """Return the plant of one product that has so many entities."""
        return cls(1, entities // ENTITIES)


def product(number: int, *, alike: bool) -> Kind:
    """Return a product; unless `alike` its points are called as no other product's."""
    prefix = "" if alike else f"p{number}_"
    points = [
        *(
            Point(
                *(f"{prefix}temp_{n}", "DOUBLE", f"Temperature {n}", f"温度{n}"),
                *(20.0 + n, "°C"),
            )
            for n in range(10)
        ),
        *(
            Point(
                *(f"{prefix}power_{n}", "DOUBLE", f"Power {n}", f"功率{n}"),
                *(100.0 + n, "kW"),
            )
            for n in range(4)
        ),
        *(
            Point(
                *(f"{prefix}setpoint_{n}", "DOUBLE", f"Setpoint {n}", f"设定{n}"),
                *(22.0 + n, "°C"),
                access="rw",
                low=0,
                high=100,
                step=0.5,
            )
            for n in range(6)
        ),
        *(
            Point(
                *(f"{prefix}enable_{n}", "BOOL", f"Enable {n}", f"启停{n}", False),
                access="rw",
                definition=ON_OFF,
                signal="DI",
            )
            for n in range(2)
        ),
        *(
            Point(
                *(f"{prefix}mode_{n}", "ENUM", f"Mode {n}", f"模式{n}", 0),
                access="rw",
                definition=MODES,
                signal="DI",
            )
            for n in range(2)
        ),
    ]
    return Kind(
        *(f"bench_{number}", f"bench_model_{number}", "bench_base"),
        *(f"Bench {number}", f"台架{number}", f"Bench{number}", f"台架{number}"),
        "Bench",
        "floor",
        tuple(points),
    )


class Plant:
    """The process, and what the benchmarks ask of it.

    `devices` are asset id, device key, product key and name of each device, `points` the points of each
    product by product key, as (identifier, type, name, unit, writable).
    """

    url: str
    org_id: str
    access_key: str
    secret_key: str
    devices: list[tuple[str, str, str, str]]
    points: dict[str, list[tuple[str, str, str, str | None, bool]]]
    values: dict[str, Any]

    def __init__(self, process: Process) -> None:
        """Take over a process that has not said anything yet."""
        self._process = process
        self._lock = asyncio.Lock()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, shape: Shape, *, alike: bool = False) -> Any:
        """Run a plant as long as the context lasts."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.plant"),
            json.dumps([shape.products, shape.devices, alike]),
            stdin=PIPE,
            stdout=PIPE,
            limit=_LINE,
            cwd=ROOT,
        )
        plant = cls(process)
        try:
            vars(plant).update(await plant.ask("about"))
            yield plant
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def ask(self, what: str, **data: Any) -> Any:
        """Have the plant do something; the operations are the methods of `_Works`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        async with self._lock:
            stdin.write(json.dumps({"what": what, **data}).encode() + b"\n")
            line = await stdout.readline()
        if not line:
            raise RuntimeError(f"the plant ended while it was asked to {what}")
        return json.loads(line)


class _Works:
    """What can be asked of the plant, on its own side."""

    def __init__(self, sim: Simulator) -> None:
        """Start the round of changes at the first point."""
        self.sim = sim
        everything = [
            (device, point)
            for device in sim.devices.values()
            for point in device.kind.points
        ]
        Random(1).shuffle(everything)
        self._order = itertools.cycle(everything)
        self._count = len(everything)

    async def about(self) -> dict[str, Any]:
        """Return what is needed to connect, and what there is."""
        sim = self.sim
        return {
            "url": sim.url,
            "org_id": sim.org_id,
            "access_key": sim.access_key,
            "secret_key": sim.secret_key,
            "devices": [
                (
                    each.asset_id,
                    each.device_key,
                    each.product_key,
                    each.name["defaultValue"],
                )
                for each in sim.devices.values()
            ],
            "points": {
                each.product_key: [
                    (p.identifier, p.data_type, p.en, p.unit, p.access == "rw")
                    for p in each.kind.points
                ]
                for each in sim.devices.values()
            },
            "values": {
                point.identifier: point.initial
                for each in sim.devices.values()
                for point in each.kind.points
            },
        }

    async def change(self, share: float) -> list[tuple[str, str, Any]]:
        """Have a share (0 to 1) of all points report another value; return what changed."""
        changed: list[tuple[str, str, Any]] = []
        for device, point in itertools.islice(self._order, round(self._count * share)):
            value = device.values[point.identifier]
            if point.data_type == "BOOL":
                value = not value
            elif point.data_type == "ENUM":
                value = (value + 1) % 3
            else:
                value = (value + 0.5) % 100
            await self.sim.report(device, {point.identifier: value})
            changed.append((device.asset_id, point.identifier, value))
        return changed

    async def stir(self, share: float) -> None:
        """Change a share (0 to 1) of all points for one who does not ask which."""
        await self.change(share)

    async def repeat(self) -> None:
        """Have all points report the same value once more, at a later time."""
        for device in self.sim.devices.values():
            await self.sim.report(device, dict(device.values))

    async def requests(self) -> list[dict[str, Any]]:
        """Return the requests since the last question."""
        found = [
            {
                "path": each.path,
                "action": each.action,
                "received": each.received,
                "answered": each.answered,
                "sent": each.sent,
                "asset": each.query.get("assetId"),
                "point": each.query.get("measurepointId"),
                "value": each.body.get("value")
                if isinstance(each.body, dict)
                else None,
            }
            for each in self.sim.requests
        ]
        self.sim.requests.clear()
        return found

    async def rejections(self) -> list[str]:
        """Return what was rejected since the last question."""
        found = list(self.sim.rejections)
        self.sim.rejections.clear()
        return found

    async def answer_in(self, seconds: float) -> None:
        """Have all devices answer commands after so many seconds."""
        for device in self.sim.devices.values():
            device.behaviour.reply_delay = seconds

    async def fault(self, kind: Any, **params: Any) -> None:
        """Have the gateway fail."""
        self.sim.faults.add(kind, **params)

    async def well(self) -> None:
        """Have the gateway be well."""
        self.sim.faults.clear()


async def _main(shape: Shape, *, alike: bool, answers: TextIO) -> None:
    sim = Simulator(devices=0, physics=False)
    kinds = {
        kind.key: kind
        for kind in (product(each, alike=alike) for each in range(shape.products))
    }
    sim.kinds.update(kinds)
    sim.building.open_to(kinds)
    for kind in kinds.values():
        for _ in range(shape.devices):
            sim.add_device(kind.key)
    questions = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(questions), sys.stdin
    )
    async with sim:
        works = _Works(sim)
        while line := await questions.readline():
            asked = json.loads(line)
            answer = await getattr(works, asked.pop("what"))(**asked)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    products, devices, same = json.loads(sys.argv[1])
    asyncio.run(_main(Shape(products, devices), alike=same, answers=sys.stdout))
