"""CloudFormation's three Step Functions types, made in moto's store."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from meridian.embedded import starting, state_machines, state_versions
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws, region

if TYPE_CHECKING:
    from collections.abc import Callable

PROVISIONERS = "ministack.services.cloudformation.provisioners:"
HANDLERS = f"{PROVISIONERS}_RESOURCE_HANDLERS"
KIND = "AWS::StepFunctions::StateMachine"
NAME_LIMIT = 80
Properties = dict[str, Any]
Made = tuple[str, dict[str, str]]  # Ref, and what Fn::GetAtt gives


def install() -> None:
    require(PROVISIONERS, "_sfn_definition", "_sfn_tags", "_physical_name", "_rename_replacement")
    require(f"{HANDLERS}.", KIND)
    require("moto.stepfunctions.exceptions:", "ResourceNotFound", "StateMachineDoesNotExist")
    for kind, (create, update, delete) in {
        KIND: (create_machine, update_machine, delete_machine),
        f"{KIND}Version": (create_version, update_version, delete_version),
        f"{KIND}Alias": (create_alias, update_alias, delete_alias),
    }.items():
        find(HANDLERS)[kind] = {
            "create": said_as_cloudformation(create),
            "update": said_as_cloudformation(update),
            "delete": delete,
            "update_with_logical_id": True,
        }


def said_as_cloudformation(handler: Callable[..., Made]) -> Callable[..., Made]:
    """A refusal becomes the reason of the failed resource."""

    @functools.wraps(handler)
    def handle(*arguments: Any, **more: Any) -> Made:
        from moto.core.exceptions import AWSError

        try:
            return handler(*arguments, **more)
        except (AWSError, RefusedByAws) as error:
            message = getattr(error, "message", "") or str(error)
            raise ValueError(
                f'Resource handler returned message: "{message}" (HandlerErrorCode: InvalidRequest)'
            ) from error

    return handle


def _call(helper: str, *arguments: Any, **more: Any) -> Any:
    return find(f"{PROVISIONERS}{helper}")(*arguments, **more)


def _replacement(create: Any, delete: Any, *update: Any) -> Made:
    """Made anew, then the old one deleted, unless its UpdateReplacePolicy retains it."""
    made: Made = _call("_rename_replacement", *update, "new", "old", create, delete)
    return made


def _machines(arn: str | None = None) -> Any:
    return starting.backend(arn.split(":")[3] if arn else region())


def _first_lower(value: Any) -> Any:
    """Properties in the API's spelling; CloudFormation writes first letters large and truths as text."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _first_lower(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_first_lower(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _configurations(properties: Properties, form: str) -> dict[str, Any]:
    return {
        form.format(name): _first_lower(properties[f"{name.title()}Configuration"])
        for name in ("logging", "tracing", "encryption")
        if f"{name.title()}Configuration" in properties
    }


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in _call("_sfn_tags", properties)}


def _machine_made(machine: Any) -> Made:
    attributes = {"Arn": machine.arn, "Name": machine.name, "StateMachineRevisionId": state_versions.revision(machine)}
    return machine.arn, attributes


def create_machine(logical: str, properties: Properties, stack: str) -> Made:
    name = properties.get("StateMachineName") or _call("_physical_name", stack, logical, max_len=NAME_LIMIT)
    machines = _machines()
    if any(machine.name == name for machine in machines.state_machines):
        raise RefusedByAws("StateMachineAlreadyExists", f"State Machine Already Exists: '{name}'")
    machine = state_machines.create(
        machines,
        name,
        _call("_sfn_definition", properties),
        properties["RoleArn"],
        [{"key": key, "value": value} for key, value in _tags(properties).items()],
        sm_type=properties.get("StateMachineType"),
        **_configurations(properties, "{}Configuration"),
    )
    return _machine_made(machine)


def update_machine(arn: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    machine = next((machine for machine in _machines(arn).state_machines if machine.arn == arn), None)
    fixed = ("StateMachineName", "StateMachineType")  # CloudFormation replaces a machine that changes these
    if machine is None or any(old.get(name) != new.get(name) for name in fixed):
        return _replacement(create_machine, delete_machine, arn, old, new, stack, logical_id)
    definition = _call("_sfn_definition", new)
    _machines(arn).update_state_machine(arn, definition, new["RoleArn"], **_configurations(new, "{}_configuration"))
    _machines(arn).untag_resource(arn, list(_tags(old).keys() - _tags(new).keys()))
    _machines(arn).tag_resource(arn, _tags(new))
    return _machine_made(machine)


def delete_machine(arn: str, _properties: Properties) -> None:
    state_machines.delete(_machines(arn), arn)


def create_version(_logical: str, properties: Properties, _stack: str) -> Made:
    arn = properties["StateMachineArn"]
    asked = {"stateMachineArn": arn, "description": properties.get("Description")}
    if "StateMachineRevisionId" in properties:
        asked["revisionId"] = properties["StateMachineRevisionId"]
    version = state_versions.publish_version(_machines(arn), asked)["stateMachineVersionArn"]
    return version, {"Arn": version}


def update_version(arn: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    return _replacement(create_version, delete_version, arn, old, new, stack, logical_id)


def delete_version(arn: str, _properties: Properties) -> None:
    state_versions.forget(_machines(arn), arn)  # by now the stack's alias leads to the new one


def _routes(properties: Properties) -> list[dict[str, Any]]:
    preference = properties.get("DeploymentPreference")  # done at once, whatever its Type
    whole = [{"StateMachineVersionArn": preference["StateMachineVersionArn"], "Weight": 100}] if preference else None
    return [
        {"stateMachineVersionArn": route["StateMachineVersionArn"], "weight": int(route["Weight"])}
        for route in whole or properties["RoutingConfiguration"]
    ]


def create_alias(logical: str, properties: Properties, stack: str) -> Made:
    routes = _routes(properties)
    name = properties.get("Name") or _call("_physical_name", stack, logical, max_len=NAME_LIMIT)
    asked = {"name": name, "routingConfiguration": routes, "description": properties.get("Description")}
    machines = _machines(routes[0]["stateMachineVersionArn"])
    arn = state_versions.create_alias(machines, asked)["stateMachineAliasArn"]
    return arn, {"Arn": arn}


def update_alias(arn: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    if new.get("Name") != old.get("Name"):
        return _replacement(create_alias, delete_alias, arn, old, new, stack, logical_id)
    _machines(arn).update_state_machine_alias(arn, new.get("Description"), _routes(new))
    return arn, {"Arn": arn}


def delete_alias(arn: str, _properties: Properties) -> None:
    does_not_exist = find("moto.stepfunctions.exceptions:StateMachineDoesNotExist")
    unknown = find("moto.stepfunctions.exceptions:ResourceNotFound")
    with contextlib.suppress(does_not_exist, unknown):
        _machines(arn).delete_state_machine_alias(arn)
