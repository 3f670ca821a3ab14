"""Map, Parallel and how executions end, folded into an audit."""

from __future__ import annotations

import json

import pytest

from meridian.audit.model import Outcome
from tests.unit.audit.recordings import audited, outcomes, step
from tests.unit.histories import START, History

EU = "eu-west-1"
BEGAN = START.timestamp()


class TestContainers:
    def parallel(self, history: History) -> int:
        return history.add("ParallelStateStarted", history.enter("Parallel", "Both", 0))

    def test_branches(self) -> None:
        """Each branch of a Parallel is an iteration of it, and what follows the Parallel is in none."""
        history = History()
        started = self.parallel(history)
        history.task("AddReplica", started)
        done = history.add("ParallelStateSucceeded", history.task("CreateStream", started))
        history.task("EnableStreaming", history.leave("Parallel", "Both", done))
        audit = audited(history)
        around = [(one.name, one.parent and one.parent.name, one.iteration) for one in audit.steps]
        assert around == [
            ("Both", None, None),
            ("AddReplica", "Both", 0),
            ("CreateStream", "Both", 1),
            ("EnableStreaming", None, None),
        ]
        assert set(outcomes(audit).values()) == {"SUCCEEDED"}

    def test_items(self) -> None:
        """An item of a Map is known by its index, also where its start follows another item's end."""
        history = History()
        started = history.add("MapStateStarted", history.enter("Map", "EachRegion", 0))
        before = started
        for index in (1, 0):
            item = {"name": "EachRegion", "index": index}
            before = history.add("MapIterationStarted", before, mapIterationStartedEventDetails=item)
            before = history.task("AddRegion", before)
            before = history.add("MapIterationSucceeded", before, mapIterationSucceededEventDetails=item)
        history.leave("Map", "EachRegion", history.add("MapStateSucceeded", before))
        assert [one.iteration for one in audited(history).steps] == [None, 1, 0]

    def test_failure_aborts_neighbours(self) -> None:
        """The branch that failed has failed, its neighbours were aborted, and the error is told of all around it."""
        history = History()
        started = self.parallel(history)
        history.enter("Wait", "AddReplica: wait", started)
        failed = history.fail(history.call(history.enter("Task", "CreateStream", started)), "StreamingFailed", "words")
        ended = history.add("ParallelStateFailed", failed)
        history.end("Failed", ended, error="StreamingFailed", cause="whatever")
        audit = audited(history)
        assert outcomes(audit) == {"Both": "FAILED", "AddReplica: wait": "ABORTED", "CreateStream": "FAILED"}
        assert step(audit, "Both").error == "StreamingFailed"

    def test_neighbour_that_rests(self) -> None:
        """A task that rests before its next try is no failure, though it failed once, and its event is the last."""
        history = History()
        started = self.parallel(history)
        history.fail(history.call(history.enter("Task", "AddReplica", started)), "ThrottlingException", "")
        called = history.call(history.enter("Task", "CreateStream", started))
        failed = history.after(5).fail(called, "StreamingFailed", "words")
        history.end("Failed", history.add("ParallelStateFailed", failed), error="StreamingFailed")
        audit = audited(history)
        assert outcomes(audit) == {"Both": "FAILED", "AddReplica": "ABORTED", "CreateStream": "FAILED"}
        assert step(audit, "AddReplica").error == ""

    @pytest.mark.parametrize("seconds", [0, 5])
    def test_choice_fails_beside_one_that_rests(self, seconds: float) -> None:
        """A Choice without a match is the failure, not the task beside it that rests before its next try."""
        history = History()
        started = self.parallel(history)
        history.fail(history.call(history.enter("Task", "AddReplica", started)), "ThrottlingException", "")
        ended = history.after(seconds).enter("Choice", "ready?", started)
        history.end("Failed", history.add("ParallelStateFailed", ended), error="States.NoChoiceMatched", cause="none")
        audit = audited(history)
        assert outcomes(audit) == {"Both": "FAILED", "AddReplica": "ABORTED", "ready?": "FAILED"}
        assert step(audit, "ready?").cause == "none"

    def test_end_points_into_another_branch(self) -> None:
        """The branch that failed is the failure, even where the end follows an event of another branch."""
        history = History()
        started = self.parallel(history)
        history.fail(history.call(history.enter("Task", "ConfigureStream", started)), "AccessDeniedException", "no")
        other = history.leave("Succeed", "ReplicaReady", history.enter("Succeed", "ReplicaReady", started))
        ended = history.add("ParallelStateExited", other, stateExitedEventDetails={"name": "Both"})
        cause = json.dumps({"errorType": "AccessDeniedException", "errorMessage": "no", "stackTrace": []})
        history.end("Failed", ended, error="AccessDeniedException", cause=cause)
        audit = audited(history)
        assert outcomes(audit) == {"Both": "FAILED", "ConfigureStream": "FAILED", "ReplicaReady": "SUCCEEDED"}

    def test_aborted_event_points_elsewhere(self) -> None:
        """The event that aborts a state points at the failure in another branch, and yet ends the right one."""
        history = History()
        started = self.parallel(history)
        history.enter("Task", "AddReplica", started)
        failed = history.fail(history.call(history.enter("Task", "CreateStream", started)), "StreamingFailed", "")
        history.add("TaskStateAborted", failed)
        history.after(1).add("ParallelStateFailed", failed)
        audit = audited(history)
        assert (outcomes(audit)["AddReplica"], outcomes(audit)["CreateStream"]) == ("ABORTED", "FAILED")
        assert step(audit, "AddReplica").left == BEGAN

    def test_nested_failure(self) -> None:
        """A failure deep inside fails everything around it, and nothing beside it."""
        history = History()
        outer = self.parallel(history)
        history.enter("Wait", "Beside", outer)
        inner = history.add("MapStateStarted", history.enter("Map", "EachRegion", outer))
        item = {"name": "EachRegion", "index": 0}
        iteration = history.add("MapIterationStarted", inner, mapIterationStartedEventDetails=item)
        failed = history.fail(history.call(history.enter("Task", "AddRegion", iteration)), "Busy", "")
        ended = history.add("MapIterationFailed", failed, mapIterationFailedEventDetails=item)
        ended = history.add("ParallelStateFailed", history.add("MapStateFailed", ended))
        history.end("Failed", ended, error="Busy")
        assert outcomes(audited(history)) == {
            "Both": "FAILED",
            "Beside": "ABORTED",
            "EachRegion": "FAILED",
            "AddRegion": "FAILED",
        }

    def test_caught(self) -> None:
        """A Parallel that is left after it failed has caught the error; what failed inside has failed."""
        history = History()
        started = self.parallel(history)
        failed = history.fail(history.call(history.enter("Task", "CreateStream", started)), "StreamingFailed", "")
        left = history.leave("Parallel", "Both", history.add("ParallelStateFailed", failed))
        history.end("Succeeded", history.task("Tidy", left), output="{}")
        assert outcomes(audited(history)) == {"Both": "CAUGHT", "CreateStream": "FAILED", "Tidy": "SUCCEEDED"}

    def test_branch_begins_late(self) -> None:
        """A branch that still begins when its Parallel has been left is the Parallel's all the same."""
        history = History()
        started = self.parallel(history)
        after = history.task("After", history.leave("Parallel", "Both", history.task("First", started)))
        history.enter("Pass", "Late", started)
        history.end("Succeeded", after, output="{}")
        late = step(audited(history), "Late")
        assert (late.parent and late.parent.name, late.iteration) == ("Both", 1)

    def test_tried_again(self) -> None:
        """A Parallel that is tried again has two tries, and its steps know to which they belong."""
        history = History()
        started = self.parallel(history)
        history.enter("Wait", "Other: wait", started)
        failed = history.fail(history.call(history.enter("Task", "AddReplica", started)), "Busy", "")
        failed = history.add("ParallelStateFailed", failed)
        history.task("AddReplica", history.after(4).add("ParallelStateStarted", failed))
        audit = audited(history)
        assert [(one.name, one.parent_try, one.outcome.value) for one in audit.steps] == [
            ("Both", 1, "RUNNING"),
            ("Other: wait", 1, "ABORTED"),
            ("AddReplica", 1, "FAILED"),
            ("AddReplica", 2, "SUCCEEDED"),
        ]
        assert (audit.steps[0].waited, audit.steps[0].worked, audit.transitions) == (4, 0, 5)

    def test_distributed(self) -> None:
        """A Distributed Map knows its run, and fails with the run's own words."""
        history = History()
        started = history.add("MapStateStarted", history.enter("Map", "EachItem", 0))
        run = history.add("MapRunStarted", started, mapRunStartedEventDetails={"mapRunArn": "arn:run"})
        details = {"error": "States.ExceedToleratedFailureThreshold", "cause": "too many"}
        failed = history.add("MapRunFailed", run, mapRunFailedEventDetails=details)
        history.end("Failed", history.add("MapStateFailed", failed), **details)
        found = step(audited(history), "EachItem")
        assert (found.map_run_arn, found.outcome, found.cause) == ("arn:run", Outcome.FAILED, "too many")


