"""Runs our workflows in moto's interpreter, in this process: functions are callables, and waits take no time."""

from __future__ import annotations

import io
import itertools
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.utils import TMP_THREADS

from meridian.embedded import interpreter_speed
from tests.workflow.definitions import DEFINITIONS, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

# It logs the whole syntax tree of every ordinary failure.
logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
interpreter_speed.install()

ACCOUNT, REGION = "123456789012", "us-east-1"

Function = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    function: str
    event: dict[str, Any]

    @property
    def state(self) -> str:
        return str(self.event["state"]["Name"])


@dataclass
class Execution:
    """How an execution ended, with its events as GetExecutionHistory gives them."""

    workflow: str
    status: str
    output: Any = None
    error: str = ""
    cause: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Interpreter:
    """An account whose functions are ``functions``, by task module.

    A child workflow is run from its own definition, or answered by ``children`` if it is there.
    """

    functions: Mapping[str, Function]
    children: Mapping[str, Function] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, workflow: str, given: dict[str, Any]) -> Execution:
        """Run a workflow to its end."""
        name = f"{workflow}-{next(self._numbers)}"
        ended = (
            self._answered(workflow, given) if workflow in self.children else self._interpreted(workflow, name, given)
        )
        self.executions[name] = ended
        return ended

    def called(self) -> list[str]:
        """Names of the states whose functions were called, in order."""
        return [call.state for call in self.calls]

    def _interpreted(self, workflow: str, name: str, given: dict[str, Any]) -> Execution:
        definition = json.dumps(resolved(DEFINITIONS[workflow]))
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{workflow}"
        execution = SyncExecution(
            name=name,
            sm_type="STANDARD",
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/states",
            exec_arn=f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{workflow}:{name}",
            account_id=ACCOUNT,
            region_name=REGION,
            state_machine=SimpleNamespace(arn=arn, name=workflow, sm_type="STANDARD", definition=definition),
            start_date=datetime.now(UTC),
            cloud_watch_logging_session=None,
            input_data=json.dumps(given),
            activity_store={},
        )
        execution.start()
        events = execution.to_history_output()["events"]
        return Execution(
            workflow, execution.status, execution.output, execution.error or "", execution.cause or "", events
        )

    def _answered(self, workflow: str, given: dict[str, Any]) -> Execution:
        try:
            return Execution(workflow, "SUCCEEDED", self.children[workflow](given))
        except Exception as error:  # noqa: BLE001  # whatever a child may fail with
            return Execution(workflow, "FAILED", error=type(error).__name__, cause=str(error))

    # What the interpreter calls in the place of boto3 clients.

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # AWS's names
        function = FunctionName.split(":")[6].removeprefix("meridian-").replace("-", "_")
        event = json.loads(Payload)
        self.calls.append(Call(function, event))
        try:
            return {"Payload": io.BytesIO(json.dumps(self.functions[function](event)).encode())}
        except Exception as error:  # noqa: BLE001  # Lambda turns every exception into an answer
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(answer).encode())}

    def start_execution(self, *, StateMachineArn: str, Input: str) -> dict[str, Any]:  # noqa: N803  # AWS's names
        execution = self.run(StateMachineArn.split(":")[6], json.loads(Input))
        name = next(name for name, found in self.executions.items() if found is execution)
        return {"ExecutionArn": name, "StartDate": 0}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803  # AWS's names
        execution = self.executions[executionArn]
        answer = {"executionArn": executionArn, "status": execution.status, "stateMachineArn": execution.workflow}
        if execution.status == "SUCCEEDED":
            return {**answer, "output": json.dumps(execution.output)}
        return {**answer, "error": execution.error, "cause": execution.cause}


def install(interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch) -> Interpreter:
    """Make moto's interpreter call ``interpreter``, and behave as AWS where it does not."""

    def client(**_: Any) -> Interpreter:
        return interpreter

    def waits(*_: Any, wait_seconds: int, **__: Any) -> None:
        interpreter.waits.append(wait_seconds)

    for module in (lambda_eval_utils, state_task_service_sfn):
        monkeypatch.setattr(module, "boto_client_for", client)
    monkeypatch.setattr(
        WaitFunction, "_wait_interval", lambda *_, wait_seconds, **__: interpreter.waits.append(wait_seconds)
    )
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
    service = state_task_service_sfn.StateTaskServiceSfn
    monkeypatch.setattr(service, "_normalise_response", _as_aws_answers)
    # Nothing of ours waits for a task token, and the thread that would wait fails in a branch that was stopped.
    monkeypatch.setattr(service, "_eval_wait_for_task_token", lambda *_, **__: None)
    for module in (branches_decl, iteration_worker):
        monkeypatch.setattr(module, "CustomErrorName", _error_name)
    return interpreter


def drain() -> None:
    """Wait for what still runs beside a branch that failed, so that it calls nothing of the next test."""
    while TMP_THREADS:
        thread = TMP_THREADS[-1]
        if thread.ident is None:  # listed, and about to be started
            time.sleep(0.001)
            continue
        thread.join(timeout=30)
        TMP_THREADS.remove(thread)


def _as_aws_answers(_: Any, response: dict[str, Any], **__: Any) -> None:
    """A state sees the API's members capitalized."""
    for key in list(response):
        response[key[0].upper() + key[1:]] = response.pop(key)


def _error_name(error_name: str | None) -> Any:
    """A States.* error keeps its name when it leaves Parallel or Map; moto makes it a States.Runtime."""
    name = object.__new__(custom_error_name.CustomErrorName)
    object.__setattr__(name, "error_name", error_name)
    return name
