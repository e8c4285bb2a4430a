"""Faults of the writing path that a review found."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from simulator import RequestRecord, Simulator

from .common import state_of
from .writing import Control, elapse, fcu_control, read_backs, records, set_up_fcus

TOKEN_PATH = "/apim-token-service/"


def token_requests(sim: Simulator) -> list[RequestRecord]:
    """Return the requests for a token."""
    return [record for record in sim.requests if TOKEN_PATH in record.path]


async def test_one_failed_token_is_everybodys(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Writes that wait for one token end with it; they do not ask for one each in turn."""
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, index=index) for index in range(4)]
    sim.revoke_token()
    sim.faults.add("delay", path=TOKEN_PATH, seconds=0.3)
    sim.faults.add("status", path=TOKEN_PATH, status=503)
    before = len(token_requests(sim))
    errors = await asyncio.gather(
        *(control.write(25) for control in controls), return_exceptions=True
    )
    assert [
        error.translation_key
        for error in errors
        if isinstance(error, HomeAssistantError)
    ] == ["cannot_connect"] * 4
    assert len(token_requests(sim)) - before == 1
    # The next write asks anew.
    sim.faults.clear()
    await controls[0].write(25)
    assert controls[0].written == [25]


async def test_large_numbers_in_texts(hass: HomeAssistant, sim: Simulator) -> None:
    """An error names the number that was asked for, not its first six digits."""
    await set_up_fcus(hass, sim, controls=["co2"])
    device = sim.device("fcu")
    control = Control(hass, sim, "number", device, "co2")
    device.status = "offline"
    for value, text in ((1234567, "1234567 ppm"), (2147483647, "2147483647 ppm")):
        error = await control.refuse(value)
        assert error.translation_placeholders is not None
        assert error.translation_placeholders["value"] == text


async def test_value_before_is_what_was_known(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A record's value before is the acknowledged one, not a sample older than that."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await control.write(25.5)
    await control.write(26.5)
    assert [record["value_before"] for record in await records(hass, entry)] == [
        24.0,
        25.5,
    ]


async def test_device_that_obeys_is_there(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A device that carried out a write is not shown as offline until the next listing."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.refuse(21.5)
    control.device.status = "online"
    await elapse(sim, freezer, 11)
    listings = len([each for each in sim.requests if each.path.endswith("/devices")])
    await control.write(21.5)
    connected = state_of(hass, sim, "binary_sensor", control.device, "#connectivity")
    sensor = state_of(hass, sim, "sensor", control.device, "room_temp")
    assert connected.state == "on"
    assert sensor.state != STATE_UNAVAILABLE
    assert listings == len(
        [each for each in sim.requests if each.path.endswith("/devices")]
    )


async def test_nothing_is_read_back_after_the_stop(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """When Home Assistant stops, no read-back stays behind, as a timer or as a coroutine."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await control.write(25.5)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await elapse(sim, freezer, 12)
    assert read_backs(sim, control.device) == []


async def test_disabled_entity_is_not_polled_for_what_it_wrote(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """After a restart no point of a disabled entity is read, written before or not."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await control.write(25.5)
    er.async_get(hass).async_update_entity(
        control.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.data["enos"].clear()
    await hass.config_entries.async_setup(entry.entry_id)
    wanted = entry.runtime_data.coordinator.wanted(control.device.asset_id)
    assert wanted == {"power", "mode", "fan_speed"}
