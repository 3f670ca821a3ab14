"""Change records in a Kinesis stream, as DynamoDB writes them there (MiniStack writes stream records)."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from meridian.embedded.internals import find, replace, require

DYNAMODB = "ministack.services.dynamodb:"
DELIVERING = ("ACTIVE", "UPDATING")
MICROSECOND = "MICROSECOND"


def install() -> None:
    require("ministack.services.kinesis:", "put_record_internal")
    require(DYNAMODB, "_item_size_bytes", "_kinesis_destinations")
    replace(f"{DYNAMODB}_fan_out_to_kinesis", put)


def put(table: str, record: dict[str, Any]) -> None:
    """Put a change into each stream that the table feeds in the present Region."""
    change = record["dynamodb"]
    if record["eventName"] == "MODIFY" and change.get("OldImage") == change.get("NewImage"):
        return  # a write that changes nothing leaves no record
    for destination in find(f"{DYNAMODB}_kinesis_destinations").get(table, []):
        if destination["DestinationStatus"] in DELIVERING:
            data = as_kinesis(table, record, destination["ApproximateCreationDateTimePrecision"])
            find("ministack.services.kinesis:put_record_internal")(
                destination["StreamArn"], partition_key(change["Keys"]), json.dumps(data).encode()
            )


def partition_key(keys: dict[str, Any]) -> str:
    """The same for every change of an item, so that they stay in one shard."""
    return hashlib.md5(json.dumps(keys, sort_keys=True).encode(), usedforsecurity=False).hexdigest().upper()


def as_kinesis(table: str, record: dict[str, Any], precision: str) -> dict[str, Any]:
    """The record as the developer guide shows it ("Getting started with Kinesis Data Streams")."""
    change = record["dynamodb"]
    images = {name: change[name] for name in ("Keys", "NewImage", "OldImage") if name in change}
    size = find(f"{DYNAMODB}_item_size_bytes")
    now = time.time_ns()
    times: dict[str, Any] = {"ApproximateCreationDateTime": now // 1_000_000}
    if precision == MICROSECOND:
        times = {"ApproximateCreationDateTime": now // 1_000, "ApproximateCreationDateTimePrecision": MICROSECOND}
    return {
        "awsRegion": record["awsRegion"],
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "userIdentity": record.get("userIdentity"),
        "recordFormat": "application/json",
        "tableName": table,
        "dynamodb": {**times, **images, "SizeBytes": sum(size(image) for image in images.values())},
        "eventSource": "aws:dynamodb",
    }
