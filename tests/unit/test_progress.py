from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from meridian.history import Execution
from meridian.progress import Narrator, duration, show, table
from tests.unit.histories import START, History, arn

EU = "eu-west-1"


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, _environ={"TERM": "xterm"})


def text(drawn: Console) -> str:
    assert isinstance(drawn.file, io.StringIO)
    return drawn.file.getvalue()


def waiting(looks: int = 3) -> History:
    """A replica that is busy for ``looks`` looks of 15 s."""
    history = History({"region": EU})
    previous = 0
    for look in range(looks):
        previous = history.task("AddReplica", previous, {"status": "BUSY", "detail": "[orders] replica CREATING"})
        entered = history.enter("Wait", "AddReplica: wait", previous)
        if look < looks - 1:
            previous = history.after(15).leave("Wait", "AddReplica: wait", entered)
    return history


def executed(history: History) -> Execution:
    execution = Execution(arn("add-region"))
    execution.fold(history.events)
    return execution


class TestTable:
    def test_waiting(self) -> None:
        """A wait loop is one line: workflow, Region, state, time since its first look, looks, reason."""
        drawn = console(terminal=True)
        drawn.print(table(executed(waiting()), START + timedelta(seconds=40)))
        line = next(line for line in text(drawn).splitlines() if "AddReplica" in line)
        for part in ("add-region eu-west-1", "AddReplica", "40 s", "3", "[orders] replica CREATING"):
            assert part in line

    def test_retry(self) -> None:
        """A task between two tries says which error it met."""
        history = History()
        history.fail(history.call(history.enter("Task", "CreateTable", 0)), "ThrottlingException", "slow")
        drawn = console(terminal=True)
        drawn.print(table(executed(history), START))
        assert "will be tried again (ThrottlingException)" in text(drawn)

    def test_brackets(self) -> None:
        """What a state says is shown as it is, and never taken for markup."""
        drawn = console(terminal=True)
        drawn.print(table(executed(waiting()), START))
        assert "[orders]" in text(drawn)


class TestLines:
    def test_no_terminal(self) -> None:
        """Without a terminal there is no control code, and each thing is told once."""
        execution = executed(waiting(5))
        drawn = console()
        assert show(drawn, [execution, execution, execution]) is execution
        told = text(drawn)
        assert "\x1b" not in told
        assert told.count("AddReplica: waiting for [orders] replica CREATING") == 1
        assert len(told.splitlines()) == 2

    def test_dumb_terminal(self) -> None:
        """A terminal that cannot move its cursor gets the plain lines."""
        drawn = Console(file=io.StringIO(), force_terminal=True, width=120, _environ={"TERM": "dumb"})
        show(drawn, [executed(waiting())])
        assert "AddReplica: waiting for" in text(drawn)

    def test_forced_color(self) -> None:
        """Colors in a file are no reason to move a cursor in it."""
        drawn = Console(file=io.StringIO(), force_terminal=True, force_interactive=False, width=120)
        show(drawn, [executed(waiting())])
        assert "\x1b[2K" not in text(drawn)
        assert "AddReplica: waiting for" in text(drawn)

    def test_terminal(self) -> None:
        """On a terminal the table is wiped at the end, so that only results stay."""
        drawn = console(terminal=True)
        show(drawn, [executed(waiting())])
        assert "\x1b[2K" in text(drawn)

    def test_in_order(self) -> None:
        """Events of a parent and its children are told by their time."""
        parent, child = History(), History({"region": EU})
        parent.submit("AddRegion", 0, arn("add-region", "eu"), region=EU)
        child.seconds = 2
        child.task("AddReplica", 0)
        parent.seconds = 5
        parent.enter("Task", "Validate", 0)
        execution = Execution(arn("provision"))
        execution.fold(parent.events)
        execution.children[0].fold(child.events)
        told = [line.split()[-1] for line in Narrator().news(execution)]
        assert told == ["eu-west-1", "AddReplica", "Validate"]

    def test_failure_and_end(self) -> None:
        """A failed try and the end of an execution are told, with the time it took."""
        history = History({"region": EU})
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "NotOurs", "Foreign.")
        history.after(200).end("Failed", failed, error="NotOurs", cause="")
        parent = History()
        parent.submit("AddRegion", 0, arn("add-region"), region=EU)
        execution = Execution(arn("provision"))
        execution.fold(parent.events)
        execution.children[0].fold(history.events)
        lines = list(Narrator().news(execution))
        assert "AddReplica: NotOurs at try 1" in lines[2]
        assert "FAILED after 3:20" in lines[3]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (8, "8 s"), (59.6, "1:00"), (200, "3:20"), (3723, "1:02:03"), (90_000, "25:00:00")],
)
def test_duration(seconds: float, said: str) -> None:
    """Durations are short, and never negative where two clocks differ."""
    assert duration(START, START + timedelta(seconds=seconds)) == said
