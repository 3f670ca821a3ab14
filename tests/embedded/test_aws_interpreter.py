"""How the embedded AWS runs state machines."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.embedded.aws_calls import Client, Function, Machine, Run, finished, one_state, until

BUSY = [{"ErrorEquals": ["ReplicaBusy"], "IntervalSeconds": 1, "MaxAttempts": 1}]
PASS = {"Type": "Pass", "End": True}


def output(description: dict[str, Any]) -> Any:
    assert description["status"] == "SUCCEEDED", description
    return json.loads(description["output"])


def events(client: Client, description: dict[str, Any]) -> list[dict[str, Any]]:
    pages = client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=description["executionArn"]) for event in page["events"]]


def test_a_function_is_a_resource_of_its_own(run: Run, function: Function) -> None:
    """A Task whose Resource is a version's ARN has the payload itself as its result."""
    arn = function("echo")
    assert output(run(one_state(Resource=arn), a=1)) == {"event": {"a": 1}, "function": arn.split(":")[6], "arn": arn}


def test_the_context_object_can_be_passed_whole(run: Run, function: Function) -> None:
    """$$.Execution and $$.State have AWS's members, and times as text."""
    given = {"execution.$": "$$.Execution", "state.$": "$$.State"}
    ended = run(one_state(Resource=function("echo"), Parameters=given), a=1)
    event = output(ended)["event"]
    assert set(event["execution"]) == {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount"}
    assert event["execution"]["Id"] == ended["executionArn"]
    assert event["execution"]["Input"] == {"a": 1}
    assert set(event["state"]) == {"EnteredTime", "Name", "RetryCount"}
    assert event["state"]["Name"] == "Only"
    for moment in (event["execution"]["StartTime"], event["state"]["EnteredTime"]):
        assert moment.endswith("Z")
        assert abs(ended["startDate"].timestamp() - _seconds(moment)) < 2


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("resource", ["function", "arn:aws:states:::lambda:invoke"])
def test_an_error_reaches_catch_by_its_class_name(run: Run, function: Function, resource: str) -> None:
    """A Catch that names the exception's class catches it; its Cause is the function's report."""
    arn = function("fail")
    task: dict[str, Any] = {"Resource": arn}
    if resource != "function":
        task = {"Resource": resource, "Parameters": {"FunctionName": arn, "Payload": {}}}
    definition = one_state(**task, Catch=[{"ErrorEquals": ["ReplicaBusy"], "Next": "Caught"}])
    definition["States"]["Caught"] = PASS
    caught = output(run(definition))
    assert caught["Error"] == "ReplicaBusy"
    assert list(json.loads(caught["Cause"])) == ["errorMessage", "errorType", "requestId", "stackTrace"]


def test_an_error_is_retried_by_its_class_name(client: Client, run: Run, function: Function) -> None:
    """A Retry that names the exception's class tries again, as often as it says."""
    ended = run(one_state(Resource=function("fail"), Retry=BUSY))
    assert (ended["status"], ended["error"]) == ("FAILED", "ReplicaBusy")
    kinds = [event["type"] for event in events(client, ended)]
    assert kinds.count("LambdaFunctionFailed") == 2


def test_a_retry_waits_no_longer_than_its_limit(run: Run, function: Function) -> None:
    """MaxDelaySeconds bounds the waits between tries, and jitter only shortens them."""
    retry = [BUSY[0] | {"MaxAttempts": 2, "BackoffRate": 9.0, "MaxDelaySeconds": 1, "JitterStrategy": "FULL"}]
    began = time.monotonic()
    assert run(one_state(Resource=function("fail"), Retry=retry))["status"] == "FAILED"
    assert time.monotonic() - began < 3


def test_a_missing_permission_of_the_machine_is_seen(client: Client, function: Function) -> None:
    """A state machine whose role may not invoke the function fails as on AWS."""
    from tests.embedded.aws_calls import make_role

    states = client("stepfunctions")
    role = make_role(client, "states")
    made = states.create_state_machine(
        name=role.rpartition("/")[2], roleArn=role, definition=json.dumps(one_state(Resource=function("echo")))
    )
    started = states.start_execution(stateMachineArn=made["stateMachineArn"])
    ended = finished(client, started["executionArn"])
    assert ended["error"] == "Lambda.AWSLambdaException"
    assert "not authorized to perform: lambda:InvokeFunction" in ended["cause"]


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_wait_takes_its_seconds_from_the_input(run: Run, seconds: int) -> None:
    """Wait with SecondsPath waits that long; zero is allowed."""
    began = time.monotonic()
    assert run(one_state(Type="Wait", SecondsPath="$.seconds"), seconds=seconds)["status"] == "SUCCEEDED"
    assert seconds <= time.monotonic() - began < seconds + 0.9


def test_map_gives_the_results_in_order(run: Run, function: Function) -> None:
    """An inline Map runs its ItemProcessor for every item, with ItemSelector and the parent's input."""
    processor = one_state(Resource=function("echo"), OutputPath="$.event")
    definition = one_state(
        Type="Map",
        ItemsPath="$.regions",
        ItemSelector={"region.$": "$$.Map.Item.Value", "table.$": "$.table"},
        ItemProcessor={"ProcessorConfig": {"Mode": "INLINE"}, **processor},
    )
    assert output(run(definition, regions=["a", "b"], table="t")) == [
        {"region": "a", "table": "t"},
        {"region": "b", "table": "t"},
    ]


def test_a_failed_item_ends_map_and_its_siblings(client: Client, run: Run, machine: Machine) -> None:
    """An item that fails ends the Map with its error; executions of the other items are stopped."""
    long = machine(one_state(Type="Wait", Seconds=60))
    child = {"Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": {"StateMachineArn": long}}
    states = {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Pause"}],
            "Default": "Long",
        },
        "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Fail"},
        "Fail": {"Type": "Fail", "Error": "Own.Error", "Cause": "why"},
        "Long": {"Type": "Task", "End": True, **child},
    }
    ended = run(one_state(Type="Map", ItemsPath="$.n", ItemProcessor={"StartAt": "Which", "States": states}), n=[1, 2])
    assert (ended["status"], ended["error"]) == ("FAILED", "Own.Error")
    until(lambda: _statuses(client, long), ["ABORTED"])


