"""The admin port: controls for people and for tests of another process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .simulator import Simulator


class Admin:
    """Listens on loopback for controls."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        """Note where to listen."""
        self._sim = simulator
        self._host = host
        self._port = port

    @property
    def url(self) -> str:
        """Return the address, once there is one."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Close the port."""
