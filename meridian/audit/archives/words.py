"""What is said of an object of the archive that is not as it was archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import names
from tasks.shared.archive import reference

if TYPE_CHECKING:
    from meridian.audit.archives.bucket import Bucket
    from tasks.shared.archive import Break, Reference

ACKNOWLEDGE = (
    "Find out who did that (CloudTrail's data events of the bucket tell), then acknowledge it: "
    f"`aws ssm put-parameter --name {names.ARCHIVE_ACKNOWLEDGED} --type String --overwrite --value {{id}}`, with all "
    "that it holds already in front."
)


def of_break(bucket: Bucket, broken: Break) -> str:
    """What the archive met in the place of the newest manifest, and from what it went on."""
    head, found, kept = broken["head"], broken["found"], broken["kept"]
    named = f"named {_exactly(head)}" if head and head["key"] else "named nothing"
    there = f"there was {_exactly(found)}" if found else "there was no manifest"
    if not kept:
        return (
            f"the SSM parameter {named} as the newest manifest, and {there}. No version in the bucket was what had "
            "been archived, so the archive went on from what was there, which nothing proves."
        )
    version = bucket.version(kept["key"], kept["sha256"])
    good = f"its version {version}" if version else "a version that is gone by now"
    good = good if head and kept == reference(head) else f"{_exactly(kept)}, {good}"
    return f"the SSM parameter {named} as the newest manifest, and {there}. The archive went on from {good}."


def _exactly(one: Reference) -> str:
    return f"{one['key']} with the SHA-256 {one['sha256']}"


def restore(bucket: Bucket, wanted: Reference) -> str:
    """What to do about an object that is altered or gone."""
    version = bucket.version(wanted["key"], wanted["sha256"])
    if version:
        return f"Its version {version} is what was archived: restore that."
    return "No version of it that is still in the bucket is what was archived."
