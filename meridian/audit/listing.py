"""The executions that worked on one table, over all workflows, each with its verdict.

An execution's table is in its input, which ListExecutions does not give: each is described, at half the rate that AWS
refills, so their number is bounded. The archive's manifests know the table, and so does the name that deploy.py gives.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from meridian.audit import words
from meridian.audit.histories.fold import fold
from meridian.audit.model import Outcome, StartedBy
from meridian.audit.source import ExecutionUnknown
from meridian.audit.verdict import verdict
from tasks.shared import names
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meridian.audit.model import Audit
    from meridian.audit.source import Listed, Source
    from meridian.audit.verdict import Verdict

MOST_DESCRIBED = 500  # executions; at 5 a second (meridian/audit/histories/step_functions.py) that is under two minutes
LOOK_BACK_SECONDS = 90 * 86_400  # as far as Step Functions remembers


@dataclass(frozen=True)
class Row:
    """``audit`` is as far as DescribeExecution tells, without steps."""

    audit: Audit
    verdict: Verdict
    redrives: int


@dataclass
class Listing:
    """``cut_at``: executions that were started then or before were not asked, because there are too many."""

    table: str
    since: float
    rows: list[Row] = field(default_factory=list)
    cut_at: float | None = None

    def top(self) -> list[Row]:
        """Those that no other execution started."""
        return [row for row in self.rows if row.audit.starter.by is not StartedBy.PARENT]


def listing(source: Source, workflows: Iterable[str], table: str, since: float, now: float | None = None) -> Listing:
    """List executions of ``workflows`` that worked on ``table``, the newest first. ``now`` is as for ``verdict``.

    ``Refused`` where none of the workflows is installed.
    """
    result = Listing(table, since)
    described = 0
    for one in _newest_first(source, workflows, since):
        if _is_of_another(one, table):
            continue
        if described == MOST_DESCRIBED:
            result.cut_at = one.started
            break
        described += 1
        audit = _described(source, one)
        if audit and words.table(audit) == table:
            result.rows.append(Row(audit, verdict(audit, now), one.redrive_count))
    return result


def last_good(source: Source, audit: Audit) -> Audit | None:
    """The last execution before ``audit`` that did the same, on the same table and Region, and succeeded.

    None where there is none in the 90 days before, or among the latest ``MOST_DESCRIBED`` that could be.
    """
    started = audit.started or 0.0
    alike = (
        one
        for one in _newest_first(source, (audit.workflow,), started - LOOK_BACK_SECONDS)
        if one.status is Outcome.SUCCEEDED
        and one.started < started
        and one.arn != audit.arn
        and not _is_of_another(one, words.table(audit))
    )
    found = (_described(source, one) for one in islice(alike, MOST_DESCRIBED))
    return next((one for one in found if one and words.subject(one) == words.subject(audit)), None)


def _newest_first(source: Source, workflows: Iterable[str], since: float) -> list[Listed]:
    """Every execution of every workflow that is installed; ``Refused`` where none is."""
    lists: list[list[Listed]] = []
    for workflow in workflows:
        with contextlib.suppress(ExecutionUnknown):  # a control stack that is older than the workflow
            lists.append(list(source.executions(workflow, since)))
    if not lists:
        raise Refused("The control stack is not installed there", remedy="Run `deploy.py up`, or choose a --region.")
    return sorted((one for found in lists for one in found), key=lambda one: one.started, reverse=True)


def _is_of_another(listed: Listed, table: str) -> bool:
    """Whether it is certain, without asking, that an execution worked on another table."""
    if listed.table:
        return listed.table != table
    name = listed.arn.rpartition(":")[2]
    ours = re.fullmatch(r"(.+)-[0-9a-f]{8}-([0-9a-f]{8})", name)  # as names.execution makes it
    if not ours:
        return False
    workflow = listed.arn.split(":")[6].removeprefix(f"{names.PREFIX}-")
    return name != names.execution(workflow, table, ours[2])


def _described(source: Source, listed: Listed) -> Audit | None:
    """An execution as its description tells it; None if it was forgotten in the meantime."""
    try:
        described = source.describe(listed.arn)
    except ExecutionUnknown:
        return None
    audit = fold(listed.arn, described, ())
    audit.source = listed.source
    return audit
