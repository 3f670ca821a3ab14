"""Planning, applying and deleting a stack, against CloudFormation's own answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from meridian.stack import Change, ChangeSet, Stack, StackFailed
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/meridian/0c5f"
SET_ID = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/meridian-1/1a2b"
URL = "https://s3.amazonaws.com/bucket/templates/1.json"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
IN_STACK = {"StackName": STACK_ID, "ChangeSetName": SET_ID}
PLANNED = ChangeSet(SET_ID, STACK_ID, creates=True, changes=(Change("Add", "Topic", "AWS::SNS::Topic", ""),))


class Script:
    """What CloudFormation is asked, in this order, and answers. A call that is missing or unforeseen fails the test."""

    def __init__(self) -> None:
        client = boto3.client(
            "cloudformation", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.stub = Stubber(client)
        self.waited: list[float] = []
        self.stack = Stack(client, "meridian", poll_seconds=7, sleep=self.waited.append)

    def status(self, status: str | None, name: str = "meridian", **more: Any) -> Script:
        if status is None:
            message = f"Stack with id {name} does not exist"
            self.stub.add_client_error("describe_stacks", "ValidationError", message, 400)
        else:
            found = {"StackName": "meridian", "StackId": STACK_ID, "CreationTime": NOON, "StackStatus": status, **more}
            self.stub.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": name})
        return self

    def creates_change_set(self, kind: str, parameters: Any = ANY) -> Script:
        expected = {
            "StackName": "meridian",
            "ChangeSetName": ANY,
            "ChangeSetType": kind,
            "TemplateURL": URL,
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM"],
        }
        self.stub.add_response("create_change_set", {"Id": SET_ID, "StackId": STACK_ID}, expected)
        return self

    def change_set(self, status: str, reason: str = "", **more: Any) -> Script:
        answer = {"Status": status, "StatusReason": reason, **more}
        self.stub.add_response("describe_change_set", answer, IN_STACK)
        return self

    def deletes_change_set(self) -> Script:
        self.stub.add_response("delete_change_set", {}, IN_STACK)
        return self

    def deletes_stack(self) -> Script:
        self.stub.add_response("delete_stack", {}, {"StackName": STACK_ID})
        return self

    def executes(self) -> Script:
        self.stub.add_response("execute_change_set", {}, IN_STACK)
        return self

    def events(self, *newest_first: dict[str, Any]) -> Script:
        self.stub.add_response("describe_stack_events", {"StackEvents": list(newest_first)}, {"StackName": STACK_ID})
        return self


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    with script.stub:
        yield script
    script.stub.assert_no_pending_responses()


def event(number: int, logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "StackId": STACK_ID,
        "EventId": str(number),
        "StackName": "meridian",
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::SNS::Topic",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": NOON + timedelta(seconds=number),
    }


def change(action: str, logical_id: str, **more: Any) -> dict[str, Any]:
    one = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": "AWS::SNS::Topic", **more}
    return {"Type": "Resource", "ResourceChange": one}


def test_a_new_stack_is_planned_as_a_creation(script: Script) -> None:
    """Every resource is an Add, and the change set is waited for."""
    script.status(None).creates_change_set("CREATE", [{"ParameterKey": "CodeSha256", "ParameterValue": "ab"}])
    script.change_set("CREATE_PENDING").change_set("CREATE_IN_PROGRESS").change_set("CREATE_COMPLETE")
    script.change_set("CREATE_COMPLETE", Changes=[change("Add", "Topic")])
    assert script.stack.plan(URL, {"CodeSha256": "ab"}) == PLANNED
    assert script.waited == [7, 7]


def test_a_change_says_whether_it_replaces(script: Script) -> None:
    """Replacement comes through as CloudFormation says it."""
    script.status("UPDATE_COMPLETE").creates_change_set("UPDATE").change_set("CREATE_COMPLETE")
    script.change_set("CREATE_COMPLETE", Changes=[change("Modify", "Topic", Replacement="Conditional")])
    planned = script.stack.plan(URL, {})
    assert [one.replacement for one in planned.changes] == ["Conditional"]
    assert not planned.creates


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_change_is_an_empty_plan(script: Script, reason: str) -> None:
    """Both of CloudFormation's sentences are no failure, and the useless change set is removed."""
    script.status("CREATE_COMPLETE").creates_change_set("UPDATE").change_set("FAILED", reason).deletes_change_set()
    assert script.stack.plan(URL, {}).empty


