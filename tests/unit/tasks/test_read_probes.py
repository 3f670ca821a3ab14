"""ReadProbes: each Region is looked at once, and what it has seen is timed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.read_probes import LOOKS_AT_ONCE, read_probes
from tasks.shared import probes
from tasks.shared.waiting import timestamp
from tests.unit.tasks.fakes import StubbedClients
from tests.unit.tasks.scenarios import (
    AWAY,
    EXECUTION,
    HOME,
    REQUEST,
    TABLE,
    THIRD,
    Scenario,
    dynamodb,
    play,
    refuse,
)
from tests.unit.tasks.streamed import NOW

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer

RUN = "0123456789abcdef"
START = 1_800_000_000_000  # milliseconds since 1970: the moment of every write, in a future that no clock has reached


def written(step: str = "put", *, looks: int = 0, seen: Any = None, written_at: int = 0) -> dict[str, Any]:
    return {
        "run": RUN,
        "step": step,
        "written_at": dict.fromkeys((HOME, AWAY, THIRD), written_at),
        "seen": seen or {},
        "looks": looks,
        "began": timestamp(NOW),
    }


def event(given: dict[str, Any], *regions: str, deadline: int = 3_600, poll: int = 2) -> Any:
    return {
        "table": TABLE,
        "request": {**REQUEST, "validation": {"deadline_seconds": deadline, "poll_seconds": poll}},
        "regions": list(regions),
        "probes": given,
        "execution": {"Id": EXECUTION},
        "state": {"Name": "ReadProbes"},
    }


def asked(*origins: str) -> dict[str, Any]:
    return {
        TABLE: {
            "Keys": [probes.key(REQUEST, RUN, origin) for origin in origins],
            "ConsistentRead": True,
            "ProjectionExpression": "#origin, #marker, #step",
            "ExpressionAttributeNames": {"#origin": probes.ORIGIN, "#marker": probes.MARKER, "#step": probes.STEP},
        }
    }


def probe(origin: str, step: str = "put", run: str = RUN) -> dict[str, Any]:
    return {probes.ORIGIN: {"S": origin}, probes.MARKER: {"S": run}, probes.STEP: {"S": step}}


def holds(region: str, *found: dict[str, Any], origins: tuple[str, ...] = (HOME, AWAY), left_out: Any = None) -> Answer:
    """BatchGetItem answers with these items, having been asked for every origin's probe."""
    response = {"Responses": {TABLE: list(found)}, **({"UnprocessedKeys": left_out} if left_out else {})}
    return dynamodb(region, "batch_get_item", response, RequestItems=asked(*origins))


def status(aws: StubbedClients, given: Any, *answers: Answer) -> dict[str, Any]:
    aws.will(*answers)
    reply = read_probes.run(given, aws)
    aws.assert_used_up()
    return dict(reply)


PAIR, OTHER = (HOME, AWAY), (AWAY, HOME)


def latencies(reply: dict[str, Any]) -> set[tuple[str, str]]:
    """The pairs that saw each other."""
    return {
        (origin, reader)
        for origin, pairs in reply["seen"].items()
        for reader, pair in pairs.items()
        if "latency_ms" in pair
    }


BOTH = (probe(HOME), probe(AWAY))

