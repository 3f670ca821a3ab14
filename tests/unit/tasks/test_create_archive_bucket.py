"""CreateArchiveBucket: a versioned, private bucket for the histories, locked if somebody asked for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.create_archive_bucket import create_archive_bucket
from tasks.shared import names
from tasks.shared.archive import START
from tests.unit.tasks.buckets import OWNER, configured, holds, made, not_tagged, tagged
from tests.unit.tasks.fakes import ACCOUNT, Answer
from tests.unit.tasks.scenarios import EXECUTION, HOME, Scenario, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

BUCKET = names.archive_bucket(ACCOUNT, HOME)
OURS = {"meridian:stack": "archive"}
EVENT: Any = {"execution": {"Id": EXECUTION}, "state": {"Name": "CreateArchiveBucket"}}
REPLY = {"bucket": BUCKET, "archived": START}


def s3(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("s3", HOME, method, response or {}, params={"Bucket": BUCKET, **OWNER, **params})


def retention(days: int) -> dict[str, Any]:
    return {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}},
    }


VERSIONED = s3("get_bucket_versioning", {"Status": "Enabled"})
MADE_VERSIONED = [
    s3("get_bucket_versioning"),
    s3("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"}),
]
NOT_LOCKED = refuse(
    "s3", HOME, "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError", Bucket=BUCKET, **OWNER
)


def locked(configuration: dict[str, Any]) -> Answer:
    return s3("get_object_lock_configuration", {"ObjectLockConfiguration": configuration})


def locks(configuration: dict[str, Any]) -> Answer:
    return s3("put_object_lock_configuration", ObjectLockConfiguration=configuration)


SCENARIOS = [
    Scenario(
        "There is none yet: a private, encrypted, versioned bucket with our tag is made",
        EVENT,
        [*made(BUCKET, OURS, HOME), *MADE_VERSIONED, NOT_LOCKED],
        REPLY,
    ),
    Scenario("A bucket of ours is left as it is", EVENT, [tagged(BUCKET, OURS, HOME), VERSIONED, NOT_LOCKED], REPLY),
    Scenario(
        "A bucket whose making was cut off before its tag is made whole",
        EVENT,
        [
            not_tagged(BUCKET, "NoSuchTagSet", HOME),
            holds(BUCKET, region=HOME),
            *configured(BUCKET, OURS, HOME),
            *MADE_VERSIONED,
            NOT_LOCKED,
        ],
        REPLY,
    ),
    Scenario(
        "Versions that somebody suspended are kept again",
        EVENT,
        [
            tagged(BUCKET, OURS, HOME),
            s3("get_bucket_versioning", {"Status": "Suspended"}),
            MADE_VERSIONED[1],
            NOT_LOCKED,
        ],
        REPLY,
    ),
    Scenario(
        "Where no lock is asked for any more, what is new is not locked",
        EVENT,
        [tagged(BUCKET, OURS, HOME), VERSIONED, locked(retention(30)), locks({"ObjectLockEnabled": "Enabled"})],
        REPLY,
    ),
    Scenario(
        "A bucket with Object Lock and without a rule is left as it is",
        EVENT,
        [tagged(BUCKET, OURS, HOME), VERSIONED, locked({"ObjectLockEnabled": "Enabled"})],
        REPLY,
    ),
    Scenario(
        "A bucket of that name that is not ours is not used",
        EVENT,
        [tagged(BUCKET, {"owner": "MARKED"}, HOME)],
        raises="NotOurs",
        says=["lacks the tag meridian:stack=archive"],
    ),
    Scenario(
        "A name that another account took is said",
        EVENT,
        [not_tagged(BUCKET, "AccessDenied", HOME)],
        raises="NotOurs",
        says=["belongs to another account"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_archive_bucket(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(create_archive_bucket, scenario, aws)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (NOT_LOCKED, [locks(retention(365))]),
        (locked({"ObjectLockEnabled": "Enabled"}), [locks(retention(365))]),
        (locked(retention(30)), [locks(retention(365))]),
        (locked(retention(365)), []),
    ],
    ids=["never locked", "no rule", "other days", "as asked"],
)
def test_a_lock_that_is_asked_for(
    found: Answer, put: list[Answer], aws: StubbedClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Object Lock is switched on where it is asked for, also on a bucket that is there, and only if it differs."""
    monkeypatch.setenv("ARCHIVE_LOCK_DAYS", "365")
    answers = [tagged(BUCKET, OURS, HOME), VERSIONED, found, *put]
    play(create_archive_bucket, Scenario("locked", EVENT, answers, REPLY), aws)
