"""Draw what an execution, a status or an inventory came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table
from rich.text import Text

from meridian.processor_status import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, JustifyMethod

    from meridian.causes import Cause
    from meridian.inventory import Difference, Inventory
    from meridian.status import Aspect, Status

# Aspects of a Region (meridian/status.py) and their columns. The record is shown only where it is not complete.
ASPECTS = {
    "record": "record",
    "replica": "replica",
    "table": "table",
    "indexes": "indexes",
    "stream": "stream",
    "kinesis": "Kinesis",
    "destination": "destination",
    "recovery": "PITR",
    "ttl": "TTL",
    "tags": "tags",
    "protection": "protection",
    "stack": "stack",
    "version": "code",
    "failure bucket": "failure bucket",
    "failures": "failed batches",
}

# The checks of a validation that are of a pair of Regions.
WRITES = ("put", "update", "delete")

# What a Region's streaming showed of a validation (tasks/shared/checks.py), and its columns.
STREAMING = {
    "records": "records",
    "record_latency_ms": "record, ms",
    "events": "events",
    "event_latency_ms": "event, ms",
    "metrics": "metric",
}

PROBLEM = "PROBLEM"  # with which Lambda's LastProcessingResult begins where a function failed
GAP = 2  # between two columns


class Column(NamedTuple):
    header: str
    cells: Sequence[Text]
    justify: JustifyMethod = "left"

    @property
    def width(self) -> int:
        return max(len(self.header), *(len(cell) for cell in self.cells)) + GAP


def show_validation(console: Console, validation: Mapping[str, Any]) -> None:
    """Print the checks, a pair of Regions a line, the latency matrix and the streaming. Takes validate's output."""
    console.print(checks(validation))
    _show_latencies(console, validation["latency_ms"])
    _show_streaming(console, validation.get("streaming", {}))
    total = validation["passed"] + validation["failed"]
    console.print(f"{validation['passed']} of {total} checks passed.", highlight=False)
    if validation.get("pending"):
        console.print(f"Not checked, because not complete yet: {', '.join(validation['pending'])}.", highlight=False)


def checks(validation: Mapping[str, Any]) -> Table:
    """Milliseconds after which a write in one Region was seen in another."""
    replicated = [one for one in validation["checks"] if one["check"] in WRITES]
    found = {(one["origin"], one["reader"], one["check"]): one for one in replicated}
    steps = list(dict.fromkeys(one["check"] for one in replicated))
    drawn = _table("\nReplication: what each Region saw of the others' writes", "written in", "seen in")
    for step in steps:
        drawn.add_column(f"{step}, ms", justify="right")
    for origin, reader in dict.fromkeys((origin, reader) for origin, reader, _ in found):
        drawn.add_row(origin, reader, *(_latency(found.get((origin, reader, step))) for step in steps))
    return drawn


def _show_latencies(console: Console, matrix: Mapping[str, Mapping[str, int | None]]) -> None:
    """Region by Region, milliseconds from an accepted put to its being seen."""
    origins = Column("written in \\ seen in", [Text(origin) for origin in matrix])
    readers = [
        Column(
            reader,
            [Text("-" if reader == origin else _milliseconds(row.get(reader))) for origin, row in matrix.items()],
            "right",
        )
        for reader in matrix
    ]
    show_table(console, "Latency of a put, ms", origins, readers)


def _show_streaming(console: Console, streaming: Mapping[str, Mapping[str, int | None]]) -> None:
    """What came of a Region's own writes, and how long after its put; what the request does not make has no column."""
    present = [name for name in STREAMING if any(row[name] is not None for row in streaming.values())]
    if present:
        regions = Column("Region", [Text(region) for region in streaming])
        columns = [
            Column(STREAMING[name], [Text(_milliseconds(row[name])) for row in streaming.values()], "right")
            for name in present
        ]
        show_table(console, "What streaming showed", regions, columns)


def _latency(check: Mapping[str, Any] | None) -> Text:
    if not check or not check["passed"]:
        return Text("not seen", "bold red")
    return Text(_milliseconds(check["latency_ms"]), "green")


def _milliseconds(value: int | None) -> str:
    return "?" if value is None else str(value)


def show_status(console: Console, status: Status) -> None:
    """Print a Region a line, and below it every difference from the recorded request."""
    found = [{aspect.name: aspect for aspect in one.aspects} for one in status.regions]
    present = [name for name in ASPECTS if any(name in aspects for aspects in found)]
    if not any(aspects["record"].differs for aspects in found):
        present.remove("record")
    regions = Column("Region", [Text(one.region) for one in status.regions])
    columns = [Column(ASPECTS[name], [_aspect(aspects.get(name)) for aspects in found]) for name in present]
    show_table(console, f"{status.table}, home {status.home}", regions, columns)
    _show_processors(console, status)
    for difference in status.differences():
        console.print(difference, style="red", highlight=False, markup=False, soft_wrap=True)


