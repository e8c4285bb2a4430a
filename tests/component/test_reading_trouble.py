"""Trouble on the way to the values: outages, rate limits, tokens, keys."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import logging
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.enos import batches as batches_module
from custom_components.enos.const import DOMAIN
from simulator import Guesses, SimDevice, Simulator
from simulator.refusals import Refusal

from .common import entry_for, poll, poll_devices, product_subentry, set_up
from .reading import (
    check_values,
    coordinator_of,
    grow,
    lines,
    loud,
    requests_for,
    shown,
    text_of,
    values_asked,
)


def fcu_entry(sim: Simulator) -> MockConfigEntry:
    """Return an entry with two points of each fan coil unit."""
    return entry_for(
        sim, product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"])
    )


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator) -> MockConfigEntry:
    """Return an account that is set up."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    return entry


def reauths(hass: HomeAssistant) -> list[Any]:
    """Return the flows that ask for new keys."""
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_REAUTH
    ]


# Outages.

CAUSES: list[tuple[str, dict[str, Any]]] = [
    ("html", {}),
    ("html", {"status": 502}),
    ("cut_json", {}),
    ("status", {"status": 500}),
    ("status", {"status": 503, "body": ""}),
    ("status", {"status": 200, "body": {}}),
    ("status", {"status": 200, "body": "[]"}),
    ("status", {"status": 200, "body": {"code": 99500, "msg": "x", "data": None}}),
    ("status", {"status": 200, "body": {"code": 424242, "msg": "x", "data": None}}),
    ("status", {"status": 302, "headers": {"Location": "/login"}}),
    ("drop", {}),
    ("drop_after", {}),
]


@pytest.mark.parametrize(("kind", "params"), CAUSES, ids=lambda value: str(value)[:40])
async def test_outage(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    kind: Any,
    params: dict[str, Any],
) -> None:
    """Whatever the cause: down after two rounds, one line, no trace, and back by itself."""
    device = sim.device("fcu")
    sim.faults.add(kind, **params)
    caplog.clear()
    await poll(hass)
    assert shown(hass, sim, device, "room_temp")
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == STATE_UNAVAILABLE
    # A control stays: what is written to it says so itself.
    assert text_of(hass, sim, device, "power", "switch") != STATE_UNAVAILABLE
    for _ in range(4):
        await poll(hass)
    assert len(loud(caplog)) == 1, loud(caplog)
    assert lines(caplog, "ERROR") == loud(caplog)
    sim.faults.clear()
    await sim.report(device, {"room_temp": 18.25})
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "18.25"
    assert [line for line in lines(caplog, "INFO") if "recovered" in line]
    assert not [
        record
        for record in caplog.records
        if record.exc_info and record.levelno > logging.DEBUG
    ]
    assert not reauths(hass)
    assert entry.state is ConfigEntryState.LOADED


