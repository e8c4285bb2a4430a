"""Known answers for token and signature, computed by Envision's own code."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest

from custom_components.enos.api.auth import encryption, query_text, signature

from .common import ACCESS_KEY, SECRET_KEY, TOKEN, Clocks, Scripted, ok

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared/reference/enos_auth_vectors.json"
VECTORS: dict[str, dict[str, Any]] = {
    vector["id"]: vector
    for vector in json.loads((HERE / "vectors.json").read_text())["vectors"]
}
SIGNATURES = [name for name, vector in VECTORS.items() if "signature" in vector]
TOKENS = [name for name, vector in VECTORS.items() if "encryption" in vector]


def decoded(query: str) -> dict[str, str]:
    """Return the decoded parameters of a query."""
    return dict(parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name: str) -> None:
    """A signature is the one that Envision's code computes."""
    vector = VECTORS[name]
    assert (
        signature(
            vector["token"],
            query_text(decoded(vector["query"])),
            vector["body"],
            vector["timestamp"],
            vector["secret_key"],
        )
        == vector["signature"]
    )


@pytest.mark.parametrize("name", TOKENS)
def test_encryption(name: str) -> None:
    """The proof of a token request is the one that Envision's code computes."""
    vector = VECTORS[name]
    found = encryption(vector["access_key"], vector["timestamp"], vector["secret_key"])
    assert found == vector["encryption"]


def test_none_is_missing() -> None:
    """The file holds the vectors that these tests rely on."""
    assert len(SIGNATURES) == 12
    assert len(TOKENS) == 2


@pytest.mark.skipif(not SHARED.exists(), reason="the fact sheet is not at hand")
def test_shared_vectors() -> None:
    """The vectors here are those of the fact sheet, each that concerns the token scheme."""
    theirs = {
        vector["id"]: vector
        for vector in json.loads(SHARED.read_text())["vectors"]
        if vector["scheme"].startswith("apim-token")
    }
    assert set(theirs) == set(VECTORS)
    for name, vector in theirs.items():
        ours, inputs = VECTORS[name], vector["inputs"]
        assert ours["secret_key"] == inputs["appSecret"]
        assert ours["timestamp"] == int(inputs["timestamp"])
        if "encryption" in ours:
            assert ours["encryption"] == vector["output"]
            assert ours["access_key"] == inputs["appKey"]
            assert ours["request"] == vector["request"]["body"]
            continue
        assert ours["signature"] == vector["output"]
        assert ours["token"] == inputs["accessToken"]
        assert ours["body"] == inputs.get("body", "")
        if "url" in inputs:
            assert ours["query"] == inputs["url"].partition("?")[2]
        elif "params" in inputs:
            assert decoded(ours["query"]) == inputs["params"]


@pytest.fixture
def stopped(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """A wall clock that stands still just before the time of the vectors."""
    monkeypatch.setattr(clocks, "time", lambda: 1699999999.999)
    return clocks


async def test_token_request_over_the_wire(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The token request is the documented one, to the byte that is proved."""
    vector = VECTORS["apim-token-get"]
    monkeypatch.setattr(clocks, "time", lambda: vector["timestamp"] / 1000)
    await gateway.client(session).authenticate()
    (exchange,) = gateway.exchanges
    assert exchange.method == "POST"
    assert exchange.path == "/apim-token-service/v2.0/token/get"
    assert exchange.raw_query == ""
    assert exchange.json == vector["request"]
    assert exchange.headers["content-type"] == "application/json;charset=UTF-8"
    assert not [name for name in exchange.headers if name.startswith("apim-")]


async def test_refresh_request_over_the_wire(
    session: aiohttp.ClientSession, gateway: Scripted, stopped: Clocks
) -> None:
    """The refresh names the present token, which is not part of the proof."""
    answers = iter((("OLD_TOKEN", 60), ("NEW_TOKEN", 7200)))

    def token(_: object) -> dict[str, Any]:
        text, life = next(answers)
        return {"status": 0, "data": {"accessToken": text, "expire": life}}

    gateway.answer_token = token
    await gateway.client(session).authenticate()
    exchange = gateway.exchanges[1]
    assert exchange.path == "/apim-token-service/v2.0/token/refresh"
    assert exchange.json == VECTORS["apim-token-refresh"]["request"]


async def test_write_over_the_wire(
    session: aiohttp.ClientSession, gateway: Scripted, stopped: Clocks
) -> None:
    """A write is sent and signed as in the vector of the same call."""
    vector = VECTORS["apim-sign-set-measurepoint-number"]
    assert (vector["token"], vector["secret_key"]) == (TOKEN, SECRET_KEY)
    gateway.answer = lambda _: ok({"commandId": "2078724684846989312"})
    await gateway.client(session).set_measurepoint("sxH2DD6f", "Int_value", 111)
    (exchange,) = gateway.business
    assert exchange.query == decoded(vector["query"])
    assert exchange.body.decode() == vector["body"]
    assert exchange.headers["apim-accesstoken"] == vector["token"]
    assert exchange.headers["apim-timestamp"] == str(vector["timestamp"])
    assert exchange.headers["apim-signature"] == vector["signature"]


async def test_search_and_get_over_the_wire(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call without body is sent and signed as in the vector of the same call."""
    vector = VECTORS["apim-sign-get-device"]
    # The token request and the search before have the two milliseconds before.
    monkeypatch.setattr(clocks, "time", lambda: vector["timestamp"] / 1000 - 0.002)
    gateway.answer = lambda exchange: ok([] if exchange.body else {})
    assert await gateway.client(session).device_exists("9HhK0YxX")
    exchange = gateway.business[-1]
    assert exchange.method == "GET"
    assert exchange.path == "/connect-service/v2.1/devices"
    assert exchange.query == decoded(vector["query"])
    assert exchange.body == b""
    assert "content-type" not in exchange.headers
    assert exchange.headers["apim-timestamp"] == str(vector["timestamp"])
    assert exchange.headers["apim-signature"] == vector["signature"]


def test_examples_are_examples() -> None:
    """The keys of these tests are the made-up ones of the vectors."""
    vector = VECTORS["apim-token-get"]
    assert (vector["access_key"], vector["secret_key"]) == (ACCESS_KEY, SECRET_KEY)
