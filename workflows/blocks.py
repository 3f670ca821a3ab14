"""What recurs in our state machines: a task, a task that is called until it is ready, a child workflow.

    Task -> ready? --READY--> (next)
      ^        |
      +- wait <+ BUSY

The task itself says how long to wait and when to give up (tasks/shared/waiting.py); nothing is counted here, so that
a redrive finds no counter already spent.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, cast

from tasks.shared.errors import PASSING_CODES
from workflows.states import Chain, Choice, ChoiceRule, Retry, StartExecution, Task, Wait

if TYPE_CHECKING:
    from tasks.shared.task import Task as Function

# The state outlives its function, so that Lambda's own error arrives first.
MARGIN_SECONDS = 15

# What AWS advises to retry for every Lambda task; a task may run twice, so also when one was lost or cut off.
LAMBDA_ERRORS = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
]
# Within a minute. One block for all names, because each attempt counts in the bound of every look (history.py).
RETRY = Retry(
    error_equals=[*LAMBDA_ERRORS, *PASSING_CODES],
    interval_seconds=2,
    max_attempts=5,
    backoff_rate=2,
    max_delay_seconds=60,
    jitter_strategy="FULL",
)

CONTEXT = {"execution.$": "$$.Execution", "state.$": "$$.State"}
TABLE = {"table.$": "$.table", "home.$": "$.home"}
REGION = {**TABLE, "region.$": "$.region"}
REQUEST = {"request.$": "$.request"}


def module(state: str) -> str:
    """The task module of a state: ``DescribeTable (replica)`` is ``describe_table``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", state.partition(" (")[0]).lower()


def function(state: str) -> Function[Any, Any]:
    """The task behind a state."""
    name = module(state)
    return cast("Function[Any, Any]", getattr(importlib.import_module(f"tasks.{name}"), name))


def task(state: str, given: dict[str, Any], **fields: Any) -> Task:
    """A state that calls its function once, with every passing error retried."""
    return Task(
        state,
        resource=f"${{{state.partition(' (')[0]}Function}}",
        parameters={**given, **CONTEXT},
        timeout_seconds=function(state).timeout_seconds + MARGIN_SECONDS,
        retry=[RETRY],
        **fields,
    )


def until_ready(state: str, given: dict[str, Any], *, result: str, deadline: str, began: str = "$.began") -> Chain:
    """Call a task until it answers READY.

    ``result`` is where its answer goes, ``deadline`` the member of ``polling`` that bounds the loop, ``began`` the path
    of the moment from which the deadline counts.
    """
    loop = {
        "began.$": began,
        "deadline_seconds.$": f"$.request.polling.{deadline}",
        "poll_seconds.$": "$.request.polling.poll_seconds",
    }
    return look(task(state, {**given, **loop}, result_path=result), result)


def look(called: Task, result: str) -> Chain:
    """The loop around a task whose answer holds ``status`` and ``wait_seconds``; it goes on when not BUSY."""
    name = called.state_id
    wait = Wait(f"{name}: wait", seconds_path=f"{result}.wait_seconds")
    wait.next(called)
    ready = Choice(f"{name}: ready?")
    ready.add_choice(ChoiceRule.StringEquals(f"{result}.status", "BUSY"), wait)
    return Chain([called, ready])


def child(state: str, given: dict[str, Any], **fields: Any) -> StartExecution:
    """Run the workflow that the state is named after, and wait for it within its part of ``$.timeouts``."""
    key = module(state)
    return StartExecution(
        state,
        state_machine=f"${{{state.partition(' (')[0]}StateMachine}}",
        given=given,
        timeout_seconds_path=f"$.timeouts.{key}",
        **fields,
    )
