"""Where the time went: the steps that made an execution take as long as it did, down into its children."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meridian.audit import words
from meridian.audit.model import CONTAINERS, Outcome
from meridian.audit.page.axis import Axis
from meridian.audit.so_far import latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit, Step
    from meridian.audit.page.keys import Keys

MOST = 40  # stretches of the path that are drawn; the rest would be too thin to see


@dataclass(frozen=True)
class Stretch:
    """A stay in one task, with its wait loop. ``at`` and ``width`` are percent of the whole execution."""

    key: str
    name: str
    execution: str
    outcome: Outcome
    began: float
    ended: float
    waited: float
    at: float = 0.0
    width: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def waits(self) -> bool:
        """Whether most of it was waiting."""
        return self.waited > self.seconds / 2


def critical_path(audit: Audit, keys: Keys) -> list[Stretch]:
    """Give the critical path in its order, without what is too short to be seen."""
    axis = Axis(audit.started or 0.0, latest(audit), audit.started or 0.0)
    joined: list[Stretch] = []
    for stretch in _stretches(audit, keys, axis.end):
        before = joined[-1] if joined else None
        if before and (before.name, before.execution) == (stretch.name, stretch.execution):
            waited = before.waited + stretch.waited
            joined[-1] = replace(before, ended=stretch.ended, waited=waited, outcome=stretch.outcome)
        else:
            joined.append(stretch)
    longest = {id(one) for one in sorted(joined, key=lambda one: -one.seconds)[:MOST]}
    return [
        replace(one, at=axis.at(one.began), width=axis.width(one.began, one.ended))
        for one in joined
        if id(one) in longest
    ]


def _stretches(audit: Audit, keys: Keys, end: float) -> Iterator[Stretch]:
    """Give the innermost steps of the path: none of a Map, and of a child's what made it take as long."""
    for step in sorted(audit.critical, key=lambda step: step.entered):
        if step.child and step.child.critical:
            yield from _stretches(step.child, keys, end)
        elif step.kind not in CONTAINERS:
            yield _stretch(audit, step, keys, end)


def _stretch(audit: Audit, step: Step, keys: Keys, end: float) -> Stretch:
    return Stretch(
        key=keys.of(audit, step),
        name=step.task,
        execution=words.label(audit),
        outcome=step.outcome,
        began=step.entered,
        ended=end if step.left is None else step.left,
        waited=step.waited,
    )
