"""A table's scheduled validations: what starts them, how the last ones ended, and whether anything is wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from meridian import schedule_words, under_way
from meridian.audit import words
from meridian.audit.histories.fold import fold
from meridian.audit.histories.step_functions import StepFunctions
from meridian.audit.model import ENDED_BADLY
from meridian.audit.source import ExecutionUnknown
from meridian.audit.verdict import verdict
from meridian.commandline import COMMAND, DONE, WRONG
from meridian.inputs import named_table
from tasks.shared import names, record, schedules
from tasks.shared.errors import RequestInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_scheduler.type_defs import GetScheduleOutputTypeDef

    from meridian.session import Session

# The alias is one for all tables, and only an execution's description tells its table (5 a second after the first 10).
MOST_DESCRIBED = 100
ALARMS = {"failure": "validation-failed", "silence": "validation-silent"}
PAUSED, RESUMED = "DISABLED", "ENABLED"
_MISSING = (
    "No provision and no cleanup of it runs. Run provision with its request, which makes it again, or cleanup, if one "
    "was cut off."
)
_UNDER_WAY = {
    "provision": "A provision of it runs, which makes the schedule after the Regions: {arn}",
    "cleanup": "A cleanup of it runs, which removes the schedule first: {arn}",
}
# What GetSchedule answers and UpdateSchedule does not take.
ANSWERED = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")


@dataclass(frozen=True)
class Run:
    """``status`` is Step Functions' own word; ``verdict`` a sentence."""

    execution: str
    started: float  # seconds since 1970
    seconds: float | None
    status: str
    verdict: str

    @property
    def failed(self) -> bool:
        return self.status in {outcome.value for outcome in ENDED_BADLY}


@dataclass(frozen=True)
class Schedule:
    """``dead_letters`` are starts that EventBridge Scheduler gave up; ``alarms`` have None where there is none.

    ``more_runs`` says that there may be runs of this table behind those that were looked at.
    """

    table: str
    home: str
    expression: str
    time_zone: str
    state: str
    maximum_retry_attempts: int
    maximum_event_age_in_seconds: int
    dead_letters: int
    alarms: dict[str, str | None]
    runs: tuple[Run, ...]
    more_runs: bool

    @property
    def paused(self) -> bool:
        return self.state == PAUSED

    @property
    def is_wrong(self) -> bool:
        """Whether a start was given up, an alarm rings, or the last validation that ended failed."""
        last = next((run for run in self.runs if run.status != "RUNNING"), None)
        return bool(self.dead_letters) or "ALARM" in self.alarms.values() or (last is not None and last.failed)

    def as_json(self) -> dict[str, Any]:
        last_fired = self.runs[0].started if self.runs else None
        return {**asdict(self), "paused": self.paused, "last_fired": last_fired}


def asked(*, pause: bool, resume: bool) -> str | None:
    """The state that the schedule shall have, or None where it shall stay as it is."""
    if pause and resume:
        raise RequestInvalid("--pause and --resume were given", remedy="Give one of them. Nothing was changed.")
    return PAUSED if pause else RESUMED if resume else None


def command(session: Session, table: str, state: str | None, *, last: int, as_json: bool) -> int:
    """Give the schedule that state, if any is asked for, and print how it stands; give the exit code."""
    wanted = record.load(session, session.home, named_table(table))["request"]["validation"]["schedule"]
    found = _described(session, table)
    if found is None:
        return _none(session, table, wanted is not None, change=state is not None, as_json=as_json)
    if state:
        found = _switched(session, found, state)
    schedule = _schedule(session, table, found, last)
    if as_json:
        print(json.dumps(schedule.as_json()))
    else:
        schedule_words.show(schedule, f"{COMMAND} audit", session.options)
    return WRONG if schedule.is_wrong and not state else DONE


