"""What a change adds to CloudWatch metrics, filled into as few PutMetricData calls as its limits allow.

Values stay exact until a call is made: equal ones are counted together, and become floats, which is what CloudWatch
takes, only in its parameters. Times are cut to the minute, which is all that a metric of standard resolution keeps.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

# API Reference, PutMetricData: 1,000 metrics, 1 MB, and 150 values a metric.
MOST_DATA, MOST_BYTES, MOST_VALUES = 1_000, 1_048_576, 150
# API Reference, PutMetricData and MetricDatum. Some minutes are left for clocks that differ and for the way there.
OLDEST, NEWEST, MARGIN = timedelta(days=14), timedelta(hours=2), timedelta(minutes=5)
GREATEST_VALUE = Decimal(2) ** 360

# No more than a datum or one of its values takes in the widest of the API's protocols, query. Names and values of
# dimensions come on top: a character of them is four bytes at the most, and each of these three characters in a form.
ENVELOPE_BYTES, DATUM_BYTES, VALUE_BYTES, CHARACTER_BYTES = 1_024, 512, 160, 12


class Series(NamedTuple):
    """What CloudWatch adds up: a metric, its dimensions, its unit, and a minute."""

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: datetime


class Point(NamedTuple):
    series: Series
    value: Decimal


class Counting(NamedTuple):
    """All that one change adds. ``place`` is that of its record in the batch; ``identity`` the change's own id."""

    place: int
    identity: str
    namespace: str
    points: tuple[Point, ...]


def minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def takes_time(time: datetime, now: datetime) -> bool:
    """Whether CloudWatch takes data of that time."""
    return now - OLDEST + MARGIN <= minute(time) <= now + NEWEST - MARGIN


def takes_value(value: Decimal) -> bool:
    return abs(value) <= GREATEST_VALUE


class Call:
    """One PutMetricData to be made. A change is counted in one call only, so that a call is all or nothing to it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.countings: list[Counting] = []
        self._series: dict[Series, Counter[Decimal]] = {}
        self._data, self._bytes = 0, ENVELOPE_BYTES

    def takes(self, counting: Counting) -> bool:
        """Whether there is room, even if nothing of it adds to what is there."""
        added = sum(_bytes(point.series) + VALUE_BYTES for point in counting.points)
        return self._data + len(counting.points) <= MOST_DATA and self._bytes + added <= MOST_BYTES

    def add(self, counting: Counting) -> None:
        self.countings.append(counting)
        for series, value in counting.points:
            counts = self._series.setdefault(series, Counter())
            if value not in counts:
                self._bytes += VALUE_BYTES
                if len(counts) % MOST_VALUES == 0:
                    self._data += 1
                    self._bytes += _bytes(series)
            counts[value] += 1

    def parameters(self) -> dict[str, Any]:
        """Of PutMetricData."""
        data = [datum for series, counts in self._series.items() for datum in _data(series, counts)]
        return {"Namespace": self.namespace, "MetricData": data}


def calls(countings: Iterable[Counting]) -> list[Call]:
    """All of ``countings`` in calls, each filled before the next is begun; a namespace has its own."""
    made: list[Call] = []
    filling: dict[str, Call] = {}
    for counting in countings:
        call = filling.get(counting.namespace)
        if call is None or not call.takes(counting):
            call = filling[counting.namespace] = Call(counting.namespace)
            made.append(call)
        call.add(counting)
    return made


def _bytes(series: Series) -> int:
    """Of one datum, without its values."""
    texts = [series.metric, *(text for dimension in series.dimensions for text in dimension)]
    return DATUM_BYTES + CHARACTER_BYTES * sum(map(len, texts))


def _data(series: Series, counts: Counter[Decimal]) -> Iterator[dict[str, Any]]:
    values = list(counts)
    for start in range(0, len(values), MOST_VALUES):
        some = values[start : start + MOST_VALUES]
        yield {
            "MetricName": series.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
            "Timestamp": series.minute,
            "Unit": series.unit,
            "Values": [float(value) for value in some],
            "Counts": [float(counts[value]) for value in some],
        }
