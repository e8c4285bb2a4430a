"""Run a simulated building and a Home Assistant that is connected to it.

User, login and the integration's own forms go the way a person would go, over Home Assistant's API.
"""

import argparse
import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine
import contextlib
from dataclasses import dataclass
import json
from pathlib import Path
import shutil
import signal
import sys
import tomllib
from typing import Any

import aiohttp

from scripts._dashboard import WAITING, views
from simulator.simulator import ACCESS_KEY, ORG_ID, SECRET_KEY

ROOT = Path(__file__).parent.parent
STATE = ROOT / ".develop"
DOMAIN = "enos"
DASHBOARD = "enos-building"
# Its devices are the ones whose commands wait while they are away.
QUEUEING = "Fan coil unit"
BUILDING = "building.json"
BUILDING_LOG = "building.log"
# Only ever reachable from this machine: see write_configuration.
USER = "demo"
PASSWORD = "demo"
# A first start builds caches and a database; a busy machine takes its time.
START_TIMEOUT = 180
# homeassistant.const has it too, and takes seconds to import.
RESTART_EXIT_CODE = 100

type Json = Any


class Trouble(Exception):
    """Something that the person at the terminal has to know."""


def say(text: str) -> None:
    """Tell what is going on."""
    print(f"\033[1mdevelop:\033[0m {text}", flush=True)


@dataclass
class Options:
    """What was asked for on the command line."""

    reset: bool
    port: int
    simulator_port: int
    admin_port: int
    devices: int
    kind: list[str]

    def building(self) -> dict[str, Json]:
        """Return what Home Assistant remembers of the building."""
        return {
            "simulator_port": self.simulator_port,
            "devices": self.devices,
            "kind": self.kind,
        }


def parse_arguments() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/develop", description=__doc__)
    add = parser.add_argument
    add("--reset", action="store_true", help="forget everything, start anew")
    add("--port", type=int, default=8123, help="Home Assistant (8123)")
    add("--simulator-port", type=int, help="the building's EnOS gateway (18080)")
    add("--admin-port", type=int, default=18081, help="its controls (18081)")
    add("--devices", type=int, help="how many the building has (24)")
    add(
        "--kind",
        nargs="+",
        metavar="KIND=COUNT",
        help="more devices, for example wide=100 with 500 measurepoints each, or lab=1",
    )
    given = parser.parse_args()
    before = {}
    if not given.reset and (STATE / BUILDING).exists():
        before = json.loads((STATE / BUILDING).read_text(encoding="utf-8"))
    for name, usual in {"simulator_port": 18080, "devices": 24, "kind": []}.items():
        known = before.get(name)
        if getattr(given, name) is None:
            setattr(given, name, known or usual)
        elif known not in (None, getattr(given, name)):
            flag = name.replace("_", "-")
            parser.error(f"--{flag} was {known} so far; to change it, add --reset")
    return Options(**vars(given))


def account(gateway: str) -> dict[str, Json]:
    """Return what a person would enter in the first form."""
    return {
        "url": gateway,
        "org_id": ORG_ID,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }


