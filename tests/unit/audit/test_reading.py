"""Executions read with their children, as far as those can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from meridian.audit.histories.reading import DEEPEST, MAP_RUN_CHILDREN, read
from meridian.audit.model import Outcome
from meridian.audit.page.rendering import render
from meridian.audit.source import ExecutionUnknown, Listed
from tests.unit.audit.recordings import events
from tests.unit.histories import History, arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.source import Event

MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:meridian-provision/each:run"
PARENT, CHILD, GRANDCHILD = arn("provision"), arn("add-region", "eu"), arn("deploy-processors", "deep")


class Histories:
    """A source of hand-made histories; those named in ``hidden`` may not be read."""

    def __init__(self, histories: dict[str, History], *hidden: str) -> None:
        self.histories, self.hidden = histories, hidden
        self.definitions: dict[str, dict[str, Any]] = {}

    def describe(self, arn: str) -> dict[str, Any]:
        if arn in self.hidden:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "DescribeExecution")
        if arn not in self.histories:
            raise ExecutionUnknown(arn)
        return {"executionArn": arn, "source": f"s3://archive/{arn}"}

    def events(self, arn: str) -> Iterator[Event]:
        return events(self.histories[arn])

    def definition(self, arn: str) -> dict[str, Any] | None:
        return self.definitions.get(arn)

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        raise AssertionError((workflow, since))


def family() -> dict[str, History]:
    parent, child = History(), History()
    parent.submit("AddRegion", 0, CHILD)
    child.submit("DeployProcessors", 0, GRANDCHILD)
    return {PARENT: parent, CHILD: child, GRANDCHILD: History()}


def test_children() -> None:
    """Children are read with theirs, each at the step that started it."""
    audit = read(Histories(family()), PARENT)
    assert [one.arn for one in audit.tree()] == [PARENT, CHILD, GRANDCHILD]
    assert (audit.steps[0].child and audit.steps[0].child.arn) == CHILD


def test_source() -> None:
    """An audit says where it was read from, if the source tells."""
    assert read(Histories(family()), PARENT).source == f"s3://archive/{PARENT}"


def test_hidden_child() -> None:
    """A child that may not be read says why in AWS's words, and hides nothing else."""
    audit = read(Histories(family(), CHILD), PARENT)
    assert [one.unread for one in audit.tree()] == ["", "AccessDeniedException: not yours"]


def test_forgotten_child() -> None:
    """A child that is forgotten says so."""
    histories = family()
    del histories[GRANDCHILD]
    assert [one.unread for one in read(Histories(histories), PARENT).tree()][-1] == "Its history is no longer kept."


def test_unknown_execution() -> None:
    """The execution itself must be there."""
    with pytest.raises(ExecutionUnknown):
        read(Histories({}), PARENT)


def test_circle() -> None:
    """Output that names its own execution as a child leads round in no circle."""
    histories = family()
    histories[CHILD].submit("Again", 0, PARENT)
    assert [one.arn for one in read(Histories(histories), PARENT).tree()] == [PARENT, CHILD, GRANDCHILD, PARENT]


def test_execution_that_starts_itself() -> None:
    """Executions in each other are followed as deep as a page can show, and what lies deeper is named."""
    histories = {arn("deep", str(depth)): History() for depth in range(DEEPEST + 2)}
    for depth, history in enumerate(histories.values()):
        history.submit("Again", 0, arn("deep", str(depth + 1)))
    *read_ones, deeper = read(Histories(histories), arn("deep", "0")).tree()
    assert [one.unread for one in read_ones] == [""] * DEEPEST
    assert deeper.unread == "It lies deeper than 50 executions: audit it on its own."
    assert "audit it on its own" in render(read(Histories(histories), arn("deep", "0")))


def test_children_of_each_try() -> None:
    """The child of an earlier try is read too, before the last one's."""
    histories = family()
    failed = histories[PARENT].child_failed(len(histories[PARENT].events), "{}")
    scheduled = histories[PARENT].add("TaskScheduled", failed, taskScheduledEventDetails={"parameters": "{}"})
    again = {"resource": "startExecution.sync:2", "output": f'{{"ExecutionArn": "{GRANDCHILD}"}}'}
    histories[PARENT].add("TaskSubmitted", scheduled, taskSubmittedEventDetails=again)
    (step,) = read(Histories(histories), PARENT).steps
    assert ([one.arn for one in step.others], step.child and step.child.arn) == ([CHILD], GRANDCHILD)


class MapRuns(Histories):
    def map_run(self, arn: str) -> Iterator[Listed]:
        assert arn == MAP_RUN
        return (Listed(one, Outcome.FAILED, 1.0) for one in self.histories if one != PARENT)


def distributed(children: int) -> dict[str, History]:
    parent = History()
    started = parent.add("MapStateStarted", parent.enter("Map", "EachItem", 0))
    parent.add("MapRunStarted", started, mapRunStartedEventDetails={"mapRunArn": MAP_RUN})
    return {PARENT: parent} | {arn("item", str(number)): History() for number in range(children)}


def test_map_run() -> None:
    """A source that can gives the children of a Distributed Map's run."""
    (step,) = read(MapRuns(distributed(3)), PARENT).steps
    assert [one.name for one in step.others] == ["0", "1", "2"]


def test_large_map_run() -> None:
    """Of a large run only so many are read, and that there are more is said."""
    (step,) = read(MapRuns(distributed(MAP_RUN_CHILDREN + 5)), PARENT).steps
    *read_ones, rest = step.others
    assert [bool(one.unread) for one in read_ones] == [False] * MAP_RUN_CHILDREN
    assert (rest.arn, rest.unread) == (MAP_RUN, "It ran more than 50 executions: the others are left out.")


@pytest.mark.parametrize(
    ("error", "unread"),
    [
        (ExecutionUnknown(), "Its history is no longer kept."),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "x"), "AccessDeniedException: no"),
    ],
)
def test_map_run_that_cannot_be_listed(error: Exception, unread: str) -> None:
    """A run that is forgotten or hidden does not hide the execution that began it."""

    class NoMapRuns(MapRuns):
        def map_run(self, arn: str) -> Iterator[Listed]:
            assert arn == MAP_RUN
            raise error

    (step,) = read(NoMapRuns(distributed(3)), PARENT).steps
    assert [(one.arn, one.unread) for one in step.others] == [(MAP_RUN, unread)]


def test_source_without_map_runs() -> None:
    """A source that cannot gives none, and nothing fails."""
    (step,) = read(Histories(distributed(3)), PARENT).steps
    assert (step.others, step.map_run_arn) == ([], MAP_RUN)


def test_branches_are_numbered_as_defined() -> None:
    """A Parallel's branches have the numbers of the definition, in whichever order they began."""
    history = History()
    outer = history.add("MapStateStarted", history.enter("Map", "Each", 0))
    started = history.add("ParallelStateStarted", history.enter("Parallel", "Both", outer))
    history.task("Later", history.task("Second", started))
    history.task("First", started)
    history.task("Undefined", started)
    source = Histories({PARENT: history})
    branches = [{"StartAt": name, "States": {name: {"Type": "Pass"}}} for name in ("First", "Second")]
    both = {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": branches}}}
    source.definitions[PARENT] = {"States": {"Each": {"Type": "Map", "ItemProcessor": both}}}
    numbers = [(step.name, step.iteration) for step in read(source, PARENT).steps[2:]]
    assert numbers == [("Second", 1), ("Later", 1), ("First", 0), ("Undefined", 2)]
