"""The action `enos.set_measurepoint`: to whom a value goes, and what its caller hears."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er, selector
from homeassistant.helpers.service import async_get_all_descriptions
import probatio
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)

from custom_components.enos.const import DOMAIN, EVENT_COMMAND
from simulator import Simulator

from .actions import act, allow_any_point, device_id_of, do, refused, set_up_any
from .common import entity_id_of, entry_for, product_subentry, set_up
from .writing import fcu_control, set_up_fcus, sets, until

SET = "set_measurepoint"


async def test_described(hass: HomeAssistant, sim: Simulator) -> None:
    """Each action has fields with selectors that Home Assistant knows, and a response."""
    await set_up_fcus(hass, sim)
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    assert {name: each["response"] for name, each in described.items()} == {
        "cancel_command": {"optional": True},
        "get_command": {"optional": False},
        "get_measurepoints": {"optional": False},
        "invoke_service": {"optional": True},
        "set_measurepoint": {"optional": True},
    }
    for each in described.values():
        assert each["fields"]
        for field in each["fields"].values():
            selector.validate_selector(field["selector"])


async def test_entities_and_points(hass: HomeAssistant, sim: Simulator) -> None:
    """A value goes once to each point that is named, be it by entity or by identifier."""
    await set_up_fcus(hass, sim)
    first, second = (fcu_control(hass, sim, index=index) for index in (0, 1))
    context = Context()
    events = async_capture_events(hass, EVENT_COMMAND)
    devices = [device_id_of(hass, sim, each.device) for each in (first, second)]
    found = await act(
        hass,
        SET,
        context,
        entity_id=first.entity_id,
        device_id=devices,
        measurepoint_id="temp_setpoint",
        value=19.5,
    )
    assert first.written == second.written == [19.5]
    assert first.state == second.state == "19.5"
    commands = found["commands"]
    assert commands == [event.data for event in events]
    assert [each["device_id"] for each in commands] == devices
    assert [each["entity_id"] for each in commands] == [
        first.entity_id,
        second.entity_id,
    ]
    for command, control, event in zip(commands, (first, second), events, strict=True):
        assert command["asset_id"] == control.device.asset_id
        assert command["measurepoint_id"] == "temp_setpoint"
        assert command["outcome"] == "succeeded"
        assert command["command_id"] and command["message"] == ""
        assert event.context is context
        assert control.full_state.context is context
    assert sim.rejections == []


async def test_several_points(hass: HomeAssistant, sim: Simulator) -> None:
    """Several points of several devices are written side by side."""
    await set_up_fcus(hass, sim)
    controls = [
        fcu_control(hass, sim, point, index)
        for index in (0, 1)
        for point in ("power", "mode")
    ]
    for control in controls:
        control.device.behaviour.reply_delay = 0
    await do(
        hass,
        SET,
        device_id=[
            device_id_of(hass, sim, sim.device("fcu", index)) for index in (0, 1)
        ],
        measurepoint_id=["power", "mode"],
        value=1,
    )
    # BOOL in the form of EnOS, ENUM by its code.
    assert [control.written for control in controls] == [[True], [1], [True], [1]]


@pytest.mark.parametrize("response", [True, False])
async def test_one_of_several_is_offline(
    hass: HomeAssistant, sim: Simulator, response: bool
) -> None:
    """The good ones are carried out, whatever becomes of the others."""
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, index=index) for index in range(3)]
    controls[1].device.status = "offline"
    target: dict[str, Any] = {
        "entity_id": [control.entity_id for control in controls],
        "value": 19,
    }
    if response:
        commands = (await act(hass, SET, **target))["commands"]
        assert [each["outcome"] for each in commands] == [
            "succeeded",
            "device_offline",
            "succeeded",
        ]
        assert commands[1]["code"] == 11900
        assert commands[1]["message"]
    else:
        err = await refused(hass, SET, **target)
        assert err.translation_key == "device_offline"
        assert err.translation_placeholders is not None
        assert err.translation_placeholders["device"] == "FCU 3F West"
        assert err.translation_placeholders["value"] == "19 °C"
    assert [control.written for control in controls] == [[19.0], [], [19.0]]


@pytest.mark.parametrize(
    ("language", "reasons"),
    [
        ("en", ["the device is offline", "the application lacks the right"]),
        ("zh-Hans", ["设备离线", "应用缺少权限"]),
    ],
)
async def test_several_fail(
    hass: HomeAssistant, sim: Simulator, language: str, reasons: list[str]
) -> None:
    """One error names device, point and reason of each, in Home Assistant's language."""
    hass.config.language = language
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, index=index) for index in range(3)]
    controls[0].device.status = "offline"
    sim.forbidden_assets.add(controls[2].device.asset_id)
    target: dict[str, Any] = {
        "entity_id": [control.entity_id for control in controls],
        "value": 19,
    }
    err = await refused(hass, SET, **target)
    assert not isinstance(err, ServiceValidationError)
    assert err.translation_key == "several_failed"
    given: Mapping[str, str] = err.translation_placeholders or {}
    assert (given["failed"], given["total"]) == ("2", "3")
    # Home Assistant's own log is English.
    assert str(err).startswith("2 of 3 commands were not carried out:")
    lines = given["reasons"].splitlines()
    for line, control, reason in zip(
        lines, (controls[0], controls[2]), reasons, strict=True
    ):
        shown = control.full_state.attributes["friendly_name"].split(" ")
        assert all(word in line for word in shown)
        assert reason in line
    assert controls[1].written == [19.0]

    # The same in a response, where EnOS itself gave no reason.
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": "switch.enos_" + sim.org_id + "_allow_control"},
        blocking=True,
    )
    for command in (await act(hass, SET, **target))["commands"]:
        assert command["outcome"] == "locked"
        assert command["message"]
    err = await refused(hass, SET, **target)
    assert err.translation_key == "several_failed"
    assert len(sets(sim)) == 3


