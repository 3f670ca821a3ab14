"""An audit as the rows that a person reads: the turns of a wait loop are one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.model import CONTAINERS, ENDED_BADLY, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit, Step


OF_NONE = -1  # iteration of a step of which the history tells none


@dataclass(slots=True)
class Line:
    """One row: a stay, the consecutive stays of a wait loop, or the header of an iteration or a branch.

    A header has no ``step``. Its ``steps`` are all that it is the header of; those of any other row are
    the stays that it stands for. Seconds; ``left`` is None while it goes on. The work of a child is not its own.
    """

    label: str  # state, or "item 0 eu-west-1" or "branch 0"
    depth: int
    steps: list[Step]
    step: Step | None = None  # the first stay
    last: Step | None = None  # the last stay, the same as the first where there is but one
    looks: int = 0  # stays in the task
    entered: float = 0.0
    left: float | None = None
    outcome: Outcome = Outcome.RUNNING
    region: str = ""
    retries: int = 0
    worked: float = 0.0
    waited: float = 0.0

    @property
    def seconds(self) -> float | None:
        return None if self.left is None else self.left - self.entered


@dataclass(slots=True)
class _Inside:
    """Steps directly inside each Map and Parallel, by its id, then by try and iteration."""

    groups: dict[int, dict[tuple[int, int], list[Step]]] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        if step.parent:
            group = self.groups.setdefault(step.parent.id, {})
            index = OF_NONE if step.iteration is None else step.iteration
            group.setdefault((step.parent_try, index), []).append(step)


def lines(audit: Audit) -> list[Line]:
    """Give the rows of an audit's own steps, what lies inside a Map or Parallel right after it and deeper."""
    inside = _Inside()
    for step in audit.steps:
        inside.add(step)
    return list(_rows([step for step in audit.steps if step.parent is None], inside, 0))


def _rows(branch: list[Step], inside: _Inside, depth: int) -> Iterator[Line]:
    for stays in _loops(branch):
        yield _row(stays, depth)
        step = stays[0]
        groups = inside.groups.get(step.id, {})
        for tried, index in sorted(groups):
            steps = groups[tried, index]
            if index == OF_NONE:
                for one in steps:
                    yield from _rows([one], inside, depth + 1)
            else:
                yield _header(step, steps, tried, index, depth + 1)
                yield from _rows(steps, inside, depth + 2)


def _loops(branch: list[Step]) -> Iterator[list[Step]]:
    """Give the stays of each wait loop together, and every other stay alone."""
    stays: list[Step] = []
    for step in branch:
        if stays and (step.task != stays[0].task or step.kind in CONTAINERS or stays[0].kind in CONTAINERS):
            yield stays
            stays = []
        stays.append(step)
    if stays:
        yield stays


def _row(stays: list[Step], depth: int) -> Line:
    first, last = stays[0], stays[-1]
    return Line(
        label=first.task if len(stays) > 1 else first.name,
        depth=depth,
        steps=stays,
        step=first,
        last=last,
        looks=sum(step.name == first.task for step in stays) or sum(step.name == first.name for step in stays),
        entered=first.entered,
        left=last.left,
        outcome=_outcome(stays),
        region=next((step.region for step in stays if step.region), ""),
        retries=sum(len(step.retries) for step in stays),
        worked=sum(step.worked for step in stays if not step.child),
        waited=sum(step.waited for step in stays),
    )


def _header(container: Step, steps: list[Step], tried: int, index: int, depth: int) -> Line:
    region = next((step.region for step in steps if step.region), "")
    label = f"item {index} {region}".rstrip() if container.kind == "Map" else f"branch {index}"
    line = _row(steps, depth)
    line.label = f"{label}, try {tried}" if len(container.attempts) > 1 else label
    line.step = line.last = None
    line.looks = 0
    return line


def _outcome(stays: list[Step]) -> Outcome:
    """How the last stay ended; CAUGHT where any was."""
    last = stays[-1].outcome
    if last in (Outcome.RUNNING, *ENDED_BADLY):
        return last
    return Outcome.CAUGHT if any(step.outcome is Outcome.CAUGHT for step in stays) else last
