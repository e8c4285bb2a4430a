"""A profile goes out and comes in: through the forms, uploaded and downloaded over HTTP."""

from http import HTTPStatus
import re
from typing import Any

from aiohttp import FormData
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.enos.config_profile import line_text
from custom_components.enos.const import DOMAIN
from custom_components.enos.profile_yaml import LineProblem
from simulator import Simulator
from tests.unit.test_profile import problems_in
from tests.unit.test_profile_mistakes import MISTAKES

from .common import device_subentry, entry_for, product_subentry, set_up
from .flows import Step, fill_subentry, reconfigure_subentry, refuse, suggested
from .test_flow_scale import LIMIT, crowd
from .texts import LANGUAGES, flat, load

FLOW = "/api/config/config_entries/subentries/flow"
USUAL = {"timeout": 30, "when_offline": "fail", "queue_minutes": 15}
PATIENT = {"timeout": 45, "when_offline": "queue", "queue_minutes": 120}


def only(entry: ConfigEntry) -> ConfigSubentry:
    """Return the one subentry of an entry."""
    (subentry,) = entry.subentries.values()
    return subentry


def rich(sim: Simulator) -> dict[str, Any]:
    """Return a profile of the test bench with everything in it."""
    bench = sim.device("lab").asset_id
    return {
        "controls": ["int_setpoint", "int_flag", "enum_text", "bool_switch"],
        "sensors": ["double_energy", "struct_measured#current", "enum_chinese"],
        "services": ["self_test"],
        "labels": {
            "enum_text": {"running": "On", "idle": "Off: for now", "fault": "故障"},
            "enum_chinese": {"20": "Service", "1": "Automatic", "5": "By hand"},
        },
        "corrections": {
            "int_setpoint": {"name": "Speed", "minimum": 10.0, "maximum": 90.0},
            "int_flag": {"kind": "switch", "on_value": "0", "off_value": "1"},
            "double_energy": {"unit": "kWh", "stale_after": 600.0},
            "int_total": {"name": "Not used yet"},
        },
        "correction_exceptions": {bench: {"int_setpoint": {"maximum": 80.0}}},
        "declared": {"int_setpoint": {"writable": True, "step": 5.0}},
        "policy": PATIENT,
        "policy_exceptions": {bench: USUAL},
    }


@pytest.fixture
def bench(sim: Simulator) -> Simulator:
    """Return the building with a test bench in it."""
    sim.add_device("lab")
    return sim


async def open_profile(hass: HomeAssistant, entry: ConfigEntry, direction: str) -> Step:
    """Open the form for one direction, by way of both menus."""
    menu = await reconfigure_subentry(hass, entry, only(entry))
    assert "profile" in menu["menu_options"]
    menu = await fill_subentry(hass, menu, {"next_step_id": "profile"})
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "profile")
    assert menu["menu_options"] == ["profile_export", "profile_import"]
    return await fill_subentry(hass, menu, {"next_step_id": f"profile_{direction}"})


