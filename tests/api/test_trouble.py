"""Trouble on the way: connections, certificates, time-outs."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
import ipaddress
from pathlib import Path
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    CertificateError,
    ConnectError,
    EnosError,
    NoTlsError,
    ReplyLostError,
)
from simulator import Simulator

from .common import (
    LATEST_PATH,
    TOKEN_PATH,
    Hurried,
    RawServer,
    Scripted,
    calls,
    client_of,
    http_reply,
    ok,
    until,
)

type Read = Callable[[EnosClient, Simulator], Coroutine[Any, Any, Any]]

READS: dict[str, tuple[str, Read]] = {
    "products": ("products", lambda client, _: client.search_products()),
    "devices": ("devices", lambda client, _: client.search_devices()),
    "models": (
        "thing-models",
        lambda client, sim: client.thing_models([sim.device("fcu").model_id]),
    ),
    "latest": (
        LATEST_PATH,
        lambda client, sim: client.latest([sim.device("fcu").asset_id], ["power"]),
    ),
    "query latest": (
        "measurepoints",
        lambda client, sim: client.query_latest(sim.device("fcu").asset_id, ["power"]),
    ),
}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("kind", ["drop", "drop_after"])
@pytest.mark.parametrize("name", READS)
async def test_read_whose_connection_broke(
    sim: Simulator, client: EnosClient, name: str, kind: Any, warm: bool
) -> None:
    """A read whose connection broke is sent once more, and then succeeds."""
    path, read = READS[name]
    if warm:
        await read(client, sim)
    before = calls(sim, path)
    sim.faults.add(kind, path=path, count=1)
    assert await read(client, sim)
    assert calls(sim, path) - before == 2
    assert sim.rejections == []


@pytest.mark.parametrize("name", READS)
async def test_read_whose_connection_keeps_breaking(
    sim: Simulator, client: EnosClient, name: str
) -> None:
    """A read is repeated once, not for ever."""
    path, read = READS[name]
    sim.faults.add("drop", path=path)
    with pytest.raises(ReplyLostError, match="connection broke"):
        await read(client, sim)
    assert calls(sim, path) == 2


@pytest.mark.parametrize("pending_ttl", [0, 600])
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    ("kind", "done"), [("drop", False), ("drop_after", True), ("cut_json", True)]
)
async def test_write_is_never_repeated(
    sim: Simulator,
    client: EnosClient,
    kind: Any,
    done: bool,
    warm: bool,
    pending_ttl: int,
) -> None:
    """A write goes out once, whatever becomes of it; its outcome is then unknown."""
    device = sim.device("fcu")
    if warm:
        await client.query_latest(device.asset_id, ["power"])
    sim.faults.add(kind, action="setMeasurepoint", count=1)
    with pytest.raises(ReplyLostError) as caught:
        await client.set_measurepoint(
            device.asset_id, "mode", 2, pending_ttl=pending_ttl
        )
    assert caught.value.outcome_unknown
    await asyncio.sleep(0.1)
    assert calls(sim, "commands") == 1
    assert sim.writes == ([(device.asset_id, "mode", 2)] if done else [])
    assert sim.rejections == []


@pytest.mark.parametrize(
    "params",
    [
        {"status": 500},
        {"status": 503, "execute": True},
        {"status": 504, "body": "html", "execute": True},
        {"status": 200, "body": {"code": 99500, "msg": "?"}, "execute": True},
    ],
)
async def test_write_in_trouble(
    sim: Simulator, client: EnosClient, params: dict[str, Any]
) -> None:
    """A write that ends in a server's trouble goes out once and may have happened."""
    device = sim.device("fcu")
    sim.faults.add("status", action="setMeasurepoint", **params)
    with pytest.raises(EnosError) as caught:
        await client.set_measurepoint(device.asset_id, "mode", 2)
    assert caught.value.outcome_unknown
    assert calls(sim, "commands") == 1
    assert len(sim.writes) == int(params.get("execute", False))


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("kind", ["html", "cut_json"])
async def test_read_without_json(
    sim: Simulator, client: EnosClient, name: str, kind: Any
) -> None:
    """A read that brings HTML or half a JSON is an error, not an empty answer."""
    path, read = READS[name]
    sim.faults.add(kind, path=path, count=1)
    with pytest.raises(ReplyLostError):
        await read(client, sim)
    assert calls(sim, path) == 1
    assert await read(client, sim)


@pytest.mark.parametrize("kind", ["drop", "drop_after", "html", "cut_json"])
async def test_token_on_a_bad_way(
    sim: Simulator, client: EnosClient, kind: Any
) -> None:
    """Where the token is not had, nothing was sent, and the next call tries again."""
    device = sim.device("fcu")
    sim.faults.add(kind, path=TOKEN_PATH, count=1)
    with pytest.raises(ConnectError) as caught:
        await client.set_measurepoint(device.asset_id, "mode", 2)
    assert not caught.value.outcome_unknown
    assert calls(sim, "commands") == 0
    await client.set_measurepoint(device.asset_id, "mode", 3)
    assert sim.writes == [(device.asset_id, "mode", 3)]
    assert sim.rejections == []


