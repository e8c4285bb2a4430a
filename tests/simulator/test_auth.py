"""Signatures, timestamps and tokens of business calls."""

import logging

import pytest

from simulator import Guesses
from simulator.signing import decode_query, params_text, sign, split_query

from .conftest import Connect
from .helper import DEVICES, LATEST, Client, digest

KEY = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
PORTAL = "APP_PORTAL_S_exampletoken0123456789"
# Token, query, body, timestamp, secret, signature: worked examples of the
# documentation, and results of its own sample code.
VECTORS = [
    (
        "xxxxaaaxxxx",
        "k3=v3&k1=v1&k2=v2",
        '{\n  "count": 20,\n  "page": 1,\n  "desc": "描述"\n}',
        "1572574909697",
        "xxxappSecretxxx",
        "59828328f6c1f9771015dc74e4929ae30f518a35a3d2353972c2ea46556fc981",
    ),
    (
        PORTAL,
        "action=setMeasurepoint&orgId=o15724268424841&assetId=sxH2DD6f&measurepointId=Int_value&pendingTtl=0&timeout=30",
        '{"value":111}',
        "1700000000000",
        KEY,
        "02d00521cb8041b68a5c15ffda0112e89d97c47e1e715d708ac46b70ff5f2922",
    ),
    (
        PORTAL,
        "action=get&orgId=o15724268424841&assetId=9HhK0YxX",
        "",
        "1700000000000",
        KEY,
        "ca2736afd4fe4ac5dea6757c6b9bfbf2d8f044e45c6a6e3861ca6497d73aa898",
    ),
    (
        PORTAL,
        "orgId=o1&assetIds=a%2Cb&measurepoints=t%C3%A9mp&timeWindow=&accessKey=AK",
        "",
        "1700000000000",
        KEY,
        "b6ec61ed0330e2757dc7bca1588c5daaa772c69677ed2403ce41538015c6efa9",
    ),
    (
        PORTAL,
        "b=2&B=1&a=3",
        "",
        "1700000000000",
        KEY,
        "6654d480e9b3f37dde07221682159c5d28a7908ed5ce3ef68688c6902d84676b",
    ),
    (
        PORTAL,
        "action=setMeasurepoint&orgId=o1&assetId=a1&measurepointId=m1",
        '{"value":"开启"}',
        "1700000000000",
        KEY,
        "55613824047fa4f79636041a867085ea5da2b94df749d07dd879785d07a45da3",
    ),
]


@pytest.mark.parametrize(
    ("token", "query", "body", "stamp", "secret", "expected"), VECTORS
)
def test_known_answers(
    token: str, query: str, body: str, stamp: str, secret: str, expected: str
) -> None:
    """Signatures are those of the documentation."""
    params = params_text(decode_query(split_query(query)))
    assert sign(token, params, body.encode(), stamp, secret) == expected


def test_first_value_of_a_repeated_name() -> None:
    """A repeated name counts once, with its first value."""
    assert params_text([("a", "1"), ("a", "2"), ("B", "3")]) == "B3a1"


async def test_good_call(client: Client) -> None:
    """A call that is signed well is served, with non-ASCII text too."""
    reply = await client.search(DEVICES, {"expression": "deviceName like '风机'"})
    assert reply.json["pagination"]["totalSize"] > 0
    assert client.sim.rejections == []
    record = client.sim.requests[-1]
    assert (record.method, record.path, record.http_status, record.code) == (
        "POST",
        DEVICES,
        200,
        0,
    )
    assert record.query == {"orgId": client.sim.org_id, "action": "search"}
    assert record.body == {"expression": "deviceName like '风机'"}
    assert record.answered is not None
    assert record.answered >= record.received


