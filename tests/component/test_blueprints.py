"""The blueprints: loaded by Home Assistant's own automations, with commands that really fail."""

from collections.abc import Mapping
from pathlib import Path
import shutil
from typing import Any

from homeassistant.components.automation.const import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import DOMAIN
from simulator import Simulator

from .common import entry_for, poll, poll_devices, product_subentry, set_up
from .writing import fcu_control, set_up_fcus, sets, until

FOLDER = Path(__file__).parents[2] / "blueprints" / "automation" / "enos"
README = Path(__file__).parents[2] / "README.md"
FAILED, EXPIRED = "notify_failed_command.yaml", "queued_command_expired.yaml"
EXPIRED_IN_ENOS = 3
QUEUE = {"policy": {"timeout": 30, "when_offline": "queue", "queue_minutes": 1}}
"""The policy of a product whose commands wait for a minute."""

_TELL = [{"event": "told", "event_data": {"message": "{{ message }}"}}]


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Return a configuration folder with the blueprints, as an import leaves it."""
    folder = Path(hass_tmp_config_dir) / "blueprints" / "automation" / "enos"
    shutil.copytree(FOLDER, folder)
    return hass_tmp_config_dir


@pytest.fixture
def told(hass: HomeAssistant) -> list[Any]:
    """Return the events by which the automations of these tests speak."""
    return async_capture_events(hass, "told")


async def automate(
    hass: HomeAssistant, blueprint: str, inputs: Mapping[str, Any]
) -> None:
    """Make an automation of a blueprint, and see that Home Assistant accepts it."""
    config = {
        AUTOMATION_DOMAIN: {
            "alias": "Of a blueprint",
            "use_blueprint": {"path": f"enos/{blueprint}", "input": dict(inputs)},
        }
    }
    assert await async_setup_component(hass, AUTOMATION_DOMAIN, config)
    state = hass.states.get("automation.of_a_blueprint")
    assert state is not None and state.state == "on"


async def expire(hass: HomeAssistant, sim: Simulator, seconds: float = 61) -> None:
    """Let what is queued expire, and what follows from it happen."""
    sim.jump(seconds)
    await poll(hass, seconds + 10)


def texts(told: list[Any]) -> list[str]:
    """Return what was told."""
    return [event.data["message"] for event in told]


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_are_blueprints(path: Path) -> None:
    """Home Assistant's schema takes each file, inputs are described, the README imports it."""
    data = yaml_util.load_yaml_dict(path)
    blueprint = Blueprint(
        data, path=path.name, expected_domain=AUTOMATION_DOMAIN, schema=BLUEPRINT_SCHEMA
    )
    assert blueprint.validate() is None
    for name, given in blueprint.inputs.items():
        assert given["name"] and given["description"], name
        assert "selector" in given, name
        # Everything works as it comes.
        assert "default" in given, name
    url = blueprint.metadata["source_url"]
    assert url.endswith(f"/blueprints/automation/enos/{path.name}")
    assert url.split("://")[1].replace("/", "%2F") in README.read_text(encoding="utf-8")


