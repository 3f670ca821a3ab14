"""Delete what old updates left: versions of functions and state machines that nothing can call any more.

The template keeps every version, because a running execution goes on calling those it began with. Kept here are the
versions of the stack as it stands, those to which an alias leads, those that an open execution may still call, and
those that a failed one would call after a redrive.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from meridian.stack import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.literals import ExecutionStatusType
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

    from meridian.stack import Stack

RUNNING: ExecutionStatusType = "RUNNING"  # a redriven execution too; only a Map Run's may be PENDING_REDRIVE
REDRIVABLE: tuple[ExecutionStatusType, ...] = ("ABORTED", "FAILED", "TIMED_OUT")
REDRIVABLE_FOR = timedelta(days=14)

MOST_ALIASES = 100  # of a state machine, says Step Functions' list of quotas; a page holds as many

VERSION_ARN = re.compile(r"arn:[\w-]+:(?:lambda:[\w-]+:\d+:function|states:[\w-]+:\d+:stateMachine):[\w-]+:\d+")


def prune(stack: Stack, functions: LambdaClient, states: SFNClient) -> tuple[str, ...]:
    """Delete the versions that nothing needs, and give their ARNs.

    Deletes nothing while the stack changes, or where it cannot be known what is needed.
    """
    try:
        unneeded = _unneeded(stack, functions, states) if stack.status in SETTLED else []
    except ClientError:
        return ()
    for arn in unneeded:
        if ":stateMachine:" in arn:
            states.delete_state_machine_version(stateMachineVersionArn=arn)
        else:
            functions.delete_function(FunctionName=arn)
    return tuple(unneeded)


def _unneeded(stack: Stack, functions: LambdaClient, states: SFNClient) -> list[str]:
    """Versions of state machines, then those of functions, which they call."""
    machines = stack.resources("AWS::StepFunctions::StateMachine")
    current = [
        *stack.resources("AWS::Lambda::Version"),
        *stack.resources("AWS::StepFunctions::StateMachineVersion"),
    ]
    present = [
        *_machine_versions(states, machines),
        *_function_versions(functions, stack.resources("AWS::Lambda::Function")),
    ]
    needed = _reached(states, [*current, *_routed(states, machines), *_called(states, machines)])
    return [arn for arn in present if arn not in needed]


def _machine_versions(states: SFNClient, machines: Iterable[str]) -> Iterator[str]:
    for machine in machines:
        answer = states.list_state_machine_versions(stateMachineArn=machine)
        yield from (one["stateMachineVersionArn"] for one in answer["stateMachineVersions"])
        while answer.get("nextToken"):
            answer = states.list_state_machine_versions(stateMachineArn=machine, nextToken=answer["nextToken"])
            yield from (one["stateMachineVersionArn"] for one in answer["stateMachineVersions"])


def _routed(states: SFNClient, machines: Iterable[str]) -> Iterator[str]:
    """Versions to which an alias leads: Step Functions would refuse to delete them."""
    for machine in machines:
        answer = states.list_state_machine_aliases(stateMachineArn=machine, maxResults=MOST_ALIASES)
        for one in answer["stateMachineAliases"]:
            alias = states.describe_state_machine_alias(stateMachineAliasArn=one["stateMachineAliasArn"])
            yield from (route["stateMachineVersionArn"] for route in alias.get("routingConfiguration", []))


def _function_versions(functions: LambdaClient, named: Iterable[str]) -> Iterator[str]:
    for name in named:
        for page in functions.get_paginator("list_versions_by_function").paginate(FunctionName=name):
            yield from (one["FunctionArn"] for one in page["Versions"] if one["Version"] != "$LATEST")


def _called(states: SFNClient, machines: Iterable[str]) -> Iterator[str]:
    """Versions that executions were started with, or that their definitions name."""
    for machine in machines:
        for execution in _living(states, machine):
            started_with = execution.get("stateMachineVersionArn")
            if started_with:
                yield started_with
            else:
                answer = states.describe_state_machine_for_execution(executionArn=execution["executionArn"])
                yield from VERSION_ARN.findall(answer["definition"])


def _living(states: SFNClient, machine: str) -> Iterator[ExecutionListItemTypeDef]:
    """Executions that run or may run again."""
    executions = states.get_paginator("list_executions")
    oldest = datetime.now(UTC) - REDRIVABLE_FOR
    for status in (RUNNING, *REDRIVABLE):
        for page in executions.paginate(stateMachineArn=machine, statusFilter=status):
            yield from (one for one in page["executions"] if status == RUNNING or one.get("stopDate", oldest) >= oldest)


def _reached(states: SFNClient, first: Iterable[str]) -> set[str]:
    """These versions, and those that they call in turn."""
    reached: set[str] = set()
    waiting = list(first)
    while waiting:
        arn = waiting.pop()
        if arn not in reached and ":stateMachine:" in arn:
            # One that a failed execution called may be gone already.
            with suppress(states.exceptions.StateMachineDoesNotExist):
                waiting += VERSION_ARN.findall(states.describe_state_machine(stateMachineArn=arn)["definition"])
        reached.add(arn)
    return reached
