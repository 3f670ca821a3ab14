"""A list of executions, and what of the archive was checked, in a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from meridian.audit import words
from meridian.audit.named import given_back
from meridian.audit.terminal import rows as terminal
from meridian.audit.terminal.tree import say
from meridian.audit.verdict import proved

if TYPE_CHECKING:
    from rich.console import Console

    from meridian.audit.archives.verification import Verified
    from meridian.audit.listing import Listing, Row

COLUMNS = ("started", "workflow", "took", "started by", "verdict", "execution")
LEAST_VERDICT = 24  # characters; narrower it is a column of single words


def show_listing(console: Console, found: Listing, *, full: bool) -> None:
    """Print an execution a line, or two where there is no room; those that others started only with ``full``."""
    shown = found.rows if full else found.top()
    if shown:
        _show_rows(console, [_cells(row) for row in shown])
    else:
        say(console, Text(f"No execution worked on {found.table} since {words.moment(found.since)}."))
    hidden = len(found.rows) - len(shown)
    if hidden:
        say(
            console,
            Text(f"{words.counted(hidden, 'execution')} that others started left out: --full lists all.", "dim"),
        )
    if found.cut_at is not None:
        say(console, Text(_cut(found), "yellow"))


def _show_rows(console: Console, rows: list[list[Text]]) -> None:
    """Draw a table where all but the verdict fit a line; else a line for what came of it, and one for its name."""
    drawn = terminal.columns(*COLUMNS)
    for column in drawn.columns:
        column.no_wrap = column.header != "verdict"
    drawn.columns[COLUMNS.index("verdict")].overflow = "fold"
    for cells in rows:
        drawn.add_row(*cells)
    if _least_width(rows) <= console.width:
        console.print(drawn)
        return
    for started, workflow, took, by, came, execution in rows:
        about = Text("  ").join((started, workflow, came))
        say(console, about.append(f", {took.plain}, by {by.plain}"))
        say(console, Text("  ").append_text(execution))


def _least_width(rows: list[list[Text]]) -> int:
    """Characters that a table of ``COLUMNS`` needs so that it breaks nothing but verdicts."""
    needed = len("  ") * len(COLUMNS)
    for name, *cells in zip(map(Text, COLUMNS), *rows, strict=True):
        width = max(cell.cell_len for cell in (name, *cells))
        needed += min(width, LEAST_VERDICT) if name.plain == "verdict" else width
    return needed


def _cut(found: Listing) -> str:
    return f"There are more: none that started before {words.moment(found.cut_at)} was asked for its table."


def _cells(row: Row) -> list[Text]:
    audit = row.audit
    return [
        Text(words.moment(audit.started)),
        Text(words.label(audit)),
        Text(words.duration(audit.seconds)),
        Text(audit.starter.by.value),
        Text(_verdict(row), terminal.STYLES[audit.status]),
        Text(given_back(audit)),
    ]


def _verdict(row: Row) -> str:
    failure = row.verdict.failure
    redriven = f", redriven {words.counted(row.redrives, 'time')}" if row.redrives else ""
    if failure is None:
        return f"{row.audit.status.value}{proved(row.audit)}{redriven}"
    inside = f" in {', '.join(failure.path[1:])}" if failure.path[1:] else ""
    error = f": {failure.error}" if failure.error != row.audit.status else ""
    return f"{row.audit.status.value}{inside}{error}{redriven}"


def listing_as_json(found: Listing) -> dict[str, Any]:
    """The whole list; times are seconds since 1970 (UTC)."""
    return {
        "table": found.table,
        "since": found.since,
        "cut_at": found.cut_at,
        "executions": [
            {
                "execution": row.audit.arn,
                "workflow": row.audit.workflow,
                "status": row.audit.status.value,
                "started": row.audit.started,
                "stopped": row.audit.stopped,
                "seconds": row.audit.seconds,
                "starter": asdict(row.audit.starter),
                "version": row.audit.version_arn,
                "alias": row.audit.alias_arn,
                "redrives": row.redrives,
                "verdict": row.verdict.sentence,
                "failure": asdict(row.verdict.failure) if row.verdict.failure else None,
                "source": row.audit.source,
            }
            for row in found.rows
        ],
    }


def show_verified(console: Console, found: Verified) -> None:
    """Print what of the archive was checked, and each problem in a sentence."""
    checked = [
        words.counted(found.manifests, "manifest"),
        words.counted(found.files, "execution"),
        words.counted(found.definitions, "definition"),
    ]
    of = f"{words.counted(found.bytes, 'byte')} of histories"
    say(console, Text(f"Checked in {found.bucket}: {', '.join(checked)}, {of}."))
    for note in found.notes:
        say(console, Text(words.plain(note), "dim"))
    for problem in found.problems:
        say(console, Text(words.plain(problem), "red"))
    summary = words.counted(len(found.problems), "problem") if found.problems else "All is as it was archived"
    say(console, Text(f"{summary}.", "bold red" if found.problems else "green"))
