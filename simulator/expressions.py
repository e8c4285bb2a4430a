"""Search expressions, as far as the documentation goes and no further.

Conditions joined by ``and`` or by ``or``; what a mixture of both or what
parentheses mean is not documented, so both are refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
import re
from typing import Any

from .refusals import InvalidArgument

type Value = str | int
type Getter = Callable[[Any, str], Any]
type Predicate = Callable[[Any], bool]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'[^']*'|"[^"]*")
    | (?P<number>-?[0-9]+(?![A-Za-z_0-9.]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_./-]*)
    | (?P<op>!=|=|>|<|\(|\)|,)
    )""",
    re.VERBOSE,
)
KEYWORDS = {"and", "or", "in", "like", "exists", "not"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field that may be searched: its operators and how to get it."""

    operators: frozenset[str]
    get: Getter
    # Values that mean another, such as "disable" for "disabled".
    aliases: Mapping[Value, Value] | None = None


def field(
    operators: str, get: Getter, aliases: Mapping[Value, Value] | None = None
) -> Field:
    """Return a field; operators are given as one text, parted by spaces."""
    return Field(
        frozenset(operators.replace("not exists", "not_exists").split()), get, aliases
    )


def attribute(name: str) -> Getter:
    """Return a getter of a value in a mapping."""
    return lambda thing, _: thing.get(name)


def tag(name: str) -> Getter:
    """Return a getter of the part of a field after its first dot."""
    return lambda thing, path: (thing.get(name) or {}).get(path.partition(".")[2])


def localized(name: str) -> Getter:
    """Return a getter of names in several languages (a tuple of texts)."""

    def get(thing: Any, path: str) -> Any:
        value = thing.get(name) or {}
        texts = value.get("i18nValue") or {}
        locale = path.partition(".")[2]
        if locale == "default":
            return (value.get("defaultValue") or "",)
        if locale:
            return (texts.get(locale) or "",)
        return (value.get("defaultValue") or "", *texts.values())

    return get


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise _error(f"cannot read {text[position:]!r}")
            kind = match.lastgroup or ""
            token = match.group(kind)
            if kind == "word" and token.lower() in KEYWORDS:
                kind, token = "key", token.lower()
            self.tokens.append((kind, token))
            position = match.end()
        self.position = 0

    def peek(self) -> tuple[str, str]:
        """Return the next token without taking it."""
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return ("end", "")

    def take(self, kind: str, token: str | None = None) -> str:
        """Take a token of a kind."""
        found = self.peek()
        if found[0] != kind or token not in (None, found[1]):
            raise _error(f"expected {token or kind}, found {found[1] or 'the end'!r}")
        self.position += 1
        return found[1]

    def literal(self) -> Value:
        """Take a value."""
        kind, token = self.peek()
        self.position += 1
        if kind == "text":
            return token[1:-1]
        if kind == "number":
            return int(token)
        raise _error(f"expected a value, found {token or 'the end'!r}")


def _error(why: str) -> InvalidArgument:
    return InvalidArgument("expression", f"  {why}")


def compile_expression(text: Any, fields: Mapping[str, Field]) -> Predicate | None:
    """Return what tells whether a thing is meant; None for everything."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise _error("the expression must be a string")
    reader = _Reader(text)
    if not reader.tokens:
        raise _error("the expression is empty")
    conditions = [_condition(reader, fields)]
    joiner: str | None = None
    while reader.peek()[0] != "end":
        word = reader.take("key")
        if word not in ("and", "or"):
            raise _error(f"expected and / or, found {word!r}")
        if joiner not in (None, word):
            raise _error("and and or are mixed: their precedence is not documented")
        joiner = word
        conditions.append(_condition(reader, fields))
    if len(conditions) == 1:
        return conditions[0]
    judge: Callable[[Iterable[bool]], bool] = any if joiner == "or" else all
    return lambda thing: judge(condition(thing) for condition in conditions)


def _lookup(name: str, operator: str, fields: Mapping[str, Field]) -> Field:
    found = fields.get(name)
    if found is None and "." in name:
        found = fields.get(f"{name.partition('.')[0]}.*")
    if found is None:
        raise _error(f"{name} cannot be searched here")
    if operator not in found.operators:
        raise _error(f"{name} cannot be searched by {operator.replace('_', ' ')}")
    return found


def _condition(reader: _Reader, fields: Mapping[str, Field]) -> Predicate:
    kind, token = reader.peek()
    if kind == "key" and token in ("exists", "not"):
        negate = token == "not"
        reader.take("key")
        if negate:
            reader.take("key", "exists")
        reader.take("op", "(")
        name = reader.take("word")
        reader.take("op", ")")
        get = _lookup(name, "not_exists" if negate else "exists", fields).get
        return lambda thing: (get(thing, name) is None) is negate
    name = reader.take("word")
    kind, operator = reader.peek()
    if kind not in ("op", "key"):
        raise _error(f"expected an operator after {name}")
    reader.position += 1
    target = _lookup(name, operator, fields)
    get = target.get
    if operator == "in":
        reader.take("op", "(")
        wanted = {_alias(target, reader.literal())}
        while reader.peek() == ("op", ","):
            reader.take("op", ",")
            wanted.add(_alias(target, reader.literal()))
        reader.take("op", ")")
        return lambda thing: get(thing, name) in wanted
    value = _alias(target, reader.literal())
    if operator == "like":
        text = str(value)
        return lambda thing: any(text in found for found in _texts(get(thing, name)))
    return _comparison(operator, get, name, value)


def _texts(found: Any) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


def _alias(target: Field, value: Value) -> Value:
    return (target.aliases or {}).get(value, value)


def _comparison(operator: str, get: Getter, name: str, value: Value) -> Predicate:
    if operator == "=":
        return lambda thing: bool(get(thing, name) == value)
    if operator == "!=":
        return lambda thing: bool(get(thing, name) != value)
    text = str(value)
    if operator == ">":
        return lambda thing: str(get(thing, name)) > text
    if operator == "<":
        return lambda thing: str(get(thing, name)) < text
    raise _error(f"{operator} is no operator")
