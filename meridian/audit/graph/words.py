"""What the drawing says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meridian.audit.model import Outcome
from meridian.audit.words import counted, plain, span

if TYPE_CHECKING:
    from meridian.audit.graph.machine import Edge, State

TIMES = "\N{MULTIPLICATION SIGN}"
MOST_LABELS = 8  # told of one edge
UNREACHED, RETRIED = "unreached", "retried"
KINDS = ("Task", "Choice", "Wait", "Pass", "Succeed", "Fail", "Map", "Parallel")
OUTCOMES = {
    UNREACHED: "not reached",
    RETRIED: "succeeded after retries",
    "caught": "failed, and its error was caught",
    "aborted": "stopped",
}
WAYS = {"next": "", "default": "when no rule matches", "rule": "when", "catch": "on error"}


def outcome(state: State) -> str:
    """Name of the state's outcome as the classes have it: ``succeeded``, ``timed-out``, ``unreached``."""
    if state.seen is None:
        return UNREACHED
    if state.seen.outcome is Outcome.SUCCEEDED and state.seen.retries:
        return RETRIED
    return state.seen.outcome.value.lower().replace("_", "-")


def note(state: State) -> str:
    """The small second line of a box: twelve looks, and ``3 min 12 s``."""
    if state.seen is None or state.kind in ("Pass", "Succeed", "Fail"):
        return ""
    looks, seconds = state.seen.looks, state.seen.seconds
    parts = [f"{TIMES}{looks:,}"] if looks > 1 else []
    if seconds is not None and not (state.kind == "Choice" and seconds < 1):
        parts.append(span(seconds))
    if state.seen.retries:
        parts.append(counted(state.seen.retries, "retry", "retries"))
    return " · ".join(parts)


def title(state: State) -> str:
    """The state in words, for a tooltip and for who cannot see the drawing."""
    words = [plain(state.name), _kind(state), _ended(state)]
    seen = state.seen
    if seen:
        if seen.looks > 1:
            words.append(f"entered {seen.looks:,} times")
        if seen.seconds is not None:
            longest = "longest " if len(seen.runs) > 1 else ""
            words.append(f"{longest}{span(seen.seconds)}")
        if seen.retries:
            words.append(counted(seen.retries, "retry", "retries"))
        errors = dict.fromkeys(plain(step.error) for step in seen.steps if step.error)
        words += [shortened(error, 80) for error in list(errors)[:3]]
    return ", ".join(words)


def _kind(state: State) -> str:
    if state.starts_child:
        return "Task that runs another state machine"
    if state.distributed:
        return "Distributed Map"
    return shortened(plain(state.kind), 30)


def _ended(state: State) -> str:
    name = outcome(state)
    return OUTCOMES.get(name, name.replace("-", " "))


def edge_title(edge: Edge) -> str:
    """A way in words: ``From CreateTable: ready? to DescribeTable when no rule matches, taken once``."""
    source = "start" if edge.source.kind == "start" else plain(edge.source.name)
    target = "end" if edge.target.kind == "end" else plain(edge.target.name)
    condition = WAYS[edge.way]
    if edge.labels and edge.way != "default":
        labels = [shortened(label, 80) for label in edge.labels[:MOST_LABELS]]
        condition = f"{condition} {' or '.join(labels)}{' or others' if len(edge.labels) > MOST_LABELS else ''}"
    taken = {0: "not taken", 1: "taken once"}.get(edge.taken, f"taken {edge.taken:,} times")
    return f"From {source} to {target} {condition}".rstrip() + f", {taken}"


def edge_label(edge: Edge) -> str:
    """What is written beside a way: the errors that it catches, or a rule's condition."""
    if edge.way not in ("catch", "rule") or not edge.labels:
        return ""
    more = f" +{len(edge.labels) - 1}" if len(edge.labels) > 1 else ""
    return shortened(edge.labels[0], 22) + more


def shortened(text: str, most: int) -> str:
    text = plain(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
