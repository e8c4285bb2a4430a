"""What differs between two answers of a `latest` call is all that differs."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import orjson
import pytest

from custom_components.enos.api import parsing
from custom_components.enos.api.errors import ReplyLostError
from custom_components.enos.api.latest import LatestCall, LatestChanges
from custom_components.enos.api.models import Reading

type Item = dict[str, Any]
type Samples = dict[tuple[str, str], Reading]

ASSETS = ("a1", "a2", "a3")
POINTS = ("temp", "mode", "note", "timestamp")

VALUES = st.one_of(
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.none(),
    st.booleans(),
    st.sampled_from(
        ["", "on", "},{", "{", "}]", '"data":{"items":[{', "室温", '"},{"assetId":"a1"']
    ),
    st.lists(st.integers(0, 3), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(("x", "temp")), st.integers())),
)
ITEMS = st.lists(
    st.builds(
        lambda asset, point, value, time, more: {
            "assetId": asset,
            point: value,
            "timestamp": time,
            **more,
        },
        st.sampled_from((*ASSETS, "stranger", 5, None)),
        st.sampled_from((*POINTS, "other")),
        VALUES,
        st.integers(1, 3),
        st.just({}) | st.just({}) | st.dictionaries(st.sampled_from(POINTS), VALUES),
    ),
    max_size=8,
)


def reply(items: list[Item], *, spaces: bool = False, tail: str = "") -> bytes:
    """Return a reply, as EnOS writes it or with blanks."""
    separators = None if spaces else (",", ":")
    text = json.dumps(
        {"code": 0, "msg": "OK", "data": {"items": items}, "submsg": tail},
        separators=separators,
        ensure_ascii=False,
    )
    return text.encode()


def changes_of(call: LatestCall, content: bytes) -> LatestChanges:
    """Return the changes that an answer brings."""
    decoded = call.decode(content)
    assert decoded is not None
    call.answered(decoded["data"])
    return asyncio.run(call.changes())


class Follower:
    """Keeps the samples up to date by changes alone, and the right ones beside them."""

    def __init__(self) -> None:
        """Start with a call that was never made."""
        self.call = LatestCall(ASSETS, POINTS)
        self.samples: Samples = {}
        self.complete = 0

    def take(self, content: bytes) -> None:
        """Take an answer and compare."""
        changes = changes_of(self.call, content)
        if changes.complete:
            assert not changes.lost
            self.samples = {}
            self.complete += 1
        for key in changes.lost:
            del self.samples[key]
        self.samples |= changes.readings
        known: Samples = {}
        for each in parsing.items(
            (parsing.json_object(content) or {})["data"]["items"]
        ):
            known |= parsing.latest_item(each, frozenset(POINTS))
        known = {key: value for key, value in known.items() if key[0] in ASSETS}
        ours = {key: value for key, value in self.samples.items() if key[0] in ASSETS}
        assert repr(ours) == repr({key: known[key] for key in ours})
        assert ours.keys() == known.keys()


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(ITEMS, st.booleans(), st.sampled_from(["", "}]", "},{"]))))
def test_any_answers(answers: list[tuple[list[Item], bool, str]]) -> None:
    """Whatever comes, after each answer the samples are those of a whole decoding."""
    follower = Follower()
    for items, spaces, tail in answers:
        follower.take(reply(items, spaces=spaces, tail=tail))


def item(asset: str, point: str, value: Any, time: int = 1) -> Item:
    """Return an item of one point."""
    return {"assetId": asset, point: value, "timestamp": time}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_flat_answers_are_compared(data: st.DataObject) -> None:
    """Answers as they usually are: only what differs is decoded after the first."""
    keys = [(asset, point) for asset in ASSETS for point in POINTS[:3]]
    samples = dict.fromkeys(keys, (0, 1))
    follower = Follower()
    follower.take(reply([item(*key, *samples[key]) for key in keys]))
    for _ in range(data.draw(st.integers(1, 6))):
        changed = data.draw(st.lists(st.sampled_from(keys), unique=True))
        gone = data.draw(st.lists(st.sampled_from(keys), unique=True, max_size=3))
        for key in changed:
            samples[key] = (data.draw(st.integers(0, 2)), data.draw(st.integers(1, 2)))
        order = data.draw(st.permutations([key for key in keys if key not in gone]))
        follower.take(reply([item(*key, *samples[key]) for key in order]))
    assert follower.complete == 1


def test_what_an_answer_brings() -> None:
    """New, other and missing samples, and nothing of those that are the same."""
    call = LatestCall(ASSETS, POINTS)
    first = changes_of(
        call,
        reply([item("a1", "temp", 1), item("a2", "temp", 2), item("a3", "mode", "x")]),
    )
    assert first.complete and len(first.readings) == 3
    again = reply(
        [item("a1", "temp", 1), item("a2", "temp", 5, 9), item("a1", "mode", 0)]
    )
    second = changes_of(call, again)
    assert second.readings == {
        ("a2", "temp"): Reading(5, 9),
        ("a1", "mode"): Reading(0, 1),
    }
    assert second.lost == {("a3", "mode")}
    assert not second.complete
    third = changes_of(call, again)
    assert (third.readings, third.lost, third.complete) == ({}, set(), False)


def test_a_reply_that_is_refused_counts_for_nothing() -> None:
    """What was decoded but not asked for is news the next time."""
    call = LatestCall(ASSETS, POINTS)
    changes_of(call, reply([item("a1", "temp", 1)]))
    call.decode(reply([item("a1", "temp", 2)]))
    call.decode(b'{"code":429}')
    assert changes_of(call, reply([item("a1", "temp", 2)])).readings == {
        ("a1", "temp"): Reading(2, 1)
    }


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none(value: str) -> None:
    """A number that JSON does not have costs its own sample only, and once."""
    content = reply([item("a1", "temp", 7777), item("a2", "temp", 2)])
    content = content.replace(b"7777", value.encode())
    call = LatestCall(ASSETS, POINTS)
    assert changes_of(call, content).readings == {
        ("a1", "temp"): Reading(None, 1),
        ("a2", "temp"): Reading(2, 1),
    }
    other = content.replace(b'"temp":2', b'"temp":3')
    assert changes_of(call, other).readings == {("a2", "temp"): Reading(3, 1)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"<html>}]",
        b'{"data":{"items":[{',
        b'{"data":{"items":[{}]',
        b"\xff}]",
    ],
)
def test_no_json(content: bytes) -> None:
    """What is no JSON object is none."""
    assert LatestCall(ASSETS, POINTS).decode(content) is None


def test_items_elsewhere() -> None:
    """Only the items of `data` are items."""
    call = LatestCall(ASSETS, POINTS)
    content = orjson.dumps(
        {"more": {"data": {"items": [item("a1", "temp", 1)]}}, "data": {"items": []}}
    )
    assert changes_of(call, content).readings == {}


@pytest.mark.parametrize("items", ['"p":', '"a":1},{"b"', '"a":1]},{"b":2'])
def test_items_that_are_no_json(items: str) -> None:
    """Items that nobody can read are an answer that was lost, and change nothing."""
    call = LatestCall(ASSETS, POINTS)
    good = reply([item("a1", "temp", 1)])
    changes_of(call, good)
    with pytest.raises(ReplyLostError):
        changes_of(call, b'{"code":0,"data":{"items":[{%b}]}}' % items.encode())
    assert changes_of(call, good) == LatestChanges()
