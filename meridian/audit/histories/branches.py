"""The branches of a history: states that follow one another.

Events form no list but a tree: ``previousEventId`` leads from an event to the one before it in the same
branch, and into the enclosing Parallel or Map at the branch's start. Two things are not in that chain, as
histories recorded on AWS show: the ``...StateAborted`` of a branch points at the failure elsewhere that
ended it, and the end of a Parallel or Map points into whichever branch ended last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.histories.documents import LEFT_OUT
from meridian.audit.model import CONTAINERS, KEPT_CHARACTERS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Step


AT_ONCE = ("Choice", "Pass", "Succeed")  # one that is still open cannot be at work
RESTS = 0.5  # seconds; what failed longer ago than that rests before a retry


@dataclass(slots=True, eq=False)
class Branch:
    """The machine itself, a branch of a Parallel, or an item of a Map."""

    outer: Branch | None = None
    around: Step | None = None  # the Map or Parallel
    index: int | None = None
    tried: int = 1  # which try of ``around`` it belongs to
    step: Step | None = None  # the stay it is in, or was in last
    detail: str = ""  # what the last task of a wait loop said it waits for
    _loop: str = ""
    _stays: dict[str, list[Step]] = field(default_factory=dict)  # in this wait loop: each state's first and last

    def enter(self, step: Step) -> Step | None:
        """Begin a stay; give the first one in the same state if a wait loop has come back to it."""
        self.step = step
        stays = self._stays.get(step.name)
        if stays is None:
            if step.task != self._loop:
                self._loop, self._stays = step.task, {}
            self._stays[step.name] = [step, step]
            return None
        first, last = stays
        if last is not first:
            last.input = last.output = LEFT_OUT
        stays[1] = step
        return first

    def outward(self) -> Iterator[Branch]:
        """Give the branch and those it lies in, the innermost first."""
        branch: Branch | None = self
        while branch:
            yield branch
            branch = branch.outer

    def named(self, name: str) -> Branch | None:
        """The branch, or the nearest that it lies in, that is or was last in the state ``name``."""
        branch: Branch | None = self
        while branch and not (branch.step and branch.step.name == name):
            branch = branch.outer
        return branch

    def lies_in(self, container: Step, index: int | None = None) -> bool:
        """Whether it lies in ``container``, at whatever depth; with ``index``, in that item of it."""
        return any(branch.around is container and index in (None, branch.index) for branch in self.outward())


@dataclass(slots=True)
class OpenStays:
    """The stays that have not ended."""

    _branches: dict[int, Branch] = field(default_factory=dict)  # by the step's id
    # When steps failed that were neither tried again nor caught so far: for good, or resting before a retry.
    _failing: dict[int, float] = field(default_factory=dict)

    def add(self, branch: Branch) -> None:
        if branch.step:
            self._branches[branch.step.id] = branch

    def fail(self, step: Step, error: str, cause: str, when: float) -> None:
        step.error, step.cause = error, cause
        self._failing[step.id] = when

    def try_again(self, step: Step) -> None:
        step.error = step.cause = ""
        self._failing.pop(step.id, None)

    def is_failing(self, step: Step) -> bool:
        return step.id in self._failing

    def close(self, step: Step, when: float, outcome: Outcome) -> None:
        """End a stay. One that was aborted has no error, though an attempt of it may have failed."""
        attempt = step.attempts[-1] if step.attempts else None
        if outcome is Outcome.ABORTED:
            step.error = step.cause = ""
        elif outcome is Outcome.CAUGHT:  # thousands of times, it may be
            step.cause = step.cause[:KEPT_CHARACTERS]
            if attempt:
                attempt.cause = attempt.cause[:KEPT_CHARACTERS]
        if attempt and attempt.ended is None:
            attempt.ended, attempt.outcome = when, outcome
        step.left, step.outcome = when, outcome
        self._branches.pop(step.id, None)
        self._failing.pop(step.id, None)

    def all(self) -> list[Branch]:
        return list(self._branches.values())

    def inside(self, container: Step, index: int | None = None) -> list[Branch]:
        return [branch for branch in self._branches.values() if branch.lies_in(container, index)]

    def innermost(self) -> list[Branch]:
        """Those with no open stay inside them."""
        around = {id(branch.around) for branch in self._branches.values()}
        return [branch for branch in self._branches.values() if id(branch.step) not in around]

    def find(self, branch: Branch, kind: str, name: str | None = None) -> Branch | None:
        """Open container that ``branch`` lies in or has come to."""
        return next(
            (
                outer
                for outer in branch.outward()
                if (step := outer.step) and step.kind == kind and step.left is None and name in (None, step.name)
            ),
            None,
        )

    def break_off(self, branches: list[Branch], when: float, blamed: Step | None) -> None:
        """End stays that a failure has ended: ``blamed`` as failed, and the others as aborted."""
        failed = set()
        while blamed:
            failed.add(blamed.id)
            blamed = blamed.parent
        for branch in branches:
            step = branch.step
            if step is None or step.left is not None:
                continue
            if step.id in failed:
                timed_out = bool(step.attempts) and step.attempts[-1].outcome is Outcome.TIMED_OUT
                self.close(step, when, Outcome.TIMED_OUT if timed_out else Outcome.FAILED)
            else:
                self.close(step, when, Outcome.ABORTED)

    def culprit(self, branches: list[Branch], last: Branch, when: float) -> Step | None:
        """Which of ``branches`` has failed at ``when``; ``last`` is where the event before the failure belongs to.

        That may be a neighbour, which goes on working or rests until it is tried again.
        """
        inner = [branch.step for branch in branches if branch.step]
        failing = [step for step in inner if step.id in self._failing]
        leaves = [step for step in failing if step.kind not in CONTAINERS] or failing
        latest = max(leaves, key=lambda step: self._failing[step.id], default=None)
        pointed = next((step for step in inner if step is last.step and step.kind not in CONTAINERS), None)
        if pointed in failing or (pointed and pointed.kind in AT_ONCE):
            return pointed
        if latest and (pointed is None or when - self._failing[latest.id] < RESTS):
            return latest
        return pointed
