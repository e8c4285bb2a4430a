"""What points are called next to the name of their device. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
import re
from typing import Final

# Between the name of the device and that of the point. What could be the sign or a decimal
# of a number is no joint.
_JOINT: Final = re.compile(r"\s*[_:：·/\\.,，、|–—-]\s*(?=\D)|\s+")
# One may look by chance like another one's with its identifier.
_ROUNDS: Final = 2
_HAN: Final = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")


def without_owner(name: str, owners: Iterable[str]) -> str:
    """Return a point's name without the name of its device or product in front.

    Home Assistant puts the device's name there itself. What is left is a name of its own, or
    nothing is taken away: neither from "FCU 30 Temperature" for an "FCU 3" nor from "空调箱温度"
    for a "空调", as nobody can tell where a Chinese word ends.
    """
    for owner in sorted({*owners} - {""}, key=len, reverse=True):
        if name[: len(owner)].casefold() != owner.casefold():
            continue
        rest = name[len(owner) :]
        if joint := _JOINT.match(rest):
            rest = rest[joint.end() :].lstrip()
        elif not _is_boundary(owner[-1], rest[:1]):
            continue
        if any(char.isalpha() for char in rest):
            return rest
    return name


def _is_boundary(before: str, after: str) -> bool:
    """Tell whether a word ends between two characters that follow each other."""
    if _HAN.match(before):
        return after.isascii() and after.isalpha()
    return before.isalnum() and bool(_HAN.match(after))


def own_names(names: Mapping[str, str]) -> dict[str, str]:
    """Return names by identifier, each only once.

    Equal names (upper and lower case are equal) get their identifiers appended, all of them, so
    that the order of the points does not matter.
    """
    found = dict(names)
    for _ in range(_ROUNDS):
        often = Counter(name.casefold() for name in found.values())
        twice = [key for key, name in found.items() if often[name.casefold()] > 1]
        for key in twice:
            found[key] = f"{found[key]} ({key})"
    return found
