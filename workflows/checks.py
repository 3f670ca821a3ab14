"""What is wrong with a definition, beside what its grammar says: what no other checker we lock would see.

``python -m workflows`` refuses to write a definition with a problem. The grammar itself (an unknown operator or
intrinsic function) is left to the interpreter's parser, which the tests run too.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workflows import fields, paths
from workflows.state_machine import nested_definitions, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

State = dict[str, Any]

EMPTY: Mapping[str, dict[str, Any]] = MappingProxyType({})
LONGEST_NAME = 80
MACHINE_FIELDS = {"Comment", "StartAt", "States", "TimeoutSeconds", "Version"}
NESTED_FIELDS = {"Comment", "ProcessorConfig", "StartAt", "States"}


def problems(definition: dict[str, Any], children: Mapping[str, dict[str, Any]] = EMPTY) -> list[str]:
    """Every problem of a machine, one sentence each; its paths are followed only where all else holds together.

    ``children`` are the definitions of the machines it starts, by StateMachineArn. A task that is not ours, and a
    machine that is not among them, may answer anything.
    """
    found = [*_machine(definition), *_scope(definition)]
    for name, state in walk(definition):
        found += [f"State {name!r} {text}." for text in fields.problems(state)]
    return found or paths.problems(definition, children)


def _machine(definition: dict[str, Any]) -> Iterator[str]:
    if not definition.get("Comment"):
        yield "The machine has no Comment."
    if not fields.is_positive(definition.get("TimeoutSeconds")):
        yield "The machine has no TimeoutSeconds, so it may run for a year."
    yield from _unknown(definition, MACHINE_FIELDS)
    for name, count in Counter(name for name, _ in walk(definition)).items():
        if count > 1:
            yield f"State {name!r} is there {count} times; a name must be unique over the whole machine."
        if len(name) > LONGEST_NAME:
            yield f"State {name!r} has a name longer than {LONGEST_NAME} characters."


def _scope(scope: dict[str, Any]) -> Iterator[str]:
    """The ways through a machine or a branch of it: each leads to a state, and from each there is an end."""
    states, start = scope["States"], scope.get("StartAt")
    if start not in states:
        yield f"StartAt is {start!r}, which is no state there."
    leads = {name: [target for _, target in targets(state)] for name, state in states.items()}
    back = {name: [other for other in states if name in leads[other]] for name in states}
    ends = [name for name, state in states.items() if state.get("End") or state.get("Type") in ("Succeed", "Fail")]
    reached, ending = _reached([start], leads), _reached(ends, back)
    for name, state in states.items():
        for field, target in targets(state):
            if target not in states:
                yield f"State {name!r} leads by {field} to {target!r}, which is no state there."
            elif field == "Catch" and _only_fails(states, target):
                yield f"State {name!r} leads by Catch to a Fail state; a redrive would only fail there again."
        if name not in reached:
            yield f"State {name!r} cannot be reached."
        if name not in ending:
            yield f"State {name!r} leads to no end."
        for nested in nested_definitions(state):
            yield from _unknown(nested, NESTED_FIELDS)
            yield from _scope(nested)


def targets(state: State) -> list[tuple[str, Any]]:
    """By which field a state may lead on, and where."""
    found: list[tuple[str, Any]] = [(field, state[field]) for field in ("Next", "Default") if field in state]
    for field in ("Choices", "Catch"):
        found += [(field, rule.get("Next")) for rule in state.get(field, [])]
    return found


def _reached(starts: list[Any], leads: dict[Any, list[Any]]) -> set[Any]:
    reached, waiting = set(), list(starts)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += leads.get(name, [])
    return reached


def _only_fails(states: dict[str, State], name: str) -> bool:
    """Whether nothing is handled from there on: a Fail state, alone or behind Pass and Wait."""
    passed = set()
    while states.get(name, {}).get("Type") in ("Pass", "Wait") and name not in passed:
        passed.add(name)
        name = states[name].get("Next", "")
    return states.get(name, {}).get("Type") == "Fail"


def _unknown(scope: dict[str, Any], known: set[str]) -> Iterator[str]:
    for field in sorted(set(scope) - known):
        yield f"{field} does not belong beside StartAt {scope.get('StartAt')!r}."
