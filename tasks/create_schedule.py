"""Make the schedule of a table's validations as the request wants it, or delete it where the request wants none.

May run any number of times: what is as wanted is left alone, and a schedule that somebody paused stays paused. Makes
its schedule group and its dead-letter queue with our tag, and touches none without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names, schedules
from tasks.shared.task import SCHEDULE, SCHEDULE_GROUP, SCHEDULE_QUEUE, SCHEDULER_ROLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_scheduler.type_defs import TagTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request, Schedule

# The longest that SQS keeps a message: what was not started a fortnight ago is of no more use.
QUEUE = {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
# Another execution was faster, or an older queue of that name went within the last minute.
QUEUE_CHANGED = ("QueueAlreadyExists", "QueueDeletedRecently", "QueueNameExists")


class Event(Looped):
    table: str
    home: str
    request: Request


@task(
    allow(
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "scheduler:GetSchedule",
        "scheduler:UpdateSchedule",
        on=SCHEDULE,
    ),
    allow(
        "scheduler:CreateScheduleGroup",
        "scheduler:DeleteScheduleGroup",
        "scheduler:GetScheduleGroup",
        "scheduler:ListTagsForResource",
        "scheduler:TagResource",  # a group is tagged as it is made, and so is a queue
        on=SCHEDULE_GROUP,
    ),
    allow(
        "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:TagQueue", on=SCHEDULE_QUEUE
    ),
    allow("iam:PassRole", on=SCHEDULER_ROLE, when={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}),
)
def create_schedule(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while an older group or queue of that name is going; ``NotOurs`` for one without our tag.

    The ``detail`` of READY is ENABLED, DISABLED or, without a schedule, NONE.
    """
    table, home, schedule = event["table"], event["home"], event["request"]["validation"]["schedule"]
    if schedule is None:
        return schedules.deleted(event, aws, home, table)
    state, queue = schedules.group_state(aws, home, table), schedules.queue_url(aws, home, table)
    if state == "DELETING":
        return busy(event, f"an older schedule group of {table} (DELETING)", home)
    changed = (not queue and _queue_made(aws, home, table)) or (not state and _group_made(aws, home, table))
    if changed:
        return busy(event, f"{changed} of {table} (made or deleted by another execution)", home)
    return _scheduled(event, aws, schedule)


def _queue_made(aws: Clients, home: str, table: str) -> str:
    """Make the queue; gives what is in the way, if something is."""
    tags = {names.OWNERSHIP_TAG: table}
    try:
        aws.sqs(home).create_queue(QueueName=names.schedule_queue(table), Attributes=QUEUE, tags=tags)  # type: ignore[arg-type]  # the stubs want literals
    except ClientError as error:
        if schedules.last(error) not in QUEUE_CHANGED:
            raise
        return "dead-letter queue"
    return ""


def _group_made(aws: Clients, home: str, table: str) -> str:
    """Make the group; gives what is in the way, if something is."""
    scheduler = aws.scheduler(home)
    tag: TagTypeDef = {"Key": names.OWNERSHIP_TAG, "Value": table}
    try:
        scheduler.create_schedule_group(Name=names.schedule_group(table), Tags=[tag])
    except scheduler.exceptions.ConflictException:
        return "schedule group"
    return ""


def _scheduled(event: Event, aws: Clients, schedule: Schedule) -> Looked:
    table, home = event["table"], event["home"]
    scheduler, wanted = aws.scheduler(home), schedules.wanted(home, table, schedule)
    found: Any = schedules.describe(aws, home, table)
    state: Any = found["State"] if found else "ENABLED"
    if found and schedules.is_as(found, wanted):
        return ready(state)
    try:
        if found:
            scheduler.update_schedule(**wanted, State=state)
        else:
            scheduler.create_schedule(**wanted, State=state)
    except (scheduler.exceptions.ConflictException, scheduler.exceptions.ResourceNotFoundException):
        # Another execution changed it, or the new group is not known everywhere yet.
        return busy(event, f"schedule of {table} (changed by another execution)", home)
    return ready(state)
