"""Keep the histories of closed executions beyond the 90 days for which Step Functions keeps them.

CreateArchiveBucket -> ArchiveExecutions <-> (more?)
"""

from __future__ import annotations

from workflows.blocks import look, task
from workflows.state_machine import StateMachine
from workflows.states import Chain, Pass

TIMEOUT_SECONDS = 86_400  # then the next day's execution has begun, and goes on

COUNTS = ("files", "events", "bytes", "open", "forgotten", "remaining", "breaks")


def archive() -> StateMachine:
    given = {"bucket.$": "$.bucket", "archived.$": "$.archived"}
    counts = {f"{name}.$": f"$.archived.{name}" for name in COUNTS}
    return StateMachine(
        "archive",
        Chain(
            [
                task("CreateArchiveBucket", {}),
                look(task("ArchiveExecutions", given, result_path="$.archived"), "$.archived"),
                Pass("Report", parameters={"bucket.$": "$.bucket", **counts}),
            ]
        ),
        comment="Archive the history of every closed execution that is not archived yet. Input: {}.",
        timeout_seconds=TIMEOUT_SECONDS,
    )
