"""Redelivery and the archive as a user has them, of one table.

What lies in the failure bucket comes out of the processor after all, once. What ran is kept, is proven, and holds
nothing of any item.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import deploy
from meridian.audit.archives.archive import Archive, verify
from meridian.audit.histories.step_functions import StepFunctions
from tasks.shared import names
from tasks.shared.archive import break_id
from tests.embedded.product import new_table, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded.aws_calls import Client
    from tests.embedded.product import Product

HOME = "us-east-1"
ACCOUNT = "123456789012"
MARK = "N0B0DYS-BUSINESS"  # in every value of an item
ARCHIVE = names.archive_bucket(ACCOUNT, HOME)
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


def archive(product: Product, code: int = 0) -> dict[str, Any]:
    """Run the workflow by the command, which must end with that exit code, and give what it printed."""
    arguments = ["run", "archive", "--json", "--endpoint-url", product.aws.endpoint_url, "--region", HOME]
    result = CliRunner().invoke(deploy.app, arguments)
    assert result.exit_code == code, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def marked(client: Client, table: str) -> None:
    """Items with the mark go through the table, its processor, and its failure bucket."""
    keys = {"orderId": {"S": f"ORDER#{MARK}"}, "customerId": {"N": "1"}}
    client("dynamodb").put_item(TableName=table, Item={**keys, "note": {"S": MARK}})
    for number, of_record in enumerate((None, keys)):
        key = f"aws/lambda/mapping/shard/2026/11/20/2026-11-20T10.00.0{number}-1"
        bucket = names.failure_bucket(table, ACCOUNT, HOME)
        body = failed(table, number + 1, of_record).replace(
            "INSERT", f"INSERT{MARK}" if of_record is None else "INSERT"
        )
        client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def everything(client: Client) -> dict[tuple[str, str], bytes]:
    """Every version of every object of the archive."""
    s3 = client("s3")
    found = [
        one for page in s3.get_paginator("list_object_versions").paginate(Bucket=ARCHIVE) for one in page["Versions"]
    ]
    return {
        (one["Key"], one["VersionId"]): s3.get_object(Bucket=ARCHIVE, Key=one["Key"], VersionId=one["VersionId"])[
            "Body"
        ].read()
        for one in found
    }


def test_archive(product: Product, client: Client, table: str) -> None:
    """All that ran is archived, once, without any item's value; what is altered afterwards is found."""
    marked(client, table)
    redeliver(product, table)
    product.run("validate", {"table": table})
    first = archive(product)
    assert (first["bucket"], first["open"], first["remaining"]) == (ARCHIVE, 1, [])  # itself
    assert first["files"] >= 3

    second = archive(product)
    assert (second["files"], second["open"]) == (1, 1)  # the execution before

    objects = everything(client)
    assert [key for key, content in objects.items() if MARK.encode() in content] == []
    files = [key for key, _ in objects if key.startswith("executions/")]
    assert len(files) == len(set(files)) == first["files"] + 1
    assert verify(product.session).problems == []

    states, kept = StepFunctions(product.session.states), Archive(product.session)
    for one in kept.executions("provision", 0):
        assert list(kept.events(one.arn)) == list(states.events(one.arn))
        assert kept.definition(one.arn) == states.definition(one.arn)

    client("s3").put_object(Bucket=ARCHIVE, Key=files[0], Body=b"{}")
    (problem,) = verify(product.session).problems
    assert problem.startswith(f"{files[0]} was altered. Its version ")
    client("s3").delete_object(Bucket=ARCHIVE, Key=files[0], VersionId=_latest(client, files[0]))
    assert verify(product.session).problems == []

    manifest = max(key for key, _ in objects if key.startswith("manifests/"))
    good = client("s3").get_object(Bucket=ARCHIVE, Key=manifest)["Body"].read()
    client("s3").put_object(Bucket=ARCHIVE, Key=manifest, Body=good.replace(b"SUCCEEDED", b"FAILED"))
    (broken,) = archive(product, 1)["breaks"]
    assert broken["kept"] == {"key": manifest, "sha256": hashlib.sha256(good).hexdigest()}
    (problem,) = verify(product.session).problems
    assert break_id(broken) in problem
    client("ssm").put_parameter(Name=names.ARCHIVE_ACKNOWLEDGED, Type="String", Value=break_id(broken))
    assert verify(product.session).problems == []


def _latest(client: Client, key: str) -> str:
    version: str = client("s3").head_object(Bucket=ARCHIVE, Key=key)["VersionId"]
    return version
