"""Plan, apply and delete a CloudFormation stack, with its events as it goes. Prints nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from tasks.shared import names
from tasks.shared.errors import MeridianError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackEventTypeDef, StackTypeDef

POLL_SECONDS = 3.0

# CloudFormation has two ways to say that there is nothing to do.
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
BEING_MADE = ("CREATE_IN_PROGRESS", "CREATE_PENDING")

# A stack in one of these holds nothing and can only be deleted.
HOLDS_NOTHING = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
SETTLED = (
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
)
SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")

REMEDIES = {
    "CREATE_FAILED": "Run `deploy.py down`, then `deploy.py up`.",
    "DELETE_FAILED": "Put right what keeps it, then run `deploy.py down` again.",
    "ROLLBACK_COMPLETE": "Nothing is installed. Put it right, then run `deploy.py up` again.",
    "ROLLBACK_FAILED": "Run `deploy.py down`, then `deploy.py up`.",
    "UPDATE_ROLLBACK_COMPLETE": "All is as it was before. Put it right, then run `deploy.py up` again.",
    "UPDATE_ROLLBACK_FAILED": "In CloudFormation's console choose the stack, Stack actions, Continue update rollback.",
}
WAIT = "Wait until CloudFormation is done with it, then try again."


class StackFailed(MeridianError):
    """CloudFormation could not do what was asked of it."""


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource.

    ``action`` is Add, Modify or Remove; ``replacement`` is True, False, Conditional or empty, as CloudFormation says.
    """

    action: str
    logical_id: str
    kind: str
    replacement: str


