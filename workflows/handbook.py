"""The generated parts of docs/workflows.md: a diagram of each workflow, and how long its history can become."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workflows.diagram import mermaid
from workflows.history import EVENT_LIMIT, most_events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflows.state_machine import StateMachine


def filled(page: str, machines: Iterable[StateMachine]) -> str:
    """The page with every generated part as it should be; ``ValueError`` where the page has no place for one."""
    machines = list(machines)
    for machine in machines:
        page = _put(page, machine.name, _part(machine))
    return _put(page, "histories", _histories(machines))


def _put(page: str, part: str, text: str) -> str:
    begin, end = f"<!-- begin {part}: written by python -m workflows -->", f"<!-- end {part} -->"
    written, times = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n\n{text}\n{end}", page, flags=re.DOTALL
    )
    if times != 1:
        raise ValueError(f"docs/workflows.md needs the lines {begin!r} and {end!r} once each.")
    return written


def _part(machine: StateMachine) -> str:
    return f"{machine.to_dict()['Comment']}\n\n```mermaid\n{mermaid(machine.to_dict())}```\n"


def _histories(machines: list[StateMachine]) -> str:
    rows = [(machine.name, most_events(machine.to_dict())) for machine in machines]
    lines = ["| workflow | most events | of the limit |", "|---|---:|---:|"]
    lines += [f"| {name} | {events:,} | {100 * events // EVENT_LIMIT} % |" for name, events in rows]
    return "\n".join(lines) + "\n"
