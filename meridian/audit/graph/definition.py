"""Amazon States Language -> what to draw.

Reads JSONPath and JSONata definitions alike, and says nothing about what it does not know: a definition may come from
an archive, so nothing in it is taken for granted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.audit.graph.machine import DEEPEST, Machine, State, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = {
    "IsBoolean": "a Boolean",
    "IsNull": "null",
    "IsNumeric": "a number",
    "IsPresent": "present",
    "IsString": "a string",
    "IsTimestamp": "a timestamp",
}
SIGNS = {
    "StringEquals": "=",
    "NumericEquals": "=",
    "BooleanEquals": "=",
    "TimestampEquals": "=",
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": ">=",
    "NumericLessThan": "<",
    "NumericLessThanEquals": "<=",
    "StringMatches": "matches",
}


def machine(definition: Any, depth: int = 0) -> Machine:
    """Give the states of a definition, or of a branch, and the ways between them."""
    drawn = Machine()
    states = _members(definition, "States")
    for name, body in states.items():
        if isinstance(body, dict):
            drawn.add(_state(name, body, depth))
    start = drawn.named(_text(definition, "StartAt"))
    if start:
        drawn.connect(drawn.start, start, Way.NEXT)
    for state in list(drawn.states):
        _connect(drawn, state, states[state.name])
    return drawn


def _state(name: str, body: dict[str, Any], depth: int) -> State:
    processor = body.get("ItemProcessor") or body.get("Iterator")
    mode = _text(_members(processor, "ProcessorConfig"), "Mode")
    inner = [processor] if processor else _list(body, "Branches")
    return State(
        name,
        _text(body, "Type") or "state",
        starts_child=":states:startExecution" in _text(body, "Resource"),
        distributed=mode == "DISTRIBUTED",
        inside=[machine(branch, depth + 1) for branch in inner] if depth < DEEPEST else [],
    )


def _connect(drawn: Machine, state: State, body: dict[str, Any]) -> None:
    for name, way, label in _ways(body):
        target = drawn.named(name)
        if target:
            drawn.connect(state, target, way, label)
    if body.get("End") is True:
        drawn.connect(state, drawn.end, Way.NEXT)


def _ways(body: dict[str, Any]) -> Iterator[tuple[str, Way, str]]:
    """Give each state that one leads to, how, and on what condition or error."""
    yield _text(body, "Next"), Way.NEXT, ""
    for rule in _list(body, "Choices"):
        yield _text(rule, "Next"), Way.RULE, condition(rule)
    yield _text(body, "Default"), Way.DEFAULT, ""
    for catcher in _list(body, "Catch"):
        for error in _list(catcher, "ErrorEquals"):
            yield _text(catcher, "Next"), Way.CATCH, str(error)


def condition(rule: Any, depth: int = 0) -> str:
    """A Choice's rule in few words: ``alone = true``."""
    if not isinstance(rule, dict):
        return ""
    if depth == DEEPEST:
        return "…"
    for word in ("And", "Or"):
        if isinstance(rule.get(word), list):
            return f" {word.lower()} ".join(condition(part, depth + 1) for part in rule[word])
    if isinstance(rule.get("Not"), dict):
        return f"not {condition(rule['Not'], depth + 1)}"
    if isinstance(rule.get("Condition"), str):
        return str(rule["Condition"]).strip("{% }")
    variable = _text(rule, "Variable").rpartition(".")[2]
    compared = [(name, value) for name, value in rule.items() if name not in ("Variable", "Next", "Comment", "Assign")]
    if not compared:
        return variable
    name, value = compared[0]
    if name in TESTS:
        return f"{variable} is {'' if value else 'not '}{TESTS[name]}"
    if isinstance(value, dict | list):
        return f"{variable} {name}"
    return f"{variable} {SIGNS.get(name, name)} {value if isinstance(value, str) else json.dumps(value)}"


def _members(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