@pytest.mark.parametrize(
    "reply",
    [
        http_reply(b'{"code":0', length=500),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
    ids=["cut body", "cut chunk", "cut head", "nothing"],
)
async def test_reply_that_is_cut(session: aiohttp.ClientSession, reply: bytes) -> None:
    """A reply that is cut counts as a broken connection: reads are repeated, writes not."""
    async with RawServer(reply) as server:
        client = EnosClient(
            session, url=server.url, org_id="o1", access_key="k", secret_key="s"
        )
        with pytest.raises(ReplyLostError) as caught:
            await client.set_measurepoint("a", "p", 1)
        assert caught.value.outcome_unknown
        assert len(server.requests) == 1
        server.replies = [reply, http_reply(b'{"code":0,"data":{"items":[]}}')]
        assert await client.latest(["a"], ["p"]) == {}
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    ],
    ids=["mail", "no status", "no header", "negative length"],
)
async def test_what_is_no_http(session: aiohttp.ClientSession, reply: bytes) -> None:
    """Something that does not speak HTTP is trouble as well, without a repetition."""
    async with RawServer(reply) as server:
        client = EnosClient(
            session, url=server.url, org_id="o1", access_key="k", secret_key="s"
        )
        with pytest.raises(ReplyLostError, match="no proper HTTP") as caught:
            await client.set_measurepoint("a", "p", 1)
        assert caught.value.outcome_unknown
        assert len(server.requests) == 1


