"""Events of states: entered, exited, aborted, and what no state is known to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.audit.histories.branches import Branch
from meridian.audit.histories.documents import mapping, region
from meridian.audit.model import CONTAINERS, ENDED_BADLY, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meridian.audit.histories.folding import Folding
    from meridian.audit.source import Event


def entered(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    previous = event.get("previousEventId", 0)
    name = details.get("name") or ""
    if previous in folding.starts or previous in folding.redriven:
        branch = _begun(folding, branch, previous, name)
    step = Step(event["id"], name, event["type"].removesuffix("StateEntered"), event["timestamp"])
    step.parent, step.iteration, step.parent_try = branch.around, branch.index, branch.tried
    step.input = folding.payloads.keep(details, "input")
    earlier = branch.enter(step)
    if earlier:
        step.region, step.resource = earlier.region, earlier.resource
    else:
        step.region = region(mapping(details.get("input"))) or folding.region
    if step.kind == "Wait":
        step.detail = branch.detail
    folding.audit.steps.append(step)
    folding.audit.transitions += 1
    folding.open.add(branch)
    if step.kind == "Fail":
        folding.open.fail(step, "", "", step.entered)
    return branch


def _begun(folding: Folding, outer: Branch, start: int, name: str) -> Branch:
    """Begin a branch of the Map or Parallel that ``outer`` has come to, or go on after a redrive."""
    again = _unsuccessful(folding, name) if folding.audit.redrives else None
    if again or start in folding.redriven:
        return again or outer
    begin = folding.starts[start]
    branch = Branch(outer, begin.container, begin.begun, len(begin.container.attempts))
    begin.begun += 1
    folding.branches.append(branch)
    return branch


def _unsuccessful(folding: Folding, name: str) -> Branch | None:
    """Branch whose last stay, in the state ``name``, ended badly: a redrive goes on there."""
    return next(
        (
            branch
            for branch in folding.branches
            if (step := branch.step) and step.name == name and step.outcome in ENDED_BADLY
        ),
        None,
    )


def exited(folding: Folding, branch: Branch, event: Event, details: Mapping[str, Any]) -> Branch:
    name = details.get("name") or ""
    found: Branch | None = branch
    if branch.step is None or branch.step.name != name:
        found = branch.named(name) or _unsuccessful(folding, name)
    if found is None or found.step is None:
        return branch
    step, when = found.step, event["timestamp"]
    if step.kind in CONTAINERS:
        _close_inside(folding, step, when)
    if step.outcome in ENDED_BADLY:  # a Wait or a Choice that a redrive has run again
        folding.audit.transitions += 1
    step.output = folding.payloads.keep(details, "output")
    folding.open.close(step, when, Outcome.CAUGHT if folding.open.is_failing(step) else Outcome.SUCCEEDED)
    return found


def _close_inside(folding: Folding, container: Step, when: float) -> None:
    """End what is still open in a container: where something failed unheard, it failed too."""
    inside = folding.open.inside(container)
    culprit = folding.open.culprit(inside, folding.trunk, when)
    folding.open.break_off(inside, when, culprit)
    if culprit:
        folding.open.fail(container, culprit.error, culprit.cause, when)


def aborted(folding: Folding, branch: Branch, event: Event, _: Mapping[str, Any]) -> Branch:
    """End a stay that a failure elsewhere, or a stop of the whole, has aborted."""
    kind = event["type"].removesuffix("StateAborted")
    found = _to_abort(folding, branch, kind)
    if found is None or found.step is None:
        return branch
    if kind in CONTAINERS:
        folding.open.break_off(folding.open.inside(found.step), event["timestamp"], None)
    folding.open.close(found.step, event["timestamp"], Outcome.ABORTED)
    return found


def _to_abort(folding: Folding, branch: Branch, kind: str) -> Branch | None:
    """Its own stay, or that of the nearest neighbour of the branch that failed."""
    step = branch.step
    if step and not folding.open.is_failing(step):
        own = folding.open.find(branch, kind)
        if own:
            return own
    candidates = [
        one
        for one in folding.open.all()
        if one.step and one.step.kind == kind and not folding.open.is_failing(one.step)
        if one not in branch.outward()
    ]
    for outer in branch.outward():
        for one in candidates:
            if outer.around is None or one.lies_in(outer.around):
                return one
    return None


def unknown(folding: Folding, branch: Branch, event: Event, _: Mapping[str, Any]) -> Branch:
    """Count an event of a type that this version does not know, and note it at its step."""
    kind = event["type"]
    if "stateEnteredEventDetails" in event:
        branch = entered(folding, branch, event, event["stateEnteredEventDetails"])
    elif "stateExitedEventDetails" in event:
        branch = exited(folding, branch, event, event["stateExitedEventDetails"])
    folding.audit.unknown[kind] = folding.audit.unknown.get(kind, 0) + 1
    if branch.step:
        branch.step.unknown.append(kind)
    return branch
