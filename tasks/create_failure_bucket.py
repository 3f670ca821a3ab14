"""Make the bucket of the records that the processors of one Region give up on.

May run any number of times. Makes nothing where no processor is asked for, and takes nothing away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import buckets, names
from tasks.shared.task import FAILURES, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    region: str
    request: Request


class Reply(TypedDict):
    """``bucket`` is empty where none is needed."""

    bucket: str


@task(
    allow(
        "s3:CreateBucket",
        "s3:GetBucketTagging",
        "s3:ListBucketVersions",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutEncryptionConfiguration",
        on=FAILURES,
    ),
)
def create_failure_bucket(event: Event, aws: Clients) -> Reply:
    """Answer with the bucket's name; ``NotOurs`` for one without the table's tag."""
    table, region = event["table"], event["region"]
    if not any(event["request"]["processors"].values()):
        return {"bucket": ""}
    bucket = names.failure_bucket(table, buckets.account(), region)
    buckets.ensure(aws, region, bucket, (names.OWNERSHIP_TAG, table))
    return {"bucket": bucket}
