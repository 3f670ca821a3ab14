"""CloudFormation's type of a schedule: MiniStack's forgets the time zone, the dates and what the API refuses."""

from __future__ import annotations

import json

from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws
from meridian.embedded.states_cloudformation import (
    HANDLERS,
    PROVISIONERS,
    Made,
    Properties,
    said_as_cloudformation,
)

KIND = "AWS::Scheduler::Schedule"
SCHEDULER = "ministack.services.scheduler:"
NAME_LIMIT = 64


def install() -> None:
    require(PROVISIONERS, "_physical_name", "_rename_replacement")
    require(f"{HANDLERS}.", KIND)
    require(SCHEDULER, "_create_schedule", "_delete_schedule", "_schedules", "_update_schedule")
    find(HANDLERS)[KIND] = {
        "create": said_as_cloudformation(create),
        "update": said_as_cloudformation(update),
        "delete": delete,
        "update_with_logical_id": True,
    }


def create(logical: str, properties: Properties, stack: str) -> Made:
    name = properties.get("Name") or find(f"{PROVISIONERS}_physical_name")(stack, logical, max_len=NAME_LIMIT)
    return _stored("_create_schedule", name, properties)


def update(name: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    """In place, unless it is to have another name or group (both are create-only)."""
    if _place(new, name) == _place(old, name) and _place(old, name) in find(f"{SCHEDULER}_schedules"):
        return _stored("_update_schedule", name, new)
    replaced: Made = find(f"{PROVISIONERS}_rename_replacement")(
        name, old, new, stack, logical_id, "new", "old", create, delete
    )
    return replaced


def delete(name: str, properties: Properties) -> None:
    """Nothing happens if it is gone, with its group for example."""
    find(f"{SCHEDULER}_delete_schedule")(name, {"groupName": properties.get("GroupName", "default")})


def _place(properties: Properties, name: str) -> str:
    return f"{properties.get('GroupName', 'default')}/{properties.get('Name', name)}"


def _stored(operation: str, name: str, properties: Properties) -> Made:
    status, _, body = find(f"{SCHEDULER}{operation}")(name, _typed(properties))
    answer = json.loads(body)
    if status != 200:
        raise RefusedByAws(answer["__type"], answer["Message"], status)
    return name, {"Arn": answer["ScheduleArn"]}


def _typed(properties: Properties) -> Properties:
    """Numbers may come from parameters of the template, as text."""
    window, target = properties.get("FlexibleTimeWindow", {}), properties.get("Target", {})
    policy = {name: int(value) for name, value in target.get("RetryPolicy", {}).items()}
    window = window | {name: int(value) for name, value in window.items() if name == "MaximumWindowInMinutes"}
    return properties | {"FlexibleTimeWindow": window, "Target": target | {"RetryPolicy": policy}}
