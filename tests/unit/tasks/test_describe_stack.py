"""DescribeStack: complete, gone, or AWS's own reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.describe_stack import describe_stack
from tasks.shared.errors import START_AGAIN
from tests.unit.tasks.scenarios import Ago, Scenario, busy, looped, play, ready
from tests.unit.tasks.stacks import NAME, events, no_stack, stack

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

NEW, OLD = "4e3", "01d"
COMPLETE, GONE = looped(wanted=NEW), looped(wanted="GONE")
ROLLED_BACK = events(
    (NAME, "CREATE_IN_PROGRESS", "User Initiated"),
    ("Lambda::Function", "CREATE_FAILED", "of the update before"),
    (NAME, "UPDATE_IN_PROGRESS", "User Initiated"),
    ("Events::EventBus", "UPDATE_FAILED", "Resource update cancelled"),
    ("Lambda::EventSourceMapping", "UPDATE_FAILED", "Stream not found (Service: Lambda)"),
    ("SQS::Queue", "UPDATE_FAILED", "later"),
    (NAME, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update"),
    (NAME, "UPDATE_ROLLBACK_COMPLETE", ""),
)

SCENARIOS = [
    *(
        Scenario(f"{status} is ready", COMPLETE, [stack(status, NEW)], ready(status))
        for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    ),
    *(
        Scenario(f"{status} is waited for", COMPLETE, [stack(status)], busy(f"stack of orders ({status})"))
        for status in (
            *("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            *("UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"),
        )
    ),
    Scenario(
        "A complete stack of another revision is waited for: its update is about to begin, or another came after",
        COMPLETE,
        [stack("UPDATE_COMPLETE", OLD)],
        busy("stack of orders (UPDATE_COMPLETE)"),
    ),
    Scenario(
        "A stack that an earlier try rolled back to what is wanted now is ready",
        COMPLETE,
        [stack("UPDATE_ROLLBACK_COMPLETE", NEW)],
        ready("UPDATE_ROLLBACK_COMPLETE"),
    ),
    Scenario(
        "An update that was rolled back is told with the resource that failed first, and what runs on",
        COMPLETE,
        [stack("UPDATE_ROLLBACK_COMPLETE", OLD), ROLLED_BACK],
        raises="StackFailed",
        says=[
            f"The stack {NAME} is UPDATE_ROLLBACK_COMPLETE in eu-west-1: Lambda::EventSourceMapping",
            "is UPDATE_FAILED: Stream not found (Service: Lambda). The processors run on as they did before.",
            START_AGAIN,
        ],
    ),
    Scenario(
        "Where all that failed was cut off, that is told",
        COMPLETE,
        [
            stack("ROLLBACK_COMPLETE"),
            events(
                (NAME, "CREATE_IN_PROGRESS", "User Initiated"), ("SQS::Queue", "CREATE_FAILED", "creation cancelled")
            ),
        ],
        raises="StackFailed",
        says=["SQS::Queue (AWS::SQS::Queue) is CREATE_FAILED: creation cancelled. Remove the cause."],
    ),
    Scenario(
        "Where no resource failed, the stack's own reason is told",
        COMPLETE,
        [
            stack("ROLLBACK_FAILED", StackStatusReason="The role cannot be assumed"),
            events((NAME, "CREATE_IN_PROGRESS", "User Initiated")),
        ],
        raises="StackFailed",
        says=["is ROLLBACK_FAILED in eu-west-1: The role cannot be assumed."],
    ),
    Scenario(
        "A stack that went while it was waited for is told",
        COMPLETE,
        [no_stack()],
        raises="StackFailed",
        says=["is GONE in eu-west-1: somebody deleted it"],
    ),
    Scenario("A stack that is gone is gone", GONE, [no_stack()], ready("GONE")),
    Scenario("So is one that CloudFormation remembers", GONE, [stack("DELETE_COMPLETE")], ready("GONE")),
    *(
        Scenario(f"{status} is not gone yet", GONE, [stack(status)], busy(f"stack of orders ({status})"))
        for status in ("DELETE_IN_PROGRESS", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE")
    ),
    Scenario(
        "A deletion that failed is told with AWS's reason",
        GONE,
        [
            stack("DELETE_FAILED"),
            events(
                (NAME, "DELETE_IN_PROGRESS", "User Initiated"),
                ("Events::EventBus", "DELETE_FAILED", "EventBus can't be deleted since it has rules"),
            ),
        ],
        raises="StackFailed",
        says=[
            "is DELETE_FAILED in eu-west-1: Events::EventBus",
            "Remove the rules on the bus that are not Meridian's.",
        ],
    ),
    Scenario(
        "Past the deadline the loop ends",
        {**COMPLETE, "began": Ago(100), "deadline_seconds": 60},
        [stack("CREATE_IN_PROGRESS")],
        raises="DeadlineExceeded",
        says=["stack of orders (CREATE_IN_PROGRESS)"],
    ),
    Scenario(
        "A stack without our tag is nobody's to follow",
        COMPLETE,
        [stack("CREATE_COMPLETE", tags={"team": "MARKED"})],
        raises="NotOurs",
        says=[f"A CloudFormation stack named {NAME} exists"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_describe_stack(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(describe_stack, scenario, aws)
