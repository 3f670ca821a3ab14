"""The errors that definitions name, and those that tasks raise."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from tasks.shared import errors
from tests.workflow.definitions import DEFINITIONS, ROOT
from tests.workflow.fakes import TASKS
from workflows.blocks import LAMBDA_ERRORS
from workflows.contracts import task_of
from workflows.state_machine import walk

PAGE = (ROOT / "docs" / "workflows.md").read_text()

# What AWS Lambda and the Step Functions integration report of a function that did not answer (Step Functions
# Developer Guide, "Handling errors" and "Handle transient Lambda service exceptions").
DOCUMENTED_LAMBDA_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
}
# Codes that every service of AWS may answer, and that no service model holds ("Common Errors" of each API reference;
# S3's and EC2's own lists call the first one InternalError).
COMMON_CODES = {"InternalError", "InternalFailure", "ServiceUnavailable"}
# Amazon S3 API Reference, "Error responses": another call is changing the bucket.
S3_CODES = {"OperationAborted"}

MERIDIAN_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.MeridianError)
}
BOTO3 = {"states": "stepfunctions"}  # where boto3's name of a service is not IAM's prefix
GENERAL = {"MeridianError", "Refused", "Failed", "AwsError"}  # never raised as such


@cache
def services() -> frozenset[str]:
    """Services that some task is permitted to call."""
    tasks = [getattr(importlib.import_module(f"tasks.{name}"), name) for name in TASKS]
    found = {action.partition(":")[0] for task in tasks for one in task.permissions for action in one.actions}
    return frozenset(BOTO3.get(one, one) for one in found)


@cache
def raisable() -> frozenset[str]:
    """Codes of the services' models, of botocore's retry handlers, and botocore's own exceptions."""
    session = botocore.session.get_session()
    throttled: Any = ThrottledRetryableChecker
    transient: Any = TransientRetryableChecker
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}
    for service in services():
        model = session.get_service_model(service)
        for operation in map(model.operation_model, model.operation_names):
            for shape in operation.error_shapes:
                codes |= {shape.name, str(shape.metadata.get("error", {}).get("code", shape.name))}
    connection = {name for name, kind in vars(botocore.exceptions).items() if isinstance(kind, type)}
    return frozenset(codes | connection | COMMON_CODES | S3_CODES)


def retried(workflow: str) -> set[str]:
    retriers = [retrier for _, state in walk(DEFINITIONS[workflow]) for retrier in state.get("Retry", [])]
    return {name for retrier in retriers for name in retrier["ErrorEquals"]}


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_name_in_a_retry_can_be_raised(workflow: str) -> None:
    """A Retry names only what Lambda, a service that the tasks call, or botocore can raise."""
    assert retried(workflow) - DOCUMENTED_LAMBDA_ERRORS - raisable() == set()


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_no_error_of_ours_is_retried(workflow: str) -> None:
    """An error that a task raises on purpose ends the execution at once, with its remedy."""
    assert retried(workflow) & MERIDIAN_ERRORS == set()


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_passing_code_is_retried(workflow: str) -> None:
    """What the tasks call passing, and all of Lambda's own faults, every task is retried for."""
    for _, state in walk(DEFINITIONS[workflow]):
        if task_of(str(state.get("Resource"))):
            names = {name for retrier in state["Retry"] for name in retrier["ErrorEquals"]}
            assert names == {*errors.PASSING_CODES, *DOCUMENTED_LAMBDA_ERRORS}


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_name_in_a_catch_can_be_raised(workflow: str) -> None:
    """A Catch names an error of ours, one of AWS, or all of them."""
    catchers = [catcher for _, state in walk(DEFINITIONS[workflow]) for catcher in state.get("Catch", [])]
    names = {name for catcher in catchers for name in catcher["ErrorEquals"]}
    assert names - {"States.ALL", "States.TaskFailed", "States.Timeout"} - MERIDIAN_ERRORS - raisable() == set()


def test_the_documented_lambda_errors_are_the_ones_retried() -> None:
    """The block of every state names exactly what AWS's page names."""
    assert set(LAMBDA_ERRORS) == DOCUMENTED_LAMBDA_ERRORS


def raised_in(module: str) -> set[str]:
    """Errors of ours that a module raises itself."""
    tree = ast.parse((ROOT / "tasks" / f"{module}.py").read_text())
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    calls = [exception.func for exception in raised if isinstance(exception, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)} & MERIDIAN_ERRORS


def section(workflow: str) -> str:
    return PAGE.split(f"\n## {workflow}\n")[1].split(f"<!-- begin {workflow}:")[0]


def told(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("task", TASKS)
def test_the_handbook_says_what_to_do_about_each_error(task: str) -> None:
    """Every error that a task raises is in the table of a workflow that calls it, or in that of all workflows."""
    general = PAGE.split("\n## provision\n", maxsplit=1)[0]
    calling = [
        name
        for name, definition in DEFINITIONS.items()
        if task in {task_of(str(state.get("Resource"))) for _, state in walk(definition)}
    ]
    assert raised_in(task) - told(general) - set().union(*(told(section(name)) for name in calling)) == set()


def test_the_handbook_knows_every_error() -> None:
    """Each class of the error tree is told of, and nothing is told of that there is not."""
    assert told(PAGE) == MERIDIAN_ERRORS - GENERAL


def test_the_handbook_names_states_that_are_there() -> None:
    """Each state in an error table is a state of that workflow."""
    for workflow, definition in DEFINITIONS.items():
        places = re.findall(r"^\| `[\w.]+` \| ([\w, ]+) \|", section(workflow), re.MULTILINE)
        states = {name.partition(" (")[0] for name, _ in walk(definition)}
        assert {place for cell in places for place in cell.split(", ")} <= states
