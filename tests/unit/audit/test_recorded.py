"""Histories recorded from both interpreters of the embedded AWS (tests/fixtures/record.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meridian.audit.histories.lines import lines
from meridian.audit.histories.reading import read
from meridian.audit.model import Audit, Outcome, StartedBy
from tests.unit.audit.recordings import HISTORIES, Recorded, outcomes, step

if TYPE_CHECKING:
    from meridian.audit.model import Step

EU, FAR = "eu-west-1", "ap-south-1"
STORIES = sorted({path.name.rpartition("-0-")[0] for path in HISTORIES.glob("*-0-*.jsonl")})


def recorded(story: str) -> Audit:
    source = Recorded(story)
    return read(source, source.first)


def ended_badly(audit: Audit) -> list[tuple[str, str, str]]:
    """What failed in the execution and below it."""
    return [
        (one.workflow, failed.name, failed.error)
        for one in audit.tree()
        for failed in one.steps
        if failed.outcome is Outcome.FAILED
    ]


def child(audit: Audit, region: str) -> Audit:
    (found,) = (one.child for one in audit.steps if one.region == region and one.child)
    return found


@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_missing(story: str) -> None:
    """Each audit has every event of its recording, knows all of them, and closes all that its execution closed."""
    source = Recorded(story)
    for audit in read(source, source.first).tree():
        described = source.describe(audit.arn)
        assert audit.events == len(source.files[audit.arn]) - 1
        assert (audit.unknown, audit.unread) == ({}, "")
        assert audit.status == described["status"]
        assert audit.started == pytest.approx(described["startDate"], abs=0.01)
        open_steps = [one.name for one in audit.steps if one.left is None or one.outcome is Outcome.RUNNING]
        assert not open_steps or audit.status is Outcome.RUNNING
        assert all(one.entered <= (one.left or one.entered) for one in audit.steps)


class TestMoto:
    def test_good(self) -> None:
        """A provision is read with its children, one a Region, and the error it caught."""
        audit = recorded("moto-good")
        assert outcomes(audit) == {
            "Prepare": "SUCCEEDED",
            "Try": "CAUGHT",
            "EachRegion": "SUCCEEDED",
            "AddRegion": "SUCCEEDED",
            "Report": "SUCCEEDED",
        }
        assert step(audit, "Try").error == "LimitExceededException"
        regions = {one.iteration: one.region for one in audit.steps if one.name == "AddRegion"}
        assert regions == {0: "us-east-1", 1: EU}
        assert [(one.starter.by, one.starter.arn) for one in audit.children()] == [(StartedBy.PARENT, audit.arn)] * 2

    def test_loop_and_retries(self) -> None:
        """In a child the wait loop waits, the flaky task is tried three times, and the change has its request id."""
        audit = child(recorded("moto-good"), EU)
        looks = [one for one in audit.steps if one.name == "AddReplica"]
        waits = [one for one in audit.steps if one.name == "AddReplica: wait"]
        assert len(looks) == len(waits) + 1
        assert sum(one.waited for one in waits) == pytest.approx(len(waits), abs=0.2)
        assert waits[-1].detail == "orders: replica CREATING"
        flaky = step(audit, "CreateStream")
        assert [one.error for one in flaky.attempts] == ["ThrottlingException", "ThrottlingException", ""]
        assert flaky.waited == pytest.approx(2, abs=0.2)
        assert flaky.worked < 1
        assert [(change.request_id, change.region) for _, change in audit.changes()] == [("R1", EU)]

    def test_lines(self) -> None:
        """The rows fold the loop, and show each branch under its number in the definition."""
        rows = [(line.depth, line.label, line.looks, line.retries) for line in lines(child(recorded("moto-good"), EU))]
        assert rows[:2] == [(0, "EnsureKey", 1, 0), (0, "ReplicaAndStream", 1, 0)]
        assert [row[:2] for row in rows[2:]] == [
            (1, "branch 0"),
            (2, "AddReplica"),
            (2, "ReplicaReady"),
            (1, "branch 1"),
            (2, "CreateStream"),
        ]
        assert rows[3][2] >= 2
        assert rows[-1][3] == 2

    def test_bad(self) -> None:
        """Where one Region fails its neighbour is aborted, and the failure is that of the child's task."""
        audit = recorded("moto-bad")
        assert {one.region: one.outcome.value for one in audit.steps if one.name == "AddRegion"} == {
            EU: "ABORTED",
            FAR: "FAILED",
        }
        failed = child(audit, FAR)
        key = step(failed, "EnsureKey")
        assert (failed.error, len(key.attempts), key.outcome) == ("LimitExceededException", 2, Outcome.FAILED)

    def test_stopped(self) -> None:
        """A stopped execution says why, and that all it did was aborted."""
        audit = recorded("moto-stopped")
        assert (audit.status, audit.error, audit.cause) == (Outcome.ABORTED, "Operator", "The wrong Region.")
        assert outcomes(audit) == {"Both": "ABORTED", "Rest": "ABORTED", "Work": "ABORTED"}

    def test_slow(self) -> None:
        """A task that ran out of time has."""
        assert outcomes(recorded("moto-slow")) == {"Sleep": "TIMED_OUT"}

    def test_refused(self) -> None:
        """The Fail state has failed, though the end of the Parallel points at the Wait beside it."""
        audit = recorded("moto-refused")
        assert outcomes(audit) == {"Both": "FAILED", "Rest": "ABORTED", "No": "FAILED"}
        assert (step(audit, "No").cause, step(audit, "No").iteration) == ("Not so.", 1)

    def test_product(self) -> None:
        """A real provision in which a Region may not have its stream: what failed, where, and what was made."""
        audit = recorded("moto-product")
        assert ended_badly(audit) == [
            ("provision", "EachRegion", "States.TaskFailed"),
            ("provision", "AddRegion", "States.TaskFailed"),
            ("add-region", "ReplicaAndStream", "AccessDeniedException"),
            ("add-region", "CreateStream", "AccessDeniedException"),
        ]
        assert (child(audit, EU).region, step(child(audit, EU), "CreateStream").region) == ("us-east-1", EU)
        assert audit.starter.by is StartedBy.COMMAND_LINE
        assert {change.operation for one in audit.tree() for _, change in one.changes()} >= {
            "PutParameter",
            "UpdateTable",
        }
        assert names(child(audit, EU).critical)[-2:] == ["StreamWanted?", "CreateStream"]


