"""RecordRegion: a Region becomes a member, planned or complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.record_region import record_region
from tests.unit.tasks.scenarios import AWAY, HOME, RECORD, Scenario, made, once, overwritten, parameter, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

NAME = f"{RECORD}/{AWAY}"
PLANNED = json.dumps({"region": AWAY, "stage": "PLANNED"})
ACTIVE = json.dumps({"region": AWAY, "stage": "ACTIVE"})


def reply(stage: str) -> dict[str, Any]:
    return {"table": "orders", "region": AWAY, "stage": stage}


SCENARIOS = [
    Scenario(
        "A new Region is planned", once(stage="PLANNED"), [parameter(NAME), made(NAME, PLANNED)], reply("PLANNED")
    ),
    Scenario("A planned Region stays planned", once(stage="PLANNED"), [parameter(NAME, PLANNED)], reply("PLANNED")),
    Scenario(
        "A complete Region is not planned again", once(stage="PLANNED"), [parameter(NAME, ACTIVE)], reply("PLANNED")
    ),
    Scenario(
        "A Region that another execution completed a moment ago is not planned again",
        once(stage="PLANNED"),
        [parameter(NAME), refuse("ssm", HOME, "put_parameter", "ParameterAlreadyExists", "exists")],
        reply("PLANNED"),
    ),
    Scenario(
        "A planned Region becomes complete",
        once(stage="ACTIVE"),
        [parameter(NAME, PLANNED), overwritten(NAME, ACTIVE)],
        reply("ACTIVE"),
    ),
    Scenario("A complete Region stays complete", once(stage="ACTIVE"), [parameter(NAME, ACTIVE)], reply("ACTIVE")),
    Scenario(
        "A Region can be complete at once",
        once(stage="ACTIVE"),
        [parameter(NAME), made(NAME, ACTIVE)],
        reply("ACTIVE"),
    ),
    Scenario(
        "A Region that another execution planned a moment ago becomes complete",
        once(stage="ACTIVE"),
        [
            parameter(NAME),
            refuse("ssm", HOME, "put_parameter", "ParameterAlreadyExists", "exists"),
            overwritten(NAME, ACTIVE),
        ],
        reply("ACTIVE"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_record_region(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(record_region, scenario, aws)
