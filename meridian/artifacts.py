"""The artifact bucket of the home Region: code and template of the control stack, and the accepted requests.

It is made outside the stack, which needs it to begin with. Every key carries the hash of its content, so nothing is
ever written over and the bucket needs no versioning.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names
from tasks.shared.errors import MeridianError, NotOurs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, PublicAccessBlockConfigurationTypeDef, TagTypeDef

    from meridian.bundle import Bundle

TAG: TagTypeDef = {"Key": "meridian:stack", "Value": "control"}
NO_PUBLIC_ACCESS: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
FOREIGN = ("403", "AccessDenied", "BucketAlreadyExists")
ABSENT = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")
NO_CONSTRAINT = "us-east-1"  # the one Region that CreateBucket does not want to be told


class Artifacts:
    """The bucket of one account and Region.

    Bucket names are the world's, and this one can be guessed: every call names the account that must own it.
    """

    def __init__(self, s3: S3Client, account: str, region: str) -> None:
        self._s3, self._account, self._region = s3, account, region
        self.bucket = names.artifact_bucket(account, region)
        self._ours: Any = {"Bucket": self.bucket, "ExpectedBucketOwner": account}

    def ensure(self) -> None:
        """Make the bucket if it is not there, and keep it private; ``NotOurs`` where another account has it."""
        if not self.exists():
            self._create()
            self._s3.put_bucket_tagging(Tagging={"TagSet": [TAG]}, **self._ours)
        self._s3.put_public_access_block(PublicAccessBlockConfiguration=NO_PUBLIC_ACCESS, **self._ours)

    def exists(self) -> bool:
        """Whether the bucket is there; ``NotOurs`` where another account has it."""
        try:
            self._s3.head_bucket(**self._ours)
        except ClientError as error:
            if _code(error) in ABSENT:
                return False
            if _code(error) in FOREIGN:
                raise self._taken(error) from error
            raise
        return True

    def upload(self, bundle: Bundle) -> bool:
        """Put the code where the template looks for it; whether that was necessary."""
        return self._put(bundle.key, bundle.path.read_bytes())

    def upload_template(self, template: str) -> str:
        """Put a template under its hash and give the URL by which CloudFormation reads it."""
        body = template.encode()
        key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
        self._put(key, body)
        return f"{self._s3.meta.endpoint_url}/{self.bucket}/{key}"

    def delete(self) -> int:
        """Empty the bucket, old versions too if somebody switched them on, and delete it; how many objects went."""
        if not self.exists():
            return 0
        count = sum(self._delete(batch) for batch in self._batches())
        self._s3.delete_bucket(**self._ours)
        return count

    def _create(self) -> None:
        where: Any = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            self._s3.create_bucket(Bucket=self.bucket, **({} if self._region == NO_CONSTRAINT else where))
        except ClientError as error:
            if _code(error) in FOREIGN:
                raise self._taken(error) from error
            if _code(error) != "BucketAlreadyOwnedByYou":
                raise

    def _taken(self, error: ClientError) -> NotOurs:
        return NotOurs(
            f"The bucket {self.bucket} cannot be used",
            where=self._region,
            why=f"it belongs to another account, or you lack the permission s3:ListBucket ({_code(error)})",
            remedy="If you have the permission, somebody took the name: ask AWS Support. Nothing was sent to it.",
        )

    def _put(self, key: str, body: bytes) -> bool:
        try:
            self._s3.head_object(Key=key, **self._ours)
        except ClientError as error:
            if _code(error) not in ABSENT:
                raise
            self._s3.put_object(Key=key, Body=body, **self._ours)
            return True
        return False

    def _batches(self) -> Iterator[list[ObjectIdentifierTypeDef]]:
        """A thousand at a time, which is both a page and the most that DeleteObjects takes."""
        for page in self._s3.get_paginator("list_object_versions").paginate(**self._ours):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]

    def _delete(self, batch: list[ObjectIdentifierTypeDef]) -> int:
        answer = self._s3.delete_objects(Delete={"Objects": batch, "Quiet": True}, **self._ours)
        for error in answer.get("Errors", []):
            raise MeridianError(
                f"{error.get('Key')} in the bucket {self.bucket} cannot be deleted",
                why=f"{error.get('Message')} ({error.get('Code')})",
                remedy="Put that right, then run `deploy.py down` again.",
            )
        return len(batch)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
