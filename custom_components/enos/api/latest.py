"""`latest` calls that are made again and again: an answer is taken by what differs from the last.

Most samples of a plant are the same as half a minute before, to the byte. Comparing bytes is
some ten times as quick as decoding them and looking at each sample.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
import time
from typing import Any, Final

from . import parsing
from .errors import ReplyLostError
from .models import Reading

_SLICE: Final = 0.002
# Items after which to look at the clock.
_AT_ONCE: Final = 100

type SampleKey = tuple[str, str]
"""Asset id and measurepoint id."""

_BEFORE: Final = b'"data":{"items":[{'
_BETWEEN: Final = b"},{"
_AFTER: Final = b"}]"
# What stands for items that were taken out.
_MARK: Final = "taken out"
_CUT: Final = f'"{_MARK}"'.encode()
_PLAIN: Final = frozenset({int, float, str, bool, type(None)})


@dataclass(slots=True)
class LatestChanges:
    """What an answer holds that the one before did not.

    `readings` are new or other samples, `lost` the keys that were answered the last time and
    are no more. `complete` tells that the readings are all that was answered.
    """

    readings: dict[SampleKey, Reading] = field(default_factory=dict)
    lost: set[SampleKey] = field(default_factory=set)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer: its items as they came, and which point each of them is about."""

    items: bytes = b""
    keys: Mapping[bytes, SampleKey] = field(default_factory=dict)


