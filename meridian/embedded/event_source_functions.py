"""The functions that mappings call, and what is measured and kept of their calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from meridian.embedded.event_source_delivery import Answer, Lost
from meridian.embedded.internals import find, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meridian.embedded.event_source_failures import FailureDestinations
    from meridian.embedded.event_source_records import Record

SERVICE = "ministack.services.lambda_svc:"
METRIC = "ministack.services.cloudwatch:record_metric"
NAMESPACE = "AWS/Lambda"


class Functions:
    def __init__(self, destinations: FailureDestinations) -> None:
        require(SERVICE, "_execute_function", "_functions", "_get_func_record_for_qualifier")
        require("", METRIC)
        self._destinations = destinations

    def invoke(self, mapping: dict[str, Any], records: Sequence[Record], extra: dict[str, Any]) -> Answer:
        """Call a mapping's function with records, and note what came of it."""
        function = function_of(mapping)
        if function is None:
            return Answer(throttled=True)  # deleted this moment: nothing is lost by it
        role = function["config"]["Role"]
        events = [record.event | _identity(mapping, role) for record in records]
        if records:
            age = (time.time() - records[-1].created) * 1000
            _put("IteratorAge", max(age, 0.0), "Milliseconds", {"FunctionName": function["config"]["FunctionName"]})
        result = find(f"{SERVICE}_execute_function")(function, {"Records": events} | extra)
        answer = Answer(result.get("body"), bool(result.get("error")), bool(result.get("throttle")))
        failed = answer.failed or answer.throttled
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if failed else "OK"
        if answer.failed:
            self.count(mapping, FailedInvokeEventCount=len(records))
        elif not answer.throttled:
            self.count(mapping, InvokedEventCount=len(records))
        return answer

    def give_up(self, mapping: dict[str, Any], shard: str, lost: Lost) -> None:
        """Leave lost records at the mapping's destination, if it has one."""
        self.count(mapping, DroppedEventCount=len(lost.records))
        function = function_of(mapping)
        if function is not None and self._destinations.send(mapping, function["config"], shard, lost):
            self.count(mapping, OnFailureDestinationDeliveredEventCount=len(lost.records))

    def count(self, mapping: dict[str, Any], **counts: int) -> None:
        """Put the mapping's EventCount metrics, if it asks for them."""
        if "EventCount" in mapping.get("MetricsConfig", {}).get("Metrics", []):
            for name, count in counts.items():
                if count:
                    _put(name, count, "Count", {"EventSourceMappingUUID": mapping["UUID"]})


def function_of(mapping: dict[str, Any]) -> dict[str, Any] | None:
    """MiniStack's record of a mapping's function, or None when it is gone."""
    name, qualifier = mapping["FunctionName"], mapping["Qualifier"]
    function = cast("dict[str, Any] | None", find(f"{SERVICE}_get_func_record_for_qualifier")(name, qualifier)[0])
    if function is None or not qualifier:
        return function
    # A function's versions share its reserved concurrency.
    return function | {"concurrency": find(f"{SERVICE}_functions")[name].get("concurrency")}


def _identity(mapping: dict[str, Any], role: str) -> dict[str, Any]:
    """A Kinesis record says under which role it was read."""
    return {"invokeIdentityArn": role} if ":kinesis:" in mapping["EventSourceArn"] else {}


def _put(name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
    find(METRIC)(NAMESPACE, name, value, unit, dimensions)
