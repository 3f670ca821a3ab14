from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from meridian.causes import cause_of, first_cause
from meridian.executions import follow, snapshot
from meridian.history import Execution
from tests.unit.audit.recordings import HISTORIES
from tests.unit.histories import FakeStates, History, arn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

PARENT, CHILD, GRANDCHILD = arn("provision"), arn("add-region", "eu"), arn("remove-region", "deep")
EU = "eu-west-1"


def states(histories: dict[str, list[dict[str, Any]]], page: int = 1000) -> SFNClient:
    return cast("SFNClient", FakeStates(histories, page))


def folded(history: History, name: str = PARENT) -> Execution:
    execution = Execution(name)
    execution.fold(history.events)
    return execution


@pytest.fixture(params=[True, False], ids=["function ARN", "lambda:invoke"])
def direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestWorking:
    def test_state_and_region(self, direct: bool) -> None:
        """A task under way shows its state, and the Region it was given."""
        history = History({"table": "orders"}, direct=direct)
        before = history.task("LoadDeployment", 0)
        history.call(history.enter("Task", "CreateTable", before), table="orders", region=EU)
        (step,) = folded(history).working()
        assert (step.name, step.region, step.tries, step.waiting) == ("CreateTable", EU, 1, False)

    @pytest.mark.parametrize("document", ["{", "[" * 5_000, None])
    def test_any_input_and_output(self, document: str | None) -> None:
        """An input or an output that cannot be read as JSON ends no following."""
        history = History()
        history.events[0]["executionStartedEventDetails"]["input"] = document
        history.end("Succeeded", history.task("Only", 0), output=document)
        execution = folded(history)
        assert (execution.input, execution.output) == ({}, None)

    def test_loop(self, direct: bool) -> None:
        """A wait loop counts its looks and its time from the first, and says what it waits for."""
        history = History({"region": EU}, direct=direct)
        previous = 0
        for _ in range(3):
            previous = history.task("DescribeTable", previous, {"status": "BUSY", "detail": "orders: replica CREATING"})
            previous = history.leave("Choice", "ready?", history.enter("Choice", "ready?", previous))
            entered = history.enter("Wait", "DescribeTable: wait", previous)
            previous = history.after(15).leave("Wait", "DescribeTable: wait", entered)
        history.events.pop()  # the third wait goes on
        execution = folded(history)
        (step,) = execution.working()
        assert (step.task, step.looks, step.waiting) == ("DescribeTable", 3, True)
        assert step.detail == "orders: replica CREATING"
        assert step.began == execution.started

    def test_retry(self, direct: bool) -> None:
        """A task that failed is waiting until its next try, which is counted."""
        history = History(direct=direct)
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "ThrottlingException", "slow down")
        execution = folded(history)
        (step,) = execution.working()
        assert step.waiting
        assert step.error == "ThrottlingException"
        history.call(failed)
        execution.fold(history.events)
        assert not step.waiting
        assert step.tries == 2

    def test_parallel(self, direct: bool) -> None:
        """Each branch of a Parallel shows its own step, and the Parallel around them none."""
        history = History(direct=direct)
        started = history.add("ParallelStateStarted", history.enter("Parallel", "ReplicaAndStream", 0))
        replica = history.enter("Task", "AddReplica", started)
        stream = history.enter("Task", "CreateStream", started)
        history.call(replica)
        history.enter(
            "Task", "DescribeStream", history.leave("Task", "CreateStream", history.answer(history.call(stream)))
        )
        assert [step.name for step in folded(history).working()] == ["AddReplica", "DescribeStream"]

    def test_parallel_ends(self, direct: bool) -> None:
        """After a Parallel, nested or not, the state that follows it is the only one."""
        history = History(direct=direct)
        outer = history.add("ParallelStateStarted", history.enter("Parallel", "Outer", 0))
        inner = history.add("ParallelStateStarted", history.enter("Parallel", "Inner", outer))
        done = history.add("ParallelStateSucceeded", history.task("CreateStream", inner))
        left = history.leave("Parallel", "Inner", done)
        done = history.add("ParallelStateSucceeded", left)
        assert folded(history).working() == []
        history.enter("Task", "EnableStreaming", history.leave("Parallel", "Outer", done))
        assert [step.name for step in folded(history).working()] == ["EnableStreaming"]

    def test_map_items_count_alone(self, direct: bool) -> None:
        """The same state in two items of a Map is in its first look in each."""
        history = History(direct=direct)
        started = history.add("MapStateStarted", history.enter("Map", "EachRegion", 0))
        for index, region in enumerate((EU, "ap-south-1")):
            item = {"name": "EachRegion", "index": index}
            iteration = history.add("MapIterationStarted", started, mapIterationStartedEventDetails=item)
            history.enter("Task", "AddRegion", iteration, region=region)
        assert [(step.region, step.looks) for step in folded(history).working()] == [(EU, 1), ("ap-south-1", 1)]

    def test_retried_container(self, direct: bool) -> None:
        """A Parallel that is tried again forgets the branches of its first try."""
        history = History(direct=direct)
        started = history.add("ParallelStateStarted", history.enter("Parallel", "Both", 0))
        history.enter("Wait", "Other: wait", started)
        failed = history.fail(history.call(history.enter("Task", "AddReplica", started)), "Busy", "")
        again = history.add("ParallelStateStarted", failed)
        history.enter("Task", "AddReplica", again)
        assert [step.name for step in folded(history).working()] == ["AddReplica"]

    def test_redriven(self) -> None:
        """A redriven execution runs again, in the step that failed."""
        history = History()
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "QuotaExceeded", "")
        history.end("Failed", failed, error="QuotaExceeded", cause="")
        history.call(history.add("ExecutionRedriven", len(history.events)))
        execution = folded(history)
        assert execution.status == "RUNNING"
        assert [(step.name, step.tries) for step in execution.working()] == [("AddReplica", 2)]


