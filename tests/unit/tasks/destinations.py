"""A request with a replicator, and what AWS says of its two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared.request import complete
from tests.unit.tasks.fakes import ACCOUNT
from tests.unit.tasks.scenarios import HOME, REQUEST, TABLE, THIRD, dynamodb, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer

COPY, MARKS = "orders-copy", names.marks_table(TABLE)
OWNED = {"meridian:table": TABLE, "meridian:home": HOME}
KEY: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "customerId", "AttributeType": "S"},
        {"AttributeName": "orderId", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "orderId", "KeyType": "HASH"},
        {"AttributeName": "customerId", "KeyType": "RANGE"},
    ],
}
REPLICATED: Any = complete(
    {
        **REQUEST,
        "processors": {
            "replicator": {
                "destination": {"table": COPY, "region": THIRD},
                "conflict": {"rule": "LAST_WRITER", "attribute": "updatedAt"},
            }
        },
    }
)


def arn(table: str) -> str:
    return f"arn:aws:dynamodb:{THIRD}:{ACCOUNT}:table/{table}"


def stands(table: str, status: str = "ACTIVE", **more: Any) -> Answer:
    """DescribeTable answers with a table in the destination's Region, with the right key if not told otherwise."""
    description = {"TableName": table, "TableArn": arn(table), "TableStatus": status, **KEY, **more}
    return dynamodb(THIRD, "describe_table", {"Table": description}, TableName=table)


def missing(table: str) -> Answer:
    return refuse("dynamodb", THIRD, "describe_table", "ResourceNotFoundException", "no such table", TableName=table)


def tagged(table: str, **found: str) -> Answer:
    """ListTagsOfResource answers with our two tags, or with ``found``."""
    listed = [{"Key": key, "Value": value} for key, value in (found or OWNED).items()]
    return dynamodb(THIRD, "list_tags_of_resource", {"Tags": listed}, ResourceArn=arn(table))


def time_to_live(status: str) -> Answer:
    return dynamodb(
        THIRD, "describe_time_to_live", {"TimeToLiveDescription": {"TimeToLiveStatus": status}}, TableName=MARKS
    )
