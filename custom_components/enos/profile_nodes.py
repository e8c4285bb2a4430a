"""What a person wrote into a file, field by field, and what is wrong with it. Pure."""

from collections.abc import Iterable
from math import isfinite
import re
from typing import Final

from .checks import did_you_mean
from .profile_yaml import Block, LineProblem, Node, Text

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_TRUTH: Final = {"true": True, "yes": True, "false": False, "no": False}

type Where = tuple[str, ...]
type Fields = dict[str, tuple[int, Node]]
"""Line of the key, and what stands there."""


class FieldReader:
    """Reads nodes as what a field wants, and collects what is wrong with them.

    What cannot be read is None, and a problem.
    """

    def __init__(self) -> None:
        """Start with nothing read."""
        self.problems: list[LineProblem] = []
        self.notes: list[LineProblem] = []

    def wrong(self, line: int, key: str, where: Where, **placeholders: str) -> None:
        """Take note of a mistake."""
        self.problems.append(at_line(line, key, where, **placeholders))

    def note(self, line: int, key: str, where: Where, **placeholders: str) -> None:
        """Take note of what is no mistake, but should be known."""
        self.notes.append(at_line(line, key, where, **placeholders))

    def fields(
        self, node: Node, where: Where, allowed: tuple[str, ...] | None = None
    ) -> Fields:
        """Return what stands in a block, each key once; nothing is an empty block."""
        if isinstance(node, Text) and node.is_nothing:
            return {}
        if not isinstance(node, Block):
            self.wrong(node.line, "file_needs_block", where)
            return {}
        found: Fields = {}
        for key, value in node.items:
            here = (*where, key.text)
            if key.text in found:
                first = str(found[key.text][0])
                self.wrong(key.line, "file_key_twice", here, first=first)
            elif key.is_nothing and not key.text:
                self.wrong(key.line, "file_needs_key", where)
            elif allowed is not None and key.text not in allowed:
                near = did_you_mean(key.text, allowed)
                self.wrong(key.line, "file_key_unknown", here, known=near)
            else:
                found[key.text] = (key.line, value)
        return found

    def text(self, node: Node, where: Where) -> str | None:
        """Return a text, which may be empty only in quotation marks."""
        if not isinstance(node, Text):
            self.wrong(node.line, "file_needs_text", where)
        elif node.is_nothing:
            self.wrong(node.line, "file_needs_value", where)
        else:
            return node.text
        return None

    def number(self, node: Node, where: Where) -> float | None:
        """Return a finite number in its decimal form."""
        if isinstance(node, Text) and _NUMBER.fullmatch(node.text):
            number = float(node.text)
            if isfinite(number):
                return number
        value = _shown(node)
        self.wrong(node.line, "file_needs_number", where, value=value)
        return None

    def whole(self, node: Node, where: Where, most: int) -> int | None:
        """Return a whole number from 1 on."""
        text = node.text if isinstance(node, Text) else ""
        if re.fullmatch(r"\d{1,9}", text, re.ASCII) and 1 <= int(text) <= most:
            return int(text)
        self.wrong(
            node.line, "file_needs_whole", where, value=_shown(node), max=str(most)
        )
        return None

    def truth(self, node: Node, where: Where) -> bool | None:
        """Return a yes or no."""
        if isinstance(node, Text) and node.text.lower() in _TRUTH:
            return _TRUTH[node.text.lower()]
        self.not_among(node, where, ("true", "false"))
        return None

    def choice(self, node: Node, where: Where, choices: Iterable[str]) -> str | None:
        """Return one of several texts."""
        choices = list(choices)
        if isinstance(node, Text) and node.text in choices:
            return node.text
        self.not_among(node, where, choices)
        return None

    def not_among(self, node: Node, where: Where, choices: Iterable[str]) -> None:
        """Tell what there is to choose from."""
        known = ", ".join(choices)
        value = _shown(node)
        self.wrong(node.line, "value_not_among", where, value=value, known=known)

    def labels(self, node: Node, where: Where) -> dict[str, tuple[int, str]]:
        """Return labels by code, in their order, with their lines."""
        found: dict[str, tuple[int, str]] = {}
        for code, (line, value) in self.fields(node, where).items():
            label = self.text(value, (*where, code))
            if label is not None:
                found[code] = (line, label)
        return found


def at_line(line: int, key: str, where: Where, **placeholders: str) -> LineProblem:
    """Return a problem of a line."""
    return LineProblem(line=line, key=key, where=where, placeholders=placeholders)


def _shown(node: Node) -> str:
    """Return what stands in a node, as an error names it."""
    return node.text[:50] if isinstance(node, Text) else "…"
