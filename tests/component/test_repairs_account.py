"""Repairs of the way to the account, what becomes of them with it, and refused tokens."""

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    entity_platform,
    entity_registry as er,
    issue_registry as ir,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Simulator

from .common import entry_for, poll, poll_devices, product_subentry, set_up
from .repairs import Watch
from .writing import fcu_control, quiet, set_up_fcus


@pytest.fixture
def watch(hass: HomeAssistant) -> Watch:
    """Watch the repairs of a test."""
    return Watch(hass)


def enabled(hass: HomeAssistant, entry: MockConfigEntry) -> int:
    """Return how many entities of an account are enabled."""
    return sum(
        not entity.disabled
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    )


@pytest.mark.parametrize("at_start", [True, False])
async def test_address_refused(
    hass: HomeAssistant, sim: Simulator, watch: Watch, at_start: bool
) -> None:
    """A gateway that refuses this address, at the start or later, until it answers."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    if at_start:
        sim.faults.add("status", status=403)
    await set_up(hass, entry)
    if not at_start:
        assert watch.told(entry) == []
        sim.faults.add("status", status=403)
    for _ in range(4):
        await poll(hass, 100)
    assert watch.events == [("create", "address_refused")]
    words = watch.words(entry, "address_refused")
    assert words["url"] == sim.url
    assert "not allowed" in words["message"]
    assert watch.issue(entry, "address_refused").severity is ir.IssueSeverity.ERROR

    sim.faults.clear()
    sim.faults.add("drop")
    await poll(hass, 200)
    await poll(hass, 300)
    assert watch.told(entry) == ["address_refused"], "an outage tells nothing"
    sim.faults.clear()
    await poll(hass, 700)
    assert entry.state is ConfigEntryState.LOADED
    assert watch.told(entry) == []
    assert len(watch.events) == 2


@pytest.mark.parametrize(
    ("offset", "key"),
    [(280, "clock_skew_behind"), (-280, "clock_skew_ahead")],
)
async def test_clock(
    hass: HomeAssistant, sim: Simulator, watch: Watch, offset: int, key: str
) -> None:
    """Clocks that differ: which is behind, by how much, and that without end."""
    entry = await set_up_fcus(hass, sim)
    sim.clock_offset = offset
    for _ in range(3):
        await poll(hass)
    assert watch.events == [("create", "clock_skew")]
    issue = watch.issue(entry, "clock_skew")
    assert issue.translation_key == key
    assert issue.severity is ir.IssueSeverity.WARNING, "it works yet"
    assert watch.words(entry, "clock_skew") == {"account": entry.title, "minutes": "5"}
    sim.clock_offset = offset * 220 // 280
    await poll(hass)
    assert watch.told(entry) == ["clock_skew"], "nearly right is not right"
    assert len(watch.events) == 1

    sim.clock_offset = offset * 10
    await poll(hass)
    await poll(hass)
    assert watch.issue(entry, "clock_skew").severity is ir.IssueSeverity.ERROR
    assert watch.words(entry, "clock_skew")["minutes"] == "47"
    sim.clock_offset = 0
    await poll(hass)
    await poll(hass)
    assert watch.told(entry) == []
    sim.clock_offset = offset * 220 // 280
    await poll(hass)
    assert watch.told(entry) == [], "nearly wrong is not wrong"


async def test_clock_at_the_start(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A clock that keeps the account from being set up is told at once, and once."""
    sim.clock_offset = 1200
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    await set_up(hass, entry)
    for _ in range(4):
        await poll(hass, 700)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert watch.events == [("create", "clock_skew")]
    assert watch.issue(entry, "clock_skew").severity is ir.IssueSeverity.ERROR
    sim.clock_offset = 0
    await poll(hass, 700)
    assert entry.state is ConfigEntryState.LOADED
    assert watch.told(entry) == []


