"""Every state and every edge of every definition is run: what is new and not run here fails."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared.task import STARTED_BY
from tests.workflow.definitions import DEFINITIONS
from tests.workflow.edges import edges_of, edges_run, states_run
from tests.workflow.fakes import REQUEST, TASKS, WITHOUT_KINESIS, error, functions
from workflows.state_machine import walk

if TYPE_CHECKING:
    from tests.workflow.conftest import Account
    from tests.workflow.interpreter import Execution, Function

INPUTS: dict[str, dict[str, Any]] = {
    "provision": REQUEST,
    "add-region": {"table": "orders", "region": "eu-west-1"},
    "validate": {"table": "orders"},
    "remove-region": {"table": "orders", "region": "eu-west-1", "confirm": "eu-west-1"},
    "cleanup": {"table": "orders", "confirm": "orders"},
    "deploy-processors": {"table": "orders", "region": "eu-west-1"},
    "refresh-regions": {"table": "orders"},
    "redeliver": {"table": "orders"},
    "archive": {},
}
CHILDREN: dict[str, Function] = {
    "deploy-processors": lambda given: {"table": given["table"], "region": given["region"]},
    "refresh-regions": lambda given: {"table": given["table"]},
    "add-region": lambda given: {"table": given["table"], "region": given["region"], "stage": "ACTIVE"},
    "remove-region": lambda given: {"table": given["table"], "removed": given["region"], "failure_bucket": {}},
    "validate": lambda given: {"table": given["table"], "passed": 18},
}


def children(workflow: str) -> dict[str, Function]:
    """Answers in the place of child workflows, which are run by themselves."""
    return {name: answer for name, answer in CHILDREN.items() if name != workflow}


def failing_first(workflow: str, **fakes: Any) -> dict[str, Function]:
    """Functions that fail once for each retrier of their state before they answer.

    Which of a retrier's names is raised goes round from state to state, so that all of them come up.
    """
    pending: dict[str, list[str]] = defaultdict(list)
    for number, (name, state) in enumerate(walk(DEFINITIONS[workflow])):
        for retrier in state.get("Retry", []):
            names = retrier["ErrorEquals"]
            pending[name].append(names[number % len(names)])
    turn = threading.Lock()

    def failing(function: Function) -> Function:
        def run(event: dict[str, Any]) -> Any:
            with turn:
                names = pending[event["state"]["Name"]]
                failure = names.pop() if names else ""
            if failure:
                raise error(failure)
            return function(event)

        return run

    return {task: failing(function) for task, function in functions(**fakes).items()}


def broken_in(states: str | set[str], failure: str, given: dict[str, Function]) -> dict[str, Function]:
    """Functions that fail for good in that state, or those."""
    failing = {states} if isinstance(states, str) else states

    def broken(function: Function) -> Function:
        def run(event: dict[str, Any]) -> Any:
            if event["state"]["Name"] in failing:
                raise error(failure)
            return function(event)

        return run

    return {task: broken(function) for task, function in given.items()}


def runs(workflow: str, account: Account) -> list[Execution]:
    """Executions that together go everywhere: one of all that is retried, one without streaming, one for each Catch."""
    all_given = [failing_first(workflow), functions(request=WITHOUT_KINESIS)]
    catching = [(name, catcher) for name, state in walk(DEFINITIONS[workflow]) for catcher in state.get("Catch", [])]
    for name, catcher in catching:
        failure = catcher["ErrorEquals"][0].replace("States.ALL", "AccessDeniedException")
        # A state that only a Catch leads to is entered when the one that catches fails too.
        before = [other for other, caught in catching if caught["Next"] == name][:1]
        all_given.append(broken_in({name, *before}, failure, failing_first(workflow)))
    alone = [account(given, children(workflow)).run(workflow, INPUTS[workflow]) for given in all_given]
    started = {**INPUTS[workflow], STARTED_BY: "parent"}  # as a child, which some end otherwise
    return [*alone, account(None, children(workflow)).run(workflow, started)]


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_state_and_edge_is_run(workflow: str, account: Account) -> None:
    """No state, transition, choice, retry or catch of a definition is left out of the test runs."""
    definition = DEFINITIONS[workflow]
    executions = runs(workflow, account)
    states = set().union(*(states_run(execution.events) for execution in executions))
    edges = set().union(*(edges_run(definition, execution.events) for execution in executions))
    assert {name for name, _ in walk(definition)} - states == set()
    assert edges_of(definition) - edges == set()


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_passing_errors_are_waited_out(workflow: str, account: Account) -> None:
    """An execution in which every function fails in passing, once for each retrier, succeeds."""
    execution = account(failing_first(workflow), children(workflow)).run(workflow, INPUTS[workflow])
    assert (execution.status, execution.error) == ("SUCCEEDED", "")


def test_every_task_is_a_state() -> None:
    """No task is left that no workflow calls."""
    called = {state.get("Resource") for definition in DEFINITIONS.values() for _, state in walk(definition)}
    assert {f"${{{task.title().replace('_', '')}Function}}" for task in TASKS} <= called
