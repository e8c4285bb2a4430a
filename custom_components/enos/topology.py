"""Which devices are below which gateway, found out with few requests.

Nothing of it is needed to read or write: whatever goes wrong here stays here.
"""

from collections.abc import Mapping
import time
from typing import Final

from .api.client import EnosClient
from .api.errors import ApiError, EnosError, PermissionDeniedError
from .api.models import Device
from .const import LOGGER

_AGAIN: Final = 3600.0
_DENIED_AGAIN: Final = 24 * 3600.0


class Topology:
    """Knows the gateways among the devices that were brought in, and what is below them.

    `below` holds the asset ids below each gateway that could be asked.
    """

    def __init__(self, client: EnosClient) -> None:
        """Start with nothing known."""
        self._client = client
        self._asked_at: dict[str, float] = {}
        self._due: set[str] = set()
        self._seen: set[str] = set()
        self._begun = False
        self._denied_at: float | None = None
        self.below: dict[str, frozenset[str]] = {}

    def adopt(self, other: Topology) -> None:
        """Take over what an earlier run knew."""
        self._asked_at = dict(other._asked_at)
        self._due = set(other._due)
        self._seen = set(other._seen)
        self._begun = other._begun
        self._denied_at = other._denied_at
        self.below = dict(other.below)

    def gateways(self) -> dict[str, str]:
        """Return the gateway of each device that is known to be below one, by asset id.

        Where two gateways claim a device, the one that was asked last is right.
        """
        return {
            asset_id: gateway
            for gateway in sorted(self.below, key=lambda key: self._asked_at[key])
            for asset_id in self.below[gateway]
        }

    async def async_run(self, devices: Mapping[str, Device]) -> None:
        """Ask gateways: all of them at first, then one a time, where it is time for one.

        Each is asked again after an hour, and all when devices are new or one left its
        gateway. Raises nothing.
        """
        now = time.monotonic()
        gateways = [key for key, device in devices.items() if device.is_gateway]
        self.below = {key: self.below[key] for key in gateways if key in self.below}
        if devices.keys() - self._seen:
            self._due.update(gateways)
        self._seen = set(devices)
        if self._denied_at is not None and now - self._denied_at < _DENIED_AGAIN:
            return
        waiting = sorted(
            (
                key
                for key in gateways
                if key in self._due or now - self._asked_at.get(key, -_AGAIN) >= _AGAIN
            ),
            key=lambda key: self._asked_at.get(key, float("-inf")),
        )
        for gateway in waiting if not self._begun else waiting[:1]:
            self._asked_at[gateway] = time.monotonic()
            self._due.discard(gateway)
            try:
                found = await self._client.sub_devices(gateway)
            except PermissionDeniedError as err:
                LOGGER.debug("Sub-devices cannot be read: %s", err)
                self._denied_at = now
                return
            except ApiError as err:
                LOGGER.debug("EnOS tells nothing of gateway %s: %s", gateway, err)
                continue
            except EnosError as err:
                LOGGER.debug("Sub-devices could not be read: %s", err)
                self._due.add(gateway)
                return
            if self.below.get(gateway, found) - found:
                # What left may be below another one by now.
                self._due.update(key for key in gateways if key != gateway)
            self.below[gateway] = found
        self._begun = True
