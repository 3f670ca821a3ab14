"""Judge a validation: every check, the latency of every ordered pair of Regions, and the verdict.

Changes nothing, and may run any number of times. What failed is told in the reply, and fails the execution once its
metrics are published (PublishValidation).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import checks, names, streaming
from tasks.shared.task import task

if TYPE_CHECKING:
    from tasks.shared.checks import Judged, Result, Seen, Verdict
    from tasks.shared.clients import Clients
    from tasks.shared.probes import Written
    from tasks.shared.request import Request
    from tasks.shared.streaming import Streaming

MOST_NAMED = 20

VALIDATE_AGAIN = "Mend that, then start validate again. The probes were deleted wherever that was possible."
LOOK = "See what those Regions lack (`deploy.py status`, metric ReplicationLatency)"
LOOK_BEHIND = (
    "See what the streaming of those Regions lacks (`deploy.py status`), what the processors say (log group "
    "{log_group}) and what they gave up on (bucket {failure_bucket})"
)
THEN = "then start validate again. The probes were deleted."


class Event(TypedDict):
    """``steps`` are the last replies of ReadProbes; ``error`` is what a state caught, if any."""

    table: str
    home: str
    request: Request
    regions: list[str]
    pending: list[str]
    steps: list[Written]
    streaming: Streaming
    error: dict[str, str]
    execution: dict[str, Any]


@task(timeout_seconds=10)
def summarize(event: Event, aws: Clients) -> Verdict:  # noqa: ARG001  # every task has this shape
    """Give the result, with what was not seen where in time, or with what broke off."""
    replicated = checks.replication(event["steps"], event["regions"])
    if event["error"]:
        found = _result(event, replicated, replicated, {})
        return {**found, "home": event["home"], "failure": _broken_off(event, replicated), "remedy": VALIDATE_AGAIN}
    behind = checks.Behind(event["request"], event["regions"], event["steps"][0], event["streaming"])
    streamed = behind.judged()
    judged = replicated + streamed
    found = _result(event, replicated, judged, {region: behind.seen(region) for region in event["regions"]})
    failure, remedy = "", ""
    if found["failed"]:
        failure, remedy = _sentence(event, judged), _remedy(event, replicated, streamed)
    return {**found, "home": event["home"], "failure": failure, "remedy": remedy}


def _result(event: Event, replicated: list[Judged], judged: list[Judged], seen: dict[str, Seen]) -> Result:
    """What is told of the checks, whatever came of them."""
    failed = len(_failures(judged))
    return {
        "table": event["table"],
        "regions": event["regions"],
        "pending": event["pending"],
        "passed": len(judged) - failed,
        "failed": failed,
        "checks": [one.check for one in judged],
        "latency_ms": {
            origin: {one.check["reader"]: one.check["latency_ms"] for one in replicated if _is_put_of(one, origin)}
            for origin in event["regions"]
        },
        "streaming": seen,
    }


def _is_put_of(judged: Judged, origin: str) -> bool:
    return judged.check["check"] == "put" and judged.check["origin"] == origin


def _failures(judged: list[Judged]) -> list[str]:
    return [one.failure for one in judged if not one.check["passed"]]


def _sentence(event: Event, judged: list[Judged]) -> str:
    failures, validation = _failures(judged), event["request"]["validation"]
    more = f"; and {len(failures) - MOST_NAMED} more" if len(failures) > MOST_NAMED else ""
    streams = streaming.wanted(event["request"])
    also = f" (streaming: {validation['streaming_deadline_seconds']} s)" if streams else ""
    return (
        f"{len(failures)} of {len(judged)} checks of {event['table']} failed within {validation['deadline_seconds']} s"
        f"{also}: {'; '.join(failures[:MOST_NAMED])}{more}"
    )


def _remedy(event: Event, replicated: list[Judged], streamed: list[Judged]) -> str:
    """Where to look, by what failed."""
    table, account = event["table"], event["execution"]["Id"].split(":")[4]
    behind = LOOK_BEHIND.format(
        log_group=names.processors_log_group(table),
        failure_bucket=names.failure_bucket(table, account, "REGION"),
    )
    looks = [look for look, judged in ((LOOK, replicated), (behind, streamed)) if _failures(judged)]
    return f"{'. '.join(looks)}, {THEN}"


def _broken_off(event: Event, replicated: list[Judged]) -> str:
    """What broke off, what replication had shown by then, and why."""
    failures = _failures(replicated)
    shown = f" after {len(replicated) - len(failures)} of {len(replicated)} checks of replication had passed"
    named = f" ({'; '.join(failures[:MOST_NAMED])})" if failures else ""
    why = _cause(event["error"]).rstrip(".")
    return f"The validation of {event['table']} broke off{shown if replicated else ''}{named}: {why}"


def _cause(error: dict[str, str]) -> str:
    """Give the message of a caught task: Cause holds Lambda's answer as JSON."""
    cause = error.get("Cause", "")
    try:
        parsed: Any = json.loads(cause)
    except ValueError:
        parsed = {}
    text = parsed.get("errorMessage", cause) if isinstance(parsed, dict) else cause
    return ": ".join(filter(None, (error.get("Error", ""), str(text))))