def test_a_wrong_template_fails_with_cloudformations_reason(script: Script) -> None:
    """The reason is passed on, and neither change set nor empty stack is left behind."""
    script.status(None).creates_change_set("CREATE").change_set("FAILED", "Template error: no such thing")
    script.deletes_change_set().deletes_stack()
    with pytest.raises(StackFailed, match=r"Template error: no such thing\. Nothing was changed"):
        script.stack.plan(URL, {})


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_stack_that_holds_nothing_is_made_anew(script: Script, status: str) -> None:
    """What a discarded plan or a failed creation left is deleted before the new plan."""
    script.status(status).status(status).events(event(1, "meridian", status)).deletes_stack()
    script.status("DELETE_COMPLETE", STACK_ID).events(event(1, "meridian", status))
    script.creates_change_set("CREATE").change_set("CREATE_COMPLETE").change_set("CREATE_COMPLETE", Changes=[])
    assert script.stack.plan(URL, {}).creates


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UPDATE_IN_PROGRESS", "Wait until CloudFormation is done"),
        ("DELETE_IN_PROGRESS", "Wait until CloudFormation is done"),
        ("DELETE_FAILED", r"run `deploy\.py down` again"),
        ("ROLLBACK_FAILED", r"Run `deploy\.py down`"),
        ("UPDATE_ROLLBACK_FAILED", "Continue update rollback"),
    ],
)
def test_a_stack_in_no_state_to_change_is_refused(script: Script, status: str, remedy: str) -> None:
    """The refusal names the state and what to do about it."""
    script.status(status)
    with pytest.raises(Refused, match=f"{status}.*{remedy}"):
        script.stack.plan(URL, {})


def test_a_parameter_that_is_not_given_keeps_its_value(script: Script) -> None:
    """An e-mail address that was given once is not forgotten by the next update; one that is no more is not sent."""
    present = [{"ParameterKey": key, "ParameterValue": "old"} for key in ("AlertEmail", "CodeSha256", "LongGone")]
    script.status("UPDATE_COMPLETE", Parameters=present)
    wanted = {"Parameters": [{"ParameterKey": key} for key in ("AlertEmail", "CodeSha256", "New")]}
    script.stub.add_response("get_template_summary", wanted, {"TemplateURL": URL})
    expected = [
        {"ParameterKey": "CodeSha256", "ParameterValue": "new"},
        {"ParameterKey": "AlertEmail", "UsePreviousValue": True},
    ]
    script.creates_change_set("UPDATE", expected).change_set("CREATE_COMPLETE")
    script.change_set("CREATE_COMPLETE", Changes=[change("Modify", "Topic")])
    assert not script.stack.plan(URL, {"CodeSha256": "new"}).empty


def test_a_discarded_plan_for_a_new_stack_leaves_nothing(script: Script) -> None:
    """The stack that CloudFormation made to hold the change set goes with it."""
    script.deletes_change_set().deletes_stack()
    script.stack.discard(PLANNED)


def test_applying_gives_each_event_once_and_oldest_first(script: Script) -> None:
    """Events from before are left out, and a poll gives only what is new."""
    old, new, last = (
        event(1, "meridian", "REVIEW"),
        event(2, "Topic", "CREATE"),
        event(3, "meridian", "CREATE_COMPLETE"),
    )
    script.events(old).executes()
    script.status("CREATE_IN_PROGRESS", STACK_ID).events(new, old)
    script.status("CREATE_COMPLETE", STACK_ID).events(last, new, old)
    assert [one.at for one in script.stack.apply(PLANNED)] == [new["Timestamp"], last["Timestamp"]]
    assert script.waited == [7]


def test_applying_begins_without_being_watched(script: Script) -> None:
    """The change set is executed by the call, not by the first look at its events."""
    script.events().executes()
    script.stack.apply(PLANNED)


