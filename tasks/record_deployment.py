"""Record the accepted request before anything is made, so that cleanup finds whatever a failed provision left.

Writes the request to S3 under its hash, the record and one membership a Region to SSM. May run any number of
times: a Region that is complete stays so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from tasks.shared import record
from tasks.shared.task import ARTIFACTS, RECORD, REQUESTS, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    home: str
    request: Request


class Reply(TypedDict):
    sha256: str


@task(
    # A parameter is tagged as it is made.
    allow("ssm:AddTagsToResource", "ssm:GetParameter", "ssm:PutParameter", on=RECORD),
    allow("s3:ListBucket", on=ARTIFACTS),
    allow("s3:PutObject", on=REQUESTS),
    timeout_seconds=30,
)
def record_deployment(event: Event, aws: Clients) -> Reply:
    """Give the SHA-256 (hex) of the request's canonical JSON."""
    table, home, request = event["table"], event["home"], event["request"]
    digest = record.save(aws, os.environ["ARTIFACT_BUCKET"], request)
    for region in request["regions"]:
        record.save_stage(aws, home, table, region, "PLANNED")
    return {"sha256": digest}