async def test_zipped_nonsense(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A reply whose compression is broken is trouble, not a crash."""
    gateway.answer = lambda _: aiohttp.web.Response(
        body=b"no gzip at all", headers={"Content-Encoding": "gzip"}
    )
    with pytest.raises(ReplyLostError):
        await gateway.client(session).set_measurepoint("a", "p", 1)
    assert len(gateway.business) == 1


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_nobody_listens(session: aiohttp.ClientSession) -> None:
    """Where nobody listens, no connection comes about and nothing was sent."""
    client = EnosClient(
        session,
        url=f"http://127.0.0.1:{free_port()}",
        org_id="o1",
        access_key="k",
        secret_key="s",
    )
    for call in (client.authenticate(), client.set_measurepoint("a", "p", 1)):
        with pytest.raises(ConnectError) as caught:
            await call
        assert not isinstance(caught.value, CertificateError)
        assert not caught.value.outcome_unknown


async def test_gateway_that_goes_away(sim: Simulator, client: EnosClient) -> None:
    """A write after the gateway went away was not sent, and works once it is back."""
    device = sim.device("fcu")
    await client.query_latest(device.asset_id, ["power"])
    await sim.stop()
    with pytest.raises(ConnectError) as caught:
        await client.set_measurepoint(device.asset_id, "mode", 2)
    assert not caught.value.outcome_unknown
    await sim.start()
    await client.set_measurepoint(device.asset_id, "mode", 2)
    assert sim.writes == [(device.asset_id, "mode", 2)]


class Nowhere(AbstractResolver):
    """A resolver that knows no host."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Say that the host is not known."""
        raise OSError(None, "Name or service not known")

    async def close(self) -> None:
        """Do nothing."""


async def test_host_that_does_not_exist() -> None:
    """A host that cannot be looked up is one that cannot be reached."""
    connector = aiohttp.TCPConnector(resolver=Nowhere())
    async with aiohttp.ClientSession(connector=connector) as session:
        client = EnosClient(
            session,
            url="https://apim.invalid",
            org_id="o1",
            access_key="k",
            secret_key="s",
        )
        with pytest.raises(ConnectError):
            await client.authenticate()


async def test_closed_session(sim: Simulator) -> None:
    """A session that was closed under the client is an error of the family."""
    session = aiohttp.ClientSession()
    client = client_of(sim, session)
    await client.authenticate()
    await session.close()
    with pytest.raises(ConnectError) as caught:
        await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
    assert not caught.value.outcome_unknown
    assert calls(sim, "commands") == 0


# ------------------------------------------------------------ time


async def test_answer_that_does_not_come(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """A read gives up after half a minute, without a second try."""
    hurried = Hurried(session)
    client = client_of(sim, hurried.session)
    await client.authenticate()
    sim.faults.add("delay", path=LATEST_PATH, seconds=5)
    with pytest.raises(ReplyLostError, match="no answer within 30 s"):
        await client.latest([sim.device("fcu").asset_id], ["power"])
    assert calls(sim, LATEST_PATH) == 1
    assert hurried.totals == [30, 30]
    assert hurried.connects == [15, 15]


@pytest.mark.parametrize(
    ("timeout", "pending_ttl", "expected"),
    [(1, 0, 16), (30, 0, 45), (60, 0, 75), (60, 3600, 45)],
)
async def test_write_that_is_not_answered(
    sim: Simulator,
    session: aiohttp.ClientSession,
    timeout: int,
    pending_ttl: int,
    expected: float,
) -> None:
    """A held command has 15 s more than the device; beyond that its outcome is unknown."""
    hurried = Hurried(session)
    client = client_of(sim, session, command_session=hurried.session)
    sim.faults.add("delay", action="setMeasurepoint", seconds=5)
    with pytest.raises(ReplyLostError) as caught:
        await client.set_measurepoint(
            sim.device("fcu").asset_id,
            "mode",
            2,
            timeout=timeout,
            pending_ttl=pending_ttl,
        )
    assert caught.value.outcome_unknown
    assert hurried.totals == [expected]
    assert hurried.connects == [15]
    assert calls(sim, "commands") == 1


async def test_token_that_does_not_come(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """A token service that hangs is a gateway that is not reached."""
    client = client_of(sim, Hurried(session).session)
    sim.faults.add("delay", path=TOKEN_PATH, seconds=5)
    with pytest.raises(ConnectError, match="no answer within 30 s"):
        await client.authenticate()


async def test_connection_that_does_not_come_about(sim: Simulator) -> None:
    """A connection that is not had in time means that nothing was sent."""
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = client_of(sim, Hurried(session, total=10, connect=0.3).session)
        await client.authenticate()
        sim.faults.add("delay", path=LATEST_PATH, seconds=1)
        asset_id = sim.device("fcu").asset_id
        holder = asyncio.create_task(client.latest([asset_id], ["power"]))
        await until(lambda: calls(sim, LATEST_PATH) == 1)
        with pytest.raises(ConnectError) as caught:
            await client.set_measurepoint(asset_id, "mode", 2)
        assert not caught.value.outcome_unknown
        assert calls(sim, "commands") == 0
        assert await holder


# ------------------------------------------------------------ certificates


def certificate(
    tmp_path: Path, *, days: int = 1, host: str | None = None
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts for a gateway with its own certificate, and for one who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EnOS gateway")])
    now = datetime.now(UTC)
    alternative: x509.GeneralName = (
        x509.DNSName(host)
        if host
        else x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    chain = tmp_path / "gateway.pem"
    chain.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cadata=pem.decode())


async def connect(
    context: ssl.SSLContext, trust: ssl.SSLContext | bool, refused: str = ""
) -> None:
    """Write to a gateway over TLS; where that is refused, nothing at all may be sent."""
    connector = aiohttp.TCPConnector(ssl=trust)
    async with (
        Simulator(devices=1, physics=False, ssl_context=context) as sim,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        client = client_of(sim, session)
        assert client.url.startswith("https://")
        if not refused:
            await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
            assert len(sim.writes) == 1
            return
        with pytest.raises(CertificateError, match=refused) as caught:
            await client.set_measurepoint(sim.device("fcu").asset_id, "mode", 2)
        assert not caught.value.outcome_unknown
        assert sim.requests == []


async def test_certificate_nobody_signed(tmp_path: Path) -> None:
    """A certificate of the gateway's own making is refused, unless it is trusted or asked for."""
    server, trusting = certificate(tmp_path)
    await connect(server, True, refused="self-signed")
    await connect(server, trusting)
    await connect(server, False)


async def test_certificate_of_another_host(tmp_path: Path) -> None:
    """A certificate of another host is refused, also where it is trusted."""
    server, trusting = certificate(tmp_path, host="apim.example")
    await connect(server, trusting, refused="127.0.0.1")


async def test_certificate_that_expired(tmp_path: Path) -> None:
    """A certificate that has expired is refused, also where it is trusted."""
    server, trusting = certificate(tmp_path, days=-1)
    await connect(server, trusting, refused="expired")


async def test_https_where_http_is_spoken(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """An https address of a gateway that speaks http gives no certificate to verify."""
    url = sim.url.replace("http://", "https://")
    with pytest.raises(NoTlsError):
        await client_of(sim, session, url=url).authenticate()


async def test_http_where_https_is_spoken(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """An http address of a gateway that speaks https is trouble, and no crash."""
    server, _ = certificate(tmp_path)
    async with Simulator(devices=1, physics=False, ssl_context=server) as sim:
        url = sim.url.replace("https://", "http://")
        with pytest.raises(ConnectError):
            await client_of(sim, session, url=url).authenticate()


async def test_clean_reply_still_works(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """The servers of these tests are fine where they are not told to be otherwise."""
    gateway.answer = lambda _: ok({"commandId": "1"})
    assert await gateway.client(session).set_measurepoint("a", "p", 1) == "1"