def test_a_failed_update_gives_the_first_reason(script: Script) -> None:
    """The service's own words of the first failure, not those of what was cancelled because of it."""
    script.events().executes().status("UPDATE_ROLLBACK_COMPLETE", STACK_ID).events(
        event(5, "meridian", "UPDATE_ROLLBACK_COMPLETE"),
        event(4, "Third", "UPDATE_FAILED", "Later trouble"),
        event(3, "First", "CREATE_FAILED", "Invalid parameter: TopicName (SNS 400)"),
        event(2, "Second", "CREATE_FAILED", "Resource creation cancelled"),
    )
    with pytest.raises(StackFailed) as raised:
        list(script.stack.apply(PLANNED))
    assert str(raised.value) == (
        "First (AWS::SNS::Topic) is CREATE_FAILED: Invalid parameter: TopicName (SNS 400). "
        "All is as it was before. Put it right, then run `deploy.py up` again."
    )


def test_a_stack_that_is_not_there_needs_no_deleting(script: Script) -> None:
    """Deleting twice is harmless."""
    script.status(None)
    assert list(script.stack.delete()) == []


def test_deleting_follows_the_stack_by_its_id(script: Script) -> None:
    """A stack that is gone is found by its id only, and its last events are still given."""
    script.status("CREATE_COMPLETE").events().deletes_stack()
    script.status("DELETE_IN_PROGRESS", STACK_ID).events(event(1, "meridian", "DELETE_IN_PROGRESS"))
    script.status("DELETE_COMPLETE", STACK_ID).events(
        event(2, "meridian", "DELETE_COMPLETE"), event(1, "meridian", "DELETE_IN_PROGRESS")
    )
    assert [one.status for one in script.stack.delete()] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_failed_deletion_says_what_keeps_it(script: Script) -> None:
    """DELETE_FAILED comes with AWS's reason and the remedy."""
    script.status("CREATE_COMPLETE").events().deletes_stack()
    script.status("DELETE_FAILED", STACK_ID).events(event(1, "Topic", "DELETE_FAILED", "Access denied"))
    with pytest.raises(StackFailed, match=r"Access denied\. Put right what keeps it, then run `deploy\.py down`"):
        list(script.stack.delete())


def test_a_stack_that_changes_is_not_deleted(script: Script) -> None:
    """An update under way is not cut off."""
    script.status("UPDATE_IN_PROGRESS")
    with pytest.raises(Refused, match="UPDATE_IN_PROGRESS"):
        script.stack.delete()


def test_other_errors_of_aws_are_not_hidden(script: Script) -> None:
    """A denied call is not taken for a missing stack."""
    script.stub.add_client_error("describe_stacks", "AccessDenied", "not authorized", 403)
    with pytest.raises(script.stack._cloudformation.exceptions.ClientError, match="not authorized"):
        _ = script.stack.status


def test_without_a_stack_there_is_nothing_in_it(script: Script) -> None:
    """Outputs and resources of a stack that is not there are none, not an error."""
    script.status(None).status(None)
    assert script.stack.outputs == {}
    assert script.stack.resources("AWS::SNS::Topic") == []


def test_outputs_come_by_key(script: Script) -> None:
    """What the stack gives out is a dictionary."""
    script.status("CREATE_COMPLETE", Outputs=[{"OutputKey": "TopicArn", "OutputValue": "arn"}])
    assert script.stack.outputs == {"TopicArn": "arn"}


def test_resources_are_those_of_one_type(script: Script) -> None:
    """Physical ids of the type that was asked for, and only of what exists."""
    found = [
        ("Topic", "AWS::SNS::Topic", "arn"),
        ("Other", "AWS::IAM::Role", "role"),
        ("Later", "AWS::SNS::Topic", None),
    ]
    summaries = [
        {
            "LogicalResourceId": logical_id,
            "ResourceType": kind,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": NOON,
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
        }
        for logical_id, kind, physical_id in found
    ]
    script.status("CREATE_COMPLETE")
    script.stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries}, {"StackName": "meridian"})
    assert script.stack.resources("AWS::SNS::Topic") == ["arn"]
