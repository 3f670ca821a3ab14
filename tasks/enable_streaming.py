"""Send the table's changes in one Region to its Kinesis stream there.

May run twice: a live destination is left as it is, one with another precision is updated. DescribeDestination waits,
because DynamoDB accepts a wrong stream too and says so only later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import streams
from tasks.shared.errors import NotOurs, StreamingFailed
from tasks.shared.task import ANY, STREAM, TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Kinesis, Request


class Event(Looped):
    table: str
    region: str
    request: Request


@task(
    allow("dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination", on=TABLE),
    allow("dynamodb:EnableKinesisStreamingDestination", "dynamodb:UpdateKinesisStreamingDestination", on=TABLE),
    # Enabling and describing a destination ask for these too; the stream is described besides.
    allow("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecords", on=STREAM),
    allow("kinesis:ListStreams", on=ANY),
    allow(
        "iam:CreateServiceLinkedRole",
        on=ANY,
        when={"StringEquals": {"iam:AWSServiceName": "kinesisreplication.dynamodb.amazonaws.com"}},
    ),
)
def enable_streaming(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while an older destination is being switched off."""
    table, region, kinesis = event["table"], event["region"], event["request"]["kinesis"]
    stream = streams.describe(aws, table, region)
    if stream is None or kinesis is None:
        raise StreamingFailed(f"The Kinesis stream of {table} is gone", where=region)
    other = streams.other_destination(aws, table, region)
    if other:
        raise NotOurs(
            f"{table} already streams to {other}",
            where=region,
            why="DynamoDB allows one Kinesis destination a Region",
            remedy="Disable that destination, then start the workflow again with the same input.",
        )
    try:
        return _enable(event, aws, kinesis, stream["StreamARN"])
    except ClientError as error:
        return streams.busy_destination(event, error, table, region)


def _enable(event: Event, aws: Clients, kinesis: Kinesis, stream_arn: str) -> Looked:
    table, region = event["table"], event["region"]
    precision = kinesis["approximate_creation_date_time_precision"]
    present = streams.destination(aws, table, region)
    status = present.get("DestinationStatus") if present else None
    if present is None or status in ("DISABLED", "ENABLE_FAILED"):
        aws.dynamodb(region).enable_kinesis_streaming_destination(
            TableName=table,
            StreamArn=stream_arn,
            EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": precision},
        )
        return ready("ENABLING")
    if status == "DISABLING":
        return busy(event, f"the older destination of {table} (DISABLING)", region)
    # An absent precision is the service's default. The same value again would be refused.
    if status == "ACTIVE" and present.get("ApproximateCreationDateTimePrecision", "MILLISECOND") != precision:
        aws.dynamodb(region).update_kinesis_streaming_destination(
            TableName=table,
            StreamArn=stream_arn,
            UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": precision},
        )
    return ready(str(status))
