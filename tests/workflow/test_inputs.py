"""What states hand to functions and to child workflows is what these take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tasks.shared.task import STARTED_BY
from tests.workflow.definitions import DEFINITIONS, ROOT
from workflows.contracts import LOGGED, gives, machine_arn, takes, task_of
from workflows.state_machine import walk

MACHINES = {machine_arn(name): definition for name, definition in DEFINITIONS.items()}
CALLS = {
    f"{workflow}: {name}": (task_of(state["Resource"]), state["Parameters"])
    for workflow, definition in DEFINITIONS.items()
    for name, state in walk(definition)
    if state["Type"] == "Task" and task_of(state["Resource"])
}
# Answer BUSY while a change that another Region needs holds the table.
TAKE_TURNS = ("add_replica", "enable_streaming", "protect_table", "remove_replica")
STARTS = {
    f"{workflow}: {name}": state["Parameters"]
    for workflow, definition in DEFINITIONS.items()
    for name, state in walk(definition)
    if state["Type"] == "Task" and not task_of(state["Resource"])
}


def keys(template: dict[str, Any]) -> set[str]:
    return {key.removesuffix(".$") for key in template}


@pytest.mark.parametrize("call", CALLS)
def test_a_task_gets_what_it_takes(call: str) -> None:
    """Every member of the task's Event is there, and nothing else but what the log line is made of."""
    task, parameters = CALLS[call]
    assert takes(task) <= keys(parameters) <= takes(task) | LOGGED
    assert {"execution", "state"} <= keys(parameters)


@pytest.mark.parametrize("call", CALLS)
def test_a_texts_value_is_one_that_the_task_knows(call: str) -> None:
    """A parameter that is a plain text is one of the words that stand in the task's module."""
    task, parameters = CALLS[call]
    source = Path(ROOT / "tasks" / f"{task}.py").read_text()
    words = [
        value for value in parameters.values() if isinstance(value, str) and not value.startswith(("$", "States."))
    ]
    known = {"PLANNED", "ACTIVE"} if task == "record_region" else set(re.findall(r'"(\w+)"', source))
    assert set(words) <= known


@pytest.mark.parametrize("call", [call for call, (task, _) in CALLS.items() if task in TAKE_TURNS])
def test_what_waits_for_its_turn_has_the_time_of_the_queue(call: str) -> None:
    """Changes of other Regions may hold a table for hours, and must not fail what merely waits behind them."""
    assert CALLS[call][1]["deadline_seconds.$"] == "$.request.polling.queue_seconds"


@pytest.mark.parametrize("start", STARTS)
def test_a_child_gets_what_it_expects(start: str) -> None:
    """A child workflow is one of ours, and gets the members that its first state expects, and its parent's id."""
    parameters = STARTS[start]
    child = MACHINES[parameters["StateMachineArn"]]
    expects = child["States"][child["StartAt"]]["Parameters"]["expects"]
    assert keys(parameters["Input"]) == {*expects, STARTED_BY}
    assert parameters["Input"][f"{STARTED_BY}.$"] == "$$.Execution.Id"


@pytest.mark.parametrize("workflow", sorted(set(DEFINITIONS) - {"provision", "archive"}))
def test_the_comment_says_what_the_input_is(workflow: str) -> None:
    """The Comment, which the console shows, has an example of the input with the members that are expected."""
    definition = DEFINITIONS[workflow]
    expects = definition["States"]["LoadDeployment"]["Parameters"]["expects"]
    assert re.findall(r'"(\w+)":', definition["Comment"]) == expects


@pytest.mark.parametrize("call", [call for call in CALLS if "status" in (gives(CALLS[call][0]) or {})])
def test_a_task_that_may_be_busy_is_in_a_loop(call: str) -> None:
    """The answer BUSY leads to a Wait of the seconds that the task asks for, and from there back to the task."""
    workflow, _, name = call.partition(": ")
    states = dict(walk(DEFINITIONS[workflow]))
    choice = states[states[name]["Next"]]
    wait = states[choice["Choices"][0]["Next"]]
    result = states[name]["ResultPath"]
    assert choice["Choices"][0] == {
        "Variable": f"{result}.status",
        "StringEquals": "BUSY",
        "Next": choice["Choices"][0]["Next"],
    }
    assert (wait["SecondsPath"], wait["Next"]) == (f"{result}.wait_seconds", name)
