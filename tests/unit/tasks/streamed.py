"""What the tests of ReadRecords, ReadMetrics, ReadEvents and Summarize share: a run, and what it has seen so far."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tasks.shared.waiting import now, timestamp
from tests.unit.tasks.scenarios import AWAY, EXECUTION, HOME, REQUEST, TABLE

RUN = "0123456789abcdef"
NOW = now()  # what the clock of these tasks says, however long the tests before theirs took (tests/unit/conftest.py)
SINCE = "2026-11-21T10:00:00.000Z"
SINCE_MS = 1_795_255_200_000
FROM_MS = SINCE_MS - 10_000  # where the first look begins
STEPS = ("put", "update", "delete")

STREAMED: Any = {
    **REQUEST,
    "origin_attribute": "origin",
    "processors": {"changes": {}, "analytics": {}, "replicator": None},
}
UNORIGINATED: Any = {**STREAMED, "origin_attribute": None}
BARE: Any = {**STREAMED, "kinesis": None, "processors": {"changes": None, "analytics": None, "replicator": None}}


def streaming(*, ago: float = 0, **parts: Any) -> Any:
    """What the looks have seen, with a deadline that counts from ``ago`` seconds before NOW."""
    return {
        "run": RUN,
        "since": SINCE,
        "began": timestamp(NOW - timedelta(seconds=ago)),
        "records": {},
        "metrics": {},
        "events": {"ids": {}, "sent_ms": {}},
        **parts,
    }


def event(*regions: str, request: Any = STREAMED, deadline: int = 300, poll: int = 2, **parts: Any) -> Any:
    validation = {"deadline_seconds": 60, "streaming_deadline_seconds": deadline, "poll_seconds": poll}
    return {
        "table": TABLE,
        "request": {**request, "validation": validation},
        "regions": list(regions or (HOME,)),
        "streaming": streaming(**parts),
        "execution": {"Id": EXECUTION},
        "state": {"Name": "Read"},
    }


def records_of(**more: Any) -> Any:
    """Three records of a Region, as ReadRecords keeps them."""
    return {"from_ms": FROM_MS, "behind": {}, "found": {step: {f"{step}-id": SINCE_MS + 500} for step in STEPS}, **more}


def all_events(regions: tuple[str, ...] = (HOME, AWAY), *, everywhere: bool = False) -> Any:
    """One event a write, in the Region of the write or in all of them, as ReadEvents keeps them."""
    places = list(range(len(regions)))
    return {
        "ids": {
            origin: {step: {f"{at}-{step}": places if everywhere else [at]} for step in STEPS}
            for at, origin in enumerate(regions)
        },
        "sent_ms": dict.fromkeys(regions, SINCE_MS + 800),
    }
