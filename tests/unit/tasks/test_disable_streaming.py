"""DisableStreaming: the table stops sending to its stream, before the stream goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.disable_streaming import disable_streaming
from tests.unit.tasks.scenarios import (
    AWAY,
    STREAM,
    TABLE,
    Scenario,
    busy,
    destinations,
    dynamodb,
    looped,
    no_table,
    play,
    ready,
    refuse,
    stream_arn,
    table,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

DISABLE = "disable_kinesis_streaming_destination"
NOT_ACTIVE = (
    "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE "
    "to perform DISABLE operation."
)

SCENARIOS = [
    Scenario(
        "An ACTIVE destination is switched off",
        looped(),
        [
            table(AWAY),
            destinations(AWAY, ("ACTIVE", STREAM)),
            dynamodb(AWAY, DISABLE, TableName=TABLE, StreamArn=stream_arn(AWAY)),
        ],
        ready("ACTIVE"),
    ),
    *(
        Scenario(
            f"A destination that is {status} is left as it is",
            looped(),
            [table(AWAY), destinations(AWAY, (status, STREAM))],
            ready(status),
        )
        for status in ("DISABLED", "DISABLING", "ENABLE_FAILED")
    ),
    *(
        Scenario(
            f"A destination that is {status} is waited for, because DynamoDB disables an ACTIVE one",
            looped(),
            [table(AWAY), destinations(AWAY, (status, STREAM))],
            busy(f"Kinesis destination of orders ({status})"),
        )
        for status in ("ENABLING", "UPDATING")
    ),
    Scenario(
        "Somebody else's destination is left as it is",
        looped(),
        [table(AWAY), destinations(AWAY, ("ACTIVE", "another"))],
        ready("DISABLED"),
    ),
    Scenario("A table that is gone streams nowhere", looped(), [no_table(AWAY)], ready("DISABLED")),
    Scenario(
        "A replica that is still CREATING streams nowhere",
        looped(),
        [table(AWAY, status="CREATING")],
        ready("DISABLED"),
    ),
    Scenario(
        "A destination that another execution switched off since the look is looked at again",
        looped(),
        [
            table(AWAY),
            destinations(AWAY, ("ACTIVE", STREAM)),
            refuse("dynamodb", AWAY, DISABLE, "ValidationException", NOT_ACTIVE),
        ],
        busy(f"its turn to change the Kinesis destination of orders ({NOT_ACTIVE})"),
    ),
    Scenario(
        "A table that another change holds is waited for",
        looped(),
        [
            table(AWAY),
            destinations(AWAY, ("ACTIVE", STREAM)),
            refuse("dynamodb", AWAY, DISABLE, "ResourceInUseException", "Table is being updated"),
        ],
        busy("its turn to change the Kinesis destination of orders (Table is being updated)"),
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        looped(),
        [
            table(AWAY),
            destinations(AWAY, ("ACTIVE", STREAM)),
            refuse("dynamodb", AWAY, DISABLE, "LimitExceededException", "too many"),
        ],
        raises="LimitExceededException",
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_disable_streaming(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(disable_streaming, scenario, aws)
