"""The region stack's CloudFormation template: what lives beside the table in every Region.

python -m meridian.region_template            writes definitions/region.template.json
python -m meridian.region_template --check    writes nothing, and exits 1 if it is not what would be written

Everything that differs between tables and Regions is a parameter (tasks/shared/region_parameters.py), so that the
template is data, the same for all. Not in it: the buckets of code and of failed records, and the replicator's tables,
which outlive a stack that is deleted and made again.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from meridian import processor_roles, region_alarms, region_events, region_functions, validation_alarms
from meridian.bundle import ROOT
from meridian.region_functions import NUMBERS, PROCESSORS
from meridian.region_parts import TAGS, resource
from meridian.template import RETENTION
from tasks.shared.region_parameters import MOST_FILTER_PATTERNS, MOST_OTHER_REGIONS

TEMPLATE = ROOT / "definitions/region.template.json"


def region_template() -> dict[str, Any]:
    """Build the template as a document."""
    resources = {
        "ProcessorsLogGroup": resource(
            "AWS::Logs::LogGroup",
            LogGroupName={"Ref": "LogGroupName"},
            RetentionInDays={"Ref": "LogRetentionDays"},
            Tags=TAGS,
        ),
        **processor_roles.roles(TAGS),
        **region_functions.resources(),
        **region_events.resources(),
        **region_alarms.resources(),
        **validation_alarms.resources(),
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Meridian's region stack: the processors of one DynamoDB table in one Region, the streams they "
        "read, and the alarms that watch them.",
        "Parameters": _parameters(),
        "Conditions": _conditions(),
        "Resources": resources,
        "Outputs": _outputs(),
    }


def _parameters() -> dict[str, Any]:
    required = {
        "Table": "The DynamoDB table.",
        "Revision": "SHA-256 of this template and its parameters.",
        "CodeBucket": "Bucket in this Region with the processors' code and configuration.",
        "CodePrefix": "Where in it the objects of this table lie.",
        "CodeKey": "The code's zip there.",
        "CodeSha256": "SHA-256 of the zip.",
        "ConfigKey": "The configuration document there.",
        "ConfigSha256": "SHA-256 of the configuration document.",
        "FailureBucket": "Bucket of the records that the processors give up on.",
        "LogGroupName": "Log group of the processors.",
        "BoundaryArn": "The permissions boundary of the processors' roles.",
    }
    optional = {
        "TableStreamArn": "The table's DynamoDB stream.",
        "KinesisStreamArn": "The table's Kinesis stream. None if empty.",
        "EventBusName": "Bus of the business events.",
        "ProbeRuleName": "Rule that brings the events of probes to the probe queue.",
        "ProbeQueueName": "Queue in which a validation finds the events of its probes.",
        "Namespace": "CloudWatch namespace of the business metrics.",
        "DeduplicationTableName": "Table in which analytics remembers what it has counted.",
        "DestinationTable": "Table to which the replicator writes.",
        "DestinationRegion": "Region of that table.",
        "MarksTable": "Table beside it in which the replicator remembers what was removed when.",
    }
    some = {
        **{
            f"FilterPattern{n}": "Records that Lambda passes on. All if none."
            for n in range(1, MOST_FILTER_PATTERNS + 1)
        },
        **{f"OtherRegion{n}": "Another Region of the table." for n in range(1, MOST_OTHER_REGIONS + 1)},
    }
    return {
        **{name: {"Type": "String", "Description": text} for name, text in required.items()},
        **{name: {"Type": "String", "Default": "", "Description": text} for name, text in {**optional, **some}.items()},
        "LogRetentionDays": {
            "Type": "Number",
            "AllowedValues": list(RETENTION),
            "Description": "How long CloudWatch Logs keeps what the processors log.",
        },
        "CreateEventBus": _choice("false", "true", about="Whether the bus is made, and goes with this stack."),
        **{key: value for name in PROCESSORS for key, value in _mapping_parameters(name).items()},
        **region_alarms.parameters(),
        **validation_alarms.parameters(),
    }


def _mapping_parameters(name: str) -> dict[str, Any]:
    return {
        f"{name}Source": _choice("OFF", "DYNAMODB_STREAM", "KINESIS", about=f"The stream that {name.lower()} reads."),
        f"{name}FunctionName": {"Type": "String", "Default": ""},
        f"{name}RoleName": {"Type": "String", "Default": ""},
        f"{name}StartingPosition": _choice("TRIM_HORIZON", "LATEST", about="Where a new mapping begins."),
        f"{name}BisectBatchOnFunctionError": _choice("true", "false", about="Whether a failed batch is split."),
        **{f"{name}{member}": {"Type": "Number", "Default": default} for member, default in NUMBERS.items()},
    }


def _choice(*values: str, about: str) -> dict[str, Any]:
    """A parameter that is one of these texts, the first by default."""
    return {"Type": "String", "AllowedValues": list(values), "Default": values[0], "Description": about}


def _conditions() -> dict[str, Any]:
    given = ["KinesisStreamArn", *(f"FilterPattern{number}" for number in range(1, MOST_FILTER_PATTERNS + 1))]
    given += [f"OtherRegion{number}" for number in range(1, MOST_OTHER_REGIONS + 1)]
    makes_bus = [{"Condition": "HasChanges"}, {"Fn::Equals": [{"Ref": "CreateEventBus"}, "true"]}]
    return {
        **{f"Has{name}": _not({"Fn::Equals": [{"Ref": f"{name}Source"}, "OFF"]}) for name in PROCESSORS},
        **{f"{name}ReadsKinesis": {"Fn::Equals": [{"Ref": f"{name}Source"}, "KINESIS"]} for name in PROCESSORS},
        **{f"Has{name.removesuffix('StreamArn')}": _not({"Fn::Equals": [{"Ref": name}, ""]}) for name in given},
        "MakesEventBus": {"Fn::And": makes_bus},
        **region_alarms.conditions(),
        **validation_alarms.conditions(),
    }


def _outputs() -> dict[str, Any]:
    plain = {name: {"Value": {"Ref": name}} for name in ("Revision", "CodeSha256", "ConfigSha256")}
    functions = {
        f"{name}Function": {"Condition": f"Has{name}", "Value": {"Ref": f"{name}Function"}} for name in PROCESSORS
    }
    queue = {"QueueUrl": {"Condition": "HasChanges", "Value": {"Ref": "ProbeQueue"}}}
    return {**plain, **functions, **queue, **region_alarms.outputs()}


def _not(condition: dict[str, Any]) -> dict[str, Any]:
    return {"Fn::Not": [condition]}


def document() -> str:
    """What this module writes."""
    return json.dumps(region_template(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    text = document()
    if TEMPLATE.exists() and TEMPLATE.read_text() == text:
        return 0
    if arguments == ["--check"]:
        print(f"Not up to date: {TEMPLATE.relative_to(ROOT)}. Run `make definitions`.", file=sys.stderr)
        return 1
    TEMPLATE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
