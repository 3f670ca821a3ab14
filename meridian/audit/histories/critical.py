"""The steps that made an execution take as long as it did."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from meridian.audit.model import CONTAINERS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Step

    Tries = dict[int, dict[int, list[Step]]]  # by try, by iteration


def critical(steps: list[Step]) -> list[Step]:
    """Give, in order, each Map or Parallel before the steps inside it that its end waited for."""
    trunk: list[Step] = []
    inside: dict[int, Tries] = {}
    for step in steps:
        if step.parent is None:
            trunk.append(step)
        else:
            tries = inside.setdefault(step.parent.id, {})
            alone = -step.id  # where the history does not tell the iteration
            index = alone if step.iteration is None else step.iteration
            tries.setdefault(step.parent_try, {}).setdefault(index, []).append(step)
    return list(_along(trunk, inside))


def _along(branch: list[Step], inside: dict[int, Tries]) -> Iterator[Step]:
    for step in branch:
        yield step
        if step.kind in CONTAINERS:
            for branches in inside.get(step.id, {}).values():
                for decisive in _decisive(step, list(branches.values())):
                    yield from _along(decisive, inside)


def _decisive(container: Step, branches: list[list[Step]]) -> list[list[Step]]:
    """Branch that ended the container; of a Map with limited concurrency, also the items it had to wait for."""
    branches.sort(key=_end)
    failed = [branch for branch in branches if branch[-1].outcome in (Outcome.FAILED, Outcome.TIMED_OUT)]
    chain = [failed[0] if failed else branches[-1]]
    if container.kind == "Map":
        first = min(branch[0].entered for branch in branches)
        for branch in reversed(branches):
            if branch is not chain[-1] and chain[0][0].entered > first and _end(branch) <= chain[0][0].entered:
                chain.insert(0, branch)
    return chain


def _end(branch: list[Step]) -> float:
    return inf if branch[-1].left is None else branch[-1].left
