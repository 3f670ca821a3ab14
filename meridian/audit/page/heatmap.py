"""The latencies of a validation, Region by Region, as matrices with shades."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit, Payload

SHADES = 7  # 0 is the fastest
LONGEST_MS = 86_400_000  # a day; a validation takes minutes
LEAST_RATIO = 2.0  # between the ends of the scale
MOST_REGIONS, MOST_CHECKS = 50, 12  # AWS has some 35, we have 7; whoever fills an output may name thousands
WRITES = ("put", "update", "delete")  # the checks that are of a pair of Regions (tasks/shared/checks.py)
# Every check is found by itself: an output is cut off where it is long.
CHECK = re.compile(r'\{"check": ?"[^{}]*\}')

Check = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """Milliseconds, or None where the write was not seen; ``shade`` is None there and on the diagonal."""

    milliseconds: int | None = None
    shade: int | None = None
    own: bool = False  # the diagonal: a Region does not wait for its own writes


@dataclass(frozen=True)
class Matrix:
    """One kind of write: a row a Region written in, and in it a cell a Region that reads."""

    write: str
    rows: dict[str, list[Cell]]


@dataclass(frozen=True)
class Heatmap:
    """``fastest`` and ``slowest`` are milliseconds, over all matrices; None where nothing was seen."""

    regions: list[str]
    matrices: list[Matrix]
    fastest: int | None
    slowest: int | None
    passed: int
    failed: list[Check]
    own: dict[str, dict[str, Check]]  # checks of each Region's own writes: record, metric, event, one_event; by Region

    @property
    def scale_end(self) -> int:
        """Milliseconds from which on the last shade is used."""
        return round((self.fastest or 0) * math.pow(_ratio(self.fastest, self.slowest), (SHADES - 1) / SHADES))


def heatmap(audit: Audit) -> Heatmap | None:
    """Latencies of the validation that the execution was or ended with; None where it has none."""
    found = next(filter(None, map(_checks, _outputs(audit))), None)
    return _drawn(found) if found else None


def _outputs(audit: Audit) -> Iterator[Payload]:
    """Give where a validation may stand: in the output, in that of Summarize, in those of children; the last first."""
    yield audit.output
    for step in reversed(audit.steps):
        if step.child:
            yield from _outputs(step.child)
        elif step.task.startswith("Summarize"):
            yield step.output


def _checks(payload: Payload) -> list[Check]:
    return list(filter(None, map(_check, CHECK.findall(payload.text))))


def _check(text: str) -> Check | None:
    """One check; None for what only looks like one."""
    try:
        check: Check = json.loads(text)
    except ValueError:
        return None
    named = all(isinstance(check.get(name), str) for name in ("check", "origin", "reader"))
    return check if named and _is_latency(check.get("latency_ms")) else None


def _is_latency(value: Any) -> bool:
    """Milliseconds, or None; JSON as Python reads it also has NaN, Infinity and numbers of any length."""
    return value is None or (isinstance(value, (int, float)) and 0 <= value <= LONGEST_MS)


def _drawn(checks: list[Check]) -> Heatmap:
    regions = list(dict.fromkeys(check["origin"] for check in checks))[:MOST_REGIONS]
    pairs = [check for check in checks if check["check"] in WRITES]
    seen = [check["latency_ms"] for check in pairs if check["latency_ms"] is not None]
    fastest, slowest = min(seen, default=None), max(seen, default=None)
    found = {(check["check"], check["origin"], check["reader"]): check["latency_ms"] for check in pairs}
    writes = [write for write in WRITES if any(check["check"] == write for check in pairs)]

    def cell(write: str, origin: str, reader: str) -> Cell:
        latency = found.get((write, origin, reader))
        return Cell(latency, _shade(latency, fastest, slowest), own=origin == reader)

    own: dict[str, dict[str, Check]] = {}
    for check in checks:
        if check["check"] not in WRITES and (check["check"] in own or len(own) < MOST_CHECKS):
            own.setdefault(check["check"], {})[check["origin"]] = check
    return Heatmap(
        regions=regions,
        matrices=[
            Matrix(write, {origin: [cell(write, origin, reader) for reader in regions] for origin in regions})
            for write in writes
        ],
        fastest=fastest,
        slowest=slowest,
        passed=sum(check.get("passed") is True for check in checks),
        failed=[check for check in checks if check.get("passed") is not True],
        own=own,
    )


def _shade(latency: int | None, fastest: int | None, slowest: int | None) -> int | None:
    """Place among the shades, by ratio: twice as slow is as many shades darker anywhere on the scale."""
    if latency is None or fastest is None or slowest is None:
        return None
    place = math.log(max(latency, 1) / max(fastest, 1)) / math.log(_ratio(fastest, slowest))
    return min(int(place * SHADES), SHADES - 1)


def _ratio(fastest: int | None, slowest: int | None) -> float:
    """How many times slower the end of the scale is; where all are alike, small differences shall look small."""
    return max((slowest or 0) / max(fastest or 0, 1), LEAST_RATIO)
