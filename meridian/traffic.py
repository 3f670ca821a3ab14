"""Show that the processors do what the request says: a short load, and what came of it in every Region.

Events are counted by an observer of its own, metrics in CloudWatch, records in the Kinesis streams, and all of them are
compared with what the rules make of the load's writes. Nothing else may write to the table meanwhile.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from meridian import counted, expectations, load
from meridian.counted import CENT, Counted
from meridian.load_plan import Plan
from meridian.observer import observing
from meridian.results import Column, show_table
from meridian.sample_data import Shop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from meridian.observer import Observer
    from meridian.session import Session
    from tasks.shared.request import Request

WRITES_A_SECOND, SECONDS = 2, 5  # in each Region: one visit, which holds every kind of change
LOOK_SECONDS, SURPLUS_SECONDS = 1.0, 3.0  # between two looks; how long to look on for what comes once too often
NONE = (0, 0)  # found and wanted of a kind of event that only another Region saw


def observe(session: Session, request: Request) -> dict[str, Any]:
    """Load, look, compare. ``ok`` says whether all is as it must be before the request's streaming deadline."""
    plan = Plan(WRITES_A_SECOND * len(request["regions"]), SECONDS, request["regions"])
    seed, began = secrets.randbelow(load.LARGEST_SEED), datetime.now(UTC)
    wanted = _wanted(request, plan, seed)
    with contextlib.ExitStack() as stands, ThreadPoolExecutor(len(plan.regions)) as pool:
        observers: dict[str, Observer] = {}
        if processor := request["processors"]["changes"]:
            standing = {region: observing(session, request["table"], processor, region) for region in plan.regions}
            observers = {region: stands.enter_context(one) for region, one in standing.items()}
        before = {region: counted.metrics(session, request, region, began) for region in plan.regions}
        made = load.carry_out(session, request, plan, seed)

        def look(region: str) -> Counted:
            sums = counted.metrics(session, request, region, began)
            gained = {series: value - before[region][series] for series, value in sums.items()}
            if region in observers:
                observers[region].look()
            kinds = observers[region].kinds if region in observers else Counter()
            return Counted(kinds, gained, counted.records(session, request, region, began, str(seed)))

        found = _look_until_there(look, pool, wanted, request["validation"]["streaming_deadline_seconds"])
    ids = sum((observer.ids for observer in observers.values()), Counter[str]())
    return _compared(request, made.as_json(), wanted, found, ids)


def _wanted(request: Request, plan: Plan, seed: int) -> dict[str, Counted]:
    made = expectations.changes(Shop(request, str(seed)), plan)
    seen = expectations.seen(request, made)
    records = sum(map(len, made.values())) if request["kinesis"] else 0  # every replica streams every write
    return {
        region: Counted(
            expectations.events(request, seen[region]), expectations.metrics(request, seen[region]), records
        )
        for region in plan.regions
    }


def _look_until_there(
    look: Callable[[str], Counted], pool: ThreadPoolExecutor, wanted: Mapping[str, Counted], deadline_seconds: float
) -> dict[str, Counted]:
    """Look until all is there or the deadline has passed, and then for a while for what comes once too often."""
    until = time.monotonic() + deadline_seconds
    while True:
        found = dict(zip(wanted, pool.map(look, wanted), strict=True))
        if all(found[region].reaches(wanted[region]) for region in wanted) or time.monotonic() > until:
            break
        time.sleep(LOOK_SECONDS)
    until = time.monotonic() + SURPLUS_SECONDS
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        found = dict(zip(wanted, pool.map(look, wanted), strict=True))
    return found


def _compared(
    request: Request,
    made: Mapping[str, Any],
    wanted: Mapping[str, Counted],
    found: Mapping[str, Counted],
    ids: Counter[str],
) -> dict[str, Any]:
    """``ids`` counts all Regions' events by their id: without an origin each event comes in every Region."""
    each = 1 if request["origin_attribute"] else len(wanted)
    errors = {region: one["write"]["errors"] for region, one in made["regions"].items() if one["write"]["errors"]}
    right = all(found[region].matches(wanted[region]) for region in wanted)
    total = sum(one.kinds.total() for one in wanted.values())
    return {
        "ok": right and not errors and len(ids) == total // each and set(ids.values()) <= {each},
        "run": made["run"],
        "writes": made["writes"],
        "errors": errors,
        "events": ids.total(),
        "events_expected": total,
        "different_events": len(ids),
        "times_each": each,
        "regions": {
            region: _region_as_json(wanted[region], found[region], made["regions"][region]["write"]["count"])
            for region in wanted
        },
    }


def _region_as_json(wanted: Counted, found: Counted, writes: int) -> dict[str, Any]:
    kinds = sorted({*wanted.kinds, *found.kinds})
    return {
        "writes": writes,
        "events": found.kinds.total(),
        "events_expected": wanted.kinds.total(),
        "kinds": {f"{kind[0]}: {kind[1]}": [found.kinds[kind], wanted.kinds[kind]] for kind in kinds},
        "metrics": {
            str(series): [float(found.metrics[series]), float(value)] for series, value in wanted.metrics.items()
        },
        "records": found.records,
        "records_expected": wanted.records,
    }


def show_traffic(console: Console, traffic: Mapping[str, Any]) -> None:
    """Print, for each Region, events, records and metrics: what was found, and of how many where that differs."""
    regions = traffic["regions"]
    first = Column("Region", [Text(region) for region in regions])
    columns = [Column("writes", [Text(str(one["writes"])) for one in regions.values()], "right")]
    for name in ("events", "records"):
        cells = [_cell(one[name], one[f"{name}_expected"], least=name == "records") for one in regions.values()]
        columns.append(Column("in Kinesis" if name == "records" else name, cells, "right"))
    show_table(console, "What a load brought about", first, columns)
    for title, part in (("Events by source and type", "kinds"), ("Metrics", "metrics")):
        rows = list(dict.fromkeys(row for one in regions.values() for row in one[part]))
        if rows:
            others = [
                Column(region, [_cell(*one[part].get(row, NONE)) for row in rows], "right")
                for region, one in regions.items()
            ]
            show_table(console, title, Column("", [Text(row) for row in rows]), others)
    each = "once" if traffic["times_each"] == 1 else f"in {traffic['times_each']} Regions under one id"
    said = f"{traffic['events']} events ({traffic['different_events']} different) from {traffic['writes']} writes"
    right = "as" if traffic["ok"] else "not as"
    style = "green" if traffic["ok"] else "bold red"
    console.print(f"{said}, {right} the rules say, each {each}.", style=style, highlight=False)


def _cell(found: float, wanted: float, *, least: bool = False) -> Text:
    right = found >= wanted if least else abs(found - wanted) < float(CENT)
    text = _plain(found) if right else f"{_plain(found)} of {_plain(wanted)}"
    return Text(text, "green" if right else "bold red")


def _plain(number: float) -> str:
    return f"{number:.2f}".removesuffix(".00")
