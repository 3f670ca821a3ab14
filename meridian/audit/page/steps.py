"""Every step of an audit and its children as data, for the page's table: what it holds is written out when asked for.

Texts stand once, however many steps pass them on, and are cut further where the page would get too large. Inputs and
outputs are as they were recorded; of all else only what shows is written.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from meridian.audit import words
from meridian.audit.histories.lines import lines
from meridian.audit.page.axis import clock
from meridian.audit.words import paragraphs, plain, span

if TYPE_CHECKING:
    from meridian.audit.histories.lines import Line
    from meridian.audit.model import Attempt, Audit, Payload, Step
    from meridian.audit.page.keys import Keys

ROOM = 1_500_000  # characters of inputs and outputs in a page
SHORTEST = 0.05  # seconds that are told
MOST_ATTEMPTS = 50  # of one step; the first of them


def steps(audit: Audit, keys: Keys) -> dict[str, Any]:
    """Give what script.js reads: ``executions``, ``texts`` and ``steps``, which name the others by their place.

    Members that are empty are left out. ``began`` is the time since the start of ``audit``.
    """
    table = _Table(audit.started or 0.0, keys)
    for one in audit.tree():
        table.take(one)
    return {"executions": table.executions, "texts": table.texts.fitting(ROOM), "steps": table.rows}


class _Table:
    def __init__(self, origin: float, keys: Keys) -> None:
        self.origin, self.keys = origin, keys
        self.texts = _Texts()
        self.executions: list[str] = []
        self.rows: list[dict[str, Any]] = []

    def take(self, audit: Audit) -> None:
        self.executions.append(words.label(audit))
        for line in lines(audit):
            if line.step and line.last:
                about = {"execution": self.keys.number(audit), "key": self.keys.of(audit, line.step)}
                self.rows.append(about | _without_empty(self._row(line, line.step, line.last)))

    def _row(self, line: Line, step: Step, last: Step) -> dict[str, Any]:
        attempts = [attempt for one in line.steps for attempt in one.attempts]
        changes = [change for one in line.steps for change in one.changes]
        failed = [attempt for attempt in attempts if attempt.error]
        return {
            "name": plain(step.name),
            "kind": plain(step.kind),
            "also": _also(line, step),
            "place": _place(step),
            "region": plain(line.region),
            "outcome": line.outcome.value,
            "began": clock(step.entered - self.origin),
            "took": span(line.seconds),
            "waited": span(line.waited) if line.waited >= SHORTEST else "",
            "worked": span(line.worked) if line.worked >= SHORTEST else "",
            "looks": line.looks if line.looks > 1 else 0,
            "retries": line.retries,
            "resource": self.texts.place(plain(last.resource)),
            "child": self.texts.place(plain(last.child_arn)),
            "mapRun": plain(last.map_run_arn),
            "detail": plain(last.detail),
            "error": plain(last.error),
            "cause": self.texts.place(paragraphs(last.cause)),
            "tried": len(attempts),
            "attempts": [
                self._attempt(one) for one in islice(attempts if len(attempts) <= 5 else failed, MOST_ATTEMPTS)
            ],
            "changes": [
                [plain(text) for text in (one.operation, one.region, one.resource, one.request_id)] for one in changes
            ],
            "unknown": [plain(kind) for one in line.steps for kind in one.unknown],
            "input": self._payload(step.input),
            "output": self._payload(last.output),
        }

    def _attempt(self, attempt: Attempt) -> list[Any]:
        began = clock(attempt.scheduled - self.origin)
        took = span(None if attempt.ended is None else attempt.seconds)
        return [began, took, attempt.outcome.value, plain(attempt.error), self.texts.place(paragraphs(attempt.cause))]

    def _payload(self, payload: Payload) -> list[int] | None:
        """Place of the text, its size as a whole, and whether Step Functions kept some of it back."""
        if not payload.size and not payload.truncated:
            return None
        return [self.texts.place(payload.text), payload.size, int(payload.truncated)]


class _Texts:
    """Texts, each once; the first is the empty one."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        return self._places.setdefault(text, len(self._places))

    def fitting(self, room: int) -> list[str]:
        """Give all, each cut to the length with which they have room together."""
        longest = max(map(len, self._places))
        while longest > 1 and sum(min(len(text), longest) for text in self._places) > room:
            longest = longest * 3 // 4
        return [text[:longest] for text in self._places]


def _also(line: Line, step: Step) -> list[int]:
    """Ids of the first stays in the other states of a wait loop, which the graph points at."""
    firsts: dict[str, int] = {}
    for stay in line.steps:
        firsts.setdefault(stay.name, stay.id)
    return [first for first in firsts.values() if first != step.id]


def _place(step: Step) -> str:
    """The states around it, and which item or branch of theirs it is: ``EachRegion 1``."""
    around = []
    while step.parent:
        around.append(f"{plain(step.parent.name)} {'' if step.iteration is None else step.iteration}".strip())
        step = step.parent
    return " > ".join(reversed(around))


def _without_empty(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in ("", 0, None, [])}
