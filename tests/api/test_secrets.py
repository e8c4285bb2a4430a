"""Secrets stay inside: not in logs, not in texts, never asked for."""

import logging
import traceback
from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    AddressRefusedError,
    ConnectError,
    CredentialsError,
    EnosError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    ReplyLostError,
    TokenRefusedError,
)
from simulator import Guesses, Simulator

from .common import (
    ACCESS_KEY,
    SECRET_KEY,
    TOKEN,
    TOKEN_PATH,
    Exchange,
    RawServer,
    Scripted,
    client_of,
    ok,
)


def secrets_of(sim: Simulator) -> set[str]:
    """Return everything that nobody may ever see."""
    return {
        sim.secret_key,
        *sim.tokens._valid,
        *sim.tokens._former,
        *sim.tokens._used,
        *(device.device_secret for device in sim.devices.values()),
        *(product["productSecret"] for product in sim.products.values()),
    }


class Witness:
    """Runs calls and notes all texts that an error can leave behind."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.texts: list[str] = []
        self.errors: list[EnosError] = []

    async def sees(self, call: Any) -> None:
        """Await a call; keep its result's or its error's texts."""
        try:
            self.texts.append(repr(await call))
        except EnosError as err:
            self.errors.append(err)
            self.texts += [str(err), repr(err), repr(err.args), err.message]
            self.texts += traceback.format_exception(err)

    def sees_none_of(self, secrets: set[str], records: list[logging.LogRecord]) -> None:
        """Check all texts, and all log lines with their tracebacks."""
        formatter = logging.Formatter("%(name)s %(message)s %(args)s")
        texts = [*self.texts, *map(formatter.format, records)]
        assert len(texts) > 20
        for secret in filter(None, secrets):
            assert not [text for text in texts if secret in text]


@pytest.mark.parametrize("variant", ["defaults", "all at once"])
async def test_long_session(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, variant: str
) -> None:
    """No secret and no token shows in a long session with all kinds of trouble."""
    caplog.set_level(logging.DEBUG)
    guesses = Guesses() if variant == "defaults" else Guesses.all_non_default()
    witness = Witness()
    async with Simulator(devices=16, physics=False, guesses=guesses) as sim:
        client = client_of(sim, session)
        device = sim.device("fcu")

        async def some() -> None:
            await witness.sees(client.device_exists("nothere1"))
            await witness.sees(client.latest([device.asset_id], ["power", "mode"]))
            await witness.sees(client.set_measurepoint(device.asset_id, "mode", 2))

        async def everything() -> None:
            await some()
            await witness.sees(client.search_products())
            await witness.sees(client.search_devices())
            await witness.sees(client.find_device(device.product_key, "unheard"))
            await witness.sees(client.device_exists(device.asset_id))
            await witness.sees(client.thing_models(list(sim.models)))
            await witness.sees(client.latest(["nothere1"], ["power"]))
            await witness.sees(client.query_latest(device.asset_id, ["power"]))
            await witness.sees(client.set_measurepoint(device.asset_id, "mode", 99))
            await witness.sees(client.set_measurepoint(device.asset_id, "no", True))

        await everything()
        for kind, params in (
            ("drop", {}),
            ("drop_after", {}),
            ("html", {}),
            ("cut_json", {}),
            ("rate_limit", {}),
            ("status", {"status": 500}),
            ("status", {"status": 403}),
            ("status", {"status": 413}),
        ):
            for path in ("-service/v2.1", TOKEN_PATH):
                sim.revoke_token()
                fault = sim.faults.add(kind, path=path, **params)  # type: ignore[arg-type]
                await some()
                sim.faults.remove(fault)
        await sim.expire_tokens()
        await everything()
        sim.clock_offset = 3600
        await some()
        sim.clock_offset = 0
        sim.secret_key = "another secret"
        await some()
        sim.secret_key = SECRET_KEY
        sim.rights.clear()
        await everything()
        await witness.sees(client_of(sim, session, secret_key="wr0ng").authenticate())
        await sim.stop()
        await some()
        await sim.start()

        witness.texts.append(repr(client) + str(client) + repr(client._gateway.tokens))
        witness.sees_none_of(secrets_of(sim) | {"wr0ng"}, caplog.records)
        assert {type(err) for err in witness.errors} >= {
            AddressRefusedError,
            ConnectError,
            CredentialsError,
            NotFoundError,
            PayloadTooLargeError,
            PermissionDeniedError,
            RateLimitError,
            ReplyLostError,
            TokenRefusedError,
        }
        assert [each for each in caplog.records if each.name.startswith("custom_")]
        assert not any(record.served_secret for record in sim.requests)


async def test_witness_has_eyes(caplog: pytest.LogCaptureFixture) -> None:
    """The check above does see a secret in a text, in a log line and in a traceback."""
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("test")
    for _ in range(21):
        log.debug("x")
    witness = Witness()
    witness.sees_none_of({"s3cret"}, caplog.records)
    log.debug("a %s", "s3cret")
    with pytest.raises(AssertionError):
        witness.sees_none_of({"s3cret"}, caplog.records)

    async def fail() -> None:
        raise EnosError("no") from ValueError("s3cret")

    await witness.sees(fail())
    with pytest.raises(AssertionError):
        witness.sees_none_of({"s3cret"}, caplog.records[:21])


async def test_what_is_no_http(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """What aiohttp says of a request that failed does not carry its headers along."""
    caplog.set_level(logging.DEBUG)
    witness = Witness()
    for reply in (b"220 hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b""):
        async with RawServer(reply) as server:
            client = EnosClient(
                session,
                url=server.url,
                org_id="o1",
                access_key=ACCESS_KEY,
                secret_key=SECRET_KEY,
            )
            await witness.sees(client.set_measurepoint("a", "p", 1))
    assert len(witness.errors) == 3
    witness.sees_none_of({SECRET_KEY, TOKEN}, caplog.records)


@pytest.mark.parametrize("key", ["msg", "message"])
@pytest.mark.parametrize("status", [200, 401, 403, 429, 500])
async def test_gateway_that_repeats_secrets(
    session: aiohttp.ClientSession, gateway: Scripted, key: str, status: int
) -> None:
    """A secret that the gateway repeats in its words is blacked out."""

    def echo(exchange: Exchange) -> aiohttp.web.Response:
        sent = exchange.headers.get("apim-accesstoken", TOKEN)
        words = f"{sent} of {ACCESS_KEY} with {SECRET_KEY} is not good"
        return aiohttp.web.json_response(
            {"code": 99400, "status": 1004, key: "x" * 150 + words}, status=status
        )

    client = gateway.client(session)
    await client.authenticate()
    gateway.answer = echo
    witness = Witness()
    await witness.sees(client.set_measurepoint("a", "p", 1))
    gateway.answer_token = echo
    client._gateway.tokens.refuse(TOKEN)
    await witness.sees(client.set_measurepoint("a", "p", 1))

    # Another call may have brought a new token before this one's refusal is read.
    def late(exchange: Exchange) -> aiohttp.web.Response:
        client._gateway.tokens._token = "new"
        return echo(exchange)

    gateway.answer = late
    client._gateway.tokens._token, client._gateway.tokens._renew = TOKEN, float("inf")
    await witness.sees(client.set_measurepoint("a", "p", 1))
    assert len(witness.errors) == 3
    for text in witness.texts:
        for secret in (TOKEN, ACCESS_KEY, SECRET_KEY):
            # Nor what is left of one that was cut off with the end of the text.
            assert secret[:12] not in text


async def test_secrets_of_devices_are_not_kept(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A secret that comes without being asked for has no place to stay."""
    data = {
        "assetId": "a",
        "productKey": "p",
        "deviceSecret": "dev1ce",
        "productSecret": "pr0duct",
    }
    gateway.answer = lambda _: ok([data], pagination={"totalSize": 1})
    client = gateway.client(session)
    found = repr([await client.search_products(), await client.search_devices()])
    assert "'a'" in found
    assert "dev1ce" not in found
    assert "pr0duct" not in found
