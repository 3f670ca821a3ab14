"""Redelivery as a user has it: what lies in the failure bucket comes out of the processor after all, once."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import deploy
from tasks.shared import names
from tests.embedded.product import new_table, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded.aws_calls import Client
    from tests.embedded.product import Product

HOME = "us-east-1"
ACCOUNT = "123456789012"
RULE = {
    "entity": {"attribute": "orderId", "begins_with": "ORDER#"},
    "when": ["INSERT"],
    "source": "shop",
    "detail_type": "New Order",
    "detail": {},
}


@pytest.fixture(scope="module")
def table(product: Product) -> Iterator[str]:
    """Name of a table in one Region whose changes are published."""
    document = request(new_table(), HOME, kinesis=None, processors={"changes": {"rules": [RULE]}})
    product.succeed("provision", document)
    yield document["table"]
    given = {"table": document["table"], "confirm": document["table"], "failures": "delete"}
    product.succeed("cleanup", given)


def failed(table: str, sequence: int, keys: dict[str, Any] | None) -> str:
    """An object as Lambda writes it, with one record; without keys it is malformed."""
    body = {"Keys": keys, "NewImage": keys, "SequenceNumber": str(sequence)}
    record = {
        "eventID": str(sequence),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "awsRegion": HOME,
        "eventSourceARN": f"arn:aws:dynamodb:{HOME}:{ACCOUNT}:table/{table}/stream/1",
        "dynamodb": {**body, "ApproximateCreationDateTime": time.time()},
    }
    function = names.processor_function(table, "changes")
    context = {"functionArn": f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:{function}"}
    return json.dumps({"requestContext": context, "payload": json.dumps({"Records": [record]})})


def redeliver(product: Product, table: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    arguments = ["redeliver", table, "--endpoint-url", product.aws.endpoint_url, "--region", HOME]
    result = CliRunner().invoke(deploy.app, arguments)
    return result.exit_code, result.stdout.strip()


def test_redelivery(product: Product, client: Client, table: str) -> None:
    """The good record comes out on the bus, the bad one is left, a second run finds only that, and a third nothing."""
    s3, bucket = client("s3"), names.failure_bucket(table, ACCOUNT, HOME)
    good = {"orderId": {"S": "ORDER#1"}, "customerId": {"N": "1"}}
    keys = [f"aws/lambda/mapping/shard/2026/11/20/2026-11-20T10.00.0{second}-1" for second in range(2)]
    s3.put_object(Bucket=bucket, Key=keys[0], Body=failed(table, 1, None))
    s3.put_object(Bucket=bucket, Key=keys[1], Body=failed(table, 2, good))
    assert redeliver(product, table) == (1, f"{HOME}: 1 record redelivered; 1 record still failing")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [keys[0]]
    assert redeliver(product, table) == (1, f"{HOME}: 1 record still failing")
    s3.delete_object(Bucket=bucket, Key=keys[0])
    assert redeliver(product, table) == (0, f"{HOME}: nothing to do")
