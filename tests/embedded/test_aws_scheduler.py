"""EventBridge Scheduler of the embedded AWS."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from meridian.embedded.scheduler_times import Timing
from tests.embedded.aws_calls import Client, Machine, make_role, one_state, refusal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

OFF = {"Mode": "OFF"}
MINUTE = 1.5  # seconds (conftest.py)
NOBODY = "arn:aws:states:us-east-1:123456789012:stateMachine:nobody"


@pytest.fixture(scope="session")
def role(client: Client) -> str:
    """ARN of a role that the Scheduler assumes, and that may start machines and send messages."""
    return make_role(client, "scheduler", "states:StartExecution", "sqs:SendMessage")


@pytest.fixture
def scheduler(client: Client) -> Any:
    return client("scheduler")


@pytest.fixture
def group(scheduler: Any) -> Iterator[str]:
    """Name of a new schedule group, which goes with what is in it after the test."""
    name = f"group-{uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=name)
    yield name
    if group_state(scheduler, name) == "ACTIVE":
        scheduler.delete_schedule_group(Name=name)


def group_state(scheduler: Any, name: str) -> str:
    try:
        return str(scheduler.get_schedule_group(Name=name)["State"])
    except scheduler.exceptions.ResourceNotFoundException:
        return "GONE"


@pytest.fixture(scope="session")
def passing(machine: Machine) -> str:
    """ARN of a machine that gives its input back."""
    return machine(one_state(Type="Pass"))


def create(scheduler: Any, group: str, arn: str, role: str, expression: str = "rate(1 minute)", **more: Any) -> None:
    target = {"Arn": arn, "RoleArn": role, **more.pop("target", {})}
    settings: dict[str, Any] = {"ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": target} | more
    scheduler.create_schedule(Name="validate", GroupName=group, **settings)


def executions(client: Client, arn: str) -> list[dict[str, Any]]:
    return list(client("stepfunctions").list_executions(stateMachineArn=arn)["executions"])


def make_queue(client: Client) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    url = client("sqs").create_queue(QueueName=f"queue-{uuid4().hex[:8]}")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return str(url), str(attributes["QueueArn"])


def received(client: Client, url: str) -> dict[str, Any]:
    """The one message that comes."""
    asked = {"QueueUrl": url, "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}
    [message] = client("sqs").receive_message(**asked)["Messages"]
    return dict(message)


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


class TestFiring:
    def test_a_rate_fires_again_and_again_through_an_alias(
        self, client: Client, scheduler: Any, machine: Machine, group: str, role: str
    ) -> None:
        """At once and after each interval, the alias' version is started with exactly the input given."""
        arn, states = machine(one_state(Type="Pass")), client("stepfunctions")
        version = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
        route = [{"stateMachineVersionArn": version, "weight": 100}]
        alias = states.create_state_machine_alias(name="scheduled", routingConfiguration=route)["stateMachineAliasArn"]
        given, began = '{"table":  "orders"}', time.time()

        create(scheduler, group, alias, role, target={"Input": given})

        until(lambda: len(executions(client, arn)) >= 2, wanted=True, seconds=20)
        second, first = executions(client, arn)[-2:]
        assert began - 1 <= first["startDate"].timestamp() < began + MINUTE
        assert second["startDate"].timestamp() >= began + MINUTE
        described = states.describe_execution(executionArn=first["executionArn"])
        assert described["stateMachineAliasArn"] == alias
        assert described["stateMachineVersionArn"] == version
        assert described["input"] == given

    def test_a_disabled_schedule_rests(
        self, client: Client, scheduler: Any, machine: Machine, group: str, role: str
    ) -> None:
        """A schedule that is DISABLED does not fire, and does so again once it is ENABLED."""
        arn = machine(one_state(Type="Pass"))
        create(scheduler, group, arn, role, State="DISABLED")
        time.sleep(2 * MINUTE)
        assert executions(client, arn) == []
        found = scheduler.get_schedule(Name="validate", GroupName=group)
        kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(Name="validate", GroupName=group, **{name: found[name] for name in kept})
        until(lambda: len(executions(client, arn)) > 0, wanted=True, seconds=20)

    def test_the_time_it_is_due_can_be_in_the_input(
        self, client: Client, scheduler: Any, group: str, role: str
    ) -> None:
        """A queue is a target too, and context attributes in the input get their values."""
        url, arn = make_queue(client)
        text = '{"due": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}'
        create(scheduler, group, arn, role, target={"Input": text})
        told = json.loads(received(client, url)["Body"])
        assert told["by"] == f"arn:aws:scheduler:us-east-1:123456789012:schedule/{group}/validate"
        assert told["due"].startswith("20")


