"""ConfirmCleanup: nothing of a table goes before it is confirmed, ours and unprotected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.confirm_cleanup import confirm_cleanup
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    TABLE,
    THIRD,
    Scenario,
    no_table,
    once,
    ours,
    play,
    replica,
    table,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients


def asked(confirm: str = TABLE) -> Any:
    return once(confirm=confirm)


SCENARIOS = [
    Scenario(
        "The replicas are listed in the order of the request, home left out",
        asked(),
        [*ours(replica()), table(), table(AWAY)],
        {"replicas": [AWAY]},
    ),
    Scenario(
        "A replica that nobody recorded is listed too",
        asked(),
        [*ours(replica(THIRD), replica()), table(), table(THIRD), table(AWAY)],
        {"replicas": [AWAY, THIRD]},
    ),
    Scenario(
        "What is recorded is gone through, also when the table is gone", asked(), [no_table()], {"replicas": [AWAY]}
    ),
    *(
        Scenario(
            f"Nothing goes without the right confirmation ({confirm or 'none'})",
            asked(confirm),
            ours(replica(THIRD)),
            raises="ConfirmationMissing",
            says=[
                (
                    "cleanup deletes orders with all its data and streams in us-east-1, eu-west-1, ap-southeast-1. "
                    'Start it with "confirm": "orders" if you want that. Nothing was removed.'
                )
            ],
        )
        for confirm in ("", "Orders", "eu-west-1", "True")
    ),
    Scenario(
        "Every Region with deletion protection is named",
        asked(),
        [*ours(replica()), table(DeletionProtectionEnabled=True), table(AWAY, DeletionProtectionEnabled=True)],
        raises="DeletionProtected",
        says=["orders is protected from deletion in us-east-1, eu-west-1. Provision it with"],
    ),
    Scenario("A foreign table is left as it is", asked(), [table(), tags(HOME, team="MARKED")], raises="NotOurs"),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_confirm_cleanup(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(confirm_cleanup, scenario, aws)
