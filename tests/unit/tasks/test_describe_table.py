"""DescribeTable: when a table is ready or gone, and when waiting cannot help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.describe_table import ALONE_AFTER_SECONDS, UNHEALTHY, VANISHED_AFTER_SECONDS, describe_table
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    THIRD,
    Ago,
    Scenario,
    busy,
    looped,
    no_table,
    play,
    ready,
    replica,
    table,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

ACTIVE: dict[str, Any] = {"wanted": "ACTIVE"}
GONE: dict[str, Any] = {"wanted": "GONE"}
INDEX: dict[str, Any] = {"GlobalSecondaryIndexes": [{"IndexName": "GSI1", "IndexStatus": "CREATING"}]}

SCENARIOS = [
    Scenario("The home table is ready when it is ACTIVE", looped(HOME, **ACTIVE), [table()], ready("ACTIVE")),
    Scenario(
        "A table that does not show yet is waited for",
        looped(HOME, **ACTIVE),
        [no_table()],
        busy("orders: table not there yet in us-east-1"),
    ),
    Scenario(
        "A table that is being made is waited for",
        looped(HOME, **ACTIVE),
        [table(status="CREATING")],
        busy("orders: table CREATING in us-east-1"),
    ),
    Scenario(
        "An index that is still being built is waited for",
        looped(HOME, **ACTIVE),
        [table(HOME, **INDEX)],
        busy("orders: index GSI1 CREATING"),
    ),
    Scenario(
        "A replica is ready when its entry, its table, its indexes and the home table are ACTIVE",
        looped(**ACTIVE),
        [table(HOME, replica()), table(AWAY, replica(HOME))],
        ready("ACTIVE"),
    ),
    Scenario(
        "The entry of a replica is waited for",
        looped(**ACTIVE),
        [table(HOME, replica(status="CREATING")), table(AWAY)],
        busy("orders: replica CREATING"),
    ),
    Scenario(
        "The table of a replica is waited for",
        looped(**ACTIVE),
        [table(HOME, replica()), table(AWAY, status="CREATING")],
        busy("orders: table CREATING in eu-west-1"),
    ),
    Scenario(
        "An index in the replica's Region is waited for",
        looped(**ACTIVE),
        [table(HOME, replica()), table(AWAY, **INDEX)],
        busy("orders: index GSI1 CREATING"),
    ),
    Scenario(
        "The home table is waited for until it is ACTIVE again",
        looped(**ACTIVE),
        [table(HOME, replica(), status="UPDATING"), table(AWAY)],
        busy("orders: table UPDATING in us-east-1"),
    ),
    *(
        Scenario(
            f"Another Region's turn on the home table is not waited for ({status})",
            looped(**ACTIVE),
            [table(HOME, replica(), replica(THIRD, status), status="UPDATING"), table(AWAY, replica(HOME))],
            ready("ACTIVE"),
        )
        for status in ("CREATING", "UPDATING", "DELETING")
    ),
    Scenario(
        "The home table is in use while a replica is made from it",
        looped(HOME, **ACTIVE),
        [table(HOME, replica(status="CREATING"), status="UPDATING")],
        ready("ACTIVE"),
    ),
    Scenario(
        "The home table that changes for no other Region's sake is waited for",
        looped(HOME, **ACTIVE),
        [table(HOME, replica(), status="UPDATING")],
        busy("orders: table UPDATING in us-east-1"),
    ),
    Scenario(
        "Everything that is waited for is named",
        looped(**ACTIVE),
        [table(HOME, replica(status="CREATING"), status="UPDATING"), no_table(AWAY)],
        busy("orders: replica CREATING, table not there yet in eu-west-1, table UPDATING in us-east-1"),
    ),
    Scenario(
        "A replica that is not listed at once is waited for",
        looped(**ACTIVE, began=Ago(VANISHED_AFTER_SECONDS - 20)),
        [table(), no_table(AWAY)],
        busy("orders: replica not listed yet, table not there yet in eu-west-1"),
    ),
    Scenario(
        "A replica that is not listed is waited for while the home table changes",
        looped(**ACTIVE, began=Ago(3_600)),
        [table(status="UPDATING"), no_table(AWAY)],
        busy("orders: replica not listed yet, table not there yet in eu-west-1, table UPDATING in us-east-1"),
    ),
    Scenario(
        "A Create that DynamoDB accepted and dropped is told",
        looped(**ACTIVE, began=Ago(VANISHED_AFTER_SECONDS + 1)),
        [table(), no_table(AWAY)],
        raises="ReplicaVanished",
        says=[
            (
                "DynamoDB accepted a replica of orders and did not make it in eu-west-1: us-east-1 is ACTIVE "
                "again and does not list it. Start the workflow again"
            ),
            "A redrive would only look again.",
        ],
    ),
    Scenario(
        "A replica whose creation failed is told with DynamoDB's reason",
        looped(**ACTIVE),
        [table(HOME, replica(status="CREATION_FAILED", why="The key is disabled.")), no_table(AWAY)],
        raises="ReplicaFailed",
        says=[
            "The replica of orders is CREATION_FAILED in eu-west-1: The key is disabled. Start the workflow again",
            "The failed replica is replaced.",
        ],
    ),
    Scenario(
        "An archived replica is told with where its data is",
        looped(**ACTIVE),
        [table(HOME, replica(status="ARCHIVED")), table(AWAY, status="ARCHIVED")],
        raises="ReplicaFailed",
        says=["The replica of orders is ARCHIVED in eu-west-1. DynamoDB keeps its data in a backup. Take it away"],
    ),
    Scenario(
        "An archived home table is told with DynamoDB's reason",
        looped(HOME, **ACTIVE),
        [table(status="ARCHIVED", ArchivalSummary={"ArchivalReason": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"})],
        raises="ReplicaFailed",
        says=["The table orders is ARCHIVED in us-east-1: INACCESSIBLE_ENCRYPTION_CREDENTIALS. DynamoDB keeps"],
    ),
    Scenario(
        "A table cut off from its key is told, and not waited for",
        looped(HOME, **ACTIVE),
        [table(status="INACCESSIBLE_ENCRYPTION_CREDENTIALS")],
        raises="ReplicaUnhealthy",
        says=["The table orders is INACCESSIBLE_ENCRYPTION_CREDENTIALS in us-east-1. Make its KMS key usable again"],
    ),
    Scenario(
        "A status that nobody knew when this was written fails loudly",
        looped(**ACTIVE),
        [table(HOME, replica(status="HIBERNATING")), table(AWAY)],
        raises="ReplicaUnhealthy",
        says=["The replica of orders is HIBERNATING in eu-west-1. Meridian does not know this status. Start"],
    ),
    Scenario("The home table is gone when it is not found", looped(HOME, **GONE), [no_table()], ready("GONE")),
    Scenario(
        "A home table that is going is waited for",
        looped(HOME, **GONE),
        [table(status="DELETING")],
        busy("orders: table DELETING"),
    ),
    Scenario(
        "A replica is gone when neither Region knows it",
        looped(**GONE),
        [table(), no_table(AWAY)],
        ready("GONE"),
    ),
    Scenario(
        "A replica is gone when the home table is gone too",
        looped(**GONE),
        [no_table(), no_table(AWAY)],
        ready("GONE"),
    ),
    Scenario(
        "The entry of a replica that is going is waited for",
        looped(**GONE),
        [table(HOME, replica(status="DELETING")), no_table(AWAY)],
        busy("orders: replica DELETING"),
    ),
    Scenario(
        "The table of a replica that is going outlives its entry and is waited for",
        looped(**GONE, began=Ago(ALONE_AFTER_SECONDS + 1)),
        [table(), table(AWAY, status="DELETING")],
        busy("orders: table DELETING"),
    ),
    Scenario(
        "A table that still shows soon after its entry has gone is waited for",
        looped(**GONE, began=Ago(ALONE_AFTER_SECONDS - 60)),
        [table(), table(AWAY)],
        busy("orders: table ACTIVE"),
    ),
    Scenario(
        "A replica that has left the global table is never deleted",
        looped(**GONE, began=Ago(ALONE_AFTER_SECONDS + 1)),
        [table(), table(AWAY)],
        raises="ReplicaFailed",
        says=[
            (
                "orders is no replica any more and stands as a table of its own in eu-west-1: us-east-1 does "
                "not list it. Meridian does not delete it"
            ),
            "delete the table there yourself, then start the workflow again",
        ],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_describe_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(describe_table, scenario, aws)


@pytest.mark.parametrize("status", sorted(UNHEALTHY))
def test_a_replica_that_is_cut_off_is_told(status: str, aws: StubbedClients) -> None:
    """Whatever cuts a replica off, the message says DynamoDB's reason, what mends it, and by when."""
    told = f"The replica of orders is {status} in eu-west-1: denied. {UNHEALTHY[status]}; after 20 hours DynamoDB drops"
    answers = [table(HOME, replica(status=status, why="denied")), table(AWAY)]
    event = looped(**ACTIVE)
    play(describe_table, Scenario("", event, answers, raises="ReplicaUnhealthy", says=[told, "Start the workfl"]), aws)


def test_waiting_ends_with_what_was_seen_last(aws: StubbedClients) -> None:
    """The deadline's error names the state that never changed."""
    event = looped(**ACTIVE, began=Ago(601), deadline_seconds=600)
    told = "Waited 601 s for orders: replica CREATING in eu-west-1: the request allows 600 s. Start the workflow again"
    answers = [table(HOME, replica(status="CREATING")), table(AWAY)]
    play(describe_table, Scenario("", event, answers, raises="DeadlineExceeded", says=[told]), aws)
