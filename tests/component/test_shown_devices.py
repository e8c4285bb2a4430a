"""Of a device with controls: how many commands wait for it, and a button that cancels them."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import Simulator

from .common import (
    device_subentry,
    entity_id_of,
    entry_for,
    poll,
    product_subentry,
    set_up,
    state_of,
)
from .flows import refuse
from .queueing import QUEUE, World, another_client, world_of

WAITING = "#waiting_commands"
CANCEL = "#cancel_waiting_commands"


def registered(
    hass: HomeAssistant, sim: Simulator, domain: str, key: str, index: int = 0
) -> er.RegistryEntry | None:
    """Return what the registry has of an entity of a fan coil unit."""
    registry = er.async_get(hass)
    unique_id = f"{sim.org_id}_{sim.device('fcu', index).asset_id}{key}"
    entity_id = registry.async_get_entity_id(domain, DOMAIN, unique_id)
    return registry.async_get(entity_id) if entity_id else None


def disabler(
    hass: HomeAssistant, sim: Simulator, domain: str, key: str, index: int = 0
) -> er.RegistryEntryDisabler | None:
    """Return who disabled an entity that has to be there."""
    entry = registered(hass, sim, domain, key, index)
    assert entry is not None
    return entry.disabled_by


def waiting(hass: HomeAssistant, sim: Simulator) -> State:
    """Return the sensor of the first fan coil unit."""
    return state_of(hass, sim, "sensor", sim.device("fcu"), WAITING)


async def press(world: World) -> None:
    """Press the button of the first fan coil unit."""
    entity_id = entity_id_of(world.hass, world.sim, "button", world.device, CANCEL)
    await world.hass.services.async_call(
        "button", "press", {"entity_id": entity_id}, blocking=True
    )


async def world_with_button(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> World:
    """Set an account up whose button somebody enabled."""
    world = await world_of(hass, sim, freezer)
    entity_id = entity_id_of(hass, sim, "button", world.device, CANCEL)
    er.async_get(hass).async_update_entity(entity_id, disabled_by=None)
    await world.elapse(40)
    assert hass.states.get(entity_id) is not None
    return world


async def test_counts(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Up with each command that is queued, down when they end; the next expiry beside it."""
    world = await world_of(hass, sim, freezer)
    state = waiting(hass, sim)
    assert (state.state, state.attributes["next_expiry"]) == ("0", None)
    assert state.attributes["state_class"] == "measurement"
    await world.queue(21.5)
    first = waiting(hass, sim)
    assert first.state == "1"
    left = dt_util.parse_datetime(first.attributes["next_expiry"])
    assert left is not None
    assert 890 < (left - dt_util.utcnow()).total_seconds() <= 900
    await world.elapse(60)
    await world.queue(False, "power")
    second = waiting(hass, sim)
    assert second.state == "2"
    assert second.attributes["next_expiry"] == first.attributes["next_expiry"]
    other = state_of(hass, sim, "sensor", sim.device("fcu", 1), WAITING)
    assert other.state == "0"

    await sim.stop()
    for _ in range(4):
        await world.elapse(31)
    assert waiting(hass, sim).state == "2", "known, whatever the gateway does"
    await sim.start()
    await world.reload()
    assert waiting(hass, sim).state == "2"
    await world.come_back()
    assert (waiting(hass, sim).state, world.commands.open) == ("0", [])


