"""Audits as large as they may be: 25,000 events that do not fold into a few lines, and Regions without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.audit.samples import REGIONS, START, Builder, change, latencies, payload

if TYPE_CHECKING:
    from meridian.audit.model import Audit

EVENTS = 25_000
ITEMS = 1_560  # with 16 events each


def wide() -> Audit:
    """A Map over many items, of which one fails."""
    build = Builder("validate", "wide", {"table": "orders"})
    each = build.enter("Map", "EachItem")
    for number in range(ITEMS):
        build.clock, region = START + number % 97, REGIONS[number % 3]
        build.inside(each, number, region)
        build.task(
            "WriteItem",
            0.3 + number % 7 / 10,
            input=payload({"number": number, "filler": "x" * 200}),
            output=payload({"written": number, "request": f"{number * 7919:032d}"}),
            changes=[change("PutItem", region)],
        )
        build.quick("Choice", "Written?")
        error = "NeedleException" if number == ITEMS // 2 else ""
        retried = [("ThrottlingException", 1.0)] if number % 50 == 0 else []
        build.task("ReadItem", 0.2, retried=retried, error=error, input=payload({"number": number}))
    build.leave(each)
    audit = build.inside(None).end(output={"seen": ITEMS})
    audit.critical, audit.events = [each], EVENTS
    return audit


def everywhere() -> Audit:
    """A validation of 34 Regions, as far as a put goes."""
    regions = [f"ap-southeast-{number}" for number in range(1, 35)]
    matrix = latencies(regions)
    checks = [
        {"check": "put", "origin": origin, "reader": reader, "passed": True, "latency_ms": matrix[origin][reader]}
        for origin in regions
        for reader in matrix[origin]
    ]
    return Builder("validate", "everywhere", {"table": "orders"}).end(output={"checks": checks})


def long() -> Audit:
    """One state after the other, none of which belongs to another."""
    build = Builder("validate", "long", {"table": "orders"})
    for number in range(EVENTS // 2):
        build.clock += 0.1
        build.leave(build.enter("Pass", f"Pass {number % 500}", input=payload({"number": number, "filler": "y" * 300})))
    audit = build.end()
    audit.critical, audit.events = list(audit.steps), EVENTS
    return audit
