"""CreateFailureBucket: a bucket for the records that the processors give up on, where there are processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.create_failure_bucket import create_failure_bucket
from tests.unit.tasks.buckets import configured, failure_bucket, holds, made, not_tagged, tagged
from tests.unit.tasks.scenarios import HOME, OWNED, REQUEST, Scenario, once, play

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

BUCKET = failure_bucket()
WITH_CHANGES = {**REQUEST, "processors": {**REQUEST["processors"], "changes": {"rules": []}}}

SCENARIOS = [
    Scenario(
        "A Region with a processor gets a private, encrypted bucket with the table's tag",
        once(request=WITH_CHANGES),
        made(BUCKET, OWNED),
        {"bucket": BUCKET},
    ),
    Scenario(
        "So does the home Region",
        once(HOME, request=WITH_CHANGES),
        made(failure_bucket(HOME), OWNED, HOME),
        {"bucket": failure_bucket(HOME)},
    ),
    Scenario(
        "A bucket of ours is left as it is", once(request=WITH_CHANGES), [tagged(BUCKET, OWNED)], {"bucket": BUCKET}
    ),
    Scenario(
        "A bucket that a crash left without its tag, and empty, is made ours",
        once(request=WITH_CHANGES),
        [not_tagged(BUCKET, "NoSuchTagSet"), holds(BUCKET), *configured(BUCKET, OWNED)],
        {"bucket": BUCKET},
    ),
    Scenario("Without a processor there is none", once(), [], {"bucket": ""}),
    Scenario(
        "A bucket of another table is left as it is",
        once(request=WITH_CHANGES),
        [tagged(BUCKET, {"meridian:table": "MARKED"})],
        raises="NotOurs",
        says=["lacks the tag meridian:table=orders"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_failure_bucket(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(create_failure_bucket, scenario, aws)
