"""Which steps made an execution take as long as it did."""

from __future__ import annotations

from tests.unit.audit.recordings import audited
from tests.unit.histories import History


def path(history: History) -> list[tuple[str, int | None]]:
    return [(step.name, step.iteration) for step in audited(history).critical]


def parallel(history: History, name: str, previous: int) -> int:
    return history.add("ParallelStateStarted", history.enter("Parallel", name, previous))


def test_line() -> None:
    """Where nothing happens side by side every step counts, in order."""
    history = History()
    history.task("CreateTable", history.task("ValidateRequest", 0))
    assert path(history) == [("ValidateRequest", None), ("CreateTable", None)]


def test_last_branch() -> None:
    """Of a Parallel counts the branch that ended last, however deep."""
    history = History()
    outer = parallel(history, "Outer", 0)
    history.task("Quick", outer)
    inner = parallel(history, "Inner", outer)
    slow = history.enter("Task", "Slow", inner)
    history.after(1).task("Quick inside", inner)
    done = history.leave("Task", "Slow", history.answer(history.after(5).call(slow)))
    left = history.leave("Parallel", "Inner", history.add("ParallelStateSucceeded", done))
    left = history.leave("Parallel", "Outer", history.add("ParallelStateSucceeded", left))
    history.task("After", left)
    assert path(history) == [("Outer", None), ("Inner", 1), ("Slow", 0), ("After", None)]


def test_failed_branch() -> None:
    """Of a Parallel that failed counts the branch that failed: the others ended no earlier."""
    history = History()
    started = parallel(history, "Both", 0)
    history.enter("Wait", "Rest", started)
    failed = history.after(2).fail(history.call(history.enter("Task", "Work", started)), "Busy", "")
    history.end("Failed", history.after(1).add("ParallelStateFailed", failed), error="Busy")
    assert path(history) == [("Both", None), ("Work", 1)]


def test_running() -> None:
    """What still runs is what one waits for."""
    history = History()
    started = parallel(history, "Both", 0)
    history.enter("Wait", "Rest", started)
    history.after(9).task("Work", started)
    assert path(history) == [("Both", None), ("Rest", 0)]


def test_one_item_after_the_other() -> None:
    """With a limited concurrency the items count that the last one had to wait for."""
    history = History()
    started = history.add("MapStateStarted", history.enter("Map", "Each", 0))

    def item(index: int, previous: int) -> int:
        about = {"name": "Each", "index": index}
        return history.add("MapIterationStarted", previous, mapIterationStartedEventDetails=about)

    first, second = item(0, started), item(1, started)
    slow, quick = history.enter("Task", "Add", first), history.enter("Task", "Add", second)
    last = history.enter("Task", "Add", item(2, history.after(3).leave("Task", "Add", quick)))
    history.after(1).leave("Task", "Add", slow)
    history.after(5).leave("Task", "Add", last)
    assert path(history) == [("Each", None), ("Add", 1), ("Add", 2)]


def test_items_that_take_no_time() -> None:
    """An item that began and ended in one moment counts once."""
    history = History()
    before = history.add("MapStateStarted", history.enter("Map", "Each", 0))
    for index in (0, 1):
        about = {"name": "Each", "index": index}
        started = history.after(1).add("MapIterationStarted", before, mapIterationStartedEventDetails=about)
        before = history.leave("Pass", "Add", history.enter("Pass", "Add", started))
    assert path(history) == [("Each", None), ("Add", 0), ("Add", 1)]


def test_each_try() -> None:
    """A Parallel that was tried again took the time of both tries."""
    history = History()
    failed = history.fail(history.call(history.enter("Task", "Add", parallel(history, "Both", 0))), "Busy", "")
    again = history.add("ParallelStateStarted", history.add("ParallelStateFailed", failed))
    history.task("Add", again)
    assert path(history) == [("Both", None), ("Add", 0), ("Add", 0)]
