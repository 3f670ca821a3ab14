"""What runs, as it stands now."""

from __future__ import annotations

import pytest

from meridian.audit.histories.lines import lines
from meridian.audit.model import Attempt, Audit, Outcome
from meridian.audit.page.facts import Figure, figures
from meridian.audit.page.keys import Keys
from meridian.audit.page.path import critical_path
from meridian.audit.page.rendering import render
from meridian.audit.page.timeline import timeline
from meridian.audit.so_far import so_far
from tests.unit.audit import samples
from tests.unit.audit.samples import START, Builder

NOW = START + 11


def waiting() -> Audit:
    """Two seconds of work, and then a Wait that nothing has ended."""
    build = Builder("provision", "waits", {"table": "orders"})
    build.task("ValidateRequest", 2)
    build.enter("Wait", "CreateTable: wait")
    audit = build.end(Outcome.RUNNING)
    audit.critical = list(audit.steps)
    return audit


def within(child: Audit) -> Audit:
    build = Builder("provision", "parent", {"table": "orders"})
    step = build.child("AddRegion", child)
    audit = build.end(Outcome.RUNNING)
    audit.critical = [step]
    return audit


def test_open_steps_last_until_now() -> None:
    """A Wait under way has waited until now, and is RUNNING still."""
    step = so_far(waiting(), NOW).steps[-1]
    assert (step.seconds, step.waited, step.worked, step.outcome) == (9, 9, 0, Outcome.RUNNING)


def test_open_attempts_last_until_now() -> None:
    """A task at work has worked until now."""
    step = so_far(samples.running(), START + 100).steps[-1]
    assert step.worked == step.seconds
    assert step.attempts[-1].outcome is Outcome.RUNNING


def test_rest_before_a_retry_is_waiting() -> None:
    """A task whose last try failed and that shall be tried again waits for that."""
    build = Builder("provision", "rests", {"table": "orders"})
    step = build.enter("Task", "CreateStream")
    step.attempts.append(Attempt(START, START, START + 1, Outcome.FAILED, "LimitExceededException"))
    step = so_far(build.end(Outcome.RUNNING), NOW).steps[0]
    assert (step.worked, step.waited) == (1, 10)


def test_children() -> None:
    """What a child has open lasts until now, too."""
    audit = so_far(within(waiting()), NOW)
    assert audit.steps[0].child
    assert audit.steps[0].child.steps[-1].left == NOW
    assert audit.critical == audit.steps


def test_the_audit_itself_is_left_as_it_is() -> None:
    """JSON Lines have no end of what has not ended, so nothing of the original is touched."""
    audit = within(waiting())
    so_far(audit, NOW)
    assert audit.steps[0].left is None
    assert [step.left is None for step in next(audit.children()).steps] == [False, True]


@pytest.mark.parametrize("sample", [samples.provision, samples.failed])
def test_ended(sample: object) -> None:
    """What has ended does not change with the time."""
    audit = sample()  # type: ignore[operator]  # a parameter
    assert so_far(audit, NOW + 1_000_000) is audit


def test_clock_that_is_behind() -> None:
    """Where this machine's clock is behind AWS's, nothing lasts less than the history tells."""
    assert so_far(waiting(), START - 60).steps[-1].seconds == 0


def test_around_open_steps() -> None:
    """Steps inside a Map lie in the copy of their Map."""
    build = Builder("provision", "maps", {"table": "orders"})
    each = build.enter("Map", "EachRegion")
    build.inside(each, 0, "us-east-1").enter("Wait", "Pause")
    container, pause = so_far(build.end(Outcome.RUNNING), NOW).steps
    assert pause.parent is container
    assert [line.seconds for line in lines(so_far(build.audit, NOW))] == [11, 11, 11]


def test_page_tells_where_the_time_goes() -> None:
    """The page's axis, its path and its figures reach until now: most of it was waiting."""
    audit = so_far(waiting(), NOW)
    path = {one.name: one for one in critical_path(audit, Keys(audit))}
    assert timeline(audit, Keys(audit)).axis.end == NOW
    assert (path["CreateTable"].seconds, path["CreateTable"].waits) == (9, True)
    assert path["CreateTable"].width == pytest.approx(100 * 9 / 11, abs=0.01)
    assert Figure("Duration", "11 s", "so far") in figures(audit)


def test_page_is_drawn_until_now() -> None:
    """The page draws what runs until the moment that its first sentence is about."""
    html = render(waiting(), NOW)
    assert "has been running for 11 s" in html
    assert "Running, began at 0:02.0, so far 9 s, of that waited 9 s" in html
    assert '<span class="note share">82 % waiting</span>' in html
