"""How long a parent waits for a child workflow: the sum of the child's own deadlines, and a margin.

The child's typed error, which names what was waited for, shall always come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.shared.request import Request

MARGIN_SECONDS = 900  # the tasks' own time, with every Retry used


def of(request: Request) -> dict[str, int]:
    """Seconds by child workflow, read by the parents' TimeoutSecondsPath."""
    polling, validation = request["polling"], request["validation"]
    queue, stream, destination = polling["queue_seconds"], polling["stream_seconds"], polling["destination_seconds"]
    deployed = 2 * polling["stack_seconds"] + MARGIN_SECONDS
    removed = 2 * polling["stack_seconds"] + queue + polling["replica_seconds"] + 2 * stream + 2 * destination
    added = max(2 * queue + polling["replica_seconds"], 3 * stream)  # side by side
    return {
        "add_region": added + queue + destination + deployed + MARGIN_SECONDS,
        "deploy_processors": deployed,
        "refresh_regions": deployed + MARGIN_SECONDS,
        "remove_region": removed + MARGIN_SECONDS,
        "validate": 3 * validation["deadline_seconds"] + validation["streaming_deadline_seconds"] + MARGIN_SECONDS,
    }
