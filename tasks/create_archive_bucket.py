"""Make the bucket in which the histories of closed executions are kept.

May run any number of times. Takes nothing away but the default retention, where none is asked for any more: what is
locked already stays locked. Object Lock itself cannot be switched off again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import buckets, names, regions
from tasks.shared.archive import START, Archived
from tasks.shared.tables import code
from tasks.shared.task import ARCHIVE, allow, task

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tasks.shared.clients import Clients

TAG = ("meridian:stack", "archive")
MODE = "GOVERNANCE"  # somebody with s3:BypassGovernanceRetention can still delete


class Event(TypedDict):
    pass


class Reply(TypedDict):
    """``archived`` is what the first look begins with."""

    bucket: str
    archived: Archived


@task(
    allow(
        "s3:CreateBucket",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:ListBucketVersions",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        on=ARCHIVE,
    ),
)
def create_archive_bucket(event: Event, aws: Clients) -> Reply:  # noqa: ARG001  # every task has this shape
    """Answer with the bucket's name; ``NotOurs`` for one without our tag."""
    home, account = regions.here(), buckets.account()
    bucket = names.archive_bucket(account, home)
    buckets.ensure(aws, home, bucket, TAG)
    s3 = aws.s3(home)
    ours: Any = {"Bucket": bucket, "ExpectedBucketOwner": account}
    if s3.get_bucket_versioning(**ours).get("Status") != "Enabled":
        s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **ours)
    _lock(s3, ours, int(os.environ["ARCHIVE_LOCK_DAYS"]))
    return {"bucket": bucket, "archived": START}


def _lock(s3: S3Client, ours: Any, days: int) -> None:
    """Lock what is written from now on for so many days. A bucket may get Object Lock at any time, if versioned."""
    rule: Any = {"Rule": {"DefaultRetention": {"Mode": MODE, "Days": days}}} if days else {}
    wanted: Any = {"ObjectLockEnabled": "Enabled", **rule}
    found = _lock_of(s3, ours)
    if found != (wanted if days or found else None):
        s3.put_object_lock_configuration(ObjectLockConfiguration=wanted, **ours)


def _lock_of(s3: S3Client, ours: Any) -> Any:
    """The bucket's Object Lock, or None where it has none."""
    try:
        return s3.get_object_lock_configuration(**ours)["ObjectLockConfiguration"]
    except s3.exceptions.ClientError as error:
        if code(error) != "ObjectLockConfigurationNotFoundError":
            raise
        return None