def write_configuration(options: Options) -> None:
    """Write what Home Assistant reads before it can be asked anything."""
    components = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "tool"
    ]["enos"]["components"]
    STATE.mkdir(exist_ok=True)
    (STATE / BUILDING).write_text(json.dumps(options.building()), encoding="utf-8")
    lines = [
        "# Written by scripts/develop at each start; the list is in pyproject.toml."
    ]
    # Listed in the file, `http` would be an old way of configuring it that has to be confirmed by hand.
    lines += [f"{component}:" for component in components if component != "http"]
    lines += [
        "logger:",
        "  default: info",
        "  logs:",
        f"    custom_components.{DOMAIN}: debug",
        # About cameras, which nobody has here.
        "    haffmpeg: critical",
        "    homeassistant.components.camera.img_util: critical",
    ]
    for kind in ("automation", "scene", "script"):
        # Where Home Assistant's own editors write.
        lines.append(f"{kind}: !include {kind}s.yaml")
        (STATE / f"{kind}s.yaml").touch()
    (STATE / "configuration.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    link = STATE / "custom_components"
    if not link.is_symlink():
        link.symlink_to(Path("..") / "custom_components", target_is_directory=True)

    # Loopback only, because the password is known to everybody. As a setting in the file it would be on trial for five
    # minutes and then be taken back; in the store's first format every release takes it as it is.
    store("http", 1, {"server_host": ["127.0.0.1"], "server_port": options.port})
    # Of the welcome only the creation of the user is left: its other pages would bring in a weather service, a speech
    # service and a radio, and wait for each of them on a machine without internet.
    if not (STATE / ".storage" / "onboarding").exists():
        store("onboarding", 4, {"done": ["core_config", "analytics", "integration"]})


def store(key: str, version: int, data: Json, state: Path = STATE) -> None:
    """Write one of Home Assistant's stores."""
    folder = state / ".storage"
    folder.mkdir(exist_ok=True)
    content = {"version": version, "minor_version": 1, "key": key, "data": data}
    (folder / key).write_text(json.dumps(content), encoding="utf-8")


async def start(*command: str, log: Path) -> Process:
    """Start a process whose output goes to a file, out of reach of this terminal's Ctrl-C."""
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def stop(process: Process) -> None:
    """Stop a process gently, then for good."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def listening(port: int) -> bool:
    """Tell whether something answers on a port of this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until(
    what: str,
    process: Process,
    log: Path,
    ready: Callable[[], Coroutine[Any, Any, bool]],
) -> None:
    """Wait until a process is ready, or say why it is not."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while process.returncode is None:
                if await ready():
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise Trouble(f"{what} was not ready in {START_TIMEOUT} s, see {log}") from None
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise Trouble(f"{what} ended by itself:\n{tail}\n(all of it in {log})")


@dataclass
class HomeAssistant:
    """Home Assistant's API, as its own pages use it."""

    session: aiohttp.ClientSession
    url: str
    token: str = ""

    async def request(self, method: str, path: str, **arguments: Any) -> Json:
        """Make a request, fail when it fails, return what came."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, self.url + path, headers=headers, **arguments
        ) as response:
            if response.status >= 400:
                text = await response.text()
                raise Trouble(f"{method} {path}: {response.status} {text[:500]}")
            return await response.json()

    async def command(self, **message: Any) -> Json:
        """Make one call over the websocket."""
        async with self.session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self.token})
            await socket.receive_json()
            await socket.send_json({"id": 1, **message})
            answer = await socket.receive_json()
        if not answer["success"]:
            raise Trouble(f"{message['type']}: {answer['error']}")
        return answer["result"]

    async def onboarded(self) -> bool:
        """Tell whether a person has been created."""
        async with self.session.get(f"{self.url}/api/onboarding") as response:
            # Once all is done, the address itself is gone.
            return response.status == 404 or all(
                step["done"] for step in await response.json()
            )

    async def answers(self) -> bool:
        """Tell whether it can be asked."""
        try:
            await self.onboarded()
        except aiohttp.ClientError:
            return False
        return True

    async def running(self) -> bool:
        """Tell whether it has started everything."""
        config = await self.request("GET", "/api/config")
        return bool(config["state"] == "RUNNING")

    async def _exchange(self, code: str) -> None:
        """Turn an authorization code into a token."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": f"{self.url}/",
        }
        answer = await self.request("POST", "/auth/token", data=form)
        self.token = answer["access_token"]

    async def onboard(self) -> None:
        """Create the user and say where the building stands."""
        person = {
            "client_id": f"{self.url}/",
            "name": "Demo",
            "username": USER,
            "password": PASSWORD,
            "language": "en",
        }
        answer = await self.request("POST", "/api/onboarding/users", json=person)
        await self._exchange(answer["auth_code"])
        # Without a country Home Assistant would have something to repair.
        await self.command(
            type="config/core/update",
            location_name="EnOS demo",
            country="SG",
            currency="SGD",
            time_zone="Asia/Singapore",
            unit_system="metric",
        )
        # Rooms that the welcome makes up; the building has others.
        for area in await self.command(type="config/area_registry/list"):
            await self.command(
                type="config/area_registry/delete", area_id=area["area_id"]
            )

    async def log_in(self) -> None:
        """Log in with user and password."""
        client = f"{self.url}/"
        flow = await self.request(
            "POST",
            "/auth/login_flow",
            json={
                "client_id": client,
                "handler": ["homeassistant", None],
                "redirect_uri": f"{client}?auth_callback=1",
            },
        )
        answer = await self.request(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            json={"client_id": client, "username": USER, "password": PASSWORD},
        )
        if answer["type"] != "create_entry":
            raise Trouble("user and password were changed: run scripts/develop --reset")
        await self._exchange(answer["result"])

    async def connect(self, answers: dict[str, Json]) -> None:
        """Go through the integration's forms as a newcomer would: all products, all suggestions."""
        path = "/api/config/config_entries/flow"
        step = await self.request("POST", path, json={"handler": DOMAIN})
        await self._go_through(path, step, answers, "suggest")

    async def queue_commands(self, product: str) -> None:
        """Have commands to a product's devices wait for those that are away, and the sensors of it shown."""
        (entry,) = await self.entries()
        subentries = await self.command(
            type="config_entries/subentries/list", entry_id=entry["entry_id"]
        )
        subentry = next(item for item in subentries if item["title"] == product)
        path = "/api/config/config_entries/subentries/flow"
        handler = [entry["entry_id"], subentry["subentry_type"]]
        step = await self.request(
            "POST",
            path,
            json={"handler": handler, "subentry_id": subentry["subentry_id"]},
        )
        answers = {"when_offline": "queue", "queue_minutes": 15}
        await self._go_through(path, step, answers, "commands")

        async def shown() -> bool:
            return any(
                entity["config_subentry_id"] == subentry["subentry_id"]
                and entity["unique_id"].endswith(WAITING)
                and not entity["disabled_by"]
                for entity in await self.command(type="config/entity_registry/list")
            )

        # The integration reloads itself for it.
        async with asyncio.timeout(START_TIMEOUT):
            while not await shown():
                await asyncio.sleep(0.2)

    async def _go_through(
        self, path: str, step: Json, answers: dict[str, Json], choice: str
    ) -> None:
        """Fill in form after form until the flow ends; of a menu, take what has `choice` in its name."""
        # More forms than any building here has products: a flow that comes back to a form is in trouble.
        for _ in range(50):
            if step.get("errors"):
                raise Trouble(f"form {step['step_id']} says {step['errors']}")
            match step:
                case {"type": "form"}:
                    reply = fill(step["data_schema"], answers)
                case {"type": "menu"}:
                    reply = {"next_step_id": chosen(step["menu_options"], choice)}
                case {"type": "create_entry"} | {"reason": "reconfigure_successful"}:
                    return
                case {"type": "progress"}:
                    await asyncio.sleep(0.5)
                    step = await self.request("GET", f"{path}/{step['flow_id']}")
                    continue
                case _:
                    raise Trouble(f"the forms ended with {step}")
            step = await self.request("POST", f"{path}/{step['flow_id']}", json=reply)
        raise Trouble(f"the forms do not end: {step}")

    async def entries(self) -> list[Json]:
        """Return the accounts of the integration."""
        found: list[Json] = await self.command(
            type="config_entries/get", type_filter=[], domain=DOMAIN
        )
        return found

    async def connected(self) -> bool:
        """Tell whether the integration is set up."""
        return bool(await self.entries())


