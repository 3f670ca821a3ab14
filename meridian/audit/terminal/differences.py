"""What differs between two executions, in a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from meridian.audit import words
from meridian.audit.compare import NOISE
from meridian.audit.terminal import rows as terminal
from meridian.audit.terminal.tree import say
from meridian.audit.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from meridian.audit.aligned import Path
    from meridian.audit.compare import Difference, Pair

MISSING = "-"  # on the side that lacks it


def show_difference(console: Console, found: Difference) -> None:
    """Print two verdicts and what differs."""
    for name, audit in (("before", found.before), ("after", found.after)):
        say(console, Text(f"{name}: ").append(verdict(audit).sentence, terminal.STYLES[audit.status]))
        say(console, Text(f"  {words.moment(audit.started)}  {words.plain(audit.arn)}", "dim"))
    _show_pairs(console, "the whole", found.whole)
    _show_pairs(console, "input", found.inputs)
    _show_pairs(console, "latency of a put", found.latencies)
    _show_paths(console, "steps of the first alone", found.only_before)
    _show_paths(console, "steps of the second alone", found.only_after)
    _show_rows(
        console,
        ("step", "", "before", "after"),
        [(Text(path_in_words(one.path)), *_sides(pair)) for one in found.steps for pair in one.differing],
    )
    say(console, Text("Nothing differs." if found.none else "", "green"))
    say(console, Text(f"{NOISE}.", "dim"))


def _show_pairs(console: Console, title: str, pairs: Sequence[Pair]) -> None:
    _show_rows(console, (title, "before", "after"), [_sides(pair) for pair in pairs])


def _show_rows(console: Console, names: tuple[str, ...], rows: Sequence[tuple[Text, ...]]) -> None:
    """Draw a table; where it has no room, a line for each row and one for each side, so that nothing is lost."""
    if not rows:
        return
    console.print()
    drawn = terminal.columns(*names)
    for row in rows:
        drawn.add_row(*row)
    widths = (max(cell.cell_len for cell in cells) for cells in zip(map(Text, names), *rows, strict=True))
    if sum(widths) + len("  ") * len(names) <= console.width:
        console.print(drawn)
        return
    say(console, Text(names[0], "dim"))
    for *about, before, after in rows:
        say(console, Text("  ").append_text(Text(": ").join(about)))
        for name, side in (("before", before), ("after", after)):
            say(console, Text(f"    {name}: ", "dim").append_text(side))


def _sides(pair: Pair) -> tuple[Text, ...]:
    values = (MISSING if value is None else value for value in (pair.before, pair.after))
    return (Text(pair.name), *map(Text, values))


def _show_paths(console: Console, title: str, paths: Sequence[Path]) -> None:
    if paths:
        console.print()
        say(console, Text(title, "dim"))
    for path in paths:
        say(console, Text(f"  {path_in_words(path)}"))


def path_in_words(path: Path) -> str:
    return " > ".join(path)


def difference_as_json(found: Difference) -> dict[str, Any]:
    """What differs, and the two executions by ARN."""
    return {
        "before": found.before.arn,
        "after": found.after.arn,
        "differs": not found.none,
        "whole": [asdict(pair) for pair in found.whole],
        "inputs": [asdict(pair) for pair in found.inputs],
        "latencies": [asdict(pair) for pair in found.latencies],
        "only_before": found.only_before,
        "only_after": found.only_after,
        "steps": [{"path": one.path, "differing": [asdict(pair) for pair in one.differing]} for one in found.steps],
    }