def _none(session: Session, table: str, is_wanted: bool, *, change: bool, as_json: bool) -> int:
    what = f"{table} has no schedule"
    remedy = (
        "Give its request `validation: {schedule: {schedule_expression: rate(1 hour)}}`, and run provision with it."
    )
    is_wrong = is_wanted
    if is_wanted:
        workflow, arn = under_way.worker(session, table)
        is_wrong = not workflow
        what, remedy = f"The schedule of {table} is missing", _MISSING
        if workflow:
            what, remedy = f"{table} has no schedule now", _UNDER_WAY[workflow].format(arn=arn)
    if change:
        raise RequestInvalid(what, where=session.home, remedy=remedy)
    if as_json:
        print(json.dumps({"table": table, "home": session.home, "schedule": None}))
    schedule_words.say(f"{what} in {session.home}. {remedy}")
    return WRONG if is_wrong else DONE


def _described(session: Session, table: str) -> GetScheduleOutputTypeDef | None:
    """The schedule, which must be ours."""
    is_there = schedules.group_state(session, session.home, table) == "ACTIVE"
    return schedules.describe(session, session.home, table) if is_there else None


def _switched(session: Session, found: GetScheduleOutputTypeDef, state: str) -> Any:
    """The schedule with that state; an update would reset whatever it does not repeat."""
    given: Any = {key: value for key, value in found.items() if key not in ANSWERED}
    if given["State"] != state:
        session.scheduler(session.home).update_schedule(**{**given, "State": state})
    return {**found, "State": state}


def _schedule(session: Session, table: str, found: GetScheduleOutputTypeDef, last: int) -> Schedule:
    retries = found["Target"].get("RetryPolicy", {})
    described = _Described(session, table)
    runs = tuple(islice(described.runs(), last))
    return Schedule(
        table=table,
        home=session.home,
        expression=found["ScheduleExpression"],
        time_zone=found.get("ScheduleExpressionTimezone", "UTC"),
        state=found["State"],
        maximum_retry_attempts=retries.get("MaximumRetryAttempts", 0),
        maximum_event_age_in_seconds=retries.get("MaximumEventAgeInSeconds", 0),
        dead_letters=_dead_letters(session, table),
        alarms=_alarms(session, table),
        runs=runs,
        more_runs=len(runs) < last and described.count == MOST_DESCRIBED,
    )


def _dead_letters(session: Session, table: str) -> int:
    url = schedules.queue_url(session, session.home, table)
    if not url:
        return 0
    asked: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = session.sqs(session.home).get_queue_attributes(QueueUrl=url, AttributeNames=asked)
    return sum(int(count) for count in answer.get("Attributes", {}).values())


def _alarms(session: Session, table: str) -> dict[str, str | None]:
    """State of each alarm, as CloudWatch names it."""
    wanted = {kind: f"{names.region_stack(table)}-{name}" for kind, name in ALARMS.items()}
    answer = session.cloudwatch(session.home).describe_alarms(AlarmNames=list(wanted.values()))
    states = {one.get("AlarmName"): one.get("StateValue") for one in answer["MetricAlarms"]}
    return {kind: states.get(name) for kind, name in wanted.items()}


class _Described:
    """The executions that schedules started, the newest first, and ``count``, how many of them were described."""

    def __init__(self, session: Session, table: str) -> None:
        self._states, self._table = session.states, table
        self._source = StepFunctions(session.states)
        self._alias = names.scheduled_alias(session.machine("validate"))
        self.count = 0

    def runs(self) -> Iterator[Run]:
        """Those of the table."""
        pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=self._alias)
        for one in islice((one for page in pages for one in page["executions"]), MOST_DESCRIBED):
            self.count += 1
            found = self._run(one["executionArn"])
            if found:
                yield found

    def _run(self, arn: str) -> Run | None:
        try:
            described = self._source.describe(arn)
        except ExecutionUnknown:
            return None
        audit = fold(arn, described, ())
        if words.table(audit) != self._table:
            return None
        judged = verdict(audit)
        why = f" {words.plain(judged.failure.message)}" if judged.failure else ""
        return Run(arn, described["startDate"], audit.seconds, audit.status.value, f"{judged.sentence}{why}")
