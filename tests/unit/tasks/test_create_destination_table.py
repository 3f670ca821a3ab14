"""CreateDestinationTable: the replicator finds a table with the right key, and marks of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.create_destination_table import create_destination_table
from tasks.shared.request import complete
from tests.unit.tasks.destinations import COPY, KEY, MARKS, REPLICATED, missing, stands, tagged, time_to_live
from tests.unit.tasks.scenarios import HOME, THIRD, Ago, Scenario, busy, dynamodb, looped, play, ready, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

TAGS = [
    {"Key": "team", "Value": "MARKED"},
    {"Key": "meridian:table", "Value": "orders"},
    {"Key": "meridian:home", "Value": HOME},
]
COPY_DEFINITION: dict[str, Any] = {
    "TableName": COPY,
    "AttributeDefinitions": [
        {"AttributeName": "orderId", "AttributeType": "S"},
        {"AttributeName": "customerId", "AttributeType": "S"},
    ],
    "KeySchema": KEY["KeySchema"],
    "BillingMode": "PAY_PER_REQUEST",
    "Tags": TAGS,
}
MARKS_DEFINITION: dict[str, Any] = {
    "TableName": MARKS,
    "AttributeDefinitions": [{"AttributeName": "item", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "item", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "Tags": TAGS,
}
INDEXED = complete(
    {
        **REPLICATED,
        "attribute_definitions": {"at": "N", "id": "B", "by": "S"},
        "key_schema": {"at": "RANGE", "id": "HASH"},
        "global_secondary_indexes": [{"index_name": "GSI1", "key_schema": {"by": "HASH"}}],
    }
)
INDEXED_DEFINITION: dict[str, Any] = {
    **COPY_DEFINITION,
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "B"},
        {"AttributeName": "at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
}
QUOTA = "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber"
ALREADY = "TimeToLive is already enabled"


def event(**more: Any) -> Any:
    return looped(HOME, **{"request": REPLICATED, **more})


def made(definition: dict[str, Any]) -> Answer:
    return dynamodb(THIRD, "create_table", **definition)


def switched_on() -> Answer:
    specification = {"Enabled": True, "AttributeName": "expiresAt"}
    return dynamodb(THIRD, "update_time_to_live", TableName=MARKS, TimeToLiveSpecification=specification)


SCENARIOS = [
    Scenario("A request without a replicator needs no tables", looped(HOME), [], ready("no replicator")),
    Scenario(
        "Both tables are asked for at once, with their tags",
        event(),
        [missing(COPY), made(COPY_DEFINITION), missing(MARKS), made(MARKS_DEFINITION)],
        busy(f"{COPY} (CREATING), {MARKS} (CREATING)"),
    ),
    Scenario(
        "Keys of any type go along, HASH before RANGE, and indexes do not",
        event(request=INDEXED),
        [missing(COPY), made(INDEXED_DEFINITION), stands(MARKS, "CREATING")],
        busy(f"{COPY} (CREATING), {MARKS} (CREATING)"),
    ),
    Scenario(
        "Marks that are ACTIVE get their time to live",
        event(),
        [stands(COPY), stands(MARKS), tagged(MARKS), time_to_live("DISABLED"), switched_on()],
        ready("ACTIVE"),
    ),
    Scenario(
        "What stands as it should is left as it is, whoever made the destination",
        event(),
        [stands(COPY), stands(MARKS), tagged(MARKS), time_to_live("ENABLING")],
        ready("ACTIVE"),
    ),
    Scenario(
        "A destination that is not ACTIVE yet is waited for",
        event(),
        [stands(COPY, "UPDATING"), stands(MARKS), tagged(MARKS), time_to_live("ENABLED")],
        busy(f"{COPY} (UPDATING)"),
    ),
    Scenario(
        "Tables that are going away are waited for",
        event(),
        [stands(COPY, "DELETING"), stands(MARKS, "DELETING")],
        busy(f"{COPY} (DELETING), {MARKS} (DELETING)"),
    ),
    Scenario(
        "Marks that are changing are waited for",
        event(),
        [stands(COPY), stands(MARKS, "UPDATING"), tagged(MARKS)],
        busy(f"{MARKS} (UPDATING)"),
    ),
    Scenario(
        "A destination with another key is refused",
        event(),
        [stands(COPY, KeySchema=KEY["KeySchema"][:1])],
        raises="ChangeRefused",
        says=[
            (
                "orders cannot be changed so: the replicator's destination orders-copy in ap-southeast-1 has the key "
                "orderId (S) and cannot hold items with the key orderId (S), customerId (S); name another table"
            )
        ],
    ),
    *(
        Scenario(
            f"Marks {whose} are not used",
            event(),
            [stands(COPY), stands(MARKS), tagged(MARKS, **found)],
            raises="NotOurs",
            says=[f"A table named {MARKS} exists in ap-southeast-1: it lacks the tags meridian:table=orders and merid"],
        )
        for whose, found in (
            ("that somebody else made", {"team": "MARKED"}),
            ("of a table of the same name with another home", {"meridian:table": "orders", "meridian:home": THIRD}),
        )
    ),
    Scenario(
        "A table that another execution made a moment ago is looked at again",
        event(),
        [
            missing(COPY),
            refuse("dynamodb", THIRD, "create_table", "ResourceInUseException", "Table already exists"),
            stands(MARKS, "CREATING"),
        ],
        busy(f"{COPY} (made by another execution), {MARKS} (CREATING)"),
    ),
    Scenario(
        "A time to live that another execution set a moment ago is set",
        event(),
        [
            *(stands(COPY), stands(MARKS), tagged(MARKS), time_to_live("DISABLED")),
            refuse("dynamodb", THIRD, "update_time_to_live", "ValidationException", ALREADY),
        ],
        ready("ACTIVE"),
    ),
    Scenario(
        "Another refusal of the time to live keeps AWS's name",
        event(),
        [
            *(stands(COPY), stands(MARKS), tagged(MARKS), time_to_live("DISABLED")),
            refuse("dynamodb", THIRD, "update_time_to_live", "ValidationException", "modified multiple times"),
        ],
        raises="ValidationException",
    ),
    Scenario(
        "The account's table quota stops, and says what to raise",
        event(),
        [missing(COPY), refuse("dynamodb", THIRD, "create_table", "LimitExceededException", QUOTA)],
        raises="QuotaExceeded",
        says=[f"orders-copy cannot be created in ap-southeast-1: {QUOTA}. Raise the quota in ap-southeast-1"],
    ),
    Scenario(
        "Another refusal to create keeps AWS's name",
        event(),
        [missing(COPY), refuse("dynamodb", THIRD, "create_table", "ValidationException", "no")],
        raises="ValidationException",
    ),
    Scenario(
        "Waiting ends with the deadline",
        event(began=Ago(601), deadline_seconds=600),
        [stands(COPY, "CREATING"), stands(MARKS, "CREATING")],
        raises="DeadlineExceeded",
        says=[f"Waited 601 s for {COPY} (CREATING), {MARKS} (CREATING) in ap-southeast-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_destination_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(create_destination_table, scenario, aws)
