"""Of an account: an event for each command, and the lock on writing."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import EVENT_STATE_CHANGED, EntityCategory
from homeassistant.core import Context, Event, HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
    async_mock_service,
)

from custom_components.enos import async_remove_config_entry_device
from custom_components.enos.const import DOMAIN
from custom_components.enos.records import OUTCOMES
from simulator import Simulator

from .common import device_subentry, entry_for, poll, set_up
from .queueing import world_of
from .reading import device_entry_of, devices_of
from .texts import ENGLISH, LANGUAGES, load
from .writing import Control, fcu_control, quiet, set_up_fcus, sets


def entity_id(hass: HomeAssistant, sim: Simulator, domain: str, key: str) -> str:
    """Return the entity id of an entity of the account."""
    found = er.async_get(hass).async_get_entity_id(
        domain, DOMAIN, f"{sim.org_id}#{key}"
    )
    assert found is not None
    return found


def event_state(hass: HomeAssistant, sim: Simulator) -> State:
    """Return the state of the event entity."""
    state = hass.states.get(entity_id(hass, sim, "event", "command"))
    assert state is not None
    return state


def account_device(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry
) -> dr.DeviceEntry:
    """Return the account's own device."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, sim.org_id), entry.entry_id
    )
    assert device is not None
    return device


async def allow(hass: HomeAssistant, sim: Simulator, allowed: bool) -> None:
    """Flip the switch "Allow control"."""
    await hass.services.async_call(
        "switch",
        "turn_on" if allowed else "turn_off",
        {"entity_id": entity_id(hass, sim, "switch", "allow_control")},
        blocking=True,
    )


def lock_state(hass: HomeAssistant, sim: Simulator) -> str:
    """Return the state of that switch."""
    state = hass.states.get(entity_id(hass, sim, "switch", "allow_control"))
    assert state is not None
    return state.state


# The account's own device.


async def test_account_is_a_service(hass: HomeAssistant, sim: Simulator) -> None:
    """One device of the account, without a subentry, that stays as long as the account."""
    entry = await set_up_fcus(hass, sim)
    account = account_device(hass, sim, entry)
    assert account.entry_type is dr.DeviceEntryType.SERVICE
    assert (account.name, account.manufacturer) == (entry.title, "Envision")
    assert account.config_subentry_id is None
    entities = er.async_entries_for_device(er.async_get(hass), account.id)
    assert {entity.unique_id for entity in entities} == {
        f"{sim.org_id}#command",
        f"{sim.org_id}#allow_control",
    }
    assert all(entity.config_subentry_id is None for entity in entities)
    assert all(entity.disabled_by is None for entity in entities)
    lock = er.async_get(hass).async_get(entity_id(hass, sim, "switch", "allow_control"))
    assert lock is not None
    assert lock.entity_category is EntityCategory.CONFIG


async def test_account_cannot_be_deleted(hass: HomeAssistant, sim: Simulator) -> None:
    """Neither by a person nor by anything that tidies; one gone for good can."""
    entry = await set_up_fcus(hass, sim)
    device = sim.device("fcu")
    asked = dr.async_get(hass)
    account = account_device(hass, sim, entry)
    held = device_entry_of(hass, sim, device, entry)
    assert held is not None
    assert not await async_remove_config_entry_device(hass, entry, account)
    assert not await async_remove_config_entry_device(hass, entry, held)
    stale = asked.async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, f"{sim.org_id}_gone")}
    )
    assert await async_remove_config_entry_device(hass, entry, stale)
    for subentry_id in list(entry.subentries):
        hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass, 62)
    assert account_device(hass, sim, entry).id == account.id
    assert lock_state(hass, sim) == "on"
    assert not any("assetId=&" in request.path for request in sim.requests)


async def test_account_is_not_asked_for(hass: HomeAssistant, sim: Simulator) -> None:
    """The account's device is none that EnOS would know."""
    entry = await set_up_fcus(hass, sim)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data[DOMAIN].clear()
    sim.requests.clear()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(devices_of(hass, entry)) == 5
    assert not [
        request
        for request in sim.requests
        if request.path.endswith("/devices") and request.action == "get"
    ]


# The event.