SCENARIOS = [
    Scenario(
        "Every Region has seen every other's write",
        event(written(), HOME, AWAY),
        [holds(HOME, *BOTH), holds(AWAY, *BOTH)],
        {"status": "READY", "looks": 1, "step": "put", "run": RUN},
    ),
    Scenario(
        "A write that has not arrived is looked for again, at once",
        event(written(), HOME, AWAY),
        [holds(HOME, *BOTH), holds(AWAY, probe(AWAY))],
        {"status": "BUSY", "looks": 1, "wait_seconds": 0},
    ),
    Scenario(
        "After the first looks there is a pause between them",
        event(written(looks=LOOKS_AT_ONCE - 1), HOME, AWAY, poll=7),
        [holds(HOME, *BOTH), holds(AWAY)],
        {"status": "BUSY", "looks": LOOKS_AT_ONCE, "wait_seconds": 7},
    ),
    Scenario(
        "An update has arrived when its step is seen",
        event(written("update"), HOME, AWAY),
        [holds(HOME, probe(AWAY, "update")), holds(AWAY, probe(HOME, "update"))],
        {"status": "READY"},
    ),
    Scenario(
        "The put that is still there is not the update",
        event(written("update"), HOME, AWAY),
        [holds(HOME, probe(AWAY, "update")), holds(AWAY, probe(HOME))],
        {"status": "BUSY"},
    ),
    Scenario(
        "A delete has arrived when nothing is seen",
        event(written("delete"), HOME, AWAY),
        [holds(HOME), holds(AWAY)],
        {"status": "READY"},
    ),
    Scenario(
        "An item that is still there is not deleted",
        event(written("delete"), HOME, AWAY),
        [holds(HOME, probe(AWAY, "update")), holds(AWAY)],
        {"status": "BUSY"},
    ),
    Scenario(
        "An item of another run or of an application is no probe of this one",
        event(written(), HOME, AWAY),
        [holds(HOME, probe(AWAY, run="another")), holds(AWAY, {"note": {"S": "MARKED"}})],
        {"status": "BUSY"},
    ),
    Scenario(
        "A table in one Region only is read where it was written",
        event(written(), HOME),
        [holds(HOME, probe(HOME), origins=(HOME,))],
        {"status": "READY"},
    ),
    Scenario(
        "A Region that leaves keys out, as a throttled one does, is asked once a look",
        event(written(), HOME, AWAY),
        [holds(HOME, *BOTH), holds(AWAY, left_out=asked(HOME))],
        {"status": "BUSY"},
    ),
    Scenario(
        "A key that was left out is not an item that is gone",
        event(written("delete"), HOME, AWAY),
        [holds(HOME), holds(AWAY, left_out=asked(HOME))],
        {"status": "BUSY"},
    ),
    Scenario(
        "A refusal of AWS keeps its name and its Region",
        event(written(), HOME, AWAY),
        [
            holds(HOME, *BOTH),
            refuse("dynamodb", AWAY, "batch_get_item", "ProvisionedThroughputExceededException", "hot"),
        ],
        raises="ProvisionedThroughputExceededException",
        says=["AWS refused BatchGetItem in eu-west-1: hot. Start the workflow again"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_read_probes(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(read_probes, scenario, aws)


def began(given: dict[str, Any], seconds: float) -> dict[str, Any]:
    return {**given, "began": timestamp(NOW - timedelta(seconds=seconds))}


class TestDeadline:
    def test_ends_the_looks_with_what_is_missing(self, aws: StubbedClients) -> None:
        """At the deadline the answer is READY, and the pair that did not see lacks its latency."""
        given = event(began(written(looks=100), 61), HOME, AWAY, deadline=60)
        reply = status(aws, given, holds(HOME, *BOTH), holds(AWAY))
        assert reply["status"] == "READY"
        assert latencies(reply) == {OTHER}
        assert set(reply["seen"][HOME][AWAY]) == {"not_before_ms"}

    def test_does_not_end_them_before(self, aws: StubbedClients) -> None:
        """A moment before the deadline the answer is still BUSY, and the pause does not reach beyond it."""
        given = event(began(written(looks=100), 57), HOME, AWAY, deadline=60, poll=30)
        reply = status(aws, given, holds(HOME, *BOTH), holds(AWAY))
        assert (reply["status"], reply["wait_seconds"]) == ("BUSY", 3)

    def test_lets_the_pauses_grow_to_a_tenth(self, aws: StubbedClients) -> None:
        """A long validation looks less and less often."""
        given = event(began(written(looks=100), 450), HOME, AWAY)
        assert status(aws, given, holds(HOME, *BOTH), holds(AWAY))["wait_seconds"] == 45

    def test_of_a_throttled_region_ends_the_looks_too(self, aws: StubbedClients) -> None:
        """A Region that never answers for a key is a pair that did not see."""
        given = event(began(written("delete"), 61), HOME, AWAY, deadline=60)
        reply = status(aws, given, holds(HOME), holds(AWAY, left_out=asked(HOME)))
        assert reply["status"] == "READY"
        assert reply["seen"][HOME] == {AWAY: {}}


class Clock:
    """Stands in for the module ``time``: each call gives the next moment."""

    def __init__(self, *moments: int) -> None:
        self._moments = iter(moments)

    def time_ns(self) -> int:
        return next(self._moments) * 1_000_000


class TestLatency:
    def test_is_nothing_where_the_clocks_run_apart(self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch) -> None:
        """A look that seems to come before the write counts as at once."""
        monkeypatch.setattr("tasks.read_probes.time", Clock(START - 400, START - 350))
        reply = status(aws, event(written(written_at=START), HOME), holds(HOME, origins=(HOME,)))
        assert reply["seen"] == {HOME: {HOME: {"not_before_ms": 0}}}

    def test_is_kept_once_it_is_known(self, aws: StubbedClients) -> None:
        """A later look changes nothing of a pair that has seen."""
        seen = {HOME: {AWAY: {"latency_ms": 5, "not_before_ms": 3}}, AWAY: {HOME: {"not_before_ms": 9}}}
        reply = status(aws, event(written(seen=seen), HOME, AWAY), holds(HOME), holds(AWAY))
        assert reply["seen"][HOME][AWAY] == {"latency_ms": 5, "not_before_ms": 3}

    def test_lies_between_the_last_look_in_vain_and_the_first_that_saw(
        self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both count from the moment the origin had accepted the write."""
        monkeypatch.setattr("tasks.read_probes.time", Clock(START + 400, START + 450))
        seen = {HOME: {HOME: {"not_before_ms": 300}}}
        reply = status(
            aws, event(written(seen=seen, written_at=START), HOME), holds(HOME, probe(HOME), origins=(HOME,))
        )
        assert reply["seen"] == {HOME: {HOME: {"not_before_ms": 300, "latency_ms": 450}}}

    def test_counts_a_look_in_vain_from_when_it_was_asked(
        self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What a Region did not hold when it was asked, it may have held when it answered."""
        monkeypatch.setattr("tasks.read_probes.time", Clock(START + 400, START + 450))
        reply = status(aws, event(written(written_at=START), HOME), holds(HOME, origins=(HOME,)))
        assert reply["seen"] == {HOME: {HOME: {"not_before_ms": 400}}}

    @given(
        clock=st.lists(st.integers(-2_000, 60_000), min_size=8, max_size=8),
        arrives=st.integers(0, 3),
        step=st.sampled_from(["put", "update", "delete"]),
    )
    def test_is_never_below_the_last_look_in_vain(self, clock: list[int], arrives: int, step: str) -> None:
        """Whatever the clocks of the machines that look, the two bounds are in order and not negative."""
        given_: dict[str, Any] = written(step, written_at=START)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("tasks.read_probes.time", Clock(*(START + moment for moment in clock)))
            for look in range(4):
                there = (look < arrives) if step == "delete" else (look >= arrives)
                found = [probe(HOME, step if step != "delete" else "update")] if there else []
                given_ = status(StubbedClients(), event(given_, HOME), holds(HOME, *found, origins=(HOME,)))
        pair = given_["seen"][HOME][HOME]
        assert pair["latency_ms"] >= pair.get("not_before_ms", 0) >= 0
        assert given_["looks"] == 4


@given(st.lists(st.sampled_from([HOME, AWAY, THIRD]), min_size=1, unique=True))
def test_every_ordered_pair_is_judged(regions: list[str]) -> None:
    """Three Regions make six pairs; a single one is its own reader."""
    aws = StubbedClients()
    answers = [holds(region, *map(probe, regions), origins=tuple(regions)) for region in regions]
    reply = status(aws, event(written(), *regions), *answers)
    assert latencies(reply) == set(probes.pairs(regions))
    assert len(latencies(reply)) == max(len(regions) * (len(regions) - 1), 1)
