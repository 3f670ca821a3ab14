"""Bring the table's Kinesis stream in one Region to what the request says.

Capacity, retention and shard-level metrics, one difference a run, because each change makes the stream UPDATING; then
tags. May run any number of times; a stream without a difference is left as it is. Tags that somebody else added stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import names, streams
from tasks.shared.task import STREAM, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import StreamDescriptionSummaryTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Kinesis, Request

ALL_METRICS = {
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
}


class Event(Looped):
    table: str
    region: str
    request: Request


@task(
    allow("kinesis:DescribeStreamSummary", "kinesis:UpdateShardCount", "kinesis:UpdateStreamMode", on=STREAM),
    allow("kinesis:DecreaseStreamRetentionPeriod", "kinesis:IncreaseStreamRetentionPeriod", on=STREAM),
    allow("kinesis:DisableEnhancedMonitoring", "kinesis:EnableEnhancedMonitoring", on=STREAM),
    allow("kinesis:AddTagsToStream", "kinesis:ListTagsForStream", on=STREAM),
)
def configure_stream(event: Event, aws: Clients) -> Looked:
    """Answer BUSY after a change, and READY once there is no difference left."""
    table, region, wanted = event["table"], event["region"], event["request"]["kinesis"]
    live = streams.describe(aws, table, region)
    if live is None or live["StreamStatus"] != "ACTIVE":
        return busy(event, f"stream of {table} ({live['StreamStatus'] if live else 'not there yet'})", region)
    if wanted is None:
        return ready("no streaming")
    kinesis = aws.kinesis(region)
    changed = (
        _capacity(kinesis, table, wanted, live)
        or _retention(kinesis, table, wanted, live)
        or _metrics(kinesis, table, wanted, live)
    )
    if changed:
        return busy(event, f"stream of {table} ({changed})", region)
    _tags(aws, event)
    return ready("ACTIVE")


def _tags(aws: Clients, event: Event) -> None:
    table, region = event["table"], event["region"]
    present = streams.tags(aws, table, region)
    missing = {key: value for key, value in streams.wanted_tags(event["request"]).items() if present.get(key) != value}
    if missing:
        aws.kinesis(region).add_tags_to_stream(StreamName=names.stream(table), Tags=missing)


def _capacity(kinesis: KinesisClient, table: str, wanted: Kinesis, live: StreamDescriptionSummaryTypeDef) -> str:
    mode = live.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    if mode != wanted["stream_mode"]:
        kinesis.update_stream_mode(StreamARN=live["StreamARN"], StreamModeDetails={"StreamMode": wanted["stream_mode"]})
        return f"mode becomes {wanted['stream_mode']}"
    open_shards = live["OpenShardCount"]
    if mode == "ON_DEMAND" or open_shards == wanted["shard_count"]:
        return ""
    # One call may at most double the shards, or halve them.
    target = min(max(wanted["shard_count"], (open_shards + 1) // 2), open_shards * 2)
    name, region = names.stream(table), kinesis.meta.region_name
    try:
        kinesis.update_shard_count(StreamName=name, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
    except ClientError as error:
        what = f"{open_shards} shards of the stream of {table} cannot become {target}"
        refused = streams.quota(error, what, region)
        if refused:
            raise refused from error
        raise
    return f"{open_shards} shards become {target}"


def _retention(kinesis: KinesisClient, table: str, wanted: Kinesis, live: StreamDescriptionSummaryTypeDef) -> str:
    present, hours = live["RetentionPeriodHours"], wanted["retention_period_hours"]
    if hours == present:
        return ""
    change = kinesis.increase_stream_retention_period if hours > present else kinesis.decrease_stream_retention_period
    change(StreamName=names.stream(table), RetentionPeriodHours=hours)
    return f"retention becomes {hours} h"


def _metrics(kinesis: KinesisClient, table: str, wanted: Kinesis, live: StreamDescriptionSummaryTypeDef) -> str:
    present: set[str] = {metric for one in live["EnhancedMonitoring"] for metric in one.get("ShardLevelMetrics", [])}
    present = ALL_METRICS if "ALL" in present else present
    metrics = ALL_METRICS if "ALL" in wanted["shard_level_metrics"] else set(wanted["shard_level_metrics"])
    name = names.stream(table)
    if metrics - present:
        kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(metrics - present))  # type: ignore[arg-type]  # texts from the schema
    elif present - metrics:
        kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(present - metrics))  # type: ignore[arg-type]  # texts from the service
    return "shard-level metrics" if metrics != present else ""
