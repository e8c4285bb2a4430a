"""The walls of the house and the habits that no linter knows, read from the source itself."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
import subprocess
import sys
from typing import Final

from homeassistant.const import Platform
import pytest

ROOT: Final = Path(__file__).parents[2]
HOUSE: Final = "custom_components.enos"

PLATFORMS: Final = frozenset(platform.value for platform in Platform)
"""Names of platforms, those to come included."""

PURE: Final = frozenset(
    {
        "checks",
        "classes",
        "corrections",
        "knowledge",
        "mapping",
        "model_export",
        "names",
        "places",
        "polling",
        "profile_yaml",
        "spellings",
        "storeys",
        "units",
        "values",
        "words",
    }
)
"""Tables and functions: they know models and Home Assistant's constants only."""

API_NEEDS: Final = frozenset({"aiohttp", "orjson", "yarl"})
"""What `api` may import besides Python's own: all of it comes with Home Assistant."""


# What a source imports.


def imports(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import, wherever it stands; the name is empty for a module.

    `package` is what relative imports count from.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            module = ".".join((*base, *filter(None, [node.module])))
            for alias in node.names:
                yield module, alias.name


def imported(tree: ast.Module, package: str) -> set[str]:
    """Return imported modules as dotted names; `from a import b` counts as `a` and `a.b`."""
    return {
        dotted
        for module, name in imports(tree, package)
        for dotted in (module, f"{module}.{name}")
        if name or dotted == module
    }


def within(dotted: str, package: str) -> bool:
    """Tell whether a dotted name is a package or lies in it."""
    return f"{dotted}.".startswith(f"{package}.")


# Rules. Each takes a module's place in the house ("api.client") and its source as a tree, and
# yields what is wrong with it.

type Rule = Callable[[str, ast.Module], Iterator[str]]


def package_of(place: str) -> str:
    """Return the package in which a module of the house stands."""
    return ".".join((HOUSE, *place.split(".")[:-1]))


def api_and_lanes_stand_alone(place: str, tree: ast.Module) -> Iterator[str]:
    """`api` and `lanes` know nothing of Home Assistant, nor of the rest of the house."""
    if place != "lanes" and not place.startswith("api."):
        return
    may = API_NEEDS if place.startswith("api.") else frozenset[str]()
    for module, _name in imports(tree, package_of(place)):
        top = module.partition(".")[0]
        if place.startswith("api.") and within(module, f"{HOUSE}.api"):
            continue
        if top not in sys.stdlib_module_names and top not in may:
            yield f"imports {module}"


def tables_are_pure(place: str, tree: ast.Module) -> Iterator[str]:
    """The pure modules know each other, the models and Home Assistant's constants."""
    if place not in PURE:
        return
    for module, name in imports(tree, package_of(place)):
        parts = module.split(".")
        if parts[0] in sys.stdlib_module_names:
            continue
        if (place, module) == ("profile_yaml", "yaml"):
            continue
        if module == HOUSE and name in PURE:
            continue
        if within(module, HOUSE):
            inside = module.removeprefix(f"{HOUSE}.")
            if inside in PURE or inside == "api.models":
                continue
            if (place, inside, name) == ("polling", "api.client", "MAX_LATEST"):
                continue
            # A model is a model, whether EnOS sends it or a person has it in a file.
            if (place, inside) == ("model_export", "api.parsing"):
                continue
        # homeassistant.const, homeassistant.components.sensor.const
        if parts[0] == "homeassistant" and parts[-1] == "const":
            continue
        yield f"imports {name} from {module}"


def platforms_send_nothing_themselves(place: str, tree: ast.Module) -> Iterator[str]:
    """Platforms and their base know entities, never the client."""
    if place in PLATFORMS or place == "entity":
        for dotted in imported(tree, package_of(place)):
            if any(
                within(dotted, sender)
                for sender in (f"{HOUSE}.api.client", f"{HOUSE}.api.gateway", "aiohttp")
            ):
                yield f"imports {dotted}"


def nothing_imports_a_platform(place: str, tree: ast.Module) -> Iterator[str]:
    """Home Assistant loads the platforms; nobody else does."""
    for dotted in imported(tree, package_of(place)):
        if any(within(dotted, f"{HOUSE}.{platform}") for platform in PLATFORMS):
            yield f"imports {dotted}"


def platforms_say_why_they_do_not_limit(place: str, tree: ast.Module) -> Iterator[str]:
    """`PARALLEL_UPDATES = 0`, with the reason in the line above."""
    if place not in PLATFORMS:
        return
    lines = (ROOT / HOUSE.replace(".", "/") / f"{place}.py").read_text().splitlines()
    yield from judge_parallel_updates(tree, lines)


def judge_parallel_updates(tree: ast.Module, lines: list[str]) -> Iterator[str]:
    """Yield what is wrong with a platform's `PARALLEL_UPDATES`."""
    for node in tree.body:
        match node:
            case (
                ast.Assign(
                    targets=[ast.Name(id="PARALLEL_UPDATES")],
                    value=ast.Constant(value=value),
                )
                | ast.AnnAssign(
                    target=ast.Name(id="PARALLEL_UPDATES"),
                    value=ast.Constant(value=value),
                )
            ):
                if value != 0 or value is False:
                    yield f"line {node.lineno}: PARALLEL_UPDATES is {value!r}"
                if not lines[node.lineno - 2].startswith("# "):
                    yield f"line {node.lineno}: no reason above PARALLEL_UPDATES"
                return
    yield "no PARALLEL_UPDATES"


_HANDING_ON: Final = frozenset({"set_exception", "exception"})
"""Methods that hand an exception on: to whoever awaits a future, or to the log in full."""


def everything_caught_is_handed_on(_place: str, tree: ast.Module) -> Iterator[str]:
    """What catches every exception passes it on, or at least writes it down."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"line {node.lineno}: bare except"
            continue
        names = {leaf.id for leaf in ast.walk(node.type) if isinstance(leaf, ast.Name)}
        if not names & {"Exception", "BaseException"}:
            continue
        inside = [inner for line in node.body for inner in ast.walk(line)]
        if not any(
            isinstance(inner, ast.Raise)
            or (
                isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Attribute)
                and inner.func.attr in _HANDING_ON
            )
            for inner in inside
        ):
            yield f"line {node.lineno}: catches everything and keeps it"


_LEVELS: Final = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "log"}
)


def logs_are_put_together_late(_place: str, tree: ast.Module) -> Iterator[str]:
    """A log call gets its values as arguments: it costs nothing where nobody listens."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _LEVELS
            and isinstance(node.func.value, ast.Name | ast.Attribute)
            and "log" in ast.unparse(node.func.value).lower()
        ):
            for argument in node.args:
                if any(
                    isinstance(inner, ast.JoinedStr) for inner in ast.walk(argument)
                ):
                    yield f"line {node.lineno}: f-string in a log call"


