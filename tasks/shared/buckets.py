"""What several tasks ask of the buckets beside a table: the Region's code, and the records that were given up.

Bucket names are the world's, and ours can be guessed: every call names the account that must own the bucket.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared.errors import Failed, NotOurs
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        ObjectIdentifierTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        ServerSideEncryptionConfigurationTypeDef,
    )

    from tasks.shared.clients import Clients

NO_CONSTRAINT = "us-east-1"  # the one Region that CreateBucket does not want to be told
NO_PUBLIC_ACCESS: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
ENCRYPTED: ServerSideEncryptionConfigurationTypeDef = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
}
TAKEN = ("AccessDenied", "BucketAlreadyExists")


def account() -> str:
    """The account that everything is in."""
    return os.environ["ACCOUNT_ID"]


def ensure(aws: Clients, region: str, bucket: str, tag: tuple[str, str]) -> None:
    """Make a private, encrypted bucket with this tag where there is none; ``NotOurs`` for any other.

    The tag comes last, and a bucket of ours that is empty and has no tag is one whose making was cut off.
    """
    s3, ours = aws.s3(region), _ours(bucket)
    found = _tags(s3, bucket, region)
    if found is None:
        _create(s3, bucket, region)
    elif found or not _is_empty(s3, bucket):
        _require(found, tag, bucket, region)
        return
    s3.put_public_access_block(PublicAccessBlockConfiguration=NO_PUBLIC_ACCESS, **ours)
    s3.put_bucket_encryption(ServerSideEncryptionConfiguration=ENCRYPTED, **ours)
    s3.put_bucket_tagging(Tagging={"TagSet": [{"Key": tag[0], "Value": tag[1]}]}, **ours)


def is_there(aws: Clients, region: str, bucket: str, tag: tuple[str, str]) -> bool:
    """Whether the bucket exists; ``NotOurs`` if it lacks the tag."""
    found = _tags(aws.s3(region), bucket, region)
    if found is not None:
        _require(found, tag, bucket, region)
    return found is not None


@contextmanager
def may_vanish() -> Iterator[None]:
    """Go on where another execution has deleted the bucket in between."""
    try:
        yield
    except ClientError as error:
        if code(error) != "NoSuchBucket":
            raise


def holds(aws: Clients, region: str, bucket: str, key: str) -> bool:
    """Whether there is an object of that key, in a bucket that must exist."""
    return bool(aws.s3(region).list_objects_v2(Prefix=key, MaxKeys=1, **_ours(bucket)).get("Contents"))


def put(aws: Clients, region: str, bucket: str, key: str, body: bytes) -> None:
    """Put an object whose key carries its hash, unless it is there."""
    if not holds(aws, region, bucket, key):
        aws.s3(region).put_object(Key=key, Body=body, **_ours(bucket))


def count(aws: Clients, region: str, bucket: str) -> tuple[int, bool]:
    """How many objects the bucket holds, up to 1,000, and whether there are more."""
    page = aws.s3(region).list_object_versions(**_ours(bucket))
    return len(page.get("Versions", [])), page.get("IsTruncated", False)


def empty(aws: Clients, region: str, bucket: str, prefix: str = "") -> None:
    """Delete every object under ``prefix``, old versions too if somebody switched them on."""
    s3 = aws.s3(region)
    for batch in _contents(s3, bucket, prefix):
        answer = s3.delete_objects(Delete={"Objects": batch, "Quiet": True}, **_ours(bucket))
        for error in answer.get("Errors", []):
            raise Failed(
                f"An object in the bucket {bucket} cannot be deleted",
                where=region,
                why=f"{error.get('Message')} ({error.get('Code')})",
            )


def delete_if_empty(aws: Clients, region: str, bucket: str) -> None:
    """Delete the bucket, unless it holds something, also since the look at it."""
    s3 = aws.s3(region)
    if not _is_empty(s3, bucket):
        return
    try:
        s3.delete_bucket(**_ours(bucket))
    except ClientError as error:
        if code(error) != "BucketNotEmpty":
            raise


def _ours(bucket: str) -> Any:
    return {"Bucket": bucket, "ExpectedBucketOwner": account()}


def _tags(s3: S3Client, bucket: str, region: str) -> dict[str, str] | None:
    """Tags of the bucket, or ``None`` where there is no such bucket."""
    try:
        found = s3.get_bucket_tagging(**_ours(bucket))["TagSet"]
    except ClientError as error:
        if code(error) in TAKEN:
            raise _taken(bucket, region, error) from error
        if code(error) in ("NoSuchBucket", "NoSuchTagSet"):
            return None if code(error) == "NoSuchBucket" else {}
        raise
    return {tag["Key"]: tag["Value"] for tag in found}


def _create(s3: S3Client, bucket: str, region: str) -> None:
    where: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, **({} if region == NO_CONSTRAINT else where))
    except ClientError as error:
        if code(error) in TAKEN:
            raise _taken(bucket, region, error) from error
        if code(error) != "BucketAlreadyOwnedByYou":  # another execution was faster
            raise


def _contents(s3: S3Client, bucket: str, prefix: str = "") -> Iterator[list[ObjectIdentifierTypeDef]]:
    """A thousand at a time, which is both a page and the most that DeleteObjects takes."""
    for page in s3.get_paginator("list_object_versions").paginate(Prefix=prefix, **_ours(bucket)):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]


def _is_empty(s3: S3Client, bucket: str) -> bool:
    return next(_contents(s3, bucket), None) is None


def _require(found: dict[str, str], tag: tuple[str, str], bucket: str, region: str) -> None:
    if found.get(tag[0]) != tag[1]:
        raise NotOurs(
            f"A bucket named {bucket} exists",
            where=region,
            why=f"it lacks the tag {tag[0]}={tag[1]}, so Meridian did not make it",
            remedy="It is left as it is. Remove it yourself, then start the workflow again with the same input.",
        )


def _taken(bucket: str, region: str, error: ClientError) -> NotOurs:
    return NotOurs(
        f"The bucket {bucket} cannot be used",
        where=region,
        why=f"it belongs to another account, or a policy forbids its use ({code(error)})",
        remedy="Nothing was sent to it. Mend the policy, then start the workflow again with the same input; if there "
        "is none, somebody took the name: ask AWS Support.",
    )
