"""Tasks and children, folded into an audit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meridian.audit.model import Change, Outcome
from tests.unit.audit.recordings import audited, outcomes, step
from tests.unit.histories import History, arn

EU, CHILD = "eu-west-1", arn("add-region", "eu")


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
