"""Name of what a call of AWS changes, from the call's parameters: never an item, an object's key or a value."""

from __future__ import annotations

import re
from typing import Any

# Parameters that name a resource, the most telling first: a stream is enabled on a table, a schedule lies in a group.
NAMES = (
    "TableName",
    "StreamName",
    "StreamARN",
    "StackName",
    "Bucket",
    "FunctionName",
    "QueueName",
    "QueueUrl",
    "Name",
    "Names",
    "GroupName",
    "DashboardName",
    "DashboardNames",
    "AlarmName",
    "AlarmNames",
    "Namespace",
    "RequestItems",  # of BatchWriteItem: its members are named after tables
    "ResourceArn",
    "ResourceARN",
    "ResourceId",
)


def resource(params: dict[str, Any]) -> str:
    """Name of the table, stream, stack, bucket ... that a call with ``params`` is for; empty if none is named."""
    return next((_name(params[member]) for member in NAMES if params.get(member)), "")


def _name(value: str | list[str] | dict[str, Any]) -> str:
    if not isinstance(value, str):
        return ", ".join(sorted(map(_name, value)))
    if value.startswith("arn:"):
        kind, *name = re.split("[:/]", value.split(":", 5)[5])
        return name[0] if name else kind
    return value.rpartition("/")[2] if "://" in value else value
