"""Event source mappings of the embedded AWS: several of them on one table, side by side, each with its own records."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import HOME, Client, make_function, make_table, refusal, status, until, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = """
import base64, json, time

calls = 0

def name(record):
    if "kinesis" in record:
        return json.loads(base64.b64decode(record["kinesis"]["data"]))["name"]
    return record["dynamodb"]["Keys"]["id"]["S"]

def told(event):
    print("BATCH " + json.dumps([name(record) for record in event["Records"]]))
    return event["Records"]

def take(event, context):
    told(event)

def show(event, context):
    print("EVENT " + json.dumps(event))

def slow(event, context):
    told(event)
    time.sleep(3)

def report(event, context):
    for place, record in enumerate(told(event)):
        if "bad" in name(record):
            if place == 0 and len(event["Records"]) > 1:
                raise ValueError("the first record is bad")
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}

def refuse(event, context):
    if any("bad" in name(record) for record in told(event)):
        raise ValueError("a bad record")

def recover(event, context):
    global calls
    calls += 1
    if calls < 4:
        raise RuntimeError("not yet")
    told(event)
"""
READ = ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards", "ListStreams")
ALLOWED = (*(f"{service}:{action}" for service in ("dynamodb", "kinesis") for action in READ), "s3:PutObject",
           "sqs:SendMessage", "sqs:GetQueueUrl")  # fmt: skip
LONG = 15.0  # seconds, for a function that starts cold beside seven others
BUCKET, QUEUE = "failed-records", "failed-records"


@dataclass
class World:
    """A table and a stream that every mapping here reads; each lets in only the records of its own name."""

    client: Client
    table: str
    table_stream: str
    stream: str
    code: bytes

    def function(self, handler: str, *actions: str, **more: Any) -> str:
        return make_function(self.client, f"code.{handler}", self.code, *(actions or ALLOWED), **more)

    def map(self, prefix: str, handler: str, **settings: Any) -> Mapped:
        """A new mapping of a new function, for the records whose names begin with ``prefix``."""
        asked: dict[str, Any] = {"EventSourceArn": self.table_stream, "StartingPosition": "TRIM_HORIZON"} | settings
        rule = {"name": [{"prefix": prefix}]}
        pattern: dict[str, Any] = {"data": rule}
        if asked["EventSourceArn"] == self.table_stream:
            pattern = {"dynamodb": {"Keys": {"id": {"S": rule["name"]}}}}
        function = self.function(handler)
        criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
        made = self.client("lambda").create_event_source_mapping(
            FunctionName=function, FilterCriteria=criteria, **asked
        )
        return Mapped(self.client, made["UUID"], function.split(":")[6], function)

    def write(self, *names: str) -> None:
        for name in names:
            self.client("dynamodb").put_item(TableName=self.table, Item={"id": {"S": name}})

    def put(self, *names: str) -> None:
        for name in names:
            data = json.dumps({"name": name})
            self.client("kinesis").put_record(StreamARN=self.stream, Data=data, PartitionKey="same")


@dataclass
class Mapped:
    client: Client
    identifier: str
    function: str
    version: str

    @property
    def state(self) -> str:
        return str(self.client("lambda").get_event_source_mapping(UUID=self.identifier)["State"])

    def change(self, **settings: Any) -> None:
        self.client("lambda").update_event_source_mapping(UUID=self.identifier, **settings)

    def said(self, word: str) -> list[Any]:
        """What the function printed behind a word, in order."""
        logs = self.client("logs")
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.function}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []  # it has not been called yet
        lines = [line for event in found for line in event["message"].splitlines()]
        return [json.loads(line.removeprefix(word)) for line in lines if line.startswith(word)]

    def batches(self) -> list[list[str]]:
        return self.said("BATCH ")

    def names(self) -> list[str]:
        return [name for batch in self.batches() for name in batch]

    def lastly(self) -> list[str]:
        """The names in the order in which each came for the last time."""
        return list(dict.fromkeys(reversed(self.names())))[::-1]

    def metric(self, name: str) -> float:
        dimensions = [{"Name": "EventSourceMappingUUID", "Value": self.identifier}]
        found = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=dimensions,
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return cast("float", sum(point["Sum"] for point in found["Datapoints"]))


@pytest.fixture(scope="module")
def world(client: Client) -> World:
    """The table, the stream, the bucket and the queue, and a slow mapping that stays in the way of nobody."""
    table, stream = f"table-{uuid4().hex[:8]}", f"stream-{uuid4().hex[:8]}"
    make_table(client, table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    client("kinesis").create_stream(StreamName=stream, ShardCount=1)
    client("s3").create_bucket(Bucket=BUCKET)
    client("sqs").create_queue(QueueName=QUEUE)

    def described() -> dict[str, Any]:
        return dict(client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"])

    until(lambda: status(client, table), "ACTIVE")
    until(lambda: described()["StreamStatus"], "ACTIVE")
    table_stream = client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    world = World(client, table, table_stream, described()["StreamARN"], zipped(code=CODE))
    world.map("", "slow", BatchSize=1)
    return world


@pytest.fixture(scope="module")
def enabled() -> Callable[[Mapped], Mapped]:
    """Give ``enabled(mapping)``: the mapping, once records are delivered."""

    def get(mapped: Mapped) -> Mapped:
        until(lambda: mapped.state, "Enabled")
        return mapped

    return get


def test_a_poison_record_ends_alone_in_the_bucket(client: Client, world: World) -> None:
    """A poison record in the middle of a batch is left in the bucket, whole; its neighbours come in order."""
    mapped = world.map(
        "poison-",
        "report",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}},
        MetricsConfig={"Metrics": ["EventCount"]},
    )
    world.write("poison-1", "poison-2", "poison-bad", "poison-3", "poison-4")
    until(lambda: mapped.metric("OnFailureDestinationDeliveredEventCount"), 1, LONG)
    until(mapped.lastly, ["poison-1", "poison-2", "poison-bad", "poison-3", "poison-4"], LONG)
    [left] = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"aws/lambda/{mapped.identifier}/")["Contents"]
    assert left["Key"].startswith(f"aws/lambda/{mapped.identifier}/shardId-")
    document = json.load(client("s3").get_object(Bucket=BUCKET, Key=left["Key"])["Body"])
    [record] = json.loads(document["payload"])["Records"]
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "poison-bad"}}
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["startSequenceNumber"] == record["dynamodb"]["SequenceNumber"]
    assert mapped.metric("DroppedEventCount") == 1


def test_a_queue_is_told_only_where_the_records_are(client: Client, world: World) -> None:
    """A batch that fails as a whole is halved; the queue gets the place of the poison record, not the record."""
    mapped = world.map(
        "queue-",
        "refuse",
        EventSourceArn=world.stream,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{HOME}:123456789012:{QUEUE}"}},
    )
    world.put("queue-1", "queue-bad", "queue-2", "other-1", "queue-3")
    until(mapped.lastly, ["queue-1", "queue-bad", "queue-2", "queue-3"], LONG)
    queue = client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]
    [message] = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    document = json.loads(message["Body"])
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["KinesisBatchInfo"]["streamArn"] == world.stream
    assert "payload" not in document
    assert document["responseContext"]["functionError"] == "Unhandled"


def test_a_function_that_fails_for_a_while_loses_nothing(world: World) -> None:
    """Records wait while their function fails, and then come once each, in order."""
    mapped = world.map("while-", "recover", BatchSize=2)
    names = [f"while-{number}" for number in range(5)]
    world.write(*names)
    until(mapped.names, names, LONG)


def test_throttling_loses_nothing(client: Client, world: World) -> None:
    """A function without concurrency is tried until it has some, though the mapping allows no retry."""
    mapped = world.map("throttled-", "take", MaximumRetryAttempts=0)
    client("lambda").put_function_concurrency(FunctionName=mapped.function, ReservedConcurrentExecutions=0)
    world.write("throttled-1")
    look = client("lambda").get_event_source_mapping
    until(lambda: look(UUID=mapped.identifier)["LastProcessingResult"], "PROBLEM: Function call failed", LONG)
    client("lambda").delete_function_concurrency(FunctionName=mapped.function)
    until(mapped.names, ["throttled-1"], LONG)


def test_a_disabled_mapping_goes_on_where_it_stopped(world: World, enabled: Callable[[Mapped], Mapped]) -> None:
    """Nothing is delivered while a mapping is disabled, and everything once it is enabled again."""
    mapped = enabled(world.map("stopped-", "take"))
    world.write("stopped-1")
    until(mapped.names, ["stopped-1"], LONG)
    mapped.change(Enabled=False)
    assert mapped.state == "Disabling"
    world.write("stopped-2")
    until(lambda: mapped.state, "Disabled")
    assert mapped.names() == ["stopped-1"]
    mapped.change(Enabled=True)
    assert mapped.state == "Enabling"
    until(mapped.names, ["stopped-1", "stopped-2"], LONG)


def test_a_batch_waits_for_its_window(world: World, enabled: Callable[[Mapped], Mapped]) -> None:
    """Records that come within the batching window come together, and the parts of a shard keep their keys' order."""
    mapped = enabled(world.map("window-", "take", MaximumBatchingWindowInSeconds=2, ParallelizationFactor=2))
    world.write("window-1")
    time.sleep(0.5)
    world.write("window-1", "window-1")  # a write that changes nothing leaves no record
    world.client("dynamodb").delete_item(TableName=world.table, Key={"id": {"S": "window-1"}})
    until(mapped.batches, [["window-1", "window-1"]], LONG)