def fill(schema: list[Json], answers: dict[str, Json]) -> dict[str, Json]:
    """Fill in a form: what we know, all products, else what the form suggests."""
    filled: dict[str, Json] = {}
    for item in schema:
        name = item["name"]
        suggested = (item.get("description") or {}).get("suggested_value")
        if item.get("type") == "expandable":
            filled[name] = fill(item["schema"], answers)
        elif name in answers:
            filled[name] = answers[name]
        elif name == "products":
            options = item["selector"]["select"]["options"]
            filled[name] = [option["value"] for option in options]
        elif suggested is not None:
            filled[name] = suggested
        elif "default" in item:
            filled[name] = item["default"]
    return filled


def chosen(options: list[str] | dict[str, str], choice: str) -> str:
    """Choose an entry of a menu by a part of its name, else the first."""
    for option in options:
        if choice in option:
            return option
    return next(iter(options))


async def make_dashboard(home: HomeAssistant) -> None:
    """Show the building on the page that a person sees first."""
    await home.command(
        type="lovelace/dashboards/create",
        url_path=DASHBOARD,
        title="Building",
        icon="mdi:office-building",
        mode="storage",
    )
    devices = await home.command(type="config/device_registry/list")
    entities = await home.command(type="config/entity_registry/list")
    config = {"views": views(devices, entities)}
    await home.command(type="lovelace/config/save", url_path=DASHBOARD, config=config)
    await home.command(
        type="frontend/set_system_data", key="core", value={"default_panel": DASHBOARD}
    )


