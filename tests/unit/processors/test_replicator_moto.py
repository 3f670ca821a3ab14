"""The replicator's transactions on an AWS that parses expressions, and the tables in memory held against it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest

from tests.unit.processors.fake_dynamodb import as_text
from tests.unit.processors.records import item, stream_record
from tests.unit.processors.replication import COPY, MARKS, PLACE, Replication, inserted, replicating, without_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture
def dynamodb() -> Iterator[DynamoDBClient]:
    """The destination and its marks, in moto."""
    with moto.mock_aws():
        made = boto3.client("dynamodb", region_name=PLACE)
        for table, keys in ((COPY, ("PK", "SK")), (MARKS, ("item",))):
            made.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
                KeySchema=[
                    {"AttributeName": name, "KeyType": role}  # type: ignore[typeddict-item]  # it is one of the two
                    for name, role in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        yield made


def test_types_pass_through_the_real_client(dynamodb: DynamoDBClient) -> None:
    """boto3 takes what the stream gave, and DynamoDB gives it back the same."""
    rich = item(
        version=1,
        digits={"N": "12345678901234567890123456789012345678"},
        numbers={"NS": ["1.5", "3"]},
        texts={"SS": ["a", "b"]},
        binary={"B": "AAH/"},
        binaries={"BS": ["AQ==", "Ag=="]},
        nested={"L": [{"M": {"deep": {"B": "AQ=="}}}, {"NULL": True}, {"BOOL": False}]},
    )
    assert Replication(dynamodb=dynamodb)(inserted(rich)) == []
    (found,) = dynamodb.scan(TableName=COPY)["Items"]
    assert without_mark(as_text(found)) == rich


def test_the_tables_in_memory_answer_as_an_aws_does(dynamodb: DynamoDBClient) -> None:
    """Batches in disorder, of two streams, with some that are cancelled, leave the same items and marks in both."""
    dice = random.Random(3)  # noqa: S311  # the same script every time
    real, memory = Replication(replicating(), dynamodb), Replication(replicating())
    for _ in range(60):
        records = [record(dice) for _ in range(dice.randint(1, 4))]
        assert real(*records) == memory(*records)
        for table in (COPY, MARKS):
            found = [as_text(one) for one in dynamodb.scan(TableName=table)["Items"]]
            assert sorted(map(str, map(steady, found))) == sorted(map(str, map(steady, memory.dynamodb.items(table))))


def record(dice: random.Random) -> dict[str, Any]:
    name, version = f"ORDER#{dice.randint(1, 3)}", dice.randint(1, 9)
    old = item(name, version=version) if dice.random() < 0.6 else None
    new = item(name, version=dice.randint(1, 9)) if old is None or dice.random() < 0.6 else None
    return stream_record(old, new, sequence=dice.randint(1, 40), region=dice.choice(REGIONS))


def steady(image: dict[str, Any]) -> list[Any]:
    """The item in one order, without the time that a mark ends, which the clock gives."""
    return sorted((name, value) for name, value in image.items() if name != "expiresAt")