@dataclass(frozen=True)
class ChangeSet:
    """What ``apply`` would do. An ``empty`` one is already gone: the stack is as wanted.

    It is asked for with its stack, which is what IAM looks at.
    """

    id: str
    stack_id: str
    creates: bool
    changes: tuple[Change, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.changes


@dataclass(frozen=True)
class Event:
    """One line of a stack's events."""

    at: datetime
    logical_id: str
    kind: str
    status: str
    reason: str


class Stack:
    """One stack by name. ``poll_seconds`` is how often CloudFormation is asked."""

    def __init__(
        self,
        cloudformation: CloudFormationClient,
        name: str,
        *,
        poll_seconds: float = POLL_SECONDS,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = name
        self._cloudformation = cloudformation
        self._poll_seconds, self._sleep = poll_seconds, sleep

    @property
    def status(self) -> str | None:
        """CloudFormation's StackStatus, ``None`` where there is no stack."""
        found = self._describe(self.name)
        return found["StackStatus"] if found else None

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack gives out, by key; nothing where there is no stack."""
        found = self._describe(self.name)
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])} if found else {}

    def resources(self, kind: str) -> list[str]:
        """Physical ids of the resources of one type, as in ``AWS::Lambda::Function``; none where there is no stack."""
        if self.status is None:
            return []
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [one for page in pages for one in page["StackResourceSummaries"] if one["ResourceType"] == kind]
        return [one["PhysicalResourceId"] for one in found if one.get("PhysicalResourceId")]

    def plan(self, template_url: str, parameters: Mapping[str, str]) -> ChangeSet:
        """Ask CloudFormation what the template would change. A stack that holds nothing is deleted first.

        ``parameters`` that are not given keep the value they have. ``Refused`` where the stack is in no state to be
        changed; ``StackFailed`` with CloudFormation's reason where the template is wrong.
        """
        found = self._changeable()
        made = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"{names.PREFIX}-{uuid4().hex[:8]}",
            ChangeSetType="UPDATE" if found else "CREATE",
            TemplateURL=template_url,
            Parameters=self._parameters(template_url, parameters, found),
            Capabilities=["CAPABILITY_IAM"],
        )
        planned = ChangeSet(made["Id"], made["StackId"], creates=not found)
        reason = self._refusal(planned)
        if reason is None:
            return replace(planned, changes=tuple(self._changes(planned)))
        self.discard(planned)
        if any(text in reason for text in NOTHING_TO_DO):
            return planned
        raise StackFailed(
            f"CloudFormation cannot plan the stack {self.name}", why=reason, remedy="Nothing was changed."
        )

    def discard(self, planned: ChangeSet) -> None:
        """Remove a change set that shall not be applied, and the empty stack that one for a new stack comes with."""
        with suppress(self._cloudformation.exceptions.ChangeSetNotFoundException):
            self._cloudformation.delete_change_set(StackName=planned.stack_id, ChangeSetName=planned.id)
        if planned.creates:
            self._cloudformation.delete_stack(StackName=planned.stack_id)

    def apply(self, planned: ChangeSet) -> Iterator[Event]:
        """Start what was planned, at once, and give the events until it is done.

        ``StackFailed`` with the first reason that AWS gave, after the roll-back.
        """
        seen = self._seen(planned.stack_id)
        self._cloudformation.execute_change_set(StackName=planned.stack_id, ChangeSetName=planned.id)
        return self._follow(planned.stack_id, seen)

    def delete(self) -> Iterator[Event]:
        """Begin to delete the stack, at once, and give the events until it is gone; none where there is no stack.

        ``Refused`` while it is changing; ``StackFailed`` with the first reason that AWS gave.
        """
        found = self._describe(self.name)
        if not found:
            return iter(())
        status = found["StackStatus"]
        if status.endswith("_IN_PROGRESS") and status not in ("DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"):
            raise self._not_now(status)
        # By its id: a stack that is gone is not found by name any more.
        seen = self._seen(found["StackId"])
        self._cloudformation.delete_stack(StackName=found["StackId"])
        return self._follow(found["StackId"], seen)

    def _describe(self, name_or_id: str) -> StackTypeDef | None:
        try:
            found = self._cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _changeable(self) -> StackTypeDef | None:
        """The stack if it can be updated, ``None`` if it can be created."""
        found = self._describe(self.name)
        if found and found["StackStatus"] in HOLDS_NOTHING:
            for _ in self.delete():
                pass
            return None
        if found and found["StackStatus"] not in SETTLED:
            raise self._not_now(found["StackStatus"])
        return found

    def _not_now(self, status: str) -> Refused:
        return Refused(f"The stack {self.name} is {status}", remedy=REMEDIES.get(status, WAIT))

    def _parameters(
        self, template_url: str, given: Mapping[str, str], found: StackTypeDef | None
    ) -> list[ParameterTypeDef]:
        values: list[ParameterTypeDef] = [{"ParameterKey": key, "ParameterValue": given[key]} for key in given]
        others = {one["ParameterKey"] for one in found.get("Parameters", [])} - set(given) if found else set()
        if others:
            # One that a change set does not mention gets its default, not the value it has.
            wanted = self._cloudformation.get_template_summary(TemplateURL=template_url)["Parameters"]
            kept = sorted(others & {one["ParameterKey"] for one in wanted})
            values.extend({"ParameterKey": key, "UsePreviousValue": True} for key in kept)
        return values

    def _refusal(self, planned: ChangeSet) -> str | None:
        """Wait for the change set; why there is none, or ``None`` where there is one."""
        while True:
            answer = self._cloudformation.describe_change_set(StackName=planned.stack_id, ChangeSetName=planned.id)
            if answer["Status"] not in BEING_MADE:
                return None if answer["Status"] == "CREATE_COMPLETE" else answer.get("StatusReason", "")
            self._sleep(self._poll_seconds)

    def _changes(self, planned: ChangeSet) -> Iterator[Change]:
        changes = self._cloudformation.get_paginator("describe_change_set")
        pages = changes.paginate(StackName=planned.stack_id, ChangeSetName=planned.id)
        for one in (change["ResourceChange"] for page in pages for change in page["Changes"]):
            yield Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], one.get("Replacement", ""))

    def _seen(self, stack_id: str) -> set[str]:
        return {event["EventId"] for event in self._newest_first(stack_id, set())}

    def _newest_first(self, stack_id: str, seen: set[str]) -> Iterator[StackEventTypeDef]:
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                if event["EventId"] in seen:
                    return
                yield event

    def _follow(self, stack_id: str, seen: set[str]) -> Iterator[Event]:
        first_failure: Event | None = None
        while True:
            # The status before the events, so that the last of them are not missed.
            found = self._describe(stack_id)
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            for event in self._new(stack_id, seen):
                if event.status.endswith("_FAILED") and not event.reason.endswith("cancelled"):
                    first_failure = first_failure or event
                yield event
            if not status.endswith("_IN_PROGRESS"):
                break
            self._sleep(self._poll_seconds)
        if status not in SUCCEEDED:
            raise self._failed(status, first_failure)

    def _new(self, stack_id: str, seen: set[str]) -> list[Event]:
        """Events that were not there yet, oldest first; ``seen`` holds them from now on."""
        found = list(self._newest_first(stack_id, seen))[::-1]
        seen |= {event["EventId"] for event in found}
        return [
            Event(
                event["Timestamp"],
                event.get("LogicalResourceId", ""),
                event.get("ResourceType", ""),
                event.get("ResourceStatus", ""),
                event.get("ResourceStatusReason", ""),
            )
            for event in found
        ]

    def _failed(self, status: str, first: Event | None) -> StackFailed:
        remedy = REMEDIES.get(status, f"The stack is {status}: see its events in CloudFormation's console.")
        if first is None:
            return StackFailed(f"The stack {self.name} is {status}", remedy=remedy)
        return StackFailed(f"{first.logical_id} ({first.kind}) is {first.status}", why=first.reason, remedy=remedy)
