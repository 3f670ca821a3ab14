"""What is said of an object of the archive that is not as it was archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meridian.audit.archives.bucket import Bucket
    from tasks.shared.archive import Reference


def restore(bucket: Bucket, wanted: Reference) -> str:
    """What to do about an object that is altered or gone."""
    version = bucket.version(wanted["key"], wanted["sha256"])
    if version:
        return f"Its version {version} is what was archived: restore that."
    return "No version of it that is still in the bucket is what was archived."