def test_latest_reads_only_what_comes_later(world: World, enabled: Callable[[Mapped], Mapped]) -> None:
    """A mapping that starts at LATEST passes over what was there when it was made; records have Lambda's form."""
    world.put("latest-1")
    mapped = enabled(world.map("latest-", "show", EventSourceArn=world.stream, StartingPosition="LATEST"))
    world.put("latest-2")
    until(lambda: len(mapped.said("EVENT ")), 1, LONG)
    [event] = mapped.said("EVENT ")
    [record] = event["Records"]
    inner = record["kinesis"]
    assert inner.keys() == {
        *("kinesisSchemaVersion", "partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp"),
    }
    assert record["eventID"] == f"shardId-000000000000:{inner['sequenceNumber']}"
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:kinesis", world.stream)
    assert (record["awsRegion"], record["eventName"]) == (HOME, "aws:kinesis:record")


def test_a_mapping_passes_through_its_states(client: Client, world: World, enabled: Callable[[Mapped], Mapped]) -> None:
    """Creating, Enabled, Updating, Deleting, gone; whoever changes it meanwhile is refused."""
    mapped = world.map("states-", "take", MetricsConfig={"Metrics": ["EventCount"]})
    assert mapped.state == "Creating"
    code, _ = refusal(mapped.change, BatchSize=5)
    assert code == "ResourceInUseException"
    enabled(mapped)
    mapped.change(BatchSize=5)
    assert mapped.state == "Updating"
    enabled(mapped)
    look = client("lambda").get_event_source_mapping
    shown = look(UUID=mapped.identifier)
    assert (shown["BatchSize"], shown["MaximumRetryAttempts"]) == (5, -1)
    assert shown["MetricsConfig"] == {"Metrics": ["EventCount"]}
    client("lambda").delete_function(FunctionName=mapped.function)
    assert mapped.state == "Enabled"  # a mapping outlives its function
    client("lambda").delete_event_source_mapping(UUID=mapped.identifier)
    assert mapped.state == "Deleting"
    time.sleep(0.8)
    assert refusal(look, UUID=mapped.identifier)[0] == "ResourceNotFoundException"


def test_a_wrong_mapping_is_refused(client: Client, world: World) -> None:
    """A second mapping, no position, no such stream, a role that may not read: each is refused with AWS's code."""
    create = client("lambda").create_event_source_mapping
    function = world.function("take")
    asked = {"FunctionName": function, "EventSourceArn": world.table_stream, "StartingPosition": "LATEST"}
    create(**asked, Enabled=False)
    code, message = refusal(create, **asked)
    assert (code, "already exists" in message) == ("ResourceConflictException", True)
    stranger = world.function("take", "logs:PutLogEvents")
    wrong: list[tuple[dict[str, Any], str]] = [
        (asked | {"FunctionName": stranger}, "ensure the role can perform the GetRecords"),
        (asked | {"FunctionName": stranger, "EventSourceArn": world.table_stream + "1"}, "Stream not found"),
        (asked | {"FunctionName": stranger, "MaximumRecordAgeInSeconds": 5}, "at least 60"),
        (asked | {"FunctionName": stranger, "FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter"),
        ({"FunctionName": stranger, "EventSourceArn": world.table_stream}, "startingPosition"),
    ]
    for given, words in wrong:
        code, message = refusal(create, **given)
        assert (code, words in message) == ("InvalidParameterValueException", True), message
