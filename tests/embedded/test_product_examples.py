"""Requests that the product ships, one Region and five: provisioned, proved, cleaned up. The demo does e-commerce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meridian import inventory
from tasks.shared import names
from tests.embedded.aws_calls import until
from tests.embedded.product import example, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded.product import Product

PATIENCE = 30.0  # seconds; functions start cold, on a machine that is busy with the other workers
FIVE = ("us-east-1", "eu-west-1", "ap-southeast-1", "us-west-2", "eu-central-1")
DOCUMENTS: dict[str, dict[str, Any]] = {
    "orders": example("orders"),
    "shop": example("shop"),
    "one Region": request("alone", "us-east-1", kinesis={"shard_count": 2, "shard_level_metrics": ["ALL"]}),
    "five Regions": request("five.regions_v2", *FIVE, kinesis=None),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_provision_proves_every_pair_and_cleanup_leaves_nothing(
    product_in: Callable[[str], Product], document: dict[str, Any]
) -> None:
    """Examples, one Region and five Regions are provisioned, proved, and leave nothing after cleanup."""
    product = product_in(document["regions"][0])
    regions = document["regions"]
    before = inventory.take(product.session, regions)

    output = product.succeed("provision", document)

    pairs = len(regions) * (len(regions) - 1) or 1
    assert output["validation"]["passed"] == 3 * pairs + len(regions) * _checks_of_streaming(document)
    assert product.members(document["table"]) == dict.fromkeys(regions, "ACTIVE")
    for region in regions:
        _require_settings(product, region, document)
    if "replicator" in document.get("processors", {}):
        _require_copies(product, document)

    product.cleanup(document["table"])

    difference = inventory.difference(before, inventory.take(product.session, regions))
    ours = [one for one in difference.left if one.name.endswith((document["table"], names.stream(document["table"])))]
    assert (ours, difference.unknown) == ([], ())


def _checks_of_streaming(document: dict[str, Any]) -> int:
    """In each Region: the record, the metric, the event, and that it is one."""
    processors = document.get("processors", {})
    return (document.get("kinesis") is not None) + ("analytics" in processors) + 2 * ("changes" in processors)


def _require_copies(product: Product, document: dict[str, Any]) -> None:
    """What is written comes to the destination as the request says, the newest version of it, and what goes goes."""
    replicator, table = document["processors"]["replicator"], document["table"]
    there = product.session.dynamodb(replicator["destination"]["region"])
    keys = {region: {"orderId": {"S": region}, "customerId": {"S": "c"}} for region in document["regions"]}

    def copies() -> dict[str, tuple[str, str]]:
        found = there.scan(TableName=replicator["destination"]["table"], ConsistentRead=True)["Items"]
        assert all("internalNote" not in item and item["schemaVersion"] == {"N": "2"} for item in found)
        return {item["orderId"]["S"]: (item["total"]["N"], item["version"]["N"]) for item in found}

    for version in ("1", "2"):
        for region, key in keys.items():
            item = {"originRegion": {"S": region}, "version": {"N": version}, "internalNote": {"S": "none of theirs"}}
            amount = {"N": f"{version}0.5"}
            product.session.dynamodb(region).put_item(TableName=table, Item={**key, **item, "amount": amount})
    until(copies, dict.fromkeys(keys, ("20.5", "2")), PATIENCE)
    for region, key in keys.items():
        product.session.dynamodb(region).delete_item(TableName=table, Key=key)
    until(copies, {}, PATIENCE)


def _require_settings(product: Product, region: str, document: dict[str, Any]) -> None:
    dynamodb, table = product.session.dynamodb(region), document["table"]
    live = dynamodb.describe_table(TableName=table)["Table"]
    tags = {one["Key"]: one["Value"] for one in dynamodb.list_tags_of_resource(ResourceArn=live["TableArn"])["Tags"]}
    assert tags == {**document.get("tags", {}), names.OWNERSHIP_TAG: table}
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    assert (recovery.get("PointInTimeRecoveryStatus"), recovery.get("RecoveryPeriodInDays")) == ("ENABLED", 35)
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert expiry.get("AttributeName") == (document.get("time_to_live") or {}).get("attribute_name")
    assert live["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    if not document.get("kinesis"):
        return
    found = dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"]
    assert [one["DestinationStatus"] for one in found] == ["ACTIVE"]
    stream = product.session.kinesis(region).describe_stream_summary(StreamName=names.stream(table))
    summary = stream["StreamDescriptionSummary"]
    assert summary["StreamStatus"] == "ACTIVE"
    if document["kinesis"].get("shard_count"):
        assert summary["OpenShardCount"] == document["kinesis"]["shard_count"]
    if document["kinesis"].get("shard_level_metrics"):
        assert summary["EnhancedMonitoring"][0]["ShardLevelMetrics"]
