"""What EventBridge Scheduler takes as a schedule: rate and cron expressions, and time zones.

EventBridge Scheduler User Guide, "Schedule types". One-time schedules, ``at(...)``, are of no use here.
"""

from __future__ import annotations

import io
import pkgutil
import re
import tarfile
import zoneinfo
from calendar import monthrange
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from tasks.shared.problems import shown

UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
MOST_DAYS = 366
MINUTE = 60
LEAP_YEAR, LONGEST_MONTH = 2028, 31

RATE = re.compile(r"rate\((\d{1,9}) ([a-z]+)\)")
CRON = re.compile(r"cron\(([^()]*)\)")

UNKNOWN = "is no schedule; write it like `rate(1 hour)` or `cron(0 8 * * ? *)`."
NO_ZONES = {"METADATA", "localtime"}  # what else is there: the archive's own page, and the machine's own zone


class Field(NamedTuple):
    """Field of a cron expression: the numbers and names it takes, and what it takes besides."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    besides: str = r"(?!)"

    def takes(self, written: str) -> bool:
        return all(self._part(part) for part in written.split(","))

    def _part(self, part: str) -> bool:
        if re.fullmatch(self.besides, part):
            return True
        span, _, step = part.partition("/")
        if "/" in part and not (step.isdecimal() and step.isascii() and 0 < int(step[:9]) <= self.most):
            return False
        ends = span.split("-")
        return span == "*" or (len(ends) <= 2 and all(map(self._is_value, ends)))

    def _is_value(self, text: str) -> bool:
        if text in self.names:
            return True
        return re.fullmatch(r"[0-9]{1,4}", text) is not None and self.least <= int(text) <= self.most


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day-of-month", 1, 31, besides=r"\?|L|LW|([1-9]|[12][0-9]|3[01])W"),
    Field("month", 1, 12, MONTHS),
    Field("day-of-week", 1, 7, DAYS, besides=rf"\?|L|([1-7]|{'|'.join(DAYS)})(L|#[1-5])"),
    Field("year", 1970, 2199),
)
EVERY = ("*", "?")


def problem(expression: str) -> str:
    """What is wrong with a schedule expression, as the end of a sentence about it; empty if nothing is."""
    rate, cron = RATE.fullmatch(expression), CRON.fullmatch(expression)
    if rate:
        return _of_rate(int(rate[1]), rate[2])
    return _of_cron(cron[1].split()) if cron else UNKNOWN


def interval_seconds(expression: str) -> int | None:
    """Seconds between two runs of a rate; ``None`` for a cron expression, which may have any."""
    rate = RATE.fullmatch(expression)
    return int(rate[1]) * UNIT_SECONDS[rate[2].removesuffix("s")] if rate else None


def runs_daily(expression: str) -> bool:
    """Whether a cron expression is for every day, at whatever hours."""
    cron = CRON.fullmatch(expression)
    return cron is not None and all(field in EVERY for field in cron[1].split()[2:])


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of that name, as the time zone database spells it.

    Where there is no database at all, any name may be one: EventBridge Scheduler knows.
    """
    return name == "UTC" or not _time_zones() or name in _time_zones()


def _of_rate(value: int, unit: str) -> str:
    one = unit.removesuffix("s")
    if one not in UNIT_SECONDS:
        return "has another unit than minutes, hours and days; write it like `rate(1 hour)` or `rate(90 minutes)`."
    if not value:
        return f"is never; write `rate(1 {one})` or more."
    wanted = one if value == 1 else f"{one}s"
    if unit != wanted:
        return f"counts wrongly, as one is singular and more are plural; write `rate({value} {wanted})`."
    if value * UNIT_SECONDS[one] > MOST_DAYS * UNIT_SECONDS["day"]:
        return f"is less often than once in {MOST_DAYS} days; write a shorter interval."
    return ""


def _of_cron(fields: list[str]) -> str:
    if len(fields) != len(FIELDS):
        return (
            f"has {len(fields)} fields, and cron takes six (minutes hours day-of-month month day-of-week year); "
            "write it like `cron(0 8 * * ? *)`."
        )
    for field, written in zip(FIELDS, fields, strict=True):
        if not field.takes(written):
            return f"has {shown(written)} for {field.name}; write it like `cron(30 6 ? * MON-FRI *)`."
    if [fields[2], fields[4]].count("?") != 1:
        return "needs a `?` in day-of-month or in day-of-week, and not in both; write `cron(0 8 * * ? *)`."
    if fields[2].isdigit() and int(fields[2]) > _longest(fields[3]):
        return f"is never: no such month has a day {fields[2]}; write `L` for a month's last day."
    return ""


def _longest(months: str) -> int:
    """Days of the longest of these months, as far as they are told one by one."""
    named = [month.upper() for month in months.split(",")]
    numbers = [MONTHS.index(month) + 1 if month in MONTHS else month for month in named]
    if not all(str(number).isdigit() for number in numbers):
        return LONGEST_MONTH
    return max(monthrange(LEAP_YEAR, int(number))[1] for number in numbers)


@cache
def _time_zones() -> frozenset[str]:
    """Names of this machine's time zones and of those that come with botocore's python-dateutil.

    Lambda's runtimes may have no database of their own, and either may be the newer one.
    """
    found = set(zoneinfo.available_timezones())
    with suppress(OSError):  # it may be left out
        data = pkgutil.get_data("dateutil.zoneinfo", "dateutil-zoneinfo.tar.gz") or b""
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            found |= {member.name for member in archive if not member.isdir()}
    return frozenset(found - NO_ZONES)
