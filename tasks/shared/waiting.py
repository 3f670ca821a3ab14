"""How long to wait before the next look, and when to stop looking.

A task never waits. It answers ``BUSY`` with the seconds the state machine shall wait, or ``READY``.

The wait grows to a tenth of the time already waited: a thing that took an hour is noticed six minutes
late at the most, and a wait of a day costs some 130 looks instead of 5,760, so that no history comes
to Step Functions' 25,000 events (workflows/history.py computes how near).
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal, TypedDict

from tasks.shared.errors import START_AGAIN, DeadlineExceeded

LONGEST_WAIT_SECONDS = 1800


class Looped(TypedDict):
    """What every task in a wait loop is given, besides its own."""

    began: str  # ISO 8601, when the loop began
    deadline_seconds: int
    poll_seconds: int
    execution: dict[str, Any]  # the context object's Execution: Id, RedriveTime after a redrive


class Looked(TypedDict):
    """What every task in a wait loop answers."""

    status: Literal["BUSY", "READY"]
    began: str
    wait_seconds: int
    detail: str


def now() -> datetime:
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ready(detail: str = "") -> Looked:
    """Answer that the next state may begin; its own loop, if it has one, begins now."""
    return {"status": "READY", "began": timestamp(now()), "wait_seconds": 0, "detail": detail}


def busy(event: Looped, waits_for: str, where: str) -> Looked:
    """Answer that it is too early, or raise ``DeadlineExceeded`` if the request's deadline has passed.

    ``waits_for`` names what is waited for and its present state, as in "replica of orders (CREATING)".
    A redrive gets the whole deadline again: its time is spent, not its answer.
    """
    elapsed = (now() - _start(event)).total_seconds()
    left = event["deadline_seconds"] - elapsed
    if left <= 0:
        raise DeadlineExceeded(
            f"Waited {elapsed:.0f} s for {waits_for}",
            where=where,
            why=f"the request allows {event['deadline_seconds']} s",
            remedy=f"{START_AGAIN} The deadlines are under `polling` in the request.",
        )
    wait = min(max(event["poll_seconds"], int(elapsed // 10)), LONGEST_WAIT_SECONDS, ceil(left))
    return {"status": "BUSY", "began": event["began"], "wait_seconds": wait, "detail": waits_for}


def _start(event: Looped) -> datetime:
    moments = [event["began"], event["execution"].get("RedriveTime")]
    return max(datetime.fromisoformat(moment) for moment in moments if moment)


def most_looks(deadline_seconds: int, poll_seconds: int) -> int:
    """Upper bound on the looks that ``busy`` allows within a deadline."""
    looks, elapsed = 1, 0
    while elapsed < deadline_seconds:
        elapsed += min(max(poll_seconds, elapsed // 10), LONGEST_WAIT_SECONDS)
        looks += 1
    return looks
