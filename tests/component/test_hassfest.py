"""What hassfest asks of a custom integration, and HACS and the quality scale besides.

hassfest itself comes as a Docker image only. This mirrors its checks, so that a mistake is
found here and not when somebody publishes.
"""

from collections.abc import Callable, Mapping
import json
from pathlib import Path
import re
from typing import Any
from urllib.parse import urlparse

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.helpers import config_validation as cv
from homeassistant.util.yaml import parse_yaml
import probatio
import pytest

from custom_components.enos.const import DOMAIN

from .texts import COMPONENT, LANGUAGES, load, placeholders

ROOT = COMPONENT.parents[1]
SOURCES = {
    path: path.read_text(encoding="utf-8") for path in sorted(COMPONENT.glob("**/*.py"))
}

RULES = {
    "bronze": [
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow-test-coverage",
        "config-flow",
        "dependency-transparency",
        "docs-actions",
        "docs-triggers",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    ],
    "silver": [
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    ],
    "gold": [
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    ],
    "platinum": ["async-dependency", "inject-websession", "strict-typing"],
}


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds."""
    return parse_yaml(path.read_text(encoding="utf-8"))


# Texts.

_KEY = re.compile(r"^(?!.+[_-]{2})(?![_-])[a-z0-9-_]+(?<![_-])$")
_URL = re.compile(
    r"(((ftp|ftps|scp|http|https|mqtt|mqtts|socket|socks5):\/\/|www\.)"
    r"[a-z0-9]+([\-\.]{1}[a-z0-9]+)*\.[a-z]{2,5}(:[0-9]{1,5})?(\/.*)?)",
    re.IGNORECASE,
)


def key(value: str) -> str:
    """Validate a translation key."""
    if not _KEY.match(value):
        raise probatio.Invalid(f"{value} is no translation key")
    return value


def text(value: Any) -> str:
    """Validate a text."""
    checked = cv.string_with_no_html(value)
    if checked != checked.strip():
        raise probatio.Invalid("blanks at an end")
    if re.search(r"'{\w+}'", checked):
        raise probatio.Invalid("a placeholder in single quotes")
    if "[%" in checked or "%]" in checked:
        raise probatio.Invalid("a reference: these are resolved in core only")
    if _URL.search(checked):
        raise probatio.Invalid("an address: it belongs into a placeholder")
    if not all(name.isidentifier() for name in placeholders(checked)):
        raise probatio.Invalid("a placeholder that is no identifier")
    return checked


def text_alone(value: Any) -> str:
    """Validate a text that can have no placeholder."""
    if placeholders(text(value)):
        raise probatio.Invalid("a placeholder where none is filled in")
    return str(value)


def by_key(value: Any, slug: Callable[[Any], Any] = key) -> Any:
    """Return the schema of a map."""
    return cv.schema_with_slug_keys(value, slug_validator=slug)


def described(value: dict[str, Any]) -> dict[str, Any]:
    """Validate that only fields are described."""
    for step in value["step"].values():
        if (
            extra := step.get("data_description", {}).keys()
            - step.get("data", {}).keys()
        ):
            raise probatio.Invalid(f"{extra} are described and no fields")
    return value


Optional, Required = probatio.Optional, probatio.Required
TEXTS = {str: text}


def flow_schema(more: Mapping[Any, Any]) -> Any:
    """Return the schema of a flow's texts."""
    fields = {
        Optional("data"): TEXTS,
        Optional("data_description"): TEXTS,
        Optional("description"): text,
    }
    step = {
        **fields,
        Optional("title"): text,
        Optional("menu_options"): TEXTS,
        Optional("menu_option_descriptions"): TEXTS,
        Optional("submit"): text,
        Optional("sections"): {str: {**fields, Optional("name"): text}},
    }
    return probatio.All(
        probatio.Schema(
            {
                Optional("flow_title"): text,
                Required("step"): {str: step},
                Optional("error"): TEXTS,
                Optional("abort"): TEXTS,
                Optional("progress"): TEXTS,
                Optional("create_entry"): TEXTS,
                **more,
            }
        ),
        described,
    )


