"""A schedule that EventBridge Scheduler or CloudWatch would refuse is refused before anything is made."""

from __future__ import annotations

import pkgutil
import zoneinfo
from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared import schedule_expressions as expressions
from tasks.shared.request import complete, problems
from tests.unit.requests import changed

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "validation.schedule"


def scheduled(expression: Any, **members: Any) -> dict[str, Any]:
    return changed(validation={"schedule": {"schedule_expression": expression, **members}})


GOOD = [
    "rate(1 minute)",
    "rate(1 hour)",
    "rate(90 minutes)",
    "rate(366 days)",
    "cron(0 8 * * ? *)",
    "cron(0/15 * * * ? *)",
    "cron(30 6,18 ? * MON-FRI 2026-2030)",
    "cron(*/5 1-3/2 L JAN,6 ? *)",
    "cron(0 0 15W * ? *)",
    "cron(0 0 29 2 ? *)",
    "cron(0 0 31 2,JAN ? *)",
    "cron(0 0 31 2-3 ? *)",
    "cron(0 0 LW * ? *)",
    "cron(0 0 ? * 6L *)",
    "cron(0 0 ? * MON#1 *)",
    "cron(0  8 * * ?\t*)",
]

BAD = {
    "hourly": "'hourly' is no schedule; write it like `rate(1 hour)`",
    "at(2026-12-24T18:00:00)": "is no schedule",
    "Rate(1 hour)": "is no schedule",
    "rate(1.5 hours)": "is no schedule",
    "rate(-1 hours)": "is no schedule",
    "rate(1 hour) ": "is no schedule",
    "rate(1 hour)\n": r"'rate(1 hour)\n' is no schedule",
    "rate(5 weeks)": "has another unit than minutes, hours and days",
    "rate(1 hours)": "counts wrongly, as one is singular and more are plural; write `rate(1 hour)`",
    "rate(5 minute)": "write `rate(5 minutes)`",
    "rate(0 hours)": "is never; write `rate(1 hour)` or more",
    "rate(367 days)": "is less often than once in 366 days",
    "cron(0 8 * * *)": "has 5 fields, and cron takes six",
    "cron()": "has 0 fields",
    "cron(0 8 * * * *)": "needs a `?` in day-of-month or in day-of-week, and not in both",
    "cron(0 8 ? * ? *)": "needs a `?`",
    "cron(60 8 * * ? *)": "has '60' for minutes; write it like",
    "cron(0 24 * * ? *)": "has '24' for hours; write it like",
    "cron(0 8 0 * ? *)": "has '0' for day-of-month; write it like",
    "cron(0 8 32W * ? *)": "has '32W' for day-of-month; write it like",
    "cron(0 8 ? 13 1 *)": "has '13' for month; write it like",
    "cron(0 8 ? * SOMEDAY *)": "has 'SOMEDAY' for day-of-week; write it like",
    "cron(0 8 ? * MON#6 *)": "has 'MON#6' for day-of-week; write it like",
    "cron(0 8 31 2 ? *)": "is never: no such month has a day 31; write `L`",
    "cron(0 8 31 FEB,4 ? *)": "is never: no such month has a day 31",
    "cron(0 8 * * ? 1969)": "has '1969' for year; write it like",
    "cron(1-2-3 8 * * ? *)": "has '1-2-3' for minutes; write it like",
    "cron(0/0 8 * * ? *)": "has '0/0' for minutes; write it like",
    "cron(,1 8 * * ? *)": "has ',1' for minutes; write it like",
    "cron(/5 8 * * ? *)": "has '/5' for minutes; write it like",
}


@pytest.mark.parametrize("expression", GOOD)
def test_takes_what_the_scheduler_takes(expression: str) -> None:
    """Rates in minutes, hours and days, and cron expressions with every wildcard, have no problem."""
    assert problems(scheduled(expression)) == []


@pytest.mark.parametrize("expression", BAD)
def test_says_what_is_wrong_with_an_expression(expression: str) -> None:
    """One sentence names the place, repeats what was written and says how to write it."""
    (sentence,) = problems(scheduled(expression))
    assert sentence.startswith(f"{PATH}.schedule_expression: '")
    assert BAD[expression] in sentence


def test_completes_a_schedule() -> None:
    """All but the expression has a default, and a request without a schedule has none."""
    assert complete(scheduled("rate(1 hour)"))["validation"]["schedule"] == {
        "schedule_expression": "rate(1 hour)",
        "schedule_expression_timezone": "UTC",
        "maximum_retry_attempts": 2,
        "maximum_event_age_in_seconds": 900,
        "silence_seconds": None,
    }
    assert complete(changed())["validation"]["schedule"] is None


