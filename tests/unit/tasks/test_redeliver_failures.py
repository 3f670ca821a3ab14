"""RedeliverFailures: what a processor failed on goes to it again, once, and an item's changes in order."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import redeliver_failures as module
from tasks.redeliver_failures import redeliver_failures
from tasks.shared import region_parameters
from tasks.shared.clients import INVOKE_TIMEOUT_SECONDS
from tasks.shared.redelivery import MOST_LOOKS, START
from tests.unit.tasks.failures import (
    ANALYTICS,
    BUCKET,
    CHANGES,
    Body,
    Processors,
    Record,
    carried,
    document,
    key,
    payload,
    raw,
    sequence,
    streamed,
)
from tests.unit.tasks.fakes import ACCOUNT, Answer, Killed, MotoClients, emptied
from tests.unit.tasks.scenarios import AWAY, Scenario, once, play, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.tasks.fakes import StubbedClients


def event(**progress: Any) -> Any:
    return once(poll_seconds=15, progress={**copy.deepcopy(START), **progress})


# ------------------------------------------------------------------------------------------------------------ scenarios

OWNED: Any = {"Bucket": BUCKET, "ExpectedBucketOwner": ACCOUNT}


def s3(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("s3", AWAY, method, response or {}, params={**OWNED, **params})


def listed(*keys: str) -> Answer:
    found = [{"Key": one, "LastModified": "2026-11-20T10:00:00Z"} for one in keys]
    return s3("list_objects_v2", {"Contents": found} if found else {}, Prefix="aws/lambda/")


def read(name: str, body: bytes) -> Answer:
    return s3("get_object", {"Body": Body(body), "ETag": '"1"'}, Key=name)


def invoked(*records: Record, failing: str = "", died: bool = False, function: str = CHANGES) -> Answer:
    answer = {"batchItemFailures": [{"itemIdentifier": failing}] if failing else []}
    response = {"StatusCode": 200, "Payload": Body(json.dumps(answer).encode())}
    if died:
        response["FunctionError"] = "Unhandled"
    return Answer("lambda", AWAY, "invoke", response, params={"FunctionName": function, "Payload": payload(*records)})


def deleted(name: str) -> Answer:
    return s3("delete_object", Key=name)


def replaced(name: str, *records: Record) -> Answer:
    body: Any = {"Body": document(*records), "ContentType": "application/json", "IfMatch": '"1"'}
    return s3("put_object", {"ETag": '"2"'}, Key=name, **body)


def refused_invoke(code: str) -> Answer:
    return refuse("lambda", AWAY, "invoke", code)


def ends(**counts: Any) -> dict[str, Any]:
    return {"status": "READY", "wait_seconds": 0, **START, "looks": 1, **counts}


ONE, TWO = streamed(1, "MARKED one"), streamed(2, "MARKED two")
GROUP = "2026-11-20T10.00.00 aws/lambda/mapping/shard-1"

SCENARIOS = [
    Scenario("Without failures there is nothing to do", event(), [listed()], ends()),
    Scenario(
        "Without a bucket there is nothing to do",
        event(),
        [refuse("s3", AWAY, "list_objects_v2", "NoSuchBucket")],
        ends(),
    ),
    Scenario(
        "Records that are processed now are taken away",
        event(),
        [listed(key()), read(key(), document(ONE, TWO)), invoked(ONE, TWO), deleted(key())],
        ends(after=GROUP, objects=1, redelivered=2),
    ),
    Scenario(
        "Records of Kinesis go to analytics, whichever version of it failed",
        event(),
        [
            listed(key()),
            read(key(), document(carried(1), function=ANALYTICS, qualifier=":7")),
            invoked(carried(1), function=ANALYTICS),
            deleted(key()),
        ],
        ends(after=GROUP, objects=1, redelivered=1),
    ),
    Scenario(
        "A record that fails again is all that is left of its object",
        event(),
        [
            listed(key()),
            read(key(), document(ONE, TWO)),
            invoked(ONE, TWO, failing="1"),
            invoked(TWO),
            replaced(key(), ONE),
        ],
        ends(after=GROUP, objects=1, redelivered=1, failing=1),
    ),
    Scenario(
        "A record that alone fails again is left as it is",
        event(),
        [listed(key()), read(key(), document(ONE)), invoked(ONE, failing="1")],
        ends(after=GROUP, objects=1, failing=1),
    ),
    Scenario(
        "A function that dies of a batch gets its halves",
        event(),
        [
            listed(key()),
            read(key(), document(ONE, TWO)),
            invoked(ONE, TWO, died=True),
            invoked(ONE, died=True),
            invoked(TWO),
            replaced(key(), ONE),
        ],
        ends(after=GROUP, objects=1, redelivered=1, failing=1),
    ),
    Scenario(
        "An answer that names an unknown record fails the whole batch",
        event(),
        [listed(key()), read(key(), document(ONE)), invoked(ONE, failing="unknown")],
        ends(after=GROUP, objects=1, failing=1),
    ),
    Scenario(
        "A processor that does not exist there is reported, and its records are left",
        event(),
        [listed(key()), read(key(), document(ONE, TWO)), refused_invoke("ResourceNotFoundException")],
        ends(after=GROUP, objects=1, failing=2, missing=["changes"]),
    ),
    *(
        Scenario(
            f"An object that is no failure record of ours is left and reported: {what}",
            event(),
            [listed(key()), read(key(), body)],
            ends(after=GROUP, objects=1, foreign=1),
        )
        for what, body in {
            "another function's": document(ONE, function="MARKED"),
            "another table's": document(ONE, function="meridian-others-00000000-changes"),
            "no JSON": b"MARKED",
            "no object": b"[1]",
            "of an asynchronous invocation": b'{"requestContext": {"functionArn": "arn"}, "requestPayload": {}}',
            "without records": document(),
            "with records of nothing": document({"eventSource": "aws:sqs"}),
        }.items()
    ),
    Scenario(
        "An object that went since the look is none",
        event(),
        [listed(key()), refuse("s3", AWAY, "get_object", "NoSuchKey")],
        ends(after=GROUP),
    ),
    Scenario(
        "An object that another execution changed since is left to it",
        event(),
        [
            listed(key()),
            read(key(), document(ONE, TWO)),
            invoked(ONE, TWO, failing="2"),
            refuse("s3", AWAY, "put_object", "PreconditionFailed"),
        ],
        ends(after=GROUP, redelivered=1),
    ),
    *(
        Scenario(
            f"Where Lambda takes no call now ({code}), the work goes on later",
            event(),
            [listed(key()), read(key(), document(ONE)), refused_invoke(code)],
            {"status": "BUSY", "wait_seconds": 15, "looks": 1, "objects": 0, "after": ""},
        )
        for code in module.NOT_NOW
    ),
    Scenario(
        "The last look tells what it did not come to",
        event(looks=MOST_LOOKS - 1),
        [listed(key()), read(key(), document(ONE)), refused_invoke("TooManyRequestsException")],
        {"status": "READY", "looks": MOST_LOOKS, "untried": 1},
    ),
    Scenario(
        "What an earlier look dealt with is not touched again",
        event(looks=1, after=GROUP, objects=1, failing=1),
        [listed(key())],
        {"status": "READY", "looks": 2, "objects": 1, "failing": 1, "untried": 0},
    ),
    Scenario(
        "An item that an earlier look stopped at stays stopped",
        event(looks=1, after=GROUP, objects=1, failing=1, stopped=[{"key": key(), "sequence": "1"}]),
        [
            listed(key(), key(1)),
            read(key(), document(ONE)),
            read(key(1), document(streamed(3, "MARKED one"))),
        ],
        {"status": "READY", "objects": 2, "failing": 2, "redelivered": 0},
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_redeliver_failures(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(redeliver_failures, scenario, aws)


# ------------------------------------------------------------------------------------------------- a bucket with state


class Region(MotoClients):
    """Moto's S3 with a failure bucket, and processors."""

    def __init__(self, processors: Processors) -> None:
        super().__init__()
        self.processors = processors

    def lambda_(self, _: str) -> Any:
        return self.processors

    def put(self, name: str, body: bytes) -> None:
        self.s3(AWAY).put_object(Bucket=BUCKET, Key=name, Body=body)

    def left(self) -> dict[str, list[int]]:
        """Sequence numbers by object."""
        s3: Any = self.s3(AWAY)
        found = {}
        for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            body = json.loads(s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read())
            found[one["Key"]] = [int(sequence(record)) for record in json.loads(body["payload"])["Records"]]
        return found