async def test_bad_values_of_several(hass: HomeAssistant, sim: Simulator) -> None:
    """Only where every value is wrong it is the caller who is to blame."""
    await set_up_fcus(hass, sim)
    entities = [fcu_control(hass, sim, index=index).entity_id for index in (0, 1)]
    err = await refused(hass, SET, entity_id=entities, value=99)
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "several_failed"
    mode = fcu_control(hass, sim, "mode")
    # 2 is a code of the mode, and far too cold a setpoint.
    err = await refused(hass, SET, entity_id=[entities[0], mode.entity_id], value=2)
    assert err.translation_key == "out_of_range"
    assert mode.written == [2]
    assert len(sets(sim)) == 1


@pytest.mark.parametrize(
    "ttl", [900, "00:15:00", {"minutes": 15}], ids=["seconds", "text", "selector"]
)
async def test_queued(hass: HomeAssistant, sim: Simulator, ttl: Any) -> None:
    """A call may have EnOS keep the command, whatever the device's policy says."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    found = await act(
        hass, SET, entity_id=control.entity_id, value=19, pending_ttl=ttl, timeout=7
    )
    (command,) = found["commands"]
    assert command["outcome"] == "queued" and not command["final"]
    assert command["mode"] == "cached" and command["expires"]
    (request,) = sets(sim)
    assert (request.query["pendingTtl"], request.query["timeout"]) == ("900", "7")
    # A queued command is no failure.
    await do(hass, SET, entity_id=control.entity_id, value=20, pending_ttl=ttl)


async def test_not_queued(hass: HomeAssistant, sim: Simulator) -> None:
    """Nor need it queue where the policy says so; without a word the policy counts."""
    policy = {"timeout": 12, "when_offline": "queue", "queue_minutes": 10}
    await set_up_fcus(hass, sim, policy=policy)
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    target: dict[str, Any] = {"entity_id": control.entity_id, "value": 19}
    err = await refused(hass, SET, **target, pending_ttl=0)
    assert err.translation_key == "device_offline"
    (command,) = (await act(hass, SET, **target))["commands"]
    assert command["outcome"] == "queued"
    assert [request.query["pendingTtl"] for request in sets(sim)] == ["0", "600"]
    assert {request.query["timeout"] for request in sets(sim)} == {"12"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"pending_ttl": 172801},
        {"pending_ttl": {"days": 2, "seconds": 1}},
        {"pending_ttl": -1},
        {"timeout": 0},
        {"timeout": 61},
        {"entity_id": "setpoint"},
        {"device_id": "x"},
        {"measurepoint_id": "x"},
        {"device_id": "x", "measurepoint_id": []},
        {"area_id": "x"},
    ],
)
async def test_wrong_fields(
    hass: HomeAssistant, sim: Simulator, wrong: dict[str, Any]
) -> None:
    """Fields that make no sense are refused before anything is looked at."""
    await set_up_fcus(hass, sim)
    target: dict[str, Any] = {
        "entity_id": fcu_control(hass, sim).entity_id,
        "value": 19,
    }
    with pytest.raises(probatio.Invalid):
        await do(hass, SET, **{**target, **wrong})
    with pytest.raises(probatio.Invalid):
        await do(hass, SET, value=19)
    assert sets(sim) == []


async def test_not_chosen(hass: HomeAssistant, sim: Simulator) -> None:
    """Only controls are written; any point only where the account's option says so."""
    entry = entry_for(
        sim, product_subentry(sim, "ahu", controls=["fan_enable", "damper"])
    )
    await set_up(hass, entry)
    device = sim.device("ahu")
    device_id = device_id_of(hass, sim, device)
    point: dict[str, Any] = {"device_id": device_id, "measurepoint_id": "fan_frequency"}
    for response in (False, True):
        err = await refused(hass, SET, response=response, **point, value=33)
        assert isinstance(err, ServiceValidationError)
        assert err.translation_key == "not_chosen"
        assert err.translation_placeholders == {
            "device": "AHU 1F",
            "point": "Fan frequency setpoint",
        }
    # One wrong point, and nothing is sent at all.
    points = ["fan_enable", "fan_frequency"]
    err = await refused(hass, SET, device_id=device_id, measurepoint_id=points, value=1)
    assert err.translation_key == "not_chosen"
    assert sets(sim) == []

    # A chosen one that cannot be an entity.
    damper = {"position": 40.0, "forced": False}
    target: dict[str, Any] = {
        "device_id": device_id,
        "measurepoint_id": "damper",
        "value": damper,
    }
    await do(hass, SET, **target)
    assert sim.writes == [(device.asset_id, "damper", damper)]

    assert await hass.config_entries.async_remove(entry.entry_id)
    again = entry_for(sim, product_subentry(sim, "ahu"))
    await allow_any_point(hass, again)
    point["device_id"] = device_id_of(hass, sim, device)
    await do(hass, SET, **point, value=33)
    assert sim.writes[-1] == (device.asset_id, "fan_frequency", 33.0)