class TestFailing:
    def test_what_fails_is_tried_again_and_then_left_in_the_queue(
        self, client: Client, scheduler: Any, group: str, role: str
    ) -> None:
        """A target that is not there is tried as often as asked; the queue then gets the call and what became of it."""
        url, queue = make_queue(client)
        target = {
            "Input": '{"table": "orders"}',
            "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
            "DeadLetterConfig": {"Arn": queue},
        }
        create(scheduler, group, NOBODY, role, target=target)
        message = received(client, url)
        assert json.loads(message["Body"]) == {"StateMachineArn": NOBODY, "Input": '{"table": "orders"}'}
        told = attributes(message)
        assert told.pop("ERROR_MESSAGE")
        assert len(told.pop("EXECUTION_ID")) == 16
        assert told.pop("SCHEDULED_TIME").endswith("Z")
        assert told == {
            "ERROR_CODE": "StateMachineDoesNotExist",
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": "1",
            "SCHEDULE_ARN": f"arn:aws:scheduler:us-east-1:123456789012:schedule/{group}/validate",
            "TARGET_ARN": NOBODY,
        }

    def test_an_old_event_is_given_up(self, client: Client, scheduler: Any, group: str, role: str) -> None:
        """Retries end at the age that the policy bounds, however many are left."""
        url, queue = make_queue(client)
        policy = {"MaximumEventAgeInSeconds": 60}
        create(scheduler, group, NOBODY, role, target={"RetryPolicy": policy, "DeadLetterConfig": {"Arn": queue}})
        told = attributes(received(client, url))
        assert told["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
        assert 3 <= int(told["RETRY_ATTEMPTS"]) <= 6

    def test_the_role_makes_the_call(self, client: Client, scheduler: Any, passing: str, group: str) -> None:
        """A role that may not start the machine is refused, and the refusal names the action."""
        url, queue = make_queue(client)
        poor = make_role(client, "scheduler", "sqs:SendMessage")
        once = {"RetryPolicy": {"MaximumRetryAttempts": 0}, "DeadLetterConfig": {"Arn": queue}}
        create(scheduler, group, passing, poor, target=once)
        told = attributes(received(client, url))
        assert told["ERROR_CODE"] == "AccessDeniedException"
        assert "states:StartExecution" in told["ERROR_MESSAGE"]
        assert told["RETRY_ATTEMPTS"] == "0"


class TestRefusing:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"expression": "rate(0 minute)"},
            {"expression": "rate(1 second)"},
            {"expression": "cron(0 3 * *)"},
            {"expression": "at(2026-13-01T00:00:00)"},
            {"ScheduleExpressionTimezone": "Mars/Olympus"},
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
            {"State": "PAUSED"},
            {"target": {"RetryPolicy": {"MaximumRetryAttempts": 186}}},
            {"target": {"RetryPolicy": {"MaximumEventAgeInSeconds": 86_401}}},
        ],
    )
    def test_a_wrong_schedule_is_refused(
        self, scheduler: Any, group: str, passing: str, role: str, wrong: dict[str, Any]
    ) -> None:
        """What AWS cannot run is refused when it is made."""
        more = {"expression": "rate(1 hour)"} | wrong
        code, _ = refusal(create, scheduler, group, passing, role, **more)
        assert code == "ValidationException"

    def test_a_role_must_trust_the_scheduler(self, client: Client, scheduler: Any, group: str, passing: str) -> None:
        """A role of another service, one of another group's schedules and one that is not there are refused."""
        other = make_role(client, "lambda", "states:StartExecution")
        elsewhere = trusting(client, "arn:aws:scheduler:*:123456789012:schedule-group/other-*")
        for wrong in (other, elsewhere, f"{other}-gone"):
            code, message = refusal(create, scheduler, group, passing, wrong)
            assert (code, "allow AWS EventBridge Scheduler" in message) == ("ValidationException", True)
        create(scheduler, group, passing, trusting(client, "arn:aws:scheduler:*:123456789012:schedule-group/group-*"))

    def test_a_schedule_is_made_once(self, scheduler: Any, group: str, passing: str, role: str) -> None:
        """A second schedule of that name in the group is a conflict."""
        create(scheduler, group, passing, role, "rate(1 day)")
        assert refusal(create, scheduler, group, passing, role, "rate(1 day)")[0] == "ConflictException"


