"""How many events the history of one execution can hold at most.

Step Functions ends an execution at its 25,000th event. The bound here is that of the longest way through a machine,
with every wait loop looking for as long as the request's schema lets it, every attempt of every Retry used up in each
of these looks, and every Map as long as there are Regions. A redrive goes on in the same history.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tasks.read_probes import LOOKS_AT_ONCE
from tasks.shared import archive
from tasks.shared.redelivery import MOST_LOOKS
from tasks.shared.waiting import most_looks
from workflows.checks import targets

State = dict[str, Any]
Cost = Callable[[list[State], bool], int]  # of the states of one step, and whether they are a loop

EVENT_LIMIT = 25_000  # AWS Step Functions, service quotas: "Maximum execution history size"
MOST_REGIONS = 34  # AWS Regions that an account can enable, at the time of writing
SCHEMA = Path(__file__).parents[1] / "definitions" / "request.schema.json"

EXECUTION_EVENTS = 2  # ExecutionStarted, and how it ended
STATE_EVENTS = {
    "Task": 5,  # TaskStateEntered, LambdaFunctionScheduled, LambdaFunctionStarted, ...Succeeded, TaskStateExited
    "Parallel": 4,  # ParallelStateEntered, ...Started, ...Succeeded, ...Exited
    "Map": 4,
    "Fail": 1,
}
ENTERED_AND_EXITED = 2
SUBMITTED_EVENTS = 1  # TaskSubmitted, where a task waits for another service
ITERATION_EVENTS = 2  # MapIterationStarted, MapIterationSucceeded
ATTEMPT_EVENTS = 3  # LambdaFunctionScheduled, LambdaFunctionStarted, LambdaFunctionFailed
DEFAULT_ATTEMPTS = 3


def most_looks_of(task: State) -> int | None:
    """How often a task in a loop may be called, by the member of the request that bounds it, if one does."""
    given = task.get("Parameters", {})
    if "deadline_seconds.$" in given:
        deadline = str(given["deadline_seconds.$"]).removeprefix("$.request.polling.")
        return most_looks(limit("polling", deadline, "maximum"), limit("polling", "poll_seconds", "minimum"))
    if "progress.$" in given:
        return MOST_LOOKS
    if "archived.$" in given:
        return archive.MOST_LOOKS
    if "probes.$" in given:
        deadline_seconds = limit("validation", "deadline_seconds", "maximum")
        # The first looks follow each other at once; the last of them is the first that waits.
        return LOOKS_AT_ONCE - 1 + most_looks(deadline_seconds, limit("validation", "poll_seconds", "minimum"))
    if "streaming.$" in given:
        deadline_seconds = limit("validation", "streaming_deadline_seconds", "maximum")
        return most_looks(deadline_seconds, limit("validation", "poll_seconds", "minimum"))
    return None


def most_events(
    definition: dict[str, Any], looks_of: Callable[[State], int | None] = most_looks_of, regions: int = MOST_REGIONS
) -> int:
    """Upper bound on the events of one execution; ``ValueError`` if nothing bounds one of its loops."""

    def events(step: list[State], loops: bool) -> int:
        once = sum(stay(state) for state in step)
        if not loops:
            return once
        looks = next(filter(None, map(looks_of, step)), None)
        if looks is None:
            raise ValueError(f"Nothing bounds the loop of {[state.get('Resource', state['Type']) for state in step]}.")
        last_wait = sum(stay(state) for state in step if state["Type"] == "Wait")  # the last look does not wait
        return looks * once - last_wait

    def stay(state: State) -> int:
        kind = state["Type"]
        submitted = SUBMITTED_EVENTS if ".sync" in state.get("Resource", "") else 0
        inside = sum(longest(branch, events) for branch in state.get("Branches", []))
        if kind == "Map":
            inside = regions * (ITERATION_EVENTS + longest(state["ItemProcessor"], events))
        once = STATE_EVENTS.get(kind, ENTERED_AND_EXITED) + submitted + inside
        attempt = ATTEMPT_EVENTS + submitted if kind == "Task" else once
        attempts: int = sum(retrier.get("MaxAttempts", DEFAULT_ATTEMPTS) for retrier in state.get("Retry", []))
        return once + attempt * attempts

    return EXECUTION_EVENTS + longest(definition, events)


def longest(scope: dict[str, Any], cost: Cost) -> int:
    """Cost of the dearest way through a machine or a branch of it. The states of a loop are one step."""
    states = scope["States"]
    leads = {name: {target for _, target in targets(state)} for name, state in states.items()}
    after = {name: _after(name, leads) for name in states}

    @cache
    def cost_from(name: str) -> int:
        step = {other for other in after[name] if name in after[other]} or {name}
        here = cost([states[other] for other in sorted(step)], name in after[name])
        return here + max((cost_from(to) for one in step for to in leads[one] - step), default=0)

    return cost_from(scope["StartAt"])


def _after(name: str, leads: dict[str, set[str]]) -> set[str]:
    """Every state that may follow; the state itself if it is in a loop."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = leads[waiting.pop()] - found
        found |= new
        waiting += new
    return found


@cache
def limit(member: str, name: str, keyword: str) -> int:
    """The smallest or greatest number that the request's schema allows there."""
    schema = json.loads(SCHEMA.read_text())
    return int(schema["properties"][member]["properties"][name][keyword])
