"""Two hundred slow devices, written to at once, in a Home Assistant of its own.

`python -m tests.e2e.slow VENV [DELAY [ROUNDS]]`: each device answers after DELAY seconds (30).
Meanwhile polls have to go on at their rhythm, another device has to be written to in its normal
time, and over ROUNDS (10) rounds the process must not grow.
"""

import asyncio
import itertools
from pathlib import Path
import sys
import tempfile
import time

from simulator import SimDevice, Simulator

from .house import House, house, in_time, say

SLOW = 200
GROWTH_KB = 5 * 1024
INTERVAL = 30.0


def resident(house: House) -> int:
    """Return the memory that the process holds, in KiB."""
    for line in Path(f"/proc/{house.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("the process is gone")


def polls(sim: Simulator) -> list[float]:
    """Return when values were read, in seconds since the epoch."""
    return [request.received for request in sim.requests if "/latest" in request.path]


async def quick(house: House, entity_id: str, on: bool) -> float:
    """Write to the device that is not slow; return the seconds that it took."""
    began = time.monotonic()
    await house.call(f"switch.turn_{'on' if on else 'off'}", entity_id=entity_id)
    return time.monotonic() - began


async def one_round(house: House, slow: list[str], other: str, on: bool) -> float:
    """Write to all; return how long the write to the other device took."""
    state = "on" if on else "off"
    began = time.monotonic()
    writing = asyncio.create_task(house.call(f"switch.turn_{state}", entity_id=slow))
    await asyncio.sleep(1)
    took = await quick(house, other, on)
    if writing.done():
        raise AssertionError(f"it was too quick: {await writing}")
    await writing
    say(f"all {state} after {time.monotonic() - began:.1f} s, the other {took:.3f} s")

    async def all_there() -> bool:
        states = await house.home.request("GET", "/api/states")
        shown = {one["entity_id"]: one["state"] for one in states}
        return all(shown[entity_id] == state for entity_id in slow)

    await in_time(f"all are {state}", all_there)
    return took


async def main(venv: Path, delay: float, rounds: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        async with (
            Simulator(seed=1, devices=12, physics=False) as sim,
            house(venv, Path(name)) as built,
        ):
            devices: list[SimDevice] = [
                sim.add_device("light") for _ in range(SLOW + 1)
            ]
            entry_id = await built.connect(sim)
            # EnOS gives a device half a minute unless it is told otherwise.
            answers = {"timeout": 60, "when_offline": "fail"}
            await built.reconfigure(entry_id, "Lighting circuit", "commands", answers)
            entities = await built.entity_ids(sim)
            slow = [entities[f"_{device.asset_id}_switch"] for device in devices]
            other = slow.pop()
            # What is built once, as buffers and caches, is no growth.
            await quick(built, other, on=True)
            idle = await quick(built, other, on=False)
            for device in devices[:-1]:
                device.behaviour.reply_delay = delay
            memory: list[int] = []
            times: list[float] = []
            began = time.time()
            for number in range(rounds + 1):
                times.append(await one_round(built, slow, other, number % 2 == 0))
                memory.append(resident(built))
            read = [moment for moment in polls(sim) if moment >= began]
            gaps = [later - earlier for earlier, later in itertools.pairwise(read)]
            growth = memory[-1] - memory[0]
            say(
                f"write to another device: {idle:.3f} s idle, "
                f"{max(times):.3f} s at most beside {SLOW} slow ones"
            )
            say(f"longest time between two polls: {max(gaps, default=0):.1f} s")
            say(f"memory after each round: {memory} KiB, growth {growth} KiB")
            assert sim.rejections == [], sim.rejections
            # Held up by slow ones, either would take their time.
            assert max(gaps, default=0) < INTERVAL + delay / 2, gaps
            assert max(times) < delay / 2, times
            assert growth < GROWTH_KB, memory
    say("arrived")


if __name__ == "__main__":
    _, environment, *rest = sys.argv
    asyncio.run(
        main(
            Path(environment),
            float(rest[0]) if rest else 30.0,
            int(rest[1]) if len(rest) > 1 else 10,
        )
    )
