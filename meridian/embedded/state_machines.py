"""State machines and their tags, in moto's store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.embedded import executions
from meridian.embedded.internals import find, replace
from meridian.embedded.services import RefusedByAws, page
from meridian.embedded.state_versions import publish, revision

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_NO_EXECUTION = ("creationDate", "description", "status", "type")  # DescribeStateMachineForExecution tells none
BACKEND = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"


def install() -> None:
    grammar = find(f"{BACKEND}._validate_definition")

    def validate(definition: str) -> None:
        grammar(definition)
        _check_targets(json.loads(definition))

    replace(f"{BACKEND}._validate_definition", staticmethod(validate))


def _check_targets(definition: dict[str, Any], place: str = "/States") -> None:
    """Refuse a Next that leads nowhere; moto checks the grammar only."""
    states = definition.get("States", {})
    targets = [("/StartAt", definition.get("StartAt"))]
    for name, state in states.items():
        rules = [*state.get("Catch", []), *state.get("Choices", [])]
        found = [state.get("Next"), state.get("Default"), *(rule.get("Next") for rule in rules)]
        targets += [(f"{place}/{name}", target) for target in found if target]
        inner = [*state.get("Branches", []), state.get("ItemProcessor") or state.get("Iterator")]
        for machine in filter(None, inner):
            _check_targets(machine, f"{place}/{name}/States")
    for where, target in targets:
        if target not in states:
            raise RefusedByAws(
                "InvalidDefinition",
                "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: "
                f"Missing 'Next' target: {target} at {where}'",
            )


def create(
    machines: Any, name: str, definition: str, role_arn: str, tags: list[dict[str, str]] | None = None, **more: Any
) -> Any:
    """A new machine, or the one that is there already with that very definition."""
    found = next((machine for machine in machines.state_machines if machine.name == name), None)
    if found is not None and json.loads(found.definition) != json.loads(definition):
        raise RefusedByAws("StateMachineAlreadyExists", f"State Machine Already Exists: '{found.arn}'")
    return found or machines.create_state_machine(name, definition, role_arn, tags=tags, **more)


def delete(machines: Any, arn: str) -> None:
    """Remove a machine with its versions and aliases, and end what runs."""
    for machine in [machine for machine in machines.state_machines if machine.arn == arn]:
        for execution in machine.executions:
            executions.stop(execution, None, None)
    machines.delete_state_machine(arn)


def create_state_machine(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    if data.get("versionDescription") and not data.get("publish"):
        raise RefusedByAws("ValidationException", "Version description can only be set when publish is true")
    machine = create(
        machines,
        data["name"],
        data["definition"],
        data["roleArn"],
        data.get("tags"),
        encryptionConfiguration=data.get("encryptionConfiguration"),
        loggingConfiguration=data.get("loggingConfiguration"),
        sm_type=data.get("type"),
        tracingConfiguration=data.get("tracingConfiguration"),
    )
    version = publish(machine, data.get("versionDescription")) if data.get("publish") else None
    return {
        "creationDate": machine.creation_date,
        "stateMachineArn": machine.arn,
        "stateMachineVersionArn": version and version.arn,
    }


def update_state_machine(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machine = machines.update_state_machine(
        data["stateMachineArn"],
        data.get("definition"),
        data.get("roleArn"),
        logging_configuration=data.get("loggingConfiguration"),
        tracing_configuration=data.get("tracingConfiguration"),
        encryption_configuration=data.get("encryptionConfiguration"),
    )
    version = publish(machine, data.get("versionDescription")) if data.get("publish") else None
    return {
        "revisionId": revision(machine),
        "stateMachineVersionArn": version and version.arn,
        "updateDate": machine.update_date,
    }


def describe_state_machine(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    return _described(machines.describe_state_machine(data["stateMachineArn"]))


def describe_state_machine_for_execution(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    """What the execution runs: the machine or the version as it was when the execution started."""
    source = machines.describe_execution(data["executionArn"]).state_machine
    described = {name: value for name, value in _described(source).items() if name not in _OF_NO_EXECUTION}
    return described | {"updateDate": getattr(source, "update_date", None) or source.creation_date}


def _described(machine: Any) -> dict[str, Any]:
    return {
        "creationDate": machine.creation_date,
        "definition": machine.definition,
        "description": machine.description,
        "encryptionConfiguration": machine.encryptionConfiguration,
        "loggingConfiguration": machine.loggingConfiguration,
        "name": machine.name,
        "revisionId": revision(machine),
        "roleArn": machine.roleArn,
        "stateMachineArn": machine.arn,
        "status": "ACTIVE",
        "tracingConfiguration": machine.tracingConfiguration,
        "type": machine.type,
    }


def delete_state_machine(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    delete(machines, data["stateMachineArn"])
    return {}


def list_state_machines(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    found = [
        {
            "creationDate": machine.creation_date,
            "name": machine.name,
            "stateMachineArn": machine.arn,
            "type": machine.type,
        }
        for machine in sorted(machines.state_machines, key=lambda machine: machine.name)
    ]
    shown, token = page(found, data)
    return {"stateMachines": shown, "nextToken": token}


def validate_definition(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    """ValidateStateMachineDefinition: trust ``result`` only, as AWS says of its own."""
    from moto.core.exceptions import AWSError

    try:
        machines._validate_definition(data["definition"])  # noqa: SLF001  # moto's own check
    except (AWSError, RefusedByAws) as error:
        found = {"severity": "ERROR", "code": "INVALID_DEFINITION", "message": str(error)}
        return {"result": "FAIL", "diagnostics": [found], "truncated": False}
    return {"result": "OK", "diagnostics": [], "truncated": False}


def tag_resource(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.tag_resource(data["resourceArn"], {tag["key"]: tag["value"] for tag in data["tags"]})
    return {}


def untag_resource(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.untag_resource(data["resourceArn"], data["tagKeys"])
    return {}


def list_tags(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    return dict(machines.list_tags_for_resource(data["resourceArn"]))


OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "CreateStateMachine": create_state_machine,
    "DeleteStateMachine": delete_state_machine,
    "DescribeStateMachine": describe_state_machine,
    "DescribeStateMachineForExecution": describe_state_machine_for_execution,
    "ListStateMachines": list_state_machines,
    "ListTagsForResource": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateStateMachine": update_state_machine,
    "ValidateStateMachineDefinition": validate_definition,
}
