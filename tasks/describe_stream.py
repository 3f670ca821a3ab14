"""Look once whether the table's Kinesis stream is ACTIVE, or gone, in one Region.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tasks.shared import streams
from tasks.shared.task import STREAM, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    region: str
    wanted: Literal["ACTIVE", "GONE"]


@task(allow("kinesis:DescribeStreamSummary", on=STREAM), timeout_seconds=30)
def describe_stream(event: Event, aws: Clients) -> Looked:
    """Answer READY when the stream is as wanted."""
    live = streams.describe(aws, event["table"], event["region"])
    status = live["StreamStatus"] if live else "GONE"
    if status == event["wanted"]:
        return ready(status)
    return busy(event, f"stream of {event['table']} ({status})", event["region"])
