"""Remove the deployment record and the accepted requests, once nothing else of the deployment is left.

May run any number of times.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from tasks.shared import record
from tasks.shared.task import ARTIFACTS, RECORD, REQUESTS, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(TypedDict):
    table: str
    home: str
    replicas: list[str]


class Reply(TypedDict):
    """``removed`` are the Regions that the table was in, in the order they went."""

    table: str
    removed: list[str]


@task(
    allow("ssm:DeleteParameters", "ssm:GetParametersByPath", on=RECORD),
    allow("s3:DeleteObject", on=REQUESTS),
    allow("s3:ListBucket", on=ARTIFACTS),
    timeout_seconds=30,
)
def forget_deployment(event: Event, aws: Clients) -> Reply:
    record.forget(aws, os.environ["ARTIFACT_BUCKET"], event["home"], event["table"])
    return {"table": event["table"], "removed": [*event["replicas"], event["home"]]}
