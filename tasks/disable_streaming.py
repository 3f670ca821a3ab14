"""Stop sending the table's changes in one Region to its Kinesis stream there.

May run twice: a destination that is off, or a table that is gone, is left as it is. DescribeDestination waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import streams
from tasks.shared.task import STREAM, TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    region: str


@task(
    allow("dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination", on=TABLE),
    allow("dynamodb:DisableKinesisStreamingDestination", on=TABLE),
    # Describing a destination asks for these too.
    allow("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", on=STREAM),
)
def disable_streaming(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while the destination is still being switched on: DynamoDB disables only an ACTIVE one."""
    table, region = event["table"], event["region"]
    present = streams.destination(aws, table, region)
    status = str(present.get("DestinationStatus")) if present else "DISABLED"
    if status in ("ENABLING", "UPDATING"):
        return busy(event, f"Kinesis destination of {table} ({status})", region)
    if present and status == "ACTIVE":
        try:
            aws.dynamodb(region).disable_kinesis_streaming_destination(
                TableName=table, StreamArn=str(present.get("StreamArn"))
            )
        except ClientError as error:
            return streams.busy_destination(event, error, table, region)
    return ready(status)
