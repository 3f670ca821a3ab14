"""Look once, in every Region's probe queue, for the events of what this run wrote.

Deletes a message only when the look before has noted its event, so nothing is lost if a look breaks off; messages of
other runs are given back at once. May run any number of times.
"""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.shared import names, streaming
from tasks.shared.streaming import Events, Looked, Looking
from tasks.shared.task import PROBE_QUEUE, allow, task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from tasks.shared.clients import Clients

MESSAGES_AT_ONCE = 10  # AWS SQS: ReceiveMessage, and its batches
MOST_RECEIVES = 50  # in one look
WAIT_SECONDS = 1  # a receive that waits asks all of the queue's servers, one that does not only some
HIDDEN_SECONDS = 30  # longer than a look in one Region; messages are given back at its end
ID_LENGTH = 12


class Event(Looking):
    """All that it takes."""


class Sighting(NamedTuple):
    """An event of this run in a Region's queue, and when it came there, in milliseconds since 1970."""

    region: str
    origin: str
    step: str
    identity: str
    sent_ms: int


@task(
    allow(
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        on=PROBE_QUEUE,
    ),
    timeout_seconds=90,
)
def read_events(event: Event, aws: Clients) -> Looked:
    """Answer READY when every event has come to its queue and a further look found nothing new, or at the deadline."""
    if "events" not in streaming.wanted(event["request"]):
        return streaming.looked(event, busy=False)
    regions, before = event["regions"], event["streaming"]["events"]
    clients = {region: aws.sqs(region) for region in regions}
    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        looks = list(pool.map(lambda region: _look(clients[region], event, region), regions))
    new = [sighting for look in looks for sighting in look]
    after = _with(before, new, regions)
    return streaming.looked(event, busy=bool(new) or not _complete(after, event), events=after)


def _complete(events: Events, event: Event) -> bool:
    """Whether each write's event was seen in every Region that shall see it."""
    regions, request = event["regions"], event["request"]
    return all(
        streaming.seen_in(events, origin, step) >= streaming.expected_in(request, regions, origin)
        for origin in regions
        for step in streaming.STEPS
    )


def _look(sqs: SQSClient, event: Event, region: str) -> list[Sighting]:
    """Give what is new in one Region's queue; delete what was noted before, and give the rest back."""
    url = sqs.get_queue_url(QueueName=names.probe_queue(event["table"]))["QueueUrl"]
    known, place = event["streaming"]["events"]["ids"], event["regions"].index(region)
    noted: list[MessageTypeDef] = []
    kept: list[MessageTypeDef] = []
    new: list[Sighting] = []
    for message in _received(sqs, url):
        found = _sighting(message, event, region)
        if found and place in known.get(found.origin, {}).get(found.step, {}).get(found.identity, []):
            noted.append(message)
        else:
            kept.append(message)
            new += [found] if found else []
    # An entry that is refused is a message that comes again, and then is deleted or given back.
    for batch in _batches(noted):
        sqs.delete_message_batch(QueueUrl=url, Entries=batch)
    for batch in _batches(kept):
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=[one | {"VisibilityTimeout": 0} for one in batch])
    return new


def _received(sqs: SQSClient, url: str) -> list[MessageTypeDef]:
    """Everything in the queue, up to what one look takes."""
    found: list[MessageTypeDef] = []
    for _ in range(MOST_RECEIVES):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=MESSAGES_AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        if not answer.get("Messages"):
            break
        found += answer["Messages"]
    return found


def _sighting(message: MessageTypeDef, event: Event, region: str) -> Sighting | None:
    """The event in a message, or ``None`` if it is not this run's, or nothing that changes.py writes."""
    try:
        detail = json.loads(message["Body"])["detail"]
        told = detail["run"], detail["origin"], detail["step"], detail["id"]
    except (ValueError, KeyError, TypeError):
        return None
    run, origin, step, identity = map(str, told)
    if run != event["streaming"]["run"] or origin not in event["regions"] or step not in streaming.STEPS:
        return None
    return Sighting(region, origin, step, identity[:ID_LENGTH], int(message["Attributes"]["SentTimestamp"]))


def _batches(messages: list[MessageTypeDef]) -> Iterator[list[Any]]:
    """Entries as the batch calls take them."""
    for first in range(0, len(messages), MESSAGES_AT_ONCE):
        some = messages[first : first + MESSAGES_AT_ONCE]
        yield [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(some)]


def _with(before: Events, new: list[Sighting], regions: list[str]) -> Events:
    """What was known and what is new."""
    after: Events = copy.deepcopy(before)
    for one in new:
        places = after["ids"].setdefault(one.origin, {}).setdefault(one.step, {}).setdefault(one.identity, [])
        if regions.index(one.region) not in places:
            places.append(regions.index(one.region))
        if one.step == "put" and one.origin == one.region:
            after["sent_ms"][one.region] = min(one.sent_ms, after["sent_ms"].get(one.region, one.sent_ms))
    return after
