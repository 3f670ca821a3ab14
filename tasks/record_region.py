"""Record that a Region is a member of the deployment, planned or complete.

Writes one SSM parameter in the home Region. May run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import record
from tasks.shared.task import RECORD, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.record import Stage


class Event(TypedDict):
    table: str
    home: str
    region: str
    stage: Stage


class Reply(TypedDict):
    table: str
    region: str
    stage: Stage


@task(allow("ssm:AddTagsToResource", "ssm:GetParameter", "ssm:PutParameter", on=RECORD), timeout_seconds=30)
def record_region(event: Event, aws: Clients) -> Reply:
    record.save_stage(aws, event["home"], event["table"], event["region"], event["stage"])
    return {"table": event["table"], "region": event["region"], "stage": event["stage"]}
