"""The verdict: one sentence, and for what ended badly the five answers that a person wants first."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import pytest

from meridian.audit.model import Attempt, Audit, Outcome, Payload, Step
from meridian.audit.verdict import Failure, verdict
from tasks.shared.errors import PASSING_CODES, START_AGAIN
from tests.unit.audit import samples
from tests.unit.audit.samples import START, Builder, payload

CREATE_STREAM = {"table": "orders", "region": "eu-west-1"}


def task_cause(error: str, message: str) -> str:
    """What Lambda gives for an exception in a function."""
    return json.dumps({"errorMessage": message, "errorType": error, "requestId": "r", "stackTrace": []})


def failed_in(workflow: str, error: str, cause: str = "", **more: Any) -> Failure:
    """Failure of an execution of one task that failed so."""
    build = Builder(workflow, "run", CREATE_STREAM, **more)
    build.region = "eu-west-1"
    build.task("CreateStream", error=error, cause=cause)
    failure = verdict(build.end(Outcome.FAILED, error=error, cause=cause)).failure
    assert failure
    return failure


class TestSentence:
    def test_success(self) -> None:
        """A success says how long it took, and what its validation counted."""
        assert verdict(samples.provision()).sentence == (
            "provision of orders succeeded after 1 min 36 s: 18 of 18 checks passed."
        )

    def test_failure(self) -> None:
        """A failure says where it was, down to the step in the child, and AWS's code."""
        assert verdict(samples.failed()).sentence == (
            "provision of orders failed after 1 min 23 s in add-region eu-west-1, CreateStream: LimitExceededException."
        )

    def test_running(self) -> None:
        """What runs says for how long, where it is and what it waits for."""
        assert verdict(samples.running(), START + 100).sentence == (
            "add-region eu-west-1 of orders has been running for 1 min 40 s: it is in AddReplica, waiting for another "
            "replica CREATING."
        )

    def test_pending_redrive(self) -> None:
        """What waits to be redriven is no success and no failure yet."""
        audit = samples.running()
        audit.status = Outcome.PENDING_REDRIVE
        assert verdict(audit).sentence == "add-region eu-west-1 of orders waits to be redriven in AddReplica."

    def test_table_behind_a_cut(self) -> None:
        """The table is named also where the input is longer than what is kept of it."""
        audit = samples.provision()
        text = json.dumps({"table": "orders", "regions": ["us-east-1"], "tags": {"long": "x" * 5000}})
        audit.input = Payload(text[:4096], len(text))
        assert verdict(audit).sentence.startswith("provision of orders succeeded")


