"""RemoveReplica: one replica goes, once, in its turn, and only if DynamoDB lets it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tasks.remove_replica import remove_replica
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    TABLE,
    THIRD,
    Ago,
    Scenario,
    busy,
    dynamodb,
    looped,
    no_table,
    ours,
    play,
    ready,
    refuse,
    replica,
    table,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

DELETE: dict[str, Any] = {"TableName": TABLE, "ReplicaUpdates": [{"Delete": {"RegionName": AWAY}}]}
NOT_A_MEMBER = "Update global table operation failed because one or more replicas were not part of the global table."
LOCKED = (
    "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in "
    "the last 24 hours."
)
PROTECTED = "Replica cannot be deleted because deletion protection is enabled in eu-west-1."


def refused(code: str, message: str = "not now", *members: dict[str, Any]) -> list[Answer]:
    return [*ours(*(members or [replica()])), refuse("dynamodb", HOME, "update_table", code, message, **DELETE)]


SCENARIOS = [
    Scenario(
        "A replica goes, alone in its call",
        looped(),
        [*ours(replica()), dynamodb(HOME, "update_table", **DELETE)],
        ready("DELETING"),
    ),
    *(
        Scenario(
            f"A replica that is {status} goes too",
            looped(),
            [*ours(replica(status=status)), dynamodb(HOME, "update_table", **DELETE)],
            ready("DELETING"),
        )
        for status in ("CREATION_FAILED", "ARCHIVED", "REGION_DISABLED")
    ),
    Scenario("A replica that is gone is left as it is", looped(), ours(replica(THIRD)), ready("GONE")),
    Scenario("A table that is gone has no replica", looped(), [no_table()], ready("GONE")),
    Scenario(
        "A replica that is going is left as it is",
        looped(),
        ours(replica(status="DELETING"), status="UPDATING"),
        ready("DELETING"),
    ),
    Scenario(
        "A home table that is cut off is not waited for: DynamoDB decides whether a replica goes",
        looped(),
        [
            *ours(replica(), status="INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
            dynamodb(HOME, "update_table", TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": AWAY}}]),
        ],
        ready("DELETING"),
    ),
    Scenario(
        "Another change of the table is waited for",
        looped(),
        ours(replica(), status="UPDATING"),
        busy("its turn to change orders (UPDATING)"),
    ),
    Scenario(
        "A change that began since the look is waited for",
        looped(),
        refused("ResourceInUseException", "Table is being updated"),
        busy("its turn to change orders (Table is being updated)"),
    ),
    Scenario(
        "A replica that is not part of the global table any more is gone",
        looped(),
        refused("ValidationException", NOT_A_MEMBER),
        ready("GONE"),
    ),
    Scenario(
        "Deletion protection is respected",
        looped(),
        refused("ValidationException", PROTECTED),
        raises="DeletionProtected",
        says=[
            f"orders is protected from deletion in eu-west-1: {PROTECTED} Provision it with `deletion_protection: fal"
        ],
    ),
    *(
        Scenario(
            f"The rule of 24 hours counts from the youngest replica that the Region can have seeded ({code})",
            looped(),
            [
                *refused(code, LOCKED, replica(), replica(THIRD), replica("ap-south-1")),
                table(THIRD, CreationDateTime=datetime(2026, 11, 20, 9, 30, 59, tzinfo=UTC)),
                table("ap-south-1", CreationDateTime=datetime(2026, 11, 19, 1, 0, tzinfo=UTC)),
            ],
            raises="SourceRegionLocked",
            says=[
                (
                    f"eu-west-1 seeded a replica of orders in the last 24 hours: {LOCKED} "
                    "DynamoDB keeps it until 2026-11-21 09:30Z at the latest. Start the workflow again"
                )
            ],
        )
        for code in ("ValidationException", "ResourceInUseException")
    ),
    Scenario(
        "Without another replica to ask, the rule of 24 hours counts from now",
        looped(),
        [*refused("ValidationException", LOCKED, replica(), replica(THIRD)), no_table(THIRD)],
        raises="SourceRegionLocked",
        says=["DynamoDB keeps it until "],
    ),
    Scenario(
        "A table without our tag is left as it is",
        looped(),
        [table(HOME, replica()), tags(team="MARKED")],
        raises="NotOurs",
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name, and nobody else is asked",
        looped(),
        refused("AccessDeniedException", "not authorized", replica(), replica(THIRD)),
        raises="AccessDeniedException",
        says=["not authorized"],
    ),
    Scenario(
        "Waiting for its turn ends with the deadline",
        looped(began=Ago(601), deadline_seconds=600),
        ours(replica(), status="UPDATING"),
        raises="DeadlineExceeded",
        says=["Waited 601 s for its turn to change orders (UPDATING) in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_remove_replica(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(remove_replica, scenario, aws)
