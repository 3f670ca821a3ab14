"""Processors as a user has them: events, metrics and copies come out, in every Region, once for each write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tasks.shared import names
from tests.embedded.aws_calls import until
from tests.embedded.product import new_table, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded.product import Product

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
ACCOUNT = "123456789012"
# A change of a note is an event that is larger than EventBridge takes, if the note is large.
RULE = {
    "entity": {"attribute": "orderId", "begins_with": "ORDER#"},
    "when": ["INSERT", "MODIFY"],
    "source": "shop",
    "detail_type": "Order",
    "detail": {"order": {"attribute": "orderId"}, **{f"note{number}": {"attribute": "note"} for number in range(4)}},
}
METRIC = {"entity": RULE["entity"], "when": ["INSERT"], "metric": "NewOrders"}
PROCESSORS = {
    "changes": {"rules": [RULE], "event_source_mapping": {"maximum_retry_attempts": 1}},
    "analytics": {"namespace": "Shop", "rules": [METRIC]},
}
LARGE = "x" * 300_000
PATIENCE = 30.0  # seconds; functions start cold, on a machine that is busy with the other workers


class Bus:
    """A queue that a rule fills with the events of a table's bus in one Region."""

    def __init__(self, product: Product, table: str, region: str) -> None:
        self.events, self.sqs = product.session.client("events", region), product.session.client("sqs", region)
        self.bus, self.rule = names.event_bus(table), f"watch-{table}"
        self.url = self.sqs.create_queue(QueueName=self.rule)["QueueUrl"]
        self.events.put_rule(Name=self.rule, EventBusName=self.bus, EventPattern='{"source": ["shop"]}')
        arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{self.rule}"
        self.events.put_targets(Rule=self.rule, EventBusName=self.bus, Targets=[{"Id": "queue", "Arn": arn}])
        self.seen: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Every event so far, in the order in which they came."""
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self.seen.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.seen

    def close(self) -> None:
        self.events.remove_targets(Rule=self.rule, EventBusName=self.bus, Ids=["queue"])
        self.events.delete_rule(Name=self.rule, EventBusName=self.bus)
        self.sqs.delete_queue(QueueUrl=self.url)


class Deployment:
    """A table with its processors, watched in every Region."""

    def __init__(self, product: Product, document: dict[str, Any]) -> None:
        self.product, self.document, self.table = product, document, str(document["table"])
        self.buses = {region: Bus(product, self.table, region) for region in document["regions"]}

    def write(self, region: str, order: str, **attributes: Any) -> None:
        item = {"orderId": {"S": f"ORDER#{order}"}, "customerId": {"N": "1"}, "originRegion": {"S": region}}
        text = {name: {"S": value} for name, value in attributes.items()}
        self.product.session.dynamodb(region).put_item(TableName=self.table, Item={**item, **text})

    def events(self, order: str) -> list[tuple[str, dict[str, Any]]]:
        """Region and detail of each event of an order."""
        found = [(region, event["detail"]) for region, bus in self.buses.items() for event in bus.read()]
        return [(region, detail) for region, detail in found if detail["order"] == f"ORDER#{order}"]

    def copies(self, order: str) -> int:
        return len(self.events(order))

    def close(self) -> None:
        for bus in self.buses.values():
            bus.close()


@pytest.fixture(scope="module")
def table(product: Product) -> Iterator[str]:
    """Name of a table that is provisioned differently, and cleaned up after the module but for what it gave up on."""
    table = new_table()
    yield table
    bucket = names.failure_bucket(table, ACCOUNT, REGIONS[0])
    kept = _objects(product, bucket)
    output = product.cleanup(table)
    assert (output["failure_buckets"]["home"]["kept"], _objects(product, bucket)) == (len(kept), kept)
    if kept:
        s3 = product.session.s3(REGIONS[0])
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in kept]})
        s3.delete_bucket(Bucket=bucket)


@pytest.fixture(scope="module", params=["originRegion", None], ids=["with origin", "without origin"])
def deployment(request: pytest.FixtureRequest, product: Product, table: str) -> Iterator[Deployment]:
    """The table in three Regions, with an origin attribute or without; its stacks change in place."""
    document = _document(table, request.param)
    product.succeed("provision", document)
    made = Deployment(product, document)
    yield made
    made.close()


def _document(table: str, origin: str | None) -> dict[str, Any]:
    return request(table, *REGIONS, origin_attribute=origin, processors=PROCESSORS)


def _objects(product: Product, bucket: str) -> list[str]:
    try:
        listed = product.session.s3(REGIONS[0]).list_objects_v2(Bucket=bucket)
    except ClientError:
        return []
    return [str(one.get("Key")) for one in listed.get("Contents", [])]


def test_every_write_is_published_and_counted(deployment: Deployment, product: Product) -> None:
    """With an origin each write is one event over the Regions; without one it is an event in each, with equal ids."""
    run = uuid4().hex[:8]
    for region in REGIONS:
        deployment.write(region, f"{run}-{region}")
    copies = 1 if deployment.document["origin_attribute"] else len(REGIONS)

    for region in REGIONS:
        order = f"{run}-{region}"
        until(partial(deployment.copies, order), copies, PATIENCE)
        found = deployment.events(order)
        assert len({detail["meridian"]["id"] for _, detail in found}) == 1
        assert {where for where, _ in found} == ({region} if copies == 1 else set(REGIONS))
    for region in REGIONS:
        until(partial(_has_counted, product, region, copies), wanted=True, seconds=PATIENCE)


def _has_counted(product: Product, region: str, least: int) -> bool:
    now = datetime.now(UTC)
    found = product.session.client("cloudwatch", region).get_metric_statistics(
        Namespace="Shop",
        MetricName="NewOrders",
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return bool(sum(point["Sum"] for point in found["Datapoints"]) >= least)


def test_a_bad_record_stops_nobody(deployment: Deployment, product: Product) -> None:
    """A record that no retry mends goes to the failure bucket alone; its neighbours come out, in their order."""
    home, run = REGIONS[0], uuid4().hex[:8]
    before = _objects(product, names.failure_bucket(deployment.table, ACCOUNT, home))
    deployment.write(home, f"{run}-1", note="first")
    deployment.write(home, f"{run}-2", note=LARGE)
    deployment.write(home, f"{run}-3", note="third")

    bucket = names.failure_bucket(deployment.table, ACCOUNT, home)
    until(lambda: len(_objects(product, bucket)) - len(before), 1, PATIENCE)

    orders = [event["detail"]["order"] for event in deployment.buses[home].read()]
    assert [order for order in orders if run in order] == [f"ORDER#{run}-1", f"ORDER#{run}-3"]
    [key] = set(_objects(product, bucket)) - set(before)
    failed = json.loads(product.session.s3(home).get_object(Bucket=bucket, Key=key)["Body"].read())
    assert f"ORDER#{run}-2" in failed["payload"]
    assert f"ORDER#{run}-1" not in failed["payload"]


def test_a_stack_that_fails_says_why_and_is_made_anew(product: Product) -> None:
    """What CloudFormation could not make is named in its words, and starting again replaces the failed stack."""
    document = request(new_table(), REGIONS[0], kinesis=None, processors={"changes": {"rules": [RULE]}})
    product.aws.fail("AWS::SQS::Queue", REGIONS[0], "LimitExceeded", "no queue for you")

    cause = product.fail("provision", document)

    assert (cause.error, cause.path[-1]) == ("StackFailed", "DescribeStack")
    assert "no queue for you" in cause.message
    product.succeed("provision", document)
    product.cleanup(document["table"])