class TestFailure:
    def test_deep_in_a_child(self) -> None:
        """The five answers are those of the deepest step, not the parent's States.TaskFailed."""
        failure = verdict(samples.failed()).failure
        assert failure
        assert failure.path == ("provision", "add-region eu-west-1", "CreateStream")
        assert (failure.region, failure.error) == ("eu-west-1", "LimitExceededException")
        assert failure.what == "CreateStream of add-region eu-west-1, at try 6"
        assert failure.message == samples.LIMIT
        assert failure.why.startswith("AWS refused CreateStream in eu-west-1: Request would exceed the shard limit")
        assert failure.do == START_AGAIN
        assert failure.kept.startswith("Everything made before is kept (6 calls changed something")

    def test_words_that_look_like_regions(self) -> None:
        """A message of 32 KiB that begins thousands of Regions is judged at once."""
        began = time.process_time()
        assert failed_in("provision", "Odd", "aa-" * 10_922).region == "eu-west-1"
        assert time.process_time() - began < 2

    def test_unread_child(self) -> None:
        """A child that may not be read is told from the JSON in its parent's cause."""
        audit = samples.failed()
        step = next(step for step in audit.steps if step.child and step.child.status is Outcome.FAILED)
        assert step.child
        step.child = Audit(step.child.arn, unread="AccessDeniedException: no")
        failure = verdict(audit).failure
        assert failure
        assert (failure.error, failure.message) == ("LimitExceededException", samples.LIMIT)
        assert failure.path[:2] == ("provision", "AddRegion")

    def test_two_halves_are_the_whole(self) -> None:
        """Nothing of what the task said is lost between why and what to do."""
        failure = verdict(samples.failed_validation()).failure
        assert failure
        assert f"{failure.why} {failure.do}" == failure.message
        assert failure.do.startswith("See what those Regions lack")

    def test_validation_names_the_region_that_lacks(self) -> None:
        """A failed check is of the Region that did not see the write, not of the home Region that judges."""
        failure = verdict(samples.failed_validation()).failure
        assert failure
        assert failure.region == "ap-southeast-1"
        assert failure.kept.startswith("The table and its items are as they were.")

    def test_region_of_the_answer(self) -> None:
        """AWS's answer knows its Region better than the step does."""
        message = f"AWS refused PutResourcePolicy in ap-southeast-1: no. Mend that first. {START_AGAIN}"
        assert failed_in("add-region", "ValidationException", task_cause("x", message)).region == "ap-southeast-1"

    def test_refusal(self) -> None:
        """Where a task refused and nothing was changed before, nothing was touched."""
        message = "The request is wrong: `regions`: has no Region. Start the workflow with a request."
        failure = failed_in("provision", "RequestInvalid", task_cause("RequestInvalid", message))
        assert failure.kept == "Nothing was touched."

    def test_refusal_after_changes(self) -> None:
        """Where something was changed before a task refused, both are told."""
        build = Builder("add-region", "run", CREATE_STREAM)
        build.task("AddReplica", changes=[samples.change("UpdateTable", "eu-west-1")])
        build.task(
            "CreateStream", error="NotOurs", cause=task_cause("NotOurs", "A stream exists. It is left as it is.")
        )
        failure = verdict(build.end(Outcome.FAILED, error="NotOurs")).failure
        assert failure
        assert failure.kept.startswith("The task that refused touched nothing. Everything made before is kept (1 call ")
        assert failure.do == "It is left as it is."

    @pytest.mark.parametrize(
        ("workflow", "kept"),
        [
            ("cleanup", "What was deleted is gone"),
            ("redeliver", "stays in its failure bucket"),
            ("archive", "archived"),
        ],
    )
    def test_kept_by_workflow(self, workflow: str, kept: str) -> None:
        """What is kept depends on what the workflow does."""
        assert kept in failed_in(workflow, "AccessDeniedException").kept

    def test_cut_off_cause(self) -> None:
        """A cause that Step Functions cut off in the middle of its JSON still gives its words."""
        cut = task_cause("StackFailed", "The stack rolled back. Start the workflow again")[:70]
        failure = failed_in("add-region", "StackFailed", cut)
        assert failure.message.startswith("The stack rolled back.")


