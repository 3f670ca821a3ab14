"""The process in which one Lambda function runs.

MiniStack starts it and speaks JSON lines with it. It is copied beside the function's code and run by a
Python that knows only the standard library, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = "__meridian_function_failed__"  # marks an answer that is an error; MiniStack would end the process otherwise
END_OF_LOG = "\x1e meridian end of log"
ORPHANED_SECONDS = 0.5  # between two looks whether the server still lives


class Context:
    """The context object that Lambda gives to a handler."""

    identity = None
    client_context = None

    def __init__(self, init: dict[str, Any], call: dict[str, Any]) -> None:
        self.function_name = init["function_name"]
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = str(init["memory"])
        self.invoked_function_arn = call.get("invoked_function_arn") or init["arn"]
        self.aws_request_id = call["request_id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{self.function_name}")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self._deadline = time.monotonic() + call["timeout_ms"] / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def failure(error: BaseException, request_id: str) -> dict[str, Any]:
    """An error as AWS's Python runtime reports it; the class name is what Retry and Catch match."""
    stack = [as_in_lambda(line) for line in traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])]
    print(f"[ERROR] {type(error).__name__}: {error}\n{''.join(stack)}", file=sys.stderr, end="")
    return report(type(error).__name__, str(error), request_id, stack)


def as_in_lambda(line: str) -> str:
    """A line of a stack trace, with the places where Lambda keeps code and packages."""
    return line.replace(sys.path[0], "/var/task").replace(sys.path[-1], "/var/runtime")


def report(kind: str, message: str, request_id: str, stack: list[str]) -> dict[str, Any]:
    return {FAILED: {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}}


def load(module: str, name: str) -> Callable[[Any, Context], Any]:
    """The handler, or a stand-in that reports at every call why there is none, as AWS does."""
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        return missing("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")
    except SyntaxError as error:
        return missing("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}")
    except Exception as error:  # noqa: BLE001  # a module may raise anything
        return missing(type(error).__name__, str(error))
    if not hasattr(found, name):
        return missing("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    return getattr(found, name)  # type: ignore[no-any-return]  # any module


def missing(kind: str, message: str) -> Callable[[Any, Context], Any]:
    def handle(_event: Any, context: Context) -> Any:
        print(f"[ERROR] {kind}: {message}", file=sys.stderr)
        return report(kind, message, context.aws_request_id, [])

    return handle


def invoke(handler: Callable[[Any, Context], Any], event: Any, context: Context) -> str:
    """One invocation; its answer as a line of JSON."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001  # whatever a handler raises is its answer
        result = failure(error, context.aws_request_id)
    try:
        return json.dumps({"status": "ok", "result": result})
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return json.dumps(
            {"status": "ok", "result": report("Runtime.MarshalError", message, context.aws_request_id, [])}
        )


def leave_with_server(server: int) -> None:
    """End this process when the server is gone, even in the middle of an invocation."""
    while os.getppid() == server:
        time.sleep(ORPHANED_SECONDS)
    os._exit(1)


def own_streams() -> tuple[TextIO, TextIO]:
    """Keep the two pipes of the protocol for us: what the handler prints goes to the log."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def run(packages: str) -> None:
    threading.Thread(target=leave_with_server, args=(os.getppid(),), daemon=True).start()
    requests, answers = own_streams()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper; keeps log lines in order
    init = json.loads(requests.readline())
    os.environ.update(init["env"])
    sys.path[:] = [init["code_dir"], *sys.path, packages]
    handler = load(init["module"], init["handler"])
    print(json.dumps({"status": "ready", "cold": True}), file=answers, flush=True)
    for line in requests:
        call = json.loads(line)
        answer = invoke(handler, call["event"], Context(init, call["ctx"]))
        sys.stdout.flush()
        print(END_OF_LOG, file=sys.stderr, flush=True)
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    run(sys.argv[1])
