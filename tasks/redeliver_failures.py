"""Give the records in a Region's failure bucket to their processors again, the oldest first.

Takes away from the bucket what a processor has now processed, and nothing else. May run any number of times, and
beside another execution: what is gone is not delivered again. Only between a processor's answer and the delete or put
that follows it can a crash leave records that are already processed; they are delivered once more, which changes
nothing: an event has the same id again, a counted change is marked, a replicated write is conditional on what is there.

An item's changes stay in order: where one of them fails again, the later ones of that item are left, too, and other
items go on. Live records wait for none of these, as they did not when Lambda gave up on them.
"""

from __future__ import annotations

import copy
import json
import time
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared import buckets, names, tables
from tasks.shared.failures import PREFIX, Bucket, Place, item, sequence
from tasks.shared.redelivery import MOST_LOOKS, Progress
from tasks.shared.task import FAILURES, PROCESSORS, allow, task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.shared.clients import Clients
    from tasks.shared.failures import Failure, Record

TIMEOUT_SECONDS = 900  # the longest that Lambda knows
WORK_SECONDS = 720  # of it; the processor that is called last has the rest (tasks/shared/clients.py)
MOST_STOPPED = 20  # items that fail in one Region; more of them is no matter of single records
MOST_BYTES = 6_000_000  # Lambda quotas: 6 MB for the request of a synchronous invocation

NOT_NOW = ("TooManyRequestsException", "ResourceConflictException", "EC2ThrottledException")


class Event(TypedDict):
    table: str
    region: str
    poll_seconds: int
    progress: Progress


class Reply(Progress):
    status: Literal["BUSY", "READY"]
    wait_seconds: int


