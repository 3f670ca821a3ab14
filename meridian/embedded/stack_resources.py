"""Properties of a template's resources that MiniStack forgets."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB
from meridian.embedded.internals import find, replace, require

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLERS = "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS"
ROLES = "ministack.services.iam:_roles"
BOUNDARY_ERROR = "ministack.services.iam:_boundary_policy_error"


def install() -> None:
    require(DYNAMODB, "_ttl_settings")
    require("", ROLES, BOUNDARY_ERROR)
    for kind, remember in {"AWS::DynamoDB::Table": _time_to_live, "AWS::IAM::Role": _boundary}.items():
        for step in ("create", "update"):
            path = f"{HANDLERS}.{kind}.{step}"
            replace(path, _and_then(find(path), remember))


def _and_then(handler: Callable[..., Any], remember: Callable[[str, dict[str, Any]], None]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def handle(*arguments: Any, **more: Any) -> Any:
        made = handler(*arguments, **more)
        properties = [each for each in arguments if isinstance(each, dict)][-1]  # of an update, the new ones
        remember(made[0], properties)
        return made

    return handle


def _time_to_live(table: str, properties: dict[str, Any]) -> None:
    specification = properties.get("TimeToLiveSpecification")
    settings = find(f"{DYNAMODB}_ttl_settings")
    if specification is None:
        settings.pop(table, None)
        return
    enabled = str(specification.get("Enabled")).lower() == "true"
    settings[table] = {
        "TimeToLiveStatus": "ENABLED" if enabled else "DISABLED",
        "AttributeName": specification.get("AttributeName", ""),
    }


def _boundary(role: str, properties: dict[str, Any]) -> None:
    """A role's permissions boundary; MiniStack enforces it where a call has set it."""
    boundary = properties.get("PermissionsBoundary")
    if boundary and find(BOUNDARY_ERROR)(boundary):
        raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")
    find(ROLES)[role]["PermissionsBoundary"] = boundary
