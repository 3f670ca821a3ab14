"""An audit in a terminal: the verdict, what one asks of a failure, the facts, the steps, and what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from meridian.audit import cost, words
from meridian.audit.model import StartedBy
from meridian.audit.so_far import so_far
from meridian.audit.terminal import rows as terminal
from meridian.audit.terminal.nodes import left_out, nodes
from meridian.audit.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from meridian.audit.model import Audit, Starter
    from meridian.audit.verdict import Failure

EXECUTION = "execution"  # the last of the facts
MOST_CHANGES = 12  # shown without --full


def show(console: Console, audit: Audit, *, full: bool = False, now: float | None = None) -> None:
    """Print an audit; with ``full`` every row and every change. ``now`` is as for ``verdict`` and ``so_far``."""
    judged = verdict(audit, now)
    say(console, Text(judged.sentence, terminal.STYLES[judged.outcome]))
    _show_pairs(console, list(_failure(judged.failure, judged.question)) if judged.failure else [])
    _show_pairs(console, list(_facts(audit)))
    say(console, Text.assemble((f"{EXECUTION}  ", "dim"), words.plain(audit.arn)))  # whole, to be copied
    _show_steps(console, so_far(audit, now), full=full)
    _show_changes(console, audit, full=full)


def say(console: Console, text: Text) -> None:
    """Print a line that the terminal may break, so that it can be copied whole."""
    console.print(text, soft_wrap=True)


def _failure(failure: Failure, question: str) -> Iterator[tuple[str, str]]:
    """What the first screen of a failed run must answer."""
    yield question.lower(), failure.what
    yield "where", f"{failure.region}: {' > '.join(failure.path)}"
    yield "why", failure.why
    yield "what to do", failure.do
    yield "what is kept", failure.kept


def _facts(audit: Audit) -> Iterator[tuple[str, str]]:
    yield "started", f"{words.moment(audit.started)}, by {_starter(audit.starter)}"
    if audit.version_arn:
        alias = f", by alias {_last(audit.alias_arn)}" if audit.alias_arn else ""
        yield "version", f"{_last(audit.version_arn)} of {_last(audit.machine_arn)}{alias}"
    yield "input", words.brief(audit.input)
    for redrive in audit.redrives:
        yield f"redrive {redrive.count}", words.moment(redrive.when)
    executions = sum(1 for _ in audit.tree())
    also = f" in {executions} executions" if executions > 1 else ""
    paid = f"{cost.usd(audit):.6f} USD at list price"
    yield "cost", f"{words.counted(cost.transitions(audit), 'state transition')}{also}, {paid}"
    if audit.unknown:
        types = ", ".join(f"{words.plain(name)} ({count})" for name, count in audit.unknown.items())
        yield "not known", f"{types}: event types that are newer than this program"
    if audit.unread:
        yield "not read", words.plain(audit.unread)
    if audit.source != "Step Functions":
        yield "read from", words.plain(audit.source)


def _starter(starter: Starter) -> str:
    """``deploy.py``, ``schedule arn:...``; and where CloudTrail knew it, who it was and with what program."""
    who = f"{words.plain(starter.principal)} with " if starter.principal else ""
    program = f" ({words.plain(starter.agent)})" if starter.agent and starter.by is StartedBy.BY_HAND else ""
    of = f" {words.plain(starter.arn)}" if starter.arn else ""
    return f"{who}{starter.by.value}{of}{program}"


def _last(arn: str) -> str:
    return words.plain(arn.rpartition(":")[2])


def _show_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    if not pairs:
        return
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="dim", no_wrap=True, min_width=len(EXECUTION))
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        drawn.add_row(name, Text(value))
    console.print()
    console.print(drawn)


def _show_steps(console: Console, audit: Audit, *, full: bool) -> None:
    found, drawn_as = nodes(audit, full=full), terminal.style(console)
    console.print()
    console.print(terminal.steps(found, drawn_as))
    say(console, Text(f"{drawn_as.critical} on the critical path: what made it take as long as it did.", "dim"))
    hidden = left_out(audit, found)
    if hidden:
        say(console, Text(f"{words.counted(hidden, 'row')} of little interest left out: --full shows all.", "dim"))


def _show_changes(console: Console, audit: Audit, *, full: bool) -> None:
    """What was created, changed or deleted, in the order of its executions, each with AWS's request id."""
    found = [
        (words.verb(change.operation), change.resource, change.region, change.operation, change.request_id, step.task)
        for one in audit.tree()
        for step, change in one.changes()
    ]
    shown = [[words.plain(text) for text in row] for row in (found if full else found[:MOST_CHANGES])]
    if not shown:
        return
    console.print()
    if terminal.style(console).is_wide:
        drawn = terminal.columns("", "resource", "Region", "call", "request id", "step")
        for column in drawn.columns[1:4]:
            column.no_wrap = False  # so that no request id is cut
        for row in shown:
            drawn.add_row(*map(Text, row))
        console.print(drawn)
    else:
        for made, resource, region, operation, request_id, _ in shown:
            say(console, Text(f"{made} {resource} in {region}: {operation} {request_id}"))
    if len(found) > len(shown):
        more = f"{words.counted(len(found) - len(shown), 'more call')} changed something: --full shows all."
        say(console, Text(more, "dim"))