class _Pause(Exception):
    """The work goes on in another look."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds


@task(
    allow("s3:ListBucket", on=FAILURES),
    allow("s3:GetObject", "s3:PutObject", "s3:DeleteObject", on=tuple(f"{bucket}/{PREFIX}*" for bucket in FAILURES)),
    allow("lambda:InvokeFunction", on=PROCESSORS),
    timeout_seconds=TIMEOUT_SECONDS,
)
def redeliver_failures(event: Event, aws: Clients) -> Reply:
    """Answer READY when every object was tried, when too much fails, or with the last look; BUSY before."""
    region, table = event["region"], event["table"]
    account = buckets.account()
    bucket = Bucket(aws.s3(region), names.failure_bucket(table, account, region), account)
    places, waiting = bucket.oldest(event["progress"]["after"])
    look, wait = _Look(event, bucket, aws), 0
    try:
        for group, found in groupby(places, key=lambda place: place.group):
            if look.gives_up:
                break
            waiting -= look.redeliver(group, list(found))
    except _Pause as pause:
        wait = pause.wait_seconds
    if waiting and not look.gives_up and look.progress["looks"] < MOST_LOOKS:
        return {**look.progress, "status": "BUSY", "wait_seconds": wait}
    return {**look.progress, "stopped": [], "untried": waiting, "status": "READY", "wait_seconds": 0}


class _Look:
    """One run of the task; ``progress`` is what is done so far."""

    def __init__(self, event: Event, bucket: Bucket, aws: Clients) -> None:
        self.progress = copy.deepcopy(event["progress"])
        self.progress["looks"] += 1
        self._poll_seconds, self._ends = event["poll_seconds"], time.monotonic() + WORK_SECONDS
        self._bucket, self._lambda = bucket, aws.lambda_(event["region"])
        self._ours = {names.processor_function(event["table"], one): one for one in names.PROCESSORS}
        self._stopped_items = set(self._items_stopped_at())

    @property
    def gives_up(self) -> bool:
        return len(self.progress["stopped"]) >= MOST_STOPPED

    def _items_stopped_at(self) -> Iterator[str]:
        """The items of which a record failed in an earlier look. That record lies where it was."""
        for stopped in self.progress["stopped"]:
            failure = self._bucket.read(Place("", "", stopped["key"]))
            for record in failure.records if failure else []:
                if failure and sequence(record) == stopped["sequence"]:
                    yield item(failure, record)

    def redeliver(self, group: str, places: list[Place]) -> int:
        """Deal with the objects of one shard and second, and give their number; ``_Pause`` to go on with them later."""
        left: list[int] = []
        foreign = 0
        for place in places if len(places) == 1 else sorted(places, key=self._first_sequence):
            failure = self._bucket.read(place)
            if failure and failure.function in self._ours:
                left.append(self._redeliver(failure))
            elif failure:
                foreign += 1
        self.progress["after"] = group
        self.progress["objects"] += foreign + len(left) - left.count(0)  # what is delivered is counted already
        self.progress["foreign"] += foreign
        self.progress["failing"] += sum(left)
        return len(places)

    def _first_sequence(self, place: Place) -> int:
        """What tells the order within a shard. An object is read again for its turn: two may not fit into memory."""
        failure = self._bucket.read(place)
        return int(sequence(failure.records[0])) if failure and failure.records else 0

    def _redeliver(self, failure: Failure) -> int:
        """Deliver the records of one object in parts; gives how many are left in it."""
        queue, most = self._waiting_for_nothing(failure, failure.records), len(failure.records)
        processor = self._ours[failure.function]
        while queue and not self.gives_up and processor not in self.progress["missing"]:
            part = _fitting(queue[:most])
            try:
                done = self._deliver(failure.function, part)
            except self._lambda.exceptions.ResourceNotFoundException:
                self.progress["missing"].append(processor)
                break
            if done is None and len(part) > 1:  # the function died of one of them: find out which
                most = len(part) // 2
                continue
            done = done or 0
            queue = queue[done:]
            if done < len(part):
                self._stop(failure, queue[0])
                queue, most = self._waiting_for_nothing(failure, queue), len(queue)
            if done:
                self.progress["redelivered"] += done
                kept = self._bucket.keep(failure, _without(failure.records, part[:done]))
                if kept is None:
                    return 0
                failure = kept
        self.progress["objects"] += not failure.records
        return len(failure.records)

    def _waiting_for_nothing(self, failure: Failure, records: list[Record]) -> list[Record]:
        return [record for record in records if item(failure, record) not in self._stopped_items]

    def _stop(self, failure: Failure, record: Record) -> None:
        self._stopped_items.add(item(failure, record))
        self.progress["stopped"].append({"key": failure.place.key, "sequence": sequence(record)})

    def _deliver(self, function: str, part: list[Record]) -> int | None:
        """How many records, from the first on, the processor is done with; ``None`` if it died."""
        if time.monotonic() > self._ends:
            raise _Pause(0)
        try:
            answer = self._lambda.invoke(FunctionName=function, Payload=json.dumps({"Records": part}).encode())
        except self._lambda.exceptions.ClientError as error:
            if tables.code(error) not in NOT_NOW:
                raise
            raise _Pause(self._poll_seconds) from error
        return None if "FunctionError" in answer else _done(part, json.loads(answer["Payload"].read() or b"null"))


def _done(part: list[Record], answer: Any) -> int:
    """Position of the lowest sequence number that failed. One that is not known fails them all, as in Lambda."""
    failed = [str(one.get("itemIdentifier")) for one in (answer or {}).get("batchItemFailures") or []]
    sent = [sequence(record) for record in part]
    return min((sent.index(number) if number in sent else 0 for number in failed), default=len(part))


def _fitting(records: list[Record]) -> list[Record]:
    """As many, from the first on, as one invocation takes; at least one."""
    sizes = accumulate(len(json.dumps(record)) + len(", ") for record in records)
    return records[: max(sum(size <= MOST_BYTES for size in sizes), 1)]


def _without(records: list[Record], done: list[Record]) -> list[Record]:
    gone = {sequence(record) for record in done}
    return [record for record in records if sequence(record) not in gone]