class TestMiniStack:
    """MiniStack joins no events, writes times as text, and tells of no state inside a Map or Parallel."""

    def test_good(self) -> None:
        """A provision is read with its children all the same."""
        audit = recorded("ministack-good")
        assert [one.name for one in audit.steps if one.parent is None] == ["Prepare", "Try", "EachRegion", "Report"]
        assert (step(audit, "Try").outcome, step(audit, "EachRegion").outcome) == (Outcome.CAUGHT, Outcome.SUCCEEDED)
        assert [(one.status, one.starter.arn) for one in audit.children()] == [(Outcome.SUCCEEDED, audit.arn)] * 2

    def test_tasks_without_states(self) -> None:
        """A task inside a Parallel is a step that is named after what it called, and belongs to no branch."""
        audit = next(recorded("ministack-good").children())
        inside = [one for one in audit.steps if one.parent]
        assert {one.name.partition("-")[0] for one in inside} == {"look", "flaky"}
        assert {one.iteration for one in inside} == {None}
        flaky = [one.outcome.value for one in inside if one.name.startswith("flaky")]
        assert flaky == ["FAILED", "FAILED", "SUCCEEDED"]
        assert [line.depth for line in lines(audit)] == [0, 0] + [1] * len(inside)

    def test_bad(self) -> None:
        """The failure of a Region fails the Map."""
        audit = recorded("ministack-bad")
        assert (step(audit, "EachRegion").outcome, step(audit, "EachRegion").error) == (Outcome.FAILED, audit.error)

    @pytest.mark.parametrize(
        ("story", "seen"),
        [("slow", {"Sleep": "TIMED_OUT"}), ("refused", {"Both": "FAILED"}), ("evaluated", {"Compute": "FAILED"})],
    )
    def test_ends(self, story: str, seen: dict[str, str]) -> None:
        """Time-outs, failures and evaluations that went wrong are what they are."""
        assert outcomes(recorded(f"ministack-{story}")) == seen

    def test_stopped(self) -> None:
        """A stopped execution says why."""
        audit = recorded("ministack-stopped")
        assert (audit.status, audit.cause) == (Outcome.ABORTED, "The wrong Region.")
        assert set(outcomes(audit).values()) == {"ABORTED"}


def names(steps: list[Step]) -> list[str]:
    return [one.name for one in steps]
