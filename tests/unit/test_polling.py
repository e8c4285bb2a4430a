"""The polling plan: everything wanted is asked for, in as few calls as its groups allow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from random import Random
import time
from typing import Final

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.enos.api.client import MAX_LATEST
from custom_components.enos.polling import Batch, plan

type Wanted = dict[str, tuple[str, ...]]

_POINTS: Final = tuple(f"p{number}" for number in range(12))


@st.composite
def wanted_points(draw: st.DrawFn) -> Wanted:
    """Devices of a few kinds, in any order, and what is wanted of them."""
    random = Random(draw(st.integers(0, 2**32)))
    kinds = [
        tuple(random.sample(_POINTS, draw(st.integers(0, len(_POINTS)))))
        for _ in range(draw(st.integers(1, 8)))
    ]
    devices = draw(st.integers(0, 30))
    return {f"a{number}": random.choice(kinds) for number in range(devices)}


def most_calls(wanted: Mapping[str, Sequence[str]], limit: int) -> int:
    """Return the calls that the groups need, each for itself."""
    calls = 0
    for points, devices in Counter(map(frozenset, wanted.values())).items():
        pieces = [limit] * (len(points) // limit) + [len(points) % limit]
        calls += sum(ceil(devices / (limit // piece)) for piece in pieces if piece)
    return calls


@given(wanted_points(), st.integers(1, 80))
@settings(max_examples=300)
def test_plan(wanted: Wanted, limit: int) -> None:
    """All is covered, nothing is too large, and nothing senseless is asked."""
    batches = plan(wanted, limit)
    covered = {
        (asset_id, point_id)
        for batch in batches
        for asset_id in batch.asset_ids
        for point_id in batch.point_ids
    }
    pairs = {(asset, point) for asset, points in wanted.items() for point in points}
    assert pairs <= covered
    assert len(batches) <= most_calls(wanted, limit)
    for batch in batches:
        assert 0 < batch.size <= limit
        assert len(set(batch.asset_ids)) == len(batch.asset_ids)
        assert list(batch.point_ids) == sorted(set(batch.point_ids))
        for asset_id in batch.asset_ids:
            assert set(wanted[asset_id]) & set(batch.point_ids)
        for point_id in batch.point_ids:
            assert any(point_id in wanted[asset_id] for asset_id in batch.asset_ids)


@given(wanted_points(), st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_plan_is_always_the_same(
    wanted: Wanted, limit: int, random: Random
) -> None:
    """Whatever the order in which a device's points became wanted."""
    shuffled = {
        asset_id: frozenset(random.sample(points, len(points)))
        for asset_id, points in wanted.items()
    }
    assert plan(wanted, limit) == plan(shuffled, limit)