def everything_public_is_described(_place: str, tree: ast.Module) -> Iterator[str]:
    """Each module, class and function says what it is for, unless it is private.

    Functions inside functions count as private.
    """
    if ast.get_docstring(tree) is None:
        yield "no docstring"

    def look(body: list[ast.stmt]) -> Iterator[str]:
        for node in body:
            match node:
                case ast.If(body=inner, orelse=other):
                    yield from look(inner)
                    yield from look(other)
                case ast.ClassDef(name=name, body=inner):
                    private = name.startswith("_")
                    if not private:
                        yield from judge(node)
                        yield from look(inner)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    dunder = name.startswith("__") and name.endswith("__")
                    if dunder or not name.startswith("_"):
                        yield from judge(node)
                case _:
                    pass

    def judge(
        node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
    ) -> Iterator[str]:
        marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
        if ast.get_docstring(node) is None and not marks & {"overload"}:
            yield f"line {node.lineno}: {node.name} has no docstring"

    yield from look(tree.body)


HOUSE_RULES: Final[tuple[Rule, ...]] = (
    api_and_lanes_stand_alone,
    tables_are_pure,
    platforms_send_nothing_themselves,
    nothing_imports_a_platform,
    platforms_say_why_they_do_not_limit,
)

HABITS: Final[tuple[Rule, ...]] = (
    everything_caught_is_handed_on,
    logs_are_put_together_late,
    everything_public_is_described,
)


def sources(package: str) -> dict[str, ast.Module]:
    """Return the modules of a package by their place in it."""
    folder = ROOT / package.replace(".", "/")
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): ast.parse(
            path.read_text(encoding="utf-8"), str(path)
        )
        for path in sorted(folder.rglob("*.py"))
    }


def faults(rule: Rule, modules: dict[str, ast.Module]) -> list[str]:
    """Return what is wrong, module by module."""
    return [
        f"{place}: {fault}"
        for place, tree in modules.items()
        for fault in rule(place, tree)
    ]


@pytest.mark.parametrize("rule", [*HOUSE_RULES, *HABITS])
def test_house(rule: Rule) -> None:
    """The integration keeps its walls and habits."""
    modules = sources(HOUSE)
    assert {"api.client", "lanes", "knowledge", "number"} <= modules.keys()
    assert not faults(rule, modules)


@pytest.mark.parametrize("rule", HABITS)
def test_simulator_habits(rule: Rule) -> None:
    """The simulator has the same habits."""
    assert not faults(rule, sources("simulator"))


def test_the_simulator_stands_apart() -> None:
    """It is written from the fact sheet a second time: nothing of the house, nor of Home Assistant."""
    for place, tree in sources("simulator").items():
        package = ".".join(("simulator", *place.split(".")[:-1]))
        for dotted in imported(tree, package):
            assert not within(dotted, "custom_components"), place
            assert not within(dotted, "homeassistant"), place


