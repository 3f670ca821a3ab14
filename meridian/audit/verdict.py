"""What came of an execution, in a sentence; of one that ended badly, what failed, where, why, what to do, what is kept.

The failure is that of the deepest step: a parent knows of its child only ``States.TaskFailed`` and JSON, which Step
Functions cuts off. A child that cannot be read is told from that JSON.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from meridian import causes
from meridian.audit import remedies, words
from meridian.audit.model import CONTAINERS, ENDED_BADLY, Outcome

if TYPE_CHECKING:
    from meridian.audit.model import Audit, Step

TIMEOUT = "States.Timeout"
# What names a Region for certain: an answer of AWS (tasks/shared/errors.py) and a check that failed
# (tasks/shared/checks.py).
REGION = r"([a-z]{2,4}(?:-[a-z]{1,12}){1,3}-\d{1,2})"  # us-gov-west-1; bounded, as the words may be anything
NAMED = re.compile(rf"\AAWS (?:refused \w+|could not be reached) in {REGION}:|\b{REGION} (?:did not see|counted) ")

# In an output of Summarize, which may be cut off behind it.
COUNTED = re.compile(r'"passed": ?(\d{1,6}), ?"failed": ?(\d{1,6})\b')


@dataclass(frozen=True)
class Failure:
    """``message`` is all that AWS or the task said; ``why`` and ``do`` are its two halves, where it has both."""

    path: tuple[str, ...]  # ("provision", "add-region eu-west-1", "CreateStream")
    region: str
    error: str  # what Retry and Catch match, or the status where there is no error
    message: str
    what: str
    why: str
    do: str
    kept: str


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    sentence: str
    failure: Failure | None = None

    @property
    def question(self) -> str:
        """What ``failure.what`` answers: where somebody stopped it, nothing failed."""
        return "Where it was" if self.outcome is Outcome.ABORTED else "What failed"


class _Place(NamedTuple):
    """Where an execution ended: the deepest execution that could be read, and its step."""

    path: tuple[str, ...]
    audit: Audit
    step: Step | None
    ended: Audit  # the execution whose end is to be told


def verdict(audit: Audit, now: float | None = None) -> Verdict:
    """Judge an execution. ``now``, in seconds since 1970, is for one that runs; this machine's clock without it."""
    if audit.status in ENDED_BADLY:
        failure = _failure(audit)
        return Verdict(audit.status, _bad_end(audit, failure), failure)
    if audit.status is Outcome.SUCCEEDED:
        return Verdict(audit.status, f"{words.subject(audit)} succeeded{_after(audit)}{proved(audit)}.")
    return Verdict(audit.status, _under_way(audit, time.time() if now is None else now))


def _after(audit: Audit) -> str:
    return "" if audit.seconds is None else f" after {words.duration(audit.seconds)}"


def proved(audit: Audit) -> str:
    """What a validation counted, its own or that of the workflow around it: ``: 18 of 18 checks passed``."""
    found = COUNTED.search(audit.output.text)
    if not found:
        return ""
    passed, failed = map(int, found.groups())
    return f": {passed} of {words.counted(passed + failed, 'check')} passed"


def _bad_end(audit: Audit, failure: Failure) -> str:
    inside = ", ".join(failure.path[1:])
    where = f" in {inside}" if inside else ""
    ended = words.ENDED[audit.status]
    error = "" if failure.error == audit.status else f": {failure.error}"
    return f"{words.subject(audit)} {ended}{_after(audit)}{where}{error}."


def _under_way(audit: Audit, now: float) -> str:
    place = _whereabouts(audit)
    since = f" for {words.duration(now - audit.started)}" if audit.started is not None else ""
    inside = ", ".join(place.path[1:])
    waiting = f", waiting for {_detail(place)}" if _detail(place) else ""
    if audit.status is Outcome.PENDING_REDRIVE:
        return f"{words.subject(audit)} waits to be redriven{f' in {inside}' if inside else ''}."
    return f"{words.subject(audit)} has been running{since}{f': it is in {inside}' if inside else ''}{waiting}."


