"""How long a history of 25,000 events takes to become an audit, beside parsing the same bytes as JSON alone.

    .venv/bin/python -m benchmarks.audit [--events 25000] [--repeat 7]

The history is what Step Functions records of a workflow that waits 2,776 times for a replica: the events of
a Lambda task, a Choice and a Wait, in pages of a thousand, with inputs and outputs of some hundred bytes.
Both ways read the same page bytes with ``json.loads``; one folds what it gives. They take turns, and the best
of ``--repeat`` counts, since all else on the machine only ever adds time.

Memory is the peak resident set of a child process that does nothing but fold such a history, page by
page as from the API (getrusage; tracemalloc would see Python's own objects only, and slow them down).
Exits with 1 where the time is more than three times JSON's, or the memory more than 100 MB. Measured with two
cores of an AMD EPYC and CPython 3.11: 48 ms and 108 ms, which is 2.2 times (2.0 to 2.5 where others work
beside it), and 43 MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.fold import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meridian.audit.model import Audit

EVENTS, PAGE = 25_000, 1_000  # the most that a history, and an answer of GetExecutionHistory, may hold
TIMES, MEGABYTES = 3.0, 100.0
ARN = "arn:aws:states:us-east-1:123456789012:execution:meridian-add-region:add-region-orders-1c168adb-fa9a7c35"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:meridian-describe-table:7"
STARTED = 1_793_534_400.0
TURN_SECONDS = 15.0


class History:
    """Writes the events of an execution that waits."""

    def __init__(self) -> None:
        self.count, self.when = 0, STARTED

    def event(self, kind: str, member: str = "", **details: Any) -> dict[str, Any]:
        self.count += 1
        self.when = round(self.when + 0.013, 3)
        event = {"timestamp": self.when, "type": kind, "id": self.count, "previousEventId": self.count - 1}
        return {**event, member: details} if member else event

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Give ``count`` events, the last of which ends the execution."""
        document = json.dumps({"table": "orders", "region": "eu-west-1", "home": "us-east-1"})
        yield self.event("ExecutionStarted", "executionStartedEventDetails", input=document, **WHOLE_INPUT)
        turn = self._turn()
        while self.count < count - 1:
            yield next(turn)
        yield self.event("ExecutionAborted", "executionAbortedEventDetails", error="Operator", cause="enough")

    def _turn(self) -> Iterator[dict[str, Any]]:
        while True:
            given, reply = self._documents()
            yield from self._state("Task", "DescribeTable (replica)", given, self._function(given, reply))
            yield from self._state("Choice", "DescribeTable (replica): ready?", given, iter(()))
            yield self._entered("Wait", "DescribeTable (replica): wait", given)
            self.when += TURN_SECONDS
            yield self._exited("Wait", "DescribeTable (replica): wait", given)

    def _state(self, kind: str, name: str, given: str, inside: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        yield self._entered(kind, name, given)
        yield from inside
        yield self._exited(kind, name, given)

    def _entered(self, kind: str, name: str, given: str) -> dict[str, Any]:
        return self.event(f"{kind}StateEntered", "stateEnteredEventDetails", name=name, input=given, **WHOLE_INPUT)

    def _exited(self, kind: str, name: str, given: str) -> dict[str, Any]:
        return self.event(f"{kind}StateExited", "stateExitedEventDetails", name=name, output=given, **WHOLE_OUTPUT)

    def _function(self, given: str, reply: str) -> Iterator[dict[str, Any]]:
        details = {"resource": FUNCTION, "input": given, "timeoutInSeconds": 45, **WHOLE_INPUT}
        yield self.event("LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails", **details)
        yield self.event("LambdaFunctionStarted")
        yield self.event("LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails", output=reply, **WHOLE_OUTPUT)

    def _documents(self) -> tuple[str, str]:
        detail = f"orders in eu-west-1: the replica is CREATING, looked at {self.count} times"
        reply = {"status": "BUSY", "detail": detail, "began": STARTED, "seconds": 15}
        given = {"table": "orders", "home": "us-east-1", "region": "eu-west-1", "wanted": "ACTIVE", "replica": reply}
        execution = {"Id": ARN, "Name": ARN.rpartition(":")[2], "StartTime": "2026-11-01T12:00:00.000Z"}
        return json.dumps({**given, "execution": execution}), json.dumps(reply)


WHOLE_INPUT, WHOLE_OUTPUT = {"inputDetails": {"truncated": False}}, {"outputDetails": {"truncated": False}}


def pages(count: int) -> Iterator[bytes]:
    """Answers of GetExecutionHistory, as bytes."""
    page: list[dict[str, Any]] = []
    for event in History().events(count):
        page.append(event)
        if len(page) == PAGE or event["id"] == count:
            yield json.dumps({"events": page}).encode()
            page = []


def parse(answers: list[bytes]) -> None:
    for answer in answers:
        json.loads(answer)


def audit(answers: Iterator[bytes] | list[bytes]) -> Audit:
    return fold(ARN, {}, (event for answer in answers for event in json.loads(answer)["events"]))


def best(repeat: int, *ways: Callable[[], object]) -> list[float]:
    """Seconds of the processor that each way takes at its fastest; they take turns, so that a busy moment hits all."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(repeat):
        for way, taken in zip(ways, seconds, strict=True):
            began = time.process_time()
            way()
            taken.append(time.process_time() - began)
    return [min(taken) for taken in seconds]


def peak(count: int) -> float:
    """Megabytes that a process of its own needs at the most to fold ``count`` events, the interpreter included."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_fold_and_measure, (count,))


def _fold_and_measure(count: int) -> float:
    audit(pages(count))
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time bytes to audit against bytes to JSON.")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    answers = list(pages(asked.events))
    loading, auditing = best(asked.repeat, lambda: parse(answers), lambda: audit(answers))
    megabytes = peak(asked.events)
    size = sum(map(len, answers)) / 1e6
    print(f"{asked.events:,} events, {size:.1f} MB in {len(answers)} pages")
    print(f"json.loads      {loading * 1000:7.1f} ms")
    print(f"bytes -> Audit  {auditing * 1000:7.1f} ms  {auditing / loading:.2f} times (at most {TIMES:.1f})")
    print(f"peak memory     {megabytes:7.1f} MB (at most {MEGABYTES:.0f})")
    return int(auditing > TIMES * loading or megabytes > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
