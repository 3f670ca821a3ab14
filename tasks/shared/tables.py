"""What several tasks ask of a table: is it there, is it ours, what does its replica say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared.errors import DeletionProtected, NotOurs, QuotaExceeded, SourceRegionLocked

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import ReplicaDescriptionTypeDef, TableDescriptionTypeDef, TagTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


# A change is in flight. Whatever else a table is, DynamoDB answers at once whether it can be changed.
CHANGING = ("CREATING", "UPDATING", "DELETING")
SOURCE_LOCK = "acted as a source region"  # what tells DynamoDB's 24-hour rule from its other refusals


def code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")) or str(error)


def describe(dynamodb: DynamoDBClient, table: str) -> TableDescriptionTypeDef | None:
    """DescribeTable in the client's Region, or ``None`` where there is no such table."""
    try:
        return dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return None


def replica(description: TableDescriptionTypeDef, region: str) -> ReplicaDescriptionTypeDef | None:
    """The entry of ``region`` in ``Replicas[]``, which never holds the Region that was asked."""
    return next((entry for entry in description.get("Replicas", []) if entry.get("RegionName") == region), None)


def replica_regions(description: TableDescriptionTypeDef | None) -> list[str]:
    return [str(entry.get("RegionName")) for entry in (description or {}).get("Replicas", [])]


def tags(dynamodb: DynamoDBClient, table_arn: str) -> dict[str, str]:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=table_arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def tag_list(request: Request) -> list[TagTypeDef]:
    """The request's tags and the ownership tag, as CreateTable and TagResource take them."""
    wanted = {**request["tags"], names.OWNERSHIP_TAG: request["table"]}
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


def require_ours(aws: Clients, table: str, region: str) -> TableDescriptionTypeDef | None:
    """Describe ``table``; ``NotOurs`` if it exists without our ownership tag, ``None`` if it does not exist.

    The tags of a table that is still CREATING cannot be read yet, so that one is given unchecked.
    """
    dynamodb = aws.dynamodb(region)
    description = describe(dynamodb, table)
    if description is None or description["TableStatus"] == "CREATING":
        return description
    try:
        found = tags(dynamodb, description["TableArn"])
    except dynamodb.exceptions.ResourceNotFoundException:  # it went between the two calls
        return None
    if found.get(names.OWNERSHIP_TAG) != table:
        raise _foreign(table, region, f"it lacks the tag {names.OWNERSHIP_TAG}={table}, so Meridian did not make it")
    return description


def require_room(aws: Clients, table: str, home: str, region: str) -> str:
    """``NotOurs`` if a table of that name stands in ``region``, where the home Region lists no replica.

    Gives the status of one that is coming, going, or a member already: home's list may lag some seconds behind.
    """
    there = describe(aws.dynamodb(region), table)
    if there is None or there["TableStatus"] in ("CREATING", "DELETING") or replica(there, home):
        return there["TableStatus"] if there else ""
    raise _foreign(table, region, f"it is no replica of {table} in {home}, and DynamoDB adopts no existing table")


def _foreign(table: str, region: str, why: str) -> NotOurs:
    remedy = "It is left as it is. Choose another table name, or remove that table yourself."
    return NotOurs(f"A table named {table} exists", where=region, why=why, remedy=remedy)


def busy_indexes(description: TableDescriptionTypeDef) -> list[str]:
    indexes: list[Any] = list(description.get("GlobalSecondaryIndexes", []))
    return [
        f"index {index['IndexName']} {index['IndexStatus']}" for index in indexes if index["IndexStatus"] != "ACTIVE"
    ]


def quota(error: ClientError, what: str, region: str) -> QuotaExceeded | None:
    """Tell the two kinds of LimitExceededException apart.

    "can be created, updated, or deleted simultaneously" clears by itself and is left to the state
    machine's Retry; every other text is an account quota that waiting does not raise.
    """
    if code(error) != "LimitExceededException" or "simultaneously" in message(error):
        return None
    return QuotaExceeded(
        what,
        where=region,
        why=message(error),
        remedy=f"Raise the quota in {region} (Service Quotas > DynamoDB), then start the workflow again with the "
        "same input: everything already made is kept and used.",
    )


def require_unprotected(aws: Clients, table: str, regions: list[str]) -> None:
    """``DeletionProtected`` names every Region in which the table is protected from deletion."""
    held = [
        region
        for region in regions
        if (describe(aws.dynamodb(region), table) or {}).get("DeletionProtectionEnabled", False)
    ]
    if held:
        raise protected(table, held)


def protected(table: str, regions: list[str], why: str = "") -> DeletionProtected:
    return DeletionProtected(
        f"{table} is protected from deletion",
        where=", ".join(regions),
        why=why,
        remedy="Provision it with `deletion_protection: false` first. Nothing was removed there.",
    )


def locked(table: str, region: str, why: str, newest_replica: datetime) -> SourceRegionLocked:
    """Say when DynamoDB's 24-hour rule ends at the latest.

    A Region from which a replica was created cannot go for 24 hours, or until that replica is gone.
    """
    until = (newest_replica + timedelta(hours=24)).astimezone(UTC)
    return SourceRegionLocked(
        f"{region} seeded a replica of {table} in the last 24 hours",
        why=why,
        remedy=f"DynamoDB keeps it until {until:%Y-%m-%d %H:%M}Z at the latest. Start the workflow again with the same "
        "input after that; everything else stays as it is.",
    )
