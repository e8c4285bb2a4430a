"""Errors by meaning: each code of EnOS, each status of HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import json
import math
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.enos.api import errors, parsing
from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import (
    AddressRefusedError,
    ApiError,
    CredentialsError,
    DeviceInactiveError,
    DeviceOfflineError,
    EnosError,
    NoReplyError,
    NotEncodableError,
    NotFoundError,
    NotSentError,
    PayloadTooLargeError,
    PermissionDeniedError,
    QueueFullError,
    RateLimitError,
    RejectedError,
    ReplyLostError,
    ServerError,
    TokenRefusedError,
    UnknownCodeError,
    error_for,
)
from simulator import Guesses, Simulator

from .common import LATEST_PATH, Answer, Exchange, Scripted, calls, client_of

# What each code means, and whether a write that ended so may have been carried out.
BUSINESS: dict[int, tuple[type[EnosError], bool]] = {
    1001: (ApiError, False),
    1004: (RejectedError, False),
    1005: (ServerError, True),
    1202: (RejectedError, False),
    1204: (ApiError, False),
    11404: (NotFoundError, False),
    11611: (NotFoundError, False),
    11651: (NotFoundError, False),
    11738: (RejectedError, False),
    11794: (RejectedError, False),
    11795: (RejectedError, False),
    11810: (NotEncodableError, False),
    11888: (DeviceInactiveError, False),
    11900: (DeviceOfflineError, False),
    11902: (QueueFullError, False),
    11904: (NotSentError, False),
    11915: (NoReplyError, True),
    17404: (NotFoundError, False),
    80400: (PayloadTooLargeError, False),
    80401: (PermissionDeniedError, False),
    80500: (ServerError, True),
    99400: (RejectedError, False),
    99403: (PermissionDeniedError, False),
    99404: (NotFoundError, False),
    99500: (ServerError, True),
    # No source explains these.
    1: (UnknownCodeError, True),
    -1: (UnknownCodeError, True),
    11999: (UnknownCodeError, True),
    99999: (UnknownCodeError, True),
}


def test_every_code_is_tested() -> None:
    """The table of the client holds no code that is not tested here."""
    assert set(errors._CODES) <= set(BUSINESS) | {1002, 1003}


@pytest.mark.parametrize("code", BUSINESS)
async def test_code(
    session: aiohttp.ClientSession, gateway: Scripted, code: int
) -> None:
    """A code becomes the error that it means, with EnOS's own words and one request."""
    kind, unknown = BUSINESS[code]
    gateway.answer = lambda _: {
        # The field of those who stand before the services; see `test_device_codes.py`.
        "status" if 1000 < code < 2000 else "code": code,
        "msg": " In\n its  own words ",
        "data": None,
    }
    with pytest.raises(EnosError) as caught:
        await gateway.client(session).set_measurepoint("a", "p", 1)
    err = caught.value
    assert type(err) is kind
    assert err.code == code
    assert err.message == "In its own words"
    assert str(err) == f"EnOS answered {code}: In its own words"
    assert err.outcome_unknown is unknown
    assert len(gateway.business) == 1


@pytest.mark.parametrize("code", [1002, 1003])
def test_codes_of_keys(code: int) -> None:
    """The codes of wrong keys mean just that, and that nothing happened."""
    err = error_for(code, "no")
    assert type(err) is CredentialsError
    assert not err.outcome_unknown


@pytest.mark.parametrize("key", ["code", "status", "stauts"])
@pytest.mark.parametrize("form", [int, str, float])
async def test_names_and_forms_of_the_code(
    session: aiohttp.ClientSession, gateway: Scripted, key: str, form: Any
) -> None:
    """The code is understood under each name and in each form that documents show."""
    client = gateway.client(session)
    gateway.answer = lambda _: {key: form(11900), "msg": "off"}
    with pytest.raises(DeviceOfflineError) as caught:
        await client.latest(["a"], ["p"])
    assert caught.value.code == 11900
    gateway.answer = lambda _: {key: form(0), "data": {"items": []}}
    assert await client.latest(["a"], ["p"]) == {}


@pytest.mark.parametrize("code", [None, True, "OK", [], 1.5])
async def test_code_that_is_none(
    session: aiohttp.ClientSession, gateway: Scripted, code: Any
) -> None:
    """A reply whose code is no number is no reply of EnOS."""
    gateway.answer = lambda _: {"code": code, "msg": "?"}
    with pytest.raises(ReplyLostError) as caught:
        await gateway.client(session).set_measurepoint("a", "p", 1)
    assert caught.value.outcome_unknown


