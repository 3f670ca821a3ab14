"""The timeline's axis, rows and bars, and the critical path, before they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meridian.audit.model import Outcome
from meridian.audit.page.axis import MOST_TICKS, Axis, clock
from meridian.audit.page.keys import Keys
from meridian.audit.page.path import critical_path
from meridian.audit.page.rows import MOST_STRETCHES, Row, Timeline, apart
from meridian.audit.page.timeline import MOST_ROWS, timeline
from meridian.audit.words import span
from tests.unit.audit.samples import START, Builder, failed, provision, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit


def drawn(audit: Audit) -> Timeline:
    return timeline(audit, Keys(audit))


def rows(one: Timeline) -> Iterator[Row]:
    """Give every row, those inside and those of children too."""
    for row in one.rows:
        yield from _inside(row)


def _inside(row: Row) -> Iterator[Row]:
    yield row
    for inner in row.inside:
        yield from _inside(inner)
    for child in row.children:
        yield from rows(child)


@pytest.mark.parametrize("seconds", [0, 0.03, 1, 59, 3_600, 86_400, 40_000_000])
def test_axis_has_few_ticks_that_rise(seconds: float) -> None:
    """Whatever its length, an axis has a handful of ticks, in order, each with a label of its own."""
    ticks = list(Axis(START, START + seconds, START).ticks())
    assert 1 <= len(ticks) <= MOST_TICKS + 1
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_child_axis_counts_from_the_start_of_the_whole() -> None:
    """The ticks of a child tell the time since its first parent began, at round numbers."""
    ticks = [tick.label for tick in Axis(START + 42.3, START + 62, START).ticks()]
    assert ticks == ["0:45", "0:50", "0:55", "1:00"]


def test_moments_outside_the_axis_lie_at_its_ends() -> None:
    """A step that ended after its execution, as in a history cut off, is drawn up to the end."""
    axis = Axis(START, START + 10, START)
    assert (axis.at(START - 5), axis.at(START + 5), axis.at(START + 50)) == (0, 50, 100)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00.0"), (42, "0:42.0"), (725.3, "12:05.3"), (11_525, "3:12:05"), (183_600, "2 d 3:00")]
)
def test_clock(seconds: float, told: str) -> None:
    """Elapsed time reads as on a stop-watch."""
    assert clock(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.018, "18 ms"), (0, "0 s"), (0.97, "1 s"), (192, "3 min 12 s"), (None, "-")]
)
def test_span(seconds: float | None, told: str) -> None:
    """Below a second, milliseconds tell what tenths of seconds cannot."""
    assert span(seconds) == told


def test_loop_is_one_hatched_row_with_its_work_on_it() -> None:
    """A wait loop is one row: a hatched bar, and a filled one for each look."""
    chart = drawn(provision())
    row = next(row for row in chart.rows if row.label == "CreateTable")
    kinds = [bar.kind for bar in row.bars(chart.axis)]
    assert (row.looks, kinds) == (3, ["wait", "work", "work", "work"])


def test_bar_never_has_more_stretches_than_can_be_seen() -> None:
    """Of a thousand looks some are drawn, and between them one still sees that most was waiting."""
    build = Builder("add-region", "many", {"table": "orders"})
    build.loop("AddReplica", 1_000, 15)
    chart = drawn(build.end())
    _, *work = chart.rows[0].bars(chart.axis)
    assert 10 < len(work) <= MOST_STRETCHES
    assert sum(bar.width for bar in work) < 50


def test_retries_are_marked_where_they_failed() -> None:
    """Each attempt that failed and was followed by another is a mark at its end."""
    lost = next(row for row in rows(drawn(failed())) if row.label == "CreateStream" and row.outcome is Outcome.FAILED)
    assert lost.retries == 5
    assert len(lost.marks(Axis(lost.began, lost.ended or 0, START))) == 5


def test_item_with_one_step_is_that_step() -> None:
    """A Map over Regions shows a row a Region, not an item with a row inside."""
    each = next(row for row in drawn(provision()).rows if row.label == "EachRegion")
    assert [(row.label, row.region, row.place) for row in each.inside] == [
        ("AddRegion", "us-east-1", "item 0 us-east-1"),
        ("AddRegion", "eu-west-1", "item 1 eu-west-1"),
        ("AddRegion", "ap-southeast-1", "item 2 ap-southeast-1"),
    ]


def test_child_has_its_own_axis() -> None:
    """A child's timeline spans the child, and its rows are in it."""
    each = next(row for row in drawn(provision()).rows if row.label == "EachRegion")
    child = each.inside[1].children[0]
    assert child.axis.start == child.audit.started
    assert child.axis.end == child.audit.stopped
    assert child.rows[0].label == "LoadDeployment"


