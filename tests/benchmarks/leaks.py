"""What is alive: tasks, timers, listeners, objects of ours, by what they are."""

import asyncio
from collections import Counter
from functools import _lru_cache_wrapper, partial
import gc
import itertools
from operator import attrgetter
import time
from typing import Any, Final
import weakref

from homeassistant.core import HassJob, HomeAssistant
from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR
from homeassistant.helpers.storage import Store

from custom_components.enos.const import DOMAIN
from custom_components.enos.coordinator import EnosCoordinator

_SETTLED_WITHIN: Final = 30.0
_OURS: Final = f"custom_components.{DOMAIN}."

type Alive = dict[str, Counter[str]]
"""Tasks, timers, listeners and objects of ours, by what they are."""


def _what(target: object) -> str:
    """Say what a callback is."""
    if isinstance(target, HassJob):
        return _what(target.target)
    if isinstance(target, partial):
        return _what(target.func)
    if (once := getattr(target, "listener_job", None)) is not None:
        return _what(once)
    owner = getattr(target, "__self__", None)
    of = f" {owner.key}" if isinstance(owner, Store) else ""
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}.{attrgetter('__qualname__')(named)}{of}"


def _task(task: asyncio.Task[Any]) -> str:
    """Say what a task is: by its name where it was given one."""
    name = task.get_name()
    coroutine = attrgetter("__qualname__")(task.get_coro())
    return coroutine if name.startswith("Task-") else name


def timers(hass: HomeAssistant) -> Counter[str]:
    """Return the timers that are still to go off."""
    shared = list(hass.data.get(DATA_CONNECTOR, {}).values())
    found: Counter[str] = Counter()
    for handle in vars(hass.loop)["_scheduled"]:
        if handle.cancelled():
            continue
        callback, arguments = attrgetter("_callback", "_args")(handle)
        jobs = [_what(each) for each in arguments or () if isinstance(each, HassJob)]
        for each in itertools.chain.from_iterable(
            each for each in arguments or () if isinstance(each, tuple)
        ):
            if isinstance(each, weakref.ref):
                mine = any(each() is one for one in shared)
                jobs.append("Home Assistant's own" if mine else _what(each()))
        found[" ".join([_what(callback), *jobs])] += 1
    return found


def _is_passing(what: str) -> bool:
    """Tell whether it closes idle connections of Home Assistant's own sessions."""
    return what.endswith("Home Assistant's own")


def _empty_caches() -> None:
    """Empty our caches that have a limit; what one without a limit holds is no different."""
    for each in gc.get_objects():
        if isinstance(each, _lru_cache_wrapper) and each.__module__.startswith(_OURS):
            if each.cache_parameters()["maxsize"] is not None:
                each.cache_clear()


def alive(hass: HomeAssistant) -> Alive:
    """Return what is alive of the event loop, of Home Assistant, and of the integration."""
    _empty_caches()
    gc.collect()
    ours = (type(each) for each in gc.get_objects())
    return {
        "tasks": Counter(map(_task, asyncio.all_tasks())),
        "timers": timers(hass),
        "bus listeners": Counter(
            f"{event}: {_what(job)}"
            for event, listeners in hass.bus._listeners.items()
            for job, _filter in listeners
        ),
        # The module of a few types is no text.
        "objects": Counter(
            f"{each.__module__}.{each.__qualname__}"
            for each in ours
            if f"{each.__module__}.".startswith(_OURS)
        ),
    }


def left_of(before: Alive, after: Alive) -> Alive:
    """Return what there is more of than before, but for what comes and goes by itself."""
    return {
        kind: Counter(
            {
                what: count
                for what, count in (after[kind] - before[kind]).items()
                if not _is_passing(what)
            }
        )
        for kind in before
    }


async def settled(hass: HomeAssistant, before: Alive) -> Alive:
    """Return what is left once nothing more goes by itself, after some seconds at the latest."""
    until = time.monotonic() + _SETTLED_WITHIN
    while True:
        left = left_of(before, alive(hass))
        if not any(left.values()) or time.monotonic() > until:
            return left
        await asyncio.sleep(0.5)


def holders() -> list[str]:
    """Say what holds the coordinators that should be gone, other than parts of themselves."""
    there = [each for each in gc.get_objects() if isinstance(each, EnosCoordinator)]
    found: list[str] = []
    # By their place: a name for one of them would hold it as well.
    for number in range(len(there)):
        for holder in gc.get_referrers(there[number]):
            kind = type(holder)
            if holder is not there and not f"{kind.__module__}.".startswith(_OURS):
                found.append(
                    f"{kind.__module__}.{kind.__qualname__}: {str(holder)[:120]}"
                )
    return found
