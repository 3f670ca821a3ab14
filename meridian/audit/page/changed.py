"""What an execution and its children created, changed and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meridian.audit import words

if TYPE_CHECKING:
    from meridian.audit.model import Audit
    from meridian.audit.page.keys import Keys

MOST = 500  # rows; who reads on has a search box in the table of steps


@dataclass(frozen=True)
class Changed:
    verb: str
    sign: str  # created, changed or deleted, where that is done to the resource itself
    operation: str
    resource: str
    region: str
    request_id: str
    step: str
    execution: str
    key: str  # of the step, in the table of steps


@dataclass(frozen=True)
class Changes:
    rows: list[Changed]
    left_out: int
    sentence: str


def changes(audit: Audit, keys: Keys) -> Changes:
    """Give every call that changed something, execution by execution, in its order."""
    rows = [
        Changed(
            verb=words.verb(change.operation),
            sign="" if change.operation in words.CONTENTS else words.verb(change.operation),
            operation=change.operation,
            resource=change.resource,
            region=change.region,
            request_id=change.request_id,
            step=step.name,
            execution=words.label(one),
            key=keys.of(one, step),
        )
        for one in audit.tree()
        for step, change in one.changes()
    ]
    return Changes(rows[:MOST], max(len(rows) - MOST, 0), f"{words.calls(row.operation for row in rows)}.")
