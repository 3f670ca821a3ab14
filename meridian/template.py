"""The control stack's CloudFormation template, from tasks/ and definitions/.

python -m meridian.template            writes definitions/control.template.json and the table in docs/iam.md
python -m meridian.template --check    writes nothing, and exits 1 if one is not what would be written
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import sys
import tomllib
from typing import TYPE_CHECKING, Any

from meridian import alerts, archiving, iam, processor_roles, queries, schedules, stack_role
from meridian.bundle import ROOT
from tasks.shared import names
from tasks.shared.task import STORAGE_MB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.shared.task import Task

Resource = dict[str, Any]

TEMPLATE = ROOT / "definitions/control.template.json"
IAM_PAGE = ROOT / "docs/iam.md"

TASKS_LOG_GROUP = f"/{names.PREFIX}/tasks"
# Under this prefix CloudWatch Logs needs no statement for each group in its resource policy, which has room for few.
STATES_LOG_GROUP = f"/aws/vendedlogs/states/{names.PREFIX}"
RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
DEFAULT_RETENTION = 400  # days: a year's audit, and a month to do it in

RUNTIME = "python3.13"
# The zip runs on both. arm64 is a fifth cheaper, of less than a cent a deployment; x86_64 is in every Region.
ARCHITECTURE = "x86_64"

# What tasks read, besides what each is given: where their code lies, with what CloudFormation makes region stacks, and
# what schedules start with which role.
ENVIRONMENT = {
    "ACCOUNT_ID": {"Ref": "AWS::AccountId"},
    "ARCHIVE_LOCK_DAYS": {"Ref": "ArchiveLockDays"},
    "ARTIFACT_BUCKET": {"Ref": "ArtifactBucket"},
    "CODE_SHA256": {"Ref": "CodeSha256"},
    "LOG_RETENTION_DAYS": {"Ref": "LogRetentionDays"},
    "POWERTOOLS_SERVICE_NAME": names.PREFIX,
    "PROCESSOR_BOUNDARY_ARN": {"Ref": "ProcessorBoundary"},
    "REGION_STACK_ROLE_ARN": {"Fn::GetAtt": ["RegionStackRole", "Arn"]},
    **schedules.ENVIRONMENT,
}

TAGS = [{"Key": "meridian:stack", "Value": "control"}]

CONDITIONS = {"ExecutionDataIsLogged": {"Fn::Equals": [{"Ref": "LogExecutionData"}, "true"]}}

# A running execution may still call an old version. A version that was made by an update that then failed must go,
# though: Lambda would refuse to publish the same code again when the update is tried a second time.
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def control_template() -> dict[str, Any]:
    """Build the template as a document."""
    found, workflows = tasks(), definitions()
    resources: dict[str, Resource] = {
        "TasksLogGroup": _log_group(TASKS_LOG_GROUP),
        "StatesLogGroup": _log_group(STATES_LOG_GROUP),
        "ProcessorBoundary": processor_roles.boundary(),
        "RegionStackRole": stack_role.role(TAGS),
    }
    for name, task in found.items():
        resources |= _function(name, task)
    for name, definition in workflows.items():
        resources |= _state_machine(name, definition)
    machines = {name: f"{camel(name)}StateMachine" for name in workflows}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Meridian's control stack: the state machines that stand up and run DynamoDB global tables, "
        "and the function behind each of their states.",
        "Metadata": {"Meridian": {"Version": version}},
        "Parameters": _parameters(),
        "Conditions": CONDITIONS | alerts.CONDITIONS | archiving.CONDITIONS,
        "Resources": resources
        | schedules.resources(machines, TAGS)
        | archiving.resources(TAGS)
        | queries.resources()
        | alerts.resources(machines.values(), TAGS),
        "Outputs": {f"{machine}Arn": {"Value": {"Ref": machine}} for machine in machines.values()} | alerts.OUTPUTS,
    }


def tasks() -> dict[str, Task[Any, Any]]:
    """Every task, by the name of its module."""
    modules = sorted(path.stem for path in (ROOT / "tasks").glob("[!_]*.py"))
    return {name: getattr(importlib.import_module(f"tasks.{name}"), name) for name in modules}


def definitions() -> dict[str, str]:
    """The text of every state machine's definition, by workflow."""
    paths = sorted((ROOT / "definitions").glob("*.asl.json"))
    return {path.name.removesuffix(".asl.json"): path.read_text() for path in paths}


def substitutions(definition: str) -> list[str]:
    """What a definition leaves open: ``AddReplicaFunction``, ``AddRegionStateMachine``."""
    return sorted(set(re.findall(r"\$\{(\w+)\}", definition)))


def camel(name: str) -> str:
    """``add_replica`` and ``add-region`` as part of a logical id."""
    return "".join(word.capitalize() for word in re.split("[-_]", name))


