"""The first cause of a failed execution, however deep in its children it lies.

A parent only knows ``States.TaskFailed`` and, as its cause, the description of the child as JSON, which
Step Functions cuts off where it is long. So the child's own history is read, and the JSON is used only
where the child may not be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from meridian.audit.histories.documents import mapping
from meridian.executions import snapshot
from meridian.history import Execution
from tasks.shared.errors import START_AGAIN

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

UNEXPLAINED = {
    "States.Timeout": "It took longer than its time-out allows.",
    "TIMED_OUT": "The execution took longer than its state machine allows.",
    "ABORTED": "The execution was stopped.",
}


@dataclass(frozen=True)
class Cause:
    """Why an execution failed: AWS's or a task's words, and where in the tree it was."""

    error: str  # what Retry and Catch match, or the status where there is no error
    message: str
    path: tuple[str, ...]  # ("provision", "add-region eu-west-1", "CreateStream")
    execution_arn: str  # of the execution in which it failed


def first_cause(states: SFNClient, arn: str) -> Cause | None:
    """Why the execution ``arn`` failed, timed out or was stopped; None if it did none of these."""
    return cause_of(snapshot(states, arn))


def cause_of(execution: Execution) -> Cause | None:
    """First cause in what ``follow`` or ``snapshot`` has read."""
    if execution.status not in ("FAILED", "TIMED_OUT", "ABORTED"):
        return None
    step = execution.failed_step()
    # A parent that ran out of time, or was stopped, stops its children: their end is no cause.
    if step and step.child and execution.status == "FAILED" and execution.error != "States.Timeout":
        deeper = cause_of(step.child)
        if deeper:
            return replace(deeper, path=(execution.label, *deeper.path))
    found = unwrapped(execution.error or execution.status, execution.cause)
    message = found.message or f"{UNEXPLAINED.get(found.error, 'No cause was given.')} {START_AGAIN}"
    return Cause(found.error, message, (*_whereabouts(execution), *found.path), execution.arn)


def _whereabouts(execution: Execution) -> tuple[str, ...]:
    """What the execution was doing when it ended, or is doing now."""
    step = execution.failed_step() or next(iter(execution.working()), None)
    if step is None:
        return (execution.label,)
    return (execution.label, *(_whereabouts(step.child) if step.child else (step.name,)))


class Unwrapped(NamedTuple):
    """``message`` is empty where no words were given; ``path`` are the executions below, the outermost first."""

    error: str
    message: str
    path: tuple[str, ...] = ()


def unwrapped(error: str, cause: str) -> Unwrapped:
    """Error, message and further path in a cause: a child's description, a function's error, or plain words."""
    document = mapping(cause)
    if _text(document, "ExecutionArn").count(":") >= 7:
        child = Execution(document["ExecutionArn"], input=mapping(document.get("Input")))
        inner = unwrapped(_text(document, "Error") or _text(document, "Status") or error, _text(document, "Cause"))
        return inner._replace(path=(child.label, *inner.path))
    kind = _text(document, "errorType") or _cut_off("errorType", cause) or error
    return Unwrapped(kind, _text(document, "errorMessage") or _cut_off("errorMessage", cause) or cause)


def _text(document: dict[str, Any], key: str) -> str:
    """A member that is text; whoever wrote the cause may have put anything there."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _cut_off(key: str, text: str) -> str:
    """Value of ``key`` in JSON that is cut off, at whatever depth of JSON within JSON it lies.

    At each depth the quotation marks carry more backslashes; those that end the value carry as many
    as those that begin it.
    """
    found = re.search(rf'{key}(\\*)"\s*:\s*\1"(.*?)(?:(?<!\\)\1"|$)', text, re.DOTALL)
    return re.sub(r'\\+(["/])', r"\1", found[2]).rstrip("\\") if found else ""
