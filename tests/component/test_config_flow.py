"""The account: set up, refused, renewed; everything through Home Assistant and over HTTP."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
import ipaddress
from pathlib import Path
import socket
import ssl
import threading
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest

from custom_components.enos.const import DOMAIN
from simulator import Guesses, Simulator

from .common import entry_for, product_subentry, set_up
from .flows import (
    Step,
    account,
    begin,
    choose,
    fill,
    is_in_state,
    offered,
    refuse,
    suggested,
)

MANAGE = "Device Management: Read"
MODELS = "Model Management: Read"

FCU_CONTROLS = ["power", "mode", "fan_speed", "temp_setpoint"]
FCU_SENSORS = ["room_temp", "valve_position", "co2", "filter_hours", "fault_code"]


# The usual way.


async def test_from_keys_to_entities(hass: HomeAssistant, sim: Simulator) -> None:
    """Products chosen, suggestions taken, entities there."""
    fcu, meter = sim.device("fcu"), sim.device("meter")
    result = await begin(hass, account(sim))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "products")
    products = offered(result, "products")
    assert products.keys() == sim.products.keys()
    assert products[fcu.product_key] == f"Fan coil unit ({fcu.product_key})"
    assert list(products.values()) == sorted(products.values(), key=str.casefold)

    result = await fill(
        hass, result, {"products": [fcu.product_key, meter.product_key]}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "points")
    # Nothing becomes writable that was not shown.
    shown = result["description_placeholders"]["controls"]
    assert all(f"`{point}`" in shown for point in FCU_CONTROLS)

    result = await choose(hass, result, "suggestions")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"EnOS {sim.org_id}"
    assert result["data"] == {
        "url": sim.url,
        "org_id": sim.org_id,
        "access_key": sim.access_key,
        "secret_key": sim.secret_key,
        "verify_ssl": True,
    }
    assert result["result"].unique_id == sim.org_id
    first, second = result["result"].subentries.values()
    assert (first.subentry_type, first.title) == ("product", "Fan coil unit")
    assert first.unique_id == f"product:{fcu.product_key}"
    assert first.data == {
        "product_key": fcu.product_key,
        "devices": [],
        "controls": FCU_CONTROLS,
        "sensors": FCU_SENSORS,
        "labels": {
            "mode": {"1": "Cooling", "2": "Heating", "3": "Fan only"},
            "fan_speed": {
                "auto": "Auto",
                "low": "Low",
                "medium": "Medium",
                "high": "High",
            },
        },
        "points": {},
    }
    assert second.unique_id == f"product:{meter.product_key}"
    assert is_in_state(result["result"], ConfigEntryState.LOADED)
    assert hass.states.async_entity_ids("switch")
    assert sim.rejections == []


async def test_each_product_reviewed(hass: HomeAssistant, sim: Simulator) -> None:
    """A form for each product, with the suggestions filled in."""
    fcu, light = sim.device("fcu"), sim.device("light")
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    result = await choose(hass, result, "measurepoints")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert result["description_placeholders"] == {
        "name": "Fan coil unit",
        "count": "9",
        "position": "1",
        "total": "2",
    }
    assert suggested(result) == {"controls": FCU_CONTROLS, "sensors": FCU_SENSORS}
    # A point is shown by name, identifier, type and unit.
    assert offered(result, "controls")["temp_setpoint"] == (
        "Temperature setpoint (temp_setpoint) · FLOAT °C"
    )
    assert offered(result, "sensors")["power"] == "Power (power) · BOOL"
    # What stood among the sensors and is chosen to be written moves.
    result = await fill(
        hass,
        result,
        {
            "controls": ["power", "valve_position"],
            "sensors": ["room_temp", "valve_position"],
        },
    )
    assert result["description_placeholders"]["name"] == "Lighting circuit"
    assert result["description_placeholders"]["position"] == "2"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert first.data["controls"] == ["power", "valve_position"]
    assert first.data["sensors"] == ["room_temp"]
    assert first.data["labels"] == {}
    assert (second.data["controls"], second.data["sensors"]) == ([], [])


async def test_point_moves_to_the_list_where_it_is_new(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A suggested control that is chosen to be read only is not writable."""
    fcu = sim.device("fcu")
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"products": [fcu.product_key]})
    result = await choose(hass, result, "measurepoints")
    result = await fill(
        hass, result, {"controls": FCU_CONTROLS, "sensors": [*FCU_SENSORS, "mode"]}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert "mode" not in subentry.data["controls"]
    assert "mode" in subentry.data["sensors"]
    assert subentry.data["labels"]["mode"]["1"] == "Cooling"


async def test_no_products_chosen(hass: HomeAssistant, sim: Simulator) -> None:
    """The account alone: products and devices are added later."""
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].subentries == {}
    assert is_in_state(result["result"], ConfigEntryState.LOADED)


