"""The Step Functions API of the embedded AWS."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from meridian.embedded import EmbeddedAws, EmbeddedFailed
from tests.embedded.aws_calls import Client, Function, Machine, Run, finished, make_role, one_state, until

WAIT = one_state(Type="Wait", Seconds=60)
PASS = one_state(Type="Pass")


def refused(call: Any, **given: Any) -> str:
    """Code of the error that the call ends in; it must be a 400."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Message"]
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def states(client: Client) -> Any:
    return client("stepfunctions")


def start(states: Any, machine: str, **given: Any) -> str:
    return str(states.start_execution(stateMachineArn=machine, **given)["executionArn"])


def test_stopping_takes_effect_at_once(states: Any, machine: Machine, function: Function) -> None:
    """StopExecution ends an execution while its task runs on, with the error and cause it was given."""
    arn = start(states, machine(one_state(Resource=function("wait"))), input='{"seconds": 5}')
    until(lambda: _kinds(states, arn)[-1], "LambdaFunctionStarted")
    states.stop_execution(executionArn=arn, error="Own.Error", cause="enough")
    ended = states.describe_execution(executionArn=arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Own.Error", "enough")
    assert ended["stopDate"] >= ended["startDate"]
    assert _kinds(states, arn)[-1] == "ExecutionAborted"


def _kinds(states: Any, arn: str) -> list[str]:
    return [event["type"] for event in states.get_execution_history(executionArn=arn)["events"]] or [""]


def test_stopping_a_parent_stops_its_children(states: Any, machine: Machine) -> None:
    """The child of an execution that is stopped is ABORTED too."""
    child = machine(WAIT)
    nested = {"Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": {"StateMachineArn": child}}
    parent = start(states, machine(one_state(**nested)))
    until(lambda: _statuses(states, child), ["RUNNING"])
    states.stop_execution(executionArn=parent)
    until(lambda: _statuses(states, child), ["ABORTED"])


@pytest.mark.parametrize("number", range(4))
def test_a_stop_is_no_error_of_a_map(states: Any, machine: Machine, number: int) -> None:
    """A parent that is stopped while a Map waits for children ends ABORTED, whatever the Map makes of it."""
    child = machine(WAIT)
    nested = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True}
    item = {"StartAt": "Child", "States": {"Child": {**nested, "Parameters": {"StateMachineArn": child}}}}
    items = {"ItemsPath": "$.items", "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **item}}
    parent = start(states, machine(one_state(Type="Map", **items)), input='{"items": [1, 2]}')
    until(lambda: _statuses(states, child), ["RUNNING", "RUNNING"])

    states.stop_execution(executionArn=parent, error="Own.Error", cause=f"enough {number}")

    until(lambda: _statuses(states, child), ["ABORTED", "ABORTED"])
    ended = states.describe_execution(executionArn=parent)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Own.Error", f"enough {number}")


def _statuses(states: Any, machine: str) -> list[str]:
    return [found["status"] for found in states.list_executions(stateMachineArn=machine)["executions"]]


def test_a_name_is_taken_once(states: Any, machine: Machine) -> None:
    """Starting with the name and input of a running execution gives that one; anything else is refused."""
    arn = machine(WAIT)
    first = start(states, arn, name="one", input='{"a": 1}')
    assert start(states, arn, name="one", input='{"a": 1}') == first
    assert refused(states.start_execution, stateMachineArn=arn, name="one", input="{}") == "ExecutionAlreadyExists"
    states.stop_execution(executionArn=first)
    again = refused(states.start_execution, stateMachineArn=arn, name="one", input='{"a": 1}')
    assert again == "ExecutionAlreadyExists"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a" * 81}, "ValidationException"),
    ],
)
def test_a_wrong_start_is_refused(states: Any, machine: Machine, given: dict[str, str], code: str) -> None:
    """Input that is no JSON and names that AWS does not allow are refused."""
    assert refused(states.start_execution, stateMachineArn=machine(PASS), **given) == code


