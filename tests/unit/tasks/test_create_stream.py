"""CreateStream: the table's stream is asked for once in each Region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.create_stream import create_stream
from tests.unit.tasks.scenarios import (
    AWAY,
    OWNED,
    REQUEST,
    STREAM,
    Ago,
    Scenario,
    busy,
    kinesis,
    looped,
    no_stream,
    play,
    ready,
    refuse,
    stream,
    stream_tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

TAGS = {"team": "MARKED", **OWNED}
ON_DEMAND = {**REQUEST, "tags": {}, "kinesis": {**REQUEST["kinesis"], "stream_mode": "ON_DEMAND"}}
SHARD_QUOTA = "This request would exceed the shard limit for the account 123456789012 in eu-west-1"
SIMULTANEOUSLY = "Number of streams in CREATING state exceeds the limit of 5"

SCENARIOS = [
    Scenario(
        "A missing stream is asked for with its shards and tags",
        looped(),
        [
            no_stream(),
            kinesis(
                AWAY,
                "create_stream",
                StreamName=STREAM,
                StreamModeDetails={"StreamMode": "PROVISIONED"},
                ShardCount=1,
                Tags=TAGS,
            ),
        ],
        ready("CREATING"),
    ),
    Scenario(
        "A stream on demand has no shards to ask for",
        looped(request=ON_DEMAND),
        [
            no_stream(),
            kinesis(
                AWAY,
                "create_stream",
                StreamName=STREAM,
                StreamModeDetails={"StreamMode": "ON_DEMAND"},
                Tags=OWNED,
            ),
        ],
        ready("CREATING"),
    ),
    *(
        Scenario(
            f"A stream that is ours is left as it is ({status})",
            looped(),
            [stream(status=status), stream_tags()],
            ready(status),
        )
        for status in ("CREATING", "ACTIVE", "UPDATING")
    ),
    Scenario(
        "An older stream is waited for until it is gone",
        looped(),
        [stream(status="DELETING"), stream_tags()],
        busy("an older stream of orders (DELETING)"),
    ),
    Scenario(
        "A stream without our tag is left as it is",
        looped(),
        [stream(), stream_tags(team="MARKED")],
        raises="NotOurs",
        says=[
            f"A Kinesis stream named {STREAM} exists in eu-west-1: it lacks the tag meridian:table=orders, so Meridian",
            "It is left as it is. Remove it yourself, then start the workflow again with the same input.",
        ],
    ),
    Scenario(
        "A stream that another execution made a moment ago is looked at again",
        looped(),
        [no_stream(), refuse("kinesis", AWAY, "create_stream", "ResourceInUseException", "already exists")],
        busy("stream of orders (made by another execution)"),
    ),
    Scenario(
        "Too many streams being made keep AWS's name, which the state machine retries",
        looped(),
        [no_stream(), refuse("kinesis", AWAY, "create_stream", "LimitExceededException", SIMULTANEOUSLY)],
        raises="LimitExceededException",
        says=[SIMULTANEOUSLY],
    ),
    Scenario(
        "A quota that never clears by itself stops, and says what to raise",
        looped(),
        [no_stream(), refuse("kinesis", AWAY, "create_stream", "LimitExceededException", SHARD_QUOTA)],
        raises="QuotaExceeded",
        says=[
            f"The stream of orders cannot be made in eu-west-1: {SHARD_QUOTA}. Raise the quota in eu-west-1 (Service",
            "Quotas > Kinesis), then start the workflow again with the same input",
        ],
    ),
    Scenario(
        "Waiting for an older stream ends with the deadline",
        looped(began=Ago(901), deadline_seconds=900),
        [stream(status="DELETING"), stream_tags()],
        raises="DeadlineExceeded",
        says=["Waited 901 s for an older stream of orders (DELETING) in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_stream(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(create_stream, scenario, aws)
