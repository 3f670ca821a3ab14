"""Ask DynamoDB for the table in the home Region, once.

Creates the base table with its indexes, stream, tags and deletion protection. May run twice: a table that is ours
is left as it is. Does not wait for ACTIVE, which DescribeTable sees; replicas, point-in-time recovery and TTL follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import tables
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(Looped):
    table: str
    home: str
    request: Request


@task(
    allow("dynamodb:CreateTable", "dynamodb:DescribeTable", on=TABLE),
    allow("dynamodb:ListTagsOfResource", "dynamodb:TagResource", on=TABLE),
)
def create_table(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while a table of that name is coming or going; ``NotOurs`` for one that is not ours."""
    table, home, request = event["table"], event["home"], event["request"]
    live = tables.require_ours(aws, table, home)
    if live:
        status = live["TableStatus"]
        # Whose table it is can be read only once it is made.
        return busy(event, f"{table} ({status})", home) if status in ("CREATING", "DELETING") else ready(status)
    dynamodb = aws.dynamodb(home)
    try:
        dynamodb.create_table(**_definition(request))
    except dynamodb.exceptions.ResourceInUseException:
        # Another execution was faster; the next look tells whether it was one of ours.
        return busy(event, f"{table} (made by another execution)", home)
    except ClientError as error:
        refused = tables.quota(error, f"{table} cannot be created", home)
        if refused:
            raise refused from error
        raise
    return ready("CREATING")


def _definition(request: Request) -> Any:
    definition = {
        "TableName": request["table"],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in request["attribute_definitions"].items()
        ],
        "KeySchema": _keys(request["key_schema"]),
        "BillingMode": request["billing_mode"],
        "TableClass": request["table_class"],
        # Set at once: with replicas it can never be changed again.
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": request["stream_view_type"]},
        "DeletionProtectionEnabled": request["deletion_protection"],
        "Tags": tables.tag_list(request),
    }
    for member, indexes in (
        ("GlobalSecondaryIndexes", request["global_secondary_indexes"]),
        ("LocalSecondaryIndexes", request["local_secondary_indexes"]),
    ):
        if indexes:
            definition[member] = [_index(index) for index in indexes]
    return definition


def _keys(schema: dict[str, str]) -> list[dict[str, str]]:
    """HASH before RANGE, as CreateTable wants it."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in sorted(schema.items(), key=lambda key: key[1])]


def _index(index: Any) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projection"]["projection_type"]}
    if index["projection"].get("non_key_attributes"):
        projection["NonKeyAttributes"] = index["projection"]["non_key_attributes"]
    return {"IndexName": index["index_name"], "KeySchema": _keys(index["key_schema"]), "Projection": projection}