def test_executions_are_listed_in_pages(states: Any, machine: Machine, run: Run) -> None:
    """ListExecutions gives the newest first, in pages, and by status."""
    arn = machine(one_state(Type="Wait", SecondsPath="$.seconds"))
    ended = [run(arn, seconds=0)["executionArn"] for _ in range(3)]
    running = start(states, arn, input='{"seconds": 60}')
    first = states.list_executions(stateMachineArn=arn, maxResults=3)
    second = states.list_executions(stateMachineArn=arn, maxResults=3, nextToken=first["nextToken"])
    listed = [found["executionArn"] for found in first["executions"] + second["executions"]]
    assert listed == [running, *reversed(ended)]
    assert "nextToken" not in second
    only = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    assert [found["executionArn"] for found in only] == [running]
    states.stop_execution(executionArn=running)


@pytest.mark.parametrize("wrong", [{"maxResults": 1001}, {"nextToken": "none of ours"}])
def test_a_page_has_its_bounds(states: Any, machine: Machine, wrong: dict[str, Any]) -> None:
    """A page holds a thousand executions at most, and a token is one that was given."""
    code = refused(states.list_executions, stateMachineArn=machine(PASS), **wrong)
    assert code == ("ValidationException" if "maxResults" in wrong else "InvalidToken")


def test_executions_are_listed_by_version_alias_and_redrive(states: Any, client: Client, machine: Machine) -> None:
    """ListExecutions of an alias or a version gives what was started through it, with both ARNs; none was redriven."""
    arn, alias, version = aliased(states, machine(PASS))
    plain, through, direct = (finished(client, start(states, each))["executionArn"] for each in (arn, alias, version))

    def listed(of: str, **more: Any) -> list[str]:
        found = states.list_executions(stateMachineArn=of, **more)["executions"]
        return [each["executionArn"] for each in found]

    assert listed(alias) == [through]
    assert listed(version) == [direct, through]
    assert listed(arn, redriveFilter="NOT_REDRIVEN") == [direct, through, plain]
    assert listed(arn, redriveFilter="REDRIVEN") == []
    [item] = states.list_executions(stateMachineArn=alias)["executions"]
    qualifiers = (item["stateMachineAliasArn"], item["stateMachineVersionArn"], item["redriveCount"])
    assert qualifiers == (alias, version, 0)
    assert refused(states.list_executions, stateMachineArn=arn, statusFilter="PENDING_REDRIVE") == "ValidationException"


def aliased(states: Any, arn: str) -> tuple[str, str, str]:
    """ARNs of a machine, a new alias and the version that it leads to."""
    version = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    route = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = states.create_state_machine_alias(name="scheduled", routingConfiguration=route)["stateMachineAliasArn"]
    return arn, alias, version


def test_what_has_ended_is_listed_by_its_end(states: Any, client: Client, machine: Machine) -> None:
    """An execution that ended later comes first, even if it started earlier."""
    arn = machine(one_state(Type="Wait", SecondsPath="$.seconds"))
    long, short = (start(states, arn, input=json.dumps({"seconds": seconds})) for seconds in (1, 0))
    for each in (short, long):
        finished(client, each)
    listed = [found["executionArn"] for found in states.list_executions(stateMachineArn=arn)["executions"]]
    assert listed == [long, short]


def test_a_history_tells_what_was_started(states: Any, client: Client, machine: Machine) -> None:
    """The first event names the alias and the version, if the execution was started through them."""
    arn, alias, version = aliased(states, machine(PASS))
    through, plain = (finished(client, start(states, each))["executionArn"] for each in (alias, arn))

    def details(execution: str) -> dict[str, Any]:
        first = states.get_execution_history(executionArn=execution)["events"][0]
        return dict(first["executionStartedEventDetails"])

    assert details(through)["stateMachineAliasArn"] == alias
    assert details(through)["stateMachineVersionArn"] == version
    assert not {"stateMachineAliasArn", "stateMachineVersionArn"} & details(plain).keys()