async def test_event(
    hass: HomeAssistant, sim: Simulator, hass_admin_user: MockUser
) -> None:
    """Its type is the outcome, its attributes say what and whose, its context who."""
    entry = await set_up_fcus(hass, sim)
    assert event_state(hass, sim).state == "unknown"
    assert event_state(hass, sim).attributes["event_types"] == list(OUTCOMES)
    control = fcu_control(hass, sim)
    person = Context(user_id=hass_admin_user.id)
    await control.write(21.5, person)
    state = event_state(hass, sim)
    device = device_entry_of(hass, sim, control.device, entry)
    assert device is not None
    attributes = dict(state.attributes)
    for common in ("event_types", "friendly_name", "icon"):
        attributes.pop(common, None)
    (record,) = entry.runtime_data.commands.journal.records
    assert attributes == {
        "event_type": "succeeded",
        "device": device.name,
        "point": "Temperature setpoint",
        "command": record.id,
        "device_id": device.id,
        "entity_id": control.entity_id,
        "asset_id": control.device.asset_id,
        "measurepoint_id": "temp_setpoint",
        "service_id": None,
        "value_before": 24.0,
        "value": 21.5,
        "mode": "instant",
        "command_id": sim.commands[0].command_id,
        "final": True,
        "code": None,
        "message": "",
        "duration": record.duration,
        "expires": None,
        "replaced_by": None,
    }
    assert state.context.user_id == hass_admin_user.id
    assert state.context.id == person.id

    control.device.status = "offline"
    await control.refuse(20.0)
    failed = event_state(hass, sim)
    assert failed.attributes["event_type"] == "device_offline"
    assert failed.attributes["code"] == 11900
    assert failed.attributes["message"]
    assert failed.state > state.state
    assert failed.context.user_id is None


async def test_event_twice_for_what_was_open(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A queued command is told when it waits and when it ended, each in the caller's name."""
    world = await world_of(hass, sim, freezer)
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    call = await world.queue(21.5)
    await world.reload()
    await world.come_back()
    told = [
        event.data["new_state"]
        for event in changes
        if event.data["entity_id"] == entity_id(hass, sim, "event", "command")
        and event.data["new_state"].context.id == call.context.id
    ]
    assert [
        (state.attributes["event_type"], state.attributes["final"]) for state in told
    ] == [("queued", False), ("succeeded", True)]
    assert told[0].attributes["expires"]
    assert told[0].attributes["mode"] == "cached"


async def test_event_of_each_of_many(hass: HomeAssistant, sim: Simulator) -> None:
    """One call that writes many entities: one event each, though one error only."""
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, "power", index) for index in range(5)]
    for control in controls[:3]:
        control.device.status = "offline"
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(
            "switch",
            "turn_off",
            {"entity_id": [control.entity_id for control in controls]},
            blocking=True,
        )
    await quiet(sim)
    told: list[Event[Any]] = [
        event
        for event in changes
        if event.data["entity_id"] == entity_id(hass, sim, "event", "command")
    ]
    states = [event.data["new_state"] for event in told]
    assert sorted(state.attributes["event_type"] for state in states) == (
        ["device_offline"] * 3 + ["succeeded"] * 2
    )
    assert {state.attributes["entity_id"] for state in states} == {
        control.entity_id for control in controls
    }
    assert len({state.state for state in states}) == 5


async def test_automation_hears_it(hass: HomeAssistant, sim: Simulator) -> None:
    """Home Assistant's own trigger for events works with it."""
    await set_up_fcus(hass, sim)
    heard = async_mock_service(hass, "test", "heard")
    event = entity_id(hass, sim, "event", "command")
    assert await async_setup_component(
        hass,
        AUTOMATION,
        {
            AUTOMATION: {
                "triggers": {
                    "trigger": "event.received",
                    "target": {"entity_id": event},
                    "options": {"event_type": ["device_offline"]},
                },
                "actions": {
                    "action": "test.heard",
                    "data": {
                        "text": "{{ trigger.to_state.attributes.device }}: "
                        "{{ trigger.to_state.attributes.value }}"
                    },
                },
            }
        },
    )
    control = fcu_control(hass, sim)
    await control.write(21.5)
    control.device.status = "offline"
    await control.refuse(20.5)
    await control.refuse(20.0)
    await hass.async_block_till_done()
    name = event_state(hass, sim).attributes["device"]
    assert [call.data["text"] for call in heard] == [f"{name}: 20.5", f"{name}: 20.0"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_outcomes_have_names(language: str) -> None:
    """Each outcome is told in words, at the event and at controls."""
    texts = load(language)["entity"]
    event = texts["event"]["command"]["state_attributes"]
    assert event["event_type"]["state"].keys() == set(OUTCOMES)
    for platform in ("number", "select", "switch"):
        attributes = texts[platform]["control"]["state_attributes"]
        outcome = attributes.pop("command_outcome")
        assert outcome["state"] == event["event_type"]["state"]
        assert outcome["name"]
        assert attributes.keys() == {
            "command_target",
            "command_expires",
            "command_id",
            "command_time",
        }
    assert load(language)["exceptions"].keys() == ENGLISH["exceptions"].keys()


# The lock.


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ("power", False),
        ("power", True),
        ("mode", "Heating"),
        ("fan_speed", "Low"),
        ("temp_setpoint", 21.5),
    ],
)
async def test_locked(
    hass: HomeAssistant, sim: Simulator, point: str, value: Any
) -> None:
    """Nothing leaves, the caller hears why, and reading goes on."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    assert lock_state(hass, sim) == "on"
    await allow(hass, sim, allowed=False)
    assert lock_state(hass, sim) == "off"
    control = fcu_control(hass, sim, point)
    before = control.state
    error = await control.refuse(value)
    assert error.translation_key == "locked"
    assert "Allow control" in str(error)
    assert sets(sim) == []
    assert control.state == before
    assert control.full_state.attributes["command_outcome"] == "locked"
    assert event_state(hass, sim).attributes["event_type"] == "locked"
    await sim.report(control.device, {"temp_setpoint": 19.0})
    await poll(hass, 31)
    assert fcu_control(hass, sim).state == "19.0"
    await allow(hass, sim, allowed=True)
    await control.write(value)
    assert len(sets(sim)) == 1


async def test_locked_while_waiting(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What waits for its turn when the lock falls is not sent; what is out goes on."""
    world = await world_of(hass, sim, freezer)
    world.device.behaviour.reply_delay = 3
    first = world.call(21.5)
    await world.settle()
    second = world.call(False, "power")
    await world.settle()
    await allow(hass, sim, allowed=False)
    await world.elapse(5)
    assert await first.error() is None
    assert await second.error() == "locked"
    assert len(sets(sim)) == 1


