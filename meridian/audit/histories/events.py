"""Which function takes in which type of event, and under which member its details are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.audit.histories import containers, executions, states, tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meridian.audit.histories.branches import Branch
    from meridian.audit.histories.folding import Folding
    from meridian.audit.source import Event

    Handler = Callable[[Folding, Branch, Event, Mapping[str, Any]], Branch]

_HANDLERS: dict[str, Handler] = {
    "ExecutionStarted": executions.started,
    "ExecutionRedriven": executions.redriven,
    **dict.fromkeys(executions.ENDINGS, executions.ended),
    **{
        f"{kind}StateEntered": states.entered
        for kind in ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
    },
    **{
        f"{kind}StateExited": states.exited for kind in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
    },
    **{f"{kind}StateAborted": states.aborted for kind in ("Map", "Parallel", "Task", "Wait")},
    **{f"{kind}StateStarted": containers.started for kind in ("Map", "Parallel")},
    **{f"{kind}StateSucceeded": containers.succeeded for kind in ("Map", "Parallel")},
    **{f"{kind}StateFailed": containers.failed for kind in ("Map", "Parallel")},
    "MapIterationStarted": containers.iteration_started,
    **{f"MapIteration{end}": containers.iteration_ended for end in ("Succeeded", "Failed", "Aborted")},
    **{f"MapRun{what}": containers.map_run for what in ("Started", "Succeeded", "Failed", "Aborted", "Redriven")},
    **{f"{work}Scheduled": tasks.scheduled for work in ("Activity", "LambdaFunction", "Task")},
    **{f"{work}Started": tasks.started for work in ("Activity", "LambdaFunction", "Task")},
    **{f"{work}Succeeded": tasks.succeeded for work in ("Activity", "LambdaFunction", "Task")},
    **{f"{work}Failed": tasks.failed for work in ("Activity", "LambdaFunction", "Task")},
    **{f"{work}TimedOut": tasks.failed for work in ("Activity", "LambdaFunction", "Task")},
    **{f"{work}ScheduleFailed": tasks.failed for work in ("Activity", "LambdaFunction")},
    **{f"{work}StartFailed": tasks.failed for work in ("LambdaFunction", "Task")},
    "TaskSubmitted": tasks.submitted,
    "TaskSubmitFailed": tasks.failed,
    "EvaluationFailed": tasks.evaluation_failed,
}


def _member(kind: str) -> str:
    """Member of an event that holds its details, as the service model names it."""
    for shared in ("StateEntered", "StateExited"):
        if kind.endswith(shared):
            return f"s{shared[1:]}EventDetails"
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


EVENTS = {kind: (handler, _member(kind)) for kind, handler in _HANDLERS.items()}
UNKNOWN = (states.unknown, "")

# After the end of the execution only what functions still answer is taken in.
LATE = dict.fromkeys(_HANDLERS, (tasks.ignored, "")) | {
    kind: (tasks.late, _member(kind)) for kind in ("LambdaFunctionSucceeded", "TaskSucceeded")
}
