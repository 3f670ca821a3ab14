"""moto's Step Functions interpreter, made to call this server and to behave as AWS where it does not."""

from __future__ import annotations

import enum
import logging
import sys
import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meridian.embedded import interpreter_clients, interpreter_speed
from meridian.embedded.internals import expect, find, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.embedded.settings import Settings

PARSER = "moto.stepfunctions.parser."
ASL = f"{PARSER}asl."
STATE = f"{ASL}component.state."
SYNC_LOOK_SECONDS = 0.1  # how often a .sync task looks at its child execution; moto's own 0.5 s adds up


def install(settings: Settings) -> None:
    _import_without_ec2()
    # It writes out the whole syntax tree at every level of every ordinary failure.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    find("moto.core.config:default_user_config")["stepfunctions"] = {"execute_state_machine": True}
    for log in ("_log_failure_event_exception", "_log_exception"):
        replace(f"{ASL}component.eval_component:EvalComponent.{log}", lambda *_, **__: None)
    interpreter_clients.install(settings)
    interpreter_speed.install()
    _keep_states_errors()
    _map_stops_its_siblings()
    _stopped_stays_stopped()
    _function_errors_as_aws()
    _contexts_as_aws()
    replace(f"{ASL}jsonata.jsonata:_eval_jsonata", _jsonata)  # moto leaves it unset (getmoto/moto issue 10105)
    callback = f"{STATE}exec.state_task.service.state_task_service_callback"
    replace(f"{callback}:_DELAY_SECONDS_SYNC_CONDITION_CHECK", SYNC_LOOK_SECONDS)


def _import_without_ec2() -> None:
    """Spare a second: the interpreter imports all of moto.ec2 for one enumeration of AWS Batch."""
    stub: Any = types.ModuleType("moto.batch.utils")
    statuses = "SUBMITTED PENDING RUNNABLE STARTING RUNNING SUCCEEDED FAILED"
    stub.JobStatus = enum.StrEnum("JobStatus", {name: name for name in statuses.split()})  # type: ignore[misc]  # its members are computed
    sys.modules["moto.batch.utils"] = stub
    find("moto.stepfunctions.parser.models")
    del sys.modules["moto.batch.utils"]


def _keep_states_errors() -> None:
    """A States.* error keeps its name when it leaves Parallel or Map; moto makes it a States.Runtime."""
    names = find(f"{ASL}component.common.error_name.states_error_name:StatesErrorName")
    plain = find(f"{ASL}component.common.error_name.error_name:ErrorName")

    def error_name(error_name: str | None = None) -> Any:
        try:
            return names.from_name(error_name) if error_name else None
        except ValueError:
            name = object.__new__(plain)
            name.error_name = error_name
            return name

    for module in ("state_parallel.branches_decl", "state_map.iteration.iteration_worker"):
        replace(f"{STATE}exec.{module}:CustomErrorName", error_name)


def _map_stops_its_siblings() -> None:
    """A failed item ends the others, as a failed branch of Parallel does."""
    path = f"{STATE}exec.state_map.iteration.inline_iteration_component:InlineIterationComponent._eval_body"
    expect(f"{ASL}eval.environment:Environment", "_frames", "def set_stop")
    iterate: Callable[[Any, Any], None] = find(path)

    def stop_on_error(self: Any, env: Any) -> None:
        before = list(env._frames)  # noqa: SLF001  # moto has no other way to its frames
        try:
            iterate(self, env)
        except Exception:
            for frame in [frame for frame in env._frames if frame not in before]:  # noqa: SLF001  # moto has no other way to its frames
                frame.set_stop(stop_date=datetime.now(UTC), cause=None, error=None)
            raise

    replace(path, stop_on_error)


def _stopped_stays_stopped() -> None:
    """What a Map or a child makes of a stop comes after it, and is no error of the execution."""
    path = f"{ASL}eval.environment:Environment.set_error"
    set_error: Callable[[Any, Any], None] = find(path)
    stopped = find(f"{ASL}eval.program_state:ProgramStopped")

    def set_error_unless_stopped(self: Any, error: Any) -> None:
        if not isinstance(self.program_state(), stopped):
            set_error(self, error)

    replace(path, set_error_unless_stopped)


def _function_errors_as_aws() -> None:
    """A refused Invoke is Lambda.<code>; moto calls it "Exception" when the Resource is the function itself."""
    from botocore.exceptions import ClientError

    service = f"{STATE}exec.state_task.service.state_task_service_lambda:StateTaskServiceLambda"
    describe = find(f"{service}._error_cause_from_client_error")
    path = f"{STATE}exec.state_task.state_task_lambda:StateTaskLambda._from_error"
    from_error = find(path)
    failure_event = find(f"{ASL}component.common.error_name.failure_event:FailureEvent")
    custom_name = find(f"{ASL}component.common.error_name.custom_error_name:CustomErrorName")
    failed = find(f"{PARSER}api:HistoryEventType.LambdaFunctionFailed")

    def cause_of(error: ClientError) -> tuple[str, str]:
        name, cause = describe(error)
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            name = "Lambda.ServiceException"
        elif name == "Lambda.AccessDeniedException":
            name = "Lambda.AWSLambdaException"
        return name, cause

    def direct_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return from_error(self, env=env, ex=ex)
        name, cause = cause_of(ex)
        details = {"lambdaFunctionFailedEventDetails": {"error": name, "cause": cause}}
        return failure_event(env=env, error_name=custom_name(name), event_type=failed, event_details=details)

    replace(f"{service}._error_cause_from_client_error", staticmethod(cause_of))
    replace(path, direct_error)


def _contexts_as_aws() -> None:
    """The context object: times are text ending in Z, and RedriveCount is there."""
    path = f"{PARSER}backend.execution_worker:ExecutionWorker._get_evaluation_environment"
    make = find(path)
    state_data = find(f"{STATE}state:StateData")

    def environment(self: Any) -> Any:
        env = make(self)
        execution = env.states.context_object.context_object_data["Execution"]
        execution["StartTime"] = timestamp(execution["StartTime"])
        execution["RedriveCount"] = 0
        return env

    def state(EnteredTime: str, Name: str) -> Any:  # noqa: N803  # moto's names
        return state_data(EnteredTime=timestamp(datetime.fromisoformat(EnteredTime)), Name=Name, RetryCount=0)

    replace(path, environment)
    replace(f"{STATE}state:StateData", state)


def timestamp(moment: datetime | str) -> str:
    """A time as Step Functions writes it: UTC, milliseconds, Z."""
    if isinstance(moment, str):
        return moment
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _jsonata(expression: str) -> Any:
    from jsonata import Jsonata

    return Jsonata.jsonata(expression).evaluate(None)
