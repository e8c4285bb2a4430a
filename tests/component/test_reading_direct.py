"""Points that the time series service does not have, read device by device."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import SimDevice, Simulator

from .common import entity_id_of, entry_for, poll, product_subentry, set_up
from .reading import asked_directly, coordinator_of, grow, loud, shown, text_of

DAY = 24 * 3600


@pytest.fixture
async def fleet(sim: Simulator) -> list[SimDevice]:
    """Eight fan coil units, whose fault code has no storage policy."""
    return grow(sim, "fcu", 8)[:8]


def fcu_entry(sim: Simulator) -> MockConfigEntry:
    """Return an entry with a point of each kind."""
    return entry_for(
        sim, product_subentry(sim, "fcu", sensors=["room_temp", "fault_code"])
    )


async def seconds(hass: HomeAssistant, count: int) -> None:
    """Let seconds pass in which no round is due."""
    for _ in range(count):
        await poll(hass, 1.2)


async def test_one_call_a_second(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """However many devices there are, there is at most one direct call a second."""
    await set_up(hass, fcu_entry(sim))
    # The set-up itself took a part of the first second.
    await seconds(hass, 1)
    for _ in range(15):
        before = len(asked_directly(sim))
        # Home Assistant's helper fires half a second more than it is told.
        await poll(hass, 0)
        assert len(asked_directly(sim)) == before
        await poll(hass, 1.2)
        assert len(asked_directly(sim)) <= before + 1
    await seconds(hass, len(fleet))
    sim.requests.clear()
    await poll(hass, 31)
    await seconds(hass, len(fleet) + 5)
    # The devices take turns, and a few are not asked more often than all would be.
    assert sorted(asked_directly(sim)) == sorted(device.asset_id for device in fleet)
    assert all(shown(hass, sim, device, "fault_code") for device in fleet)


async def test_three_devices_are_asked_and_again_the_next_day(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing of three devices: the others are not asked, and nobody is until tomorrow."""
    for device in fleet:
        del device.connect_latest["fault_code"]
    await set_up(hass, fcu_entry(sim))
    caplog.clear()
    await seconds(hass, 10)
    assert len(asked_directly(sim)) == len(set(asked_directly(sim))) == 3
    for _ in range(5):
        await poll(hass)
        await seconds(hass, 3)
    assert len(asked_directly(sim)) == 3
    assert text_of(hass, sim, fleet[0], "fault_code") == STATE_UNKNOWN
    probed = sim.devices[asked_directly(sim)[1]]
    sim.requests.clear()
    await sim.report(probed, {"fault_code": 5})
    freezer.tick(DAY + 60)
    await poll(hass)
    await seconds(hass, 4)
    await poll(hass)
    await seconds(hass, 20)
    assert probed.asset_id in asked_directly(sim)
    assert text_of(hass, sim, probed, "fault_code") == "5"
    assert loud(caplog) == []


