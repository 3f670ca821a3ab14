"""What several tasks ask of the table's Kinesis stream and of its streaming destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import names, tables
from tasks.shared.errors import NotOurs, QuotaExceeded
from tasks.shared.waiting import busy

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb.type_defs import KinesisDataStreamDestinationTypeDef
    from mypy_boto3_kinesis.type_defs import StreamDescriptionSummaryTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request
    from tasks.shared.waiting import Looked, Looped

LIVE = ("ENABLING", "ACTIVE", "UPDATING", "DISABLING")
LEFT = "It is left as it is. Remove it yourself, then start the workflow again with the same input."
MOST_TAGS = 50  # of a stream; how many ListTagsForStream gives unasked is not documented
PAST = {"ENABLE_FAILED": 1, "DISABLED": 2}


def describe(aws: Clients, table: str, region: str) -> StreamDescriptionSummaryTypeDef | None:
    """DescribeStreamSummary of the table's stream, or ``None`` where there is none."""
    kinesis = aws.kinesis(region)
    try:
        return kinesis.describe_stream_summary(StreamName=names.stream(table))["StreamDescriptionSummary"]
    except kinesis.exceptions.ResourceNotFoundException:
        return None


def require_ours(
    aws: Clients, table: str, region: str, *, remedy: str = LEFT
) -> StreamDescriptionSummaryTypeDef | None:
    """Describe the stream; ``NotOurs`` if it lacks our ownership tag, ``None`` if it does not exist."""
    summary = describe(aws, table, region)
    if summary is None:
        return None
    try:
        found = tags(aws, table, region)
    except aws.kinesis(region).exceptions.ResourceNotFoundException:  # it went between the two calls
        return None
    if found.get(names.OWNERSHIP_TAG) != table:
        raise NotOurs(
            f"A Kinesis stream named {names.stream(table)} exists",
            where=region,
            why=f"it lacks the tag {names.OWNERSHIP_TAG}={table}, so Meridian did not make it",
            remedy=remedy,
        )
    return summary


def tags(aws: Clients, table: str, region: str) -> dict[str, str]:
    """Tags of the table's stream, which must exist."""
    found = aws.kinesis(region).list_tags_for_stream(StreamName=names.stream(table), Limit=MOST_TAGS)["Tags"]
    return {tag["Key"]: tag.get("Value", "") for tag in found}


def wanted_tags(request: Request) -> dict[str, str]:
    """The request's tags and the ownership tag, as CreateStream and AddTagsToStream take them."""
    return {**request["tags"], names.OWNERSHIP_TAG: request["table"]}


def quota(error: ClientError, what: str, region: str) -> QuotaExceeded | None:
    """Tell the account's quota of shards from the limits that clear by themselves.

    Kinesis names them all LimitExceededException; only this one waits for a person.
    """
    if tables.code(error) != "LimitExceededException" or "limit for the account" not in tables.message(error):
        return None
    return QuotaExceeded(
        what,
        where=region,
        why=tables.message(error),
        remedy=f"Raise the quota in {region} (Service Quotas > Kinesis), then start the workflow again with the same "
        "input: everything already made is kept and used.",
    )


def destination(aws: Clients, table: str, region: str) -> KinesisDataStreamDestinationTypeDef | None:
    """The table's destination on our stream, in its newest state, or ``None``.

    Entries that were switched off or failed linger beside the new one, so a live entry wins, then a failure.
    """
    dynamodb = aws.dynamodb(region)
    live = tables.describe(dynamodb, table)
    if live is None or live["TableStatus"] in ("CREATING", "DELETING"):  # answers nothing but DescribeTable
        return None
    answer = dynamodb.describe_kinesis_streaming_destination(TableName=table)
    entries = answer.get("KinesisDataStreamDestinations", [])
    ours = [one for one in entries if str(one.get("StreamArn")).endswith(f":stream/{names.stream(table)}")]
    return min(ours, key=lambda one: PAST.get(str(one.get("DestinationStatus")), 0), default=None)


def busy_destination(event: Looped, error: ClientError, table: str, region: str) -> Looked:
    """Answer BUSY if the table or its destination changed since it was described, and else raise ``error``."""
    changed = ("KinesisStreamingDestination must be", "Precision is already set")
    if tables.code(error) != "ResourceInUseException" and not any(text in tables.message(error) for text in changed):
        raise error
    return busy(event, f"its turn to change the Kinesis destination of {table} ({tables.message(error)})", region)


def other_destination(aws: Clients, table: str, region: str) -> str:
    """ARN of another stream that the table is sending to in ``region``, or an empty text."""
    answer = aws.dynamodb(region).describe_kinesis_streaming_destination(TableName=table)
    return next(
        (
            str(one.get("StreamArn"))
            for one in answer.get("KinesisDataStreamDestinations", [])
            if one.get("DestinationStatus") in LIVE
            and not str(one.get("StreamArn")).endswith(f":stream/{names.stream(table)}")
        ),
        "",
    )
