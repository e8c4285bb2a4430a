"""What the translation files hold, and whether what people are shown is in them."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import string
from typing import Any

from homeassistant.data_entry_flow import FlowResultType, section

COMPONENT = Path(__file__).parents[2] / "custom_components" / "enos"
LANGUAGES = ("en", "zh-Hans")


def load(language: str) -> dict[str, Any]:
    """Return a translation file."""
    path = COMPONENT / "translations" / f"{language}.json"
    texts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return texts


ENGLISH = load("en")


def flat(texts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return path and text of each text."""
    for key, value in texts.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, str):
            yield path, value
        else:
            yield from flat(value, path)


def placeholders(text: str) -> set[str]:
    """Return the names of a text's placeholders."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def check_text(path: str, texts: Any, given: Mapping[str, str] | None) -> None:
    """Fail where a text is missing, or a placeholder of it."""
    assert isinstance(texts, str), f"there is no text for {path}"
    missing = placeholders(texts) - set(given or ())
    assert not missing, f"{path} is shown without {missing}"


def check_step(handler: str | tuple[str, str], result: Mapping[str, Any]) -> None:
    """Fail where a step of a flow shows something that has no English text."""
    # The handler is the integration, an entry whose options change, or entry and subentry.
    name = "config" if handler == COMPONENT.name else "options"
    flow = ENGLISH[name]
    if isinstance(handler, tuple):
        flow = ENGLISH["config_subentries"][handler[1]]
        name = f"config_subentries.{handler[1]}"
    _check_step(name, flow, result)


def check_fix_step(key: str | None, result: Mapping[str, Any]) -> None:
    """Fail where a step that puts a repair right shows something that has no English text."""
    flow = ENGLISH["issues"].get(key, {}).get("fix_flow", {"step": {}, "abort": {}})
    _check_step(f"issues.{key}.fix_flow", flow, result)


def _check_step(name: str, flow: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    given = result.get("description_placeholders")
    if result["type"] is FlowResultType.ABORT:
        if result.get("translation_domain") is None:
            reason = result["reason"]
            check_text(f"{name}.abort.{reason}", flow["abort"].get(reason), given)
        return
    if result["type"] not in (FlowResultType.FORM, FlowResultType.MENU):
        return
    step_id = result["step_id"]
    step = flow["step"].get(step_id, {})
    path = f"{name}.step.{step_id}"
    for key in ("title", "description"):
        if key == "title" or key in step:
            check_text(f"{path}.{key}", step.get(key), given)
    for error in (result.get("errors") or {}).values():
        check_text(f"{name}.error.{error}", flow["error"].get(error), given)
    options = result.get("menu_options") or ()
    if isinstance(options, Mapping):
        # These bring their texts along.
        assert all(isinstance(text, str) and text for text in options.values())
        options = ()
    for option in options:
        check_text(f"{path}.{option}", step["menu_options"].get(option), given)
    if result["type"] is FlowResultType.FORM:
        _check_fields(path, step, result["data_schema"].schema)


def _check_fields(
    path: str, texts: Mapping[str, Any], schema: Mapping[Any, Any]
) -> None:
    """Fail where a field of a form has no name or no description."""
    for key, field in schema.items():
        if isinstance(field, section):
            texts_of_section = texts["sections"][str(key)]
            assert texts_of_section["name"]
            _check_fields(f"{path}.{key}", texts_of_section, field.schema.schema)
            continue
        for kind in ("data", "data_description"):
            check_text(f"{path}.{kind}.{key}", texts[kind].get(str(key)), {})


def check_exception(key: str | None, given: Mapping[str, Any] | None) -> None:
    """Fail where an exception has no English text."""
    message = ENGLISH["exceptions"].get(key, {}).get("message")
    check_text(f"exceptions.{key}", message, given)


def check_issue(key: str | None, given: Mapping[str, str] | None) -> None:
    """Fail where a repair has no text in one of the languages."""
    for language in LANGUAGES:
        texts = load(language)["issues"].get(key, {})
        parts = ("title",) if "fix_flow" in texts else ("title", "description")
        for part in parts:
            check_text(f"{language} issues.{key}.{part}", texts.get(part), given)