async def test_entity_cap(
    hass: HomeAssistant,
    sim: Simulator,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From nine tenths of what Home Assistant allows on."""
    entry = await set_up_fcus(hass, sim)
    entities = enabled(hass, entry)

    async def allow(limit: int) -> None:
        monkeypatch.setattr(
            entity_platform, "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY", limit
        )
        await poll(hass)
        await poll(hass)

    assert entity_platform.MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY == 10000
    await allow(entities * 10 // 9 + 1)
    assert watch.told(entry) == []
    near = entities * 10 // 9
    await allow(near)
    issue = watch.issue(entry, "entity_cap")
    assert issue.severity is ir.IssueSeverity.WARNING
    assert watch.words(entry, "entity_cap") == {
        "account": entry.title,
        "count": str(entities),
        "limit": str(near),
    }
    assert watch.events == [("create", "entity_cap")]
    await allow(entities)
    assert watch.issue(entry, "entity_cap").severity is ir.IssueSeverity.ERROR
    await allow(10000)
    assert watch.told(entry) == []


async def test_reload_tells_nothing_anew(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """What was told stands over a reload, unchanged, and goes as it would have."""
    sim.device("fcu").status = "inactive"
    entry = await set_up_fcus(hass, sim, sensors=["gone"])
    await fcu_control(hass, sim).refuse(22)
    told = watch.told(entry)
    assert told == ["devices_not_activated", "points_gone"]
    for _ in range(2):
        assert await hass.config_entries.async_reload(entry.entry_id)
        await poll_devices(hass)
    assert watch.told(entry) == told
    assert len(watch.events) == 2
    sim.device("fcu").status = "online"
    await poll_devices(hass)
    assert watch.told(entry) == ["points_gone"]


@pytest.mark.parametrize("how", ["remove", "disable"])
@pytest.mark.parametrize("loaded", [True, False])
async def test_account_goes(
    hass: HomeAssistant, sim: Simulator, watch: Watch, how: str, loaded: bool
) -> None:
    """With the account all of its repairs go, and what ends afterwards raises none."""
    entry = await set_up_fcus(hass, sim, sensors=["gone"])
    sim.clock_offset = 280
    await poll_devices(hass)
    told = ["clock_skew", "points_gone"]
    if not loaded:
        sim.faults.add("status", status=503)
        assert await hass.config_entries.async_unload(entry.entry_id)
        hass.config_entries.async_update_entry(
            entry, data={**entry.data, "url": sim.url + "/"}
        )
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
    assert watch.told(entry) == told
    if how == "remove":
        await hass.config_entries.async_remove(entry.entry_id)
    else:
        await hass.config_entries.async_set_disabled_by(
            entry.entry_id, ConfigEntryDisabler.USER
        )
    assert watch.told(entry) == []
    await poll_devices(hass)
    assert watch.told(entry) == []
    assert sorted(watch.events) == sorted(
        (action, kind) for action in ("create", "remove") for kind in told
    )
    sim.faults.clear()
    if how == "disable":
        await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
        await poll_devices(hass)
        assert watch.told(entry) == told


async def test_each_account_has_its_own(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """One account's repair is not the other's, nor does it go with the other."""
    entry = await set_up_fcus(hass, sim, sensors=["gone"])
    async with Simulator(seed=2, devices=16, physics=False, org_id="o2") as other:
        second = await set_up_fcus(hass, other, sensors=["gone"])
        assert watch.told(entry) == watch.told(second) == ["points_gone"]
        await hass.config_entries.async_remove(entry.entry_id)
        await poll_devices(hass)
        assert watch.told(entry) == []
        assert watch.told(second) == ["points_gone"]


async def test_tokens_refused_at_the_start(hass: HomeAssistant, sim: Simulator) -> None:
    """Three set-ups in a row whose new tokens are refused: a person is asked for keys."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    sim.faults.add("status", path="connect-service", status=401)
    await set_up(hass, entry)
    await poll(hass, 700)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not hass.config_entries.flow.async_progress()
    await poll(hass, 700)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"
    # Whoever was asked has as many chances again.
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_clock_explains_refused_tokens(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A wrong clock asks nobody for keys, and what came before it is no row."""
    entry = entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    sim.faults.add("status", path="connect-service", status=401)
    await set_up(hass, entry)
    await poll(hass, 700)
    sim.clock_offset = 1200
    for _ in range(4):
        await poll(hass, 700)
    sim.clock_offset = 0
    for _ in range(2):
        await poll(hass, 700)
        assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not hass.config_entries.flow.async_progress()
    await poll(hass, 700)
    assert entry.state is ConfigEntryState.SETUP_ERROR


async def test_reload_forgets_refused_tokens(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An account that is reloaded, perhaps with new keys, begins to count anew."""
    entry = await set_up_fcus(hass, sim)
    sim.faults.add("status", path="tsdb-service", status=401)
    for _ in range(2):
        await poll(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)
    assert not hass.config_entries.flow.async_progress()
    await poll(hass)
    assert len(hass.config_entries.flow.async_progress()) == 1


async def test_command_that_ends_too_late(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """What a disabled account's last command met is told nobody any more."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "inactive"
    sim.faults.add("delay", action="setMeasurepoint", seconds=0.3)
    task = control.start(22)
    await quiet(sim)
    assert not task.done()
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    with pytest.raises(HomeAssistantError) as caught:
        await task
    assert caught.value.translation_key == "device_inactive"
    assert watch.told(entry) == []
    assert watch.events == []


async def test_address_refused_for_commands(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A gateway that refuses the address of commands does not speak of rights."""
    entry = await set_up_fcus(hass, sim)
    sim.faults.add("status", action="setMeasurepoint", status=403)
    for index in range(3):
        error = await fcu_control(hass, sim, index=index).refuse(22)
        assert error.translation_key == "address_refused"
    assert watch.told(entry) == []
