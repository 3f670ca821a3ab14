"""Delete the schedule of a table's validations, its schedule group and its dead-letter queue.

May run twice. Touches only a group and a queue with our tag. What could not be started and lies in the queue goes too:
it holds nothing but the table's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import schedules
from tasks.shared.task import SCHEDULE, SCHEDULE_GROUP, SCHEDULE_QUEUE, allow, task
from tasks.shared.waiting import Looked, Looped

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    home: str


@task(
    allow("scheduler:DeleteSchedule", on=SCHEDULE),
    allow(
        "scheduler:DeleteScheduleGroup",
        "scheduler:GetScheduleGroup",
        "scheduler:ListTagsForResource",
        on=SCHEDULE_GROUP,
    ),
    allow("sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ListQueueTags", on=SCHEDULE_QUEUE),
)
def delete_schedule(event: Event, aws: Clients) -> Looked:
    """Answer BUSY until the group is gone: EventBridge Scheduler deletes it when it has deleted what is in it."""
    return schedules.deleted(event, aws, event["home"], event["table"])
