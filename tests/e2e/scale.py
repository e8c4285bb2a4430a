"""A model of 500 points and a fleet of 1,000 devices in a browser: how long is each form busy?

`python -m tests.e2e.scale VENV PICTURES` goes through every form with a small product and with
the large one, in the Home Assistant of a virtual environment, leaves pictures and prints a table:
the longest time that the page did nothing else, and the time from the click until it could be
used. A form that is busy for two seconds more than the small product's has frozen; have nothing
else run beside, for that doubles all times.
"""

import asyncio
from collections.abc import AsyncIterator
import contextlib
from dataclasses import dataclass
from pathlib import Path
import re
import shutil
import sys
import tempfile
import time

from playwright.async_api import Locator, Page, async_playwright, expect

from simulator import Simulator

from .house import House, house, in_time, say
from .slow import resident
from .walk import BROWSERS, FLAGS, Walk

SMALL, LARGE = "Air handling unit", "Plant controller"
FLEET = 1000
FROZEN = 2.0
# The field of a single choice shows what is chosen in such an item, too.
OFFERED = "ha-picker-combo-box ha-combo-box-item:visible"
# A short list has other items than one that can be searched.
ANY_OFFERED = f"{OFFERED}, ha-dropdown-item:visible"
# A machine with other work to do takes its time for a thousand devices.
LONG = 300_000
# How often a page that is idle draws, and when it is idle again.
WATCH = """
window.busy = [];
window.clicked = 0;
new PerformanceObserver(list => {
  for (const task of list.getEntries()) window.busy.push([task.startTime, task.duration]);
}).observe({type: "longtask", buffered: true});
for (const what of ["click", "keydown"])
  addEventListener(what, () => { window.clicked = performance.now(); }, {capture: true});
window.idle = () => new Promise(resolve => {
  let before = performance.now(), since = before;
  const draw = now => {
    if (now - before > 100) since = now;
    before = now;
    if (now - since > 500) resolve(since - window.clicked);
    else requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
});
"""


@dataclass
class Row:
    """What was measured of a form: seconds."""

    step: str
    busy: float
    usable: float


