"""Names of an audit's lines in the whole page, by which its parts point at each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meridian.audit.histories.lines import lines

if TYPE_CHECKING:
    from meridian.audit.model import Audit, Step


class Keys:
    """A line is named by the place of its execution in the tree and by the id of its first stay: ``2-14``."""

    def __init__(self, audit: Audit) -> None:
        self._numbers = {id(one): number for number, one in enumerate(audit.tree())}
        self._lines = {
            (id(one), stay.id): line.step.id
            for one in audit.tree()
            for line in lines(one)
            if line.step
            for stay in line.steps
        }

    def number(self, audit: Audit) -> int:
        return self._numbers[id(audit)]

    def of(self, audit: Audit, step: Step) -> str:
        """Name of the line that ``step``, a stay of ``audit``, is in."""
        return f"{self.number(audit)}-{self._lines[id(audit), step.id]}"
