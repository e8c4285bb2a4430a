"""Setting up, unloading, reloading, removing: what it takes, and what it leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import ipaddress
from pathlib import Path
import ssl
import time
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

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
from .reading import device_entry_of, devices_of, loud, shown, text_of, values_asked


def fcu_entry(sim: Simulator, **data: Any) -> MockConfigEntry:
    """Return an entry with two points of each fan coil unit."""
    return entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"], sensors=["room_temp"]),
        data=data,
    )


# TLS.


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """Make a certificate that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EnOS gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "gateway.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
async def secure(
    loopback: None, self_signed: ssl.SSLContext
) -> AsyncIterator[Simulator]:
    """A building behind TLS."""
    async with Simulator(
        seed=1, devices=16, physics=False, ssl_context=self_signed
    ) as simulator:
        yield simulator


async def test_self_signed_certificate(hass: HomeAssistant, secure: Simulator) -> None:
    """Where the check is switched off values and writes go over TLS all the same."""
    assert secure.url.startswith("https://")
    await set_up(hass, fcu_entry(secure, verify_ssl=False))
    device = secure.device("fcu")
    assert shown(hass, secure, device, "room_temp")
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": entity_id_of(hass, secure, "switch", device, "power")},
        blocking=True,
    )
    assert secure.writes[-1][:2] == (device.asset_id, "power")


