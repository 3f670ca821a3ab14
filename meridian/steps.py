"""What the history of an execution is made of: branches, and in them stays in states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meridian.history import Execution


@dataclass
class Branch:
    """States that follow one another: the machine itself, a branch of a Parallel, an item of a Map."""

    parent: Step | None = None
    visits: dict[str, list[datetime]] = field(default_factory=dict)  # when each state was entered
    detail: str = ""  # what the last task of a wait loop said it waits for


@dataclass
class Step:
    """One stay in a state."""

    name: str
    kind: str  # Task, Wait, Choice, Map, Parallel, ...
    branch: Branch
    entered: datetime
    region: str = ""
    tries: int = 0
    resting: bool = False  # between two tries
    left: datetime | None = None
    error: str = ""
    cause: str = ""
    detail: str = ""  # of a Wait: what it waits for
    child: Execution | None = None

    @property
    def task(self) -> str:
        """Name of the state, or of the one it waits for: ``AddReplica: wait`` belongs to ``AddReplica``."""
        return self.name.partition(": ")[0]

    @property
    def looks(self) -> int:
        """How often this branch has entered the task: the turns of a wait loop."""
        return len(self._visits)

    @property
    def began(self) -> datetime:
        """When this branch first entered the task: the start of a wait loop."""
        return self._visits[0]

    @property
    def _visits(self) -> list[datetime]:
        return self.branch.visits.get(self.task) or self.branch.visits[self.name]

    @property
    def waiting(self) -> bool:
        return self.kind == "Wait" or self.resting

    def outward(self) -> Iterator[Step]:
        """Give the step and those it lies in, the innermost first."""
        step: Step | None = self
        while step:
            yield step
            step = step.branch.parent


@dataclass(frozen=True)
class Note:
    """Something worth telling: a task was entered for the first time, began to wait, or failed once."""

    when: datetime
    step: Step
    error: str = ""
