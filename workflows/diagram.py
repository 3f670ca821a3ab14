"""A Mermaid flowchart of a definition.

Tasks are boxes, child workflows have double sides, choices are diamonds, waits are round; Map and Parallel are frames.
A dashed line is a Retry or a Catch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workflows.checks import targets
from workflows.state_machine import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

State = dict[str, Any]

INDENT = "    "
SHAPES = {"Task": '["{}"]', "Pass": '[/"{}"/]', "Choice": '{{"{}"}}', "Wait": '(["{}"])', "Succeed": '(["{}"])'}
CHILD = '[["{}"]]'
FAIL = '[\\"{}"\\]'
OPERATORS = {"Equals": "=", "GreaterThanEquals": ">=", "GreaterThan": ">", "LessThanEquals": "<=", "LessThan": "<"}
# What Mermaid would read as its own inside a quoted text; ``#`` first, since the others are written with it.
ESCAPES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\n": " "}


def mermaid(definition: dict[str, Any]) -> str:
    """The flowchart's text, the same for the same definition."""
    identifiers = _identifiers(definition)
    start = identifiers[definition["StartAt"]]
    lines = ["flowchart TD", f'{INDENT}start((" ")) --> {start}', *_scope(definition, identifiers, INDENT)]
    for name, state in definition["States"].items():
        if state.get("End"):
            lines.append(f'{INDENT}{identifiers[name]} --> finish((" "))')
    return "\n".join(lines) + "\n"


def _identifiers(definition: dict[str, Any]) -> dict[str, str]:
    """Node names, which Mermaid wants without spaces; one that is taken already gets a number."""
    identifiers: dict[str, str] = {}
    for number, (name, _) in enumerate(walk(definition)):
        identifier = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
        identifiers[name] = f"{identifier}_{number}" if identifier in {"end", *identifiers.values()} else identifier
    return identifiers


def _scope(scope: dict[str, Any], identifiers: dict[str, str], indent: str) -> Iterator[str]:
    for name, state in scope["States"].items():
        yield from _node(name, state, identifiers, indent)
    for name, state in scope["States"].items():
        for arrow, target in _arrows(name, state):
            yield f"{indent}{identifiers[name]} {arrow} {identifiers[target]}"


def _node(name: str, state: State, identifiers: dict[str, str], indent: str) -> Iterator[str]:
    identifier, kind = identifiers[name], state["Type"]
    if kind not in ("Map", "Parallel"):
        child = kind == "Task" and ":states:startExecution" in state["Resource"]
        shape = CHILD if child else FAIL if kind == "Fail" else SHAPES[kind]
        yield f"{indent}{identifier}{shape.format(escaped(name.rpartition(': ')[2]))}"
        return
    over = f" over {state.get('ItemsPath', '$')}" if kind == "Map" else ""
    yield f'{indent}subgraph {identifier}["{escaped(f"{name} ({kind}{over})")}"]'
    if kind == "Map":
        yield from _scope(state["ItemProcessor"], identifiers, indent + INDENT)
    for number, branch in enumerate(state.get("Branches", []), 1):
        yield f'{indent}{INDENT}subgraph {identifier}_branch_{number}["branch {number}"]'
        yield from _scope(branch, identifiers, indent + 2 * INDENT)
        yield f"{indent}{INDENT}end"
    yield f"{indent}end"


def _arrows(name: str, state: State) -> Iterator[tuple[str, str]]:
    if state.get("Retry"):
        yield '-. "retry" .->', name
    rules = [escaped(_rule(rule)) for rule in state.get("Choices", [])]
    caught = [escaped(f"catch {', '.join(catcher['ErrorEquals'])}") for catcher in state.get("Catch", [])]
    for field, target in targets(state):
        if field == "Choices":
            yield f'-- "{rules.pop(0)}" -->', target
        elif field == "Catch":
            yield f'-. "{caught.pop(0)}" .->', target
        else:
            yield '-- "else" -->' if field == "Default" else "-->", target


def _rule(rule: dict[str, Any]) -> str:
    """The rule in a few words: ``status = BUSY``, ``kinesis is not null``."""
    for word in ("And", "Or"):
        if word in rule:
            return f" {word.lower()} ".join(_rule(one) for one in rule[word])
    if "Not" in rule:
        return f"not ({_rule(rule['Not'])})"
    variable = rule["Variable"].rpartition(".")[2]
    operator, value = next((key, value) for key, value in rule.items() if key not in ("Variable", "Next", "Comment"))
    if operator.startswith("Is"):
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", operator[2:]).lower()
        return f"{variable} is {words}" if value else f"{variable} is not {words}"
    plain = re.sub(r"^(String|Numeric|Boolean|Timestamp)|Path$", "", operator)
    return f"{variable} {OPERATORS.get(plain, plain)} {value}"


def escaped(text: str) -> str:
    """The text as it may stand between quotes in Mermaid."""
    return "".join(ESCAPES.get(character, character) for character in text)
