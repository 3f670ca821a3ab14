"""Replication between Regions of the embedded AWS: lag, last writer wins, partitions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import HOME, Client, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.embedded import EmbeddedAws

AWAY = "eu-west-1"
LAG = 0.2  # as conftest.py sets it


class Item:
    """An item of its own for each test, in the table that all share."""

    def __init__(self, client: Client, table: str) -> None:
        self.client, self.table = client, table
        self.key = {"id": {"S": uuid4().hex}}

    def put(self, value: str, region: str = HOME) -> None:
        item = self.key | {"value": {"S": value}}
        self.client("dynamodb", region).put_item(TableName=self.table, Item=item)

    def delete(self, region: str) -> None:
        self.client("dynamodb", region).delete_item(TableName=self.table, Key=self.key)

    def read(self, region: str) -> str | None:
        item: dict[str, Any] = self.client("dynamodb", region).get_item(TableName=self.table, Key=self.key)
        return str(item["Item"]["value"]["S"]) if "Item" in item else None

    def everywhere(self) -> list[str | None]:
        return [self.read(region) for region in (HOME, AWAY)]


@pytest.fixture
def item(client: Client, settled: str) -> Item:
    return Item(client, settled)


@pytest.fixture
def cut(embedded: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The embedded AWS with eu-west-1 cut off."""
    embedded.partition(AWAY)
    yield embedded
    embedded.heal(AWAY)


def test_a_write_arrives_after_the_lag(item: Item) -> None:
    """A write is seen at once where it was made, and in the other Region after the lag."""
    began = time.monotonic()
    item.put("new")
    assert item.everywhere() == ["new", None]
    until(lambda: item.read(AWAY), "new")
    assert LAG <= time.monotonic() - began < LAG + 0.5


def test_updates_and_deletes_arrive_too(client: Client, item: Item) -> None:
    """An update and a delete made in the other Region come back."""
    item.put("first")
    until(lambda: item.read(AWAY), "first")
    client("dynamodb", AWAY).update_item(
        TableName=item.table,
        Key=item.key,
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "second"}},
    )
    until(lambda: item.read(HOME), "second")
    item.delete(AWAY)
    until(lambda: item.read(HOME), None)


@pytest.mark.parametrize(("first", "last"), [(HOME, AWAY), (AWAY, HOME)])
def test_the_last_writer_wins(item: Item, first: str, last: str) -> None:
    """Writes that cross end the same everywhere: the younger one stays."""
    item.put("older", first)
    item.put("younger", last)
    time.sleep(2 * LAG)
    assert item.everywhere() == ["younger", "younger"]


def test_a_younger_delete_wins_too(item: Item) -> None:
    """An older write that arrives after a delete does not bring the item back."""
    item.put("first")
    until(lambda: item.read(AWAY), "first")
    item.put("older", HOME)
    item.delete(AWAY)
    time.sleep(2 * LAG)
    assert item.everywhere() == [None, None]


def test_a_partition_holds_writes_back(item: Item, cut: EmbeddedAws) -> None:
    """A Region that is cut off serves, sends and gets nothing; when it is healed, all arrives."""
    item.put("here", HOME)
    time.sleep(2 * LAG)
    assert item.everywhere() == ["here", None]
    item.put("there", AWAY)
    time.sleep(2 * LAG)
    assert item.everywhere() == ["here", "there"]
    cut.heal(AWAY)
    assert item.everywhere() == ["there", "there"]


def test_a_partition_leaves_the_others_alone(item: Item, embedded: EmbeddedAws) -> None:
    """Cutting one Region off does not touch replication between others."""
    embedded.partition("ap-southeast-1")
    item.put("new")
    until(lambda: item.read(AWAY), "new")
    embedded.heal("ap-southeast-1")


def test_replicated_writes_are_in_the_streams(client: Client, item: Item) -> None:
    """Every Region's DynamoDB stream tells of a write, wherever it was made."""
    item.put("new")
    until(lambda: item.read(AWAY), "new")
    for region in (HOME, AWAY):
        arn = client("dynamodb", region).describe_table(TableName=item.table)["Table"]["LatestStreamArn"]
        streams = client("dynamodbstreams", region)
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        [record] = [each for each in records if each["dynamodb"]["Keys"] == item.key]
        assert (record["eventName"], record["awsRegion"]) == ("INSERT", region)
