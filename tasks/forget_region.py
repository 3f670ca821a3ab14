"""Take a Region out of the deployment record, once nothing of it is left.

May run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import record
from tasks.shared.task import RECORD, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(TypedDict):
    table: str
    home: str
    region: str


class Reply(TypedDict):
    table: str
    removed: str


@task(allow("ssm:DeleteParameters", on=RECORD), timeout_seconds=30)
def forget_region(event: Event, aws: Clients) -> Reply:
    record.forget_region(aws, event["home"], event["table"], event["region"])
    return {"table": event["table"], "removed": event["region"]}
