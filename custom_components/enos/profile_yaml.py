"""YAML with line numbers, as much of it as a profile needs, and nothing that does harm. Pure.

Texts stay as they are written (`off`, `007` and `1e3` mean themselves until a field says what it
wants), and what a profile has no use for is refused: anchors and aliases, tags, a second document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
import re
from typing import Any, Final

import yaml

MAX_SIZE: Final = 2 * 1024 * 1024
# No profile is half as deep or a tenth as long; files made to do harm are.
_MAX_DEPTH: Final = 12
_MAX_NODES: Final = 400_000
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
# In C where Home Assistant's Python has it, which is ten times as fast.
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
# What YAML lets into a text; line breaks of other alphabets are among it, tabs and returns too.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """What is wrong in a line of a file.

    `where` are the keys that lead there. `key` is that of a text, `placeholders` go into it.
    """

    line: int
    key: str
    where: tuple[str, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)


class FileError(ValueError):
    """A file that cannot be taken: all that is wrong with it, line by line."""

    def __init__(self, problems: list[LineProblem]) -> None:
        """Keep the problems in the order of the lines."""
        self.problems = sorted(problems, key=lambda problem: problem.line)
        first = self.problems[0]
        super().__init__(f"line {first.line}: {first.key}, {len(problems)} in all")


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `plain` tells that it has no quotation marks around it."""

    line: int
    text: str
    plain: bool = True

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is said, or `null`."""
        return self.plain and self.text in _NOTHING


@dataclass(frozen=True, slots=True)
class Block:
    """Keys and what they stand for; a key may come twice."""

    line: int
    items: list[tuple[Text, Node]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class List:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


type Node = Text | Block | List


def load(content: str | bytes) -> Node:
    """Return what a file holds. Raises `FileError`, with one problem."""
    text = _decoded(content)
    if found := _UNPRINTABLE.search(text):
        raise _at(text, found.start(), "file_no_text")
    if found := re.search(r"^ *\t", text, re.MULTILINE):
        raise _at(text, found.end() - 1, "file_tab")
    try:
        return _built(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        if err.context_mark and "end of stream" in (err.problem or ""):
            # A quotation mark is missing: not at the end, but where it begins.
            mark = err.context_mark
        raise _error(
            "file_no_yaml",
            mark.line + 1 if mark else 1,
            column=str(mark.column + 1 if mark else 1),
            message=err.problem or err.context or "",
        ) from None
    except yaml.YAMLError:
        raise _error("file_no_text", 1, column="1") from None


def _decoded(content: str | bytes) -> str:
    """Return a file's text without its byte order mark; UTF-8, or what the mark says."""
    size = len(content)
    if isinstance(content, str):
        size = len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_SIZE:
        raise _error("file_too_large", 1, max=str(MAX_SIZE // 1024 // 1024))
    if isinstance(content, str):
        return content.removeprefix(_BOM)
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8")
    except UnicodeDecodeError as err:
        before = content[: err.start].decode("utf-8", "replace")
        raise _at(before, len(before), "file_no_text") from None
    return text.removeprefix(_BOM)


def _error(key: str, line: int, **placeholders: str) -> FileError:
    return FileError([LineProblem(line=line, key=key, placeholders=placeholders)])


def _at(text: str, position: int, key: str) -> FileError:
    """Return the error of a place in a text, as editors count lines and columns."""
    before = re.sub("\r\n?", "\n", text[:position])
    line = before.count("\n") + 1
    return _error(key, line, column=str(len(before) - before.rfind("\n")))


def _built(events: Iterator[Any]) -> Node:
    """Return the nodes of YAML's events."""
    root: Node | None = None
    stack: list[tuple[Block | List, list[Text]]] = []
    count = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise _error("file_second_document", line)
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        count += 1
        _refuse_tricks(event, line, len(stack), count)
        node = _node(event, line)
        if not stack:
            root = node
        else:
            _add(*stack[-1], node)
        if not isinstance(node, Text):
            stack.append((node, []))
    return Text(1, "") if root is None else root


def _refuse_tricks(event: Any, line: int, depth: int, count: int) -> None:
    """Refuse what a profile has no use for. Raises `FileError`."""
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _error("file_anchor", line, value=str(event.anchor)[:50])
    if event.tag not in {None, "!"}:
        raise _error("file_tag", line, value=str(event.tag)[:50])
    if depth >= _MAX_DEPTH or count > _MAX_NODES:
        raise _error("file_too_deep", line)


def _node(event: Any, line: int) -> Node:
    if isinstance(event, yaml.ScalarEvent):
        return Text(line, event.value, plain=not event.style)
    return Block(line) if isinstance(event, yaml.MappingStartEvent) else List(line)


def _add(parent: Block | List, keys: list[Text], node: Node) -> None:
    """Add a node to the one that it stands in; in a block, keys and values take turns."""
    if isinstance(parent, List):
        parent.items.append(node)
    elif keys:
        parent.items.append((keys.pop(), node))
    elif isinstance(node, Text):
        keys.append(node)
    else:
        raise _error("file_odd_key", node.line)


# Writing.

_PLAIN: Final = re.compile(r"[^\W\d_]\w*(?:[ ./+°²³%-]*\w+)*")
_WHOLE: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
# What other readers of YAML take for something else than a text.
_TAKEN: Final = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}
)
_ESCAPED: Final = "\u2028\u2029\ufeff\ufffe\uffff"
_MAX_KEY: Final = 900


def quoted(text: str) -> str:
    """Return a text as YAML has it, in quotation marks where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN:
        return text
    return f'"{"".join(_escaped(letter) for letter in text)}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter == "\n":
        return "\\n"
    code = ord(letter)
    if 0xD800 <= code < 0xE000:
        # Half a letter, which no file can hold.
        return "\N{REPLACEMENT CHARACTER}"
    # Line breaks of other alphabets would be folded, a byte order mark be lost.
    if code < 0x20 or 0x7F <= code < 0xA0 or letter in _ESCAPED:
        return f"\\u{code:04x}"
    return letter


def entry(key: str, value: str, indent: int = 0) -> str:
    """Return the line of a key; the value is YAML already, empty before a block."""
    name = key if _WHOLE.fullmatch(key) else quoted(key)
    space = " " * indent
    if len(name) > _MAX_KEY:
        return f"{space}? {name}\n{space}: {value}".rstrip()
    return f"{space}{name}: {value}".rstrip()


def number(value: float) -> str:
    """Return a number: whole ones without a point."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def comment(*texts: str) -> str:
    """Return what stands behind `#`: one line, whatever the texts hold."""
    clean = (" ".join(_UNPRINTABLE.sub(" ", text).split()) for text in texts)
    return " · ".join(text for text in clean if text)
