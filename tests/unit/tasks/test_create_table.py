"""CreateTable: the home table is asked for once, with everything that can be set only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.create_table import create_table
from tasks.shared.request import complete
from tests.unit.tasks.scenarios import (
    HOME,
    REQUEST,
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
    table,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

DEFINITION: dict[str, Any] = {
    "TableName": "orders",
    "AttributeDefinitions": [
        {"AttributeName": "orderId", "AttributeType": "S"},
        {"AttributeName": "customerId", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "orderId", "KeyType": "HASH"},
        {"AttributeName": "customerId", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "TableClass": "STANDARD",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "DeletionProtectionEnabled": False,
    "Tags": [{"Key": "team", "Value": "MARKED"}, {"Key": "meridian:table", "Value": "orders"}],
}
WIDE = complete(
    {
        "table": "orders",
        "regions": [HOME],
        "attribute_definitions": {"range": "N", "hash": "B", "other": "S"},
        "key_schema": {"range": "RANGE", "hash": "HASH"},
        "global_secondary_indexes": [{"index_name": "GSI1", "key_schema": {"other": "HASH"}}],
        "local_secondary_indexes": [
            {
                "index_name": "LSI1",
                "key_schema": {"other": "RANGE", "hash": "HASH"},
                "projection": {"projection_type": "INCLUDE", "non_key_attributes": ["note"]},
            }
        ],
        "table_class": "STANDARD_INFREQUENT_ACCESS",
        "stream_view_type": "KEYS_ONLY",
        "deletion_protection": True,
    }
)
WIDE_DEFINITION: dict[str, Any] = {
    "TableName": "orders",
    "AttributeDefinitions": [
        {"AttributeName": "range", "AttributeType": "N"},
        {"AttributeName": "hash", "AttributeType": "B"},
        {"AttributeName": "other", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "hash", "KeyType": "HASH"},
        {"AttributeName": "range", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    "DeletionProtectionEnabled": True,
    "Tags": [{"Key": "meridian:table", "Value": "orders"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "GSI1",
            "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "LSI1",
            "KeySchema": [
                {"AttributeName": "hash", "KeyType": "HASH"},
                {"AttributeName": "other", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
        }
    ],
}
SIMULTANEOUSLY = "Subscriber limit exceeded: There can be up to 250 tables created simultaneously"
QUOTA = "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber"

SCENARIOS = [
    Scenario(
        "A missing table is asked for with its tags",
        looped(HOME),
        [no_table(), dynamodb(HOME, "create_table", **DEFINITION)],
        ready("CREATING"),
    ),
    Scenario(
        "Keys of any type, both kinds of index and every setting go into the one call, HASH before RANGE",
        looped(HOME, request=WIDE),
        [no_table(), dynamodb(HOME, "create_table", **WIDE_DEFINITION)],
        ready("CREATING"),
    ),
    Scenario("A table that is ours is left as it is", looped(HOME), ours(), ready("ACTIVE")),
    Scenario(
        "A table of ours that is changing is left as it is", looped(HOME), ours(status="UPDATING"), ready("UPDATING")
    ),
    Scenario(
        "Whose a table is, is asked only once it is made, because the tags of a new one cannot be read",
        looped(HOME),
        [table(status="CREATING")],
        busy("orders (CREATING)"),
    ),
    Scenario(
        "An older table of that name is waited for until it is gone",
        looped(HOME),
        ours(status="DELETING"),
        busy("orders (DELETING)"),
    ),
    Scenario(
        "A table without our tag is left as it is",
        looped(HOME),
        [table(), tags(HOME, team="MARKED")],
        raises="NotOurs",
        says=[
            (
                "A table named orders exists in us-east-1: it lacks the tag meridian:table=orders, so Meridian "
                "did not make it. It is left as it is. Choose another table name, or remove that table yourself."
            )
        ],
    ),
    Scenario(
        "A table that carries another table's tag is not ours",
        looped(HOME),
        [table(), tags(HOME, **{"meridian:table": "others"})],
        raises="NotOurs",
    ),
    Scenario(
        "A table that another execution made a moment ago is looked at again",
        looped(HOME),
        [no_table(), refuse("dynamodb", HOME, "create_table", "ResourceInUseException", "Table already exists")],
        busy("orders (made by another execution)"),
    ),
    Scenario(
        "A table that went between two calls is made, and the next look tells",
        looped(HOME),
        [
            table(),
            refuse("dynamodb", HOME, "list_tags_of_resource", "ResourceNotFoundException"),
            dynamodb(HOME, "create_table", **DEFINITION),
        ],
        ready("CREATING"),
    ),
    Scenario(
        "Too many tables made at once keep AWS's name, which the state machine retries",
        looped(HOME),
        [no_table(), refuse("dynamodb", HOME, "create_table", "LimitExceededException", SIMULTANEOUSLY)],
        raises="LimitExceededException",
        says=[SIMULTANEOUSLY],
    ),
    Scenario(
        "The account's table quota stops, and says what to raise",
        looped(HOME),
        [no_table(), refuse("dynamodb", HOME, "create_table", "LimitExceededException", QUOTA)],
        raises="QuotaExceeded",
        says=[
            (
                f"orders cannot be created in us-east-1: {QUOTA}. Raise the quota in us-east-1 (Service Quotas "
                "> DynamoDB), then start the workflow again with the same input: everything already made is kept"
            )
        ],
    ),
    Scenario(
        "Waiting for an older table ends with the deadline",
        looped(HOME, began=Ago(61), deadline_seconds=60),
        ours(status="DELETING"),
        raises="DeadlineExceeded",
        says=["Waited 61 s for orders (DELETING) in us-east-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_create_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(create_table, scenario, aws)


def test_a_refusal_leads_back_to_what_aws_said(aws: StubbedClients) -> None:
    """Walking the causes of an error comes to an end, at boto3's own."""
    aws.will(no_table(), refuse("dynamodb", HOME, "create_table", "ValidationException", "no"))
    with pytest.raises(Exception, match="no") as raised:
        create_table.run(looped(HOME, request=REQUEST, began="2026-11-21T00:00:00Z"), aws)
    walked: list[BaseException | None] = [raised.value]
    while walked[-1] is not None:
        assert len(walked) < 5, "the causes go round in a circle"
        walked.append(walked[-1].__cause__)
