"""Clients: one a service and Region, time limits that end before Lambda's, and a note of what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tasks.shared import clients
from tasks.shared.clients import Clients
from tests.unit.tasks.fakes import Answer, StubbedClients
from workflows.blocks import function

TASKS = Path(clients.__file__).parents[1]
OWNER = "eu-west-1:123456789012"
DYNAMODB, KINESIS, LAMBDA = (f"arn:aws:{service}:{OWNER}" for service in ("dynamodb", "kinesis", "lambda"))
STACK = f"arn:aws:cloudformation:{OWNER}:stack"
ON_DEMAND = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
DELETE = {"DeleteRequest": {"Key": {"id": {"S": "MARKED"}}}}
STATES = sorted("".join(word.title() for word in path.stem.split("_")) for path in TASKS.glob("[!_]*.py"))
CALLERS = [state for state in STATES if function(state).permissions]


@pytest.fixture
def aws() -> StubbedClients:
    return StubbedClients()


def test_one_client_a_service_and_region() -> None:
    """The same client is given again; another Region or service gets its own."""
    aws = Clients()
    assert aws.dynamodb("eu-west-1") is aws.dynamodb("eu-west-1")
    assert aws.dynamodb("eu-west-1") is not aws.dynamodb("us-east-1")
    assert aws.dynamodb("eu-west-1").meta.region_name == "eu-west-1"


@pytest.mark.parametrize("service", ["dynamodb", "ec2", "kinesis", "s3", "ssm", "sts"])
def test_each_service_has_its_own_method(service: str) -> None:
    """The method that is named after a service gives that service's client in the Region asked for."""
    meta = getattr(Clients(), service)("ap-southeast-1").meta
    assert (meta.service_model.service_name, meta.region_name) == (service, "ap-southeast-1")


@pytest.mark.parametrize("state", CALLERS)
def test_a_call_that_hangs_ends_before_the_function_does(state: str) -> None:
    """With every attempt used up, the last error still reaches Step Functions under its own name."""
    config: Any = Clients().dynamodb("eu-west-1").meta.config
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2**attempt for attempt in range(attempts - 1))  # standard mode: at most 1 s, 2 s, 4 s ...
    assert attempts * (config.connect_timeout + config.read_timeout) + pauses < function(state).timeout_seconds


class TestChanges:
    def test_are_noted_with_their_request_id_and_region(self, aws: StubbedClients) -> None:
        """A call that changed something is noted with what AWS support asks for."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table"))
        aws.dynamodb("eu-west-1").update_table(TableName="orders")
        assert aws.changes == [
            {
                "operation": "UpdateTable",
                "region": "eu-west-1",
                "request_id": "request-update_table",
                "resource": "orders",
            }
        ]

    @pytest.mark.parametrize(
        ("service", "method", "params", "resource"),
        [
            ("dynamodb", "put_item", {"TableName": "orders", "Item": {"id": {"S": "MARKED"}}}, "orders"),
            ("dynamodb", "tag_resource", {"ResourceArn": f"{DYNAMODB}:table/orders", "Tags": []}, "orders"),
            (
                "dynamodb",
                "batch_write_item",
                {"RequestItems": {"orders": [DELETE], "carts": [DELETE]}},
                "carts, orders",
            ),
            ("kinesis", "update_stream_mode", {"StreamARN": f"{KINESIS}:stream/shop", **ON_DEMAND}, "shop"),
            ("cloudformation", "delete_stack", {"StackName": f"{STACK}/meridian-a/1f2e"}, "meridian-a"),
            ("lambda", "invoke", {"FunctionName": f"{LAMBDA}:function:changes:3"}, "changes"),
            ("s3", "put_object", {"Bucket": "archive", "Key": "MARKED"}, "archive"),
            ("sqs", "delete_message", {"QueueUrl": "https://sqs/123456789012/late", "ReceiptHandle": "MARKED"}, "late"),
            ("scheduler", "delete_schedule", {"Name": "validate", "GroupName": "orders"}, "validate"),
            ("cloudwatch", "delete_alarms", {"AlarmNames": ["a", "b"]}, "a, b"),
            ("cloudwatch", "put_metric_data", {"Namespace": "Shop", "MetricData": []}, "Shop"),
            ("ssm", "put_parameter", {"Name": "/meridian/orders", "Value": "MARKED"}, "/meridian/orders"),
            ("events", "put_events", {"Entries": [{"Detail": "MARKED"}]}, ""),
        ],
    )
    def test_name_what_was_changed(
        self, aws: StubbedClients, service: str, method: str, params: Any, resource: str
    ) -> None:
        """The table, stream, stack, bucket or queue is named; an item, a value or an object's key never is."""
        aws.will(Answer(service, "eu-west-1", method))
        getattr(aws.client(service, "eu-west-1"), method)(**params)
        assert [change["resource"] for change in aws.changes] == [resource]

    @pytest.mark.parametrize(
        ("method", "params", "response"),
        [
            ("describe_table", {"TableName": "orders"}, {}),
            ("batch_get_item", {"RequestItems": {"orders": {"Keys": [{"id": {"S": "1"}}]}}}, {}),
            ("list_tags_of_resource", {"ResourceArn": "arn:aws:dynamodb:eu-west-1:1:table/orders"}, {}),
            ("get_item", {"TableName": "orders", "Key": {"id": {"S": "1"}}}, {}),
        ],
    )
    def test_do_not_hold_what_was_only_read(self, aws: StubbedClients, method: str, params: Any, response: Any) -> None:
        """A read is no change."""
        aws.will(Answer("dynamodb", "eu-west-1", method, response))
        getattr(aws.dynamodb("eu-west-1"), method)(**params)
        assert aws.changes == []

    def test_do_not_hold_what_aws_refused(self, aws: StubbedClients) -> None:
        """A refused call changed nothing."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table", error=("ResourceInUseException", "busy")))
        with pytest.raises(ClientError):
            aws.dynamodb("eu-west-1").update_table(TableName="orders")
        assert aws.changes == []


def test_an_error_knows_the_region_it_came_from(aws: StubbedClients) -> None:
    """The Region that was asked goes with the error, for its message."""
    aws.will(Answer("dynamodb", "eu-west-1", "describe_table", error=("AccessDeniedException", "no")))
    with pytest.raises(ClientError) as raised:
        aws.dynamodb("eu-west-1").describe_table(TableName="orders")
    metadata: Any = raised.value.response["ResponseMetadata"]
    assert metadata["Region"] == "eu-west-1"
