"""Summarize: every check, the matrix of latencies, and the verdict in one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import probes
from tasks.shared.clients import Clients
from tasks.shared.errors import ValidationFailed
from tasks.summarize import MOST_NAMED, summarize
from tests.unit.tasks.scenarios import AWAY, EXECUTION, HOME, THIRD, Scenario, play
from tests.unit.tasks.streamed import BARE, SINCE_MS, STREAMED, UNORIGINATED, all_events, records_of, streaming

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

STEPS = ("put", "update", "delete")
BEGAN = "2026-11-21T00:00:00Z"


def step(name: str, **seen: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The last reply of ReadProbes; Regions are written with underscores."""
    found = {
        origin.replace("_", "-"): {reader.replace("_", "-"): pair for reader, pair in pairs.items()}
        for origin, pairs in seen.items()
    }
    written_at = dict.fromkeys(found, SINCE_MS)
    return {"run": "r", "step": name, "written_at": written_at, "seen": found, "looks": 3, "began": BEGAN}


def event(steps: list[dict[str, Any]], *regions: str, request: Any = BARE, **more: Any) -> Any:
    return {
        "table": "orders",
        "home": HOME,
        "request": {**request, "validation": {"deadline_seconds": 60, "streaming_deadline_seconds": 300}},
        "regions": list(regions or (HOME, AWAY)),
        "pending": [],
        "steps": steps,
        "streaming": streaming(),
        "error": {},
        "execution": {"Id": EXECUTION},
        "state": {"Name": "Summarize"},
        **more,
    }


def caught(cause: str, error: str = "AccessDeniedException") -> Any:
    return event([], error={"Error": error, "Cause": cause})


FINE = [
    step(
        name,
        us_east_1={"eu_west_1": {"latency_ms": 900 + at, "not_before_ms": 700}},
        eu_west_1={"us_east_1": {"latency_ms": 40 + at}},
    )
    for at, name in enumerate(STEPS)
]


def check(name: str, origin: str, reader: str, latency: int, not_before: int | None) -> dict[str, Any]:
    return {
        "check": name,
        "origin": origin,
        "reader": reader,
        "passed": True,
        "latency_ms": latency,
        "not_before_ms": not_before,
    }


NOTHING_SEEN: Any = dict.fromkeys(("records", "record_latency_ms", "events", "event_latency_ms", "metrics"))
OWN_WRITES_SEEN = {
    "records": 3,
    "record_latency_ms": 500,
    "events": 3,
    "event_latency_ms": 800,
    "metrics": 3,
}


