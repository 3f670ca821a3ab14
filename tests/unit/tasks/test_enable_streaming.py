"""EnableStreaming: the table sends to its stream, with the precision of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.enable_streaming import enable_streaming
from tests.unit.tasks.scenarios import (
    AWAY,
    REQUEST,
    TABLE,
    Ago,
    Scenario,
    busy,
    destinations,
    dynamodb,
    looped,
    no_stream,
    play,
    ready,
    refuse,
    stream,
    stream_arn,
    table,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

ENABLE, UPDATE = "enable_kinesis_streaming_destination", "update_kinesis_streaming_destination"
NOT_OFF = (
    "Table is not in a valid state to enable Kinesis Streaming Destination: EnableKinesisStreamingDestination must be "
    "DISABLED or ENABLE_FAILED to perform ENABLE operation."
)
MICROSECOND = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}


def looked(*found: Any) -> list[Answer]:
    """The stream is there, and the table has these destinations, which are asked for twice."""
    return [stream(), destinations(AWAY, *found), table(AWAY), destinations(AWAY, *found)]


def entry(status: str, precision: str = "MICROSECOND") -> dict[str, Any]:
    found = {"DestinationStatus": status, "StreamArn": stream_arn(AWAY)}
    return {**found, **({"ApproximateCreationDateTimePrecision": precision} if precision else {})}


ENABLED = dynamodb(
    AWAY, ENABLE, TableName=TABLE, StreamArn=stream_arn(AWAY), EnableKinesisStreamingConfiguration=MICROSECOND
)
UPDATED = dynamodb(
    AWAY, UPDATE, TableName=TABLE, StreamArn=stream_arn(AWAY), UpdateKinesisStreamingConfiguration=MICROSECOND
)

SCENARIOS = [
    Scenario("A table that streams nowhere is switched on", looped(), [*looked(), ENABLED], ready("ENABLING")),
    *(
        Scenario(
            f"A destination that is {status} is switched on again",
            looped(),
            [*looked(entry(status)), ENABLED],
            ready("ENABLING"),
        )
        for status in ("DISABLED", "ENABLE_FAILED")
    ),
    *(
        Scenario(
            f"A destination that is {status} is left as it is",
            looped(),
            looked(entry("ENABLE_FAILED"), entry(status)),
            ready(status),
        )
        for status in ("ENABLING", "ACTIVE", "UPDATING")
    ),
    Scenario(
        "A destination that is being switched off is waited for",
        looped(),
        looked(entry("DISABLING")),
        busy("the older destination of orders (DISABLING)"),
    ),
    Scenario(
        "Another precision is updated",
        looped(),
        [*looked(entry("ACTIVE", "MILLISECOND")), UPDATED],
        ready("ACTIVE"),
    ),
    Scenario("An absent precision is milliseconds", looped(), [*looked(entry("ACTIVE", "")), UPDATED], ready("ACTIVE")),
    Scenario(
        "Somebody else's destination is left as it is, because DynamoDB allows one",
        looped(),
        [stream(), destinations(AWAY, ("ACTIVE", "another"))],
        raises="NotOurs",
        says=[
            f"orders already streams to {stream_arn(AWAY, 'another')} in eu-west-1: DynamoDB allows one Kin",
            "Disable that destination, then start the workflow again with the same input.",
        ],
    ),
    Scenario(
        "Somebody else's destination that was switched off is no obstacle",
        looped(),
        [*looked(("DISABLED", "another")), ENABLED],
        ready("ENABLING"),
    ),
    Scenario(
        "Without a stream there is nothing to send to",
        looped(),
        [no_stream()],
        raises="StreamingFailed",
        says=["The Kinesis stream of orders is gone in eu-west-1. Start the workflow again"],
    ),
    Scenario(
        "Without a wish to stream there is nothing to do",
        looped(request={**REQUEST, "kinesis": None}),
        [stream()],
        raises="StreamingFailed",
    ),
    *(
        Scenario(
            f"What another execution did since the look is looked at again ({code})",
            looped(),
            [*looked(), refuse("dynamodb", AWAY, ENABLE, code, text)],
            busy(f"its turn to change the Kinesis destination of orders ({text})"),
        )
        for code, text in (("ValidationException", NOT_OFF), ("ResourceInUseException", "Table is being updated"))
    ),
    Scenario(
        "A precision that another execution set since the look is looked at again",
        looped(),
        [
            *looked(entry("ACTIVE", "MILLISECOND")),
            refuse("dynamodb", AWAY, UPDATE, "ValidationException", "Precision is already set"),
        ],
        busy("its turn to change the Kinesis destination of orders (Precision is already set)"),
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        looped(),
        [*looked(), refuse("dynamodb", AWAY, ENABLE, "ValidationException", "no such Region")],
        raises="ValidationException",
        says=["no such Region"],
    ),
    Scenario(
        "Waiting for its turn ends with the deadline",
        looped(began=Ago(901), deadline_seconds=900),
        looked(entry("DISABLING")),
        raises="DeadlineExceeded",
        says=["Waited 901 s for the older destination of orders (DISABLING) in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_enable_streaming(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(enable_streaming, scenario, aws)
