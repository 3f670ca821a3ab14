"""Requests that the product ships, one Region and five: provisioned, proved, cleaned up. The demo does e-commerce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meridian import inventory
from tasks.shared import names
from tests.embedded.product import example, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded.product import Product

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

    product.cleanup(document["table"])

    difference = inventory.difference(before, inventory.take(product.session, regions))
    ours = [one for one in difference.left if one.name.endswith((document["table"], names.stream(document["table"])))]
    assert (ours, difference.unknown) == ([], ())


def _checks_of_streaming(document: dict[str, Any]) -> int:
    """In each Region: the record, the metric, the event, and that it is one."""
    processors = document.get("processors", {})
    return (document.get("kinesis") is not None) + ("analytics" in processors) + 2 * ("changes" in processors)


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
