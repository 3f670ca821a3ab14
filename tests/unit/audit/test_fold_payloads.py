"""Payloads, unknown events, damaged histories and who started an execution, folded into an audit."""

from __future__ import annotations

from typing import Any

import pytest

from meridian.audit.histories.documents import ROOM
from meridian.audit.histories.fold import fold
from meridian.audit.histories.lines import lines
from meridian.audit.model import KEPT_CHARACTERS, Outcome, StartedBy
from tests.unit.audit.recordings import Recorded, audited, events, step
from tests.unit.histories import History, arn

EU = "eu-west-1"


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
