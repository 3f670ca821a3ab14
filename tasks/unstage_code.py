"""Remove a table's code and configuration from one Region, and the Region's code bucket with the last table.

May run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import buckets, names, region_stack
from tasks.shared.task import CODE, CODE_OBJECTS, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(TypedDict):
    table: str
    region: str


class Reply(TypedDict):
    bucket: str


@task(
    allow("s3:DeleteBucket", "s3:GetBucketTagging", "s3:ListBucketVersions", on=CODE),
    allow("s3:DeleteObject", "s3:DeleteObjectVersion", on=CODE_OBJECTS),
)
def unstage_code(event: Event, aws: Clients) -> Reply:
    """Answer with the bucket's name; ``NotOurs`` where the Region's code bucket is another's."""
    region = event["region"]
    bucket = names.code_bucket(buckets.account(), region)
    if buckets.is_there(aws, region, bucket, region_stack.CODE_TAG):
        with buckets.may_vanish():
            buckets.empty(aws, region, bucket, names.code_prefix(event["table"]))
            buckets.delete_if_empty(aws, region, bucket)
    return {"bucket": bucket}