def _detail(place: _Place) -> str:
    """What the task said it waits for: at its last look, where it looks again just now."""
    step = place.step
    if step is None:
        return ""
    stays = (one for one in reversed(place.audit.steps) if one.task == step.task and one.iteration == step.iteration)
    return words.plain(next((one.detail for one in stays if one.detail), ""))


def _failure(audit: Audit) -> Failure:
    place = _first_cause(audit) if audit.status is Outcome.FAILED else _whereabouts(audit)
    ended = place.ended
    # A child that may not be read leaves its words in the step's cause, as its parent has them.
    told = place.step if place.step and ended.status is Outcome.FAILED and not ended.cause else ended
    found = causes.unwrapped(told.error or ended.status, told.cause)
    error, message = words.plain(found.error), words.paragraphs(found.message)
    # Whoever stops an execution may give any error.
    known = remedies.remedy(error if ended.status is Outcome.FAILED else ended.status.value, message)
    if error == TIMEOUT and place.step and place.step.child_arn:  # no function ran, whose words one could read
        known = known._replace(do=remedies.SEE_BELOW)
    path = (*place.path, *(words.plain(one) for one in found.path))
    return Failure(
        path,
        _region(place, message),
        error,
        message or known.why,
        _what(place),
        known.why,
        known.do,
        remedies.kept(audit, error),
    )


def _first_cause(audit: Audit) -> _Place:
    """The deepest step that failed. A child that was stopped by its parent's time-out is no cause."""
    step, label = failed_step(audit), words.label(audit)
    if step is None:
        return _Place((label,), audit, None, audit)
    child = step.child
    if child and not child.unread and child.status in ENDED_BADLY and step.error != TIMEOUT:
        deeper = _first_cause(child) if child.status is Outcome.FAILED else _whereabouts(child)
        return deeper._replace(path=(label, *deeper.path))
    return _Place((label, words.plain(step.name)), audit, step, audit)


def _whereabouts(audit: Audit) -> _Place:
    """What an execution was doing when it was stopped or ran out of time, or is doing now."""
    step, label = _open_step(audit), words.label(audit)
    if step is None:
        return _Place((label,), audit, None, audit)
    if step.child and not step.child.unread:
        deeper = _whereabouts(step.child)
        # The end to tell is that of the whole; the child ended because of it.
        ended = audit if audit.status in ENDED_BADLY else deeper.ended
        return deeper._replace(path=(label, *deeper.path), ended=ended)
    return _Place((label, words.plain(step.name)), audit, step, audit)


def failed_step(audit: Audit) -> Step | None:
    """The step whose failure ended the execution: innermost, and of the last redrive."""
    failed = [
        step
        for step in reversed(audit.steps)
        if step.outcome in (Outcome.FAILED, Outcome.TIMED_OUT) and step.kind not in CONTAINERS
    ]
    same = (step for step in failed if (step.error, step.cause) == (audit.error, audit.cause))
    alike = (step for step in failed if step.error == audit.error)
    containers = (step for step in reversed(audit.steps) if step.outcome in (Outcome.FAILED, Outcome.TIMED_OUT))
    return next((step for found in (same, alike, iter(failed), containers) for step in found), None)


def _open_step(audit: Audit) -> Step | None:
    open_ends = (Outcome.RUNNING, Outcome.ABORTED, Outcome.TIMED_OUT, Outcome.PENDING_REDRIVE)
    found = [step for step in audit.steps if step.outcome in open_ends]
    inner = [step for step in found if step.kind not in CONTAINERS] or found
    return next(reversed(inner), None)


def _region(place: _Place, message: str) -> str:
    """Where it failed: as the words say, else the Region of the step, of the workflow, or of the execution."""
    named = list(dict.fromkeys(found for pair in NAMED.findall(message) for found in pair if found))
    region = ", ".join(named) or (place.step.region if place.step else "")
    given = words.members(place.audit.input).get("region")
    return words.plain(region or (given if isinstance(given, str) else "") or place.audit.region)


def _what(place: _Place) -> str:
    step = place.step
    if step is None:
        return words.label(place.audit)
    tries = f", at try {len(step.attempts)}" if step.retries else ""
    return f"{words.plain(step.name)} of {words.label(place.audit)}{tries}"
