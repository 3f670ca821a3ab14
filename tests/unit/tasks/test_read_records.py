"""ReadRecords: each Region's stream is read from the last position to the tip, in all its shards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import read_records as module
from tasks.read_records import read_records
from tasks.shared import probes, shards
from tests.unit.tasks.scenarios import AWAY, HOME, STREAM, Scenario, kinesis, play, refuse
from tests.unit.tasks.streamed import BARE, FROM_MS, RUN, SINCE_MS, STEPS, event, records_of

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients


def change(step: str, origin: str = HOME, run: str = RUN, **more: Any) -> dict[str, Any]:
    """A change record as DynamoDB writes it to Kinesis."""
    image = {probes.MARKER: {"S": run}, probes.STEP: {"S": step}, probes.ORIGIN: {"S": origin}, "id": {"S": "k"}}
    images = {"put": {"NewImage": image}, "update": {"NewImage": image, "OldImage": image}}
    old = {"OldImage": {**image, probes.STEP: {"S": "update"}}}
    return {"eventID": f"{step}-record-of-many", "dynamodb": images.get(step, old), **more}


def record(data: Any, arrived_ms: int = SINCE_MS + 500, number: int = 1) -> dict[str, Any]:
    return {
        "SequenceNumber": str(number),
        "ApproximateArrivalTimestamp": shards.moment(arrived_ms),
        "Data": data if isinstance(data, bytes) else json.dumps(data).encode(),
        "PartitionKey": "k",
    }


def listed(*ids: str, from_ms: int = FROM_MS) -> Answer:
    shard: Any = {"HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"}}
    found = [{"ShardId": one, "SequenceNumberRange": {"StartingSequenceNumber": "0"}, **shard} for one in ids]
    since = {"Type": "FROM_TIMESTAMP", "Timestamp": shards.moment(from_ms)}
    return kinesis(HOME, "list_shards", {"Shards": found}, StreamName=STREAM, ShardFilter=since)


def positioned(shard: str = "shard-0", from_ms: int = FROM_MS) -> Answer:
    return kinesis(
        HOME,
        "get_shard_iterator",
        {"ShardIterator": "first"},
        StreamName=STREAM,
        ShardId=shard,
        ShardIteratorType="AT_TIMESTAMP",
        Timestamp=shards.moment(from_ms),
    )


def got(*records: Any, behind: int = 0, asked: str = "first", after: str = "next") -> Answer:
    answer = {"Records": list(records), "NextShardIterator": after, "MillisBehindLatest": behind}
    return kinesis(HOME, "get_records", answer, ShardIterator=asked, Limit=shards.RECORDS_AT_ONCE)


FOUND = {step: {f"{step}-record"[:8]: SINCE_MS + 500} for step in STEPS}

SCENARIOS = [
    Scenario(
        "Put, update and delete of the Region's own probe are all there is to see",
        event(),
        [listed("shard-0"), positioned(), got(*map(record, map(change, STEPS)))],
        {"status": "READY", "wait_seconds": 0},
    ),
    Scenario(
        "A record that has not arrived is looked for again",
        event(poll=7),
        [listed("shard-0"), positioned(), got(record(change("put")), record(change("update")))],
        {"status": "BUSY", "wait_seconds": 7},
    ),
    Scenario(
        "At the deadline what is missing is left to Summarize",
        event(ago=301),
        [listed("shard-0"), positioned(), got()],
        {"status": "READY", "wait_seconds": 0},
    ),
    Scenario(
        "Records of other Regions' probes, of other runs and of applications are none of this Region's",
        event(),
        [
            listed("shard-0"),
            positioned(),
            got(
                record(change("put", AWAY)),
                record(change("update", run="another")),
                record({"eventID": "1", "dynamodb": {"NewImage": {"note": {"S": f"MARKED {RUN}"}}}}),
                record(b"no JSON at all"),
            ),
        ],
        {"status": "BUSY"},
    ),
    Scenario(
        "An answer that is not at the tip is followed by the next one",
        event(),
        [
            listed("shard-0"),
            positioned(),
            got(record(change("put")), behind=900),
            got(record(change("update")), record(change("delete")), asked="next"),
        ],
        {"status": "READY"},
    ),
    Scenario(
        "A shard whose readers are too many is read on in the next look, from where this one came to",
        event(),
        [
            listed("shard-0"),
            positioned(),
            got(record(change("put"), SINCE_MS + 77), behind=900),
            refuse("kinesis", HOME, "get_records", "ProvisionedThroughputExceededException"),
        ],
        {
            "status": "BUSY",
        },
    ),
    Scenario(
        "Where the last look came to is where this one begins, of each shard",
        event(records={HOME: {"from_ms": SINCE_MS + 60_000, "behind": {"shard-0": SINCE_MS + 77}, "found": {}}}),
        [listed("shard-0", from_ms=SINCE_MS + 77), positioned("shard-0", SINCE_MS + 77), got()],
        {"status": "BUSY"},
    ),
    Scenario(
        "A Region that has shown everything is not asked again",
        event(records={HOME: records_of()}),
        reply={"status": "READY", "records": {HOME: records_of()}},
    ),
    Scenario(
        "A table that streams nothing to Kinesis is not looked at", event(request=BARE), reply={"status": "READY"}
    ),
    Scenario(
        "A stream that is gone is an error under AWS's own name",
        event(),
        [refuse("kinesis", HOME, "list_shards", "ResourceNotFoundException", "Stream not found")],
        raises="ResourceNotFoundException",
        says=["AWS refused ListShards in us-east-1: Stream not found."],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_read_records(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(read_records, scenario, aws)


class Throttled(Exception):
    """Stands in for ProvisionedThroughputExceededException."""


class Stream:
    """A stream in memory: shards hold records in the order of their arrival, and give ``page`` of them an answer."""

    exceptions = SimpleNamespace(ProvisionedThroughputExceededException=Throttled)

    def __init__(self, *held: list[dict[str, Any]], page: int = 2, throttled_each: int = 10_000) -> None:
        self.held, self.page, self.throttled_each = held, page, throttled_each
        self.asked: list[dict[str, Any]] = []
        self.reads = 0

    def list_shards(self, **given: Any) -> dict[str, Any]:
        """Two shards a page; a token beside a name or a filter is refused, as Kinesis does."""
        self.asked.append(given)
        assert ("NextToken" in given) != ("StreamName" in given)
        assert not ("NextToken" in given and "ShardFilter" in given)
        first = int(given.get("NextToken", "0"))
        more = {"NextToken": str(first + 2)} if first + 2 < len(self.held) else {}
        return {"Shards": [{"ShardId": str(at)} for at in range(len(self.held))[first : first + 2]], **more}

    def get_shard_iterator(self, *, ShardId: str, Timestamp: datetime, **_: Any) -> dict[str, Any]:  # noqa: N803
        held = self.held[int(ShardId)]
        before = sum(one["ApproximateArrivalTimestamp"] < Timestamp for one in held)
        return {"ShardIterator": f"{ShardId}/{before}"}

    def get_records(self, *, ShardIterator: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.reads += 1
        if self.reads % self.throttled_each == 0:
            raise Throttled
        shard, at = map(int, ShardIterator.split("/"))
        end = min(at + self.page, len(self.held[shard]))
        behind = 1_000 if end < len(self.held[shard]) else 0
        return {
            "Records": self.held[shard][at:end],
            "NextShardIterator": f"{shard}/{end}",
            "MillisBehindLatest": behind,
        }


def looks(streams: dict[str, Stream], most: int = 200) -> tuple[dict[str, Any], int]:
    """What is found in the end, and after how many looks."""
    aws: Any = SimpleNamespace(kinesis=lambda region: streams[region])
    given_ = event(*streams)
    for count in range(1, most):
        reply: Any = read_records.run(given_, aws)
        if reply["status"] == "READY":
            return reply, count
        given_["streaming"] = {key: value for key, value in reply.items() if key not in ("status", "wait_seconds")}
    raise AssertionError(f"not found in {most} looks")


@given(
    shards_of=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    others=st.dictionaries(st.integers(0, 3_000), st.integers(0, 4), max_size=40),
    page=st.integers(4, 8),  # more than come in one millisecond
    throttled_each=st.integers(2, 20),
)
def test_every_record_is_found_in_whatever_shard(
    shards_of: list[int], others: dict[int, int], page: int, throttled_each: int
) -> None:
    """Busy shards, small answers and refused reads only mean more looks: no record is lost, none is counted twice."""
    held: list[list[dict[str, Any]]] = [[] for _ in range(5)]
    for after_ms, shard in others.items():
        held[shard].append(record(change("put", AWAY), SINCE_MS + after_ms))
    for shard, step in zip(shards_of, STEPS, strict=True):
        held[shard].append(record(change(step), SINCE_MS + 500))
    for one in held:
        one.sort(key=lambda found: found["ApproximateArrivalTimestamp"])
    reply, _ = looks({HOME: Stream(*held, page=page, throttled_each=throttled_each)})
    assert reply["records"][HOME]["found"] == FOUND


def test_every_page_of_shards_is_read() -> None:
    """Children of a split are on later pages; each is asked for by its token alone."""
    stream = Stream([], [], [], [], [record(change(step)) for step in STEPS], page=5)
    _, count = looks({HOME: stream})
    assert count == 1
    assert [set(given_) for given_ in stream.asked] == [{"StreamName", "ShardFilter"}, {"NextToken"}, {"NextToken"}]


def one_look(stream: Stream, **parts: Any) -> Any:
    aws: Any = SimpleNamespace(kinesis=lambda _: stream)
    return read_records.run(event(**parts), aws)["records"][HOME]


def test_a_look_takes_what_a_shard_allows() -> None:
    """However much there is, a shard is read four times a look, because Lambda reads it too, and then read on."""
    stream = Stream([record(change("put", AWAY), SINCE_MS + at) for at in range(100)])
    assert one_look(stream)["behind"] == {"0": SINCE_MS + 2 * shards.MOST_READS - 1}
    assert stream.reads == shards.MOST_READS


def test_a_shard_that_is_behind_does_not_hold_up_the_others() -> None:
    """Those at the tip are read on from a little before this look, by as much as clocks may differ."""
    now_ms = shards.milliseconds(datetime.now(UTC))
    stream = Stream([record(change("put", AWAY), SINCE_MS + at) for at in range(100)], [], [])
    after = one_look(stream)
    assert set(after["behind"]) == {"0"}
    assert now_ms - 10_000 <= after["from_ms"] <= shards.milliseconds(datetime.now(UTC)) - 10_000


def test_of_many_shards_behind_none_is_passed_over() -> None:
    """Where more are behind than are carried one by one, all the others begin where the first of the rest came to."""
    held = [[record(change("put", AWAY), SINCE_MS + 100 * shard + at) for at in range(20)] for shard in range(25)]
    after = one_look(Stream(*held))
    assert len(after["behind"]) == module.MOST_BEHIND
    assert after["from_ms"] == SINCE_MS + 100 * module.MOST_BEHIND + 2 * shards.MOST_READS - 1


def test_a_shard_that_is_born_during_a_look_is_read_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a look takes, the next begins before its own beginning, not before its end."""
    moments = iter([datetime(2026, 11, 21, 10, 5, tzinfo=UTC)])
    monkeypatch.setattr(module, "now", lambda: next(moments))
    assert one_look(Stream([]))["from_ms"] == SINCE_MS + 300_000 - 10_000


