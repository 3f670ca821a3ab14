"""Give the table in one Region what DynamoDB never copies to a replica: tags, recovery, deletion protection.

Sets TTL too, in the home Region only, from where DynamoDB copies it. May run twice: each setting is described
first and changed only on a difference. Tags that somebody else added stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import tables
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

# A change is in flight, point-in-time recovery is being switched on, or a new table is not known everywhere yet.
BUSY_CODES = {
    "ContinuousBackupsUnavailableException",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "TableNotFoundException",
}
# Texts of a ValidationException: a change of TTL takes up to an hour, or another execution has made it.
TTL_IS_CHANGING = ("modified multiple times", "TimeToLive is already")


class Event(Looped):
    table: str
    home: str
    region: str
    request: Request


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:TagResource", on=TABLE),
    allow("dynamodb:DescribeContinuousBackups", "dynamodb:UpdateContinuousBackups", on=TABLE),
    allow("dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive", "dynamodb:UpdateTable", on=TABLE),
)
def protect_table(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while another change holds the table."""
    table, region, request = event["table"], event["region"], event["request"]
    dynamodb = aws.dynamodb(region)
    live = tables.describe(dynamodb, table)
    if live is None or live["TableStatus"] != "ACTIVE":
        return busy(event, f"{table} ({live['TableStatus'] if live else 'not there yet'})", region)
    try:
        _tags(dynamodb, request, live)
        _point_in_time_recovery(dynamodb, request)
        if region == event["home"]:
            _time_to_live(dynamodb, request)
        _deletion_protection(dynamodb, request, live)
    except ClientError as error:
        text = tables.message(error)
        if tables.code(error) not in BUSY_CODES and not any(part in text for part in TTL_IS_CHANGING):
            raise
        return busy(event, f"its turn to change {table} ({text})", region)
    return ready()


def _tags(dynamodb: DynamoDBClient, request: Request, live: TableDescriptionTypeDef) -> None:
    present = tables.tags(dynamodb, live["TableArn"])
    missing = [tag for tag in tables.tag_list(request) if present.get(tag["Key"]) != tag["Value"]]
    if missing:
        dynamodb.tag_resource(ResourceArn=live["TableArn"], Tags=missing)


def _point_in_time_recovery(dynamodb: DynamoDBClient, request: Request) -> None:
    wanted = request["point_in_time_recovery"]
    found = dynamodb.describe_continuous_backups(TableName=request["table"])["ContinuousBackupsDescription"]
    present = found.get("PointInTimeRecoveryDescription", {})
    enabled = present.get("PointInTimeRecoveryStatus") == "ENABLED"
    if not wanted["enabled"]:
        if enabled:
            dynamodb.update_continuous_backups(
                TableName=request["table"], PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
            )
        return
    days = wanted["recovery_period_in_days"]
    if not enabled or present.get("RecoveryPeriodInDays") != days:
        dynamodb.update_continuous_backups(
            TableName=request["table"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days},
        )


def _time_to_live(dynamodb: DynamoDBClient, request: Request) -> None:
    """DynamoDB takes up to an hour for a change and refuses another one in it, so only a difference is sent."""
    wanted = request["time_to_live"]
    found = dynamodb.describe_time_to_live(TableName=request["table"])["TimeToLiveDescription"]
    enabled = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if bool(wanted) == enabled:
        return
    attribute = wanted["attribute_name"] if wanted else found["AttributeName"]
    dynamodb.update_time_to_live(
        TableName=request["table"],
        TimeToLiveSpecification={"Enabled": bool(wanted), "AttributeName": attribute},
    )


def _deletion_protection(dynamodb: DynamoDBClient, request: Request, live: TableDescriptionTypeDef) -> None:
    if live.get("DeletionProtectionEnabled", False) != request["deletion_protection"]:
        dynamodb.update_table(TableName=request["table"], DeletionProtectionEnabled=request["deletion_protection"])