async def test_certificate_is_checked(
    hass: HomeAssistant, secure: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Where it is on nothing is sent, and a person reads that it is the certificate."""
    # In debug mode the loop, which is the gateway's too, takes broken handshakes for errors.
    hass.loop.set_debug(False)
    entry = fcu_entry(secure)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert secure.requests == []
    assert "certificate" in str(entry.reason).lower()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_address_is_no_address(hass: HomeAssistant, sim: Simulator) -> None:
    """An address that cannot be one ends set-up for good, with the reason."""
    entry = fcu_entry(sim, url="ftp://example.com")
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "invalid_url"


async def test_organization_of_another(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of another's is shown, nothing is removed, and no storm begins."""
    entry = fcu_entry(sim, org_id=sim.foreign_org_id)
    await set_up(hass, entry)
    count = len(sim.requests)
    for _ in range(10):
        await poll(hass)
    assert len(sim.requests) - count <= 30
    assert not devices_of(hass, entry)
    assert not [record for record in caplog.records if record.exc_info]


# What is left behind.


def session_of(entry: MockConfigEntry) -> Any:
    """Return the session that commands have for themselves."""
    return entry.runtime_data.client._command_session


def tasks_of_ours() -> list[str]:
    """Return the tasks that run our code."""
    return [
        repr(task)
        for task in asyncio.all_tasks()
        if "custom_components/enos" in repr(task)
    ]


def timers_of_ours(hass: HomeAssistant) -> list[str]:
    """Return the timers that would run our code."""
    return [
        repr(handle)
        for handle in getattr(hass.loop, "_scheduled", [])
        if not handle.cancelled()
        and ("enos" in repr(handle) or "EnOS" in repr(handle))
        and "simulator" not in repr(handle)
    ]


async def test_unload_leaves_nothing(
    hass: HomeAssistant, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    """No task, no timer, no session, no listener, no request after the entry is unloaded."""
    listeners = dict(hass.bus.async_listeners())
    entry = entry_for(
        sim,
        product_subentry(
            sim, "fcu", controls=["power"], sensors=["room_temp", "fault_code"]
        ),
    )
    await set_up(hass, entry)
    await poll(hass, 1.5)
    assert timers_of_ours(hass)
    session = session_of(entry)
    assert not session.closed
    # A command is on its way to a device that does not answer.
    device = sim.device("fcu")
    device.behaviour.silent = True
    call = hass.async_create_task(
        hass.services.async_call(
            "switch",
            "turn_off",
            {"entity_id": entity_id_of(hass, sim, "switch", device, "power")},
            blocking=True,
        )
    )
    while not any(request.path.endswith("/commands") for request in sim.requests):
        await asyncio.sleep(0.01)
    unload = hass.async_create_task(hass.config_entries.async_unload(entry.entry_id))
    await asyncio.sleep(0.1)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
    assert await unload
    with pytest.raises(HomeAssistantError):
        await call
    await hass.async_block_till_done(wait_background_tasks=True)
    assert session.closed
    assert tasks_of_ours() == []
    assert timers_of_ours(hass) == []
    sim.requests.clear()
    await poll(hass, 120)
    assert sim.requests == []
    after = dict(hass.bus.async_listeners())
    assert {name for name in after if after[name] > listeners.get(name, 0)} <= {
        # Home Assistant's own, for the platforms.
        "call_service",
        "component_loaded",
        "core_config_updated",
        "entity_registry_updated",
        "device_registry_updated",
        "homeassistant_final_write",
        "homeassistant_start",
        "homeassistant_close",
        "homeassistant_stop",
        "area_registry_updated",
        "label_registry_updated",
        "category_registry_updated",
        "config_subentry_removed",
    }


async def test_unload_while_reading(hass: HomeAssistant, sim: Simulator) -> None:
    """A poll that hangs does not hold up the unload, and does not outlive it."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    sim.faults.add("delay", seconds=120)
    count = len(sim.requests)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
    while len(sim.requests) == count:
        await asyncio.sleep(0.01)
    begin = time.monotonic()
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert time.monotonic() - begin < 5
    assert tasks_of_ours() == []
    assert timers_of_ours(hass) == []


async def test_stop_while_polling(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant stops at once although the gateway keeps a poll waiting."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    session = session_of(entry)
    caplog.clear()
    sim.faults.add("delay", seconds=120)
    count = len(sim.requests)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
    while len(sim.requests) == count:
        await asyncio.sleep(0.01)
    begin = time.monotonic()
    await hass.async_stop(force=True)
    assert time.monotonic() - begin < 8
    assert session.closed
    assert tasks_of_ours() == []
    assert loud(caplog) == []


async def test_disabled_entry(hass: HomeAssistant, sim: Simulator) -> None:
    """A disabled account asks nothing; enabled again all is there."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    session = session_of(entry)
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert session.closed
    sim.requests.clear()
    await poll(hass, 120)
    assert sim.requests == []
    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)
    assert shown(hass, sim, sim.device("fcu"), "room_temp")


async def test_removed_entry(
    hass: HomeAssistant, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    """Removing an account removes devices, entities and what was kept on disk."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    device = sim.device("fcu")
    device.behaviour.echo = False
    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": entity_id_of(hass, sim, "switch", device, "power")},
        blocking=True,
    )
    await poll(hass, 2)
    file = f"{DOMAIN}.{entry.entry_id}"
    assert file in hass_storage
    session = session_of(entry)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert file not in hass_storage
    assert session.closed
    assert not er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert not dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert tasks_of_ours() == []
    assert timers_of_ours(hass) == []


async def test_retried_set_ups_leave_no_session(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Each attempt that fails closes what it opened."""
    sim.faults.add("status", status=503)
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    sessions = [session_of(entry)]
    for _ in range(5):
        await poll(hass, 601)
        sessions.append(session_of(entry))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(set(map(id, sessions))) == 6
    assert all(session.closed for session in sessions)
    sim.faults.clear()
    await poll(hass, 601)
    assert entry.state is ConfigEntryState.LOADED


# Several accounts, reloads, languages.


async def test_two_organizations_with_the_same_assets(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Two accounts side by side never mix, even where all ids are the same."""
    async with Simulator(
        seed=1,
        devices=16,
        physics=False,
        org_id="o2",
        access_key="another-key",
        secret_key="another-secret",
    ) as other:
        device, twin = sim.device("fcu"), other.device("fcu")
        assert device.asset_id == twin.asset_id
        await sim.report(device, {"room_temp": 10.0})
        await other.report(twin, {"room_temp": 30.0})
        first, second = fcu_entry(sim), fcu_entry(other)
        await set_up(hass, first)
        await set_up(hass, second)
        assert text_of(hass, sim, device, "room_temp") == "10.0"
        assert text_of(hass, other, twin, "room_temp") == "30.0"
        one = device_entry_of(hass, sim, device, first)
        two = device_entry_of(hass, other, twin, second)
        assert one and two and one.id != two.id
        # One of them down, the other not.
        await other.stop()
        for _ in range(3):
            await poll(hass)
        assert text_of(hass, other, twin, "room_temp") == STATE_UNAVAILABLE
        assert text_of(hass, sim, device, "room_temp") == "10.0"
        await hass.config_entries.async_remove(second.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert text_of(hass, sim, device, "room_temp") == "10.0"
        assert not any("unique ID" in line for line in loud(caplog))


async def test_reload_action(hass: HomeAssistant, sim: Simulator) -> None:
    """`homeassistant.reload_config_entry` reads everything anew."""
    await async_setup_component(hass, "homeassistant", {})
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    device = sim.device("fcu")
    await sim.report(device, {"room_temp": 9.5})
    await hass.services.async_call(
        "homeassistant",
        "reload_config_entry",
        {"entity_id": entity_id_of(hass, sim, "sensor", device, "room_temp")},
        blocking=True,
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
    assert text_of(hass, sim, device, "room_temp") == "9.5"


async def test_what_reloads_and_what_does_not(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A title reloads nothing; data and subentries do, once for each change."""
    entry = fcu_entry(sim)
    await set_up(hass, entry)

    async def reloaded(change: Any) -> int:
        """Return how many sessions, one a set-up, a change makes."""
        before = session_of(entry)
        seen: list[str] = []
        original = hass.config_entries.async_reload

        async def count(entry_id: str) -> bool:
            seen.append(entry_id)
            return await original(entry_id)

        with patch.object(hass.config_entries, "async_reload", count):
            change()
            await hass.async_block_till_done(wait_background_tasks=True)
        assert (session_of(entry) is before) is (not seen)
        return len(seen)

    entries = hass.config_entries
    subentry = next(iter(entry.subentries.values()))
    assert await reloaded(lambda: entries.async_update_entry(entry, title="New")) == 0
    assert (
        await reloaded(
            lambda: entries.async_update_entry(
                entry, data={**entry.data, "verify_ssl": False}
            )
        )
        == 1
    )
    assert (
        await reloaded(
            lambda: entries.async_update_subentry(entry, subentry, title="Newer")
        )
        == 0
    )
    assert (
        await reloaded(
            lambda: entries.async_update_subentry(
                entry, subentry, data={**subentry.data, "sensors": ["co2"]}
            )
        )
        == 1
    )
    light = MockConfigEntry(
        domain=DOMAIN,
        subentries_data=[device_subentry(sim.device("light"), controls=["switch"])],
    )
    added = next(iter(light.subentries.values()))
    assert await reloaded(lambda: entries.async_add_subentry(entry, added)) == 1
    assert text_of(hass, sim, sim.device("light"), "switch", "switch") in ("on", "off")
    assert (
        await reloaded(lambda: entries.async_remove_subentry(entry, added.subentry_id))
        == 1
    )
    sim.requests.clear()
    await poll(hass)
    assert len(values_asked(sim)) == 1


@pytest.mark.parametrize(
    ("language", "name", "options"),
    [
        ("zh-Hans", "室温", ["制冷", "制热", "送风"]),
        ("en", "Room temperature", ["Cooling", "Heating", "Fan only"]),
        # EnOS has no German: its default name.
        ("de", "Room temperature", ["Cooling", "Heating", "Fan only"]),
    ],
)
async def test_languages(
    hass: HomeAssistant, sim: Simulator, language: str, name: str, options: list[str]
) -> None:
    """Names and options come in Home Assistant's language, or in EnOS's default."""
    hass.config.language = language
    await set_up(
        hass,
        entry_for(
            sim, product_subentry(sim, "fcu", sensors=["room_temp"], controls=["mode"])
        ),
    )
    device = sim.device("fcu")
    state = state_of(hass, sim, "sensor", device, "room_temp")
    assert state.name.endswith(name)
    state = state_of(hass, sim, "select", device, "mode")
    assert state.attributes["options"] == options
