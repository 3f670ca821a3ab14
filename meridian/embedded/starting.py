"""StartExecution on moto's interpreter."""

from __future__ import annotations

import copy
import json
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from meridian.embedded.internals import find
from meridian.embedded.services import RefusedByAws
from meridian.embedded.settings import ACCOUNT

PARSER = "moto.stepfunctions.parser."

_starting = threading.RLock()  # a rule may start an execution when one starts


def backend(region: str) -> Any:
    """State machines in moto's store, of ``region``."""
    return find(f"{PARSER}models:stepfunctions_parser_backends")[ACCOUNT][region]


def start(
    machines: Any, state_machine_arn: str, name: str | None = None, execution_input: str | None = None, *_: Any
) -> Any:
    """StartExecution: of a machine, a version or an alias; idempotent while one of that name and input runs."""
    threads = find(f"{PARSER}utils:TMP_THREADS")
    threads[:] = [thread for thread in threads if thread.is_alive()]  # moto keeps every thread for ever
    name, execution_input = name or str(uuid.uuid4()), execution_input or "{}"
    machines._validate_name(name)  # noqa: SLF001  # moto's own check
    _validate_input(execution_input)
    machine, version, alias = _resolve(machines, state_machine_arn)
    with _starting:
        running = machine._handle_name_input_idempotency(name, execution_input)  # noqa: SLF001  # moto's own check
        if running is None:
            running = _new(machines, machine, version or machine, name, execution_input)
            running.version_arn, running.alias_arn = version and version.arn, alias
            machine.executions.append(running)
            running.start()
    return running


def _new(machines: Any, machine: Any, source: Any, name: str, execution_input: str) -> Any:
    # A copy: a change of the machine must not reach an execution that runs.
    definition = copy.copy(source)
    definition.arn, definition.executions = machine.arn, []
    execution = find(f"{PARSER}backend.execution:Execution")(
        name=name,
        sm_type=machine.type,
        role_arn=definition.roleArn,
        exec_arn=f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}",
        account_id=machines.account_id,
        region_name=machines.region_name,
        state_machine=definition,
        start_date=datetime.now(UTC),
        input_data=execution_input,
        cloud_watch_logging_session=None,
        activity_store={},
    )
    # It can be looked at from now on, before its thread runs.
    execution.history, execution.finished = None, threading.Event()
    execution.exec_status = find(f"{PARSER}api:ExecutionStatus.RUNNING")
    return execution


def _validate_input(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise RefusedByAws("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error


def _resolve(machines: Any, arn: str) -> tuple[Any, Any, str | None]:
    """The machine, its version or None, and the alias's ARN or None, that ``arn`` names."""
    base, _, qualifier = arn.rpartition(":")
    if arn.count(":") == 6:  # arn:aws:states:region:account:stateMachine:name
        return machines.describe_state_machine(arn), None, None
    if qualifier.isnumeric():
        return machines.describe_state_machine(base), machines.describe_state_machine(arn), None
    routes = machines.describe_state_machine_alias(arn).routing_configuration
    [route] = random.choices(routes, [route["weight"] for route in routes])  # noqa: S311  # no secret
    machine, version, _ = _resolve(machines, route["stateMachineVersionArn"])
    return machine, version, arn
