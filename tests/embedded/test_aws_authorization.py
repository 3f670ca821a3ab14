"""Policies that the embedded AWS enforces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded.aws_calls import HOME, Client, Machine, one_state, refusal

if TYPE_CHECKING:
    from meridian.embedded import EmbeddedAws

TABLE = "arn:aws:dynamodb:*:123456789012:table/settled"
UserOf = Callable[..., Client]


@pytest.fixture
def user(client: Client, embedded: EmbeddedAws) -> UserOf:
    """Give ``user(actions, resource, condition)``: clients of a new user who is allowed just that."""

    def make(actions: list[str], resource: str, condition: dict[str, Any] | None = None) -> Client:
        iam, name = client("iam"), f"user-{uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition or {}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def get(service: str, region: str = HOME) -> Any:
            return boto3.client(
                service,  # type: ignore[call-overload]  # the service is a variable
                region_name=region,
                endpoint_url=embedded.endpoint_url,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        return get

    return make


def test_an_action_is_allowed_on_its_resource(user: UserOf, settled: str) -> None:
    """A policy for one table lets its user read that table, in every Region that it names."""
    allowed = user(["dynamodb:GetItem"], TABLE)
    for region in (HOME, "eu-west-1"):
        assert "Item" not in allowed("dynamodb", region).get_item(TableName=settled, Key={"id": {"S": "none"}})


def test_another_action_is_refused(user: UserOf, settled: str) -> None:
    """What a policy does not name is refused, with the action in the message."""
    dynamodb = user(["dynamodb:GetItem"], TABLE)("dynamodb")
    code, message = refusal(dynamodb.scan, TableName=settled)
    assert code == "AccessDeniedException"
    assert "not authorized to perform: dynamodb:Scan" in message


def test_another_resource_is_refused(user: UserOf, table: str) -> None:
    """A policy for one table does not reach another."""
    dynamodb = user(["dynamodb:DescribeTable"], TABLE)("dynamodb")
    assert refusal(dynamodb.describe_table, TableName=table)[0] == "AccessDeniedException"


def test_a_table_named_by_its_arn_is_that_table(client: Client, user: UserOf, settled: str, table: str) -> None:
    """Calls that name the table by ResourceArn are authorized on that table."""
    dynamodb = user(["dynamodb:ListTagsOfResource"], TABLE)("dynamodb")
    arns = [client("dynamodb").describe_table(TableName=name)["Table"]["TableArn"] for name in (settled, table)]
    assert dynamodb.list_tags_of_resource(ResourceArn=arns[0])["Tags"] == []
    assert refusal(dynamodb.list_tags_of_resource, ResourceArn=arns[1])[0] == "AccessDeniedException"


def test_parameters_are_authorized_by_path(user: UserOf) -> None:
    """Reading parameters by path is authorized on that path."""
    ssm = user(["ssm:GetParametersByPath"], "arn:aws:ssm:*:123456789012:parameter/meridian/*")("ssm")
    assert ssm.get_parameters_by_path(Path="/meridian/orders")["Parameters"] == []
    assert refusal(ssm.get_parameters_by_path, Path="/other")[0] == "AccessDeniedException"


def test_starting_an_execution_needs_a_permission(user: UserOf) -> None:
    """Step Functions' own calls are authorized too."""
    states = user(["states:ListStateMachines"], "*")("stepfunctions")
    states.list_state_machines()
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
    assert refusal(states.start_execution, stateMachineArn=arn)[0] == "AccessDeniedException"


