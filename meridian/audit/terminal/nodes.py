"""The rows of an audit as a tree that a person can take in: uneventful ones are counted, not shown.

An execution that a step started lies inside that step. Long executions repeat themselves: among many neighbours those
are shown that failed, were tried again or took longest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit import words
from meridian.audit.histories.lines import lines
from meridian.audit.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.histories.lines import Line
    from meridian.audit.model import Audit

INSTANT_KINDS = ("Choice", "Pass", "Succeed")
INSTANT_SECONDS = 0.1
MOST_NEIGHBOURS = 24  # rows of one branch, or items of one Map, that fit a screen
ENDS, LONGEST = 3, 5  # of many neighbours, how many of the first, of the last, and of those that took longest are shown


@dataclass
class Node:
    """A row and what lies inside it; or ``gathered`` rows that are not shown one by one."""

    label: str
    line: Line | None = None
    audit: Audit | None = None  # the execution that the step started
    is_critical: bool = False
    inside: list[Node] = field(default_factory=list)
    gathered: list[Line | Audit] = field(default_factory=list)

    @property
    def is_eventful(self) -> bool:
        """Whether it, or anything inside it, is worth a look."""
        line = self.line
        if line and (line.outcome is not Outcome.SUCCEEDED or line.retries or any(one.unknown for one in line.steps)):
            return True
        if self.audit and (self.audit.unread or (line is None and self.audit.status is not Outcome.SUCCEEDED)):
            return True
        return any(one.is_eventful for one in self.inside)

    @property
    def is_instant(self) -> bool:
        """Whether it is a state that only leads on to another."""
        line = self.line
        if line is None or line.step is None or self.inside or self.is_eventful:
            return False
        return line.step.kind in INSTANT_KINDS and (line.seconds or 0.0) < INSTANT_SECONDS

    @property
    def seconds(self) -> float:
        told = self.line or self.audit
        return (told.seconds or 0.0) if told else 0.0


def nodes(audit: Audit, *, full: bool, is_critical: bool = True) -> list[Node]:
    """Give the rows of an execution, with those of the executions that it started; all of them with ``full``.

    ``is_critical``: what it lies in had to wait for it, so that its own critical path is part of the whole's.
    """
    critical = {step.id for step in audit.critical} if is_critical else set()
    top: list[Node] = []
    around: list[Node] = []
    for line in lines(audit):
        node = Node(words.plain(line.label), line)
        node.is_critical = line.step is not None and any(step.id in critical for step in line.steps)
        node.inside = list(_executions(line, node, full=full))
        del around[line.depth :]
        (around[-1].inside if around else top).append(node)
        around.append(node)
    return [_without_header(one) for one in top] if full else _fitting(top)


def left_out(audit: Audit, found: list[Node]) -> int:
    """How many rows of the execution and of those below it ``found`` does not show one by one."""
    return sum(1 for one in audit.tree() for line in lines(one) if line.step) - sum(map(_rows, found))


def _rows(node: Node) -> int:
    return bool(node.line and node.line.step) + sum(map(_rows, node.inside))


def _executions(line: Line, node: Node, *, full: bool) -> Iterator[Node]:
    """Rows of the executions that a line's steps started, those of earlier tries under a row of their own."""
    if line.step is None:
        return
    for step in line.steps:
        for other in step.others:
            inside = nodes(other, full=full, is_critical=node.is_critical)
            yield Node(f"also started: {words.label(other)}", audit=other, inside=inside)
        if step.child:
            node.audit = step.child
            yield from nodes(step.child, full=full, is_critical=node.is_critical)


def _fitting(neighbours: list[Node]) -> list[Node]:
    """Leave out what only leads on, and gather what is too much."""
    for node in neighbours:
        if node.audit is None:  # an execution's own rows fit already
            node.inside = _fitting(node.inside)
    shown = [_without_header(node) for node in neighbours if not node.is_instant]
    return _gathered(shown) if len(shown) > MOST_NEIGHBOURS else shown


def _without_header(node: Node) -> Node:
    """An item with a single state in it is that state."""
    is_header = node.line is not None and node.line.step is None
    return node.inside[0] if is_header and len(node.inside) == 1 else node


def _gathered(neighbours: list[Node]) -> list[Node]:
    """Keep the ends, what is eventful and what took longest; gather the runs between."""
    ends = {*range(ENDS), *range(len(neighbours) - ENDS, len(neighbours))}
    inner = [place for place in range(len(neighbours)) if place not in ends]
    eventful = [place for place in inner if neighbours[place].is_eventful]
    longest = sorted(inner, key=lambda place: -neighbours[place].seconds)[:LONGEST]
    kept = {*ends, *eventful[: MOST_NEIGHBOURS - len(ends) - LONGEST], *longest}
    result: list[Node] = []
    for place, node in enumerate(neighbours):
        if place in kept:
            result.append(node)
            continue
        if not (result and result[-1].gathered):
            result.append(Node(""))
        told = node.line or node.audit
        if told:
            result[-1].gathered.append(told)
    return result
