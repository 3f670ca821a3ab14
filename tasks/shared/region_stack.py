"""What several tasks ask of a Region's CloudFormation stack, which holds the table's processors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names
from tasks.shared.errors import NotOurs
from tasks.shared.tables import code, message

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.region_parameters import Parameters

TEMPLATE = Path(__file__).parents[2] / "definitions/region.template.json"
CODE_TAG = ("meridian:stack", "code")

# A stack in one of these can only be deleted: it holds nothing, or what nobody may use.
DEAD = ("CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
STACK = "AWS::CloudFormation::Stack"


def template() -> bytes:
    """The template as it is deployed, in the zip and in the source tree."""
    return TEMPLATE.read_bytes()


def revision(parameters: Parameters) -> str:
    """SHA-256 of the template and its parameters: what tells whether a stack is as wanted."""
    counted = json.dumps(parameters, sort_keys=True).encode()
    return hashlib.sha256(hashlib.sha256(template()).digest() + counted).hexdigest()


def describe(aws: Clients, table: str, region: str) -> StackTypeDef | None:
    """DescribeStacks; ``NotOurs`` for a stack without our ownership tag, ``None`` where there is no stack."""
    name = names.region_stack(table)
    try:
        found = aws.cloudformation(region).describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return None
        raise
    if found["StackStatus"] == "DELETE_COMPLETE":
        return None
    if {"Key": names.OWNERSHIP_TAG, "Value": table} not in found.get("Tags", []):
        raise NotOurs(
            f"A CloudFormation stack named {name} exists",
            where=region,
            why=f"it lacks the tag {names.OWNERSHIP_TAG}={table}, so Meridian did not make it",
            remedy="It is left as it is. Remove it yourself, then start the workflow again with the same input.",
        )
    return found


def shown_revision(stack: StackTypeDef) -> str:
    """The revision that the stack was last brought to."""
    outputs: list[Any] = list(stack.get("Outputs", []))
    return next((str(one["OutputValue"]) for one in outputs if one["OutputKey"] == "Revision"), "")


def busy(status: str) -> bool:
    """Whether CloudFormation is at work, and takes no other order. A stack in review is not."""
    return status.endswith("_IN_PROGRESS") and status not in DEAD


def reason(aws: Clients, stack: StackTypeDef) -> str:
    """The resource that failed first in the last operation, and AWS's own reason."""
    failed = [one for one in _last_operation(aws, stack) if one.get("ResourceStatus", "").endswith("_FAILED")]
    # What was cut off because another resource failed says so; the first that does not is the cause.
    causes = [one for one in failed if "cancelled" not in one.get("ResourceStatusReason", "cancelled")]
    for one in [*reversed(causes), *reversed(failed)]:
        kind, status, why = (one.get(key, "") for key in ("ResourceType", "ResourceStatus", "ResourceStatusReason"))
        return f"{one.get('LogicalResourceId')} ({kind}) is {status}: {why}"
    return stack.get("StackStatusReason", "")


def _last_operation(aws: Clients, stack: StackTypeDef) -> list[StackEventTypeDef]:
    """Events since the last create, update or delete was asked for, the newest first."""
    found: list[StackEventTypeDef] = []
    region = stack["StackId"].split(":")[3]
    pages = aws.cloudformation(region).get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
    for event in (event for page in pages for event in page["StackEvents"]):
        found.append(event)
        if event.get("ResourceType") == STACK and event.get("ResourceStatus") in BEGINNINGS:
            break
    return found