async def exported(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the text of a profile, and leave the form."""
    form = await open_profile(hass, entry, "export")
    assert form["type"] is FlowResultType.FORM
    text: str = suggested(form)["profile_text"]
    end = await fill_subentry(hass, form, {"profile_text": text})
    assert (end["type"], end["reason"]) == (FlowResultType.ABORT, "profile_exported")
    return text


async def import_text(hass: HomeAssistant, entry: ConfigEntry, text: str) -> Step:
    """Paste a text into the form; return what comes of it."""
    form = await open_profile(hass, entry, "import")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "profile_import")
    return await fill_subentry(hass, form, {"profile_text": text})


def entities(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the registry and the states say of each entity of a device."""
    found = {}
    for entity in er.async_get(hass).entities.values():
        if entity.platform != DOMAIN or entity.config_subentry_id is None:
            continue
        state = hass.states.get(entity.entity_id)
        attributes = dict(state.attributes) if state else {}
        found[entity.unique_id] = (
            entity.entity_id,
            entity.original_name,
            entity.original_device_class,
            entity.unit_of_measurement,
            entity.capabilities,
            {key: str(each) for key, each in attributes.items()},
        )
    return found


# There and back.


async def test_to_another_installation(hass: HomeAssistant, bench: Simulator) -> None:
    """What was exported makes the same data and the same entities elsewhere."""
    profile = rich(bench)
    first = entry_for(bench, product_subentry(bench, "lab", **profile))
    await set_up(hass, first)
    before = entities(hass)
    assert len(before) > len(profile["controls"]) + len(profile["sensors"])
    text = await exported(hass, first)
    assert bench.org_id not in text
    assert bench.secret_key not in text and bench.access_key not in text
    await hass.config_entries.async_remove(first.entry_id)
    await hass.async_block_till_done()
    assert entities(hass) == {}

    second = entry_for(bench, product_subentry(bench, "lab", sensors=["date_due"]))
    await set_up(hass, second)
    assert entities(hass) != before
    confirm = await import_text(hass, second, text)
    assert (confirm["type"], confirm["step_id"]) == (
        FlowResultType.FORM,
        "profile_confirm",
    )
    # Nothing happens before the user's word.
    assert only(second).data["sensors"] == ["date_due"]
    end = await fill_subentry(hass, confirm, {})
    assert (end["type"], end["reason"]) == (
        FlowResultType.ABORT,
        "reconfigure_successful",
    )
    data = only(second).data
    assert {**data, "controls": 0, "sensors": 0} == {
        **only(first).data,
        "controls": 0,
        "sensors": 0,
    }
    for key in ("controls", "sensors"):
        assert sorted(data[key]) == sorted(profile[key])
    assert list(data["labels"]["enum_chinese"]) == ["20", "1", "5"]
    # The entities of the former profile are gone, those of the file are there.
    assert entities(hass) == before


async def test_the_same_again(hass: HomeAssistant, bench: Simulator) -> None:
    """A profile that is there already changes nothing."""
    entry = entry_for(bench, product_subentry(bench, "lab", **rich(bench)))
    await set_up(hass, entry)
    confirm = await import_text(hass, entry, await exported(hass, entry))
    end = await fill_subentry(hass, confirm, {})
    data = only(entry).data
    again = await import_text(hass, entry, await exported(hass, entry))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "profile_same")
    assert only(entry).data == data
    assert end["type"] is FlowResultType.ABORT


async def test_summary(hass: HomeAssistant, bench: Simulator) -> None:
    """Before it is done, a person sees what will change; writable points above all."""
    entry = entry_for(bench, product_subentry(bench, "lab", **rich(bench)))
    await set_up(hass, entry)
    text = (
        (await exported(hass, entry))
        .replace(
            "  double_energy:\n    use: sensor", "  double_energy:\n    use: control"
        )
        .replace("    name: Speed\n", "    name: Speed *of* the drive\n")
        .replace("  - self_test  # Self-test\n", "")
        .replace("  # date_due:", "  date_due: {use: sensor}\n  # x:")
        .replace("  enum_chinese:\n    use: sensor\n", "  enum_chinese:\n")
        .replace("timeout: 30", "timeout: 31")
        .replace("timeout: 45", "timeout: 46")
    )
    confirm = await import_text(hass, entry, text)
    assert confirm["step_id"] == "profile_confirm", confirm["description_placeholders"]
    said = confirm["description_placeholders"]
    assert (said["controls"], said["sensors"]) == ("5", "2")
    assert (said["corrections"], said["exceptions"]) == ("4", "1")
    assert said["writable"] == r"Energy \(double\_energy\)"
    assert said["added"] == r"Service due \(date\_due\)"
    assert said["removed"] == r"控制模式 \(enum\_chinese\)"
    assert said["changed"] == (
        r"Speed setpoint \(int\_setpoint\), Energy \(double\_energy\)"
    )
    assert said["services"] == r"self\_test"
    assert "LAB" in said["devices"].upper()
    assert said["commands"].startswith("timeout: 46, ")
    assert said["notes"] == ""


async def test_notes(hass: HomeAssistant, bench: Simulator) -> None:
    """What is no mistake, but should be known, stands in the confirmation."""
    entry = entry_for(bench, product_subentry(bench, "lab"))
    await set_up(hass, entry)
    text = (
        "enos_profile: 1\nmodel: other_model\npoints:\n"
        "  bool_switch:\n    use: control\n    minimum: 5\n"
    )
    confirm = await import_text(hass, entry, text)
    notes = confirm["description_placeholders"]["notes"].strip().splitlines()
    assert [re.sub(r"\\", "", note)[:8] for note in notes] == ["- Line 2", "- Line 6"]
    assert "other" in notes[0] and "lab" in notes[0]
    await fill_subentry(hass, confirm, {})
    assert only(entry).data["controls"] == ["bool_switch"]


