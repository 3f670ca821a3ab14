"""When a schedule is due.

The minutes, hours and days of a rate are as long as ``Delays.minute`` says; cron and at name times of the clock,
which nothing shortens.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws

CRON_FIELDS = "ministack.services.eventbridge:_parse_cron_fields"
CRON_NEXT = "ministack.services.eventbridge:_cron_next_fire"
EPOCH = "ministack.services.scheduler:_to_epoch"
RATE = re.compile(r"rate\((?P<value>\d+)\s+(?P<unit>minute|hour|day)s?\)")
AT = re.compile(r"at\((?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def install() -> None:
    require("", CRON_FIELDS, CRON_NEXT, EPOCH)


def check(expression: str, timezone: str) -> None:
    """Refuse an expression or a time zone that AWS refuses."""
    try:
        ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):
        raise RefusedByAws("ValidationException", f"Invalid ScheduleExpressionTimezone {timezone}.") from None
    rate, at = RATE.fullmatch(expression), AT.fullmatch(expression)
    wrong = rate is not None and int(rate["value"]) == 0
    if rate is None and at is None:
        wrong = find(CRON_FIELDS)(expression) is None
    if at is not None:
        wrong = _moment(at["when"]) is None
    if wrong:
        raise RefusedByAws("ValidationException", f"Invalid Schedule Expression {expression}.")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Timing:
    """What says when a schedule fires; times are seconds since 1970."""

    expression: str
    timezone: str
    start: float | None
    end: float | None

    @classmethod
    def of(cls, schedule: dict[str, Any]) -> Timing:
        seconds = find(EPOCH)
        return cls(
            schedule["ScheduleExpression"],
            schedule["ScheduleExpressionTimezone"],
            seconds(schedule["StartDate"]),
            seconds(schedule["EndDate"]),
        )

    def first(self, made: float, minute: float) -> float | None:
        """When the schedule fires first, or None if never: a rate at once, or at its start.

        EventBridge Scheduler User Guide, "Schedule types", "Rate-based schedules".
        """
        begins = max(made, self.start or 0)
        return self._bounded(begins if RATE.fullmatch(self.expression) else self._following(begins, begins, minute))

    def following(self, made: float, after: float, minute: float) -> float | None:
        """When the schedule fires next after ``after``, at which it was due, or None if it is over."""
        return self._bounded(self._following(max(made, self.start or 0), after, minute))

    def _bounded(self, due: float | None) -> float | None:
        return None if due is None or (self.end is not None and due > self.end) else due

    def _following(self, anchor: float, after: float, minute: float) -> float | None:
        if rate := RATE.fullmatch(self.expression):
            interval = int(rate["value"]) * MINUTES[rate["unit"]] * minute
            due = anchor + (math.floor((after - anchor) / interval) + 1) * interval
            return due if due > after else due + interval
        zone = ZoneInfo(self.timezone)
        if at := AT.fullmatch(self.expression):
            once = datetime.fromisoformat(at["when"]).replace(tzinfo=zone).timestamp()
            return once if once > after else None
        local = datetime.fromtimestamp(after, zone).replace(tzinfo=UTC)  # as MiniStack counts
        following = find(CRON_NEXT)(find(CRON_FIELDS)(self.expression), local)
        if following is None:
            return None
        due = following.replace(tzinfo=zone)
        # In the hour that comes twice when clocks go back, the same time is there again.
        return float((due if due.timestamp() > after else due.replace(fold=1)).timestamp())
