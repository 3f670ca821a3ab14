"""What breaks, what is said of it, and how it is mended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from meridian import control
from meridian.embedded import Delays, start
from meridian.session import Session
from tests.embedded.aws_calls import until
from tests.embedded.product import Product, new_table, request

if TYPE_CHECKING:
    from collections.abc import Callable

HOME, OTHER = "us-east-1", "eu-west-1"


def _broken(product: Product, workflow: str, document: dict[str, Any], operation: str, region: str) -> str:
    product.aws.fail(operation, region, "AccessDeniedException", f"no {operation} for you")
    try:
        return product.fail(workflow, document).message
    finally:
        product.aws.clear_faults()


def test_passing_errors_are_retried(product: Product, deployed: dict[str, Any]) -> None:
    """Throttling that passes by itself does not fail an execution."""
    product.aws.fail("dynamodb:BatchGetItem", OTHER, "ThrottlingException", "Rate exceeded", times=4)

    output = product.succeed("validate", {"table": deployed["table"]})

    assert output["failed"] == 0


def test_partition_fails_the_pairs_it_cuts(product: Product, deployed: dict[str, Any]) -> None:
    """While a Region is cut off, the validation names every pair that lost sight; once healed, it passes."""
    product.aws.partition(OTHER)
    try:
        cause = product.fail("validate", {"table": deployed["table"]})
    finally:
        product.aws.heal(OTHER)

    assert cause.error == "ValidationFailed"
    assert f"{OTHER} did not see the put from {HOME}" in cause.message
    assert f"{HOME} did not see the put from {OTHER}" in cause.message
    assert product.succeed("validate", {"table": deployed["table"]})["passed"] == 8


def test_two_validations_at_once_do_no_harm(product: Product, deployed: dict[str, Any]) -> None:
    """A schedule may start one while a person does: each finds its own probes, and both pass."""
    with ThreadPoolExecutor() as pool:
        outputs = list(pool.map(lambda _: product.succeed("validate", {"table": deployed["table"]}), range(2)))

    assert [(output["passed"], output["failed"]) for output in outputs] == [(8, 0), (8, 0)]
    assert product.session.dynamodb(HOME).scan(TableName=deployed["table"], ConsistentRead=True)["Count"] <= 1


def test_probes_touch_nothing_else_and_go(product: Product, deployed: dict[str, Any]) -> None:
    """A validation leaves every item of the table as it was, and none of its own."""
    dynamodb = product.session.dynamodb(HOME)
    item: dict[str, Any] = {"orderId": {"S": "meridian-probe"}, "customerId": {"N": "-1"}, "note": {"S": "mine"}}
    dynamodb.put_item(TableName=deployed["table"], Item=item)

    product.succeed("validate", {"table": deployed["table"]})

    assert dynamodb.scan(TableName=deployed["table"], ConsistentRead=True)["Items"] == [item]


def test_probes_are_deleted_when_the_validation_breaks_off(product: Product, deployed: dict[str, Any]) -> None:
    """A validation that AWS refuses in the middle deletes its probes and says what refused it."""
    cause = _broken(product, "validate", {"table": deployed["table"]}, "dynamodb:UpdateItem", OTHER)

    assert "no dynamodb:UpdateItem for you" in cause

    def probes() -> list[dict[str, Any]]:
        items = product.session.dynamodb(HOME).scan(TableName=deployed["table"], ConsistentRead=True)["Items"]
        return [one for one in items if "meridian:probe" in one]

    until(probes, [])  # the other Region's delete has still to come here


def test_a_region_whose_table_is_gone_fails_the_validation(product: Product) -> None:
    """A table that somebody deleted in one Region is told by the validation's verdict; cleanup takes the rest."""
    document = request(new_table(), HOME, OTHER, kinesis=None)
    table = document["table"]
    product.succeed("provision", document)
    dynamodb = product.session.dynamodb(OTHER)
    dynamodb.delete_table(TableName=table)
    until(lambda: table in dynamodb.list_tables()["TableNames"], False)

    cause = product.fail("validate", {"table": table})

    assert cause.error == "ValidationFailed"
    assert f"AWS refused PutItem in {OTHER}" in cause.message
    product.cleanup(table)


