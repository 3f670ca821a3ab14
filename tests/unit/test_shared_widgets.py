"""The dashboard shows every Region its own metrics, under AWS's names, within CloudWatch's limits."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tasks.shared import names, widgets
from tasks.shared.request import complete
from tests.unit.requests import index

HOME, AWAY, THIRD = REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
ORDER = {"attribute": "PK", "begins_with": "ORDER#"}
DIMENSIONS = {"EntityType": "Order"}
RULES = [
    {"entity": ORDER, "when": ["INSERT"], "metric": "NewOrders", "dimensions": DIMENSIONS},
    {
        "entity": ORDER,
        "when": ["INSERT"],
        "metric": "OrderValue",
        "value": "ATTRIBUTE",
        "attribute": "amount",
        "unit": "None",
        "dimensions": DIMENSIONS,
    },
]
DOCUMENT: dict[str, Any] = {
    "table": "orders",
    "regions": list(REGIONS),
    "attribute_definitions": {"PK": "S", "SK": "S", "GSI1PK": "S"},
    "key_schema": {"PK": "HASH", "SK": "RANGE"},
    "global_secondary_indexes": [index(GSI1PK="HASH")],
    "kinesis": {},
    "origin_attribute": "origin",
    "processors": {
        "changes": {"rules": []},
        "analytics": {"namespace": "ECommerce/Global", "rules": RULES},
        "replicator": {
            "source": "KINESIS",
            "destination": {"table": "archive", "region": "us-west-2"},
            "conflict": {"rule": "LAST_WRITER", "attribute": "updatedAt"},
        },
    },
}
UUIDS = {region: {name: f"{region}-{name}" for name in names.PROCESSORS} for region in REGIONS}


def body(document: dict[str, Any] = DOCUMENT, **changes: Any) -> dict[str, Any]:
    request = complete({**copy.deepcopy(document), **changes})
    return widgets.body(request, UUIDS, "the mark")


def metrics(document: dict[str, Any], region: str) -> set[tuple[str, ...]]:
    """Namespace, name and dimensions of what the Region's widgets show."""
    return {
        tuple(part for part in metric if isinstance(part, str))
        for widget in document["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if widget["properties"]["region"] == region
    }


def searches(document: dict[str, Any], region: str) -> list[str]:
    return [
        metric[0]["expression"]
        for widget in document["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if widget["properties"]["region"] == region and isinstance(metric[0], dict)
    ]


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_its_metrics(region: str) -> None:
    """Each Region's widgets name it, and show its table, streams, processors and business under AWS's names."""
    table, stream = ("TableName", "orders"), ("StreamName", names.stream("orders"))
    functions = [("FunctionName", names.processor_function("orders", name)) for name in names.PROCESSORS]
    assert metrics(body(), region) - {()} == {
        ("ECommerce/Global", "NewOrders", "EntityType", "Order"),
        ("ECommerce/Global", "OrderValue", "EntityType", "Order"),
        ("Meridian/Processors", "Probes", "Table", "orders"),
        *(
            ("AWS/DynamoDB", "ReplicationLatency", "ReceivingRegion", other, *table)
            for other in REGIONS
            if other != region
        ),
        ("AWS/DynamoDB", "ReadThrottleEvents", *table),
        ("AWS/DynamoDB", "WriteThrottleEvents", *table),
        ("AWS/DynamoDB", "ReadThrottleEvents", "GlobalSecondaryIndexName", "GSI1", *table),
        ("AWS/DynamoDB", "WriteThrottleEvents", "GlobalSecondaryIndexName", "GSI1", *table),
        ("AWS/DynamoDB", "ConsumedReadCapacityUnits", *table),
        ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", *table),
        *(("AWS/Lambda", name, *one) for one in functions for name in ("IteratorAge", "Errors", "Throttles")),
        *(
            ("AWS/Lambda", name, "EventSourceMappingUUID", f"{region}-{one}")
            for one in names.PROCESSORS
            for name in ("DroppedEventCount", "OnFailureDestinationDeliveredEventCount")
        ),
        *(
            ("AWS/Kinesis", name, *stream)
            for name in (
                "IncomingRecords",
                "IncomingBytes",
                "WriteProvisionedThroughputExceeded",
                "GetRecords.Records",
                "GetRecords.Bytes",
                "GetRecords.IteratorAgeMilliseconds",
                "ReadProvisionedThroughputExceeded",
            )
        ),
    }
    found = "\n".join(searches(body(), region))
    for name in ("AgeOfOldestUnreplicatedRecord", "FailedToReplicateRecordCount", "ThrottledPutRecordCount"):
        assert f'{{AWS/DynamoDB,DelegatedOperation,TableName}} TableName="orders" MetricName="{name}"' in found


def test_widgets_stand_side_by_side() -> None:
    """No two widgets cover the same place of the grid of 24 columns, and the first says whose dashboard it is."""
    found = body()["widgets"]
    assert "the mark" in found[0]["properties"]["markdown"]
    places = [
        (column, row)
        for one in found
        for column in range(one["x"], one["x"] + one["width"])
        for row in range(one["y"], one["y"] + one["height"])
    ]
    assert len(places) == len(set(places))
    assert max(column for column, _ in places) == 23


def test_units_do_not_share_a_scale() -> None:
    """Business metrics of different units stand in different widgets, each metric once, and times are averaged."""
    rules = [*RULES, {**RULES[0], "when": ["MODIFY"]}, {**RULES[0], "metric": "Delay", "unit": "Seconds"}]
    processors = {"analytics": {"namespace": "ECommerce/Global", "rules": rules}}
    shown = {
        one["properties"]["title"]: ([metric[1] for metric in one["properties"]["metrics"]], one["properties"]["stat"])
        for one in body(processors=processors)["widgets"]
        if one["properties"].get("title", "").startswith("us-east-1: business")
    }
    assert shown == {
        "us-east-1: business metrics (Count)": (["NewOrders"], "Sum"),
        "us-east-1: business metrics (None)": (["OrderValue"], "Sum"),
        "us-east-1: business metrics (Seconds)": (["Delay"], "Average"),
    }


def test_a_replicator_without_an_origin_runs_at_home() -> None:
    """Where no origin tells the writers apart, only the home Region shows a replicator."""
    found = body(origin_attribute=None)
    function = names.processor_function("orders", "replicator")
    shown = [any(function in metric for metric in metrics(found, region)) for region in REGIONS]
    assert shown == [True, False, False]


def test_a_table_alone_has_its_own_metrics_only() -> None:
    """A table in one Region without streaming and processors shows its throttles and its capacity."""
    found = body(regions=[HOME], kinesis=None, processors={})
    names_shown = {metric[1] for metric in metrics(found, HOME)}
    assert names_shown == {
        "ReadThrottleEvents",
        "WriteThrottleEvents",
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
    }


def largest(indexes: int) -> dict[str, Any]:
    """Twenty Regions, fifty metric rules of six units, and so many indexes."""
    regions = [f"us-region-{number}" for number in range(20)]
    units = ("None", "Count", "Seconds", "Milliseconds", "Bytes", "Percent")
    rules = [{**RULES[0], "metric": f"Metric{number}", "unit": units[number % 6]} for number in range(50)]
    request: Any = complete(DOCUMENT)
    request["regions"] = regions
    request["processors"]["analytics"]["rules"] = rules
    request["global_secondary_indexes"] = [index(f"GSI{number}") for number in range(indexes)]
    uuids = {region: {name: f"{region}-{name}" for name in names.PROCESSORS} for region in regions}
    return widgets.body(request, uuids, "the mark")


@pytest.mark.parametrize("indexes", [0, 1, 20])
def test_the_largest_request_fits(indexes: int) -> None:
    """CloudWatch takes 500 widgets, 500 metrics in one and 2,500 in all; indexes' throttles make way."""
    document = largest(indexes)
    counts = [len(one["properties"].get("metrics", ())) for one in document["widgets"]]
    assert len(counts) <= 500
    assert max(counts) <= 500
    assert sum(counts) <= 2500
    throttled = any("GlobalSecondaryIndexName" in metric for metric in metrics(document, "us-region-0"))
    assert throttled == (indexes == 1)


def test_the_same_request_gives_the_same_text() -> None:
    """The order of a rule's dimensions changes nothing, so that nothing is put again for it."""
    one, two = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    one["processors"]["analytics"]["rules"][0]["dimensions"] = {"A": "1", "B": "2"}
    two["processors"]["analytics"]["rules"][0]["dimensions"] = {"B": "2", "A": "1"}
    text = widgets.as_text(body(one))
    assert text == widgets.as_text(body(two))
    assert json.loads(text) == body(one)
