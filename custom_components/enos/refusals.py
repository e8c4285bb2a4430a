"""How often in a row a new token was refused, too."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .api.errors import TokenRefusedError
from .const import DOMAIN
from .exceptions import clock_wrong

_IN_A_ROW: Final = 3

# By entry.
_COUNTS: HassKey[dict[str, int]] = HassKey(f"{DOMAIN}_tokens_refused")


class Refusals:
    """Tells when new keys are worth a question: the third time that no clock explains.

    A set-up that is tried again begins with a new coordinator, so the count lives outside of it.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Go on counting where an earlier set-up ended."""
        self._counts = hass.data.setdefault(_COUNTS, {})
        self._entry_id = entry_id

    def for_good(self, err: TokenRefusedError, *, first: bool) -> bool:
        """Count a refusal and tell whether to ask for new keys.

        `first` tells that nothing was read so far.
        """
        if clock_wrong(err):
            self.forget()
            return False
        count = self._counts.get(self._entry_id, 0) + 1
        self._counts[self._entry_id] = count
        if count < _IN_A_ROW:
            return False
        if first:
            # Nothing is tried again until a person entered keys; they get as many chances.
            self.forget()
        return True

    def forget(self) -> None:
        """Begin to count anew."""
        self._counts.pop(self._entry_id, None)
