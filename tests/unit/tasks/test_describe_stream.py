"""DescribeStream: when a stream is there, or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.describe_stream import describe_stream
from tests.unit.tasks.scenarios import Ago, Scenario, busy, looped, no_stream, play, ready, stream

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

ACTIVE: dict[str, Any] = {"wanted": "ACTIVE"}
GONE: dict[str, Any] = {"wanted": "GONE"}

SCENARIOS = [
    Scenario("A stream is ready when it is ACTIVE", looped(**ACTIVE), [stream()], ready("ACTIVE")),
    Scenario(
        "A stream that is being made is waited for",
        looped(**ACTIVE),
        [stream(status="CREATING")],
        busy("stream of orders (CREATING)"),
    ),
    Scenario(
        "A stream that does not show yet is waited for",
        looped(**ACTIVE),
        [no_stream()],
        busy("stream of orders (GONE)"),
    ),
    Scenario("A stream is gone when it is not found", looped(**GONE), [no_stream()], ready("GONE")),
    Scenario(
        "A stream that is going is waited for",
        looped(**GONE),
        [stream(status="DELETING")],
        busy("stream of orders (DELETING)"),
    ),
    Scenario(
        "Waiting ends with the deadline and the last status",
        looped(**ACTIVE, began=Ago(901), deadline_seconds=900),
        [stream(status="UPDATING")],
        raises="DeadlineExceeded",
        says=[
            "Waited 901 s for stream of orders (UPDATING) in eu-west-1: the request allows 900 s. Start the workflow"
        ],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_describe_stream(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(describe_stream, scenario, aws)
