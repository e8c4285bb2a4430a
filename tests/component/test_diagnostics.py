"""Diagnostics: what is wrong comes first, and nothing secret comes at all."""

from collections.abc import Callable
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.enos.api import auth, gateway
from custom_components.enos.diagnostics import async_get_config_entry_diagnostics
from simulator import Simulator

from .common import entry_for, product_subentry, set_up
from .writing import FCU, Control, elapse, fcu_control, quiet, set_up_fcus, sets

SENSORS = ["room_temp", "co2"]

# What is another with each run: how fast a machine is, and what is drawn by lot.
VOLATILE = {
    *("url", "entry_id", "token_age", "token_remaining", "clock_offset", "requests"),
    *("requests_today", "sample_age", "sample_time", "duration", "rounds"),
    *("at", "ended", "expires", "unclear_since", "rounds_without_answer"),
}
NAMES = {"id", "command_id", "context_id", "replaced_by"}


def normalised(found: Any, names: dict[str, str] | None = None) -> Any:
    """Return what a file holds, the same for each run; an id keeps its identity."""
    names = {} if names is None else names
    if isinstance(found, list):
        return [normalised(item, names) for item in found]
    if not isinstance(found, dict):
        return found
    return {
        key: "<volatile>"
        if key in VOLATILE and value is not None
        else names.setdefault(value, f"<{key} {len(names) + 1}>")
        if key in NAMES and value
        else normalised(value, names)
        for key, value in found.items()
    }


