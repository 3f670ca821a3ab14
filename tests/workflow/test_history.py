"""The bound on an execution's history."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import read_probes
from tasks.shared import waiting
from tests.workflow.definitions import DEFINITIONS
from tests.workflow.fakes import REGIONS, REQUEST, error, functions
from tests.workflow.test_coverage import INPUTS, children
from workflows import history
from workflows.history import EVENT_LIMIT, limit, most_events, most_looks_of
from workflows.state_machine import walk

if TYPE_CHECKING:
    from tests.workflow.conftest import Account
    from tests.workflow.interpreter import Function

BUSY_LOOKS = 2
MAP_ITEMS = {
    "provision": len(REGIONS),
    "refresh-regions": len(REGIONS),
    "redeliver": 1,
    "cleanup": len(REGIONS) - 1,
}


def failing_always_but_last(workflow: str) -> dict[str, Function]:
    """Functions that use up every attempt of every Retry in every look."""
    attempts = {
        name: [retrier["ErrorEquals"][0] for retrier in state["Retry"] for _ in range(retrier["MaxAttempts"])]
        for name, state in walk(DEFINITIONS[workflow])
        if "Retry" in state
    }
    pending: dict[str, list[str]] = {}

    def failing(function: Function) -> Function:
        def run(event: dict[str, Any]) -> Any:
            names = pending.setdefault(event["state"]["Name"], list(attempts[event["state"]["Name"]]))
            if names:
                raise error(names.pop())
            del pending[event["state"]["Name"]]
            return function(event)

        return run

    # The items of redeliver's Map look side by side, and what is pending here goes by the state's name only.
    request = {**REQUEST, "regions": REGIONS[:1]} if workflow == "redeliver" else REQUEST
    return {task: failing(function) for task, function in functions(request, busy=BUSY_LOOKS).items()}


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_no_history_reaches_the_limit(workflow: str) -> None:
    """Whatever the request and whatever fails in passing, the execution stays below 25,000 events."""
    assert most_events(DEFINITIONS[workflow]) < EVENT_LIMIT


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_the_bound_is_what_an_execution_writes(workflow: str, account: Account) -> None:
    """An execution that uses up every attempt of every look has exactly as many events as are computed for it."""
    execution = account(failing_always_but_last(workflow), children(workflow)).run(workflow, INPUTS[workflow])
    computed = most_events(DEFINITIONS[workflow], lambda _: BUSY_LOOKS + 1, MAP_ITEMS.get(workflow, 0))
    assert (execution.status, len(execution.events)) == ("SUCCEEDED", computed)


def test_a_loop_that_nothing_bounds_is_refused() -> None:
    """A loop whose task has no deadline has no bound."""
    definition = copy.deepcopy(DEFINITIONS["provision"])
    del definition["States"]["CreateTable"]["Parameters"]["deadline_seconds.$"]
    with pytest.raises(ValueError, match="CreateTableFunction"):
        most_events(definition)


def test_more_patience_means_more_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound follows the schema's greatest deadline."""
    before = most_events(DEFINITIONS["provision"])
    monkeypatch.setattr(history, "limit", lambda *_: 10 * limit(*_))
    assert most_events(DEFINITIONS["provision"]) > before


class Nothing:
    """A Region in which no probe ever arrives."""

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        return {"Responses": {}}


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3_600), st.integers(1, 300), st.lists(st.floats(0, 5), min_size=1, max_size=5))
def test_probes_are_not_looked_for_more_often(deadline: int, poll: int, delays: list[float]) -> None:
    """The real ReadProbes, on a clock that moves as told, gives up within the looks that are counted for it."""
    started = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    clock = [started]
    probes: Any = {"run": "r", "step": "put", "written_at": dict.fromkeys(REGIONS, 0), "seen": {}, "looks": 0}
    answer = {**probes, "began": waiting.timestamp(started), "status": "BUSY", "wait_seconds": 0}
    request = {**REQUEST, "validation": {"deadline_seconds": deadline, "poll_seconds": poll}}
    bound = read_probes.LOOKS_AT_ONCE - 1 + waiting.most_looks(deadline, poll)
    aws: Any = SimpleNamespace(dynamodb=lambda _: Nothing())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(read_probes, "now", lambda: clock[0])
        while answer["status"] == "BUSY":
            clock[0] += timedelta(seconds=answer["wait_seconds"] + delays[answer["looks"] % len(delays)])
            event = {"table": "orders", "request": request, "regions": REGIONS, "probes": answer}
            answer = cast("dict[str, Any]", read_probes.read_probes.run(cast("Any", event), aws))
            assert answer["looks"] <= bound


def test_the_looks_for_probes_follow_the_schema() -> None:
    """ReadProbes is bounded by the schema's validation deadline."""
    task = DEFINITIONS["validate"]["States"]["ReadProbes"]
    assert most_looks_of(task) == read_probes.LOOKS_AT_ONCE - 1 + waiting.most_looks(3_600, 1)
