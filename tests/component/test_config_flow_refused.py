"""The first form refused: each thing that can be wrong, told apart and put right."""

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
from simulator import Simulator

from .common import entry_for
from .flows import account, begin, choose, fill, is_in_state, refuse, suggested


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


async def test_https_where_http_is_spoken(hass: HomeAssistant, sim: Simulator) -> None:
    """A forgotten http in front is no matter of certificates."""
    result = await begin(hass, account(sim, url=sim.url.removeprefix("http://")))
    assert result["errors"] == {"base": "no_tls"}
    result = await fill(hass, result, account(sim))
    result = await fill(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


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
