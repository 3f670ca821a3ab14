"""Look once whether the table's Kinesis destination is ACTIVE, or off, in one Region.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from tasks.shared import streams
from tasks.shared.errors import START_AGAIN, StreamingFailed
from tasks.shared.task import STREAM, TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, now, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients

# An entry of an earlier, failed try stays for minutes; the new one shows within seconds.
STALE_SECONDS = 10


class Event(Looped):
    table: str
    region: str
    wanted: Literal["ACTIVE", "DISABLED"]


@task(
    allow("dynamodb:DescribeKinesisStreamingDestination", "dynamodb:DescribeTable", on=TABLE),
    # Describing a destination asks for these too.
    allow("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", on=STREAM),
    timeout_seconds=30,
)
def describe_destination(event: Event, aws: Clients) -> Looked:
    """Answer READY when the destination is as wanted; ``StreamingFailed`` with the service's reason if it failed."""
    table, region, wanted = event["table"], event["region"], event["wanted"]
    present = streams.destination(aws, table, region)
    status = str(present.get("DestinationStatus")) if present else "DISABLED"
    if status == wanted or (wanted == "DISABLED" and status == "ENABLE_FAILED"):
        return ready(status)
    elapsed = (now() - datetime.fromisoformat(event["began"])).total_seconds()
    if status == "ENABLE_FAILED" and elapsed > STALE_SECONDS:
        raise StreamingFailed(
            f"Streaming {table} to Kinesis is ENABLE_FAILED",
            where=region,
            why=str((present or {}).get("DestinationStatusDescription", "")),
            remedy=f"{START_AGAIN} A redrive would only look again.",
        )
    return busy(event, f"Kinesis destination of {table} ({status})", region)
