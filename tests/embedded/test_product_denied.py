"""Whatever task is denied its rights, the workflow ends there, says so, and is finished by starting it again."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from meridian.template import camel, tasks
from tasks.shared import names
from tests.embedded.product import HASTE, Product, new_table, request

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME, OTHER = "us-east-1", "eu-west-1"

# Every task that asks AWS for anything, in the order in which it first runs.
PROVISION_TASKS = (
    "ValidateRequest",
    "CompareDeployment",
    "RecordDeployment",
    "CreateTable",
    "DescribeTable",
    "ProtectTable",
    "CreateDestinationTable",
    "LoadDeployment",
    "CheckAddition",
    "RecordRegion",
    "AddReplica",
    "CreateStream",
    "DescribeStream",
    "ConfigureStream",
    "EnableStreaming",
    "DescribeDestination",
    "StageCode",
    "CreateFailureBucket",
    "DeployProcessors",
    "DescribeStack",
    "PublishDashboard",
    "CreateSchedule",
    "WriteProbes",
    "ReadProbes",
    "ReadRecords",
    "ReadMetrics",
    "ReadEvents",
    "PublishValidation",
)
CLEANUP_TASKS = (
    "LoadDeployment",
    "ConfirmCleanup",
    "DeleteSchedule",
    "CheckRemoval",
    "DeleteProcessors",
    "DescribeStack",
    "UnstageCode",
    "DeleteFailureBucket",
    "DisableStreaming",
    "DescribeDestination",
    "DeleteStream",
    "DescribeStream",
    "RemoveReplica",
    "DescribeTable",
    "ForgetRegion",
    "DeleteDestinationTable",
    "DeleteTable",
    "DeleteDashboard",
    "ForgetDeployment",
)
# Amazon S3 gives no message with a refused HeadBucket.
REFUSALS = ("is not authorized to perform", "a policy forbids its use (AccessDenied)")
ARCHIVE_TASKS = ("CreateArchiveBucket", "ArchiveExecutions")
OTHER_TASKS = ("RedeliverFailures", *ARCHIVE_TASKS)
# It is handled where it happens: the probes are deleted where they can be, and the verdict says what was caught.
HANDLED = dict.fromkeys(("WriteProbes", "ReadProbes", "ReadRecords", "ReadMetrics", "ReadEvents"), "PublishValidation")
# Every processor, so that no task has nothing to do.
PROCESSORS: dict[str, dict[str, Any]] = {
    "changes": {"rules": []},
    "analytics": {"namespace": "Shop"},
    "replicator": {
        "source": "KINESIS",
        "conflict": {"rule": "LAST_WRITER", "attribute": "updatedAt"},
    },
}


def test_every_task_of_provision_and_cleanup_is_tried() -> None:
    """The lists above hold every task that has a permission to take away."""
    ours = {camel(name) for name, task in tasks().items() if task.permissions}
    assert {*PROVISION_TASKS, *CLEANUP_TASKS, *OTHER_TASKS} == ours


def test_whatever_task_of_provision_fails_starting_again_finishes(product: Product) -> None:
    """A provision that failed in any task is finished by starting it again, as its error said."""
    document = _everything()
    for task in PROVISION_TASKS:
        _require_failure_in(product, task, "provision", document)

    assert product.succeed("provision", document)["validation"]["failed"] == 0
    _require_failure_in(product, "RedeliverFailures", "redeliver", {"table": document["table"]})
    product.succeed("redeliver", {"table": document["table"]})
    for task in ARCHIVE_TASKS:
        _require_failure_in(product, task, "archive", {})
    product.cleanup(document["table"])


def test_whatever_task_of_cleanup_fails_starting_again_finishes(product: Product) -> None:
    """A cleanup that failed in any task is finished by starting it again, and leaves nothing."""
    document = _everything()
    table = document["table"]
    product.succeed("provision", document)
    for task in CLEANUP_TASKS:
        _require_failure_in(product, task, "cleanup", {"table": table, "confirm": table})

    product.cleanup(table)

    assert _left(product, table) == []


def _everything() -> dict[str, Any]:
    table = new_table()
    copies = {**PROCESSORS["replicator"], "destination": {"table": f"{table}-copies", "region": OTHER}}
    return request(
        table,
        HOME,
        OTHER,
        kinesis={"shard_level_metrics": ["ALL"]},
        processors={**PROCESSORS, "replicator": copies},
        validation={**HASTE["validation"], "schedule": {"schedule_expression": "rate(30 days)"}},
    )


def _require_failure_in(product: Product, task: str, workflow: str, document: dict[str, Any]) -> None:
    with _denied(product, task):
        cause = product.fail(workflow, document)
    assert cause.path[-1].startswith(HANDLED.get(task, task)), (task, cause)
    assert any(words in cause.message for words in REFUSALS), (task, cause)
    assert "again" in cause.message, (task, cause)


@contextlib.contextmanager
def _denied(product: Product, task: str) -> Iterator[None]:
    """Deny a task's role everything, as a policy of the organization may."""
    iam, stacks = product.session.client("iam", HOME), product.session.client("cloudformation", HOME)
    found = stacks.describe_stack_resource(StackName=names.CONTROL_STACK, LogicalResourceId=f"{task}FunctionRole")
    role = found["StackResourceDetail"]["PhysicalResourceId"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=json.dumps(everything))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


def _left(product: Product, table: str) -> list[str]:
    left = [
        f"{region} {found}"
        for region in (HOME, OTHER)
        for found in (
            *product.session.dynamodb(region).list_tables()["TableNames"],
            *product.session.kinesis(region).list_streams()["StreamNames"],
        )
        if found in (table, names.stream(table))
    ]
    pages = product.session.ssm(HOME).get_paginator("get_parameters_by_path").paginate(Path="/meridian", Recursive=True)
    left += [
        str(one.get("Name")) for page in pages for one in page["Parameters"] if f"/{table}" in str(one.get("Name"))
    ]
    bucket = names.artifact_bucket(product.session.account, HOME)
    prefix = names.request_prefix(table)
    return left + [
        str(one.get("Key"))
        for one in product.session.s3(HOME).list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    ]
