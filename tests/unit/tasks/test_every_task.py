"""What holds for every task: its permissions, its errors, its log, replayed from each task's own scenarios."""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

import tasks
from tasks.shared.errors import PASSING_CODES, START_AGAIN, AwsError, MeridianError
from tasks.shared.task import Task
from tests.unit.tasks.fakes import Call, Lines, StubbedClients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.tasks.scenarios import Scenario

NAMES = sorted(path.stem for path in Path(tasks.__file__).parent.glob("[!_]*.py"))


def task_of(name: str) -> Task[Any, Any]:
    found = getattr(importlib.import_module(f"tasks.{name}"), name)
    assert isinstance(found, Task)
    return found


def scenarios_of(name: str) -> list[Scenario]:
    """The scenarios of a task's own test module; a task without them fails here."""
    return list(importlib.import_module(f"tests.unit.tasks.test_{name}").SCENARIOS)


EACH = pytest.mark.parametrize("name", NAMES)


@EACH
def test_has_scenarios(name: str) -> None:
    """A task has a test module with at least one situation in which it succeeds."""
    assert any(not scenario.raises for scenario in scenarios_of(name))


# ---------------------------------------------------------------------------------------------------------------- calls

# Where IAM's prefix is not boto3's name of the service.
SERVICES = {"stepfunctions": "states"}
# Where IAM's action is not named after the operation.
ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}

# What AWS checks besides the operation that is called, and why.
ALSO = {
    "add_replica": {
        # Checked in the replica's Region under the caller's own name.
        "dynamodb:BatchWriteItem",
        "dynamodb:CreateTable",
        "dynamodb:CreateTableReplica",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        # The same for taking away a replica whose creation failed.
        "dynamodb:DeleteTable",
        "dynamodb:DeleteTableReplica",
        # Asked of each Region that a replica comes to, or UpdateTable is a ValidationException.
        "dynamodb:DescribeLimits",
        # Needed for the first replica of an account only.
        "iam:CreateServiceLinkedRole",
    },
    "archive_executions": {"s3:GetObjectVersion"},  # GetObject of a version
    "load_deployment": {"s3:ListBucket"},  # without it S3 answers AccessDenied for an object that is gone
    "remove_replica": {"dynamodb:DeleteTable", "dynamodb:DeleteTableReplica"},  # in the replica's Region
    "create_table": {"dynamodb:TagResource"},  # CreateTable with Tags
    "create_destination_table": {"dynamodb:TagResource"},
    # CreateScheduleGroup and CreateQueue with tags, and the role that a schedule is given.
    "create_schedule": {"iam:PassRole", "scheduler:TagResource", "sqs:TagQueue"},
    "create_stream": {"kinesis:AddTagsToStream"},  # CreateStream with Tags
    "record_deployment": {"ssm:AddTagsToResource"},  # PutParameter with Tags
    "record_region": {"ssm:AddTagsToResource"},
    # What the guide lists for enabling and for describing a destination.
    "enable_streaming": {
        "iam:CreateServiceLinkedRole",
        "kinesis:DescribeStream",
        "kinesis:ListStreams",
        "kinesis:PutRecords",
    },
    "compare_deployment": {"kinesis:DescribeStream", "kinesis:DescribeStreamSummary"},
    "describe_destination": {"kinesis:DescribeStream", "kinesis:DescribeStreamSummary"},
    "disable_streaming": {"kinesis:DescribeStream", "kinesis:DescribeStreamSummary"},
    "stage_code": {"s3:GetObject"},  # of CopyObject's source
    # DeleteObjects with versions, as it is where somebody switched them on.
    "unstage_code": {"s3:DeleteObjectVersion"},
    "delete_failure_bucket": {"s3:DeleteObjectVersion"},
    # CreateStack and UpdateStack: tags, the role that they are given, and the template that they read.
    "deploy_processors": {"cloudformation:TagResource", "iam:PassRole", "s3:GetObject"},
    "delete_processors": {"iam:PassRole"},  # DeleteStack with a role
}


def run(name: str, scenario: Scenario) -> StubbedClients:
    """Play a scenario, whatever comes of it."""
    aws = StubbedClients()
    aws.will(*scenario.answers)
    with contextlib.suppress(MeridianError, ClientError):
        task_of(name).run(scenario.moment(), aws)
    return aws


def action(call: Call) -> str:
    named = f"{SERVICES.get(call.service, call.service)}:{call.operation}"
    return ACTIONS.get(named, named)


def allowed(name: str) -> set[str]:
    return {action for permission in task_of(name).permissions for action in permission.actions}


@EACH
def test_may_do_what_it_does(name: str) -> None:
    """No call of any scenario lacks its permission."""
    called = {action(call) for scenario in scenarios_of(name) for call in run(name, scenario).calls}
    assert called - allowed(name) == set()


