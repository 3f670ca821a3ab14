"""What schedules start, and who starts it: the part of the control stack that EventBridge Scheduler needs.

A schedule's target is an alias, which each update of the stack routes to the newest version of its state machine. So a
schedule outlives updates, and an execution that it started is known by its alias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian import iam
from tasks.shared import names
from tasks.shared.task import SCHEDULE_QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEDULED = ("archive", "validate")  # the workflows that schedules start

# By name, because the functions that make schedules are told them, and the machines call these functions.
MACHINE = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"
GROUPS = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/meridian*"


def alias_arn(workflow: str) -> Any:
    """ARN of a workflow's alias."""
    return {"Fn::Sub": names.scheduled_alias(MACHINE + names.state_machine(workflow))}


# What tasks are told of it (meridian/template.py).
ENVIRONMENT = {
    "SCHEDULED_VALIDATE_ARN": alias_arn("validate"),
    "SCHEDULER_ROLE_ARN": {"Fn::GetAtt": ["SchedulerRole", "Arn"]},
}


def resources(workflows: Mapping[str, str], tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The role, and an alias for each of ``workflows`` (logical ids by name) that a schedule starts."""
    found = {name: logical_id for name, logical_id in workflows.items() if name in SCHEDULED}
    aliases = {f"{logical_id}Alias": _alias(logical_id) for logical_id in found.values()}
    return {"SchedulerRole": _role(found, tags), **aliases}


def _alias(machine: str) -> dict[str, Any]:
    route = {"StateMachineVersionArn": {"Ref": f"{machine}Version"}, "Weight": 100}
    properties = {
        "Name": names.SCHEDULED,
        "Description": "What schedules start: the newest version.",
        "RoutingConfiguration": [route],
    }
    return {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": properties}


def _role(workflows: Iterable[str], tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """For schedules of our groups only: EventBridge Scheduler names the group as the source.

    Step Functions authorizes what is asked of an alias by the ARN of its state machine, and tells the alias as a
    condition key (Developer Guide, "Authorization for versions and aliases").
    """
    account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    by_alias = {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": [names.SCHEDULED]}}
    machines = [MACHINE + names.state_machine(name) for name in workflows]
    statements = [
        iam.allow(["states:StartExecution"], machines, by_alias),
        iam.allow(["sqs:SendMessage"], [SCHEDULE_QUEUE]),
    ]
    return iam.role("scheduler", statements, tags, {**account, "ArnLike": {"aws:SourceArn": {"Fn::Sub": GROUPS}}})
