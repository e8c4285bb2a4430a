"""Labels of options are states: frozen when chosen, and changed only by a person's word."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.enos.const import DOMAIN
from simulator import Simulator
from simulator.points import enum

from .common import entry_for, poll_devices, product_subentry, set_up
from .flows import fill_subentry, review_subentry, suggested
from .texts import ENGLISH, check_text
from .writing import Control

KIND = "new_labels"
MODE = {"1": "Cooling", "2": "Heating", "3": "Fan only"}
SPEED = {"auto": "Auto", "low": "Low", "medium": "Medium", "high": "High"}
_DAY = 24 * 3600 + 60


def subentry_of(entry: MockConfigEntry, title: str = "fcu") -> ConfigSubentry:
    """Return the subentry of a product."""
    return next(each for each in entry.subentries.values() if each.title == title)


def fcu_entry(sim: Simulator, **more: Any) -> MockConfigEntry:
    """Return an account with two selects whose labels are frozen as they are."""
    config: dict[str, Any] = {
        "controls": ["mode", "fan_speed"],
        "labels": {"mode": MODE, "fan_speed": SPEED},
    }
    return entry_for(sim, product_subentry(sim, "fcu", **{**config, **more}))


def remodel(sim: Simulator, point: str = "mode", **codes: tuple[str, str]) -> None:
    """Have a new version of the model, with other options of a point."""
    form = "INT" if point == "mode" else "STRING"
    sim.change_point("fcu", point, definition=enum(form, **codes))


def issue_of(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    """Return the repair, if it is told."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{KIND}_{entry.entry_id}")


