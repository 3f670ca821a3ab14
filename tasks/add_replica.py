"""Ask DynamoDB for one replica, once.

Runs against the home Region, the only one that Meridian creates replicas from, so that cleanup knows the order.
May run twice: a replica that is there is reported, a failed one is replaced. Does not wait; DescribeTable looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import tables
from tasks.shared.errors import ReplicaFailed
from tasks.shared.task import ANY, TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import ReplicationGroupUpdateTypeDef, TableDescriptionTypeDef

    from tasks.shared.clients import Clients

# The text covers a member, a foreign table and a replica that is still going away: the next look tells which.
TAKEN = "already existed as tables"


class Event(Looped):
    table: str
    home: str
    region: str


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:UpdateTable", on=TABLE),
    # Checked in the replica's Region, under the caller's own name.
    allow(
        "dynamodb:BatchWriteItem",
        "dynamodb:CreateTable",
        "dynamodb:CreateTableReplica",
        "dynamodb:DeleteItem",
        "dynamodb:DeleteTable",
        "dynamodb:DeleteTableReplica",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        on=TABLE,
    ),
    # In that Region too, though the guide does not list it: without it UpdateTable answers a ValidationException,
    # "Failed to describe limits in region" (https://github.com/aws/aws-cdk/issues/12113).
    allow("dynamodb:DescribeLimits", on=ANY),
    allow(
        "iam:CreateServiceLinkedRole",
        on=ANY,
        when={"StringEquals": {"iam:AWSServiceName": "replication.dynamodb.amazonaws.com"}},
    ),
)
def add_replica(event: Event, aws: Clients) -> Looked:
    """Answer BUSY until it is this Region's turn: a table takes one replica change at a time.

    ``NotOurs`` where a table that is not ours stands under the name, in either Region.
    """
    table, home, region = event["table"], event["home"], event["region"]
    if region == home:
        return ready("home Region")
    live = tables.require_ours(aws, table, home)
    if live is None:
        raise ReplicaFailed(
            f"{table} is gone", where=home, remedy="Start provision with its request: it makes the table again."
        )
    status = (tables.replica(live, region) or {}).get("ReplicaStatus")
    if status and status not in ("CREATION_FAILED", "DELETING"):
        return ready(status)
    if status == "DELETING":
        return busy(event, f"replica of {table} (DELETING)", region)
    waits_for = _turn(live)
    if waits_for:
        return busy(event, f"its turn to change {table} ({waits_for})", region)
    if status == "CREATION_FAILED":
        _update(event, aws, {"Delete": {"RegionName": region}})
        return busy(event, f"the failed replica of {table} to go", region)
    there = tables.require_room(aws, table, home, region)
    if there:
        return busy(event, f"another {table} ({there})", region)
    return _update(event, aws, {"Create": {"RegionName": region}})


def _turn(live: TableDescriptionTypeDef) -> str:
    """What a replica change has to wait for, or nothing."""
    if live["TableStatus"] in tables.CHANGING:
        return str(live["TableStatus"])
    return ", ".join(tables.busy_indexes(live))


def _update(event: Event, aws: Clients, update: ReplicationGroupUpdateTypeDef) -> Looked:
    """One action, alone in its call: DynamoDB refuses it together with anything else."""
    table, region = event["table"], event["region"]
    try:
        aws.dynamodb(event["home"]).update_table(TableName=table, ReplicaUpdates=[update])
    except ClientError as error:
        if tables.code(error) == "ResourceInUseException" or TAKEN in tables.message(error):
            return busy(event, f"its turn to change {table} ({tables.message(error)})", region)
        refused = tables.quota(error, f"A replica of {table} cannot be made", region)
        if refused:
            raise refused from error
        raise
    return ready("CREATING")
