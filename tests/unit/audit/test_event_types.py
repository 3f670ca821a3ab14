"""Every type of event of Step Functions' service model, with every member that the model gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from meridian.audit.histories.events import EVENTS
from meridian.audit.histories.fold import fold
from meridian.audit.model import Attempt, Audit, Outcome, Redrive, Step
from tests.unit.histories import arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape

MODEL = botocore.session.get_session().get_service_model("stepfunctions")
TYPES: list[str] = MODEL.shape_for("HistoryEventType").enum  # type: ignore[attr-defined]  # typed as any shape
MEMBERS: dict[str, Shape] = MODEL.shape_for("HistoryEvent").members  # type: ignore[attr-defined]  # typed as any shape

TASK = ("TaskStateEntered", "TaskScheduled", "TaskStarted")
FUNCTION = ("TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted")
ACTIVITY = ("TaskStateEntered", "ActivityScheduled", "ActivityStarted")
MAP, PARALLEL = ("MapStateEntered", "MapStateStarted"), ("ParallelStateEntered", "ParallelStateStarted")
ITEM, BRANCH = (*MAP, "MapIterationStarted", "WaitStateEntered"), (*PARALLEL, "WaitStateEntered")
RUN = (*MAP, "MapRunStarted")


def value(name: str, shape: Shape) -> Any:
    """A value for the member ``name``: text is the member's own name, JSON where the member holds JSON."""
    if shape.type_name == "structure":
        return {member: value(member, inner) for member, inner in shape.members.items()}  # type: ignore[attr-defined]  # typed as any shape
    simple = {"string": f'"{name}"' if name in ("input", "output") else name, "boolean": False, "map": {}}
    return simple.get(shape.type_name, 1)


def event(kind: str, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind, "id": number, "previousEventId": number - 1, "timestamp": float(number)}
    for shared in ("StateEntered", "StateExited"):
        if kind.endswith(shared):
            kind = shared
    member = f"{kind[0].lower()}{kind[1:]}EventDetails"
    return {**made, member: value(member, MEMBERS[member])} if member in MEMBERS else made


def audit_of(*kinds: str) -> Audit:
    """Audit of a chain of events, which begins with the execution's start."""
    events = [event(kind, number) for number, kind in enumerate(("ExecutionStarted", *kinds), 1)]
    audit = fold(arn("provision"), {}, events)
    assert (audit.events, audit.unknown) == (len(events), {})
    return audit


def first(audit: Audit) -> Step:
    return audit.steps[0]


def attempt(audit: Audit) -> tuple[Outcome, str, str]:
    last: Attempt = audit.steps[0].attempts[-1]
    return last.outcome, last.error, last.cause


def last(audit: Audit) -> tuple[str, Outcome, float | None]:
    """The innermost step, how it ended, and when."""
    return audit.steps[-1].kind, audit.steps[-1].outcome, audit.steps[-1].left


