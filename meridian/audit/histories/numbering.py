"""Number the branches of each Parallel as its definition does.

A history only tells in which order they were entered, which differs from run to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meridian.audit.model import Audit


def number_branches(audit: Audit) -> None:
    """Set ``iteration`` of the steps in a Parallel, where the audit has a definition."""
    starts = dict(_starts(audit.definition or {}))
    numbers: dict[tuple[int, int, int | None], int | None] = {}
    for step in audit.steps:
        if step.parent and step.parent.kind == "Parallel":
            branch = (step.parent.id, step.parent_try, step.iteration)
            step.iteration = numbers.setdefault(branch, starts.get((step.parent.name, step.name), step.iteration))


def _starts(machine: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int]]:
    """Give each branch's number by the names of its Parallel and of its first state."""
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            branches = state.get("Branches") or []
            for index, branch in enumerate(branches):
                yield (name, branch.get("StartAt", "")), index
            for inner in (*branches, state.get("ItemProcessor") or {}, state.get("Iterator") or {}):
                yield from _starts(inner)
