"""Step Functions and the archive as one source."""

from __future__ import annotations

import pytest

from meridian.audit.joined import Joined
from meridian.audit.model import Outcome
from meridian.audit.source import ExecutionUnknown
from tests.unit.audit.samples import START
from tests.unit.audit.sources import FakeSource
from tests.unit.histories import History

ORDERS = {"table": "orders"}


@pytest.fixture
def states() -> FakeSource:
    return FakeSource()


@pytest.fixture
def archive() -> FakeSource:
    return FakeSource("s3://archive")


@pytest.fixture
def joined(states: FakeSource, archive: FakeSource) -> Joined:
    return Joined(states, archive)


def test_forgotten(joined: Joined, archive: FakeSource) -> None:
    """What Step Functions has forgotten comes from the archive, whole."""
    history = History(ORDERS)
    arn = archive.put("validate", "old", ORDERS, history=history)
    assert joined.describe(arn)["source"] == "s3://archive"
    assert len(list(joined.events(arn))) == len(history.events)
    assert joined.definition(arn) == {"Comment": "s3://archive"}


def test_known(joined: Joined, states: FakeSource, archive: FakeSource) -> None:
    """What Step Functions knows is not looked for in the archive."""
    arn = states.put("validate", "new", ORDERS)
    archive.put("validate", "new", ORDERS)
    assert joined.describe(arn)["source"] == "Step Functions"
    assert joined.definition(arn) == {"Comment": "Step Functions"}
    assert archive.described == []


def test_unknown(joined: Joined) -> None:
    """What neither has is unknown, whatever is asked first."""
    for ask in (joined.describe, joined.events, joined.definition):
        with pytest.raises(ExecutionUnknown):
            ask("arn:aws:states:us-east-1:123456789012:execution:meridian-validate:nobody")


def test_lists_without_doubles(joined: Joined, states: FakeSource, archive: FakeSource) -> None:
    """Each execution is listed once: as Step Functions has it now, with the table that the archive knows."""
    arn = states.put("validate", "redriven", ORDERS, Outcome.RUNNING, started=START)
    archive.put("validate", "redriven", ORDERS, Outcome.FAILED, started=START, table="orders")
    (listed,) = joined.executions("validate", 0.0)
    assert (listed.arn, listed.status, listed.table) == (arn, Outcome.RUNNING, "orders")


def test_lists_the_newest_first(joined: Joined, states: FakeSource, archive: FakeSource) -> None:
    """Both lists are one, by the start, though Step Functions lists what has ended by its end."""
    for name, started in (("b", 20.0), ("d", 40.0), ("a", 10.0)):
        states.put("validate", name, ORDERS, started=started)
    archive.put("validate", "c", ORDERS, started=30.0)
    assert [one.arn[-1] for one in joined.executions("validate", 0.0)] == ["d", "c", "b", "a"]


def test_lists_what_one_knows(joined: Joined, archive: FakeSource) -> None:
    """A workflow whose state machine is gone is still in the archive."""
    archive.put("validate", "old", ORDERS)
    assert len(list(joined.executions("validate", 0.0))) == 1


def test_lists_of_an_unknown_workflow(joined: Joined) -> None:
    """A workflow that neither knows is unknown."""
    with pytest.raises(ExecutionUnknown):
        list(joined.executions("validate", 0.0))
