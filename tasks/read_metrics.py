"""Look once, in every Region, for the metric that analytics counts probes in.

Changes nothing; may run any number of times. CloudWatch gives whole minutes, so a validation that ran in the same
minute counts in.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from tasks.shared import streaming
from tasks.shared.streaming import Looked, Looking
from tasks.shared.task import ANY, allow, task
from tasks.shared.waiting import now

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from tasks.shared.clients import Clients

PERIOD_SECONDS = 60


class Event(Looking):
    """All that it takes."""


@task(allow("cloudwatch:GetMetricStatistics", on=ANY))
def read_metrics(event: Event, aws: Clients) -> Looked:
    """Answer READY when each Region has counted put, update and delete of its own probe, or at the deadline."""
    if "metrics" not in streaming.wanted(event["request"]):
        return streaming.looked(event, busy=False)
    regions, before = event["regions"], event["streaming"]["metrics"]
    clients = {region: aws.cloudwatch(region) for region in regions}

    def look(region: str) -> int:
        known = before.get(region, 0)
        return known if known >= streaming.LEAST_COUNTED else _counted(clients[region], event)

    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        after = dict(zip(regions, pool.map(look, regions), strict=True))
    return streaming.looked(event, busy=min(after.values()) < streaming.LEAST_COUNTED, metrics=after)


def _counted(cloudwatch: CloudWatchClient, event: Event) -> int:
    answer = cloudwatch.get_metric_statistics(
        Namespace=streaming.NAMESPACE,
        MetricName=streaming.METRIC,
        Dimensions=[{"Name": "Table", "Value": event["table"]}],
        StartTime=streaming.since(event["streaming"]).replace(second=0, microsecond=0),  # points lie on whole minutes
        EndTime=now() + timedelta(seconds=PERIOD_SECONDS),
        Period=PERIOD_SECONDS,
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in answer["Datapoints"]))
