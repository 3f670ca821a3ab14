"""What an execution is doing, as it is drawn while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meridian.audit.model import ENDED_BADLY

if TYPE_CHECKING:
    from meridian.audit.model import Step as Stay
    from meridian.history import Execution


@dataclass(frozen=True)
class Step:
    """One stay in a state, as far as the history of its execution has told of it."""

    stay: Stay
    visits: dict[str, list[float]]  # when its branch entered each state
    executions: dict[str, Execution]  # that its execution has started, by ARN

    @property
    def name(self) -> str:
        return self.stay.name

    @property
    def task(self) -> str:
        """Name of the state, or of the one it waits for: ``AddReplica: wait`` belongs to ``AddReplica``."""
        return self.stay.task

    @property
    def kind(self) -> str:
        return self.stay.kind

    @property
    def region(self) -> str:
        return self.stay.region

    @property
    def error(self) -> str:
        return self.stay.error

    @property
    def cause(self) -> str:
        return self.stay.cause

    @property
    def detail(self) -> str:
        """Of a Wait: what it waits for."""
        return self.stay.detail if self.kind == "Wait" else ""

    @property
    def tries(self) -> int:
        return len(self.stay.attempts)

    @property
    def child(self) -> Execution | None:
        """Execution that it has started, and waits for."""
        return self.executions.get(self.stay.child_arn)

    @property
    def looks(self) -> int:
        """How often this branch has entered the task: the turns of a wait loop."""
        return len(self._visits)

    @property
    def began(self) -> datetime:
        """When this branch first entered the task: the start of a wait loop."""
        return datetime.fromtimestamp(self._visits[0], UTC)

    @property
    def _visits(self) -> list[float]:
        return self.visits.get(self.task) or self.visits[self.name]

    @property
    def resting(self) -> bool:
        """Between two tries."""
        return bool(self.stay.attempts) and self.stay.attempts[-1].outcome in ENDED_BADLY

    @property
    def waiting(self) -> bool:
        return self.kind == "Wait" or self.resting


@dataclass(frozen=True)
class Note:
    """Something worth telling: a task was entered for the first time, began to wait, or failed once."""

    when: datetime
    step: Step
    error: str = ""
