"""An audit in the terminal."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from meridian.audit.model import Audit, Outcome
from meridian.audit.terminal import tree
from meridian.audit.terminal.nodes import MOST_NEIGHBOURS, left_out, nodes
from tests.unit.audit import samples
from tests.unit.audit.samples import START, Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meridian.audit.terminal.nodes import Node

WIDE, NARROW = 160, 80
NOW = START + 100


def drawn(audit: Audit, width: int = WIDE, *, full: bool = False, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, color_system=None)
    tree.show(console, audit, full=full, now=NOW)
    file.seek(0)
    return file.read()


def row(text: str, label: str) -> str:
    """The first row of a step."""
    return next(line for line in text.splitlines() if re.search(rf"[─-] {re.escape(label)}( |$)", line))


def flat(found: list[Node]) -> Iterator[Node]:
    for node in found:
        yield node
        yield from flat(node.inside)


class TestFailure:
    @pytest.mark.parametrize("width", [WIDE, NARROW])
    def test_first_screen(self, width: int) -> None:
        """The first screen of a failure says what failed, where, why, what to do and what is kept."""
        screen = drawn(samples.failed(), width).splitlines()[:24]
        assert screen[0].startswith("provision of orders failed after 1 min 23 s in add-region eu-west-1, CreateStream")
        joined = re.sub(r"\s+", " ", " ".join(screen))
        for answer in (
            "what failed CreateStream of add-region eu-west-1, at try 6",
            "where eu-west-1: provision > add-region eu-west-1 > CreateStream",
            "why AWS refused CreateStream in eu-west-1: Request would exceed the shard limit",
            "what to do Start the workflow again with the same input",
            "what is kept Everything made before is kept",
        ):
            assert answer in joined

    def test_steps(self) -> None:
        """Children lie inside the step that started them; the failed step has its error and its retries."""
        text = drawn(samples.failed())
        assert "FAILED LimitExceededException, 5 retries" in text
        assert "FAILED States.TaskFailed, runs add-region eu-west-1" in text
        assert "ABORTED, runs add-region ap-southeast-1" in text


class TestSteps:
    def test_times(self) -> None:
        """A folded wait loop is one row with its looks, and what it worked apart from what it waited."""
        columns = row(drawn(samples.provision()), "CreateTable").split()
        assert columns[-9:] == ["us-east-1", "11", "s", "1.2", "s", "10", "s", "3", "looks"]

    def test_retries(self) -> None:
        """A retried error is told with its name."""
        assert "1 retry: ThrottlingException" in row(drawn(samples.provision()), "AddReplica")

    def test_work_of_children(self) -> None:
        """The header of an item leaves the time of a child execution to the child's own steps, as its step does."""
        header = row(drawn(samples.failed(), full=True), "item 1 eu-west-1")
        assert header.split("eu-west-1")[-1].split() == ["1", "min", "3", "s", "FAILED"]

    def test_critical_path(self) -> None:
        """Only the steps of the critical path carry its mark, and in children only where the whole waited for them."""
        for name in ("AddRegion ◆", "ReplicaAndStream ◆"):
            (line,) = (line for line in drawn(samples.provision()).splitlines() if name in line)
            assert "ap-southeast-1" in line

    def test_states_that_only_lead_on(self) -> None:
        """Choice, Pass and Succeed are counted and not shown, unless all is asked for."""
        short, full = drawn(samples.provision()), drawn(samples.provision(), full=True)
        assert "ReplicaReady" not in short
        assert "7 rows of little interest left out" in short
        assert "ReplicaReady" in full
        assert "left out" not in full

    def test_running(self) -> None:
        """What runs has lasted until now, and says what it waits for."""
        line = row(drawn(samples.running()), "AddReplica")
        assert re.search(r" 1 min 40 s  .*RUNNING, 4 looks, waits for another replica CREATING", line)

    def test_unread_child(self) -> None:
        """A child that could not be read is named with the reason."""
        audit = samples.provision()
        step = next(step for step in audit.steps if step.child)
        assert step.child
        step.child = Audit(step.child.arn, unread="AccessDeniedException: no")
        assert "not read: AccessDeniedException: no" in drawn(audit)

    def test_earlier_try(self) -> None:
        """An execution that an earlier try of a step started has a row of its own."""
        audit = samples.provision()
        step = next(step for step in audit.steps if step.child)
        step.others = [samples._aborted_region()]
        assert "also started: add-region ap-southeast-1" in drawn(audit)


