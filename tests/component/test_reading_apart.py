"""One entity whose state cannot be written costs the others nothing."""

from homeassistant.core import HomeAssistant
import pytest

from custom_components.enos.sensor import EnosSensor
from simulator import Simulator

from .common import entity_id_of, entry_for, poll, product_subentry, set_up


async def test_one_state_fails(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What Home Assistant refuses is named in the log; everything else shows its news."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp", "co2"]))
    await set_up(hass, entry)
    device = sim.device("fcu")
    bad = entity_id_of(hass, sim, "sensor", device, "room_temp")
    good = entity_id_of(hass, sim, "sensor", device, "co2")

    def written(entity: EnosSensor) -> float:
        if entity.entity_id == bad:
            raise ValueError("no state")
        value = entity.point_value
        assert isinstance(value, int | float)
        return value

    monkeypatch.setattr(EnosSensor, "native_value", property(written))
    await sim.report(device, {"room_temp": 30.5, "co2": 612})
    await poll(hass, 31)
    assert f"The state of {bad} could not be written" in caplog.text
    state = hass.states.get(good)
    assert state
    assert state.state == "612"
    # A round goes on, and is no failure.
    assert entry.runtime_data.coordinator.last_update_success
    caplog.clear()
