"""Reading a Kinesis stream from a moment to its tip, within what a shard allows its readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

# A shard takes five GetRecords a second from all its readers together, and Lambda polls once a second.
MOST_READS = 4
RECORDS_AT_ONCE = 500  # an answer of 10,000 may hold 10 MB, and many are in a function's memory at a time


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def listed(kinesis: KinesisClient, stream: str, from_ms: int) -> list[str]:
    """Ids of all shards that may hold records since a moment: the open ones, and those closed since."""
    given: dict[str, Any] = {
        "StreamName": stream,
        "ShardFilter": {"Type": "FROM_TIMESTAMP", "Timestamp": moment(from_ms)},
    }
    return list(_listed(kinesis, given))


def _listed(kinesis: KinesisClient, given: dict[str, Any]) -> Iterator[str]:
    while given:
        page = kinesis.list_shards(**given)
        yield from (shard["ShardId"] for shard in page["Shards"])
        # The token names stream and filter; with either beside it Kinesis refuses (boto3's paginator sends both).
        given = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}


def read(
    kinesis: KinesisClient, stream: str, shard: str, from_ms: int, holding: bytes
) -> tuple[list[RecordTypeDef], int | None]:
    """Give a shard's records since a moment that hold some bytes, and where to read on; ``None`` if there is no more.

    One look ends at the tip, after ``MOST_READS`` answers, or where others use up what the shard allows.
    """
    records: list[RecordTypeDef] = []
    reached = from_ms
    busy = kinesis.exceptions.ProvisionedThroughputExceededException
    iterator: str | None = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=moment(from_ms)
    )["ShardIterator"]
    for _ in range(MOST_READS):
        try:
            answer = kinesis.get_records(ShardIterator=str(iterator), Limit=RECORDS_AT_ONCE)
        except busy:
            break
        records += [record for record in answer["Records"] if holding in record["Data"]]
        iterator = answer.get("NextShardIterator")
        if not iterator or not answer.get("MillisBehindLatest"):  # a closed shard's end, or the tip
            return records, None
        if answer["Records"]:
            reached = milliseconds(answer["Records"][-1]["ApproximateArrivalTimestamp"])
    return records, reached
