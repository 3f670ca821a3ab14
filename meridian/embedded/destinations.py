"""Kinesis streaming destinations: ENABLING, ACTIVE, UPDATING, DISABLING, DISABLED and ENABLE_FAILED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB, name_of
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws, in_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.embedded.calls import Call, Operation
    from meridian.embedded.settings import Delays
    from meridian.embedded.timeline import Timeline

ENDED = ("DISABLED", "ENABLE_FAILED")
NO_PERMISSION = "User does not have a permission to use kinesis data stream"


class Destinations:
    def __init__(self, delays: Delays, timeline: Timeline) -> None:
        require(DYNAMODB, "_kinesis_destinations")
        require("ministack.services.kinesis:", "_streams")
        self._delays = delays
        self._timeline = timeline

    def operations(self) -> dict[str, Operation]:
        return {
            "DisableKinesisStreamingDestination": self._disable,
            "EnableKinesisStreamingDestination": self._enable,
            "UpdateKinesisStreamingDestination": self._update,
        }

    async def _enable(self, call: Call) -> dict[str, Any]:
        if any(entry["DestinationStatus"] not in ENDED for entry in _entries(call)):
            raise self._wrong("EnableKinesisStreamingDestination", "DISABLED or ENABLE_FAILED", "ENABLE")
        result = await call.forward()
        entry = self._entry(call)
        reached = _stream_exists(call.data["StreamArn"], call.region)

        def enabled() -> None:
            entry["DestinationStatus"] = "ACTIVE" if reached else "ENABLE_FAILED"
            entry["DestinationStatusDescription"] = "" if reached else NO_PERMISSION

        self._pass_through(entry, "ENABLING", self._delays.destination, enabled)
        return result

    async def _disable(self, call: Call) -> dict[str, Any]:
        self._check_active(call, "DISABLE")
        result = await call.forward()
        entry = self._entry(call)
        self._pass_through(entry, "DISABLING", self._delays.destination, _becomes(entry, "DISABLED"))
        return result

    async def _update(self, call: Call) -> dict[str, Any]:
        entry = self._check_active(call, "UPDATE")
        wanted = call.data.get("UpdateKinesisStreamingConfiguration", {}).get("ApproximateCreationDateTimePrecision")
        if wanted == entry["ApproximateCreationDateTimePrecision"]:
            raise RefusedByAws("ValidationException", f"Precision is already set to the desired value of {wanted}")
        result = await call.forward()
        self._pass_through(entry, "UPDATING", self._delays.update, _becomes(entry, "ACTIVE"))
        return result

    def _pass_through(self, entry: dict[str, Any], status: str, seconds: float, end: Callable[[], None]) -> None:
        entry["DestinationStatus"] = status
        self._timeline.after(seconds, end)

    def _entry(self, call: Call) -> dict[str, Any]:
        return next(entry for entry in _entries(call) if entry["StreamArn"] == call.data["StreamArn"])

    def _check_active(self, call: Call, action: str) -> dict[str, Any]:
        for entry in _entries(call):
            if entry["StreamArn"] == call.data.get("StreamArn") and entry["DestinationStatus"] == "ACTIVE":
                return entry
        raise self._wrong("KinesisStreamingDestination", "ACTIVE", action)

    @staticmethod
    def _wrong(subject: str, needed: str, action: str) -> RefusedByAws:
        """AWS's words, which say "enable" whatever was asked."""
        message = f"Table is not in a valid state to enable Kinesis Streaming Destination: {subject} must be {needed}"
        return RefusedByAws("ValidationException", f"{message} to perform {action} operation.")


def _becomes(entry: dict[str, Any], status: str) -> Callable[[], None]:
    def change() -> None:
        entry["DestinationStatus"] = status

    return change


def _entries(call: Call) -> list[dict[str, Any]]:
    with in_region(call.region):
        return list(find(f"{DYNAMODB}_kinesis_destinations").get(name_of(call.data), []))


def _stream_exists(arn: str, region: str) -> bool:
    with in_region(region):
        streams = find("ministack.services.kinesis:_streams")
        return any(stream["StreamARN"] == arn for stream in streams.values())
