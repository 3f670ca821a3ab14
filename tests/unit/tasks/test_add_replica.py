"""AddReplica: one replica is asked for once, in its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.add_replica import add_replica
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
    from tests.unit.tasks.fakes import StubbedClients

CREATE: dict[str, Any] = {"TableName": TABLE, "ReplicaUpdates": [{"Create": {"RegionName": AWAY}}]}
DELETE: dict[str, Any] = {"TableName": TABLE, "ReplicaUpdates": [{"Delete": {"RegionName": AWAY}}]}
INDEX: dict[str, Any] = {"GlobalSecondaryIndexes": [{"IndexName": "GSI1", "IndexStatus": "CREATING"}]}
TAKEN = (
    "Failed to create a the new replica of table with name: 'orders' because one or more replicas already existed as "
    "tables."
)
SIMULTANEOUSLY = "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously"
QUOTA = "Failed to create replica: current TableMaxReadCapacityUnits value 40000 is lower than 80000 in us-east-1"

SCENARIOS = [
    Scenario("The home Region needs no replica", looped(HOME), [], ready("home Region")),
    Scenario(
        "A missing replica is asked for, alone in its call",
        looped(),
        [*ours(), no_table(AWAY), dynamodb(HOME, "update_table", **CREATE)],
        ready("CREATING"),
    ),
    *(
        Scenario(
            f"A replica that is there is reported as it is ({status})",
            looped(),
            ours(replica(status=status), status="UPDATING"),
            ready(status),
        )
        for status in ("CREATING", "ACTIVE", "UPDATING", "REPLICATION_NOT_AUTHORIZED", "ARCHIVED", "HIBERNATING")
    ),
    Scenario(
        "Another replica's change is waited for",
        looped(),
        ours(replica(THIRD, "CREATING"), status="UPDATING"),
        busy("its turn to change orders (UPDATING)"),
    ),
    Scenario(
        "An index that is being built is waited for, because DynamoDB copies ACTIVE ones only",
        looped(),
        ours(**INDEX),
        busy("its turn to change orders (index GSI1 CREATING)"),
    ),
    Scenario(
        "A replica that is still DELETING is waited for before it is added again",
        looped(),
        ours(replica(status="DELETING")),
        busy("replica of orders (DELETING)"),
    ),
    Scenario(
        "A table that outlives its entry is waited for before the replica is added again",
        looped(),
        [*ours(), table(AWAY, status="DELETING")],
        busy("another orders (DELETING)"),
    ),
    Scenario(
        "A replica that another execution asked for a moment ago is not taken for a foreign table",
        looped(),
        [*ours(), table(AWAY, status="CREATING")],
        busy("another orders (CREATING)"),
    ),
    Scenario(
        "A member that the home Region does not list yet is not taken for a foreign table",
        looped(),
        [*ours(), table(AWAY, replica(HOME))],
        busy("another orders (ACTIVE)"),
    ),
    Scenario(
        "A foreign table in the replica's Region is left as it is",
        looped(),
        [*ours(), table(AWAY)],
        raises="NotOurs",
        says=[
            (
                "A table named orders exists in eu-west-1: it is no replica of orders in us-east-1, and "
                "DynamoDB adopts no existing table. It is left as it is. Choose another table name"
            )
        ],
    ),
    Scenario(
        "A replica whose creation failed is taken away first",
        looped(),
        [*ours(replica(status="CREATION_FAILED")), dynamodb(HOME, "update_table", **DELETE)],
        busy("the failed replica of orders to go"),
    ),
    Scenario(
        "A failed replica is taken away in its turn only",
        looped(),
        ours(replica(status="CREATION_FAILED"), status="UPDATING"),
        busy("its turn to change orders (UPDATING)"),
    ),
    Scenario(
        "A change that began since the look is waited for",
        looped(),
        [
            *ours(),
            no_table(AWAY),
            refuse("dynamodb", HOME, "update_table", "ResourceInUseException", "Table is being updated", **CREATE),
        ],
        busy("its turn to change orders (Table is being updated)"),
    ),
    Scenario(
        "A name that was taken since the look is looked at again",
        looped(),
        [*ours(), no_table(AWAY), refuse("dynamodb", HOME, "update_table", "ValidationException", TAKEN, **CREATE)],
        busy(f"its turn to change orders ({TAKEN})"),
    ),
    Scenario(
        "Too many changes at once keep AWS's name, which the state machine retries",
        looped(),
        [*ours(), no_table(AWAY), refuse("dynamodb", HOME, "update_table", "LimitExceededException", SIMULTANEOUSLY)],
        raises="LimitExceededException",
        says=[SIMULTANEOUSLY],
    ),
    Scenario(
        "A quota that never clears by itself stops, and says what to raise",
        looped(),
        [*ours(), no_table(AWAY), refuse("dynamodb", HOME, "update_table", "LimitExceededException", QUOTA)],
        raises="QuotaExceeded",
        says=[f"A replica of orders cannot be made in eu-west-1: {QUOTA}. Raise the quota in eu-west-1 (Service"],
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        looped(),
        [
            *ours(),
            no_table(AWAY),
            refuse("dynamodb", HOME, "update_table", "ValidationException", "region is disabled"),
        ],
        raises="ValidationException",
        says=["region is disabled. Mend that first. Start the workflow"],
    ),
    Scenario(
        "A table of that name that was made since, and not by us, gets no replica",
        looped(),
        [table(), tags(team="MARKED")],
        raises="NotOurs",
        says=["A table named orders exists in us-east-1: it lacks the tag meridian:table=orders, so Meridian did not"],
    ),
    Scenario(
        "A home table that is cut off is not waited for: DynamoDB says why it takes no replica",
        looped(),
        [
            *ours(status="REPLICATION_NOT_AUTHORIZED"),
            no_table(AWAY),
            refuse("dynamodb", HOME, "update_table", "ValidationException", "not authorized", **CREATE),
        ],
        raises="ValidationException",
        says=["not authorized. Mend that first."],
    ),
    Scenario(
        "A home table that is gone cannot have a replica",
        looped(),
        [no_table()],
        raises="ReplicaFailed",
        says=["orders is gone in us-east-1. Start provision with its request: it makes the table again."],
    ),
    Scenario(
        "Waiting for its turn ends with the deadline",
        looped(began=Ago(700), deadline_seconds=600),
        ours(status="UPDATING"),
        raises="DeadlineExceeded",
        says=["Waited 700 s for its turn to change orders (UPDATING) in eu-west-1: the request allows 600 s"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_add_replica(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(add_replica, scenario, aws)
