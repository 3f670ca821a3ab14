"""Expired items, as the streams of a global table's Regions tell of them."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.embedded.aws_calls import HOME, Client, until

AWAY = "eu-west-1"


def records(client: Client, stream: str, region: str) -> list[dict[str, Any]]:
    kinesis = client("kinesis", region)
    [shard] = kinesis.list_shards(StreamName=stream)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def feed(client: Client, table: str, region: str) -> None:
    """A stream, named as the table, that takes the changes of a Region."""
    kinesis, dynamodb = client("kinesis", region), client("dynamodb", region)
    kinesis.create_stream(StreamName=table, ShardCount=1)

    def described() -> dict[str, Any]:
        return dict(kinesis.describe_stream_summary(StreamName=table)["StreamDescriptionSummary"])

    until(lambda: described()["StreamStatus"], "ACTIVE")
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=described()["StreamARN"])
    look = dynamodb.describe_kinesis_streaming_destination
    until(lambda: look(TableName=table)["KinesisDataStreamDestinations"][0]["DestinationStatus"], "ACTIVE")


def test_only_one_region_names_the_service(client: Client, global_table: str) -> None:
    """An expired item is removed by the service in one Region; the others see a plain removal."""
    for region in (HOME, AWAY):
        feed(client, global_table, region)
    expiry = {"AttributeName": "expires", "Enabled": True}
    client("dynamodb").update_time_to_live(TableName=global_table, TimeToLiveSpecification=expiry)
    item = {"id": {"S": "a"}, "expires": {"N": str(int(time.time()))}}
    client("dynamodb").put_item(TableName=global_table, Item=item)

    def removals(region: str) -> list[Any]:
        found = records(client, global_table, region)
        return [record["userIdentity"] for record in found if record["eventName"] == "REMOVE"]

    service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    until(lambda: sorted([removals(HOME), removals(AWAY)], key=str), [[None], [service]], 10)
    kept = {"id": {"S": "b"}, "expires": {"N": str(int(time.time()) + 3600)}}
    client("dynamodb").put_item(TableName=global_table, Item=kept)
    time.sleep(1.2)  # more than a sweep
    assert "Item" in client("dynamodb").get_item(TableName=global_table, Key={"id": {"S": "b"}})