def _show_processors(console: Console, status: Status) -> None:
    """A Region and processor a line; nothing where the request has none."""
    found = [(one.region, mapping) for one in status.regions for mapping in one.mappings]
    if not found:
        return
    enabled = ["green" if mapping.state == ENABLED else "bold red" for _, mapping in found]
    columns = [
        Column("processor", [Text(mapping.processor) for _, mapping in found]),
        Column("mapping", [Text(one.state, style) for (_, one), style in zip(found, enabled, strict=True)]),
        Column("last result", [_last_result(mapping.last_result) for _, mapping in found]),
    ]
    show_table(console, "Processors", Column("Region", [Text(region) for region, _ in found]), columns)


def _last_result(words: str) -> Text:
    return Text(words or "-", "bold red" if words.startswith(PROBLEM) else "")


def _aspect(aspect: Aspect | None) -> Text:
    if aspect is None:
        return Text("-")
    return Text(aspect.shown, "bold red" if aspect.differs else "green")


def show_load(console: Console, load: Mapping[str, Any]) -> None:
    """Print what each Region's writes and reads took. Takes load's ``--json``."""
    calls = [(region, kind, one[kind]) for region, one in load["regions"].items() for kind in ("write", "read")]
    regions = Column("Region", [Text(region) for region, _, _ in calls])
    columns = [Column("", [Text(f"{kind}s") for _, kind, _ in calls])]
    columns.append(Column("answered", [Text(str(one["count"])) for _, _, one in calls], "right"))
    for header in ("average", "p50", "p95", "p99"):
        times = [Text(_tenths(one[f"{header}_ms"])) for _, _, one in calls]
        columns.append(Column(f"{header}, ms", times, "right"))
    columns.append(Column("errors", [_errors(one["errors"]) for _, _, one in calls]))
    show_table(console, f"{load['table']}: time of a call, percentiles by nearest rank", regions, columns)
    rate = load["writes"] / load["seconds"] if load["seconds"] else 0
    done = f"{load['writes']} of {load['writes_wanted']} writes in {load['seconds']} s, {rate:.1f} a second"
    console.print(f"Run {load['run']}: {done}.", highlight=False)
    if load["writes"] < load["writes_wanted"]:
        console.print("That is less than wanted: the times hold waiting for this machine, too.", style="yellow")


def _tenths(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _errors(found: Mapping[str, int]) -> Text:
    text = ", ".join(f"{count} {code}" for code, count in found.items())
    return Text(text, "bold red") if text else Text("none", "green")


def show_cause(console: Console, cause: Cause, label: str, seconds: float) -> None:
    """Print why an execution failed: where, what, the words, and the execution to look at."""
    for line in (
        f"{label} failed after {seconds:.0f} s: {cause.error}",
        f"  {' > '.join(cause.path)}",
        f"  {cause.message}",
        f"  {cause.execution_arn}",
    ):
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)


def show_difference(console: Console, before: Inventory, found: Difference) -> None:
    """Print how many resources a run left behind, and each of them."""
    asked = f"{before.asked} listings of every service in {before.regions} Regions"
    if found.unknown:
        console.print(f"Unknown how many resources are left: {len(found.unknown)} of {asked} failed.", style="bold red")
    else:
        style = "bold green" if found.none else "bold red"
        console.print(f"{len(found.left)} resources left ({asked}, before and after)", style=style, highlight=False)
    lines = [f"left: {one}" for one in found.left] + [f"gone: {one}" for one in found.missing] + list(found.unknown)
    for line in lines:
        console.print(f"  {line}", style="red", highlight=False, markup=False, soft_wrap=True)


def show_table(console: Console, title: str, first: Column, others: Sequence[Column]) -> None:
    """Print a table; columns for which a line has no room follow below, each time after the first column."""
    title = f"\n{title}"
    for columns in _fitting(first, others, console.width):
        drawn = _table(title, first.header)
        for column in columns:
            drawn.add_column(column.header, justify=column.justify)
        for cells in zip(first.cells, *(column.cells for column in columns), strict=True):
            drawn.add_row(*cells)
        console.print(drawn)
        title = " "


def _fitting(first: Column, others: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """Share ``others`` out among tables of ``width`` characters at most, of which each begins with ``first``."""
    columns: list[Column] = []
    for column in others:
        if columns and sum(one.width for one in (first, *columns, column)) - GAP > width:
            yield columns
            columns = []
        columns.append(column)
    yield columns


def _table(title: str, *columns: str) -> Table:
    drawn = Table(title=title, box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    drawn.title_justify, drawn.title_style, drawn.header_style = "left", "bold", "dim"
    for column in columns:
        drawn.add_column(column)
    return drawn