async def test_copied_text(hass: HomeAssistant, sim: Simulator) -> None:
    """Blanks around copied text do no harm; the section may be left alone."""
    entered = {
        key: f" {value}\n" for key, value in account(sim).items() if key != "connection"
    }
    result = await begin(hass, entered)
    result = await fill(hass, result, {"products": []})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["org_id"] == sim.org_id
    assert result["data"]["verify_ssl"] is True


@pytest.mark.parametrize(
    ("language", "product", "label"),
    [("en", "Fan coil unit", "Cooling"), ("zh-Hans", "风机盘管", "制冷")],
)
async def test_names_in_home_assistants_language(
    hass: HomeAssistant, sim: Simulator, language: str, product: str, label: str
) -> None:
    """Names and labels come in Home Assistant's language; labels stay when it changes."""
    hass.config.language = language
    fcu = sim.device("fcu")
    result = await begin(hass, account(sim))
    assert (
        offered(result, "products")[fcu.product_key] == f"{product} ({fcu.product_key})"
    )
    result = await fill(hass, result, {"products": [fcu.product_key]})
    result = await choose(hass, result, "suggestions")
    entry = result["result"]
    (subentry,) = entry.subentries.values()
    assert subentry.title == product
    assert subentry.data["labels"]["mode"]["1"] == label
    hass.config.language = "zh-Hans" if language == "en" else "en"
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    modes = [state.attributes["options"] for state in hass.states.async_all("select")]
    assert any(label in options for options in modes)


@pytest.mark.parametrize(
    "guesses",
    [
        pytest.param(guesses, id=name)
        for name, guesses in [*Guesses.variants(), ("all", Guesses.all_non_default())]
    ],
)
async def test_whatever_enos_turns_out_to_do(
    hass: HomeAssistant, loopback: None, guesses: Guesses
) -> None:
    """Each open question about EnOS, answered the other way: the flow completes."""
    async with Simulator(seed=1, devices=9, physics=False, guesses=guesses) as sim:
        result = await begin(hass, account(sim, secret_key="0" * 8))
        assert result["errors"] == {"base": "invalid_auth"}
        result = await fill(hass, result, account(sim, org_id=sim.foreign_org_id))
        assert result["errors"] == {"base": "org_denied"}
        result = await fill(hass, result, account(sim))
        result = await fill(hass, result, {"products": [sim.device("fcu").product_key]})
        result = await choose(hass, result, "suggestions")
        assert result["type"] is FlowResultType.CREATE_ENTRY
        (subentry,) = result["result"].subentries.values()
        assert "temp_setpoint" in subentry.data["controls"]
        assert sim.rejections == []
        await hass.config_entries.async_unload(result["result"].entry_id)


# What goes wrong in the first form.


def wrong_clock(sim: Simulator) -> None:
    """Set the gateway's clock ahead."""
    sim.clock_offset = 660.0


def other_address(sim: Simulator) -> None:
    """Refuse this machine."""
    sim.faults.add(
        "status", status=403, body={"message": "Your IP address is not allowed"}
    )


