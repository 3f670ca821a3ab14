"""The steps of an audit as a table whose first column is a tree.

All texts come as ``Text``, in which Rich sees no markup, and through ``words.plain``, which leaves nothing that a
terminal acts on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from meridian.audit import words
from meridian.audit.model import ENDED_BADLY, Audit, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from meridian.audit.histories.lines import Line
    from meridian.audit.terminal.nodes import Node

STYLES = {
    Outcome.SUCCEEDED: "green",
    Outcome.CAUGHT: "yellow",
    Outcome.RUNNING: "cyan",
    Outcome.PENDING_REDRIVE: "cyan",
    **dict.fromkeys(ENDED_BADLY, "bold red"),
}
WIDE = 128  # characters, from which on there is room for the times apart
BESIDE_WIDE, BESIDE_NARROW = 84, 38  # characters that the columns beside the steps want
LEAST = 0.05  # seconds; less is shown as nothing
TIMES = ("took", "worked", "waited")
LAST_COLUMN = 16  # characters that it has at the least
LONGEST_REGION = 20  # of what an input names as such


@dataclass(frozen=True)
class Style:
    """How rows are drawn: ``between`` and ``last`` are the lines before a row, and before what lies inside it."""

    width: int
    critical: str = "◆"
    between: tuple[str, str] = ("├─ ", "│  ")
    last: tuple[str, str] = ("└─ ", "   ")

    @property
    def is_wide(self) -> bool:
        return self.width >= WIDE

    @property
    def step_width(self) -> int:
        return max(self.width - (BESIDE_WIDE if self.is_wide else BESIDE_NARROW), LAST_COLUMN)


def style(console: Console) -> Style:
    if console.options.ascii_only:
        return Style(console.width, "*", ("+- ", "|  "), ("`- ", "   "))
    return Style(console.width)


def steps(found: list[Node], drawn_as: Style) -> Table:
    """Draw rows. Where there is no room, the Region stands with its step, and the times with the notes."""
    if drawn_as.is_wide:
        table = columns("step", "Region", "took", "worked", "waited", "")
    else:
        table = columns("step", "took", "")
    table.columns[0].max_width = drawn_as.step_width
    for before, region, node in _placed(found, drawn_as, "", ""):
        guide = Text(before, "dim")
        table.add_row(*(_wide(guide, node, drawn_as) if drawn_as.is_wide else _narrow(guide, region, node, drawn_as)))
    return table


def columns(*names: str) -> Table:
    """An empty table; times stand to the right, and the last column breaks its lines but keeps some room."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names[:-1]:
        table.add_column(name, justify="right" if name in TIMES else "left", no_wrap=True, overflow="ellipsis")
    table.add_column(names[-1], min_width=LAST_COLUMN, overflow="fold")
    return table


def _placed(found: list[Node], drawn_as: Style, before: str, region: str) -> Iterator[tuple[str, str, Node]]:
    """Each row with the lines that lead to it, and the Region of what it lies in."""
    for node in found:
        own, inside = drawn_as.last if node is found[-1] else drawn_as.between
        yield f"{before}{own}", region, node
        yield from _placed(node.inside, drawn_as, f"{before}{inside}", _region(node) or region)


def _region(node: Node) -> str:
    return words.plain(node.line.region)[:LONGEST_REGION] if node.line else ""


def _wide(guide: Text, node: Node, drawn_as: Style) -> list[Text]:
    line, name = node.line, guide.append_text(_name(node, drawn_as))
    if line is None:
        return [name, *(Text() for _ in range(4)), _notes(node)]
    times = (words.duration(one) if one >= LEAST else "" for one in (line.worked, line.waited))
    shown = [words.duration(line.seconds), *times]
    return [name, Text(_region(node)), *map(Text, shown), _notes(node)]


def _narrow(guide: Text, around: str, node: Node, drawn_as: Style) -> list[Text]:
    line, name, notes = node.line, guide.append_text(_name(node, drawn_as)), _notes(node)
    if line is None:
        return [name, Text(), notes]
    if line.step and _region(node) not in (around, ""):  # a header's label has it
        name.append(f" {_region(node)}", "cyan")
    if line.waited >= LEAST:
        notes = Text(", ").join(part for part in (notes, Text(f"waited {words.duration(line.waited)}")) if part)
    return [name, Text(words.duration(line.seconds)), notes]


def _name(node: Node, drawn_as: Style) -> Text:
    if node.gathered:
        return Text(_gathered(node.gathered), "dim italic")
    bad = node.line is not None and node.line.outcome in ENDED_BADLY
    name = Text(node.label, "bold red" if bad else "")
    return name.append(f" {drawn_as.critical}", "yellow") if node.is_critical else name


def _gathered(gathered: list[Line | Audit]) -> str:
    """``31 more: 30 SUCCEEDED, 1 FAILED, each 0.2 s to 12 s``."""
    outcomes = Counter((one.status if isinstance(one, Audit) else one.outcome).value for one in gathered)
    took = [one.seconds for one in gathered if one.seconds is not None]
    ends = dict.fromkeys(words.duration(one) for one in (min(took), max(took))) if took else {}
    each = f", each {' to '.join(ends)}" if ends else ""
    return f"{len(gathered):,} more: {', '.join(f'{count:,} {name}' for name, count in outcomes.items())}{each}"


def _notes(node: Node) -> Text:
    parts = [Text(execution(node))]
    if node.line:
        error = words.plain(node.line.last.error) if node.line.last else ""
        parts = [
            Text(_outcome(node.line, error), STYLES[node.line.outcome]),
            *parts,
            *map(Text, _told(node.line, error)),
        ]
    return Text(", ").join(part for part in parts if part)


def _outcome(line: Line, error: str) -> str:
    """Nothing of what went well; an iteration's error is told at the step in it."""
    if line.outcome is Outcome.SUCCEEDED:
        return ""
    return f"{line.outcome.value} {error}".rstrip()


def _told(line: Line, error: str) -> Iterator[str]:
    if line.looks > 1:
        yield f"{line.looks} looks"
    if line.step and line.retries:
        errors = {words.plain(one.error or one.outcome.value) for step in line.steps for one in step.retries}
        named = f": {', '.join(sorted(errors))}" if errors != {error} else ""
        yield f"{words.counted(line.retries, 'retry', 'retries')}{named}"
    detail = next((step.detail for step in reversed(line.steps) if step.detail), "")
    if line.step and detail and line.outcome is Outcome.RUNNING:
        yield f"waits for {words.plain(detail)}"
    unknown = dict.fromkeys(words.plain(kind) for step in line.steps if line.step for kind in step.unknown)
    if unknown:
        yield f"not known: {', '.join(unknown)}"


def execution(node: Node) -> str:
    """What a step, or an earlier try of it, runs."""
    audit = node.audit
    if audit is None:
        return ""
    unread = f", not read: {words.plain(audit.unread)}" if audit.unread else ""
    return f"runs {words.label(audit)}{unread}" if node.line or unread else ""