INITIATE = {Required("user"): text, str: text}
ACTION_FIELDS = by_key(
    {Required("name"): str, Required("description"): text, Optional("example"): text}
)
STATES = by_key(text_alone)
TRANSLATIONS = probatio.Schema(
    {
        Optional("title"): text,
        Optional("config"): flow_schema({}),
        Optional("config_subentries"): by_key(
            flow_schema(
                {Required("entry_type"): text, Required("initiate_flow"): INITIATE}
            ),
            cv.slug,
        ),
        Optional("options"): flow_schema({}),
        Optional("selector"): by_key(
            {
                Optional("options"): by_key(text),
                Optional("choices"): by_key(text),
                Optional("unit_of_measurement"): by_key(text),
                Optional("fields"): by_key(
                    {Required("name"): str, Required("description"): text}
                ),
            },
            cv.slug,
        ),
        Optional("device"): by_key({Optional("name"): text}),
        Optional("entity"): by_key(
            by_key(
                {
                    Optional("name"): text,
                    Optional("state"): STATES,
                    Optional("state_attributes"): by_key(
                        {Optional("name"): text_alone, Optional("state"): STATES}
                    ),
                    Optional("unit_of_measurement"): text_alone,
                }
            ),
            cv.slug,
        ),
        Optional("exceptions"): by_key({Optional("message"): text}, cv.slug),
        Optional("issues"): {
            str: {
                Required("title"): text,
                probatio.Exclusive("description", "fixable"): text,
                probatio.Exclusive("fix_flow", "fixable"): flow_schema({}),
            }
        },
        Optional("services"): by_key(
            {
                Required("name"): text,
                Required("description"): text,
                Optional("fields"): ACTION_FIELDS,
                Optional("sections"): by_key(
                    {Required("name"): str, Optional("description"): text}
                ),
            }
        ),
        Optional("system_health"): {Optional("info"): by_key(text)},
        Optional("common"): probatio.Schema({cv.slug: text}),
    }
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations(language: str) -> None:
    """The texts have the form that Home Assistant knows."""
    texts = load(language)
    TRANSLATIONS(texts)
    for issue in texts.get("issues", {}).values():
        assert "description" in issue or "fix_flow" in issue


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"heading": "x"}, "unknown key"),
        ({"title": "<b>x</b>"}, "HTML"),
        ({"title": " x"}, "blank"),
        ({"title": "it is '{x}'"}, "quoted placeholder"),
        ({"title": "[%key:common::x%]"}, "reference"),
        ({"title": "see https://example.com/x"}, "address"),
        ({"title": "{0}"}, "placeholder"),
        ({"exceptions": {"No_Slug": {"message": "x"}}}, "key"),
        ({"entity": {"sensor": {"x": {"state": {"a": "{b}"}}}}}, "state"),
        (
            {
                "config": {
                    "step": {"user": {"data": {}, "data_description": {"x": "y"}}}
                }
            },
            "described",
        ),
        ({"config_subentries": {"x": {"step": {}, "entry_type": "y"}}}, "initiate"),
    ],
)
def test_wrong_translations(wrong: dict[str, Any], why: str) -> None:
    """The schema above finds what hassfest finds."""
    with pytest.raises(probatio.Invalid):
        TRANSLATIONS(wrong)


# Icons.


def icon(value: Any) -> str:
    """Validate an icon."""
    if not re.fullmatch(r"mdi:[a-z0-9-]+", cv.string(value)):
        raise probatio.Invalid(f"{value} is no Material Design icon")
    return str(value)


def ascending(value: dict[str, str]) -> dict[str, str]:
    """Validate the range of an icon."""
    limits = [float(limit) for limit in value]
    if limits != sorted(set(limits)):
        raise probatio.Invalid("a range has to ascend")
    return value


def own_icons(value: dict[str, Any]) -> dict[str, Any]:
    """Validate that an icon of a state is another one than the default."""
    if value.get("default") in value.get("state", {}).values():
        raise probatio.Invalid("a state has the default icon")
    return value


ICONS = probatio.Schema(
    {
        Optional("entity"): by_key(
            by_key(
                probatio.All(
                    {
                        Optional("default"): icon,
                        Optional("state"): by_key(icon),
                        Optional("range"): probatio.All({str: icon}, ascending),
                    },
                    own_icons,
                )
            ),
            cv.slug,
        ),
        Optional("services"): by_key(
            {Required("service"): icon, Optional("sections"): by_key(icon)}
        ),
    }
)


def test_icons() -> None:
    """Icons are Material Design icons, for entities and states that have a text."""
    icons = json.loads((COMPONENT / "icons.json").read_text(encoding="utf-8"))
    ICONS(icons)
    texts = load("en")
    for platform, entities in icons.get("entity", {}).items():
        for name, entity in entities.items():
            states = texts["entity"][platform][name].get("state", {})
            assert entity.get("state", {}).keys() <= states.keys()
    assert icons.get("services", {}).keys() == texts.get("services", {}).keys()


# Manifest.


