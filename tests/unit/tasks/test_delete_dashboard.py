"""DeleteDashboard: ours goes, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.delete_dashboard import delete_dashboard
from tests.unit.tasks.scenarios import HOME, Scenario, once, play, refuse
from tests.unit.tasks.test_publish_dashboard import FOREIGN, NAME, PLAIN, found, gone, nothing

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

SCENARIOS = [
    Scenario("Ours goes", once(), [found(PLAIN), gone()], {"dashboard": NAME, "deleted": True}),
    Scenario("One that is gone is no error", once(), [nothing()], {"deleted": False}),
    Scenario(
        "One that another execution deleted since the look is gone",
        once(),
        [
            found(PLAIN),
            refuse("cloudwatch", HOME, "delete_dashboards", "DashboardNotFoundError", DashboardNames=[NAME]),
        ],
        {"deleted": False},
    ),
    *(
        Scenario(f"Somebody else's stays: {body}", once(), [found(body)], {"deleted": False})
        for body in (
            FOREIGN,
            "no JSON",
            "[]",
            '{"widgets": [{"type": "text"}]}',
            PLAIN.replace("=orders`", "=orders2`"),
        )
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.claim[:60])
def test_delete_dashboard(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_dashboard, scenario, aws)
