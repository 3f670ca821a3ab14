"""The time axis of a timeline: where a moment lies on it, and where its ticks are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meridian.audit.words import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds between two ticks: what people count time in.
INTERVALS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(count * MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * HOUR for count in (1, 2, 4, 8, 12)),
    *(count * DAY for count in (1, 2, 7, 14, 28, 91)),
)
MOST_TICKS = 8
SHORTEST_SECONDS = 0.01  # of an axis, so that nothing is divided by zero


@dataclass(frozen=True)
class Tick:
    """``at`` is a place in percent."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """From ``start`` to ``end``, seconds since 1970; ticks count from ``origin``, the start of the whole audit."""

    start: float
    end: float
    origin: float

    @property
    def seconds(self) -> float:
        return max(self.end - self.start, SHORTEST_SECONDS)

    def at(self, when: float) -> float:
        """Give the place of a moment, in percent."""
        return round(min(max((when - self.start) / self.seconds, 0.0), 1.0) * 100, 3)

    def width(self, since: float, until: float) -> float:
        """Give the length of a stretch, in percent."""
        return round(max(self.at(until) - self.at(since), 0.0), 3)

    def ticks(self) -> Iterator[Tick]:
        """Give every tick, the first at or after the start."""
        fitting = (one for one in INTERVALS if self.seconds / one <= MOST_TICKS)
        interval = next(fitting, INTERVALS[-1] * math.ceil(self.seconds / INTERVALS[-1] / MOST_TICKS))
        first = math.ceil((self.start - self.origin) / interval - 1e-6)
        last = math.floor((self.end - self.origin) / interval + 1e-6)
        for number in range(first, last + 1):
            elapsed = number * interval
            yield Tick(self.at(self.origin + elapsed), clock(elapsed, interval))


def clock(elapsed: float, precision: float = 0.1) -> str:
    """Time since the start, as a stop-watch shows it: ``0:42.0``, ``12:05.3``, ``3:12:05``, ``2 d 3:00``."""
    sign, elapsed = ("-", -elapsed) if elapsed < 0 else ("", elapsed)
    digits = 0 if precision >= 1 else 1 if precision >= 0.1 else 2
    days, rest = divmod(round(elapsed, digits), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, seconds = divmod(rest, MINUTE)
    tail = f"{seconds:0{2 + (digits + 1 if digits else 0)}.{digits}f}"
    if days:
        return f"{sign}{days:.0f} d {hours:.0f}:{minutes:02.0f}"
    if hours:
        return f"{sign}{hours:.0f}:{minutes:02.0f}:{seconds:02.0f}"
    return f"{sign}{minutes:.0f}:{tail}"