async def test_unknown_point(hass: HomeAssistant, sim: Simulator) -> None:
    """A mistyped identifier is refused, with the option as well."""
    await set_up_any(hass, sim, "ahu")
    device_id = device_id_of(hass, sim, sim.device("ahu"))
    err = await refused(
        hass, SET, device_id=device_id, measurepoint_id="Fan_frequency", value=33
    )
    assert isinstance(err, ServiceValidationError)
    assert err.translation_key == "unknown_point"
    assert err.translation_placeholders == {
        "device": "AHU 1F",
        "point": "Fan_frequency",
    }
    assert sets(sim) == []


async def test_wrong_targets(hass: HomeAssistant, sim: Simulator) -> None:
    """What is no control or no device of ours is named, with what to do instead."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    other = MockConfigEntry(domain="test")
    other.add_to_hass(hass)
    foreign = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("test", "1")}, name="Lamp"
    )
    lamp = er.async_get(hass).async_get_or_create("number", "test", "1")
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    account = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, sim.org_id), entry.entry_id
    )
    assert account is not None
    fcu = sim.device("fcu")
    good = fcu_control(hass, sim).entity_id
    for target, key in (
        ({"entity_id": [good, "number.nobody"]}, "unknown_entity"),
        ({"entity_id": [good, lamp.entity_id]}, "foreign_entity"),
        (
            {"entity_id": entity_id_of(hass, sim, "sensor", fcu, "room_temp")},
            "no_control",
        ),
        (
            {
                "entity_id": entity_id_of(
                    hass, sim, "binary_sensor", fcu, "#connectivity"
                )
            },
            "no_control",
        ),
        (
            {"entity_id": "switch.enos_" + sim.org_id + "_allow_control"},
            "no_control",
        ),
        ({"device_id": "0123", "measurepoint_id": "power"}, "unknown_device"),
        ({"device_id": foreign.id, "measurepoint_id": "power"}, "foreign_device"),
        ({"device_id": account.id, "measurepoint_id": "power"}, "foreign_device"),
    ):
        err = await refused(hass, SET, **target, value=19)
        assert isinstance(err, ServiceValidationError)
        assert err.translation_key == key
    assert sets(sim) == []


async def test_not_loaded(hass: HomeAssistant, sim: Simulator) -> None:
    """The actions stay, and say that the account is not loaded."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    device_id = device_id_of(hass, sim, control.device)
    assert await hass.config_entries.async_unload(entry.entry_id)
    device = {"device_id": device_id}
    for name, data in (
        (SET, {"entity_id": control.entity_id, "value": 19}),
        (SET, {**device, "measurepoint_id": "power", "value": 1}),
        ("invoke_service", {**device, "service_id": "reset"}),
        ("cancel_command", device),
        ("get_measurepoints", device),
        ("get_command", {**device, "command_id": "1"}),
    ):
        err = await refused(hass, name, response=True, **data)
        assert isinstance(err, ServiceValidationError)
        assert err.translation_key == "account_not_loaded"
        assert err.translation_placeholders == {
            "device": "FCU 3F East",
            "account": entry.title,
        }
    assert sets(sim) == []