class TestLong:
    def items(self, count: int, bad: Callable[[int], bool] = lambda _: False) -> Audit:
        build = Builder("refresh-regions", "run", {"table": "orders"})
        container = build.enter("Map", "EachRegion")
        for index in range(count):
            build.inside(container, index, f"r-{index}")
            build.task("Look")
            build.task("Act", 1 + index / 100, error="E" if bad(index) else "")
        build.leave(container)
        return build.end()

    def test_many_items(self) -> None:
        """Of many items those at the ends and the longest are shown, and the others counted with their times."""
        audit = self.items(500)
        (container,) = nodes(audit, full=False)
        assert len(container.inside) <= MOST_NEIGHBOURS
        assert container.inside[0].label == "item 0 r-0"
        assert container.inside[-1].label == "item 499 r-499"
        gathered = sum(len(node.gathered) for node in container.inside)
        assert gathered + sum(not node.gathered for node in container.inside) == 500
        assert re.search(r"\d+ more: \d+ SUCCEEDED, each ", drawn(audit))

    def test_many_executions(self) -> None:
        """Of the many executions of a Map Run those that failed are shown, and the others counted with their times."""
        build = Builder("provision", "distributed", {})
        container = build.enter("Map", "EachItem")
        for index in range(50):
            one = Builder("each", f"item-{index}", {"region": f"r-{index}"})
            one.task("Look", 1 + index / 10)
            container.others.append(one.end(Outcome.FAILED if index == 25 else Outcome.SUCCEEDED))
        build.leave(container)
        text = drawn(build.end())
        assert "also started: each r-25" in text
        counted = sum(int(count) for count in re.findall(r"(\d+) more: \d+ SUCCEEDED, each ", text))
        assert counted + text.count("also started") == 50

    def test_bad_items_come_first(self) -> None:
        """An item that failed is shown, however many there are."""
        found = nodes(self.items(500, bad=lambda index: index == 250), full=False)
        assert any(node.label == "item 250 r-250" for node in flat(found))

    def test_full(self) -> None:
        """With everything asked for nothing is counted away."""
        audit = self.items(100)
        found = nodes(audit, full=True)
        assert left_out(audit, found) == 0
        assert not any(node.gathered for node in flat(found))

    def test_item_with_one_state(self) -> None:
        """An item with a single state in it is that state, told by its Region."""
        text = drawn(samples.provision())
        assert "item 0" not in text
        assert "AddRegion" in text


class TestChanges:
    def test_table(self) -> None:
        """What was created, changed or deleted is told with AWS's request id, Region and step."""
        text = drawn(samples.provision())
        change = samples.change("CreateTable", "us-east-1")
        (line,) = (line for line in text.splitlines() if change.request_id in line)
        assert line.split() == ["created", "orders", "us-east-1", "CreateTable", change.request_id, "CreateTable"]
        assert "6 more calls changed something: --full shows all." in text

    def test_full(self) -> None:
        """All changes are shown where all is asked for."""
        text = drawn(samples.provision(), full=True)
        for one in samples.provision().tree():
            for _, change in one.changes():
                assert change.request_id in text

    def test_narrow(self) -> None:
        """In a narrow terminal a request id stays whole, to be copied."""
        request_id = samples.change("CreateTable", "us-east-1").request_id
        assert f"created orders in us-east-1: CreateTable {request_id}\n" in drawn(samples.provision(), NARROW)

    def test_none(self) -> None:
        """An execution that changed nothing has no table of changes."""
        assert "request id" not in drawn(samples.running())


class TestFacts:
    def test_facts(self) -> None:
        """Who started it, which version, its input, what it cost and where it is."""
        text = drawn(samples.provision())
        for fact in (
            "2026-11-21 12:00:00Z, by deploy.py",
            "4 of meridian-provision",
            '{"table": "orders"',
            "131 state transitions in 8 executions, 0.003275 USD at list price",
            samples.provision().arn,
        ):
            assert fact in text

    def test_arn(self) -> None:
        """In a narrow terminal the ARN stays whole, to be copied."""
        assert f"execution  {samples.provision().arn}\n" in drawn(samples.provision(), NARROW)

    def test_schedule(self) -> None:
        """A scheduled execution names its alias."""
        text = drawn(samples.failed_validation())
        assert "by schedule arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate:scheduled" in text
        assert "by alias scheduled" in text

    def test_redrive(self) -> None:
        """A redrive has its moment."""
        assert "redrive 1  2026-11-21 12:00:05Z" in drawn(samples.running())


class TestHostile:
    @pytest.mark.parametrize("width", [WIDE, NARROW])
    @pytest.mark.parametrize("full", [True, False])
    def test_nothing_acts(self, width: int, full: bool) -> None:
        """No text of an execution is markup for Rich, or moves or colours anything."""
        text = drawn(samples.hostile(), width, full=full)
        assert not set(text) & set("\x1b\x07\x00\u202e")
        assert "[bold red]rich[/]" in re.sub(r"\s+", " ", text)

    def test_ascii(self) -> None:
        """Where the terminal knows only ASCII the lines are drawn in it."""
        audit = samples.provision()
        text = drawn(audit, encoding="ascii")
        assert "+- ValidateRequest *" in text
        assert text.isascii()


def test_ended_badly_without_steps() -> None:
    """An execution without any step still has its verdict and its facts."""
    audit = Audit(samples.execution_arn("validate", "x"), status=Outcome.TIMED_OUT)
    assert drawn(audit).startswith("validate timed out.")
