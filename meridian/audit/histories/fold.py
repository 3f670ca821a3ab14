"""Fold the events of an execution's history into an ``Audit``, in one pass.

    audit = fold(arn, source.describe(arn), source.events(arn))

Memory stays flat: an event is forgotten once it is folded in, of payloads only the beginnings are kept,
and in a wait loop only those of the first and the last stays. Nothing in a history raises: what this
version does not know is counted in ``Audit.unknown`` and noted at its step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.audit.histories.critical import critical
from meridian.audit.histories.events import EVENTS, LATE, UNKNOWN
from meridian.audit.histories.executions import describe
from meridian.audit.histories.folding import Folding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meridian.audit.histories.branches import Branch
    from meridian.audit.model import Audit
    from meridian.audit.source import Event


def fold(arn: str, description: Mapping[str, Any], events: Iterable[Event]) -> Audit:
    """Give the execution ``arn`` as DescribeExecution's answer and its events, the oldest first, tell it.

    The description may lack members, or be empty. Children are left to ``reading.read``.
    """
    folding = Folding(arn)
    for event in events:
        take(folding, event)
    describe(folding, description)
    folding.audit.critical = critical(folding.audit.steps)
    return folding.audit


def take(folding: Folding, event: Event) -> Branch:
    """Fold one more event in, and give the branch that it belongs to."""
    kind, audit, owners = event["type"], folding.audit, folding.owners
    audit.events += 1
    branch = owners.get(event.get("previousEventId", 0), folding.trunk)
    # Branches that a failure elsewhere has cut off may still write a little.
    table = EVENTS if audit.stopped is None or kind == "ExecutionRedriven" else LATE
    handler, member = table.get(kind, UNKNOWN)
    owners[event["id"]] = branch = handler(folding, branch, event, event.get(member) or {})
    return branch
