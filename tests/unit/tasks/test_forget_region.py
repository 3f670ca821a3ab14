"""ForgetRegion: a Region of which nothing is left leaves the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.forget_region import forget_region
from tests.unit.tasks.scenarios import AWAY, RECORD, Scenario, once, play, ssm

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

NAME = f"{RECORD}/{AWAY}"
REPLY = {"table": "orders", "removed": AWAY}

SCENARIOS = [
    Scenario(
        "The Region's parameter goes",
        once(),
        [ssm("delete_parameters", {"DeletedParameters": [NAME]}, Names=[NAME])],
        REPLY,
    ),
    Scenario(
        "A parameter that is gone is no error",
        once(),
        [ssm("delete_parameters", {"InvalidParameters": [NAME]}, Names=[NAME])],
        REPLY,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_forget_region(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(forget_region, scenario, aws)
