"""A timeline: an execution's lines as rows on an axis, each child execution with a timeline of its own inside.

What a person cannot look through is left out and counted; the table of steps has it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meridian.audit.histories.lines import lines
from meridian.audit.model import CONTAINERS, Outcome
from meridian.audit.page.axis import Axis
from meridian.audit.page.rows import SHOWN_OPEN, Row, Timeline
from meridian.audit.so_far import latest

if TYPE_CHECKING:
    from meridian.audit.histories.lines import Line
    from meridian.audit.model import Audit, Step
    from meridian.audit.page.keys import Keys

MOST_ROWS = 1_500  # of the whole page; some 700 bytes each
SIBLINGS = (60, 30, 15, 8, 4)  # at most so many rows side by side, the fewer the more rows there are
NOTABLE = (*SHOWN_OPEN, Outcome.ABORTED, Outcome.CAUGHT)


def timeline(audit: Audit, keys: Keys) -> Timeline:
    """Draw an audit with all its children, in at most about ``MOST_ROWS`` rows."""
    for most in SIBLINGS:
        drawn = _Drawing(keys, audit, most).timeline(audit)
        if _count(drawn) <= MOST_ROWS:
            break
    return drawn


def _count(drawn: Timeline) -> int:
    return sum(map(_count_row, drawn.rows))


def _count_row(row: Row) -> int:
    return 1 + sum(map(_count_row, row.inside)) + sum(map(_count, row.children))


class _Drawing:
    def __init__(self, keys: Keys, whole: Audit, most: int) -> None:
        self.keys, self.most = keys, most
        self.origin, self.end = whole.started or 0.0, latest(whole)

    def timeline(self, audit: Audit, *, is_critical: bool = True) -> Timeline:
        """``is_critical``: what it lies in had to wait for it, so that its own critical path is part of the whole's."""
        end = self.end if audit.stopped is None else audit.stopped
        axis = Axis(audit.started or self.origin, end, self.origin)
        critical = {step.id for step in audit.critical} if is_critical else set()
        roots = self._nested(audit, [*lines(audit)], critical)
        rows, left_out = self._chosen(roots)
        return Timeline(audit, axis, rows, left_out)

    def _nested(self, audit: Audit, flat: list[Line], critical: set[int]) -> list[Row]:
        """Rows in rows, from lines that only know their depth."""
        roots: list[Row] = []
        around: list[tuple[int, Row]] = []
        for line in flat:
            while around and around[-1][0] >= line.depth:
                self._close(around.pop()[1])
            row = self._row(audit, line, critical)
            (around[-1][1].inside if around else roots).append(row)
            around.append((line.depth, row))
        while around:
            self._close(around.pop()[1])
        return [_only(row) for row in roots]

    def _row(self, audit: Audit, line: Line, critical: set[int]) -> Row:
        row = Row(
            line.label,
            region=line.region,
            outcome=line.outcome,
            began=line.entered,
            ended=line.left,
            worked=line.worked,
            waited=line.waited,
            retries=line.retries,
            critical=any(step.id in critical for step in line.steps),
        )
        if line.step is None:
            return row
        row.kind = line.step.kind
        row.key, row.looks = self.keys.of(audit, line.step), line.looks
        row.failures = [one.ended for step in line.steps for one in step.retries if one.ended is not None]
        for step in line.steps:
            self._take_work(row, step)
        return row

    def _take_work(self, row: Row, step: Step) -> None:
        """A container's work is its steps', a child's is that of the child's steps."""
        for child in filter(None, (*step.others, step.child)):
            if child.unread:
                row.unread.append(child.unread)
            if child.steps:
                row.children.append(self.timeline(child, is_critical=row.critical))
                row.work += [stretch for inner in row.children[-1].rows for stretch in inner.work]
        if not row.children and step.kind not in CONTAINERS:
            row.work += [(one.scheduled, one.ended or self.end) for one in step.attempts]

    def _close(self, row: Row) -> None:
        """Take in what is inside, once all of it is known."""
        if not row.inside:
            return
        inside = [_only(one) for one in row.inside]
        row.critical = row.critical or any(one.critical for one in inside)
        row.work = [stretch for one in inside for stretch in one.work]
        row.inside, row.left_out = self._chosen(inside)

    def _chosen(self, rows: list[Row]) -> tuple[list[Row], int]:
        """Give the rows worth looking at, in their order, and how many were left out."""
        if len(rows) <= self.most:
            return rows, 0
        by_worth = sorted(rows, key=lambda row: (row.outcome not in NOTABLE, not row.critical, -_seconds(row)))
        chosen = {id(row) for row in by_worth[: self.most]}
        return [row for row in rows if id(row) in chosen], len(rows) - self.most


def _seconds(row: Row) -> float:
    return float("inf") if row.ended is None else row.ended - row.began


def _only(row: Row) -> Row:
    """The one row of an iteration or branch that has no other, in its header's place."""
    if row.key or len(row.inside) != 1 or row.left_out:
        return row
    only = row.inside[0]
    only.place = row.label
    return only
