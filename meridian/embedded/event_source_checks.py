"""What AWS refuses of the settings of an event source mapping of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded import event_patterns
from meridian.embedded.event_source_records import shards_of
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws

if TYPE_CHECKING:
    from meridian.embedded.event_source_records import Shard

VALIDATE_ARN = "ministack.services.lambda_svc:_validate_event_source_arn"
RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumRetryAttempts": (-1, 10_000),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 900),
}
SHORTEST_AGE = 60  # seconds, of MaximumRecordAgeInSeconds
MOST_FILTERS = 5


def install() -> None:
    require("", VALIDATE_ARN)


def checked_stream(data: dict[str, Any]) -> dict[str, Shard]:
    """The shards of the stream that a new mapping is to read."""
    arn, position = data["EventSourceArn"], data.get("StartingPosition")
    _, error = find(VALIDATE_ARN)(arn)
    shards = None if error else shards_of(arn)
    if shards is None:
        raise _invalid(f"Stream not found: {arn}")
    if not position:
        raise _invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
                       "Member must not be null.")  # fmt: skip
    allowed = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP") if ":kinesis:" in arn else ("TRIM_HORIZON", "LATEST")
    if position not in allowed:
        raise _invalid(f"Unsupported starting position for the event source: {position}.")
    if (position == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in data):
        raise _invalid("StartingPositionTimestamp goes with the starting position AT_TIMESTAMP, and only with it.")
    return shards


def check_settings(data: dict[str, Any]) -> None:
    """Refuse numbers out of their range and filters that are none."""
    for name, (least, most) in RANGES.items():
        if name in data and not least <= data[name] <= most:
            raise _invalid(f"{name} must be between {least} and {most}, not {data[name]}.")
    if -1 < data.get("MaximumRecordAgeInSeconds", -1) < SHORTEST_AGE:
        raise _invalid(f"MaximumRecordAgeInSeconds must be -1 or at least {SHORTEST_AGE}.")
    filters = (data.get("FilterCriteria") or {}).get("Filters") or []
    if len(filters) > MOST_FILTERS:
        raise _invalid(f"A mapping has at most {MOST_FILTERS} filters.")
    for each in filters:
        if not event_patterns.is_valid(each.get("Pattern", "")):
            raise _invalid("Invalid filter pattern definition.")


def _invalid(message: str) -> RefusedByAws:
    return RefusedByAws("InvalidParameterValueException", message)
