"""S3 of the embedded AWS, as an archive needs it: versions, conditions, checksums, locks."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from meridian.embedded.settings import ACCOUNT
from tasks.create_archive_bucket import create_archive_bucket
from tasks.shared.clients import Clients
from tests.embedded.aws_calls import Client, refusal

if TYPE_CHECKING:
    from meridian.embedded import EmbeddedAws

ENABLED = {"Status": "Enabled"}
BODY = b"an object"
DIGEST = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
AES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


@pytest.fixture
def s3(client: Client) -> Any:
    return client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """Name of a new bucket."""
    name = f"bucket-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    """Name of a new bucket that keeps versions."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=ENABLED)
    return bucket


def lock(days: int) -> dict[str, Any]:
    retention = {"Mode": "GOVERNANCE", "Days": days}
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}


@pytest.fixture
def locked(s3: Any, versioned: str) -> str:
    """Name of a new bucket whose objects are kept for three days."""
    s3.put_object_lock_configuration(Bucket=versioned, ObjectLockConfiguration=lock(3))
    return versioned


def test_a_bucket_keeps_its_settings(s3: Any, bucket: str) -> None:
    """Versioning, encryption, public access block and tags are as they were put."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    tags = [{"Key": "meridian:stack", "Value": "archive"}]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=ENABLED)
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=AES)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=CLOSED)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == CLOSED
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags


def test_a_bucket_has_one_owner(s3: Any, bucket: str) -> None:
    """A call that expects another owner is refused."""
    assert refusal(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999")[0] == "403"
    code, _ = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"", ExpectedBucketOwner="999999999999")
    assert code == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="a", Body=b"", ExpectedBucketOwner="123456789012")


def test_an_object_is_written_once(s3: Any, versioned: str) -> None:
    """If-None-Match refuses a key that is there, and takes one whose last version is a delete marker."""
    once = {"Bucket": versioned, "Key": "a", "IfNoneMatch": "*"}
    s3.put_object(**once, Body=b"1")
    assert refusal(s3.put_object, **once, Body=b"2")[0] == "PreconditionFailed"
    s3.delete_object(Bucket=versioned, Key="a")
    s3.put_object(**once, Body=b"3")


def test_an_object_is_written_over_as_it_was_read(s3: Any, versioned: str) -> None:
    """If-Match takes the ETag of what is there, refuses an old one, and misses an object that is not there."""
    first = s3.put_object(Bucket=versioned, Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket=versioned, Key="a", Body=b"2", IfMatch=first)
    assert refusal(s3.put_object, Bucket=versioned, Key="a", Body=b"3", IfMatch=first)[0] == "PreconditionFailed"
    assert refusal(s3.put_object, Bucket=versioned, Key="b", Body=b"3", IfMatch=first)[0] == "NoSuchKey"


def test_a_checksum_is_compared_and_kept(s3: Any, bucket: str) -> None:
    """A SHA-256 that does not fit is refused; one that does is given again, when writing and when asked."""
    code, _ = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"another", ChecksumSHA256=DIGEST)
    assert code == "BadDigest"
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumSHA256=DIGEST)
    found = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert put["ChecksumSHA256"] == found["ChecksumSHA256"] == DIGEST


def test_versions_are_listed(s3: Any, versioned: str) -> None:
    """ListObjectVersions gives versions and delete markers, the newest first."""
    made = [s3.put_object(Bucket=versioned, Key="a", Body=body)["VersionId"] for body in (b"1", b"2")]
    marker = s3.delete_object(Bucket=versioned, Key="a")["VersionId"]
    found = s3.list_object_versions(Bucket=versioned)
    assert [one["VersionId"] for one in found["Versions"]] == made[::-1]
    assert [(one["VersionId"], one["IsLatest"]) for one in found["DeleteMarkers"]] == [(marker, True)]


def test_a_lock_needs_versions(s3: Any, bucket: str) -> None:
    """Object Lock is for buckets that keep versions, and keeps them from being suspended."""
    asked = {"Bucket": bucket, "ObjectLockConfiguration": lock(1)}
    missing = refusal(s3.get_object_lock_configuration, Bucket=bucket)[0]
    assert missing == "ObjectLockConfigurationNotFoundError"
    assert refusal(s3.put_object_lock_configuration, **asked)[0] == "InvalidBucketState"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=ENABLED)
    s3.put_object_lock_configuration(**asked)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == lock(1)
    suspended = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}
    assert refusal(s3.put_bucket_versioning, **suspended)[0] == "InvalidBucketState"


def test_a_locked_version_is_kept(s3: Any, locked: str) -> None:
    """What comes under default retention cannot be deleted or kept shorter, but by who may bypass governance."""
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1")["VersionId"]
    one = {"Bucket": locked, "Key": "a", "VersionId": version}
    retention = s3.get_object_retention(**one)["Retention"]
    assert retention["Mode"] == "GOVERNANCE"
    assert retention["RetainUntilDate"] > datetime.now(UTC) + timedelta(days=2)
    assert refusal(s3.delete_object, **one)[0] == "AccessDenied"
    deleted = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "a", "VersionId": version}]})
    assert [error["Code"] for error in deleted["Errors"]] == ["AccessDenied"]
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)}
    assert refusal(s3.put_object_retention, **one, Retention=shorter)[0] == "AccessDenied"
    s3.delete_object(Bucket=locked, Key="a")  # hides it
    assert s3.get_object(**one)["Body"].read() == b"1"
    s3.delete_object(**one, BypassGovernanceRetention=True)


def test_what_was_there_before_the_lock_is_not_kept(s3: Any, versioned: str) -> None:
    """Default retention is for versions that come after it."""
    version = s3.put_object(Bucket=versioned, Key="a", Body=b"1")["VersionId"]
    s3.put_object_lock_configuration(Bucket=versioned, ObjectLockConfiguration=lock(3))
    s3.delete_object(Bucket=versioned, Key="a", VersionId=version)


def test_the_archive_is_locked_once_that_is_asked_for(
    embedded: EmbeddedAws, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task locks the bucket that it made without a lock before; what is archived then cannot be deleted."""
    for name, value in {**embedded.environment, "AWS_REGION": "sa-east-1", "ACCOUNT_ID": ACCOUNT}.items():
        monkeypatch.setenv(name, value)
    for days in ("0", "30"):
        monkeypatch.setenv("ARCHIVE_LOCK_DAYS", days)
        made = create_archive_bucket.run({}, Clients())
    s3 = client("s3", "sa-east-1")
    archived = {"Bucket": made["bucket"], "Key": "executions/one.jsonl"}
    version = s3.put_object(**archived, Body=BODY)["VersionId"]
    assert refusal(s3.delete_object, **archived, VersionId=version)[0] == "AccessDenied"
