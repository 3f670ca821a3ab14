"""DeleteStream: a stream of ours goes, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.delete_stream import delete_stream
from tests.unit.tasks.scenarios import (
    AWAY,
    STREAM,
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

SCENARIOS = [
    Scenario(
        "A stream of ours goes, with the consumers that were registered on it",
        looped(),
        [stream(), stream_tags(), kinesis(AWAY, "delete_stream", StreamName=STREAM, EnforceConsumerDeletion=True)],
        ready("ACTIVE"),
    ),
    Scenario("A stream that is gone is left as it is", looped(), [no_stream()], ready("GONE")),
    Scenario(
        "A stream that is going is left as it is",
        looped(),
        [stream(status="DELETING"), stream_tags()],
        ready("DELETING"),
    ),
    *(
        Scenario(
            f"A stream that is {status} is waited for, because Kinesis deletes an ACTIVE one",
            looped(),
            [stream(status=status), stream_tags()],
            busy(f"stream of orders ({status})"),
        )
        for status in ("CREATING", "UPDATING")
    ),
    Scenario(
        "A stream without our tag is left as it is",
        looped(),
        [stream(), stream_tags(team="MARKED")],
        raises="NotOurs",
        says=[f"A Kinesis stream named {STREAM} exists in eu-west-1"],
    ),
    Scenario(
        "A stream that another execution deleted since the look is gone",
        looped(),
        [stream(), stream_tags(), refuse("kinesis", AWAY, "delete_stream", "ResourceNotFoundException")],
        ready("GONE"),
    ),
    Scenario(
        "A stream that went between two looks is gone",
        looped(),
        [stream(), refuse("kinesis", AWAY, "list_tags_for_stream", "ResourceNotFoundException")],
        ready("GONE"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_stream(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_stream, scenario, aws)
