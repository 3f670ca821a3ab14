"""Which provision or cleanup works on a table right now, and may make or remove what somebody misses."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from meridian.audit.histories.step_functions import StepFunctions
from meridian.audit.source import ExecutionUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.session import Session

MOST_DESCRIBED = 20  # of a workflow; only its description tells the table of an execution


def worker(session: Session, table: str) -> tuple[str, str]:
    """Workflow and ARN of an execution that makes or removes the table; empty texts if none of them runs."""
    return next(_workers(session, table), ("", ""))


def _workers(session: Session, table: str) -> Iterator[tuple[str, str]]:
    source = StepFunctions(session.states)
    for workflow in ("cleanup", "provision"):
        paginator = session.states.get_paginator("list_executions")
        pages = paginator.paginate(stateMachineArn=session.machine(workflow), statusFilter="RUNNING")
        for one in islice((one for page in pages for one in page["executions"]), MOST_DESCRIBED):
            try:
                given = json.loads(source.describe(one["executionArn"]).get("input", "{}"))
            except (ExecutionUnknown, ValueError):
                continue
            if isinstance(given, dict) and given.get("table") == table:
                yield workflow, one["executionArn"]
