"""Ask DynamoDB to remove one replica, once.

Runs against the home Region. May run twice: a replica that is gone or going is left as it is. Does not wait;
DescribeTable looks until it is gone in both Regions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import tables
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, now, ready

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    home: str
    region: str


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:UpdateTable", on=TABLE),
    # Checked in the replica's Region, under the caller's own name.
    allow("dynamodb:DeleteTable", "dynamodb:DeleteTableReplica", on=TABLE),
)
def remove_replica(event: Event, aws: Clients) -> Looked:
    """Answer BUSY until it is this Region's turn; ``SourceRegionLocked`` says when DynamoDB will let it go."""
    table, home, region = event["table"], event["home"], event["region"]
    live = tables.require_ours(aws, table, home)
    entry = tables.replica(live, region) if live else None
    if live is None or entry is None or entry.get("ReplicaStatus") == "DELETING":
        return ready("GONE" if entry is None else "DELETING")
    if live["TableStatus"] in tables.CHANGING:
        return busy(event, f"its turn to change {table} ({live['TableStatus']})", region)
    try:
        aws.dynamodb(home).update_table(TableName=table, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    except ClientError as error:
        return _refused(event, aws, live, error)
    return ready("DELETING")


def _refused(event: Event, aws: Clients, live: TableDescriptionTypeDef, error: ClientError) -> Looked:
    table, region, text = event["table"], event["region"], tables.message(error)
    if "not part of the global table" in text:
        return ready("GONE")
    if "deletion protection" in text.lower():
        raise tables.protected(table, [region], text) from error
    if tables.SOURCE_LOCK in text:
        raise tables.locked(table, region, text, _newest_replica(event, aws, live)) from error
    if tables.code(error) == "ResourceInUseException":
        return busy(event, f"its turn to change {table} ({text})", region)
    raise error


def _newest_replica(event: Event, aws: Clients, live: TableDescriptionTypeDef) -> datetime:
    """When the youngest of the other members was made: the last that this Region can have seeded."""
    others = [region for region in tables.replica_regions(live) if region != event["region"]]
    found = [tables.describe(aws.dynamodb(region), event["table"]) for region in others]
    return max((one["CreationDateTime"] for one in found if one), default=now())
