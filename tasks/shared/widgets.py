"""What is on the table's dashboard: the DashboardBody, as the CloudWatch API Reference describes it.

Dashboards belong to no Region, so each widget names the Region whose metrics it shows. Metric names and dimensions are
those of the guides: DynamoDB metrics and dimensions; Lambda, Types of metrics; Kinesis, Monitoring with CloudWatch.
Kinesis counts what goes out of a whole stream as GetRecords.*; OutgoingRecords is of shards.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tasks.shared import names, region_parameters, streaming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.shared.request import Request

    Widget = dict[str, Any]
    Metric = list[Any]
    Mappings = Mapping[str, Mapping[str, str]]  # Region to processor to the UUID of its event source mapping

MOST_METRICS = 2500  # of a dashboard, says CloudWatch's list of quotas; the largest request without indexes has 2,020

GRID, WIDTH, HEIGHT, HEADING = 24, 8, 6, 2
PERIOD_SECONDS = 60
AVERAGED = ("Milliseconds", "Percent", "Seconds")  # units of which a sum says nothing


def body(request: Request, mappings: Mappings, mark: str) -> dict[str, Any]:
    """DashboardBody of ``request``; its first widget holds ``mark``.

    Throttles of indexes are left out where the dashboard would have more metrics than CloudWatch takes.
    """
    whole = _body(request, mappings, mark, indexes=True)
    return whole if _metrics(whole) <= MOST_METRICS else _body(request, mappings, mark, indexes=False)


def as_text(document: Mapping[str, Any]) -> str:
    """The same text for the same dashboard."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _body(request: Request, mappings: Mappings, mark: str, *, indexes: bool) -> dict[str, Any]:
    widgets = [_text(f"# {request['table']}\nMade by Meridian ({mark}). Provision undoes what is changed here.", 0)]
    row = HEADING
    for region in request["regions"]:
        widgets.append(_text(f"## {region}" + (" (home)" if region == request["regions"][0] else ""), row))
        row += HEADING
        for number, one in enumerate(_of_region(request, region, mappings.get(region, {}), indexes=indexes)):
            across, down = number * WIDTH % GRID, number * WIDTH // GRID * HEIGHT
            widgets.append({**one, "x": across, "y": row + down, "width": WIDTH, "height": HEIGHT})
        row = max(one["y"] + one["height"] for one in widgets)
    return {"start": "-PT3H", "widgets": widgets}


def _metrics(document: Mapping[str, Any]) -> int:
    return sum(len(one["properties"].get("metrics", ())) for one in document["widgets"])


def _text(markdown: str, row: int) -> Widget:
    return {"type": "text", "x": 0, "y": row, "width": GRID, "height": HEADING, "properties": {"markdown": markdown}}


def _widget(region: str, title: str, metrics: list[Metric], stat: str = "Sum") -> Widget:
    properties = {
        "title": f"{region}: {title}",
        "region": region,
        "view": "timeSeries",
        "stacked": False,
        "stat": stat,
        "period": PERIOD_SECONDS,
        "metrics": metrics,
    }
    return {"type": "metric", "properties": properties}


def _of_region(request: Request, region: str, uuids: Mapping[str, str], *, indexes: bool) -> Iterator[Widget]:
    yield from _business(request, region)
    yield from _table(request, region, indexes=indexes)
    yield from _processors(request, region, uuids)
    if request["kinesis"]:
        yield from _kinesis(request["table"], region)


def _business(request: Request, region: str) -> Iterator[Widget]:
    """One widget a unit, because money and counts do not share a scale."""
    analytics = request["processors"]["analytics"]
    if not analytics:
        return
    rules = sorted(analytics["rules"], key=lambda rule: rule["unit"])
    for unit, same in groupby(rules, key=lambda rule: rule["unit"]):
        found: dict[str, Metric] = {}
        for rule in same:
            dimensions = [part for pair in sorted(rule["dimensions"].items()) for part in pair]
            metric = [analytics["namespace"], rule["metric"], *dimensions]
            found[json.dumps(metric)] = metric
        stat = "Average" if unit in AVERAGED else "Sum"
        yield _widget(region, f"business metrics ({unit})", list(found.values()), stat)
    probes = [streaming.NAMESPACE, streaming.METRIC, "Table", request["table"]]
    yield _widget(region, "probes of validations", [probes])


