"""The limits of the queue in EnOS, and how much following what waits costs."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from custom_components.enos.exceptions import WriteFailed
from simulator import Guesses, Simulator

from .common import product_subentry
from .queueing import QUEUE, TTL, World, another_client, searched, values_sent, world_of
from .reading import grow
from .writing import sets, until

LIMIT = 50


async def fill(world: World, count: int, *, ours: bool) -> None:
    """Have commands to the device's fan wait in EnOS, ours or another application's."""
    if ours:
        for _ in range(count):
            await world.commands.async_invoke(
                world.device.asset_id, "filter_reset", {}, context=None, names={}
            )
        return
    other = another_client(world.sim, async_get_clientsession(world.hass))
    for _ in range(count):
        await other.set_measurepoint(
            world.device.asset_id, "fan_speed", "low", pending_ttl=3600
        )


@pytest.fixture
async def world(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> World:
    """An account whose devices are waited for, and whose coils have a service."""
    sim.models[sim.device("fcu").model_id]["services"]["filter_reset"] = {
        "identifier": "filter_reset",
        "name": {"defaultValue": "Reset filter", "i18nValue": {}},
        "inputData": [],
        "outputData": [],
    }
    return await world_of(hass, sim, freezer)


async def test_full_of_ours(world: World) -> None:
    """That the queue is full is known before it is asked."""
    await world.queue(21.5)
    await fill(world, LIMIT - 1, ours=True)
    waiting = world.commands.queued(world.device.asset_id)
    assert len(waiting) == LIMIT
    requests = len(world.sim.requests)
    call = world.call(False, "power")
    assert await call.error() == "queue_full"
    assert len(world.sim.requests) == requests, "EnOS was not asked"
    assert world.outcomes(call) == ["queue_full"]
    assert world.told(call)[0]["code"] == 11902
    # A point of which one waits has a place: its own.
    oldest = world.of_enos()[0].command_id
    newer = world.call(22.5)
    assert await newer.error() is None
    assert world.wire()[-2:] == [
        ("cancel", oldest),
        ("set", "temp_setpoint", TTL),
    ], "the older one first, for there is no room for both"
    assert len(world.commands.queued(world.device.asset_id)) == LIMIT
    await world.come_back()
    assert world.control().written == [22.5]
    assert world.control("power").written == []
    assert len(world.of_enos("filter_reset")) == LIMIT - 1
    assert world.commands.open == []


async def test_full_of_others(world: World) -> None:
    """Others fill the queue, too: EnOS refuses, and an older one of ours makes room."""
    older = await world.queue(21.5)
    await fill(world, LIMIT - 1, ours=False)
    call = world.call(False, "power")
    assert await call.error() == "queue_full"
    assert world.told(call)[0]["mode"] == "cached"
    newer = world.call(22.5)
    assert await newer.error() is None
    oldest = world.of_enos()[0].command_id
    assert world.wire()[-3:] == [
        ("set", "temp_setpoint", TTL),
        ("cancel", oldest),
        ("set", "temp_setpoint", TTL),
    ]
    assert world.outcomes(older) == ["queued…", "superseded"]
    assert world.outcomes(newer) == ["queued…"]
    await world.come_back()
    assert world.control().written == [22.5]


async def test_full_from_the_first(world: World) -> None:
    """Nothing of ours waits and yet there is no room."""
    world.device.status = "offline"
    await fill(world, LIMIT, ours=False)
    call = world.call(21.5)
    assert await call.error() == "queue_full"
    assert world.outcomes(call) == ["queue_full"]
    assert world.told(call)[0]["expires"] is None
    assert len(sets(world.sim)) == LIMIT + 2
    assert world.commands.open == []


async def test_instant_behind_what_waits(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Where EnOS has an instant command stand behind waiting ones: 11904, then queued.

    What waits is gone straight to cached for. So the one in front has to be one of which it
    is found out only afterwards that it waits.
    """
    guesses = Guesses(instant_behind_cached="waits")
    async with Simulator(devices=8, physics=False, guesses=guesses) as sim:
        world = await world_of(hass, sim, freezer)
        await world.queue(False, "power")
        sim.faults.add("rate_limit", path="/commands", action="search", count=1)
        sim.faults.add("drop_after", action="setMeasurepoint", count=1)
        front = world.call("Heating", "mode")
        assert await front.error() == "unknown_outcome"
        asset_id = world.device.asset_id
        power = [each for each in world.commands.open if each.point_id == "power"]
        await world.commands.async_cancel(asset_id, power)
        await world.elapse(11)
        call = world.call(21.5)
        await world.elapse(32)
        assert world.outcomes(front) == ["unknown…", "queued…"]
        assert await call.error() is None
        assert world.outcomes(call) == ["queued…"]
        assert world.wire()[-1] == ("set", "temp_setpoint", TTL)
        assert [state for state, _ in world.of_enos()[0].history] == [1, 3]