@pytest.fixture
def region() -> Iterator[Region]:
    with emptied():
        yield made()


def made() -> Region:
    region = Region(Processors())
    region.s3(AWAY).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return region


def run(aws: Region) -> dict[str, Any]:
    """Call the task as the state machine does, until it is not BUSY."""
    progress: Any = copy.deepcopy(START)
    while True:
        reply = redeliver_failures.run(event(**progress), aws)
        if reply["status"] == "READY":
            return dict(reply)
        progress = {name: reply[name] for name in START}  # type: ignore[literal-required]
        assert json.loads(json.dumps(progress)) == progress


def counts(reply: dict[str, Any]) -> tuple[int, int, int, int]:
    return reply["objects"], reply["redelivered"], reply["failing"], reply["untried"]


def test_oldest_first(region: Region) -> None:
    """Objects go in the order of their time over all shards; those of one shard and second by what is in them."""
    region.put(key(5, "shard-1", "a"), document(streamed(50)))
    region.put(key(4, "shard-2", "z"), document(streamed(41)))
    region.put(key(4, "shard-2", "a"), document(streamed(42)))
    region.put(key(9, "shard-9", "a", day=19), document(streamed(10)))
    assert counts(run(region)) == (4, 4, 0, 0)
    assert region.processors.delivered == [[10], [41], [42], [50]]


