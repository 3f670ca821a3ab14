"""What a redelivery came to: a line a Region, and whether anything is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console


def show(console: Console, output: Mapping[str, Any]) -> None:
    """Print redeliver's output, a line a Region."""
    for line in lines(output):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def lines(output: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{one['region']}: {_said(one)}" for one in output["redelivery"])
    if output["pending"]:
        yield f"Not looked at, because not complete yet: {', '.join(output['pending'])}."


def is_unfinished(output: Mapping[str, Any]) -> bool:
    """Whether records are left that a processor should still get."""
    return any(one["failing"] or one["untried"] for one in output["redelivery"])


def _said(counts: Mapping[str, Any]) -> str:
    said = [
        f"{_number(counts['redelivered'], 'record')} redelivered" if counts["redelivered"] else "",
        f"{_number(counts['failing'], 'record')} still failing" if counts["failing"] else "",
        f"{_number(counts['untried'], 'object')} not tried" if counts["untried"] else "",
        f"{_number(counts['foreign'], 'object')} left alone, by no processor of this table"
        if counts["foreign"]
        else "",
        *(f"no {processor} function in this Region" for processor in counts["missing"]),
    ]
    return "; ".join(filter(None, said)) or "nothing to do"


def _number(count: int, of: str) -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"
