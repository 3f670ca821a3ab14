"""An execution that has not ended, as it stands now: what is open lasts until this moment.

A history tells of a wait only that it began. Who asks why an execution hangs wants to see how long it has.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from meridian.audit.model import Outcome

if TYPE_CHECKING:
    from meridian.audit.model import Attempt, Audit, Step


def so_far(audit: Audit, now: float | None = None) -> Audit:
    """Give a copy of what runs in which open steps and attempts end at ``now``, and are RUNNING still.

    ``now`` is in seconds since 1970, this machine's clock without it. What has ended is given as it is.
    """
    return _until(max(time.time() if now is None else now, latest(audit)), audit)


def latest(audit: Audit) -> float:
    """Give the last moment that an audit and its children tell of."""
    known = [audit.started or 0.0, audit.stopped or audit.until or 0.0]
    for step in audit.steps:
        known.append(step.left or step.entered)
        known += [attempt.ended or attempt.started or attempt.scheduled for attempt in step.attempts[-1:]]
    return max(*known, *(latest(child) for child in audit.children()))


def _until(now: float, audit: Audit) -> Audit:
    if not any(_is_open(one) for one in audit.tree()):
        return audit
    copies = {id(step): _step(now, step, is_open=_is_open(audit)) for step in audit.steps}
    for copy in copies.values():
        copy.parent = copies[id(copy.parent)] if copy.parent else None
    return replace(
        audit,
        until=now if _is_open(audit) else None,
        steps=list(copies.values()),
        critical=[copies[id(step)] for step in audit.critical],
    )


def _is_open(audit: Audit) -> bool:
    return audit.started is not None and audit.stopped is None and not audit.unread


def _step(now: float, step: Step, *, is_open: bool) -> Step:
    child, others = step.child and _until(now, step.child), [_until(now, one) for one in step.others]
    if not is_open or step.left is not None or step.outcome is not Outcome.RUNNING:
        return replace(step, child=child, others=others)
    attempts = [_attempt(now, attempt) for attempt in step.attempts]
    return replace(step, child=child, others=others, left=now, attempts=attempts)


def _attempt(now: float, attempt: Attempt) -> Attempt:
    return replace(attempt, ended=now) if attempt.ended is None else attempt
