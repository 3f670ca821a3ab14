"""Delete the replicator's marks, and its destination if Meridian made it.

May run twice: what is gone or going is left as it is. A destination without our tags, with deletion protection or with
replicas stays, and the answer says so: it holds data that somebody else may need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import destination_tables, names, tables
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(Looped):
    table: str
    home: str
    request: Request


@task(allow("dynamodb:DeleteTable", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE))
def delete_destination_table(event: Event, aws: Clients) -> Looked:
    """Answer BUSY until what is ours is gone; the detail names what is left."""
    request = event["request"]
    wanted = destination_tables.replicator(request)
    if not wanted:
        return ready("no replicator")
    region = wanted["destination"]["region"]
    dynamodb = aws.dynamodb(region)
    left, waits_for = [], []
    for table in (names.marks_table(request["table"]), wanted["destination"]["table"]):
        status, why = _removed(dynamodb, request, table)
        if why:
            left.append(f"{table} in {region} is left as it is: {why}")
        elif status != "GONE":
            waits_for.append(f"{table} ({status})")
    return busy(event, ", ".join(waits_for), region) if waits_for else ready("; ".join(left) or "GONE")


def _removed(dynamodb: DynamoDBClient, request: Request, table: str) -> tuple[str, str]:
    """The table's status now, and why it stays, if it does."""
    live = tables.describe(dynamodb, table)
    if live is None:
        return "GONE", ""
    if live["TableStatus"] in destination_tables.UNREADABLE:
        return live["TableStatus"], ""
    try:
        why = _kept(dynamodb, request, live)
        if why:
            return live["TableStatus"], why
        dynamodb.delete_table(TableName=table)
    except dynamodb.exceptions.ResourceNotFoundException:
        return "GONE", ""
    except dynamodb.exceptions.ResourceInUseException as error:
        return tables.message(error), ""
    except ClientError as error:
        if "deletion protection" not in tables.message(error).lower():
            raise
        return live["TableStatus"], "it is protected from deletion"
    return "DELETING", ""


def _kept(dynamodb: DynamoDBClient, request: Request, live: TableDescriptionTypeDef) -> str:
    """Why the table is not deleted, or nothing."""
    if not destination_tables.ours(dynamodb, live, request):
        return "Meridian did not make it"
    if live.get("DeletionProtectionEnabled", False):
        return "it is protected from deletion"
    others = tables.replica_regions(live)
    return f"it has replicas in {', '.join(others)}" if others else ""
