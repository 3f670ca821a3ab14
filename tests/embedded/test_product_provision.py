"""provision, as a user starts it: what it makes, what it leaves alone, what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meridian import executions
from tests.embedded.product import new_table, request

if TYPE_CHECKING:
    from meridian.history import Execution
    from tests.embedded.product import Product


def test_second_provision_changes_nothing(product: Product, deployed: dict[str, Any]) -> None:
    """Provisioning what stands makes no changing call but the probes' and the metrics'."""
    product.succeed("provision", deployed)

    again = product.run("provision", deployed)

    assert again.status == "SUCCEEDED"
    lines = [line for line in _task_lines(product) if line["execution"] in {again.arn, *_children(again)}]
    assert {"provision", "add-region", "deploy-processors", "validate"} == {
        line["execution"].split(":")[6].partition("-")[2] for line in lines
    }
    assert {line["message"] for line in lines if line["changes"]} == {"publish_validation", "write_probes"}


def _children(execution: Execution) -> set[str]:
    return {arn for child in execution.children for arn in (child.arn, *_children(child))}


def _task_lines(product: Product) -> list[dict[str, Any]]:
    """The line that each run of a task logs."""
    logs = product.session.client("logs", product.session.home)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/meridian/tasks")
    texts = [event["message"].strip() for page in pages for event in page["events"]]
    return [line for line in (json.loads(text) for text in texts if text.startswith("{")) if "changes" in line]


def test_missing_region_is_added(product: Product, deployed: dict[str, Any]) -> None:
    """A Region added to the request is added to the table, and the record knows it."""
    grown = {**deployed, "regions": [*deployed["regions"], "eu-central-1"]}

    product.succeed("provision", grown)

    assert product.members(deployed["table"]) == dict.fromkeys(grown["regions"], "ACTIVE")
    cause = product.fail("provision", deployed)
    assert cause.error == "ChangeRefused"
    assert "eu-central-1 is a Region of the table and not in the request; remove-region" in cause.message

    product.succeed("remove-region", {"table": deployed["table"], "region": "eu-central-1", "confirm": "eu-central-1"})

    assert product.members(deployed["table"]) == dict.fromkeys(deployed["regions"], "ACTIVE")
    product.succeed("provision", deployed)


def test_added_region_is_not_undone(product: Product, deployed: dict[str, Any]) -> None:
    """A Region that add-region added alone is a member for later executions, until remove-region takes it away."""
    table = deployed["table"]
    product.succeed("add-region", {"table": table, "region": "us-west-2"})

    output = product.succeed("validate", {"table": table})

    assert sorted(output["regions"]) == sorted([*deployed["regions"], "us-west-2"])
    product.succeed("remove-region", {"table": table, "region": "us-west-2", "confirm": "us-west-2"})
    assert product.succeed("validate", {"table": table})["regions"] == deployed["regions"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another key": (
        {"attribute_definitions": {"orderId": "S", "when": "N"}, "key_schema": {"orderId": "HASH", "when": "RANGE"}},
        "key_schema is orderId HASH, customerId RANGE and cannot become orderId HASH, when RANGE",
    ),
    "another stream view": ({"stream_view_type": "KEYS_ONLY"}, "stream_view_type is NEW_AND_OLD_IMAGES"),
    "streaming dropped": ({"kinesis": None}, "kinesis is on in eu-west-1, us-east-1"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_change_that_cannot_be_made_is_refused(
    product: Product, deployed: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    """What AWS cannot change on a live table is refused with a sentence, and nothing is touched."""
    cause = product.fail("provision", {**deployed, **change})

    assert cause.error == "ChangeRefused"
    assert sentence in cause.message
    assert "Nothing was changed" in cause.message
    assert cause.path[-1] == "CompareDeployment"


@pytest.mark.parametrize("taken_in", ["us-east-1", "eu-west-1"])
def test_foreign_table_is_left_alone(product: Product, taken_in: str) -> None:
    """A table of that name that Meridian did not make is refused before anything is created."""
    table = new_table()
    dynamodb = product.session.dynamodb(taken_in)
    dynamodb.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})

    cause = product.fail("provision", request(table, "us-east-1", "eu-west-1"))

    assert (cause.error, cause.path[-1]) == ("NotOurs", "CompareDeployment")
    assert product.fail("cleanup", {"table": table, "confirm": table}).error == "DeploymentNotFound"
    assert dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    dynamodb.delete_table(TableName=table)


def test_region_that_is_not_enabled_is_refused(product: Product) -> None:
    """A Region that the account has not opted in to is named, before anything is created."""
    cause = product.fail("provision", request(new_table(), "us-east-1", "me-south-1"))

    assert (cause.error, cause.path) == ("RequestInvalid", ("provision", "ValidateRequest"))
    assert "Not enabled in this account: me-south-1" in cause.message


def test_two_at_once_do_no_harm(product: Product) -> None:
    """The same request started twice at once ends in one deployment, whichever execution makes what."""
    document = request(new_table(), "us-east-1", "eu-west-1")
    with ThreadPoolExecutor() as pool:
        outputs = list(pool.map(lambda _: product.succeed("provision", document), range(2)))

    assert [output["validation"]["failed"] for output in outputs] == [0, 0]
    product.cleanup(document["table"])


def test_aws_cli_does_the_same(product: Product, tmp_path: Path) -> None:
    """`aws stepfunctions start-execution` with the request as input does the same job."""
    document = request(new_table(), "us-east-1", "eu-west-1")
    (tmp_path / "request.json").write_text(json.dumps(document))
    aws = Path(sys.executable).with_name("aws")
    environment = {**os.environ, **product.aws.environment, "AWS_PAGER": ""}

    def cli(*arguments: str) -> Any:
        command = [str(aws), "stepfunctions", *arguments, "--endpoint-url", product.aws.endpoint_url]
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
        return json.loads(answer.stdout)

    machine = product.session.machine("provision")
    started = cli("start-execution", "--state-machine-arn", machine, "--input", f"file://{tmp_path}/request.json")
    list(executions.follow(product.session.states, started["executionArn"]))
    found = cli("describe-execution", "--execution-arn", started["executionArn"])

    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["validation"]["passed"] == 8
    product.cleanup(document["table"])
