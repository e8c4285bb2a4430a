"""Pages and projections of list calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .points import JsonObject
from .refusals import InvalidArgument
from .values import is_integer


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for."""

    number: int = 1
    size: int = 10
    # How many things came in front (or, negative, went) since the first page.
    shift: int = 0

    def of(self, things: Sequence[Any]) -> Sequence[Any]:
        """Return the things of the page."""
        start = (self.number - 1) * self.size - self.shift
        return things[max(0, start) : max(0, start + self.size)]

    def pagination(self, total: int) -> JsonObject:
        """Return what a reply says of its page."""
        return {
            "sortedBy": None,
            "pageNo": self.number,
            "pageSize": self.size,
            "totalSize": max(0, total + self.shift),
        }


def read_page(
    raw: Any, *, default: int, largest: int, clamp: bool, shift: int = 0
) -> Page:
    """Read the pagination of a request; all pages but the first are shifted."""
    if raw is None:
        return Page(1, default)
    if not isinstance(raw, dict):
        raise InvalidArgument("pagination", "  must be an object")
    for name in raw:
        if name == "sorters":
            raise InvalidArgument("pagination", "  sorters are not supported")
        if name not in ("pageNo", "pageSize"):
            raise InvalidArgument("pagination", f"  {name} is not known")
    number, size = raw.get("pageNo", 1), raw.get("pageSize", default)
    if not is_integer(number) or number < 1:
        raise InvalidArgument("pageNo", "  must be an integer from 1")
    if not is_integer(size) or size < 1:
        raise InvalidArgument("pageSize", "  must be an integer from 1")
    if size > largest:
        if not clamp:
            raise InvalidArgument("pageSize", f"  must not be over {largest}")
        size = largest
    return Page(number, size, shift if number > 1 else 0)


type Trie = dict[str, Trie | None]


def read_projection(raw: Any) -> Trie | None:
    """Read a projection; None keeps everything."""
    if raw is None:
        return None
    if not isinstance(raw, list) or not all(
        isinstance(path, str) and path for path in raw
    ):
        raise InvalidArgument("projection", "  must be a list of paths")
    if not raw:
        return None
    root: Trie = {}
    for path in raw:
        node = root
        parts = path.replace("[*]", ".[*]").split(".")
        for part in parts[:-1]:
            # A shorter path, given too, keeps the whole of it.
            if part in node and node[part] is None:
                break
            inner = node.setdefault(part, {})
            if inner is None:
                break
            node = inner
        else:
            node[parts[-1]] = None
    return root


def project(thing: Any, trie: Trie | None) -> Any:
    """Return only what a projection names."""
    if trie is None:
        return thing
    if isinstance(thing, list):
        if "[*]" not in trie:
            return None
        return [project(item, trie["[*]"]) for item in thing]
    if not isinstance(thing, dict):
        return None
    kept: JsonObject = {}
    if "*" in trie:
        for name, value in thing.items():
            _keep(kept, name, value, trie["*"])
    for name, inner in trie.items():
        if name in thing and name != "*":
            _keep(kept, name, thing[name], inner)
    return kept


def _keep(kept: JsonObject, name: str, value: Any, inner: Trie | None) -> None:
    if inner is None or value is None:
        kept[name] = value
        return
    part = project(value, inner)
    if part is not None:
        kept[name] = part


def known_fields(body: JsonObject, *names: str) -> None:
    """Refuse what a body may not have."""
    for name in body:
        if name not in names:
            raise InvalidArgument(name, f"{name} is not known")


def has_secret(thing: Any) -> bool:
    """Tell whether a reply would give away a device's or product's secret."""
    if isinstance(thing, list):
        return any(has_secret(item) for item in thing)
    return isinstance(thing, dict) and bool(
        thing.get("deviceSecret") or thing.get("productSecret")
    )
