"""Executions that a Task starts and waits for: AWS's names on both sides, and they end with their parent."""

from __future__ import annotations

import functools
import importlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from meridian.embedded.internals import find, replace

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn"
TASK = f"{MODULE}:StateTaskServiceSfn"


def install(ended: Callable[[str], bool], stop: Callable[[str], None]) -> None:
    """``ended`` tells of the execution of an ARN whether it has; ``stop`` ends it, if it has not."""
    importlib.import_module(MODULE)
    _names()
    _error_names()
    _children_end_with_their_parent(ended, stop)


def _names() -> None:
    """The definition says StateMachineArn, the API stateMachineArn; times reach the output as milliseconds."""
    parameters = find(f"{TASK}._normalise_parameters")

    def to_api(self: Any, parameters_of_task: dict[str, Any] | None = None, *args: Any, **more: Any) -> None:
        values = parameters_of_task if parameters_of_task is not None else more.pop("parameters")
        parameters(self, values, *args, **more)
        _recase(values, str.lower)

    def to_state(_self: Any, response: dict[str, Any], *_: Any, **__: Any) -> None:
        _recase(response, str.upper)
        for key, value in response.items():
            if isinstance(value, datetime):
                response[key] = int(value.timestamp() * 1000)
            elif key.endswith("Details"):
                _recase(value, str.upper)

    compact = functools.partial(find(f"{MODULE}:to_json_str"), separators=(",", ":"))
    replace(f"{MODULE}:to_json_str", compact)  # for the Cause, which is the child's description
    replace(f"{TASK}._normalise_parameters", to_api)
    replace(f"{TASK}._normalise_response", to_state)


def _error_names() -> None:
    """Keep AWS's own: moto appends Exception to every code; AWS does not append it twice."""
    from_error = find(f"{TASK}._from_error")

    def error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            ex.response["Error"]["Code"] = ex.response["Error"]["Code"].removesuffix("Exception")
        return from_error(self, env=env, ex=ex)

    replace(f"{TASK}._from_error", error)


def _recase(values: dict[str, Any], case: Callable[[str], str]) -> None:
    """Change the first letter of every key, in place and in order."""
    renamed = {case(key[0]) + key[1:]: value for key, value in values.items()}
    values.clear()
    values.update(renamed)


def _children_end_with_their_parent(ended: Callable[[str], bool], stop: Callable[[str], None]) -> None:
    """A child is stopped when its task times out, fails beside it or is stopped. AWS does so by its best effort.

    It is described once, when it has ended: every look of a parent would be a call of this server to itself.
    """
    wait = find(f"{TASK}._eval_sync")

    def remembering(build: Callable[..., Any]) -> Callable[..., Any]:
        def built(self: Any, *, env: Any, **more: Any) -> Any:
            child = env.stack[-1]["ExecutionArn"]
            resolve = build(self, env=env, **more)

            def look() -> Any:
                return resolve() if ended(child) else None

            look.child = child  # type: ignore[attr-defined]  # read by wait_and_stop
            return look

        return built

    def wait_and_stop(self: Any, *, env: Any, sync_resolver: Any, **more: Any) -> Any:
        try:
            return wait(self, env=env, sync_resolver=sync_resolver, **more)
        finally:
            stop(sync_resolver.child)

    for builder in ("_build_sync_resolver", "_build_sync2_resolver"):
        replace(f"{TASK}.{builder}", remembering(find(f"{TASK}.{builder}")))
    replace(f"{TASK}._eval_sync", wait_and_stop)
