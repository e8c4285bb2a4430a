"""Answers like the last ones: what they must still bring about, whatever was in between."""

import asyncio

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos import batches as batches_module
from custom_components.enos.api import latest
from simulator import SimDevice, Simulator
from simulator.refusals import Refusal

from .common import entry_for, poll, poll_devices, product_subentry, set_up
from .reading import check_values, coordinator_of, grow, shown, text_of, values_asked

DENIED = {"code": 99403, "msg": "Denied resource", "data": None}


@pytest.fixture
async def fleet(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> list[SimDevice]:
    """Forty fan coil units, ten in a call; nothing is read device by device."""
    monkeypatch.setattr(batches_module, "MAX_LATEST", 10)
    fleet = grow(sim, "fcu", 40)
    sim.faults.add("status", path="/measurepoints", status=200, body=DENIED)
    return fleet


async def set_up_room_temps(hass: HomeAssistant, sim: Simulator) -> MockConfigEntry:
    """Set up the room temperatures."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    await poll(hass)
    return entry


async def rounds(hass: HomeAssistant, count: int) -> None:
    """Let rounds of polling pass."""
    for _ in range(count):
        await poll(hass)


def blank(hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]) -> int:
    """Count the devices whose temperature is not shown."""
    return sum(not shown(hass, sim, device, "room_temp") for device in fleet)


@pytest.mark.parametrize("code", [80401, 99404])
async def test_call_that_is_refused_once(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """Its halves are answered, then the call is again, to the byte as before."""
    await set_up_room_temps(hass, sim)
    refused: list[str] = []

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        if refused or len(assets) == 1:
            return None
        refused.extend(assets)
        return Refusal(code, "For a moment")

    check_values(monkeypatch, check)
    await rounds(hass, 6)
    assert len(refused) == 10
    assert blank(hass, sim, fleet) == 0
    # An outage has all states written anew.
    sim.faults.add("status", path="tsdb-service", status=502, count=8)
    await rounds(hass, 2)
    assert blank(hass, sim, fleet) == 40
    await rounds(hass, 1)
    assert blank(hass, sim, fleet) == 0


async def test_silent_after_its_call_was_refused_once(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A point that goes without an answer later is no longer believed."""
    await set_up_room_temps(hass, sim)
    refused: list[str] = []

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        if refused or len(assets) == 1:
            return None
        refused.extend(assets)
        return Refusal(80401, "For a moment")

    check_values(monkeypatch, check)
    await rounds(hass, 6)
    silent = sim.devices[refused[3]]
    del silent.tsdb_latest["room_temp"]
    await rounds(hass, 4)
    assert blank(hass, sim, fleet) == 1


async def test_gone_and_back_while_nothing_was_answered(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A device that comes back shows its values, though they are what they were."""
    fleet = grow(sim, "fcu", 4)
    sim.faults.add("status", path="/measurepoints", status=200, body=DENIED)
    entry = await set_up_room_temps(hass, sim)
    last = values_asked(sim)[-1].body["assetIds"].split(",")[-1]
    device = sim.devices[last]
    coordinator = coordinator_of(entry)
    fault = sim.faults.add("rate_limit", path="tsdb-service")
    sim.remove_device(last)
    await poll_devices(hass)
    assert last not in coordinator.devices
    assert fault.hits
    sim.devices[last] = sim.by_key[device.product_key, device.device_key] = device
    sim.move_device(last, device.parent_id)
    for _ in range(3):
        await poll(hass, 400)
    assert last in coordinator.devices
    sim.faults.remove(fault)
    for _ in range(5):
        await poll(hass, 400)
    assert values_asked(sim)[-1].code == 0
    assert blank(hass, sim, fleet) == 0


async def test_cancelled_when_it_was_answered_again(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call is answered after three rounds without, and the round ends in the middle."""
    monkeypatch.setattr(latest, "_SLICE", 0)
    monkeypatch.setattr(batches_module, "MAX_LATEST", 30)
    entry = await set_up_room_temps(hass, sim)
    coordinator = coordinator_of(entry)
    asked = values_asked(sim)[-2].body["assetIds"].split(",")
    assert len(asked) == 30
    culprit = {asked[0]}

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        return Refusal(80500, "Internal error") if culprit & set(assets) else None

    check_values(monkeypatch, check)
    await rounds(hass, 4)
    assert blank(hass, sim, fleet) == 30
    culprit.clear()
    news = [device for device in fleet if not shown(hass, sim, device, "room_temp")]
    for device in news[:20]:
        await sim.report(device, {"room_temp": 7.5})
    round_ = hass.async_create_task(coordinator.async_refresh())

    @callback
    def cancel(_event: Event[EventStateChangedData]) -> None:
        round_.cancel()

    remove = hass.bus.async_listen(EVENT_STATE_CHANGED, cancel)
    with pytest.raises(asyncio.CancelledError):
        await round_
    remove()
    assert 0 < blank(hass, sim, fleet) < 30
    await rounds(hass, 1)
    assert blank(hass, sim, fleet) == 0


async def test_never_a_sample_and_no_answer_for_a_while(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A point without samples is unknown again once its call is answered again."""
    silent = fleet[0]
    for device in fleet:
        device.tsdb_latest.pop("room_temp", None)
    await set_up_room_temps(hass, sim)
    assert text_of(hass, sim, silent, "room_temp") == STATE_UNKNOWN
    culprit = {silent.asset_id}

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        return Refusal(80500, "Internal error") if culprit & set(assets) else None

    check_values(monkeypatch, check)
    await rounds(hass, 4)
    assert text_of(hass, sim, silent, "room_temp") == STATE_UNAVAILABLE
    culprit.clear()
    await rounds(hass, 1)
    assert text_of(hass, sim, silent, "room_temp") == STATE_UNKNOWN


async def test_read_alone_after_a_while(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused device whose value comes another way, as it was, is there again."""
    fleet = grow(sim, "fcu", 4)
    fault = sim.faults.add("status", path="/measurepoints", status=200, body=DENIED)
    entry = await set_up_room_temps(hass, sim)
    culprit = fleet[1].asset_id

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        return Refusal(80401, "Forbidden asset") if culprit in assets else None

    check_values(monkeypatch, check)
    await rounds(hass, 5)
    assert blank(hass, sim, fleet) == 1
    sim.faults.remove(fault)
    coordinator_of(entry).direct.read_back(culprit, ["room_temp"])
    await rounds(hass, 2)
    assert blank(hass, sim, fleet) == 0


async def test_contradicted_write_without_a_record(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sample that contradicts an acknowledged write shows once it is believed."""
    entry = await set_up_room_temps(hass, sim)
    coordinator = coordinator_of(entry)
    key = (fleet[0].asset_id, "room_temp")
    coordinator.acknowledge(key, 30.5, coordinator.states[key].reading, None)
    await sim.report(fleet[0], {"room_temp": 7.5})
    await rounds(hass, 1)
    state = coordinator.states[key]
    assert text_of(hass, sim, fleet[0], "room_temp") == "30.5"
    assert state.mask is not None and state.mask.since is not None
    state.mask.since -= 500
    await rounds(hass, 1)
    assert text_of(hass, sim, fleet[0], "room_temp") == "7.5"
