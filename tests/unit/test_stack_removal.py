"""When the control stack may go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from meridian import removal
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 99, "End": True}}}


@pytest.fixture
def ssm() -> Iterator[SSMClient]:
    with mock_aws():
        yield boto3.client("ssm", region_name="us-east-1")


@pytest.fixture
def states(ssm: SSMClient) -> SFNClient:  # noqa: ARG001  # it keeps moto on
    return boto3.client("stepfunctions", region_name="us-east-1")


@pytest.fixture
def machine(states: SFNClient) -> str:
    role = "arn:aws:iam::123456789012:role/meridian"
    return states.create_state_machine(name="m", definition=json.dumps(WAITING), roleArn=role)["stateMachineArn"]


def record(ssm: SSMClient, name: str) -> None:
    ssm.put_parameter(Name=name, Value="{}", Type="String")


def test_an_unused_stack_may_go(ssm: SSMClient, states: SFNClient, machine: str) -> None:
    """Without a record and without a running execution nothing stands in the way."""
    record(ssm, "/other/orders")
    record(ssm, "/meridianish/orders")
    removal.require_unused(ssm, states, [machine])


def test_a_deployed_table_keeps_the_stack(ssm: SSMClient, states: SFNClient) -> None:
    """Every table is named, with the command that removes it from wherever the caller's own Region is."""
    for name in ("/meridian/orders", "/meridian/orders/us-east-1", "/meridian/my_shop.v2"):
        record(ssm, name)
    with pytest.raises(Refused) as refused:
        removal.require_unused(ssm, states, [])
    assert str(refused.value).startswith("Still deployed from us-east-1: my_shop.v2, orders.")
    assert "deploy.py run cleanup --table orders --confirm orders --region us-east-1`" in str(refused.value)


def test_half_a_record_keeps_the_stack(ssm: SSMClient) -> None:
    """What an interrupted cleanup left is a deployment still."""
    record(ssm, "/meridian/orders/eu-west-1")
    assert removal.deployments(ssm) == ["orders"]


def test_more_records_than_a_page_are_all_seen(ssm: SSMClient) -> None:
    """SSM gives ten at a time."""
    for number in range(25):
        record(ssm, f"/meridian/table-{number:02}")
    assert len(removal.deployments(ssm)) == 25


def test_a_running_execution_keeps_the_stack(ssm: SSMClient, states: SFNClient, machine: str) -> None:
    """A workflow is not cut off in the middle, also before it has recorded anything."""
    states.start_execution(stateMachineArn=machine, name="provision-orders-1")
    with pytest.raises(Refused, match="provision-orders-1"):
        removal.require_unused(ssm, states, [machine])
