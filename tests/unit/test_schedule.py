"""`deploy.py schedule`: how a table's scheduled validations stand, and pausing and resuming them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from meridian import schedule
from tasks.create_schedule import create_schedule
from tasks.shared import names, record, schedules
from tasks.shared.errors import DeploymentNotFound, NotOurs, RequestInvalid
from tests.unit.tasks.fakes import ACCOUNT, MotoClients, emptied
from tests.unit.tasks.scenarios import ENVIRONMENT, HOME, REQUEST, TABLE, looped
from tests.unit.tasks.scheduled import GROUP, QUEUE, SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.session import Session

BUCKET = "meridian-artifacts"
MACHINE = f"arn:aws:states:{HOME}:{ACCOUNT}:stateMachine:meridian-validate"
STARTED = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAILED = "1 of 6 checks of orders failed within 60 s: eu-west-1 did not see the put from us-east-1. Look there."


def _machine(workflow: str) -> str:
    return MACHINE.replace("validate", workflow)


class States:
    """Executions that schedules started, the newest first."""

    def __init__(self) -> None:
        self.executions: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.described = 0

    def ran(self, status: str = "SUCCEEDED", table: str = TABLE, workflow: str = "validate", **more: Any) -> None:
        number, machine = len(self.executions), _machine(workflow)
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{number}"
        started = STARTED - timedelta(hours=number)
        ended = {} if status == "RUNNING" else {"stopDate": started + timedelta(seconds=12)}
        given = {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": str(number),
            "input": f'{{"table": "{table}"}}',
        }
        self.executions.append({**given, "status": status, "startDate": started, **ended, **more})

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, stateMachineArn: str, statusFilter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803  # boto3's names
        self.asked.append(stateMachineArn)
        machine = stateMachineArn.removesuffix(":scheduled")
        of_machine = [one for one in self.executions if one["stateMachineArn"] == machine]
        found = [one for one in of_machine if statusFilter in ("", one["status"])]
        for at in range(0, len(found), 3):
            yield {"executions": found[at : at + 3]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.described += 1
        found = next(one for one in self.executions if one["executionArn"] == executionArn)
        if found.get("forgotten"):
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "gone"}}, "DescribeExecution")
        return dict(found)


class Account(MotoClients):
    """What the command asks of a session, on moto's AWS."""

    home, options = HOME, " --profile shop"

    def __init__(self) -> None:
        super().__init__()
        self.states = States()

    def machine(self, workflow: str) -> str:
        return _machine(workflow)

    def provisioned(self, request: Any = SCHEDULED) -> None:
        self.s3(HOME).create_bucket(Bucket=BUCKET)
        record.save(self, BUCKET, request)
        create_schedule.run(looped(HOME, request=request), self)

    def state(self) -> str:
        return str(self.scheduler(HOME).get_schedule(GroupName=GROUP, Name="validate")["State"])


def record_only(account: Account) -> None:
    """What a provision has made before its schedule."""
    account.s3(HOME).create_bucket(Bucket=BUCKET)
    record.save(account, BUCKET, SCHEDULED)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    with emptied():
        yield Account()


def command(account: Account, state: str | None = None, *, last: int = 10, as_json: bool = False) -> int:
    return schedule.command(cast("Session", account), TABLE, state, last=last, as_json=as_json)


