"""Events of the execution itself, and how it was started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.documents import mapping, named, text
from meridian.audit.model import CONTAINERS, ENDED_BADLY, KEPT_CHARACTERS, Outcome, Payload, Redrive, StartedBy, Starter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meridian.audit.histories.branches import Branch
    from meridian.audit.histories.folding import Folding
    from meridian.audit.model import Step
    from meridian.audit.source import Event

ENDINGS = {
    "ExecutionSucceeded": Outcome.SUCCEEDED,
    "ExecutionFailed": Outcome.FAILED,
    "ExecutionTimedOut": Outcome.TIMED_OUT,
    "ExecutionAborted": Outcome.ABORTED,
}
STATUSES = frozenset(Outcome)
PARENT = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"  # member of the input that a parent passes
SCHEDULED = "scheduled"  # alias through which a schedule starts


def started(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    audit = folding.audit
    audit.started, audit.input = event["timestamp"], folding.payloads.keep(details, "input")
    audit.version_arn = text(details.get("stateMachineVersionArn"))
    audit.alias_arn = text(details.get("stateMachineAliasArn"))
    folding.input = mapping(details.get("input"))
    folding.region = named(folding.input, "region")
    return branch


def redriven(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    """Go on: what ended badly may be tried again, in whatever contains it."""
    audit = folding.audit
    audit.redrives.append(Redrive(event["timestamp"], details.get("redriveCount") or len(audit.redrives) + 1))
    audit.status, audit.stopped, audit.error, audit.cause = Outcome.RUNNING, None, "", ""
    audit.transitions += 1
    folding.culprit = None
    folding.redriven.add(event["id"])
    for one in folding.branches:
        step = one.step
        if step and step.kind in CONTAINERS and step.outcome in ENDED_BADLY:
            step.left, step.outcome = None, Outcome.RUNNING
            folding.open.try_again(step)
            folding.open.add(one)
    return branch


def ended(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    audit, when = folding.audit, event["timestamp"]
    audit.status, audit.stopped = ENDINGS[event["type"]], when
    audit.error, audit.cause = text(details.get("error")), text(details.get("cause"))
    if audit.status is Outcome.SUCCEEDED:
        audit.output = folding.payloads.keep(details, "output")
    folding.culprit = next((one.step for one in folding.open.innermost()), None)
    if audit.status is Outcome.FAILED:
        folding.culprit = _culprit(folding, branch, when)
        _fail(folding, folding.culprit, when)
    for one in folding.open.all():
        if one.step:
            folding.open.close(one.step, when, Outcome.ABORTED if audit.status is Outcome.FAILED else audit.status)
    return branch


def _fail(folding: Folding, around: Step | None, when: float) -> None:
    """End with the failure the step that failed and all around it."""
    audit = folding.audit
    while around:
        around.left = around.left or when
        around.error, around.cause = around.error or audit.error, around.cause or audit.cause
        timed_out = bool(around.attempts) and around.attempts[-1].outcome is Outcome.TIMED_OUT
        folding.open.close(around, around.left, Outcome.TIMED_OUT if timed_out else Outcome.FAILED)
        around = around.parent


def _culprit(folding: Folding, branch: Branch, when: float) -> Step | None:
    """Step that failed; the end may point into another branch than that one's."""
    audit, still = folding.audit, folding.open
    found = still.culprit(still.innermost(), branch, when)
    if found:
        return _innermost_failed(folding, found)
    for step in reversed(audit.steps):
        same = step.error == audit.error and step.cause[:KEPT_CHARACTERS] == audit.cause[:KEPT_CHARACTERS]
        if step.error and same and step.kind not in CONTAINERS:
            return step
    return next((one.step for one in still.innermost()), None)


def _innermost_failed(folding: Folding, found: Step) -> Step:
    """What failed in ``found``, which has ended already if that is a Map or Parallel."""
    inside = [
        step
        for step in folding.audit.steps
        if step.parent is found
        and step.parent_try == max(1, len(found.attempts))
        and step.outcome in (Outcome.FAILED, Outcome.TIMED_OUT)
    ]
    return _innermost_failed(folding, inside[-1]) if inside else found


def describe(folding: Folding, description: Mapping[str, Any]) -> None:
    """Take from DescribeExecution's answer what the events do not tell."""
    audit = folding.audit
    audit.machine_arn = text(description.get("stateMachineArn"))
    audit.version_arn = audit.version_arn or text(description.get("stateMachineVersionArn"))
    audit.alias_arn = audit.alias_arn or text(description.get("stateMachineAliasArn"))
    audit.started = audit.started or description.get("startDate")
    if not audit.input.text and "input" in description:
        audit.input = folding.payloads.keep(description, "input")
        folding.input = mapping(description["input"])
    status = text(description.get("status"))
    if audit.stopped is None and status in STATUSES and (description.get("redriveCount") or 0) >= len(audit.redrives):
        audit.status, audit.stopped = Outcome(status), description.get("stopDate")
        audit.error, audit.cause = text(description.get("error")), text(description.get("cause"))
        audit.output = folding.payloads.keep(description, "output") if "output" in description else Payload()
    folding.map_run = text(description.get("mapRunArn"))
    if status == Outcome.PENDING_REDRIVE:  # of which the history does not tell
        audit.status = Outcome.PENDING_REDRIVE
    audit.starter = _starter(folding)


def _starter(folding: Folding) -> Starter:
    audit = folding.audit
    parent = named(folding.input, PARENT)
    if parent:
        return Starter(StartedBy.PARENT, parent)
    if folding.map_run:
        return Starter(StartedBy.PARENT, folding.map_run)
    if audit.alias_arn.endswith(f":{SCHEDULED}"):
        return Starter(StartedBy.SCHEDULE, audit.alias_arn)
    if re.fullmatch(rf"{re.escape(audit.workflow)}(-[a-z0-9-]+)?-[0-9a-f]{{8}}", audit.name):  # archive has no table
        return Starter(StartedBy.COMMAND_LINE)
    return Starter(StartedBy.BY_HAND, audit.alias_arn)
