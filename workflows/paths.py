"""What a state may read: every path must have been written on each way that leads there.

The document that flows through a machine is followed forward: from what its first function answers, over each
ResultPath, to every path that a state names. Where ways meet, only what all of them wrote counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from workflows.contracts import ANY, Shape, gives, meet, task_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATH = re.compile(r"\$\$?(?:\.[\w-]+|\['[^']+'\]|\[(?:\d+|\*)\])*")
INTRINSIC = re.compile(r"States\.\w+\(.*\)")
PATH_FIELDS = (
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "ErrorPath",
    "CausePath",
)

CAUGHT: Shape = {"Error": {}, "Cause": {}}
CONTEXT: Shape = {
    "Execution": {"Id": {}, "Input": ANY, "Name": {}, "RoleArn": {}, "StartTime": {}, "RedriveCount": {}},
    "Map": {"Item": {"Index": {}, "Value": ANY}},
    "State": {"EnteredTime": {}, "Name": {}, "RetryCount": {}},
    "StateMachine": {"Id": {}, "Name": {}},
}
EXECUTION: dict[str, Any] = {"ExecutionArn": {}, "Input": ANY, "Name": {}, "StateMachineArn": {}, "Status": {}}


class _Visit(NamedTuple):
    """The state that is looked at, the sentences found so far, and the machines that may be started."""

    state: str
    found: list[str]
    children: Mapping[str, dict[str, Any]]


def problems(definition: dict[str, Any], children: Mapping[str, dict[str, Any]]) -> list[str]:
    """One sentence for each path that some way to its state leaves unwritten. The targets must exist.

    ``children`` are the definitions of the machines it starts, by StateMachineArn, so that their answers are known.
    """
    visit = _Visit("", [], children)
    _follow(definition, ANY, visit)
    return visit.found


def is_path(text: Any) -> bool:
    return isinstance(text, str) and PATH.fullmatch(text) is not None


def is_intrinsic(text: Any) -> bool:
    return isinstance(text, str) and INTRINSIC.fullmatch(text) is not None


def _follow(scope: dict[str, Any], given: Shape, visit: _Visit) -> Shape:
    """Give what the scope ends with, and note what is wrong in it."""
    states, start = scope["States"], scope["StartAt"]
    inputs: dict[str, Shape] = {start: given}
    waiting, end = [start], ANY
    while waiting:
        name = waiting.pop()
        for target, shape in _leads(states[name], inputs[name], visit._replace(found=[])):
            if target is None:
                end = meet(end, shape)
            elif target not in inputs or meet(inputs[target], shape) != inputs[target]:
                inputs[target] = meet(inputs.get(target), shape)
                waiting.append(target)
    for name, shape in inputs.items():
        list(_leads(states[name], shape, visit._replace(state=name)))
    return end


def _leads(state: dict[str, Any], given: Shape, visit: _Visit) -> Iterator[tuple[str | None, Shape]]:
    """Where the state leads (``None`` is the end), and what it hands on there."""
    for field in PATH_FIELDS:
        if is_path(state.get(field)):
            _read(state[field], given, visit)
    if state["Type"] == "Choice":
        for rule in state["Choices"]:
            _read_rule(rule, given, visit)
            yield rule["Next"], given
        yield state["Default"], given
    elif state["Type"] != "Fail":
        yield state.get("Next"), _output(state, given, visit)
        for catcher in state.get("Catch", []):
            yield catcher["Next"], _put(given, catcher.get("ResultPath", "$"), CAUGHT)


def _output(state: dict[str, Any], given: Shape, visit: _Visit) -> Shape:
    taken = _read(state["InputPath"], given, visit) if is_path(state.get("InputPath")) else given
    if "Parameters" in state:
        taken = _template(state["Parameters"], taken, visit)
    result = _result(state, taken, visit)
    if "ResultSelector" in state:
        result = _template(state["ResultSelector"], result, visit)
    output = _put(given, state.get("ResultPath", "$"), result)
    return _read(state["OutputPath"], output, visit) if is_path(state.get("OutputPath")) else output


def _result(state: dict[str, Any], taken: Shape, visit: _Visit) -> Shape:
    match state["Type"]:
        case "Task":
            child = visit.children.get(state.get("Parameters", {}).get("StateMachineArn"))
            return {**EXECUTION, "Output": _answer(child, visit)} if child else gives(task_of(state["Resource"]))
        case "Parallel":
            branches = enumerate(state["Branches"])
            return {f"[{number}]": _follow(branch, taken, visit) for number, branch in branches}
        case "Map":
            selector = state.get("ItemSelector")
            _follow(state["ItemProcessor"], _template(selector, taken, visit) if selector else ANY, visit)
            return ANY
        case "Pass" if "Result" in state:
            return _template(state["Result"], ANY, visit)
    return taken


def _answer(machine: dict[str, Any], visit: _Visit) -> Shape:
    """Its own problems are its own matter."""
    return _follow(machine, ANY, visit._replace(found=[]))


def _read_rule(rule: dict[str, Any], given: Shape, visit: _Visit) -> None:
    """Read what a choice rule compares. IsPresent only asks whether it is there."""
    for nested in [*rule.get("And", []), *rule.get("Or", []), *([rule["Not"]] if "Not" in rule else [])]:
        _read_rule(nested, given, visit)
    for field, path in rule.items():
        if (field == "Variable" or field.endswith("Path")) and is_path(path) and "IsPresent" not in rule:
            _read(path, given, visit)


def _template(template: Any, given: Shape, visit: _Visit) -> Shape:
    """What a payload template makes of the document."""
    if not isinstance(template, dict):
        return ANY if isinstance(template, list) else {}
    made: dict[str, Any] = {}
    for key, value in template.items():
        if not key.endswith(".$"):
            made[key] = _template(value, given, visit)
        elif is_path(value):
            made[key[:-2]] = _read(value, given, visit)
        else:
            made[key[:-2]] = ANY
            for path in PATH.findall(str(value)):
                _read(path, given, visit)
    return made


def _read(path: str, document: Shape, visit: _Visit) -> Shape:
    """The shape at a path; a sentence where it is not sure to be there."""
    found = CONTEXT if path.startswith("$$") else document
    for member in _members(path):
        if found is not ANY and member not in found:
            visit.found.append(f"State {visit.state!r} reads {path}, which is not there on every way to it.")
            return ANY
        found = ANY if found is ANY else found[member]
    return found


def _put(document: Shape, path: str | None, value: Shape) -> Shape:
    """The document with the value at a ResultPath; without a path it stays as it was."""
    members = _members(path) if path else []
    if path is None or document is ANY or not members:
        return value if path and not members else document
    inside = _put(document.get(members[0], {}), "$" + "".join(f"['{member}']" for member in members[1:]), value)
    return {**document, members[0]: inside}


def _members(path: str) -> list[str]:
    found = re.findall(r"\.([\w-]+)|\['([^']+)'\]|(\[(?:\d+|\*)\])", path)
    return [name or quoted or index for name, quoted, index in found]
