"""How long calls took, and which of them failed."""

from __future__ import annotations

from array import array
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PERCENTILES = (50, 95, 99)


class Latencies:
    """Of one kind of call in one Region. One thread adds to it; ``merged`` puts those of several together."""

    def __init__(self) -> None:
        self.seconds = array("d")  # of calls that were answered; eight bytes each, for there may be millions
        self.errors: Counter[str] = Counter()  # by AWS's code

    def merged(self, other: Latencies) -> Latencies:
        whole = Latencies()
        whole.seconds = self.seconds + other.seconds
        whole.errors = self.errors + other.errors
        return whole

    def as_json(self) -> dict[str, Any]:
        """Milliseconds; ``null`` where no call was answered."""
        ordered = sorted(self.seconds)
        average = sum(ordered) / len(ordered) if ordered else None
        return {
            "count": len(ordered),
            "average_ms": _milliseconds(average),
            **{f"p{percent}_ms": _milliseconds(percentile(ordered, percent)) for percent in PERCENTILES},
            "errors": dict(sorted(self.errors.items())),
        }


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Nearest rank: the smallest value that at least ``percent`` per cent of the values do not exceed."""
    return ordered[ceil(len(ordered) * percent / 100) - 1] if ordered else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