def test_a_second_run(region: Region) -> None:
    """A second run finds nothing to do, and a third what failed, once it can be processed."""
    region.put(key(), document(*(streamed(number, f"item {number}") for number in range(5))))
    region.processors.fails = {2}
    assert counts(run(region)) == (1, 4, 1, 0)
    assert region.left() == {key(): [2]}
    assert counts(run(region)) == (1, 0, 1, 0)
    region.processors.fails = set()
    assert counts(run(region)) == (1, 1, 0, 0)
    assert counts(run(region)) == (0, 0, 0, 0)
    assert sorted(region.processors.done) == [0, 1, 2, 3, 4]


def test_order_of_an_item(region: Region) -> None:
    """After an item's record fails, its later ones are left in every object of every shard; others go on."""
    region.put(key(1), document(streamed(1, "a"), streamed(2, "b"), streamed(3, "a")))
    region.put(key(2, "shard-2"), document(streamed(4, "a"), streamed(5, "c")))
    region.put(key(3), document(carried(6, "a"), function=ANALYTICS))
    region.processors.fails = {1}
    assert counts(run(region)) == (3, 3, 3, 0)
    assert region.left() == {key(1): [1, 3], key(2, "shard-2"): [4]}
    assert region.processors.done == [2, 5, 6]


def test_a_record_without_an_item(region: Region) -> None:
    """A record that names no item holds up nobody."""
    region.put(key(1), document(raw(1, b"MARKED"), raw(2, b"{}"), carried(3), function=ANALYTICS))
    region.processors.fails = {1, 2}
    assert counts(run(region)) == (1, 1, 2, 0)
    assert region.left() == {key(1): [1, 2]}


def test_finds_what_kills(region: Region) -> None:
    """A record of which the function dies is found among the others, which are all processed."""
    region.put(key(), document(*(streamed(number, f"item {number}") for number in range(64))))
    region.processors.kills = {37}
    assert counts(run(region)) == (1, 63, 1, 0)
    assert sorted({*range(64)} - {*region.processors.done}) == [37]
    assert len(region.processors.delivered) < 20


def test_finds_the_first_that_fails(region: Region) -> None:
    """So is a record that fails as the first of many: halves come down to it, and it alone is left."""
    region.put(key(), document(*(streamed(number, f"item {number}") for number in range(64))))
    region.processors.fails = {0}
    assert counts(run(region)) == (1, 63, 1, 0)
    assert region.left() == {key(): [0]}
    assert region.processors.done == [*range(1, 64)]
    assert [len(part) for part in region.processors.delivered] == [64, 32, 16, 8, 4, 2, 1, 63]


def test_size_of_a_call(region: Region) -> None:
    """A batch that is larger than Lambda takes at once goes in parts, in order."""
    region.put(key(), document(*(streamed(number, size=900_000) for number in range(9))))
    assert counts(run(region)) == (1, 9, 0, 0)
    assert region.processors.delivered == [[0, 1, 2, 3, 4, 5], [6, 7, 8]]


