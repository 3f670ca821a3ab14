"""Delete the bucket of the records that the processors of one Region gave up on.

May run any number of times. The records are data: they stay, and the bucket with them, unless the event says that
they shall go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import buckets, names
from tasks.shared.task import FAILURE_OBJECTS, FAILURES, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(TypedDict):
    """``failures`` is "delete" where the records shall go."""

    table: str
    region: str
    failures: str


class Reply(TypedDict):
    """``kept`` are the objects that stayed, up to 1,000; ``more`` says whether there are others."""

    bucket: str
    kept: int
    more: bool


@task(
    allow("s3:DeleteBucket", "s3:GetBucketTagging", "s3:ListBucketVersions", on=FAILURES),
    allow("s3:DeleteObject", "s3:DeleteObjectVersion", on=FAILURE_OBJECTS),
    timeout_seconds=600,  # a thousand objects take a second or two
)
def delete_failure_bucket(event: Event, aws: Clients) -> Reply:
    """Answer with what is kept; ``NotOurs`` for a bucket without the table's tag."""
    table, region = event["table"], event["region"]
    bucket = names.failure_bucket(table, buckets.account(), region)
    kept, more = 0, False
    if buckets.is_there(aws, region, bucket, (names.OWNERSHIP_TAG, table)):
        with buckets.may_vanish():
            if event["failures"] == "delete":
                buckets.empty(aws, region, bucket)
            kept, more = buckets.count(aws, region, bucket)
            buckets.delete_if_empty(aws, region, bucket)
    return {"bucket": bucket, "kept": kept, "more": more}