async def test_single_device(hass: HomeAssistant, bench: Simulator) -> None:
    """The profile of a product fits a single device, but for exceptions for others."""
    product = entry_for(bench, product_subentry(bench, "lab", **rich(bench)))
    await set_up(hass, product)
    text = await exported(hass, product)
    await hass.config_entries.async_remove(product.entry_id)
    entry = entry_for(bench, device_subentry(bench.device("lab")))
    await set_up(hass, entry)
    confirm = await import_text(hass, entry, text)
    assert "Line" in confirm["description_placeholders"]["notes"]
    await fill_subentry(hass, confirm, {})
    data = only(entry).data
    assert data["asset_id"] == bench.device("lab").asset_id
    assert data["corrections"] == rich(bench)["corrections"]
    assert not data.get("correction_exceptions")
    assert (await exported(hass, entry)).count("# ") > 10


# Over HTTP, as the frontend does it.


async def client_of(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return a browser, so to say."""
    assert await async_setup_component(hass, "config", {})
    return await hass_client()


async def over_http(
    client: TestClient[Any, Any], entry: ConfigEntry, *answers: dict[str, Any]
) -> dict[str, Any]:
    """Go through the forms over HTTP."""
    subentry = only(entry)
    response = await client.post(
        FLOW,
        json={
            "handler": [entry.entry_id, subentry.subentry_type],
            "subentry_id": subentry.subentry_id,
        },
    )
    step: dict[str, Any] = await response.json()
    for answer in answers:
        response = await client.post(f"{FLOW}/{step['flow_id']}", json=answer)
        assert response.status == HTTPStatus.OK
        step = await response.json()
    return step


async def upload(client: TestClient[Any, Any], content: bytes) -> str:
    """Upload a file as the frontend does."""
    form = FormData()
    form.add_field("file", content, filename="profile.yaml")
    response = await client.post("/api/file_upload", data=form)
    assert response.status == HTTPStatus.OK
    file_id: str = (await response.json())["file_id"]
    return file_id


TO_EXPORT = ({"next_step_id": "profile"}, {"next_step_id": "profile_export"})
TO_IMPORT = ({"next_step_id": "profile"}, {"next_step_id": "profile_import"})


async def test_download(
    hass: HomeAssistant,
    bench: Simulator,
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """The link gives the file to whoever has it, as long as the dialog is open."""
    entry = entry_for(bench, product_subentry(bench, "lab", **rich(bench)))
    await set_up(hass, entry)
    client = await client_of(hass, hass_client)
    form = await over_http(client, entry, *TO_EXPORT)
    link = form["description_placeholders"]["link"]
    found = re.fullmatch(
        r'<a href="([^"]+)" target="_blank">(enos_lab\.yaml)</a>', link
    )
    assert found is not None, link
    path, name = found.groups()

    stranger = await hass_client_no_auth()
    response = await stranger.get(path)
    assert response.status == HTTPStatus.OK
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    (field,) = form["data_schema"]
    assert await response.text() == field["description"]["suggested_value"]
    # Without the signature, or with that of another path, there is nothing.
    bare, _, signature = path.partition("?")
    for wrong in (bare, f"{bare}x?{signature}"):
        response = await stranger.get(wrong)
        assert response.status == HTTPStatus.UNAUTHORIZED

    await client.delete(f"{FLOW}/{form['flow_id']}")
    response = await stranger.get(path)
    assert response.status == HTTPStatus.NOT_FOUND


async def test_download_is_for_administrators(
    hass: HomeAssistant,
    bench: Simulator,
    hass_client: ClientSessionGenerator,
    hass_read_only_access_token: str,
) -> None:
    """Who may not configure gets no file."""
    entry = entry_for(bench, product_subentry(bench, "lab"))
    await set_up(hass, entry)
    client = await client_of(hass, hass_client)
    form = await over_http(client, entry, *TO_EXPORT)
    other = await hass_client(hass_read_only_access_token)
    path = f"/api/enos/profile/{form['flow_id']}"
    assert (await other.get(path)).status == HTTPStatus.UNAUTHORIZED
    assert (await client.get(path)).status == HTTPStatus.OK


async def test_upload(
    hass: HomeAssistant, bench: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A file is uploaded; one with mistakes changes nothing, a good one comes after it."""
    profile = rich(bench)
    entry = entry_for(bench, product_subentry(bench, "lab", **profile))
    await set_up(hass, entry)
    text = (await exported(hass, entry)).replace("Speed", "Drehzahl °")
    data = only(entry).data
    client = await client_of(hass, hass_client)

    wrong = text.replace("  use: control", "  use: kontrol", 1).encode("utf-16")
    file_id = await upload(client, wrong)
    form = await over_http(client, entry, *TO_IMPORT, {"profile_file": file_id})
    assert form["errors"] == {"base": "profile_mistakes"}
    mistakes = form["description_placeholders"]["mistakes"]
    assert mistakes.startswith("\n- Line ")
    assert "kontrol" in mistakes
    assert form["description_placeholders"]["count"] == "1"
    assert only(entry).data == data

    # What was uploaded is there only once.
    for gone in (file_id, "0" * 32):
        response = await client.post(
            f"{FLOW}/{form['flow_id']}", json={"profile_file": gone}
        )
        assert (await response.json())["errors"] == {"base": "export_gone"}
    response = await client.post(f"{FLOW}/{form['flow_id']}", json={})
    assert (await response.json())["errors"] == {"base": "profile_missing"}

    file_id = await upload(client, text.encode("utf-8-sig"))
    answer = {"profile_file": file_id, "profile_text": "not looked at"}
    response = await client.post(f"{FLOW}/{form['flow_id']}", json=answer)
    confirm = await response.json()
    assert confirm["step_id"] == "profile_confirm"
    await client.post(f"{FLOW}/{form['flow_id']}", json={})
    await hass.async_block_till_done()
    said = only(entry).data["corrections"]["int_setpoint"]
    assert said == {**profile["corrections"]["int_setpoint"], "name": "Drehzahl °"}


async def test_hostile_upload(
    hass: HomeAssistant, bench: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """A file that is none, or far too large, is told in one line."""
    entry = entry_for(bench, product_subentry(bench, "lab"))
    await set_up(hass, entry)
    client = await client_of(hass, hass_client)
    for content, told in (
        (bytes(range(256)) * 10, "UTF-8"),
        (b"x" * 10_000_000, "2 MB"),
        (b"a: &a [x]\nb: [*a, *a]", "alias"),
        (b"", "profile"),
    ):
        file_id = await upload(client, content)
        form = await over_http(client, entry, *TO_IMPORT, {"profile_file": file_id})
        assert form["errors"] == {"base": "profile_mistakes"}
        assert told in form["description_placeholders"]["mistakes"]
        await client.delete(f"{FLOW}/{form['flow_id']}")


# What can go wrong.


async def test_many_mistakes(hass: HomeAssistant, bench: Simulator) -> None:
    """The first ten are told, the rest are counted; the text stays in the form."""
    entry = entry_for(bench, product_subentry(bench, "lab", sensors=["date_due"]))
    await set_up(hass, entry)
    text = "enos_profile: 1\npoints:\n" + "".join(
        f"  nothing_{number}: {{use: sensor}}\n" for number in range(12)
    )
    form = await import_text(hass, entry, text)
    said = form["description_placeholders"]
    assert said["count"] == "12"
    lines = said["mistakes"].strip().splitlines()
    assert [line[:9] for line in lines[:10]] == [
        f"- Line {number},"[:9] for number in range(3, 13)
    ]
    assert len(lines) == 11
    assert suggested(form)["profile_text"] == text
    form = await fill_subentry(
        hass, form, {"profile_text": text.replace("points", "p")}
    )
    assert form["description_placeholders"]["count"] == "1"
    assert only(entry).data["sensors"] == ["date_due"]


async def test_markdown_is_text(hass: HomeAssistant, bench: Simulator) -> None:
    """What a file has between its lines cannot become a link or a picture."""
    entry = entry_for(bench, product_subentry(bench, "lab"))
    await set_up(hass, entry)
    text = 'enos_profile: 1\npoints:\n  "![x](http://x/y) <b>": {use: sensor}\n'
    form = await import_text(hass, entry, text)
    mistakes = form["description_placeholders"]["mistakes"]
    assert r"\!\[x\]\(http://x/y\) \<b\>" in mistakes


async def test_enos_away(hass: HomeAssistant, bench: Simulator) -> None:
    """Without EnOS the profile can be saved; to take one, its model is needed."""
    profile = rich(bench)
    entry = entry_for(bench, product_subentry(bench, "lab", **profile))
    await set_up(hass, entry)
    full = await exported(hass, entry)
    gone = bench.faults.add("status", status=502, body="<html>Bad gateway</html>")
    text = await exported(hass, entry)
    assert len(text) < len(full)
    form = await import_text(hass, entry, text)
    assert form["errors"] == {"base": "cannot_connect"}
    bench.faults.remove(gone)
    text = text.replace("    name: Speed\n", "    name: Drive\n")
    confirm = await fill_subentry(hass, form, {"profile_text": text})
    assert confirm["step_id"] == "profile_confirm"
    await fill_subentry(hass, confirm, {})
    profile["corrections"]["int_setpoint"]["name"] = "Drive"
    assert only(entry).data["corrections"] == profile["corrections"]


async def test_rights(hass: HomeAssistant, bench: Simulator) -> None:
    """Without the right to read models, points that are held may stay; others need words."""
    entry = entry_for(bench, product_subentry(bench, "lab", sensors=["date_due"]))
    await set_up(hass, entry)
    bench.rights.discard("Model Management: Read")
    text = (await exported(hass, entry)).replace(
        "points:\n", "points:\n  date_next:\n    use: sensor\n"
    )
    form = await import_text(hass, entry, text)
    assert "described" in form["description_placeholders"]["mistakes"]
    text = text.replace(
        "  date_next:\n", "  date_next:\n    described: {data_type: DATE}\n"
    )
    confirm = await fill_subentry(hass, form, {"profile_text": text})
    await fill_subentry(hass, confirm, {})
    assert only(entry).data["sensors"] == ["date_next", "date_due"]
    assert only(entry).data["points"] == {"date_next": {"data_type": "DATE"}}


async def test_devices_unknown(hass: HomeAssistant, bench: Simulator) -> None:
    """Where devices cannot be read, those of the file are believed."""
    entry = entry_for(bench, product_subentry(bench, "lab"))
    await set_up(hass, entry)
    refuse(bench, "devices", 99403, "no permission")
    text = "enos_profile: 1\ndevices:\n  abcdefgh:\n    commands: {timeout: 5}\n"
    confirm = await import_text(hass, entry, text)
    assert confirm["step_id"] == "profile_confirm", confirm
    await fill_subentry(hass, confirm, {})
    assert only(entry).data["policy_exceptions"] == {
        "abcdefgh": {**USUAL, "timeout": 5}
    }


async def test_too_many_entities(hass: HomeAssistant, bench: Simulator) -> None:
    """A file cannot bring in more entities than Home Assistant takes."""
    entry = entry_for(bench, product_subentry(bench, "lab", sensors=["date_due"]))
    await set_up(hass, entry)
    crowd(hass, entry, LIMIT - 5)
    text = (
        (await exported(hass, entry))
        .replace(
            "  # int_open:",
            "  int_open: {use: control}\n  int_total: {use: sensor}\n  #",
        )
        .replace("  # int_total:", "  #")
    )
    form = await import_text(hass, entry, text)
    assert form["errors"] == {"base": "too_many_entities"}
    assert form["description_placeholders"]["entities"] == "10,001"
    fewer = text.replace("  int_total: {use: sensor}\n", "")
    confirm = await fill_subentry(hass, form, {"profile_text": fewer})
    assert confirm["step_id"] == "profile_confirm"


# Texts.


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_mistake_has_a_text(
    hass: HomeAssistant, bench: Simulator, language: str
) -> None:
    """Each is told with its line and all that goes into the text, in both languages."""
    await set_up(hass, entry_for(bench, product_subentry(bench, "lab")))
    texts: dict[str, str] = {}
    for part in ("config_subentries", "common"):
        texts |= await async_get_translations(hass, language, part, [DOMAIN])
    told: set[str] = set()
    notes = ("file_devices_left_out", "file_other_model", "file_without_effect")
    for text, _ in MISTAKES:
        for problem in problems_in(text):
            line = line_text(problem, texts)
            assert str(problem.line) in line
            assert "{" not in line.replace(text, ""), line
            assert (language == "en") == ("Line" in line), line
            told.add(problem.key)
    texts_of_files = {
        key for key, _ in flat(load("en")["common"]) if key.startswith("file_")
    }
    rest = texts_of_files - told - {"file_line", "file_line_field"}
    assert rest == {
        *notes,
        "file_too_large",
        "file_no_text",
        "file_too_deep",
        "file_no_model",
    }
    plain = LineProblem(line=7, key="file_too_deep")
    assert "7" in line_text(plain, texts)
