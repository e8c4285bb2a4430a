"""Which requests a round makes, and what a refused one costs the others."""

import asyncio

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos import batches as batches_module
from custom_components.enos.api import latest
from simulator import Guesses, SimDevice, Simulator, tsdb_service
from simulator.refusals import GatewayRefusal, Refusal

from .common import entity_id_of, entry_for, poll, product_subentry, set_up
from .reading import (
    asked_directly,
    check_values,
    coordinator_of,
    grow,
    loud,
    pairs_asked,
    pairs_of,
    shown,
    text_of,
    values_asked,
)

FCU = ["room_temp", "valve_position", "co2", "filter_hours"]
MORE = ["temp_setpoint", "power", "mode", "fan_speed"]


@pytest.fixture
async def fleet(sim: Simulator) -> list[SimDevice]:
    """Forty fan coil units."""
    return grow(sim, "fcu", 40)


async def rounds(hass: HomeAssistant, count: int) -> None:
    """Let rounds of polling pass."""
    for _ in range(count):
        await poll(hass)


def fcu_entry(sim: Simulator) -> MockConfigEntry:
    """Return an entry with four points of each fan coil unit."""
    return entry_for(sim, product_subentry(sim, "fcu", sensors=FCU))


def refuse_direct_reads(sim: Simulator) -> None:
    """Let no value be read device by device."""
    sim.faults.add(
        "status",
        path="/measurepoints",
        status=200,
        body={"code": 99403, "msg": "Denied resource", "data": None},
    )


async def test_more_than_3000_points_are_two_requests(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What is over 3,000 assets × points is split, and each point is asked for once."""
    devices = grow(sim, "fcu", 376)
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu", sensors=FCU + MORE)))
    assert len(values_asked(sim)) == 2
    asked = pairs_asked(sim)
    assert set(asked.values()) == {1}
    assert len(asked) == 376 * 8
    assert all(len(pairs_of(request)) <= 3000 for request in values_asked(sim))
    assert shown(hass, sim, devices[0], "co2") and shown(hass, sim, devices[-1], "co2")
    sim.requests.clear()
    await poll(hass)
    assert len(values_asked(sim)) == 2
    assert sim.rejections == []


async def test_small_groups_share_a_request(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Models do not matter to the call: products of a few devices are asked together."""
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(sim, "fcu", sensors=FCU),
            product_subentry(sim, "fcu_basic", sensors=["roomTemp", "humidity"]),
            product_subentry(sim, "ahu", sensors=["supply_temp"]),
        ),
    )
    assert len(values_asked(sim)) == 1
    assert shown(hass, sim, sim.device("fcu"), "room_temp")
    assert shown(hass, sim, sim.device("fcu_basic"), "humidity")
    assert shown(hass, sim, sim.device("ahu"), "supply_temp")
    assert sim.rejections == []