class TestFollow:
    def two(self) -> dict[str, list[dict[str, Any]]]:
        parent, child = History({"table": "orders"}), History({"region": EU})
        parent.submit("AddRegion", 0, CHILD, region=EU)
        child.call(child.enter("Task", "AddReplica", 0), region=EU)
        return {PARENT: parent.events, CHILD: child.events}

    def test_children(self) -> None:
        """An execution that a task submitted is followed too, and named after its workflow and Region."""
        execution = next(iter(follow(states(self.two()), PARENT)))
        assert [one.label for one in execution.tree()] == ["provision", "add-region eu-west-1"]

    def test_only_new_events_are_read(self) -> None:
        """A look costs one call an execution that runs, however long the history is."""
        history = History()
        previous = 0
        for _ in range(300):
            previous = history.task("DescribeTable", previous, {"status": "BUSY"})
        fake = FakeStates({PARENT: history.events}, page=100)
        looks = follow(cast("SFNClient", fake), PARENT, sleep=lambda _: None)
        first = next(looks)
        assert first.last_event_id == len(history.events)
        fake.calls.clear()
        history.end("Succeeded", history.task("Report", previous), output='{"passed": 6}')
        assert next(looks).output == {"passed": 6}
        assert fake.calls == [PARENT]

    def test_pace(self) -> None:
        """With many executions looks are rarer, so that an account's ten calls a second are enough."""
        histories = {PARENT: (parent := History()).events}
        for number in range(30):
            parent.submit("AddRegion", 0, arn("add-region", str(number)))
            histories[arn("add-region", str(number))] = History().events
        pauses: list[float] = []
        looks = follow(states(histories), PARENT, every=1.0, sleep=pauses.append)
        next(looks), next(looks)
        assert pauses == [3.1]

    def test_ends(self) -> None:
        """Following ends with the execution, and reads children that it cut off no further."""
        histories = self.two()
        parent = histories[PARENT]
        parent.append({**parent[0], "id": len(parent) + 1, "previousEventId": 0, "type": "ExecutionAborted"})
        assert [look.status for look in follow(states(histories), PARENT, sleep=lambda _: pytest.fail("slept"))] == [
            "ABORTED"
        ]

    def test_unknown(self) -> None:
        """An execution that does not exist is an error of AWS, not an empty tree."""
        with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
            snapshot(states({}), PARENT)

    def test_hidden_child(self) -> None:
        """A child that may not be read does not end the following of its parent."""
        histories = self.two()
        del histories[CHILD]
        assert next(iter(follow(states(histories), PARENT))).working()[0].name == "AddRegion"


