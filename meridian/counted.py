"""What is there of a load in one Region: metrics in CloudWatch, records in Kinesis, and the events that were seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meridian import expectations
from meridian.sample_data import MARKER
from tasks.shared import names, shards

if TYPE_CHECKING:
    from collections import Counter

    from meridian.expectations import Series
    from meridian.session import Session
    from tasks.shared.request import Request

CLOCKS_APART_SECONDS = 10
CENT = Decimal("0.01")  # CloudWatch adds floats


class Counted(NamedTuple):
    """What there is, or must be, of the load in one Region. ``records`` are those in its Kinesis stream."""

    kinds: Counter[tuple[str, str]]  # events by source and detail type
    metrics: dict[Series, Decimal]
    records: int

    def reaches(self, wanted: Counted) -> bool:
        """All of it is there, and perhaps more."""
        return (
            self.kinds >= wanted.kinds
            and all(self.metrics[series] >= value - CENT for series, value in wanted.metrics.items())
            and self.records >= wanted.records
        )

    def matches(self, wanted: Counted) -> bool:
        """All of it is there, and no more, but that a record may come twice."""
        metrics = all(abs(self.metrics[series] - value) < CENT for series, value in wanted.metrics.items())
        return self.kinds == wanted.kinds and metrics and self.records >= wanted.records


def metrics(session: Session, request: Request, region: str, began: datetime) -> dict[Series, Decimal]:
    """Sum of each of the request's metrics since a minute before the load."""
    processor = request["processors"]["analytics"]
    cloudwatch, sums = session.cloudwatch(region), {}
    for series in expectations.metrics(request, ()):
        points = cloudwatch.get_metric_statistics(
            Namespace=processor["namespace"] if processor else "",
            MetricName=series.metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in series.dimensions],
            StartTime=began.replace(second=0, microsecond=0) - timedelta(minutes=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=2),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        sums[series] = sum((Decimal(repr(point["Sum"])) for point in points), Decimal(0))
    return sums


def records(session: Session, request: Request, region: str, began: datetime, run: str) -> int:
    """How many changes of the load's items lie in the Region's Kinesis stream, in all its shards."""
    if not request["kinesis"]:
        return 0
    kinesis, stream = session.kinesis(region), names.stream(request["table"])
    since = shards.milliseconds(began - timedelta(seconds=CLOCKS_APART_SECONDS))
    found: set[tuple[str, str]] = set()  # Kinesis numbers the records of each shard by itself
    for shard in shards.listed(kinesis, stream, since):
        begun, reached = 0, since
        while reached > begun:  # where the shard's readers leave it no room, the next look reads on
            begun = reached
            read, tip = shards.read(kinesis, stream, shard, begun, MARKER.encode())
            reached = tip or begun
            found.update((shard, record["SequenceNumber"]) for record in read if _of_run(record["Data"], run))
    return len(found)


def _of_run(data: bytes, run: str) -> bool:
    change = json.loads(data)["dynamodb"]
    item = change.get("NewImage") or change.get("OldImage") or {}
    return bool(item.get(MARKER) == {"S": run})
