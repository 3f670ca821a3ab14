"""Read an execution, and whatever it started, from a source of histories."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from meridian.audit.histories.fold import fold
from meridian.audit.histories.numbering import number_branches
from meridian.audit.model import Audit
from meridian.audit.source import ExecutionUnknown, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Step
    from meridian.audit.source import Listed

DEEPEST = 50  # executions in each other; ours are three, and one that starts itself has no end
MAP_RUN_CHILDREN = 50  # of a Map Run that are read: it may have any number, and each costs three calls


@runtime_checkable
class ReadsMapRuns(Protocol):
    """A source that also lists the child executions of a Distributed Map's run."""

    def map_run(self, arn: str) -> Iterator[Listed]:
        """Child executions of the Map Run ``arn``, those that ended badly first."""


def read(source: Source, arn: str) -> Audit:
    """Give the execution ``arn`` with its children and theirs.

    A child that may not be read, or is forgotten, has ``unread``. Raises ExecutionUnknown and ClientError for
    the execution itself.
    """
    return _read(source, arn, {arn}, 1)


def _read(source: Source, arn: str, seen: set[str], depth: int) -> Audit:
    description = source.describe(arn)
    audit = fold(arn, description, source.events(arn))
    audit.definition = source.definition(arn)
    number_branches(audit)
    audit.source = str(description.get("source") or audit.source)
    for step in audit.steps:
        _follow(source, step, seen, depth + 1)
    return audit


def _follow(source: Source, step: Step, seen: set[str], depth: int) -> None:
    if step.child_arn:
        step.child = _child(source, step.child_arn, seen, depth)
    step.others = [_child(source, arn, seen, depth) for arn in step.other_arns]
    if step.map_run_arn and isinstance(source, ReadsMapRuns):
        run = Audit(step.map_run_arn)
        with _noted(run):
            listed = list(islice(source.map_run(step.map_run_arn), MAP_RUN_CHILDREN + 1))
            step.others += [_child(source, one.arn, seen, depth) for one in listed[:MAP_RUN_CHILDREN]]
            if len(listed) > MAP_RUN_CHILDREN:
                run.unread = f"It ran more than {MAP_RUN_CHILDREN} executions: the others are left out."
        if run.unread:
            step.others.append(run)


def _child(source: Source, arn: str, seen: set[str], depth: int) -> Audit:
    """Read a child; an execution that is met again, whatever the reason, is not read twice."""
    if arn in seen:
        return Audit(arn, unread="It is shown elsewhere in this audit.")
    if depth > DEEPEST:
        return Audit(arn, unread=f"It lies deeper than {DEEPEST} executions: audit it on its own.")
    seen.add(arn)
    unread = Audit(arn)
    with _noted(unread):
        return _read(source, arn, seen, depth)
    return unread


@contextmanager
def _noted(audit: Audit) -> Iterator[None]:
    """Note in ``audit`` why it could not be read."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ExecutionUnknown:
        audit.unread = "Its history is no longer kept."
    except ClientError as error:
        audit.unread = f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
