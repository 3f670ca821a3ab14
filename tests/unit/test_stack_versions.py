"""Which old versions are deleted: those that nothing can call any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from meridian import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_stepfunctions import SFNClient

    from meridian.stack import Stack

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:meridian-add-replica"
PARENT = "arn:aws:states:us-east-1:123456789012:stateMachine:meridian-provision"
CHILD = "arn:aws:states:us-east-1:123456789012:stateMachine:meridian-add-region"
NOW = datetime.now(UTC)


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Some")


class Pages:
    def __init__(self, answer: Any) -> None:
        self.paginate = lambda **arguments: iter([answer(**arguments)])


class FakeStack:
    status: str | None = "UPDATE_COMPLETE"

    def resources(self, kind: str) -> list[str]:
        return {
            "AWS::Lambda::Function": ["meridian-add-replica"],
            "AWS::Lambda::Version": [f"{FUNCTION}:3"],
            "AWS::StepFunctions::StateMachine": [PARENT, CHILD],
            "AWS::StepFunctions::StateMachineVersion": [f"{PARENT}:3", f"{CHILD}:3"],
        }[kind]


class FakeLambda:
    """Versions 1 to 3 of one function."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def get_paginator(self, _: str) -> Pages:
        found = [{"FunctionArn": f"{FUNCTION}:{number}", "Version": number} for number in ("$LATEST", "1", "2", "3")]
        return Pages(lambda **_: {"Versions": found})

    def delete_function(self, FunctionName: str) -> None:  # noqa: N803  # boto3's name
        self.deleted.append(FunctionName)


