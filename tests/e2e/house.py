"""A Home Assistant in a process of its own that can be killed and started again."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
import contextlib
from pathlib import Path
import socket
import time
import tomllib
from typing import Any

import aiohttp

from scripts._develop import ROOT, HomeAssistant, account, start, stop, store, until
from simulator import SimDevice, Simulator

# Two cores that start a database, a browser and Home Assistant take their time.
PATIENCE = 30_000


def say(text: str) -> None:
    """Tell what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


async def in_time(
    what: str, holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE / 1000
) -> None:
    """Wait until something holds."""
    try:
        async with asyncio.timeout(seconds):
            while not await holds():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class House:
    """The process, its folder, and what the tests ask of it."""

    def __init__(
        self, venv: Path, folder: Path, session: aiohttp.ClientSession
    ) -> None:
        """Write an empty configuration."""
        self.folder = folder
        self.log = folder / "hass.log"
        self._python = str(venv / "bin" / "python")
        self._port = free_port()
        self._process: Process | None = None
        self.home = HomeAssistant(session, f"http://localhost:{self._port}")
        self._write_configuration()

    @property
    def process(self) -> Process:
        """The running process."""
        assert self._process is not None
        return self._process

    def _write_configuration(self) -> None:
        """Write what Home Assistant reads at its start."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        lines = [
            f"{component}:"
            for component in project["tool"]["enos"]["components"]
            if component != "http"
        ]
        lines += ["logger:", "  default: warning", "  logs:"]
        lines += ["    custom_components.enos: debug"]
        # About cameras, which nobody has here.
        lines += ["    haffmpeg: critical"]
        lines += ["    homeassistant.components.camera.img_util: critical"]
        (self.folder / "configuration.yaml").write_text(
            "\n".join(lines) + "\n", "utf-8"
        )
        (self.folder / "custom_components").symlink_to(
            ROOT / "custom_components", target_is_directory=True
        )
        http = {"server_host": ["127.0.0.1"], "server_port": self._port}
        store("http", 1, http, self.folder)
        done = {"done": ["core_config", "analytics", "integration"]}
        store("onboarding", 4, done, self.folder)

    async def start(self) -> None:
        """Start it, with one user from the first time on."""
        earlier = self.log.read_bytes() if self.log.exists() else b""
        if earlier:
            (self.folder / "hass.before.log").write_bytes(earlier)
        self._process = await start(
            self._python,
            "-m",
            "homeassistant",
            "--config",
            str(self.folder),
            log=self.log,
        )
        await until("Home Assistant", self.process, self.log, self.home.answers)
        if await self.home.onboarded():
            await self.home.log_in()
        else:
            await self.home.onboard()
        await until("Home Assistant", self.process, self.log, self.home.running)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """End it as a person would."""
        if self._process is not None:
            await stop(self._process)

    # What is asked of it.

    async def connect(self, sim: Simulator) -> str:
        """Bring in all products of a simulated building; return the id of the entry."""
        await self.home.connect(account(sim.url))
        entries = await self.home.command(
            type="config_entries/get", type_filter=[], domain="enos"
        )
        return str(entries[0]["entry_id"])

    async def entity_ids(self, sim: Simulator) -> dict[str, str]:
        """Return the entity ids of the integration by what stands behind the organization."""
        return {
            entity["unique_id"].removeprefix(sim.org_id): entity["entity_id"]
            for entity in await self.home.command(type="config/entity_registry/list")
            if entity["platform"] == "enos"
        }

    async def state(self, entity_id: str) -> dict[str, Any]:
        """Return a state with its attributes."""
        answer: dict[str, Any] = await self.home.request(
            "GET", f"/api/states/{entity_id}"
        )
        return answer

    async def call(self, action: str, **data: Any) -> Any:
        """Call an action."""
        path = f"/api/services/{action.replace('.', '/')}"
        return await self.home.request("POST", path, json=data)

    async def records(self, entry_id: str) -> list[dict[str, Any]]:
        """Return the records of the commands as the diagnostics show them."""
        answer = await self.home.request(
            "GET", f"/api/diagnostics/config_entry/{entry_id}"
        )
        commands: list[dict[str, Any]] = answer["data"]["commands"]
        return commands

    async def reconfigure(
        self, entry_id: str, title: str, choice: str, answers: dict[str, Any]
    ) -> None:
        """Answer one form of a product's reconfiguration."""
        subentries = await self.home.command(
            type="config_entries/subentries/list", entry_id=entry_id
        )
        found = next(one for one in subentries if one["title"] == title)
        path = "/api/config/config_entries/subentries/flow"
        flow = await self.home.request(
            "POST",
            path,
            json={
                "handler": [entry_id, found["subentry_type"]],
                "subentry_id": found["subentry_id"],
            },
        )
        path = f"{path}/{flow['flow_id']}"
        await self.home.request("POST", path, json={"next_step_id": choice})
        done = await self.home.request("POST", path, json=answers)
        assert done["type"] == "abort", done


@contextlib.asynccontextmanager
async def house(venv: Path, folder: Path) -> AsyncIterator[House]:
    """Run Home Assistant with one user."""
    async with aiohttp.ClientSession() as session:
        built = House(venv, folder, session)
        try:
            await built.start()
            yield built
        finally:
            await built.stop()


def name_of(device: SimDevice) -> str:
    """Return the English name of a device."""
    name: str = device.name["i18nValue"]["en_US"]
    return name
