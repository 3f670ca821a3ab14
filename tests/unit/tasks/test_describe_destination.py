"""DescribeDestination: when streaming is on, or off, and when it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.describe_destination import STALE_SECONDS, describe_destination
from tests.unit.tasks.scenarios import (
    AWAY,
    STREAM,
    Ago,
    Scenario,
    busy,
    destinations,
    looped,
    no_table,
    play,
    ready,
    stream_arn,
    table,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

ON: dict[str, Any] = {"wanted": "ACTIVE"}
OFF: dict[str, Any] = {"wanted": "DISABLED"}
FAILED = {
    "DestinationStatus": "ENABLE_FAILED",
    "StreamArn": stream_arn(AWAY),
    "DestinationStatusDescription": "The role may not write to the stream.",
}

SCENARIOS = [
    Scenario("Streaming is on", looped(**ON), [table(AWAY), destinations(AWAY, ("ACTIVE", STREAM))], ready("ACTIVE")),
    *(
        Scenario(
            f"A destination that is {status} is waited for",
            looped(**ON),
            [table(AWAY), destinations(AWAY, (status, STREAM))],
            busy(f"Kinesis destination of orders ({status})"),
        )
        for status in ("ENABLING", "UPDATING")
    ),
    Scenario(
        "A destination that does not show yet is waited for",
        looped(**ON),
        [table(AWAY), destinations(AWAY)],
        busy("Kinesis destination of orders (DISABLED)"),
    ),
    Scenario(
        "A stream of another name is not ours",
        looped(**ON),
        [table(AWAY), destinations(AWAY, ("ACTIVE", "another"), ("ACTIVE", f"x-{STREAM}"))],
        busy("Kinesis destination of orders (DISABLED)"),
    ),
    Scenario(
        "A failure is told with DynamoDB's reason",
        looped(**ON, began=Ago(STALE_SECONDS + 1)),
        [table(AWAY), destinations(AWAY, FAILED)],
        raises="StreamingFailed",
        says=[
            "Streaming orders to Kinesis is ENABLE_FAILED in eu-west-1: The role may not write to the stream. Start ",
            "A redrive would only look again.",
        ],
    ),
    Scenario(
        "The failure of an earlier try is not taken for the new one",
        looped(**ON, began=Ago(STALE_SECONDS - 9)),
        [table(AWAY), destinations(AWAY, FAILED)],
        busy("Kinesis destination of orders (ENABLE_FAILED)"),
    ),
    Scenario(
        "A failure that lingers beside a new try does not count",
        looped(**ON, began=Ago(3_600)),
        [table(AWAY), destinations(AWAY, FAILED, ("ENABLING", STREAM))],
        busy("Kinesis destination of orders (ENABLING)"),
    ),
    Scenario(
        "A failure that lingers beside a new success does not count",
        looped(**ON, began=Ago(3_600)),
        [table(AWAY), destinations(AWAY, FAILED, ("ACTIVE", STREAM))],
        ready("ACTIVE"),
    ),
    Scenario(
        "A new failure is told, though an older destination that was switched off lingers before it",
        looped(**ON, began=Ago(STALE_SECONDS + 1)),
        [table(AWAY), destinations(AWAY, ("DISABLED", STREAM), FAILED)],
        raises="StreamingFailed",
        says=["The role may not write to the stream."],
    ),
    Scenario(
        "Streaming is off", looped(**OFF), [table(AWAY), destinations(AWAY, ("DISABLED", STREAM))], ready("DISABLED")
    ),
    Scenario("What was never on is off", looped(**OFF), [table(AWAY), destinations(AWAY)], ready("DISABLED")),
    Scenario("What failed is off", looped(**OFF), [table(AWAY), destinations(AWAY, FAILED)], ready("ENABLE_FAILED")),
    Scenario("A table that is gone streams nowhere", looped(**OFF), [no_table(AWAY)], ready("DISABLED")),
    Scenario(
        "A replica that is being made or going answers DescribeTable only, and streams nowhere",
        looped(**OFF),
        [table(AWAY, status="CREATING")],
        ready("DISABLED"),
    ),
    Scenario(
        "A destination that is being switched off is waited for",
        looped(**OFF),
        [table(AWAY), destinations(AWAY, ("DISABLED", STREAM), ("DISABLING", STREAM))],
        busy("Kinesis destination of orders (DISABLING)"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_describe_destination(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(describe_destination, scenario, aws)
