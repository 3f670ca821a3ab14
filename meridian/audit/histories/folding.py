"""What is known while a history is folded into an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.branches import Branch, OpenStays
from meridian.audit.histories.documents import Payloads
from meridian.audit.model import Audit

if TYPE_CHECKING:
    from meridian.audit.model import Step


@dataclass(slots=True)
class Start:
    """Begin of a try of a Map or Parallel, and how many branches have begun there."""

    container: Step
    begun: int = 0


class Folding:
    """An audit as far as events have been folded in."""

    def __init__(self, arn: str) -> None:
        self.audit = Audit(arn)
        self.trunk = Branch()
        self.owners: dict[int, Branch] = {}  # branch of each event, by its id
        self.starts: dict[int, Start] = {}  # of a Map or Parallel, by the event's id
        self.open = OpenStays()
        self.payloads = Payloads()
        self.input: dict[str, Any] = {}
        self.map_run = ""  # that started it
        self.region = ""  # that the whole execution works on
        self.branches: list[Branch] = [self.trunk]
        self.culprit: Step | None = None  # in which it failed, or was first when it was ended
        self.redriven: set[int] = set()  # ids of the ExecutionRedriven
