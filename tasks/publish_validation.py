"""Publish what a validation measured as metrics (tasks/shared/validation_metrics.py), then end it as it was judged.

Fails the execution with the failing checks; a new validation is started, never redriven, because the probes are gone
by now. Run twice it counts twice, which neither alarm minds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared import validation_metrics
from tasks.shared.errors import ValidationFailed, under_its_own_name
from tasks.shared.task import ANY, allow, task

if TYPE_CHECKING:
    from tasks.shared.checks import Result, Verdict
    from tasks.shared.clients import Clients


class Event(TypedDict):
    table: str
    home: str
    verdict: Verdict


JUDGEMENT = ("home", "failure", "remedy")  # what the verdict holds besides the result


@task(
    allow(
        "cloudwatch:PutMetricData",  # knows no resource
        on=ANY,
        when={"StringEquals": {"cloudwatch:namespace": validation_metrics.NAMESPACE}},
    ),
    timeout_seconds=30,
)
def publish_validation(event: Event, aws: Clients) -> Result:
    """Give the result; ``ValidationFailed`` tells what failed, even where its metrics could not be published."""
    verdict = event["verdict"]
    try:
        for data in validation_metrics.calls(verdict):
            wanted: Any = data
            aws.cloudwatch(event["home"]).put_metric_data(Namespace=validation_metrics.NAMESPACE, MetricData=wanted)
    except (BotoCoreError, ClientError) as error:
        if not verdict["failure"]:
            raise
        refused = under_its_own_name(error, event["home"])
        also = f"{verdict['failure']}; and its metrics could not be published ({type(refused).__name__})"
        raise ValidationFailed(also, remedy=verdict["remedy"]) from error
    if verdict["failure"]:
        raise ValidationFailed(verdict["failure"], remedy=verdict["remedy"])
    return cast("Result", {key: value for key, value in verdict.items() if key not in JUDGEMENT})
