"""PublishValidation: every count and latency becomes a metric, and the verdict ends the execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from tasks.publish_validation import publish_validation
from tasks.shared import validation_metrics
from tasks.shared.errors import ValidationFailed
from tests.unit.tasks.fakes import Answer, MotoClients
from tests.unit.tasks.scenarios import AWAY, HOME, TABLE, Scenario, once, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

NAMESPACE = "Meridian/Validation"
RESULT: dict[str, Any] = {
    "table": TABLE,
    "regions": [HOME, AWAY],
    "pending": [],
    "passed": 6,
    "failed": 0,
    "checks": [],
    "latency_ms": {HOME: {AWAY: 900}, AWAY: {HOME: 40}},
    "streaming": {},
}
PASSED = {**RESULT, "home": HOME, "failure": "", "remedy": ""}
FAILED = {
    **PASSED,
    "passed": 4,
    "failed": 2,
    "latency_ms": {HOME: {AWAY: None}, AWAY: {HOME: 40}},
    "failure": "2 of 6 checks of orders failed within 60 s: eu-west-1 did not see it",
    "remedy": "Look there, then start validate again. The probes were deleted.",
}
BROKEN_OFF = {**FAILED, "passed": 0, "failed": 0, "latency_ms": {HOME: {}, AWAY: {}}, "failure": "It broke off: no"}


def given(verdict: dict[str, Any]) -> Any:
    return once(HOME, verdict=verdict)


def datum(name: str, value: int, unit: str = "Count", **more: str) -> dict[str, Any]:
    dimensions = {"TableName": TABLE, **more}
    listed = [{"Name": key, "Value": one} for key, one in dimensions.items()]
    return {"MetricName": name, "Dimensions": listed, "Unit": unit, "Value": value}


def latency(origin: str, reader: str, value: int) -> dict[str, Any]:
    return datum("ReplicationLatency", value, "Milliseconds", SourceRegion=origin, ReceivingRegion=reader)


def published(passed: int, failed: int, *latencies: dict[str, Any]) -> Answer:
    data = [datum("ChecksPassed", passed), datum("ChecksFailed", failed), *latencies]
    params = {"Namespace": NAMESPACE, "MetricData": data}
    return Answer("cloudwatch", HOME, "put_metric_data", params=params)


def refused(code: str) -> Answer:
    return refuse("cloudwatch", HOME, "put_metric_data", code, f"{code}, says AWS")


SCENARIOS = [
    Scenario(
        "What passed is published, with the latency of every ordered pair, and is the result",
        given(PASSED),
        [published(6, 0, latency(HOME, AWAY, 900), latency(AWAY, HOME, 40))],
        RESULT,
    ),
    Scenario(
        "What failed is published, but for the latencies that nobody saw, and fails the execution",
        given(FAILED),
        [published(4, 2, latency(AWAY, HOME, 40))],
        raises="ValidationFailed",
        says=["eu-west-1 did not see it. Look there, then start validate again. The probes were deleted."],
    ),
    Scenario(
        "What broke off has failed, although no check did",
        given(BROKEN_OFF),
        [published(0, 1)],
        raises="ValidationFailed",
        says=["It broke off: no. Look there"],
    ),
    Scenario(
        "A table in one Region has no latency of replication",
        given({**PASSED, "regions": [HOME], "latency_ms": {HOME: {HOME: 5}}}),
        [published(6, 0)],
        {"latency_ms": {HOME: {HOME: 5}}},
    ),
    Scenario(
        "A failure is told even if its metrics are refused",
        given(FAILED),
        [refused("AccessDenied")],
        raises="ValidationFailed",
        says=["did not see it; and its metrics could not be published (AccessDenied). Look there, then start"],
    ),
    Scenario(
        "What passed has not passed for nobody: metrics that are refused are told",
        given(PASSED),
        [refused("AccessDenied")],
        raises="AccessDenied",
        says=["AWS refused PutMetricData in us-east-1: AccessDenied, says AWS"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_publish_validation(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer."""
    play(publish_validation, scenario, aws)


def test_a_failure_is_told_even_if_cloudwatch_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the connection does not hide the verdict either."""
    aws = MotoClients()

    def unreachable(_: str) -> Any:
        raise ConnectTimeoutError(endpoint_url="https://monitoring")

    monkeypatch.setattr(aws, "cloudwatch", unreachable)
    with pytest.raises(ValidationFailed, match=r"could not be published \(ConnectTimeoutError\)"):
        publish_validation.run(given(FAILED), aws)


def test_as_many_regions_as_there_are_fit_into_calls() -> None:
    """PutMetricData takes 1,000 metrics and 1 MB: 34 Regions have 1,122 pairs, and no pair is left out."""
    regions = [f"ap-southeast-{number}" for number in range(1, 35)]
    latencies = {one: {other: 12_345 for other in regions if other != one} for one in regions}
    verdict: Any = {**PASSED, "table": "t" * 255, "latency_ms": latencies}
    calls = validation_metrics.calls(verdict)
    assert [len(data) for data in calls] == [500, 500, 124]
    for data in calls:
        # The widest that a call can be on the wire: as a form, with the path of each member before its value.
        members = sum(len(f"&MetricData.member.1000.{key}={value}") for one in data for key, value in flat(one))
        assert members < 1_000_000
    seen = {tuple(one["Value"] for one in each["Dimensions"][1:]) for data in calls for each in data}
    assert len(seen - {()}) == 34 * 33


def flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in flat(one, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for at, one in enumerate(value, 1) for found in flat(one, f"{path}.member.{at}")]
    return [(path, value)]
