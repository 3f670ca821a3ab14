"""How a schedule is told to a person: what it is, what is wrong, and its last runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from meridian.audit import words
from meridian.audit.model import Outcome
from meridian.audit.terminal import rows as terminal
from meridian.commandline import data, talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.schedule import Run, Schedule


NO_ALARM = "none"
LONGEST = 300  # characters of a verdict; the audit tells the whole


def say(sentence: str) -> None:
    """Tell a person, on stderr."""
    talk().print(sentence, markup=False, highlight=False, soft_wrap=True)


def show(schedule: Schedule, audit: str, options: str) -> None:
    """Print the schedule; ``audit`` is the command that tells of a run, and ``options`` what stands behind it."""
    console = data()
    for line in lines(schedule):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if schedule.runs:
        table = terminal.columns("started", "took", "ended", "verdict")
        for run in schedule.runs:
            table.add_row(*_row(run))
        console.print(table)
    failed = next((run for run in schedule.runs if run.failed), None)
    if failed:
        say(f"What happened in the last that failed: {audit} {failed.execution}{options}")


def lines(schedule: Schedule) -> Iterator[str]:
    zone = "" if schedule.expression.startswith("rate") else f" in {schedule.time_zone}"
    yield f"{schedule.table} is validated by {schedule.expression}{zone}, from {schedule.home}."
    yield "It is paused: --resume starts it again." if schedule.paused else "It is enabled."
    yield (
        f"A start that fails is tried {words.counted(schedule.maximum_retry_attempts, 'time')} more, for "
        f"{words.duration(schedule.maximum_event_age_in_seconds)}; {_given_up(schedule.dead_letters)}."
    )
    yield f"Alarms: {', '.join(f'{kind} {state or NO_ALARM}' for kind, state in schedule.alarms.items())}."
    yield f"Last fired: {words.moment(schedule.runs[0].started)}." if schedule.runs else "It has not fired yet."
    if schedule.more_runs:
        yield "Older runs are behind those of other tables, and were not looked at."


def _given_up(count: int) -> str:
    return f"{words.counted(count, 'start')} given up" if count else "none was given up"


def _row(run: Run) -> list[Text]:
    style = terminal.STYLES[Outcome(run.status)]
    return [
        Text(words.moment(run.started)),
        Text(words.duration(run.seconds)),
        Text(run.status, style),
        Text(run.verdict if len(run.verdict) <= LONGEST else f"{run.verdict[:LONGEST]}…"),
    ]
