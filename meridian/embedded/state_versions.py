"""Versions and aliases of state machines, in moto's store."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from meridian.embedded.services import RefusedByAws, page

if TYPE_CHECKING:
    from collections.abc import Callable


def revision(machine: Any) -> str:
    """Revision of a machine or a version: the same as long as definition and role are."""
    digest = hashlib.sha256(f"{machine.definition}{machine.roleArn}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16]))


def publish(machine: Any, description: str | None = None) -> Any:
    """A version of the machine as it is; the same revision gives the same version."""
    latest = machine.latest_version
    if latest is None or latest.version not in machine.versions or revision(latest) != revision(machine):
        machine.publish(description)
    return machine.latest_version


def forget(machines: Any, arn: str) -> None:
    """Remove a version; nothing happens if it is gone."""
    base, _, number = arn.rpartition(":")
    for machine in [machine for machine in machines.state_machines if machine.arn == base]:
        machine.versions.pop(int(number), None)


def publish_version(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machine = machines.describe_state_machine(data["stateMachineArn"])
    if data.get("revisionId", revision(machine)) != revision(machine):
        raise RefusedByAws("ConflictException", "The state machine's revision is not the requested one.")
    version = publish(machine, data.get("description"))
    return {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}


def list_versions(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machine = machines.describe_state_machine(data["stateMachineArn"])
    newest_first = sorted(machine.versions.values(), key=lambda version: version.version, reverse=True)
    found = [{"stateMachineVersionArn": version.arn, "creationDate": version.creation_date} for version in newest_first]
    shown, token = page(found, data)
    return {"stateMachineVersions": shown, "nextToken": token}


def delete_version(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    arn = data["stateMachineVersionArn"]
    machine = machines.describe_state_machine(arn.rpartition(":")[0])
    leading = [alias.name for alias in machine.aliases.values() if arn in _versions(alias.routing_configuration)]
    if leading:
        message = f"Version to be deleted must not be referenced by an alias. Current list of aliases: {leading}"
        raise RefusedByAws("ConflictException", message)
    forget(machines, arn)
    return {}


def _versions(routes: list[dict[str, Any]]) -> set[str]:
    return {route["stateMachineVersionArn"] for route in routes}


def create_alias(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    routes = data["routingConfiguration"]
    _check_routes(routes)
    alias = machines.create_state_machine_alias(data["name"], routes, data.get("description"))
    return {"creationDate": alias.creation_date, "stateMachineAliasArn": alias.arn}


def update_alias(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    routes = data.get("routingConfiguration")
    if routes is not None:
        _check_routes(routes)
    alias = machines.update_state_machine_alias(data["stateMachineAliasArn"], data.get("description"), routes)
    return {"updateDate": alias.update_date}


def _check_routes(routes: list[dict[str, Any]]) -> None:
    machines = {arn.rpartition(":")[0] for arn in _versions(routes)}
    if len(routes) not in {1, 2} or sum(route["weight"] for route in routes) != 100 or len(machines) != 1:
        message = "An alias routes to one or two versions of one state machine, with weights that add up to 100."
        raise RefusedByAws("ValidationException", message)


def describe_alias(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    alias = machines.describe_state_machine_alias(data["stateMachineAliasArn"])
    return {
        "creationDate": alias.creation_date,
        "description": alias.description,
        "name": alias.name,
        "routingConfiguration": alias.routing_configuration,
        "stateMachineAliasArn": alias.arn,
        "updateDate": alias.update_date,
    }


def list_aliases(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    aliases = machines.describe_state_machine(data["stateMachineArn"]).aliases.values()
    found = [{"stateMachineAliasArn": alias.arn, "creationDate": alias.creation_date} for alias in aliases]
    shown, token = page(found, data)
    return {"stateMachineAliases": shown, "nextToken": token}


def delete_alias(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.delete_state_machine_alias(data["stateMachineAliasArn"])
    return {}


OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "CreateStateMachineAlias": create_alias,
    "DeleteStateMachineAlias": delete_alias,
    "DeleteStateMachineVersion": delete_version,
    "DescribeStateMachineAlias": describe_alias,
    "ListStateMachineAliases": list_aliases,
    "ListStateMachineVersions": list_versions,
    "PublishStateMachineVersion": publish_version,
    "UpdateStateMachineAlias": update_alias,
}
