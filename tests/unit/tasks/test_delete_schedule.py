"""DeleteSchedule: the schedule, its group and its queue go, if they are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.delete_schedule import delete_schedule
from tests.unit.tasks.scenarios import HOME, Ago, Scenario, busy, looped, play, ready, refuse
from tests.unit.tasks.scheduled import (
    CONFLICT,
    GROUP,
    MISSING,
    NO_QUEUE,
    QUEUE,
    QUEUE_URL,
    group,
    no_group,
    no_queue,
    queue,
    scheduler,
    sqs,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

SCENARIOS = [
    Scenario(
        "The schedule goes first, so that it starts nothing more, then its group",
        looped(HOME),
        [
            *group(),
            *queue(),
            scheduler("delete_schedule", GroupName=GROUP, Name="validate"),
            scheduler("delete_schedule_group", Name=GROUP),
        ],
        busy("schedule group of orders (DELETING)"),
    ),
    *(
        Scenario(
            f"What another execution deleted or is deleting is left to the next look ({code})",
            looped(HOME),
            [
                *group(),
                *no_queue(),
                refuse("scheduler", HOME, "delete_schedule", code),
                refuse("scheduler", HOME, "delete_schedule_group", code),
            ],
            busy("schedule group of orders (DELETING)"),
        )
        for code in (MISSING, CONFLICT)
    ),
    Scenario(
        "A group that is going is waited for",
        looped(HOME),
        [*group("DELETING"), *queue()],
        busy("schedule group of orders (DELETING)"),
    ),
    Scenario(
        "A group that never goes is not waited for without end",
        looped(HOME, began=Ago(20), deadline_seconds=10),
        [*group("DELETING"), *queue()],
        raises="DeadlineExceeded",
        says=["for schedule group of orders (DELETING) in us-east-1"],
    ),
    Scenario(
        "The queue goes last",
        looped(HOME),
        [*no_group(), *queue(), sqs("delete_queue", QueueUrl=QUEUE_URL)],
        ready("NONE"),
    ),
    Scenario(
        "A queue that another execution deleted is gone",
        looped(HOME),
        [*no_group(), *queue(), refuse("sqs", HOME, "delete_queue", NO_QUEUE, QueueUrl=QUEUE_URL)],
        ready("NONE"),
    ),
    Scenario("What is gone stays gone", looped(HOME), [*no_group(), *no_queue()], ready("NONE")),
    Scenario(
        "A group without our tag is left as it is",
        looped(HOME),
        group(team="MARKED"),
        raises="NotOurs",
        says=[f"A schedule group named {GROUP} exists in us-east-1"],
    ),
    Scenario(
        "A queue without our tag is left as it is, and so is the group",
        looped(HOME),
        [*group(), *queue(team="MARKED")],
        raises="NotOurs",
        says=[f"A queue named {QUEUE} exists in us-east-1"],
    ),
    Scenario(
        "A group that vanishes between two calls is none",
        looped(HOME),
        [group()[0], refuse("scheduler", HOME, "list_tags_for_resource", MISSING), *no_queue()],
        ready("NONE"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_schedule(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer."""
    play(delete_schedule, scenario, aws)
