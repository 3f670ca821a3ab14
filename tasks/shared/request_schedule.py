"""Rules about the schedule of validations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import schedule_expressions as expressions
from tasks.shared.problems import Problem, a_mapping, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.shared.request_keys import Document

PATH = ("validation", "schedule")
LONGEST_SILENCE_SECONDS = 604_800  # CloudWatch PutMetricAlarm: Period times EvaluationPeriods


def _expression(document: Document) -> Iterator[Problem]:
    written = _given(document, "schedule_expression")
    if isinstance(written, str) and written:
        wrong = expressions.problem(written)
        if wrong:
            yield Problem((*PATH, "schedule_expression"), f"{shown(written)} {wrong}")


def _time_zone(document: Document) -> Iterator[Problem]:
    written = _given(document, "schedule_expression_timezone")
    if isinstance(written, str) and written and not expressions.is_time_zone(written):
        yield Problem(
            (*PATH, "schedule_expression_timezone"),
            f"{shown(written)} is no time zone; write it as the time zone database does, like `Europe/Berlin`.",
        )


def _silence(document: Document) -> Iterator[Problem]:
    written, silence = _given(document, "schedule_expression"), _given(document, "silence_seconds")
    if not isinstance(written, str) or type(silence) is not int or expressions.problem(written):
        return
    interval, path = expressions.interval_seconds(written) or 0, (*PATH, "silence_seconds")
    if interval > LONGEST_SILENCE_SECONDS:
        yield Problem(path, "is for intervals of up to 7 days, as CloudWatch looks back no further; leave it out.")
    elif silence < interval:
        yield Problem(
            path,
            f"is {shown(silence)}, and from one validation to the next are {interval} seconds; use {interval} or more.",
        )


def _given(document: Document, member: str) -> object:
    return a_mapping(a_mapping(document.get("validation")).get("schedule")).get(member)


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (_expression, _time_zone, _silence)