def test_an_execution_knows_its_definition(client: Client, states: Any, machine: Machine) -> None:
    """DescribeStateMachineForExecution gives what the execution ran, whatever the machine is now."""
    arn, alias, _ = aliased(states, machine(one_state(Type="Pass", Result="old")))
    old = [finished(client, start(states, each))["executionArn"] for each in (arn, alias)]
    definition = json.dumps(one_state(Type="Pass", Result="new"))
    revision = states.update_state_machine(stateMachineArn=arn, definition=definition)["revisionId"]
    new = finished(client, start(states, arn))["executionArn"]

    found = [states.describe_state_machine_for_execution(executionArn=each) for each in (*old, new)]

    results = [json.loads(each["definition"])["States"]["Only"]["Result"] for each in found]
    assert results == ["old", "old", "new"]
    assert {each["stateMachineArn"] for each in found} == {arn}
    assert {each["name"] for each in found} == {arn.rpartition(":")[2]}
    assert [each["revisionId"] == revision for each in found] == [False, False, True]


def test_an_execution_is_forgotten(embedded: EmbeddedAws, client: Client, states: Any, machine: Machine) -> None:
    """What Step Functions forgot is not described, not listed and has no history; what runs is not forgotten."""
    arn = machine(one_state(Type="Wait", SecondsPath="$.seconds"))
    ended = finished(client, start(states, arn, input='{"seconds": 0}'))["executionArn"]
    running = start(states, arn, input='{"seconds": 60}')
    embedded.forget_execution(ended)
    for call in ("describe_execution", "get_execution_history", "describe_state_machine_for_execution"):
        assert refused(getattr(states, call), executionArn=ended) == "ExecutionDoesNotExist"
    listed = states.list_executions(stateMachineArn=arn)["executions"]
    assert [each["executionArn"] for each in listed] == [running]
    for unknown in (ended, running, f"{ended}:x", "x"):
        with pytest.raises(EmbeddedFailed, match="no execution that has ended"):
            embedded.forget_execution(unknown)
    states.stop_execution(executionArn=running)


def test_a_history_can_be_read_in_pages_and_backwards(states: Any, run: Run) -> None:
    """GetExecutionHistory pages, turns round and leaves the data out on demand."""
    arn = run(one_state(Type="Pass"), secret=1)["executionArn"]
    whole = states.get_execution_history(executionArn=arn)["events"]
    first = states.get_execution_history(executionArn=arn, maxResults=3)
    second = states.get_execution_history(executionArn=arn, maxResults=3, nextToken=first["nextToken"])
    assert first["events"] + second["events"] == whole
    assert states.get_execution_history(executionArn=arn, reverseOrder=True)["events"] == whole[::-1]
    assert "secret" in str(whole)
    assert "secret" not in str(states.get_execution_history(executionArn=arn, includeExecutionData=False)["events"])


def test_a_version_keeps_its_definition(client: Client, states: Any, machine: Machine) -> None:
    """An execution of a version runs what the machine was then; an alias leads to its version."""
    arn = machine(one_state(Type="Pass", Result="old"))
    version = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    assert states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == version
    route = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = states.create_state_machine_alias(name="live", routingConfiguration=route)["stateMachineAliasArn"]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(one_state(Type="Pass", Result="new")))
    ended = {each: finished(client, start(states, each)) for each in (arn, version, alias)}
    assert [json.loads(each["output"]) for each in ended.values()] == ["new", "old", "old"]
    assert ended[alias]["stateMachineAliasArn"] == alias
    assert {each["stateMachineArn"] for each in ended.values()} == {arn}
    second = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    listed = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in listed] == [second, version] == [f"{arn}:2", f"{arn}:1"]
    assert refused(states.delete_state_machine_version, stateMachineVersionArn=version) == "ConflictException"


