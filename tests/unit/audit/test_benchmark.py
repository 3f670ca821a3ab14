"""What the benchmark of the audit measures is what it says."""

from __future__ import annotations

from benchmarks import audit as benchmark
from meridian.audit.histories.lines import lines
from meridian.audit.model import Outcome

EVENTS = 2_500


def test_history() -> None:
    """Its history has as many events as asked for, in pages, and is a wait loop of Lambda tasks that was stopped."""
    pages = list(benchmark.pages(EVENTS))
    audit = benchmark.audit(pages)
    assert (len(pages), audit.events, audit.status, audit.unknown) == (3, EVENTS, Outcome.ABORTED, {})
    (line,) = lines(audit)
    assert (line.label, line.looks, line.region) == ("DescribeTable (replica)", EVENTS // 9 + 1, "eu-west-1")
    assert line.waited > 0.9 * (line.seconds or 0)


def test_best() -> None:
    """Each way is timed at its fastest."""
    slow, quick = benchmark.best(3, lambda: sum(range(100_000)), lambda: None)
    assert slow > quick
