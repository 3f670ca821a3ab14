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
    slow, quick = history.enter("Task", "Add", first), history.enter("Task", "Add", second)
    last = history.enter("Task", "Add", item(2, history.after(3).leave("Task", "Add", quick)))
    history.after(1).leave("Task", "Add", slow)
    history.after(5).leave("Task", "Add", last)
    assert path(history) == [("Each", None), ("Add", 1), ("Add", 2)]


def test_each_try() -> None:
    """A Parallel that was tried again took the time of both tries."""
    history = History()
    failed = history.fail(history.call(history.enter("Task", "Add", parallel(history, "Both", 0))), "Busy", "")
    again = history.add("ParallelStateStarted", history.add("ParallelStateFailed", failed))
    history.task("Add", again)
    assert path(history) == [("Both", None), ("Add", 0), ("Add", 0)]