def other_server(sim: Simulator) -> None:
    """Be a server that knows nothing of EnOS."""
    sim.faults.add("status", status=404, body={"message": "no Route matched"})


@pytest.mark.parametrize(
    ("changes", "spoil", "error"),
    [
        pytest.param({"url": "ftp://example.com"}, None, "invalid_url", id="scheme"),
        pytest.param({"url": "http://me@127.0.0.1"}, None, "invalid_url", id="user"),
        pytest.param({"url": "   "}, None, "invalid_url", id="nothing"),
        pytest.param({"access_key": "0" * 8}, None, "invalid_auth", id="access_key"),
        pytest.param({"secret_key": "0" * 8}, None, "invalid_auth", id="secret_key"),
        pytest.param({"access_key": " "}, None, "invalid_auth", id="no key"),
        pytest.param({"org_id": "o1"}, None, "invalid_org", id="organization"),
        pytest.param(
            {},
            lambda sim: sim.faults.add("html", path="token"),
            "cannot_connect",
            id="html",
        ),
        pytest.param(
            {},
            lambda sim: sim.faults.add("status", path="products", status=502),
            "cannot_connect",
            id="502",
        ),
        pytest.param({}, other_server, "cannot_connect", id="404"),
        pytest.param({}, other_address, "address_refused", id="address"),
        pytest.param(
            {},
            lambda sim: sim.faults.add("rate_limit", path="products"),
            "rate_limited",
            id="429",
        ),
        pytest.param({}, wrong_clock, "clock_skew", id="clock"),
        pytest.param(
            {},
            lambda sim: refuse(sim, "products", 12345, "Something new"),
            "unknown",
            id="code",
        ),
    ],
)
async def test_refused_then_right(
    hass: HomeAssistant,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    spoil: Callable[[Simulator], object] | None,
    error: str,
) -> None:
    """Each thing that can be wrong is told apart, and the flow can be finished."""
    if spoil is not None:
        spoil(sim)
    entered = account(sim, **changes)
    result = await begin(hass, entered)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    assert result["errors"] == {"base": error}
    # What was typed is still there.
    connection = entered.pop("connection")
    assert suggested(result) == entered | connection
    placeholders = result["description_placeholders"]
    if error == "clock_skew":
        assert placeholders == {"minutes": "11"}
    if error == "unknown":
        assert placeholders == {"code": "12345", "message": "Something new"}
        assert "code 12345: Something new" in caplog.text
    assert sim.secret_key not in caplog.text

    sim.faults.clear()
    sim.clock_offset = 0.0
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {"products": []})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_clock_wrong_and_keys_wrong(hass: HomeAssistant, sim: Simulator) -> None:
    """A clock that is off is named first: it has to be set anyway."""
    sim.clock_offset = -660.0
    result = await begin(hass, account(sim, secret_key="0" * 8))
    assert result["errors"] == {"base": "clock_skew"}
    sim.clock_offset = 0.0
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_nobody_listens(hass: HomeAssistant, sim: Simulator) -> None:
    """A port at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        result = await begin(hass, account(sim, url=f"http://127.0.0.1:{port}"))
    assert result["errors"] == {"base": "cannot_connect"}
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


def own_certificate(path: Path) -> ssl.SSLContext:
    """Return the context of a server with a certificate that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
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
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def sim_tls(loopback: None, tmp_path: Path) -> Iterator[Simulator]:
    """A gateway with a certificate of its own making.

    In a loop of its own: a client that hangs up on the certificate is an error in the
    server's loop, for which the harness would fail the test.
    """
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

    simulator = Simulator(
        seed=1,
        devices=9,
        physics=False,
        ssl_context=own_certificate(tmp_path / "gateway.pem"),
    )
    run(simulator.start())
    yield simulator
    run(simulator.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_certificate(hass: HomeAssistant, sim_tls: Simulator) -> None:
    """A certificate that cannot be verified is named; it can be accepted."""
    result = await begin(hass, account(sim_tls))
    assert result["errors"] == {"base": "ssl_error"}
    trusting = account(sim_tls, connection={"verify_ssl": False})
    result = await fill(hass, result, trusting)
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["verify_ssl"] is False
    assert is_in_state(result["result"], ConfigEntryState.LOADED)


async def test_field_missing(hass: HomeAssistant, sim: Simulator) -> None:
    """A form without a key is not taken, and the secret is in no error."""
    result = await begin(hass)
    entered = account(sim, secret_key=["not a text", sim.secret_key])
    with pytest.raises(InvalidData) as refused:
        await fill(hass, result, entered)
    assert sim.secret_key not in str(refused.value)


async def test_organization_only_once(hass: HomeAssistant, sim: Simulator) -> None:
    """The same organization again, even at another address."""
    entry_for(sim).add_to_hass(hass)
    result = await begin(hass, account(sim, url="https://elsewhere.example"))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert sim.requests == []


async def test_organization_set_up_meanwhile(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An organization that was set up while its forms were open is not replaced."""
    result = await begin(hass, account(sim))
    entry = entry_for(sim)
    entry.add_to_hass(hass)
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


async def test_organization_in_two_windows(hass: HomeAssistant, sim: Simulator) -> None:
    """A form that was left open elsewhere does not keep anybody from setting up."""
    await begin(hass, account(sim))
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not hass.config_entries.flow.async_progress()


async def test_models_fail(hass: HomeAssistant, sim: Simulator) -> None:
    """Trouble while the models are read is told on the form of the products."""
    chosen = {"products": [sim.device("fcu").product_key]}
    result = await begin(hass, account(sim))
    sim.faults.add("html", path="thing-models", status=500)
    result = await fill(hass, result, chosen)
    assert (result["step_id"], result["errors"]) == (
        "products",
        {"base": "cannot_connect"},
    )
    assert suggested(result) == chosen
    sim.faults.clear()
    result = await fill(hass, result, chosen)
    result = await choose(hass, result, "suggestions")
    assert result["type"] is FlowResultType.CREATE_ENTRY


# Rights that are missing.


async def test_foreign_organization(hass: HomeAssistant, sim: Simulator) -> None:
    """An organization that is another's is refused as such."""
    result = await begin(hass, account(sim, org_id=sim.foreign_org_id))
    assert result["errors"] == {"base": "org_denied"}
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == sim.org_id


async def test_no_right_at_all(hass: HomeAssistant, sim: Simulator) -> None:
    """An application that may do nothing looks like a foreign one."""
    rights, sim.rights = sim.rights, set()
    result = await begin(hass, account(sim))
    assert result["errors"] == {"base": "org_denied"}
    sim.rights = rights
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "right", [MODELS, "Asset: Read", "Asset: Control", "Asset: Read+Control"]
)
async def test_hardly_any_right(
    hass: HomeAssistant, sim: Simulator, right: str
) -> None:
    """One right of any kind is enough to go on, with devices and points by their ids."""
    sim.rights = {right}
    if right == "Asset: Read+Control":
        sim.rights = {"Asset: Read", "Asset: Control"}
    device = sim.device("fcu")
    result = await begin(hass, account(sim))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "device")
    result = await fill(hass, result, {"asset_id": device.asset_id, "name": "Room 1"})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "manual_points")
    assert result["description_placeholders"]["name"] == "Room 1"
    points = [
        {"identifier": "power", "data_type": "BOOL", "control": True},
        {
            "identifier": " mode ",
            "data_type": "ENUM",
            "control": True,
            "options": ["1 = Cooling", "2=", " ", "3"],
        },
        {"identifier": "room_temp", "data_type": "DOUBLE", "unit": "°C", "name": "Air"},
    ]
    result = await fill(hass, result, {"points": points})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert (subentry.subentry_type, subentry.title) == ("device", "Room 1")
    assert subentry.unique_id == f"device:{device.asset_id}"
    assert subentry.data == {
        "asset_id": device.asset_id,
        "product_key": "",
        "device_key": "",
        "name": "Room 1",
        "controls": ["power", "mode"],
        "sensors": ["room_temp"],
        "labels": {"mode": {"1": "Cooling", "2": "2", "3": "3"}},
        "points": {
            "power": {"data_type": "BOOL"},
            "mode": {
                "data_type": "ENUM",
                "options": {"1": "Cooling", "2": "2", "3": "3"},
            },
            "room_temp": {"data_type": "DOUBLE", "unit": "°C", "name": "Air"},
        },
    }


