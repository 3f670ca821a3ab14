"""An audit as the rows that a person reads."""

from __future__ import annotations

from meridian.audit.histories.lines import Line, lines
from tests.unit.audit.recordings import audited
from tests.unit.histories import History

EU = "eu-west-1"


def rows(history: History) -> list[Line]:
    return lines(audited(history))


def turn(history: History, previous: int, *, ready: bool = False) -> int:
    """A turn of a wait loop."""
    previous = history.after(1).task("AddReplica", previous)
    previous = history.leave("Choice", "AddReplica: ready?", history.enter("Choice", "AddReplica: ready?", previous))
    if ready:
        return previous
    entered = history.enter("Wait", "AddReplica: wait", previous)
    return history.after(15).leave("Wait", "AddReplica: wait", entered)


def test_loop_is_one_line() -> None:
    """The turns of a wait loop are one row, with its looks, its waiting and its whole time."""
    history = History({"region": EU})
    looped = turn(history, turn(history, turn(history, 0)), ready=True)
    history.task("ProtectTable", looped)
    line, after = rows(history)
    assert (line.label, line.looks, line.waited, line.seconds, line.region) == ("AddReplica", 3, 30, 32, EU)
    assert (line.step, line.last, len(line.steps)) == (line.steps[0], line.steps[-1], 8)
    assert (after.label, after.looks) == ("ProtectTable", 1)


def test_running_loop() -> None:
    """A loop that goes on has no end, and is under way although its stays so far succeeded."""
    history = History()
    turn(history, 0)
    history.enter("Wait", "AddReplica: wait", turn(history, 0, ready=True))
    (line,) = rows(history)
    assert (line.left, line.seconds, line.outcome) == (None, None, "RUNNING")


def test_caught_in_a_loop() -> None:
    """A loop in which an error was caught says so, though its last stay succeeded."""
    history = History()
    failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "Busy", "")
    turn(history, history.leave("Task", "AddReplica", failed), ready=True)
    (line,) = rows(history)
    assert (line.outcome, line.looks) == ("CAUGHT", 2)


def test_inside_of_a_map() -> None:
    """Each item is under a header of its own, its rows deeper, whichever event came first."""
    history = History()
    started = history.add("MapStateStarted", history.enter("Map", "EachRegion", 0))
    starts = [
        history.add(
            "MapIterationStarted", started, mapIterationStartedEventDetails={"name": "EachRegion", "index": index}
        )
        for index in (1, 0)
    ]
    for iteration, region in zip(starts, (EU, "us-east-1"), strict=True):
        history.enter("Task", "AddRegion", iteration, region=region)
    history.after(5)
    assert [(line.depth, line.label, line.step is None) for line in rows(history)] == [
        (0, "EachRegion", False),
        (1, "item 0 us-east-1", True),
        (2, "AddRegion", False),
        (1, f"item 1 {EU}", True),
        (2, "AddRegion", False),
    ]


def test_tries_of_a_parallel() -> None:
    """The branches of each try have their own headers."""
    history = History()
    started = history.add("ParallelStateStarted", history.enter("Parallel", "Both", 0))
    failed = history.fail(history.call(history.enter("Task", "AddReplica", started)), "Busy", "")
    again = history.add("ParallelStateStarted", history.add("ParallelStateFailed", failed))
    history.task("AddReplica", again)
    assert [line.label for line in rows(history)] == [
        "Both",
        "branch 0, try 1",
        "AddReplica",
        "branch 0, try 2",
        "AddReplica",
    ]


def test_visits_apart() -> None:
    """Stays in the same state that others came between are rows of their own."""
    history = History()
    history.task("DescribeTable", history.task("ProtectTable", history.task("DescribeTable", 0)))
    assert [line.label for line in rows(history)] == ["DescribeTable", "ProtectTable", "DescribeTable"]