def test_wants_an_expression() -> None:
    """A schedule without its expression is told how one looks."""
    (sentence,) = problems(changed(validation={"schedule": {}}))
    assert sentence == f'{PATH}.schedule_expression: is missing; add it, as in `schedule_expression: "rate(1 hour)"`.'


@pytest.mark.parametrize("shape", ["rate(1 hour)", 5, [], True])
def test_leaves_a_wrong_shape_to_the_schema(shape: Any) -> None:
    """A schedule that is no mapping has one problem, its shape."""
    assert len(problems(changed(validation={"schedule": shape}))) == 1


@pytest.mark.parametrize("expression", [5, None, "", [], True])
def test_leaves_a_wrong_expression_to_the_schema(expression: Any) -> None:
    """What is no text has one problem, its type, whatever stands beside it."""
    assert len(problems(scheduled(expression, silence_seconds=3600))) == 1


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "US/Eastern"])
def test_takes_a_time_zone(name: str) -> None:
    """A name of the time zone database is known."""
    assert problems(scheduled("cron(0 8 * * ? *)", schedule_expression_timezone=name)) == []


@pytest.mark.parametrize("name", ["Europe/Munich", "utc", "CEST", "localtime", "Europe", "METADATA", "../etc/passwd"])
def test_names_an_unknown_time_zone(name: str) -> None:
    """What is no time zone is refused with an example."""
    (sentence,) = problems(scheduled("cron(0 8 * * ? *)", schedule_expression_timezone=name))
    assert sentence.startswith(f"{PATH}.schedule_expression_timezone: {name!r} is no time zone; write it as")


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a time zone database, as Lambda's may be."""
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    expressions._time_zones.cache_clear()
    yield
    expressions._time_zones.cache_clear()


@pytest.mark.usefixtures("no_database")
def test_knows_time_zones_where_the_machine_has_none() -> None:
    """The database that comes with botocore stands in."""
    assert expressions.is_time_zone("Europe/Berlin")
    assert not expressions.is_time_zone("Europe/Munich")


@pytest.mark.usefixtures("no_database")
def test_leaves_time_zones_to_the_scheduler_where_there_is_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody here can know is not refused here."""

    def missing(*_: str) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(pkgutil, "get_data", missing)
    assert expressions.is_time_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "silence", "fragment"),
    [
        ("rate(1 hour)", 3599, "is 3599, and from one validation to the next are 3600 seconds; use 3600 or more"),
        ("rate(8 days)", 604_800, "is for intervals of up to 7 days, as CloudWatch looks back no further; leave it"),
        ("rate(1 hour)", 604_801, "is 604801; use 604800 at the most"),
        ("rate(1 minute)", 299, "is 299; use 300 at the least"),
        ("rate(1 hour)", True, "is true, and a whole number or null is wanted"),
    ],
)
def test_says_what_is_wrong_with_a_silence(expression: str, silence: Any, fragment: str) -> None:
    """An alarm on silence waits for one interval at the least, and for what CloudWatch can look back at the most."""
    (sentence,) = problems(scheduled(expression, silence_seconds=silence))
    assert sentence.startswith(f"{PATH}.silence_seconds: {fragment}")


@pytest.mark.parametrize(
    ("expression", "silence"),
    [("rate(1 hour)", 3600), ("rate(1 hour)", None), ("rate(7 days)", 604_800), ("cron(0 8 * * ? *)", 300)],
)
def test_takes_a_silence(expression: str, silence: int | None) -> None:
    """One interval is enough, and what a cron expression means is its author's to know."""
    assert problems(scheduled(expression, silence_seconds=silence)) == []


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(90 minutes)", 5_400), ("rate(2 days)", 172_800), ("cron(0 8 * * ? *)", None)],
)
def test_reckons_the_interval_of_a_rate(expression: str, seconds: int | None) -> None:
    """A rate has one interval, a cron expression may have any."""
    assert expressions.interval_seconds(expression) == seconds


@pytest.mark.parametrize(
    ("expression", "daily"),
    [
        ("cron(0 8 * * ? *)", True),
        ("cron(0/5 * ? * * *)", True),
        ("cron(0 8 ? * MON-FRI *)", False),
        ("cron(0 8 1 * ? *)", False),
        ("cron(0 8 * 12 ? *)", False),
        ("cron(0 8 * * ? 2027)", False),
        ("rate(1 day)", False),
    ],
)
def test_knows_a_cron_expression_of_every_day(expression: str, daily: bool) -> None:
    """It restricts neither days nor months nor years."""
    assert expressions.runs_daily(expression) is daily
