"""EventBridge's patterns, as an event source mapping filters its records with them.

Rules: Lambda Developer Guide, "Filter rule syntax", and EventBridge's "Comparison operators".
"""

from __future__ import annotations

import json
from typing import Any

OPERATORS = frozenset({"anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"})
COMPARISONS = {
    "=": lambda value, bound: value == bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
}


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Whether an event has everything that the pattern names; a missing object is like an empty one."""
    if not isinstance(event, dict):
        event = {}
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            if not any(matches(choice, event) for choice in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, event.get(name)):
                return False
        elif not any(_allows(rule, _leaves(name, event)) for rule in wanted):
            return False
    return True


def _leaves(name: str, event: dict[str, Any]) -> list[Any]:
    """The values of a leaf: of a list each, of an object and of what is missing none."""
    value = event.get(name, {})
    values = value if isinstance(value, list) else [value]
    return [each for each in values if not isinstance(each, dict)]


def _allows(rule: Any, leaves: list[Any]) -> bool:
    if not isinstance(rule, dict):
        return any(_equal(rule, leaf) for leaf in leaves)
    [(operator, operand)] = rule.items()
    if operator == "exists":
        return bool(operand) == bool(leaves)
    return any(_compares(operator, operand, leaf) for leaf in leaves)


def _equal(wanted: Any, leaf: Any) -> bool:
    """Equal as JSON: true is not 1, and "1" is not 1."""
    return isinstance(wanted, bool) == isinstance(leaf, bool) and bool(wanted == leaf)


def _compares(operator: str, operand: Any, leaf: Any) -> bool:
    if operator == "anything-but":
        if isinstance(operand, dict):
            return not _allows(operand, [leaf])
        return not any(_equal(each, leaf) for each in (operand if isinstance(operand, list) else [operand]))
    if operator == "numeric":
        number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
        return number and all(
            COMPARISONS[sign](leaf, bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True)
        )
    if not isinstance(leaf, str):
        return False
    if operator == "prefix":
        return leaf.startswith(operand)
    if operator == "suffix":
        return leaf.endswith(operand)
    return operator == "equals-ignore-case" and leaf.lower() == operand.lower()


def is_valid(text: str) -> bool:
    """Whether a text is a pattern: an object of objects and of lists of values and known rules."""
    try:
        return _is_object(json.loads(text))
    except ValueError:
        return False


def _is_object(pattern: Any) -> bool:
    if not isinstance(pattern, dict) or not pattern:
        return False
    for name, wanted in pattern.items():
        if name == "$or":
            fine = isinstance(wanted, list) and all(_is_object(choice) for choice in wanted)
        elif isinstance(wanted, list):
            fine = bool(wanted) and all(_is_rule(rule) for rule in wanted)
        else:
            fine = _is_object(wanted)
        if not fine:
            return False
    return True


def _is_rule(rule: Any) -> bool:
    if isinstance(rule, dict):
        return len(rule) == 1 and next(iter(rule)) in OPERATORS
    return not isinstance(rule, list)