class TestShow:
    def test_tells_what_starts_validations_and_how_they_ended(
        self, account: Account, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Expression, state, retries, dead letters and alarms, then a line for each run with its verdict."""
        account.provisioned()
        account.states.ran("RUNNING")
        account.states.ran(output='{"table":"orders","passed":6,"failed":0}')
        cause = json.dumps({"errorType": "ValidationFailed", "errorMessage": FAILED})
        account.states.ran("FAILED", error="ValidationFailed", cause=cause)
        assert command(account) == 0
        out, err = capsys.readouterr()
        assert f"orders is validated by rate(1 hour), from {HOME}." in out
        assert "It is enabled." in out
        assert "A start that fails is tried 2 times more, for 15 min; none was given up." in out
        assert "Alarms: failure none, silence none." in out
        assert "Last fired: 2026-11-21 12:00:00Z." in out
        assert "2026-11-21 11:00:00Z  12 s  SUCCEEDED  validate of orders succeeded after 12 s: 6 of 6 checks" in out
        assert "1 of 6 checks of orders failed within 60 s" in out
        assert f"{MACHINE.replace(':stateMachine:', ':execution:')}:2 --profile shop" in err

    def test_asks_for_what_the_alias_started(self, account: Account) -> None:
        """Executions that a person started are no runs of the schedule, and Step Functions tells them apart."""
        account.provisioned()
        command(account)
        assert account.states.asked == [f"{MACHINE}:scheduled"]

    def test_leaves_out_other_tables(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """All tables share the alias; a run that was forgotten meanwhile is left out too."""
        account.provisioned()
        for table in ("orders", "orders-v2", "orders"):
            account.states.ran(table=table)
        account.states.ran(forgotten=True)
        command(account, as_json=True)
        assert [run["execution"][-1] for run in json.loads(capsys.readouterr().out)["runs"]] == ["0", "2"]

    def test_stops_at_the_number_asked_for(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """No more executions are described than are shown."""
        account.provisioned()
        for _ in range(5):
            account.states.ran()
        command(account, last=2, as_json=True)
        found = json.loads(capsys.readouterr().out)
        assert (len(found["runs"]), found["more_runs"], account.states.described) == (2, False, 2)

    def test_stops_before_it_asks_for_too_many(
        self, account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Behind many runs of other tables it says that there may be more."""
        monkeypatch.setattr(schedule, "MOST_DESCRIBED", 4)
        account.provisioned()
        for _ in range(6):
            account.states.ran(table="others")
        command(account)
        assert account.states.described == 4
        assert "Older runs are behind those of other tables, and were not looked at." in capsys.readouterr().out

    def test_tells_that_it_has_not_fired(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """A new schedule has no runs."""
        account.provisioned()
        assert command(account) == 0
        assert "It has not fired yet." in capsys.readouterr().out

    def test_prints_one_document(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """--json has everything that the text has."""
        account.provisioned()
        account.states.ran()
        assert command(account, as_json=True) == 0
        found = json.loads(capsys.readouterr().out)
        (run,) = found.pop("runs")
        assert found == {
            "table": TABLE,
            "home": HOME,
            "expression": "rate(1 hour)",
            "time_zone": "UTC",
            "state": "ENABLED",
            "paused": False,
            "maximum_retry_attempts": 2,
            "maximum_event_age_in_seconds": 900,
            "dead_letters": 0,
            "alarms": {"failure": None, "silence": None},
            "last_fired": STARTED.timestamp(),
            "more_runs": False,
        }
        assert (run["status"], run["started"], run["seconds"]) == ("SUCCEEDED", STARTED.timestamp(), 12.0)


class TestWrong:
    def test_the_last_run_failed(self, account: Account) -> None:
        """Exit code 1, until one passes; one that runs says nothing yet."""
        account.provisioned()
        account.states.ran("RUNNING")
        account.states.ran("TIMED_OUT")
        account.states.ran()
        assert command(account) == 1
        del account.states.executions[1]
        assert command(account) == 0

    def test_a_start_was_given_up(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """What lies in the dead-letter queue is counted, and is wrong."""
        account.provisioned()
        url = schedules.queue_url(account, HOME, TABLE)
        for _ in range(2):
            account.sqs(HOME).send_message(QueueUrl=url, MessageBody='{"table": "orders"}')
        assert command(account) == 1
        assert "; 2 starts given up." in capsys.readouterr().out

    def test_an_alarm_rings(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """The alarms of the home Region's stack are told by their states."""
        account.provisioned()
        for name, state in (("validation-failed", "OK"), ("validation-silent", "ALARM")):
            alarm = f"{names.region_stack(TABLE)}-{name}"
            account.cloudwatch(HOME).put_metric_alarm(
                AlarmName=alarm,
                MetricName="ChecksFailed",
                Namespace="Meridian/Validation",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=0,
                ComparisonOperator="GreaterThanThreshold",
            )
            account.cloudwatch(HOME).set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="test")  # type: ignore[arg-type]
        assert command(account) == 1
        assert "Alarms: failure OK, silence ALARM." in capsys.readouterr().out


class TestNone:
    def test_says_how_to_get_one(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """A request without a schedule is no fault."""
        account.provisioned(REQUEST)
        assert command(account) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"orders has no schedule in {HOME}. Give its request `validation: {{schedule: ")

    def test_says_it_in_json(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """What is on stdout stays one document."""
        account.provisioned(REQUEST)
        assert command(account, as_json=True) == 0
        assert json.loads(capsys.readouterr().out) == {"table": TABLE, "home": HOME, "schedule": None}

    def test_says_that_one_is_missing(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """A schedule that the request wants and somebody deleted is a fault."""
        account.provisioned()
        account.scheduler(HOME).delete_schedule(GroupName=GROUP, Name="validate")
        assert command(account) == 1
        assert f"The schedule of orders is missing in {HOME}. No provision and no cleanup" in capsys.readouterr().err

    @pytest.mark.parametrize("workflow", ["provision", "cleanup"])
    def test_says_what_makes_or_removes_it(
        self, account: Account, workflow: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """While such a workflow of the table runs, nothing is wrong yet, and nobody is told to start another."""
        record_only(account)
        account.states.ran("RUNNING", table="others", workflow=workflow)
        assert command(account) == 1
        account.states.ran("RUNNING", workflow=workflow)
        capsys.readouterr()
        assert command(account) == 0
        said = capsys.readouterr().err
        assert f"A {workflow} of it runs" in said
        assert "Run provision" not in said

    @pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
    def test_refuses_to_pause_nothing(self, account: Account, state: str) -> None:
        """There is nothing to pause or to resume."""
        account.provisioned(REQUEST)
        with pytest.raises(RequestInvalid, match="orders has no schedule in us-east-1"):
            command(account, state)

    def test_refuses_a_table_that_is_not_deployed(self, account: Account) -> None:
        """Nothing is recorded under that name."""
        with pytest.raises(DeploymentNotFound):
            command(account)

    def test_touches_no_group_of_others(self, account: Account) -> None:
        """A group without our tag is not paused."""
        account.provisioned(REQUEST)
        account.scheduler(HOME).create_schedule_group(Name=GROUP)
        with pytest.raises(NotOurs):
            command(account, "DISABLED")


class TestSwitch:
    def test_pauses_and_resumes(self, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
        """Only the state changes: all else is passed again, because an update would reset it."""
        account.provisioned()
        before: Any = schedules.describe(account, HOME, TABLE)
        for state, said in (("DISABLED", "It is paused: --resume starts it again."), ("ENABLED", "It is enabled.")):
            assert command(account, state) == 0
            assert said in capsys.readouterr().out
            after: Any = schedules.describe(account, HOME, TABLE)
            kept = set(before) - {"State", "ResponseMetadata", "LastModificationDate"}
            assert account.state() == state
            assert {key: after[key] for key in kept} == {key: before[key] for key in kept}

    @pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
    def test_a_second_time_changes_nothing(self, account: Account, state: str) -> None:
        """A schedule that is so already is left alone."""
        account.provisioned()
        command(account, state)
        account.changes.clear()
        command(account, state)
        assert account.changes == []

    def test_is_done_even_if_something_is_wrong(self, account: Account) -> None:
        """Whoever pauses because validations fail has done what they wanted."""
        account.provisioned()
        account.states.ran("FAILED")
        assert command(account, "DISABLED") == 0

    def test_either_or(self) -> None:
        """Both at once are refused, and neither changes nothing."""
        assert schedule.asked(pause=True, resume=False) == "DISABLED"
        assert schedule.asked(pause=False, resume=True) == "ENABLED"
        assert schedule.asked(pause=False, resume=False) is None
        with pytest.raises(RequestInvalid, match="--pause and --resume were given"):
            schedule.asked(pause=True, resume=True)


def test_the_queue_is_the_schedules_own() -> None:
    """The name that the command asks for is the one that the task makes."""
    assert names.schedule_queue(TABLE) == QUEUE
