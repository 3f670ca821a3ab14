"""Start executions, follow them, and find out why one failed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from meridian.history import Execution
from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_stepfunctions import SFNClient

# GetExecutionHistory refills at 20 calls a second an account; half of that is left to others.
CALLS_A_SECOND = 10
FIRST_PAGE, NEXT_PAGE = 1000, 100  # events
UNSEEN = ("AccessDeniedException", "ExecutionDoesNotExist")


def start(states: SFNClient, machine: str, workflow: str, document: Mapping[str, Any]) -> str:
    """Start ``workflow`` on the state machine ARN ``machine`` and return the execution's ARN.

    ``document`` is the input, and names the table of a workflow that is of one. Raises ClientError
    StateMachineDoesNotExist where the control stack is not installed.
    """
    name = names.execution(workflow, document.get("table", ""), uuid4().hex[:8])
    started = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(document))
    return started["executionArn"]


def require(states: SFNClient, arn: str) -> None:
    """Raise ClientError ExecutionDoesNotExist unless there is an execution ``arn``."""
    states.describe_execution(executionArn=arn)


def snapshot(states: SFNClient, arn: str) -> Execution:
    """Read the execution ``arn`` as it is now, with every execution it started.

    Raises ClientError ExecutionDoesNotExist.
    """
    execution = Execution(arn)
    _read(states, execution)
    return execution


def follow(
    states: SFNClient, arn: str, *, every: float = 1.0, sleep: Callable[[float], object] = time.sleep
) -> Iterator[Execution]:
    """Yield the execution ``arn`` after each look, ``every`` so many seconds, until it has ended.

    It is the same object each time. A look costs one GetExecutionHistory for each execution that runs.
    """
    execution = Execution(arn)
    while True:
        running = _read(states, execution)
        yield execution
        if execution.ended:
            return
        sleep(max(every, running / CALLS_A_SECOND))


def _read(states: SFNClient, execution: Execution) -> int:
    """Fold in what is new in ``execution`` and below it; return how many executions were asked."""
    execution.fold(_new_events(states, execution))
    return 1 + sum(_read_child(states, child) for child in execution.children if not child.ended)


def _read_child(states: SFNClient, child: Execution) -> int:
    """As ``_read``, but one may see a parent without seeing its children."""
    from botocore.exceptions import ClientError

    try:
        return _read(states, child)
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNSEEN:
            raise
        return 1


def _new_events(states: SFNClient, execution: Execution) -> list[Any]:
    """Events after the last one folded in, the oldest first.

    The newest are read first, since a forward page cannot begin in the middle of a history.
    """
    seen = execution.last_event_id
    events: list[Any] = []
    query: dict[str, Any] = {"executionArn": execution.arn, "reverseOrder": True}
    query["maxResults"] = NEXT_PAGE if seen else FIRST_PAGE
    while True:
        page = states.get_execution_history(**query)
        events += [event for event in page["events"] if event["id"] > seen]
        if not page.get("nextToken") or page["events"][-1]["id"] <= seen + 1:
            return sorted(events, key=lambda event: event["id"])
        query["nextToken"] = page["nextToken"]
