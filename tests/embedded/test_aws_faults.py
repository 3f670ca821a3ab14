"""Faults on demand, and Regions that are switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from meridian.embedded import EmbeddedFailed
from tests.embedded.aws_calls import HOME, Client, Function, Run, one_state, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.embedded import EmbeddedAws

CALLS: dict[str, dict[str, Any]] = {
    "cloudformation:DescribeStacks": {"service": "cloudformation", "call": "describe_stacks"},
    "dynamodb:DescribeTable": {"service": "dynamodb", "call": "describe_table", "TableName": "any"},
    "ec2:DescribeRegions": {"service": "ec2", "call": "describe_regions"},
    "kinesis:DescribeStreamSummary": {
        "service": "kinesis",
        "call": "describe_stream_summary",
        "StreamName": "any",
    },
    "lambda:Invoke": {"service": "lambda", "call": "invoke", "FunctionName": "any"},
    "logs:DescribeLogGroups": {"service": "logs", "call": "describe_log_groups"},
    "s3:ListBuckets": {"service": "s3", "call": "list_buckets"},
    "scheduler:ListSchedules": {"service": "scheduler", "call": "list_schedules"},
    "sns:ListTopics": {"service": "sns", "call": "list_topics"},
    "ssm:GetParameter": {"service": "ssm", "call": "get_parameter", "Name": "any"},
    "states:ListStateMachines": {"service": "stepfunctions", "call": "list_state_machines"},
    "sts:GetCallerIdentity": {"service": "sts", "call": "get_caller_identity"},
}


@pytest.fixture(autouse=True)
def no_fault_stays(embedded: EmbeddedAws) -> Iterator[None]:
    yield
    embedded.clear_faults()


def call(client: Client, operation: str, region: str = HOME) -> Any:
    given = dict(CALLS[operation])
    return getattr(client(given.pop("service"), region), given.pop("call"))(**given)


@pytest.mark.parametrize("operation", CALLS)
def test_any_operation_can_be_made_to_fail(client: Client, embedded: EmbeddedAws, operation: str) -> None:
    """A fault answers the next call of its operation with its code and message, in the service's protocol."""
    embedded.fail(operation, HOME, "OwnException", "not <now>")
    assert refusal(call, client, operation) == ("OwnException", "not <now>")


@pytest.mark.parametrize(
    ("operation", "method", "given"),
    [
        ("DeleteObjects", "delete_objects", {"Delete": {"Objects": [{"Key": "a"}]}}),
        ("GetObjectLockConfiguration", "get_object_lock_configuration", {}),
        ("GetPublicAccessBlock", "get_public_access_block", {}),
        ("ListObjectVersions", "list_object_versions", {}),
        ("ListObjectsV2", "list_objects_v2", {}),
        ("PutBucketEncryption", "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": []}}),
        ("PutObjectLockConfiguration", "put_object_lock_configuration", {}),
        ("PutPublicAccessBlock", "put_public_access_block", {"PublicAccessBlockConfiguration": {}}),
    ],
)
def test_an_operation_of_s3_fails_by_its_own_name(
    client: Client, embedded: EmbeddedAws, operation: str, method: str, given: dict[str, Any]
) -> None:
    """Operations whose IAM action is named otherwise are met too."""
    client("s3").create_bucket(Bucket="faulty-bucket")
    embedded.fail(f"s3:{operation}", HOME, "SlowDown", "not now")
    code, _ = refusal(getattr(client("s3"), method), Bucket="faulty-bucket", **given)
    assert code == "SlowDown"


def test_a_fault_ends_after_its_times(client: Client, embedded: EmbeddedAws) -> None:
    """A fault meets as many calls as it was made for, then the service answers again."""
    embedded.fail("sns:ListTopics", HOME, "OwnException", "no", times=2)
    assert [refusal(call, client, "sns:ListTopics")[0] for _ in range(2)] == ["OwnException"] * 2
    assert "Topics" in call(client, "sns:ListTopics")


def test_a_fault_stays_in_its_region(client: Client, embedded: EmbeddedAws) -> None:
    """A fault of one Region leaves the others alone; * is every Region."""
    embedded.fail("sns:ListTopics", "eu-west-1", "OwnException", "no")
    assert "Topics" in call(client, "sns:ListTopics")
    assert refusal(call, client, "sns:ListTopics", "eu-west-1")[0] == "OwnException"
    embedded.fail("sns:ListTopics", "*", "OwnException", "no")
    assert refusal(call, client, "sns:ListTopics", "eu-central-1")[0] == "OwnException"


def test_a_fault_leaves_other_operations_alone(client: Client, embedded: EmbeddedAws) -> None:
    """Only the named operation fails."""
    embedded.fail("dynamodb:UpdateTable", HOME, "OwnException", "no")
    assert "TableNames" in client("dynamodb").list_tables()


def test_a_fault_has_its_status(client: Client, embedded: EmbeddedAws) -> None:
    """A fault comes with the HTTP status that AWS gives to its code."""
    client("s3").create_bucket(Bucket="slow-bucket")
    embedded.fail("s3:PutObject", HOME, "SlowDown", "Reduce your request rate.")
    with pytest.raises(ClientError) as caught:
        client("s3").put_object(Bucket="slow-bucket", Key="a", Body=b"a")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_a_fault_meets_the_interpreter_too(run: Run, function: Function, embedded: EmbeddedAws) -> None:
    """A state machine's call of its function can be made to fail, under the name Step Functions gives it."""
    arn = function("echo")
    embedded.fail("lambda:Invoke", HOME, "TooManyRequestsException", "Rate exceeded")
    ended = run(one_state(Resource=arn))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.TooManyRequestsException")
    embedded.fail("lambda:Invoke", HOME, "ServiceException", "An error occurred")
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    assert run(one_state(Resource=arn, Retry=retry))["status"] == "SUCCEEDED"


def test_a_wrong_fault_is_refused(embedded: EmbeddedAws) -> None:
    """A fault that names no service is refused with a sentence."""
    with pytest.raises(EmbeddedFailed, match="is not service:Operation"):
        embedded.fail("UpdateTable", HOME, "OwnException", "no")


def test_regions_are_on_or_off_as_on_aws(client: Client) -> None:
    """DescribeRegions gives the enabled Regions, and with AllRegions those that need an opt-in."""
    ec2 = client("ec2")
    enabled = {each["RegionName"]: each["OptInStatus"] for each in ec2.describe_regions()["Regions"]}
    everything = {each["RegionName"]: each["OptInStatus"] for each in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert enabled["us-east-1"] == enabled["ap-southeast-1"] == "opt-in-not-required"
    assert "me-south-1" not in enabled
    assert everything["me-south-1"] == "not-opted-in"
    assert len(everything) > 25


def test_a_region_that_is_off_refuses_calls(client: Client) -> None:
    """A call in a Region that the account has not enabled is refused."""
    code, message = refusal(client("dynamodb", "me-south-1").list_tables)
    assert code == "UnrecognizedClientException"
    assert message == "The security token included in the request is invalid."
