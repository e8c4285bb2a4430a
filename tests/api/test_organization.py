"""What an application may do in an organization: nothing at all, or something."""

import aiohttp
import pytest

from custom_components.enos.api.client import NOBODY, EnosClient
from custom_components.enos.api.errors import (
    EnosError,
    PermissionDeniedError,
    RateLimitError,
    RejectedError,
    ReplyLostError,
    ServerError,
    error_for,
    from_elsewhere,
)
from simulator import Simulator
from simulator.simulator import RIGHTS

from .common import Answer, Exchange, Scripted, client_of, in_turn, ok

DENIED = {"code": 99403, "msg": "Denied resource:  orgId o1"}


async def test_own_organization(sim: Simulator, client: EnosClient) -> None:
    """With all rights the first question settles it, and asks for nothing that is there."""
    assert await client.organization_denied() is False
    (record,) = (each for each in sim.requests if "token" not in each.path)
    assert record.body["expression"] == f"assetId in ('{NOBODY}')"
    assert sim.rejections == []


@pytest.mark.parametrize("right", [right for right in RIGHTS if "Tree" not in right])
async def test_a_single_right(sim: Simulator, client: EnosClient, right: str) -> None:
    """Whichever single right there is, the organization is the application's."""
    sim.rights.clear()
    sim.rights.add(right)
    assert await client.organization_denied() is False
    assert sim.rejections == []
    assert not any(record.served_secret for record in sim.requests)


async def test_no_right(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """Without any right, and in another's organization, all four questions are refused."""
    foreign = client_of(sim, session, org_id=sim.foreign_org_id)
    assert await foreign.organization_denied() is True
    assert len(sim.requests) == 5
    sim.rights.clear()
    assert await client_of(sim, session).organization_denied() is True
    assert sim.rejections == []


async def test_organization_that_does_not_exist(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """An organization that is nobody's is not one that is denied."""
    client = client_of(sim, session, org_id="o1")
    assert await client.organization_denied() is False


@pytest.mark.parametrize(
    ("last", "denied"),
    [
        (DENIED, True),
        ({"code": 99403, "msg": "denied: ORGID"}, True),
        ({"code": 99403, "msg": "no access to o15724268424841"}, True),
        ({"code": 80401, "msg": "Assset unauthorized"}, False),
        ({"code": 99404, "msg": "no such asset"}, False),
        ({"code": 99400, "msg": "orgId is odd"}, False),
        (ok([]), False),
    ],
)
async def test_last_answer(
    session: aiohttp.ClientSession, gateway: Scripted, last: Answer, denied: bool
) -> None:
    """Only a refusal that is about the organization counts, after three of its kind."""
    gateway.answer = in_turn([DENIED, DENIED, DENIED, last])
    assert await gateway.client(session).organization_denied() is denied
    assert [exchange.path for exchange in gateway.business] == [
        "/connect-service/v2.1/devices",
        "/model-service/v2.1/thing-models",
        "/asset-service/v2.1/assets",
        "/connect-service/v2.1/commands",
    ]
    assert all(exchange.signed_well() for exchange in gateway.business)


@pytest.mark.parametrize("status", [403, 404])
async def test_service_that_is_not_there(
    session: aiohttp.ClientSession, gateway: Scripted, status: int
) -> None:
    """A service that the gateway does not offer to the application says nothing."""

    def answer(exchange: Exchange) -> Answer:
        if "asset-service" in exchange.path:
            return {"code": 99404, "msg": "no such asset"}
        return aiohttp.web.json_response({"message": "no"}, status=status)

    gateway.answer = answer
    assert await gateway.client(session).organization_denied() is False
    assert len(gateway.business) == 3
    gateway.answer = lambda _: aiohttp.web.Response(status=status)
    assert await gateway.client(session).organization_denied() is True


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"code": 99500, "msg": "orgId"}, ServerError),
        (aiohttp.web.Response(status=503), ReplyLostError),
        (aiohttp.web.Response(status=429), RateLimitError),
    ],
    ids=["99500", "503", "429"],
)
async def test_trouble(
    session: aiohttp.ClientSession,
    gateway: Scripted,
    answer: Answer,
    kind: type[EnosError],
) -> None:
    """Trouble on the way is neither yes nor no."""
    gateway.answer = in_turn([DENIED, answer])
    with pytest.raises(kind):
        await gateway.client(session).organization_denied()
    assert len(gateway.business) == 2


@pytest.mark.parametrize(
    ("err", "expected"),
    [
        (RejectedError(code=404), True),
        (RejectedError(code=400), True),
        (RejectedError("no code"), False),
        (error_for(99400, "bad"), False),
        (PermissionDeniedError(code=403), False),
    ],
)
def test_from_elsewhere(err: EnosError, expected: bool) -> None:
    """An HTTP status without a code of EnOS comes from elsewhere."""
    assert from_elsewhere(err) is expected
