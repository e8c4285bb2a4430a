"""System health: what a person sees of the accounts under System > Repairs."""

from typing import Any

from homeassistant.components.system_health import get_info
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from custom_components.enos.const import DOMAIN
from simulator import Simulator

from .common import entry_for, set_up
from .texts import LANGUAGES, load
from .writing import fcu_control, quiet, set_up_fcus


async def health(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is shown of the integration; each label has its text."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    found: dict[str, Any] = (await get_info(hass))[DOMAIN]
    for language in LANGUAGES:
        assert found.keys() <= load(language)["system_health"]["info"].keys()
    return found


async def test_one_account(hass: HomeAssistant, sim: Simulator) -> None:
    """Everything of a single account, as plain values."""
    fcus = [device for device in sim.devices.values() if device.kind.key == "fcu"]
    fcus[-1].status = "offline"
    entry = await set_up_fcus(
        hass, sim, policy={"when_offline": "queue", "queue_minutes": 15}
    )
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21.5)
    other = fcu_control(hass, sim, index=1)
    other.device.behaviour.silent = True
    sim.faults.add("status", action="setMeasurepoint", status=500, count=1)
    await other.refuse(22)
    await quiet(sim)
    found = await health(hass)
    assert found.pop("requests_today") == entry.runtime_data.client.statistics.requests
    assert found == {
        "reach_gateway": "ok",
        "token_valid": 119,
        "devices_online": f"{len(fcus) - 2} / {len(fcus)}",
        "open_commands": 2,
        "queued_commands": 1,
    }
    assert found.keys() | {"requests_today"} == (
        load("en")["system_health"]["info"].keys()
    )


async def test_gateway_is_gone(hass: HomeAssistant, sim: Simulator) -> None:
    """A gateway that does not answer is called so; the rest is told all the same."""
    await set_up_fcus(hass, sim)
    await sim.stop()
    found = await health(hass)
    assert found["reach_gateway"] == "Failed: unreachable"
    assert found["token_valid"] == 119


async def test_gateway_hangs(hass: HomeAssistant, sim: Simulator) -> None:
    """A gateway that takes the connection and says nothing is given up on."""
    await set_up_fcus(hass, sim)
    sim.faults.add("delay", seconds=30)
    found = await health(hass)
    assert found["reach_gateway"] == "Failed: timeout"
    assert found["requests_today"] > 0


async def test_account_that_is_not_loaded(hass: HomeAssistant, sim: Simulator) -> None:
    """An account that cannot be set up still tells whether its gateway answers."""
    sim.faults.add("status", path="-service/", status=503)
    await set_up(hass, entry_for(sim))
    assert await health(hass) == {"reach_gateway": "ok"}


async def test_several_accounts(hass: HomeAssistant, sim: Simulator) -> None:
    """Of several accounts each value says whose it is."""
    await set_up_fcus(hass, sim)
    async with Simulator(seed=2, devices=16, physics=False, org_id="o2") as other:
        await set_up_fcus(hass, other)
        # One that never was: its address is no address any more.
        broken = entry_for(sim, data={CONF_URL: "http://[", "org_id": "o3"})
        broken.add_to_hass(hass)
        hass.config_entries.async_update_entry(broken, unique_id="o3", title="EnOS o3")
        assert not await hass.config_entries.async_setup(broken.entry_id)
        count = sum(device.kind.key == "fcu" for device in sim.devices.values())
        found = await health(hass)
        assert found["reach_gateway"] == "Failed: EnOS o3: unreachable"
        assert found["devices_online"] == (
            f"EnOS {sim.org_id}: {count} / {count}, EnOS o2: {count} / {count}"
        )
        assert found["open_commands"] == f"EnOS {sim.org_id}: 0, EnOS o2: 0"
        other.faults.add("drop")
        found = await health(hass)
        assert "EnOS o2: unreachable" in found["reach_gateway"]
        assert sim.org_id not in found["reach_gateway"]


async def test_no_account(hass: HomeAssistant, sim: Simulator) -> None:
    """Without an account there is nothing to tell."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert await health(hass) == {}
