"""Make the replicator's destination and its marks, where they do not exist.

May run twice: what stands is left as it is. A destination that Meridian did not make is used if its key is the
table's. Nothing is made for a request without a replicator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import destination_tables, names, tables
from tasks.shared.errors import ChangeRefused
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

TTL_IS_SET = "TimeToLive is already"  # another execution was faster


class Event(Looped):
    table: str
    home: str
    request: Request


@task(
    allow("dynamodb:CreateTable", "dynamodb:DescribeTable", on=TABLE),
    allow("dynamodb:ListTagsOfResource", "dynamodb:TagResource", on=TABLE),
    allow("dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive", on=TABLE),
)
def create_destination_table(event: Event, aws: Clients) -> Looked:
    """Answer BUSY until both tables are ACTIVE. ``ChangeRefused`` for another key, ``NotOurs`` for foreign marks."""
    request = event["request"]
    wanted = destination_tables.replicator(request)
    if not wanted:
        return ready("no replicator")
    region, table = wanted["destination"]["region"], wanted["destination"]["table"]
    dynamodb = aws.dynamodb(region)
    waits_for = [*_destination(dynamodb, request, table), *_marks(dynamodb, request)]
    return busy(event, ", ".join(waits_for), region) if waits_for else ready("ACTIVE")


def _destination(dynamodb: DynamoDBClient, request: Request, table: str) -> list[str]:
    """What is left to wait for."""
    live = tables.describe(dynamodb, table)
    if live is None:
        return _create(dynamodb, destination_tables.definition(request, table))
    if live["TableStatus"] == "DELETING":
        return [f"{table} (DELETING)"]
    wrong = destination_tables.wrong_key(request, live)
    if wrong:
        raise ChangeRefused(f"{request['table']} cannot be changed so: {wrong}", remedy="It is left as it is.")
    return [] if live["TableStatus"] == "ACTIVE" else [f"{table} ({live['TableStatus']})"]


def _marks(dynamodb: DynamoDBClient, request: Request) -> list[str]:
    """What is left to wait for."""
    marks = names.marks_table(request["table"])
    live = tables.describe(dynamodb, marks)
    if live is None:
        return _create(dynamodb, destination_tables.marks_definition(request))
    if live["TableStatus"] in destination_tables.UNREADABLE:
        return [f"{marks} ({live['TableStatus']})"]
    destination_tables.require_ours(dynamodb, live, request)
    if live["TableStatus"] != "ACTIVE":
        return [f"{marks} ({live['TableStatus']})"]
    _time_to_live(dynamodb, marks)
    return []


def _create(dynamodb: DynamoDBClient, definition: Any) -> list[str]:
    table = definition["TableName"]
    try:
        dynamodb.create_table(**definition)
    except dynamodb.exceptions.ResourceInUseException:
        return [f"{table} (made by another execution)"]
    except ClientError as error:
        refused = tables.quota(error, f"{table} cannot be created", dynamodb.meta.region_name)
        if refused:
            raise refused from error
        raise
    return [f"{table} (CREATING)"]


def _time_to_live(dynamodb: DynamoDBClient, marks: str) -> None:
    found = dynamodb.describe_time_to_live(TableName=marks)["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        return
    attribute = destination_tables.MARKS_TIME_TO_LIVE
    try:
        dynamodb.update_time_to_live(
            TableName=marks, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
        )
    except ClientError as error:
        if TTL_IS_SET not in tables.message(error):
            raise
