"""Changes that take effect later: due ones are applied when the next request comes.

No timers: whoever looks sees what a timer would have done, in the order in which it was due.
"""

from __future__ import annotations

import heapq
import itertools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changes: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()  # equal times keep the order in which they were asked for

    def after(self, seconds: float, change: Callable[[], None]) -> None:
        """Apply ``change`` once ``seconds`` have passed."""
        heapq.heappush(self._changes, (self._clock() + seconds, next(self._order), change))

    def settle(self) -> None:
        """Apply every change that is due."""
        while self._changes and self._changes[0][0] <= self._clock():
            heapq.heappop(self._changes)[2]()
