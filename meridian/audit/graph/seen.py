"""What an execution did in each state, and which ways it took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.machine import DEEPEST, Machine, State, Way
from meridian.audit.model import ENDED_BADLY, Outcome

if TYPE_CHECKING:
    from meridian.audit.model import Audit, Step

Path = tuple[str, ...]  # names of the containers around a state, and its own

# The worst first: a Map of which one item failed has failed.
GRAVITY = (
    Outcome.FAILED,
    Outcome.TIMED_OUT,
    Outcome.ABORTED,
    Outcome.PENDING_REDRIVE,
    Outcome.RUNNING,
    Outcome.CAUGHT,
    Outcome.SUCCEEDED,
)
ENDS = ("Succeed", "Fail")
MOST_BRANCHES = 100  # drawn of a Parallel whose definition is not known


@dataclass
class Seen:
    """The stays in one state: ``runs`` holds those of each iteration (or branch) by itself."""

    runs: dict[tuple[int | None, ...], list[Step]] = field(default_factory=lambda: defaultdict(list))

    @property
    def steps(self) -> list[Step]:
        return [step for run in self.runs.values() for step in run]

    @property
    def telling(self) -> Step:
        """The step to look at: the one that gives the outcome, or the first where all is well."""
        worst = min((run[-1] for run in self.runs.values()), key=lambda step: GRAVITY.index(step.outcome))
        return self.steps[0] if worst.outcome is Outcome.SUCCEEDED else worst

    @property
    def looks(self) -> int:
        return sum(len(run) for run in self.runs.values())

    @property
    def retries(self) -> int:
        return sum(len(step.retries) for step in self.steps)

    @property
    def outcome(self) -> Outcome:
        """How it ended: of each iteration the last stay counts, of all iterations the worst."""
        return min((run[-1].outcome for run in self.runs.values()), key=GRAVITY.index)

    @property
    def seconds(self) -> float | None:
        """Time of all stays; where iterations ran side by side, of the longest. None while it runs."""
        if any(step.left is None for step in self.steps):
            return None
        return max(sum(step.seconds or 0.0 for step in run) for run in self.runs.values())


def mark(drawn: Machine, audit: Audit) -> None:
    """Write into a machine what the execution did; states that its definition lacks are added."""
    _States(drawn).enter(audit.steps)


class _States:
    """The states of a machine while an execution is walked through them."""

    def __init__(self, top: Machine) -> None:
        self.top = top
        self.defined = set(top.walk())

    def enter(self, steps: list[Step]) -> None:
        places: dict[int, tuple[Machine, State, tuple[int | None, ...]]] = {}
        before: dict[tuple[int | None, int, int | None], Step] = {}
        for step in steps:
            around = places.get(id(step.parent))
            too_deep = around is not None and len(around[2]) > DEEPEST
            found = around[0] if around and too_deep else self._machine(step, around[1] if around else None)
            state = found.named(step.name) or found.add(State(step.name, step.kind or "state"))
            state.starts_child = state.starts_child or bool(step.child_arn or step.child)
            run = (*(around[2] if around else ()), step.iteration)
            places[id(step)] = (found, state, run)
            state.seen = state.seen or Seen()
            state.seen.runs[run].append(step)
            if step.parent and step.iteration is None:
                continue  # without its branch, what it followed is not known
            branch = (id(step.parent) if step.parent else None, step.parent_try, step.iteration)
            self._come(found, before.get(branch), state)
            before[branch] = step
        for step in before.values():
            found, state, _ = places[id(step)]
            if step.outcome is Outcome.SUCCEEDED:
                self._go(found, state, found.end, caught=False)

    def _machine(self, step: Step, around: State | None) -> Machine:
        """Where a step belongs: the branch that knows its name, else that of its number."""
        if around is None:
            return self.top
        for machine in around.inside:
            if machine.named(step.name):
                return machine
        number = min(step.iteration or 0, MOST_BRANCHES - 1) if around.kind == "Parallel" else 0
        if not around.inside or around not in self.defined:
            around.inside.extend(Machine() for _ in range(number + 1 - len(around.inside)))
        return around.inside[min(number, len(around.inside) - 1)]

    def _come(self, machine: Machine, before: Step | None, state: State) -> None:
        if before is None:
            self._go(machine, machine.start, state, caught=False)
        elif before.outcome not in ENDED_BADLY:  # else it is a redrive, which enters the failed state again
            source = machine.named(before.name)
            if source:
                self._go(machine, source, state, caught=before.outcome is Outcome.CAUGHT)

    def _go(self, machine: Machine, source: State, target: State, *, caught: bool) -> None:
        edge = machine.edge(source, target, caught=caught) or machine.edge(source, target, caught=not caught)
        if edge is None:
            if self._defined(source) and self._defined(target):
                return
            if target.kind == "end" and source.kind in ENDS:
                return
            edge = machine.connect(source, target, Way.CATCH if caught else Way.NEXT)
        edge.taken += 1

    def _defined(self, state: State) -> bool:
        return state.is_dot or state in self.defined
