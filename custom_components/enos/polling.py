"""The polling plan: which requests cover the points that are wanted. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .api.client import MAX_LATEST


@dataclass(frozen=True, slots=True)
class Batch:
    """One `latest` call: every point of every asset."""

    asset_ids: tuple[str, ...]
    point_ids: tuple[str, ...]

    @property
    def size(self) -> int:
        """Assets × points, which EnOS limits."""
        return len(self.asset_ids) * len(self.point_ids)

    def halves(self, *, points_first: bool = False) -> tuple[Batch, Batch] | None:
        """Return two batches that cover the same, assets before points; None for one pair."""
        order = ((True, self.asset_ids), (False, self.point_ids))
        for by_asset, ids in reversed(order) if points_first else order:
            if len(ids) > 1:
                middle = len(ids) // 2
                first, second = ids[:middle], ids[middle:]
                if by_asset:
                    return Batch(first, self.point_ids), Batch(second, self.point_ids)
                return Batch(self.asset_ids, first), Batch(self.asset_ids, second)
        return None


def plan(
    wanted: Mapping[str, Iterable[str]], limit: int = MAX_LATEST
) -> tuple[Batch, ...]:
    """Return the calls that cover the wanted point ids per asset id.

    Devices that want the same points share a call, calls over `limit` are split, and small
    ones are joined while the rectangle of both stays within it: EnOS answers nothing for a
    point that a device does not have. Never more calls than the groups alone would need.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for asset_id, point_ids in wanted.items():
        points = frozenset(point_ids)
        if points:
            groups.setdefault(points, []).append(asset_id)

    full: list[Batch] = []
    rest: list[_Rest] = []
    for points, assets in groups.items():
        ordered = sorted(points)
        size = _points_a_call(len(ordered), len(assets), limit)
        for first in range(0, len(ordered), size):
            some = ordered[first : first + size]
            per_call = limit // len(some)
            for start in range(0, len(assets), per_call):
                chunk = assets[start : start + per_call]
                if len(chunk) == per_call:
                    full.append(Batch(tuple(chunk), tuple(some)))
                else:
                    rest.append(_Rest(chunk, some, ordered))
    return (*full, *_join(rest, limit))


def _points_a_call(points: int, assets: int, limit: int) -> int:
    """Return how many points of a group to put into a call so that it takes fewest calls.

    Of 1,000 devices with 9 points, 333 fit into a call of 3,000, and the last one takes a call
    more; with 3 points in a call, all of them do.
    """
    found = min(points, limit)
    fewest = _calls(points, found, assets, limit)
    for size in range(found - 1, 0, -1):
        if fewest * limit < points * assets + limit:
            # All calls but one are full.
            break
        calls = _calls(points, size, assets, limit)
        if calls < fewest:
            found, fewest = size, calls
    return found


def _calls(points: int, size: int, assets: int, limit: int) -> int:
    """Return how many calls a group takes with so many of its points in each."""
    whole, rest = divmod(points, size)
    calls = whole * -(-assets // (limit // size))
    return calls + -(-assets // (limit // rest)) if rest else calls


class _Rest(NamedTuple):
    """What does not fill a call: assets, the points to ask for, and all that they want."""

    assets: list[str]
    points: list[str]
    wanted: list[str]


@dataclass(slots=True)
class _Part:
    """A call with room for more. Masks have a bit per point: sets take ten times as long.

    `elsewhere` are the points for which another call asks some of the assets.
    """

    assets: list[str]
    points: set[str]
    mask: int
    elsewhere: int
    size: int


def _join(parts: list[_Rest], limit: int) -> Iterable[Batch]:
    """Join part-filled calls, the largest first, each to where it adds least.

    Nothing wanted is asked for twice. A thousand different sets of points are joined in a few
    hundredths of a second; all of Home Assistant waits meanwhile.
    """
    joined: list[_Part] = []
    bits: dict[str, int] = {}
    for assets, points, wanted in sorted(
        parts, key=lambda part: (-len(part.assets) * len(part.points), part.points)
    ):
        mask = _mask(points, bits)
        elsewhere = _mask(wanted, bits) & ~mask
        size = len(assets) * len(points)
        best = None
        for other in joined:
            both = len(assets) + len(other.assets)
            if (
                both * max(len(points), len(other.points)) > limit
                or mask & other.elsewhere
                or other.mask & elsewhere
            ):
                continue
            joint = both * (mask | other.mask).bit_count()
            waste = joint - size - other.size
            if joint <= limit and (best is None or waste < best[0]):
                best = (waste, other, joint)
        if best is None:
            joined.append(_Part(list(assets), set(points), mask, elsewhere, size))
        else:
            _, other, other.size = best
            other.assets += assets
            other.points |= set(points)
            other.mask |= mask
            other.elsewhere |= elsewhere
    return (Batch(tuple(part.assets), tuple(sorted(part.points))) for part in joined)


def _mask(points: Iterable[str], bits: dict[str, int]) -> int:
    """Return a bit for each point, new ones for those that have none."""
    mask = 0
    for point in points:
        mask |= 1 << bits.setdefault(point, len(bits))
    return mask
