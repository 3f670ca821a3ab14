"""The part of the region stack that works: the processors' functions and their event source mappings."""

from __future__ import annotations

from typing import Any

from meridian.region_parts import NOTHING, TAGS, Resource, event_bus, resource
from meridian.template import ARCHITECTURE, RUNTIME
from tasks.shared.region_parameters import MOST_FILTER_PATTERNS, TIMEOUT_SECONDS

PROCESSORS = {
    "Changes": "Business events, from the table's changes to EventBridge.",
    "Analytics": "Metrics, from the table's changes to CloudWatch.",
    "Replicator": "Selected items, from the table's changes to another table.",
}
# Six megabytes of records, which is Lambda's largest batch, take tens of them as Python's objects; and with the memory
# comes the processor time of a cold start.
MEMORY_MB = 512

# Members of an event source mapping as CreateEventSourceMapping has them, by the limits of a request.
NUMBERS = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 1,
    "ParallelizationFactor": 1,
    "MaximumRetryAttempts": 5,
    "MaximumRecordAgeInSeconds": 43_200,
    "TumblingWindowInSeconds": 0,
}


def resources() -> dict[str, Resource]:
    """A function and a mapping a processor, and the table in which analytics remembers what it has counted."""
    mappings = {f"{name}Mapping": _mapping(name) for name in PROCESSORS}
    return {**_functions(), **mappings, "DeduplicationTable": _deduplication_table()}


def _functions() -> dict[str, Resource]:
    own = {
        "Changes": {"EVENT_BUS": event_bus()},
        "Analytics": {"DEDUPLICATION_TABLE": {"Ref": "DeduplicationTable"}},
        "Replicator": {"MARKS_TABLE": {"Ref": "MarksTable"}},
    }
    common = {
        "TABLE": {"Ref": "Table"},
        "CONFIG_BUCKET": {"Ref": "CodeBucket"},
        "CONFIG_KEY": {"Ref": "ConfigKey"},
        "POWERTOOLS_SERVICE_NAME": "meridian",
    }
    return {
        f"{name}Function": resource(
            "AWS::Lambda::Function",
            f"Has{name}",
            FunctionName={"Ref": f"{name}FunctionName"},
            Description=PROCESSORS[name],
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler=f"processors.{name.lower()}.{name.lower()}",
            Code={"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
            Role={"Fn::GetAtt": [f"{name}Role", "Arn"]},
            MemorySize=MEMORY_MB,
            Timeout=TIMEOUT_SECONDS,
            Environment={"Variables": {**common, **variables}},
            LoggingConfig={"LogGroup": {"Ref": "ProcessorsLogGroup"}, "LogFormat": "JSON"},
            Tags=TAGS,
        )
        for name, variables in own.items()
    }


def _mapping(name: str) -> Resource:
    """Refers to its function, and so is made after it and deleted before it."""
    patterns = [_pattern(name, f"FilterPattern{number}") for number in range(1, MOST_FILTER_PATTERNS + 1)]
    members = ("StartingPosition", "BisectBatchOnFunctionError", *NUMBERS)
    mapping = resource(
        "AWS::Lambda::EventSourceMapping",
        f"Has{name}",
        FunctionName={"Ref": f"{name}Function"},
        EventSourceArn={"Fn::If": [f"{name}ReadsKinesis", {"Ref": "KinesisStreamArn"}, {"Ref": "TableStreamArn"}]},
        **{member: {"Ref": f"{name}{member}"} for member in members},
        # How the processors answer, so it is no choice.
        FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Fn::If": ["HasFilterPattern1", {"Filters": patterns}, NOTHING]},
        DestinationConfig={"OnFailure": {"Destination": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${FailureBucket}"}}},
        MetricsConfig={"Metrics": ["EventCount"]},
        Tags=TAGS,
    )
    # A probe's first event shall find its way; and while the mapping reads, the way stays.
    return {**mapping, "DependsOn": ["ProbeRule", "ProbeQueuePolicy"]} if name == "Changes" else mapping


def _pattern(name: str, parameter: str) -> Any:
    """The record of a Kinesis stream has DynamoDB's as its data."""
    inside = {"Fn::Sub": f'{{"data": ${{{parameter}}}}}'}
    text = {"Pattern": {"Fn::If": [f"{name}ReadsKinesis", inside, {"Ref": parameter}]}}
    return {"Fn::If": [f"Has{parameter}", text, NOTHING]}


def _deduplication_table() -> Resource:
    return resource(
        "AWS::DynamoDB::Table",
        "HasAnalytics",
        TableName={"Ref": "DeduplicationTableName"},
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        TimeToLiveSpecification={"AttributeName": "expiresAt", "Enabled": True},
        Tags=TAGS,
    )
