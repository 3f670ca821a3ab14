"""A probe's way, from WriteProbes through the processors to what the validation reads: all use the same words."""

from __future__ import annotations

import json
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from processors import analytics
from processors.changes import entries_of
from processors.shared import records
from processors.shared.records import Change, change_of
from tasks.read_events import read_events
from tasks.shared import probes, streaming
from tasks.write_probes import write_probes
from tests.unit.tasks.scenarios import EXECUTION, HOME, TABLE
from tests.unit.tasks.streamed import SINCE, SINCE_MS, STEPS, STREAMED, UNORIGINATED, event
from tests.unit.tasks.test_read_events import Queue

RUN = probes.run_of(EXECUTION)


class Table:
    """Takes what WriteProbes writes, and gives the images before and after each write."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=LookupError)

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = [{}]

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.images.append(Item)

    def update_item(self, *, ExpressionAttributeValues: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.images.append({**self.images[-1], probes.STEP: ExpressionAttributeValues[":step"]})

    def delete_item(self, **_: Any) -> None:
        self.images.append({})


def written(request: Any) -> list[dict[str, Any]]:
    """The stream records of a validation's three writes."""
    table = Table()
    aws: Any = SimpleNamespace(dynamodb=lambda _: table)
    run: Any = {"table": TABLE, "request": request, "regions": [HOME], "began": SINCE, "execution": {"Id": EXECUTION}}
    for step in STEPS:
        run["step"] = step
        write_probes.run(run, aws)
    changes = zip(pairwise(table.images), ("INSERT", "MODIFY", "REMOVE"), strict=True)
    return [
        {
            "eventID": f"record-{number}",
            "eventName": name,
            "eventSource": "aws:dynamodb",
            "eventSourceARN": f"arn:aws:dynamodb:{HOME}:123456789012:table/{TABLE}/stream/1",
            "awsRegion": HOME,
            "dynamodb": {
                "ApproximateCreationDateTime": SINCE_MS // 1_000,
                "Keys": probes.key(request, RUN, HOME),
                "SequenceNumber": str(number),
                **({"OldImage": old} if old else {}),
                **({"NewImage": new} if new else {}),
            },
        }
        for number, ((old, new), name) in enumerate(changes)
    ]


def changes_of(request: Any) -> tuple[list[Change], Any]:
    config: Any = {**request, "home": HOME}
    return [change_of(record, config) for record in written(request)], config


@pytest.mark.parametrize("request_", [STREAMED, UNORIGINATED], ids=["origin", "no origin"])
def test_the_event_of_each_write_is_known_in_the_queue(request_: Any) -> None:
    """What changes.py publishes for put, update and delete is what ReadEvents looks for, one event each."""
    changes, config = changes_of(request_)
    details = [json.loads(entry["Detail"]) for change in changes for entry in entries_of(change, config)]
    queue = Queue(
        *({"Body": json.dumps({"detail": one}), "Attributes": {"SentTimestamp": str(SINCE_MS)}} for one in details)
    )
    given: Any = event(request=request_)
    given["streaming"]["run"] = RUN
    aws: Any = SimpleNamespace(sqs=lambda _: queue)
    seen = read_events.run(given, aws)["events"]
    assert {step: list(ids.values()) for step, ids in seen["ids"][HOME].items()} == {step: [[0]] for step in STEPS}


def test_the_record_of_each_write_is_known_in_the_stream() -> None:
    """The processors and ReadRecords read the same run, step and origin out of a record."""
    changes, _ = changes_of(STREAMED)
    for change, record in zip(changes, written(STREAMED), strict=True):
        told = probes.told_by(record["dynamodb"], RUN)
        assert told
        assert change.probe == records.Probe(RUN, told["step"], told["origin"])


def test_the_origin_is_the_region_of_the_write() -> None:
    """Of each write, the delete too, the item names the Region that made it, so its own filter passes it."""
    changes, _ = changes_of(STREAMED)
    assert [change.origin("origin") for change in changes] == [HOME] * 3


def test_the_metric_is_the_one_that_analytics_counts() -> None:
    """Namespace and name are the same on both sides."""
    assert (streaming.NAMESPACE, streaming.METRIC) == (analytics.NAMESPACE, analytics.PROBES)