def trusting(client: Client, source: str) -> str:
    """ARN of a role that the Scheduler assumes for the schedules of ``source`` in this account."""
    arn = make_role(client, "scheduler", "states:StartExecution")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": {"aws:SourceArn": source}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    client("iam").update_assume_role_policy(RoleName=arn.rpartition("/")[2], PolicyDocument=document)
    return arn


class TestSchedules:
    def test_an_update_resets_what_it_leaves_out(self, scheduler: Any, group: str, passing: str, role: str) -> None:
        """State, description, time zone and retry policy are their defaults again."""
        policy = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 900}
        more = {"State": "DISABLED", "Description": "Every day", "ScheduleExpressionTimezone": "Europe/Berlin"}
        create(scheduler, group, passing, role, "rate(1 day)", target={"RetryPolicy": policy, "Input": "{}"}, **more)
        made = scheduler.get_schedule(Name="validate", GroupName=group)
        assert {name: made[name] for name in more} == more
        assert made["Target"]["RetryPolicy"] == policy

        target = {"Arn": passing, "RoleArn": role}
        asked = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": target}
        scheduler.update_schedule(Name="validate", GroupName=group, **asked)

        found = scheduler.get_schedule(Name="validate", GroupName=group)
        assert (found["State"], found["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
        assert "Description" not in found
        defaults = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}
        assert found["Target"] == target | {"RetryPolicy": defaults}

    def test_schedules_are_listed_in_pages(self, scheduler: Any, group: str, passing: str, role: str) -> None:
        """ListSchedules gives a group's schedules, in pages."""
        target = {"Arn": passing, "RoleArn": role}
        for name in ("a", "b", "c"):
            scheduler.create_schedule(
                Name=name, GroupName=group, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target
            )
        first = scheduler.list_schedules(GroupName=group, MaxResults=2)
        second = scheduler.list_schedules(GroupName=group, MaxResults=2, NextToken=first["NextToken"])
        assert [one["Name"] for one in first["Schedules"] + second["Schedules"]] == ["a", "b", "c"]
        assert "NextToken" not in second


class TestGroups:
    def test_a_group_has_tags(self, scheduler: Any) -> None:
        """Tags are set when a group is made, and can be changed; a schedule has none."""
        name = f"group-{uuid4().hex[:8]}"
        tags = [{"Key": "meridian:table", "Value": "orders"}]
        arn = scheduler.create_schedule_group(Name=name, Tags=tags)["ScheduleGroupArn"]
        scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "me"}])
        found = scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"]
        assert found == [*tags, {"Key": "owner", "Value": "me"}]
        schedule = arn.replace("schedule-group", "schedule") + "/validate"
        assert refusal(scheduler.list_tags_for_resource, ResourceArn=schedule)[0] == "ValidationException"

    def test_a_group_is_deleted_in_a_while(self, scheduler: Any, group: str, passing: str, role: str) -> None:
        """A group is DELETING, refuses new schedules, and is then gone with those it had."""
        create(scheduler, group, passing, role, "rate(1 day)")
        scheduler.delete_schedule_group(Name=group)
        assert group_state(scheduler, group) == "DELETING"
        assert refusal(scheduler.delete_schedule_group, Name=group)[0] == "ConflictException"
        assert refusal(scheduler.create_schedule_group, Name=group)[0] == "ConflictException"
        assert refusal(create, scheduler, group, passing, role)[0] == "ConflictException"
        until(lambda: group_state(scheduler, group), "GONE")
        gone = refusal(scheduler.get_schedule, Name="validate", GroupName=group)
        assert gone[0] == "ResourceNotFoundException"


