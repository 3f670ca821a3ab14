"""Redrives, folded into an audit."""

from __future__ import annotations

import pytest

from meridian.audit.model import Outcome, Redrive
from tests.unit.audit.recordings import audited, outcomes, step
from tests.unit.histories import START, History

BEGAN = START.timestamp()


class TestRedrive:
    def failed(self) -> tuple[History, int]:
        history = History()
        entered = history.enter("Task", "AddReplica", history.task("LoadDeployment", 0))
        failed = history.fail(history.call(entered), "QuotaExceeded", "")
        history.end("Failed", failed, error="QuotaExceeded", cause="")
        return history, entered

    @pytest.mark.parametrize("from_entry", [True, False], ids=["state entry", "redrive"])
    def test_task(self, from_entry: bool) -> None:
        """The step that failed goes on with another attempt, which follows its entry, as on AWS, or the redrive."""
        history, entered = self.failed()
        redriven = history.after(60).add(
            "ExecutionRedriven", len(history.events), executionRedrivenEventDetails={"redriveCount": 1}
        )
        done = history.answer(history.after(5).call(entered if from_entry else redriven))
        history.end("Succeeded", history.leave("Task", "AddReplica", done), output="{}")
        audit = audited(history)
        assert (audit.status, audit.error, audit.redrives) == (Outcome.SUCCEEDED, "", [Redrive(BEGAN + 60, 1)])
        assert outcomes(audit) == {"LoadDeployment": "SUCCEEDED", "AddReplica": "SUCCEEDED"}
        assert [attempt.outcome.value for attempt in step(audit, "AddReplica").attempts] == ["FAILED", "SUCCEEDED"]

    def test_transitions(self) -> None:
        """A redrive is a paid transition, and so is each state that it runs again."""
        history, entered = self.failed()
        before = audited(history).transitions
        history.add("ExecutionRedriven", len(history.events))
        history.call(entered)
        assert audited(history).transitions == before + 2

    def test_branch(self) -> None:
        """Of a Parallel only the branches that ended badly go on, where they were."""
        history = History()
        started = history.add("ParallelStateStarted", history.enter("Parallel", "Both", 0))
        history.task("CreateStream", started)
        waiting = history.enter("Wait", "Other: wait", started)
        entered = history.enter("Task", "AddReplica", started)
        failed = history.fail(history.call(entered), "QuotaExceeded", "")
        history.end("Failed", history.add("ParallelStateFailed", failed), error="QuotaExceeded")
        history.add("ExecutionRedriven", len(history.events))
        history.leave("Wait", "Other: wait", waiting)
        done = history.leave("Task", "AddReplica", history.answer(history.call(entered)))
        left = history.leave("Parallel", "Both", history.add("ParallelStateSucceeded", done))
        history.end("Succeeded", left, output="{}")
        audit = audited(history)
        assert set(outcomes(audit).values()) == {"SUCCEEDED"}
        assert [(one.name, one.iteration) for one in audit.steps] == [
            ("Both", None),
            ("CreateStream", 0),
            ("Other: wait", 1),
            ("AddReplica", 2),
        ]

    def test_fail_state(self) -> None:
        """A Fail state is entered again, and fails again."""
        history = History()
        started = history.add("ParallelStateStarted", history.enter("Parallel", "Both", 0))
        failed = history.add("ParallelStateFailed", history.enter("Fail", "Refuse", started))
        history.end("Failed", failed, error="Refused")
        history.add("ExecutionRedriven", len(history.events))
        again = history.add("ParallelStateFailed", history.enter("Fail", "Refuse", started))
        history.end("Failed", again, error="Refused")
        audit = audited(history)
        assert [(one.name, one.iteration, one.outcome.value) for one in audit.steps] == [
            ("Both", None, "FAILED"),
            ("Refuse", 0, "FAILED"),
            ("Refuse", 0, "FAILED"),
        ]

    def test_pending(self) -> None:
        """That a redrive is pending only the description tells."""
        assert audited(self.failed()[0], status="PENDING_REDRIVE").status is Outcome.PENDING_REDRIVE

    def test_description_may_be_older(self) -> None:
        """A description read before the redrive does not end what the history says goes on."""
        history, entered = self.failed()
        history.add("ExecutionRedriven", len(history.events), executionRedrivenEventDetails={"redriveCount": 1})
        history.call(entered)
        audit = audited(history, status="FAILED", stopDate=1.0, redriveCount=0)
        assert (audit.status, audit.stopped) == (Outcome.RUNNING, None)
