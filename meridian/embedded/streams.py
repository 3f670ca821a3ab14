"""Kinesis streams that are CREATING, UPDATING and DELETING for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from meridian.embedded.internals import find, replace, require
from meridian.embedded.services import RefusedByAws, in_region

if TYPE_CHECKING:
    from meridian.embedded.calls import Call, Operation
    from meridian.embedded.settings import Delays
    from meridian.embedded.timeline import Timeline

KINESIS = "ministack.services.kinesis:"
DATA_PLANE = frozenset({"GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard"})
CHANGES = frozenset(
    {
        "DecreaseStreamRetentionPeriod",
        "DisableEnhancedMonitoring",
        "EnableEnhancedMonitoring",
        "IncreaseStreamRetentionPeriod",
        "MergeShards",
        "SplitShard",
        "StartStreamEncryption",
        "StopStreamEncryption",
        "UpdateShardCount",
        "UpdateStreamMode",
    }
)
METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)


class Streams:
    def __init__(self, delays: Delays, timeline: Timeline) -> None:
        require(KINESIS, "_delete_stream", "_streams")
        replace(f"{KINESIS}_ensure_active", lambda _stream: None)  # it ends CREATING at the first look
        self._delays = delays
        self._timeline = timeline
        self._updating: set[str] = set()  # ARNs; MiniStack itself takes records of an ACTIVE stream only

    def operations(self) -> dict[str, Operation]:
        changes = dict.fromkeys(CHANGES - {"UpdateStreamMode"}, self._update)
        return changes | {
            "CreateStream": self._create,
            "DeleteStream": self._delete,
            "DescribeStream": self._describe,
            "DescribeStreamSummary": self._describe,
            "DisableEnhancedMonitoring": self._monitor,
            "EnableEnhancedMonitoring": self._monitor,
            "UpdateStreamMode": self._update_mode,
        }

    def gate(self, operation: str, data: dict[str, Any], region: str) -> None:
        """Refuse what AWS refuses of a stream that is being changed."""
        stream = find_stream(data, region)
        status = stream and self._status(stream)
        if stream is None or status == "ACTIVE":
            return
        name = stream["StreamName"]
        if operation in DATA_PLANE and status != "UPDATING":
            raise RefusedByAws("ResourceNotFoundException", f"Stream {name} not found.")
        if operation in CHANGES or (operation == "DeleteStream" and status == "DELETING"):
            raise RefusedByAws("ResourceInUseException", f"Stream {name} not ACTIVE, instead in state {status}")

    def _status(self, stream: dict[str, Any]) -> str:
        if stream["StreamARN"] in self._updating:
            return "UPDATING"
        return str(stream["StreamStatus"])

    async def _create(self, call: Call) -> dict[str, Any]:
        result = await call.forward()
        stream = _found(call)
        stream["tags"] |= call.data.get("Tags") or {}

        def created() -> None:
            if stream["StreamStatus"] == "CREATING":
                stream["StreamStatus"] = "ACTIVE"

        stream["StreamStatus"] = "CREATING"
        self._timeline.after(self._delays.stream, created)
        return result

    async def _update(self, call: Call) -> dict[str, Any]:
        result = await call.forward()
        self._hold_update(_found(call))
        return result

    async def _monitor(self, call: Call) -> dict[str, Any]:
        wanted = call.data.get("ShardLevelMetrics", [])
        if "ALL" in wanted:  # AWS keeps and shows the seven names
            call.data["ShardLevelMetrics"] = list(METRICS)
        return await self._update(call)

    async def _update_mode(self, call: Call) -> dict[str, Any]:
        stream = _found(call)
        stream["StreamModeDetails"] = {"StreamMode": call.data["StreamModeDetails"]["StreamMode"]}
        self._hold_update(stream)
        return {}

    async def _delete(self, call: Call) -> dict[str, Any]:
        stream = find_stream(call.data, call.region)
        if stream is None:
            return await call.forward()  # refuses

        def delete() -> None:
            with in_region(call.region):
                find(f"{KINESIS}_delete_stream")({"StreamName": stream["StreamName"]})

        self._updating.discard(stream["StreamARN"])
        stream["StreamStatus"] = "DELETING"
        self._timeline.after(self._delays.stream, delete)
        return {}

    async def _describe(self, call: Call) -> dict[str, Any]:
        result = await call.forward()
        stream = _found(call)
        for description in result.values():  # StreamDescription or StreamDescriptionSummary
            description["EnhancedMonitoring"] = [{"ShardLevelMetrics": sorted(stream.get("ShardLevelMetrics", []))}]
            description["StreamStatus"] = self._status(stream)
        return result

    def _hold_update(self, stream: dict[str, Any]) -> None:
        arn = stream["StreamARN"]
        self._updating.add(arn)
        self._timeline.after(self._delays.update, lambda: self._updating.discard(arn))


def find_stream(data: dict[str, Any], region: str) -> dict[str, Any] | None:
    """The stream that a call names or gives the ARN of."""
    name = data.get("StreamName") or str(data.get("StreamARN") or "").rpartition("stream/")[2]
    with in_region(region):
        return cast("dict[str, Any] | None", find(f"{KINESIS}_streams").get(name))


def _found(call: Call) -> dict[str, Any]:
    stream = find_stream(call.data, call.region)
    if stream is None:
        raise RefusedByAws("ResourceNotFoundException", f"Stream {call.data.get('StreamName')} not found.")
    return stream
