"""Rows of a timeline, and the bars that are drawn for them.

A row's bar is hatched where nobody worked and filled where a task did. It has a mark where an attempt failed and
another followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meridian.audit.model import Audit
    from meridian.audit.page.axis import Axis

Stretch = tuple[float, float]  # from when until when, seconds since 1970

OPEN_SIBLINGS = 12  # a Map or Parallel with so few rows is shown open
MOST_STRETCHES = 100  # of one bar; nearer to each other they cannot be told apart
THINNEST = 0.4  # percent of the axis that can still be seen
# A failure elsewhere aborts what runs beside it, which tells nobody why.
SHOWN_OPEN = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.RUNNING, Outcome.PENDING_REDRIVE)
INSTANT = ("Choice", "Pass", "Succeed", "Fail")  # neither work nor wait


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
    kind: str = ""  # of the state
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
        yield _bar("work" if self.kind in INSTANT else "wait", self.began, end, axis)
        for since, until in apart(self.work, axis.seconds / MOST_STRETCHES):
            yield _bar("work", since, until, axis)

    def marks(self, axis: Axis) -> list[float]:
        """Places of failed attempts, in percent."""
        moments = [(when, when) for when in self.failures]
        return [axis.at(when) for when, _ in apart(moments, axis.seconds / MOST_STRETCHES)]


@dataclass
class Timeline:
    """An execution's rows on an axis of its own."""

    audit: Audit
    axis: Axis
    rows: list[Row]
    left_out: int = 0


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
