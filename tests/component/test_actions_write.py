"""The action `enos.set_measurepoint`: what goes out, for whom, and what its caller hears."""

from homeassistant.core import HomeAssistant

from simulator import Simulator

from .actions import act, device_id_of, do
from .writing import fcu_control, set_up_fcus


async def test_entities_and_points(hass: HomeAssistant, sim: Simulator) -> None:
    """A value goes to all controls that are named, be it by entity or by identifier."""
    await set_up_fcus(hass, sim)
    first, second = (fcu_control(hass, sim, index=index) for index in (0, 1))
    found = await act(
        hass,
        "set_measurepoint",
        entity_id=first.entity_id,
        device_id=[device_id_of(hass, sim, each.device) for each in (first, second)],
        measurepoint_id="temp_setpoint",
        value=19.5,
    )
    assert first.written == second.written == [19.5]
    assert first.state == second.state == "19.5"
    await do(hass, "set_measurepoint", entity_id=first.entity_id, value="20")
    assert first.written[-1] == 20.0
