"""The metrics of a validation, in CloudWatch of the home Region.

    ReplicationLatency            by TableName, SourceRegion, ReceivingRegion   milliseconds, of the put
    ChecksPassed, ChecksFailed    by TableName

Each pair of metric and dimensions is one that is paid for: N Regions have N * (N - 1) latencies, and two counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.shared.checks import Verdict

    Datum = dict[str, Any]

NAMESPACE = "Meridian/Validation"
LATENCY, PASSED, FAILED = "ReplicationLatency", "ChecksPassed", "ChecksFailed"
# PutMetricData takes 1,000 metrics in 1 MB, and one of ours, with the longest names, takes up to a kilobyte.
MOST_DATA = 500


def calls(verdict: Verdict) -> list[list[Datum]]:
    """MetricData of each PutMetricData to be made. The counts come first, as the alarms are on them."""
    data = [*_counts(verdict), *_latencies(verdict)]
    return [data[start : start + MOST_DATA] for start in range(0, len(data), MOST_DATA)]


def _counts(verdict: Verdict) -> Iterator[Datum]:
    """A validation that broke off has failed, whatever it had checked by then."""
    failed = max(verdict["failed"], 1) if verdict["failure"] else 0
    for name, count in ((PASSED, verdict["passed"]), (FAILED, failed)):
        yield _datum(name, "Count", count, TableName=verdict["table"])


def _latencies(verdict: Verdict) -> Iterator[Datum]:
    """Of the pairs that saw each other in time; a table in one Region has none."""
    for origin, readers in verdict["latency_ms"].items():
        for reader, latency_ms in readers.items():
            if latency_ms is not None and reader != origin:
                pair = {"SourceRegion": origin, "ReceivingRegion": reader}
                yield _datum(LATENCY, "Milliseconds", latency_ms, TableName=verdict["table"], **pair)


def _datum(name: str, unit: str, value: int, **dimensions: str) -> Datum:
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": one} for key, one in dimensions.items()],
        "Unit": unit,
        "Value": value,
    }