async def test_locked_while_it_was_on_its_way(world: World) -> None:
    """Control is forbidden between the instant attempt and the cached one."""
    world.device.status = "offline"
    world.sim.faults.add("delay", action="setMeasurepoint", seconds=2, count=1)
    call = world.call(21.5)
    await until(lambda: sets(world.sim))
    await world.commands.async_allow(allowed=False)
    await world.elapse(3)
    assert await call.error() == "locked"
    assert world.outcomes(call) == ["locked"]
    assert len(values_sent(world.sim)) == 1


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        # Once at each expiry.
        (None, 20),
        # A quarter of an hour after it failed at the expiry at the latest, sooner at first.
        ({"kind": "rate_limit"}, 20 * 16),
        (
            {"kind": "status", "status": 200, "body": {"code": 99403, "msg": ""}},
            20 * 16,
        ),
    ],
    ids=["well", "429", "403"],
)
async def test_no_storm(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    fault: dict[str, Any] | None,
    most: int,
) -> None:
    """Twenty devices that are away for an hour, with commands that wait and expire."""
    async with Simulator(devices=8, physics=False) as sim:
        devices = grow(sim, "fcu", 20)
        world = await world_of(hass, sim, freezer)
        calls = [await world.queue(21.5, index=index) for index in range(20)]
        if fault:
            sim.faults.add(path="/commands", action="search", **fault)
        before = len(sets(sim))
        await world.elapse(3600)
        assert len(searched(sim)) <= most
        assert len(sets(sim)) == before == 40
        for call in calls:
            assert world.outcomes(call) == (
                ["queued…"] if fault else ["queued…", "expired"]
            )
        if fault:
            assert len(searched(sim)) >= 20 * 3
            sim.faults.clear()
            await world.elapse(910)
            assert {world.outcomes(call)[-1] for call in calls} == {"expired"}
        assert len(devices) == 20
        assert world.commands.open == []


async def test_what_waits_for_two_days(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The longest queue: four questions an hour, of a device that is away."""
    long = {**QUEUE, "queue_minutes": 2880}
    world = await world_of(hass, sim, freezer, policy=long)
    call = await world.queue(21.5)
    assert sets(sim)[-1].query["pendingTtl"] == "172800"
    await world.elapse(3 * 3600 + 30)
    assert len(searched(sim)) == 12
    await world.come_back()
    assert world.outcomes(call) == ["queued…", "succeeded"]


async def test_expiry_that_enos_notices_later(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """EnOS's clock is behind: asked again after half a minute, until it says so."""
    world = await world_of(hass, sim, freezer)
    call = await world.queue(21.5)
    body = {
        "code": 0,
        "msg": "OK",
        "data": [
            {
                "commandId": world.of_enos()[0].command_id,
                "tslIdentifier": "temp_setpoint",
                "commandType": 1,
                "state": 1,
                "inputData": 21.5,
            }
        ],
    }
    sim.faults.add(
        "status", path="/commands", action="search", status=200, body=body, count=3
    )
    await world.elapse(TTL + 40)
    assert world.outcomes(call) == ["queued…"]
    await world.elapse(30)
    assert world.outcomes(call) == ["queued…", "expired"]
    assert len(searched(sim)) == 4


async def test_service_whose_list_has_texts(world: World) -> None:
    """EnOS lists the inputs of a service with numbers as text: still the same command."""
    service = world.sim.models[world.device.model_id]["services"]["filter_reset"]
    service["inputData"] = [
        {"identifier": "hours", "dataType": "INT", "dataDefinition": None}
    ]
    world.sim.faults.add("drop_after", action="invokeService", count=1)
    asset_id = world.device.asset_id
    with pytest.raises(WriteFailed) as caught:
        await world.commands.async_invoke(
            asset_id,
            "filter_reset",
            {"hours": 5},
            context=None,
            names={"device": "D", "point": "P", "value": "V"},
        )
    command = world.of_enos("filter_reset")[0]
    body = {"code": 0, "data": [{**command.struct(number=True)}]}
    body["data"][0]["inputData"] = {"hours": "5"}
    world.sim.faults.add(
        "status", path="/commands", action="search", status=200, body=body
    )
    await world.elapse(12)
    assert world.outcomes() == ["unknown…", "succeeded"]
    assert caught.value.record.final


async def test_product_without_a_policy(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Another product's policy is none of this one's business."""
    world = await world_of(
        hass, sim, freezer, product_subentry(sim, "light", policy=QUEUE), policy=None
    )
    world.device.status = "offline"
    assert await world.write(21.5) == "device_offline"