async def test_device_gone(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that EnOS does not list for the account is not written to."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    target: dict[str, Any] = {"entity_id": control.entity_id, "value": 19}
    device_id = device_id_of(hass, sim, control.device)
    del entry.runtime_data.coordinator.devices[control.device.asset_id]
    (command,) = (await act(hass, SET, **target))["commands"]
    assert command["outcome"] == "rejected"
    err = await refused(hass, SET, **target)
    assert err.translation_key == "device_gone"
    assert sets(sim) == []
    for more in ({}, {"measurepoint_id": "power"}):
        err = await refused(
            hass, "get_measurepoints", response=True, device_id=device_id, **more
        )
        assert err.translation_key == "device_not_in_enos"


async def test_for_administrators(
    hass: HomeAssistant, sim: Simulator, hass_read_only_user: MockUser
) -> None:
    """What writes is refused to other users; what reads is not."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    device_id = device_id_of(hass, sim, control.device)
    context = Context(user_id=hass_read_only_user.id)
    for name, data in (
        (SET, {"entity_id": control.entity_id, "value": 19}),
        ("invoke_service", {"device_id": device_id, "service_id": "reset"}),
        ("cancel_command", {"device_id": device_id}),
    ):
        with pytest.raises(Unauthorized):
            await do(hass, name, context, **data)
    assert sim.commands == []
    found = await act(
        hass,
        "get_measurepoints",
        context,
        device_id=device_id,
        measurepoint_id="temp_setpoint",
    )
    assert found["measurepoints"][0]["value"] == 24.0
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "get_command", context, device_id=device_id, command_id="1")
    assert caught.value.translation_key == "unknown_command"


async def test_caller_goes_away(hass: HomeAssistant, sim: Simulator) -> None:
    """A command on its way goes on when its automation is restarted."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 0.2
    task = hass.async_create_task(do(hass, SET, entity_id=control.entity_id, value=19))
    await until(lambda: sets(sim))
    task.cancel()
    await until(lambda: control.written)
    await until(lambda: control.state == "19.0")
