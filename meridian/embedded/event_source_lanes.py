"""A lane reads one shard for one mapping, or one of the parallel parts of that shard, batch after batch."""

from __future__ import annotations

import json
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meridian.embedded import event_patterns
from meridian.embedded.event_source_delivery import Answer, Delivery, Lost, Rules
from meridian.embedded.event_source_mappings import patterns_of
from meridian.embedded.event_source_records import Record, Shard, shards_of
from meridian.embedded.event_source_windows import Window
from meridian.embedded.services import in_region

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meridian.embedded.event_source_functions import Functions

PAYLOAD_BYTES = 6 * 1024 * 1024  # of one invocation
GATHERING_LOOK_SECONDS = 0.1  # how often a lane that waits for its batch to fill counts again


@dataclass
class Gathered:
    """What a lane found on its way through the shard: the batch, and the last record it need not see again."""

    records: list[Record] = field(default_factory=list)
    last: str = ""
    polled: int = 0
    full: bool = False


@dataclass(frozen=True)
class Place:
    """What a lane reads: part number ``part`` of ``parts`` of a shard, for a mapping."""

    region: str
    mapping: dict[str, Any]
    shard: str
    part: int
    parts: int


class Lane:
    """``position`` is the sequence number of the last record that is done with."""

    def __init__(
        self, place: Place, position: str, functions: Functions, runs: Callable[[dict[str, Any]], bool]
    ) -> None:
        self._region, self._mapping, self._shard = place.region, place.mapping, place.shard
        self._part, self._parts = place.part, place.parts
        self.position = position
        self._functions = functions
        self._runs = runs
        self._window = Window(place.mapping["TumblingWindowInSeconds"])
        self._gathering_until: float | None = None
        self._look_again = 0.0
        self.busy = False

    def start_if_due(self, shard: Shard) -> None:
        """Deliver what there is, in a thread of its own."""
        now = time.monotonic()
        if self.busy or now < self._look_again:
            return
        if shard.last > self.position or self._window.ended(time.time()):
            self.busy = True
            threading.Thread(target=self._work, daemon=True).start()

    def _alive(self) -> bool:
        return self._runs(self._mapping) and self._mapping["ParallelizationFactor"] == self._parts

    def _work(self) -> None:
        try:
            with in_region(self._region):
                while self._alive() and self._deliver_next():
                    pass
        finally:
            self.busy = False

    def _deliver_next(self) -> bool:
        """Deliver one batch. False when there is none yet."""
        shard = (shards_of(self._mapping["EventSourceArn"]) or {}).get(self._shard)
        if shard is None:
            return False
        if self._window.seconds != self._mapping["TumblingWindowInSeconds"]:
            self._window = Window(self._mapping["TumblingWindowInSeconds"])
        found = self._gather(shard)
        if not found.records:
            self._functions.count(self._mapping, PolledEventCount=found.polled, FilteredOutEventCount=found.polled)
            self.position = max(self.position, found.last)
            return self._close_window(shard)
        if not found.full and self._waits():
            return False
        self._gathering_until = None
        filtered = found.polled - len(found.records)
        self._functions.count(self._mapping, PolledEventCount=found.polled, FilteredOutEventCount=filtered)
        self._delivery(found).deliver(found.records)
        return True

    def _waits(self) -> bool:
        """Whether the batch may still grow, for as long as the mapping's batching window."""
        now = time.monotonic()
        if self._gathering_until is None:
            self._gathering_until = now + self._mapping["MaximumBatchingWindowInSeconds"]
        self._look_again = min(self._gathering_until, now + GATHERING_LOOK_SECONDS)
        return now < self._gathering_until

    def _gather(self, shard: Shard) -> Gathered:
        patterns, found, size = patterns_of(self._mapping), Gathered(), 0
        for record in shard.after(self.position):
            if zlib.crc32(record.key.encode()) % self._parts == self._part:
                if not patterns or any(event_patterns.matches(pattern, record.seen) for pattern in patterns):
                    size += len(json.dumps(record.event))
                    if (found.records and size > PAYLOAD_BYTES) or not self._window.admits(record):
                        found.full = True
                        break
                    found.records.append(record)
                found.polled += 1
            found.last = record.sequence
            if len(found.records) == self._mapping["BatchSize"]:
                found.full = True
                break
        return found

    def _delivery(self, found: Gathered) -> Delivery:
        mapping, last = self._mapping, found.records[-1].sequence
        rules = Rules(
            bisect=mapping["BisectBatchOnFunctionError"],
            retries=mapping["MaximumRetryAttempts"],
            age=mapping["MaximumRecordAgeInSeconds"],
            partial="ReportBatchItemFailures" in mapping["FunctionResponseTypes"],
        )

        def done(record: Record) -> None:
            # Behind the last of them lie only records that nobody wants.
            self.position = found.last if record.sequence == last else record.sequence

        return Delivery(rules, self._invoke, done, self._give_up, self._alive)

    def _invoke(self, records: Sequence[Record], *, final: bool = False) -> Answer:
        extra = self._window.of_event(self._shard, self._mapping["EventSourceArn"], final=final)
        answer = self._functions.invoke(self._mapping, records, extra)
        if not answer.failed and not answer.throttled:
            self._window.keep(answer.body)
        return answer

    def _give_up(self, lost: Lost) -> None:
        self._functions.give_up(self._mapping, self._shard, lost)

    def _close_window(self, shard: Shard) -> bool:
        """Tell the function that the window is over, once no record can come into it. False if it is not."""
        following = next(shard.after(self.position), None)
        over = self._window.ended(time.time()) if following is None else not self._window.admits(following)
        if not self._window.seconds or not over:
            return False
        retries = self._mapping["MaximumRetryAttempts"]
        tries = 0
        while self._alive() and self._invoke([], final=True).failed and not 0 <= retries <= tries:
            tries += 1
            time.sleep(GATHERING_LOOK_SECONDS)
        self._window.close()
        return True
