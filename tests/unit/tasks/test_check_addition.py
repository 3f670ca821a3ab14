"""CheckAddition: what stands in the way of a Region is told before anything is made there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.check_addition import check_addition
from tests.unit.tasks.fakes import Answer
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    REQUEST,
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


def regions(**status: str) -> Answer:
    """DescribeRegions answers with the opt-in status of ours; keys are written with underscores."""
    found = {HOME: "opt-in-not-required", AWAY: "opt-in-not-required", THIRD: "opted-in"}
    found |= {name.replace("_", "-"): value for name, value in status.items()}
    listed = [{"RegionName": name, "OptInStatus": value} for name, value in found.items()]
    return Answer("ec2", HOME, "describe_regions", {"Regions": listed}, params={"AllRegions": True})


WITH_THIRD: dict[str, Any] = {"request": {**REQUEST, "regions": [HOME, AWAY, THIRD]}}

SCENARIOS = [
    Scenario("The home Region can be added", once(HOME), [regions(), *ours()], {"request": REQUEST}),
    Scenario(
        "A Region that is a member can be added again", once(), [regions(), *ours(replica())], {"request": REQUEST}
    ),
    Scenario(
        "A new Region joins the request",
        once(THIRD),
        [regions(), *ours(replica()), no_table(THIRD)],
        WITH_THIRD,
    ),
    Scenario(
        "A replica that is still going away is left to AddReplica, which waits",
        once(),
        [regions(), *ours(), table(AWAY, status="DELETING")],
        {"request": REQUEST},
    ),
    Scenario(
        "A replica that another execution is adding is no foreign table",
        once(),
        [regions(), *ours(), table(AWAY, status="CREATING")],
        {"request": REQUEST},
    ),
    Scenario(
        "A foreign table in the Region is in the way",
        once(),
        [regions(), *ours(), table(AWAY)],
        raises="NotOurs",
        says=["A table named orders exists in eu-west-1: it is no replica of orders in us-east-1"],
    ),
    Scenario(
        "A foreign home table is in the way",
        once(),
        [regions(), table(), tags(HOME, team="MARKED")],
        raises="NotOurs",
        says=["in us-east-1: it lacks the tag meridian:table=orders"],
    ),
    Scenario(
        "A table that is gone has no Region to add",
        once(),
        [regions(), no_table()],
        raises="DeploymentNotFound",
        says=["The table orders does not exist in us-east-1. Start provision with its request"],
    ),
    Scenario(
        "A Region that the account has not enabled is refused",
        once(THIRD),
        [regions(ap_southeast_1="not-opted-in")],
        raises="RequestInvalid",
        says=["Not enabled in this account: ap-southeast-1. Enable it", "Nothing was created."],
    ),
    Scenario(
        "A Region that does not exist is refused before AWS is asked",
        once("eu-west-9"),
        raises="RequestInvalid",
        says=["region: 'eu-west-9' is no Region in which DynamoDB runs; did you mean", "? Nothing was created."],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_check_addition(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(check_addition, scenario, aws)


def test_the_request_that_was_given_is_not_changed(aws: StubbedClients) -> None:
    """The Region joins a copy: a warm function keeps nothing of the run before."""
    aws.will(regions(), *ours(), no_table(THIRD))
    check_addition.run(once(THIRD), aws)
    assert REQUEST["regions"] == [HOME, AWAY]
