"""What all tests share."""

from collections.abc import AsyncIterator

import pytest
import pytest_socket

from simulator import Simulator


@pytest.fixture(autouse=True)
def loopback() -> None:
    """Let tests speak HTTP to this machine, and to no other."""
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"])


@pytest.fixture
async def sim(loopback: None) -> AsyncIterator[Simulator]:
    """A simulated building of each kind of device, whose physics stand still."""
    async with Simulator(seed=1, devices=16, physics=False) as simulator:
        yield simulator
