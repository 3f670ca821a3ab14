"""Draw a running execution: a table that changes in place on a terminal, plain lines anywhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console, JustifyMethod

    from meridian.history import Execution
    from meridian.steps import Note, Step

FRAMES_A_SECOND = 4


def show(console: Console, looks: Iterable[Execution]) -> Execution:
    """Draw what ``follow`` yields until it ends, and return the execution as it ended."""
    return _in_place(console, looks) if can_redraw(console) else _lines(console, looks)


def can_redraw(console: Console) -> bool:
    """Whether what was drawn can be drawn again in its place."""
    return console.is_interactive and not console.is_dumb_terminal


def _in_place(console: Console, looks: Iterable[Execution]) -> Execution:
    seen: list[Execution] = []
    # Drawn from the last look and the clock, so that times go on between two looks.
    draw = Live(
        console=console,
        transient=True,
        refresh_per_second=FRAMES_A_SECOND,
        get_renderable=lambda: table(seen[-1], datetime.now(UTC)) if seen else "",
    )
    with draw:
        for execution in looks:
            seen[:] = [execution]
    return seen[-1]


def _lines(console: Console, looks: Iterable[Execution]) -> Execution:
    narrator = Narrator()
    for execution in looks:
        for line in narrator.news(execution):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return execution


def table(execution: Execution, now: datetime) -> Table:
    """Every state that is under way: of which workflow, in which Region, how long, at which look."""
    title = f"{execution.label}, {duration(execution.started or now, now)}"
    drawn = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    columns: tuple[tuple[str, JustifyMethod], ...] = (
        ("workflow", "left"),
        ("state", "left"),
        ("for", "right"),
        ("look", "right"),
    )
    for column, justify in columns:
        drawn.add_column(column, justify=justify, no_wrap=True)
    drawn.add_column("")
    for running in execution.tree():
        if not running.ended:
            for position, step in enumerate(step for step in running.working() if not step.child):
                drawn.add_row("" if position else Text(running.label, "bold"), *_row(running, step, now))
    return drawn


def _row(execution: Execution, step: Step, now: datetime) -> tuple[Text, str, str, Text]:
    state = Text(_state(execution, step), "yellow" if step.waiting else "green")
    return state, duration(step.began, now), str(step.looks), Text(_doing(step))


def _state(execution: Execution, step: Step) -> str:
    """The task, and its Region where that is not the whole workflow's."""
    return step.task if step.region == execution.region else f"{step.task} {step.region}".rstrip()


def _doing(step: Step) -> str:
    if step.resting:
        return f"will be tried again ({step.error})"
    if step.tries > 1:
        return f"try {step.tries}"
    return step.detail


class Narrator:
    """Tells each thing once, in the order in which it happened, with the seconds since the start.

    How the whole execution ended is left to whoever shows the result.
    """

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._ended: set[str] = set()

    def news(self, execution: Execution) -> Iterator[str]:
        """Lines for what was folded into ``execution`` and below it since the last call."""
        if not execution.started:
            return
        for when, line in sorted(self._news(execution), key=lambda told: told[0]):
            yield f"{(when - execution.started).total_seconds():7.1f} s  {line}"

    def _news(self, execution: Execution) -> Iterator[tuple[datetime, str]]:
        for one in execution.tree():
            told = self._told.get(one.arn, 0)
            for note in one.notes[told:]:
                yield note.when, f"{one.label:<30} {_told(one, note)}"
            self._told[one.arn] = len(one.notes)
            if one is not execution and one.started and one.stopped and one.arn not in self._ended:
                self._ended.add(one.arn)
                yield one.stopped, f"{one.label:<30} {one.status} after {duration(one.started, one.stopped)}"


def _told(execution: Execution, note: Note) -> str:
    step = note.step
    if note.error:
        return f"{step.task}: {note.error} at try {step.tries}"
    if step.kind == "Wait":
        return f"{step.task}: waiting for {step.detail or 'the next look'}"
    return _state(execution, step)


def duration(since: datetime, until: datetime) -> str:
    """``8 s``, ``3:20``, ``1:02:03``. Never negative: this machine's clock is not AWS's."""
    seconds = max(0, round((until - since).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
