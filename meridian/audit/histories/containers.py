"""Events of Map and Parallel: their tries, iterations and Map Runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.audit.histories.branches import Branch
from meridian.audit.histories.documents import text
from meridian.audit.histories.folding import Start
from meridian.audit.model import Attempt, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meridian.audit.histories.folding import Folding
    from meridian.audit.source import Event


def _container(folding: Folding, branch: Branch, event: Event, name: str | None = None) -> Branch | None:
    kind = "Parallel" if event["type"].startswith("Parallel") else "Map"
    return folding.open.find(branch, kind, name) or next(
        (
            one
            for one in reversed(folding.open.all())
            if one.step and one.step.kind == kind and name in (None, one.step.name)
        ),
        None,
    )


def started(folding: Folding, branch: Branch, event: Event, _: Mapping[str, Any]) -> Branch:
    """Begin a try; that it is not the first means that a Retry has begun it."""
    found = _container(folding, branch, event)
    if found is None or found.step is None:
        return branch
    step, when = found.step, event["timestamp"]
    if step.attempts:
        folding.audit.transitions += 1
        folding.open.break_off(folding.open.inside(step), when, None)
        folding.open.try_again(step)
    step.attempts.append(Attempt(when, when))
    folding.starts[event["id"]] = Start(step)
    return found


def succeeded(folding: Folding, branch: Branch, event: Event, _: Mapping[str, Any]) -> Branch:
    found = _container(folding, branch, event)
    if found is None or found.step is None:
        return branch
    folding.open.break_off(folding.open.inside(found.step), event["timestamp"], None)
    _end_try(found, event["timestamp"], Outcome.SUCCEEDED)
    return found


def failed(folding: Folding, branch: Branch, event: Event, _: Mapping[str, Any]) -> Branch:
    found = _container(folding, branch, event)
    if found is None or found.step is None:
        return branch
    step, when = found.step, event["timestamp"]
    inside = folding.open.inside(step)
    culprit = folding.open.culprit(inside, branch, when) or _first_failed(folding, found)
    folding.open.break_off(inside, when, culprit)
    told = culprit or step
    folding.open.fail(step, told.error, told.cause, when)
    _end_try(found, when, Outcome.FAILED)
    return found


def _first_failed(folding: Folding, container: Branch) -> Any:
    """Step of an iteration that has failed before its Map."""
    step = container.step
    tried = len(step.attempts) if step else 1
    return next(
        (
            one.step
            for one in folding.branches
            if one.step
            and one.around is step
            and one.tried == tried
            and one.step.outcome in (Outcome.FAILED, Outcome.TIMED_OUT)
        ),
        None,
    )


def _end_try(branch: Branch, when: float, outcome: Outcome) -> None:
    step = branch.step
    if step and step.attempts:
        attempt = step.attempts[-1]
        attempt.ended, attempt.outcome, attempt.error, attempt.cause = when, outcome, step.error, step.cause


def iteration_started(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    found = _container(folding, branch, event, details.get("name"))
    if found is None or found.step is None:
        return branch
    item = Branch(found, found.step, details.get("index"), max(1, len(found.step.attempts)))
    folding.branches.append(item)
    return item


def iteration_ended(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    """End an item: what failed in it, if it failed, and what is still open in it."""
    found = _container(folding, branch, event, details.get("name"))
    if found is None or found.step is None:
        return branch
    inside = folding.open.inside(found.step, details.get("index"))
    culprit = (
        folding.open.culprit(inside, branch, event["timestamp"]) if event["type"] == "MapIterationFailed" else None
    )
    folding.open.break_off(inside, event["timestamp"], culprit)
    return found


def map_run(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    """Note the run of a Distributed Map; its children have histories of their own."""
    found = _container(folding, branch, event)
    if found is None or found.step is None:
        return branch
    found.step.map_run_arn = details.get("mapRunArn") or found.step.map_run_arn
    if event["type"] == "MapRunFailed":
        folding.open.fail(found.step, text(details.get("error")), text(details.get("cause")), event["timestamp"])
    return found
