"""The token service."""

from typing import Any

import pytest

from simulator import Guesses
from simulator.signing import encryption

from .conftest import Connect
from .helper import DEVICES, TOKEN, Client


def test_known_answer() -> None:
    """The hash is that of the vendor's own sample."""
    assert (
        encryption(
            "5acb82e7-a11e-4300-9164-c8b20b638e8b",
            "1700000000000",
            "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        )
        == "6a90d4342979b70d375be6efaeb2cc5380d94b235253d7f360ad2a919beb207f"
    )


async def test_get(connect: Connect) -> None:
    """A token comes in the documented envelope."""
    client = await connect(log_in=False)
    reply = await client.token_call("get", client.credentials())
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert reply.json == {
        "status": 0,
        "msg": "SUCCESS",
        "business": "apim-token-service",
        "data": {"accessToken": client.sim.tokens.current, "expire": 7200},
    }
    assert client.sim.rejections == []


async def test_timestamp_as_text(connect: Connect) -> None:
    """The timestamp may be a JSON string, as first-party clients send it."""
    client = await connect(log_in=False)
    body = client.credentials(timestamp=str(client.now()))
    assert (await client.token_call("get", body)).json["status"] == 0


async def test_same_token_with_the_time_it_has_left(connect: Connect) -> None:
    """Until it expires the token stays the same, its life gets shorter."""
    client = await connect(token_lifetime=300.0)
    first = client.token
    client.sim.jump(100)
    data = await client.log_in()
    assert data == {"accessToken": first, "expire": 200}
    client.sim.jump(201)
    assert (await client.search(DEVICES)).status == 401
    data = await client.log_in()
    assert data["accessToken"] != first
    assert data["expire"] == 300


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"appKey": "unknown"}, 1002),
        ({"encryption": "0" * 64}, 1003),
        ({"encryption": ""}, 1202),
        ({"timestamp": None}, 1202),
        ({"appKey": 5}, 1004),
        ({"timestamp": 1.5}, 1004),
        ({"timestamp": True}, 1004),
        ({"timestamp": "soon"}, 1004),
        ({"more": 1}, 1004),
    ],
)
async def test_refused(client: Client, changes: dict[str, Any], status: int) -> None:
    """Wrong credentials and malformed calls have their codes."""
    body = client.credentials()
    body.update(changes)
    reply = await client.token_call("get", body)
    assert reply.status == 200
    assert reply.json["status"] == status
    assert reply.json["data"] is None
    # Wrong keys are a person's mistake, not the client's.
    assert len(client.sim.rejections) == (0 if status in (1002, 1003) else 1)


async def test_upper_case_hash(client: Client) -> None:
    """The hash is lower case."""
    body = client.credentials()
    body["encryption"] = body["encryption"].upper()
    assert (await client.token_call("get", body)).json["status"] == 1003
    assert "lower case" in client.sim.rejections[0]


async def test_missing_field(client: Client) -> None:
    """A missing field is an empty parameter."""
    body = client.credentials()
    del body["timestamp"]
    assert (await client.token_call("get", body)).json["status"] == 1202


async def test_repeated_encryption(client: Client) -> None:
    """The same hash is not taken twice."""
    body = client.credentials()
    assert (await client.token_call("get", body)).json["status"] == 0
    assert (await client.token_call("get", body)).json["status"] == 1001
    assert "used before" in client.sim.rejections[0]


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'{"appKey":"a","appKey":"b"}']
)
async def test_no_json_object(client: Client, body: bytes) -> None:
    """A body that is no clean JSON object is refused."""
    assert (await client.token_call("get", body)).json["status"] == 1004


async def test_call_form(client: Client) -> None:
    """Method, query, headers and content type are checked."""
    body = client.credentials()
    reply = await client.token_call("get", body, **{"Content-Type": "text/plain"})
    assert reply.json["status"] == 1004
    reply = await client.token_call("get", body, **{"apim-accesstoken": "x"})
    assert reply.json["status"] == 1004
    assert (await client.send("GET", f"{TOKEN}/get")).status == 405
    reply = await client.send(
        "POST", f"{TOKEN}/get?orgId=o1", b"{}", {"Content-Type": "application/json"}
    )
    assert reply.json["status"] == 1004
    assert len(client.sim.rejections) == 4


async def test_refresh(client: Client) -> None:
    """A refresh gives another token; the old one still works until its end."""
    old = client.token
    reply = await client.token_call("refresh", client.credentials(accessToken=old))
    data = reply.json["data"]
    assert data["accessToken"] != old
    assert data["expire"] == 7200
    assert (await client.search(DEVICES)).code == 0
    client.token = data["accessToken"]
    assert (await client.search(DEVICES)).code == 0
    assert (await client.log_in())["accessToken"] == data["accessToken"]


async def test_refresh_of_no_use(connect: Connect) -> None:
    """Only the present token can be refreshed."""
    client = await connect(guesses=Guesses(G5="invalid_at_once"))
    old = client.token
    for token, status in ((old, 0), (old, 1204), ("never", 1204)):
        body = client.credentials(accessToken=token)
        assert (await client.token_call("refresh", body)).json["status"] == status
    body = client.credentials(accessToken="")
    assert (await client.token_call("refresh", body)).json["status"] == 1202
    await client.log_in()
    await client.sim.expire_tokens()
    body = client.credentials(accessToken=client.token)
    assert (await client.token_call("refresh", body)).json["status"] == 1203


async def test_refresh_of_a_superseded_token(client: Client) -> None:
    """A token that was refreshed before cannot be refreshed again."""
    for status in (0, 1204):
        body = client.credentials(accessToken=client.token)
        assert (await client.token_call("refresh", body)).json["status"] == status
    assert client.sim.rejections == []
