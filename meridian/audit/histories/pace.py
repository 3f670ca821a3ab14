"""Keep calls of an API below the rate at which AWS refills an account's bucket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """Lets ``burst`` calls pass at once, and then ``rate`` a second."""

    def __init__(
        self,
        rate: float,
        burst: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._interval, self._ahead = 1 / rate, burst / rate
        self._clock, self._sleep = clock, sleep
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until another call may be made."""
        now = self._clock()
        self._next = max(self._next, now - self._ahead) + self._interval
        if self._next > now:
            self._sleep(self._next - now)
