"""Names of storeys, and which level they are. Pure."""

import re
from typing import Final
import unicodedata

_GAP: Final = r"[ ./_-]*"
_HAN: Final = "〇零一二三四五六七八九十两"
_DIGITS: Final = {
    digit: value for value, digit in enumerate("〇一二三四五六七八九")
} | {
    "零": 0,
    "两": 2,
}
# fmt: off
_ORDINALS: Final = (
    "ground", "first", "second", "third", "fourth", "fifth",
    "sixth", "seventh", "eighth", "ninth", "tenth",
)
# fmt: on
_STOREY: Final = r"(?:floor|storey|story|level|fl|f)"

# Each with the sign of its number; without a number, that alone is the level.
_NUMBERED: Final = tuple(
    (re.compile(pattern), sign)
    for pattern, sign in (
        (rf"(?:{_STOREY}|lvl|l){_GAP}(\d{{1,3}})[a-z]?", 1),
        (rf"(\d{{1,3}})(?:st|nd|rd|th)?{_GAP}{_STOREY}", 1),
        (rf"(?:{_STOREY}|lvl|l)?{_GAP}(?:b|lg|p|basement){_GAP}(\d{{1,2}})f?", -1),
        (rf"(?:basement|cellar|lower{_GAP}ground)(?:{_GAP}{_STOREY})?", -1),
        (rf"(?:地上|第)?([\d{_HAN}]{{1,3}})(?:层|層|楼|樓|楼层|樓層)", 1),
        (rf"(?:地下|负|負)第?([\d{_HAN}]{{1,3}})(?:层|層|楼|樓)?", -1),
        (r"(?:地下|地下室|地下层|地下層)", -1),
        (r"(?:首|底)(?:层|層)", 1),
    )
)
_ORDINAL: Final = re.compile(
    rf"({'|'.join(_ORDINALS)}){_GAP}{_STOREY}|(?:ground|gf?|g/f)"
)
_NO_LEVEL: Final = re.compile(
    rf"(?:mezzanine|attic|penthouse|roof(?:top)?|rf|(?:upper|top|lower){_GAP}{_STOREY})"
    rf"(?:{_GAP}{_STOREY})?|(?:顶|頂|夹|夾|避难|避難|设备|設備)(?:层|層)|屋(?:顶|頂|面)"
)


def _number(text: str) -> int:
    """Return a number of up to three Arabic or Chinese digits, or one like 十二."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return int("".join(str(_DIGITS.get(each, each)) for each in text))
    return _number(tens or "一") * 10 + _number(ones or "〇")


def storey(name: str) -> tuple[bool, int | None]:
    """Tell whether a name is that of a storey, and its level, None where it tells none.

    The ground floor is 0 and a first floor 1, though a building has both or only one of them.
    """
    text = unicodedata.normalize("NFKC", name).casefold().strip()
    for pattern, sign in _NUMBERED:
        if found := pattern.fullmatch(text):
            number = found.group(1) if pattern.groups else None
            return True, sign * (_number(number) if number else 1)
    if found := _ORDINAL.fullmatch(text):
        return True, _ORDINALS.index(found.group(1) or "ground")
    return _NO_LEVEL.fullmatch(text) is not None, None