def test_gives_up(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many items fail it is no matter of single records: it stops, and tells how many objects it did not try."""
    monkeypatch.setattr(module, "MOST_STOPPED", 3)
    for second in range(5):
        region.put(key(second), document(streamed(second, f"item {second}")))
    region.processors.fails = {*range(5)}
    assert counts(run(region)) == (3, 0, 3, 2)
    assert len(region.processors.delivered) == 3


def test_processor_away(region: Region) -> None:
    """A processor that does not exist is called once, and the others' records go on."""
    for second in range(3):
        region.put(key(second), document(streamed(second)))
    region.put(key(9), document(carried(9), function=ANALYTICS))
    region.processors.absent = {CHANGES}
    reply = run(region)
    assert counts(reply) == (4, 1, 3, 0)
    assert reply["missing"] == ["changes"]


def test_looks(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that runs out of time ends between two calls, and the next goes on without counting anything twice."""
    seconds = iter(range(1_000))
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    monkeypatch.setattr(module, "WORK_SECONDS", 4)
    for second in range(5):
        region.put(key(second), document(streamed(2 * second, "a"), streamed(2 * second + 1, f"item {second}")))
    region.processors.fails = {4}
    reply = run(region)
    assert counts(reply) == (5, 7, 3, 0)
    assert reply["looks"] == 2
    assert reply["stopped"] == []
    assert region.left() == {key(2): [4], key(3): [6], key(4): [8]}


def test_time_of_a_look() -> None:
    """The processor that a look calls last has all its time, and the look answers within its own."""
    assert INVOKE_TIMEOUT_SECONDS > region_parameters.TIMEOUT_SECONDS
    assert redeliver_failures.timeout_seconds > module.WORK_SECONDS + INVOKE_TIMEOUT_SECONDS


def test_throttled(region: Region) -> None:
    """Where Lambda takes no calls for a while, nothing is lost and nothing is out of order."""
    for second in range(3):
        region.put(key(second), document(streamed(second)))
    region.processors.busy = 2
    assert counts(run(region)) == (3, 3, 0, 0)
    assert region.processors.done == [0, 1, 2]


def test_bounded(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed from look to look stays small, however much fails."""
    monkeypatch.setattr(module, "WORK_SECONDS", -1)
    stopped = [{"key": key(name="x" * 36, shard="x" * 60), "sequence": "1" * 40}] * (module.MOST_STOPPED - 1)
    region.put(key(), document(streamed(1)))
    reply = redeliver_failures.run(event(stopped=stopped), region)
    assert len(json.dumps(reply)) < 8_000


def test_two_at_once(region: Region) -> None:
    """Another execution that does all the work meanwhile leaves nothing that comes back."""
    region.put(key(), document(streamed(1, "a"), streamed(2, "b")))
    region.processors.fails = {2}
    other = Region(Processors())
    region.processors.meanwhile = lambda: counts(run(other))
    run(region)
    assert region.left() == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere(when: str) -> None:
    """Whatever call it dies at, no record is lost, and the next run leaves what an undisturbed one leaves."""
    number = 0
    while True:
        number += 1
        with emptied():
            region = made()
            region.put(key(1), document(streamed(1, "a"), streamed(2, "b"), streamed(3, "a")))
            region.put(key(2), document(streamed(4, "b"), streamed(5, "c")))
            doomed = Region(region.processors)
            doomed.kill(when, number)
            region.processors.fails = {3}
            try:
                run(doomed)
            except Killed:
                pass
            else:
                break
            known = {*region.processors.done, *(one for left in region.left().values() for one in left)}
            assert known == {1, 2, 3, 4, 5}
            run(Region(region.processors))
            assert region.left() == {key(1): [3]}
            assert set(region.processors.done) == {1, 2, 4, 5}
            delivered = len(region.processors.delivered)
            assert counts(run(Region(region.processors))) == (1, 0, 1, 0)
            assert region.processors.delivered[delivered:] == [[3]]
    assert number > 5


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), max_size=5),
    st.sets(st.integers(0, 30)),
    st.sets(st.integers(0, 30)),
)
def test_any_failures(objects: list[list[str]], fails: set[int], kills: set[int]) -> None:
    """Whatever fails: what is processed and what is left is all there was, each once, and an item is cut at a point."""
    with emptied():
        region, items, number = made(), {}, 0
        for second, names in enumerate(objects):
            records = []
            for name in names:
                items[number] = name
                records.append(streamed(number, name))
                number += 1
            region.put(key(second), document(*records))
        region.processors.fails, region.processors.kills = fails, kills
        reply = run(region)
        done, left = region.processors.done, [one for some in region.left().values() for one in some]
    assert sorted(done + left) == list(range(number))
    assert (reply["redelivered"], reply["failing"]) == (len(done), len(left))
    for name in "abcd":
        of_item = [one for one in range(number) if items[one] == name]
        first = next((one for one in of_item if one in fails | kills), None)
        assert [one for one in done if items[one] == name] == [one for one in of_item if first is None or one < first]