def test_an_alias_is_authorized_by_its_machine(client: Client, user: UserOf, machine: Machine) -> None:
    """The ARN in a policy is the state machine's, and the alias is a condition key."""
    arn = machine(one_state(Type="Pass"))
    version = client("stepfunctions").publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    route = [{"stateMachineVersionArn": version, "weight": 100}]
    made = client("stepfunctions").create_state_machine_alias(name="scheduled", routingConfiguration=route)
    alias = made["stateMachineAliasArn"]
    by_arn = user(["states:StartExecution"], alias)("stepfunctions")
    assert refusal(by_arn.start_execution, stateMachineArn=alias)[0] == "AccessDeniedException"
    condition = {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": ["scheduled"]}}
    by_key = user(["states:StartExecution"], arn, condition)("stepfunctions")
    by_key.start_execution(stateMachineArn=alias)
    assert refusal(by_key.start_execution, stateMachineArn=arn)[0] == "AccessDeniedException"


class Case(NamedTuple):
    """A permission, a call that it allows, and one that it does not."""

    action: str
    resource: str
    call: str
    ours: dict[str, Any]
    other: dict[str, Any]


HERE = "us-east-1:123456789012"
CASES = [
    Case(
        "s3:PutObject",
        "arn:aws:s3:::our-objects/executions/*",
        "put_object",
        {"Bucket": "our-objects", "Key": "executions/a"},
        {"Bucket": "our-objects", "Key": "manifests/a"},
    ),
    Case(
        "s3:PutBucketObjectLockConfiguration",
        "arn:aws:s3:::our-objects",
        "put_object_lock_configuration",
        {"Bucket": "our-objects"},
        {"Bucket": "other-objects"},
    ),
    Case(
        "s3:ListBucketVersions",
        "arn:aws:s3:::our-objects",
        "list_object_versions",
        {"Bucket": "our-objects"},
        {"Bucket": "other-objects"},
    ),
    Case(
        "scheduler:GetSchedule",
        "arn:aws:scheduler:*:123456789012:schedule/ours/*",
        "get_schedule",
        {"Name": "validate", "GroupName": "ours"},
        {"Name": "validate", "GroupName": "other"},
    ),
    Case(
        "scheduler:DeleteSchedule",
        "arn:aws:scheduler:*:123456789012:schedule/ours/validate",
        "delete_schedule",
        {"Name": "validate", "GroupName": "ours"},
        {"Name": "validate"},
    ),
    Case(
        "scheduler:GetScheduleGroup",
        "arn:aws:scheduler:*:123456789012:schedule-group/ours",
        "get_schedule_group",
        {"Name": "ours"},
        {"Name": "other"},
    ),
    Case(
        "scheduler:ListTagsForResource",
        "arn:aws:scheduler:*:123456789012:schedule-group/ours",
        "list_tags_for_resource",
        {"ResourceArn": f"arn:aws:scheduler:{HERE}:schedule-group/ours"},
        {"ResourceArn": f"arn:aws:scheduler:{HERE}:schedule-group/other"},
    ),
    Case(
        "states:ListTagsForResource",
        "arn:aws:states:*:123456789012:stateMachine:ours",
        "list_tags_for_resource",
        {"resourceArn": f"arn:aws:states:{HERE}:stateMachine:ours"},
        {"resourceArn": f"arn:aws:states:{HERE}:stateMachine:other"},
    ),
    Case(
        "states:ListExecutions",
        "arn:aws:states:*:123456789012:stateMachine:ours",
        "list_executions",
        {"stateMachineArn": f"arn:aws:states:{HERE}:stateMachine:ours"},
        {"stateMachineArn": f"arn:aws:states:{HERE}:stateMachine:other"},
    ),
    Case(
        "states:DescribeStateMachineForExecution",
        "arn:aws:states:*:123456789012:execution:ours:*",
        "describe_state_machine_for_execution",
        {"executionArn": f"arn:aws:states:{HERE}:execution:ours:1"},
        {"executionArn": f"arn:aws:states:{HERE}:execution:other:1"},
    ),
    Case(
        "sqs:SetQueueAttributes",
        "arn:aws:sqs:*:123456789012:ours",
        "set_queue_attributes",
        {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/ours", "Attributes": {}},
        {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/other", "Attributes": {}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)
def test_a_call_is_authorized_on_what_it_is_for(client: Client, user: UserOf, case: Case) -> None:
    """A permission on one resource reaches it, there or not, and no other."""
    client("s3").create_bucket(Bucket="our-objects")
    service = case.action.partition(":")[0].replace("states", "stepfunctions")
    call = getattr(user([case.action], case.resource)(service), case.call)
    code, message = refusal(call, **case.other)
    assert (code.removesuffix("Exception"), case.action in message) == ("AccessDenied", True)
    try:
        call(**case.ours)
    except ClientError as error:
        assert "AccessDenied" not in error.response["Error"]["Code"]  # noqa: PT017  # it may well be missing