async def test_devices_that_are_away_are_not_asked(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """Neither to find out nor to read on."""
    for device in fleet[:4]:
        device.status = "offline"
    await set_up(hass, fcu_entry(sim))
    for _ in range(2):
        await seconds(hass, 12)
        await poll(hass)
    away = {device.asset_id for device in fleet[:4]}
    assert asked_directly(sim)
    assert not away & set(asked_directly(sim))
    assert text_of(hass, sim, fleet[0], "fault_code") == STATE_UNAVAILABLE
    assert shown(hass, sim, fleet[5], "fault_code")


async def test_disabled_on_one_device_is_read_of_the_others(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """A person who disables the entity of one device takes nothing from the rest."""
    await set_up(hass, fcu_entry(sim))
    await seconds(hass, 5)
    for device in (fleet[0], fleet[-1]):
        er.async_get(hass).async_update_entity(
            entity_id_of(hass, sim, "sensor", device, "fault_code"),
            disabled_by=er.RegistryEntryDisabler.USER,
        )
    await poll(hass)
    for _ in range(2):
        await seconds(hass, 12)
        await poll(hass)
    for device in fleet[1:-1]:
        await sim.report(device, {"fault_code": 9})
    sim.requests.clear()
    for _ in range(2):
        await seconds(hass, 12)
        await poll(hass)
    assert [text_of(hass, sim, device, "fault_code") for device in fleet[1:-1]] == [
        "9"
    ] * (len(fleet) - 2)
    assert fleet[0].asset_id not in asked_directly(sim)


async def test_storage_policy_that_comes_later(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """Once the rounds bring a point it is not asked for alone any more."""
    await set_up(hass, fcu_entry(sim))
    await seconds(hass, 5)
    assert asked_directly(sim)
    sim.unstored["hvac_fcu"].discard("fault_code")
    for device in fleet:
        await sim.report(device, {"fault_code": 3})
    await poll(hass)
    assert text_of(hass, sim, fleet[2], "fault_code") == "3"
    sim.requests.clear()
    for _ in range(3):
        await seconds(hass, 5)
        await poll(hass)
    assert asked_directly(sim) == []
    await sim.report(fleet[2], {"fault_code": 4})
    await poll(hass)
    assert text_of(hass, sim, fleet[2], "fault_code") == "4"


async def test_what_was_found_out_outlives_a_reload(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """After a reload the direct points are read on without being looked for."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    await seconds(hass, 5)
    found = coordinator_of(entry).direct.plan
    assert list(found.values()) == [["fault_code"]]
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert coordinator_of(entry).direct.plan == found
    assert shown(hass, sim, fleet[0], "fault_code")
    await sim.report(fleet[0], {"fault_code": 8})
    for _ in range(2):
        await seconds(hass, 12)
        await poll(hass)
    assert text_of(hass, sim, fleet[0], "fault_code") == "8"


async def test_rate_limit_on_direct_reads(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """A 429 for a single value makes the next one wait, and harms no round."""
    await set_up(hass, fcu_entry(sim))
    await seconds(hass, 4)
    fault = sim.faults.add("rate_limit", path="/measurepoints", retry_after="20")
    await poll(hass, 29)
    hits = fault.hits
    assert hits <= 1
    await poll(hass, 31)
    await poll(hass, 15)
    assert fault.hits <= hits + 2
    assert shown(hass, sim, fleet[0], "room_temp")
    assert shown(hass, sim, fleet[0], "fault_code")


async def test_nothing_is_read_after_unload(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """Unloading in the middle of direct reads ends them."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    await seconds(hass, 4)
    sim.faults.add("delay", path="/measurepoints", seconds=60)
    await hass.config_entries.async_unload(entry.entry_id)
    sim.requests.clear()
    for _ in range(3):
        await poll(hass)
    assert sim.requests == []


async def test_direct_reads_that_fail_for_good(
    hass: HomeAssistant, sim: Simulator, fleet: list[SimDevice]
) -> None:
    """Three direct reads in a row without an answer: unavailable, until one answers again."""
    await set_up(hass, fcu_entry(sim))
    await seconds(hass, 12)
    assert text_of(hass, sim, fleet[0], "fault_code") != STATE_UNAVAILABLE
    sim.faults.add("html", action="queryLatest")
    for _ in range(4):
        await poll(hass)
        await seconds(hass, 10)
    assert text_of(hass, sim, fleet[0], "fault_code") == STATE_UNAVAILABLE
    assert text_of(hass, sim, fleet[0], "room_temp") != STATE_UNAVAILABLE
    sim.faults.clear()
    for _ in range(2):
        await poll(hass)
        await seconds(hass, 10)
    assert text_of(hass, sim, fleet[0], "fault_code") != STATE_UNAVAILABLE


async def test_without_the_right_nothing_is_probed_for_an_hour(
    hass: HomeAssistant,
    sim: Simulator,
    fleet: list[SimDevice],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A right that is missing is not asked for all day long, and is seen when it comes."""
    await set_up(hass, fcu_entry(sim))
    sim.rights.discard("Device Management: Read")
    await seconds(hass, 10)
    asked = len(asked_directly(sim))
    for _ in range(10):
        await poll(hass)
        await seconds(hass, 4)
    assert len(asked_directly(sim)) == asked
    sim.rights.add("Device Management: Read")
    freezer.tick(3700)
    for _ in range(2):
        await poll(hass)
        await seconds(hass, 20)
    assert text_of(hass, sim, fleet[0], "fault_code") != STATE_UNKNOWN
