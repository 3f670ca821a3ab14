"""What one execution of a state machine was, as its history tells it.

Times are seconds since 1970 (UTC). ``None`` as an end means that it had not ended when the history was read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_CHARACTERS = 4_096  # of a payload; 25,000 events may carry 256 KiB each


class Outcome(StrEnum):
    """How an execution, a step or an attempt ended. CAUGHT: it failed, and a Catch went on from there."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CAUGHT = "CAUGHT"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


CONTAINERS = ("Map", "Parallel")
ENDED_BADLY = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ABORTED)


class StartedBy(StrEnum):
    """How an execution was started, as far as Step Functions tells: the console and the AWS CLI look alike to it."""

    COMMAND_LINE = "deploy.py"
    SCHEDULE = "schedule"
    PARENT = "parent execution"
    BY_HAND = "console or AWS CLI"


class Payload(NamedTuple):
    """An input or an output: its first ``KEPT_CHARACTERS``; ``size`` is the whole's, in characters.

    ``truncated``: Step Functions itself gave less than all (inputDetails.truncated), or nothing. Of the stays
    of a wait loop only the first and the last keep theirs.
    """

    text: str = ""
    size: int = 0
    truncated: bool = False

    @property
    def cut(self) -> bool:
        return self.truncated or self.size > len(self.text)


NOTHING = Payload()


@dataclass(slots=True, frozen=True)
class Starter:
    """``arn`` is the parent execution's or the alias', where there is one.

    ``principal`` is who did it, and ``agent`` with what program, where CloudTrail was asked and knew.
    """

    by: StartedBy
    arn: str = ""
    principal: str = ""
    agent: str = ""


@dataclass(slots=True, frozen=True)
class Change:
    """A call that changed something, as the task answered it (tasks/shared/clients.py)."""

    operation: str  # CreateTable
    region: str
    request_id: str
    resource: str = ""  # name of the table, stream, stack, ...


@dataclass(slots=True)
class Attempt:
    """One try of a task, from being scheduled to its end, or of a Map or Parallel."""

    scheduled: float
    started: float | None = None
    ended: float | None = None
    outcome: Outcome = Outcome.RUNNING
    error: str = ""
    cause: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended or self.scheduled) - self.scheduled


@dataclass(slots=True)
class Step:
    """One stay in a state; an iteration of a Map and a branch of a Parallel are ``iteration`` of their steps."""

    id: int  # of the event in which the state was entered
    name: str
    kind: str  # Task, Wait, Choice, Pass, Map, Parallel, Succeed, Fail
    entered: float
    parent: Step | None = None  # the Map or Parallel around it
    iteration: int | None = None  # index of the Map's item or of the Parallel's branch
    left: float | None = None
    region: str = ""
    outcome: Outcome = Outcome.RUNNING
    error: str = ""
    cause: str = ""
    input: Payload = NOTHING
    output: Payload = NOTHING
    attempts: list[Attempt] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    parent_try: int = 1  # which try of ``parent`` it belongs to
    child: Audit | None = None  # execution that it started, at its last try
    others: list[Audit] = field(default_factory=list)  # started by its earlier tries, or by its Map Run
    child_arn: str = ""
    other_arns: list[str] = field(default_factory=list)  # of ``others`` that its earlier tries started
    resource: str = ""  # function, state machine or activity that it called
    map_run_arn: str = ""  # of a Distributed Map
    detail: str = ""  # what its task said it waits for
    unknown: list[str] = field(default_factory=list)  # types of events that this version does not know

    @property
    def task(self) -> str:
        """Name of the state, or of the one it belongs to: ``AddReplica: wait`` belongs to ``AddReplica``."""
        return self.name.partition(": ")[0]

    @property
    def seconds(self) -> float | None:
        return None if self.left is None else self.left - self.entered

    @property
    def retries(self) -> list[Attempt]:
        """Attempts that failed and were followed by another."""
        return self.attempts[:-1]

    @property
    def waited(self) -> float:
        """Seconds in a Wait, between the attempts of a task, and until now for its next one."""
        if self.kind == "Wait":
            return self.seconds or 0.0
        begun = [attempt.scheduled for attempt in self.attempts[1:]]
        if self.outcome is Outcome.RUNNING and self.attempts and self.left is not None:
            begun.append(self.left)
        pairs = zip(self.attempts, begun, strict=False)
        return sum(max(0.0, since - (before.ended or since)) for before, since in pairs)

    @property
    def worked(self) -> float:
        """Seconds in which a task was at work: none of a Map or Parallel, whose work is its steps'."""
        return 0.0 if self.kind in CONTAINERS else sum(attempt.seconds for attempt in self.attempts)


@dataclass(slots=True, frozen=True)
class Redrive:
    when: float
    count: int


@dataclass(slots=True)
class Audit:
    """One execution. ``steps`` are in the order in which they were entered, those inside Map and Parallel too."""

    arn: str
    machine_arn: str = ""
    version_arn: str = ""
    alias_arn: str = ""
    starter: Starter = Starter(StartedBy.BY_HAND)
    status: Outcome = Outcome.RUNNING
    started: float | None = None
    stopped: float | None = None
    until: float | None = None  # of a copy of what runs (so_far.py): the moment that it is told to
    input: Payload = NOTHING
    output: Payload = NOTHING
    error: str = ""
    cause: str = ""
    redrives: list[Redrive] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    events: int = 0
    transitions: int = 0  # what Step Functions bills: every state entered, every retry, every redrive
    unknown: dict[str, int] = field(
        default_factory=dict
    )  # types of events that this version does not know, and how many
    critical: list[Step] = field(default_factory=list)  # the steps that made it take as long as it did, in order
    definition: dict[str, Any] | None = None
    source: str = "Step Functions"  # or the archive's s3:// address
    unread: str = ""  # why its history could not be read, as for a child that one may not see

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def workflow(self) -> str:
        """Name of the state machine without our prefix: ``add-region``."""
        return self.arn.split(":")[6].removeprefix("meridian-")

    @property
    def region(self) -> str:
        """Region that the execution runs in."""
        return self.arn.split(":")[3]

    @property
    def seconds(self) -> float | None:
        return None if self.stopped is None or self.started is None else self.stopped - self.started

    def children(self) -> Iterator[Audit]:
        """Executions that this one started, in order."""
        for step in self.steps:
            yield from step.others
            if step.child:
                yield step.child

    def tree(self) -> Iterator[Audit]:
        """Give the execution and all that it ever started, in that order."""
        yield self
        for child in self.children():
            yield from child.tree()

    def changes(self) -> Iterator[tuple[Step, Change]]:
        """What its own steps created, changed or deleted, without its children's."""
        return ((step, change) for step in self.steps for change in step.changes)
