"""How a batch of a stream gets to a function, or is given up: retries, bisection, partial answers, age.

Rules: Lambda Developer Guide, "Retain discarded records" and "Configuring partial batch response" of
the pages on DynamoDB and Kinesis. With bisection a partial answer splits a batch at the record that it reports. Where
that is the first one, nothing is split off, and the batch comes again whole; only a failed invocation halves it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meridian.embedded.event_source_records import Record

FOR_EVER = -1
RETRIES_EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"
# Lambda waits longer from one try to the next; here nobody has that time.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


@dataclass(frozen=True)
class Rules:
    """What a mapping says about failures; ages in seconds, -1 is for ever."""

    bisect: bool = False
    retries: int = FOR_EVER
    age: int = FOR_EVER
    partial: bool = False


@dataclass(frozen=True)
class Answer:
    """What came of one invocation: ``body`` as the function answered, unless it failed or was throttled."""

    body: Any = None
    failed: bool = False
    throttled: bool = False


@dataclass(frozen=True)
class Batch:
    records: Sequence[Record]
    retries: int = 0  # that it has used up
    invocations: int = 0


@dataclass(frozen=True)
class Lost:
    """Records that are given up, and why."""

    records: Sequence[Record]
    condition: str
    invocations: int
    answer: Answer | None


@dataclass
class Delivery:
    """One batch on its way. ``done`` moves the checkpoint past a record; nothing is tried once ``alive`` says no."""

    rules: Rules
    invoke: Callable[[Sequence[Record]], Answer]
    done: Callable[[Record], None]
    give_up: Callable[[Lost], None]
    alive: Callable[[], bool]
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    _waiting: list[Batch] = field(default_factory=list)  # the next one last
    _answer: Answer | None = None

    def deliver(self, records: Sequence[Record]) -> None:
        """Return once every record is done with, or there is no sense in going on."""
        self._waiting = [Batch(records)]
        tries = 0
        while self._waiting and self.alive():
            batch = self._young_part_of(self._waiting.pop())
            if not batch.records:
                continue
            self._answer = self.invoke(batch.records)
            if self._settle(Batch(batch.records, batch.retries, batch.invocations + 1), self._answer):
                tries = 0
            else:
                self.pause(min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE))
                tries += 1

    def _young_part_of(self, batch: Batch) -> Batch:
        """The batch without the records that have become too old; those are given up."""
        if self.rules.age == FOR_EVER:
            return batch
        oldest = self.clock() - self.rules.age
        old = [record for record in batch.records if record.created < oldest]
        if not old:
            return batch
        self._lose(old, TOO_OLD, batch.invocations)
        return Batch(batch.records[len(old) :], batch.retries, batch.invocations)

    def _settle(self, batch: Batch, answer: Answer) -> bool:
        """Note what came of a batch. False: the same comes again, so wait a little."""
        if answer.throttled:
            self._waiting.append(Batch(batch.records, batch.retries, batch.invocations - 1))
            return False
        failing = self._first_failing(batch.records, answer)
        if failing is None:
            self.done(batch.records[-1])
            return True
        if failing > 0:
            self.done(batch.records[failing - 1])
        rest = Batch(batch.records[failing:], batch.retries, batch.invocations)
        return self._split(rest, off=failing > 0, halve=answer.failed) or self._try_again(rest)

    def _split(self, rest: Batch, *, off: bool, halve: bool) -> bool:
        """Put back what a partial answer split off, or halves; that uses up no retry. False: nothing is to be split."""
        if not self.rules.bisect:
            return False
        if off:
            self._waiting.append(rest)
            return True
        middle = len(rest.records) // 2
        if halve and middle:
            halves = rest.records[middle:], rest.records[:middle]
            self._waiting += [Batch(half, rest.retries, rest.invocations) for half in halves]
            return True
        return False

    def _try_again(self, batch: Batch) -> bool:
        """Put a batch back as it is, or give it up."""
        records = batch.records
        if self.rules.retries != FOR_EVER and batch.retries >= self.rules.retries:
            self._lose(records, RETRIES_EXHAUSTED, batch.invocations)
            return True
        self._waiting.append(Batch(records, batch.retries + 1, batch.invocations))
        return False

    def _lose(self, records: Sequence[Record], condition: str, invocations: int) -> None:
        self.give_up(Lost(records, condition, invocations, self._answer if invocations else None))
        self.done(records[-1])

    def _first_failing(self, records: Sequence[Record], answer: Answer) -> int | None:
        """Index of the first record that has to come again; 0 also when the whole batch failed."""
        if answer.failed:
            return 0
        if not self.rules.partial or not answer.body:
            return None
        try:
            named = [failure["itemIdentifier"] for failure in answer.body.get("batchItemFailures") or []]
            places = [record.sequence for record in records]
            return min((places.index(name) for name in named), default=None)
        except (AttributeError, KeyError, TypeError, ValueError):
            return 0  # an answer that is not understood, or that names no record of the batch