async def test_lock_of_a_queueing_device(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A locked write is not queued, and what was queued is withdrawn: nothing moves later."""
    world = await world_of(hass, sim, freezer)
    queued = await world.queue(21.5)
    await allow(hass, sim, allowed=False)
    assert world.outcomes(queued) == ["queued…", "cancelled"]
    assert await world.write(False, "power") == "locked"
    await world.come_back()
    assert sim.writes == []


async def test_lock_that_cannot_withdraw(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Locked all the same, and the person hears what still waits; again, and it is gone."""
    world = await world_of(hass, sim, freezer)
    queued = await world.queue(21.5)
    sim.faults.add("status", action="cancel", status=502, body="html")
    with pytest.raises(HomeAssistantError) as raised:
        await allow(hass, sim, allowed=False)
    assert raised.value.translation_key == "lock_incomplete"
    assert raised.value.translation_placeholders is not None
    assert raised.value.translation_placeholders["count"] == "1"
    assert lock_state(hass, sim) == "off"
    assert await world.write(22.5) == "locked"
    assert world.outcomes(queued) == ["queued…"]
    sim.faults.clear()
    await allow(hass, sim, allowed=False)
    assert world.outcomes(queued) == ["queued…", "cancelled"]
    await world.come_back()
    assert sim.writes == []


async def test_lock_while_something_is_queued(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What was on its way into EnOS's queue when the lock fell is withdrawn from there."""
    world = await world_of(hass, sim, freezer)
    await world.queue(21.5)
    sim.faults.add("delay", action="setMeasurepoint", seconds=3)
    late = world.call(False, "power")
    await world.settle()
    await allow(hass, sim, allowed=False)
    await world.elapse(5)
    await late.error()
    assert world.outcomes(late) == ["queued…", "cancelled"]
    await world.come_back()
    assert sim.writes == []


async def test_lock_survives(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Reload and restart keep it, and the moment it is switched it stands on disk."""
    world = await world_of(hass, sim, freezer)
    for allowed in (False, True):
        await allow(hass, sim, allowed=allowed)
        for forget in (False, True):
            await world.elapse(2)
            await world.reload(forget=forget)
            assert lock_state(hass, sim) == ("on" if allowed else "off")
            expected = None if allowed else "locked"
            assert await world.write(21.5) == expected


async def test_lock_of_one_account(hass: HomeAssistant, sim: Simulator) -> None:
    """The lock of an account is no other's, also where all its devices are single ones."""
    async with Simulator(
        seed=2, devices=8, physics=False, org_id="o20000000000001"
    ) as other:
        await set_up_fcus(hass, sim)
        more: ConfigSubentryData = device_subentry(
            other.device("light"), controls=["switch"]
        )
        await set_up(hass, entry_for(other, more))
        await allow(hass, sim, allowed=False)
        assert (lock_state(hass, sim), lock_state(hass, other)) == ("off", "on")
        lamp = Control(hass, other, "switch", other.device("light"), "switch")
        await lamp.write(lamp.state == "off")
        assert len(lamp.sent) == 1
        assert event_state(hass, other).attributes["event_type"] == "succeeded"
        assert event_state(hass, sim).state == "unknown"
