"""DeleteTable: the home table goes last, once, and only if it is ours and unprotected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tasks.delete_table import delete_table
from tasks.shared.errors import SourceRegionLocked
from tests.unit.tasks.scenarios import (
    HOME,
    TABLE,
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

LOCKED = (
    "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in "
    "the last 24 hours."
)
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)


def refused(code: str, message: str = "not now") -> list[Answer]:
    return [*ours(), refuse("dynamodb", HOME, "delete_table", code, message, TableName=TABLE)]


SCENARIOS = [
    Scenario(
        "A table of ours without replicas goes",
        looped(HOME),
        [*ours(), dynamodb(HOME, "delete_table", TableName=TABLE)],
        ready("DELETING"),
    ),
    Scenario("A table that is gone is left as it is", looped(HOME), [no_table()], ready("GONE")),
    Scenario("A table that is going is left as it is", looped(HOME), ours(status="DELETING"), ready("DELETING")),
    Scenario(
        "A table whose tags are gone already is going",
        looped(HOME),
        [table(status="DELETING"), refuse("dynamodb", HOME, "list_tags_of_resource", "ResourceNotFoundException")],
        ready("GONE"),
    ),
    Scenario(
        "A table that is cut off or archived is not waited for: DynamoDB decides whether it goes",
        looped(HOME),
        [*ours(status="ARCHIVED"), dynamodb(HOME, "delete_table", TableName=TABLE)],
        ready("DELETING"),
    ),
    Scenario(
        "A table that is changing is waited for",
        looped(HOME),
        ours(status="UPDATING"),
        busy("orders (UPDATING, replicas: none)"),
    ),
    Scenario(
        "A table that is still being made is waited for, because whose it is cannot be read yet",
        looped(HOME),
        [table(status="CREATING")],
        busy("orders (CREATING, replicas: none)"),
    ),
    Scenario(
        "A table with a replica is waited for",
        looped(HOME),
        ours(replica(status="DELETING")),
        busy("orders (ACTIVE, replicas: eu-west-1)"),
    ),
    Scenario(
        "A change that began since the look is waited for",
        looped(HOME),
        refused("ResourceInUseException", "Table is being updated"),
        busy("its turn to change orders (Table is being updated)"),
    ),
    Scenario(
        "A table that another execution deleted since the look is gone",
        looped(HOME),
        refused("ResourceNotFoundException"),
        ready("GONE"),
    ),
    *(
        Scenario(
            f"Deletion protection is respected, whatever its code ({code})",
            looped(HOME),
            refused(code, PROTECTED),
            raises="DeletionProtected",
            says=[f"orders is protected from deletion in us-east-1: {PROTECTED} Provision it with `deletion_pro"],
        )
        for code in ("ValidationException", "ResourceInUseException")
    ),
    Scenario(
        "The rule of 24 hours is told with its end",
        looped(HOME),
        refused("ValidationException", LOCKED),
        raises="SourceRegionLocked",
        says=[
            f"us-east-1 seeded a replica of orders in the last 24 hours: {LOCKED} DynamoDB keeps it until ",
            "Z at the latest. Start the workflow again with the same input after that; everything else stays as it is.",
        ],
    ),
    Scenario(
        "A table without our tag is left as it is", looped(HOME), [table(), tags(team="MARKED")], raises="NotOurs"
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        looped(HOME),
        refused("AccessDeniedException", "not authorized"),
        raises="AccessDeniedException",
        says=["not authorized"],
    ),
    Scenario(
        "Waiting for the replicas ends with the deadline",
        looped(HOME, began=Ago(1_801), deadline_seconds=1_800),
        ours(replica()),
        raises="DeadlineExceeded",
        says=["Waited 1801 s for orders (ACTIVE, replicas: eu-west-1) in us-east-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_table, scenario, aws)


def test_the_lock_ends_a_day_after_the_last_replica_can_have_been_made(aws: StubbedClients) -> None:
    """With the replicas gone nobody knows their age, so the time told is a day from now."""
    aws.will(*refused("ValidationException", LOCKED))
    with pytest.raises(SourceRegionLocked) as raised:
        delete_table.run(looped(HOME), aws)
    told = re.search(r"until (\S+ \S+)Z at the latest", str(raised.value))
    assert told
    until = datetime.strptime(told[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert abs(until - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=2)