async def test_hundred_failed_rounds_are_two_lines(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An outage of any length is one ERROR, its end one INFO, also over a reload."""
    sim.faults.add("status", status=503)
    caplog.clear()
    for number in range(100):
        await poll(hass)
        if number == 50:
            await hass.config_entries.async_reload(entry.entry_id)
            assert not shown(hass, sim, sim.device("fcu"), "room_temp")
    ours = [
        record
        for record in caplog.records
        if "enos" in record.name and record.levelno > logging.DEBUG
    ]
    assert [record.levelname for record in ours] == ["ERROR"]
    assert loud(caplog) == [ours[0].getMessage()]
    sim.faults.clear()
    await poll(hass)
    ours = [
        record
        for record in caplog.records
        if "enos" in record.name and record.levelno > logging.DEBUG
    ]
    assert [record.levelname for record in ours] == ["ERROR", "INFO"]
    assert "recovered" in ours[1].getMessage()
    assert shown(hass, sim, sim.device("fcu"), "room_temp")


async def test_no_answer_in_time(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A gateway that keeps us waiting is down as well, after two rounds."""
    device = sim.device("fcu")
    sim.faults.add("delay", seconds=300)
    caplog.clear()
    for number in (1, 2):
        count = len(sim.requests)
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
        while len(sim.requests) == count:
            await asyncio.sleep(0.01)
        # The request's own timer.
        await poll(hass, 32)
        assert shown(hass, sim, device, "room_temp") is (number == 1)
    assert len(loud(caplog)) == 1
    assert "no answer within 30 s" in loud(caplog)[0]
    sim.faults.clear()
    await poll(hass)
    assert shown(hass, sim, device, "room_temp")


async def test_broken_connection_is_tried_once_more(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A read whose connection broke is repeated at once, and nobody notices."""
    device = sim.device("fcu")
    await sim.report(device, {"room_temp": 19.75})
    sim.requests.clear()
    caplog.clear()
    sim.faults.add("drop", path="tsdb-service", count=1)
    await poll(hass)
    assert len(values_asked(sim)) == 2
    assert text_of(hass, sim, device, "room_temp") == "19.75"
    assert loud(caplog) == []


# Batches fail alone.


@pytest.fixture
async def four_batches(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> list[SimDevice]:
    """Forty devices that are read in four requests."""
    monkeypatch.setattr(batches_module, "MAX_LATEST", 10)
    fleet = grow(sim, "fcu", 40)
    await set_up(
        hass, entry_for(sim, product_subentry(sim, "fcu", sensors=["room_temp"]))
    )
    assert len(values_asked(sim)) == 4
    return fleet


async def test_one_failed_batch_leaves_the_others(
    hass: HomeAssistant, sim: Simulator, four_batches: list[SimDevice]
) -> None:
    """The devices of the others show news; its own keep what they showed."""
    for device in four_batches:
        await sim.report(device, {"room_temp": 16.5})
    fault = sim.faults.add("status", path="tsdb-service", status=502, count=1)
    await poll(hass)
    assert fault.hits == 1
    texts = [text_of(hass, sim, device, "room_temp") for device in four_batches]
    assert texts.count("16.5") == 30
    assert STATE_UNAVAILABLE not in texts


async def test_unanswered_points_go_after_three_rounds(
    hass: HomeAssistant,
    sim: Simulator,
    four_batches: list[SimDevice],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those of a batch that fails and fails go unavailable alone, and come back."""
    culprit = {four_batches[0].asset_id}

    def check(assets: list[str], _points: list[str]) -> Exception | None:
        return Refusal(80500, "Internal error") if culprit & set(assets) else None

    check_values(monkeypatch, check)
    caplog.clear()
    for number in range(1, 8):
        await poll(hass)
        there = [shown(hass, sim, device, "room_temp") for device in four_batches]
        assert there.count(False) == (10 if number >= 3 else 0), number
    assert not there[0]
    assert loud(caplog) == []
    culprit.clear()
    await poll(hass)
    assert all(shown(hass, sim, device, "room_temp") for device in four_batches)


async def test_point_that_falls_silent_alone(
    hass: HomeAssistant, sim: Simulator, four_batches: list[SimDevice]
) -> None:
    """A point that answers leave out goes after three rounds; any sample brings it back."""
    device = four_batches[5]
    await poll(hass)
    for _ in range(2):
        sample = device.tsdb_latest.pop("room_temp")
        for number in range(1, 5):
            await poll(hass)
            assert shown(hass, sim, device, "room_temp") is (number < 3)
        assert shown(hass, sim, four_batches[6], "room_temp")
        device.tsdb_latest["room_temp"] = sample
        await poll(hass)
        assert shown(hass, sim, device, "room_temp")
    await sim.report(device, {"room_temp": 21.0})
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "21.0"


# What is registered outlives trouble.


def registered(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return the unique ids of an entry's entities."""
    return {
        found.unique_id
        for found in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }


@pytest.mark.parametrize("empty", [False, True])
async def test_restart_with_the_cloud_down_keeps_all(
    hass: HomeAssistant, sim: Simulator, entry: MockConfigEntry, empty: bool
) -> None:
    """After a restart into an outage, or into empty replies, entities wait unavailable."""
    before = registered(hass, entry)
    assert before
    # A restart: nothing is handed over from the run before.
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN, None)
    if empty:
        sim.faults.add(
            "status",
            action="search",
            status=200,
            body={"code": 0, "msg": "OK", "data": [], "pagination": {"totalSize": 0}},
        )
    else:
        sim.faults.add("status", status=503)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is (
        ConfigEntryState.LOADED if empty else ConfigEntryState.SETUP_RETRY
    )
    if empty:
        await poll_devices(hass)
    assert registered(hass, entry) == before
    assert text_of(hass, sim, sim.device("fcu"), "room_temp") == STATE_UNAVAILABLE
    sim.faults.clear()
    if empty:
        await poll_devices(hass)
    else:
        await poll(hass, 601)
    assert registered(hass, entry) == before
    assert shown(hass, sim, sim.device("fcu"), "room_temp")


async def test_empty_device_list_removes_nothing(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A list that is suddenly empty is not believed; devices are asked for, ten at a time."""
    grow(sim, "fcu", 25)
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    before = registered(hass, entry)
    sim.faults.add(
        "status",
        path="/devices",
        action="search",
        status=200,
        body={"code": 0, "msg": "OK", "data": [], "pagination": {"totalSize": 0}},
    )
    for _ in range(6):
        await poll(hass)
    assert registered(hass, entry) == before
    assert shown(hass, sim, sim.device("fcu"), "room_temp")
    assert len(requests_for(sim, "/devices", "get")) <= 3 * 10


# Too many requests.

LATER = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
EARLIER = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)


@pytest.mark.parametrize("path", ["tsdb-service", "/devices"])
@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, 60),
        ("100", 100),
        ("0", 60),
        ("-5", 60),
        ("soon", 60),
        ("1e400", 60),
        ("999999999999", 300),
        (LATER, 300),
        (EARLIER, 60),
    ],
    ids=["none", "100", "0", "negative", "text", "inf", "absurd", "later", "earlier"],
)
async def test_rate_limit(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    path: str,
    retry_after: str | None,
    wait: int,
) -> None:
    """A 429 is waited out, up to five minutes, and nothing shows it."""
    device = sim.device("fcu")
    caplog.clear()
    fault = sim.faults.add("rate_limit", path=path, retry_after=retry_after)
    await poll(hass)
    await poll(hass)
    assert fault.hits == 1
    # No sooner than it said, and not much later.
    await poll(hass, wait - 4)
    assert fault.hits == 1
    await poll(hass, wait + 1)
    assert fault.hits == 2
    for _ in range(8):
        await poll(hass, 301)
    assert fault.hits == 10
    assert shown(hass, sim, device, "room_temp")
    assert loud(caplog) == []
    sim.faults.clear()
    await sim.report(device, {"room_temp": 20.5})
    for _ in range(6):
        await poll(hass, 301)
    assert text_of(hass, sim, device, "room_temp") == "20.5"
    # Back at full speed.
    sim.requests.clear()
    await poll(hass)
    await poll(hass)
    assert len(values_asked(sim)) == 2


async def test_rate_limit_brings_nothing_back(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 429 after an outage is no answer: values that nobody read do not return."""
    device = sim.device("fcu")
    sim.faults.add("status", status=503)
    for _ in range(3):
        await poll(hass)
    assert not shown(hass, sim, device, "room_temp")
    sim.faults.clear()
    sim.faults.add("rate_limit")
    for _ in range(3):
        await poll(hass, 301)
        assert not shown(hass, sim, device, "room_temp")
    assert not [line for line in lines(caplog, "INFO") if "recovered" in line]
    sim.faults.clear()
    await poll(hass, 301)
    assert shown(hass, sim, device, "room_temp")


# Tokens and keys.


@pytest.mark.parametrize("form", Guesses.choices()["G1"])
@pytest.mark.parametrize("old_token", Guesses.choices()["G5"])
async def test_token_ends_mid_run(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    form: Any,
    old_token: Any,
) -> None:
    """An expired or revoked token is replaced within the round, however EnOS tells it."""
    async with Simulator(
        seed=1, devices=16, physics=False, guesses=Guesses(G1=form, G5=old_token)
    ) as sim:
        await set_up(hass, fcu_entry(sim))
        device = sim.device("fcu")
        caplog.clear()
        await sim.expire_tokens()
        await sim.report(device, {"room_temp": 18.0})
        await poll(hass)
        assert text_of(hass, sim, device, "room_temp") == "18.0"
        sim.revoke_token()
        await sim.report(device, {"room_temp": 18.5})
        await poll(hass)
        assert text_of(hass, sim, device, "room_temp") == "18.5"
        assert loud(caplog) == []
        assert sim.rejections == []
        assert not reauths(hass)
        assert len(requests_for(sim, "token-service")) <= 7


async def test_clock_goes_wrong(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A clock that differs is named as the reason; nobody is asked for new keys."""
    sim.clock_offset = 1800
    caplog.clear()
    for _ in range(6):
        await poll(hass)
    assert not shown(hass, sim, sim.device("fcu"), "room_temp")
    assert len(loud(caplog)) == 1
    assert "clock" in loud(caplog)[0].lower()
    assert not reauths(hass)
    sim.clock_offset = 0
    await poll(hass)
    assert shown(hass, sim, sim.device("fcu"), "room_temp")


async def test_clock_wrong_from_the_start(hass: HomeAssistant, sim: Simulator) -> None:
    """Set-up is tried again, with the clock as the reason that a person reads."""
    sim.clock_offset = -1800
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "update_clock_skew"
    assert not reauths(hass)
    sim.clock_offset = 0
    await poll(hass, 601)
    assert entry.state is ConfigEntryState.LOADED


def change_keys(sim: Simulator, secret: str) -> None:
    """Give the application another secret key."""
    sim.secret_key = sim.tokens.secret_key = secret
    sim.revoke_token()


async def test_changed_keys(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One flow asks for the new keys, polling stops meanwhile, and goes on with them."""
    device = sim.device("fcu")
    secret = "11111111-2222-3333-4444-555555555555"
    change_keys(sim, secret)
    caplog.clear()
    for _ in range(5):
        await poll(hass)
    assert len(reauths(hass)) == 1
    assert not shown(hass, sim, device, "room_temp")
    assert len(lines(caplog, "ERROR")) == 1
    sim.requests.clear()
    for _ in range(5):
        await poll(hass)
    assert sim.requests == []
    flow = reauths(hass)[0]
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"access_key": sim.access_key, "secret_key": secret}
    )
    assert result["type"] == "abort", result
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not reauths(hass)
    assert shown(hass, sim, device, "room_temp")
    await sim.report(device, {"room_temp": 17.75})
    await poll(hass)
    assert text_of(hass, sim, device, "room_temp") == "17.75"


async def test_tokens_refused_three_times(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another client may take the token once or twice; a third time in a row asks a person."""
    device = sim.device("fcu")
    caplog.clear()
    for _ in range(2):
        sim.faults.add("status", path="tsdb-service", status=401)
        await poll(hass)
        await poll(hass)
        assert not shown(hass, sim, device, "room_temp")
        assert not reauths(hass)
        sim.faults.clear()
        await poll(hass)
        assert shown(hass, sim, device, "room_temp")
    sim.faults.add("status", path="tsdb-service", status=401)
    for number in range(1, 6):
        await poll(hass)
        assert len(reauths(hass)) == (1 if number >= 3 else 0)
    assert coordinator_of(entry).last_update_success is False


async def test_address_refused(
    hass: HomeAssistant,
    sim: Simulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """HTTP 403 for this machine's address takes the account down, and asks for no keys."""
    sim.faults.add("status", status=403)
    caplog.clear()
    for _ in range(5):
        await poll(hass)
    assert not shown(hass, sim, sim.device("fcu"), "room_temp")
    assert len(loud(caplog)) == 1
    assert "IP address is not allowed" in loud(caplog)[0]
    assert not reauths(hass)
    sim.faults.clear()
    await poll(hass)
    assert shown(hass, sim, sim.device("fcu"), "room_temp")
