"""The artifact bucket, against moto's S3, and Stubber where moto knows no other account."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from meridian.artifacts import Artifacts
from meridian.bundle import Bundle
from tasks.shared.errors import MeridianError, NotOurs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

ACCOUNT = "123456789012"
BUCKET = f"meridian-artifacts-{ACCOUNT}-eu-west-1"


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        yield boto3.client("s3", region_name="eu-west-1")


@pytest.fixture
def artifacts(s3: S3Client) -> Artifacts:
    made = Artifacts(s3, ACCOUNT, "eu-west-1")
    made.ensure()
    return made


@pytest.fixture
def stub() -> Iterator[tuple[Stubber, Artifacts]]:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        yield stub, Artifacts(client, ACCOUNT, "eu-west-1")
        stub.assert_no_pending_responses()


def bundle_of(directory: Path, content: bytes) -> Bundle:
    path = directory / "code.zip"
    path.write_bytes(content)
    return Bundle(path, hashlib.sha256(content).hexdigest())


@pytest.mark.usefixtures("artifacts")
def test_the_bucket_is_private_tagged_and_at_home(s3: S3Client) -> None:
    """Made in the home Region, closed to the public, with the tag that says whose it is."""
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == "eu-west-1"
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == [{"Key": "meridian:stack", "Value": "control"}]


def test_us_east_1_takes_no_location() -> None:
    """The one Region that refuses to be named as location constraint works too."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        made = Artifacts(client, ACCOUNT, "us-east-1")
        made.ensure()
        assert made.exists()


def test_ensuring_twice_keeps_what_somebody_added(s3: S3Client, artifacts: Artifacts) -> None:
    """Tags that others put on the bucket, for their bills, outlive the next `up`."""
    tags = [{"Key": "cost-center", "Value": "42"}]
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})  # type: ignore[typeddict-item]  # plain dictionaries
    artifacts.ensure()
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == tags


def test_a_bucket_of_another_account_is_refused(stub: tuple[Stubber, Artifacts]) -> None:
    """Nothing is sent to a bucket that somebody else made under our name."""
    stubber, artifacts = stub
    expected = {"Bucket": BUCKET, "ExpectedBucketOwner": ACCOUNT}
    stubber.add_client_error("head_bucket", "403", "Forbidden", 403, expected_params=expected)
    with pytest.raises(NotOurs, match="another account"):
        artifacts.ensure()


def test_a_name_taken_in_between_is_refused(stub: tuple[Stubber, Artifacts]) -> None:
    """The answer of CreateBucket is one sentence too."""
    stubber, artifacts = stub
    stubber.add_client_error("head_bucket", "404", "Not Found", 404)
    stubber.add_client_error("create_bucket", "BucketAlreadyExists", "not available", 409)
    with pytest.raises(NotOurs, match=BUCKET):
        artifacts.ensure()


def test_other_errors_are_left_as_they_are(stub: tuple[Stubber, Artifacts]) -> None:
    """A failing S3 is not taken for a missing bucket."""
    stubber, artifacts = stub
    stubber.add_client_error("head_bucket", "500", "Internal", 500)
    with pytest.raises(ClientError):
        artifacts.ensure()


def test_code_lies_under_its_hash(s3: S3Client, artifacts: Artifacts, tmp_path: Path) -> None:
    """The key is the one that the template builds from the parameter."""
    bundle = bundle_of(tmp_path, b"code")
    assert artifacts.upload(bundle)
    assert s3.get_object(Bucket=BUCKET, Key=f"code/{bundle.sha256}.zip")["Body"].read() == b"code"


def test_code_that_is_there_is_not_sent_again(artifacts: Artifacts, tmp_path: Path) -> None:
    """The second upload of the same bundle sends nothing."""
    bundle = bundle_of(tmp_path, b"code")
    assert [artifacts.upload(bundle), artifacts.upload(bundle)] == [True, False]


def test_a_template_gets_a_url_for_cloudformation(s3: S3Client, artifacts: Artifacts) -> None:
    """The URL is of the client's own endpoint, path style, and holds the hash of the text."""
    url = artifacts.upload_template("{}")
    key = f"templates/{hashlib.sha256(b'{}').hexdigest()}.json"
    assert url == f"https://s3.eu-west-1.amazonaws.com/{BUCKET}/{key}"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"{}"


def test_the_bucket_goes_with_everything_in_it(s3: S3Client, artifacts: Artifacts) -> None:
    """Old versions and delete markers too, where somebody switched versioning on."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for content in ("1", "2"):
        s3.put_object(Bucket=BUCKET, Key="requests/orders/1.json", Body=content)
    s3.delete_object(Bucket=BUCKET, Key="requests/orders/1.json")
    assert artifacts.delete() == 3
    assert not artifacts.exists()


def test_a_bucket_that_is_not_there_needs_no_deleting(s3: S3Client) -> None:
    """`down` twice is harmless."""
    assert Artifacts(s3, ACCOUNT, "eu-west-1").delete() == 0


def test_an_object_that_stays_is_reported(stub: tuple[Stubber, Artifacts]) -> None:
    """DeleteObjects answers 200 with errors inside; they are not overlooked, and the bucket is left alone."""
    stubber, artifacts = stub
    stubber.add_response("head_bucket", {})
    stubber.add_response("list_object_versions", {"Versions": [{"Key": "code/1.zip", "VersionId": "null"}]})
    failed = {"Key": "code/1.zip", "Code": "AccessDenied", "Message": "Access Denied"}
    stubber.add_response("delete_objects", {"Errors": [failed]})
    with pytest.raises(MeridianError, match=r"code/1\.zip.*Access Denied"):
        artifacts.delete()
