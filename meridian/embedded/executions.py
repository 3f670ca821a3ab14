"""Executions of moto's interpreter: how they end, and tell EventBridge of what they do."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from typing import Any

from meridian.embedded import nested
from meridian.embedded.internals import find, replace, require
from meridian.embedded.starting import backend, start

PARSER = "moto.stepfunctions.parser."
EXECUTION = f"{PARSER}backend.execution:Execution"
BACKEND = f"{PARSER}models:StepFunctionsParserBackend"
TERMINATED = f"{PARSER}backend.execution:BaseExecutionWorkerCommunication.terminated"
STOP_SECONDS = 0.05  # for the interpreter to end by itself; a task that runs on is left behind

_ending = threading.Lock()


def install() -> None:
    require("ministack.", "services.stepfunctions:_emit_execution_status_event", "core.responses:request_scope")
    require(
        PARSER,
        "api:ExecutionStatus.ABORTED",
        "api:HistoryEventType",
        "asl.eval.event.event_manager:EventHistoryContext.of_program_start",
        "asl.eval.program_state:ProgramTimedOut",
        "asl.utils.encoding:to_json_str",
        "models:stepfunctions_parser_backends",
        "utils:TMP_THREADS",
    )
    replace(f"{BACKEND}.start_execution", start)
    replace(f"{EXECUTION}.to_history_output", _history_until_the_end(find(f"{EXECUTION}.to_history_output")))
    run, reflect = find(f"{EXECUTION}.start"), find(TERMINATED)
    replace(f"{EXECUTION}.start", lambda execution: _run(execution, run))
    replace(TERMINATED, lambda told: _ended(told, reflect))
    # The seam of EventBridge's rules.
    replace(
        "ministack.services.eventbridge:_dispatch_to_stepfunctions",
        lambda arn, payload: start(backend(arn.split(":")[3]), arn, None, payload),
    )
    nested.install(_child_ended, _stop_child)


def _run(execution: Any, run: Any) -> None:
    _publish(execution)  # before the first state does anything
    run(execution)


def _ended(told: Any, reflect: Any) -> None:
    """The interpreter's own end. An execution that was stopped meanwhile stays as it was then."""
    execution = told.execution
    with _ending:
        if execution.finished.is_set():
            return
        reflect(told)
        state = execution.exec_worker.env.program_state()
        if isinstance(state, find(f"{PARSER}asl.eval.program_state:ProgramTimedOut")):
            _close(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        elif execution.status == "ABORTED":
            execution.error, execution.cause = state.error, state.cause  # moto forgets what StopExecution said
        execution.finished.set()
    _publish(execution)


def stop(execution: Any, error: str | None, cause: str | None) -> datetime:
    """StopExecution: ABORTED at once, even while a task of it runs; and the time of the end."""
    now = datetime.now(UTC)
    if execution.finished.is_set():
        return execution.stop_date or now
    while not _begun(execution):
        execution.finished.wait(0.005)  # its thread is about to begin
    execution.stop(now, error, cause)
    if execution.finished.wait(STOP_SECONDS):
        return execution.stop_date or now
    with _ending:
        if execution.finished.is_set():
            return execution.stop_date or now
        execution.exec_status = find(f"{PARSER}api:ExecutionStatus.ABORTED")
        execution.stop_date, execution.error, execution.cause = now, error, cause
        details = {key: text for key, text in (("error", error), ("cause", cause)) if text is not None}
        _close(execution, "ExecutionAborted", {"executionAbortedEventDetails": details})
        execution.finished.set()
    _publish(execution)
    return now


def _begun(execution: Any) -> bool:
    env = execution.exec_worker and execution.exec_worker.env
    return execution.finished.is_set() or (env is not None and env.program_state() is not None)


def _close(execution: Any, kind: str, details: dict[str, Any]) -> None:
    """End the history here; a task that runs on may not add to it."""
    env = execution.exec_worker.env
    events = env.event_manager.get_event_history()
    if events[-1]["type"] != kind:
        context = find(f"{PARSER}asl.eval.event.event_manager:EventHistoryContext").of_program_start()
        kinds = find(f"{PARSER}api:HistoryEventType")
        env.event_manager.add_event(context=context, event_type=getattr(kinds, kind), event_details=details)
        events = env.event_manager.get_event_history()
    execution.history = {"events": events}


def _history_until_the_end(history: Any) -> Any:
    def until_now(execution: Any) -> Any:
        if execution.exec_worker is None:
            return {"events": []}
        return execution.history or history(execution)

    return until_now


def _stop_child(arn: str) -> None:
    if child := _child(arn):
        stop(child, None, None)


def _child_ended(arn: str) -> bool:
    child = _child(arn)
    return child is None or bool(child.finished.is_set())


def _child(arn: str) -> Any:
    """The execution, or None if its state machine was deleted."""
    does_not_exist = find("moto.stepfunctions.exceptions:ExecutionDoesNotExist")
    with contextlib.suppress(does_not_exist):
        return backend(arn.split(":")[3]).describe_execution(arn)
    return None


def forget(arn: str) -> None:
    """Let Step Functions know nothing of an ended execution any more, as 90 days after its end."""
    machines = backend(arn.split(":")[3]).state_machines if arn.count(":execution:") else []
    for machine in machines:
        for execution in machine.executions:
            if execution.exec_arn == arn and execution.finished.is_set():
                machine.executions.remove(execution)
                return
    raise ValueError(f"{arn} is no execution that has ended")


def _publish(execution: Any) -> None:
    """Put "Step Functions Execution Status Change" on MiniStack's default bus."""
    as_json = find(f"{PARSER}asl.utils.encoding:to_json_str")
    scope = find("ministack.core.responses:request_scope")
    with scope(execution.account_id, execution.region_name):
        find("ministack.services.stepfunctions:_emit_execution_status_event")(
            {
                "executionArn": execution.exec_arn,
                "stateMachineArn": execution.state_machine_arn,
                "name": execution.name,
                "status": str(execution.status),
                "startDate": execution.start_date.isoformat(),
                "stopDate": execution.stop_date and execution.stop_date.isoformat(),
                "input": execution.execution_input,
                "output": as_json(execution.output, separators=(",", ":")),
                "error": execution.error,
                "cause": execution.cause,
            }
        )
