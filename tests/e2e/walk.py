"""Walk through the integration as a person would, and stop at the first thing that is wrong.

`python -m tests.e2e.walk VENV PICTURES` starts the Home Assistant of a virtual environment with
an empty configuration, connects it to a simulated building by clicking, operates the building
from a dashboard, and leaves pictures. A process of its own: the test plugin forbids what a
browser needs.
"""

import asyncio
from pathlib import Path
import re
import shutil
import sys
import tempfile

from playwright.async_api import Locator, Page, async_playwright, expect

from scripts._develop import DASHBOARD, PASSWORD, USER, HomeAssistant, make_dashboard
from simulator import SimDevice, Simulator

from .house import PATIENCE, house, in_time, say

# Where none of these is installed, Playwright's own is taken.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Walk:
    """A person at a browser, and what that person does."""

    def __init__(
        self, page: Page, home: HomeAssistant, sim: Simulator, pictures: Path
    ) -> None:
        """Take a seat."""
        self.page = page
        self.home = home
        self.sim = sim
        self.pictures = pictures

    async def picture(self, name: str) -> None:
        """Take a picture once everything on the page stands still."""
        await self.page.wait_for_timeout(700)
        await self.page.screenshot(path=self.pictures / f"{name}.png")

    async def log_in(self) -> None:
        """Log in with user and password."""
        await self.page.goto(self.home.url)
        await self.page.locator("input[name=username]").fill(USER)
        await self.page.locator("input[name=password]").fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("home-assistant-main")).to_be_visible()

    async def submit(self) -> None:
        """Send the form."""
        button = re.compile("^(Next|Submit)$")
        await self.page.get_by_role("button", name=button).click()

    async def set_up(self) -> None:
        """Add the integration: a wrong key first, then three products, then their points."""
        page = self.page
        await page.goto(f"{self.home.url}/config/integrations/dashboard")
        await page.get_by_role("button", name="Add integration").click()
        search = page.locator("dialog-add-integration input").first
        await search.fill("enos")
        await (
            page.locator("dialog-add-integration")
            .get_by_text("Envision EnOS")
            .first.click()
        )
        for name, text in {
            "url": self.sim.url,
            "org_id": self.sim.org_id,
            "access_key": self.sim.access_key,
            "secret_key": "00000000-0000-0000-0000-000000000000",
        }.items():
            await page.locator(f"step-flow-form input[name={name}]").fill(text)
        await self.submit()
        alert = page.locator("step-flow-form ha-alert").first
        await expect(alert).to_contain_text("does not accept the access key")
        await page.locator("step-flow-form input[name=secret_key]").fill(
            self.sim.secret_key
        )
        await self.submit()
        for product in ("Air handling unit", "Fan coil unit (", "Lighting circuit"):
            form = page.locator("step-flow-form")
            # The button's text is that of the field in 2026.10, and "Add" in 2026.11.
            button = re.compile(r"^\s*(Add|Products)\s*$")
            await form.get_by_role("button", name=button).last.click()
            offered = page.locator("ha-combo-box-item:visible")
            # Typed before the list stands, letters are the frontend's shortcuts.
            await expect(offered.first).to_be_visible()
            await page.wait_for_timeout(500)
            await page.keyboard.type(product)
            await offered.filter(has_text=product).first.click()
            await expect(form.get_by_text(product)).to_be_visible()
            await expect(offered).to_have_count(0)
        await self.picture("products")
        await self.submit()
        await expect(page.get_by_text("supply_temp_setpoint")).to_be_visible()
        await self.picture("suggestions")
        await page.get_by_text("Look at each product").click()
        for position in ("(1 of 3)", "(2 of 3)", "(3 of 3)"):
            await expect(page.get_by_text(position)).to_be_visible()
            if position == "(2 of 3)":
                await self.picture("measurepoints")
            await self.submit()
        await page.get_by_role("button", name="finish").click()

    def tile(self, device: SimDevice, text: str) -> Locator:
        """Return the card of a point on the view of its device's kind."""
        name = device.name["i18nValue"]["en_US"]
        section = self.page.locator("hui-grid-section").filter(
            has=self.page.locator("hui-heading-card").get_by_text(name, exact=False)
        )
        return section.locator("hui-tile-card").filter(has_text=text).first

    async def state(self, entity_id: str) -> str:
        """Return a state as Home Assistant has it."""
        answer = await self.home.request("GET", f"/api/states/{entity_id}")
        return str(answer["state"])

    async def entity(self, device: SimDevice, point: str) -> str:
        """Return the entity of a point."""
        unique_id = f"{self.sim.org_id}_{device.asset_id}_{point}"
        for entity in await self.home.command(type="config/entity_registry/list"):
            if entity["platform"] == "enos" and entity["unique_id"] == unique_id:
                return str(entity["entity_id"])
        raise AssertionError(f"no entity for {point}")

    async def is_state(self, entity_id: str, state: str) -> bool:
        """Tell whether a state is what it has to be."""
        return await self.state(entity_id) == state

    async def shows(self, entity_id: str, state: str) -> None:
        """Wait until it is."""
        await in_time(
            f"{entity_id} is {state}", lambda: self.is_state(entity_id, state)
        )

    async def operate(self, device: SimDevice) -> None:
        """Flip a switch, set a number, pick an option; each reaches the device."""
        page = self.page
        await page.goto(f"{self.home.url}/{DASHBOARD}/building")
        power = self.tile(device, "Fan enable")
        await expect(power).to_be_visible(timeout=PATIENCE)
        await self.picture("dashboard")

        before = device.values["fan_enable"]
        await power.locator("ha-control-switch").click()
        switch = await self.entity(device, "fan_enable")
        await self.shows(switch, "off" if before else "on")
        assert device.values["fan_enable"] is not before

        slider = self.tile(device, "Supply temperature").locator("ha-control-slider")
        setpoint = device.values["supply_temp_setpoint"]
        await slider.locator("[role=slider]").press("ArrowRight")
        number = await self.entity(device, "supply_temp_setpoint")
        await self.shows(number, str(setpoint + 0.5))
        assert device.values["supply_temp_setpoint"] == setpoint + 0.5

        assert device.values["mode"] == 0
        await self.tile(device, "Mode").locator("ha-control-select-menu").click()
        item = page.get_by_role("menuitem").or_(page.locator("ha-dropdown-item"))
        await item.filter(has_text="Heating").first.click()
        await self.shows(await self.entity(device, "mode"), "Heating")
        assert device.values["mode"] == 2

    async def meet_an_offline_device(
        self, device: SimDevice, text: str, name: str
    ) -> None:
        """Flip the switch of a device that is away: a toast says so, nothing moves.

        Instead of the toggle, which shows what was asked for, there are two buttons then, of
        which the one that is lit is the truth.
        """
        switch = await self.entity(device, "fan_enable")
        before, held = await self.state(switch), device.values["fan_enable"]
        device.status = "offline"
        tile = self.tile(device, "Fan enable")
        toggle = tile.locator("ha-control-switch")
        await toggle.click()
        toasts = self.page.locator("notification-manager")
        await expect(toasts.get_by_text(text).first).to_be_visible()
        await expect(toggle).to_have_count(0)
        lit = "n => n.map(e => e.classList.contains('active'))"
        buttons = tile.locator("ha-control-button")
        assert await buttons.evaluate_all(lit) == [before == "off", before == "on"]
        await self.picture(name)
        assert await self.state(switch) == before
        assert device.values["fan_enable"] is held
        device.status = "online"
        # For ten seconds EnOS's word is taken for it that the device is away.
        await self.page.wait_for_timeout(10_500)
        await buttons.nth(0 if before == "off" else 1).click()
        # It obeyed, so it is there.
        await expect(toggle).to_be_visible()
        assert await toggle.evaluate("e => e.checked") is (before == "on")

    async def pull_the_plug(self, device: SimDevice) -> None:
        """A write while the gateway is away is an error; afterwards all comes back."""
        switch = await self.entity(device, "switch")
        before = await self.state(switch)
        control = self.tile(device, "Switch").locator("ha-control-switch")
        await self.sim.stop()
        await control.click()
        await expect(self.page.get_by_text("gateway").first).to_be_visible()
        await self.picture("gateway-away")
        assert await self.state(switch) == before
        await self.sim.start()
        # The card goes on showing what was asked for until it is drawn anew.
        await self.page.reload()
        await control.click()
        await self.shows(switch, "off" if before == "on" else "on")

    async def see_it_wait(self, device: SimDevice) -> None:
        """Switch a device that is away: its card shows what waits and until when."""
        switch = await self.entity(device, "switch")

        async def ready() -> bool:
            """Tell whether the entry is loaded anew: with the policy came a sensor."""
            waiting = f"{self.sim.org_id}_{device.asset_id}#waiting_commands"
            entities = await self.home.command(type="config/entity_registry/list")
            return any(
                entity["unique_id"] == waiting and not entity["disabled_by"]
                for entity in entities
            ) and await self.state(switch) in ("on", "off")

        await in_time("commands are queued", ready)
        before = await self.state(switch)
        device.status = "offline"
        tile = self.tile(device, "Switch")
        # Two buttons, once a list of devices has told that it is away.
        toggle = tile.locator("ha-control-switch")
        button = tile.locator("ha-control-button").nth(0 if before == "on" else 1)
        await toggle.or_(button).click()
        await expect(tile).to_contain_text(re.compile(r"Waiting · .+\d:\d\d:\d\d"))
        await self.picture("queued")
        assert await self.state(switch) == before
        device.status = "online"
        after = "off" if before == "on" else "on"
        # The list of devices is read once a minute.
        await in_time("it was delivered", lambda: self.is_state(switch, after), 100)
        await expect(tile).not_to_contain_text("Waiting")


