"""Queued commands, and a Home Assistant that is killed while they wait.

`python -m tests.e2e.kill VENV` sets up a simulated building, has commands queued for devices
that are away, kills the process, starts it again, and lets the devices come back: one is
delivered, one expires, one is cancelled, one is replaced by a newer one, and one queue is full.
"""

import asyncio
from pathlib import Path
import sys
import tempfile
from typing import Any

from scripts._develop import Trouble
from simulator import SimDevice, Simulator

from .house import House, house, in_time, name_of, say

CASES = ("delivered", "expires", "cancelled", "replaced", "full")
PRODUCT = "Fan coil unit"


class Kill:
    """The five cases, a device each."""

    def __init__(self, house: House, sim: Simulator) -> None:
        """Take a fan coil unit for each case."""
        self.house = house
        self.sim = sim
        self.entry_id = ""
        self.entities: dict[str, str] = {}
        self.devices: dict[str, SimDevice] = {
            case: sim.add_device("fcu") for case in CASES
        }

    def entity(self, case: str, point: str) -> str:
        """Return the entity of a point, or of `#key`."""
        mark = "" if point.startswith("#") else "_"
        return self.entities[f"_{self.devices[case].asset_id}{mark}{point}"]

    async def shows(self, case: str, point: str, outcome: str, state: str) -> None:
        """Wait until a control shows outcome and state."""
        entity_id = self.entity(case, point)

        async def holds() -> bool:
            shown = await self.house.state(entity_id)
            return (shown["state"], shown["attributes"].get("command_outcome")) == (
                state,
                outcome,
            )

        try:
            # The list of devices is read once a minute.
            await in_time(f"{entity_id} is {state}, {outcome}", holds, 100)
        except AssertionError as err:
            shown = await self.house.state(entity_id)
            raise AssertionError(f"{err}: {shown}") from None

    def sent(self, case: str) -> list[tuple[Any, bool]]:
        """Return the commands that EnOS took for a device: value, and whether cached."""
        return [
            (command.value, command.cached)
            for command in self.sim.commands
            if command.asset_id == self.devices[case].asset_id
        ]

    def carried_out(self, case: str) -> list[Any]:
        """Return the values that a device was given."""
        wanted = self.devices[case].asset_id
        return [
            value
            for asset_id, point, value in self.sim.writes
            if asset_id == wanted and point == "power"
        ]

    async def set_up(self) -> None:
        """Connect, and let commands to fan coil units be queued."""
        for device in self.devices.values():
            # So that they can be switched on.
            await self.sim.report(device, {"power": False})
        self.entry_id = await self.house.connect(self.sim)
        await self.house.reconfigure(
            self.entry_id,
            PRODUCT,
            "commands",
            {
                "timeout": 30,
                "when_offline": "queue",
                "queue_minutes": 15,
                "exceptions": [
                    {
                        "device": self.named("expires"),
                        "timeout": 30,
                        "when_offline": "queue",
                        "queue_minutes": 1,
                    }
                ],
            },
        )

        async def there() -> bool:
            self.entities = await self.house.entity_ids(self.sim)
            states = self.house.folder / ".storage" / "core.entity_registry"
            return (
                f"_{self.devices['full'].asset_id}_power" in self.entities
                and states.exists()
                and self.devices["full"].asset_id in states.read_text("utf-8")
            )

        await in_time("the registries stand on disk", there, 60)

    def named(self, case: str) -> str:
        """Return a device as the form calls it."""
        device = self.devices[case]
        return f"{name_of(device)} ({device.device_key})"

    async def queue(self) -> None:
        """Write to devices that are away."""
        for device in self.devices.values():
            device.status = "offline"
        for case in CASES[:-1]:
            await self.house.call(
                "switch.turn_on", entity_id=self.entity(case, "power")
            )
            await self.shows(case, "power", "queued", "off")
            assert self.sent(case) == [(1, True)], self.sent(case)
        await self.fill()

    async def fill(self) -> None:
        """Fill a device's queue to the brim, with commands that replace none."""
        device = await self.device_id("full")
        await asyncio.gather(
            *(
                self.house.call(
                    "enos.invoke_service",
                    device_id=device,
                    service_id="reset",
                    inputs={"delay": 1},
                    pending_ttl=900,
                )
                for _ in range(50)
            )
        )
        requests = len(self.sim.requests)
        try:
            await self.house.call(
                "switch.turn_on", entity_id=self.entity("full", "power")
            )
        except Trouble:
            pass
        else:
            raise AssertionError("a full queue took one more command")
        await self.shows("full", "power", "queue_full", "off")
        asked = [
            request.query.get("action")
            for request in list(self.sim.requests)[requests:]
        ]
        # One instant try at most: the limit is known.
        assert asked.count("setMeasurepoint") <= 1, asked

    async def device_id(self, case: str) -> str:
        """Return the id of a device in Home Assistant's registry."""
        identifier = f"{self.sim.org_id}_{self.devices[case].asset_id}"
        for device in await self.house.home.command(type="config/device_registry/list"):
            if ["enos", identifier] in device["identifiers"]:
                return str(device["id"])
        raise AssertionError(f"no device for {case}")

    async def go_on(self) -> None:
        """After the kill: nothing is forgotten, and each case comes to its end."""
        before = {case: len(self.sent(case)) for case in CASES}
        for case in CASES[:-1]:
            await self.shows(case, "power", "queued", "off")
            shown = await self.house.state(self.entity(case, "power"))
            assert shown["attributes"]["command_expires"], shown
            assert shown["attributes"]["command_id"], shown
        await self.house.call(
            "enos.cancel_command", device_id=await self.device_id("cancelled")
        )
        await self.shows("cancelled", "power", "cancelled", "off")
        await self.house.call(
            "switch.turn_off", entity_id=self.entity("replaced", "power")
        )
        await self.shows("replaced", "power", "queued", "off")
        await self.house.call(
            "switch.turn_on", entity_id=self.entity("replaced", "power")
        )
        say("the minute of one command passes")
        await self.shows("expires", "power", "expired", "off")
        say("the devices come back")
        for device in self.devices.values():
            device.status = "online"
        await self.shows("delivered", "power", "succeeded", "on")
        await self.shows("replaced", "power", "succeeded", "on")
        assert self.carried_out("delivered") == [1], self.carried_out("delivered")
        assert self.carried_out("expires") == []
        assert self.carried_out("cancelled") == []
        assert self.carried_out("replaced") == [1], self.carried_out("replaced")
        for case in ("delivered", "expires", "cancelled", "full"):
            # What waited was followed, never sent again.
            assert len(self.sent(case)) == before[case], self.sent(case)

        async def reset() -> bool:
            waiting = await self.house.state(self.entity("full", "#waiting_commands"))
            return str(waiting["state"]) == "0"

        await in_time("the full queue is empty", reset, 100)
        outcomes: dict[str, list[str]] = {}
        for record in await self.house.records(self.entry_id):
            outcomes.setdefault(record["asset_id"], []).append(record["outcome"])
        told = {
            case: outcomes[device.asset_id] for case, device in self.devices.items()
        }
        assert told["delivered"] == ["succeeded"], told
        assert told["expires"] == ["expired"], told
        assert told["cancelled"] == ["cancelled"], told
        assert told["replaced"] == ["superseded", "superseded", "succeeded"], told
        # The refusal is history, and history is not kept over a kill; what waited is.
        assert told["full"] == ["succeeded"] * 50, told


async def main(venv: Path) -> None:
    """Go through the cases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            Simulator(seed=1, devices=12, physics=False) as sim,
            house(venv, folder) as built,
        ):
            kill = Kill(built, sim)
            try:
                say("set up")
                await kill.set_up()
                say("write to devices that are away")
                await kill.queue()
                say("kill")
                await built.kill()
                await built.start()
                say("started again")
                await kill.go_on()
            except BaseException:
                print(built.log.read_text(errors="replace")[-8000:])
                raise
            assert sim.rejections == [], sim.rejections
            for log in folder.glob("*.log"):
                text = log.read_text(errors="replace")
                assert sim.secret_key not in text
                assert "Traceback" not in text, text[-5000:]
    say("arrived")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
