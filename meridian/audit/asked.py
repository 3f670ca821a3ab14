"""What ``deploy.py audit`` was asked for, checked before anything is read or written."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from tasks.shared.errors import Refused
from tasks.shared.problems import shown

STDOUT = Path("-")
DEFAULT_SINCE = "30d"
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
# What each way to ask takes besides.
TAKES = {
    "execution": ("html", "jsonl", "full", "last_good"),
    "last_good": ("execution", "json"),
    "table": ("since", "full", "json"),
    "diff": ("json",),
    "verify": ("json",),
}
NOTHING_WRITTEN = "Nothing was written."


@dataclass(frozen=True)
class Asked:
    """The command's options as they were given."""

    execution: str | None = None
    table: str | None = None
    since: str | None = None
    diff: tuple[str, str] | None = None
    last_good: bool = False
    verify: bool = False
    html: Path | None = None
    jsonl: Path | None = None
    full: bool = False
    json: bool = False

    def way(self) -> str:
        """Which of ``TAKES`` it is; ``Refused`` where the options contradict each other."""
        given = [one.name for one in fields(self) if getattr(self, one.name) not in (None, False)]
        ways = [name for name in ("execution", "table", "diff", "verify") if name in given]
        if len(ways) != 1:
            chosen = " and ".join(map(_option, ways))
            raise Refused(
                f"{chosen} do not go together" if ways else "Nothing to audit is given",
                remedy=f"Give an EXECUTION, --table NAME, --diff A B or --verify. {NOTHING_WRITTEN}",
            )
        way = "last_good" if self.last_good and self.execution else ways[0]
        surplus = [_option(name) for name in given if name not in (way, *TAKES[way])]
        if surplus:
            self._refuse(way, surplus)
        if self.html is not None and self.html == self.jsonl:
            raise Refused("--html and --jsonl name the same file", remedy=NOTHING_WRITTEN)
        return way

    def _refuse(self, way: str, surplus: list[str]) -> None:
        instead = " Use --jsonl FILE; - is stdout." if way == "execution" and "--json" in surplus else ""
        asked = "An EXECUTION" if way == "execution" else _option(way)
        raise Refused(f"{asked} takes no {' and no '.join(surplus)}", remedy=f"{NOTHING_WRITTEN}{instead}")


def _option(name: str) -> str:
    return "EXECUTION" if name == "execution" else f"--{name.replace('_', '-')}"


def moment(since: str | None, now: float | None = None) -> float:
    """Seconds since 1970 of ``90s``, ``15m``, ``12h``, ``30d``, ``2w`` ago, or of a date or moment of ISO 8601.

    What names no time zone is UTC. ``Refused`` for anything else, and for what lies ahead.
    """
    text = DEFAULT_SINCE if since is None else since.strip()
    now = time.time() if now is None else now
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    when = now - int(found[1]) * UNITS[found[2]] if found else _iso(text)
    if math.isnan(when):
        raise Refused(
            f"{shown(text)} is no time to look back to",
            remedy="Write --since like 90s, 15m, 12h, 30d, 2w or 2026-11-01.",
        )
    if when > now:
        raise Refused(f"--since {text} lies ahead", remedy="It is UTC where no time zone is given.")
    return max(when, 0.0)


def _iso(text: str) -> float:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