FAILED, TIMED_OUT = (Outcome.FAILED, "error", "cause"), (Outcome.TIMED_OUT, "error", "cause")
DONE, AT_WORK = (Outcome.SUCCEEDED, "", ""), (Outcome.RUNNING, "", "")
# type: (what comes before, what to look at, what is to be seen)
CASES: dict[str, tuple[tuple[str, ...], Callable[[Audit], Any], Any]] = {
    "ExecutionStarted": (
        (),
        lambda audit: (audit.started, audit.version_arn, audit.alias_arn, audit.input.text),
        (1.0, "stateMachineVersionArn", "stateMachineAliasArn", '"input"'),
    ),
    "ExecutionSucceeded": (
        (),
        lambda audit: (audit.status, audit.stopped, audit.output.text),
        (Outcome.SUCCEEDED, 2.0, '"output"'),
    ),
    "ExecutionFailed": (
        ("ChoiceStateEntered",),
        lambda audit: (audit.status, audit.error, first(audit).outcome, first(audit).cause),
        (Outcome.FAILED, "error", Outcome.FAILED, "cause"),
    ),
    "ExecutionTimedOut": (
        ("WaitStateEntered",),
        lambda audit: (audit.status, audit.cause, last(audit)),
        (Outcome.TIMED_OUT, "cause", ("Wait", Outcome.TIMED_OUT, 3.0)),
    ),
    "ExecutionAborted": (
        ("WaitStateEntered",),
        lambda audit: (audit.status, audit.error, last(audit)),
        (Outcome.ABORTED, "error", ("Wait", Outcome.ABORTED, 3.0)),
    ),
    "ExecutionRedriven": (
        ("WaitStateEntered", "ExecutionAborted"),
        lambda audit: (audit.status, audit.stopped, audit.redrives),
        (Outcome.RUNNING, None, [Redrive(4.0, 1)]),
    ),
    **{
        f"{kind}StateEntered": (
            (),
            lambda audit: (*last(audit), first(audit).name, first(audit).input.text),
            (kind, Outcome.RUNNING, None, "name", '"input"'),
        )
        for kind in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait", "Fail")
    },
    **{
        f"{kind}StateExited": (
            (f"{kind}StateEntered",),
            lambda audit: (*last(audit), first(audit).output.text),
            (kind, Outcome.SUCCEEDED, 3.0, '"output"'),
        )
        for kind in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
    },
    **{
        f"{kind}StateAborted": ((f"{kind}StateEntered",), last, (kind, Outcome.ABORTED, 3.0))
        for kind in ("Map", "Parallel", "Task", "Wait")
    },
    **{
        f"{kind}Scheduled": (TASK[:1], lambda audit: (attempt(audit), first(audit).resource), (AT_WORK, resource))
        for kind, resource in (
            ("Task", "resourceType:resource"),
            ("LambdaFunction", "resource"),
            ("Activity", "resource"),
        )
    },
    **{
        f"{kind}Started": (before[:2], lambda audit: first(audit).attempts[0].started, 4.0)
        for kind, before in (("Task", TASK), ("LambdaFunction", FUNCTION), ("Activity", ACTIVITY))
    },
    **{
        f"{kind}Succeeded": (before, attempt, DONE)
        for kind, before in (("Task", TASK), ("LambdaFunction", FUNCTION), ("Activity", ACTIVITY))
    },
    **{
        f"{kind}Failed": (before, attempt, FAILED)
        for kind, before in (("Task", TASK), ("LambdaFunction", FUNCTION), ("Activity", ACTIVITY))
    },
    **{
        f"{kind}TimedOut": (before, attempt, TIMED_OUT)
        for kind, before in (("Task", TASK), ("LambdaFunction", FUNCTION), ("Activity", ACTIVITY))
    },
    "ActivityScheduleFailed": (TASK[:1], attempt, FAILED),
    "LambdaFunctionScheduleFailed": (TASK[:1], attempt, FAILED),
    "LambdaFunctionStartFailed": (FUNCTION[:2], attempt, FAILED),
    "TaskStartFailed": (TASK[:2], attempt, FAILED),
    "TaskSubmitFailed": (TASK, attempt, FAILED),
    "TaskSubmitted": (TASK, attempt, AT_WORK),
    "MapStateStarted": (MAP[:1], attempt, AT_WORK),
    "ParallelStateStarted": (PARALLEL[:1], attempt, AT_WORK),
    "MapStateSucceeded": (MAP, attempt, DONE),
    "ParallelStateSucceeded": (PARALLEL, attempt, DONE),
    "MapStateFailed": (
        (*MAP, "MapIterationStarted", "TaskStateEntered", "TaskScheduled", "TaskFailed", "MapIterationFailed"),
        lambda audit: (attempt(audit), last(audit)),
        (FAILED, ("Task", Outcome.FAILED, 8.0)),
    ),
    "ParallelStateFailed": (
        (*PARALLEL, "TaskStateEntered", "TaskScheduled", "TaskFailed"),
        lambda audit: (attempt(audit), last(audit)),
        (FAILED, ("Task", Outcome.FAILED, 7.0)),
    ),
    "MapIterationStarted": (ITEM, lambda audit: audit.steps[-1].iteration, 1),
    "MapIterationSucceeded": ((*ITEM, "WaitStateExited"), last, ("Wait", Outcome.SUCCEEDED, 6.0)),
    "MapIterationFailed": ((*MAP, "MapIterationStarted", "FailStateEntered"), last, ("Fail", Outcome.FAILED, 6.0)),
    "MapIterationAborted": (ITEM, last, ("Wait", Outcome.ABORTED, 6.0)),
    "MapRunStarted": (MAP, lambda audit: first(audit).map_run_arn, "mapRunArn"),
    "MapRunSucceeded": (
        RUN,
        lambda audit: (first(audit).map_run_arn, *last(audit)),
        ("mapRunArn", "Map", Outcome.RUNNING, None),
    ),
    "MapRunFailed": (RUN, lambda audit: (first(audit).error, first(audit).cause), ("error", "cause")),
    "MapRunAborted": (
        RUN,
        lambda audit: (first(audit).map_run_arn, first(audit).outcome),
        ("mapRunArn", Outcome.RUNNING),
    ),
    "MapRunRedriven": (MAP, lambda audit: first(audit).map_run_arn, "mapRunArn"),
    "EvaluationFailed": (
        ("PassStateEntered",),
        lambda audit: (first(audit).error, first(audit).cause),
        ("error", "cause"),
    ),
}


def test_every_type_is_handled() -> None:
    """What is handled is what the service model knows, no less and no more."""
    assert set(EVENTS) == set(TYPES)


def test_every_type_has_a_case() -> None:
    """No type goes untested here."""
    assert set(CASES) == set(TYPES)


def test_members() -> None:
    """Details are looked for under the member that the model has, where it has one for the type."""
    assert {member for _, member in EVENTS.values()} >= {name for name in MEMBERS if name.endswith("EventDetails")}


@pytest.mark.parametrize("kind", TYPES)
def test_type(kind: str) -> None:
    """An event of the type, with all its members, gives a right audit."""
    before, look, seen = CASES[kind]
    kinds = () if kind == "ExecutionStarted" else before if kind in before else (*before, kind)
    assert look(audit_of(*kinds)) == seen


@pytest.mark.parametrize("kind", TYPES)
def test_type_without_anything(kind: str) -> None:
    """An event that lacks its details, and what should come before it, raises nothing."""
    bare = {"type": kind, "id": 7, "timestamp": 1.0}
    assert fold(arn("provision"), {}, [bare]).events == 1