class TestTimes:
    @pytest.mark.parametrize(
        ("expression", "timezone", "after", "due"),
        [
            ("rate(5 minutes)", "UTC", "2026-11-21T12:00:00Z", "2026-11-21T12:02:00Z"),
            ("rate(5 minutes)", "UTC", "2026-11-21T12:02:00Z", "2026-11-21T12:07:00Z"),
            ("rate(2 hours)", "UTC", "2026-11-21T12:00:00Z", "2026-11-21T12:57:00Z"),
            ("rate(1 day)", "UTC", "2026-11-21T12:00:00Z", "2026-11-22T10:57:00Z"),
            ("cron(0 3 * * ? *)", "UTC", "2026-11-21T12:00:00Z", "2026-11-22T03:00:00Z"),
            ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-21T12:00:00Z", "2026-11-22T02:00:00Z"),
            ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-06-21T12:00:00Z", "2026-06-22T01:00:00Z"),
            ("cron(*/10 * * * ? *)", "Europe/Berlin", "2026-10-25T01:31:00Z", "2026-10-25T01:40:00Z"),
            ("cron(0 0 1 1 ? 2020)", "UTC", "2026-11-21T12:00:00Z", None),
            ("at(2026-11-22T09:00:00)", "Asia/Tokyo", "2026-11-21T12:00:00Z", "2026-11-22T00:00:00Z"),
            ("at(2026-11-20T09:00:00)", "UTC", "2026-11-21T12:00:00Z", None),
        ],
    )
    def test_is_due(self, expression: str, timezone: str, after: str, due: str | None) -> None:
        """A rate counts from 10:57 of that day, cron and at go by the clock of their time zone."""
        anchor = seconds("2026-11-21T10:57:00Z")
        found = Timing(expression, timezone, None, None).following(anchor, seconds(after), 60.0)
        assert found == (due and seconds(due))

    def test_is_due_between_start_and_end(self) -> None:
        """A rate begins at its start, if that is later than its making, and is over after its end."""
        made, start, end = (seconds(f"2026-11-21T{hour}:00:00Z") for hour in ("10", "12", "14"))
        timing = Timing("rate(1 hour)", "UTC", start, end)
        assert timing.first(made, 60.0) == start
        assert timing.following(made, start, 60.0) == seconds("2026-11-21T13:00:00Z")
        assert timing.following(made, seconds("2026-11-21T13:00:00Z"), 60.0) == end
        assert timing.following(made, end, 60.0) is None

    @pytest.mark.parametrize(
        ("expression", "due"),
        [("rate(1 day)", "2026-11-21T10:57:00Z"), ("cron(0 3 * * ? *)", "2026-11-22T03:00:00Z")],
    )
    def test_a_rate_without_a_start_begins_at_once(self, expression: str, due: str) -> None:
        """Cron waits for its time, also for the first."""
        assert Timing(expression, "UTC", None, None).first(seconds("2026-11-21T10:57:00Z"), 60.0) == seconds(due)

    def test_a_minute_is_as_long_as_told(self) -> None:
        """Every unit of a rate is made of minutes."""
        assert Timing("rate(1 hour)", "UTC", None, None).following(1000.0, 1000.0, 2.0) == 1120.0


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