async def test_button_cancels_what_is_ours(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """One press withdraws all commands of ours to one device, and nobody else's."""
    world = await world_with_button(hass, sim, freezer)
    another = another_client(sim, async_get_clientsession(hass))
    world.device.status = "offline"
    await another.set_measurepoint(
        world.device.asset_id, "fan_speed", "low", timeout=30, pending_ttl=900
    )
    await world.queue(21.5)
    await world.queue(False, "power")
    await world.queue(22.5, index=1)
    assert waiting(hass, sim).state == "2"
    await press(world)
    assert waiting(hass, sim).state == "0"
    assert [outcome for outcome in world.outcomes() if outcome != "queued…"] == [
        "cancelled",
        "cancelled",
    ]
    assert all(wire[1] for wire in world.wire() if wire[0] == "cancel")
    await world.come_back()
    await world.come_back(sim.device("fcu", 1))
    assert {(point, value) for _, point, value in sim.writes} == {
        ("fan_speed", "low"),
        ("temp_setpoint", 22.5),
    }


async def test_button_with_nothing_to_cancel(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing is asked of EnOS, and nobody is told of trouble."""
    world = await world_with_button(hass, sim, freezer)
    await press(world)
    assert world.wire() == []


async def test_button_says_what_is_wrong(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What EnOS would not cancel goes on waiting, and whoever pressed hears of it."""
    world = await world_with_button(hass, sim, freezer)
    await world.queue(21.5)
    refuse(sim, "/commands", 99403, "no right to do this")
    with pytest.raises(HomeAssistantError) as caught:
        await press(world)
    assert caught.value.translation_key == "cancel_failed"
    text = str(caught.value)
    assert "FCU" in text
    assert "no right to do this" in text
    assert waiting(hass, sim).state == "1"
    sim.faults.clear()
    await press(world)
    assert waiting(hass, sim).state == "0"


async def test_defaults(hass: HomeAssistant, sim: Simulator) -> None:
    """Of use where commands may wait; a device that is only read has neither."""
    queues = sim.device("fcu", 1).asset_id
    await set_up(
        hass,
        entry_for(
            sim,
            product_subentry(
                sim,
                "fcu",
                controls=["power"],
                policy_exceptions={queues: QUEUE},
            ),
            product_subentry(sim, "meter", sensors=["power"]),
        ),
    )
    by_us = er.RegistryEntryDisabler.INTEGRATION
    assert disabler(hass, sim, "sensor", WAITING) is by_us
    assert disabler(hass, sim, "sensor", WAITING, 1) is None
    for index in (0, 1):
        assert disabler(hass, sim, "button", CANCEL, index) is by_us
    sensor = registered(hass, sim, "sensor", WAITING)
    button = registered(hass, sim, "button", CANCEL)
    assert sensor is not None
    assert button is not None
    assert sensor.entity_category is EntityCategory.DIAGNOSTIC
    assert button.entity_category is EntityCategory.CONFIG
    meter = sim.device("meter").asset_id
    assert not [
        entity
        for entity in er.async_get(hass).entities.values()
        if meter in entity.unique_id and "waiting_commands" in entity.unique_id
    ]


def change(hass: HomeAssistant, entry: MockConfigEntry, **data: object) -> None:
    """Change what the only subentry holds, as its form does."""
    (subentry,) = entry.subentries.values()
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **data}
    )


async def test_policy_becomes_queue(hass: HomeAssistant, sim: Simulator) -> None:
    """The sensor shows once commands may wait, unless a person does not want it."""
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    person = er.RegistryEntryDisabler.USER
    unwanted = entity_id_of(hass, sim, "sensor", sim.device("fcu", 1), WAITING)
    er.async_get(hass).async_update_entity(unwanted, disabled_by=person)
    change(hass, entry, policy=QUEUE)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert waiting(hass, sim).state == "0"
    assert disabler(hass, sim, "sensor", WAITING, 1) is person
    assert disabler(hass, sim, "button", CANCEL) is not None
    # Home Assistant reloads what has new entities; that changes nothing more.
    await poll(hass, 40)
    assert waiting(hass, sim).state == "0"
    change(hass, entry, policy={**QUEUE, "when_offline": "fail"})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert waiting(hass, sim).state == "0", "what is shown is not taken away"


async def test_controls_go(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that loses its controls loses what goes with them, and nothing else."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], policy=QUEUE),
        device_subentry(sim.device("light"), controls=["switch"]),
    )
    await set_up(hass, entry)
    product = next(
        subentry
        for subentry in entry.subentries.values()
        if subentry.subentry_type == "product"
    )

    def left() -> set[str]:
        """Return the tails of the unique ids of the unit, the lamp and the account."""
        assets = [sim.device(kind).asset_id for kind in ("fcu", "light")]
        return {
            entity.unique_id.removeprefix(sim.org_id)
            .replace(assets[0], "fcu")
            .replace(assets[1], "light")
            for entity in er.async_entries_for_config_entry(
                er.async_get(hass), entry.entry_id
            )
            if any(asset in entity.unique_id for asset in assets)
            or entity.unique_id.startswith(f"{sim.org_id}#")
        }

    before = left()
    assert {"_fcu#waiting_commands", "_fcu#cancel_waiting_commands"} < before
    hass.config_entries.async_update_subentry(
        entry,
        product,
        data={**product.data, "controls": [], "sensors": ["power"]},
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass, 62)
    assert before - left() == {"_fcu#waiting_commands", "_fcu#cancel_waiting_commands"}
    assert {"#command", "#allow_control", "_light#waiting_commands"} < left()
    assert registered(hass, sim, "binary_sensor", "_power") is not None
