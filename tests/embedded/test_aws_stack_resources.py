"""Types of resources in stacks of the embedded AWS that MiniStack lacks or makes by halves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import Client, make_role, refusal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

Resources = dict[str, dict[str, Any]]


@pytest.fixture
def stack(client: Client) -> Iterator[str]:
    """Name of a stack that goes after the test, if the test made it."""
    name = f"stack-{uuid4().hex[:8]}"
    yield name
    client("cloudformation").delete_stack(StackName=name)


def apply(client: Client, name: str, resources: Resources) -> dict[str, str]:
    """Make or update a stack to its end, and give the physical ids of its resources."""
    cloudformation = client("cloudformation")
    body = json.dumps({"Resources": resources})
    if stack_status(client, name) == "GONE":
        cloudformation.create_stack(StackName=name, TemplateBody=body, OnFailure="DO_NOTHING")
        wanted = "CREATE_COMPLETE"
    else:
        cloudformation.update_stack(StackName=name, TemplateBody=body)
        wanted = "UPDATE_COMPLETE"
    until(lambda: stack_status(client, name), wanted)
    found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def stack_status(client: Client, name: str) -> str:
    cloudformation = client("cloudformation")
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except cloudformation.exceptions.ClientError:
        return "GONE"


def scheduled(role: str, **more: Any) -> Resources:
    """A schedule in a group that starts nothing soon, with a dead-letter queue; numbers are text, as parameters are."""
    target = {
        "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:any",
        "RoleArn": role,
        "Input": "{}",
        "RetryPolicy": {"MaximumRetryAttempts": "2", "MaximumEventAgeInSeconds": "900"},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}},
    }
    properties = {
        "GroupName": {"Ref": "Group"},
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    return {
        "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Tags": [{"Key": "a", "Value": "1"}]}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1_209_600}},
        "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": properties | more},
    }


@pytest.fixture(scope="session")
def role(client: Client) -> str:
    """ARN of a role that the Scheduler assumes."""
    return make_role(client, "scheduler")


class TestSchedule:
    def test_is_made_changed_and_deleted(self, client: Client, stack: str, role: str) -> None:
        """A schedule has all its properties, loses those that the template drops, and goes with its stack."""
        scheduler = client("scheduler")
        made = apply(client, stack, scheduled(role, Description="Every night", State="DISABLED"))
        at = {"Name": made["Schedule"], "GroupName": made["Group"]}
        found = scheduler.get_schedule(**at)
        assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert (found["State"], found["Description"]) == ("DISABLED", "Every night")
        assert found["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 900}
        queue = found["Target"]["DeadLetterConfig"]["Arn"].rpartition(":")[2]
        assert made["Queue"].endswith(f"/{queue}")
        client("sqs").get_queue_url(QueueName=queue)
        tags = scheduler.list_tags_for_resource(ResourceArn=scheduler.get_schedule_group(Name=made["Group"])["Arn"])
        assert {"Key": "a", "Value": "1"} in tags["Tags"]

        assert apply(client, stack, scheduled(role, ScheduleExpression="rate(1 day)")) == made
        changed = scheduler.get_schedule(**at)
        assert (changed["ScheduleExpression"], changed["State"]) == ("rate(1 day)", "ENABLED")
        assert "Description" not in changed

        client("cloudformation").delete_stack(StackName=stack)
        until(lambda: stack_status(client, stack), "GONE")
        assert refusal(scheduler.get_schedule_group, Name=made["Group"])[0] == "ResourceNotFoundException"
        assert "NonExistentQueue" in refusal(client("sqs").get_queue_url, QueueName=queue)[0]

    def test_of_another_name_is_another(self, client: Client, stack: str, role: str) -> None:
        """A name is for ever: another one makes a new schedule and deletes the old."""
        scheduler = client("scheduler")
        group = apply(client, stack, scheduled(role, Name="old"))["Group"]
        assert apply(client, stack, scheduled(role, Name="new"))["Schedule"] == "new"
        found = scheduler.list_schedules(GroupName=group)["Schedules"]
        assert [one["Name"] for one in found] == ["new"]

    def test_that_the_api_refuses_fails(self, client: Client, stack: str, role: str) -> None:
        """What the API refuses is the reason of the failed resource."""
        resources = scheduled(role, ScheduleExpression="rate(0 minutes)")
        client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
        until(lambda: stack_status(client, stack), "ROLLBACK_COMPLETE")
        events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        assert any("Invalid Schedule Expression rate(0 minutes)" in reason for reason in reasons)


class TestQueryDefinition:
    def test_is_made_changed_and_deleted(self, client: Client, stack: str) -> None:
        """A saved query has its name, text and log groups, keeps its id, and goes with its stack."""
        logs, name = client("logs"), f"meridian/{stack}"

        def resources(text: str) -> Resources:
            properties = {"Name": name, "QueryString": text, "LogGroupNames": ["/aws/lambda/a"]}
            return {"Query": {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}}

        def saved() -> list[dict[str, Any]]:
            return list(logs.describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"])

        made = apply(client, stack, resources("fields @message"))
        [found] = saved()
        assert (found["queryDefinitionId"], found["name"]) == (made["Query"], name)
        assert (found["queryString"], found["logGroupNames"]) == ("fields @message", ["/aws/lambda/a"])
        assert apply(client, stack, resources("fields @timestamp")) == made
        assert [one["queryString"] for one in saved()] == ["fields @timestamp"]
        client("cloudformation").delete_stack(StackName=stack)
        until(lambda: stack_status(client, stack), "GONE")
        assert saved() == []

    def test_is_put_and_deleted(self, client: Client) -> None:
        """The API saves, changes and deletes a query, and refuses one that is not there."""
        logs = client("logs")
        one = logs.put_query_definition(name="mine", queryString="fields @message")["queryDefinitionId"]
        again = logs.put_query_definition(name="mine", queryString="limit 1", queryDefinitionId=one)
        assert again["queryDefinitionId"] == one
        assert logs.delete_query_definition(queryDefinitionId=one)["success"] is True
        missing = refusal(logs.delete_query_definition, queryDefinitionId=one)[0]
        assert missing == "ResourceNotFoundException"
