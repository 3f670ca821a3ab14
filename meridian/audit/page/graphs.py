"""The graphs worth seeing of an audit: its own, and for each workflow that it started that of one execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meridian.audit import words
from meridian.audit.graph import drawing as graph
from meridian.audit.model import ENDED_BADLY

if TYPE_CHECKING:
    from meridian.audit.model import Audit, Outcome

MOST = 6


@dataclass(frozen=True)
class Drawn:
    """``alike`` counts the executions of the same workflow."""

    label: str
    outcome: Outcome
    alike: int
    svg: str


def graphs(audit: Audit, anchor: str) -> list[Drawn]:
    """Draw them. States link to ``#<anchor><number of the execution in the tree>-<id of a step>``."""
    critical = {step.child.arn for one in audit.tree() for step in one.critical if step.child}
    by_workflow: dict[str, list[tuple[int, Audit]]] = {}
    for number, one in enumerate(audit.tree()):
        if one.steps or one is audit:
            by_workflow.setdefault(one.workflow, []).append((number, one))
    drawn = []
    for alike in list(by_workflow.values())[:MOST]:
        number, one = min(alike, key=lambda told: _worth(told[1], audit, critical))
        svg = graph.svg(one.definition, one, anchor=f"{anchor}{number}-")
        drawn.append(Drawn(words.label(one), one.status, len(alike), svg))
    return drawn


def _worth(one: Audit, whole: Audit, critical: set[str]) -> tuple[bool, int, bool]:
    """Less is better: the audit itself, what failed before what was stopped by that, what took longest."""
    bad = ENDED_BADLY.index(one.status) if one.status in ENDED_BADLY else len(ENDED_BADLY)
    return one is not whole, bad, one.arn not in critical
