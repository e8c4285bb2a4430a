"""What takes the time: a profile by whose code it is, and Python's collections of garbage."""

from asyncio import selector_events
from collections.abc import Awaitable, Callable, Iterable, Iterator
import contextlib
import cProfile
from dataclasses import dataclass
import gc
import pstats
import time
from typing import Any, Final
from unittest import mock

type _Function = tuple[str, int, str]
"""File, line, name."""
type _Times = tuple[
    int, int, float, float, dict[_Function, tuple[int, int, float, float]]
]
"""Calls twice, seconds of its own, seconds in all; and the same by caller."""

_BUILT_IN: Final = "~"
# What sends, which typeshed does not know.
_TRANSPORT: Final[Any] = vars(selector_events)["_SelectorSocketTransport"]

GROUPS: Final = ("Home Assistant", "EnOS", "aiohttp", "Python")
"""In this order everywhere. What is of no other group is Python and its libraries."""

_PARTS: Final = {
    "Home Assistant": ("/homeassistant/",),
    "EnOS": ("/custom_components/enos/",),
    "aiohttp": ("/aiohttp/", "/yarl/", "/multidict/"),
}


async def shares(act: Callable[[int], Awaitable[Any]], count: int) -> dict[str, float]:
    """Do something that sends, so often; return seconds of CPU until it is sent by group.

    A profiler makes small functions look slower than they are: read the shares, not the sum.
    """
    profile = cProfile.Profile(time.process_time)

    def ending[**P, R](send: Callable[P, R]) -> Callable[P, R]:
        def end(*args: P.args, **kwargs: P.kwargs) -> R:
            profile.disable()
            return send(*args, **kwargs)

        return end

    with contextlib.ExitStack() as patches:
        for name in ("write", "writelines"):
            send = getattr(_TRANSPORT, name)
            patches.enter_context(mock.patch.object(_TRANSPORT, name, ending(send)))
        for turn in range(count):
            profile.enable()
            await act(turn)
            profile.disable()
    found = dict.fromkeys(GROUPS, 0.0)
    # `Stats` makes it, typeshed does not know it.
    functions: dict[_Function, _Times] = vars(pstats.Stats(profile))["stats"]
    for function, (*_, own, _total, callers) in functions.items():
        if function[0] != _BUILT_IN:
            found[_group(function)] += own
            continue
        # What is written in C is on the account of who calls it.
        for caller, (*_, part, _total) in callers.items():
            found[_group(caller)] += part
    return {group: seconds / count for group, seconds in found.items()}


def _group(function: _Function) -> str:
    return next(
        (
            group
            for group, parts in _PARTS.items()
            if any(part in function[0] for part in parts)
        ),
        GROUPS[-1],
    )


def as_text(found: dict[str, float]) -> str:
    """Return the groups in milliseconds."""
    return " / ".join(f"{found[group] * 1000:.2f}" for group in GROUPS) + " ms"


def gap_as_text(ours: dict[str, float], theirs: dict[str, float]) -> str:
    """Return how much longer ours takes, in milliseconds, and what each group has of it."""
    gap = {group: (ours[group] - theirs[group]) * 1000 for group in GROUPS}
    parts = sorted(gap, key=lambda group: gap[group], reverse=True)
    return (
        f"{sum(gap.values()):.2f} ms ("
        + ", ".join(f"{group} {gap[group]:.2f}" for group in parts)
        + ")"
    )


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of garbage: its generation, and from when to when (s since the epoch)."""

    generation: int
    began: float
    ended: float

    def meets(self, first: float, last: float) -> bool:
        """Tell whether it has a moment in common with the time between two."""
        return self.began <= last and first <= self.ended


@contextlib.contextmanager
def collections_timed() -> Iterator[list[Collection]]:
    """Note Python's collections of generation 1 and 2 as they end.

    The youngest generation is left aside: its collections are many and short.
    """
    found: list[Collection] = []
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.time()
        elif info["generation"]:
            found.append(Collection(info["generation"], began, time.time()))

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)


def collections_as_text(found: Iterable[Collection]) -> str:
    """Return how many there were of each generation, and how long the longest of each took."""
    times: dict[int, list[float]] = {1: [], 2: []}
    for each in found:
        times[each.generation].append(each.ended - each.began)
    return "; ".join(
        f"generation {generation}: {len(taken)}"
        + (f", longest {max(taken) * 1000:.0f} ms" if taken else "")
        for generation, taken in times.items()
    )
