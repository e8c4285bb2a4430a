"""The logbook: what it tells of commands, and whom it names."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.const import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.components.logbook.const import DOMAIN as LOGBOOK_DOMAIN
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import (
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.enos.const import DOMAIN
from custom_components.enos.records import OUTCOMES
from simulator import Simulator

from .common import poll, poll_devices
from .texts import ENGLISH
from .writing import fcu_control, set_up_fcus, until

QUEUE = {"policy": {"timeout": 30, "when_offline": "queue", "queue_minutes": 1}}


@pytest.fixture
def mock_recorder_before_hass(
    async_test_recorder: Callable[..., Any],
) -> None:
    """Have the recorder made ready before Home Assistant is, and not tell each query."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


@pytest.fixture(autouse=True)
async def logbook(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Set up a logbook with a real recorder."""
    assert await async_setup_component(hass, LOGBOOK_DOMAIN, {})
    # A test's server takes no view once it runs; Home Assistant's own does.
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


@pytest.fixture
async def websocket(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> MockHAClientWebSocket:
    """Return a connection as a browser has it."""
    return await hass_ws_client(hass)


async def shown(
    hass: HomeAssistant, websocket: MockHAClientWebSocket, **which: Any
) -> list[dict[str, Any]]:
    """Return what the logbook shows, oldest first; of all or of some entities or devices."""
    await async_wait_recording_done(hass)
    await websocket.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": (dt_util.utcnow() - timedelta(hours=1)).isoformat(),
            # With a clock that stands still now is too early.
            "end_time": (dt_util.utcnow() + timedelta(hours=1)).isoformat(),
            **which,
        }
    )
    answer = await websocket.receive_json()
    assert answer["success"]
    entries: list[dict[str, Any]] = answer["result"]
    return entries


async def lines(
    hass: HomeAssistant, websocket: MockHAClientWebSocket, **which: Any
) -> list[dict[str, Any]]:
    """Return what the logbook shows of commands."""
    entries = await shown(hass, websocket, **which)
    return [entry for entry in entries if entry.get("domain") == DOMAIN]


async def messages(hass: HomeAssistant, websocket: MockHAClientWebSocket) -> list[str]:
    """Return the texts of what the logbook shows of commands."""
    return [entry["message"] for entry in await lines(hass, websocket)]


async def test_failure_with_user(
    hass: HomeAssistant,
    sim: Simulator,
    websocket: MockHAClientWebSocket,
    hass_admin_user: MockUser,
) -> None:
    """A command that failed is told with point, value and reason, and who gave it."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"

    with pytest.raises(HomeAssistantError, match="offline"):
        await control.write(21, Context(user_id=hass_admin_user.id))

    [line] = await lines(hass, websocket)
    assert line["name"] == control.full_state.name
    assert line["message"] == "21 °C not accepted, device offline"
    assert line["entity_id"] == control.entity_id
    assert line["context_user_id"] == hass_admin_user.id
    assert (line["context_domain"], line["context_service"]) == ("number", "set_value")


async def test_failure_with_automation(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A command of an automation names the automation."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    assert await async_setup_component(
        hass,
        AUTOMATION_DOMAIN,
        {
            AUTOMATION_DOMAIN: {
                "alias": "Night setback",
                "triggers": {"trigger": "event", "event_type": "night"},
                "actions": {
                    "action": "number.set_value",
                    "target": {"entity_id": control.entity_id},
                    "data": {"value": 18},
                },
            }
        },
    )

    hass.bus.async_fire("night")
    await hass.async_block_till_done()

    [line] = await lines(hass, websocket)
    assert line["message"] == "18 °C not accepted, device offline"
    assert line["context_entity_id"] == "automation.night_setback"
    assert line["context_name"] == "Night setback"
    # The page of the entity tells it as well.
    [line] = await lines(hass, websocket, entity_ids=[control.entity_id])
    assert line["context_entity_id"] == "automation.night_setback"


async def test_pages_of_entity_and_device(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """The line is on the pages of its entity and its device, and on no other."""
    await set_up_fcus(hass, sim)
    control, other = fcu_control(hass, sim), fcu_control(hass, sim, "power")
    elsewhere = fcu_control(hass, sim, index=1)
    control.device.status = "offline"
    await control.refuse(21)

    registry = er.async_get(hass)
    device_ids = [
        registry.async_get(entity_id).device_id
        for entity_id in (control.entity_id, elsewhere.entity_id)
    ]
    assert await lines(hass, websocket, entity_ids=[control.entity_id])
    assert not await lines(hass, websocket, entity_ids=[other.entity_id])
    assert await lines(hass, websocket, device_ids=device_ids[:1])
    assert not await lines(hass, websocket, device_ids=device_ids[1:])


async def test_success_is_told_by_the_state(
    hass: HomeAssistant,
    sim: Simulator,
    websocket: MockHAClientWebSocket,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a value that was accepted nor one that a newer one replaced has a line."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 1
    first = control.start(20)
    await until(lambda: control.sent)
    second, third = control.start(21), control.start(22)
    await asyncio.gather(first, second, third)
    assert control.written == [20, 22]
    await hass.async_block_till_done()

    assert await lines(hass, websocket) == []
    states = await shown(hass, websocket, entity_ids=[control.entity_id])
    assert [entry["state"] for entry in states][-1] == "22.0"
    assert not [item for item in caplog.records if item.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("point", "value", "text"),
    [
        ("power", True, "On"),
        ("power", False, "Off"),
        ("mode", 1, None),
        ("temp_setpoint", 21.5, "21.5 °C"),
    ],
)
async def test_values_as_people_know_them(
    hass: HomeAssistant,
    sim: Simulator,
    websocket: MockHAClientWebSocket,
    point: str,
    value: Any,
    text: str | None,
) -> None:
    """A value is told as its control shows it, not as it goes on the wire."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    control.device.status = "offline"
    if text is None:
        value = text = control.full_state.attributes["options"][value]
    await control.refuse(value)

    assert await messages(hass, websocket) == [f"{text} not accepted, device offline"]


async def test_unit_of_the_user(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """Where Home Assistant shows another unit than the model's, so does the line."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.refuse(70.7)

    assert await messages(hass, websocket) == ["70.7 °F not accepted, device offline"]


async def test_language(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """The line is in Home Assistant's language."""
    hass.config.language = "zh-Hans"
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.refuse(21)

    assert await messages(hass, websocket) == ["21 °C 未被接受，设备离线"]


async def test_language_just_changed(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A line is not lost while the texts of a new language are being loaded."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    hass.config.language = "fr"
    await control.refuse(20.0)
    assert await messages(hass, websocket) == ["20 °C not accepted, device offline"]


async def test_names_that_people_gave(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A line is about the entity as people call it, also when it is disabled."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    registry = er.async_get(hass)
    device_id = registry.async_get(control.entity_id).device_id
    assert device_id is not None
    registry.async_update_entity(control.entity_id, name="Warmth")
    dr.async_get(hass).async_update_device(device_id, name_by_user="East office")
    await hass.async_block_till_done()
    control.device.status = "offline"
    await control.refuse(21)
    registry.async_update_entity(
        control.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    with pytest.raises(HomeAssistantError, match="offline"):
        await entry.runtime_data.commands.async_write(
            control.device.asset_id,
            control.point,
            21,
            context=None,
            names={"device": "", "point": "", "value": ""},
        )
    with pytest.raises(HomeAssistantError, match="offline"):
        await entry.runtime_data.commands.async_invoke(
            control.device.asset_id,
            "restart",
            {},
            context=None,
            names={"device": "", "point": "", "value": ""},
        )

    told = await lines(hass, websocket)
    names = [line["name"] for line in told]
    assert names[0].endswith("Warmth")
    assert names[1].startswith("East office ")
    assert names[2] == "East office"
    assert told[2]["message"] == "restart not accepted, device offline"
    assert "entity_id" not in told[2]


async def test_queued_and_expired(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A command that waits is told with its expiry, and when it expired."""
    await set_up_fcus(hass, sim, **QUEUE)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    [queued] = await messages(hass, websocket)
    until_when = dt_util.now() + timedelta(minutes=1)
    assert queued.startswith("21 °C waits for the device until ")
    moments = [until_when - timedelta(seconds=ago) for ago in (0, 30)]
    # With the day where that is another, as shortly before midnight.
    assert queued.removeprefix("21 °C waits for the device until ") in {
        f"{moment:{form}}" for moment in moments for form in ("%H:%M", "%Y-%m-%d %H:%M")
    }

    sim.jump(61)
    await poll(hass, 70)

    assert await messages(hass, websocket) == [
        queued,
        "21 °C expired, the device did not come back in time",
    ]


async def test_queued_until_another_day(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A time of another day has its day with it."""
    two_days = {"policy": {**QUEUE["policy"], "queue_minutes": 2880}}
    await set_up_fcus(hass, sim, **two_days)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    [queued] = await messages(hass, websocket)
    day = f"{dt_util.now() + timedelta(days=2):%Y-%m-%d}"
    assert queued.startswith(f"21 °C waits for the device until {day} ")


async def test_queued_and_replaced(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """What was said to wait is said to be replaced."""
    await set_up_fcus(hass, sim, **QUEUE)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    await control.write(22)
    told = await messages(hass, websocket)
    assert [line[:11] for line in told] == ["21 °C waits", "22 °C waits", "21 °C repla"]


async def test_queued_and_delivered(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A command that waited and reached its device is told."""
    await set_up_fcus(hass, sim, **QUEUE)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.write(21)
    control.device.status = "online"
    await until(lambda: control.written == [21])
    await poll_devices(hass)

    told = await messages(hass, websocket)
    assert told[1:] == ["21 °C accepted, after it had waited for the device"]


async def test_unclear_and_confirmed(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """A command that was carried out after all is told again."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    sim.faults.add("drop_after", action="setMeasurepoint", count=1)
    await control.refuse(21)
    [unclear] = await messages(hass, websocket)
    assert unclear == "21 °C perhaps accepted, EnOS gave no usable answer"
    await poll_devices(hass)

    assert await messages(hass, websocket) == [unclear, "21 °C accepted after all"]


async def test_no_reply(
    hass: HomeAssistant,
    sim: Simulator,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A device that never answered is told once more when there is no hope."""
    await set_up_fcus(hass, sim, policy={"timeout": 1})
    control = fcu_control(hass, sim)
    control.device.behaviour.silent = True
    call = control.start(21)
    await until(lambda: control.sent)
    sim.jump(2)
    with pytest.raises(HomeAssistantError):
        await call
    assert await messages(hass, await hass_ws_client(hass)) == [
        "21 °C sent, but the device did not answer in time"
    ]

    for _ in range(3):
        freezer.tick(40)
        await poll(hass, 1)
    # The first connection was given up meanwhile, for want of heartbeats.
    assert (await messages(hass, await hass_ws_client(hass)))[1:] == [
        "21 °C sent, but the device never confirmed it"
    ]


async def test_point_without_entity(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """The line of a point without an entity has its identifier; a long value is cut off."""
    entry = await set_up_fcus(hass, sim)
    device = fcu_control(hass, sim).device
    with pytest.raises(HomeAssistantError, match="notes"):
        await entry.runtime_data.commands.async_write(
            device.asset_id,
            "notes",
            "x" * 1000,
            context=None,
            names={"device": "", "point": "", "value": ""},
        )
    [line] = await lines(hass, websocket)
    assert line["name"].endswith(" notes")
    assert line["message"].startswith(f"{'x' * 100}… refused (")


async def test_reason_of_enos(
    hass: HomeAssistant, sim: Simulator, websocket: MockHAClientWebSocket
) -> None:
    """What EnOS says of a refusal is told."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    sim.rights.discard("Asset: Control")
    await control.refuse(21)
    [told] = await messages(hass, websocket)
    assert told.startswith("21 °C not accepted, permission missing (")


def test_every_outcome_has_a_line() -> None:
    """No outcome lacks its text."""
    texts = ENGLISH["exceptions"]
    for outcome in set(OUTCOMES) - {"succeeded"}:
        assert f"logbook_{outcome}" in texts, outcome