async def of_entry(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> dict[str, Any]:
    """Download the diagnostics of an account."""
    return dict(await get_diagnostics_for_config_entry(hass, hass_client, entry))


async def of_device(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entry: MockConfigEntry,
    control: Control,
) -> dict[str, Any]:
    """Download the diagnostics of a control's device."""
    identifier = ("enos", f"{control.sim.org_id}_{control.device.asset_id}")
    (device,) = (
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if identifier in device.identifiers
    )
    return dict(await get_diagnostics_for_device(hass, hass_client, entry, device))


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return the snapshots as Home Assistant writes them."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, sim: Simulator) -> set[str]:
    """Return what must never be seen: keys, and each token, proof and signature made."""
    found = {sim.access_key, sim.secret_key}

    def watch(function: Callable[..., str]) -> Callable[..., str]:
        def watched(*args: Any) -> str:
            result = function(*args)
            found.add(result)
            found.update(args[:1])
            return result

        return watched

    monkeypatch.setattr(auth, "encryption", watch(auth.encryption))
    monkeypatch.setattr(gateway, "signature", watch(auth.signature))
    return found


async def eventful(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Set up an account and live through writes, good and bad, and polls, good and bad."""
    entry = await set_up_fcus(hass, sim, sensors=SENSORS)
    control = fcu_control(hass, sim)
    await control.write(21.5)
    await elapse(sim, freezer, 61)
    for arrange in ({"status": 500}, {"status": 403}, {"status": 200, "body": "?"}):
        sim.faults.add("status", action="setMeasurepoint", count=1, **arrange)
        await control.refuse(22)
    for kind in ("drop", "drop_after", "cut_json", "html", "rate_limit"):
        sim.faults.add(kind, action="setMeasurepoint", count=1)
        await control.refuse(23)
    sim.faults.add("status", path="/latest", status=503)
    await sim.expire_tokens()
    await elapse(sim, freezer, 95)
    sim.faults.clear()
    sim.clock_offset = 900
    await control.refuse(23)
    sim.clock_offset = 0
    await fcu_control(hass, sim, "mode").write("Heating")
    sim.tokens.secret_key = "another"
    sim.revoke_token()
    await control.refuse(23)
    await elapse(sim, freezer, 31)
    fcu_control(hass, sim, index=1).device.status = "offline"
    return entry


async def test_entry(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """What an account's file holds: its parts, and what each says."""
    entry = await set_up_fcus(hass, sim, sensors=SENSORS)
    control = fcu_control(hass, sim)
    await control.write(21.5)
    found = await of_entry(hass, hass_client, entry)
    assert list(found) == [
        "account",
        "summary",
        "devices",
        "subentries",
        "places",
        "polling",
        "open_commands",
        "commands",
    ]
    assert set(found["account"]) == {
        *("url", "org_id", "access_key", "secret_key", "verify_ssl"),
        *("state", "token_age", "token_remaining", "clock_offset"),
        *("last_round_succeeded", "last_error"),
        *("options", "control_allowed", "requests", "requests_today", "errors"),
    }
    account = found["account"]
    assert account["url"] == sim.url
    assert account["org_id"] == sim.org_id
    assert account["access_key"] == account["secret_key"] == "**REDACTED**"
    assert 0 <= account["token_age"] < 60
    assert 7000 < account["token_remaining"] <= 7200
    assert abs(account["clock_offset"]) < 5
    assert (account["last_round_succeeded"], account["last_error"]) == (True, None)

    fcus = sum(device.kind.key == "fcu" for device in sim.devices.values())
    assert found["summary"] == {
        "devices": fcus,
        "status": {"online": fcus},
        "points": fcus * 6,
        "commands": {"succeeded": 1},
        "commands_in_lane": 0,
        "queued_commands": 0,
        "open_commands": 0,
    }
    assert found["open_commands"] == []
    (subentry,) = found["subentries"]
    assert (subentry["type"], subentry["title"]) == ("product", "fcu")
    assert subentry["sensors"] == SENSORS

    polling = found["polling"]
    assert set(polling) == {
        *("interval", "limit", "rounds", "batches", "direct"),
        *("refused_assets", "excluded_points", "can_list_devices", "models"),
    }
    assert (polling["interval"], polling["limit"]) == (30, 3000)
    (batch,) = polling["batches"]
    assert batch["assets"] == fcus
    assert sorted(batch["points"]) == sorted(
        ["power", "mode", "fan_speed", "temp_setpoint", *SENSORS]
    )
    assert polling["models"] == ["hvac_fcu"]
    assert polling["can_list_devices"] is True

    (record,) = found["commands"]
    times = ("at", "ended", "duration")
    assert all(record.pop(name) for name in (*times, "id", "context_id"))
    assert record == {
        "asset_id": control.device.asset_id,
        "product_key": control.device.product_key,
        "measurepoint_id": "temp_setpoint",
        "service_id": None,
        "value_before": 24.0,
        "value": 21.5,
        "sample_before": 24.0,
        "mode": "instant",
        "command_id": sim.commands[0].command_id,
        "outcome": "succeeded",
        "final": True,
        "code": None,
        "message": "",
        "expires": None,
        "unclear_since": None,
        "replaced_by": "",
        "output": None,
        "read_back": None,
        "user_id": None,
    }


async def test_worst_devices_first(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Devices that are offline come first, then inactive ones, each with its code."""
    devices = [sim.device("fcu", index) for index in range(4)]
    devices[1].status = "disabled"
    devices[2].status = "inactive"
    devices[3].status = "offline"
    entry = await set_up_fcus(hass, sim)
    # One that went offline after the last list, which a command met.
    devices[0].status = "offline"
    await fcu_control(hass, sim).refuse(21.5)
    found = await of_entry(hass, hass_client, entry)
    shown = [
        (item["status"], item["command_code_expected"]) for item in found["devices"]
    ]
    assert shown == [
        ("offline", 11900),
        ("offline", 11900),
        ("inactive", 11888),
        ("disabled", None),
        *[("online", None)] * (len(shown) - 4),
    ]
    met = next(
        item for item in found["devices"] if item["asset_id"] == devices[0].asset_id
    )
    points = met.pop("points")
    assert {point["measurepoint_id"] for point in points} >= {"temp_setpoint"}
    assert all("source" in point and "sample_age" in point for point in points)
    assert met == {
        "asset_id": devices[0].asset_id,
        "product_key": devices[0].product_key,
        "device_key": devices[0].device_key,
        "model_id": "hvac_fcu",
        "gateway": None,
        "services": [],
        "name": "FCU 3F East",
        "status": "offline",
        "command_code_expected": 11900,
        "last_code": 11900,
        "last_outcome": "device_offline",
        "commands_in_lane": 0,
        "queued_commands": [],
        "custom_format": False,
    }
    assert found["summary"]["status"]["offline"] == 2
    assert found["summary"]["commands"] == {"device_offline": 1}


async def test_device(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """A device's file tells of each point: value, sample, source, age, and what was written."""
    entry = await set_up_fcus(hass, sim, sensors=["room_temp", "fault_code"])
    control = fcu_control(hass, sim)
    control.device.behaviour.echo = False
    await elapse(sim, freezer, 65)
    await control.write(21.5)
    await fcu_control(hass, sim, index=1).write(20)
    await elapse(sim, freezer, 3)
    found = await of_device(hass, hass_client, entry, control)
    assert set(found) == {"device", "commands"}
    assert [record["value"] for record in found["commands"]] == [21.5], "only its own"
    points = {point["measurepoint_id"]: point for point in found["device"]["points"]}
    assert set(points) == {
        *("power", "mode", "fan_speed", "temp_setpoint", "room_temp", "fault_code")
    }
    sample_time = control.device.tsdb_latest["temp_setpoint"].time
    setpoint = points["temp_setpoint"]
    assert setpoint | {"sample_age": 0, "rounds_without_answer": 0} == {
        "measurepoint_id": "temp_setpoint",
        "kind": "number",
        "writable": True,
        "polled": True,
        "data_type": "FLOAT",
        "unit": "°C",
        "value": 21.5,
        "sample": 24.0,
        "sample_time": sample_time,
        "sample_age": 0,
        "source": "latest",
        "rounds_without_answer": 0,
        "written_value_shown": True,
        "available": True,
    }
    assert 60 <= setpoint["sample_age"] <= 75
    assert 0 <= setpoint["rounds_without_answer"] <= 1
    assert points["fault_code"]["source"] == "queryLatest"
    assert points["fault_code"]["writable"] is False
    assert points["room_temp"]["written_value_shown"] is False


async def test_waiting_commands(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """Commands that wait for their turn are counted."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 10
    tasks = [control.start(21.5)]
    await quiet(sim)
    tasks += [control.start(22), fcu_control(hass, sim, "power").start(False)]
    found = await of_device(hass, hass_client, entry, control)
    assert found["device"]["commands_in_lane"] == 2
    await elapse(sim, freezer, 31)
    assert all(task.done() and task.exception() is None for task in tasks)
    found = await of_device(hass, hass_client, entry, control)
    assert found["device"]["commands_in_lane"] == 0


async def test_device_that_is_gone(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A device of the registry that EnOS does not list any more still has a file."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    entry.runtime_data.coordinator.devices.pop(control.device.asset_id)
    found = await of_device(hass, hass_client, entry, control)
    assert found == {"device": None, "commands": []}


async def test_entry_that_is_not_ready(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """An account that could not be set up tells why: that is when one asks."""
    sim.faults.add("status", status=503)
    entry = entry_for(sim, product_subentry(sim, "fcu", controls=["power"]))
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    found = await of_entry(hass, hass_client, entry)
    assert found["devices"] == []
    assert found["account"]["state"] == "setup_retry"
    assert found["account"]["last_round_succeeded"] is False
    assert "503" in found["account"]["last_error"]["text"]
    assert sim.secret_key not in json.dumps(found)


async def test_entry_that_is_not_loaded(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """An account that was unloaded, or never got so far, tells what it is set up with."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    found = await of_entry(hass, hass_client, entry)
    assert found["account"]["state"] == "not_loaded"
    assert found["account"]["org_id"] == sim.org_id
    assert found["account"]["secret_key"] == "**REDACTED**"
    assert sim.access_key not in json.dumps(found)
    assert [each["controls"] for each in found["subentries"]] == [list(FCU)]
    assert await of_device(hass, hass_client, entry, control) == {
        "device": None,
        "commands": [],
    }

    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "ftp://a"})
    assert not await hass.config_entries.async_setup(entry.entry_id)
    found = await of_entry(hass, hass_client, entry)
    assert found["account"]["state"] == "setup_error"
    assert "not valid" in found["account"]["last_error"]["text"]


async def test_trouble_of_the_account(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """A failed round and a wrong clock are told, with the code of EnOS."""
    entry = await set_up_fcus(hass, sim)
    sim.clock_offset = 600
    await elapse(sim, freezer, 65)
    account = (await of_entry(hass, hass_client, entry))["account"]
    assert account["last_round_succeeded"] is False
    assert account["last_error"]["code"] == 401
    assert account["clock_offset"] == pytest.approx(600, abs=5)


async def test_what_is_refused(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """Rights that are missing show: devices that may not be read, lists that are refused."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await control.write(21.5)
    sim.rights.clear()
    error = await control.refuse(22)
    assert error.translation_key == "permission_denied"
    await elapse(sim, freezer, 95)
    polling = (await of_entry(hass, hass_client, entry))["polling"]
    assert polling["can_list_devices"] is False
    assert control.device.asset_id in polling["refused_assets"]
    assert "80401" in polling["refused_assets"][control.device.asset_id]


async def test_no_more_than_two_hundred_commands(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """The file holds the last two hundred commands, the newest at its end."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 0
    for number in range(203):
        await control.write(16 + number % 29 / 2)
    found = await of_entry(hass, hass_client, entry)
    values = [record["value"] for record in found["commands"]]
    assert values == control.written[-200:]


async def test_what_goes_on(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
    snapshot: SnapshotAssertion,
) -> None:
    """A whole file: commands that were obeyed, that wait in EnOS and that nobody knows of.

    Whoever changes the file sees here what a person will see.
    """
    # Time stands still, or what is unclear would be looked into on a slow machine.
    freezer.tick(0)
    device = sim.device("fcu", 1)
    entry = await set_up_fcus(
        hass,
        sim,
        controls=["power", "temp_setpoint"],
        devices=[sim.device("fcu", index).asset_id for index in range(3)],
        policy={"timeout": 10, "when_offline": "queue", "queue_minutes": 20},
        policy_exceptions={device.asset_id: {"timeout": 5, "when_offline": "fail"}},
    )
    await fcu_control(hass, sim).write(21.5)
    fcu_control(hass, sim, index=2).device.status = "offline"
    await fcu_control(hass, sim, index=2).write(22)
    await fcu_control(hass, sim, "power", index=2).write(False)
    sim.faults.add("status", action="setMeasurepoint", status=500, count=1)
    await fcu_control(hass, sim, index=1).refuse(23)
    device.status = "inactive"
    await fcu_control(hass, sim, "power", index=1).refuse(False)
    await quiet(sim)
    found = await of_entry(hass, hass_client, entry)
    assert found["account"]["errors"] == {"11900": 1, "500": 1, "11888": 1}
    assert found["account"]["requests"] == found["account"]["requests_today"] > 5
    assert found["summary"]["queued_commands"] == 2
    assert found["summary"]["open_commands"] == len(found["open_commands"]) == 3
    assert len(found["devices"][0]["queued_commands"]) == 2
    assert normalised(found) == snapshot


async def test_locked_and_waiting(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Whether anything may be written is told, and how many commands wait for their turn."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.reply_delay = 10
    tasks = [control.start(21.5)]
    await quiet(sim)
    tasks += [control.start(22), fcu_control(hass, sim, "power").start(False)]
    # Not over HTTP: that would wait until nothing waits any more.
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert found["summary"]["commands_in_lane"] == 2
    assert found["account"]["control_allowed"] is True
    await elapse(sim, freezer, 31)
    assert all(task.done() for task in tasks)
    await entry.runtime_data.commands.async_allow(allowed=False)
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert found["summary"]["commands_in_lane"] == 0
    assert found["account"]["control_allowed"] is False


async def test_no_secret_in_diagnostics(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
    secrets: set[str],
) -> None:
    """After a day of troubles neither key, token nor signature is in any file."""
    entry = await eventful(hass, sim, freezer)
    assert len(secrets) > 20
    control = fcu_control(hass, sim)
    whole = json.dumps(
        [
            await of_entry(hass, hass_client, entry),
            await of_device(hass, hass_client, entry, control),
        ]
    )
    assert all(outcome in whole for outcome in ("succeeded", "rejected", "not_sent"))
    assert [secret for secret in secrets if secret in whole] == []
    assert sim.secret_key not in repr(entry.runtime_data.client)
    # Device and product secrets are not even asked for.
    assert not any(request.served_secret for request in sim.requests)


async def test_no_secret_in_the_log(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    secrets: set[str],
) -> None:
    """At DEBUG, of everything that Home Assistant logs, over a whole session with failures."""
    caplog.set_level(logging.DEBUG)
    errors: list[HomeAssistantError] = []
    entry = await eventful(hass, sim, freezer)
    errors.append(await fcu_control(hass, sim, index=1).refuse(22))
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert len(secrets) > 20
    assert len(sets(sim)) > 10
    theirs = ("simulator",)
    log = "\n".join(
        f"{record.name} {record.getMessage()} {record.exc_text or ''}"
        for record in caplog.records
        if not record.name.startswith(theirs)
    )
    assert "custom_components.enos" in log
    assert [secret for secret in secrets if secret in log] == []
    # What is told to people neither.
    assert not any(secret in str(error) for error in errors for secret in secrets)
    # Failed writes and polls are no flood.
    loud = [
        record
        for record in caplog.records
        if record.name.startswith("custom_components.enos")
        and record.levelno >= logging.INFO
    ]
    assert len(loud) <= 6, [record.getMessage() for record in loud]
