"""The newest knowledge wins: what shows after a good write, whatever the samples say."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from simulator import Simulator

from .common import entry_for, product_subentry, set_up
from .writing import (
    Control,
    elapse,
    fcu_control,
    polls,
    quiet,
    read_backs,
    records,
    set_up_fcus,
    sets,
    until,
)

HOURS = 3600.0


@pytest.fixture
def control(hass: HomeAssistant, sim: Simulator) -> Control:
    """Return the setpoint of a fan coil unit: 24 °C."""
    return fcu_control(hass, sim)


async def fate(hass: HomeAssistant, entry: MockConfigEntry) -> str | None:
    """Return what the samples said of the last command."""
    found: str | None = (await records(hass, entry))[-1]["read_back"]
    return found


async def restart(hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry) -> None:
    """Set an entry up as after a restart of Home Assistant, with nothing but its files."""
    await hass.config_entries.async_setup(entry.entry_id)
    await quiet(sim)


async def shut_down(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """End an entry as a stop of Home Assistant does: nothing stays in memory."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.data["enos"].clear()


async def test_read_back_confirms(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """One second after the acknowledgement the point alone is read back, and that is all."""
    entry = await set_up_fcus(hass, sim)
    await control.write(21.5)
    before = len(polls(sim))
    await elapse(sim, freezer, 0.9)
    assert read_backs(sim, control.device) == []
    assert await fate(hass, entry) is None
    await elapse(sim, freezer, 0.2)
    assert read_backs(sim, control.device) == [["temp_setpoint"]]
    assert await fate(hass, entry) == "confirmed"
    await elapse(sim, freezer, 15)
    assert read_backs(sim, control.device) == [["temp_setpoint"]]
    assert len(polls(sim)) == before, "no general refresh"


async def test_read_back_of_a_slow_report(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A device that reports after eight seconds is read back at 1, 4 and 10 s."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo_delay = 8
    await control.write(21.5)
    for seconds, reads in ((0.9, 0), (0.2, 1), (2.8, 1), (0.2, 2), (5.8, 2), (0.2, 3)):
        await elapse(sim, freezer, seconds)
        assert len(read_backs(sim, control.device)) == reads
        assert control.state == "21.5"
    assert await fate(hass, entry) == "confirmed"


async def test_one_read_back_for_all_points(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """Several writes to a device are read back in one call, after the last of them."""
    await set_up_fcus(hass, sim)
    await control.write(21.5)
    await elapse(sim, freezer, 0.5)
    await fcu_control(hass, sim, "mode").write("Heating")
    await fcu_control(hass, sim, "power").write(False)
    await elapse(sim, freezer, 0.9)
    assert read_backs(sim, control.device) == []
    await elapse(sim, freezer, 0.2)
    (points,) = read_backs(sim, control.device)
    assert sorted(points) == ["mode", "power", "temp_setpoint"]


@pytest.mark.parametrize(
    ("point", "value", "shown"),
    [
        ("power", False, "off"),
        ("mode", "Heating", "Heating"),
        ("fan_speed", "Low", "Low"),
        ("temp_setpoint", 21.5, "21.5"),
    ],
)
async def test_device_that_never_reports(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    point: str,
    value: Any,
    shown: str,
) -> None:
    """A device that never reports what was written: the acknowledged value stays."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    control.device.behaviour.echo = False
    await control.write(value)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    await elapse(sim, freezer, 11)
    assert len(read_backs(sim, control.device)) == 3
    await elapse(sim, freezer, 300)
    assert len(read_backs(sim, control.device)) == 3, "not asked for ever"
    assert control.state == shown
    assert control.entity_id not in {event.data["entity_id"] for event in events}
    assert await fate(hass, entry) is None


async def test_stale_poll(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A poll that was asked before the write and is answered after it turns nothing back."""
    await set_up_fcus(hass, sim)
    control.device.behaviour.reply_delay = 2
    control.device.behaviour.echo_delay = 3
    sim.faults.add("delay", path="/latest", seconds=10, count=1)
    await elapse(sim, freezer, 26)
    asked = len(polls(sim))
    while len(polls(sim)) == asked:
        await elapse(sim, freezer, 0.5)
    task = control.start(21.5)
    await elapse(sim, freezer, 2.5)
    await task
    poll = polls(sim)[-1]
    assert poll.answered is None
    await elapse(sim, freezer, 9)
    assert poll.answered is not None
    assert control.state == "21.5"


async def test_old_value_that_is_reported_again(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A heartbeat with the old value, just after the write, turns nothing back either."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await sim.report(control.device, {"temp_setpoint": 24.0})
    await elapse(sim, freezer, 12)
    assert read_backs(sim, control.device)
    assert control.state == "21.5"
    await sim.report(control.device, {"temp_setpoint": 21.5})
    await elapse(sim, freezer, 25)
    assert control.state == "21.5"
    assert await fate(hass, entry) == "confirmed"


async def test_device_that_changes_its_mind(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A device that goes on reporting something else is believed after 30 s."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 29)
    assert control.state == "21.5"
    await elapse(sim, freezer, 2)
    assert control.state == "26.0"
    assert await fate(hass, entry) == "overridden"
    assert len(sets(sim)) == 1


async def test_foreign_change_much_later(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """While nothing new is reported the value stays; the first news after that shows."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await elapse(sim, freezer, 600)
    assert control.state == "21.5"
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"
    assert await fate(hass, entry) == "overridden"


async def test_foreign_change_after_a_confirmation(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """Once confirmed, a change at the device shows with the next poll, without waiting."""
    await set_up_fcus(hass, sim)
    await elapse(sim, freezer, 20)
    await control.write(21.5)
    await elapse(sim, freezer, 2)
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 10)
    assert control.state == "26.0"


async def test_failed_write_masks_nothing(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """After a write that failed, the next sample shows at once."""
    await set_up_fcus(hass, sim)
    control.device.behaviour.reject_code = 500
    await control.refuse(21.5)
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"


@pytest.mark.parametrize("hours", [-5, 5, -24 * 400])
async def test_device_with_a_wrong_clock(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
    hours: float,
) -> None:
    """A device's clock is its own: hours ahead or behind, the newest of its samples shows."""
    control.device.behaviour.clock_offset = hours * HOURS
    await sim.report(control.device, {"temp_setpoint": 24.0})
    entry = await set_up_fcus(hass, sim)
    await control.write(21.5)
    await elapse(sim, freezer, 2)
    assert await fate(hass, entry) == "confirmed"
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"


async def test_clock_that_is_set_back(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A device whose clock is set back by hours is still heard, before and after a write."""
    await set_up_fcus(hass, sim)
    control.device.behaviour.clock_offset = -5 * HOURS
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"
    await control.write(21.5)
    await elapse(sim, freezer, 40)
    assert control.state == "21.5"
    await sim.report(control.device, {"temp_setpoint": 19.0})
    await elapse(sim, freezer, 31)
    assert control.state == "19.0"


async def test_late_time_series(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A time series that is 90 s behind the device never turns a write back."""
    await set_up_fcus(hass, sim)
    control.device.behaviour.tsdb_delay = 90
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    await control.write(21.5)
    await elapse(sim, freezer, 45)
    await control.write(23)
    await elapse(sim, freezer, 200)
    shown = [
        event.data["new_state"].state
        for event in events
        if event.data["entity_id"] == control.entity_id
    ]
    assert shown == ["21.5", "23.0"]


async def test_without_the_right_to_read_back(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """Where a point cannot be read back, what contradicts is believed after two minutes."""
    entry = await set_up_fcus(hass, sim)
    sim.rights.discard("Device Management: Read")
    control.device.behaviour.echo = False
    await control.write(21.5)
    await elapse(sim, freezer, 5)
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 110)
    assert control.state == "21.5"
    await elapse(sim, freezer, 40)
    assert control.state == "26.0"
    assert await fate(hass, entry) == "overridden"


async def test_float_that_went_through_32_bits(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """33.1 that comes back as 33.09999847412109 is what was written."""
    device = sim.device("ahu")
    device.behaviour.float32 = True
    subentry = product_subentry(sim, "ahu", controls=["fan_frequency"])
    entry = entry_for(sim, subentry)
    await set_up(hass, entry)
    control = Control(hass, sim, "number", device, "fan_frequency")
    await control.write(33.1)
    await elapse(sim, freezer, 40)
    assert device.connect_latest["fan_frequency"].value != 33.1
    assert control.state == "33.1"
    assert await fate(hass, entry) == "confirmed"


async def test_point_without_storage_policy(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A point that the time series does not have is written, read back, and stays."""
    entry = await set_up_fcus(hass, sim, controls=["fault_code"])
    control = Control(hass, sim, "number", sim.device("fcu"), "fault_code")
    await elapse(sim, freezer, 40)
    assert control.state == "0"
    await control.write(7)
    await elapse(sim, freezer, 2)
    assert await fate(hass, entry) == "confirmed"
    await sim.report(control.device, {"fault_code": 9})
    await elapse(sim, freezer, 40)
    assert control.state == "9"


async def test_reload_keeps_the_value(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A reload asks nobody before its entities stand, and shows what was acknowledged."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    sim.faults.add("delay", seconds=5)
    asked = len(sim.requests)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert control.state == "21.5"
    assert not any(request.answered for request in sim.requests[asked:])
    await elapse(sim, freezer, 100)
    assert control.state == "21.5"
    sim.faults.clear()
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 40)
    assert control.state == "26.0"


async def test_restart_keeps_the_value(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """After a restart the acknowledged value shows, not the older sample of EnOS."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    for point, value in (("power", False), ("mode", "Heating"), ("fan_speed", "Low")):
        await fcu_control(hass, sim, point).write(value)
    await control.write(21.5)
    await elapse(sim, freezer, 2)
    assert hass_storage[f"enos.{entry.entry_id}"]["data"]["masks"]
    await shut_down(hass, entry)
    await elapse(sim, freezer, 3600)
    await restart(hass, sim, entry)
    for _ in range(2):
        assert control.state == "21.5"
        assert fcu_control(hass, sim, "power").state == "off"
        assert fcu_control(hass, sim, "mode").state == "Heating"
        assert fcu_control(hass, sim, "fan_speed").state == "Low"
        await elapse(sim, freezer, 100)
    # A second restart, with nothing written in between.
    await shut_down(hass, entry)
    await restart(hass, sim, entry)
    assert control.state == "21.5"
    await sim.report(control.device, {"temp_setpoint": 26.0})
    await elapse(sim, freezer, 31)
    assert control.state == "26.0"


@pytest.mark.parametrize("reported", [21.5, 26.0], ids=["confirmed", "overridden"])
async def test_report_during_a_restart(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
    reported: float,
) -> None:
    """What a device reports while Home Assistant is down counts when it is back."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await elapse(sim, freezer, 2)
    await shut_down(hass, entry)
    await sim.report(control.device, {"temp_setpoint": reported})
    await restart(hass, sim, entry)
    assert control.state == str(reported)
    await elapse(sim, freezer, 5)
    assert hass_storage[f"enos.{entry.entry_id}"]["data"]["masks"] == []


async def test_restart_with_enos_away(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A first attempt that fails does not cost the acknowledged value."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await elapse(sim, freezer, 2)
    await shut_down(hass, entry)
    await sim.stop()
    await restart(hass, sim, entry)
    await sim.start()
    await elapse(sim, freezer, 30)
    assert control.state == "21.5"
    assert hass_storage[f"enos.{entry.entry_id}"]["data"]["masks"]


@pytest.mark.parametrize("seconds", [0, 5], ids=["at-once", "later"])
async def test_file_goes_with_the_entry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
    seconds: float,
) -> None:
    """Removing an account removes its file, and nothing writes it anew afterwards."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await elapse(sim, freezer, seconds)
    assert (f"enos.{entry.entry_id}" in hass_storage) is bool(seconds)
    await hass.config_entries.async_remove(entry.entry_id)
    await elapse(sim, freezer, 10)
    assert f"enos.{entry.entry_id}" not in hass_storage


async def test_value_written_just_before_the_stop(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    control: Control,
) -> None:
    """A value acknowledged a moment before the end is on disk all the same."""
    entry = await set_up_fcus(hass, sim)
    control.device.behaviour.echo = False
    await control.write(21.5)
    await shut_down(hass, entry)
    await restart(hass, sim, entry)
    await until(lambda: control.state == "21.5")
