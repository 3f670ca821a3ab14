"""For how long no validation may have a result before the alarm on silence rings."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from tasks.shared import schedule_expressions, timeouts
from tasks.shared.request_schedule import LONGEST_SILENCE_SECONDS

if TYPE_CHECKING:
    from tasks.shared.request import Request

# A day, and an hour for the one in autumn that has 25, and one for the validation itself.
DAILY_SECONDS = 26 * 3_600
# CloudWatch, PutMetricAlarm: with periods of less than an hour an alarm looks back a day, otherwise seven days. Short
# periods ring sooner: CloudWatch takes some older ones along before it calls data missing.
SHORT_PERIOD_SECONDS, LONG_PERIOD_SECONDS, MOST_IN_SHORT_PERIODS = 300, 3_600, 86_400


class Silence(NamedTuple):
    """Period (seconds) and EvaluationPeriods of the alarm."""

    period: int
    periods: int


def seconds(request: Request) -> int | None:
    """Two intervals of a rate and the longest time of a validation; ``None`` where no such alarm is possible."""
    schedule = request["validation"]["schedule"]
    if schedule is None:
        return None
    expression = schedule["schedule_expression"]
    interval, margin = schedule_expressions.interval_seconds(expression), timeouts.of(request)["validate"]
    if schedule["silence_seconds"] is not None:
        return schedule["silence_seconds"]
    if interval is None:
        return DAILY_SECONDS if schedule_expressions.runs_daily(expression) else None
    if interval + margin > LONGEST_SILENCE_SECONDS:
        return None
    return min(2 * interval + margin, LONGEST_SILENCE_SECONDS)


def evaluation(silence_seconds: int) -> Silence:
    """What CloudWatch is told of so many seconds."""
    period = SHORT_PERIOD_SECONDS if silence_seconds <= MOST_IN_SHORT_PERIODS else LONG_PERIOD_SECONDS
    return Silence(period, ceil(silence_seconds / period))
