"""The Step Functions API over moto's interpreter, in the place of MiniStack's own."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from meridian.embedded import executions, starting, state_machines, state_versions
from meridian.embedded.internals import find, replace
from meridian.embedded.services import Answer, RefusedByAws, Request, answer, content, page, refusal, region

Operation = Callable[[Any, dict[str, Any]], dict[str, Any]]
THREADS = 16  # not MiniStack's pool: there, 64 tasks that wait for a function would keep StartExecution waiting
PAYLOAD = ("input", "inputDetails", "output", "outputDetails")

_pool = ThreadPoolExecutor(THREADS, "states")


def install() -> None:
    state_machines.install()
    find("moto.core.exceptions:AWSError.TYPE")
    replace("ministack.services.stepfunctions:handle_request", handle)


async def handle(*parts: Any) -> Answer:
    """Answer one call, in a thread: some wait for an execution."""
    request = Request(*parts)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, context.run, _handle, request.operation, request.body)


def _handle(name: str, body: bytes) -> Answer:
    from moto.core.exceptions import AWSError

    try:
        call = OPERATIONS.get(name, _unknown)
        return answer(_plain(call(starting.backend(region()), {"operation": name, **content(body)})))
    except RefusedByAws as error:
        return refusal(error)
    except AWSError as error:
        return refusal(RefusedByAws(_code(error), getattr(error, "message", "") or str(error)))
    except KeyError as error:
        return refusal(RefusedByAws("ValidationException", f"{name} needs the parameter {error}."))


def _unknown(_machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    raise RefusedByAws("UnknownOperationException", f"{data['operation']} is not part of the embedded AWS.")


def _code(error: Any) -> str:
    """AWS's code of an error of moto, whose two families of errors keep it in different places."""
    kind = type(error)
    return str(kind.TYPE or getattr(kind, "code", None) or kind.__name__)


def _plain(value: Any) -> Any:
    """As JSON says it: times are seconds, absent members are left out."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def start_execution(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    execution = starting.start(machines, data["stateMachineArn"], data.get("name"), data.get("input"))
    return {"executionArn": execution.exec_arn, "startDate": execution.start_date}


def stop_execution(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    execution = machines.describe_execution(data["executionArn"])
    return {"stopDate": executions.stop(execution, data.get("error"), data.get("cause"))}


def describe_execution(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    execution = machines.describe_execution(data["executionArn"])
    included = {"included": True}
    described = _item(execution) | {
        "input": execution.execution_input,
        "inputDetails": included,
        "redriveStatus": "NOT_REDRIVABLE",
    }
    if described["status"] in {"FAILED", "TIMED_OUT", "ABORTED"}:
        described |= {"cause": execution.cause, "error": execution.error, "redriveStatus": "REDRIVABLE"}
    else:
        described["redriveStatusReason"] = f"Execution is {described['status']} and cannot be redriven"
    if described["status"] == "SUCCEEDED":
        as_json = find("moto.stepfunctions.parser.asl.utils.encoding:to_json_str")
        described |= {"output": as_json(execution.output, separators=(",", ":")), "outputDetails": included}
    return described


def _item(execution: Any) -> dict[str, Any]:
    # moto sets the status before what belongs to it: until all is there, the execution runs.
    ended = execution.finished.is_set()
    return {
        "executionArn": execution.exec_arn,
        "name": execution.name,
        "redriveCount": 0,
        "startDate": execution.start_date,
        "stateMachineAliasArn": execution.alias_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": execution.version_arn,
        "status": execution.status if ended else "RUNNING",
        "stopDate": execution.stop_date if ended else None,
    }


def list_executions(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    """The newest first, by the end of what has ended and the start of what runs; of a machine, version or alias."""
    arn, status = data["stateMachineArn"], data.get("statusFilter")
    if status == "PENDING_REDRIVE":
        raise RefusedByAws("ValidationException", "PENDING_REDRIVE is a status of the executions of a Map Run.")
    base = ":".join(arn.split(":")[:7])
    items = [_item(execution) for execution in machines.describe_state_machine(base).executions]
    found = [item for item in items if status in {None, item["status"]}]
    if arn != base:
        found = [item for item in found if arn in {item["stateMachineVersionArn"], item["stateMachineAliasArn"]}]
    if data.get("redriveFilter") == "REDRIVEN":  # nothing is redriven here
        found = []
    found.sort(key=lambda item: item["stopDate"] or item["startDate"], reverse=True)
    shown, token = page(found, data)
    return {"executions": shown, "nextToken": token}


def get_execution_history(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    execution = machines.describe_execution(data["executionArn"])
    history = [_with_qualifiers(event, execution) for event in execution.to_history_output()["events"]]
    ordered = list(reversed(history)) if data.get("reverseOrder") else list(history)
    shown, token = page(ordered, data)
    with_data = data.get("includeExecutionData", True)
    return {"events": [_event(event, with_data=with_data) for event in shown], "nextToken": token}


def _with_qualifiers(event: dict[str, Any], execution: Any) -> dict[str, Any]:
    """The first event tells the version and the alias that were started; moto knows neither."""
    started = "executionStartedEventDetails"
    if started not in event:
        return event
    qualifiers = {"stateMachineAliasArn": execution.alias_arn, "stateMachineVersionArn": execution.version_arn}
    return {**event, started: {**event[started], **qualifiers}}


def _event(event: dict[str, Any], *, with_data: bool) -> dict[str, Any]:
    shown = {
        key: {name: text for name, text in value.items() if with_data or name not in PAYLOAD}
        if isinstance(value, dict)
        else value
        for key, value in event.items()
    }
    return shown | {"timestamp": datetime.fromisoformat(event["timestamp"])}


def send_task_success(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.send_task_success(data["taskToken"], data["output"])
    return {}


def send_task_failure(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.send_task_failure(data["taskToken"], error=data.get("error"), cause=data.get("cause"))
    return {}


def send_task_heartbeat(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    machines.send_task_heartbeat(data["taskToken"])
    return {}


def list_map_runs(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    return dict(machines.list_map_runs(data["executionArn"]))


def describe_map_run(machines: Any, data: dict[str, Any]) -> dict[str, Any]:
    return dict(machines.describe_map_run(data["mapRunArn"]))


OPERATIONS: dict[str, Operation] = (
    state_machines.OPERATIONS
    | state_versions.OPERATIONS
    | {
        "DescribeExecution": describe_execution,
        "DescribeMapRun": describe_map_run,
        "GetExecutionHistory": get_execution_history,
        "ListExecutions": list_executions,
        "ListMapRuns": list_map_runs,
        "SendTaskFailure": send_task_failure,
        "SendTaskHeartbeat": send_task_heartbeat,
        "SendTaskSuccess": send_task_success,
        "StartExecution": start_execution,
        "StopExecution": stop_execution,
    }
)
