"""DeleteDestinationTable: what Meridian made for the replicator goes, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.delete_destination_table import delete_destination_table
from tests.unit.tasks.destinations import COPY, MARKS, REPLICATED, missing, stands, tagged
from tests.unit.tasks.scenarios import HOME, THIRD, Ago, Scenario, busy, dynamodb, looped, play, ready, refuse, replica

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

PROTECTED = "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection."


def event(**more: Any) -> Any:
    return looped(HOME, **{"request": REPLICATED, **more})


def deleted(table: str) -> Answer:
    return dynamodb(THIRD, "delete_table", TableName=table)


def refused(code: str, message: str = "not now") -> list[Answer]:
    """The marks are gone; the destination is ours, and DynamoDB does not delete it."""
    refusal = refuse("dynamodb", THIRD, "delete_table", code, message, TableName=COPY)
    return [missing(MARKS), stands(COPY), tagged(COPY), refusal]


def kept(claim: str, why: str, *found: Answer) -> Scenario:
    detail = f"{COPY} in {THIRD} is left as it is: {why}"
    return Scenario(claim, event(), [missing(MARKS), *found], ready(detail))


SCENARIOS = [
    Scenario("A request without a replicator has no tables", looped(HOME), [], ready("no replicator")),
    Scenario(
        "The marks and a destination of ours go",
        event(),
        [stands(MARKS), tagged(MARKS), deleted(MARKS), stands(COPY), tagged(COPY), deleted(COPY)],
        busy(f"{MARKS} (DELETING), {COPY} (DELETING)"),
    ),
    Scenario("Tables that are gone are left as they are", event(), [missing(MARKS), missing(COPY)], ready("GONE")),
    Scenario(
        "Tables that are going or still coming are waited for, because their tags cannot be read",
        event(),
        [stands(MARKS, "DELETING"), stands(COPY, "CREATING")],
        busy(f"{MARKS} (DELETING), {COPY} (CREATING)"),
    ),
    kept(
        "A destination that somebody else made stays, and is named",
        "Meridian did not make it",
        stands(COPY),
        tagged(COPY, team="MARKED"),
    ),
    kept(
        "A table of the same name that is another deployment's own stays",
        "Meridian did not make it",
        stands(COPY),
        tagged(COPY, **{"meridian:table": "orders"}),
    ),
    kept(
        "A protected destination stays, and is named",
        "it is protected from deletion",
        stands(COPY, DeletionProtectionEnabled=True),
        tagged(COPY),
    ),
    kept(
        "A destination that was given replicas stays, and is named",
        f"it has replicas in {HOME}",
        stands(COPY, Replicas=[replica(HOME)]),
        tagged(COPY),
    ),
    Scenario(
        "Foreign marks stay, and are named",
        event(),
        [stands(MARKS), tagged(MARKS, team="MARKED"), missing(COPY)],
        ready(f"{MARKS} in {THIRD} is left as it is: Meridian did not make it"),
    ),
    Scenario(
        "What goes is waited for, although the other stays",
        event(),
        [stands(MARKS), tagged(MARKS), deleted(MARKS), stands(COPY), tagged(COPY, team="MARKED")],
        busy(f"{MARKS} (DELETING)"),
    ),
    Scenario(
        "A destination that was protected a moment ago stays",
        event(),
        refused("ValidationException", PROTECTED),
        ready(f"{COPY} in {THIRD} is left as it is: it is protected from deletion"),
    ),
    Scenario(
        "A destination that is changing is waited for",
        event(),
        refused("ResourceInUseException"),
        busy(f"{COPY} (not now)"),
    ),
    Scenario(
        "A destination that went between two calls is gone",
        event(),
        refused("ResourceNotFoundException"),
        ready("GONE"),
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        event(),
        refused("AccessDeniedException", "not authorized"),
        raises="AccessDeniedException",
        says=["not authorized"],
    ),
    Scenario(
        "Waiting ends with the deadline",
        event(began=Ago(601), deadline_seconds=600),
        [missing(MARKS), stands(COPY, "DELETING")],
        raises="DeadlineExceeded",
        says=[f"Waited 601 s for {COPY} (DELETING) in ap-southeast-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_destination_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_destination_table, scenario, aws)
