"""Records as Lambda gives them to a processor, and the configuration document beside them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, cast

from processors.shared.records import Change, change_of

if TYPE_CHECKING:
    from processors.shared.config import Config
    from processors.shared.values import Image

REGION, TABLE = "eu-west-1", "shop"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:111122223333:table/{TABLE}"
STREAM_ARN = f"{TABLE_ARN}/stream/2026-11-21T10:00:00.000"
KINESIS_ARN = f"arn:aws:kinesis:{REGION}:111122223333:stream/meridian-shop"
NOON = 1_795_262_400  # 2026-11-21T12:00:00Z
TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def configuration(**members: Any) -> Config:
    """A table with key PK and SK, TTL on expiresAt, no origin attribute and no processors, but for ``members``."""
    document = {
        "table": TABLE,
        "home": "us-east-1",
        "key_schema": {"PK": "HASH", "SK": "RANGE"},
        "attribute_definitions": {"PK": "S", "SK": "S"},
        "origin_attribute": None,
        "time_to_live": {"attribute_name": "expiresAt"},
        "processors": {"changes": None, "analytics": None, "replicator": None},
        **members,
    }
    return cast("Config", document)


def condition(begins_with: str = "ORDER#", *on: str, **members: Any) -> dict[str, Any]:
    """A completed condition on items whose PK begins with ``begins_with``; on every kind of change by default."""
    return {
        "entity": {"attribute": "PK", "begins_with": begins_with},
        "when": list(on) or ["INSERT", "MODIFY", "REMOVE", "EXPIRE"],
        "changed": None,
        "becomes": [],
        "direction": "ANY",
        **members,
    }


def item(name: str = "ORDER#1", **attributes: Any) -> Image:
    """An item in DynamoDB JSON: texts and whole numbers are written as they are, other values with their type."""
    return {"PK": {"S": name}, "SK": {"S": "DETAILS"}} | {key: _value(value) for key, value in attributes.items()}


def probe(step: str = "put", run: str = "run-1", origin: str = REGION) -> Image:
    """A validation's item."""
    marks = {"meridian:probe": {"S": run}, "meridian:step": {"S": step}, "meridian:origin": {"S": origin}}
    return item(f"meridian-probe#{run}#{origin}") | marks


def stream_record(
    old: Image | None = None,
    new: Image | None = None,
    *,
    sequence: int = 1,
    seconds: float = NOON,
    region: str = REGION,
    identity: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A record of a DynamoDB stream: INSERT without ``old``, REMOVE without ``new``."""
    body = {
        "ApproximateCreationDateTime": seconds,
        **_images(old, new),
        "SequenceNumber": number(sequence),
        "SizeBytes": 64,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {
        "eventID": f"event-{sequence}-{region}",
        "eventName": _name(old, new),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": body,
        "eventSourceARN": STREAM_ARN.replace(REGION, region),
        **({"userIdentity": identity} if identity else {}),
    }


def kinesis_record(
    old: Image | None = None,
    new: Image | None = None,
    *,
    sequence: int = 1,
    microseconds: int = NOON * 1_000_000,
    precision: str | None = "MICROSECOND",
    region: str = REGION,
    event_id: str | None = None,
    identity: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A record that DynamoDB put into Kinesis, binaries encoded twice. ``precision`` None is milliseconds."""
    time = {"ApproximateCreationDateTime": microseconds if precision == "MICROSECOND" else microseconds // 1_000}
    data = {
        "awsRegion": region,
        "eventID": event_id or f"event-{sequence}-{region}",
        "eventName": _name(old, new),
        "userIdentity": identity,
        "recordFormat": "application/json",
        "tableName": TABLE,
        "dynamodb": {
            **time,
            **({"ApproximateCreationDateTimePrecision": precision} if precision else {}),
            **{part: _twice(image) for part, image in _images(old, new).items()},
            "SizeBytes": 64,
        },
        "eventSource": "aws:dynamodb",
    }
    return carried(json.dumps(data).encode(), sequence, region)


def carried(data: bytes, sequence: int = 1, region: str = REGION) -> dict[str, Any]:
    """Any ``data`` in a Kinesis record."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": number(sequence),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": NOON,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number(sequence)}",
        "eventName": "aws:kinesis:record",
        "awsRegion": region,
        "eventSourceARN": KINESIS_ARN.replace(REGION, region),
    }


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


def number(sequence: int) -> str:
    """A sequence number as the streams write it."""
    return f"4{sequence:023}"


def change(old: Image | None = None, new: Image | None = None, **members: Any) -> Change:
    """The change of a DynamoDB stream's record."""
    return change_of(stream_record(old, new, **members), configuration())


def _name(old: Image | None, new: Image | None) -> str:
    return "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"


def _images(old: Image | None, new: Image | None) -> dict[str, Image]:
    keys = {name: value for name, value in (new or old or {}).items() if name in ("PK", "SK")}
    images = {"Keys": keys, "NewImage": new, "OldImage": old}
    return {part: image for part, image in images.items() if image is not None}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def _twice(value: Any) -> Any:
    """Encode the binaries of an image, or of a part of one, once more."""
    if isinstance(value, list):
        return [_twice(one) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("B"), str):
        return {"B": _encoded(value["B"])}
    if isinstance(value.get("BS"), list):
        return {"BS": [_encoded(one) for one in value["BS"]]}
    return {name: _twice(one) for name, one in value.items()}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