def test_what_runs_reaches_the_last_known_moment() -> None:
    """A step under way is drawn up to the last moment that the history tells of."""
    chart = drawn(running())
    row = chart.rows[-1]
    *_, last = row.bars(chart.axis)
    assert row.ended is None
    assert last.at + last.width == pytest.approx(100)


def test_wait_under_way_is_hatched() -> None:
    """A Wait that goes on has no work on it, and a Choice has no wait."""
    build = Builder("add-region", "waits", {"table": "orders"})
    build.quick("Choice", "Ready?")
    build.enter("Wait", "Pause")
    build.clock += 5
    chart = drawn(build.end(Outcome.RUNNING))
    assert [[bar.kind for bar in row.bars(chart.axis)] for row in chart.rows] == [["work"], ["wait"]]


def test_unread_child_says_why() -> None:
    """A child that may not be read is a row that folds open to the reason."""
    audit = provision()
    child = next(iter(audit.children()))
    child.steps, child.unread = [], "AccessDeniedException: not yours"
    row = next(row for row in rows(drawn(audit)) if row.unread)
    assert (row.folds, row.unread) == (True, ["AccessDeniedException: not yours"])


def test_too_many_rows_are_thinned_out_but_not_what_matters() -> None:
    """Of 2,000 items few are drawn, and among these are the one that failed and the longest."""
    build = Builder("validate", "wide", {"table": "orders"})
    each = build.enter("Map", "Each")
    for number in range(2_000):
        build.clock = START
        build.inside(each, number).task("Look", 60 if number == 77 else 1, error="Lost" if number == 1_321 else "")
    build.leave(each)
    audit = build.inside(None).end()
    top = drawn(audit).rows[0]
    assert len(list(rows(drawn(audit)))) <= MOST_ROWS
    assert len(top.inside) + top.left_out == 2_000
    assert {"item 77", "item 1321"} <= {row.place for row in top.inside}


def test_work_without_pause_is_one_stretch() -> None:
    """Stretches that overlap, or have less between them than they last, are one; a short one too near is left out."""
    assert apart([(5, 6), (0, 2), (1, 3), (3.1, 4), (6.2, 6.21)], 0.5) == [(0, 4), (5, 6)]


def test_nothing_is_critical_in_a_child_that_nobody_waited_for() -> None:
    """Of children side by side only that on the critical path of the whole shows its own."""
    children = [child for row in rows(drawn(failed())) for child in row.children]
    assert {child.audit.name: any(row.critical for row in child.rows) for child in children} == {
        child.audit.name: child.audit.status is Outcome.FAILED for child in children
    }
    assert len(children) > 2


def test_critical_path_goes_down_into_children() -> None:
    """The path names what took the time, in the child where it was, and loops once."""
    audit = provision()
    path = critical_path(audit, Keys(audit))
    longest = max(path, key=lambda one: one.seconds)
    assert (longest.name, longest.execution, longest.waits) == (
        "DescribeTable (replica)",
        "add-region ap-southeast-1",
        True,
    )
    assert not {"EachRegion", "ReplicaAndStream"} & {one.name for one in path}
    assert all(one.at >= 0 and one.at + one.width <= 100.01 for one in path)
