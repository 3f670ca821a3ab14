"""Mappings and what goes with them in a stack of another Region: made, changed in place, rolled back, deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import Client, make_table, refusal, status, until, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.embedded import EmbeddedAws

AWAY = "eu-west-1"
READING = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"]
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Stream": {"Type": "String"},
        "Bucket": {"Type": "String"},
        "Boundary": {"Type": "String"},
        "BatchSize": {"Type": "Number", "Default": 10},
        "Filtered": {"Type": "String", "Default": "yes"},
    },
    "Conditions": {"IsFiltered": {"Fn::Equals": [{"Ref": "Filtered"}, "yes"]}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "PermissionsBoundary": {"Ref": "Boundary"},
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    },
                },
                "Policies": [
                    {
                        "PolicyName": "reading",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": {
                                "Effect": "Allow",
                                "Action": [f"dynamodb:{action}" for action in READING],
                                "Resource": "*",
                            },
                        },
                    }
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "code.handle",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": {"Ref": "Bucket"}, "S3Key": "code.zip"},
            },
        },
        "Seen": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Ref": "Stream"},
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": {"Ref": "BatchSize"},
                "MaximumRetryAttempts": 3,
                "BisectBatchOnFunctionError": "true",
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "MetricsConfig": {"Metrics": ["EventCount"]},
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::Sub": "arn:aws:s3:::${Bucket}"}}},
                "FilterCriteria": {
                    "Fn::If": [
                        "IsFiltered",
                        {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
                        {"Ref": "AWS::NoValue"},
                    ]
                },
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Function", "Mapping", "Role", "Seen")},
}


class Stack:
    def __init__(self, client: Client, parameters: dict[str, str]) -> None:
        self.client, self.parameters = client, parameters
        self.name = f"stack-{uuid4().hex[:8]}"
        self._calls = client("cloudformation", AWAY)

    def ask(self, call: str, **changes: Any) -> None:
        given = self.parameters | {name: str(value) for name, value in changes.items()}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        getattr(self._calls, call)(StackName=self.name, Parameters=parameters, Capabilities=["CAPABILITY_IAM"],
                                   TemplateURL="https://templates.s3.eu-west-1.amazonaws.com/region.json")  # fmt: skip

    def run(self, call: str, **changes: Any) -> str:
        """Status in which a create or an update ends."""
        self.ask(call, **changes)
        assert self.description["StackStatus"].endswith("_IN_PROGRESS")
        until(lambda: self.description["StackStatus"].endswith("_IN_PROGRESS"), False, 10)
        return str(self.description["StackStatus"])

    def delete(self) -> None:
        self._calls.delete_stack(StackName=self.name)
        until(lambda: self.description["StackStatus"], "GONE")

    @property
    def description(self) -> dict[str, Any]:
        try:
            return dict(self._calls.describe_stacks(StackName=self.name)["Stacks"][0])
        except self._calls.exceptions.ClientError:
            return {"StackStatus": "GONE"}

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.description["Outputs"]}

    def failures(self) -> list[str]:
        events = self._calls.describe_stack_events(StackName=self.name)["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]


@pytest.fixture(scope="module")
def parameters(client: Client) -> dict[str, str]:
    table = f"table-{uuid4().hex[:8]}"
    streaming = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    make_table(client, table, AWAY, StreamSpecification=streaming)
    s3 = client("s3", AWAY)
    for bucket in ("region-code", "templates"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": AWAY})
    s3.put_object(
        Bucket="region-code", Key="code.zip", Body=zipped(code="def handle(event, context):\n    print('SEEN')")
    )
    s3.put_object(Bucket="templates", Key="region.json", Body=json.dumps(TEMPLATE).encode())
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}}
    boundary = client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    until(lambda: status(client, table, AWAY), "ACTIVE")
    stream = client("dynamodb", AWAY).describe_table(TableName=table)["Table"]["LatestStreamArn"]
    client("dynamodb", AWAY).put_item(TableName=table, Item={"id": {"S": "a"}})
    return {"Stream": stream, "Bucket": "region-code", "Boundary": boundary}


@pytest.fixture
def stack(client: Client, parameters: dict[str, str], embedded: EmbeddedAws) -> Iterator[Stack]:
    stack = Stack(client, parameters)
    yield stack
    embedded.clear_faults()
    stack.delete()


def test_a_stack_makes_a_mapping_that_delivers_and_changes_in_place(client: Client, stack: Stack) -> None:
    """Every property reaches the mapping; other parameters change it in place; it goes with its stack."""
    assert stack.run("create_stack") == "CREATE_COMPLETE"
    outputs = stack.outputs
    look = client("lambda", AWAY).get_event_source_mapping
    made = look(UUID=outputs["Mapping"])
    assert (made["State"], made["BatchSize"], made["MaximumRetryAttempts"]) == ("Enabled", 10, 3)
    assert made["BisectBatchOnFunctionError"] is True
    assert made["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert made["DestinationConfig"] == {"OnFailure": {"Destination": "arn:aws:s3:::region-code"}}
    assert made["FilterCriteria"] == {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]}
    until(lambda: look(UUID=outputs["Mapping"])["LastProcessingResult"], "OK", 15)
    assert refusal(stack.ask, "update_stack")[1] == "No updates are to be performed."
    assert stack.run("update_stack", BatchSize=7, Filtered="no") == "UPDATE_COMPLETE"
    changed = look(UUID=outputs["Mapping"])
    assert (changed["BatchSize"], changed["MaximumRetryAttempts"], "FilterCriteria" in changed) == (7, 3, False)
    stack.delete()
    assert refusal(look, UUID=outputs["Mapping"])[0] == "ResourceNotFoundException"


def test_a_stack_keeps_a_boundary_and_a_time_to_live(client: Client, stack: Stack) -> None:
    """A role gets its permissions boundary, and a table its time to live."""
    stack.run("create_stack")
    role = client("iam").get_role(RoleName=stack.outputs["Role"])["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == stack.parameters["Boundary"]
    expiry = client("dynamodb", AWAY).describe_time_to_live(TableName=stack.outputs["Seen"])["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_a_resource_can_be_made_to_fail(stack: Stack, embedded: EmbeddedAws) -> None:
    """A fault on a type of resource rolls the stack back, and its event says why; a new try succeeds."""
    embedded.fail("AWS::SQS::Queue", AWAY, "ServiceLimitExceeded", "There are too many queues.")
    assert stack.run("create_stack") == "ROLLBACK_COMPLETE"
    [reason] = stack.failures()
    assert '"There are too many queues."' in reason
    assert "HandlerErrorCode: ServiceLimitExceeded" in reason
    stack.delete()
    assert stack.run("create_stack") == "CREATE_COMPLETE"
