"""Delete the table in the home Region, the last that is left.

May run twice: a table that is gone or going is left as it is. Touches only a table with our ownership tag and
without replicas; DynamoDB itself refuses one with deletion protection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import tables
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, now, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    home: str


@task(allow("dynamodb:DeleteTable", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE))
def delete_table(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while the table is changing or still has replicas."""
    table, home = event["table"], event["home"]
    live = tables.require_ours(aws, table, home)
    if live is None or live["TableStatus"] == "DELETING":
        return ready("DELETING" if live else "GONE")
    left = tables.replica_regions(live)
    if live["TableStatus"] in tables.CHANGING or left:
        return busy(event, f"{table} ({live['TableStatus']}, replicas: {', '.join(left) or 'none'})", home)
    try:
        aws.dynamodb(home).delete_table(TableName=table)
    except ClientError as error:
        return _refused(event, error)
    return ready("DELETING")


def _refused(event: Event, error: ClientError) -> Looked:
    table, home, text = event["table"], event["home"], tables.message(error)
    if "deletion protection" in text.lower():
        raise tables.protected(table, [home], text) from error
    if tables.SOURCE_LOCK in text:
        # The replicas are gone, and with them their age: the last one can have been made just now.
        raise tables.locked(table, home, text, now()) from error
    if tables.code(error) == "ResourceInUseException":
        return busy(event, f"its turn to change {table} ({text})", home)
    if tables.code(error) == "ResourceNotFoundException":
        return ready("GONE")
    raise error
