"""UnstageCode: a table's code goes, and the bucket with the last table's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.shared import names
from tasks.unstage_code import unstage_code
from tests.unit.tasks.buckets import CODE, OWNER, code_bucket, deleted, holds, not_tagged, s3, tagged
from tests.unit.tasks.scenarios import AWAY, TABLE, Scenario, once, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

BUCKET = code_bucket()
PREFIX = names.code_prefix(TABLE)
OURS = (f"{PREFIX}code/1.zip", f"{PREFIX}config/1.json")
EMPTIED = [tagged(BUCKET, CODE), holds(BUCKET, *OURS, prefix=PREFIX), deleted(BUCKET, *OURS)]

SCENARIOS = [
    Scenario(
        "The last table's code goes with the bucket",
        once(),
        [*EMPTIED, holds(BUCKET), s3(AWAY, BUCKET, "delete_bucket")],
        {"bucket": BUCKET},
    ),
    Scenario(
        "Another table's code stays, and the bucket with it",
        once(),
        [*EMPTIED, holds(BUCKET, "others-1/code/1.zip")],
        {"bucket": BUCKET},
    ),
    Scenario("A bucket that is gone is gone", once(), [not_tagged(BUCKET, "NoSuchBucket")], {"bucket": BUCKET}),
    *(
        Scenario(
            f"A bucket that another execution changed since the look ({code}) is left to it",
            once(),
            [*EMPTIED, holds(BUCKET), refuse("s3", AWAY, "delete_bucket", code, Bucket=BUCKET, **OWNER)],
            {"bucket": BUCKET},
        )
        for code in ("BucketNotEmpty", "NoSuchBucket")
    ),
    Scenario(
        "A bucket without our tag is left as it is",
        once(),
        [tagged(BUCKET, {"team": "MARKED"})],
        raises="NotOurs",
        says=[f"A bucket named {BUCKET} exists in eu-west-1"],
    ),
    Scenario(
        "An object that cannot be deleted is told with S3's reason",
        once(),
        [*EMPTIED[:2], deleted(BUCKET, *OURS, errors=[{"Key": OURS[0], "Code": "AccessDenied", "Message": "locked"}])],
        raises="Failed",
        says=["cannot be deleted in eu-west-1: locked (AccessDenied)"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_unstage_code(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(unstage_code, scenario, aws)
