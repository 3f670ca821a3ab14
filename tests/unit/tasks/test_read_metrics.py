"""ReadMetrics: each Region's count of probes is asked for, from before the first write on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tasks.read_metrics import read_metrics
from tasks.shared.waiting import now
from tests.unit.tasks.fakes import Answer
from tests.unit.tasks.scenarios import AWAY, HOME, TABLE, Scenario, play, refuse
from tests.unit.tasks.streamed import BARE, event

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients


def counted(*sums: float, region: str = HOME) -> Answer:
    """GetMetricStatistics answers with a minute a number."""
    points = [
        {"Timestamp": datetime(2026, 11, 21, 10, minute, tzinfo=UTC), "Sum": one, "Unit": "Count"}
        for minute, one in enumerate(sums)
    ]
    return Answer("cloudwatch", region, "get_metric_statistics", {"Label": "Probes", "Datapoints": points})


SCENARIOS = [
    Scenario(
        "Every Region has counted its own three writes",
        event(),
        [counted(3)],
        {"status": "READY", "wait_seconds": 0, "metrics": {HOME: 3}},
    ),
    Scenario(
        "Minutes are added up",
        event(),
        [counted(2, 0, 1, 6)],
        {"status": "READY", "metrics": {HOME: 9}},
    ),
    Scenario(
        "A count that is too low, or not there yet, is asked for again",
        event(poll=9),
        [counted(2)],
        {"status": "BUSY", "wait_seconds": 9, "metrics": {HOME: 2}},
    ),
    Scenario(
        "At the deadline what is missing is left to Summarize",
        event(ago=301),
        [counted()],
        {"status": "READY", "metrics": {HOME: 0}},
    ),
    Scenario(
        "A Region that has counted enough is not asked again",
        event(metrics={HOME: 3}),
        reply={"status": "READY", "metrics": {HOME: 3}},
    ),
    Scenario("A table without analytics is not looked at", event(request=BARE), reply={"status": "READY"}),
    Scenario(
        "A refusal of AWS keeps its name and its Region",
        event(),
        [refuse("cloudwatch", HOME, "get_metric_statistics", "AccessDenied", "no")],
        raises="AccessDenied",
        says=["AWS refused GetMetricStatistics in us-east-1: no. Mend that first."],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_read_metrics(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(read_metrics, scenario, aws)


def test_every_region_must_have_counted(aws: StubbedClients) -> None:
    """A Region that is missing keeps the others waiting."""
    aws.will(counted(3), counted(1, region=AWAY))
    reply: Any = read_metrics.run(event(HOME, AWAY), aws)
    assert (reply["status"], reply["metrics"]) == ("BUSY", {HOME: 3, AWAY: 1})


class Metrics:
    """CloudWatch that notes what it is asked."""

    asked: dict[str, Any]

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"Datapoints": []}


def test_the_metric_of_this_table_is_asked_for_since_the_run_began() -> None:
    """Namespace, name and dimension are those of analytics, and the time covers every write and the present minute."""
    metrics = Metrics()
    aws: Any = SimpleNamespace(cloudwatch=lambda _: metrics)
    read_metrics.run(event(), aws)
    asked = metrics.asked
    assert (asked["Namespace"], asked["MetricName"]) == ("Meridian/Processors", "Probes")
    assert (asked["Dimensions"], asked["Statistics"]) == ([{"Name": "Table", "Value": TABLE}], ["Sum"])
    assert asked["StartTime"] == datetime(2026, 11, 21, 9, 59, tzinfo=UTC)  # ten seconds before ten, and its minute
    assert timedelta(0) < asked["EndTime"] - now() <= timedelta(seconds=asked["Period"])
