"""Delete the table's Kinesis stream in one Region.

May run twice: a stream that is gone or going is left as it is. Touches only a stream with our ownership tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import names, streams
from tasks.shared.task import STREAM, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    region: str


@task(
    allow("kinesis:DeleteStream", "kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream", on=STREAM),
)
def delete_stream(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while the stream is changing: Kinesis deletes only an ACTIVE one. ``NotOurs`` without our tag."""
    table, region = event["table"], event["region"]
    live = streams.require_ours(aws, table, region)
    status = live["StreamStatus"] if live else "GONE"
    if status in ("CREATING", "UPDATING"):
        return busy(event, f"stream of {table} ({status})", region)
    kinesis = aws.kinesis(region)
    if status == "ACTIVE":
        try:
            kinesis.delete_stream(StreamName=names.stream(table), EnforceConsumerDeletion=True)
        except kinesis.exceptions.ResourceNotFoundException:
            return ready("GONE")
    return ready(status)
