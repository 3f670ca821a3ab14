"""Kinesis to CloudWatch: what the rules of the request count, in the request's namespace, at each change's own time.

A change counts once, however often its record comes: twice in a batch, again after a failure, after a cold start, or
out of the failure bucket. ``processors/shared/counted.py`` says how, and which crash window is left. The order in which
records come does not matter. Calls that CloudWatch refuses are made again, and only these, while there is time.

A change that CloudWatch takes no data of, being older than two weeks or hours in the future, is no failure, since no
retry would help: it counts in the metric DroppedRecords, and its sequence number is logged.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from processors.shared import batches, logs, metrics, values
from processors.shared.clients import client
from processors.shared.config import config
from processors.shared.counted import Counted, Taken, Throttled
from processors.shared.metrics import Call, Counting, Point, Series
from processors.shared.rules import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from processors.shared.config import Config, MetricRule
    from processors.shared.records import Change

NAMESPACE = "Meridian/Processors"
PROBES, DROPPED = "Probes", "DroppedRecords"
MOST_DROPPED_NAMED = 20

SERVICE_FAULT = "InternalServiceFault"  # CloudWatch's own name; it stands for every answer of 500 and more
PASSING = (
    SERVICE_FAULT,
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "EndpointConnectionError",
    "ConnectionClosedError",
)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
RESERVE_SECONDS = 10.0  # for one more call, its two writes and the answer; the function's timeout is well above it
FAULTS = (ClientError, BotoCoreError, Taken, Throttled)


@cache
def cloudwatch() -> Any:
    """One try a call: a second one is made only where ``counted`` knows of it."""
    return client("cloudwatch", attempts=1)


@cache
def counted() -> Counted:
    return Counted(client("dynamodb"), os.environ["DEDUPLICATION_TABLE"])


def analytics(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Count what the batch says, up to its first malformed record, and answer the first that is not counted."""
    batch = batches.read(event, config())

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1_000 - RESERVE_SECONDS

    countings = _once(batch.changes, config())
    outcome = _count(countings, remaining)
    malformed = batch.malformed.sequence if batch.malformed else None
    failed = malformed if outcome.place is None else batch.changes[outcome.place].sequence
    logs.report(
        "analytics",
        records=batch.records,
        failed=failed,
        reason=batch.malformed if outcome.place is None else outcome.reason,
        counted=outcome.counted,
        duplicates=outcome.duplicates,
    )
    return batches.answer(event, failed)


class Outcome(NamedTuple):
    """``place`` is that of the first record that is not counted, and ``reason`` an error's name."""

    counted: int
    duplicates: int
    place: int | None
    reason: str | None


def _once(changes: Sequence[Change], document: Config) -> list[Counting]:
    """What there is to count, each change at its first place."""
    now = datetime.now(UTC)
    found: dict[str, Counting] = {}
    dropped: list[str] = []
    for place, change in enumerate(changes):
        namespace, points = _points(change, document)
        if points and not metrics.takes_time(change.time, now):
            dropped.append(change.sequence)
            namespace, points = NAMESPACE, [_of_table(DROPPED, document, now)]
        if points:
            found.setdefault(change.event_id, Counting(place, change.event_id, namespace, tuple(points)))
    if dropped:
        extra = {"dropped": len(dropped), "sequences": dropped[:MOST_DROPPED_NAMED]}
        logs.logger().warning("CloudWatch takes no data of that time", extra=extra)
    return list(found.values())


def _points(change: Change, document: Config) -> tuple[str, list[Point]]:
    """Namespace and points of one change. A validation's probe meets no rule."""
    if change.probe:
        return NAMESPACE, [_of_table(PROBES, document, change.time)]
    processor = document["processors"]["analytics"]
    if not processor:
        return NAMESPACE, []
    return processor["namespace"], list(_by_rules(change, processor["rules"]))


def _of_table(metric: str, document: Config, at: datetime) -> Point:
    return Point(Series(metric, (("Table", document["table"]),), "Count", metrics.minute(at)), Decimal(1))


def _by_rules(change: Change, rules: Sequence[MetricRule]) -> Iterator[Point]:
    for rule in rules:
        value = value_of(change, rule) if matches(change, rule) else None
        if value is not None and metrics.takes_value(value):
            dimensions = tuple(sorted(rule["dimensions"].items()))
            yield Point(Series(rule["metric"], dimensions, rule["unit"], metrics.minute(change.time)), value)


def value_of(change: Change, rule: MetricRule) -> Decimal | None:
    """By how much a matching change adds to the rule's metric; None where the attribute holds no number."""
    name = rule["attribute"]
    if rule["value"] == "COUNT" or name is None:
        return Decimal(1)
    if rule["value"] == "ATTRIBUTE":
        return values.number(change.item.get(name))
    before, after = (values.number((image or {}).get(name)) for image in (change.old, change.new))
    return None if before is None or after is None else values.EXACT.subtract(after, before).copy_abs()


def _count(countings: Sequence[Counting], remaining: Callable[[], float]) -> Outcome:
    """Bring to CloudWatch what is not counted yet."""
    if not countings:
        return Outcome(0, 0, None, None)
    try:
        marks = counted().look([counting.identity for counting in countings], remaining)
    except FAULTS as error:
        return Outcome(0, 0, countings[0].place, _name(error))
    todo = [counting for counting in countings if counting.identity in marks.free]
    refused = _put(metrics.calls(todo), marks.free, remaining)
    left = {counting.place: reason for call, reason in refused for counting in call.countings}
    busy = {counting.place: Taken.__name__ for counting in countings if counting.identity in marks.busy}
    place = min({**left, **busy}, default=None)
    reason = None if place is None else {**left, **busy}[place]
    return Outcome(len(todo) - len(left), len(marks.counted), place, reason)


def _put(calls: list[Call], free: dict[str, str], remaining: Callable[[], float]) -> list[tuple[Call, str]]:
    """Make every call, and those that are refused in passing again; gives those that stay refused, with the reason."""
    claims: dict[Call, str] = {}
    refused: list[tuple[Call, str]] = []
    for call in calls:
        try:
            claims[call] = counted().claim({one.identity: free[one.identity] for one in call.countings})
        except FAULTS as error:
            refused.append((call, _name(error)))
    waiting, pause = list(claims), FIRST_PAUSE_SECONDS
    while waiting:
        reasons = {call: reason for call in waiting if (reason := _refusal(call, claims[call], remaining))}
        waiting = [call for call, reason in reasons.items() if reason in PASSING and remaining() > pause]
        given_up = [(call, reason) for call, reason in reasons.items() if call not in waiting]
        for call, _ in given_up:
            with suppress(*FAULTS):  # whoever comes next abandons it, after a while
                counted().abandon(claims[call])
        refused += given_up
        if waiting:
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # spreads the shards' tries
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    return refused


def _refusal(call: Call, claim: str, remaining: Callable[[], float]) -> str | None:
    """Make a call; an error's name unless CloudWatch has the data."""
    if remaining() < 0:
        return "OutOfTime"
    try:
        counted().sending(claim)
        cloudwatch().put_metric_data(**call.parameters())
    except FAULTS as error:
        return _name(error)
    try:
        counted().done(claim)
    except FAULTS as error:  # counted all the same; only another copy of these records would count again
        logs.logger().warning("A claim could not be marked as done", extra={"reason": _name(error)})
    return None


def _name(error: Exception) -> str:
    """What tells passing from lasting. Messages are left alone: they may quote a value."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    failed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    return SERVICE_FAULT if failed else str(error.response.get("Error", {}).get("Code"))