@EACH
def test_may_do_nothing_else(name: str) -> None:
    """Every permission is used by a scenario, or is one that AWS checks besides, listed above with its reason."""
    called = {action(call) for scenario in scenarios_of(name) for call in run(name, scenario).calls}
    assert allowed(name) - called == ALSO.get(name, set())


@EACH
def test_may_do_it_on_our_resources_only(name: str) -> None:
    """A wildcard resource is left to actions that know no other; roles are made for one service each."""
    knows_no_resource = {
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:PutMetricData",
        "dynamodb:DescribeLimits",
        "ec2:DescribeRegions",
        "iam:CreateServiceLinkedRole",
        "kinesis:ListStreams",
        "lambda:ListEventSourceMappings",
        "states:ListStateMachines",
    }
    for permission in task_of(name).permissions:
        wide = set(permission.actions) if "*" in permission.resources else set()
        assert wide <= knows_no_resource
        bounded = {"cloudwatch:PutMetricData", "iam:CreateServiceLinkedRole", "iam:PassRole"}.intersection(
            permission.actions
        )
        assert bool(bounded) == bool(permission.condition)


# --------------------------------------------------------------------------------------------------------------- errors


class Fault(NamedTuple):
    """A scenario of which one answer is replaced by a refusal."""

    scenario: Scenario
    number: int


def faults(name: str) -> Iterator[Fault]:
    """Every call of every scenario that ends well, refused once. The calls after it are left out."""
    for scenario in scenarios_of(name):
        if not scenario.raises:
            yield from (Fault(scenario, number) for number in range(len(scenario.answers)))


def refused(fault: Fault, code: str) -> Scenario:
    answers = list(fault.scenario.answers)
    answers[fault.number] = replace(answers[fault.number], error=(code, f"{code}, says AWS"), response={})
    return replace(fault.scenario, answers=answers[: fault.number + 1])


@EACH
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServerError"])
def test_tells_every_refusal_under_its_own_name(name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever call AWS refuses, Step Functions sees AWS's code, and a person what, where, why and what to do."""
    task = task_of(name)
    for fault in faults(name):
        scenario, aws = refused(fault, code), StubbedClients()
        aws.will(*scenario.answers)
        monkeypatch.setattr(task, "_clients", aws)
        with pytest.raises(AwsError) as raised:
            task(scenario.moment(), None)
        assert raised.type.__name__ == code
        text, call = str(raised.value), aws.calls[-1]
        assert f"AWS refused {call.operation} in {call.region}: {code}, says AWS. " in text
        assert text.endswith(START_AGAIN)
        assert ("Mend that first." in text) == (code not in PASSING_CODES)


# ----------------------------------------------------------------------------------------------------------- discretion


def marked(scenario: Scenario) -> Scenario:
    """The scenario with a secret where an execution's input has room for one."""
    event: dict[str, Any] = copy.deepcopy(dict(scenario.event))
    event["execution"]["Input"] = {"secret": "MARKED"}
    return replace(scenario, event=event)


@EACH
def test_logs_one_line_and_tells_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One structured line a run says what was changed, and no value of a tag or an item is in it or in an error."""
    task, lines = task_of(name), Lines(capsys)
    monkeypatch.setattr(task, "_logger", None)
    for scenario in map(marked, scenarios_of(name)):
        aws = StubbedClients()
        aws.will(*scenario.answers)
        monkeypatch.setattr(task, "_clients", aws)
        error = ""
        try:
            task(scenario.moment(), None)
        except MeridianError as raised:
            error = str(raised)
        (line,) = lines.read()
        assert "MARKED" not in json.dumps(line) + error
        assert (line["message"], line["state"]) == (name, scenario.event["state"]["Name"])
        assert line["execution"] == scenario.event["execution"]["Id"]
        assert (line["outcome"] == "failed") == bool(error)
        assert line["changes"] == aws.changes
        assert all(change["request_id"] for change in line["changes"])


@EACH
def test_answers_in_json(name: str) -> None:
    """What a task gives is what Step Functions gets: JSON, without a loss."""
    for scenario in scenarios_of(name):
        if not scenario.raises:
            aws = StubbedClients()
            aws.will(*scenario.answers)
            reply = task_of(name).run(scenario.moment(), aws)
            assert json.loads(json.dumps(reply)) == reply


# --------------------------------------------------------------------------------------------------------- second run


@EACH
def test_a_second_run_changes_nothing(name: str) -> None:
    """There is a situation in which the task has done its work: it answers and only reads."""
    # A delete of nothing, a write of the same, a count more.
    deletes = {"forget_deployment", "forget_region", "publish_validation", "write_probes"}
    quiet = [
        scenario
        for scenario in scenarios_of(name)
        if not scenario.raises and scenario.reply.get("status") != "BUSY" and not run(name, scenario).changes
    ]
    assert quiet or name in deletes