class Person:
    """A person with a product of a thousand devices."""

    def __init__(self, page: Page, built: House, walk: Walk) -> None:
        """Begin without a measurement."""
        self.page = page
        self.built = built
        self.walk = walk
        self.form = page.locator("step-flow-form")
        self.rows: list[Row] = []

    @contextlib.asynccontextmanager
    async def measured(self, step: str) -> AsyncIterator[None]:
        """Measure from the last click or key of the block until the page is idle."""
        await self.page.evaluate("window.busy = []")
        yield
        idle = await self.page.evaluate("window.idle()")
        busy = await self.page.evaluate(
            "Math.max(0, ...window.busy.filter(t => t[0] + t[1] > window.clicked)"
            ".map(t => t[1]))"
        )
        row = Row(step, busy / 1000, idle / 1000)
        self.rows.append(row)
        say(f"{step}: busy {row.busy:.2f} s, usable after {row.usable:.2f} s")
        name = re.sub(r"\W+", "-", step).strip("-").lower()
        await self.walk.picture(f"{len(self.rows):02}-{name}")

    def opener(self, label: str) -> Locator:
        """Return the button that opens a list of many.

        Its text is that of the field in 2026.10, and "Add" in 2026.11.
        """
        selector = self.form.locator("ha-selector-select").filter(
            has=self.page.locator("ha-generic-picker")
        )
        button = re.compile(rf"^\s*({label})\s*$")
        return self.form.get_by_role("button", name=button).or_(
            selector.filter(has_text=label).get_by_role(
                "button", name=re.compile(r"^\s*Add\s*$")
            )
        )

    async def pick(self, label: str, search: str, text: str, step: str = "") -> None:
        """Open a list, search, and pick what was found."""
        offered = self.page.locator(OFFERED)
        opener = self.opener(label).last
        await opener.scroll_into_view_if_needed()
        async with self.maybe(f"{step}: list opened" if step else ""):
            await opener.click()
            await expect(offered.first).to_be_visible()
        # Typed before the list stands, letters are the frontend's shortcuts.
        await self.page.wait_for_timeout(500)
        async with self.maybe(f"{step}: searched" if step else ""):
            await self.page.keyboard.type(search)
            await expect(offered.filter(has_text=text).first).to_be_visible()
        async with self.maybe(f"{step}: picked" if step else ""):
            await offered.filter(has_text=text).first.click()
            await expect(offered).to_have_count(0)

    @contextlib.asynccontextmanager
    async def maybe(self, step: str) -> AsyncIterator[None]:
        """Measure a step that has a name."""
        if not step:
            yield
            return
        async with self.measured(step):
            yield

    async def fill_lists(self, choice: str, step: str) -> None:
        """Choose how the lists of a large model are filled, and send."""
        await self.form.locator("ha-selector-select ha-picker-field").first.click()
        offered = self.page.locator(ANY_OFFERED)
        await offered.filter(has_text=choice).first.click()
        await self.page.wait_for_timeout(700)
        async with self.measured(step):
            await self.walk.submit()
            chips = self.form.locator("ha-input-chip")
            if choice == "Empty both":
                await expect(chips).to_have_count(0)
                await expect(self.opener("Read only").last).to_be_visible()
            else:
                await expect(chips.first).to_be_visible()

    async def connect(self, sim: Simulator) -> None:
        """Add the integration with three products, and look at each."""
        page = self.page
        await page.goto(f"{self.built.home.url}/config/integrations/dashboard")
        await page.get_by_role("button", name="Add integration").click()
        dialog = page.locator("dialog-add-integration")
        await dialog.locator("input").first.fill("enos")
        await dialog.get_by_text("Envision EnOS").first.click()
        for name, text in {
            "url": sim.url,
            "org_id": sim.org_id,
            "access_key": sim.access_key,
            "secret_key": sim.secret_key,
        }.items():
            await self.form.locator(f"input[name={name}]").fill(text)
        async with self.measured("Products"):
            await self.walk.submit()
            await expect(self.form.get_by_text("Choose as many")).to_be_visible()
        for product in (SMALL, "Test bench", LARGE):
            await self.pick("Products", product, product)
        async with self.measured("Menu"):
            await self.walk.submit()
            await expect(page.get_by_text("Look at each product")).to_be_visible()
        for position, product in (
            ("1 of 3", SMALL),
            ("2 of 3", "Test bench"),
            ("3 of 3", f"{LARGE} with {FLEET} devices"),
        ):
            async with self.measured(f"Measurepoints, {product}"):
                if position == "1 of 3":
                    await page.get_by_text("Look at each product").click()
                else:
                    await self.walk.submit()
                await expect(page.get_by_text(f"({position})")).to_be_visible()

    async def choose_points(self) -> None:
        """Choose too much, then what there is room for."""
        await self.fill_lists("Read all others", "Measurepoints, all chosen")
        chips = self.form.locator("ha-input-chip")
        many = await chips.count()
        assert many > 400, many
        async with self.measured("All chosen: one taken out"):
            await (
                chips.nth(200)
                .locator("button[aria-label], [slot=trailing], ha-svg-icon")
                .last.click()
            )
            await expect(chips).to_have_count(many - 1)
        await self.pick(
            "May be written", "chiller 3 set", "ch3_chw_setpoint", "All chosen"
        )
        async with self.measured("All chosen: refused"):
            await self.walk.submit()
            await expect(self.form.locator("ha-alert").first).to_contain_text("10,000")
        await self.fill_lists("Empty both", "Lists emptied")
        for search, text in (
            ("ch1_enable", "ch1_enable"),
            ("chiller 1 setpoint", "ch1_chw_setpoint"),
        ):
            await self.pick("May be written", search, text)
        for number in range(1, 7):
            text = f"zone0{number}_temp"
            step = "None chosen" if number == 6 else ""
            await self.pick("Read only", text, text, step)
        await expect(self.form.locator("ha-input-chip")).to_have_count(8)

    async def finish(self) -> None:
        """Create the entry, and see how long it takes until its entities are there."""
        before = resident(self.built)
        began = time.monotonic()
        async with self.measured("Entry created"):
            await self.walk.submit()
            await expect(
                self.page.locator("step-flow-menu")
                .get_by_text("Floors and areas")
                .first
            ).to_be_visible(timeout=LONG)

        async def there() -> bool:
            states = await self.built.home.request("GET", "/api/states")
            return (
                sum("chiller_1" in state["entity_id"] for state in states) >= 2 * FLEET
            )

        await in_time("all entities are there", there, LONG / 1000)
        states = await self.built.home.request("GET", "/api/states")
        took = time.monotonic() - began
        grown = resident(self.built) - before
        say(
            f"{len(states)} states {took:.1f} s after the click, {grown // 1024} MiB more"
        )

    async def reconfigure(self, product: str, choice: str, shown: Locator) -> None:
        """Open a form of a product's reconfiguration."""
        await self.page.goto(
            f"{self.built.home.url}/config/integrations/integration/enos"
        )
        row = (
            self.page.locator("ha-config-sub-entry-row").filter(has_text=product).first
        )
        await row.locator(".sub-entry > ha-icon-button[slot=end]").click()
        menu = self.page.locator("step-flow-menu")
        option = menu.get_by_text(choice, exact=True)
        await expect(option).to_be_visible()
        await self.page.wait_for_timeout(500)
        async with self.measured(f"{choice}, {product}"):
            await option.click()
            await expect(shown).to_be_visible()

    async def except_devices(self) -> None:
        """Make an exception for a device from how commands are sent."""
        for product in (SMALL, LARGE):
            await self.reconfigure(
                product, "Commands", self.form.get_by_text("Exceptions").first
            )
            async with self.measured(f"Exception, {product}"):
                await self.form.get_by_role("button", name="Add").last.click()
                field = self.page.locator("ha-picker-field:visible").filter(
                    has_text="Device"
                )
                await expect(field.first).to_be_visible()
            offered = self.page.locator(ANY_OFFERED)
            async with self.measured(f"Exception: devices, {product}"):
                await field.first.click()
                await expect(offered.first).to_be_visible()

    async def change(self) -> None:
        """Change devices and points of both products."""
        for product in (SMALL, LARGE):
            await self.reconfigure(
                product,
                "Devices and measurepoints",
                self.form.get_by_text("Left empty").first,
            )
            if product == LARGE:
                for name in ("7", "77", "777"):
                    await self.pick(
                        "Devices",
                        f"{name} ",
                        "Plant",
                        "Devices" if name == "777" else "",
                    )
            async with self.measured(f"Measurepoints again, {product}"):
                await self.walk.submit()
                await expect(
                    self.form.get_by_text("The lists show what is chosen")
                ).to_be_visible()
            if product == LARGE:
                await self.fill_lists("Read all others", "Measurepoints again, all")
            async with self.measured(f"Saved, {product}"):
                await self.walk.submit()
                await expect(self.page.locator("step-flow-abort")).to_be_visible()

    async def correct(self) -> None:
        """Search among the points that may be corrected; a short list needs no search."""
        what = "Correct a measurepoint"
        listed = self.page.locator("step-flow-menu").get_by_text("Measurepoints of")
        await self.reconfigure(SMALL, what, listed)
        search = self.form.locator("input[name=search]")
        await self.reconfigure(LARGE, what, search)
        await search.fill("chiller 1")
        async with self.measured(f"Points to correct found, {LARGE}"):
            await self.page.keyboard.press("Enter")
            await expect(listed).to_be_visible()

    def table(self) -> str:
        """Return what was measured."""
        lines = [f"{'step':<58} {'busy':>6} {'usable':>7}"]
        lines += [
            f"{row.step:<58} {row.busy:6.2f} {row.usable:7.2f}" for row in self.rows
        ]
        return "\n".join(lines)