def _parameters() -> dict[str, Any]:
    return {
        "ArtifactBucket": {
            "Type": "String",
            "Description": "Bucket in this Region that holds the code, and later the accepted requests.",
        },
        "CodeSha256": {
            "Type": "String",
            "AllowedPattern": "[0-9a-f]{64}",
            "Description": "SHA-256 of the bundle, which lies in the bucket at code/<sha256>.zip.",
        },
        "AlertEmail": {
            "Type": "String",
            "Default": "",
            "Description": "Who is told of executions that failed. Nobody if empty; the topic is made in any case.",
        },
        "LogRetentionDays": {
            "Type": "Number",
            "Default": DEFAULT_RETENTION,
            "AllowedValues": list(RETENTION),
            "Description": "How long CloudWatch Logs keeps what tasks and executions log.",
        },
        "LogExecutionData": {
            "Type": "String",
            "Default": "false",
            "AllowedValues": ["false", "true"],
            "Description": "Whether the log of executions holds their inputs and outputs.",
        },
        **archiving.PARAMETERS,
    }


def _log_group(name: str) -> Resource:
    properties = {"LogGroupName": name, "RetentionInDays": {"Ref": "LogRetentionDays"}, "Tags": TAGS}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties}


def _function(name: str, task: Task[Any, Any]) -> dict[str, Resource]:
    logical_id = f"{camel(name)}Function"
    properties = {
        "FunctionName": names.function(name),
        "Description": _first_sentence(f"tasks.{name}"),
        "Runtime": RUNTIME,
        "Architectures": [ARCHITECTURE],
        "Handler": f"tasks.{name}.{name}",
        "Code": {"S3Bucket": {"Ref": "ArtifactBucket"}, "S3Key": {"Fn::Sub": "code/${CodeSha256}.zip"}},
        "Role": {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]},
        "MemorySize": task.memory_mb,
        "Timeout": task.timeout_seconds,
        "Environment": {"Variables": ENVIRONMENT},
        # What Lambda itself logs is then JSON too, like the line of the task.
        "LoggingConfig": {"LogGroup": {"Ref": "TasksLogGroup"}, "LogFormat": "JSON"},
        **({"EphemeralStorage": {"Size": task.storage_mb}} if task.storage_mb > STORAGE_MB else {}),
        "Tags": TAGS,
    }
    version = {"FunctionName": {"Ref": logical_id}, "Description": _version_description(properties)}
    return {
        f"{logical_id}Role": iam.task_role(task.permissions, TAGS),
        logical_id: {"Type": "AWS::Lambda::Function", "Properties": properties},
        f"{logical_id}Version": {"Type": "AWS::Lambda::Version", **KEPT, "Properties": version},
    }


def _first_sentence(module: str) -> str:
    return (sys.modules[module].__doc__ or "").partition("\n")[0]


def _version_description(function: Mapping[str, Any]) -> Any:
    """Text that changes exactly when Lambda has something new to publish.

    A new text makes CloudFormation publish a version, and Lambda refuses one of a function that has not changed. Tags
    and the policies of the role are no part of a version, so they must not count.
    """
    counted = {key: value for key, value in function.items() if key != "Tags"}
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:16]
    return {"Fn::Sub": f"${{CodeSha256}} {digest} ${{ArtifactBucket}} ${{LogRetentionDays}} ${{ArchiveLockDays}}"}


def _state_machine(name: str, definition: str) -> dict[str, Resource]:
    logical_id = f"{camel(name)}StateMachine"
    called = substitutions(definition)
    properties = {
        "StateMachineName": names.state_machine(name),
        "StateMachineType": "STANDARD",
        "RoleArn": {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]},
        # As text: a template may not hold the null of "ResultPath": null.
        "DefinitionString": definition,
        # By version, so that an execution keeps the code it began with.
        "DefinitionSubstitutions": {one: {"Ref": f"{one}Version"} for one in called},
        "LoggingConfiguration": {
            "Level": "ALL",
            "IncludeExecutionData": {"Fn::If": ["ExecutionDataIsLogged", True, False]},
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["StatesLogGroup", "Arn"]}}}],
        },
        "Tags": TAGS,
    }
    version = {
        "StateMachineArn": {"Ref": logical_id},
        "StateMachineRevisionId": {"Fn::GetAtt": [logical_id, "StateMachineRevisionId"]},
    }
    return {
        f"{logical_id}Role": iam.state_machine_role(called, TAGS),
        logical_id: {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties},
        f"{logical_id}Version": {"Type": "AWS::StepFunctions::StateMachineVersion", **KEPT, "Properties": version},
    }


def outputs() -> dict[Path, str]:
    """What this module writes."""
    document = json.dumps(control_template(), indent=2, ensure_ascii=False) + "\n"
    return {TEMPLATE: document, IAM_PAGE: iam.page(IAM_PAGE.read_text(), tasks())}


def main(arguments: list[str]) -> int:
    stale = {path: text for path, text in outputs().items() if not path.exists() or path.read_text() != text}
    if arguments == ["--check"]:
        for path in stale:
            print(f"Not up to date: {path.relative_to(ROOT)}. Run `make definitions`.", file=sys.stderr)
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
