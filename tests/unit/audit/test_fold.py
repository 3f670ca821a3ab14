"""Events of every kind, folded into an audit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meridian.audit.histories.documents import ROOM
from meridian.audit.histories.fold import fold
from meridian.audit.histories.lines import lines
from meridian.audit.model import KEPT_CHARACTERS, Change, Outcome, Redrive, StartedBy
from tests.unit.audit.recordings import Recorded, audited, events, outcomes, step
from tests.unit.histories import START, History, arn

EU, CHILD = "eu-west-1", arn("add-region", "eu")
BEGAN = START.timestamp()


@pytest.fixture(params=[True, False], ids=["function ARN", "lambda:invoke"])
def direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestTask:
    def test_attempts(self, direct: bool) -> None:
        """A task that is tried again has each attempt with its error, and waits between them."""
        history = History(direct=direct)
        called = history.call(history.enter("Task", "AddReplica", 0))
        failed = history.after(2).fail(called, "ThrottlingException", "slow down")
        again = history.after(3).call(failed)
        history.leave("Task", "AddReplica", history.after(1).answer(again))
        audit = audited(history)
        task = step(audit, "AddReplica")
        assert [(attempt.outcome.value, attempt.error) for attempt in task.attempts] == [
            ("FAILED", "ThrottlingException"),
            ("SUCCEEDED", ""),
        ]
        assert (task.outcome, task.error, task.worked, task.waited, task.seconds) == (Outcome.SUCCEEDED, "", 3, 3, 6)
        assert len(task.retries) == 1

    def test_transitions(self, direct: bool) -> None:
        """Every state entered and every retry is a paid transition."""
        history = History(direct=direct)
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "ThrottlingException", "")
        done = history.leave("Task", "AddReplica", history.answer(history.call(failed)))
        history.enter("Succeed", "Done", done)
        assert audited(history).transitions == 3

    def test_caught(self, direct: bool) -> None:
        """A state that is left after its task failed has caught the error, and keeps it."""
        history = History(direct=direct)
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "Busy", "not now")
        history.end("Succeeded", history.leave("Task", "AddReplica", failed), output="{}")
        audit = audited(history)
        assert audit.status is Outcome.SUCCEEDED
        assert (step(audit, "AddReplica").outcome, step(audit, "AddReplica").error) == (Outcome.CAUGHT, "Busy")

    def test_region_of_the_call(self, direct: bool) -> None:
        """The Region is that of the function's input, where that names another than the execution's."""
        history = History({"region": "us-east-1"}, direct=direct)
        history.call(history.enter("Task", "AddReplica", 0), region=EU)
        assert step(audited(history), "AddReplica").region == EU

    def test_changes(self, direct: bool) -> None:
        """What a task's reply says it changed is its step's."""
        change = {"operation": "CreateTable", "region": EU, "request_id": "R1", "resource": "orders"}
        reply: dict[str, Any] = {"changes": [change, "?"], "detail": "orders: CREATING"}
        history = History(direct=direct)
        given = reply if direct else {"ExecutedVersion": "1", "Payload": reply, "StatusCode": 200}
        history.answer(history.call(history.enter("Task", "CreateTable", 0)), **given)
        audit = audited(history)
        assert [found for _, found in audit.changes()] == [Change("CreateTable", EU, "R1", "orders")]
        assert step(audit, "CreateTable").detail == "orders: CREATING"

    def test_answer_after_the_end(self) -> None:
        """What a function changed that answered when its execution was over is not lost; nothing else changes."""
        history = History()
        called = history.call(history.enter("Task", "CreateTable", 0))
        history.end("Aborted", 0, error="Operator", cause="")
        change = {"operation": "CreateTable", "region": EU, "request_id": "R1", "resource": "orders"}
        history.leave("Task", "CreateTable", history.after(9).answer(called, changes=[change]))
        audit = audited(history)
        assert (audit.status, step(audit, "CreateTable").outcome) == (Outcome.ABORTED, Outcome.ABORTED)
        assert [change.request_id for _, change in audit.changes()] == ["R1"]

    def test_timed_out_in_words(self) -> None:
        """A task that failed with States.Timeout has timed out, whatever the type of the event."""
        history = History()
        called = history.call(history.enter("Task", "CreateTable", 0))
        history.end("Failed", history.fail(called, "States.Timeout", ""), error="States.Timeout")
        assert outcomes(audited(history)) == {"CreateTable": "TIMED_OUT"}

    def test_evaluation_failed(self) -> None:
        """A task whose reply could not be evaluated has failed, though its function succeeded."""
        history = History()
        done = history.answer(history.call(history.enter("Task", "CreateTable", 0)))
        details = {"error": "States.QueryEvaluationError", "cause": "undefined", "state": "CreateTable"}
        failed = history.add("EvaluationFailed", done, evaluationFailedEventDetails=details)
        history.end("Failed", failed, error="States.QueryEvaluationError", cause="undefined")
        task = step(audited(history), "CreateTable")
        assert (task.outcome, task.attempts[0].error, task.cause) == (
            Outcome.FAILED,
            "States.QueryEvaluationError",
            "undefined",
        )


class TestChild:
    def test_waited_for(self) -> None:
        """The execution that a task has submitted is its child, and the machine what it called."""
        history = History()
        history.submit("AddRegion", 0, CHILD, region=EU)
        task = step(audited(history), "AddRegion")
        assert (task.child_arn, task.resource, task.region) == (CHILD, "arn", EU)

    def test_not_waited_for(self) -> None:
        """A child that nobody waits for is told of in the task's output."""
        history = History()
        details = {"resourceType": "states", "resource": "startExecution", "parameters": "{}"}
        scheduled = history.add("TaskScheduled", history.enter("Task", "Start", 0), taskScheduledEventDetails=details)
        details = {
            "resourceType": "states",
            "resource": "startExecution",
            "output": json.dumps({"ExecutionArn": CHILD}),
        }
        history.add("TaskSucceeded", scheduled, taskSucceededEventDetails=details)
        assert step(audited(history), "Start").child_arn == CHILD

    def test_reply_that_looks_like_a_child(self) -> None:
        """Whatever a function answers, it has started no execution of its own accord."""
        history = History()
        history.answer(history.call(history.enter("Task", "Describe", 0)), ExecutionArn=CHILD)
        assert step(audited(history), "Describe").child_arn == ""

    def test_of_each_try(self) -> None:
        """A retry starts another child; the one before it is not forgotten."""
        history, other = History(), arn("add-region", "again")
        failed = history.child_failed(history.submit("AddRegion", 0, CHILD), "{}")
        details = {"resourceType": "states", "resource": "startExecution.sync:2", "parameters": "{}"}
        scheduled = history.add("TaskScheduled", failed, taskScheduledEventDetails=details)
        output = {"resource": "startExecution.sync:2", "output": json.dumps({"ExecutionArn": other})}
        history.add("TaskSubmitted", scheduled, taskSubmittedEventDetails=output)
        task = step(audited(history), "AddRegion")
        assert (task.child_arn, task.other_arns) == (other, [CHILD])


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


