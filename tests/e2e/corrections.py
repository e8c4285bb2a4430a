"""Correct a model in the browser as a person would, and count the clicks.

`python -m tests.e2e.corrections VENV PICTURES` connects the Home Assistant of a virtual
environment to a simulated building, corrects a unit, a range, a switch that is turned round and
options in Chinese, each in at most six clicks from the integration's page, looks at what the
entities make of it, starts Home Assistant anew, and looks again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
import shutil
import sys
import tempfile
from typing import Any

from playwright.async_api import Locator, Page, async_playwright, expect

from simulator import SimDevice, Simulator

from .house import PATIENCE, House, house, in_time, say
from .walk import BROWSERS, FLAGS, Walk

MOST_CLICKS = 6


class Corrector:
    """A person who corrects, and every click of that person."""

    def __init__(self, page: Page, built: House, sim: Simulator, walk: Walk) -> None:
        """Begin without a click."""
        self.page = page
        self.built = built
        self.sim = sim
        self.walk = walk
        self.clicks = 0
        self.form = page.locator("step-flow-form")

    async def click(self, target: Locator) -> None:
        """Click, and count it."""
        await target.click()
        self.clicks += 1

    async def integration(self) -> None:
        """Open the integration's page, where counting begins."""
        await self.page.goto(
            f"{self.built.home.url}/config/integrations/integration/enos"
        )
        self.clicks = 0

    async def open(self, product: str, point: str, search: str = "") -> None:
        """Go from the page to the form of a point; the search is typed, not clicked."""
        row = self.page.locator("ha-config-sub-entry-row").filter(has_text=product)
        await self.click(row.locator(".sub-entry > ha-icon-button[slot=end]"))
        menu = self.page.locator("step-flow-menu")
        await self.click(menu.get_by_text("Correct a measurepoint"))
        if search:
            # Home Assistant puts the cursor into a form only where a flow begins with it.
            await self.click(self.field("search"))
            await self.page.keyboard.insert_text(search)
            await self.walk.picture(f"search-{search}")
            await self.page.keyboard.press("Enter")
        form = self.page.get_by_role("heading", name=f"Correct {point}").or_(
            self.page.get_by_text(f"Correct {point}", exact=True)
        )
        found = menu.get_by_text(point)
        await expect(found.or_(form).first).to_be_visible()
        if await found.is_visible():
            await self.walk.picture(f"points-{search}")
            await self.click(found)
        await expect(self.field("name")).to_be_visible()

    def field(self, name: str) -> Locator:
        """Return a field of the form into which one types; one for a number by its label."""
        number = self.form.locator("ha-selector-number").filter(has_text=name)
        text = self.form.locator(f"input[name={name}], textarea[name={name}]")
        return text.or_(number.locator("input"))

    async def type(self, name: str, text: str) -> None:
        """Click into a field and type over what stands in it."""
        await self.click(self.field(name))
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.insert_text(text)

    async def pick(self, label: str, text: str) -> None:
        """Open a list and click an entry, which typing finds."""
        picker = self.form.locator(f"ha-picker-field[aria-label={label}]")
        await self.click(picker)
        offered = self.page.locator("ha-combo-box-item:visible")
        await expect(offered.first).to_be_visible()
        # Typed before the list stands, letters are the frontend's shortcuts.
        await self.page.wait_for_timeout(500)
        await self.page.keyboard.type(text)
        await self.walk.picture(f"pick-{text.replace('/', '_')}")
        await self.click(offered.get_by_text(text, exact=True).first)
        await expect(picker).to_contain_text(text)

    async def submit(self, name: str) -> None:
        """Send the form; it ends the flow."""
        await self.walk.picture(f"form-{name}")
        await self.click(self.page.get_by_role("button", name="Submit"))
        await expect(self.page.locator("step-flow-abort")).to_be_visible()
        say(f"{name}: {self.clicks} clicks")
        assert self.clicks <= MOST_CLICKS, f"{name} took {self.clicks} clicks"

    async def shows(
        self, device: SimDevice, point: str, what: Callable[[dict[str, Any]], bool]
    ) -> None:
        """Wait until the state of a point is as it has to be."""
        seen: dict[str, Any] = {}

        async def holds() -> bool:
            nonlocal seen
            ids = await self.built.entity_ids(self.sim)
            entity_id = ids.get(f"_{device.asset_id}_{point}")
            if entity_id is None:
                return False
            seen = await self.built.state(entity_id)
            return what(seen)

        try:
            await in_time(f"{point} is corrected", holds)
        except AssertionError:
            say(f"{point} is {seen}")
            raise


