"""Policies that the embedded AWS enforces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest

from tests.embedded.aws_calls import HOME, Client, refusal

if TYPE_CHECKING:
    from meridian.embedded import EmbeddedAws

TABLE = "arn:aws:dynamodb:*:123456789012:table/settled"
UserOf = Callable[..., Client]


@pytest.fixture
def user(client: Client, embedded: EmbeddedAws) -> UserOf:
    """Give ``user(actions, resource)``: clients of a new user who is allowed just that."""

    def make(actions: list[str], resource: str) -> Client:
        iam, name = client("iam"), f"user-{uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
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
