"""The parameters of a Region's stack (definitions/region.template.json), from the request and what stands there."""

from __future__ import annotations

import json
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.shared import buckets, names, silence
from tasks.shared import request as requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from tasks.shared.request import Alarms, Request

Parameters = dict[str, str]

MOST_OTHER_REGIONS = 19  # request: at most 20 Regions
MOST_FILTER_PATTERNS = 3
# Of every processor. Ten thousand records, Lambda's largest batch, take a hundred calls of DynamoDB one after another;
# what takes longer than this hangs, and the batch shall come again.
TIMEOUT_SECONDS = 120
# What is a constant of the template: it is how the processors answer.
NO_PARAMETERS = ("function_response_types",)


class Staged(NamedTuple):
    """What StageCode brought, and the streams that stand; an ARN is empty where there is no such stream."""

    code_key: str
    config_key: str
    table_stream_arn: str
    kinesis_stream_arn: str


def of(request: Request, region: str, staged: Staged) -> Parameters:
    """Every parameter but Revision; those that are left out keep the template's default."""
    table, account = request["table"], buckets.account()
    return {
        "Table": table,
        "CodeBucket": names.code_bucket(account, region),
        "CodePrefix": names.code_prefix(table),
        "CodeKey": staged.code_key,
        "CodeSha256": PurePosixPath(staged.code_key).stem,
        "ConfigKey": staged.config_key,
        "ConfigSha256": PurePosixPath(staged.config_key).stem,
        "FailureBucket": names.failure_bucket(table, account, region),
        "TableStreamArn": staged.table_stream_arn,
        "KinesisStreamArn": staged.kinesis_stream_arn,
        "LogGroupName": names.processors_log_group(table),
        "LogRetentionDays": os.environ["LOG_RETENTION_DAYS"],
        "BoundaryArn": os.environ["PROCESSOR_BOUNDARY_ARN"],
        **_numbered("FilterPattern", filter_patterns(request, region)),
        **_numbered("OtherRegion", [other for other in request["regions"] if other != region]),
        **_processors(request, region),
        **_alarms(request["alarms"]),
        **(_validation(request) if region == requests.home(request) else {}),
    }


def kept(wanted: Parameters, stack: StackTypeDef | None) -> Parameters:
    """Starting positions of the mappings that read already: it is past, and Lambda cannot change it in place."""
    found: list[Any] = list(stack.get("Parameters", [])) if stack else []
    present = {one["ParameterKey"]: one.get("ParameterValue", "") for one in found}
    return {
        f"{camel}StartingPosition": present[f"{camel}StartingPosition"]
        for camel in map(_camel, names.PROCESSORS)
        if f"{camel}StartingPosition" in present
        and f"{camel}Source" in wanted
        and present.get(f"{camel}Source") == wanted[f"{camel}Source"]
    }


def on(request: Request, region: str) -> dict[str, Any]:
    """The processors that run in a Region.

    Without an origin attribute every Region's stream carries every change, and the replicator runs at home only.
    """
    found = {name: wanted for name, wanted in dict(request["processors"]).items() if wanted}
    if not request["origin_attribute"] and region != requests.home(request):
        found.pop("replicator", None)
    return found


def source(name: str, wanted: dict[str, Any]) -> str:
    """The stream that a processor reads; analytics knows only one."""
    return "KINESIS" if name == "analytics" else str(wanted["source"])


def filter_patterns(request: Request, region: str) -> list[str]:
    """What Lambda passes to a Region's processors: changes of the items that were written there.

    A removed item has no new image, and its old one names the last writer. What was written nowhere, or in a Region
    that has left, counts at home, or nobody would ever hear of it.
    (Lambda Developer Guide, event filtering: ``exists`` works on leaves only, so on the value under the type S.)
    """
    attribute, others = request["origin_attribute"], [other for other in request["regions"] if other != region]
    if not attribute or not others:
        return []
    absent: list[Any] = [{"exists": False}]
    at_home = region == requests.home(request)
    here: list[Any] = [{"anything-but": others}] if at_home else [region]
    images = [[here], [absent, here], *([[absent, absent]] if at_home else [])]
    return [_pattern(attribute, *one) for one in images]


def _pattern(attribute: str, *images: list[Any]) -> str:
    named = zip(("NewImage", "OldImage"), images, strict=False)
    return json.dumps({"dynamodb": {name: {attribute: {"S": values}} for name, values in named}}, ensure_ascii=False)


def _processors(request: Request, region: str) -> Parameters:
    table, found = request["table"], Parameters()
    for name, wanted in on(request, region).items():
        mapping = {
            f"{_camel(name)}{_camel(key)}": _text(value)
            for key, value in wanted["event_source_mapping"].items()
            if key not in NO_PARAMETERS
        }
        found |= mapping | {
            f"{_camel(name)}Source": source(name, wanted),
            f"{_camel(name)}FunctionName": names.processor_function(table, name),
            f"{_camel(name)}RoleName": names.processor_role(table, name, region),
            **_OWN[name](table, wanted),
        }
    return found


def _changes(table: str, wanted: dict[str, Any]) -> Parameters:
    return {
        "EventBusName": wanted["event_bus"] or names.event_bus(table),
        "CreateEventBus": _text(wanted["create_event_bus"] and wanted["event_bus"] != "default"),
        "ProbeRuleName": names.probe_rule(table),
        "ProbeQueueName": names.probe_queue(table),
    }


def _analytics(table: str, wanted: dict[str, Any]) -> Parameters:
    return {"Namespace": wanted["namespace"], "DeduplicationTableName": names.deduplication_table(table)}


def _replicator(table: str, wanted: dict[str, Any]) -> Parameters:
    destination = wanted["destination"]
    return {
        "DestinationTable": destination["table"],
        "DestinationRegion": destination["region"],
        "MarksTable": names.marks_table(table),
    }


_OWN = {"changes": _changes, "analytics": _analytics, "replicator": _replicator}


def _alarms(wanted: Alarms | None) -> Parameters:
    """Thresholds in the metrics' own units, milliseconds."""
    if not wanted:
        return {"Alarms": "OFF"}
    return {
        "Alarms": "ON",
        "AlarmEmail": wanted["email"] or "",
        "IteratorAgeMilliseconds": str(wanted["iterator_age_seconds"] * 1000),
        "DurationMilliseconds": str(TIMEOUT_SECONDS * 10 * wanted["duration_percent"]),
        "UnreplicatedMilliseconds": str(wanted["unreplicated_seconds"] * 1000),
        "ReplicationLatencyMilliseconds": str(wanted["replication_latency_seconds"] * 1000),
        "ThrottledEvents": str(wanted["throttled_events"]),
    }


def _validation(request: Request) -> Parameters:
    """The home Region's alarms on scheduled validations; without a schedule the template's default is none."""
    if not request["validation"]["schedule"]:
        return {}
    found, silent = {"ScheduledValidation": "ON"}, silence.seconds(request)
    if silent is None:
        return found
    period, periods = silence.evaluation(silent)
    return {**found, "SilencePeriod": str(period), "SilencePeriods": str(periods)}


def _numbered(name: str, values: Iterable[str]) -> Parameters:
    return {f"{name}{number}": value for number, value in enumerate(values, 1)}


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _text(value: Any) -> str:
    """As CloudFormation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