@pytest.mark.parametrize("module", ["api.client", "lanes"])
def test_works_without_home_assistant(module: str) -> None:
    """`api` and `lanes` run where there is no Home Assistant at all."""
    code = (
        "import sys\n"
        "sys.modules['homeassistant'] = sys.modules['custom_components'] = None\n"
        f"sys.path.append({str(ROOT / HOUSE.replace('.', '/'))!r})\n"
        f"import {module}\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)


# The rules themselves: each finds what it is there for.

_WRONG: Final[tuple[tuple[Rule, str, str], ...]] = (
    (api_and_lanes_stand_alone, "lanes", "import homeassistant.core"),
    (api_and_lanes_stand_alone, "lanes", "import aiohttp"),
    (api_and_lanes_stand_alone, "lanes", "from .api import models"),
    (api_and_lanes_stand_alone, "api.client", "from homeassistant.core import callback"),
    (api_and_lanes_stand_alone, "api.client", "from ..const import DOMAIN"),
    (api_and_lanes_stand_alone, "api.client", "from .. import const"),
    (api_and_lanes_stand_alone, "api.client", "def f():\n import requests"),
    (tables_are_pure, "polling", "from .api.client import EnosClient"),
    (tables_are_pure, "polling", "from .api import client"),
    (tables_are_pure, "values", "from .api.client import MAX_LATEST"),
    (tables_are_pure, "units", "from homeassistant.core import callback"),
    (tables_are_pure, "mapping", "from .const import LOGGER"),
    (tables_are_pure, "mapping", "from . import coordinator"),
    (tables_are_pure, "knowledge", "import aiohttp"),
    (platforms_send_nothing_themselves, "number", "from .api.client import EnosClient"),
    (platforms_send_nothing_themselves, "number", "from .api.gateway import Gateway"),
    (platforms_send_nothing_themselves, "number", "from .api import client"),
    (platforms_send_nothing_themselves, "entity", "import custom_components.enos.api.client"),
    (nothing_imports_a_platform, "coordinator", "from .number import EnosNumber"),
    (nothing_imports_a_platform, "coordinator", "from . import switch"),
    (nothing_imports_a_platform, "api.client", "from ..sensor import EnosSensor"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept: raise"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept Exception: pass"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept (OSError, BaseException): x()"),
    (logs_are_put_together_late, "", "LOGGER.debug(f'{x}')"),
    (logs_are_put_together_late, "", "self._logger.error('%s', f'{x}')"),
    (everything_public_is_described, "", "x = 1"),
    (everything_public_is_described, "", "'''M.'''\ndef f(): pass"),
    (everything_public_is_described, "", "'''M.'''\nclass C:\n '''C.'''\n async def f(self): pass"),
    (everything_public_is_described, "", "'''M.'''\nclass C:\n '''C.'''\n def __init__(self): pass"),
)  # fmt: skip

_RIGHT: Final[tuple[tuple[Rule, str, str], ...]] = (
    (api_and_lanes_stand_alone, "lanes", "import asyncio"),
    (api_and_lanes_stand_alone, "api.client", "import aiohttp\nfrom . import parsing"),
    (api_and_lanes_stand_alone, "commands", "from homeassistant.core import callback"),
    (tables_are_pure, "polling", "from .api.client import MAX_LATEST"),
    (tables_are_pure, "mapping", "from . import words as w\nimport re"),
    (tables_are_pure, "mapping", "from homeassistant.components.sensor.const import X"),
    (platforms_send_nothing_themselves, "number", "from .api.models import Device"),
    (nothing_imports_a_platform, "sensor", "from homeassistant.components import sensor"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept OSError: pass"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept Exception as e: raise X from e"),
    (everything_caught_is_handed_on, "", "try: pass\nexcept Exception as e: f.set_exception(e)"),
    (logs_are_put_together_late, "", "LOGGER.debug('%s', x)\nmath.log(f'{x}')"),
    (everything_public_is_described, "", "'''M.'''\ndef _f():\n def g(): pass"),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "place", "code"), _WRONG)
def test_a_rule_finds_its_fault(rule: Rule, place: str, code: str) -> None:
    """A rule that finds nothing would hold nothing."""
    assert list(rule(place, ast.parse(code)))


@pytest.mark.parametrize(("rule", "place", "code"), _RIGHT)
def test_a_rule_lets_pass_what_is_right(rule: Rule, place: str, code: str) -> None:
    """And it does not stand in the way."""
    assert not list(rule(place, ast.parse(code)))


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("# Because.\nPARALLEL_UPDATES = 0", False),
        ("# Because.\nPARALLEL_UPDATES: Final = 0", False),
        ("\nPARALLEL_UPDATES = 0", True),
        ("# Because.\nPARALLEL_UPDATES = 1", True),
        ("x = 0", True),
    ],
)
def test_parallel_updates(code: str, *, wrong: bool) -> None:
    """Zero, and a reason."""
    found = judge_parallel_updates(ast.parse(code), code.splitlines())
    assert bool(list(found)) is wrong