@given(st.integers(1, 200), st.integers(1, 12), st.integers(12, 60))
def test_one_group_takes_fewest_calls(devices: int, points: int, limit: int) -> None:
    """Devices that want the same points: no number of points in a call would need less."""
    wanted = {f"a{number}": _POINTS[:points] for number in range(devices)}
    batches = plan(wanted, limit)
    fewest = min(
        sum(
            ceil(devices / (limit // len(_POINTS[:points][start : start + size])))
            for start in range(0, points, size)
        )
        for size in range(1, points + 1)
    )
    assert len(batches) <= fewest <= ceil(devices / (limit // points))
    assert sum(batch.size for batch in batches) == devices * points


def test_points_are_cut_where_that_saves_a_call() -> None:
    """Devices that do not fill a call with all of their points fill it with some."""
    wanted = {f"a{each}": _POINTS[:9] for each in range(1000)}
    assert [batch.size for batch in plan(wanted)] == [MAX_LATEST] * 3


def test_small_groups_share_a_call() -> None:
    """Kinds that have little in common too, as long as the rectangle fits."""
    wanted = {
        **{f"ahu{number}": ("temperature", "fan") for number in range(10)},
        **{f"meter{number}": ("power",) for number in range(10)},
    }
    assert plan(wanted) == (Batch(tuple(wanted), ("fan", "power", "temperature")),)
    assert len(plan(wanted, 59)) == 2


def test_groups_are_joined_where_they_fit_best() -> None:
    """With the call that has their points already, not with the first one that has room."""
    wanted = {
        **{f"a{number}": ("p1", "p2", "p3", "p4") for number in range(3)},
        **{f"b{number}": ("q1", "q2", "q3", "q4") for number in range(3)},
        "b3": ("q2",),
        "a3": ("p2",),
    }
    assert plan(wanted, 30) == (
        Batch(("a0", "a1", "a2", "a3"), ("p1", "p2", "p3", "p4")),
        Batch(("b0", "b1", "b2", "b3"), ("q1", "q2", "q3", "q4")),
    )


def test_what_was_joined_counts_as_a_whole() -> None:
    """The third group goes to the two that were joined, where it adds least."""
    wanted = {
        "d": tuple("uvwxyz"),
        "a": _POINTS[:4],
        "b": _POINTS[2:5],
        "c": _POINTS[:1],
    }
    assert plan(wanted, 15) == (
        Batch(("d",), tuple("uvwxyz")),
        Batch(("a", "b", "c"), _POINTS[:5]),
    )


def test_more_points_than_a_call_takes() -> None:
    """They are split, and the rests share calls."""
    wanted = {"a": _POINTS[:7], "b": _POINTS[:7]}
    batches = plan(wanted, 3)
    assert sorted(batch.size for batch in batches) == [2, 3, 3, 3, 3]


@pytest.mark.parametrize("wanted", [{}, {"a": ()}, {"a": (), "b": ()}])
def test_nothing_wanted(wanted: Wanted) -> None:
    """No call is made for nothing."""
    assert plan(wanted) == ()


def _devices(count: int, kinds: int, points: int, names: int) -> Wanted:
    """Return devices of so many kinds, each with its own choice of points."""
    random = Random(1)
    chosen = [
        tuple(f"p{name}" for name in random.sample(range(names), points))
        for _ in range(kinds)
    ]
    return {f"a{number}": chosen[number % kinds] for number in range(count)}


SIZES: Final = {
    "10,000 pairs": _devices(1000, 5, 10, 50),
    "1,000,000 pairs": _devices(20_000, 5, 50, 200),
    "1,000 sets of points": _devices(1000, 1000, 10, 200),
    "3,000 sets with nothing in common": {
        f"a{number}": tuple(f"p{number}_{part}" for part in range(10))
        for number in range(3000)
    },
}


@pytest.mark.parametrize("wanted", SIZES.values(), ids=SIZES)
def test_planning_is_quick(wanted: Wanted) -> None:
    """All of Home Assistant waits for it. The bound is several times what it takes."""
    started = time.perf_counter()
    batches = plan(wanted)
    assert time.perf_counter() - started < 4.0
    assert len(batches) <= most_calls(wanted, MAX_LATEST)


batches_of_any_size = st.builds(
    Batch,
    st.lists(st.text(max_size=3), min_size=1, max_size=9, unique=True).map(tuple),
    st.lists(st.text(max_size=3), min_size=1, max_size=9, unique=True).map(tuple),
)


@given(batches_of_any_size)
def test_halves(batch: Batch) -> None:
    """Both together ask the same, nothing twice; a single pair is not halved."""
    halves = batch.halves()
    if halves is None:
        assert batch.size == 1
        return

    def pairs(part: Batch) -> list[tuple[str, str]]:
        return [(asset, point) for asset in part.asset_ids for point in part.point_ids]

    first, second = halves
    assert sorted(pairs(first) + pairs(second)) == sorted(pairs(batch))
    if len(batch.asset_ids) > 1:
        assert first.point_ids == second.point_ids == batch.point_ids
        assert abs(len(first.asset_ids) - len(second.asset_ids)) <= 1
    else:
        assert first.asset_ids == second.asset_ids == batch.asset_ids
        assert abs(len(first.point_ids) - len(second.point_ids)) <= 1


@given(batches_of_any_size)
def test_halving_finds_every_pair(batch: Batch) -> None:
    """Halved until nothing can be halved, each pair stands alone once."""
    open_batches, alone = [batch], 0
    while open_batches:
        halves = open_batches.pop().halves()
        if halves is None:
            alone += 1
        else:
            open_batches += halves
    assert alone == batch.size