def _table(request: Request, region: str, *, indexes: bool) -> Iterator[Widget]:
    def metric(name: str, *dimensions: str) -> Metric:
        return ["AWS/DynamoDB", name, *dimensions, "TableName", request["table"]]

    others = [other for other in request["regions"] if other != region]
    if others:  # DynamoDB keeps this metric in the Region that sends
        latencies = [metric("ReplicationLatency", "ReceivingRegion", other) for other in others]
        yield _widget(region, "replication latency to, ms", latencies, "Average")
    throttled = ["ReadThrottleEvents", "WriteThrottleEvents"]
    throttles = [metric(name) for name in throttled]
    if indexes:
        found = [index["index_name"] for index in request["global_secondary_indexes"]]
        throttles += [metric(name, "GlobalSecondaryIndexName", index) for index in found for name in throttled]
    yield _widget(region, "throttled requests", throttles)
    yield _widget(
        region, "consumed capacity", [metric("ConsumedReadCapacityUnits"), metric("ConsumedWriteCapacityUnits")]
    )


def _processors(request: Request, region: str, uuids: Mapping[str, str]) -> Iterator[Widget]:
    functions = {
        name: names.processor_function(request["table"], name) for name in region_parameters.on(request, region)
    }
    if not functions:
        return

    def of_functions(name: str) -> list[Metric]:
        return [["AWS/Lambda", name, "FunctionName", function] for function in functions.values()]

    def of_mappings(name: str) -> list[Metric]:
        found = {one: uuids[one] for one in functions if one in uuids}
        label = "lost" if name == "DroppedEventCount" else "to the failure bucket"
        return [
            ["AWS/Lambda", name, "EventSourceMappingUUID", uuid, {"label": f"{one}: {label}"}]
            for one, uuid in found.items()
        ]

    yield _widget(region, "iterator age of processors, ms", of_functions("IteratorAge"), "Maximum")
    yield _widget(region, "errors of processors", of_functions("Errors") + of_functions("Throttles"))
    given_up = of_mappings("DroppedEventCount") + of_mappings("OnFailureDestinationDeliveredEventCount")
    if given_up:
        yield _widget(region, "records given up", given_up)


def _kinesis(table: str, region: str) -> Iterator[Widget]:
    def metric(name: str, **options: str) -> Metric:
        return ["AWS/Kinesis", name, "StreamName", names.stream(table), *([options] if options else [])]

    def search(name: str, stat: str) -> Metric:
        """What DynamoDB counts for its Kinesis destination; no guide says the value of DelegatedOperation."""
        terms = f'{{AWS/DynamoDB,DelegatedOperation,TableName}} TableName="{table}" MetricName="{name}"'
        expression = f"SEARCH('{terms}', '{stat}', {PERIOD_SECONDS})"
        return [{"expression": expression, "label": name, "id": name[0].lower() + name[1:]}]

    yield _widget(region, "Kinesis in", [metric("IncomingRecords"), metric("WriteProvisionedThroughputExceeded")])
    yield _widget(region, "Kinesis out", [metric("GetRecords.Records"), metric("ReadProvisionedThroughputExceeded")])
    yield _widget(region, "Kinesis bytes", [metric("IncomingBytes"), metric("GetRecords.Bytes")])
    yield _widget(
        region,
        "age of records on their way, ms",
        [metric("GetRecords.IteratorAgeMilliseconds"), search("AgeOfOldestUnreplicatedRecord", "Maximum")],
        "Maximum",
    )
    yield _widget(
        region,
        "records that Kinesis did not get",
        [search("FailedToReplicateRecordCount", "Sum"), search("ThrottledPutRecordCount", "Sum")],
    )