def test_each_region_is_judged_by_its_own_probe() -> None:
    """Every stream carries every Region's writes; a Region's own are what counts."""
    streams = {
        region: Stream([record(change(step, origin)) for step in STEPS for origin in (HOME, AWAY)], page=9)
        for region in (HOME, AWAY)
    }
    reply, _ = looks(streams)
    assert reply["records"][HOME]["found"] == reply["records"][AWAY]["found"] == FOUND


def test_the_same_record_counts_once_and_another_twice() -> None:
    """Kinesis may hold a record twice, under the id it has; a second write would have another."""
    twice = [record(change("put")), record(change("put"), SINCE_MS + 900), record(change("put", eventID="other"))]
    stream = Stream([*twice, record(change("update")), record(change("delete"))], page=9)
    reply, _ = looks({HOME: stream})
    assert set(reply["records"][HOME]["found"]["put"]) == {"put-reco", "other"}


def test_a_look_that_takes_too_long_begins_no_other_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look over thousands of shards ends in time, and those it left are where they were."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)
    stream = Stream(*([record(change(step))] for step in STEPS))
    after = one_look(stream)
    assert (stream.reads, after["found"]) == (0, {})
    assert after["behind"] == dict.fromkeys(("0", "1", "2"), FROM_MS)


def test_what_is_carried_is_small() -> None:
    """Twenty Regions of a hundred busy shards each need less than 20 KB between two looks."""
    regions = [f"ap-southeast-{number}" for number in range(20)]
    busy = [[record(change("put", AWAY), SINCE_MS + at) for at in range(9)]] * 100
    streams = {region: Stream(*busy) for region in regions}
    aws: Any = SimpleNamespace(kinesis=lambda region: streams[region])
    reply: Any = read_records.run(event(*regions), aws)
    found = {f"shardId-{int(shard):012}": at for shard, at in reply["records"][regions[0]]["behind"].items()}
    records = {region: records_of(behind=found) for region in regions}
    assert len(found) == module.MOST_BEHIND
    assert len(json.dumps(records)) < 20_000
