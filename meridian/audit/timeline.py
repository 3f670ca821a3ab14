"""A timeline: an execution's lines as rows with bars, each child execution with a timeline of its own inside.

A row's bar is hatched where nobody worked and filled where a task did. It has a mark where an attempt failed and
another followed. What a person cannot look through is left out and counted; the table of steps has it all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.axis import Axis
from meridian.audit.lines import lines
from meridian.audit.model import CONTAINERS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meridian.audit.keys import Keys
    from meridian.audit.lines import Line
    from meridian.audit.model import Audit, Step

Stretch = tuple[float, float]  # from when until when, seconds since 1970

MOST_ROWS = 1_500  # of the whole page; some 700 bytes each
SIBLINGS = (60, 30, 15, 8, 4)  # at most so many rows side by side, the fewer the more rows there are
OPEN_SIBLINGS = 12  # a Map or Parallel with so few rows is shown open
MOST_STRETCHES = 100  # of one bar; nearer to each other they cannot be told apart
THINNEST = 0.4  # percent of the axis that can still be seen
# A failure elsewhere aborts what runs beside it, which tells nobody why.
SHOWN_OPEN = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.RUNNING, Outcome.PENDING_REDRIVE)
NOTABLE = (*SHOWN_OPEN, Outcome.ABORTED, Outcome.CAUGHT)


@dataclass(frozen=True)
class Bar:
    """``at`` and ``width`` are percent of the axis; ``kind`` is wait or work."""

    kind: str
    at: float
    width: float


@dataclass
class Row:
    """One line. ``key`` finds it in the table of steps; a header of an iteration or branch has none."""

    label: str
    key: str = ""
    place: str = ""  # the iteration or branch that it is all of
    region: str = ""
    outcome: Outcome = Outcome.SUCCEEDED
    began: float = 0.0
    ended: float | None = None  # None while it runs
    worked: float = 0.0
    waited: float = 0.0
    looks: int = 0
    retries: int = 0
    critical: bool = False
    work: list[Stretch] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)  # when attempts failed that were followed by another
    inside: list[Row] = field(default_factory=list)
    left_out: int = 0  # of the rows inside
    children: list[Timeline] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # why there is nothing of a child inside

    @property
    def folds(self) -> bool:
        return bool(self.inside or self.children or self.unread)

    @property
    def open(self) -> bool:
        """Whether it is shown open: where the failure lies, what still runs, and a Map of a few Regions."""
        return self.outcome in SHOWN_OPEN or 0 < len(self.inside) <= OPEN_SIBLINGS

    def bars(self, axis: Axis) -> Iterator[Bar]:
        """Give the whole stretch, and on it those in which a task worked."""
        end = axis.end if self.ended is None else self.ended
        yield _bar("wait" if self.work or self.waited or self.folds else "work", self.began, end, axis)
        for since, until in apart(self.work, axis.seconds / MOST_STRETCHES):
            yield _bar("work", since, until, axis)

    def marks(self, axis: Axis) -> list[float]:
        """Places of failed attempts, in percent."""
        return [
            axis.at(when) for when, _ in apart([(when, when) for when in self.failures], axis.seconds / MOST_STRETCHES)
        ]


@dataclass
class Timeline:
    """An execution's rows on an axis of its own."""

    audit: Audit
    axis: Axis
    rows: list[Row]
    left_out: int = 0


def timeline(audit: Audit, keys: Keys) -> Timeline:
    """Draw an audit with all its children, in at most about ``MOST_ROWS`` rows."""
    for most in SIBLINGS:
        drawn = _Drawing(keys, audit, most).timeline(audit)
        if _count(drawn) <= MOST_ROWS:
            break
    return drawn


def latest(audit: Audit) -> float:
    """Give the last moment that an audit and its children tell of."""
    known = [audit.started or 0.0, audit.stopped or 0.0]
    for step in audit.steps:
        known.append(step.left or step.entered)
        known += [attempt.ended or attempt.started or attempt.scheduled for attempt in step.attempts[-1:]]
    return max(*known, *(latest(child) for child in audit.children()))


def apart(stretches: Iterable[Stretch], gap: float) -> list[Stretch]:
    """Give stretches at least ``gap`` seconds from each other, so that they can be told apart.

    Those that are closer are one where there was more work than waiting; of many short ones, as in a wait loop with a
    thousand looks, some stand for all.
    """
    chosen: list[Stretch] = []
    for since, until in sorted(stretches):
        idle = since - chosen[-1][1] if chosen else gap
        if chosen and idle <= min(until - since, gap):
            chosen[-1] = (chosen[-1][0], max(chosen[-1][1], until))
        elif idle >= gap:
            chosen.append((since, until))
    return chosen


def _bar(kind: str, since: float, until: float, axis: Axis) -> Bar:
    width = max(axis.width(since, until), THINNEST)
    return Bar(kind, min(axis.at(since), 100 - width), width)


def _count(drawn: Timeline) -> int:
    return sum(map(_count_row, drawn.rows))


def _count_row(row: Row) -> int:
    return 1 + sum(map(_count_row, row.inside)) + sum(map(_count, row.children))


class _Drawing:
    def __init__(self, keys: Keys, whole: Audit, most: int) -> None:
        self.keys, self.most = keys, most
        self.origin, self.end = whole.started or 0.0, latest(whole)

    def timeline(self, audit: Audit) -> Timeline:
        end = self.end if audit.stopped is None else audit.stopped
        axis = Axis(audit.started or self.origin, end, self.origin)
        critical = {step.id for step in audit.critical}
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
                row.children.append(self.timeline(child))
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
