"""An observer of one Region's events: a queue of its own, behind a rule of its own, on the bus of the table's events.

It knows nothing of the processors, so what it sees is what any consumer would see.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef

    from meridian.session import Session
    from tasks.shared.request import Changes

VALIDATIONS = "meridian.validation"  # source of the events of probes
MOST_MESSAGES, WAIT_SECONDS = 10, 1  # of one ReceiveMessage


@dataclass
class Observer:
    """``kinds`` counts events by source and detail type, ``ids`` by their own id."""

    session: Session
    region: str
    table: str
    url: str
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)

    def look(self) -> None:
        """Take what lies in the queue, until a look finds nothing."""
        sqs = self.session.sqs(self.region)
        while True:
            answer = sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=MOST_MESSAGES, WaitTimeSeconds=WAIT_SECONDS
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                self._note(json.loads(message["Body"]))
            handles: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=self.url, Entries=handles)

    def _note(self, event: dict[str, Any]) -> None:
        told = event["detail"].get("meridian", {})
        if told.get("table") == self.table:
            self.kinds[event["source"], event["detail-type"]] += 1
            self.ids[str(told["id"])] += 1


@contextlib.contextmanager
def observing(session: Session, table: str, processor: Changes, region: str) -> Iterator[Observer]:
    """Stand in one Region, and leave nothing behind."""
    bus = processor["event_bus"] or names.event_bus(table)
    name, tags = f"{names.event_bus(table)}-traffic", {names.OWNERSHIP_TAG: table}
    events, sqs = session.client("events", region), session.sqs(region)
    with contextlib.ExitStack() as stands:
        url = sqs.create_queue(QueueName=name, tags=tags)["QueueUrl"]
        stands.callback(sqs.delete_queue, QueueUrl=url)
        rule = events.put_rule(
            Name=name,
            EventBusName=bus,
            EventPattern=json.dumps(_pattern(processor)),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["RuleArn"]
        stands.callback(events.delete_rule, Name=name, EventBusName=bus)
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_policy(queue, rule))})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": queue}])
        stands.callback(events.remove_targets, Rule=name, EventBusName=bus, Ids=["queue"])
        yield Observer(session, region, table, url)


def _pattern(processor: Changes) -> dict[str, Any]:
    sources: list[Any] = sorted({rule["source"] for rule in processor["rules"]})
    return {"source": sources or [{"anything-but": [VALIDATIONS]}]}


def _policy(queue: str, rule: str) -> dict[str, Any]:
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return {"Version": "2012-10-17", "Statement": [allowed]}
