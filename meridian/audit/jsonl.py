"""An audit as JSON Lines: one record a line, keys in a fixed order, times in seconds since 1970 (UTC).

Each execution is a line, followed by its steps in the order in which they were entered, each step by its attempts and
its changes; then the executions that it started. docs/audit.md lists the members.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from meridian.audit import cost, words
from meridian.audit.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit, Payload, Step


def text(audit: Audit, now: float | None = None) -> Iterator[str]:
    """Lines of JSON, each with its end; ``now`` is as for ``verdict``."""
    for record in records(audit, now):
        yield f"{json.dumps(record)}\n"  # ASCII, so that nothing in it can act on a terminal


def records(audit: Audit, now: float | None = None) -> Iterator[dict[str, Any]]:
    """Records of an execution and of all that it started."""
    for one in audit.tree():
        yield _execution(one, now)
        critical = {step.id for step in one.critical}
        for step in one.steps:
            yield from _step_and_its_own(one, step, is_critical=step.id in critical)


def _execution(audit: Audit, now: float | None) -> dict[str, Any]:
    judged = verdict(audit, now)
    return {
        "record": "execution",
        "execution": audit.arn,
        "workflow": audit.workflow,
        "table": words.table(audit),
        "status": audit.status.value,
        "started": audit.started,
        "stopped": audit.stopped,
        "seconds": audit.seconds,
        "verdict": judged.sentence,
        "failure": asdict(judged.failure) if judged.failure else None,
        "starter": asdict(audit.starter),
        "machine": audit.machine_arn,
        "version": audit.version_arn,
        "alias": audit.alias_arn,
        "input": _payload(audit.input),
        "output": _payload(audit.output),
        "error": audit.error,
        "cause": audit.cause,
        "redrives": [asdict(redrive) for redrive in audit.redrives],
        "critical": [step.id for step in audit.critical],
        "events": audit.events,
        "transitions": audit.transitions,
        "usd": round(audit.transitions * cost.USD_PER_THOUSAND_TRANSITIONS / 1_000, 9),
        "unknown": audit.unknown,
        "source": audit.source,
        "unread": audit.unread,
    }


def _step_and_its_own(audit: Audit, step: Step, *, is_critical: bool) -> Iterator[dict[str, Any]]:
    yield {
        "record": "step",
        "execution": audit.arn,
        "step": step.id,
        "name": step.name,
        "kind": step.kind,
        "parent": step.parent.id if step.parent else None,
        "iteration": step.iteration,
        "region": step.region,
        "entered": step.entered,
        "left": step.left,
        "seconds": step.seconds,
        "worked": step.worked,
        "waited": step.waited,
        "outcome": step.outcome.value,
        "error": step.error,
        "cause": step.cause,
        "input": _payload(step.input),
        "output": _payload(step.output),
        "resource": step.resource,
        "child": step.child_arn,
        "other_children": step.other_arns,
        "map_run": step.map_run_arn,
        "detail": step.detail,
        "critical": is_critical,
        "unknown": step.unknown,
    }
    own = {"execution": audit.arn, "step": step.id}
    for number, attempt in enumerate(step.attempts, 1):
        ended = None if attempt.ended is None else attempt.seconds
        yield {"record": "attempt", **own, "attempt": number, **asdict(attempt), "seconds": ended}
    for change in step.changes:
        yield {"record": "change", **own, "verb": words.verb(change.operation), **asdict(change)}


def _payload(payload: Payload) -> dict[str, Any]:
    """``cut``: the text is not the whole, whose length in characters is ``size``."""
    return {"text": payload.text, "size": payload.size, "cut": payload.cut}
