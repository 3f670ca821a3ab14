"""Events of tasks: functions, activities and service integrations at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.audit.histories.branches import Branch
from meridian.audit.histories.documents import called, mapping, named, region, take_reply, text
from meridian.audit.model import CONTAINERS, ENDED_BADLY, KEPT_CHARACTERS, Attempt, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meridian.audit.histories.folding import Folding
    from meridian.audit.source import Event


ARN_COLONS = 7  # arn:aws:states:us-east-1:123456789012:execution:machine:name
TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")


def _stay(folding: Folding, branch: Branch, event: Event) -> Branch:
    """Where the task is: after a redrive, the first one that ended badly and has not been tried again."""
    if event.get("previousEventId", 0) in folding.redriven:
        for one in folding.branches:
            if one.step and one.step.kind == "Task" and one.step.outcome in ENDED_BADLY:
                return one
    return branch


def scheduled(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    branch = _stay(folding, branch, event)
    step = branch.step
    if step is None:
        return branch
    if step.kind in CONTAINERS:
        branch, step = _without_state(folding, branch, step, event, details)
    _begin(folding, branch, step, event["timestamp"])
    if not step.resource:
        given = mapping(details.get("input") or details.get("parameters"))
        step.resource = called(given) or _resource(details)
        step.region = region(given) or step.region
    return branch


def _resource(details: Mapping[str, Any]) -> str:
    """``arn:aws:lambda:...`` or ``states:startExecution.sync:2``."""
    resource = text(details.get("resource"))
    return resource if resource.startswith("arn:") else f"{text(details.get('resourceType'))}:{resource}".lstrip(":")


def _without_state(
    folding: Folding, outer: Branch, container: Step, event: Event, details: Mapping[str, Any]
) -> tuple[Branch, Step]:
    """Make a stay for a task of which no state tells: so MiniStack records what is inside a Map or Parallel."""
    name = _resource(details).rpartition(":::")[2].rpartition("function:")[2]
    step = Step(event["id"], name, "Task", event["timestamp"], container)
    branch = Branch(outer, container, tried=max(1, len(container.attempts)), step=step)
    folding.branches.append(branch)
    folding.audit.steps.append(step)
    folding.audit.transitions += 1
    folding.open.add(branch)
    return branch, step


def _at_work(folding: Folding, branch: Branch, details: Mapping[str, Any]) -> Branch:
    """Where the task is that ``branch`` tells of: itself, or one without a state inside its Map or Parallel."""
    step = branch.step
    if step is None or step.kind not in CONTAINERS:
        return branch
    resource = _resource({"resource": details.get("resource")})
    for one in folding.open.inside(step):
        if one.step and one.step.attempts and one.index is None and one.step.resource.endswith(resource):
            return one
    return branch


def _begin(folding: Folding, branch: Branch, step: Step, when: float) -> None:
    """Begin an attempt, which each but the first is a paid transition of its own."""
    if step.attempts:
        last = step.attempts[-1]
        last.cause = last.cause[:KEPT_CHARACTERS]
        folding.audit.transitions += 1
        folding.open.try_again(step)
        if step.left is not None:
            step.left, step.outcome = None, Outcome.RUNNING
            folding.open.add(branch)
    step.attempts.append(Attempt(when))


def started(_: Folding, branch: Branch, event: Event, __: Mapping[str, Any]) -> Branch:
    if branch.step and branch.step.attempts:
        branch.step.attempts[-1].started = event["timestamp"]
    return branch


def submitted(folding: Folding, branch: Branch, __: Event, details: Mapping[str, Any]) -> Branch:
    branch = _at_work(folding, branch, details)
    if branch.step:
        _note_child(branch.step, details)
    return branch


def _note_child(step: Step, details: Mapping[str, Any]) -> None:
    """Note the execution that a task of resource startExecution, with .sync or without, has started."""
    if "startExecution" in text(details.get("resource")):
        arn = named(mapping(details.get("output") or details.get("cause")), "ExecutionArn")
        if arn.count(":") >= ARN_COLONS and arn != step.child_arn:
            if step.child_arn:
                step.other_arns.append(step.child_arn)
            step.child_arn = arn


def succeeded(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    branch = _at_work(folding, branch, details)
    step = branch.step
    if step is None or not step.attempts or step.kind in CONTAINERS:
        return branch
    attempt = step.attempts[-1]
    attempt.ended, attempt.outcome = event["timestamp"], Outcome.SUCCEEDED
    _take_output(branch, step, details)
    if _has_no_state(branch):
        step.output = folding.payloads.keep(details, "output")
        folding.open.close(step, event["timestamp"], Outcome.SUCCEEDED)
    return branch


def _has_no_state(branch: Branch) -> bool:
    return branch.around is not None and branch.index is None


def _take_output(branch: Branch, step: Step, details: Mapping[str, Any]) -> None:
    _note_child(step, details)
    take_reply(step, details.get("output"))
    branch.detail = step.detail


def failed(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    """End an attempt that failed, could not be scheduled, started or submitted, or ran out of time."""
    branch = _at_work(folding, _stay(folding, branch, event), details)
    step, when = branch.step, event["timestamp"]
    if step is None or step.kind in CONTAINERS:
        return branch
    if not step.attempts or step.attempts[-1].ended is not None:
        _begin(folding, branch, step, when)
    attempt = step.attempts[-1]
    attempt.ended = when
    attempt.error, attempt.cause = text(details.get("error")), text(details.get("cause"))
    timed_out = event["type"].endswith("TimedOut") or attempt.error in TIMEOUTS
    attempt.outcome = Outcome.TIMED_OUT if timed_out else Outcome.FAILED
    folding.open.fail(step, attempt.error, attempt.cause, when)
    if not step.child_arn:
        _note_child(step, details)
    if _has_no_state(branch):
        folding.open.close(step, when, attempt.outcome)
    return branch


def evaluation_failed(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    """Fail a state whose JSONata could not be evaluated, though its task may have succeeded."""
    step = branch.step
    if step is None or step.left is not None:
        return branch
    error, cause = text(details.get("error")), text(details.get("cause"))
    if step.attempts and step.attempts[-1].outcome is Outcome.SUCCEEDED:
        attempt = step.attempts[-1]
        attempt.outcome, attempt.error, attempt.cause = Outcome.FAILED, error, cause
    folding.open.fail(step, error, cause, event["timestamp"])
    return branch


def late(_: Folding, branch: Branch, __: Event, details: Mapping[str, Any]) -> Branch:
    """Note what a function changed that went on when the execution had ended."""
    if branch.step and branch.step.kind not in CONTAINERS:
        _take_output(branch, branch.step, details)
    return branch


def ignored(_: Folding, branch: Branch, __: Event, ___: Mapping[str, Any]) -> Branch:
    return branch
