"""Which write of a load is due when, and who makes it.

Writes are due at equal distances, counted from the beginning, so that waiting adds no drift. A lane makes one visit
(meridian/sample_data.py) after the other, which keeps the writes of an item in order.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from meridian.sample_data import WRITES

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITES_OF_A_LANE = 4  # a second: with their reads, what the far side of the world leaves time for
MOST_LANES = 64  # in a Region; more threads do not make Python faster


class Plan(NamedTuple):
    """The n-th write of all is due n / rate seconds after the beginning, in one Region after the other."""

    rate: int  # writes a second over all Regions
    seconds: int
    regions: list[str]

    @property
    def writes(self) -> int:
        return self.rate * self.seconds

    @property
    def lanes(self) -> int:
        """In each Region."""
        return min(MOST_LANES, ceil(self.rate / len(self.regions) / WRITES_OF_A_LANE))

    @property
    def visits(self) -> int:
        """More do not begin."""
        every = len(self.regions) * self.lanes
        return ceil(self.writes / every / WRITES) * every

    @property
    def places(self) -> list[tuple[int, int]]:
        """Region and number of every lane."""
        return [(region, lane) for lane in range(self.lanes) for region in range(len(self.regions))]

    def steps(self, region: int, lane: int) -> Iterator[Step]:
        """The writes of a lane, in their order."""
        every = self.lanes * len(self.regions)
        for position, number in enumerate(range(region + lane * len(self.regions), self.writes, every)):
            turn, write = divmod(position, WRITES)
            yield Step(number / self.rate, (turn * self.lanes + lane) * len(self.regions) + region, write)


class Step(NamedTuple):
    """A write is due so many seconds after the beginning; it is the ``write``-th of a visit."""

    due: float
    visit: int
    write: int
