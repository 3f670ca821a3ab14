"""SummarizeRedelivery: each Region's counts, and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared.redelivery import START
from tasks.summarize_redelivery import summarize_redelivery
from tests.unit.tasks.scenarios import AWAY, HOME, THIRD, Scenario, once, play

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients


def outcome(region: str, **progress: Any) -> dict[str, Any]:
    return {"region": region, "progress": {**START, "looks": 1, **progress}}


def counts(**found: int) -> dict[str, Any]:
    return {"objects": 0, "records": 0, "redelivered": 0, "failing": 0, "foreign": 0, "untried": 0, **found}


SCENARIOS = [
    Scenario(
        "Each Region has its counts, and all of them their sums",
        once(
            pending=[THIRD],
            outcomes=[
                outcome(HOME, objects=2, redelivered=5, failing=1, missing=["changes"]),
                outcome(AWAY, objects=3, redelivered=2, foreign=1, untried=4),
            ],
        ),
        reply={
            "table": "orders",
            "pending": [THIRD],
            "total": counts(objects=5, records=8, redelivered=7, failing=1, foreign=1, untried=4),
            "redelivery": [
                {
                    "region": HOME,
                    **counts(objects=2, records=6, redelivered=5, failing=1),
                    "missing": ["changes"],
                },
                {"region": AWAY, **counts(objects=3, records=2, redelivered=2, foreign=1, untried=4), "missing": []},
            ],
        },
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_summarize_redelivery(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer."""
    play(summarize_redelivery, scenario, aws)