class FakeStates:
    """Version n of the parent starts version n of the child, which calls version n of the function."""

    class exceptions:  # noqa: N801  # boto3's name
        class StateMachineDoesNotExist(ClientError):
            pass

    def __init__(self) -> None:
        self.executions: list[dict[str, Any]] = []
        self.definitions: dict[str, str] = {}
        self.aliases: dict[str, list[str]] = {}
        self.deleted: list[str] = []
        self.denied = False

    def run(self, machine: str, status: str, version: str = "", definition: str = "", **more: Any) -> None:
        arn = f"execution-{len(self.executions)}"
        started = {"stateMachineVersionArn": version} if version else {}
        self.executions.append({"executionArn": arn, "machine": machine, "status": status, **started, **more})
        self.definitions[arn] = definition

    def get_paginator(self, _: str) -> Pages:
        return Pages(lambda **arguments: {"executions": list(self._found(**arguments))})

    def _found(self, stateMachineArn: str, statusFilter: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        if self.denied:
            raise error("AccessDeniedException")
        if statusFilter == "PENDING_REDRIVE":  # a status of a Map Run's executions, in whose list alone it may be asked
            raise error("ValidationException")
        for one in self.executions:
            if (one["machine"], one["status"]) == (stateMachineArn, statusFilter):
                yield one

    def describe_state_machine_for_execution(self, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"definition": self.definitions[executionArn]}

    def list_state_machine_versions(self, stateMachineArn: str, nextToken: str = "1") -> dict[str, Any]:  # noqa: N803
        number = int(nextToken)
        more = {"nextToken": str(number + 1)} if number < 3 else {}
        return {"stateMachineVersions": [{"stateMachineVersionArn": f"{stateMachineArn}:{number}"}], **more}

    def describe_state_machine(self, stateMachineArn: str) -> dict[str, str]:  # noqa: N803
        machine, _, number = stateMachineArn.rpartition(":")
        if number == "0":
            raise self.exceptions.StateMachineDoesNotExist({}, "DescribeStateMachine")
        return {"definition": definition(f"{CHILD if machine == PARENT else FUNCTION}:{number}")}

    def list_state_machine_aliases(self, stateMachineArn: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        assert maxResults <= 1000
        found = [arn for arn in self.aliases if arn.startswith(f"{stateMachineArn}:")]
        return {"stateMachineAliases": [{"stateMachineAliasArn": arn} for arn in found]}

    def describe_state_machine_alias(self, stateMachineAliasArn: str) -> dict[str, Any]:  # noqa: N803
        routes = self.aliases[stateMachineAliasArn]
        return {"routingConfiguration": [{"stateMachineVersionArn": arn, "weight": 50} for arn in routes]}

    def delete_state_machine_version(self, stateMachineVersionArn: str) -> None:  # noqa: N803
        self.deleted.append(stateMachineVersionArn)


def definition(calls: str) -> str:
    return json.dumps({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": calls, "End": True}}})


@pytest.fixture
def states() -> FakeStates:
    return FakeStates()


def pruned(states: FakeStates, stack: FakeStack | None = None) -> tuple[str, ...]:
    functions = FakeLambda()
    gone = versions.prune(
        cast("Stack", stack or FakeStack()), cast("LambdaClient", functions), cast("SFNClient", states)
    )
    assert sorted(gone) == sorted(states.deleted + functions.deleted)
    return gone


def test_what_nothing_calls_is_deleted(states: FakeStates) -> None:
    """With nothing running only the versions of the stack as it stands remain; callers go before what they call."""
    expected = [f"{arn}:{number}" for arn in (PARENT, CHILD, FUNCTION) for number in (1, 2)]
    assert list(pruned(states)) == expected


def test_what_an_open_execution_may_still_call_is_kept(states: FakeStates) -> None:
    """The version it was started with, the children it will start, and their functions."""
    states.run(PARENT, "RUNNING", f"{PARENT}:1")
    assert pruned(states) == (f"{PARENT}:2", f"{CHILD}:2", f"{FUNCTION}:2")


def test_an_execution_started_without_a_version_is_read(states: FakeStates) -> None:
    """Its own definition says what it calls."""
    states.run(PARENT, "RUNNING", definition=definition(f"{CHILD}:2"))
    assert pruned(states) == (f"{PARENT}:1", f"{PARENT}:2", f"{CHILD}:1", f"{FUNCTION}:1")


def test_what_a_redrive_would_call_is_kept_for_a_fortnight(states: FakeStates) -> None:
    """Step Functions redrives what failed in the last 14 days, with the versions it had."""
    states.run(CHILD, "FAILED", f"{CHILD}:1", stopDate=NOW - timedelta(days=15))
    states.run(CHILD, "TIMED_OUT", f"{CHILD}:2", stopDate=NOW - timedelta(days=13))
    assert pruned(states) == (f"{PARENT}:1", f"{PARENT}:2", f"{CHILD}:1", f"{FUNCTION}:1")


def test_what_an_alias_leads_to_is_kept(states: FakeStates) -> None:
    """A schedule may start it at any time, and what it starts calls its own versions."""
    states.aliases[f"{CHILD}:scheduled"] = [f"{CHILD}:3", f"{CHILD}:2"]
    assert pruned(states) == (f"{PARENT}:1", f"{PARENT}:2", f"{CHILD}:1", f"{FUNCTION}:1")


def test_what_has_succeeded_keeps_nothing(states: FakeStates) -> None:
    """Nothing is called again by an execution that is done."""
    states.run(PARENT, "SUCCEEDED", f"{PARENT}:1")
    assert len(pruned(states)) == 6


def test_a_version_that_is_gone_already_is_no_obstacle(states: FakeStates) -> None:
    """A failed execution may name a version that was deleted by hand."""
    states.run(PARENT, "FAILED", f"{PARENT}:0", stopDate=NOW)
    assert len(pruned(states)) == 6


def test_where_it_cannot_be_known_everything_is_kept(states: FakeStates) -> None:
    """Without the permission to list executions no version is deleted."""
    states.denied = True
    assert pruned(states) == ()


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", None])
def test_while_the_stack_changes_everything_is_kept(states: FakeStates, status: str | None) -> None:
    """A roll-back that is still to come needs the versions before."""
    stack = FakeStack()
    stack.status = status
    assert pruned(states, stack) == ()
