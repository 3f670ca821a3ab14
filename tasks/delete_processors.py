"""Ask CloudFormation to delete the stack of the table's processors in one Region.

May run twice: a stack that is gone or going is left as it is. Touches only a stack with our ownership tag. The records
that the processors gave up on stay: their bucket is no part of the stack.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tasks.shared import region_stack
from tasks.shared.task import STACK, STACK_ROLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(Looped):
    table: str
    region: str


@task(
    allow("cloudformation:DeleteStack", "cloudformation:DescribeStacks", on=STACK),
    allow(
        "iam:PassRole", on=STACK_ROLE, when={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    ),
)
def delete_processors(event: Event, aws: Clients) -> Looked:
    """Answer BUSY while CloudFormation is making or changing the stack; ``NotOurs`` without our tag."""
    table, region = event["table"], event["region"]
    stack = region_stack.describe(aws, table, region)
    if stack is None or stack["StackStatus"] == "DELETE_IN_PROGRESS":
        return ready(stack["StackStatus"] if stack else "GONE")
    if region_stack.busy(stack["StackStatus"]):
        return busy(event, f"stack of {table} ({stack['StackStatus']})", region)
    aws.cloudformation(region).delete_stack(StackName=stack["StackName"], RoleARN=os.environ["REGION_STACK_ROLE_ARN"])
    return ready("DELETE_IN_PROGRESS")
