"""The edges of a definition, and which of them an execution went over."""

from __future__ import annotations

from typing import Any, NamedTuple

from workflows.checks import targets
from workflows.state_machine import walk


class Edge(NamedTuple):
    """From a state, by Next, Choices, Default or Catch to another, or by the retrier of that number to itself."""

    state: str
    field: str
    to: str


def edges_of(definition: dict[str, Any]) -> set[Edge]:
    found = set()
    for name, state in walk(definition):
        found |= {Edge(name, field, target) for field, target in targets(state)}
        found |= {Edge(name, "Retry", str(number)) for number, _ in enumerate(state.get("Retry", []))}
    return found


def states_run(events: list[dict[str, Any]]) -> set[str]:
    return {str(_details(event)["name"]) for event in events if event["type"].endswith("StateEntered")}


def edges_run(definition: dict[str, Any], events: list[dict[str, Any]]) -> set[Edge]:
    """Edges that lead from one event to the next in the same branch."""
    states, by_id = dict(walk(definition)), {event["id"]: event for event in events}
    found = set()
    for event in events:
        before = by_id.get(event["previousEventId"], {"type": "", "id": 0})
        if event["type"].endswith("StateEntered") and before["type"].endswith("StateExited"):
            name, to = str(_details(before)["name"]), str(_details(event)["name"])
            failed = by_id[before["previousEventId"]]["type"].endswith(("Failed", "TimedOut"))
            fields = {field for field, target in targets(states[name]) if target == to and (field == "Catch") == failed}
            found |= {Edge(name, field, to) for field in fields}
        if event["type"] == "LambdaFunctionScheduled" and before["type"] == "LambdaFunctionFailed":
            name = _state_of(before, by_id)
            retrier = _retrier(states[name], _details(before)["error"])
            found.add(Edge(name, "Retry", str(retrier)))
    return found


def _retrier(state: dict[str, Any], error: str) -> int:
    return next(number for number, retrier in enumerate(state["Retry"]) if error in retrier["ErrorEquals"])


def _state_of(event: dict[str, Any], by_id: dict[int, dict[str, Any]]) -> str:
    while not event["type"].endswith("StateEntered"):
        event = by_id[event["previousEventId"]]
    return str(_details(event)["name"])


def _details(event: dict[str, Any]) -> dict[str, Any]:
    return next(value for key, value in event.items() if key.endswith("EventDetails"))
