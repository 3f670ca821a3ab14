"""CreateSchedule: group, queue and schedule as the request wants them, and nobody else's touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.create_schedule import create_schedule
from tasks.shared.request import complete
from tests.unit.tasks.fakes import MotoClients
from tests.unit.tasks.scenarios import HOME, OWNED, REQUEST, TABLE, Ago, Scenario, busy, looped, play, ready, refuse
from tests.unit.tasks.scheduled import (
    CONFLICT,
    GROUP,
    MISSING,
    NO_QUEUE,
    QUEUE,
    QUEUE_URL,
    SCHEDULE,
    SCHEDULED,
    group,
    no_group,
    no_queue,
    no_schedule,
    queue,
    schedule,
    scheduler,
    sqs,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

CRON = complete(
    {
        **REQUEST,
        "validation": {
            "schedule": {
                "schedule_expression": "cron(0 8 * * ? *)",
                "schedule_expression_timezone": "Europe/Berlin",
                "maximum_retry_attempts": 0,
                "maximum_event_age_in_seconds": 60,
            }
        },
    }
)
AS_CRON = {
    **SCHEDULE,
    "ScheduleExpression": "cron(0 8 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "Target": {**SCHEDULE["Target"], "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}},
}


def wanted(request: Any = SCHEDULED, **more: Any) -> Any:
    return looped(HOME, request=request, **more)


def queue_made() -> list[Answer]:
    attributes = {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
    return [sqs("create_queue", {"QueueUrl": QUEUE_URL}, QueueName=QUEUE, Attributes=attributes, tags=OWNED)]


def group_made() -> list[Answer]:
    tags = [{"Key": key, "Value": value} for key, value in OWNED.items()]
    return [scheduler("create_schedule_group", {"ScheduleGroupArn": "arn"}, Name=GROUP, Tags=tags)]


def put(method: str, state: str = "ENABLED", **different: Any) -> list[Answer]:
    return [scheduler(method, {"ScheduleArn": "arn"}, **{**SCHEDULE, **different}, State=state)]


def gone() -> list[Answer]:
    return [
        scheduler("delete_schedule", GroupName=GROUP, Name="validate"),
        scheduler("delete_schedule_group", Name=GROUP),
    ]


SCENARIOS = [
    Scenario(
        "Where nothing is, queue, group and schedule are made, the first two with our tag",
        wanted(),
        [*no_group(), *no_queue(), *queue_made(), *group_made(), *no_schedule(), *put("create_schedule")],
        ready("ENABLED"),
    ),
    Scenario(
        "A cron expression comes with its time zone and its own retries",
        wanted(CRON),
        [*group(), *queue(), *no_schedule(), *put("create_schedule", **AS_CRON)],
        ready("ENABLED"),
    ),
    Scenario("What is as wanted is left alone", wanted(), [*group(), *queue(), *schedule()], ready("ENABLED")),
    Scenario(
        "A schedule that is paused stays paused",
        wanted(),
        [*group(), *queue(), *schedule("DISABLED")],
        ready("DISABLED"),
    ),
    *(
        Scenario(
            f"What differs is updated with every parameter, and the schedule stays {state}",
            wanted(),
            [*group(), *queue(), *schedule(state, **different), *put("update_schedule", state)],
            ready(state),
        )
        for state in ("ENABLED", "DISABLED")
        for different in (
            {"ScheduleExpression": "rate(2 hours)"},
            {"Target": {**SCHEDULE["Target"], "Input": "{}"}},
            {"Target": {**SCHEDULE["Target"], "RetryPolicy": {"MaximumRetryAttempts": 185}}},
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}},
            {"EndDate": 1_800_000_000},
        )
    ),
    Scenario(
        "An older group that is going is waited for",
        wanted(),
        [*group("DELETING"), *queue()],
        busy("an older schedule group of orders (DELETING)"),
    ),
    Scenario(
        "A group that never goes is not waited for without end",
        wanted(began=Ago(20), deadline_seconds=10),
        [*group("DELETING"), *queue()],
        raises="DeadlineExceeded",
        says=["for an older schedule group of orders (DELETING) in us-east-1: the request allows 10 s"],
    ),
    *(
        Scenario(
            f"A queue that another execution made or deleted is looked at again ({code})",
            wanted(),
            [*group(), *no_queue(), refuse("sqs", HOME, "create_queue", code)],
            busy("dead-letter queue of orders (made or deleted by another execution)"),
        )
        for code in ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueAlreadyExists", "QueueNameExists")
    ),
    Scenario(
        "A group that another execution made is looked at again",
        wanted(),
        [*no_group(), *queue(), refuse("scheduler", HOME, "create_schedule_group", CONFLICT)],
        busy("schedule group of orders (made or deleted by another execution)"),
    ),
    *(
        Scenario(
            f"A schedule that another execution changed is looked at again ({code} of {method})",
            wanted(),
            [*group(), *queue(), *found, refuse("scheduler", HOME, method, code)],
            busy("schedule of orders (changed by another execution)"),
        )
        for code in (CONFLICT, MISSING)
        for method, found in (("create_schedule", no_schedule()), ("update_schedule", schedule(Description="old")))
    ),
    Scenario(
        "A group without our tag is left as it is, and nothing is made beside it",
        wanted(),
        group(team="MARKED"),
        raises="NotOurs",
        says=[f"A schedule group named {GROUP} exists in us-east-1: it lacks the tag meridian:table=orders"],
    ),
    Scenario(
        "A queue without our tag is left as it is, and nothing is made beside it",
        wanted(),
        [*no_group(), *queue(team="MARKED")],
        raises="NotOurs",
        says=[f"A queue named {QUEUE} exists in us-east-1"],
    ),
    Scenario(
        "A queue that SQS refuses for another reason is told",
        wanted(),
        [*group(), *no_queue(), refuse("sqs", HOME, "create_queue", "InvalidAttributeValue", "no such period")],
        raises="InvalidAttributeValue",
        says=["no such period"],
    ),
    Scenario(
        "Without a schedule in the request there is none",
        wanted(REQUEST),
        [*no_group(), *no_queue()],
        ready("NONE"),
    ),
    Scenario(
        "A schedule that the request no longer wants goes with its group, which takes a while",
        wanted(REQUEST),
        [*group(), *queue(), *gone()],
        busy("schedule group of orders (DELETING)"),
    ),
    Scenario(
        "The queue goes once the group is gone",
        wanted(REQUEST),
        [*no_group(), *queue(), sqs("delete_queue", QueueUrl=QUEUE_URL)],
        ready("NONE"),
    ),
    Scenario(
        "A queue of another that vanishes between two calls is none",
        wanted(REQUEST),
        [*no_group(), queue()[0], refuse("sqs", HOME, "list_queue_tags", NO_QUEUE, QueueUrl=QUEUE_URL)],
        ready("NONE"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_schedule(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer."""
    play(create_schedule, scenario, aws)


def test_the_schedule_starts_a_validation_of_the_table_alone(moto: MotoClients) -> None:
    """The alias is started with the table's name and nothing else, for what else it needs is recorded."""
    assert create_schedule.run(wanted(), moto)["status"] == "READY"
    target = MotoClients().scheduler(HOME).get_schedule(GroupName=GROUP, Name="validate")["Target"]
    assert json.loads(str(target.get("Input"))) == {"table": TABLE}
    assert target["Arn"].endswith(":stateMachine:meridian-validate:scheduled")


def test_a_schedule_that_was_paused_by_hand_survives_a_change_of_the_request(moto: MotoClients) -> None:
    """Whoever paused it resumes it; a new rate does not."""
    create_schedule.run(wanted(), moto)
    moto.scheduler(HOME).update_schedule(**{**SCHEDULE, "State": "DISABLED"})
    assert create_schedule.run(wanted(CRON), moto)["detail"] == "DISABLED"
    found = moto.scheduler(HOME).get_schedule(GroupName=GROUP, Name="validate")
    assert (found["State"], found["ScheduleExpression"]) == ("DISABLED", "cron(0 8 * * ? *)")
