"""The schedule of a table's validations: a schedule group, the schedule in it, and its dead-letter queue.

All in the home Region. EventBridge Scheduler tags groups and no single schedules, so the group's tag says whose they
are. A group that is being deleted takes a while, in which it is DELETING.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import buckets, names
from tasks.shared.errors import NotOurs
from tasks.shared.tables import code
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_scheduler.type_defs import GetScheduleOutputTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Schedule

# SQS names its errors otherwise than its model does.
NO_QUEUE = ("NonExistentQueue", "QueueDoesNotExist")
# Besides what the request says; a schedule with a date is one that somebody bounded by hand.
BOUNDS = ("StartDate", "EndDate")


def wanted(home: str, table: str, schedule: Schedule) -> Any:
    """Every parameter of CreateSchedule and UpdateSchedule but State: what is left out, an update would reset."""
    return {
        "Name": names.VALIDATE_SCHEDULE,
        "GroupName": names.schedule_group(table),
        "Description": f"Validates the table {table}. Made by Meridian; provision undoes what is changed here.",
        "ScheduleExpression": schedule["schedule_expression"],
        "ScheduleExpressionTimezone": schedule["schedule_expression_timezone"],
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": os.environ["SCHEDULED_VALIDATE_ARN"],
            "RoleArn": os.environ["SCHEDULER_ROLE_ARN"],
            "Input": json.dumps({"table": table}),
            "RetryPolicy": {
                "MaximumRetryAttempts": schedule["maximum_retry_attempts"],
                "MaximumEventAgeInSeconds": schedule["maximum_event_age_in_seconds"],
            },
            "DeadLetterConfig": {"Arn": queue_arn(home, table)},
        },
    }


def queue_arn(home: str, table: str) -> str:
    """ARN of the dead-letter queue."""
    partition = os.environ["SCHEDULER_ROLE_ARN"].split(":")[1]
    return f"arn:{partition}:sqs:{home}:{buckets.account()}:{names.schedule_queue(table)}"


def is_as(found: GetScheduleOutputTypeDef, wanted: dict[str, Any]) -> bool:
    """Whether a schedule is as wanted, enabled or not."""
    live: Any = found
    return all(live.get(key) == value for key, value in wanted.items()) and not any(map(live.get, BOUNDS))


def describe(aws: Clients, home: str, table: str) -> GetScheduleOutputTypeDef | None:
    """GetSchedule of the table's schedule, or ``None`` where there is none."""
    scheduler = aws.scheduler(home)
    try:
        return scheduler.get_schedule(GroupName=names.schedule_group(table), Name=names.VALIDATE_SCHEDULE)
    except scheduler.exceptions.ResourceNotFoundException:
        return None


def group_state(aws: Clients, home: str, table: str) -> str:
    """ACTIVE or DELETING, empty where there is no group; ``NotOurs`` for one without our tag."""
    scheduler, name = aws.scheduler(home), names.schedule_group(table)
    try:
        found = scheduler.get_schedule_group(Name=name)
        tags = scheduler.list_tags_for_resource(ResourceArn=found["Arn"]).get("Tags", [])
    except scheduler.exceptions.ResourceNotFoundException:
        return ""
    _require({tag["Key"]: tag["Value"] for tag in tags}, f"A schedule group named {name}", home, table)
    return found["State"]


def queue_url(aws: Clients, home: str, table: str) -> str:
    """URL of the dead-letter queue, empty where there is none; ``NotOurs`` for one without our tag."""
    sqs, name = aws.sqs(home), names.schedule_queue(table)
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        tags = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    except ClientError as error:
        if last(error) not in NO_QUEUE:
            raise
        return ""
    _require(tags, f"A queue named {name}", home, table)
    return url


def deleted(event: Looped, aws: Clients, home: str, table: str) -> Looked:
    """Delete the schedule first, then its group, then the queue; answer BUSY until the group is gone."""
    state, queue = group_state(aws, home, table), queue_url(aws, home, table)
    if state:
        if state == "ACTIVE":
            _delete_group(aws, home, table)
        return busy(event, f"schedule group of {table} (DELETING)", home)
    if queue:
        _delete_queue(aws, home, queue)
    return ready("NONE")


def _delete_group(aws: Clients, home: str, table: str) -> None:
    """The schedule by itself too: one of a group that is going may still start its target."""
    scheduler, group = aws.scheduler(home), names.schedule_group(table)
    # It went, or is changing: then the next look tries again.
    passing = (scheduler.exceptions.ResourceNotFoundException, scheduler.exceptions.ConflictException)
    with suppress(*passing):
        scheduler.delete_schedule(GroupName=group, Name=names.VALIDATE_SCHEDULE)
    with suppress(*passing):
        scheduler.delete_schedule_group(Name=group)


def _delete_queue(aws: Clients, home: str, url: str) -> None:
    try:
        aws.sqs(home).delete_queue(QueueUrl=url)
    except ClientError as error:
        if last(error) not in NO_QUEUE:
            raise


def last(error: ClientError) -> str:
    """``AWS.SimpleQueueService.NonExistentQueue`` is NonExistentQueue."""
    return code(error).rpartition(".")[2]


def _require(tags: dict[str, str], what: str, home: str, table: str) -> None:
    if tags.get(names.OWNERSHIP_TAG) != table:
        raise NotOurs(
            f"{what} exists",
            where=home,
            why=f"it lacks the tag {names.OWNERSHIP_TAG}={table}, so Meridian did not make it",
            remedy="It is left as it is. Remove it yourself, then start the workflow again with the same input.",
        )