type Check = tuple[SimDevice, str, Callable[[dict[str, Any]], bool]]


async def wrong_unit(person: Corrector, lab: SimDevice) -> Check:
    """The model says bar, the device measures kPa."""
    await person.open("Test bench", "Pressure setpoint", "pressure setpoint")
    await person.pick("Unit", "kPa")
    await person.submit("unit")
    return (
        lab,
        "float_open",
        lambda state: (
            state["attributes"].get("unit_of_measurement") == "kPa"
            and state["attributes"].get("device_class") == "pressure"
            and float(state["state"]) == lab.values["float_open"]
        ),
    )


async def wrong_range(person: Corrector, lab: SimDevice) -> Check:
    """The model allows 100 %, the fan bears 80 %."""
    await person.open("Test bench", "Speed setpoint", "转速设定")
    await person.type("Maximum", "80")
    await person.submit("range")
    return lab, "int_setpoint", lambda state: state["attributes"].get("max") == 80


async def swapped(person: Corrector, light: SimDevice) -> Check:
    """The circuit is off by true."""
    await person.open("Lighting circuit", "Switch (switch)")
    await person.click(person.form.locator("ha-selector-boolean").first)
    await person.submit("swapped")
    return (
        light,
        "switch",
        lambda state: state["state"] == ("off" if light.values["switch"] else "on"),
    )


async def chinese_options(person: Corrector, lab: SimDevice) -> Check:
    """The model names its options in Chinese only."""
    await person.open("Test bench", "控制模式", "控制模式")
    await person.type("options", "1 = Automatic\n5 = Manual\n20 = Maintenance")
    await person.submit("options")
    labels = ["Automatic", "Manual", "Maintenance"]
    return (
        lab,
        "enum_chinese",
        lambda state: (
            state["attributes"].get("options") == labels and state["state"] == "Manual"
        ),
    )


async def correct(venv: Path, pictures: Path) -> None:
    """Correct everything, start anew, and look again."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        async with (
            Simulator(seed=1, devices=12, physics=False) as sim,
            house(venv, Path(name)) as built,
            async_playwright() as playwright,
        ):
            lab, light = sim.add_device("lab"), sim.device("light")
            await built.connect(sim)
            browser = await playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
                args=list(FLAGS),
            )
            page = await browser.new_page(
                viewport={"width": 1280, "height": 900}, service_workers="block"
            )
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            walk = Walk(page, built.home, sim, pictures)
            person = Corrector(page, built, sim, walk)
            checks: list[Check] = []
            tasks: list[tuple[Callable[..., Awaitable[Check]], SimDevice]] = [
                (wrong_unit, lab),
                (wrong_range, lab),
                (swapped, light),
                (chinese_options, lab),
            ]
            try:
                await walk.log_in()
                for task, device in tasks:
                    await person.integration()
                    checks.append(await task(person, device))
                    await person.shows(*checks[-1])
                await walk.picture("corrected")
            except BaseException:
                await page.screenshot(path=pictures / "failure.png")
                print(built.log.read_text(errors="replace")[-5000:])
                raise
            finally:
                await browser.close()
            say("starts anew")
            await built.stop()
            await built.start()
            for check in checks:
                await person.shows(*check)
            assert sim.rejections == [], sim.rejections
            log = built.log.read_text(errors="replace")
            assert "Traceback" not in log, log[-5000:]
    say("arrived")


if __name__ == "__main__":
    asyncio.run(correct(Path(sys.argv[1]), Path(sys.argv[2])))
