"""The polling plan: which requests cover the points that are wanted. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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

    def halves(self) -> tuple[Batch, Batch] | None:
        """Return two batches that cover the same, assets before points; None for one pair."""
        for by_asset, ids in ((True, self.asset_ids), (False, self.point_ids)):
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
    rest: list[tuple[list[str], frozenset[str]]] = []
    for points, assets in groups.items():
        ordered = sorted(points)
        for first in range(0, len(ordered), limit):
            some = ordered[first : first + limit]
            per_call = limit // len(some)
            for start in range(0, len(assets), per_call):
                chunk = assets[start : start + per_call]
                if len(chunk) == per_call:
                    full.append(Batch(tuple(chunk), tuple(some)))
                else:
                    rest.append((chunk, frozenset(some)))
    return (*full, *_join(rest, limit))


def _join(parts: list[tuple[list[str], frozenset[str]]], limit: int) -> Iterable[Batch]:
    """Join part-filled calls, the largest first, each to where it adds least."""
    joined: list[tuple[list[str], frozenset[str]]] = []
    for assets, points in sorted(
        parts, key=lambda part: (-len(part[0]) * len(part[1]), sorted(part[1]))
    ):
        best = None
        for place, (other_assets, other_points) in enumerate(joined):
            union = points | other_points
            size = (len(assets) + len(other_assets)) * len(union)
            waste = (
                size - len(assets) * len(points) - len(other_assets) * len(other_points)
            )
            if size <= limit and (best is None or waste < best[0]):
                best = (waste, place, union)
        if best is None:
            joined.append((list(assets), points))
        else:
            _, place, union = best
            joined[place] = (joined[place][0] + assets, union)
    return (Batch(tuple(assets), tuple(sorted(points))) for assets, points in joined)
