"""DeleteFailureBucket: records that were given up are data, and go only when somebody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.delete_failure_bucket import delete_failure_bucket
from tests.unit.tasks.buckets import counted, deleted, failure_bucket, holds, not_tagged, s3, tagged
from tests.unit.tasks.scenarios import AWAY, OWNED, Scenario, once, play

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

BUCKET = failure_bucket()
RECORDS = ("aws/lambda/1/a", "aws/lambda/1/b")
GONE = [counted(BUCKET), holds(BUCKET), s3(AWAY, BUCKET, "delete_bucket")]

SCENARIOS = [
    Scenario(
        "A bucket in which nothing lies goes",
        once(failures=""),
        [tagged(BUCKET, OWNED), *GONE],
        {"bucket": BUCKET, "kept": 0, "more": False},
    ),
    Scenario(
        "Records stay, and their number is told",
        once(failures=""),
        [tagged(BUCKET, OWNED), counted(BUCKET, *RECORDS), holds(BUCKET, *RECORDS)],
        {"bucket": BUCKET, "kept": 2, "more": False},
    ),
    Scenario(
        "Of more than a page it is told that there are more",
        once(failures=""),
        [tagged(BUCKET, OWNED), counted(BUCKET, *RECORDS, more=True), holds(BUCKET, *RECORDS)],
        {"kept": 2, "more": True},
    ),
    Scenario(
        "Records go where somebody says so",
        once(failures="delete"),
        [tagged(BUCKET, OWNED), holds(BUCKET, *RECORDS), deleted(BUCKET, *RECORDS), *GONE],
        {"kept": 0},
    ),
    Scenario(
        "Another word deletes nothing",
        once(failures="yes"),
        [tagged(BUCKET, OWNED), counted(BUCKET, *RECORDS), holds(BUCKET, *RECORDS)],
        {"kept": 2},
    ),
    Scenario(
        "A bucket that is gone is gone",
        once(failures="delete"),
        [not_tagged(BUCKET, "NoSuchBucket")],
        {"bucket": BUCKET, "kept": 0, "more": False},
    ),
    Scenario(
        "A bucket of another table is left as it is",
        once(failures="delete"),
        [tagged(BUCKET, {"meridian:table": "MARKED"})],
        raises="NotOurs",
        says=["lacks the tag meridian:table=orders"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_failure_bucket(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_failure_bucket, scenario, aws)
