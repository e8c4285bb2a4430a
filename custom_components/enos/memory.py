"""What has to survive a restart: acknowledged values, open commands, the lock on writing."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store

from .api.models import JsonValue, Reading
from .batches import PointKey
from .const import DOMAIN, LOGGER
from .coordinator import EnosCoordinator
from .knowledge import Mask
from .records import Record

_VERSION: Final = 1
_SAVE_DELAY: Final = 1.0

type Stored = dict[str, Any]


async def to_its_end(
    hass: HomeAssistant, work: Coroutine[Any, Any, None], name: str
) -> None:
    """Do something to its end, also where who asked for it goes away meanwhile."""
    task = hass.async_create_task(work, name)
    # Nobody may be left to hear of a failure; that is not an error of its own.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait((task,))
    task.result()


def can_be_kept(value: JsonValue) -> bool:
    """Tell whether a value can be on disk; one that cannot would keep all others from it."""
    try:
        json_bytes(value)
    except TypeError:
        # A number beyond 64 bits, half a character.
        return False
    return True


class Memory:
    """Keeps on disk what an account must not forget.

    What to keep is asked of `content` when it is time to write.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file. It is replaced as a whole: a kill leaves the old or the new one."""
        self._hass = hass
        self._store: Store[Stored] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}", atomic_writes=True
        )
        self._writing = asyncio.Lock()
        self._asked = 0
        self._written = 0
        self._dirty = False
        self._used = False
        self._closed = False
        self.content: Callable[[], Stored] = dict

    async def async_load(self) -> Stored:
        """Return what an earlier run kept."""
        stored = await self._store.async_load()
        return stored if isinstance(stored, dict) else {}

    @callback
    def save_soon(self) -> None:
        """Write within a second, together with what else changes meanwhile."""
        if self._closed:
            return
        self._used = True
        if self._dirty:
            # Asked again, the store would put it off once more.
            return
        self._dirty = True
        self._store.async_delay_save(self._take, _SAVE_DELAY)

    def _take(self) -> Stored:
        self._dirty = False
        return self.content()

    async def async_flush(self) -> None:
        """Return once what is known now stands on disk.

        Many who ask at once share the writes: two hundred commands cost two, not two hundred.
        """
        if self._closed:
            return
        self._used = True
        self._asked += 1
        # What was begun cannot be stopped halfway: it might overtake a later write.
        await to_its_end(self._hass, self._write(self._asked), "EnOS write to disk")

    async def _write(self, ticket: int) -> None:
        """Write, unless somebody else did since the ticket was drawn."""
        async with self._writing:
            if self._written < ticket:
                asked = self._asked
                await self._store.async_save(self._take())
                self._written = asked

    async def async_close(self) -> None:
        """Write now what would be in a moment: the file may be read or removed next.

        Nothing is written after that: the file is the next run's.
        """
        if self._used:
            # Though nothing changed, for a write may be going on.
            await self.async_flush()
        self._closed = True

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


def stored_masks(coordinator: EnosCoordinator) -> list[dict[str, Any]]:
    """Return the acknowledged values that no sample has confirmed yet."""
    return [
        _as_dict(key, state.mask)
        for key, state in coordinator.states.items()
        if state.mask is not None
    ]


def restore_masks(coordinator: EnosCoordinator, stored: Stored) -> None:
    """Hand acknowledged values of an earlier run to the coordinator."""
    for key, mask in _understood(stored, "masks", _from_dict):
        coordinator.restore_mask(key, mask)


def open_commands(stored: Stored) -> list[Record]:
    """Return the commands of an earlier run whose end is not known."""
    return _understood(stored, "commands", Record.from_stored)


def _understood[ItemT](
    stored: Stored, name: str, parse: Callable[[Any], ItemT]
) -> list[ItemT]:
    """Return what a list in the file holds.

    What makes no sense, as after a downgrade, costs nobody the rest.
    """
    listed = stored.get(name) or []
    found: list[ItemT] = []
    lost = 0
    for item in listed if isinstance(listed, list) else [listed]:
        try:
            found.append(parse(item))
        except LookupError, TypeError, ValueError:
            lost += 1
    if lost:
        LOGGER.warning(
            "%s stored %s cannot be understood; they are dropped", lost, name
        )
    return found


def _as_dict(key: PointKey, mask: Mask) -> dict[str, Any]:
    before = mask.before
    return {
        "asset_id": key[0],
        "point_id": key[1],
        "value": mask.value,
        "before": [before.value, before.time] if before else None,
    }


def _from_dict(item: Mapping[str, Any]) -> tuple[PointKey, Mask]:
    before = item["before"]
    return (
        (item["asset_id"], item["point_id"]),
        Mask(item["value"], Reading(*before) if before else None, None),
    )