def described(child: str, error: str, cause: str, **given: Any) -> str:
    """What Step Functions gives a parent as the cause of a child's failure."""
    description = {"ExecutionArn": child, "Status": "FAILED", "Input": given, "Error": error, "Cause": cause}
    return json.dumps(description)


class TestFirstCause:
    """First of all: the words of the task that failed, whatever stands around it."""

    WORDS = "The Kinesis destination of orders failed in eu-west-1: no permission. Start the workflow again."

    def deep(self, direct: bool) -> dict[str, list[dict[str, Any]]]:
        """Two levels: in a Map, a child fails in a Parallel."""
        child = History({"table": "orders", "region": EU}, direct=direct)
        started = child.add("ParallelStateStarted", child.enter("Parallel", "ReplicaAndStream", 0))
        child.enter("Wait", "AddReplica: wait", started)
        failed = child.fail(child.call(child.enter("Task", "CreateStream", started)), "StreamingFailed", self.WORDS)
        inside = child.events[-1]["lambdaFunctionFailedEventDetails" if direct else "taskFailedEventDetails"]["cause"]
        child.end("Failed", child.add("ParallelStateFailed", failed), error="StreamingFailed", cause=inside)
        return {PARENT: self.parent(described(CHILD, "StreamingFailed", inside)), CHILD: child.events}

    def parent(self, cause: str) -> list[dict[str, Any]]:
        parent = History({"table": "orders"})
        started = parent.add("MapStateStarted", parent.enter("Map", "EachRegion", 0))
        item = {"name": "EachRegion", "index": 0}
        iteration = parent.add("MapIterationStarted", started, mapIterationStartedEventDetails=item)
        failed = parent.child_failed(parent.submit("AddRegion", iteration, CHILD, region=EU), cause)
        parent.add("MapIterationFailed", failed, mapIterationFailedEventDetails=item)
        return parent.end("Failed", parent.add("MapStateFailed", failed), error="States.TaskFailed", cause=cause)

    def test_two_levels(self, direct: bool) -> None:
        """The task's error and words come out, with the path through the children to it."""
        cause = first_cause(states(self.deep(direct)), PARENT)
        assert cause
        assert (cause.error, cause.message) == ("StreamingFailed", self.WORDS)
        assert cause.path == ("provision", "add-region eu-west-1", "CreateStream")
        assert cause.execution_arn == CHILD

    def test_cut_off_cause(self) -> None:
        """A cause that Step Functions cut off in the middle changes nothing: the child itself is asked."""
        histories = self.deep(True)
        histories[PARENT] = self.parent('{"ExecutionArn":"arn:aws:st')
        cause = first_cause(states(histories), PARENT)
        assert cause
        assert (cause.error, cause.message) == ("StreamingFailed", self.WORDS)

    @pytest.mark.parametrize("kept", [10_000, -60])
    def test_hidden_child(self, kept: int) -> None:
        """Where the child may not be read its words come from the parent's cause, cut off or whole."""
        inside = json.dumps(
            {"errorType": "StreamingFailed", "errorMessage": 'Say "no" in eu-west-1.', "trace": "x" * 80}
        )
        whole = described(CHILD, "StreamingFailed", inside, region=EU)
        cause = first_cause(states({PARENT: self.parent(whole[:kept])}), PARENT)
        assert cause
        assert (cause.error, cause.message) == ("StreamingFailed", 'Say "no" in eu-west-1.')

    def test_hidden_child_has_a_path(self) -> None:
        """The path through a child that may not be read comes from the parent's cause."""
        inside = described(GRANDCHILD, "NotOurs", '{"errorType": "NotOurs", "errorMessage": "Foreign."}')
        cause = first_cause(
            states({PARENT: self.parent(described(CHILD, "States.TaskFailed", inside, region=EU))}), PARENT
        )
        assert cause
        assert cause.path[-2:] == ("add-region eu-west-1", "remove-region")
        assert (cause.error, cause.message) == ("NotOurs", "Foreign.")

    def test_task_timed_out(self) -> None:
        """A task that ran into its time-out is named, though it left no words."""
        history = History()
        details = {"error": "States.Timeout"}
        called = history.call(history.enter("Task", "CreateTable", 0))
        failed = history.add("LambdaFunctionTimedOut", called, lambdaFunctionTimedOutEventDetails=details)
        history.end("Failed", failed, error="States.Timeout")
        cause = cause_of(folded(history))
        assert cause
        assert (cause.error, cause.path) == ("States.Timeout", ("provision", "CreateTable"))
        assert "longer than its time-out" in cause.message
        assert "Start the workflow again" in cause.message

    def test_child_timed_out(self) -> None:
        """Where a parent gives up on a child the time-out is the cause, and what the child did then its place."""
        parent, child = History(), History({"region": EU})
        submitted = parent.submit("AddRegion", 0, CHILD, region=EU)
        details = {"error": "States.Timeout", "resourceType": "states"}
        parent.end(
            "Failed", parent.add("TaskTimedOut", submitted, taskTimedOutEventDetails=details), error="States.Timeout"
        )
        child.enter("Wait", "DescribeTable (replica): wait", 0)
        child.end("Aborted", 0)
        cause = first_cause(states({PARENT: parent.events, CHILD: child.events}), PARENT)
        assert cause
        assert cause.error == "States.Timeout"
        assert cause.path == ("provision", "add-region eu-west-1", "DescribeTable (replica): wait")

    def test_machine_timed_out(self) -> None:
        """An execution that outlived its state machine's limit says so, and where it was."""
        history = History()
        history.end("TimedOut", history.enter("Wait", "CreateTable: wait", 0))
        cause = cause_of(folded(history))
        assert cause
        assert (cause.error, cause.path) == ("TIMED_OUT", ("provision", "CreateTable: wait"))

    def test_aborted(self) -> None:
        """A stopped execution gives the reason with which it was stopped, and not its children's end."""
        parent, child = History(), History({"region": EU})
        parent.submit("AddRegion", 0, CHILD, region=EU)
        parent.end("Aborted", 0, error="Operator", cause="wrong Region")
        child.enter("Task", "AddReplica", 0)
        child.end("Aborted", 0)
        cause = first_cause(states({PARENT: parent.events, CHILD: child.events}), PARENT)
        assert cause
        assert (cause.error, cause.message) == ("Operator", "wrong Region")
        assert cause.path == ("provision", "add-region eu-west-1", "AddReplica")

    def test_child_aborted(self) -> None:
        """Where a child alone was stopped, that is the first cause."""
        parent, child = History(), History({"region": EU})
        cause_text = described(CHILD, "", "")
        failed = parent.child_failed(parent.submit("AddRegion", 0, CHILD, region=EU), cause_text)
        parent.end("Failed", failed, error="States.TaskFailed", cause=cause_text)
        child.enter("Task", "AddReplica", 0)
        child.end("Aborted", 0)
        cause = first_cause(states({PARENT: parent.events, CHILD: child.events}), PARENT)
        assert cause
        assert (cause.error, cause.execution_arn) == ("ABORTED", CHILD)
        assert "was stopped" in cause.message

    def test_earlier_failure_is_no_cause(self) -> None:
        """An error that a retry healed is not taken for the cause of a later failure of the machine itself."""
        history = History()
        failed = history.fail(history.call(history.enter("Task", "AddReplica", 0)), "ThrottlingException", "slow")
        done = history.leave("Task", "AddReplica", history.answer(history.call(failed)))
        entered = history.enter("Choice", "ready?", done)
        history.end("Failed", entered, error="States.NoChoiceMatched", cause="nothing matched")
        cause = cause_of(folded(history))
        assert cause
        assert (cause.error, cause.path) == ("States.NoChoiceMatched", ("provision", "ready?"))

    def test_container_fails(self) -> None:
        """A Map that fails before its first item is itself the place."""
        history = History()
        done = history.task("LoadDeployment", 0)
        started = history.add("MapStateStarted", history.enter("Map", "EachRegion", done))
        history.end("Failed", history.add("MapStateFailed", started), error="States.Runtime", cause="no list")
        cause = cause_of(folded(history))
        assert cause
        assert (cause.path, cause.message) == (("provision", "EachRegion"), "no list")

    def test_end_points_into_another_branch(self) -> None:
        """The branch that failed is the cause, even where the end follows an event of another branch."""
        history = History()
        started = history.add("ParallelStateStarted", history.enter("Parallel", "ReplicaAndStream", 0))
        stream = history.call(history.enter("Task", "ConfigureStream", started))
        history.fail(stream, "AccessDeniedException", "no")
        other = history.leave("Succeed", "ReplicaReady", history.enter("Succeed", "ReplicaReady", started))
        ended = history.add("ParallelStateExited", other, stateExitedEventDetails={"name": "ReplicaAndStream"})
        cause = json.dumps({"errorType": "AccessDeniedException", "errorMessage": "no", "stackTrace": []})
        history.end("Failed", ended, error="AccessDeniedException", cause=cause)
        found = cause_of(folded(history))
        assert found is not None
        assert found.path[-1] == "ConfigureStream"

    def test_no_chain(self) -> None:
        """Where the end of an execution is not joined to any event, the step that was under way is the place."""
        history = History()
        history.enter("Task", "CreateTable", history.task("LoadDeployment", 0))
        history.end("Failed", 0, error="States.QueryEvaluationError", cause="undefined")
        cause = cause_of(folded(history))
        assert cause
        assert cause.path == ("provision", "CreateTable")

    def test_input_of_any_shape(self) -> None:
        """An execution started with what is no object fails like any other."""
        history = History()
        history.events[0]["executionStartedEventDetails"]["input"] = "[1, 2]"
        failed = history.fail(history.call(history.enter("Task", "ValidateRequest", 0)), "RequestInvalid", "No object.")
        history.end("Failed", failed, error="RequestInvalid", cause='{"errorMessage": "No object."}')
        cause = cause_of(folded(history))
        assert cause
        assert (cause.path, cause.message) == (("provision", "ValidateRequest"), "No object.")

    @pytest.mark.parametrize("ending", ["Succeeded", None])
    def test_no_cause(self, ending: str | None) -> None:
        """An execution that succeeded or still runs has no cause."""
        history = History()
        done = history.task("Report", 0)
        if ending:
            history.end(ending, done)
        assert cause_of(folded(history)) is None

    def test_events_after_the_end(self) -> None:
        """What a cut-off branch writes after the end changes neither status nor cause."""
        histories = self.deep(True)
        child = History({"region": EU})
        child.events = histories[CHILD]
        child.leave("Wait", "AddReplica: wait", 4)
        cause = first_cause(states(histories), PARENT)
        assert cause
        assert cause.path[-1] == "CreateStream"


class TestRecorded:
    def test_end_points_at_a_neighbour(self) -> None:
        """Of a recorded failure the Fail state is the place, not the Wait beside it that the end points at."""
        rows = [json.loads(row) for row in (HISTORIES / "moto-refused-0-refuse.jsonl").read_text().splitlines()]
        execution = Execution(rows[0]["description"]["executionArn"])
        execution.fold({**event, "timestamp": datetime.fromtimestamp(event["timestamp"], UTC)} for event in rows[1:])
        cause = cause_of(execution)
        assert cause
        assert (cause.path[-1], cause.message) == ("No", "Not so.")
