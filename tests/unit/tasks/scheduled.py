"""What the tests of CreateSchedule and DeleteSchedule share: a group, a schedule, a queue, and requests for them."""

from __future__ import annotations

import json
from typing import Any

from tasks.shared import names
from tasks.shared.request import complete
from tests.unit.tasks.fakes import ACCOUNT, Answer
from tests.unit.tasks.scenarios import ENVIRONMENT, HOME, OWNED, REQUEST, TABLE, refuse

GROUP, QUEUE = names.schedule_group(TABLE), names.schedule_queue(TABLE)
GROUP_ARN = f"arn:aws:scheduler:{HOME}:{ACCOUNT}:schedule-group/{GROUP}"
QUEUE_URL = f"https://sqs.{HOME}.amazonaws.com/{ACCOUNT}/{QUEUE}"
MISSING, CONFLICT = "ResourceNotFoundException", "ConflictException"
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"

SCHEDULED = complete({**REQUEST, "validation": {"schedule": {"schedule_expression": "rate(1 hour)"}}})

# What GetSchedule answers, and what CreateSchedule and UpdateSchedule are given besides State.
SCHEDULE: dict[str, Any] = {
    "Name": "validate",
    "GroupName": GROUP,
    "Description": f"Validates the table {TABLE}. Made by Meridian; provision undoes what is changed here.",
    "ScheduleExpression": "rate(1 hour)",
    "ScheduleExpressionTimezone": "UTC",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": ENVIRONMENT["SCHEDULED_VALIDATE_ARN"],
        "RoleArn": ENVIRONMENT["SCHEDULER_ROLE_ARN"],
        "Input": json.dumps({"table": TABLE}),
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 900},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{HOME}:{ACCOUNT}:{QUEUE}"},
    },
}


def scheduler(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("scheduler", HOME, method, response or {}, params=params or None)


def sqs(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("sqs", HOME, method, response or {}, params=params or None)


def no_group() -> list[Answer]:
    return [refuse("scheduler", HOME, "get_schedule_group", MISSING, Name=GROUP)]


def group(state: str = "ACTIVE", **tags: str) -> list[Answer]:
    """GetScheduleGroup and ListTagsForResource answer with a group that has our tag, or ``tags``."""
    listed = [{"Key": key, "Value": value} for key, value in (tags or OWNED).items()]
    return [
        scheduler("get_schedule_group", {"Name": GROUP, "Arn": GROUP_ARN, "State": state}, Name=GROUP),
        scheduler("list_tags_for_resource", {"Tags": listed}, ResourceArn=GROUP_ARN),
    ]


def no_queue() -> list[Answer]:
    return [refuse("sqs", HOME, "get_queue_url", NO_QUEUE, QueueName=QUEUE)]


def queue(**tags: str) -> list[Answer]:
    """GetQueueUrl and ListQueueTags answer with a queue that has our tag, or ``tags``."""
    return [
        sqs("get_queue_url", {"QueueUrl": QUEUE_URL}, QueueName=QUEUE),
        sqs("list_queue_tags", {"Tags": tags or OWNED}, QueueUrl=QUEUE_URL),
    ]


def no_schedule() -> list[Answer]:
    return [refuse("scheduler", HOME, "get_schedule", MISSING, GroupName=GROUP, Name="validate")]


def schedule(state: str = "ENABLED", **different: Any) -> list[Answer]:
    """GetSchedule answers with the schedule as wanted, but for what is ``different``."""
    found = {**SCHEDULE, "State": state, "ActionAfterCompletion": "NONE", **different}
    return [scheduler("get_schedule", found, GroupName=GROUP, Name="validate")]