class Turn:
    """A slice of the event loop's time: all else waits for it no longer than two milliseconds."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        """Start now."""
        self._ends = time.perf_counter() + _SLICE

    @property
    def over(self) -> bool:
        """Whether it is time to let others have a turn."""
        return time.perf_counter() > self._ends

    async def pass_on(self) -> None:
        """Let others have a turn, and start anew."""
        await asyncio.sleep(0)
        self._ends = time.perf_counter() + _SLICE


class LatestCall:
    """A `latest` call and what it was answered the last time.

    The items are told apart without decoding them, which is exact only if they are flat: where
    a text of JSON is cut at each `},{`, holds no other opening brace, and decodes to as many
    objects as there are pieces, then every piece is one object. (Each object has an opening brace,
    and there are no more braces than objects; so none is nested and none is within a string.)
    Anything else, and an item that does not stand for one wanted point of its own, is decoded
    as a whole.
    """

    def __init__(self, asset_ids: Sequence[str], point_ids: Sequence[str]) -> None:
        """Nothing was answered yet."""
        self.asset_ids = ",".join(asset_ids)
        self.point_ids = ",".join(point_ids)
        # One object for each id: replies repeat them thousands of times.
        self._assets = {asset_id: asset_id for asset_id in asset_ids}
        self._points = {point_id: point_id for point_id in point_ids}
        self._known = _Known()
        self._items: bytes | None = None
        self._data: object = None
        # Whether there is an answer that nobody took.
        self._waits = False

    def decode(self, content: bytes) -> dict[str, Any] | None:
        """Return the reply in `content`, if it can be without its items, which are kept.

        None where it is no JSON object.
        """
        start = content.find(_BEFORE)
        end = content.find(_AFTER, start) if start >= 0 else -1
        if end >= 0:
            start += len(_BEFORE)
            frame = _frame(content[: start - 1] + _CUT + content[end + 1 :])
            if frame is not None:
                self._items = content[start:end]
                return frame
        self._items = None
        return parsing.json_object(content)

    def forget(self) -> None:
        """Have the next changes be all that is answered."""
        self._known = _Known()

    def answered(self, data: object) -> None:
        """Take what was decoded last for the answer; `data` is the reply's."""
        self._data = data
        self._waits = True

    async def changes(self) -> LatestChanges:
        """Return what the answer holds that the one before did not.

        Nothing where the answer was taken already, or a later one. In slices of the event
        loop's time. Where it is cancelled or raises, the next answer is compared with the one
        before. Raises `ReplyLostError` for items that are no JSON.
        """
        if not self._waits:
            return LatestChanges()
        self._waits = False
        items, self._items = self._items, None
        data, self._data = self._data, None
        if items is None:
            return await self._whole(data)
        if items == self._known.items:
            return LatestChanges()
        found = await self._compare(items)
        if found is None:
            decoded = parsing.json_value(b"[{%b}]" % items)
            if decoded is None:
                raise ReplyLostError("items that are no JSON")
            return await self._whole({"items": decoded})
        self._known, changes = found
        return changes

    async def _whole(self, data: object) -> LatestChanges:
        """Return all samples of a reply that were asked for, one item after the other."""
        turn = Turn()
        wanted = frozenset(self._points)
        found = data.get("items") if isinstance(data, dict) else None
        readings: dict[SampleKey, Reading] = {}
        for item in parsing.items(found):
            samples = parsing.latest_item(item, wanted)
            # They are of one asset.
            if any(asset_id in self._assets for asset_id, _ in samples):
                readings |= samples
            if turn.over:
                await turn.pass_on()
        self._known = _Known()
        return LatestChanges(readings, complete=True)

    async def _compare(self, items: bytes) -> tuple[_Known, LatestChanges] | None:
        """Return what differs from the items of before; None where they are not flat."""
        turn = Turn()
        known = self._known
        pieces = items.split(_BETWEEN)
        fresh = [piece for piece in pieces if piece not in known.keys]
        decoded = _flat_objects(fresh)
        if decoded is None:
            return None
        await turn.pass_on()
        keys = {piece: known.keys[piece] for piece in pieces if piece in known.keys}
        readings: dict[SampleKey, Reading] = {}
        for some in batched(zip(fresh, decoded, strict=True), _AT_ONCE, strict=False):
            for piece, item in some:
                found = self._sample(item)
                if found is None:
                    return None
                key, reading = found
                readings[key] = reading
                keys[piece] = key
            if turn.over:
                await turn.pass_on()
        gone = {known.keys[piece] for piece in known.keys.keys() - keys.keys()}
        new = readings.keys() - gone
        twice = len(keys) != len(pieces) or len(readings) != len(fresh)
        if twice or (new and not new.isdisjoint(known.keys.values())):
            # Two samples of one point: which of them counts depends on their order.
            return None
        lost = gone - readings.keys()
        changes = LatestChanges(readings, lost, complete=not known.keys)
        return _Known(items, keys), changes

    def _sample(self, item: dict[str, Any]) -> tuple[SampleKey, Reading] | None:
        """Return the one sample of an item, None where it holds none or several."""
        asset_id, moment = item.pop("assetId", None), item.pop("timestamp", None)
        if type(asset_id) is not str or (asset := self._assets.get(asset_id)) is None:
            return None
        if len(item) > 1:
            item = {key: item[key] for key in item if key in self._points}
        if len(item) != 1:
            return None
        ((point_id, value),) = item.items()
        point = self._points.get(point_id)
        if point is None:
            return None
        if type(value) not in _PLAIN:
            value = parsing.sample_value(value)
        if type(moment) is not int:
            moment = parsing.whole_number(moment)
        return (asset, point), Reading(value, moment)


def _frame(content: bytes) -> dict[str, Any] | None:
    """Return a reply from which the items were taken, None where that cannot be it."""
    frame = parsing.json_object(content)
    data = frame.get("data") if frame else None
    return frame if isinstance(data, dict) and data.get("items") == [_MARK] else None


def _flat_objects(pieces: list[bytes]) -> list[dict[str, Any]] | None:
    """Return the object of each piece, a text without its outer braces; None if not flat."""
    if not pieces:
        return []
    joined = _BETWEEN.join(pieces)
    if joined.count(b"{") != len(pieces) - 1:
        return None
    decoded = parsing.items(parsing.json_value(b"[{%b}]" % joined))
    return decoded if len(decoded) == len(pieces) else None