def address(value: str) -> str:
    """Validate the address of a custom integration's page."""
    parsed = urlparse(value)
    if parsed.scheme != "https" or not parsed.netloc:
        raise probatio.Invalid("not an https address")
    if parsed.netloc == "www.home-assistant.io":
        raise probatio.Invalid(
            "Home Assistant's own pages describe its own integrations"
        )
    return value


def version(value: str) -> str:
    """Validate a version."""
    found = AwesomeVersion(value).strategy
    if found in (
        AwesomeVersionStrategy.UNKNOWN,
        AwesomeVersionStrategy.SPECIALCONTAINER,
    ):
        raise probatio.Invalid(f"{value} is no version")
    return value


MANIFEST = probatio.Schema(
    {
        Required("domain"): DOMAIN,
        Required("name"): str,
        Required("codeowners"): [probatio.Match(r"^@[\w-]+(/[\w-]+)?$")],
        Required("config_flow"): True,
        Optional("after_dependencies"): [str],
        Optional("dependencies"): [str],
        Required("documentation"): address,
        Required("integration_type"): probatio.In(["device", "hub", "service"]),
        Required("iot_class"): probatio.In(
            ["cloud_polling", "cloud_push", "local_polling", "local_push"]
        ),
        Required("issue_tracker"): address,
        Optional("loggers"): [str],
        Optional("requirements"): [probatio.Match(r"^[\w.-]+==[\w.]+$")],
        Optional("single_config_entry"): bool,
        Required("version"): version,
    }
)


def test_manifest() -> None:
    """The manifest has what is needed, nothing that is unknown, and the right order."""
    manifest = json.loads((COMPONENT / "manifest.json").read_text(encoding="utf-8"))
    MANIFEST(manifest)
    keys = list(manifest)
    assert keys == ["domain", "name", *sorted(keys[2:])]
    assert COMPONENT.name == manifest["domain"]
    assert not manifest["name"].endswith("Cloud")


def test_air_gapped() -> None:
    """Nothing has to be downloaded when the integration starts."""
    manifest = json.loads((COMPONENT / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["requirements"] == []


# The rest.


def test_json_and_yaml() -> None:
    """Each file can be read."""
    for path in COMPONENT.glob("**/*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    for path in COMPONENT.glob("**/*.yaml"):
        read_yaml(path)


def test_config_flow() -> None:
    """There is a flow, and with actions a schema that refuses YAML."""
    assert "ConfigFlow" in SOURCES[COMPONENT / "config_flow.py"]
    setup = SOURCES[COMPONENT / "__init__.py"]
    if "async def async_setup(" in setup:
        assert "CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)" in setup


def test_services() -> None:
    """Actions that are registered are described, by file, text and icon."""
    registers = re.compile(
        r"hass\.services\.(async_)?register"
        r"|async_register_(platform_)?(entity|admin)_service"
    )
    registered = any(registers.search(source) for source in SOURCES.values())
    path = COMPONENT / "services.yaml"
    assert path.exists() == registered
    if not registered:
        return
    actions = read_yaml(path)
    texts = load("en")["services"]
    icons = json.loads((COMPONENT / "icons.json").read_text(encoding="utf-8"))
    assert actions.keys() == texts.keys() == icons["services"].keys()
    for name, action in actions.items():
        fields = (action or {}).get("fields", {})
        assert fields.keys() == texts[name].get("fields", {}).keys(), name
        # A filter by device breaks targets that name an area or a label.
        assert "device" not in (action or {}).get("target", {}), name


def test_quality_scale() -> None:
    """All rules are answered, none is left to do, an exemption has a reason."""
    path = COMPONENT / "quality_scale.yaml"
    rules = read_yaml(path)["rules"]
    expected = [rule for tier in RULES.values() for rule in tier]
    assert len(expected) == len(set(expected)) == 54
    assert rules.keys() == set(expected)
    for rule, answer in rules.items():
        status = answer if isinstance(answer, str) else answer["status"]
        assert status in ("done", "exempt"), rule
        if status == "exempt":
            assert answer["comment"], rule


def test_hacs() -> None:
    """HACS refuses unknown keys and wants a brand image and a page."""
    hacs = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    assert hacs["name"]
    assert hacs.keys() <= {
        "name",
        "content_in_root",
        "zip_release",
        "filename",
        "hide_default_branch",
        "country",
        "homeassistant",
        "hacs",
        "persistent_directory",
    }
    assert (COMPONENT / "brand" / "icon.png").is_file()
    integrations = [
        path for path in (ROOT / "custom_components").iterdir() if _is_integration(path)
    ]
    assert integrations == [COMPONENT]


def _is_integration(path: Path) -> bool:
    return (path / "manifest.json").is_file()
