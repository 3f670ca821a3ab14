"""The manifests in an archive's bucket, and their older versions, which versioning keeps."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tasks.shared.archive import MANIFESTS, Manifest, is_manifest, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tasks.shared.archive import Reference


@dataclass(frozen=True)
class Read:
    """A manifest; ``etag`` is that of the object which lies in its place, empty where none does."""

    reference: Reference
    etag: str
    manifest: Manifest


class Manifests:
    """Reads only."""

    def __init__(self, s3: S3Client, ours: Any) -> None:
        self._s3, self._ours = s3, ours
        self._known: dict[str, Read] = {}

    def learn(self, read: Read) -> None:
        """Remember what is proven, so that it is read once."""
        self._known[read.reference["key"]] = read

    def listed(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Prefix=MANIFESTS, **self._ours)
        found = (one.get("Key", "") for page in pages for one in page.get("Contents", []))
        return [key for key in found if is_manifest(key)]

    def current(self, key: str, version: str = "") -> Read | None:
        """The object in a manifest's place, or that version of it; None where there is none."""
        of_version: Any = {"VersionId": version} if version else {}
        try:
            answer = self._s3.get_object(Key=key, **of_version, **self._ours)
        except self._s3.exceptions.NoSuchKey:
            return None
        body = answer["Body"].read()
        return Read({"key": key, "sha256": hashlib.sha256(body).hexdigest()}, answer["ETag"], _parsed(key, body))

    def proven(self, wanted: Reference) -> Read | None:
        """The manifest of that content, of an older version if need be; None where none has it."""
        known = self._known.get(wanted["key"])
        if known and known.reference == wanted:
            return known
        current = self.current(wanted["key"])
        read = current
        if not current or current.reference != wanted:
            older = (self.current(wanted["key"], version) for version in self._versions(wanted["key"]))
            good = next((one for one in older if one and one.reference == wanted), None)
            read = replace(good, etag=current.etag if current else "") if good else None
        if read:
            self.learn(read)
        return read

    def _versions(self, key: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_object_versions").paginate(Prefix=key, **self._ours):
            yield from (str(one.get("VersionId")) for one in page.get("Versions", []) if one.get("Key") == key)


def _parsed(key: str, body: bytes) -> Manifest:
    """A manifest that may be of anybody's making; an empty one where it is none."""
    with contextlib.suppress(ValueError, TypeError):
        found: Manifest = json.loads(body)
        if all(name in found for name in Manifest.__annotations__):
            return found
    return {"date": place(key)[0], "predecessor": None, "files": [], "since": {}, "closed": False, "breaks": []}
