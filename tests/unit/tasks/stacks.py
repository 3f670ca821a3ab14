"""What CloudFormation answers to the tasks that follow a Region's stack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.shared import names
from tests.unit.tasks.fakes import ACCOUNT, Answer
from tests.unit.tasks.scenarios import AWAY, ENVIRONMENT, OWNED, TABLE

NAME = names.region_stack(TABLE)
STACK_ID = f"arn:aws:cloudformation:{AWAY}:{ACCOUNT}:stack/{NAME}/1"
ROLE = ENVIRONMENT["REGION_STACK_ROLE_ARN"]
MADE = datetime(2026, 1, 1, tzinfo=UTC)


def cloudformation(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("cloudformation", AWAY, method, response or {}, params=params or None)


def refused(method: str, code: str, message: str = "not now") -> Answer:
    return Answer("cloudformation", AWAY, method, error=(code, message))


def no_stack() -> Answer:
    return Answer(
        "cloudformation",
        AWAY,
        "describe_stacks",
        error=("ValidationError", f"Stack with id {NAME} does not exist"),
        params={"StackName": NAME},
    )


def stack(
    status: str,
    revision: str = "",
    parameters: dict[str, str] | None = None,
    tags: dict[str, str] = OWNED,
    **more: Any,
) -> Answer:
    """DescribeStacks answers with our stack."""
    found = {
        "StackName": NAME,
        "StackId": STACK_ID,
        "StackStatus": status,
        "CreationTime": MADE,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "Outputs": [
            {"OutputKey": "CodeSha256", "OutputValue": "c0de"},
            *([{"OutputKey": "Revision", "OutputValue": revision}] if revision else []),
        ],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
        **more,
    }
    return cloudformation("describe_stacks", {"Stacks": [found]}, StackName=NAME)


def events(*found: tuple[str, str, str]) -> Answer:
    """DescribeStackEvents answers with resource, status and reason, the oldest first here and the newest there."""
    listed = [
        {
            "StackId": STACK_ID,
            "StackName": NAME,
            "EventId": str(number),
            "Timestamp": MADE + timedelta(seconds=number),
            "LogicalResourceId": resource,
            "ResourceType": "AWS::CloudFormation::Stack" if resource == NAME else f"AWS::{resource}",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }
        for number, (resource, status, reason) in enumerate(found)
    ]
    return cloudformation("describe_stack_events", {"StackEvents": listed[::-1]}, StackName=STACK_ID)


def stack_deleted() -> Answer:
    return cloudformation("delete_stack", StackName=NAME, RoleARN=ROLE)
