"""Compare the request with what stands, before anything is touched.

Changes nothing; may run any number of times. Refuses what AWS or Meridian cannot do to a live table; what
is merely missing is left to the tasks that make it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import destination_tables, record, streams, tables
from tasks.shared.errors import ChangeRefused
from tasks.shared.task import RECORD_ANYWHERE, STREAM, TABLE, allow, task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


SENDING = ("ENABLING", "ACTIVE", "UPDATING")


class Event(TypedDict):
    table: str
    home: str
    request: Request


class Reply(TypedDict):
    """``missing`` are the Regions that the table is not yet in."""

    missing: list[str]


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE),
    allow("dynamodb:DescribeKinesisStreamingDestination", "dynamodb:DescribeTimeToLive", on=TABLE),
    # Describing a destination asks for these too.
    allow("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", on=STREAM),
    allow("ssm:GetParametersByPath", on=RECORD_ANYWHERE),
    timeout_seconds=60,
)
def compare_deployment(event: Event, aws: Clients) -> Reply:
    """Give the Regions to be added; ``NotOurs`` or ``ChangeRefused`` lists what stands in the way."""
    table, home, request = event["table"], event["home"], event["request"]
    live = tables.require_ours(aws, table, home)
    members = {home, *tables.replica_regions(live)} if live else set()
    for region in request["regions"]:
        if region not in {home, *members}:
            tables.require_room(aws, table, home, region)
    recorded = record.stages(aws, home, table)
    if not recorded:
        _require_home(aws, table, home, tables.replica_regions(live))
    problems = _dropped(request, members | set(recorded))
    if live:
        problems += _unchangeable(request, live)
        problems += _time_to_live(aws, request, live)
        problems += _streaming_dropped(aws, request, members)
    problems += destination_tables.problems(aws, request)
    if problems:
        raise ChangeRefused(f"{table} cannot be changed so: {'; '.join(problems)}", remedy="Nothing was changed.")
    return {"missing": [region for region in request["regions"] if region not in members]}


def _require_home(aws: Clients, table: str, home: str, others: list[str]) -> None:
    """A table that is recorded in another of its Regions has its home there, and only one home may change it."""
    for region in others:
        if record.stages(aws, region, table):
            raise ChangeRefused(
                f"{table} has its home in {region}",
                where=home,
                remedy=f"Start provision in {region}, with {region} first under `regions`. Nothing was changed.",
            )


def _dropped(request: Request, members: set[str]) -> list[str]:
    return [
        f"{region} is a Region of the table and not in the request; remove-region takes it away "
        f'({{"table": "{request["table"]}", "region": "{region}", "confirm": "{region}"}})'
        for region in sorted(members - set(request["regions"]))
    ]


def _unchangeable(request: Request, live: TableDescriptionTypeDef) -> list[str]:
    wanted, present = _shape_of_request(request), _shape_of_table(live)
    return [
        f"{member} is {_text(present[member])} and cannot become {_text(wanted[member])}"
        for member in wanted
        if wanted[member] != present[member]
    ]


def _shape_of_request(request: Request) -> dict[str, Any]:
    def index(one: Any) -> Any:
        projection = one["projection"]
        return one["key_schema"], projection["projection_type"], sorted(projection.get("non_key_attributes") or [])

    return {
        "key_schema": request["key_schema"],
        "attribute_definitions": request["attribute_definitions"],
        "global_secondary_indexes": {one["index_name"]: index(one) for one in request["global_secondary_indexes"]},
        "local_secondary_indexes": {one["index_name"]: index(one) for one in request["local_secondary_indexes"]},
        "billing_mode": request["billing_mode"],
        "table_class": request["table_class"],
        "stream_view_type": request["stream_view_type"],
    }


def _shape_of_table(live: TableDescriptionTypeDef) -> dict[str, Any]:
    def keys(schema: Any) -> dict[str, str]:
        return {key["AttributeName"]: key["KeyType"] for key in schema}

    def indexes(found: Any) -> dict[str, Any]:
        return {
            one["IndexName"]: (
                keys(one["KeySchema"]),
                one["Projection"]["ProjectionType"],
                sorted(one["Projection"].get("NonKeyAttributes", [])),
            )
            for one in found
        }

    return {
        "key_schema": keys(live["KeySchema"]),
        "attribute_definitions": {one["AttributeName"]: one["AttributeType"] for one in live["AttributeDefinitions"]},
        "global_secondary_indexes": indexes(live.get("GlobalSecondaryIndexes", [])),
        "local_secondary_indexes": indexes(live.get("LocalSecondaryIndexes", [])),
        "billing_mode": live.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "table_class": live.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "stream_view_type": live.get("StreamSpecification", {}).get("StreamViewType"),
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items()) or "none"
    return " ".join(_text(one) for one in value if one) if isinstance(value, tuple) else str(value)


def _time_to_live(aws: Clients, request: Request, live: TableDescriptionTypeDef) -> list[str]:
    wanted = request["time_to_live"]
    if not wanted or live["TableStatus"] == "CREATING":  # a table is made without
        return []
    found = aws.dynamodb(request["regions"][0]).describe_time_to_live(TableName=request["table"])
    description = found["TimeToLiveDescription"]
    if description.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        return []
    present = description.get("AttributeName")
    if present == wanted["attribute_name"]:
        return []
    sentence = (
        f"time_to_live.attribute_name is {present} and cannot become {wanted['attribute_name']} in one step: DynamoDB "
        "takes up to an hour for each change; provision without time_to_live first"
    )
    return [sentence]


def _streaming_dropped(aws: Clients, request: Request, members: set[str]) -> list[str]:
    if request["kinesis"]:
        return []
    found = {region: streams.destination(aws, request["table"], region) for region in sorted(members)}
    streaming = [region for region, one in found.items() if one and one.get("DestinationStatus") in SENDING]
    return [f"kinesis is on in {', '.join(streaming)}; provision does not delete streams"] if streaming else []