class TestOtherErrors:
    @pytest.mark.parametrize(
        ("error", "cause", "why", "do"),
        [
            ("States.Timeout", "", "longer than its time-out", "log group /meridian/tasks"),
            ("States.HeartbeatTimeout", "", "no heartbeat", "log group"),
            ("States.Permissions", "The role is not authorized to invoke.", "not authorized", "deploy.py up"),
            ("States.DataLimitExceeded", "", "256 KiB", "Ask for less"),
            ("States.Runtime", "An error at $.x", "An error at $.x", "mistake in the workflow"),
            (
                "States.Runtime",
                "The execution reached the maximum number of history events (25000).",
                "(25000)",
                "goes on from where this one came to",
            ),
            ("States.NoChoiceMatched", "", "does not fit", "mistake in the workflow"),
            ("States.ItemReaderFailed", "", "could not go on", START_AGAIN),
            ("Lambda.Unknown", "", "ran out of memory", "log group"),
            ("Sandbox.Timedout", task_cause("Sandbox.Timedout", "Task timed out after 3.00 seconds"), "3.00", "log"),
            ("Lambda.TooManyRequestsException", "", "as many functions", START_AGAIN),
            ("StepFunctions.ExecutionLimitExceeded", "", "No cause was given", "Mend that first"),
            ("KeyError", task_cause("KeyError", "'region'"), "'region'", "log group"),
            ("ThrottlingException", "", "busy for longer", START_AGAIN),
        ],
    )
    def test_says_why_and_what_to_do(self, error: str, cause: str, why: str, do: str) -> None:
        """Errors of Step Functions, Lambda and AWS that no task has put into words have words of ours."""
        failure = failed_in("add-region", error, cause)
        assert why in failure.why
        assert do in failure.do
        assert failure.error == error

    @pytest.mark.parametrize("code", PASSING_CODES)
    def test_passing_codes(self, code: str) -> None:
        """What passes by itself is started again, whatever service said it."""
        assert failed_in("add-region", f"DynamoDb.{code}").do == START_AGAIN

    def test_stopped_by_a_person(self) -> None:
        """What somebody stopped says where it was, who knows it, and no word of a parent's child."""
        build = Builder("provision", "run", samples.REQUEST)
        build.inside(build.enter("Map", "EachRegion", outcome=Outcome.ABORTED), 0)
        child = samples._aborted_region()
        build.child("AddRegion", child)
        audit = build.end(Outcome.ABORTED)
        judged = verdict(audit)
        assert judged.sentence == (
            "provision of orders was stopped after 1 min 20 s in add-region ap-southeast-1, AddReplica: wait."
        )
        assert judged.failure
        assert "CloudTrail's event StopExecution says who" in judged.failure.why
        assert judged.failure.region == "ap-southeast-1"
        assert (judged.question, judged.failure.what) == (
            "Where it was",
            "AddReplica: wait of add-region ap-southeast-1",
        )

    def test_stopped_with_words(self) -> None:
        """Whoever stops an execution may say why."""
        build = Builder("validate", "run", {"table": "orders"})
        audit = build.end(Outcome.ABORTED, error="Maintenance", cause="We move house.")
        failure = verdict(audit).failure
        assert failure
        assert (failure.error, failure.why) == ("Maintenance", "We move house.")
        assert failure.do == f"If that was not meant: {START_AGAIN}"

    def test_child_stopped_by_a_person(self) -> None:
        """A parent whose child was stopped failed because of that."""
        build = Builder("provision", "run", samples.REQUEST)
        step = build.child("AddRegion", samples._aborted_region())
        step.outcome = Outcome.FAILED
        audit = build.end(Outcome.FAILED, error=step.error, cause=step.cause)
        failure = verdict(audit).failure
        assert failure
        assert (failure.error, failure.path[1]) == ("ABORTED", "add-region ap-southeast-1")

    def test_child_that_outlasted_its_time(self) -> None:
        """Where the parent's patience ended, what to see is what the child waited for; no function said anything."""
        build = Builder("provision", "run", samples.REQUEST)
        step = build.child("AddRegion", samples._aborted_region(), outcome=Outcome.TIMED_OUT)
        step.outcome, step.error, step.cause = Outcome.TIMED_OUT, "States.Timeout", ""
        failure = verdict(build.end(Outcome.FAILED, error="States.Timeout")).failure
        assert failure
        assert failure.do.startswith("See below what it waited for.")

    def test_timed_out(self) -> None:
        """An execution that ran out of time is told with its own end, not its child's."""
        build = Builder("provision", "run", samples.REQUEST)
        build.child("AddRegion", samples._aborted_region(), outcome=Outcome.TIMED_OUT)
        audit = build.end(Outcome.TIMED_OUT)
        judged = verdict(audit)
        assert "timed out after" in judged.sentence
        assert judged.failure
        assert (judged.failure.error, "TimeoutSeconds" in judged.failure.why) == ("TIMED_OUT", True)

    def test_failed_before_a_redrive(self) -> None:
        """The failure is that of the last redrive, not one that was mended."""
        build = Builder("add-region", "run", CREATE_STREAM)
        build.task("AddReplica", error="ThrottlingException")
        build.task("AddReplica")
        build.task("CreateStream", error="NotOurs")
        failure = verdict(build.end(Outcome.FAILED, error="NotOurs")).failure
        assert failure
        assert failure.path == ("add-region eu-west-1", "CreateStream")

    def test_no_steps(self) -> None:
        """An execution of which only the description is known has a verdict from that."""
        audit = samples.failed()
        audit.steps = []
        failure = verdict(audit).failure
        assert failure
        assert failure.error == "LimitExceededException"


class TestHostile:
    def test_says_nothing_that_a_terminal_acts_on(self) -> None:
        """No text of a verdict holds a control character, an escape or a change of direction."""
        judged = verdict(samples.hostile())
        assert judged.failure
        texts = [judged.sentence, *judged.failure.path]
        texts += [text for text in asdict(judged.failure).values() if isinstance(text, str)]
        for text in texts:
            assert not set(text) & set("\x1b\x07\x00\u202e\x9b"), text

    @pytest.mark.parametrize(
        "cause",
        [
            "[" * 30_000,
            '{"ExecutionArn": 7}',
            '{"ExecutionArn": "arn"}',
            '{"errorMessage": {"a": 1}, "errorType": []}',
            "null",
            '"',
            "\x00",
            '{"Cause": {"Cause": 1}, "ExecutionArn": "a:b:c:d:e:f:g:h", "Error": null}',
        ],
    )
    def test_any_cause(self, cause: str) -> None:
        """Whatever somebody writes into a cause, there is a verdict."""
        failure = failed_in("validate", "E", cause)
        assert failure.why
        assert failure.do

    def test_steps_that_do_not_fit(self) -> None:
        """A failed execution none of whose steps failed still says what it is."""
        audit = Audit(samples.execution_arn("validate", "x"), status=Outcome.FAILED, input=payload([1]))
        audit.steps = [Step(1, "A", "Task", START, attempts=[Attempt(START)])]
        assert verdict(audit).sentence == "validate failed."
