"""Replies of a `latest` call that hold more than was asked for, and answers taken twice."""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given, settings, strategies as st
import orjson

from custom_components.enos.api.latest import LatestCall, LatestChanges
from custom_components.enos.api.models import Reading
from custom_components.enos.polling import plan


def taken(call: LatestCall, data: dict[str, Any]) -> LatestChanges:
    """Return what an answer brings."""
    decoded = call.decode(orjson.dumps({"code": 0, "data": data}))
    assert decoded is not None
    call.answered(decoded["data"])
    return asyncio.run(call.changes())


def test_another_list_after_the_items() -> None:
    """What stands behind the items costs no sample."""
    call = LatestCall(["a1"], ["temp"])
    items = [{"assetId": "a1", "temp": 1, "timestamp": 1}]
    data = {"items": items, "failed": [{"assetId": "a2"}]}
    assert taken(call, data).readings == {("a1", "temp"): Reading(1, 1)}
    assert not taken(call, data).lost


def test_asset_that_was_not_asked_for() -> None:
    """A sample of another asset is no answer to the call."""
    call = LatestCall(["a1"], ["temp"])
    items = [
        {"assetId": asset, "temp": 1, "timestamp": 1} for asset in ("a1", "a2", "a3")
    ]
    assert taken(call, {"items": items}).readings == {("a1", "temp"): Reading(1, 1)}


def test_answer_that_was_taken_already() -> None:
    """Two rounds at once: who comes second finds nothing, which is not an empty answer."""
    call = LatestCall(["a1"], ["temp"])
    items = [{"assetId": "a1", "temp": 1, "timestamp": 1}]
    assert taken(call, {"items": items}).complete
    assert asyncio.run(call.changes()) == LatestChanges()
    assert taken(call, {"items": items}) == LatestChanges()


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 14), min_size=1), st.integers(1, 30)),
        min_size=1,
        max_size=4,
    ),
    st.integers(5, 50),
)
def test_nothing_wanted_is_asked_for_twice(
    groups: list[tuple[set[int], int]], limit: int
) -> None:
    """Each wanted point is in one call only, which alone then tells if it is answered."""
    wanted = {
        f"a{number}.{device}": [f"p{point}" for point in points]
        for number, (points, devices) in enumerate(groups)
        for device in range(devices)
    }
    asked = Counter(
        (asset, point)
        for batch in plan(wanted, limit)
        for asset in batch.asset_ids
        for point in batch.point_ids
        if point in wanted[asset]
    )
    assert asked == Counter(
        (asset, point) for asset, points in wanted.items() for point in points
    )
