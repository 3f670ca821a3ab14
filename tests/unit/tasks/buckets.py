"""What S3 answers to the tasks that make and remove buckets."""

from __future__ import annotations

from typing import Any

from tasks.shared import names
from tests.unit.tasks.fakes import ACCOUNT, Answer
from tests.unit.tasks.scenarios import AWAY, TABLE, refuse

CODE = {"meridian:stack": "code"}
OWNER: dict[str, Any] = {"ExpectedBucketOwner": ACCOUNT}


def code_bucket(region: str = AWAY) -> str:
    return names.code_bucket(ACCOUNT, region)


def failure_bucket(region: str = AWAY) -> str:
    return names.failure_bucket(TABLE, ACCOUNT, region)


def s3(region: str, bucket: str, method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("s3", region, method, response or {}, params={"Bucket": bucket, **OWNER, **params})


def tagged(bucket: str, found: dict[str, str], region: str = AWAY) -> Answer:
    """The bucket is there, with these tags."""
    listed = [{"Key": key, "Value": value} for key, value in found.items()]
    return s3(region, bucket, "get_bucket_tagging", {"TagSet": listed})


def not_tagged(bucket: str, code: str, region: str = AWAY) -> Answer:
    """S3 gives no tags, and says why."""
    return refuse("s3", region, "get_bucket_tagging", code, Bucket=bucket, **OWNER)


def holds(bucket: str, *keys: str, prefix: str = "", region: str = AWAY) -> Answer:
    """ListObjectVersions answers with these objects."""
    versions = [{"Key": key, "VersionId": "null"} for key in keys]
    answer = {"Versions": versions, "IsTruncated": False} if keys else {"IsTruncated": False}
    return s3(region, bucket, "list_object_versions", answer, Prefix=prefix)


def counted(bucket: str, *keys: str, more: bool = False) -> Answer:
    """ListObjectVersions answers with a first page."""
    versions = [{"Key": key, "VersionId": "null"} for key in keys]
    return s3(AWAY, bucket, "list_object_versions", {"Versions": versions, "IsTruncated": more})


def deleted(bucket: str, *keys: str, errors: list[dict[str, str]] | None = None) -> Answer:
    """DeleteObjects takes exactly these."""
    objects = [{"Key": key, "VersionId": "null"} for key in keys]
    answer = {"Errors": errors} if errors else {}
    return s3(AWAY, bucket, "delete_objects", answer, Delete={"Objects": objects, "Quiet": True})


def configured(bucket: str, tags: dict[str, str], region: str = AWAY) -> list[Answer]:
    """The bucket is made private and encrypted, and then gets its tag."""
    private = {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [
        s3(
            region,
            bucket,
            "put_public_access_block",
            PublicAccessBlockConfiguration={**private, "RestrictPublicBuckets": True},
        ),
        s3(region, bucket, "put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]}),
        s3(region, bucket, "put_bucket_tagging", Tagging={"TagSet": tag_set}),
    ]


def made(bucket: str, tags: dict[str, str], region: str = AWAY) -> list[Answer]:
    """There is no such bucket, and it is made; us-east-1 is the Region that is not named."""
    where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    return [
        not_tagged(bucket, "NoSuchBucket", region),
        Answer("s3", region, "create_bucket", params={"Bucket": bucket, **where}),
        *configured(bucket, tags, region),
    ]