async def test_products_denied_devices_not(hass: HomeAssistant, sim: Simulator) -> None:
    """Where only the list of products is denied, a device is found and its model read."""
    device = sim.device("fcu")
    refuse(sim, "products", 99403, "Denied resource:  product")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "device"
    keys = {"product_key": device.product_key, "device_key": device.device_key}
    result = await fill(hass, result, keys)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "measurepoints")
    assert suggested(result)["controls"] == FCU_CONTROLS
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.data["asset_id"] == device.asset_id
    assert subentry.data["device_key"] == device.device_key
    assert subentry.title == device.name["i18nValue"]["en_US"]


async def test_device_found_by_its_asset_id(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An asset id is looked up where that is allowed."""
    device = sim.device("fcu")
    refuse(sim, "products", 99403, "Denied resource:  orgId")
    result = await begin(hass, account(sim))
    assert result["step_id"] == "device"
    result = await fill(hass, result, {"asset_id": device.asset_id})
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.data["product_key"] == device.product_key


@pytest.mark.parametrize(
    ("entered", "rights", "error"),
    [
        ({}, {MANAGE}, "device_unclear"),
        ({"product_key": "12345678"}, {MANAGE}, "device_unclear"),
        (
            {"product_key": "1", "device_key": "2", "asset_id": "3"},
            {MANAGE},
            "device_unclear",
        ),
        ({"asset_id": "nowhere0"}, {MANAGE}, "device_not_found"),
        ({"asset_id": "it's"}, {MANAGE}, "device_not_found"),
        ({"product_key": "1", "device_key": "2"}, {MANAGE}, "device_not_found"),
        ({"product_key": "1", "device_key": "2"}, {"Asset: Read"}, "lookup_denied"),
    ],
)
async def test_device_refused_then_right(
    hass: HomeAssistant,
    sim: Simulator,
    entered: dict[str, str],
    rights: set[str],
    error: str,
) -> None:
    """What is wrong with a device's keys is told; the flow can be finished."""
    refuse(sim, "products", 99403, "Denied resource:  product")
    sim.rights = rights
    result = await begin(hass, account(sim))
    result = await fill(hass, result, entered)
    assert (result["step_id"], result["errors"]) == ("device", {"base": error})
    assert suggested(result) == entered
    result = await fill(hass, result, {"asset_id": sim.device("fcu").asset_id})
    assert result["step_id"] == "manual_points"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_device_look_up_fails(hass: HomeAssistant, sim: Simulator) -> None:
    """Trouble on the way to a device's look-up."""
    refuse(sim, "products", 99403, "Denied resource:  product")
    wanted = {"asset_id": sim.device("fcu").asset_id}
    result = await begin(hass, account(sim))
    sim.faults.add("rate_limit", path="devices")
    result = await fill(hass, result, wanted)
    assert result["errors"] == {"base": "rate_limited"}
    sim.faults.clear()
    refuse(sim, "products", 99403, "Denied resource:  product")
    result = await fill(hass, result, wanted)
    result = await fill(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_models_denied(hass: HomeAssistant, sim: Simulator) -> None:
    """Products without their models: points are entered by hand, product by product."""
    sim.rights.discard(MODELS)
    fcu, light = sim.device("fcu"), sim.device("light")
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "manual_points")
    assert result["description_placeholders"]["name"] == "Fan coil unit"
    result = await fill(
        hass, result, {"points": [{"identifier": "room_temp", "data_type": "DOUBLE"}]}
    )
    assert result["description_placeholders"]["name"] == "Lighting circuit"
    result = await fill(
        hass,
        result,
        {"points": [{"identifier": "power", "data_type": "BOOL", "control": True}]},
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert first.data["sensors"] == ["room_temp"]
    assert first.data["points"] == {"room_temp": {"data_type": "DOUBLE"}}
    assert second.data["controls"] == ["power"]
    assert hass.states.async_entity_ids("switch")


async def test_one_model_is_missing(hass: HomeAssistant, sim: Simulator) -> None:
    """The suggestions are taken for one product, the other one's points asked for."""
    fcu, light = sim.device("fcu"), sim.device("light")
    del sim.models[fcu.model_id]
    result = await begin(hass, account(sim))
    result = await fill(
        hass, result, {"products": [fcu.product_key, light.product_key]}
    )
    assert result["step_id"] == "points"
    assert "**Fan coil unit**: –" in result["description_placeholders"]["controls"]
    result = await choose(hass, result, "suggestions")
    assert result["step_id"] == "manual_points"
    assert result["description_placeholders"]["name"] == "Fan coil unit"
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    first, second = result["result"].subentries.values()
    assert (first.title, first.data["controls"]) == ("Fan coil unit", [])
    assert second.data["controls"]


@pytest.mark.parametrize(
    ("points", "error", "named"),
    [
        ([{"identifier": " ", "data_type": "INT"}], "point_without_id", None),
        (
            [
                {"identifier": "a", "data_type": "INT"},
                {"identifier": "a ", "data_type": "BOOL"},
            ],
            "point_twice",
            "a",
        ),
        (
            [{"identifier": "a", "data_type": "STRING", "control": True}],
            "not_writable",
            "a",
        ),
        (
            [{"identifier": "a", "data_type": "ENUM", "control": True}],
            "options_missing",
            "a",
        ),
    ],
)
async def test_points_by_hand_refused_then_right(
    hass: HomeAssistant,
    sim: Simulator,
    points: list[dict[str, Any]],
    error: str,
    named: str | None,
) -> None:
    """What is wrong with points entered by hand is told with their id."""
    sim.rights.discard(MODELS)
    result = await begin(hass, account(sim))
    result = await fill(hass, result, {"products": [sim.device("fcu").product_key]})
    result = await fill(hass, result, {"points": points})
    assert (result["step_id"], result["errors"]) == ("manual_points", {"base": error})
    assert result["description_placeholders"].get("point") == named
    assert suggested(result) == {"points": points}
    result = await fill(
        hass, result, {"points": [{"identifier": "co2", "data_type": "INT"}]}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_rights_fail(hass: HomeAssistant, sim: Simulator) -> None:
    """While it is found out whether anything may be read, EnOS has trouble."""
    sim.rights.discard(MANAGE)
    sim.rights.discard(MODELS)
    refuse(sim, "assets", 99500, "Internal Server Error")
    result = await begin(hass, account(sim))
    assert result["errors"] == {"base": "unknown"}
    sim.faults.clear()
    # A service that the gateway does not have proves nothing; the next one does.
    sim.faults.add("status", path="asset-service", status=404, body={"message": "no"})
    result = await fill(hass, result, account(sim))
    assert result["step_id"] == "device"


# Later.


async def test_reauth(hass: HomeAssistant, sim: Simulator) -> None:
    """Keys that were changed in EnOS are asked for, and the entry starts again."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"]),
        data={"secret_key": "outdated"},
    )
    await set_up(hass, entry)
    assert is_in_state(entry, ConfigEntryState.SETUP_ERROR)
    (progress,) = hass.config_entries.flow.async_progress()
    assert progress["step_id"] == "reauth_confirm"
    result = await fill(hass, dict(progress), None)
    assert result["description_placeholders"] == {
        "name": entry.title,
        "url": sim.url,
        "org_id": sim.org_id,
    }
    # The secret that is stored does not go to the browser.
    assert suggested(result) == {"access_key": sim.access_key}
    wrong = {"access_key": sim.access_key, "secret_key": "still wrong"}
    result = await fill(hass, result, wrong)
    assert result["errors"] == {"base": "invalid_auth"}
    assert suggested(result) == wrong
    result = await fill(
        hass, result, {"access_key": sim.access_key, "secret_key": sim.secret_key}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data["secret_key"] == sim.secret_key
    assert entry.data["verify_ssl"] is True
    assert is_in_state(entry, ConfigEntryState.LOADED)
    assert not hass.config_entries.flow.async_progress()


async def test_reauth_while_loaded(hass: HomeAssistant, sim: Simulator) -> None:
    """New keys for an entry that runs: its update listener reloads it."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    runtime = entry.runtime_data
    result: Step = dict(await entry.start_reauth_flow(hass))
    sim.tokens.access_key = "another"
    result = await fill(
        hass, result, {"access_key": "another", "secret_key": sim.secret_key}
    )
    assert result["reason"] == "reauth_successful"
    assert is_in_state(entry, ConfigEntryState.LOADED)
    assert entry.runtime_data is not runtime


async def test_reauth_with_the_same_keys(hass: HomeAssistant, sim: Simulator) -> None:
    """Keys that turn out to be right after all: the entry starts again all the same."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    runtime = entry.runtime_data
    result: Step = dict(await entry.start_reauth_flow(hass))
    result = await fill(
        hass, result, {"access_key": sim.access_key, "secret_key": sim.secret_key}
    )
    assert result["reason"] == "reauth_successful"
    assert entry.runtime_data is not runtime
    assert is_in_state(entry, ConfigEntryState.LOADED)


async def test_reauth_of_a_foreign_application(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Keys of an application that is not let into this organization are refused."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    rights, sim.rights = sim.rights, set()
    result: Step = dict(await entry.start_reauth_flow(hass))
    entered = {"access_key": sim.access_key, "secret_key": sim.secret_key}
    result = await fill(hass, result, entered)
    assert result["errors"] == {"base": "org_denied"}
    sim.rights = rights
    result = await fill(hass, result, entered)
    assert result["reason"] == "reauth_successful"


async def test_reconfigure(hass: HomeAssistant, sim: Simulator) -> None:
    """Address and keys can be changed, the organization cannot."""
    entry = entry_for(
        sim,
        product_subentry(sim, "fcu", controls=["power"]),
        data={"url": "http://127.0.0.1:1"},
    )
    await set_up(hass, entry)
    assert is_in_state(entry, ConfigEntryState.SETUP_RETRY)
    result: Step = dict(await entry.start_reconfigure_flow(hass))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    assert suggested(result) == {
        "url": "http://127.0.0.1:1",
        "access_key": sim.access_key,
        "verify_ssl": True,
    }
    assert "org_id" not in result["data_schema"].schema
    result = await fill(hass, result, suggested_input(result))
    assert result["errors"] == {"base": "cannot_connect"}
    result = await fill(
        hass,
        result,
        {
            "url": f"{sim.url}/",
            "access_key": sim.access_key,
            "secret_key": "",
            "connection": {"verify_ssl": False},
        },
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["url"] == f"{sim.url}/"
    assert entry.data["secret_key"] == sim.secret_key
    assert entry.data["verify_ssl"] is False
    assert entry.unique_id == sim.org_id
    assert is_in_state(entry, ConfigEntryState.LOADED)


def suggested_input(result: Step) -> dict[str, Any]:
    """Return the form of an account as it was filled in already."""
    found = suggested(result)
    verify_ssl = found.pop("verify_ssl")
    return {**found, "connection": {"verify_ssl": verify_ssl}}