async def scale(venv: Path, pictures: Path) -> None:
    """Go through everything."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        async with (
            Simulator(
                seed=1, devices=12, kinds={"wide": FLEET, "lab": 2}, physics=False
            ) as sim,
            house(venv, Path(name)) as built,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
                args=list(FLAGS),
            )
            page = await browser.new_page(
                viewport={"width": 1280, "height": 900}, service_workers="block"
            )
            await page.add_init_script(WATCH)
            page.set_default_timeout(LONG)
            expect.set_options(timeout=LONG)
            walk = Walk(page, built.home, sim, pictures)
            person = Person(page, built, walk)
            try:
                await walk.log_in()
                await person.connect(sim)
                await person.choose_points()
                await person.finish()
                await person.except_devices()
                await person.change()
                await person.correct()
            except BaseException:
                await page.screenshot(path=pictures / "failure.png")
                print(person.table())
                print(built.log.read_text(errors="replace")[-3000:])
                raise
            finally:
                await browser.close()
            assert sim.rejections == [], sim.rejections
            log = built.log.read_text(errors="replace")
            assert "Traceback" not in log, log[-5000:]
            # Home Assistant's words for entities that it did not take.
            assert "Reached the maximum" not in log
    print(person.table())
    quick = next(row for row in person.rows if SMALL in row.step)
    # What is saved draws Home Assistant's own page anew, with all devices on it.
    frozen = [
        row.step
        for row in person.rows
        if row.busy > quick.busy + FROZEN and not row.step.startswith("Saved")
    ]
    assert not frozen, frozen
    say("arrived")


if __name__ == "__main__":
    asyncio.run(scale(Path(sys.argv[1]), Path(sys.argv[2])))
