"""Event source mappings of streams: their settings, their states, and what AWS refuses of them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, cast

from meridian.embedded.event_source_checks import check_settings, checked_stream
from meridian.embedded.event_source_permissions import check_reader
from meridian.embedded.event_source_records import HORIZON
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "ministack.services.lambda_svc:"
# What Create takes for a stream and Update may change, with AWS's defaults.
DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
CHANGING = ("Creating", "Enabling", "Disabling", "Updating", "Deleting")
SHOWN = ("UUID", "EventSourceArn", "FunctionArn", "State", "StateTransitionReason", "StartingPosition",
         "StartingPositionTimestamp", "LastModified", "LastProcessingResult", *DEFAULTS, "FilterCriteria",
         "MetricsConfig")  # fmt: skip
Mapping = dict[str, Any]


class Mappings:
    """The mappings of streams, in MiniStack's store; ``seconds`` is how long a change takes."""

    def __init__(self, seconds: float) -> None:
        require(SERVICE, "_esms", "_iter_all_esms", "_func_arn", "_resolve_existing_esm_function")
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._starts: dict[str, dict[str, str]] = {}
        self._changing = threading.Lock()  # calls come on the server's loop, and the poller looks by itself

    def every(self) -> Iterator[tuple[str, Mapping]]:
        """Region and mapping, of every mapping of a stream."""
        for _, region, mapping in find(f"{SERVICE}_iter_all_esms")():
            if "StartingPosition" in mapping:
                yield region, mapping

    def find(self, identifier: str) -> Mapping | None:
        """The mapping of a stream of that UUID in the present Region, with its state as it is now."""
        self.settle()
        mapping = cast("Mapping | None", find(f"{SERVICE}_esms").get(identifier))
        return mapping if mapping is not None and "StartingPosition" in mapping else None

    def start_of(self, mapping: Mapping, shard: str) -> str:
        """Sequence number after which a mapping reads; a shard that came later is read from its beginning."""
        return self._starts.get(mapping["UUID"], {}).get(shard, HORIZON)

    def create(self, data: dict[str, Any]) -> Mapping:
        name, qualifier = _function(data["FunctionName"])
        arn = data["EventSourceArn"]
        shards = checked_stream(data)
        check_settings(data)
        self._check_new(arn, name, qualifier)
        check_reader(name, arn)
        enabled = data.get("Enabled", True)
        mapping: Mapping = {
            **DEFAULTS,
            "UUID": str(uuid.uuid4()),
            "EventSourceArn": arn,
            "LastProcessingResult": "No records processed",
            "StateTransitionReason": "User action",
            "Enabled": enabled,
            "Tags": dict(data.get("Tags") or {}),
            **{key: data[key] for key in ("StartingPosition", "StartingPositionTimestamp") if key in data},
        }
        _set(mapping, data, name, qualifier)
        self._starts[mapping["UUID"]] = _starts(mapping, shards)
        self._pass_through(mapping, "Creating")
        find(f"{SERVICE}_esms")[mapping["UUID"]] = mapping
        return mapping

    def _check_new(self, arn: str, name: str, qualifier: str | None) -> None:
        self.settle()
        for mapping in find(f"{SERVICE}_esms").values():
            if (mapping["EventSourceArn"], mapping["FunctionName"], mapping["Qualifier"]) == (arn, name, qualifier):
                message = f'The event source arn (" {arn} ") and function (" {name} ") provided mapping already exists.'
                message += f" Please update or delete the existing mapping with UUID {mapping['UUID']}"
                raise RefusedByAws("ResourceConflictException", message, 409)

    def update(self, mapping: Mapping, data: dict[str, Any]) -> Mapping:
        _check_free(mapping, "update")
        check_settings(data)
        name, qualifier = mapping["FunctionName"], mapping["Qualifier"]
        if "FunctionName" in data:
            name, qualifier = _function(data["FunctionName"])
        enabled = data.get("Enabled", mapping["Enabled"])
        state = "Updating" if enabled == mapping["Enabled"] else "Enabling" if enabled else "Disabling"
        mapping["Enabled"] = enabled
        _set(mapping, data, name, qualifier)
        self._pass_through(mapping, state)
        return mapping

    def delete(self, mapping: Mapping) -> Mapping:
        _check_free(mapping, "delete")
        mapping["Enabled"] = False
        self._pass_through(mapping, "Deleting")
        return mapping

    def _pass_through(self, mapping: Mapping, state: str) -> None:
        mapping["State"], mapping["LastModified"] = state, time.time()
        self._until[mapping["UUID"]] = time.monotonic() + self._seconds

    def finish(self, mapping: Mapping) -> None:
        """Let a change be over at once; CloudFormation waits for it anyway."""
        self._until[mapping["UUID"]] = 0.0
        self.settle()

    def settle(self) -> None:
        """Put every mapping whose change is over into the state that it was on the way to."""
        with self._changing:
            now = time.monotonic()
            for key, mapping in list(find(f"{SERVICE}_esms")._data.items()):  # noqa: SLF001  # over all Regions
                identifier = mapping["UUID"]
                if self._until.get(identifier, now + 1) > now:
                    continue
                del self._until[identifier]
                if mapping["State"] == "Deleting":
                    find(f"{SERVICE}_esms")._data.pop(key, None)  # noqa: SLF001  # likewise
                    self._starts.pop(identifier, None)
                else:
                    mapping["State"] = "Enabled" if mapping["Enabled"] else "Disabled"


def shown(mapping: Mapping) -> dict[str, Any]:
    """A mapping as Get gives it."""
    return {name: mapping[name] for name in SHOWN if name in mapping}


def reads(mapping: Mapping) -> bool:
    """Whether records are to be delivered now; an update does not interrupt."""
    return bool(mapping["Enabled"]) and mapping["State"] in {"Enabled", "Updating"}


def _set(mapping: Mapping, data: dict[str, Any], name: str, qualifier: str | None) -> None:
    function = find(f"{SERVICE}_func_arn")(name)
    mapping |= {name: data[name] for name in (*DEFAULTS, "MetricsConfig") if data.get(name) is not None}
    mapping |= {"FunctionName": name, "Qualifier": qualifier}
    mapping["FunctionArn"] = f"{function}:{qualifier}" if qualifier else function
    if data.get("FilterCriteria") is not None:
        mapping["FilterCriteria"] = data["FilterCriteria"]  # an empty one takes the filters away
        if not data["FilterCriteria"].get("Filters"):
            del mapping["FilterCriteria"]


def _function(reference: str) -> tuple[str, str | None]:
    name, qualifier, error = find(f"{SERVICE}_resolve_existing_esm_function")(reference)
    if error:
        raise RefusedByAws("ResourceNotFoundException", f"Function not found: {reference}", 404)
    return name, qualifier


def _starts(mapping: Mapping, shards: dict[str, Any]) -> dict[str, str]:
    position = mapping["StartingPosition"]
    if position == "LATEST":
        return {name: shard.last for name, shard in shards.items()}
    if position == "AT_TIMESTAMP":
        return {name: shard.before(float(mapping["StartingPositionTimestamp"])) for name, shard in shards.items()}
    return {}


def _check_free(mapping: Mapping, action: str) -> None:
    if mapping["State"] in CHANGING:
        message = f"Cannot {action} the event source mapping because it is in use."
        raise RefusedByAws("ResourceInUseException", message)


def patterns_of(mapping: Mapping) -> list[dict[str, Any]]:
    """The patterns of which a record has to match one; none means every record."""
    return [json.loads(each["Pattern"]) for each in mapping.get("FilterCriteria", {}).get("Filters", [])]