class TestEnd:
    def test_running(self) -> None:
        """What has not ended has no end, and what was done so far is told."""
        history = History({"region": EU})
        history.call(history.enter("Task", "CreateTable", history.task("LoadDeployment", 0)))
        audit = audited(history)
        assert (audit.status, audit.stopped, audit.seconds) == (Outcome.RUNNING, None, None)
        assert outcomes(audit) == {"LoadDeployment": "SUCCEEDED", "CreateTable": "RUNNING"}

    @pytest.mark.parametrize("status", ["TimedOut", "Aborted"])
    def test_ends_what_is_open(self, status: str) -> None:
        """An execution that times out or is stopped ends what it was doing in the same way."""
        history = History()
        history.enter("Wait", "CreateTable: wait", history.task("CreateTable", 0))
        history.after(3).end(status, 0, error="Operator", cause="enough")
        audit = audited(history)
        assert (audit.error, audit.cause, audit.seconds) == ("Operator", "enough", 3)
        assert step(audit, "CreateTable: wait").outcome is audit.status
        assert step(audit, "CreateTable").outcome is Outcome.SUCCEEDED

    def test_earlier_failure_is_no_cause(self) -> None:
        """An error that a retry healed is not taken for a later failure of the machine itself."""
        history = History()
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "ThrottlingException", "slow")
        done = history.leave("Task", "AddReplica", history.answer(history.call(failed)))
        entered = history.enter("Choice", "ready?", done)
        history.end("Failed", entered, error="States.NoChoiceMatched", cause="nothing matched")
        assert outcomes(audited(history)) == {"AddReplica": "SUCCEEDED", "ready?": "FAILED"}

    def test_no_chain(self) -> None:
        """Where the end is not joined to any event, the step under way is the one that failed."""
        history = History()
        history.enter("Task", "CreateTable", history.task("LoadDeployment", 0))
        history.end("Failed", 0, error="States.QueryEvaluationError", cause="undefined")
        audit = audited(history)
        assert (step(audit, "CreateTable").outcome, step(audit, "CreateTable").error) == (
            Outcome.FAILED,
            "States.QueryEvaluationError",
        )

    def test_between_two_states(self) -> None:
        """A step that has succeeded is not blamed for what ended the execution after it."""
        history = History()
        end = history.task("CreateTable", 0)
        history.end("Failed", end, error="States.Runtime", cause="The execution reached the maximum number of events.")
        assert outcomes(audited(history)) == {"CreateTable": "SUCCEEDED"}

    def test_map_without_items(self) -> None:
        """A Map that fails before its first item is itself the failure."""
        history = History()
        started = history.add("MapStateStarted", history.enter("Map", "EachRegion", history.task("Load", 0)))
        history.end("Failed", history.add("MapStateFailed", started), error="States.Runtime", cause="no list")
        audit = audited(history)
        assert outcomes(audit) == {"Load": "SUCCEEDED", "EachRegion": "FAILED"}
        assert step(audit, "EachRegion").cause == "no list"

    def test_fail_state(self) -> None:
        """A Fail state has failed, with the words that it gives the execution."""
        history = History()
        history.end("Failed", history.enter("Fail", "Refuse", 0), error="Refused", cause="Not so.")
        audit = audited(history)
        assert (step(audit, "Refuse").outcome, step(audit, "Refuse").error) == (Outcome.FAILED, "Refused")