async def walk(venv: Path, pictures: Path) -> None:
    """Walk the whole way."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            Simulator(seed=1, devices=12) as sim,
            house(venv, folder) as built,
            async_playwright() as playwright,
        ):
            home = built.home
            browser = await playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
                args=list(FLAGS),
            )
            # A service worker reloads the page once it is installed, whatever is open then.
            page = await browser.new_page(
                viewport={"width": 1280, "height": 900}, service_workers="block"
            )
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            person = Walk(page, home, sim, pictures)
            device = sim.device("ahu")
            try:
                say("log in")
                await person.log_in()
                say("set up by clicking")
                await person.set_up()
                await in_time("the entry is there", home.connected)
                await make_dashboard(home)
                say("operate the building")
                await person.operate(device)
                say("an offline device")
                await person.meet_an_offline_device(device, "is offline", "offline")
                say("the gateway goes and comes back")
                await person.pull_the_plug(sim.device("light"))
                say("a command that waits for its device")
                (entry,) = await home.command(
                    type="config_entries/get", type_filter=[], domain="enos"
                )
                queue = {"timeout": 30, "when_offline": "queue", "queue_minutes": 15}
                await built.reconfigure(
                    entry["entry_id"], "Lighting circuit", "commands", queue
                )
                await person.see_it_wait(sim.device("light"))
                say("an offline device, in Chinese")
                await page.evaluate(
                    "() => localStorage.setItem('selectedLanguage', '\"zh-Hans\"')"
                )
                await page.reload()
                await expect(page.get_by_text("设置").first).to_be_visible()
                await person.meet_an_offline_device(device, "离线", "offline-zh")
            except BaseException:
                await page.screenshot(path=pictures / "failure.png")
                print((folder / "hass.log").read_text(errors="replace")[-5000:])
                raise
            finally:
                await browser.close()
            assert sim.rejections == [], sim.rejections
            assert not any(request.served_secret for request in sim.requests)
        log = (folder / "hass.log").read_text(errors="replace")
        assert sim.secret_key not in log
        assert "Traceback" not in log, log[-5000:]
    say("arrived")


if __name__ == "__main__":
    asyncio.run(walk(Path(sys.argv[1]), Path(sys.argv[2])))