WRONG_INPUTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no confirmation": ("cleanup", {}, "ConfirmationMissing", "with all its data and streams in us-east-1, eu-west-1"),
    "wrong confirmation": ("cleanup", {"confirm": "yes"}, "ConfirmationMissing", "Nothing was removed"),
    "home Region": ("remove-region", {"region": HOME, "confirm": HOME}, "ChangeRefused", "start cleanup"),
    "Region unconfirmed": ("remove-region", {"region": OTHER}, "ConfirmationMissing", '"confirm": "eu-west-1"'),
    "no member": (
        "remove-region",
        {"region": "us-west-1"},
        "DeploymentNotFound",
        "Its Regions are us-east-1, eu-west-1",
    ),
    "unknown Region": ("add-region", {"region": "eu-wast-1"}, "RequestInvalid", "did you mean eu-west-1"),
    "no Region": ("add-region", {}, "RequestInvalid", "`region` is missing"),
    "unknown member": ("validate", {"tabel": "x"}, "RequestInvalid", "`tabel` is not known"),
}


@pytest.mark.parametrize("wrong", WRONG_INPUTS.values(), ids=WRONG_INPUTS)
def test_wrong_input_is_refused(
    product: Product, deployed: dict[str, Any], wrong: tuple[str, dict[str, Any], str, str]
) -> None:
    """A wrong input ends in a named error that says what to give."""
    workflow, given, error, sentence = wrong
    cause = product.fail(workflow, {"table": deployed["table"], **given})

    assert cause.error == error
    assert sentence in cause.message


def test_deletion_protection_holds(product: Product) -> None:
    """A protected table is not cleaned up, until its protection is provisioned away."""
    document = request(new_table(), HOME, OTHER, kinesis=None, deletion_protection=True)
    table = document["table"]
    product.succeed("provision", document)

    cause = product.fail("cleanup", {"table": table, "confirm": table})

    assert cause.error == "DeletionProtected"
    assert "us-east-1, eu-west-1" in cause.message
    product.succeed("provision", {**document, "deletion_protection": False})
    product.cleanup(table)


def test_seed_region_goes_when_dynamodb_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Region that seeded a replica is reported with the time when it can go, and goes once the replica is gone."""
    with start(Delays(*[0.2] * 7), source_lock_seconds=86_400) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        product = Product(aws, Session(endpoint_url=aws.endpoint_url, region=HOME))
        assert control.up(product.session, plan_only=False) == 0
        table = new_table()
        product.succeed("provision", request(table, HOME, OTHER, kinesis=None))
        product.session.dynamodb(OTHER).update_table(
            TableName=table, ReplicaUpdates=[{"Create": {"RegionName": "us-west-2"}}]
        )

        cause = product.fail("remove-region", {"table": table, "region": OTHER, "confirm": OTHER})

        assert cause.error == "SourceRegionLocked"
        assert "DynamoDB keeps it until 20" in cause.message
        product.succeed("remove-region", {"table": table, "region": "us-west-2", "confirm": "us-west-2"})
        product.cleanup(table)


def test_each_task_is_enough_of_itself(product_in: Callable[[str], Product]) -> None:
    """Roles are enforced here: a task of another's role would be refused."""
    product = product_in(HOME)
    iam = product.session.client("iam", HOME)
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    reading = next(role for role in roles if "LoadDeployment" in role)
    policies = iam.list_role_policies(RoleName=reading)["PolicyNames"]
    document = str([iam.get_role_policy(RoleName=reading, PolicyName=one)["PolicyDocument"] for one in policies])
    assert "ssm:GetParameter" in document
    assert "dynamodb" not in document
