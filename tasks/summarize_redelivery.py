"""Say what became of the failure buckets: each Region's counts, and their sums.

Changes nothing. Records that fail again are no error of the workflow: they lie where they were, and the counts say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared.task import task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.redelivery import Progress


class Outcome(TypedDict):
    """What the loop of one Region ended with."""

    region: str
    progress: Progress


class Event(TypedDict):
    table: str
    pending: list[str]
    outcomes: list[Outcome]


class Counts(TypedDict):
    """``objects`` were found, ``foreign`` of them not by a processor of the table; ``untried`` were not reached.

    ``records`` is the sum of those ``redelivered`` and those still ``failing``, which lie where they were.
    """

    objects: int
    records: int
    redelivered: int
    failing: int
    foreign: int
    untried: int


class OfRegion(Counts):
    """``missing`` are processors that have records there and do not exist there."""

    region: str
    missing: list[str]


class Reply(TypedDict):
    """``pending`` are Regions that are recorded and not complete; nothing was done there."""

    table: str
    pending: list[str]
    total: Counts
    redelivery: list[OfRegion]


@task(timeout_seconds=10)
def summarize_redelivery(event: Event, aws: Clients) -> Reply:  # noqa: ARG001  # every task has this shape
    """Give the counts of each Region and of all."""
    found = [_of_region(outcome) for outcome in event["outcomes"]]
    return {
        "table": event["table"],
        "pending": event["pending"],
        "total": {
            "objects": sum(one["objects"] for one in found),
            "records": sum(one["records"] for one in found),
            "redelivered": sum(one["redelivered"] for one in found),
            "failing": sum(one["failing"] for one in found),
            "foreign": sum(one["foreign"] for one in found),
            "untried": sum(one["untried"] for one in found),
        },
        "redelivery": found,
    }


def _of_region(outcome: Outcome) -> OfRegion:
    done = outcome["progress"]
    return {
        "region": outcome["region"],
        "objects": done["objects"],
        "records": done["redelivered"] + done["failing"],
        "redelivered": done["redelivered"],
        "failing": done["failing"],
        "foreign": done["foreign"],
        "untried": done["untried"],
        "missing": done["missing"],
    }
