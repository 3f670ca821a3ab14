"""The Scheduler's API: refuses what AWS refuses, fills in what AWS fills in, and deletes a group in a while."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import TYPE_CHECKING, Any

from meridian.embedded import scheduler_targets, scheduler_times
from meridian.embedded.internals import find, replace, require
from meridian.embedded.services import Answer, RefusedByAws, page, region
from meridian.embedded.settings import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEDULER = "ministack.services.scheduler:"
EVALUATOR = "ministack.core.iam_evaluator:"
ROLES = "ministack.services.iam:_roles"
PRINCIPAL = "scheduler.amazonaws.com"
DELETING = "DELETING"
LARGEST_PAGE = 100


def install(group_seconds: float) -> None:
    """``group_seconds`` is how long a group is DELETING, with its schedules."""
    require(SCHEDULER, "_schedules", "_schedule_groups", "_group_arn", "_error", "_json_resp")
    require(EVALUATOR, "EvalContext", "_conditions_met", "_service_principal_matches")
    require("", ROLES)
    scheduler_times.install()
    for name, adapt in {
        "_create_schedule": _storing,
        "_update_schedule": _storing,
        "_delete_schedule_group": lambda delete: _deleting(delete, group_seconds),
        "_list_schedules": lambda listing: _in_pages(listing, "Schedules"),
        "_list_schedule_groups": lambda listing: _in_pages(listing, "ScheduleGroups"),
        "_tag_resource_arn": _of_groups,
    }.items():
        replace(f"{SCHEDULER}{name}", adapt(find(f"{SCHEDULER}{name}")))


def _storing(store: Callable[..., Answer]) -> Callable[..., Answer]:
    """CreateSchedule and UpdateSchedule: check what is asked, and keep AWS's defaults with it."""

    @functools.wraps(store)
    def checked(name: str, asked: dict[str, Any]) -> Answer:
        try:
            _check(asked)
        except RefusedByAws as error:
            return _refusal(error)
        target = asked["Target"]
        policy = {
            "MaximumEventAgeInSeconds": scheduler_targets.AGE_SECONDS,
            "MaximumRetryAttempts": scheduler_targets.RETRIES,
        }
        answer = store(name, asked | {"Target": target | {"RetryPolicy": policy | target.get("RetryPolicy", {})}})
        if answer[0] == 200:
            kept = find(f"{SCHEDULER}_schedules")[f"{asked.get('GroupName', 'default')}/{name}"]
            kept["Description"] = asked.get("Description")
        return answer

    return checked


def _check(asked: dict[str, Any]) -> None:
    target, window = asked.get("Target") or {}, asked.get("FlexibleTimeWindow") or {}
    members = {
        "scheduleExpression": asked.get("ScheduleExpression"),
        "flexibleTimeWindow": window,
        "flexibleTimeWindow.mode": window.get("Mode") in {"OFF", "FLEXIBLE"},
        "flexibleTimeWindow.maximumWindowInMinutes": (window.get("Mode") == "FLEXIBLE")
        == ("MaximumWindowInMinutes" in window),
        "target": target,
        "target.arn": target.get("Arn"),
        "target.roleArn": target.get("RoleArn"),
        "state": asked.get("State", "ENABLED") in {"ENABLED", "DISABLED"},
        "target.retryPolicy.maximumRetryAttempts": _within(target, "MaximumRetryAttempts", 0, 185),
        "target.retryPolicy.maximumEventAgeInSeconds": _within(target, "MaximumEventAgeInSeconds", 60, 86_400),
    }
    wrong = [member for member, value in members.items() if not value]
    if wrong:
        message = f"1 validation error detected: Value at '{wrong[0]}' failed to satisfy constraint."
        raise RefusedByAws("ValidationException", message)
    scheduler_times.check(asked["ScheduleExpression"], asked.get("ScheduleExpressionTimezone", "UTC"))
    scheduler_targets.check(target["Arn"])
    group = asked.get("GroupName", "default")
    if find(f"{SCHEDULER}_schedule_groups").get(group, {}).get("State") == DELETING:
        raise RefusedByAws("ConflictException", f"Schedule group {group} is being deleted.", 409)
    if find("ministack.app:AUTH") and not _trusts(target["RoleArn"], group):
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise RefusedByAws("ValidationException", message)


def _within(target: dict[str, Any], name: str, least: int, most: int) -> bool:
    asked: int = target.get("RetryPolicy", {}).get(name, most)
    return least <= asked <= most


def _trusts(role: str, group: str) -> bool:
    """Whether the role lets the Scheduler assume it for schedules of this group, conditions included."""
    found = find(ROLES).get(role.rpartition("/")[2])
    context = find(f"{EVALUATOR}EvalContext")(
        principal_arn=PRINCIPAL,
        principal_type="Service",
        principal_account=ACCOUNT,
        action="sts:AssumeRole",
        resource_arn=role,
        region=region(),
        service_context={"aws:sourceaccount": ACCOUNT, "aws:sourcearn": find(f"{SCHEDULER}_group_arn")(group)},
    )
    names, meets = find(f"{EVALUATOR}_service_principal_matches"), find(f"{EVALUATOR}_conditions_met")
    return any(
        names(statement.get("Principal"), PRINCIPAL) and meets(statement.get("Condition", {}), context)
        for statement in _statements(found)
        if statement.get("Effect") == "Allow"
    )


def _statements(role: dict[str, Any] | None) -> list[dict[str, Any]]:
    document = (role or {}).get("AssumeRolePolicyDocument") or {}
    if isinstance(document, str):
        document = json.loads(document)
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, dict) else statements


def _deleting(delete: Callable[..., Answer], seconds: float) -> Callable[..., Answer]:
    """DeleteScheduleGroup: DELETING with all its schedules, which go on firing, and then gone."""

    @functools.wraps(delete)
    def late(name: str, query: dict[str, Any]) -> Answer:
        group = find(f"{SCHEDULER}_schedule_groups").get(name)
        if group is None or name == "default":
            return delete(name, query)
        if group["State"] == DELETING:
            return _refusal(RefusedByAws("ConflictException", f"Schedule group {name} is being deleted.", 409))
        group["State"] = DELETING
        asyncio.get_running_loop().call_later(seconds, delete, name, query)
        return 200, {"Content-Type": "application/json"}, b"{}"

    return late


def _in_pages(listing: Callable[..., Answer], member: str) -> Callable[..., Answer]:
    @functools.wraps(listing)
    def paged(query: dict[str, Any]) -> Answer:
        whole = json.loads(listing({**query, "MaxResults": "1000000"})[2])[member]
        size = min(int(query.get("MaxResults", LARGEST_PAGE)), LARGEST_PAGE)
        try:
            shown, token = page(whole, {"nextToken": query.get("NextToken"), "maxResults": size})
        except RefusedByAws as error:
            return _refusal(RefusedByAws("ValidationException", error.message))
        answer: Answer = find(f"{SCHEDULER}_json_resp")(200, {member: shown, **({"NextToken": token} if token else {})})
        return answer

    return paged


def _of_groups(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Only groups have tags (API Reference, TagResource)."""

    @functools.wraps(resolve)
    def checked(arn: str) -> Any:
        if ":schedule-group/" not in arn:
            return None, _refusal(RefusedByAws("ValidationException", f"{arn} is no schedule group."))
        return resolve(arn)

    return checked


def _refusal(error: RefusedByAws) -> Answer:
    given: Answer = find(f"{SCHEDULER}_error")(error.status, error.code, error.message)
    return given
