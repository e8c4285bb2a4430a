"""What has to survive a restart: values that were acknowledged and not yet read back."""

from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .api.models import Reading
from .batches import PointKey
from .const import DOMAIN
from .coordinator import EnosCoordinator
from .knowledge import Mask

_VERSION: Final = 1
_SAVE_DELAY: Final = 1.0

type _Stored = dict[str, list[dict[str, Any]]]


class Memory:
    """Keeps the acknowledged values of an account on disk."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file."""
        self._store: Store[_Stored] = Store(hass, _VERSION, f"{DOMAIN}.{entry_id}")
        self._unsaved: EnosCoordinator | None = None

    async def async_restore(self, coordinator: EnosCoordinator) -> None:
        """Hand the stored values to the coordinator."""
        stored = await self._store.async_load()
        for item in stored["masks"] if stored else ():
            before = item["before"]
            coordinator.restore_mask(
                (item["asset_id"], item["point_id"]),
                Mask(item["value"], Reading(*before) if before else None, None),
            )

    @callback
    def watch(self, coordinator: EnosCoordinator) -> None:
        """Save from now on whenever an acknowledged value comes or goes."""

        @callback
        def content() -> _Stored:
            self._unsaved = None
            return _masks(coordinator)

        @callback
        def save_soon() -> None:
            self._unsaved = coordinator
            self._store.async_delay_save(content, _SAVE_DELAY)

        coordinator.on_masked = save_soon

    async def async_close(self) -> None:
        """Save now what would be saved in a moment: the file may be read or removed next."""
        if self._unsaved is not None:
            coordinator, self._unsaved = self._unsaved, None
            await self._store.async_save(_masks(coordinator))

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


def _masks(coordinator: EnosCoordinator) -> _Stored:
    return {
        "masks": [
            _as_dict(key, state.mask)
            for key, state in coordinator.states.items()
            if state.mask is not None
        ]
    }


def _as_dict(key: PointKey, mask: Mask) -> dict[str, Any]:
    before = mask.before
    return {
        "asset_id": key[0],
        "point_id": key[1],
        "value": mask.value,
        "before": [before.value, before.time] if before else None,
    }
