"""Faults of the writing path that a review found."""

import asyncio

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from simulator import RequestRecord, Simulator

from .writing import Control, fcu_control, set_up_fcus

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
