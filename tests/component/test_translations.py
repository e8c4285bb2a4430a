"""The texts: complete, the same in both languages, and as Home Assistant wants them."""

import ast
from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.enos import commands, encoding, exceptions

from .texts import COMPONENT, ENGLISH, LANGUAGES, flat, load, placeholders

SOURCES = sorted(COMPONENT.glob("**/*.py"))
FLOW_SOURCES = [*sorted(COMPONENT.glob("config_*.py")), COMPONENT / "checks.py"]
FLOWS: dict[str, dict[str, Any]] = {
    "config": ENGLISH["config"],
    "options": ENGLISH["options"],
    **ENGLISH["config_subentries"],
}

# Nothing in these is left to translate: they are EnOS's own names.
NAMES = {"Access Key", "Secret Key", "Product Key", "Device Key"}


def nodes(paths: list[Path]) -> Iterator[ast.AST]:
    """Return all nodes of the syntax trees of some files."""
    for path in paths:
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def constants(node: ast.AST | None) -> set[str]:
    """Return the texts that stand in an expression, in either branch of a condition."""
    return {
        item.value
        for item in (ast.walk(node) if node is not None else ())
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }


def keywords(paths: list[Path], name: str) -> set[str]:
    """Return the texts that are given as a keyword argument."""
    return {
        text
        for node in nodes(paths)
        if isinstance(node, ast.keyword) and node.arg == name
        for text in constants(node.value)
    }


def assigned(paths: list[Path], name: str) -> set[str]:
    """Return the texts that are assigned to a variable."""
    return {
        text
        for node in nodes(paths)
        if isinstance(node, ast.Assign)
        and any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
        for text in constants(node.value)
    }


def test_both_languages_say_the_same() -> None:
    """The same keys with the same placeholders, none of them empty."""
    english, chinese = dict(flat(load("en"))), dict(flat(load("zh-Hans")))
    assert english.keys() == chinese.keys()
    assert list(english) == list(chinese)
    for path, text in english.items():
        assert text and chinese[path], path
        assert placeholders(text) == placeholders(chinese[path]), path


def test_chinese_is_chinese() -> None:
    """No English text was left where a Chinese one belongs."""
    for path, text in flat(load("zh-Hans")):
        assert re.search(r"[\u4e00-\u9fff]", text) or text in NAMES, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_is_described(language: str) -> None:
    """Each field of each form has a name and a description, and no other one has."""
    texts = load(language)
    flows = (texts["config"], texts["options"], *texts["config_subentries"].values())
    for flow in flows:
        for step_id, step in flow["step"].items():
            assert step["title"], step_id
            assert step["description"], step_id
            for part in (step, *step.get("sections", {}).values()):
                assert part.get("data", {}).keys() == (
                    part.get("data_description", {}).keys()
                ), step_id
            assert step.get("menu_options", {}).keys() == (
                step.get("menu_option_descriptions", {}).keys()
            )
    for selector in texts["selector"].values():
        assert selector.keys() <= {"fields", "options"}
        for field in selector.get("fields", {}).values():
            assert field["name"] and field["description"]


def test_exceptions_exist() -> None:
    """Whatever is raised by a translation key has a text."""
    used = keywords(SOURCES, "translation_key") - keywords(
        [*FLOW_SOURCES, COMPONENT / "repairs.py"], "translation_key"
    )
    used |= assigned([COMPONENT / "exceptions.py"], "key")
    used |= {key for _, key, _ in exceptions._WRITE}
    used |= {key for key, _ in commands._DROPPED.values()} - {""}
    used |= set(encoding.REASONS.values())
    assert used
    assert used <= ENGLISH["exceptions"].keys()


def test_exceptions_name_device_and_point() -> None:
    """A write that failed says which, whatever the reason."""
    writes = {key for _, key, _ in exceptions._WRITE}
    writes |= {key for key, _ in commands._DROPPED.values()} - {""}
    writes |= {"unknown_outcome", "clock_skew", "invalid_value"}
    writes |= set(encoding.REASONS.values())
    for key in writes:
        message = ENGLISH["exceptions"][key]["message"]
        assert message.startswith("{device} – {point}: "), key


def test_entities_exist() -> None:
    """Each entity with a translation key has a name; icons go with states that exist."""
    for path in SOURCES:
        platform = ENGLISH["entity"].get(path.stem, {})
        for node in nodes([path]):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "_attr_translation_key"
                for target in node.targets
            ):
                for key in constants(node.value):
                    assert platform[key]["name"]


def test_flows_are_translated() -> None:
    """Each problem, abort and step of the flows has a text somewhere, and each text a use."""
    errors = set().union(*(flow["error"] for flow in FLOWS.values()))
    aborts = set().union(*(flow["abort"] for flow in FLOWS.values()))
    steps = {*ENGLISH["options"]["step"]}.union(
        *(flow["step"] for flow in FLOWS.values())
    )
    problems = {
        text
        for node in nodes(FLOW_SOURCES)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "FlowProblem"
        and node.args
        for text in constants(node.args[0])
    } | assigned([COMPONENT / "config_target.py", COMPONENT / "checks.py"], "key")
    problems |= {
        text
        for node in nodes([COMPONENT / "checks.py"])
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        for text in constants(node.args[1])
    } | assigned([COMPONENT / "checks.py"], "problem")
    problems.discard("")
    assert problems <= errors
    assert keywords(FLOW_SOURCES, "reason") <= aborts
    assert keywords(FLOW_SOURCES, "step_id") <= steps

    used = set().union(*(constants(node) for node in nodes(FLOW_SOURCES)))
    assert errors <= used
    # Home Assistant's own words for this come from its `_abort_if_unique_id_configured`.
    assert aborts - {"already_configured"} <= used
    assert steps <= {
        node.name.removeprefix("async_step_")
        for node in nodes(FLOW_SOURCES)
        if isinstance(node, ast.AsyncFunctionDef)
    }


def test_subentries_tell_what_the_account_tells() -> None:
    """Whatever may be wrong with the account is told in the flows of subentries as well."""
    account = {
        text
        for node in nodes([COMPONENT / "config_steps.py"])
        if isinstance(node, ast.FunctionDef) and node.name == "problem_of"
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "FlowProblem"
        for text in constants(call.args[0])
    }
    assert {"cannot_connect", "ssl_error", "invalid_auth", "unknown"} <= account
    for flow in FLOWS.values():
        assert account <= flow["error"].keys()
    for kind in ("product", "device"):
        assert account <= FLOWS[kind]["abort"].keys()


def test_no_keys_of_core() -> None:
    """References and `strings.json` work in Home Assistant's own repository only."""
    assert not (COMPONENT / "strings.json").exists()
    for language in LANGUAGES:
        for path, text in flat(load(language)):
            assert "[%" not in text, path


def test_sentence_case() -> None:
    """Titles and names are written like sentences."""
    for path, text in flat(ENGLISH):
        if path.rsplit(".", 1)[-1] in ("title", "name") or ".data." in path:
            words = [word for word in text.split()[1:] if word not in ("ID", "EnOS")]
            assert all(word == word.lower() for word in words), f"{path}: {text}"
