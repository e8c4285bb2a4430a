"""Fixtures: a building, and a client that is logged in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession
import pytest

from simulator import Simulator

from .helper import Client

type Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a function that starts a simulator and logs in to it."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())

        async def start(*, log_in: bool = True, **options: Any) -> Client:
            options.setdefault("physics", False)
            options.setdefault("devices", 16)
            sim = await stack.enter_async_context(Simulator(**options))
            client = Client(sim, session)
            if log_in:
                await client.log_in()
            return client

        yield start


@pytest.fixture
async def client(connect: Connect) -> Client:
    """Return a client that is logged in to a building that stands still."""
    return await connect()
