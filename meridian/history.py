"""What an execution is doing, from the events of its history.

    execution = Execution(arn)
    execution.fold(events)              # any number of times, each event once, in order
    execution.working()                 # the steps that are under way now

How events hang together is known to the audit (``meridian.audit.histories.fold``), which is asked here one event at a
time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.fold import take
from meridian.audit.histories.folding import Folding
from meridian.audit.model import CONTAINERS
from meridian.steps import Note, Step
from tasks.shared.names import PREFIX

if TYPE_CHECKING:
    from meridian.audit.model import Step as Stay

Event = Mapping[str, Any]

TOLD = ("Task", "Wait")
ENDINGS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Execution:
    """One execution as far as its events have been folded in."""

    def __init__(self, arn: str, input: dict[str, Any] | None = None) -> None:  # noqa: A002  # as AWS names it
        self.arn = arn
        self.input = input or {}
        self.output: Any = None
        self.last_event_id = 0
        self.notes: list[Note] = []
        self.children: list[Execution] = []
        self._folding = Folding(arn)
        self._visits: dict[tuple[int, int, int | None], dict[str, list[float]]] = {}  # by branch, by state
        self._executions: dict[str, Execution] = {}

    @property
    def status(self) -> str:
        return self._folding.audit.status.value

    @property
    def started(self) -> datetime | None:
        return _date(self._folding.audit.started)

    @property
    def stopped(self) -> datetime | None:
        return _date(self._folding.audit.stopped)

    @property
    def error(self) -> str:
        return self._folding.audit.error

    @property
    def cause(self) -> str:
        return self._folding.audit.cause

    @property
    def ended(self) -> bool:
        return self.status in ENDINGS

    @property
    def workflow(self) -> str:
        """Name of the state machine without our prefix: ``add-region``."""
        return self.arn.split(":")[6].removeprefix(f"{PREFIX}-")

    @property
    def region(self) -> str:
        """Region that the execution works on, or nothing where it works on all."""
        return str(self.input.get("region", ""))

    @property
    def label(self) -> str:
        return f"{self.workflow} {self.region}".strip()

    def working(self) -> list[Step]:
        """Steps under way, the innermost only, in the order in which they were entered."""
        inner = [branch.step for branch in self._folding.open.innermost() if branch.step]
        return [self._seen(stay) for stay in inner if not _is_over(stay)]

    def tree(self) -> Iterator[Execution]:
        """Give the execution and all that it ever started, in that order."""
        yield self
        for child in self.children:
            yield from child.tree()

    def failed_step(self) -> Step | None:
        """Step in which the execution ended, if it did not succeed."""
        culprit = self._folding.culprit
        return self._seen(culprit) if culprit and self.status in ENDINGS[1:] else None

    def fold(self, events: Iterable[Event]) -> None:
        """Take in further events, the oldest first. Events already seen are passed over."""
        for event in events:
            if event["id"] > self.last_event_id:
                self.last_event_id = event["id"]
                self._take(event)

    def _take(self, event: Event) -> None:
        kind, ended = event["type"], self.ended
        step = take(self._folding, {**event, "timestamp": event["timestamp"].timestamp()}).step
        if kind == "ExecutionStarted":
            given = _parsed(event["executionStartedEventDetails"].get("input"))
            self.input = given if isinstance(given, dict) else {}
        elif kind == "ExecutionSucceeded":
            self.output = _parsed(event.get("executionSucceededEventDetails", {}).get("output"))
        elif step and not ended:
            self._tell(kind, step, event["timestamp"])

    def _tell(self, kind: str, stay: Stay, when: datetime) -> None:
        """Take down what is worth telling of an event."""
        step = self._seen(stay)
        if kind.endswith("StateEntered"):
            visits = step.visits.setdefault(stay.name, [])
            visits.append(stay.entered)
            if stay.kind in TOLD and len(visits) == 1:
                self.notes.append(Note(when, step))
        elif kind == "TaskSubmitted" and stay.child_arn and stay.child_arn not in self._executions:
            self._executions[stay.child_arn] = child = Execution(stay.child_arn)
            self.children.append(child)
        elif kind.endswith(("Failed", "TimedOut")) and stay.kind not in CONTAINERS and not kind.startswith("Execution"):
            self.notes.append(Note(when, step, stay.error))

    def _seen(self, stay: Stay) -> Step:
        branch = (stay.parent.id if stay.parent else 0, stay.parent_try, stay.iteration)
        return Step(stay, self._visits.setdefault(branch, {}), self._executions)


def _is_over(stay: Stay) -> bool:
    """Whether it is a Map or Parallel in which nothing is done any more."""
    return stay.kind in CONTAINERS and bool(stay.attempts) and stay.attempts[-1].ended is not None


def _date(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _parsed(document: str | None) -> Any:
    """JSON of an event, which may be cut off, left out, or nested without measure."""
    try:
        return json.loads(document) if document else None
    except (ValueError, RecursionError):
        return None
