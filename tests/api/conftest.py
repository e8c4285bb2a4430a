"""Fixtures of the client's tests."""

from collections.abc import AsyncIterator
import time

import aiohttp
import pytest

from custom_components.enos.api import auth
from custom_components.enos.api.client import EnosClient
from simulator import Simulator

from .common import Clocks, Scripted, client_of


@pytest.fixture
async def session(loopback: None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session as Home Assistant would bring it."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(sim: Simulator, session: aiohttp.ClientSession) -> EnosClient:
    """A client of the simulated building."""
    return client_of(sim, session)


@pytest.fixture
async def gateway(loopback: None) -> AsyncIterator[Scripted]:
    """A gateway that answers what a test says."""
    async with Scripted() as gateway:
        yield gateway


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The clocks by which tokens and timestamps are kept, to be moved by hand."""
    clocks = Clocks(time)
    monkeypatch.setattr(auth, "time", clocks)
    return clocks
