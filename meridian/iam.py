"""Roles and their statements, and the table of the tasks' in docs/iam.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.shared.task import Permission, Task

Statement = dict[str, Any]

# Step Functions follows a child execution by a rule of this name, which it makes itself.
FOLLOWING_RULE = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"

# CloudWatch Logs' delivery actions know no resource. Without them CreateStateMachine refuses the logging.
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:CreateLogStream",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutLogEvents",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)

BEGIN = "<!-- Written by `make definitions`, from the tasks. -->"
END = "<!-- End of what `make definitions` writes. -->"


def task_role(permissions: Iterable[Permission], tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Role of a task's function: what the task declares, and its log."""
    log = allow(["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::GetAtt": ["TasksLogGroup", "Arn"]}])
    return role("lambda", [*map(_statement, permissions), log], tags)


def state_machine_role(called: Iterable[str], tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Role of a state machine that calls these: logical ids that end in Function or StateMachine."""
    functions = [one for one in called if one.endswith("Function")]
    machines = [one for one in called if one.endswith("StateMachine")]
    invoke = allow(["lambda:InvokeFunction"], _with_versions(functions, ".Arn"))
    children = [
        allow(["states:StartExecution"], _with_versions(machines, "")),
        allow(
            ["states:DescribeExecution", "states:StopExecution"],
            [_arn("states", f"execution:${{{machine}.Name}}:*") for machine in machines],
        ),
        allow(["events:DescribeRule", "events:PutRule", "events:PutTargets"], [_arn("events", FOLLOWING_RULE)]),
    ]
    log = allow(LOG_DELIVERY, ["*"])
    own_machines = {"ArnLike": {"aws:SourceArn": _arn("states", "stateMachine:*")}}
    return role("states", [invoke, *(children if machines else []), log], tags, own_machines)


def role(
    service: str,
    statements: Sequence[Statement],
    tags: Sequence[Mapping[str, str]],
    condition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A role that only ``service`` may take."""
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties = {
        "AssumeRolePolicyDocument": document([{**trust, "Condition": condition} if condition else trust]),
        "Policies": [{"PolicyName": "permissions", "PolicyDocument": document(statements)}],
        "Tags": tags,
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(permission: Permission) -> Statement:
    return allow(permission.actions, permission.resources, permission.condition)


def allow(actions: Iterable[str], resources: Iterable[Any], condition: Mapping[str, Any] | None = None) -> Statement:
    """A statement; texts of ``resources`` may hold what Fn::Sub fills in."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": [_substituted(one) for one in resources]}
    return {**statement, "Condition": condition} if condition else statement


def _with_versions(logical_ids: Iterable[str], attribute: str) -> list[Any]:
    """ARNs, bare and qualified: the definitions call versions, which are resources of their own to IAM."""
    return [{"Fn::Sub": f"${{{one}{attribute}}}{version}"} for one in logical_ids for version in ("", ":*")]


def _arn(service: str, resource: str) -> Any:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"}


def _substituted(resource: Any) -> Any:
    return {"Fn::Sub": resource} if isinstance(resource, str) and "${" in resource else resource


def page(text: str, tasks: Mapping[str, Task[Any, Any]]) -> str:
    """The page with its table of task roles brought up to date."""
    table = "\n".join([BEGIN, "", "| task | may | on |", "| --- | --- | --- |", *_rows(tasks), "", END])
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: table, text, flags=re.DOTALL)


def _rows(tasks: Mapping[str, Task[Any, Any]]) -> list[str]:
    return [
        f"| {f'`{name}`' if not number else ''} | {_listed(permission.actions)} | {_listed(permission.resources)}"
        f"{_condition(permission)} |"
        for name, task in tasks.items()
        for number, permission in enumerate(task.permissions)
    ]


def _listed(items: Iterable[str]) -> str:
    return "<br>".join(f"`{one}`" for one in items)


def _condition(permission: Permission) -> str:
    tests = [(key, value) for block in (permission.condition or {}).values() for key, value in block.items()]
    return "".join(f"<br>where `{key}` is `{value}`" for key, value in tests)
