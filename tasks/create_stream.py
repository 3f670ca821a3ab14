"""Ask Kinesis for the table's stream in one Region, once.

May run twice: a stream that is ours is left as it is. Does not wait for ACTIVE, which DescribeStream sees; retention
and metrics follow with ConfigureStream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names, streams
from tasks.shared.task import STREAM, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(Looped):
    table: str
    region: str
    request: Request


@task(
    # A stream is tagged as it is made; AddTagsToStream is what Kinesis asks for that.
    allow("kinesis:AddTagsToStream", "kinesis:CreateStream", on=STREAM),
    allow("kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream", on=STREAM),
)
def create_stream(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while an older stream of that name is going away; ``NotOurs`` for one that is not ours."""
    table, region = event["table"], event["region"]
    live = streams.require_ours(aws, table, region)
    if live:
        status = live["StreamStatus"]
        return busy(event, f"an older stream of {table} (DELETING)", region) if status == "DELETING" else ready(status)
    kinesis = aws.kinesis(region)
    try:
        kinesis.create_stream(**_definition(event))
    except kinesis.exceptions.ResourceInUseException:
        # Another execution was faster; the next look tells whether it was one of ours.
        return busy(event, f"stream of {table} (made by another execution)", region)
    except ClientError as error:
        refused = streams.quota(error, f"The stream of {table} cannot be made", region)
        if refused:
            raise refused from error
        raise
    return ready("CREATING")


def _definition(event: Event) -> Any:
    wanted: Any = event["request"]["kinesis"]
    definition: dict[str, Any] = {
        "StreamName": names.stream(event["table"]),
        "StreamModeDetails": {"StreamMode": wanted["stream_mode"]},
        "Tags": streams.wanted_tags(event["request"]),
    }
    if wanted["stream_mode"] == "PROVISIONED":
        definition["ShardCount"] = wanted["shard_count"]
    return definition
