"""What was requested of a gateway, and what failed."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Final

from .errors import EnosError

_KINDS: Final = 50
_OTHER: Final = "other"


class Statistics:
    """Counts each exchange with the gateway; nothing of what was exchanged is kept.

    `errors` counts failures by EnOS's code or HTTP's status, by the error's class where
    neither says anything; kinds beyond the fiftieth are counted together.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        """Start with nothing. `today` tells the local date."""
        self.requests = 0
        self.errors: Counter[str] = Counter()
        self._today = today
        self._day = today()
        self._of_day = 0

    @property
    def requests_today(self) -> int:
        """How many requests were sent since midnight."""
        self._turn_day()
        return self._of_day

    def sent(self) -> None:
        """Count a request."""
        self._turn_day()
        self._of_day += 1
        self.requests += 1

    def failed(self, err: EnosError) -> None:
        """Count a failure."""
        # A reply of HTTP 200 that is none of EnOS's failed for another reason than "200".
        told = err.code is not None and not 200 <= err.code < 300
        kind = str(err.code) if told else type(err).__name__
        if kind not in self.errors and len(self.errors) >= _KINDS - 1:
            kind = _OTHER
        self.errors[kind] += 1

    def _turn_day(self) -> None:
        """Begin anew where the day is another."""
        today = self._today()
        if today != self._day:
            self._day, self._of_day = today, 0