@pytest.mark.parametrize(
    "missing", ["apim-accesstoken", "apim-timestamp", "apim-signature"]
)
async def test_missing_header(client: Client, missing: str) -> None:
    """Each of the three headers is needed."""
    client.headers = {missing: ""}
    reply = await client.search(DEVICES)
    assert reply.status == 401
    assert reply.json == {"message": "Invalid authentication credentials"}
    assert missing in client.sim.rejections[0]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("unsorted", "not sorted"),
        ("raw", "not percent-decoded"),
        ("upper", "in upper case"),
        ("no body", "no body"),
        ("other body", "no usual mistake"),
        ("no query", "no parameters"),
        ("form", "name=value"),
        ("case", "without regard to case"),
    ],
)
async def test_wrong_signature(
    client: Client, wrong: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong signature is refused; the log knows the usual mistakes."""
    caplog.set_level(logging.DEBUG)
    query = f"orgId={client.sim.org_id}&action=search&Z=%E6%8F%8F"
    org = client.sim.org_id
    body = '{"a":1}'
    stamp = str(client.now())
    right = f"Z描actionsearchorgId{org}"
    params = {
        "unsorted": f"orgId{org}actionsearchZ描",
        "raw": f"Z%E6%8F%8FactionsearchorgId{org}",
        "no query": "",
        "form": f"Z=描&action=search&orgId={org}",
        "case": f"actionsearchorgId{org}Z描",
    }.get(wrong, right)
    signed_body = {"no body": "", "other body": '{"a":2}'}.get(wrong, body)
    signature = digest(client.token, params, signed_body, stamp, client.sim.secret_key)
    if wrong == "upper":
        signature = signature.upper()
    reply = await client.send(
        "POST",
        f"{DEVICES}?{query}",
        body.encode(),
        {
            "Content-Type": "application/json",
            "apim-accesstoken": client.token,
            "apim-timestamp": stamp,
            "apim-signature": signature,
        },
    )
    assert reply.status == 401
    (rejection,) = client.sim.rejections
    assert reason in rejection
    assert f"<token>{right}{body}{stamp}<secret>" in rejection
    for secret in (client.sim.secret_key, client.token):
        assert secret not in caplog.text
        assert secret not in rejection


async def test_repeated_parameter(client: Client) -> None:
    """A parameter given twice is refused, however it is signed."""
    params = {"orgId": client.sim.org_id, "action": "search"}
    reply = await client.send(
        "POST",
        f"{DEVICES}?orgId={client.sim.org_id}&action=search&action=get",
        b"{}",
        {"Content-Type": "application/json", **client.signed(params, b"{}")},
    )
    assert reply.status == 400
    assert "given twice" in client.sim.rejections[0]


async def test_query_must_be_utf8(client: Client) -> None:
    """Percent-encoded bytes must be UTF-8."""
    assert (await client.send("GET", f"{DEVICES}?a=%FF")).status == 400


async def test_plus_is_a_blank(client: Client) -> None:
    """A plus is decoded, as the documentation's sample does it."""
    params = {"orgId": client.sim.org_id, "action": "search", "x": "a b"}
    reply = await client.send(
        "POST",
        f"{DEVICES}?orgId={client.sim.org_id}&action=search&x=a+b",
        b"{}",
        {"Content-Type": "application/json", **client.signed(params, b"{}")},
    )
    assert reply.json["msg"] == "Invalid Argument x:x is not known"


@pytest.mark.parametrize(
    ("seconds", "good"), [(-290, True), (-310, False), (310, False)]
)
async def test_timestamp_window(client: Client, seconds: int, good: bool) -> None:
    """The timestamp must be within five minutes."""
    reply = await client.call(
        "POST",
        DEVICES,
        {"action": "search"},
        {},
        stamp=client.now() + seconds * 1000,
    )
    assert reply.status == (200 if good else 401)


async def test_clock_of_the_gateway(client: Client) -> None:
    """The gateway's clock can be wrong; its Date header says so."""
    client.sim.clock_offset = 3600
    reply = await client.search(DEVICES)
    assert reply.status == 401
    good = await client.call(
        "POST", DEVICES, {"action": "search"}, {}, stamp=client.now() + 3_600_000
    )
    assert good.code == 0
    assert reply.headers["Date"].endswith("GMT")
    hour = client.sim.server_ms() // 3_600_000 % 24
    assert f" {hour:02d}:" in reply.headers["Date"]


async def test_bad_timestamp(client: Client) -> None:
    """The timestamp is decimal."""
    client.headers = {"apim-timestamp": "now"}
    assert (await client.search(DEVICES)).status == 401


async def test_tokens_end(client: Client) -> None:
    """Expired, revoked and invented tokens are refused."""
    await client.sim.expire_tokens()
    assert (await client.search(DEVICES)).status == 401
    await client.log_in()
    assert (await client.search(DEVICES)).status == 200
    client.sim.revoke_token()
    assert (await client.search(DEVICES)).status == 401
    assert client.sim.rejections == []
    client.token = "invented"
    assert (await client.search(DEVICES)).status == 401
    assert "never issued" in client.sim.rejections[0]


async def test_replay(connect: Connect) -> None:
    """The same request is taken twice, unless that was switched off."""
    for refuse in (False, True):
        client = await connect(refuse_replays=refuse)
        stamp = client.now()
        codes = [
            (
                await client.call(
                    "POST", DEVICES, {"action": "search"}, {}, stamp=stamp
                )
            ).status
            for _ in range(2)
        ]
        assert codes == [200, 401 if refuse else 200]


async def test_nothing_there(client: Client) -> None:
    """What is not served is refused as a gateway does."""
    reply = await client.call("GET", "/tsdb-service/v2.0/latest")
    assert reply.status == 404
    assert reply.json == {"message": "no Route matched with those values"}
    assert (await client.get(DEVICES, assetId="x")).code == 99404
    assert (await client.call("POST", DEVICES, {"action": "get"})).status == 405
    assert (await client.call("GET", LATEST)).status == 405


async def test_size_limit(connect: Connect) -> None:
    """A body may be too large for the gateway."""
    client = await connect(max_body=1000)
    body = {"expression": "assetId = '" + "x" * 1000 + "'"}
    reply = await client.search(DEVICES, body)
    assert reply.status == 413
    assert reply.json == {"message": "Request size limit exceeded"}
    huge = {"expression": "x" * 2_000_000}
    assert (await client.search(DEVICES, huge)).status == 413


G1 = [
    ("message_401", 401, {"message": "Invalid authentication credentials"}),
    (
        "status_1203",
        200,
        {
            "status": 1203,
            "msg": "the access token has expired",
            "business": "apim-token-service",
            "data": None,
        },
    ),
    (
        "code_1203",
        401,
        {"code": 1203, "msg": "the access token has expired", "data": None},
    ),
    ("apim_status", 200, {"apim_status": 4011, "apim_refreshtoken": "-"}),
]


@pytest.mark.parametrize(("guess", "status", "body"), G1)
async def test_guess_1(
    connect: Connect, guess: str, status: int, body: dict[str, object]
) -> None:
    """Bad tokens, and with them signatures and clocks, in each form."""
    client = await connect(guesses=Guesses.from_dict({"G1": guess}))
    reply = await client.call("POST", DEVICES, {"action": "search"}, {}, stamp=1)
    assert (reply.status, reply.json) == (status, body)
    client.headers = {"apim-signature": "0"}
    reply = await client.search(DEVICES)
    assert (reply.status, reply.json) == (status, body)
    client.headers = {}
    client.token = "invented"
    reply = await client.search(DEVICES)
    assert (reply.status, reply.json) == (status, body)


@pytest.mark.parametrize(
    ("guess", "status", "key"),
    [("code_1003", 401, "code"), ("status_1003", 200, "status")],
)
async def test_guess_2(connect: Connect, guess: str, status: int, key: str) -> None:
    """A wrong signature may have a code of its own."""
    client = await connect(guesses=Guesses.from_dict({"G2": guess}))
    client.headers = {"apim-signature": "0"}
    reply = await client.search(DEVICES)
    assert (reply.status, reply.json[key]) == (status, 1003)
    client.headers = {}
    client.token = "invented"
    assert (await client.search(DEVICES)).status == 401


async def test_guess_3(connect: Connect) -> None:
    """The time need not be checked."""
    client = await connect(guesses=Guesses(G3="off"))
    reply = await client.call("POST", DEVICES, {"action": "search"}, {}, stamp=1)
    assert reply.code == 0


async def test_guess_5(connect: Connect) -> None:
    """A refresh may end the old token."""
    client = await connect(guesses=Guesses(G5="invalid_at_once"))
    body = client.credentials(accessToken=client.token)
    assert (await client.token_call("refresh", body)).json["status"] == 0
    assert (await client.search(DEVICES)).status == 401
    assert client.sim.rejections == []


@pytest.mark.parametrize("guess", ["decoded", "raw"])
async def test_guess_17(connect: Connect, guess: str) -> None:
    """The signature covers decoded or raw parameters."""
    client = await connect(guesses=Guesses.from_dict({"G17": guess}))
    org = client.sim.org_id
    for form, text in (("decoded", "a,b"), ("raw", "a%2Cb")):
        params = {"orgId": org, "action": "get", "assetId": text}
        reply = await client.send(
            "GET",
            f"{DEVICES}?orgId={org}&action=get&assetId=a%2Cb",
            None,
            client.signed(params, b""),
        )
        assert reply.status == (200 if form == guess else 401)
