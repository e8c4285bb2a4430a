"""Commands driven at random against the simulator: what must hold whatever happens."""

import asyncio
from collections import Counter
from contextlib import suppress
import os
import random
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.enos.api.errors import EnosError
from custom_components.enos.records import OUTCOMES
from simulator import Simulator
from simulator.commands import CANCELED, EXPIRED, SUCCEEDED

from .queueing import Call, World, world_of
from .writing import sets

# More for whoever looks for trouble: ENOS_DRIVE_SEEDS=200.
SEEDS = range(int(os.environ.get("ENOS_DRIVE_SEEDS", "3")))
STEPS = 40
DEVICES = 2

POINTS: dict[str, tuple[Any, ...]] = {
    "temp_setpoint": (18, 19.5, 21, 22.5),
    "power": (True, False),
    "mode": ("Heating", "Cooling"),
}

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop"},
    {"kind": "drop_after"},
    {"kind": "rate_limit"},
    {"kind": "status", "status": 502},
    {"kind": "html", "execute": True},
    {"kind": "cut_json"},
    {"kind": "delay", "seconds": 3},
)


async def step(world: World, rng: random.Random, calls: list[Call]) -> None:
    """Let one thing happen."""
    index = rng.randrange(DEVICES)
    device = world.sim.device("fcu", index)
    match rng.choices(
        ("write", "status", "time", "fault", "cancel", "reload", "manner", "leave"),
        (10, 5, 8, 5, 2, 1, 2, 1),
    )[0]:
        case "write":
            point = rng.choice(list(POINTS))
            calls.append(world.call(rng.choice(POINTS[point]), point, index))
        case "status":
            device.status = rng.choice(("online", "online", "offline", "inactive"))
        case "time":
            await world.elapse(rng.choice((0.1, 2, 12, 65, 400)))
        case "fault":
            action = rng.choice(("setMeasurepoint", "search", "cancel"))
            world.sim.faults.add(
                path="/commands",
                action=action,
                count=rng.choice((1, 1, 3)),
                **rng.choice(FAULTS),
            )
        case "cancel":
            waiting = world.commands.queued(device.asset_id)
            with suppress(EnosError):
                await world.commands.async_cancel(device.asset_id, waiting[:1])
        case "reload":
            unloading = world.hass.async_create_task(
                world.hass.config_entries.async_unload(world.entry.entry_id)
            )
            await world.elapse(6)
            assert await unloading
            if rng.random() < 0.5:
                world.hass.data["enos"].clear()
            await world.set_up()
        case "manner":
            device.behaviour.silent = rng.random() < 0.2
            device.behaviour.silent_applies = rng.random() < 0.5
            device.behaviour.reply_delay = rng.choice((0.02, 0.02, 4))
        case "leave":
            if calls:
                rng.choice(calls).task.cancel()


async def calm(world: World) -> None:
    """Have everything well again, and wait until nothing can be open any more."""
    world.sim.faults.clear()
    for index in range(DEVICES):
        device = world.sim.device("fcu", index)
        device.behaviour.silent = False
        device.behaviour.reply_delay = 0.02
        device.status = "online"
    await world.elapse(2000)


@pytest.mark.parametrize("seed", SEEDS)
async def test_drive(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, seed: int
) -> None:
    """Every caller is answered, every command has one end, and that is EnOS's, and once."""
    rng = random.Random(seed)
    world = await world_of(hass, sim, freezer)
    calls: list[Call] = []
    for _ in range(STEPS):
        await step(world, rng, calls)
    await calm(world)

    assert world.commands.open == []
    for call in calls:
        assert call.task.done(), "every caller is answered"
        with suppress(asyncio.CancelledError):
            await call.error()
        told = world.told(call)
        if not told:
            continue
        assert {data["outcome"] for data in told} <= set(OUTCOMES)
        ends = [data["outcome"] for data in told if data["final"]]
        assert len(ends) == 1 or ends == ["succeeded", "overridden"], world.outcomes(
            call
        )
        assert told[-1]["final"]
        check_against_enos(world, told[-1])
    done = Counter(
        (command.asset_id, command.identifier, command.value)
        for command in sim.commands
        if command.state == SUCCEEDED
    )
    told_done = Counter(
        (data["asset_id"], data["measurepoint_id"], data["value"])
        for data in world.told()
        if data["outcome"] == "succeeded"
    )
    assert not done - told_done, "nothing that was carried out is told as anything else"
    refused = sum(request.http_status == 401 for request in sets(sim))
    assert len(sets(sim)) - refused <= 2 * len(calls), (
        "an instant attempt, a cached one"
    )
    for index in range(DEVICES):
        for point in POINTS:
            device = sim.device("fcu", index)
            key = (device.asset_id, point)
            state = world.entry.runtime_data.coordinator.state(*key)
            held = device.values[point]
            assert state.value == held, "what is shown is what the device holds"
    assert sim.rejections == [] or all("1001" in line for line in sim.rejections)


def check_against_enos(world: World, data: dict[str, Any]) -> None:
    """Compare what was told with what EnOS knows of the command."""
    if not data["command_id"]:
        return
    command = world.sim.command_center.find(data["command_id"])
    assert command is not None
    assert command.identifier == data["measurepoint_id"]
    assert command.value == data["value"]
    match data["outcome"]:
        case "succeeded" | "overridden":
            assert command.state == SUCCEEDED or world.sim.writes.count(
                (data["asset_id"], data["measurepoint_id"], data["value"])
            ), "it was carried out, be it without a word"
        case "cancelled" | "superseded":
            assert command.state == CANCELED
        case "expired":
            assert command.state == EXPIRED
        case other:
            assert command.state != SUCCEEDED, other
