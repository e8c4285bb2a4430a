"""Whose code takes the time: a profile by where the functions are from."""

from asyncio import selector_events
from collections.abc import Awaitable, Callable
import contextlib
import cProfile
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