@contextlib.asynccontextmanager
async def running(what: str, *command: str, log: Path) -> AsyncIterator[Process]:
    """Run a process as long as the block."""
    say(f"starting {what}")
    process = await start(*command, log=log)
    try:
        yield process
    finally:
        await stop(process)


async def home_assistant(
    options: Options, session: aiohttp.ClientSession, building: Process
) -> bool:
    """Run Home Assistant, connected to the building; return whether it wants to be started again."""
    gateway = f"http://127.0.0.1:{options.simulator_port}"
    log = STATE / "hass.log"
    command = [sys.executable, "-m", "homeassistant", "--config", str(STATE)]
    async with running("Home Assistant", *command, log=log) as hass:
        home = HomeAssistant(session, f"http://localhost:{options.port}")
        await until("Home Assistant", hass, log, home.answers)
        if await home.onboarded():
            await home.log_in()
        else:
            say(f"creating the user {USER}")
            await home.onboard()
        await until("Home Assistant", hass, log, home.running)
        if not await home.connected():
            say("connecting Home Assistant to the building")
            await home.connect(account(gateway))
            await home.queue_commands(QUEUEING)
            await make_dashboard(home)
        print(
            f"""
  Home Assistant      {home.url}  (user {USER}, password {PASSWORD}; reachable from this machine only)
  The building        {gateway}  (an EnOS gateway; organization {ORG_ID})
  Its controls        http://127.0.0.1:{options.admin_port}
  Logs and state      {STATE}

  Ctrl-C stops both. The next start goes on from here; scripts/develop --reset starts anew.
""",
            flush=True,
        )
        ends = [asyncio.create_task(process.wait()) for process in (hass, building)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if hass.returncode is None:
            raise Trouble(f"the building ended by itself, see {STATE / BUILDING_LOG}")
    # "Restart" on its pages: it ends with this code and relies on whoever started it.
    if hass.returncode != RESTART_EXIT_CODE:
        raise Trouble(f"Home Assistant ended with {hass.returncode}, see {log}")
    return True


async def develop(options: Options) -> None:
    """Run both until one ends."""
    for what, flag, port in (
        ("Home Assistant", "--port", options.port),
        ("the building", "--simulator-port", options.simulator_port),
        ("the building's controls", "--admin-port", options.admin_port),
    ):
        if await listening(port):
            raise Trouble(f"port {port} for {what} is taken (another one: {flag})")
    # Only now: the one who has the port may be a running scripts/develop.
    if options.reset:
        shutil.rmtree(STATE, ignore_errors=True)
    write_configuration(options)
    log = STATE / BUILDING_LOG
    command = [sys.executable, "-m", "simulator", "--port", str(options.simulator_port)]
    command += ["--admin-port", str(options.admin_port)]
    command += ["--devices", str(options.devices)]
    if options.kind:
        command += ["--kind", *options.kind]
    async with (
        aiohttp.ClientSession() as session,
        running("the building", *command, log=log) as building,
    ):
        await until(
            "the building", building, log, lambda: listening(options.simulator_port)
        )
        while await home_assistant(options, session, building):
            pass


async def main(options: Options) -> int:
    """Run until Ctrl-C."""
    task = asyncio.create_task(develop(options))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        say("stopped")
    except (Trouble, aiohttp.ClientError) as err:
        say(f"FAILED: {err}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parse_arguments())))
