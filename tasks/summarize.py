"""Judge a validation: every check, the latency of every ordered pair of Regions, and the verdict.

Changes nothing. Fails the execution with the failing pairs; a new validation is started, never redriven, because the
probes are gone by now.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import probes
from tasks.shared.errors import ValidationFailed
from tasks.shared.task import task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.probes import Written

MOST_PAIRS_NAMED = 20

VALIDATE_AGAIN = "Mend that, then start validate again. The probes were deleted wherever that was possible."
LOOK = (
    "See what those Regions lack (`deploy.py status`, metric ReplicationLatency), then start validate again. "
    "The probes were deleted."
)


class Check(TypedDict):
    """One ordered pair and step. Latencies are milliseconds from the accepted write; see ReadProbes."""

    check: str
    origin: str
    reader: str
    passed: bool
    latency_ms: int | None
    not_before_ms: int | None


class Event(TypedDict):
    """``steps`` are the last replies of ReadProbes; ``error`` is what a state caught, if any."""

    table: str
    regions: list[str]
    pending: list[str]
    deadline_seconds: int
    steps: list[Written]
    error: dict[str, str]


class Reply(TypedDict):
    """``latency_ms[origin][reader]`` is that of the put; ``pending`` are Regions recorded but not complete."""

    table: str
    regions: list[str]
    pending: list[str]
    passed: int
    failed: int
    checks: list[Check]
    latency_ms: dict[str, dict[str, int | None]]


@task(timeout_seconds=10)
def summarize(event: Event, aws: Clients) -> Reply:  # noqa: ARG001  # every task has this shape
    """Give the result; ``ValidationFailed`` names the pairs that did not see each other in time."""
    if event["error"]:
        raise ValidationFailed(
            f"The validation of {event['table']} broke off", why=_cause(event["error"]), remedy=VALIDATE_AGAIN
        )
    pairs = probes.pairs(event["regions"])
    checks = [_check(written, origin, reader) for written in event["steps"] for origin, reader in pairs]
    failed = [check for check in checks if not check["passed"]]
    if failed:
        raise ValidationFailed(_sentence(event, failed, len(checks)), remedy=LOOK)
    return {
        "table": event["table"],
        "regions": event["regions"],
        "pending": event["pending"],
        "passed": len(checks),
        "failed": 0,
        "checks": checks,
        "latency_ms": {
            origin: {check["reader"]: check["latency_ms"] for check in checks if _is_put_of(check, origin)}
            for origin in event["regions"]
        },
    }


def _check(written: Written, origin: str, reader: str) -> Check:
    pair = written["seen"].get(origin, {}).get(reader, {})
    return {
        "check": written["step"],
        "origin": origin,
        "reader": reader,
        "passed": "latency_ms" in pair,
        "latency_ms": pair.get("latency_ms"),
        "not_before_ms": pair.get("not_before_ms"),
    }


def _is_put_of(check: Check, origin: str) -> bool:
    return check["check"] == "put" and check["origin"] == origin


def _sentence(event: Event, failed: list[Check], total: int) -> str:
    pairs = [f"{check['reader']} did not see the {check['check']} from {check['origin']}" for check in failed]
    more = f"; and {len(pairs) - MOST_PAIRS_NAMED} more" if len(pairs) > MOST_PAIRS_NAMED else ""
    return (
        f"{len(failed)} of {total} checks of {event['table']} failed within {event['deadline_seconds']} s: "
        f"{'; '.join(pairs[:MOST_PAIRS_NAMED])}{more}"
    )


def _cause(error: dict[str, str]) -> str:
    """Give the message of a caught task: Cause holds Lambda's answer as JSON."""
    cause = error.get("Cause", "")
    try:
        parsed: Any = json.loads(cause)
    except ValueError:
        parsed = {}
    text = parsed.get("errorMessage", cause) if isinstance(parsed, dict) else cause
    return ": ".join(filter(None, (error.get("Error", ""), str(text))))
