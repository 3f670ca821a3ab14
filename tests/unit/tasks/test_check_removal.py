"""CheckRemoval: what forbids a removal is told before anything is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.check_removal import check_removal
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    THIRD,
    Scenario,
    no_stream,
    no_table,
    once,
    ours,
    play,
    replica,
    stream,
    stream_tags,
    table,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

ALLOWED = {"region": AWAY}


def asked(region: str = AWAY, confirm: str = AWAY) -> Any:
    return once(region, confirm=confirm)


SCENARIOS = [
    Scenario(
        "A confirmed member may go, with its stream",
        asked(),
        [*ours(replica()), table(AWAY), stream(), stream_tags()],
        ALLOWED,
    ),
    Scenario(
        "A Region that is recorded and half gone may go again",
        asked(),
        [*ours(), no_stream()],
        ALLOWED,
    ),
    Scenario("A Region of a table that is gone may go", asked(), [no_table(), no_stream()], ALLOWED),
    Scenario(
        "A member that is not recorded may go",
        asked(THIRD, THIRD),
        [*ours(replica(THIRD)), table(THIRD), no_stream(THIRD)],
        {"region": THIRD},
    ),
    Scenario(
        "The home Region goes last, with cleanup",
        asked(HOME, HOME),
        raises="ChangeRefused",
        says=["us-east-1 is the home Region of orders. It goes last, with the table: start cleanup"],
    ),
    Scenario(
        "A Region that is no member is refused with those that are",
        asked(THIRD, THIRD),
        ours(replica()),
        raises="DeploymentNotFound",
        says=["ap-southeast-1 is not a Region of orders. Its Regions are us-east-1, eu-west-1."],
    ),
    *(
        Scenario(
            f"Data does not go without the right confirmation ({confirm or 'none'})",
            asked(AWAY, confirm),
            ours(replica()),
            raises="ConfirmationMissing",
            says=[
                (
                    "remove-region deletes the copy of orders and its Kinesis stream in eu-west-1. "
                    'Start it with "confirm": "eu-west-1" if you want that. Nothing was removed.'
                )
            ],
        )
        for confirm in ("", "orders", "EU-WEST-1", "True")
    ),
    Scenario(
        "Deletion protection in the Region is respected",
        asked(),
        [*ours(replica()), table(AWAY, DeletionProtectionEnabled=True)],
        raises="DeletionProtected",
        says=[
            (
                "orders is protected from deletion in eu-west-1. Provision it with `deletion_protection: false` first. "
                "Nothing was removed there."
            )
        ],
    ),
    Scenario(
        "A foreign table is left as it is",
        asked(),
        [table(), tags(HOME, team="MARKED")],
        raises="NotOurs",
    ),
    Scenario(
        "A foreign stream is left as it is",
        asked(),
        [*ours(replica()), table(AWAY), stream(), stream_tags(team="MARKED")],
        raises="NotOurs",
        says=[
            "A Kinesis stream named meridian-orders-",
            " exists in eu-west-1: it lacks the tag meridian:table=orders",
            "if it must stay, remove the rest by hand",
        ],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_check_removal(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(check_removal, scenario, aws)