async def test_failed_is_told(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """A command that an offline device did not get is told with name, value and reason."""
    await set_up_fcus(hass, sim)
    await automate(hass, FAILED, {"notification": _TELL})
    control = fcu_control(hass, sim)
    await control.write(20)
    control.device.status = "offline"
    await control.refuse(21)
    await hass.async_block_till_done()

    [text] = texts(told)
    name = control.full_state.name
    assert text.startswith(f"{name}: 21.0 °C – the device is offline")


async def test_failed_without_inputs(hass: HomeAssistant, sim: Simulator) -> None:
    """As it comes, the blueprint makes a notification in Home Assistant."""
    await async_setup_component(hass, "persistent_notification", {})
    await set_up_fcus(hass, sim)
    await automate(hass, FAILED, {})
    calls = async_capture_events(hass, "call_service")
    control = fcu_control(hass, sim, "power")
    control.device.status = "offline"
    await control.refuse(True)
    await hass.async_block_till_done()

    [message] = [
        call.data["service_data"]["message"]
        for call in calls
        if call.data["domain"] == "persistent_notification"
    ]
    assert ": on – the device is offline" in message


async def test_failed_of_users_unit(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """A value is told in the unit that the user sees."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    await automate(hass, FAILED, {"notification": _TELL})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.refuse(70.7)
    await hass.async_block_till_done()
    [text] = texts(told)
    assert ": 70.7 °F – " in text


async def test_failed_of_a_filter(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """Only the devices and entities that were chosen are told."""
    await set_up_fcus(hass, sim)
    east, west = fcu_control(hass, sim), fcu_control(hass, sim, index=1)
    power = fcu_control(hass, sim, "power")
    entity = er.async_get(hass).async_get(west.entity_id)
    await automate(
        hass,
        FAILED,
        {
            "devices": [entity.device_id],
            "entities": [power.entity_id],
            "notification": _TELL,
        },
    )
    east.device.status = west.device.status = "offline"
    await east.refuse(21)
    await hass.async_block_till_done()
    assert texts(told) == []
    await west.refuse(22)
    await power.refuse(True)
    await hass.async_block_till_done()
    first, second = texts(told)
    assert first.startswith(f"{west.full_state.name}: 22.0 °C")
    assert second.startswith(f"{power.full_state.name}: on")


async def test_waiting_is_not_failed_but_expiry_is(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """What waits in EnOS, or was replaced by a newer command, is not told; what expires is."""
    await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, FAILED, {"notification": _TELL})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    await control.write(22)
    await hass.async_block_till_done()
    assert texts(told) == []
    await expire(hass, sim)
    [text] = texts(told)
    assert text.startswith(
        f"{control.full_state.name}: 22.0 °C – the device did not come back in time"
    )


async def test_unclear_is_not_failed(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """While nobody knows what became of a command nothing is told, nor when all was well."""
    await set_up_fcus(hass, sim)
    await automate(hass, FAILED, {"notification": _TELL})
    control = fcu_control(hass, sim)
    sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    await control.refuse(21)
    await hass.async_block_till_done()
    assert texts(told) == []
    await poll_devices(hass)
    assert control.state == "21.0"
    assert texts(told) == []


async def test_failed_ignored(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """An outcome can be left out."""
    await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, FAILED, {"notification": _TELL, "ignored": ["expired"]})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    await expire(hass, sim)
    assert texts(told) == []


async def test_expired_is_told(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """A queued command that expired is told; nothing is sent unless that was asked for."""
    await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, EXPIRED, {"alert": _TELL})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    await hass.async_block_till_done()
    assert texts(told) == []
    before = len(control.sent)
    await expire(hass, sim)
    assert texts(told) == [
        f"{control.full_state.name}: 21.0 °C expired, the device did not come back in time."
    ]
    assert len(control.sent) == before


@pytest.mark.parametrize("point", ["temp_setpoint", "mode", "power"])
async def test_expired_is_sent_again(
    hass: HomeAssistant, sim: Simulator, told: list[Any], point: str
) -> None:
    """The same value is queued again, for an hour at least, and reaches the device."""
    await set_up_fcus(hass, sim, **QUEUE)
    # Less than an hour is not what the form offers, but YAML can have it.
    await automate(
        hass, EXPIRED, {"alert": _TELL, "send_again": True, "keep_minutes": 1}
    )
    control = fcu_control(hass, sim, point)
    value = {
        "temp_setpoint": 21,
        "power": control.state != "on",
        "mode": control.full_state.attributes.get("options", [""])[-1],
    }[point]
    control.device.status = "offline"
    await control.write(value)
    first = control.sent[-1].body
    await expire(hass, sim)
    [text] = texts(told)
    assert text.endswith("It was queued again.")
    again = control.sent[-1].body
    assert again["value"] == first["value"]
    assert type(again["value"]) is type(first["value"])
    assert control.sent[-1].query["pendingTtl"] == "3600"

    # It does not run away: nothing more within the hour.
    sent = len(control.sent)
    await expire(hass, sim, 600)
    assert len(control.sent) == sent
    control.device.status = "online"
    await until(lambda: control.written, "the delivery")
    assert control.written == [first["value"]]


async def test_expired_is_sent_again_once_an_hour(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """A device that stays away gets its command once an hour, and each time it is told."""
    await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, EXPIRED, {"alert": _TELL, "send_again": True})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    queued = len(control.sent)
    await expire(hass, sim)
    assert (len(control.sent), len(told)) == (queued + 1, 1)
    await expire(hass, sim, 3601)
    assert (len(control.sent), len(told)) == (queued + 2, 2)


async def test_expired_cannot_be_sent_again(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """Where sending again fails the alert comes all the same, and says no more."""
    entry = await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, EXPIRED, {"alert": _TELL, "send_again": True})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    tried = sim.faults.add("rate_limit", action="setMeasurepoint")
    await expire(hass, sim)
    [text] = texts(told)
    assert text.endswith("did not come back in time.")
    assert tried.hits == 1
    assert entry.runtime_data.commands.open == []


async def test_expired_only_if(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """Conditions decide whether it is sent again; it is told in any case."""
    hass.states.async_set("input_boolean.season", "off")
    await set_up_fcus(hass, sim, **QUEUE)
    season = {
        "condition": "state",
        "entity_id": "input_boolean.season",
        "state": "on",
    }
    await automate(
        hass, EXPIRED, {"alert": _TELL, "send_again": True, "only_if": [season]}
    )
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    before = len(control.sent)
    await expire(hass, sim)
    [text] = texts(told)
    assert text.endswith("did not come back in time.")
    assert len(control.sent) == before


async def test_expired_is_not_sent_over_a_newer_one(
    hass: HomeAssistant, sim: Simulator, told: list[Any]
) -> None:
    """What somebody wrote since then is not undone."""
    await set_up_fcus(hass, sim, **QUEUE)
    await automate(hass, EXPIRED, {"alert": _TELL, "send_again": True})
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    sim.jump(61)
    await until(lambda: sim.commands[-1].state == EXPIRED_IN_ENOS, "the expiry")
    # Home Assistant has not heard of it yet.
    await control.write(23)
    before = len(control.sent)
    await until(lambda: told, "the alert")
    await hass.async_block_till_done()
    assert len(control.sent) == before
    [text] = texts(told)
    assert text.endswith(" 21.0 expired, the device did not come back in time.")


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ("operator_note", "007"),
        ("operator_note", "{{ 'braces' }}"),
        ("damper", {"position": 40.0, "forced": True}),
    ],
)
async def test_expired_is_sent_again_as_it_was(
    hass: HomeAssistant, sim: Simulator, told: list[Any], point: str, value: Any
) -> None:
    """A text that looks like a number stays a text, an object an object."""
    entry = entry_for(
        sim, product_subentry(sim, "ahu", controls=["supply_temp_setpoint"])
    )
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, options={"write_any_point": True})
    await hass.async_block_till_done(wait_background_tasks=True)
    await automate(hass, EXPIRED, {"alert": _TELL, "send_again": True})
    device = sim.device("ahu")
    device.status = "offline"
    registered = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{device.asset_id}"), entry.entry_id
    )
    await hass.services.async_call(
        DOMAIN,
        "set_measurepoint",
        {
            "device_id": registered.id,
            "measurepoint_id": point,
            "value": value,
            "pending_ttl": 60,
        },
        blocking=True,
    )
    await expire(hass, sim)
    [text] = texts(told)
    assert text.startswith(f"{registered.name} {point}: ")
    assert text.endswith("It was queued again.")
    first, again = [request.body["value"] for request in sets(sim)]
    assert again == first == value