async def test_second_name_where_the_first_is_empty(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A `code` of null leaves the word to `status`."""
    gateway.answer = lambda _: {"code": None, "status": 99404}
    with pytest.raises(NotFoundError):
        await gateway.client(session).latest(["a"], ["p"])


@pytest.mark.parametrize("msg", [None, 5, "", "x" * 1000])
async def test_words(
    session: aiohttp.ClientSession, gateway: Scripted, msg: Any
) -> None:
    """EnOS's words are kept short, and may be missing."""
    gateway.answer = lambda _: {"code": 99400, "msg": msg}
    with pytest.raises(RejectedError) as caught:
        await gateway.client(session).latest(["a"], ["p"])
    assert caught.value.message == ("x" * 200 if msg and msg != 5 else "")


# HTTP status, body, the error, whether a write may have been carried out.
HTTP: list[tuple[int, Any, type[EnosError], bool]] = [
    (400, {"message": "Cannot process request body"}, RejectedError, False),
    (400, {"code": 99400, "msg": "bad"}, RejectedError, False),
    (401, {"message": "Invalid authentication credentials"}, TokenRefusedError, False),
    (401, "<html></html>", TokenRefusedError, False),
    (403, {"message": "Your IP address is not allowed"}, AddressRefusedError, False),
    (403, {"message": "You cannot consume this service"}, RejectedError, False),
    (403, {"code": 99403, "msg": "denied"}, PermissionDeniedError, False),
    (404, {"message": "no Route matched with those values"}, RejectedError, False),
    (404, "<html>Not found</html>", ReplyLostError, True),
    (405, "", ReplyLostError, True),
    (413, {"message": "Request size limit exceeded"}, PayloadTooLargeError, False),
    (413, "<html>too large</html>", PayloadTooLargeError, False),
    (429, {"message": "API rate limit exceeded"}, RateLimitError, False),
    (429, {"code": 0}, RateLimitError, False),
    (400, {"code": 0, "data": {"commandId": "1"}}, ReplyLostError, True),
    (500, {"message": "An unexpected error occurred"}, ReplyLostError, True),
    (500, {"code": 0, "data": None}, ReplyLostError, True),
    (500, {"code": 99404, "msg": "?"}, ReplyLostError, True),
    (502, "<html>Bad Gateway</html>", ReplyLostError, True),
    (503, {"message": "Service unavailable"}, ReplyLostError, True),
    (504, "", ReplyLostError, True),
    (200, "", ReplyLostError, True),
    (200, "<html>Log in to the hotel's network</html>", ReplyLostError, True),
    (200, "null", ReplyLostError, True),
    (200, "[]", ReplyLostError, True),
    (200, "{}", ReplyLostError, True),
    (200, '"OK"', ReplyLostError, True),
    (200, '{"code":0,"data":{"comm', ReplyLostError, True),
    (200, {"message": "hello"}, ReplyLostError, True),
    (204, "", ReplyLostError, True),
    (302, "", ReplyLostError, True),
    (302, {"code": 0, "data": {"commandId": "1"}}, ReplyLostError, True),
    (304, "", ReplyLostError, True),
]


@pytest.mark.parametrize(("status", "body", "kind", "unknown"), HTTP)
async def test_http(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    status: int,
    body: Any,
    kind: type[EnosError],
    unknown: bool,
) -> None:
    """What HTTP and the gateway before EnOS say becomes the error that it means."""

    def answer(_: Exchange) -> Answer:
        if isinstance(body, str):
            return aiohttp.web.Response(
                text=body, status=status, content_type="text/html"
            )
        return aiohttp.web.json_response(body, status=status)

    gateway.answer = answer
    with pytest.raises(EnosError) as caught:
        await gateway.client(session).set_measurepoint("a", "p", 1)
    assert type(caught.value) is kind
    assert caught.value.outcome_unknown is unknown
    if status != 200 and not (isinstance(body, dict) and body.get("code")):
        assert caught.value.code in (status, None)
    assert len(gateway.business) == (2 if kind is TokenRefusedError else 1)


async def test_redirect_is_not_followed(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """Token and signature never go where a redirect points."""
    async with Scripted() as other:
        gateway.answer = lambda _: aiohttp.web.Response(
            status=307, headers={"Location": f"{other.url}/connect-service/"}
        )
        with pytest.raises(ReplyLostError) as caught:
            await gateway.client(session).set_measurepoint("a", "p", 1)
        gateway.answer_token = gateway.answer
        with pytest.raises(EnosError):
            await gateway.client(session).authenticate()
        assert caught.value.code == 307
        assert other.exchanges == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("999999999999", 999999999999.0),
        ("Sun, 99 Foo 2026 25:61:61 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
async def test_retry_after(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    header: str | None,
    expected: float | None,
) -> None:
    """A 429 tells how long to wait, if it does; nonsense counts as silence."""
    gateway.answer = lambda _: aiohttp.web.json_response(
        {"message": "API rate limit exceeded"},
        status=429,
        headers={} if header is None else {"Retry-After": header},
    )
    with pytest.raises(RateLimitError) as caught:
        await gateway.client(session).latest(["a"], ["p"])
    assert caught.value.retry_after == expected
    assert caught.value.message == "API rate limit exceeded"
    assert caught.value.code == 429
    assert len(gateway.business) == 1


async def test_retry_after_a_date(
    session: aiohttp.ClientSession, gateway: Scripted
) -> None:
    """A 429 may name a time instead, with and without a zone."""
    client = gateway.client(session)
    moment = datetime.now(UTC) + timedelta(seconds=90)
    for text in (
        format_datetime(moment, usegmt=True),
        format_datetime(moment.replace(tzinfo=None)),
    ):
        gateway.answer = lambda _, text=text: aiohttp.web.Response(  # type: ignore[misc]
            status=429, headers={"Retry-After": text}
        )
        with pytest.raises(RateLimitError) as caught:
            await client.latest(["a"], ["p"])
        assert caught.value.retry_after == pytest.approx(90, abs=3)


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ .{0,6}")))
@settings(max_examples=60, deadline=None)
def test_retry_after_never_raises(header: str) -> None:
    """No header makes the parser raise, or gives a wait that is no wait."""
    found = parsing.retry_after(header)
    assert found is None or (found >= 0 and math.isfinite(found))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.binary())
@settings(max_examples=40, deadline=None)
def test_bytes_never_raise(content: bytes) -> None:
    """No bytes make the parser raise."""
    found = parsing.json_object(content)
    assert found is None or isinstance(found, dict)


@given(st.dictionaries(st.text(st.characters(codec=None)), JSON, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_odd_json_is_understood(value: dict[str, Any]) -> None:
    """An object stays one, whatever numbers and half characters are in it."""
    assert parsing.json_object(json.dumps(value).encode()) is not None


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 10_000 + b"}"],
    ids=["deep lists", "deep objects", "long number"],
)
def test_json_that_attacks(content: bytes) -> None:
    """Neither depth nor size of what comes makes the parser raise."""
    assert parsing.json_object(content) is None


async def test_limits_of_the_simulator(session: aiohttp.ClientSession) -> None:
    """The gateway's own forms of a rate limit are understood (guess G4)."""
    for g4, expected in (("plain", None), ("retry_after", 2.0)):
        guesses = Guesses.from_dict({"G4": g4})
        async with Simulator(devices=1, physics=False, guesses=guesses) as sim:
            client = client_of(sim, session)
            sim.faults.add("rate_limit", path=LATEST_PATH, count=1)
            with pytest.raises(RateLimitError) as caught:
                await client.latest([sim.device("fcu").asset_id], ["power"])
            assert caught.value.retry_after == expected
            assert calls(sim, LATEST_PATH) == 1
            assert sim.rejections == []


async def test_rights(sim: Simulator, client: EnosClient) -> None:
    """A missing right is told as such, by each service in its own way."""
    device = sim.device("fcu")
    sim.rights.clear()
    for call in (
        client.search_products(),
        client.search_devices(),
        client.thing_models([device.model_id]),
        client.latest([device.asset_id], ["power"]),
        client.query_latest(device.asset_id, ["power"]),
        client.set_measurepoint(device.asset_id, "power", True),
        client.device_exists(device.asset_id),
        client.find_device(device.product_key, device.device_key),
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            await call
        assert caught.value.code in (99403, 80401)
    assert sim.rejections == []


async def test_organization(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """An organization that is another's, and one that is nobody's."""
    with pytest.raises(PermissionDeniedError):
        await client_of(sim, session, org_id=sim.foreign_org_id).search_products()
    with pytest.raises(RejectedError, match="orgId does not exist"):
        await client_of(sim, session, org_id="o1").search_products()


async def test_no_such_device(sim: Simulator, client: EnosClient) -> None:
    """What does not exist is told as such."""
    with pytest.raises(NotFoundError):
        await client.query_latest("nothere1", ["power"])
    with pytest.raises(NotFoundError):
        await client.set_measurepoint("nothere1", "power", True)
    with pytest.raises(NotFoundError, match="no device x in product y"):
        await client.find_device("y", "x")
    assert sim.rejections == []


async def test_too_much_at_once(sim: Simulator, client: EnosClient) -> None:
    """More than 3,000 assets × points is a `PayloadTooLargeError`, as is a 413."""
    with pytest.raises(PayloadTooLargeError) as caught:
        await client.latest([f"a{n}" for n in range(61)], [f"p{n}" for n in range(50)])
    assert caught.value.code == 80400
    sim.max_body = 1000
    with pytest.raises(PayloadTooLargeError) as caught:
        await client.latest([f"asset{n}" for n in range(200)], ["power"])
    assert caught.value.code == 413
