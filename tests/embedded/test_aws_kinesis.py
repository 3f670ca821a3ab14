"""Kinesis streams of the embedded AWS, and what DynamoDB writes into them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import HOME, Client, add_replica, made_ahead, refusal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

MICRO = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}


def stream_status(client: Client, name: str, region: str = HOME) -> str:
    kinesis = client("kinesis", region)
    try:
        return str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"])
    except kinesis.exceptions.ResourceNotFoundException:
        return "GONE"


def make_stream(client: Client, region: str = HOME, **more: Any) -> tuple[str, str]:
    """Name and ARN of a new stream, once it is ACTIVE."""
    name = f"stream-{uuid4().hex[:8]}"
    client("kinesis", region).create_stream(StreamName=name, **{"ShardCount": 1} | more)
    return name, arn_when_active(client, name, region)


def arn_when_active(client: Client, name: str, region: str = HOME) -> str:
    until(lambda: stream_status(client, name, region), "ACTIVE")
    described = client("kinesis", region).describe_stream_summary(StreamName=name)
    return str(described["StreamDescriptionSummary"]["StreamARN"])


@pytest.fixture(scope="session")
def streams(client: Client) -> Iterator[tuple[str, str]]:
    """Names and ARNs of new streams in us-east-1, many made at once since each takes its time."""

    def make() -> list[tuple[str, str]]:
        kinesis, names = client("kinesis"), [f"stream-{uuid4().hex[:8]}" for _ in range(10)]
        for name in names:
            kinesis.create_stream(StreamName=name, ShardCount=1)
        return [(name, arn_when_active(client, name)) for name in names]

    return made_ahead(make)


@pytest.fixture
def stream(streams: Iterator[tuple[str, str]]) -> tuple[str, str]:
    """Name and ARN of a new stream in us-east-1."""
    return next(streams)


def records(client: Client, name: str, region: str = HOME) -> list[dict[str, Any]]:
    """Every record of a stream."""
    kinesis, found = client("kinesis", region), []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        got = kinesis.get_records(ShardIterator=iterator)["Records"]
        found += [json.loads(record["Data"]) | {"shard": shard["ShardId"]} for record in got]
    return found


def destination(client: Client, table: str) -> dict[str, Any]:
    found = client("dynamodb").describe_kinesis_streaming_destination(TableName=table)
    return dict(found["KinesisDataStreamDestinations"][-1])


def enable(client: Client, table: str, arn: str, region: str = HOME) -> None:
    dynamodb = client("dynamodb", region)
    dynamodb.enable_kinesis_streaming_destination(
        TableName=table, StreamArn=arn, EnableKinesisStreamingConfiguration=MICRO
    )

    def state() -> Any:
        return dynamodb.describe_kinesis_streaming_destination(TableName=table)

    until(lambda: state()["KinesisDataStreamDestinations"][0]["DestinationStatus"], "ACTIVE")


def test_a_stream_comes_changes_and_goes_in_its_time(client: Client) -> None:
    """A stream is CREATING, UPDATING and DELETING for a while, and refuses another change meanwhile."""
    kinesis, name = client("kinesis"), f"stream-{uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    assert stream_status(client, name) == "CREATING"
    retain = {"StreamName": name, "RetentionPeriodHours": 48}
    assert refusal(kinesis.increase_stream_retention_period, **retain)[0] == "ResourceInUseException"
    put = refusal(kinesis.put_record, StreamName=name, Data=b"1", PartitionKey="1")
    assert put[0] == "ResourceNotFoundException"
    until(lambda: stream_status(client, name), "ACTIVE")
    kinesis.increase_stream_retention_period(**retain)
    assert stream_status(client, name) == "UPDATING"
    assert refusal(kinesis.enable_enhanced_monitoring, StreamName=name, ShardLevelMetrics=["ALL"])[0] == (
        "ResourceInUseException"
    )
    kinesis.put_record(StreamName=name, Data=b"1", PartitionKey="1")
    until(lambda: stream_status(client, name), "ACTIVE")
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["RetentionPeriodHours"], summary["OpenShardCount"]) == (48, 2)
    kinesis.delete_stream(StreamName=name)
    assert stream_status(client, name) == "DELETING"
    assert refusal(kinesis.create_stream, StreamName=name, ShardCount=1)[0] == "ResourceInUseException"
    until(lambda: stream_status(client, name), "GONE")
    assert name not in kinesis.list_streams()["StreamNames"]


def test_enhanced_monitoring_names_its_metrics(client: Client, stream: tuple[str, str]) -> None:
    """ALL switches seven metrics on, which a description names."""
    name, _ = stream
    kinesis = client("kinesis")
    answer = kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["ALL"])
    assert len(answer["DesiredShardLevelMetrics"]) == 7
    until(lambda: stream_status(client, name), "ACTIVE")
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert len(summary["EnhancedMonitoring"][0]["ShardLevelMetrics"]) == 7
    kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["ALL"])
    until(lambda: stream_status(client, name), "ACTIVE")
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    assert described["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]


def test_the_mode_of_a_stream_changes(client: Client) -> None:
    """UpdateStreamMode makes a stream on demand, after a while."""
    name, arn = make_stream(client, Tags={"meridian:table": "orders"})
    kinesis = client("kinesis")
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert stream_status(client, name) == "UPDATING"
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    tags = kinesis.list_tags_for_stream(StreamName=name)["Tags"]
    assert tags == [{"Key": "meridian:table", "Value": "orders"}]


def test_a_destination_is_enabled_and_disabled_in_its_time(client: Client, table: str, stream: tuple[str, str]) -> None:
    """A destination is ENABLING, ACTIVE, DISABLING and DISABLED; what does not fit its state is refused."""
    _, arn = stream
    dynamodb, names = client("dynamodb"), {"TableName": table, "StreamArn": arn}

    def state() -> Any:
        return destination(client, table)["DestinationStatus"]

    assert dynamodb.enable_kinesis_streaming_destination(**names)["DestinationStatus"] == "ENABLING"
    assert state() == "ENABLING"
    assert refusal(dynamodb.disable_kinesis_streaming_destination, **names)[0] == "ValidationException"
    until(state, "ACTIVE")
    code, message = refusal(dynamodb.enable_kinesis_streaming_destination, **names)
    assert code == "ValidationException"
    assert message.endswith("must be DISABLED or ENABLE_FAILED to perform ENABLE operation.")
    assert dynamodb.disable_kinesis_streaming_destination(**names)["DestinationStatus"] == "DISABLING"
    assert state() == "DISABLING"
    until(state, "DISABLED")
    dynamodb.enable_kinesis_streaming_destination(**names)
    until(state, "ACTIVE")


def test_a_table_feeds_one_stream(client: Client, table: str, streams: Iterator[tuple[str, str]]) -> None:
    """A second stream is refused while the first is live."""
    (_, first), (_, second) = next(streams), next(streams)
    enable(client, table, first)
    wanted = {"TableName": table, "StreamArn": second}
    assert refusal(client("dynamodb").enable_kinesis_streaming_destination, **wanted)[0] == "ValidationException"


@pytest.mark.parametrize("region", [HOME, "eu-west-1"])
def test_a_stream_that_is_not_there_fails_later(
    client: Client, table: str, stream: tuple[str, str], region: str
) -> None:
    """A wrong stream is accepted, then ENABLE_FAILED with the reason; enabling again is allowed."""
    wrong = f"arn:aws:kinesis:{region}:123456789012:stream/absent"
    dynamodb = client("dynamodb")
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=wrong)
    until(lambda: destination(client, table)["DestinationStatus"], "ENABLE_FAILED")
    assert "permission" in destination(client, table)["DestinationStatusDescription"]
    _, arn = stream
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=arn)
    until(lambda: destination(client, table)["DestinationStatus"], "ACTIVE")


def test_the_precision_changes_in_its_time(client: Client, table: str, stream: tuple[str, str]) -> None:
    """Another precision makes the destination UPDATING; the same one is refused."""
    _, arn = stream
    enable(client, table, arn)
    dynamodb = client("dynamodb")

    def update(precision: str) -> None:
        wanted = {"ApproximateCreationDateTimePrecision": precision}
        dynamodb.update_kinesis_streaming_destination(
            TableName=table, StreamArn=arn, UpdateKinesisStreamingConfiguration=wanted
        )

    assert "Precision is already set" in refusal(update, "MICROSECOND")[1]
    update("MILLISECOND")
    assert destination(client, table)["DestinationStatus"] == "UPDATING"
    until(lambda: destination(client, table)["DestinationStatus"], "ACTIVE")
    assert destination(client, table)["ApproximateCreationDateTimePrecision"] == "MILLISECOND"


def test_a_record_has_the_shape_of_aws(client: Client, table: str, stream: tuple[str, str]) -> None:
    """A change is one record with AWS's members, both images and the time in microseconds."""
    name, arn = stream
    enable(client, table, arn)
    dynamodb = client("dynamodb")
    for total in ("1", "2", "2"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "total": {"N": total}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})
    insert, modify, remove = records(client, name)
    assert [each["eventName"] for each in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
    members = {
        "awsRegion",
        "eventID",
        "eventName",
        "userIdentity",
        "recordFormat",
        "tableName",
        "dynamodb",
        "eventSource",
    }
    assert set(modify) - {"partition", "shard"} == members
    assert (modify["tableName"], modify["recordFormat"], modify["eventSource"]) == (
        table,
        "application/json",
        "aws:dynamodb",
    )
    change = modify["dynamodb"]
    assert change["Keys"] == {"id": {"S": "a"}}
    assert (change["OldImage"]["total"], change["NewImage"]["total"]) == ({"N": "1"}, {"N": "2"})
    assert change["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert abs(change["ApproximateCreationDateTime"] / 1e6 - time.time()) < 10
    assert change["SizeBytes"] > 0
    assert "NewImage" not in remove["dynamodb"]


def test_the_changes_of_an_item_stay_in_one_shard(client: Client, table: str) -> None:
    """Records of one item share a partition key, so their order is kept; items spread over shards."""
    name, arn = make_stream(client, ShardCount=4)
    enable(client, table, arn)
    for number in range(40):
        item = {"id": {"S": str(number % 10)}, "n": {"N": str(number)}}
        client("dynamodb").put_item(TableName=table, Item=item)
    found = records(client, name)
    assert len({(each["dynamodb"]["Keys"]["id"]["S"], each["shard"]) for each in found}) == 10
    assert len({each["shard"] for each in found}) > 1


def test_replicated_changes_are_streamed_in_every_region(client: Client, table: str) -> None:
    """A change written in one Region is in the stream of the other too, under that Region's name."""
    add_replica(client, table, "eu-west-1")
    name, arn = make_stream(client, "eu-west-1")
    enable(client, table, arn, "eu-west-1")
    client("dynamodb").put_item(TableName=table, Item={"id": {"S": "a"}})
    until(lambda: [each["awsRegion"] for each in records(client, name, "eu-west-1")], ["eu-west-1"])