def of_both(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {region: {**row, **more} for region in (HOME, AWAY)}


def seen(*regions: str, everywhere: bool = False, **parts: Any) -> Any:
    """Everything that the streaming of these Regions can show."""
    whole: dict[str, Any] = {
        "records": dict.fromkeys(regions or (HOME, AWAY), records_of()),
        "metrics": dict.fromkeys(regions or (HOME, AWAY), 3),
        "events": all_events(regions or (HOME, AWAY), everywhere=everywhere),
    }
    return streaming(**{**whole, **parts})


def streamed(request: Any = STREAMED, **parts: Any) -> Any:
    return event(FINE, request=request, streaming=seen(**parts))


def without(step: str, events: Any, region: str = AWAY) -> Any:
    ids = {origin: dict(steps) for origin, steps in events["ids"].items()}
    del ids[region][step]
    return {**events, "ids": ids}


LOOK_BEHIND = (
    "See what the streaming of those Regions lacks (`deploy.py status`), what the processors say (log group "
    "/meridian/orders-"
)

SCENARIOS = [
    Scenario(
        "Every pair of Regions is checked at every step, and the matrix is that of the put",
        event(FINE, pending=[THIRD]),
        reply={
            "table": "orders",
            "regions": [HOME, AWAY],
            "pending": [THIRD],
            "passed": 6,
            "failed": 0,
            "checks": [
                each
                for at, name in enumerate(STEPS)
                for each in (check(name, HOME, AWAY, 900 + at, 700), check(name, AWAY, HOME, 40 + at, None))
            ],
            "latency_ms": {HOME: {AWAY: 900}, AWAY: {HOME: 40}},
            "streaming": of_both(NOTHING_SEEN),
        },
    ),
    Scenario(
        "A table in one Region only is read where it was written",
        event([step(name, us_east_1={"us_east_1": {"latency_ms": 5}}) for name in STEPS], HOME),
        reply={"passed": 3, "failed": 0, "latency_ms": {HOME: {HOME: 5}}},
    ),
    Scenario(
        "A Region that did not see another in time is named with the step and the deadline",
        event(
            [
                FINE[0],
                step(
                    "update",
                    us_east_1={"eu_west_1": {"not_before_ms": 60_100}},
                    eu_west_1={"us_east_1": {"latency_ms": 1}},
                ),
                FINE[2],
            ]
        ),
        says=[
            (
                "1 of 6 checks of orders failed within 60 s: eu-west-1 did not see the update from us-east-1. See "
                "what those "
            ),
            "The probes were deleted.",
        ],
    ),
    Scenario(
        "A pair that was never looked at has failed",
        event([FINE[0], FINE[1], step("delete")]),
        says=[
            (
                "2 of 6 checks of orders failed within 60 s: eu-west-1 did not see the delete from us-east-1; "
                "us-east-1 did not see the delete from eu-west-1."
            )
        ],
    ),
    Scenario(
        "What broke a validation off is told in its own words",
        caught(
            json.dumps({"errorMessage": "AWS refused PutItem in eu-west-1: no.", "errorType": "x", "stackTrace": []})
        ),
        says=[
            (
                "The validation of orders broke off: AccessDeniedException: AWS refused PutItem in eu-west-1: no. "
                "Mend that, "
            ),
            "then start validate again. The probes were deleted wherever that was possible.",
        ],
    ),
    *(
        Scenario(
            f"What is caught need not be JSON ({cause!r})",
            caught(cause, "States.Timeout"),
            says=[f"The validation of orders broke off: {told}. Mend that, then start validate again."],
        )
        for cause, told in (
            ("", "States.Timeout"),
            ("The task timed out.", "States.Timeout: The task timed out"),
            ("5", "States.Timeout: 5"),
            ("[]", "States.Timeout: []"),
        )
    ),
]


SCENARIOS += [
    Scenario(
        "What the streaming of each Region showed is checked and told, and nothing that the request does not make",
        streamed(),
        reply={"passed": 14, "failed": 0, "streaming": of_both(OWN_WRITES_SEEN)},
    ),
    Scenario(
        "Kinesis alone is checked alone",
        streamed({**BARE, "kinesis": {}}, metrics={}, events={"ids": {}, "sent_ms": {}}),
        reply={"passed": 8, "streaming": of_both(NOTHING_SEEN, records=3, record_latency_ms=500)},
    ),
    Scenario(
        "Without an origin every Region has every event, with equal ids",
        streamed(UNORIGINATED, everywhere=True),
        reply={"passed": 14, "streaming": of_both(OWN_WRITES_SEEN, events=6)},
    ),
    Scenario(
        "What a Region's stream did not show is named by its steps, with what to look at",
        streamed(records={HOME: records_of(), AWAY: records_of(found={"put": {"id": SINCE_MS}})}),
        says=[
            (
                "1 of 14 checks of orders failed within 60 s (streaming: 300 s): eu-west-1 did not see the Kinesis "
                f"record of its update and delete. {LOOK_BEHIND}"
            ),
            "/processors) and what they gave up on (bucket meridian-orders-",
            "-123456789012-REGION), then start validate again. The probes were deleted.",
        ],
    ),
    Scenario(
        "A count that is too low is told",
        streamed(metrics={HOME: 3, AWAY: 1}),
        says=["1 of 14 checks of orders", "eu-west-1 counted 1 instead of 3 in the metric Probes. See"],
    ),
    Scenario(
        "An event that did not come is told, and that it is not one",
        streamed(events=without("update", all_events())),
        says=[
            "2 of 14 checks of orders",
            (
                "eu-west-1 did not see the event of its update; "
                "the writes from eu-west-1 are not one event each (update: none). See"
            ),
        ],
    ),
    Scenario(
        "With an origin, an event that other Regions publish too is one too many",
        streamed(everywhere=True),
        says=[
            "2 of 14 checks",
            "the writes from us-east-1 are not one event each (put: 1 in us-east-1 and eu-west-1,",
        ],
    ),
    Scenario(
        "A write that made two events in one Region is told",
        streamed(
            events={
                **all_events(),
                "ids": {**all_events()["ids"], HOME: {**all_events()["ids"][HOME], "put": {"a": [0], "b": [0]}}},
            }
        ),
        says=["1 of 14 checks", "the writes from us-east-1 are not one event each (put: 2 in us-east-1). See"],
    ),
    Scenario(
        "Without an origin, a Region that has not the event of another is told",
        streamed(UNORIGINATED),
        says=["the writes from us-east-1 are not one event each (put: 1 in us-east-1, update: 1 in us-east-1,"],
    ),
    Scenario(
        "Where replication and streaming failed, both remedies are told",
        event([FINE[0], FINE[1], step("delete")], request=STREAMED, streaming=seen(metrics={})),
        says=["4 of 14 checks", "metric ReplicationLatency). See what the streaming of those Regions lacks"],
    ),
    Scenario(
        "What broke the streaming off does not hide that replication is well",
        event(FINE, request=STREAMED, error={"Error": "AccessDenied", "Cause": "no"}),
        says=[
            (
                "The validation of orders broke off after 6 of 6 checks of replication had passed: AccessDenied: no. "
                "Mend that, then start validate again."
            )
        ],
    ),
    Scenario(
        "Nor does it hide what replication lacks",
        event(
            [FINE[0], FINE[1], step("delete", us_east_1={"eu_west_1": {"latency_ms": 1}})],
            request=STREAMED,
            error={"Error": "AccessDenied", "Cause": "no"},
        ),
        says=[
            "after 5 of 6 checks of replication had passed (us-east-1 did not see the delete from eu-west-1): Access"
        ],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_summarize(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, AWS is never asked, and only what failed is told as a failure."""
    play(summarize, scenario, aws)
    reply = summarize.run(scenario.moment(), aws)  # type: ignore[arg-type]
    for part in scenario.says:
        assert part in told(reply)
    assert bool(reply["failure"]) == bool(reply["remedy"]) == bool(scenario.says)


def told(verdict: Any) -> str:
    """What PublishValidation tells a person."""
    return str(ValidationFailed(verdict["failure"], remedy=verdict["remedy"]))


def test_what_failed_comes_with_all_that_was_seen() -> None:
    """The reply of a failed validation holds its checks and its latencies, as that of one that passed does."""
    reply = summarize.run(event([FINE[0], FINE[1], step("delete")]), Clients())
    assert (reply["passed"], reply["failed"], len(reply["checks"])) == (4, 2, 6)
    assert reply["latency_ms"] == {HOME: {AWAY: 900}, AWAY: {HOME: 40}}
    assert [one["check"] for one in reply["checks"] if not one["passed"]] == ["delete", "delete"]


REGIONS = st.lists(st.sampled_from([HOME, AWAY, THIRD, "ap-south-1", "sa-east-1"]), min_size=1, unique=True)


@given(regions=REGIONS, data=st.data())
def test_the_numbers_add_up(regions: list[str], data: st.DataObject) -> None:
    """Every ordered pair is checked at every step, and the verdict counts the pairs that lack a latency."""
    pairs = probes.pairs(regions)
    asked = [(name, *pair) for name in STEPS for pair in pairs]
    missing = data.draw(st.lists(st.sampled_from(asked), unique=True))
    steps = []
    for name in STEPS:
        seen: dict[str, dict[str, Any]] = {origin: {} for origin in regions}
        for origin, reader in pairs:
            seen[origin][reader] = {} if (name, origin, reader) in missing else {"latency_ms": 1}
        steps.append({**step(name), "seen": seen})
    reply = summarize.run(event(steps, *regions), Clients())
    assert (reply["passed"], reply["failed"]) == (len(asked) - len(missing), len(missing))
    assert {(origin, reader) for origin, row in reply["latency_ms"].items() for reader in row} == set(pairs)
    if missing:
        assert reply["failure"].startswith(f"{len(missing)} of {len(asked)} checks")
    assert reply["failure"].count("did not see") == min(len(missing), MOST_NAMED)
    assert ("more" in reply["failure"]) == (len(missing) > MOST_NAMED)


def test_the_clocks_of_two_services_make_no_latency_negative() -> None:
    """A record that seems to have come before its write was accepted came at once."""
    steps = [{**one, "written_at": dict.fromkeys((HOME, AWAY), SINCE_MS + 9_000)} for one in FINE]
    reply = summarize.run(event(steps, request=STREAMED, streaming=seen()), Clients())
    assert {row["record_latency_ms"] for row in reply["streaming"].values()} == {0}
    assert {row["event_latency_ms"] for row in reply["streaming"].values()} == {0}


def test_the_result_of_twenty_regions_fits_into_a_state() -> None:
    """Step Functions takes 256 KB; the result stays below 200."""
    regions = [f"ap-southeast-{number}" for number in range(10, 30)]
    pair = {"latency_ms": 12_345, "not_before_ms": 12_345}
    row = {origin: {reader: pair for reader in regions if reader != origin} for origin in regions}
    steps = [{**step(name), "seen": row, "written_at": dict.fromkeys(regions, SINCE_MS)} for name in STEPS]
    found = seen(*regions, everywhere=True)
    reply = summarize.run(event(steps, *regions, request=UNORIGINATED, streaming=found), Clients())
    assert reply["passed"] == 3 * 20 * 19 + 4 * 20
    assert len(json.dumps(reply)) < 200_000
