"""The objects of the archive's bucket, and their older versions, which versioning keeps."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.response import StreamingBody

    from meridian.session import Session

ABSENT = ("404", "NoSuchKey", "NoSuchVersion", "NotFound")
CHUNK_BYTES = 1_048_576


class Bucket:
    """Reads only. Every call names the account that must own the bucket."""

    def __init__(self, session: Session) -> None:
        self.name = names.archive_bucket(session.account, session.home)
        self._s3 = session.s3(session.home)
        self._ours: Any = {"Bucket": self.name, "ExpectedBucketOwner": session.account}

    def exists(self) -> bool:
        try:
            self._s3.head_bucket(**self._ours)
        except ClientError as error:
            if code(error) not in (*ABSENT, "NoSuchBucket"):
                raise
            return False
        return True

    def listed(self, prefix: str = "") -> Iterator[str]:
        """Every key, in the order of their bytes; none where there is no bucket."""
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Prefix=prefix, **self._ours):
                yield from (str(one.get("Key")) for one in page.get("Contents", []))
        except ClientError as error:
            if code(error) != "NoSuchBucket":
                raise

    def open(self, key: str, version: str = "") -> StreamingBody | None:
        """The content of an object or of a version of it, to be read; None where it is not there."""
        of_version: Any = {"VersionId": version} if version else {}
        try:
            return self._s3.get_object(Key=key, **of_version, **self._ours)["Body"]
        except ClientError as error:
            if code(error) not in ABSENT:
                raise
            return None

    def read(self, key: str, version: str = "") -> bytes | None:
        body = self.open(key, version)
        return None if body is None else body.read()

    def sha256(self, key: str, version: str = "") -> str | None:
        """Of the content, which is read bit by bit; None where the object is not there."""
        body = self.open(key, version)
        if body is None:
            return None
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest()

    def version(self, key: str, sha256: str) -> str:
        """Id of the version of an object that has this content; an empty text if none has."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Prefix=key, **self._ours):
            for one in page.get("Versions", []):
                version = str(one.get("VersionId"))
                if one.get("Key") == key and self.sha256(key, version) == sha256:
                    return version
        return ""
