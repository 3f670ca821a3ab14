"""The records of DynamoDB streams and Kinesis streams, read where MiniStack keeps them, as Lambda hands them on."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB
from meridian.embedded.internals import find, require
from meridian.embedded.services import region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINESIS_STREAMS = "ministack.services.kinesis:_streams"
ONLY_SHARD = "ministack.services.dynamodb_streams:_DEFAULT_SHARD_ID"
HORIZON = ""  # comes before every sequence number


def install() -> None:
    require(DYNAMODB, "_tables", "closed_stream", "stream_live_records")
    require("", KINESIS_STREAMS, ONLY_SHARD)


@dataclass(frozen=True)
class Record:
    """One record: ``event`` is what a function gets, ``seen`` what a filter looks at."""

    sequence: str
    created: float  # seconds since 1970
    key: str  # records of one key keep their order
    event: dict[str, Any]
    seen: dict[str, Any]


@dataclass(frozen=True)
class Shard:
    """The records of one shard, in MiniStack's form, in their order."""

    name: str
    raw: list[dict[str, Any]]
    sequence_of: Callable[[dict[str, Any]], str]
    as_record: Callable[[dict[str, Any]], Record]

    @property
    def last(self) -> str:
        """Sequence number of the youngest record."""
        return self.sequence_of(self.raw[-1]) if self.raw else HORIZON

    def after(self, sequence: str) -> Iterator[Record]:
        for index in range(bisect_right(self.raw, sequence, key=self.sequence_of), len(self.raw)):
            yield self.as_record(self.raw[index])

    def before(self, time: float) -> str:
        """Sequence number of the last record that is older than ``time``."""
        older = [record.sequence for record in self.after(HORIZON) if record.created < time]
        return older[-1] if older else HORIZON


def is_stream(arn: str) -> bool:
    return arn.startswith("arn:") and (":kinesis:" in arn or (":dynamodb:" in arn and "/stream/" in arn))


def shards_of(arn: str) -> dict[str, Shard] | None:
    """The shards of a stream of the present Region, by name, or None if there is no such stream."""
    return _kinesis_shards(arn) if ":kinesis:" in arn else _dynamodb_shards(arn)


def _dynamodb_shards(arn: str) -> dict[str, Shard] | None:
    name = arn.split("/")[1]
    table = find(f"{DYNAMODB}_tables").get(name)
    if table is not None and table.get("LatestStreamArn") == arn:
        raw = find(f"{DYNAMODB}stream_live_records")(name)
    else:  # switched off or deleted: what is in it can be read for a day
        closed = find(f"{DYNAMODB}closed_stream")(arn)
        if closed is None:
            return None
        raw = closed["records"]
    shard = find(ONLY_SHARD)
    return {shard: Shard(shard, raw, lambda each: str(each["dynamodb"]["SequenceNumber"]), _dynamodb_record)}


def _dynamodb_record(raw: dict[str, Any]) -> Record:
    change = raw["dynamodb"]
    event = raw | {"eventID": raw["eventID"].replace("-", "")}
    key = json.dumps(change["Keys"], sort_keys=True)
    return Record(change["SequenceNumber"], float(change["ApproximateCreationDateTime"]), key, event, event)


def _kinesis_shards(arn: str) -> dict[str, Shard] | None:
    stream = find(KINESIS_STREAMS).get(arn.rpartition("/")[2])
    if stream is None or stream["StreamARN"] != arn or stream["StreamStatus"] == "DELETING":
        return None

    def reader(shard: str) -> Callable[[dict[str, Any]], Record]:
        return lambda raw: _kinesis_record(raw, shard, arn)

    return {
        name: Shard(name, shard["records"], lambda each: str(each["SequenceNumber"]), reader(name))
        for name, shard in list(stream["shards"].items())
    }


def _kinesis_record(raw: dict[str, Any], shard: str, arn: str) -> Record:
    inner = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": raw["PartitionKey"],
        "sequenceNumber": raw["SequenceNumber"],
        "data": raw["Data"],
        "approximateArrivalTimestamp": raw["ApproximateArrivalTimestamp"],
    }
    event = {
        "kinesis": inner,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{raw['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": region(),
        "eventSourceARN": arn,
    }
    seen = event | inner | {"data": _decoded(raw["Data"])}
    return Record(inner["sequenceNumber"], inner["approximateArrivalTimestamp"], inner["partitionKey"], event, seen)


def _decoded(data: str) -> Any:
    """The data as a filter sees it: JSON, or nothing that a pattern could match."""
    try:
        return json.loads(base64.b64decode(data))
    except ValueError:
        return {}
