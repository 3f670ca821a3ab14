"""The region stack on the embedded AWS, by the tasks that order it: made, changed in place, rolled back, removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meridian import bundle
from tasks.create_failure_bucket import create_failure_bucket
from tasks.create_table import create_table
from tasks.delete_failure_bucket import delete_failure_bucket
from tasks.delete_processors import delete_processors
from tasks.deploy_processors import deploy_processors
from tasks.describe_stack import describe_stack
from tasks.shared import names
from tasks.shared.clients import Clients
from tasks.shared.errors import StackFailed
from tasks.shared.request import complete
from tasks.shared.waiting import now, timestamp
from tasks.stage_code import stage_code
from tasks.unstage_code import unstage_code
from tests.embedded.aws_calls import make_role, until
from tests.embedded.product import new_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.shared.task import Task
    from tests.embedded.aws_calls import Client

ACCOUNT, REGION, ARTIFACTS = "123456789012", "eu-west-2", "region-stack-artifacts"
# Mappings first, then the functions they call, then the roles that the functions have.
ORDER = ("ChangesMapping", "ChangesFunction", "ChangesRole")


class Region:
    """One table's processors in one Region, by its tasks."""

    def __init__(self, client: Client) -> None:
        self.client, self.table = client, new_table()
        self.name = names.region_stack(self.table)
        self.aws = Clients()
        self.aws.make = client  # type: ignore[method-assign]  # the embedded AWS's
        self.request: Any = complete(
            {
                "table": self.table,
                "regions": [REGION],
                "attribute_definitions": {"id": "S"},
                "key_schema": {"id": "HASH"},
                "processors": {"changes": {"rules": []}},
                "alarms": {},
            }
        )

    def run(self, task: Task[Any, Any], **more: Any) -> dict[str, Any]:
        """Run a task until it is not BUSY."""
        given = {"table": self.table, "home": REGION, "region": REGION, "request": self.request, **more}
        loop = {"began": timestamp(now()), "deadline_seconds": 60, "poll_seconds": 1, "execution": {"Id": "1"}}
        reply: dict[str, Any] = {}

        def looked() -> bool:
            reply.update(task.run({**given, **loop}, self.aws))
            return reply.get("status") == "BUSY"

        until(looked, wanted=False, seconds=30)
        return reply

    def deploy(self, **other: str) -> dict[str, Any]:
        staged = self.run(stage_code)
        self.run(create_failure_bucket)
        return self.run(deploy_processors, **{**staged, **other})

    def complete(self, deployed: dict[str, Any]) -> dict[str, Any]:
        return self.run(describe_stack, wanted=deployed["revision"])

    def mapping(self) -> dict[str, Any]:
        function = names.processor_function(self.table, "changes")
        (found,) = self.client("lambda", REGION).list_event_source_mappings(FunctionName=function)[
            "EventSourceMappings"
        ]
        return dict(found)

    def stack(self) -> dict[str, Any]:
        return dict(self.client("cloudformation", REGION).describe_stacks(StackName=self.name)["Stacks"][0])

    def outputs(self) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.stack()["Outputs"]}


@pytest.fixture(scope="module")
def prepared(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A Region with a table, and what the control stack has for it."""
    code = bundle.build(tmp_path_factory.mktemp("zip") / "code.zip")
    s3, everything = client("s3", REGION), {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=ARTIFACTS, Key=code.key, Body=code.path.read_bytes())
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "ACCOUNT_ID": ACCOUNT,
            "ARTIFACT_BUCKET": ARTIFACTS,
            "CODE_SHA256": code.sha256,
            "LOG_RETENTION_DAYS": "30",
            "PROCESSOR_BOUNDARY_ARN": client("iam").create_policy(
                PolicyName="region-stack-boundary", PolicyDocument=policy
            )["Policy"]["Arn"],
            "REGION_STACK_ROLE_ARN": make_role(client, "cloudformation", "*"),
            "AWS_REGION": REGION,
        }.items():
            environment.setenv(name, value)
        made = Region(client)
        made.run(create_table)
        until(lambda: client("dynamodb", REGION).describe_table(TableName=made.table)["Table"]["TableStatus"], "ACTIVE")
        yield made


@pytest.fixture
def region(prepared: Region) -> Region:
    """The Region with its stack, whatever another test has done to it."""
    prepared.complete(prepared.deploy())
    return prepared


def test_a_new_rule_reaches_a_stack_in_place(region: Region) -> None:
    """Another request is another configuration and revision; the mapping that reads stays the same one."""
    before, mapping = region.outputs(), region.mapping()
    region.request["processors"]["changes"]["event_source_mapping"]["batch_size"] = 7
    region.request["processors"]["changes"]["event_source_mapping"]["starting_position"] = "LATEST"
    deployed = region.deploy()
    assert region.complete(deployed)["detail"] == "UPDATE_COMPLETE"
    assert region.mapping()["BatchSize"] == 7
    assert region.mapping()["UUID"] == mapping["UUID"]
    assert region.mapping()["StartingPosition"] == "TRIM_HORIZON"
    assert region.outputs()["Revision"] == deployed["revision"] != before["Revision"]
    assert region.outputs()["ConfigSha256"] != before["ConfigSha256"]


def test_a_stack_that_is_as_wanted_is_left_alone(region: Region) -> None:
    """The same request again orders nothing."""
    before = region.stack()
    assert region.deploy()["detail"] == before["StackStatus"]
    assert region.stack() == before


def test_an_update_that_fails_leaves_what_ran_and_says_why(region: Region) -> None:
    """CloudFormation rolls back, the error has the resource and the reason, and the next try goes through."""
    before = region.outputs()
    failing = region.deploy(code_key="no/such.zip")
    with pytest.raises(StackFailed, match=r"ChangesFunction .* is UPDATE_FAILED: .*NoSuchKey.* run on as they did"):
        region.complete(failing)
    assert region.outputs() == before
    assert region.complete(region.deploy())["status"] == "READY"


def test_the_stack_goes_mappings_first(region: Region) -> None:
    """And with it its code; what the processors gave up on stays until somebody says so."""
    failures = names.failure_bucket(region.table, ACCOUNT, REGION)
    region.client("s3", REGION).put_object(Bucket=failures, Key="aws/lambda/1", Body=b"{}")
    cloudformation, stack = region.client("cloudformation", REGION), region.stack()["StackId"]
    region.run(delete_processors)
    assert region.run(describe_stack, wanted="GONE")["detail"] == "GONE"
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"][::-1]
    gone = [one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "DELETE_COMPLETE"]
    assert [name for name in gone if name in ORDER] == list(ORDER)
    region.run(unstage_code)
    buckets = {one["Name"] for one in region.client("s3", REGION).list_buckets()["Buckets"]}
    assert names.code_bucket(ACCOUNT, REGION) not in buckets
    assert region.run(delete_failure_bucket, failures="")["kept"] == 1
    assert region.run(delete_failure_bucket, failures="delete")["kept"] == 0