def _statuses(client: Client, machine: str) -> list[str]:
    listed = client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [execution["status"] for execution in listed]


def test_a_failed_branch_ends_parallel(run: Run) -> None:
    """A branch that fails ends the Parallel with its error without waiting for the others."""
    branches = [
        {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Own.Error"}}},
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": True}}},
    ]
    ended = run(one_state(Type="Parallel", Branches=branches))
    assert (ended["status"], ended["error"]) == ("FAILED", "Own.Error")


def test_a_task_times_out(run: Run, function: Function) -> None:
    """TimeoutSecondsPath bounds a Task; its error is States.Timeout."""
    ended = run(one_state(Resource=function("wait"), TimeoutSecondsPath="$.limit"), seconds=3, limit=1)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_a_child_is_stopped_when_its_task_times_out(client: Client, run: Run, machine: Machine) -> None:
    """TimeoutSecondsPath bounds a nested execution too, and ends it."""
    child = machine(one_state(Type="Wait", Seconds=60))
    ended = run(_nested(child, TimeoutSecondsPath="$.limit"), limit=1)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    until(lambda: _statuses(client, child), ["ABORTED"])


def _nested(child: str, **more: Any) -> dict[str, Any]:
    given = {"StateMachineArn": child, "Input": {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}}
    return one_state(Resource="arn:aws:states:::states:startExecution.sync:2", Parameters=given, **more)


def test_a_machine_times_out(client: Client, run: Run) -> None:
    """The machine's own TimeoutSeconds ends the execution as TIMED_OUT, and its history says so."""
    ended = run(one_state(Type="Wait", Seconds=60) | {"TimeoutSeconds": 1})
    assert ended["status"] == "TIMED_OUT"
    assert events(client, ended)[-1]["type"] == "ExecutionTimedOut"


def test_a_child_gives_its_output_as_json(run: Run, machine: Machine) -> None:
    """The result of a nested execution holds its Output as JSON, under AWS's names."""
    result = output(run(_nested(machine(one_state(**PASS)))))
    assert result["Status"] == "SUCCEEDED"
    assert result["Output"]["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"].count(":execution:") == 1
    assert isinstance(result["StartDate"], int)


def test_a_failed_child_is_described_in_the_cause(run: Run, machine: Machine, function: Function) -> None:
    """A failed child is States.TaskFailed in its parent; the Cause is the child's description, with its error."""
    ended = run(_nested(machine(one_state(Resource=function("fail")))))
    assert ended["error"] == "States.TaskFailed"
    child = json.loads(ended["cause"])
    assert (child["Status"], child["Error"]) == ("FAILED", "ReplicaBusy")
    assert json.loads(child["Cause"])["errorMessage"] == "the replica in eu-west-1 is busy"


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_a_failed_child_can_be_caught_outside(run: Run, machine: Machine, kind: str) -> None:
    """States.TaskFailed keeps its name when it leaves a Parallel or a Map."""
    inner = _nested(machine(one_state(Type="Fail", Error="Own.Error")))
    shape = {"Branches": [inner]} if kind == "Parallel" else {"ItemProcessor": inner, "ItemsPath": "$.items"}
    definition = one_state(Type=kind, **shape, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}])
    definition["States"]["Caught"] = PASS
    assert output(run(definition, items=[1]))["Error"] == "States.TaskFailed"


def test_a_path_that_leads_nowhere_fails(run: Run) -> None:
    """A missing path in Parameters is States.Runtime, not null."""
    ended = run(one_state(Type="Pass", Parameters={"a.$": "$.absent"}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_a_loop_of_task_choice_and_wait_ends(run: Run, function: Function) -> None:
    """A loop over Task, Choice and Wait goes on with what each turn left in its state."""
    states = {
        "Look": {
            "Type": "Task",
            "Resource": function("echo"),
            "Parameters": {"n.$": "States.MathAdd($.look.n, 1)"},
            "ResultSelector": {"n.$": "$.event.n"},
            "ResultPath": "$.look",
            "Next": "Ready?",
        },
        "Ready?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.look.n", "NumericLessThan": 3, "Next": "Wait"}],
            "Default": "Done",
        },
        "Wait": {"Type": "Wait", "SecondsPath": "$.pause", "Next": "Look"},
        "Done": PASS,
    }
    assert output(run({"StartAt": "Look", "States": states}, look={"n": 0}, pause=0))["look"] == {"n": 3}


def test_the_history_tells_what_happened_inside(client: Client, run: Run) -> None:
    """A history holds the inside of Parallel and Map, with ids from 1 and links that lead back."""
    inner = one_state(Type="Map", ItemsPath="$", ItemProcessor=one_state(**PASS))
    history = events(client, run(one_state(Type="Parallel", InputPath="$.items", Branches=[inner]), items=[1, 2]))
    kinds = [event["type"] for event in history]
    assert kinds.count("MapIterationSucceeded") == 2
    assert kinds.count("PassStateExited") == 2
    assert {"ParallelStateStarted", "ParallelStateSucceeded", "MapStateStarted"} <= set(kinds)
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert all(event["previousEventId"] < event["id"] for event in history)