def changes(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return what the repair tells, a line for each point."""
    issue = issue_of(hass, entry)
    assert issue
    assert issue.is_fixable
    assert issue.translation_placeholders
    lines = issue.translation_placeholders["changes"].splitlines()
    assert issue.translation_placeholders["count"] == str(len(lines))
    return lines


class Repair:
    """The repair as a browser sees it."""

    def __init__(self, client: Any, entry: MockConfigEntry) -> None:
        """Take the client of a person who is logged in."""
        self._client = client
        self._entry = entry
        self._flow = ""

    async def open(self, status: int = 200) -> dict[str, Any]:
        """Open it."""
        answer = await self._client.post(
            "/api/repairs/issues/fix",
            json={"handler": DOMAIN, "issue_id": f"{KIND}_{self._entry.entry_id}"},
        )
        assert answer.status == status
        step: dict[str, Any] = await answer.json()
        self._flow = step.get("flow_id", "")
        return step

    async def submit(self, hass: HomeAssistant, **fields: str) -> dict[str, Any]:
        """Submit its form."""
        answer = await self._client.post(
            f"/api/repairs/issues/fix/{self._flow}", json=fields
        )
        assert answer.status == 200
        step: dict[str, Any] = await answer.json()
        await hass.async_block_till_done(wait_background_tasks=True)
        return step


async def repair(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> Repair:
    """Return the repair of an account in a browser."""
    assert await async_setup_component(hass, "repairs", {})
    return Repair(await hass_client(), entry)


async def told_after(
    hass: HomeAssistant, entry: MockConfigEntry
) -> ir.IssueEntry | None:
    """Set an account up, let it look at its models, and return the repair."""
    await set_up(hass, entry)
    await poll_devices(hass)
    return issue_of(hass, entry)


def options_of(hass: HomeAssistant, sim: Simulator, point: str = "mode") -> list[str]:
    """Return the options of a select."""
    select = Control(hass, sim, "select", sim.device("fcu"), point)
    options: list[str] = select.full_state.attributes["options"]
    return options


async def test_nothing_new(hass: HomeAssistant, sim: Simulator) -> None:
    """Where the model says what was frozen, or nothing was frozen, nothing is told."""
    entry = fcu_entry(sim)
    assert await told_after(hass, entry) is None
    other = product_subentry(sim, "fcu_basic", controls=["workMode"])
    hass.config_entries.async_add_subentry(entry, ConfigSubentry(**_parts(other)))
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)
    assert issue_of(hass, entry) is None


def _parts(subentry: Any) -> dict[str, Any]:
    return {**subentry}


async def test_new_code(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A new code shows as it is until its label is accepted; nothing else changes."""
    remodel(
        sim,
        _1=("Cooling", ""),
        _2=("Heating", ""),
        _3=("Fan only", ""),
        _5=("De*humidify", ""),
        _0=("Off", ""),
    )
    device = sim.device("fcu")
    await sim.report(device, {"mode": 5})
    entry = fcu_entry(sim)
    issue = await told_after(hass, entry)
    assert issue
    assert issue.severity is ir.IssueSeverity.WARNING
    name = subentry_of(entry).title
    assert changes(hass, entry) == [
        f"- {name} – Mode (`mode`): + 0 = Off, + 5 = De\\*humidify"
    ]
    assert options_of(hass, sim) == ["Cooling", "Heating", "Fan only", "0", "5"]
    select = Control(hass, sim, "select", device, "mode")
    assert select.state == "5"

    browser = await repair(hass, hass_client, entry)
    step = await browser.open()
    assert (step["type"], step["step_id"]) == ("form", "accept")
    assert step["data_schema"] == [], "there is nothing to choose"
    assert step["description_placeholders"]["changes"] == "\n".join(
        changes(hass, entry)
    )
    assert (await browser.submit(hass))["type"] == "create_entry"
    assert issue_of(hass, entry) is None
    assert subentry_of(entry).data["labels"]["mode"] == {
        "0": "Off",
        **MODE,
        "5": "De*humidify",
    }
    assert options_of(hass, sim) == [
        *("Off", "Cooling", "Heating", "Fan only", "De*humidify")
    ]
    assert select.state == "De*humidify"
    await select.write("Off")
    assert select.written == [0]
    await poll_devices(hass)
    assert issue_of(hass, entry) is None
    assert sim.rejections == []


async def test_changed_labels_taken(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Changed labels change nothing until a person takes them; codes stay on the wire."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    remodel(sim, "fan_speed", auto=("Automatic", ""), low=("Low", ""), turbo=("T", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    name = subentry_of(entry).title
    assert changes(hass, entry) == [
        f"- {name} – Mode (`mode`): 1 = Cooling → Cool",
        f"- {name} – Fan speed (`fan_speed`): + turbo = T, auto = Auto → Automatic",
    ]
    select = Control(hass, sim, "select", sim.device("fcu"), "mode")
    assert select.state == "Cooling"
    assert options_of(hass, sim, "fan_speed") == ["Auto", "Low", "turbo"]
    browser = await repair(hass, hass_client, entry)
    step = await browser.open()
    (field,) = step["data_schema"]
    assert (field["name"], field["default"]) == ("changed", "keep")
    texts = ENGLISH["selector"]["changed_labels"]["options"]
    assert set(field["selector"]["select"]["options"]) == texts.keys()
    flow = ENGLISH["issues"][KIND]["fix_flow"]["step"]["accept"]
    assert "adapted" in flow["description"]
    check_text("changed", flow["data"].get("changed"), {})
    await browser.submit(hass, changed="take")
    assert issue_of(hass, entry) is None
    labels = subentry_of(entry).data["labels"]
    assert labels["mode"] == {**MODE, "1": "Cool"}
    # What the model has dropped may come back.
    assert labels["fan_speed"] == {**SPEED, "auto": "Automatic", "turbo": "T"}
    assert options_of(hass, sim, "fan_speed") == ["Automatic", "Low", "T"]
    assert select.state == "Cool"
    await select.write("Cool")
    assert select.written == [1]
    await poll_devices(hass)
    assert issue_of(hass, entry) is None


async def test_changed_labels_kept(
    hass: HomeAssistant,
    sim: Simulator,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who keeps the present labels is not asked again, until the model changes once more."""
    remodel(
        sim,
        _1=("Cool", ""),
        _2=("Heat", ""),
        _3=("Fan only", ""),
        _7=("Dry", ""),
        _8=("Night", ""),
    )
    by_hand = {"options": {"2": "Warm", "8": "Quiet"}}
    entry = fcu_entry(sim, corrections={"mode": by_hand})
    await told_after(hass, entry)
    # The labels of codes 2 and 8 were corrected by hand: the model's do not matter.
    assert changes(hass, entry)[0].endswith(": + 7 = Dry, 1 = Cooling → Cool")
    browser = await repair(hass, hass_client, entry)
    await browser.open()
    await browser.submit(hass, changed="keep")
    assert issue_of(hass, entry) is None
    data = subentry_of(entry).data
    assert data["labels"]["mode"] == {**MODE, "7": "Dry"}
    options = ["Cooling", "Dry", "Fan only", "Quiet", "Warm"]
    assert sorted(options_of(hass, sim)) == options
    await poll_devices(hass)
    assert issue_of(hass, entry) is None
    # A form that is saved unchanged neither asks again nor thaws anything.
    freezer.tick(5)  # EnOS refuses two requests for a token in one second.
    result = await review_subentry(hass, entry, subentry_of(entry))
    result = await fill_subentry(hass, result, {})
    result = await fill_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"
    assert subentry_of(entry).data["labels"] == data["labels"]
    await poll_devices(hass)
    assert issue_of(hass, entry) is None

    remodel(sim, _1=("Chill", ""), _2=("Heat", ""), _3=("Fan only", ""), _7=("Dry", ""))
    freezer.tick(_DAY)
    await poll_devices(hass)
    assert changes(hass, entry)[0].endswith(": 1 = Cooling → Chill")
    # It goes by itself where the model says again what was frozen.
    remodel(
        sim, _1=("Cooling", ""), _2=("Heat", ""), _3=("Fan only", ""), _7=("Dry", "")
    )
    freezer.tick(_DAY)
    await poll_devices(hass)
    assert issue_of(hass, entry) is None


async def test_model_read_once_a_day(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """While Home Assistant runs, a new version of the model is found within a day."""
    entry = fcu_entry(sim)
    assert await told_after(hass, entry) is None
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    await poll_devices(hass)
    assert issue_of(hass, entry) is None
    freezer.tick(_DAY)
    await poll_devices(hass)
    assert changes(hass, entry)[0].endswith(": 1 = Cooling → Cool")
    assert options_of(hass, sim) == ["Cooling", "Heating", "Fan only"]


async def test_ignored(
    hass: HomeAssistant, sim: Simulator, hass_ws_client: WebSocketGenerator
) -> None:
    """Ignoring is Home Assistant's; reloads do not undo it."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    assert await async_setup_component(hass, "repairs", {})
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "repairs/ignore_issue",
            "domain": DOMAIN,
            "issue_id": f"{KIND}_{entry.entry_id}",
            "ignore": True,
        }
    )
    assert (await client.receive_json())["success"]
    await hass.config_entries.async_reload(entry.entry_id)
    await poll_devices(hass)
    issue = issue_of(hass, entry)
    assert issue
    assert issue.dismissed_version
    assert subentry_of(entry).data["labels"]["mode"] == MODE


@pytest.mark.parametrize("language", ["de", "en", "zh-Hans", "zh-Hant", "ja", "fr"])
async def test_language_changed(
    hass: HomeAssistant, sim: Simulator, language: str
) -> None:
    """Another language of Home Assistant thaws nothing, and is no change of the model."""
    hass.config.language = language
    entry = fcu_entry(
        sim,
        labels={
            "mode": {"1": "制冷", "2": "制热", "3": "送风"},
            "fan_speed": SPEED,
        },
    )
    assert await told_after(hass, entry) is None
    assert options_of(hass, sim) == ["制冷", "制热", "送风"]
    assert options_of(hass, sim, "fan_speed") == list(SPEED.values())


async def test_equal_labels(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A new label that is taken gets its code appended; the present one keeps its name."""
    remodel(
        sim,
        _0=("Cooling", ""),
        _1=("Cooling", ""),
        _2=("Heating", ""),
        _3=("Fan only", ""),
    )
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    browser = await repair(hass, hass_client, entry)
    await browser.open()
    await browser.submit(hass)
    assert subentry_of(entry).data["labels"]["mode"] == {"0": "Cooling (0)", **MODE}
    await poll_devices(hass)
    assert issue_of(hass, entry) is None
    select = Control(hass, sim, "select", sim.device("fcu"), "mode")
    await select.write("Cooling")
    await select.write("Cooling (0)")
    assert select.written == [1, 0]


async def test_seen_to_meanwhile(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """What changed while the form was open: points that went, an account that is away."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    remodel(sim, "fan_speed", auto=("Automatic", ""), low=("Low", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    browser = await repair(hass, hass_client, entry)
    await browser.open()
    # Somebody else takes a point out of the lists.
    subentry = subentry_of(entry)
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, "controls": ["mode"], "labels": {"mode": MODE}},
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    await browser.submit(hass, changed="take")
    assert subentry_of(entry).data["labels"] == {"mode": {**MODE, "1": "Cool"}}

    remodel(sim, _1=("Cold", ""), _2=("Heating", ""), _3=("Fan only", ""))
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert issue_of(hass, entry) is None


async def test_account_not_loaded(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """Without the account nobody knows what is new; the repair stays."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    browser = await repair(hass, hass_client, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    step = await browser.open()
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")
    assert issue_of(hass, entry)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    # The product goes while the form is open.
    await browser.open()
    hass.config_entries.async_remove_subentry(entry, subentry_of(entry).subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (await browser.submit(hass, changed="take"))["type"] == "create_entry"
    assert issue_of(hass, entry) is None


async def test_model_changed_while_the_form_was_open(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """What was shown is what is taken; what came since is told again."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""))
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    browser = await repair(hass, hass_client, entry)
    step = await browser.open()
    assert "Cool" in step["description_placeholders"]["changes"]
    remodel(sim, _1=("Cold", ""), _2=("Heating", ""), _3=("Fan only", ""))
    # As after a restart, which reads the models.
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN)
    await hass.config_entries.async_setup(entry.entry_id)
    await poll_devices(hass)
    assert changes(hass, entry)[0].endswith("→ Cold")
    await browser.submit(hass, changed="keep")
    await poll_devices(hass)
    assert subentry_of(entry).data["labels"]["mode"] == MODE
    assert changes(hass, entry)[0].endswith("→ Cold")


async def test_devices_of_two_models(hass: HomeAssistant, sim: Simulator) -> None:
    """A label that one of the models still has is not changed; each brings its new codes."""
    fcu = sim.kind("fcu")
    sim.kinds["fcu_2"] = replace(fcu, key="fcu_2", model_id="fcu_2")
    sim.remodel_device(sim.device("fcu", 1).asset_id, "fcu_2")
    sim.change_point(
        "fcu_2",
        "mode",
        definition=enum("INT", _1=("Cool", ""), _2=("Heating", ""), _4=("Dry", "")),
    )
    entry = fcu_entry(sim)
    await told_after(hass, entry)
    assert changes(hass, entry)[0].endswith("(`mode`): + 4 = Dry")
    remodel(sim, _1=("Cold", ""), _2=("Heating", ""), _3=("Fan only", ""))
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.pop(DOMAIN)
    await hass.config_entries.async_setup(entry.entry_id)
    await poll_devices(hass)
    (line,) = changes(hass, entry)
    assert line.endswith(("1 = Cooling → Cool", "1 = Cooling → Cold"))
    assert "+ 4 = Dry, " in line


async def test_shown_as_something_else(hass: HomeAssistant, sim: Simulator) -> None:
    """Where no label shows, as with a switch, none is offered; nor for one entered by hand."""
    remodel(sim, _1=("Cool", ""), _2=("Heating", ""), _3=("Fan only", ""), _9=("X", ""))
    remodel(sim, "fan_speed", auto=("Automatic", ""), low=("Low", ""))
    entry = fcu_entry(
        sim,
        corrections={"mode": {"kind": "switch", "on_value": "1", "off_value": "2"}},
        points={"fan_speed": {"data_type": "ENUM", "options": SPEED}},
    )
    assert await told_after(hass, entry) is None


async def test_truth_with_labels(hass: HomeAssistant, sim: Simulator) -> None:
    """The labels of a BOOL that is shown as a select are frozen, too."""
    sim.change_point("fcu", "power", tags={"ha/platform": "select"})
    entry = fcu_entry(sim)
    await set_up(hass, entry)
    result = await review_subentry(hass, entry, subentry_of(entry))
    result = await fill_subentry(hass, result, {})
    result = await fill_subentry(hass, result, {"controls": ["mode", "power"]})
    assert result["reason"] == "reconfigure_successful"
    labels = subentry_of(entry).data["labels"]
    assert labels["mode"] == MODE
    assert labels["power"].keys() == {"0", "1"}
    assert options_of(hass, sim, "power") == list(labels["power"].values())
