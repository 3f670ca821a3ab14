"""Ask CloudFormation for the stack of the table's processors in one Region, as the request wants it.

May run any number of times: a stack that is as wanted is left alone, and one that can only be deleted is deleted, then
made. Does not wait for the stack, which DescribeStack sees.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names, region_parameters, region_stack, streams, tables
from tasks.shared.errors import START_AGAIN, StackFailed, StreamingFailed
from tasks.shared.task import CODE_OBJECTS, STACK, STACK_ROLE, STREAM, TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.region_parameters import Parameters
    from tasks.shared.request import Request

NOTHING_TO_DO = "No updates are to be performed"
# The stack changed since it was described; another execution was faster.
CHANGED = ("AlreadyExistsException", "OperationInProgressException")
IN_PROGRESS = "_IN_PROGRESS state"


class Event(Looped):
    """What StageCode brought, besides the request."""

    table: str
    region: str
    request: Request
    code_key: str
    config_key: str
    template_url: str


class Reply(Looked):
    """``revision`` is what the stack shall show once it is complete."""

    revision: str


@task(
    allow(
        "cloudformation:CreateStack",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:TagResource",
        "cloudformation:UpdateStack",
        on=STACK,
    ),
    allow(
        "iam:PassRole", on=STACK_ROLE, when={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    ),
    allow("s3:GetObject", on=CODE_OBJECTS),  # CloudFormation reads the template with the caller's permissions
    allow("dynamodb:DescribeTable", on=TABLE),
    allow("kinesis:DescribeStreamSummary", on=STREAM),
)
def deploy_processors(event: Event, aws: Clients) -> Reply:
    """Answer BUSY while CloudFormation is at work; ``NotOurs`` for a stack without our tag.

    ``StackFailed`` where only a person can go on: a roll-back that failed, or a deletion.
    """
    table, region = event["table"], event["region"]
    stack = region_stack.describe(aws, table, region)
    parameters = _parameters(event, aws, stack)
    revision = region_stack.revision(parameters)
    return {**_asked(event, aws, stack, {**parameters, "Revision": revision}), "revision": revision}


def _asked(event: Event, aws: Clients, stack: StackTypeDef | None, parameters: Parameters) -> Looked:
    status = stack["StackStatus"] if stack else ""
    if stack and region_stack.busy(status):
        return _busy(event, status)
    if stack and status in region_stack.DEAD:
        return _deleted(event, aws, stack)
    if stack and status == "UPDATE_ROLLBACK_FAILED":
        raise StackFailed(
            f"The stack {stack['StackName']} is UPDATE_ROLLBACK_FAILED",
            where=event["region"],
            why=region_stack.reason(aws, stack),
            remedy=f"Remove the cause, then run `aws cloudformation continue-update-rollback --region {event['region']}"
            f" --stack-name {stack['StackName']}`. {START_AGAIN}",
        )
    if stack and region_stack.shown_revision(stack) == parameters["Revision"]:
        return ready(status)
    return _made(event, aws, parameters, create=not stack)


def _made(event: Event, aws: Clients, parameters: Parameters, *, create: bool) -> Looked:
    cloudformation = aws.cloudformation(event["region"])
    wanted: Any = {
        "StackName": names.region_stack(event["table"]),
        "TemplateURL": event["template_url"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": os.environ["REGION_STACK_ROLE_ARN"],
        "Tags": [{"Key": names.OWNERSHIP_TAG, "Value": event["table"]}],
    }
    try:
        if create:
            cloudformation.create_stack(**wanted, OnFailure="ROLLBACK")
        else:
            cloudformation.update_stack(**wanted)
    except ClientError as error:
        if NOTHING_TO_DO in tables.message(error):
            return ready("UPDATE_COMPLETE")
        if tables.code(error) in CHANGED or IN_PROGRESS in tables.message(error):
            return _busy(event, "changed by another execution")
        raise
    return ready("CREATE_IN_PROGRESS" if create else "UPDATE_IN_PROGRESS")


def _deleted(event: Event, aws: Clients, stack: StackTypeDef) -> Looked:
    """Delete what can only be deleted, once a loop: what fails again fails for a reason that a person must know."""
    status = stack["StackStatus"]
    if status == "DELETE_FAILED" and "DeletionTime" in stack and stack["DeletionTime"] > _began(event):
        raise StackFailed(
            f"The stack {stack['StackName']} of an earlier try cannot be deleted",
            where=event["region"],
            why=region_stack.reason(aws, stack),
            remedy=f"Remove the cause. {START_AGAIN}",
        )
    aws.cloudformation(event["region"]).delete_stack(
        StackName=stack["StackName"], RoleARN=os.environ["REGION_STACK_ROLE_ARN"]
    )
    return _busy(event, f"{status}, is being deleted")


def _began(event: Event) -> datetime:
    return datetime.fromisoformat(event["began"])


def _busy(event: Event, status: str) -> Looked:
    return busy(event, f"stack of {event['table']} ({status})", event["region"])


def _parameters(event: Event, aws: Clients, stack: StackTypeDef | None) -> Parameters:
    table, region, request = event["table"], event["region"], event["request"]
    described = tables.describe(aws.dynamodb(region), table)
    table_stream = (described or {}).get("LatestStreamArn", "")
    if not table_stream:
        raise StreamingFailed(
            f"The table {table} has no DynamoDB stream",
            where=region,
            why="nothing could tell the processors of its changes",
            remedy=f"Switch its stream on, with NEW_AND_OLD_IMAGES. {START_AGAIN}",
        )
    kinesis = streams.describe(aws, table, region) if request["kinesis"] else None
    staged = region_parameters.Staged(
        event["code_key"], event["config_key"], table_stream, kinesis["StreamARN"] if kinesis else ""
    )
    wanted = region_parameters.of(request, region, staged)
    return {**wanted, **region_parameters.kept(wanted, stack)}
