"""A table's validations on a schedule: started, shown, paused, and gone with the table."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from meridian import schedule
from tasks.shared import names
from tests.embedded.aws_calls import until
from tests.embedded.conftest import QUICK
from tests.embedded.product import HASTE, new_table, request

if TYPE_CHECKING:
    import pytest

    from tests.embedded.product import Product

HOME, OTHER = "us-east-1", "eu-west-1"
MINUTES = 4
INTERVAL_SECONDS = MINUTES * QUICK.minute


def test_a_schedule_starts_validations_until_it_is_paused_and_goes_with_its_table(
    product: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    """A short rate fires twice, each run passes and is shown, a pause ends it, and cleanup leaves nothing of it."""
    table = new_table()
    validation = {**HASTE["validation"], "schedule": {"schedule_expression": f"rate({MINUTES} minutes)"}}
    product.succeed("provision", request(table, HOME, OTHER, kinesis=None, validation=validation, alarms={}))

    def shown(state: str | None = None) -> dict[str, Any]:
        capsys.readouterr()
        assert schedule.command(product.session, table, state, last=10, as_json=True) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    until(lambda: [run["status"] for run in shown()["runs"]].count("SUCCEEDED") >= 2, wanted=True, seconds=60)
    paused = shown("DISABLED")
    assert (paused["state"], paused["dead_letters"]) == ("DISABLED", 0)
    assert all("6 of 6 checks passed" in run["verdict"] for run in paused["runs"] if run["status"] == "SUCCEEDED")
    assert None not in paused["alarms"].values()
    _require_input(product, paused["runs"][0]["execution"], table)
    _require_metrics(product, table)

    time.sleep(INTERVAL_SECONDS * 1.5)
    assert len(shown()["runs"]) == len(paused["runs"])
    product.cleanup(table)
    _require_gone(product, table)


def _require_input(product: Product, execution: str, table: str) -> None:
    """The alias was started with the table's name alone."""
    described = product.session.states.describe_execution(executionArn=execution)
    assert json.loads(described["input"]) == {"table": table}
    assert described["stateMachineAliasArn"] == names.scheduled_alias(product.session.machine("validate"))


def _require_metrics(product: Product, table: str) -> None:
    """Each run counted its checks, and told the latency of each pair."""
    pairs = [{"SourceRegion": HOME, "ReceivingRegion": OTHER}, {"SourceRegion": OTHER, "ReceivingRegion": HOME}]
    for metric, dimensions in (("ChecksPassed", {}), *(("ReplicationLatency", pair) for pair in pairs)):
        answer = product.session.cloudwatch(HOME).get_metric_statistics(
            Namespace="Meridian/Validation",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": one} for name, one in {"TableName": table, **dimensions}.items()],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["SampleCount"],
        )
        assert sum(point["SampleCount"] for point in answer["Datapoints"]) >= 3  # provision's own, and two on schedule


def _require_gone(product: Product, table: str) -> None:
    groups = product.session.scheduler(HOME).list_schedule_groups()["ScheduleGroups"]
    assert names.schedule_group(table) not in [one.get("Name") for one in groups]
    queues = product.session.sqs(HOME).list_queues(QueueNamePrefix=names.schedule_queue(table))
    assert queues.get("QueueUrls", []) == []