class TestPayloads:
    def test_cut(self) -> None:
        """Of a long payload the beginning is kept, and its size."""
        history = History()
        history.enter("Pass", "Only", 0, text="x" * 9000)
        kept = audited(history).steps[0].input
        assert (len(kept.text), kept.size, kept.cut, kept.truncated) == (KEPT_CHARACTERS, 9012, True, False)

    def test_truncated(self) -> None:
        """A payload that Step Functions has cut off is said to be, and not read as JSON."""
        history = History()
        details = {"name": "Only", "input": '{"region": "eu-w', "inputDetails": {"truncated": True}}
        history.add("TaskStateEntered", 0, stateEnteredEventDetails=details)
        (only,) = audited(history).steps
        assert (only.input.text, only.input.truncated, only.region) == ('{"region": "eu-w', True, "")

    def test_left_out(self) -> None:
        """A history without execution data says that it lacks it."""
        history = History()
        history.add("TaskStateEntered", 0, stateEnteredEventDetails={"name": "Only"})
        assert audited(history).steps[0].input.cut

    def test_loop(self) -> None:
        """Of the stays of a wait loop only the first and the last keep their payloads."""
        history, previous = History({"region": EU}), 0
        for turn in range(4):
            previous = history.task("AddReplica", previous, {"turn": turn}, turn=turn)
            previous = history.leave(
                "Wait", "AddReplica: wait", history.enter("Wait", "AddReplica: wait", previous, turn=turn)
            )
        kept = [one.input.text for one in audited(history).steps if one.kind == "Task"]
        assert kept == ['{"turn": 0}', "", "", '{"turn": 3}']

    def test_room(self) -> None:
        """However much a history holds, no more is kept than there is room for."""
        history, previous = History(), 0
        for number in range(ROOM // KEPT_CHARACTERS + 20):
            previous = history.enter("Pass", f"State {number}", previous, text=f"{number:09}" + "x" * KEPT_CHARACTERS)
        kept = sum(len(one.input.text) for one in audited(history).steps)
        assert ROOM <= kept <= ROOM + KEPT_CHARACTERS

    def test_names_and_replies_without_measure(self) -> None:
        """What is kept of each task beside its payloads is bounded, whatever its input and its reply hold."""
        history, long = History(), "x" * 100_000
        changes = [{"operation": long, "region": long, "request_id": long, "resource": long}] * 1_000
        history.task("Only", 0, {"changes": changes, "detail": long}, region=long, FunctionName=long)
        task = step(audited(history), "Only")
        texts = [text for change in task.changes for text in (change.operation, change.request_id, change.resource)]
        assert sum(map(len, [*texts, task.detail, task.region, task.resource])) < 50_000

    def test_causes_of_what_was_caught(self) -> None:
        """A Catch may go on thousands of times: of such a cause only the beginning is kept."""
        history = History()
        failed = history.fail(history.call(history.enter("Task", "Only", 0)), "Odd", "x" * 30_000)
        history.leave("Task", "Only", failed)
        task = step(audited(history), "Only")
        assert (len(task.cause), len(task.attempts[-1].cause)) == (KEPT_CHARACTERS, KEPT_CHARACTERS)

    @pytest.mark.parametrize("document", ["[1, 2]", '"text"', "null", "{", "[" * 5000, '{"region": 7}'])
    def test_any_shape(self, document: str) -> None:
        """Inputs and outputs of any shape raise nothing."""
        history = History()
        history.events[0]["executionStartedEventDetails"]["input"] = document
        details = {"resource": "startExecution.sync", "output": document}
        task = history.enter("Task", "Only", 0)
        scheduled = history.add("TaskScheduled", task, taskScheduledEventDetails={"parameters": document})
        history.add("TaskSubmitted", scheduled, taskSubmittedEventDetails=details)
        audit = audited(history)
        assert (audit.starter.by, audit.steps[0].child_arn) == (StartedBy.BY_HAND, "")


class TestUnknown:
    def test_event(self) -> None:
        """An event of a type that is not known is counted and noted at its step, and what follows is right."""
        history = History()
        called = history.call(history.enter("Task", "CreateTable", 0))
        strange = history.add("LambdaFunctionPondered", called)
        history.leave("Task", "CreateTable", history.answer(strange))
        audit = audited(history)
        assert audit.unknown == {"LambdaFunctionPondered": 1}
        assert (step(audit, "CreateTable").unknown, step(audit, "CreateTable").outcome) == (
            ["LambdaFunctionPondered"],
            Outcome.SUCCEEDED,
        )

    def test_state(self) -> None:
        """A state of a kind that is not known is a step all the same."""
        history = History()
        history.leave("Loop", "Around", history.enter("Loop", "Around", 0))
        (around,) = audited(history).steps
        assert (around.kind, around.outcome, around.unknown) == (
            "Loop",
            Outcome.SUCCEEDED,
            ["LoopStateEntered", "LoopStateExited"],
        )

    def test_after_the_end(self) -> None:
        """It is counted after the end of the execution too."""
        history = History()
        history.end("Succeeded", 0, output="{}")
        history.add("ExecutionFramed", 0)
        assert audited(history).unknown == {"ExecutionFramed": 1}


STORIES = ("moto-good", "moto-bad", "moto-refused", "ministack-bad")
RECORDED = {story: (source := Recorded(story)).files[source.first][1:] for story in STORIES}


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("harm", ["lost", "bare", "strange", "unchained", "misled", "alone"])
def test_damage(story: str, harm: str) -> None:
    """A history that is damaged at any one place raises nothing, and shows each step once."""
    for place, event in enumerate(RECORDED[story]):
        plain = {key: value for key, value in event.items() if not key.endswith("EventDetails")}
        chained = {**event, "previousEventId": RECORDED[story][place // 2]["id"]}
        unchained = {key: value for key, value in event.items() if key != "previousEventId"}
        strange = {**event, "type": f"New{event['type']}"}
        harms = {
            "lost": [],
            "alone": [],
            "bare": [plain],
            "strange": [strange],
            "unchained": [unchained],
            "misled": [chained],
        }
        after = [] if harm == "alone" else RECORDED[story][place + 1 :]
        damaged = [*RECORDED[story][:place], *harms[harm], *after]
        audit = fold(arn("provision"), {}, damaged)
        shown = [stay.id for line in lines(audit) if line.step for stay in line.steps]
        assert sorted(shown) == [stay.id for stay in audit.steps]
        assert audit.events == len(damaged)
        assert len({stay.id for stay in audit.critical}) == len(audit.critical)


class TestStarter:
    def audit(self, name: str = "run", given: dict[str, Any] | None = None, **details: str) -> Any:
        history = History(given)
        history.events[0]["executionStartedEventDetails"] |= details
        return audited(history, arn("validate", name)).starter

    def test_command_line(self) -> None:
        """A name as deploy.py gives it tells that it was deploy.py."""
        assert self.audit("validate-orders-1c168adb-fa9a7c35").by is StartedBy.COMMAND_LINE
        assert self.audit("validate-fa9a7c35").by is StartedBy.COMMAND_LINE

    def test_parent(self) -> None:
        """A child tells its parent's ARN."""
        starter = self.audit(given={"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": arn("provision")})
        assert (starter.by, starter.arn) == (StartedBy.PARENT, arn("provision"))

    @pytest.mark.parametrize(("alias", "by"), [("scheduled", StartedBy.SCHEDULE), ("live", StartedBy.BY_HAND)])
    def test_alias(self, alias: str, by: StartedBy) -> None:
        """A schedule starts through the alias named scheduled."""
        started = f"arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate:{alias}"
        starter = self.audit(stateMachineAliasArn=started)
        assert (starter.by, starter.arn) == (by, started)

    def test_by_hand(self) -> None:
        """Anything else is the console or the AWS CLI."""
        assert self.audit("my-own-name").by is StartedBy.BY_HAND

    def test_map_run(self) -> None:
        """A child of a Map Run was started by it."""
        starter = fold(arn("validate"), {"mapRunArn": "arn:run"}, events(History())).starter
        assert (starter.by, starter.arn) == (StartedBy.PARENT, "arn:run")