def test_a_running_execution_keeps_its_definition(client: Client, states: Any, machine: Machine) -> None:
    """Changing a machine does not change what runs."""
    definition = {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Only"},
            **one_state(Type="Pass", Result=1)["States"],
        },
    }
    arn = machine(definition)
    running = start(states, arn)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(one_state(Type="Pass", Result=2)))
    assert json.loads(finished(client, running)["output"]) == 1


def test_machines_have_tags(states: Any, machine: Machine) -> None:
    """Tags of a state machine can be set, listed and taken away."""
    arn = machine(PASS)
    states.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    states.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


def test_a_machine_is_described_and_deleted(states: Any, machine: Machine) -> None:
    """A machine is described and listed until it is deleted; deleting it stops what runs."""
    arn = machine(WAIT)
    running = start(states, arn)
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == json.dumps(WAIT)
    assert arn in [each["stateMachineArn"] for each in _machines(states)]
    states.delete_state_machine(stateMachineArn=arn)
    assert arn not in [each["stateMachineArn"] for each in _machines(states)]
    assert refused(states.describe_state_machine, stateMachineArn=arn) == "StateMachineDoesNotExist"
    assert refused(states.describe_execution, executionArn=running) == "ExecutionDoesNotExist"


def _machines(states: Any) -> list[dict[str, Any]]:
    pages = states.get_paginator("list_state_machines").paginate()
    return [machine for page in pages for machine in page["stateMachines"]]


@pytest.mark.parametrize(
    "definition",
    [
        {"StartAt": "B", "States": {"A": {"Type": "Pass", "End": True}}},
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Z"}}},
        {"StartAt": "A", "States": {"A": {"Type": "Nope", "End": True}}},
        {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [], "Default": "Z"}}},
        {
            "StartAt": "A",
            "States": {"A": {"Type": "Parallel", "Branches": [{"StartAt": "Z", "States": {}}], "End": True}},
        },
    ],
)
def test_a_wrong_definition_is_refused(client: Client, states: Any, definition: dict[str, Any]) -> None:
    """A definition with a wrong type or a target that is not there is refused, and validation says so too."""
    text = json.dumps(definition)
    role = make_role(client, "states")
    assert refused(states.create_state_machine, name="wrong", roleArn=role, definition=text) == "InvalidDefinition"
    assert states.validate_state_machine_definition(definition=text)["result"] == "FAIL"


def test_a_right_definition_is_validated(states: Any) -> None:
    """ValidateStateMachineDefinition finds nothing in a right definition."""
    assert states.validate_state_machine_definition(definition=json.dumps(PASS))["result"] == "OK"


def test_what_is_not_supported_is_refused_clearly(states: Any, run: Run) -> None:
    """RedriveExecution is refused at once with a sentence, not with an error of the server."""
    arn = run(one_state(Type="Fail", Error="X"))["executionArn"]
    assert refused(states.redrive_execution, executionArn=arn) == "UnknownOperationException"


def test_an_unknown_execution_is_refused(states: Any, machine: Machine) -> None:
    """Describing what never ran is refused under AWS's code."""
    arn = machine(PASS).replace(":stateMachine:", ":execution:") + ":never"
    assert refused(states.describe_execution, executionArn=arn) == "ExecutionDoesNotExist"


def test_status_changes_reach_eventbridge(client: Client, run: Run, machine: Machine) -> None:
    """Every execution tells its begin and its end to rules on the default bus."""
    arn = machine(one_state(Type="Fail", Error="Own.Error", Cause="why"))
    queue = client("sqs").create_queue(QueueName="status")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn]}}
    client("events").put_rule(Name="status", EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule="status", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": attributes["QueueArn"]}
    client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [policy]})})
    run(arn)
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < deadline:
        messages = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        seen += [json.loads(message["Body"]) for message in messages.get("Messages", [])]
    assert sorted(event["detail"]["status"] for event in seen) == ["FAILED", "RUNNING"]
    assert {event["detail"].get("error") for event in seen} == {None, "Own.Error"}
