"""Hand-made histories, in the two shapes in which AWS records a Lambda task."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MACHINES = "arn:aws:states:us-east-1:123456789012:execution:meridian"


def arn(workflow: str, name: str = "run") -> str:
    return f"{MACHINES}-{workflow}:{name}"


class History:
    """Writes events. Each method returns the id of its last event, for what follows in the same branch."""

    def __init__(self, given: dict[str, Any] | None = None, *, direct: bool = True) -> None:
        """``direct``: the task's resource is a function's ARN, and not ``lambda:invoke``."""
        self.events: list[dict[str, Any]] = []
        self.direct = direct
        self.seconds = 0.0
        self.add("ExecutionStarted", 0, executionStartedEventDetails={"input": json.dumps(given or {})})

    def add(self, kind: str, previous: int, **details: Any) -> int:
        moment = START + timedelta(seconds=self.seconds)
        event = {"id": len(self.events) + 1, "previousEventId": previous, "type": kind, "timestamp": moment}
        self.events.append({**event, **details})
        return len(self.events)

    def after(self, seconds: float) -> History:
        self.seconds += seconds
        return self

    def enter(self, kind: str, name: str, previous: int, **given: Any) -> int:
        details = {"name": name, "input": json.dumps(given)}
        return self.add(f"{kind}StateEntered", previous, stateEnteredEventDetails=details)

    def leave(self, kind: str, name: str, previous: int) -> int:
        return self.add(f"{kind}StateExited", previous, stateExitedEventDetails={"name": name, "output": "{}"})

    def call(self, previous: int, **given: Any) -> int:
        """Schedule and start a function."""
        if self.direct:
            document = {"resource": "arn:aws:lambda:us-east-1:123456789012:function:f:1", "input": json.dumps(given)}
            scheduled = self.add("LambdaFunctionScheduled", previous, lambdaFunctionScheduledEventDetails=document)
            return self.add("LambdaFunctionStarted", scheduled)
        document = {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1"}
        document["parameters"] = json.dumps(given)
        return self.add("TaskStarted", self.add("TaskScheduled", previous, taskScheduledEventDetails=document))

    def answer(self, previous: int, **reply: Any) -> int:
        kind = "LambdaFunctionSucceeded" if self.direct else "TaskSucceeded"
        return self.add(kind, previous, **{f"{kind[0].lower()}{kind[1:]}EventDetails": {"output": json.dumps(reply)}})

    def fail(self, previous: int, error: str, message: str) -> int:
        kind = "LambdaFunctionFailed" if self.direct else "TaskFailed"
        cause = json.dumps({"errorType": error, "errorMessage": message, "stackTrace": []})
        details = {"error": error, "cause": cause}
        return self.add(kind, previous, **{f"{kind[0].lower()}{kind[1:]}EventDetails": details})

    def task(self, name: str, previous: int, reply: dict[str, Any] | None = None, **given: Any) -> int:
        """Pass a task that works at the first try."""
        done = self.answer(self.call(self.enter("Task", name, previous, **given), **given), **(reply or {}))
        return self.leave("Task", name, done)

    def submit(self, name: str, previous: int, child: str, **given: Any) -> int:
        """Enter a task that runs another state machine, up to its start."""
        entered = self.enter("Task", name, previous, **given)
        parameters = json.dumps({"StateMachineArn": "arn", "Input": given})
        document = {"resourceType": "states", "resource": "startExecution.sync:2", "parameters": parameters}
        scheduled = self.add("TaskScheduled", entered, taskScheduledEventDetails=document)
        submitted = {"resourceType": "states", "resource": "startExecution.sync:2"}
        submitted["output"] = json.dumps({"ExecutionArn": child, "StartDate": 1})
        return self.add("TaskSubmitted", self.add("TaskStarted", scheduled), taskSubmittedEventDetails=submitted)

    def child_failed(self, previous: int, cause: str) -> int:
        details = {"resourceType": "states", "resource": "startExecution.sync:2"}
        details |= {"error": "States.TaskFailed", "cause": cause}
        return self.add("TaskFailed", previous, taskFailedEventDetails=details)

    def end(self, status: str, previous: int, **details: Any) -> list[dict[str, Any]]:
        self.add(f"Execution{status}", previous, **{f"execution{status}EventDetails": details})
        return self.events


class FakeStates:
    """GetExecutionHistory over hand-made events, ``page`` of them an answer at the most."""

    def __init__(self, histories: dict[str, list[dict[str, Any]]], page: int = 1000) -> None:
        self.histories, self.page = histories, page
        self.calls: list[str] = []

    def get_execution_history(self, **query: Any) -> dict[str, Any]:
        name = query["executionArn"]
        self.calls.append(name)
        if name not in self.histories:
            message = f"Execution Does Not Exist: '{name}'"
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": message}}, "GetExecutionHistory")
        events = self.histories[name][:: -1 if query.get("reverseOrder") else 1]
        first = int(query.get("nextToken", 0))
        last = first + min(query["maxResults"], self.page)
        more = {"nextToken": str(last)} if last < len(events) else {}
        return {"events": events[first:last], **more}
