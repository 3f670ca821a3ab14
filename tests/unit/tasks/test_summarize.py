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
from tasks.summarize import MOST_PAIRS_NAMED, summarize
from tests.unit.tasks.scenarios import AWAY, EXECUTION, HOME, THIRD, Scenario, play

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

STEPS = ("put", "update", "delete")


def step(name: str, **seen: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The last reply of ReadProbes; Regions are written with underscores."""
    found = {
        origin.replace("_", "-"): {reader.replace("_", "-"): pair for reader, pair in pairs.items()}
        for origin, pairs in seen.items()
    }
    return {"run": "r", "step": name, "written_at": {}, "seen": found, "looks": 3, "began": "2026-11-21T00:00:00Z"}


def event(steps: list[dict[str, Any]], *regions: str, **more: Any) -> Any:
    return {
        "table": "orders",
        "regions": list(regions or (HOME, AWAY)),
        "pending": [],
        "deadline_seconds": 60,
        "steps": steps,
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
        raises="ValidationFailed",
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
        raises="ValidationFailed",
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
        raises="ValidationFailed",
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
            raises="ValidationFailed",
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


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_summarize(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and AWS is never asked."""
    play(summarize, scenario, aws)


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
    if missing:
        with pytest.raises(ValidationFailed, match=f"^{len(missing)} of {len(asked)} checks") as raised:
            summarize.run(event(steps, *regions), Clients())
        assert str(raised.value).count("did not see") == min(len(missing), MOST_PAIRS_NAMED)
        assert ("more" in str(raised.value)) == (len(missing) > MOST_PAIRS_NAMED)
    else:
        reply = summarize.run(event(steps, *regions), Clients())
        assert (reply["passed"], len(reply["checks"])) == (len(asked), len(asked))
        assert {(origin, reader) for origin, row in reply["latency_ms"].items() for reader in row} == set(pairs)