async def test_groups_go_by_the_set_of_points(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where joining would pass the limit, devices with the same points share a request."""
    monkeypatch.setattr(batches_module, "MAX_LATEST", 160)
    monkeypatch.setattr(tsdb_service, "LARGEST", 160)
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(sim, "fcu", sensors=FCU),
            product_subentry(sim, "fcu_basic", sensors=["roomTemp", "humidity"]),
        ),
    )
    assert [len(pairs_of(request)) for request in values_asked(sim)][0] == 160
    assert len(values_asked(sim)) == 2
    assert set(pairs_asked(sim).values()) == {1}
    assert len(pairs_asked(sim)) == 160 + 2 * len(
        [d for d in sim.devices.values() if d.kind.key == "fcu_basic"]
    )
    assert sim.rejections == []


async def test_disabled_entity_is_not_asked_for(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """Disabling an entity takes its point out of the plan, enabling puts it back."""
    await set_up(hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["co2"])))
    pair = (fleet[3].asset_id, "co2")
    assert pairs_asked(sim)[pair] == 1
    registry = er.async_get(hass)
    entity_id = entity_id_of(hass, sim, "sensor", fleet[3], "co2")
    registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done(wait_background_tasks=True)
    sim.requests.clear()
    await rounds(hass, 2)
    asked = pairs_asked(sim)
    assert asked[pair] == 0
    assert len(asked) == len(fleet) - 1
    registry.async_update_entity(entity_id, disabled_by=None)
    await rounds(hass, 2)
    sim.requests.clear()
    await poll(hass)
    assert pairs_asked(sim)[pair] == 1
    assert shown(hass, sim, fleet[3], "co2")


@pytest.mark.parametrize(
    "error",
    [
        GatewayRefusal(413, {"message": "Request size limit exceeded"}, why="a test"),
        Refusal(80400, "Invalid param error"),
    ],
    ids=["413", "80400"],
)
async def test_lower_cap_is_found_and_remembered(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """A gateway that takes less at once gets less, after one round of trying."""
    check_values(
        monkeypatch,
        lambda assets, points: error if len(assets) * len(points) > 50 else None,
    )
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    assert all(shown(hass, sim, device, "co2") for device in fleet)
    # One of all, two halves, four quarters.
    assert len(values_asked(sim)) == 7
    assert coordinator_of(entry).batches.limit == 40
    sim.requests.clear()
    await rounds(hass, 10)
    assert [len(pairs_of(request)) for request in values_asked(sim)] == [40] * 40
    # It outlives a reload.
    sim.requests.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [len(pairs_of(request)) for request in values_asked(sim)] == [40] * 4


async def test_refused_point_costs_only_itself(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A point for which EnOS answers 80400 takes nothing from the other points."""
    bad = {"co2"}

    def check(_assets: list[str], points: list[str]) -> Exception | None:
        return Refusal(80400, "Invalid param error") if bad & set(points) else None

    check_values(monkeypatch, check)
    await set_up(hass, fcu_entry(sim))
    await rounds(hass, 1)
    for device in fleet:
        for point in ("room_temp", "valve_position", "filter_hours"):
            assert shown(hass, sim, device, point), point
    sim.requests.clear()
    await rounds(hass, 10)
    assert len(values_asked(sim)) <= 10 + 5 * 50
    assert all(shown(hass, sim, device, "room_temp") for device in fleet)
    bad.clear()
    await rounds(hass, 4)
    assert all(shown(hass, sim, device, "co2") for device in fleet)


@pytest.mark.parametrize("count", [1, 3, 12])
async def test_refused_assets_cost_only_themselves(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice], count: int
) -> None:
    """Devices that may not be read are found and left out; the others keep their values."""
    sim.guesses = Guesses(G12="80401")
    # Spread over the list, the first and the last among them.
    forbidden = [
        fleet[index * (len(fleet) - 1) // max(1, count - 1)] for index in range(count)
    ]
    allowed = [device for device in fleet if device not in forbidden]
    await set_up(hass, fcu_entry(sim))
    sim.forbidden_assets.update(device.asset_id for device in forbidden)
    for device in allowed:
        await sim.report(device, {"room_temp": 17.5})
    sim.requests.clear()
    await rounds(hass, 2)
    assert [text_of(hass, sim, device, "room_temp") for device in allowed] == [
        "17.5"
    ] * len(allowed)
    assert len(values_asked(sim)) <= 2 * 90
    sim.requests.clear()
    await rounds(hass, 10)
    assert len(values_asked(sim)) <= 10 + 5 * 2 * count
    assert all(shown(hass, sim, device, "room_temp") for device in allowed)
    assert not any(shown(hass, sim, device, "room_temp") for device in forbidden)
    sim.forbidden_assets.clear()
    await rounds(hass, 3)
    assert all(shown(hass, sim, device, "room_temp") for device in fleet)


async def test_many_refused_among_many(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
) -> None:
    """Where more are refused than a round may find out, all others are read before long."""
    fleet = grow(sim, "fcu", 100)
    sim.guesses = Guesses(G12="80401")
    forbidden = fleet[::2]
    sim.forbidden_assets.update(device.asset_id for device in forbidden)
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    await rounds(hass, 8)
    missing = [
        device for device in fleet[1::2] if not shown(hass, sim, device, "room_temp")
    ]
    assert not missing
    sim.requests.clear()
    await rounds(hass, 10)
    assert len(values_asked(sim)) <= 10 + 5 * 90


async def test_right_to_read_withdrawn_and_given_back(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without the right Asset: Read no storm begins; values go stale visibly and come back."""
    refuse_direct_reads(sim)
    await set_up(hass, fcu_entry(sim))
    caplog.clear()
    sim.rights.discard("Asset: Read")
    sim.requests.clear()
    await rounds(hass, 10)
    assert len(values_asked(sim)) <= 5 * 90
    assert not any(shown(hass, sim, device, "room_temp") for device in fleet)
    assert loud(caplog) == []
    sim.rights.add("Asset: Read")
    await rounds(hass, 3)
    assert all(shown(hass, sim, device, "room_temp") for device in fleet)


async def test_stale_after_three_intervals_also_when_all_are_refused(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Three intervals without an answer are the limit, whatever the reason."""
    refuse_direct_reads(sim)
    await set_up(hass, fcu_entry(sim))
    sim.rights.discard("Asset: Read")
    await rounds(hass, 4)
    assert not shown(hass, sim, sim.device("fcu"), "room_temp")


async def test_direct_reads_take_over_without_the_right(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Where only the time series is refused, values are read device by device."""
    sim.rights.discard("Asset: Read")
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    for _ in range(12):
        await poll(hass, 1.5)
    assert asked_directly(sim)
    assert shown(hass, sim, sim.device("fcu"), "room_temp")
    assert shown(hass, sim, sim.device("fcu", -1), "room_temp")


async def test_direct_reads_take_over_later(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """They do so for points that were stored before, and leave off once those are again."""
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    device = sim.device("fcu")
    sim.rights.discard("Asset: Read")
    await rounds(hass, 5)
    await sim.report(device, {"room_temp": 15.25})
    await rounds(hass, 5)
    assert text_of(hass, sim, device, "room_temp") == "15.25"
    sim.rights.add("Asset: Read")
    await rounds(hass, 3)
    await sim.report(device, {"room_temp": 15.5})
    sim.requests.clear()
    await rounds(hass, 5)
    assert text_of(hass, sim, device, "room_temp") == "15.5"
    assert asked_directly(sim) == []


async def test_unknown_asset_in_a_batch(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch answered by 99404 is halved until the culprit is found."""
    gone = {fleet[7].asset_id}

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        return Refusal(99404, "asset does not exist") if gone & set(assets) else None

    check_values(monkeypatch, check)
    await set_up(hass, fcu_entry(sim))
    assert len(values_asked(sim)) <= 25
    for device in fleet:
        assert shown(hass, sim, device, "room_temp") is (device is not fleet[7])
    sim.requests.clear()
    await rounds(hass, 10)
    assert len(values_asked(sim)) <= 10 + 5 * 10
    gone.clear()
    await rounds(hass, 3)
    assert shown(hass, sim, fleet[7], "room_temp")


async def test_a_cancelled_round_loses_nothing(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a round did not come to before it was cancelled is shown by the next one."""
    monkeypatch.setattr(latest, "_SLICE", 0)
    fleet = grow(sim, "fcu", 20)
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    await poll(hass)
    for device in fleet:
        await sim.report(device, {"room_temp": 7.5})
    round_ = hass.async_create_task(coordinator_of(entry).async_refresh())

    @callback
    def cancel(_event: Event[EventStateChangedData]) -> None:
        round_.cancel()

    remove = hass.bus.async_listen(EVENT_STATE_CHANGED, cancel)
    with pytest.raises(asyncio.CancelledError):
        await round_
    remove()
    texts = [text_of(hass, sim, device, "room_temp") for device in fleet]
    assert 0 < texts.count("7.5") < len(fleet)
    assert STATE_UNAVAILABLE not in texts
    await poll(hass)
    assert {text_of(hass, sim, device, "room_temp") for device in fleet} == {"7.5"}


async def test_outage_after_a_cancelled_round(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """A cancelled round blanks nothing, an outage after it does."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    sim.faults.add("status", path="tsdb-service", status=502)
    await rounds(hass, 1)
    sim.faults.add("delay", path="tsdb-service", seconds=0.5, count=1)
    round_ = hass.async_create_task(coordinator_of(entry).async_refresh())
    await asyncio.sleep(0.1)
    round_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await round_
    assert shown(hass, sim, fleet[0], "room_temp")
    await rounds(hass, 1)
    assert not shown(hass, sim, fleet[0], "room_temp")
    sim.faults.clear()
    await rounds(hass, 1)
    assert shown(hass, sim, fleet[0], "room_temp")
