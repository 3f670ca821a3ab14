"""What an execution is doing, from the events of its history.

    execution = Execution(arn)
    execution.fold(events)              # any number of times, each event once, in order
    execution.working()                 # the steps that are under way now

Events are those of GetExecutionHistory. They form no list but a tree: ``previousEventId`` leads from an
event to the one before it in the same branch, and into the enclosing Parallel or Map at the branch's
start. Two things are not in that chain, as histories recorded on AWS show: the ``...StateAborted`` of a
branch points at the failure elsewhere that ended it, and the end of a Parallel or Map points into
whichever branch ended last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meridian.steps import Branch, Note, Step
from tasks.shared.names import PREFIX

if TYPE_CHECKING:
    from datetime import datetime

Event = Mapping[str, Any]

CONTAINERS = ("Parallel", "Map")
TOLD = ("Task", "Wait")
ENDINGS = {"Succeeded": "SUCCEEDED", "Failed": "FAILED", "TimedOut": "TIMED_OUT", "Aborted": "ABORTED"}


@dataclass
class Execution:
    """One execution as far as its events have been folded in."""

    arn: str
    status: str = "RUNNING"
    started: datetime | None = None
    stopped: datetime | None = None
    input: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    error: str = ""
    cause: str = ""
    last_event_id: int = 0
    notes: list[Note] = field(default_factory=list)
    children: list[Execution] = field(default_factory=list)
    _trunk: Branch = field(default_factory=Branch)
    _open: list[Step] = field(default_factory=list)
    _owners: dict[int, Step] = field(default_factory=dict)
    _events: dict[int, tuple[str, int]] = field(default_factory=dict)  # type and previous event

    @property
    def ended(self) -> bool:
        return self.status in ENDINGS.values()

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
        around = {id(step.branch.parent) for step in self._open}
        return [step for step in self._open if id(step) not in around]

    def tree(self) -> Iterator[Execution]:
        """Give the execution and all that it ever started, in that order."""
        yield self
        for child in self.children:
            yield from child.tree()

    def failed_step(self) -> Step | None:
        """Step in which the execution ended, if it did not succeed."""
        if self.status not in ("FAILED", "TIMED_OUT", "ABORTED"):
            return None
        event = max(self._events)
        while event and _is_around(self._events[event][0]):
            event = self._events[event][1]
        last = self._owners.get(event)
        if self.status == "FAILED" and not (last and self._failed_like(last)):
            # The end of a Parallel may point into another branch than the one that failed.
            last = next(filter(self._failed_like, reversed(self._owners.values())), last)
        return (last if self.status == "FAILED" else None) or next(iter(self.working()), None)

    def _failed_like(self, step: Step) -> bool:
        return (step.error, step.cause) == (self.error, self.cause) and bool(step.error)

    def fold(self, events: Iterable[Event]) -> None:
        """Take in further events, the oldest first. Events already seen are passed over."""
        for event in events:
            if event["id"] > self.last_event_id:
                self.last_event_id = event["id"]
                # Branches that were cut off by a failure elsewhere may still write a little.
                if not self.ended or event["type"] == "ExecutionRedriven":
                    self._take(event)

    def _take(self, event: Event) -> None:
        kind, previous = event["type"], event.get("previousEventId", 0)
        self._events[event["id"]] = (kind, previous)
        details = _details(event)
        step = self._owners.get(previous)
        if kind.startswith("Execution"):
            self._change_status(kind.removeprefix("Execution"), event, details)
        elif kind.endswith("StateEntered"):
            step = self._enter(event, details, self._branch_after(previous))
        elif kind.endswith("StateExited"):
            step = _enclosing(step, lambda outer: outer.name == details["name"])
            self._leave(step, event["timestamp"])
        elif kind.startswith(CONTAINERS):
            step = self._contain(kind, step, event["timestamp"])
        elif step:
            self._work(step, kind, event["timestamp"], details)
        if step:
            self._owners[event["id"]] = step

    def _change_status(self, what: str, event: Event, details: Mapping[str, Any]) -> None:
        if what == "Started":
            self.started, self.input = event["timestamp"], _mapping(details.get("input"))
        elif what == "Redriven":
            self.status, self.stopped, self.error, self.cause = "RUNNING", None, "", ""
        elif what in ENDINGS:
            self.status = ENDINGS[what]
            self.stopped = event["timestamp"]
            self.output = _parsed(details.get("output"), None)
            self.error, self.cause = details.get("error", ""), details.get("cause", "")

    def _branch_after(self, previous: int) -> Branch:
        """Branch of a state entered after the event ``previous``."""
        before = self._owners.get(previous)
        if before is None:
            return self._trunk
        return Branch(parent=before) if self._events[previous][0].endswith("Started") else before.branch

    def _enter(self, event: Event, details: Mapping[str, Any], branch: Branch) -> Step:
        name, entered = details["name"], event["timestamp"]
        step = Step(name, event["type"].removesuffix("StateEntered"), branch, entered)
        step.region = _region(details.get("input")) or self.region
        branch.visits.setdefault(name, []).append(entered)
        step.detail = branch.detail if step.kind == "Wait" else ""
        self._open.append(step)
        if step.kind in TOLD and len(branch.visits[name]) == 1:
            self.notes.append(Note(entered, step))
        return step

    def _leave(self, step: Step | None, when: datetime) -> None:
        """Close ``step`` and whatever is still open inside it."""
        if step:
            self._close_inside(step, when)
            step.left = step.left or when
            self._open = [other for other in self._open if other is not step]

    def _close_inside(self, step: Step, when: datetime) -> None:
        for other in self._open:
            if step in list(other.outward())[1:]:
                other.left = when
        self._open = [other for other in self._open if not other.left or other is step]

    def _contain(self, kind: str, step: Step | None, when: datetime) -> Step | None:
        container = _enclosing(step, lambda outer: outer.kind in CONTAINERS and not outer.left)
        if container and kind.endswith("StateStarted"):
            container.tries += 1
            self._close_inside(container, when)
        elif kind.endswith(("StateSucceeded", "StateFailed")):
            self._leave(container, when)
        return container

    def _work(self, step: Step, kind: str, when: datetime, details: Mapping[str, Any]) -> None:
        """Take in what a task did: it was scheduled, submitted, succeeded, failed or timed out."""
        if kind.endswith("Scheduled"):
            step.tries, step.resting = step.tries + 1, False
            step.region = _region(details.get("input") or details.get("parameters")) or step.region
        elif kind.endswith("Submitted"):
            self._adopt(step, _mapping(details.get("output")).get("ExecutionArn", ""))
        elif kind.endswith("Succeeded"):
            step.branch.detail = str(_mapping(details.get("output")).get("detail") or "")
        elif kind.endswith(("Failed", "TimedOut")):
            step.resting, step.error, step.cause = True, details.get("error", ""), details.get("cause", "")
            self.notes.append(Note(when, step, step.error))

    def _adopt(self, step: Step, arn: str) -> None:
        if arn:
            step.child = Execution(arn)
            self.children.append(step.child)


def _is_around(kind: str) -> bool:
    """Whether an event is the end of what lies around the step that failed."""
    return kind.startswith(("Execution", *CONTAINERS)) and not kind.endswith("Entered")


def _enclosing(step: Step | None, wanted: Any) -> Step | None:
    return next((outer for outer in step.outward() if wanted(outer)), None) if step else None


def _details(event: Event) -> Mapping[str, Any]:
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _region(document: str | None) -> str:
    region = _mapping(document).get("region")
    return region if isinstance(region, str) else ""


def _mapping(document: str | None) -> dict[str, Any]:
    """JSON object of an event; empty where it is something else."""
    parsed = _parsed(document, {})
    return parsed if isinstance(parsed, dict) else {}


def _parsed(document: str | None, otherwise: Any) -> Any:
    """JSON of an event, which is cut off where it is too long and left out where it may not be shown."""
    try:
        return json.loads(document) if document else otherwise
    except ValueError:
        return otherwise
